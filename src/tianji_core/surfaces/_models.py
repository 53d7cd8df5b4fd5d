"""The model list on the wire. Sources: OpenAI's `Model`, Anthropic's `ModelInfo` types."""

from collections.abc import Sequence

_CREATED = 1677610602
_CREATED_AT = "2023-02-28T18:56:42Z"


def openai_model(name: str) -> dict[str, object]:
    """Return one model as OpenAI lists it. Nobody knows when a group was made: the date is a constant."""
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "openai"}


def anthropic_model(name: str) -> dict[str, object]:
    """Return one model as Anthropic lists it."""
    return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED_AT}


def model_list(names: Sequence[str], *, anthropic: bool) -> dict[str, object]:
    """Return the whole list."""
    if not anthropic:
        return {"object": "list", "data": [openai_model(name) for name in names]}
    return {
        "data": [anthropic_model(name) for name in names],
        "has_more": False,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }


def one_model(name: str, *, anthropic: bool) -> dict[str, object]:
    """Return one model."""
    return anthropic_model(name) if anthropic else openai_model(name)
