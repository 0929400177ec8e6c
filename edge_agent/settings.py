"""Settings of one agent: frozen, units in names, read once by the composition root. Decides nothing else.

They come from `<folder>/agent.toml`; the command line may replace single values. Everything about who the station is
stands in its identity, everything about its model in its profile; here is only what belongs to this installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_profiles.flat_toml import read_settings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation.

    folder: where identity/, journal.db and sets/ stand. screen_host, screen_port: the page's address on loopback.
    printer_address: "host:port" of the network printer, "" = as the profile says. heartbeat_s: pause between empty
    batches, 0 = as the profile says. log_level: "INFO" or "DEBUG".
    """

    folder: Path
    screen_host: str = "127.0.0.1"
    screen_port: int = 8480
    printer_address: str = ""
    heartbeat_s: int = 0
    log_level: str = "INFO"


def read(folder: Path, **replaced: Any) -> Settings:
    """Read `<folder>/agent.toml` (all defaults where there is none). Raises ProfileError."""
    return read_settings(Settings, folder / "agent.toml", {"folder": folder, **replaced})
