"""The list of stations as page and program ask for it, and the fleet in numbers. Judges nothing.

The list is narrowed and cut here, so that a page of a large fleet stays small; programs may ask for all of it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlencode

from fastapi import Query

from fleet_server.console.banners import DOSSIERS_PATH
from fleet_server.console.dossier_rows import overview_mark
from fleet_server.console.marks import Mark, state_mark
from fleet_server.console.overall import WORST_FIRST
from fleet_server.console.station_rows import TROUBLE, Filter, Row, is_ill, row
from fleet_server.console.telling import whole
from fleet_server.console.wording import say

if TYPE_CHECKING:
    from fleet_server.console.banners import Banner
    from fleet_server.console.dossier_rows import Totals
    from fleet_server.console.glance import FleetView
    from fleet_server.console.money_rows import MoneyView
    from fleet_server.console.wording import Language

ROWS_SHOWN, ROWS_MAX = 100, 20_000
TEXT_MAX = 80


class Asked(NamedTuple):
    """What the address of the list asks for."""

    chosen: Filter
    limit: int

    def href(self, **changed: str) -> str:
        """The address of the page with other filters; what is empty is left out."""
        named = {"q": self.chosen.text, "ward": self.chosen.ward, "state": self.chosen.state, **changed}
        query = urlencode({name: value for name, value in named.items() if value})
        return f"/?{query}" if query else "/"


def asked(
    q: Annotated[str, Query(max_length=TEXT_MAX)] = "",
    ward: Annotated[str, Query(max_length=TEXT_MAX)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = ROWS_SHOWN,
) -> Asked:
    """Read the filters; a state that does not exist is none."""
    return Asked(Filter(q.strip(), ward, state if state in (*WORST_FIRST, TROUBLE) else ""), limit)


class Tile(NamedTuple):
    """How many stations are in one state ("" = in any), under the other filters; a click narrows the list to it.

    The last one may count dossiers that wait (`state` "dossiers"); a click opens their page.
    """

    state: str
    mark: Mark
    stations: int
    href: str
    chosen: bool


class Listing(NamedTuple):
    """The list as it is shown. found: stations that match, of which `rows` are the first."""

    tiles: tuple[Tile, ...]
    wards: tuple[str, ...]
    rows: tuple[Row, ...]
    found: int
    matching: str
    more: str


def listing(language: Language, fleet: FleetView, wanted: Asked, filed: Totals) -> Listing:
    """Narrow the fleet to what is asked for; what waits for offices stands beside it."""
    found = wanted.chosen.chosen(fleet.stations)
    rows = tuple(row(language, view, fleet) for view in found[: wanted.limit])
    everywhere = wanted.chosen._replace(state="").chosen(fleet.stations)
    number = Counter(view.state for view in everywhere)
    tiles = [("", Mark(say(language, "all"), "", "station"), len(everywhere))]
    tiles += [(state, state_mark(language, state), number[state]) for state in fleet.counts]
    if ill := sum(is_ill(view) for view in everywhere):
        tiles.append((TROUBLE, Mark(say(language, "peripherals.trouble"), "warn", "wrench"), ill))
    shown = [Tile(*each, wanted.href(state=each[0]), wanted.chosen.state == each[0]) for each in tiles]
    if filed.waiting:
        shown.append(Tile("dossiers", overview_mark(language, filed), filed.waiting, DOSSIERS_PATH, chosen=False))
    return Listing(
        tiles=tuple(shown),
        wards=tuple(sorted({view.seen.station.ward for view in fleet.stations})),
        rows=rows,
        found=len(found),
        matching=say(language, "stations.matching", shown=whole(len(rows)), total=whole(len(fleet.stations))),
        more=wanted.href(limit=str(ROWS_MAX)) if len(rows) < len(found) else "",
    )


def stations_json(
    language: Language, fleet: FleetView, wanted: Asked, filed: Totals, banners: list[Banner], now_ms: int
) -> dict[str, object]:
    """The list for programs, and for the page that refreshes itself; `as_of_ms` says when the fleet was read."""
    shown = listing(language, fleet, wanted, filed)
    return {
        "now_ms": now_ms,
        "as_of_ms": fleet.now_ms,
        "lineage": fleet.lineage.hex(),
        "accepted": fleet.accepted,
        "total": len(fleet.stations),
        "found": shown.found,
        "matching": shown.matching,
        "tiles": [
            {
                "state": each.state,
                "stations": each.stations,
                "href": each.href,
                "chosen": each.chosen,
                **each.mark.as_json(),
            }
            for each in shown.tiles
        ],
        "banners": [each._asdict() for each in banners],
        "stations": [each.as_json() for each in shown.rows],
    }


def summary_json(fleet: FleetView, money: MoneyView, filed: Totals, *, broker_alive: bool) -> dict[str, object]:
    """The fleet in numbers. How much the stations have committed is not known here: `newest` is what they said."""
    return {
        "as_of_ms": fleet.now_ms,
        "lineage": fleet.lineage.hex(),
        "accepted": fleet.accepted,
        "broker_alive": broker_alive,
        "keeps_backups": fleet.keeps_backups,
        "backup_ms": fleet.backup_ms,
        "opener_waiting_since_ms": fleet.unopened_ms,
        "states": fleet.counts,
        "payments": {each.state: each.payments for each in money.totals},
        "payments_dong": {each.state: each.dong for each in money.totals},
        "payments_counted_all": money.is_all,
        "exceptions": dict(money.reasons),
        "unknown_credits": len(money.unknown),
        "dossiers": filed.states,
        "dossiers_urgent": filed.urgent,
        "dossiers_overdue": filed.overdue,
        "dossiers_at_risk": filed.at_risk,
        "dossiers_faulty": filed.faulty,
        "quarantined": fleet.quarantined,
        "aside": fleet.aside,
        "refused": sum(each.count for each in fleet.refusals),
        "stations": [
            {
                "id": view.seen.station.id,
                "state": view.state,
                "next": view.seen.head.next if view.seen.head else 0,
                "newest": view.seen.last.newest if view.seen.last else None,
                "backlog": view.seen.backlog,
                "last_ms": view.seen.last.received_ms if view.seen.last else None,
            }
            for view in fleet.stations
        ],
    }
