"""What OpenAI's completions and embeddings take as input: one text, several, one list of token ids, or several. Both directions."""

from tianji_core.wire.fields import Fields

Texts = tuple[str, ...]
TokenLists = tuple[tuple[int, ...], ...]


def take_inputs(body: Fields, name: str, *, most: int | None = None) -> tuple[Texts | TokenLists, bool]:
    """Take the field; return its inputs, and whether the wire had one bare input instead of a list.

    Raises:
        InvalidRequestError: it is missing, empty, mixed, of another type, or has more than `most` inputs.
    """
    value = body.values.pop(name, None)
    body.required(name, value)
    if isinstance(value, str):
        return (value,), True
    if not isinstance(value, list):
        raise body.wrong_type(name, "a string or an array", value)
    if not value:
        raise body.invalid(name, "expected at least one input")
    if most is not None and len(value) > most and not _is_token(value[0]):
        raise body.invalid(name, f"expected at most {most} inputs, but got {len(value)}")
    if isinstance(value[0], str):
        return tuple(_text(body, name, position, item) for position, item in enumerate(value)), False
    if _is_token(value[0]):
        return (_tokens(body, name, value),), True
    return tuple(_token_list(body, name, position, item) for position, item in enumerate(value)), False


def wire_inputs(inputs: Texts | TokenLists, *, single: bool) -> object:
    """Return the field's value in the form that it came in."""
    return inputs[0] if single and len(inputs) == 1 else inputs


def _text(body: Fields, name: str, position: int, item: object) -> str:
    if not isinstance(item, str):
        raise body.wrong_type(_at(body, name, position), "a string", item)
    return item


def _token_list(body: Fields, name: str, position: int, item: object) -> tuple[int, ...]:
    at = _at(body, name, position)
    if not isinstance(item, list):
        raise body.wrong_type(at, "a string or an array of token ids", item)
    if not item:
        raise body.invalid(at, "expected at least one token")
    return _tokens(body, at, item)


def _tokens(body: Fields, name: str, items: list[object]) -> tuple[int, ...]:
    tokens: list[int] = []
    for position, item in enumerate(items):
        if not isinstance(item, int) or isinstance(item, bool):
            raise body.wrong_type(_at(body, name, position), "an integer", item)
        if item < 0:
            raise body.invalid(_at(body, name, position), "a token id is not negative")
        tokens.append(item)
    return tuple(tokens)


def _is_token(item: object) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _at(body: Fields, name: str, position: int) -> str:
    return f"{name}.{body.index.format(position)}"
