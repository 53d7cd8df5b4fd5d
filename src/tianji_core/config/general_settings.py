"""`general_settings` and the environment variables that speak of the same things.

Order: `TIANJI_X`, then the file, then the names that other gateways use (`LITELLM_MASTER_KEY`, `DATABASE_URL`), then the default.
Flags of the command line come before all of them and are the app's business.
"""

from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from tianji_core.calls.secret import Secret
from tianji_core.config.compatibility import Block
from tianji_core.config.gateway_config import GeneralSettings, RestartOnly
from tianji_core.config.problems import Place, Problems
from tianji_core.config.schema import GENERAL

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
        metrics_token=block.secret("metrics_token"),
        **_words(block, "tokenizer", "create_status", "error_style", "response_model"),
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
    )


def read_restart_only(block: Block) -> Mapping[str, RestartOnly]:
    """Return what a reload must not change, as far as the file says it."""
    result: dict[str, RestartOnly] = {}
    for key in GENERAL.keys:
        found = block.values.get(key.name)
        if key.restart and found is not None:
            value = found.value.reveal() if isinstance(found.value, Secret) else str(found.value)
            digest = sha256(value.encode(errors="surrogatepass")).hexdigest()[:16]
            result[key.name] = RestartOnly(digest=digest, file=found.place.file, line=found.place.line)
    return result


def _words(block: Block, *names: str) -> dict[str, Any]:
    """Return the settings whose words the schema has checked, where they are given."""
    return {name: word for name in names if (word := block.text(name)) is not None}


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
