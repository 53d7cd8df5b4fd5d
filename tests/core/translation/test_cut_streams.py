from tianji_core.translation.cut_streams import cut_stream


def test_a_cut_stream_names_its_provider_and_says_what_is_billed() -> None:
    error = cut_stream("acme")
    assert (error.provider, error.message) == ("acme", "acme ended the stream before its final event")
    assert error.hint is not None
    assert "billed" in error.hint
