"""Providers that are rows of data: a base URL, the names of their variables, and quirk codes.

The rows are `openai_chat/data/openai_compatible.json`; whoever reads files hands them in parsed.
"""

from collections.abc import Mapping

from tianji_core.dialects.openai_chat.codec import OpenAIChat, Server
from tianji_core.dialects.openai_chat.parts import DIALECT
from tianji_core.dialects.openai_chat.quirks import Quirks
from tianji_core.dialects.openai_completions import OpenAICompletions
from tianji_core.dialects.openai_embeddings import OpenAIEmbeddings
from tianji_core.errors import ConfigurationError
from tianji_core.shapes.codecs import Provider

Row = Mapping[str, object]

_EFFECTS: Mapping[str, Mapping[str, object]] = {
    "mct": {"max_tokens_field": "max_tokens"},
    "mt_to_mct": {"max_tokens_field": "max_completion_tokens"},
    "flatten": {"flatten": "always"},
    "flatten_text_only": {"flatten": "text"},
    "keep_cache_control": {"keeps_cache_control": True},
    "force_store_false": {"forces_store_false": True},
    "no_stream_options": {"no_stream_options": True},
    "no_json_schema": {"no_json_schema": True},
    "drop_name": {"drops_name": True},
    "drop_empty_assistant": {"drops_empty_assistant": True},
    "replay_reasoning": {"replays_reasoning": True},
    "reasoning_outside": {"reasoning_outside": True},
    "think_tags": {"think_tags": True},
    "thinking_switch": {"thinking_switch": True},
    "single_choice": {"single_choice": True},
}
_READ_ELSEWHERE = ("optional_auth", "no_v1", "custom")
_KEY = "{api_key}"
_SETS = ("unsupported", "unconfirmed", "ignored", "drops_tool_fields", "drops_schema_keywords")
_VALUES = ("renames", "tool_call_ids", "required_choice")
_ATTRIBUTES = frozenset(
    {
        *_SETS,
        *_VALUES,
        "base_url",
        "api_key_env",
        "api_base_env",
        "quirks",
        "endpoints",
        "aliases",
        "reasoning_field",
        "status",
        "chat",
        "trusts_cost",
    }
)


def providers_of(rows: Mapping[str, Row]) -> dict[str, Provider]:
    """Return the providers of the table, by name.

    Raises:
        ConfigurationError: a row has an unknown attribute or quirk code.
    """
    return {name: _provider(name, row) for name, row in sorted(rows.items()) if "chat" not in row or row["chat"]}


def _provider(name: str, row: Row) -> Provider:
    unknown = sorted(row.keys() - _ATTRIBUTES)
    if unknown:
        raise ConfigurationError(f"provider {name!r} of the table has the unknown attribute {unknown[0]!r}")
    codes = _texts(row, "quirks")
    operations = _texts(row, "endpoints")
    base_url = _text(row, "base_url")
    is_template = base_url is not None and "{" in base_url
    server = Server(
        provider=name,
        base_url=None if is_template else base_url,
        version=None if "no_v1" in codes else "/v1",
        quirks=_quirks(name, row, codes),
    )
    return Provider(
        name=name,
        dialect=DIALECT,
        chat=OpenAIChat(server=server),
        completions=OpenAICompletions(server=server) if "/completions" in operations else None,
        embeddings=OpenAIEmbeddings(server=server) if not operations or "/embeddings" in operations else None,
        aliases=_texts(row, "aliases"),
        key_variables=_texts(row, "api_key_env"),
        base_variables=_texts(row, "api_base_env"),
        needs_key="optional_auth" not in codes,
        needs_base_url=server.base_url is None,
        base_template=base_url if is_template else None,
        trusts_cost=row.get("trusts_cost") is True,
    )


def _quirks(name: str, row: Row, codes: tuple[str, ...]) -> Quirks:
    changes: dict[str, object] = {"reasoning_field": row.get("reasoning_field") or "reasoning_content"}
    for code in codes:
        key, _, value = code.partition("=")
        changes.update(_effect(name, key, value))
    parted = [code.removeprefix("header:").partition("=") for code in codes if code.startswith("header:")]
    headers = [(key.lower(), value) for key, _, value in parted]
    changes["headers"] = tuple(pair for pair in headers if _KEY not in pair[1])
    for key, value in headers:
        if _KEY in value:
            changes["key_header"] = (key, value.removesuffix(_KEY))
    changes.update((attribute, frozenset(_texts(row, attribute))) for attribute in _SETS if attribute in row)
    changes.update((attribute, row[attribute]) for attribute in _VALUES if attribute in row)
    return Quirks(**changes)  # type: ignore[arg-type]


def _effect(name: str, code: str, value: str) -> Mapping[str, object]:
    if code == "temperature_max":
        return {"max_temperature": value}
    if code in _EFFECTS:
        return _EFFECTS[code]
    if code in _READ_ELSEWHERE or code.startswith("header:"):
        return {}
    raise ConfigurationError(f"provider {name!r} of the table has the unknown quirk {code!r}")


def _text(row: Row, name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) and value else None


def _texts(row: Row, name: str) -> tuple[str, ...]:
    value = row.get(name)
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
