"""The model list in both vendors' shapes."""

from tianji_core.surfaces._models import model_list, one_model


def test_openai_clients_get_openais_list() -> None:
    value = model_list(["a", "b"], anthropic=False)
    assert value["object"] == "list"
    assert [model["id"] for model in value["data"]] == ["a", "b"]  # type: ignore[attr-defined]
    assert one_model("a", anthropic=False)["object"] == "model"


def test_anthropic_clients_get_a_page() -> None:
    value = model_list(["a", "b"], anthropic=True)
    assert (value["has_more"], value["first_id"], value["last_id"]) == (False, "a", "b")
    assert one_model("a", anthropic=True)["type"] == "model"
    assert model_list([], anthropic=True)["first_id"] is None
