"""How a server differs from OpenAI's chat API. A quirk is a named field with its effect in one place of the dialect."""

import msgspec


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """The differences of one provider. The defaults are a careful OpenAI-compatible server.

    Attributes:
        max_tokens_field: The only name it knows; None sends the name that the caller used.
        reasoning_field: Where its thinking arrives in messages and deltas.
        replays_reasoning: It wants the assistant's reasoning back in the history, in `reasoning_field`.
        developer_role: What it calls OpenAI's `developer` messages.
        flatten: Content lists of text alone become one string: `never`, `text` (when no message has anything else), `always`.
        keeps_cache_control: It reads `cache_control` marks.
        drops_name: It refuses `name` in messages.
        forces_store_false: It must be told not to store.
        no_stream_options: It refuses `stream_options` (and reports usage unasked, or never).
        max_temperature: Larger ones are lowered.
        unsupported: Parameters that it refuses.
        single_choice: It refuses `n` above 1.
        drops_tool_fields: Keys that it refuses inside a function's definition.
        headers: Extra headers as `NAME=VALUE`; `{api_key}` stands for the key.
        openai_models: OpenAI's own rules for its reasoning models apply.
        reasoning_outside: Its completion count leaves the reasoning tokens out.
    """

    max_tokens_field: str | None = None
    reasoning_field: str = "reasoning_content"
    replays_reasoning: bool = False
    developer_role: str = "system"
    flatten: str = "never"
    keeps_cache_control: bool = False
    drops_name: bool = False
    forces_store_false: bool = False
    no_stream_options: bool = False
    max_temperature: str | None = None
    unsupported: frozenset[str] = frozenset()
    single_choice: bool = False
    drops_tool_fields: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    openai_models: bool = False
    reasoning_outside: bool = False
