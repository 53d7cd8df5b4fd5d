"""Configuration files on disk."""

from pathlib import Path

import pytest

from support.configuration import MASTER_KEY, PROVIDERS, nothing_known
from tianji_adapters.system.config_files import load_config_file, read_source
from tianji_core.config import ConfigurationErrors, GatewayConfig
from tianji_core.config.yaml_source import MAX_BYTES


def _load(path: Path) -> GatewayConfig:
    return load_config_file(str(path), {"TIANJI_MASTER_KEY": MASTER_KEY}, PROVIDERS, nothing_known)


def test_a_file_and_what_it_includes_are_read(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "config.yaml").write_text("include: [parts/a.yaml]\ngeneral_settings: {port: 1}")
    (tmp_path / "parts" / "a.yaml").write_text("include: [../b.yaml]\ngeneral_settings: {host: h}")
    (tmp_path / "b.yaml").write_text("general_settings: {tokenizer: 'off'}")
    general = _load(tmp_path / "config.yaml").general
    assert (general.port, general.host, general.tokenizer) == (1, "h", "off")


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\xef\xbb\xbfgeneral_settings: {port: 1}")
    assert _load(tmp_path / "config.yaml").general.port == 1


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationErrors, match=r"none\.yaml` cannot be read: no such file or directory"):
        _load(tmp_path / "none.yaml")


def test_a_missing_include_is_an_error_with_the_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("general_settings: {}\ninclude:\n  - none.yaml\n")
    with pytest.raises(ConfigurationErrors) as caught:
        _load(tmp_path / "config.yaml")
    assert (caught.value.errors[0].file, caught.value.errors[0].line) == (str(tmp_path / "config.yaml"), 3)


def test_what_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00")
    assert read_source(str(tmp_path / "a")).problem == "it is not UTF-8 text"


def test_a_file_above_the_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 40)
    assert read_source(str(tmp_path / "a")).problem == f"it is larger than {MAX_BYTES} bytes"


def test_a_file_at_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"#" * MAX_BYTES)
    assert read_source(str(tmp_path / "a")).text == "#" * MAX_BYTES


@pytest.mark.parametrize("path", [".", "\0", "x" * 5000])
def test_a_path_that_is_no_file_says_why(path: str) -> None:
    source = read_source(path)
    assert source.text is None
    assert source.problem


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    target = tmp_path / "loop"
    target.symlink_to(target)
    assert "symbolic links" in (read_source(str(target)).problem or "")
