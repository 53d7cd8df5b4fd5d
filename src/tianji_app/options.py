"""How this process was started: flags before the environment before defaults. The one place that reads the process environment."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4000


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line and the environment say about the start.

    Attributes:
        config: Path of the configuration file, or None.
        host, port, database_url: As given by a flag; None leaves them to the configuration and the defaults.
        lock_wait_seconds: How long a start waits for another process to leave the database; None: as long as its end may take.
        shutdown_delay, shutdown_grace: Seconds, as given by a flag; None leaves them to the configuration.
        local_model: Whether the embedded model is started where there is no configuration file.
    """

    environment: Mapping[str, str]
    data_dir: Path
    config: str | None = None
    host: str | None = None
    port: int | None = None
    database_url: str | None = None
    lock_wait_seconds: float | None = None
    shutdown_delay: float | None = None
    shutdown_grace: float | None = None
    local_model: bool = True


def process_environment() -> Mapping[str, str]:
    """Return the variables of this process."""
    return dict(os.environ)


def options_of(
    environment: Mapping[str, str],
    *,
    config: str | None = None,
    host: str | None = None,
    port: int | None = None,
    data_dir: str | None = None,
    database_url: str | None = None,
    lock_wait_seconds: float | None = None,
    shutdown_delay: float | None = None,
    shutdown_grace: float | None = None,
    local_model: bool = True,
) -> Options:
    """Return the options; a flag of None was not given."""
    folder = data_dir or environment.get("TIANJI_DATA_DIR")
    return Options(
        environment=environment,
        data_dir=Path(folder).expanduser() if folder else _default_data_dir(environment),
        config=config or environment.get("TIANJI_CONFIG") or environment.get("CONFIG_FILE_PATH") or None,
        host=host,
        port=port,
        database_url=database_url,
        lock_wait_seconds=lock_wait_seconds,
        shutdown_delay=shutdown_delay,
        shutdown_grace=shutdown_grace,
        local_model=local_model,
    )


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "tianji"


def set_variables(variables: Mapping[str, str]) -> None:
    """Set variables of this process that are not set yet (`environment_variables`), for libraries that read them."""
    for name, value in variables.items():
        os.environ.setdefault(name, value)
