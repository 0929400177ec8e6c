"""Settings of one fleet server: frozen, units in names, read once by the composition root. Decides nothing else.

They come from `<folder>/server.toml`; the command line may replace single values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_profiles.flat_toml import read_settings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One installation, all in one process.

    folder: the `server` half of a fleet folder (keys, certificates, database, broker's folder). broker: "nats" or
    "mosquitto"; broker_binary: its program, "" = look for it. host: where stations reach broker and HTTPS face;
    broker_port, face_port: their ports. public_host, public_broker_port, public_face_port: what stations are told
    instead, where a translator stands before the server ("" and 0 = the same). console_host, console_port: the
    operations page (plain HTTP: keep it on loopback, or put a TLS proxy before it). backup_folder: "" = the fleet keeps
    no backups, and the console warns.
    heartbeat_s: what stations are told. bank_simulated: take credits from the simulated bank (MÔ PHỎNG).
    stations_max: the fleet that the broker's limits are made for. log_level: "INFO" or "DEBUG".
    """

    folder: Path
    broker: str = "nats"
    broker_binary: str = ""
    host: str = "127.0.0.1"
    broker_port: int = 8883
    face_port: int = 8443
    public_host: str = ""
    public_broker_port: int = 0
    public_face_port: int = 0
    console_host: str = "127.0.0.1"
    console_port: int = 8080
    backup_folder: str = ""
    heartbeat_s: int = 60
    bank_simulated: bool = False
    stations_max: int = 10_000
    log_level: str = "INFO"


def read(folder: Path, **replaced: Any) -> Settings:
    """Read `<folder>/server.toml` (all defaults where there is none). Raises ProfileError."""
    return read_settings(Settings, folder / "server.toml", {"folder": folder, **replaced})
