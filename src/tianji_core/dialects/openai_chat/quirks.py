"""How a server differs from OpenAI's chat API. A quirk is a named field with its effect in one place of the dialect."""

from collections.abc import Mapping
from typing import Literal

import msgspec


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """The differences of one provider. The defaults are a careful OpenAI-compatible server.

    Attributes:
        max_tokens_field: The only name it knows; None sends the name that the caller used.
        reasoning_field: Where its thinking arrives in messages and deltas.
        think_tags: Its models may print their thinking between tags at the start of the content.
        thinking_switch: Thinking is turned on and off by `thinking: {"type": …}`, beside the effort.
        replays_reasoning: It wants the assistant's reasoning back in the history, in `reasoning_field`.
        developer_role: What it calls OpenAI's `developer` messages.
        flatten: Content lists of text alone become one string: `never`, `text` (when no message has anything else), `always`.
        keeps_cache_control: It reads `cache_control` marks.
        drops_name: It refuses `name` in messages.
        drops_empty_assistant: It refuses a message of the assistant with neither content nor calls.
        tool_call_ids: Whose rule the ids of tool calls follow.
        forces_store_false: It must be told not to store.
        no_stream_options: It refuses `stream_options` (and reports usage unasked, or never).
        max_temperature: Larger ones are lowered.
        unsupported: Parameters that it refuses.
        unconfirmed: Parameters that it may refuse: left out where dropping is allowed, sent where it is not.
        ignored: Parameters that mean nothing to it: left out in every mode, and named.
        renames: Other names of parameters: OpenAI's → its own.
        single_choice: It refuses `n` above 1.
        no_json_schema: It has no `response_format` of the kind `json_schema`.
        required_choice: Its word for the tool choice `required`.
        drops_tool_fields: Keys that it refuses inside a function's definition.
        drops_schema_keywords: Keywords that it refuses anywhere in a function's parameters.
        headers: Extra headers.
        key_header: The header that holds the key in place of `Authorization`, and what stands before the key.
        openai_models: OpenAI's own rules for its reasoning models apply.
        reasoning_outside: Its completion count leaves the reasoning tokens out.
    """

    max_tokens_field: str | None = None
    reasoning_field: str = "reasoning_content"
    think_tags: bool = False
    thinking_switch: bool = False
    replays_reasoning: bool = False
    developer_role: str = "system"
    flatten: str = "never"
    keeps_cache_control: bool = False
    drops_name: bool = False
    drops_empty_assistant: bool = False
    tool_call_ids: Literal["openai", "mistral"] = "openai"
    forces_store_false: bool = False
    no_stream_options: bool = False
    max_temperature: str | None = None
    unsupported: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    renames: Mapping[str, str] = {}
    single_choice: bool = False
    no_json_schema: bool = False
    required_choice: str = "required"
    drops_tool_fields: frozenset[str] = frozenset()
    drops_schema_keywords: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    key_header: tuple[str, str] | None = None
    openai_models: bool = False
    reasoning_outside: bool = False
