"""How a station says it is: version, peripherals, sets, what became of Desired, counts of visits and slips. Pure.

Says what the records say, with the time they were written; whether that is still so is judged by its age when shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fleet_server.projections import devices
from fleet_server.store import StationState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet_server.projections import Opened

KINDS = frozenset(
    ("journal.opened", "station.started", "visit.ended", "slip.result", "desired.result", "set.result", "device.state")
)


def project(row: StationState | None, record: Opened) -> StationState:
    """Fold one record of KINDS into its device's row (None before the first)."""
    state = row or StationState(record.device)
    said = record.fields
    match record.kind:
        case "journal.opened":
            return replace(state, journals=state.journals + 1, journal_reason=said["reason"])
        case "station.started":
            return replace(
                state,
                version=said["version"],
                boot=said["boot"],
                started_ms=record.created_ms,
                peripherals=devices.project(state.peripherals, record),
            )
        case "visit.ended":
            return replace(state, visits=_counted(state.visits, said["outcome"]))
        case "slip.result":
            return replace(state, slips=_counted(state.slips, said["result"]))
        case "desired.result":
            return replace(
                state, desired_rev=said["rev"], desired_result=said["result"], desired_reason=said.get("reason") or ""
            )
        case "set.result":
            entry = {"version": said["version"], "result": said["result"], "reason": said.get("reason") or ""}
            return replace(state, sets={**state.sets, said["name"]: entry})
        case _:
            return replace(state, peripherals=devices.project(state.peripherals, record))


def _counted(counts: Mapping[str, int], name: str) -> dict[str, int]:
    return {**counts, name: counts.get(name, 0) + 1}
