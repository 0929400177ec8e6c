"""How each peripheral of a station is by its records: the newest word, and since when it has stood. Pure.

A start of the station makes all of them unknown: a new process has heard nothing yet. Counts are no records: they ride
on the heartbeat, beside the state as it is now (`fleet_server.console.said`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet_server.projections import Opened

KINDS = frozenset(("device.state", "station.started"))


def project(devices: Mapping[str, Mapping[str, object]], record: Opened) -> dict[str, Mapping[str, object]]:
    """Fold one record of KINDS into the devices of its station by "port/name"; one that is not there is unknown."""
    if record.kind == "station.started":
        return {}
    said = record.fields
    word = {
        "state": said["state"],
        "paper": said.get("paper"),
        "detail": said.get("detail") or "",
        "action": said.get("action") or "",
        "identity": said.get("identity") or "",
        "flapping": bool(said.get("flapping")),
        "at_ms": record.created_ms,
    }
    return {**devices, f"{said['port']}/{said['name']}": word}
