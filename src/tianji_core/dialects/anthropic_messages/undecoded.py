"""A Messages request that may go to a server of this dialect as the client wrote it.

The types are narrow on purpose. Whatever the canonical path would write in another form than the client did, and whatever it would
refuse, does not fit them: such a body goes the canonical way.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from tianji_core.calls.http import Headers
from tianji_core.dialects.anthropic_messages.memo import SurfaceMemo
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.shapes.raw_requests import RawRequest

_Words = Annotated[str, Meta(min_length=1)]
_Number = int | float
_Object = dict[str, Raw]


class _Base64Picture(msgspec.Struct, gc=False, tag_field="type", tag="base64"):
    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: str


class _Base64File(msgspec.Struct, gc=False, tag_field="type", tag="base64"):
    media_type: _Words
    data: str


class _TextFile(msgspec.Struct, gc=False, tag_field="type", tag="text"):
    media_type: _Words
    data: str


class _Address(msgspec.Struct, gc=False, tag_field="type", tag="url"):
    url: str


class _Uploaded(msgspec.Struct, gc=False, tag_field="type", tag="file"):
    file_id: str


class _Block(msgspec.Struct, gc=False, tag_field="type", kw_only=True):
    cache_control: _Object | None = None


class _Text(_Block, gc=False, tag="text", kw_only=True):
    text: str
    citations: list[_Object] | None = None


class _Picture(_Block, gc=False, tag="image", kw_only=True):
    source: _Base64Picture | _Address | _Uploaded


class _Document(_Block, gc=False, tag="document", kw_only=True):
    source: _Base64File | _TextFile | _Address | _Uploaded
    title: str | None = None
    citations: _Object | None = None


class _ToolUse(_Block, gc=False, tag="tool_use", kw_only=True):
    id: str
    name: str
    input: _Object


class _Thinking(msgspec.Struct, gc=False, tag_field="type", tag="thinking"):
    thinking: str
    signature: _Words


class _Redacted(msgspec.Struct, gc=False, tag_field="type", tag="redacted_thinking"):
    data: str


class _Whole(msgspec.Struct, gc=False, tag_field="type"):
    """A block that the canonical path keeps whole."""


class _Reference(_Whole, gc=False, tag="tool_reference"):
    pass


class _SearchResult(_Whole, gc=False, tag="search_result"):
    pass


class _Upload(_Whole, gc=False, tag="container_upload"):
    pass


class _HostedUse(_Whole, gc=False, tag="server_tool_use"):
    pass


class _WebSearch(_Whole, gc=False, tag="web_search_tool_result"):
    pass


_Contents = Annotated[list[_Text | _Picture | _Document | _Reference | _SearchResult], Meta(min_length=1)]


class _Result(_Block, gc=False, tag="tool_result", kw_only=True):
    tool_use_id: str
    content: _Words | _Contents | None = None
    is_error: bool | None = None


class _TextAlone(msgspec.Struct, gc=False, kw_only=True):
    """Where no other kind may stand; a lone tagged type would do without its tag."""

    type: Literal["text"]
    text: str
    citations: list[_Object] | None = None
    cache_control: _Object | None = None


_Texts = Annotated[list[_TextAlone], Meta(min_length=1)]
_UserBlocks = Annotated[list[_Text | _Picture | _Document | _Result | _SearchResult | _Upload], Meta(min_length=1)]
_AssistantBlocks = Annotated[list[_Text | _ToolUse | _Thinking | _Redacted | _HostedUse | _WebSearch], Meta(min_length=1)]


class _User(msgspec.Struct, gc=False, forbid_unknown_fields=True, tag_field="role", tag="user"):
    content: str | _UserBlocks


class _Assistant(msgspec.Struct, gc=False, forbid_unknown_fields=True, tag_field="role", tag="assistant"):
    content: str | _AssistantBlocks


class _System(msgspec.Struct, gc=False, forbid_unknown_fields=True, tag_field="role", tag="system"):
    content: str | _Texts


_Turn = _User | _Assistant | _System


class _Tool(msgspec.Struct, gc=False):
    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: _Object | None = None
    strict: bool | None = None
    cache_control: _Object | None = None

    @property
    def is_hosted(self) -> bool:
        return self.type not in (None, "custom")


class _Choice(msgspec.Struct, gc=False, forbid_unknown_fields=True, tag_field="type"):
    pass


class _Auto(_Choice, gc=False, forbid_unknown_fields=True, tag="auto"):
    disable_parallel_tool_use: bool | None = None


class _Any(_Choice, gc=False, forbid_unknown_fields=True, tag="any"):
    disable_parallel_tool_use: bool | None = None


class _None(_Choice, gc=False, forbid_unknown_fields=True, tag="none"):
    pass


class _Named(_Choice, gc=False, forbid_unknown_fields=True, tag="tool", kw_only=True):
    name: str
    disable_parallel_tool_use: bool | None = None


class Thought(msgspec.Struct, gc=False):
    """The request's `thinking`."""

    type: str
    budget_tokens: int | None = None


