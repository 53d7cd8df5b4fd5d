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


def providers_of(rows: Mapping[str, Row]) -> dict[str, Provider]:
    """Return the providers of the table, by name.

    Raises:
        ConfigurationError: a row has an unknown quirk code.
    """
    return {name: _provider(name, row) for name, row in sorted(rows.items()) if "chat" not in row or row["chat"]}


def _provider(name: str, row: Row) -> Provider:
    codes = _texts(row, "quirks")
    operations = _texts(row, "endpoints")
    base_url = row.get("base_url")
    server = Server(
        provider=name,
        base_url=base_url if isinstance(base_url, str) and base_url else None,
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
        trusts_cost=row.get("trusts_cost") is True,
    )


def _quirks(name: str, row: Row, codes: tuple[str, ...]) -> Quirks:
    changes: dict[str, object] = {"reasoning_field": row.get("reasoning_field") or "reasoning_content"}
    for code in codes:
        key, _, value = code.partition("=")
        changes.update(_effect(name, key, value))
    headers = [code.removeprefix("header:").partition("=") for code in codes if code.startswith("header:")]
    changes["headers"] = tuple((key.lower(), value) for key, _, value in headers)
    unsupported = frozenset(_texts(row, "unsupported"))
    if unsupported:
        changes["unsupported"] = unsupported
    return Quirks(**changes)  # type: ignore[arg-type]


def _effect(name: str, code: str, value: str) -> dict[str, object]:
    match code:
        case "mct":
            return {"max_tokens_field": "max_tokens"}
        case "mt_to_mct":
            return {"max_tokens_field": "max_completion_tokens"}
        case "flatten":
            return {"flatten": "always"}
        case "flatten_text_only":
            return {"flatten": "text"}
        case "keep_cache_control":
            return {"keeps_cache_control": True}
        case "force_store_false":
            return {"forces_store_false": True}
        case "no_stream_options":
            return {"no_stream_options": True}
        case "drop_name":
            return {"drops_name": True}
        case "temperature_max":
            return {"max_temperature": value}
        case "replay_reasoning":
            return {"replays_reasoning": True}
        case "reasoning_outside":
            return {"reasoning_outside": True}
        case "single_choice":
            return {"single_choice": True}
        case "optional_auth" | "no_v1" | "custom":
            return {}
    if code.startswith("header:"):
        return {}
    raise ConfigurationError(f"provider {name!r} of the table has the unknown quirk {code!r}")


def _texts(row: Row, name: str) -> tuple[str, ...]:
    value = row.get(name)
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
