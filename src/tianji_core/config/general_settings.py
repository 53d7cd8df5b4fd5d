"""`general_settings` and the environment variables that speak of the same things.

Order: `TIANJI_X`, then the file, then the names that other gateways use (`LITELLM_MASTER_KEY`, `DATABASE_URL`), then the default.
Flags of the command line come before all of them and are the app's business.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from tianji_core.calls.secret import Secret
from tianji_core.config.compatibility import Block
from tianji_core.config.gateway_config import GeneralSettings, RestartOnly
from tianji_core.config.problems import Place, Problems
from tianji_core.config.schema.keys import Table

SHORTEST_MASTER_KEY = 16
_PUBLISHED = frozenset(
    {"sk-1234", "sk-12345", "sk-123456", "sk-1234567890", "sk-1234567890abcdef", "sk-tianji-master-key", "sk-your-master-key"}
)
_MIB = 1 << 20


def read_general(block: Block, environment: Mapping[str, str], problems: Problems) -> GeneralSettings:
    """Return the settings of a configuration file. Without a sufficient master key the file is refused."""
    master_key = _master_key(block, environment)
    broken = master_key is None and not block.lacks("master_key")
    if not broken and not block.flag("dangerously_permit_weak_or_unset_master_key"):
        _check_master_key(master_key, block, problems)
    port = _port(environment, problems)
    size = block.number("max_request_size_mb") or Decimal(64)
    return GeneralSettings(
        master_key=master_key,
        database_url=_database_url(block, environment),
        host=environment.get("TIANJI_HOST") or block.text("host"),
        port=block.whole("port") if port is None else port,
        max_request_bytes=int(size * _MIB),
        compat_headers=block.flag("compat_headers", default=True),
        **_numbers(block, "max_in_flight", "max_queued", "default_max_output_tokens"),
        **_shutdown(block.seconds, environment, problems),
        metrics_token=block.secret("metrics_token"),
        strict_management_fields=block.flag("strict_management_fields"),
        compat_error_detail=block.flag("compat_error_detail", default=True),
        **_words(block, "tokenizer", "response_model", "custom_keys", "answer_headers") | _no_custom_keys(block, problems),
    )


def general_without_file(environment: Mapping[str, str], problems: Problems) -> GeneralSettings:
    """Return the settings of a start without a configuration file. A master key is not required, but a weak one is refused."""
    block = Block(place=Place(file="environment", line=1), values={}, unknown={})
    master_key = _master_key(block, environment)
    if master_key is not None:
        _check_master_key(master_key, block, problems)
    return GeneralSettings(
        master_key=master_key,
        database_url=_database_url(block, environment),
        host=environment.get("TIANJI_HOST") or None,
        port=_port(environment, problems),
        **_shutdown(lambda _: None, environment, problems),
    )


def read_restart_only(block: Block, known: Table) -> Mapping[str, RestartOnly]:
    """Return what a reload must not change of a block, as far as the file says it."""
    result: dict[str, RestartOnly] = {}
    for key in known.keys:
        found = block.values.get(key.name)
        if key.restart and found is not None:
            value = found.value.reveal() if isinstance(found.value, Secret) else str(found.value)
            digest = sha256(value.encode(errors="surrogatepass")).hexdigest()[:16]
            result[f"{known.path}.{key.name}"] = RestartOnly(digest=digest, file=found.place.file, line=found.place.line)
    return result


def _words(block: Block, *names: str) -> dict[str, Any]:
    """Return the settings whose words the schema has checked, where they are given."""
    return {name: word for name in names if (word := block.text(name)) is not None}


def _numbers(block: Block, *names: str) -> dict[str, Any]:
    """Return the whole numbers whose ranges the schema has checked, where they are given."""
    return {name: number for name in names if (number := block.whole(name)) is not None}


def _shutdown(given: Callable[[str], float | None], environment: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """Return how long the end takes, as far as the environment or the file says it."""
    settings: dict[str, Any] = {}
    for name in ("shutdown_delay", "shutdown_grace"):
        seconds = given(name)
        if text := environment.get(f"TIANJI_{name.upper()}"):
            seconds = _seconds(text)
            if seconds is None:
                problems.error_without_place(f"`TIANJI_{name.upper()}` must be a number of seconds, 0 or more")
        if seconds is not None:
            settings[f"{name}_seconds"] = seconds
    return settings


def _seconds(text: str) -> float | None:
    try:
        seconds = Decimal(text.strip())
    except ArithmeticError:
        return None
    return float(seconds) if seconds.is_finite() and seconds >= 0 else None


def _no_custom_keys(block: Block, problems: Problems) -> dict[str, Any]:
    """Return what `disable_custom_api_keys` says: the stricter of two keys holds."""
    if not block.flag("disable_custom_api_keys"):
        return {}
    if block.text("custom_keys") not in (None, "none"):
        place = block.place_of("custom_keys")
        problems.warn(place, "`custom_keys` has no effect: `disable_custom_api_keys` wins, and nobody may choose a key")
    return {"custom_keys": "none"}


def _master_key(block: Block, environment: Mapping[str, str]) -> Secret | None:
    ours = environment.get("TIANJI_MASTER_KEY")
    if ours:
        return Secret(ours)
    theirs = environment.get("LITELLM_MASTER_KEY")
    return block.secret("master_key") or (Secret(theirs) if theirs else None)


def _database_url(block: Block, environment: Mapping[str, str]) -> Secret | None:
    ours = environment.get("TIANJI_DATABASE_URL")
    if ours:
        return Secret(ours)
    theirs = environment.get("DATABASE_URL")
    return block.secret("database_url") or (Secret(theirs) if theirs else None)


def _port(environment: Mapping[str, str], problems: Problems) -> int | None:
    text = environment.get("TIANJI_PORT", "")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535:
        return int(text)
    problems.error_without_place("`TIANJI_PORT` must be a port number from 0 to 65535")
    return None


_HINT = (
    "make one with: python3 -c 'import secrets; print(\"sk-\" + secrets.token_urlsafe(24))', and give it by an environment variable; "
    "`general_settings.dangerously_permit_weak_or_unset_master_key: true` switches this check off"
)


def _check_master_key(key: Secret | None, block: Block, problems: Problems) -> None:
    if key is None:
        problems.error(block.place, "there is no master key: set `general_settings.master_key` or `TIANJI_MASTER_KEY`", _HINT)
    elif weakness := _weakness(key.reveal()):
        if key == block.secret("master_key"):
            problems.error(block.place_of("master_key"), f"the master key {weakness}", _HINT)
        else:
            problems.error_without_place(f"the master key of the environment {weakness}", _HINT)


def _weakness(key: str) -> str | None:
    if key in _PUBLISHED:
        return "is one that everybody knows"
    if not key.startswith("sk-"):
        return "must begin with `sk-`"
    if len(key) < SHORTEST_MASTER_KEY:
        return f"is shorter than {SHORTEST_MASTER_KEY} characters"
    return None


__all__ = ["SHORTEST_MASTER_KEY", "general_without_file", "read_general", "read_restart_only"]
