"""A chat completion request that may go to a server of this dialect as the client wrote it.

The types are narrow on purpose. Whatever the canonical path would write in another form than the client did, and whatever it would
refuse, does not fit them: such a body goes the canonical way. Fields of the type None are those that it would leave out or move.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from tianji_core.calls.http import Headers
from tianji_core.dialects.openai_chat.memo import SurfaceMemo
from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.shapes.raw_requests import RawRequest

_Words = Annotated[str, Meta(min_length=1)]
_Positive = Annotated[int, Meta(ge=1)]
_Number = int | float
_Object = dict[str, Raw]
_BOOLEANS = (Raw(b"true"), Raw(b"false"), Raw(b"null"))
_HEAD = 100


class _Part(msgspec.Struct, gc=False, tag_field="type"):
    cache_control: None = None


class _Text(_Part, gc=False, tag="text", kw_only=True):
    text: str


class _ImageUrl(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    url: str
    detail: str | None = None


class _Picture(_Part, gc=False, tag="image_url", kw_only=True):
    image_url: _ImageUrl


class _TextAlone(msgspec.Struct, gc=False, kw_only=True):
    """Where no other kind may stand; a lone tagged type would do without its tag."""

    type: Literal["text"]
    text: str
    cache_control: None = None


_Texts = Annotated[list[_TextAlone], Meta(min_length=1)]
_Parts = Annotated[list[_Text | _Picture], Meta(min_length=1)]


class _Turn(msgspec.Struct, gc=False, tag_field="role", kw_only=True):
    content: str | _Texts | _Parts | None = None
    name: str | None = None
    cache_control: None = None
    reasoning_content: None = None
    thinking_blocks: None = None
    provider_specific_fields: None = None
    audio: None = None
    function_call: None = None


class _System(_Turn, gc=False, tag="system", kw_only=True):
    content: str | _Texts
    tool_call_id: None = None


class _Developer(_Turn, gc=False, tag="developer", kw_only=True):
    content: str | _Texts
    tool_call_id: None = None


class _User(_Turn, gc=False, tag="user", kw_only=True):
    content: str | _Parts
    tool_call_id: None = None


class _Function(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str
    arguments: str


class _Call(msgspec.Struct, gc=False):
    id: _Words
    type: Literal["function"]
    function: _Function
    cache_control: None = None


class _Assistant(_Turn, gc=False, tag="assistant", kw_only=True):
    content: _Words | None = None
    tool_calls: Annotated[list[_Call], Meta(min_length=1)] | None = None
    refusal: str | None = None
    tool_call_id: None = None


class _Result(_Turn, gc=False, tag="tool", kw_only=True):
    content: str
    tool_call_id: str


class _Definition(msgspec.Struct, gc=False):
    name: str
    description: str | None = None
    parameters: _Object | None = None
    strict: bool | None = None


class _Tool(msgspec.Struct, gc=False):
    type: Literal["function"]
    function: _Definition
    cache_control: None = None


class _Named(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: str


class _Choice(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    type: Literal["function"]
    function: _Named


class _Schema(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    name: _Words
    description: str | None = None
    schema: _Object | None = None
    strict: bool | None = None


class _Format(msgspec.Struct, gc=False, forbid_unknown_fields=True, tag_field="type"):
    pass


class TextFormat(_Format, gc=False, forbid_unknown_fields=True, tag="text"):
    """No shape at all: the same as saying nothing."""


class _ObjectFormat(_Format, gc=False, forbid_unknown_fields=True, tag="json_object"):
    schema: _Object | None = None


class SchemaFormat(_Format, gc=False, forbid_unknown_fields=True, tag="json_schema"):
    """An answer after a schema."""

    json_schema: _Schema


class Body(msgspec.Struct, gc=False, kw_only=True):
    """The fields that the surface knows, with the types that it checks."""

    messages: Annotated[list[_System | _Developer | _User | _Assistant | _Result], Meta(min_length=1)]
    model: str | None = None
    stream: bool | None = None
    stream_options: _Object | None = None
    max_tokens: _Positive | None = None
    max_completion_tokens: _Positive | None = None
    tools: list[_Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Choice | None = None
    parallel_tool_calls: bool | None = None
    functions: None = None
    function_call: None = None
    stop: str | list[str] | None = None
    response_format: TextFormat | _ObjectFormat | SchemaFormat | None = None
    reasoning_effort: str | None = None
    user: str | None = None
    extra_body: _Object | None = None
    audio: _Object | None = None
    frequency_penalty: _Number | None = None
    logit_bias: _Object | None = None
    logprobs: bool | None = None
    metadata: _Object | None = None
    modalities: list[Raw] | None = None
    moderation: _Object | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    prediction: _Object | None = None
    presence_penalty: _Number | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: _Object | None = None
    prompt_cache_retention: str | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    store: bool | None = None
    temperature: _Number | None = None
    top_logprobs: int | None = None
    top_p: _Number | None = None
    verbosity: str | None = None
    web_search_options: _Object | None = None


class History(msgspec.Struct, gc=False):
    """What stands in the messages, as far as some server takes it otherwise."""

    has_lists: bool = False
    has_pictures: bool = False
    has_names: bool = False
    has_calls: bool = False
    has_developer: bool = False


class Known(msgspec.Struct, frozen=True, gc=False):
    """The narrow reading of one body."""

    body: Body
    history: History


_BODY = msgspec.json.Decoder(Body)


def read_request(
    data: bytes, fields: dict[str, Raw], path_model: str | None, forward_headers: Headers
) -> tuple[RawRequest, SurfaceMemo] | None:
    """Return the request and the surface's memo; None where only the canonical reading can tell what is meant.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: something does not fit.
    """
    body = _BODY.decode(data)
    model = path_model or body.model
    options = body.stream_options
    if not model or (options is not None and (not body.stream or options.get("include_usage", _BOOLEANS[0]) not in _BOOLEANS)):
        return None
    history = _history(body.messages)
    if history is None:
        return None
    extra_body = {} if body.extra_body is None else body.extra_body
    fields.pop("extra_body", None)
    stream = body.stream is True
    raw = RawRequest(
        dialect=DIALECT,
        model=model,
        fields=fields,
        known=Known(body, history),
        stream=stream,
        end_user=body.user,
        output=body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens,
        choices=body.n or 1,
        has_tools=bool(body.tools) or body.response_format is not None,
        is_plain=not history.has_pictures,
        extra_body=extra_body,
        forward_headers=forward_headers,
    )
    include_usage = options is not None and options.get("include_usage") == _BOOLEANS[0]
    return raw, SurfaceMemo(model=model, include_usage=include_usage)


def _history(messages: Sequence[_Turn]) -> History | None:
    """Return what stands in the messages; None where the canonical path would write one of them otherwise."""
    found = History()
    for message in messages:
        content = message.content
        if message.name is not None:
            found.has_names = True
        if isinstance(message, _Developer):
            found.has_developer = True
        if isinstance(content, list):
            found.has_lists = True
            for part in content:
                if isinstance(part, _Picture):
                    found.has_pictures = True
                    if not _is_kept(part.image_url.url):
                        return None
        elif isinstance(message, _Assistant):
            if message.tool_calls is not None:
                found.has_calls = True
            elif content is None:
                return None
        elif isinstance(message, _Result):
            found.has_calls = True
    return found


def _is_kept(url: str) -> bool:
    """Whether a picture's address stays as it is: one that holds the picture does in its plainest form."""
    if not url.startswith("data:"):
        return True
    head, comma, _ = url[:_HEAD].partition(",")
    return bool(comma) and head.endswith(";base64") and head.count(";") == 1 and not head.startswith("data:;")
