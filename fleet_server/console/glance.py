"""One look at the whole fleet: every station with its state, and what stands apart. Shows nothing, keeps nothing.

A look costs a read of every station, and the console shares its process with ingest: however many people look, `Recent`
shares it for a while.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from fleet_server.console.overall import WORST_FIRST, Reason, State, Wanted, overall
from fleet_server.store import OPENER_CURSOR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fleet_server.store import Reader, Refusal, Seen, Store

T = TypeVar("T")
LOOK_MS = 1_000
SHARE = 5  # reading takes at most one part in this many of the time
APART_MAX = 500


class StationView(NamedTuple):
    """A station as it is judged at one moment; `refused`: messages the fleet refused from its newest device."""

    seen: Seen
    state: State
    reasons: tuple[Reason, ...]
    wanted: Wanted | None
    refused: int


@dataclass(frozen=True, slots=True)
class FleetView:
    """The fleet at one moment, worst stations first.

    accepted: records in the log. quarantined, aside: how many stand apart, at most APART_MAX are counted.
    unopened_ms: when the oldest record came that the opener has not taken yet, None = it has taken all.
    """

    now_ms: int
    heartbeat_s: int
    lineage: bytes
    keeps_backups: bool
    backup_ms: int | None
    accepted: int
    stations: tuple[StationView, ...]
    refusals: tuple[Refusal, ...]
    quarantined: int
    aside: int
    unopened_ms: int | None

    @property
    def counts(self) -> dict[State, int]:
        """How many stations are in each state, worst first, states without a station left out."""
        found = Counter(view.state for view in self.stations)
        return {state: found[state] for state in WORST_FIRST if found[state]}

    @property
    def station_of(self) -> Mapping[bytes, str]:
        """The station of every newest device."""
        return {view.seen.device.id: view.seen.station.id for view in self.stations if view.seen.device}


def look(store: Store, now_ms: int, heartbeat_s: int) -> FleetView:
    """Read the fleet and judge every station. heartbeat_s: what stations are told unless operations set another."""
    common = store.settings("fleet")
    told = common.get("heartbeat_s")
    heartbeat_s = told if isinstance(told, int) and told > 0 else heartbeat_s
    refusals = tuple(store.refusals())
    refused: Counter[bytes] = Counter()
    for each in refusals:
        if each.device:
            refused[each.device] += each.count
    views = []
    for seen in store.seen():
        wanted = _wanted(store, seen, common)
        state, reasons = overall(seen, now_ms, heartbeat_s=heartbeat_s, wanted=wanted)
        number = refused[seen.device.id] if seen.device else 0
        views.append(StationView(seen, state, reasons, wanted, number))
    views.sort(key=lambda view: (WORST_FIRST.index(view.state), view.seen.station.id))
    waiting = store.after(store.cursor(OPENER_CURSOR), 1)
    return FleetView(
        now_ms=now_ms,
        heartbeat_s=heartbeat_s,
        lineage=store.lineage(),
        keeps_backups=store.keeps_backups(),
        backup_ms=store.backup_ms(),
        accepted=accepted(store),
        stations=tuple(views),
        refusals=refusals,
        quarantined=len(store.quarantined(APART_MAX)),
        aside=len(store.side(limit=APART_MAX)),
        unopened_ms=waiting[0].received_ms if waiting else None,
    )


def _wanted(store: Store, seen: Seen, common: Mapping[str, object]) -> Wanted | None:
    """What a station is told to be; None as long as no Desired was made."""
    row = store.desired(seen.device.id) if seen.device else None
    closed = {**common, **store.settings(seen.station.id)}.get("out_of_service")
    return Wanted(row.rev, closed=isinstance(closed, str) and bool(closed)) if row else None


def accepted(store: Store) -> int:
    """How many records the fleet has accepted into its log."""
    return sum(head.next for head in store.heads())


class Recent(Generic[T]):
    """One reading of the store, handed to everybody until it is old. For any thread.

    Old is LOOK_MS, or longer where reading takes long: a large fleet's console leaves most of the time to ingest.
    """

    def __init__(self, reader: Reader, now_ms: Callable[[], int], read: Callable[[Store, int], T]) -> None:
        self._reader, self._now_ms, self._read = reader, now_ms, read
        self._lock = threading.Lock()
        self._newest: tuple[int, int, T] | None = None

    def get(self) -> T:
        """What was read lately."""
        with self._lock:
            now_ms = self._now_ms()
            if self._newest is None or not 0 <= now_ms - self._newest[0] < self._newest[1]:
                found = self._reader.read(lambda store: self._read(store, now_ms))
                took_ms = max(0, self._now_ms() - now_ms)
                self._newest = (now_ms, max(LOOK_MS, SHARE * took_ms), found)
            return self._newest[2]
