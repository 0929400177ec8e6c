"""Settings files: what is wrong is named with its line and the nearest right word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  dataclass fields are read at run time

import pytest

from device_profiles.flat_toml import read_settings
from device_profiles.strict_toml import ProfileError


@dataclass(frozen=True)
class Kind:
    folder: Path
    port: int = 1
    name: str = "a"
    pause_s: float = 1.0
    on: bool = False
    log_level: str = "INFO"


def read(tmp_path, text: str | bytes | None, **replaced) -> Kind:
    path = tmp_path / "x.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_settings(Kind, path, {"folder": tmp_path, **replaced})


def test_without_a_file_everything_has_its_default(tmp_path):
    assert read(tmp_path, None) == Kind(tmp_path)


def test_the_file_is_read_and_the_command_line_wins(tmp_path):
    text = 'port = 7\npause_s = 2\non = true\nname = "b"'
    assert read(tmp_path, text) == Kind(tmp_path, 7, "b", 2.0, on=True)
    assert read(tmp_path, text, port=9, name=None) == Kind(tmp_path, 9, "b", 2.0, on=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = 7\nprot = 8", "line 2: unknown key 'prot'; did you mean 'port'?"),
        ('port = "7"', "line 1: port must be int, not '7'"),
        ("on = 1", "line 1: on must be bool, not 1"),
        ("folder = '/'", "unknown key 'folder'"),
        ("port = ", "no TOML"),
        ("log_level = 'LOUD'", "log_level 'LOUD'; known are: DEBUG, ERROR, INFO, WARNING"),
        (b"name = '\xff'", "is not UTF-8 text"),
        (b"#" * 70_000, "larger than"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, words):
    with pytest.raises(ProfileError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)


def test_an_unknown_replacement_is_our_own_mistake_and_named(tmp_path):
    with pytest.raises(ProfileError, match="did you mean 'port'"):
        read(tmp_path, None, prot=1)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "x.toml").mkdir()
    with pytest.raises(ProfileError, match="cannot be read"):
        read(tmp_path, None)
