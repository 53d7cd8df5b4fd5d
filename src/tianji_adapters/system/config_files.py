"""Configuration files, read from disk."""

from collections.abc import Mapping
from pathlib import Path

from tianji_core.config import GatewayConfig, NeedFiles, SourceFile, load_config
from tianji_core.config.deployments import Known
from tianji_core.config.yaml_source import MAX_BYTES
from tianji_core.shapes.codecs import Provider


def load_config_file(path: str, environment: Mapping[str, str], providers: Mapping[str, Provider], known: Known) -> GatewayConfig:
    """Read a configuration file and everything that it includes.

    Blocks on the disk: call it at the start, or in a thread. A file that changes while it is read may be seen half; the digest in
    the result tells which text was used.

    Raises:
        ConfigurationErrors: a file cannot be read, or something in one is wrong.
    """
    sources: dict[str, SourceFile] = {}
    while True:
        result = load_config(path, sources, environment, providers, known)
        if not isinstance(result, NeedFiles):
            return result
        for needed in result.paths:
            sources[needed] = read_source(needed)


def read_source(path: str) -> SourceFile:
    """Return a file's text, or why there is none. No more than the limit of a configuration file and one byte is read."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return SourceFile(problem=_reason(error))
    if len(data) > MAX_BYTES:
        return SourceFile(problem=f"it is larger than {MAX_BYTES} bytes")
    try:
        return SourceFile(text=data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return SourceFile(problem="it is not UTF-8 text")


def _reason(error: OSError | ValueError) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or "its path is not usable").lower()


__all__ = ["load_config_file", "read_source"]
