"""Content parts of OpenAI's messages, both directions. Source: OpenAI's Python SDK, chat completion content part types."""

from collections.abc import Sequence

from tianji_core.calls.chat import Audio, File, Image, Json, Opaque, Part, Refusal, Rest, Text
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.wire.fields import Fields

DIALECT = "openai_chat"


def rest_of(values: dict[str, object]) -> Rest | None:
    """Return what is left of an object, or None when nothing is; null says nothing."""
    kept = {name: value for name, value in values.items() if value is not None}
    return Rest(DIALECT, kept) if kept else None


def decode_part(value: dict[str, object], parent: Fields, position: int) -> Part:
    """Return the part; a kind that this dialect does not translate stays whole."""
    fields = parent.inside(value, "content", position)
    kind = fields.text("type")
    fields.required("type", kind)
    match kind:
        case "text":
            return Text(text=fields.required_text("text"), cache_control=fields.mapping("cache_control"), rest=rest_of(fields.values))
        case "image_url":
            return _decode_image(fields)
        case "input_audio":
            audio = fields.inside(fields.mapping("input_audio") or {}, "input_audio")
            return Audio(data=audio.required_text("data"), format=audio.required_text("format"), rest=rest_of(fields.values))
        case "file":
            return _decode_file(fields)
        case "refusal":
            return Refusal(refusal=fields.required_text("refusal"))
        case _:
            return Opaque(dialect=DIALECT, value=value)


def _decode_image(fields: Fields) -> Image:
    value = fields.values.get("image_url")
    if isinstance(value, str):
        fields.values.pop("image_url")
        inner = Fields({"url": value}, fields.at("image_url"))
    else:
        inner = fields.inside(fields.mapping("image_url") or {}, "image_url")
    url = inner.required_text("url")
    detail = inner.text("detail")
    media_type, data = split_data_url(url)
    return Image(
        url=None if data is not None else url,
        data=data,
        media_type=media_type,
        detail=detail,
        cache_control=fields.mapping("cache_control"),
        rest=rest_of(fields.values),
    )


def _decode_file(fields: Fields) -> File:
    inner = fields.inside(fields.mapping("file") or {}, "file")
    file_data = inner.text("file_data")
    media_type, data = split_data_url(file_data or "")
    if file_data is not None and data is None:
        data, media_type = file_data, "application/pdf"
    file_id = inner.text("file_id")
    if data is None and file_id is None:
        inner.required("file_data", None)
    return File(
        data=data,
        media_type=media_type,
        file_id=file_id,
        filename=inner.text("filename"),
        cache_control=fields.mapping("cache_control"),
        rest=rest_of({**fields.values, **({"file": inner.values} if inner.values else {})}),
    )


def split_data_url(url: str) -> tuple[str | None, str | None]:
    """Return (media type, base64 text) of a base64 `data:` URL (RFC 2397), else (None, None)."""
    if not url.startswith("data:"):
        return None, None
    head, comma, data = url[5:].partition(",")
    media_type, *options = head.split(";")
    return (media_type or "text/plain", data) if comma and "base64" in options else (None, None)


def encode_parts(parts: Sequence[Part], quirks: Quirks) -> list[Json]:
    """Return content parts; what this dialect has no form for is left out (thinking and tool calls stand elsewhere)."""
    return [encoded for part in parts if (encoded := _encode_part(part, quirks)) is not None]


def _encode_part(part: Part, quirks: Quirks) -> Json | None:
    match part:
        case Text():
            return _marked({"type": "text", "text": part.text}, part.cache_control, part.rest, quirks)
        case Image():
            return _marked({"type": "image_url", "image_url": _image_url(part)}, part.cache_control, part.rest, quirks)
        case Audio():
            return _marked({"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}, None, part.rest, quirks)
        case File():
            return _encode_file(part, quirks)
        case Refusal():
            return {"type": "refusal", "refusal": part.refusal}
        case Opaque(dialect="openai_chat"):
            return part.value
        case _:
            return None


def _image_url(part: Image) -> Json:
    url = f"data:{part.media_type or 'image/png'};base64,{part.data}" if part.data is not None else part.url or part.file_id or ""
    return {"url": url} if part.detail is None else {"url": url, "detail": part.detail}


def _encode_file(part: File, quirks: Quirks) -> Json:
    if part.text is not None:
        title = f"{part.filename}\n\n" if part.filename else ""
        return _marked({"type": "text", "text": title + part.text}, part.cache_control, None, quirks)
    inner: dict[str, object] = {}
    if part.data is not None:
        inner["file_data"] = f"data:{part.media_type or 'application/pdf'};base64,{part.data}"
        inner["filename"] = part.filename or "document.pdf"
    elif part.file_id is not None:
        inner["file_id"] = part.file_id
        if part.filename is not None:
            inner["filename"] = part.filename
    else:
        inner["file_data"] = part.url or ""
    return _marked({"type": "file", "file": inner}, part.cache_control, part.rest, quirks)


def _marked(value: dict[str, object], cache_control: Json | None, rest: Rest | None, quirks: Quirks) -> Json:
    if cache_control is not None and quirks.keeps_cache_control:
        value["cache_control"] = cache_control
    if rest is not None:
        for name, left in rest.of(DIALECT).items():
            known = value.get(name)
            value[name] = {**left, **known} if isinstance(known, dict) and isinstance(left, dict) else left
    return value
