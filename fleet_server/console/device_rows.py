"""The peripherals of one station as its page shows them: how each is, since when, who acts, what it has done. Pure.

What is shown as the present comes from the newest batch; of a silent station every peripheral is unknown, with what it
said last. Which device it is and its own words stand in its newest record, and are shown while that says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fleet_server.console.marks import Mark, device_mark, paper_mark, remedy, remedy_mark
from fleet_server.console.overall import is_silent
from fleet_server.console.said import said
from fleet_server.console.telling import decimal, masked, whole
from fleet_server.console.wording import say, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet_server.console.glance import StationView
    from fleet_server.console.said import Peripheral
    from fleet_server.console.wording import Language
    from fleet_server.store import LastValues

DONE = ("reads_ok", "scans", "prints_confirmed")
WENT_WRONG = ("reads_failed", "prints_failed", "prints_unknown", "jams", "lost")


class DeviceLine(NamedTuple):
    """One peripheral. `since`, `proven` and `worked` carry a moment; `counted_ms` 0 = it was not told what it did."""

    port: str
    name: str
    identity: str
    marks: tuple[Mark, ...]
    since: Mark
    proven: Mark
    action: Mark
    done: str
    wrong: str
    worked_ms: int
    counted_ms: int


def lines(language: Language, view: StationView, now_ms: int, heartbeat_s: int) -> list[DeviceLine]:
    """Every peripheral that the newest batch names."""
    last = view.seen.last
    if last is None:
        return []
    silent = is_silent(last, now_ms, heartbeat_s)
    return [_line(language, view, each, last, silent=silent) for each in said(last.status).peripherals or ()]


def _line(language: Language, view: StationView, each: Peripheral, last: LastValues, *, silent: bool) -> DeviceLine:
    recorded: Mapping[str, object] = {}
    if view.seen.state:
        recorded = view.seen.state.peripherals.get(f"{each.port}/{each.name}", {})
    same = recorded.get("state") == each.state and not silent
    return DeviceLine(
        port=word(language, "port", each.port),
        name=each.name,
        identity=str(recorded.get("identity") or ""),  # of a thing, and useless without its last digits
        marks=_marks(language, each, str(recorded.get("detail") or "") if same else "", silent=silent),
        since=Mark("", at_ms=0 if silent else since_ms(each, last)),
        proven=Mark(say(language, "device.assumed") if silent else "", "off" if silent else "", "", last.received_ms),
        action=remedy_mark(language, "" if silent else remedy_of(each)),
        done=_counted(language, each.counts, DONE),
        wrong=_counted(language, each.counts, WENT_WRONG),
        worked_ms=each.worked_ms or 0,
        counted_ms=each.counted_ms or 0,
    )


def _marks(language: Language, each: Peripheral, detail: str, *, silent: bool) -> tuple[Mark, ...]:
    if silent:
        was = word(language, "device", each.state) + (f", {word(language, 'paper', each.paper)}" if each.paper else "")
        return (device_mark(language, "unknown"), Mark(say(language, "device.was", state=was), small=True))
    found = [device_mark(language, each.state)]
    if each.flapping:
        found.append(Mark(say(language, "device.flapping"), "warn", "alert"))
    if each.paper:
        paper = paper_mark(language, each.paper)
        found.append(paper._replace(text=f"{say(language, 'col.paper')}: {paper.text}"))
    if detail:
        found.append(Mark(masked(detail), small=True))
    return tuple(found)


def remedy_of(each: Peripheral) -> str:
    """What is to be done for it."""
    return remedy(each.state, each.paper, each.action, flapping=each.flapping)


def since_ms(each: Peripheral, last: LastValues) -> int:
    """Since when it is so, by the fleet's clock: the station's own may be wrong. 0 where it does not say."""
    if each.since_mono_ms is not None and 0 <= each.since_mono_ms <= last.mono_ms:
        return last.received_ms - (last.mono_ms - each.since_mono_ms)
    return each.since_ms or 0


def _counted(language: Language, counts: Mapping[str, int], names: tuple[str, ...]) -> str:
    told = [say(language, f"count.{name}", n=whole(counts[name])) for name in names if counts.get(name)]
    if names is DONE and counts.get("paper_mm"):
        told.append(say(language, "count.paper", n=decimal(counts["paper_mm"] / 1000)))
    return " · ".join(told)
