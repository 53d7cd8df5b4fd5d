"""Content blocks of Anthropic's messages, both directions. Source: Anthropic's Python SDK, content block and block parameter types."""

from collections.abc import Mapping, Sequence

from tianji_core.calls.chat import File, Image, Json, Opaque, Part, RedactedThinking, Rest, Text, Thinking, ToolCall
from tianji_core.wire.fields import Fields
from tianji_core.wire.json import encode

DIALECT = "anthropic_messages"

_BILLING_MARK = "x-anthropic-billing-header:"


def rest_of(values: Mapping[str, object]) -> Rest | None:
    """Return what is left of an object, or None when nothing is; null says nothing."""
    kept = {name: value for name, value in values.items() if value is not None}
    return Rest(DIALECT, kept) if kept else None


def with_rest(value: dict[str, object], rest: Rest | None) -> dict[str, object]:
    """Return an object with the fields that our own dialect left in `rest`; objects on both sides are joined."""
    for name, left in (rest.of(DIALECT) if rest is not None else {}).items():
        known = value.get(name)
        value[name] = {**left, **known} if isinstance(known, dict) and isinstance(left, dict) else left
    return value


def decode_block(fields: Fields, value: Json) -> Part:
    """Return the part of one block; `value` is the block whole, kept so where it is of a kind that we do not translate.

    Raises:
        InvalidRequestError: a field of a known kind is missing or has the wrong type.
    """
    kind = fields.text("type")
    fields.required("type", kind)
    match kind:
        case "text":
            return _decode_text(fields, value)
        case "image":
            return _decode_image(fields, value)
        case "document":
            return _decode_document(fields, value)
        case "tool_use":
            return _decode_tool_use(fields)
        case "thinking":
            text = fields.required_text("thinking")
            return Thinking(text=text, signature=fields.text("signature") or None, rest=rest_of(fields.values))
        case "redacted_thinking" if len(fields.values) == 1:
            return RedactedThinking(data=fields.required_text("data"))
        case _:
            return Opaque(dialect=DIALECT, value=value)


def _decode_text(fields: Fields, value: Json) -> Part:
    text = fields.required_text("text")
    if text.startswith(_BILLING_MARK):  # a client's note to Anthropic alone
        return Opaque(dialect=DIALECT, value=value)
    citations = tuple(fields.objects("citations")) if fields.values.get("citations") else ()
    return Text(text=text, citations=citations, cache_control=fields.mapping("cache_control"), rest=rest_of(fields.values))


def _source(fields: Fields) -> Fields:
    source = fields.mapping("source")
    fields.required("source", source)
    return fields.inside(source or {}, "source")


def _outer(fields: Fields, source: Fields) -> Rest | None:
    return rest_of({**fields.values, **({"source": source.values} if source.values else {})})


def _decode_image(fields: Fields, value: Json) -> Part:
    source = _source(fields)
    cache_control = fields.mapping("cache_control")
    match source.text("type"):
        case "base64":
            data, media_type = source.required_text("data"), source.required_text("media_type")
            return Image(data=data, media_type=media_type, cache_control=cache_control, rest=_outer(fields, source))
        case "url":
            return Image(url=source.required_text("url"), cache_control=cache_control, rest=_outer(fields, source))
        case "file":
            return Image(file_id=source.required_text("file_id"), cache_control=cache_control, rest=_outer(fields, source))
        case _:
            return Opaque(dialect=DIALECT, value=value)


def _decode_document(fields: Fields, value: Json) -> Part:
    source = _source(fields)
    kind = source.text("type")
    data = media_type = text = url = file_id = None
    match kind:
        case "base64":
            data, media_type = source.required_text("data"), source.required_text("media_type")
        case "text":
            text, media_type = source.required_text("data"), source.text("media_type")
        case "url":
            url = source.required_text("url")
        case "file":
            file_id = source.required_text("file_id")
        case _:
            return Opaque(dialect=DIALECT, value=value)
    return File(
        data=data,
        media_type=media_type,
        text=text,
        url=url,
        file_id=file_id,
        filename=fields.text("title"),
        citations=fields.mapping("citations"),
        cache_control=fields.mapping("cache_control"),
        rest=_outer(fields, source),
    )


def _decode_tool_use(fields: Fields) -> ToolCall:
    given = fields.mapping("input")
    fields.required("input", given)
    return ToolCall(
        id=fields.required_text("id"),
        name=fields.required_text("name"),
        arguments=encode(given).decode(),
        cache_control=fields.mapping("cache_control"),
        rest=rest_of(fields.values),
    )


# --- to the wire --------------------------------------------------------------------------------------------------------


def encode_text(part: Text) -> dict[str, object]:
    """Return a text block."""
    block: dict[str, object] = {"type": "text", "text": part.text}
    if part.citations:
        block["citations"] = list(part.citations)
    return with_rest(_marked(block, part.cache_control), part.rest)


def encode_image(part: Image) -> dict[str, object]:
    """Return an image block."""
    return with_rest(_marked({"type": "image", "source": _image_source(part)}, part.cache_control), part.rest)


def _image_source(part: Image) -> Json:
    if part.data is not None:
        return {"type": "base64", "media_type": part.media_type or "image/png", "data": part.data}
    if part.file_id is not None:
        return {"type": "file", "file_id": part.file_id}
    return {"type": "url", "url": part.url or ""}


def encode_document(part: File) -> dict[str, object]:
    """Return a document block."""
    block: dict[str, object] = {"type": "document", "source": _document_source(part)}
    if part.filename is not None:
        block["title"] = part.filename
    if part.citations is not None:
        block["citations"] = part.citations
    return with_rest(_marked(block, part.cache_control), part.rest)


def _document_source(part: File) -> Json:
    if part.text is not None:
        return {"type": "text", "media_type": part.media_type or "text/plain", "data": part.text}
    if part.data is not None:
        return {"type": "base64", "media_type": part.media_type or "application/pdf", "data": part.data}
    if part.file_id is not None:
        return {"type": "file", "file_id": part.file_id}
    return {"type": "url", "url": part.url or ""}


def encode_thinking(part: Thinking) -> dict[str, object]:
    """Return a thinking block; reasoning of another vendor has no signature, and an empty one says so."""
    return with_rest({"type": "thinking", "thinking": part.text, "signature": part.signature or ""}, part.rest)


def encode_redacted(data: str) -> dict[str, object]:
    """Return a redacted block."""
    return {"type": "redacted_thinking", "data": data}


def _marked(block: dict[str, object], cache_control: Json | None) -> dict[str, object]:
    if cache_control is not None:
        block["cache_control"] = cache_control
    return block


def web_annotations(citations: Sequence[Json], start: int, end: int) -> list[Json]:
    """Return the web citations of a text as OpenAI's annotations; `start` and `end` are the text's place in the whole answer."""
    return [
        {
            "type": "url_citation",
            "url_citation": {"url": citation.get("url"), "title": citation.get("title"), "start_index": start, "end_index": end},
        }
        for citation in citations
        if citation.get("type") == "web_search_result_location"
    ]
