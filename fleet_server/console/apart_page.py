"""What the fleet took and set apart, and what it refused: grouped by reason and station, with the newest example.

Reads only; every text in it may come from an enemy and is told masked and escaped by the page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from fleet_server.console.glance import APART_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleet_server.store import Store


@dataclass(frozen=True, slots=True)
class Group:
    """Everything with one reason from one station ("" = no station we know), with the newest of it as example."""

    reason: str
    station: str
    times: int
    first_ms: int
    last_ms: int
    example: str


class ApartPage(NamedTuple):
    """Newest group first; `…_cut`: only the newest `limit` rows were read."""

    quarantined: tuple[Group, ...]
    quarantined_cut: bool
    aside: tuple[Group, ...]
    aside_cut: bool
    refused: tuple[Group, ...]
    limit: int


def look(store: Store, _now_ms: int) -> ApartPage:
    """Read what stands apart."""
    station_of = {device.id: device.station for device in store.devices()}
    quarantined, aside = store.quarantined(APART_MAX), store.side(limit=APART_MAX)
    return ApartPage(
        quarantined=grouped(
            _one(each.reason, each.device, each.received_ms, f"{each.kind} {each.detail}".strip(), each.seq, station_of)
            for each in quarantined
        ),
        quarantined_cut=len(quarantined) >= APART_MAX,
        aside=grouped(
            _one(each.reason, each.device, each.received_ms, f"{len(each.record)} B", each.seq, station_of)
            for each in aside
        ),
        aside_cut=len(aside) >= APART_MAX,
        refused=tuple(
            Group(
                each.reason,
                station_of.get(each.device or b"", ""),
                each.count,
                each.first_ms,
                each.last_ms,
                each.example,
            )
            for each in store.refusals()
        ),
        limit=APART_MAX,
    )


def _one(reason: str, device: bytes, at_ms: int, what: str, seq: int, station_of: Mapping[bytes, str]) -> Group:
    return Group(reason, station_of.get(device, ""), 1, at_ms, at_ms, f"seq {seq}: {what}")


def grouped(rows: Iterable[Group]) -> tuple[Group, ...]:
    """Put single rows together, newest first as they come: the first of a group gives its example."""
    found: dict[tuple[str, str], Group] = {}
    for each in rows:
        known = found.get((each.reason, each.station))
        if known is None:
            found[each.reason, each.station] = each
            continue
        found[each.reason, each.station] = replace(
            known,
            times=known.times + each.times,
            first_ms=min(known.first_ms, each.first_ms),
            last_ms=max(known.last_ms, each.last_ms),
        )
    return tuple(found.values())
