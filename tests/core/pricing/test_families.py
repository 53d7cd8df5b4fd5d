from tianji_core.pricing.families import family_of, token_factor


def test_a_provider_without_a_row_has_the_widest_picture() -> None:
    assert family_of("somebody").image_tokens("m", "low") == 5_000


def test_small_models_of_openai_count_pictures_dearer() -> None:
    family = family_of("openai")
    assert family.image_tokens("gpt-4o-mini-2024-07-18", None) == 50_000
    assert family.image_tokens("gpt-4o", "low") < family.image_tokens("gpt-4o", "high")


def test_counts_are_raised_where_the_encoding_is_not_the_models_own() -> None:
    assert token_factor("gpt-5.2") == (1, 1)
    assert token_factor("openai/gpt-oss-120b") == (1, 1)
    assert token_factor("ft:gpt-4o:acme::1") == (1, 1)
    assert token_factor("claude-sonnet-4-5") == (3, 2)
