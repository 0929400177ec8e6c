"""A settings file: one flat TOML table whose keys are the fields of a frozen dataclass. Decides types and known names.

Both the agent's and the fleet server's settings are read here, so that a wrong name is answered alike everywhere.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, TypeVar

from device_profiles.strict_toml import ProfileError, StrictToml, nearest

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
SETTINGS_MAX_BYTES = 64 * 1024
LEVELS = ("INFO", "DEBUG", "WARNING", "ERROR")


def read_settings(kind: type[T], path: Path, replaced: dict[str, Any]) -> T:
    """Read a dataclass from the TOML file `path` (all defaults where there is none).

    `replaced` comes from the command line and wins; a None in it is ignored. Fields without a default must be in it.
    Raises ProfileError naming file, line, setting and the nearest known one.
    """
    described: dict[str, Field[Any]] = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    known = {name: each.default for name, each in described.items() if each.default is not MISSING}
    given: dict[str, Any] = {}
    if path.exists():
        toml = StrictToml.parse(_text(path), path.name)
        given = dict(toml.table((), known))
        for name, value in given.items():
            wanted = type(known[name])
            if wanted is float and type(value) is int:
                given[name] = float(value)
            elif type(value) is not wanted:
                raise toml.fault((name,), f"{name} must be {wanted.__name__}, not {value!r}")
    for name in replaced:
        if name not in described:
            raise ProfileError(path.name, f"unknown setting {name!r}{nearest(name, described)}")
    level = given.get("log_level", LEVELS[0])
    if level not in LEVELS:
        raise ProfileError(path.name, f"log_level {level!r}{nearest(level, LEVELS)}")
    return kind(**given | {name: value for name, value in replaced.items() if value is not None})


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProfileError(path.name, f"cannot be read: {error.strerror}") from error
    if len(data) > SETTINGS_MAX_BYTES:
        raise ProfileError(path.name, f"larger than {SETTINGS_MAX_BYTES} bytes: this is no settings file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProfileError(path.name, "is not UTF-8 text: save it as UTF-8") from error
