"""Settings of one agent: frozen, units in names, read once by the composition root. Decides nothing else.

They come from `<folder>/agent.toml`; the command line may replace single values. Everything about who the station is
stands in its identity, everything about its model in its profile; here is only what belongs to this installation.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

SETTINGS_MAX_BYTES = 64 * 1024


class SettingsError(ValueError):
    """A setting that is unknown or has a wrong type; the words name it and the nearest known one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation.

    folder: where identity/, journal.db and sets/ stand. screen_host, screen_port: the page's address on loopback.
    printer_address: "host:port" of the network printer, "" = as the profile says. heartbeat_s: pause between empty
    batches. qr_s: how long a payment code stays on the screen, 0 = as the profile says. log_level: "INFO" or "DEBUG".
    """

    folder: Path
    screen_host: str = "127.0.0.1"
    screen_port: int = 8480
    printer_address: str = ""
    heartbeat_s: float = 60.0
    qr_s: int = 0
    log_level: str = "INFO"


def read(folder: Path, **replaced: Any) -> Settings:
    """Read `<folder>/agent.toml` (all defaults where there is none). Raises SettingsError."""
    path = folder / "agent.toml"
    given: dict[str, Any] = {}
    if path.exists():
        if path.stat().st_size > SETTINGS_MAX_BYTES:
            raise SettingsError(f"{path.name}: larger than {SETTINGS_MAX_BYTES} bytes: this is no settings file")
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path.name}: {error}") from error
    known = {each.name: each.type for each in fields(Settings) if each.name != "folder"}
    defaults = Settings(folder)
    for name, value in given.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise SettingsError(f"{path.name}: unknown setting {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        wanted = type(getattr(defaults, name))
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise SettingsError(f"{path.name}: {name} must be {wanted.__name__}, not {value!r}")
    values = given | {name: value for name, value in replaced.items() if value is not None}
    return replace(defaults, **values)