class _Format(msgspec.Struct, gc=False):
    type: Literal["json_schema"]
    schema: _Object


class _Output(msgspec.Struct, gc=False):
    effort: str | None = None
    format: _Format | None = None


class _Metadata(msgspec.Struct, gc=False):
    user_id: str


class Body(msgspec.Struct, gc=False, kw_only=True):
    """The fields that the surface knows, with the types that it checks."""

    max_tokens: Annotated[int, Meta(ge=0)]
    messages: Annotated[list[_Turn], Meta(min_length=1)]
    model: str | None = None
    system: str | _Texts | None = None
    stream: bool | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Auto | _Any | _None | _Named | None = None
    stop_sequences: list[str] | None = None
    metadata: _Metadata | None = None
    output_config: _Output | None = None
    thinking: Thought | None = None
    temperature: _Number | None = None
    top_p: _Number | None = None
    top_k: int | None = None
    service_tier: str | None = None
    extra_body: _Object | None = None


_BODY = msgspec.json.Decoder(Body)
_FOREIGN = frozenset({"n", "max_completion_tokens"})
"""Fields that mean nothing to this dialect, and something to servers that take more than it."""


def read_request(
    data: bytes, fields: dict[str, Raw], path_model: str | None, forward_headers: Headers
) -> tuple[RawRequest, SurfaceMemo] | None:
    """Return the request and the surface's memo; None where only the canonical reading can tell what is meant.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: something does not fit.
    """
    body = _BODY.decode(data)
    model = path_model or body.model
    output, tools = body.output_config, body.tools or ()
    if not model or (output is not None and output.effort is None and output.format is None):
        return None
    if any(not tool.is_hosted and (tool.name is None or tool.input_schema is None) for tool in tools):
        return None
    has_media = _has_media(body.messages)
    if has_media is None:
        return None
    fields.pop("extra_body", None)
    raw = RawRequest(
        dialect=DIALECT,
        model=model,
        fields=fields,
        known=body,
        stream=body.stream is True,
        end_user=body.metadata.user_id if body.metadata is not None else None,
        output=body.max_tokens,
        has_tools=any(not tool.is_hosted for tool in tools),
        is_plain=not has_media
        and (output is None or output.format is None)
        and not any(tool.is_hosted for tool in tools)
        and _FOREIGN.isdisjoint(fields),
        extra_body={} if body.extra_body is None else body.extra_body,
        forward_headers=forward_headers,
    )
    return raw, SurfaceMemo(model=model)


def _has_media(messages: Sequence[_Turn]) -> bool | None:
    """Return whether there is anything but text and calls of functions; None where the canonical path would write a turn otherwise.

    It puts the results of tools first in their turn, and what the user says next into the same one.
    """
    has_media = after_results = False
    for message in messages:
        blocks = message.content
        if isinstance(blocks, str):
            if after_results and isinstance(message, _User):
                return None
            after_results = False
            continue
        has_media = has_media or _are_media(blocks)
        if not isinstance(message, _User):
            after_results = False
            continue
        if after_results:
            return None
        after_results = isinstance(blocks[0], _Result)
        for block in blocks:
            if not isinstance(block, _Result):
                after_results = False
            elif not after_results:
                return None
            elif isinstance(block.content, list):
                has_media = has_media or _are_media(block.content)
    return has_media


def _are_media(blocks: Sequence[object]) -> bool:
    return any(isinstance(block, _Picture | _Document | _Whole) for block in blocks)
