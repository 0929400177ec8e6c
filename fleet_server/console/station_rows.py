"""The list of stations: which ones match, and each one's row, as values that page and JSON share. Pure.

What a silent station said is not shown as if it still held: its peripherals and paper are unknown, with the age.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from device_profiles.formats.text import fold_for_bank
from fleet_server.console.device_rows import remedy_of, since_ms
from fleet_server.console.marks import (
    FAULT,
    Mark,
    device_mark,
    paper_mark,
    quality_mark,
    reason_text,
    remedy_mark,
    state_mark,
)
from fleet_server.console.overall import BACKLOG_MAX, CLOCK_OFF_MS, QUALITY_TRUSTED, is_silent, needs_somebody
from fleet_server.console.said import said
from fleet_server.console.telling import whole
from fleet_server.console.wording import GAP, say, word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet_server.console.glance import FleetView, StationView
    from fleet_server.console.said import Peripheral, Said
    from fleet_server.console.wording import Language
    from fleet_server.store import LastValues

COLUMNS = (
    "state",
    "seen",
    "backlog",
    "peripherals",
    "paper",
    "version",
    "desired",
    "clock",
    "exposure",
    "refusals",
)
REASONS_SHOWN = 3
WATCHER = "plugs"  # no device a resident uses: named only when it is not well
TROUBLE = "DEVICES"
NOTHING = Mark(GAP, "off")


class Filter(NamedTuple):
    """What the list is narrowed to; "" = not narrowed. `state` may be TROUBLE: stations with a device that waits."""

    text: str = ""
    ward: str = ""
    state: str = ""

    def chosen(self, views: Iterable[StationView]) -> list[StationView]:
        """The views that match, in their order. Marks and case of the text do not count."""
        wanted = fold_for_bank(self.text)
        return [
            view
            for view in views
            if (not self.state or view.state == self.state or (self.state == TROUBLE and is_ill(view)))
            and (not self.ward or view.seen.station.ward == self.ward)
            and (not wanted or wanted in _searched(view))
        ]


def is_ill(view: StationView) -> bool:
    """Whether a peripheral of this station waits for somebody."""
    return needs_somebody(view.reasons)


def _searched(view: StationView) -> str:
    place = view.seen.station
    return fold_for_bank(f"{place.id} {place.title} {place.ward} {place.building}")


class Row(NamedTuple):
    """One station of the list: plain values for programs, and the marks of each column for people."""

    view: StationView
    values: dict[str, object]
    marks: dict[str, list[Mark]]

    def as_json(self) -> dict[str, object]:
        """Both, as one map."""
        cells = {name: [mark.as_json() for mark in marks] for name, marks in self.marks.items()}
        return {**self.values, "cells": cells}


def row(language: Language, view: StationView, fleet: FleetView) -> Row:
    """One station as it is told."""
    return Row(view, values(view, fleet), dict(zip(COLUMNS, cells(language, view, fleet), strict=True)))


def values(view: StationView, fleet: FleetView) -> dict[str, object]:
    """One station for programs. Peripherals of a silent one are unknown here too."""
    seen, last = view.seen, view.seen.last
    silent = last is not None and is_silent(last, fleet.now_ms, fleet.heartbeat_s)
    now = said(last.status) if last else None
    return {
        "id": seen.station.id,
        "title": seen.station.title,
        "ward": seen.station.ward,
        "state": view.state,
        "reasons": [each.code for each in view.reasons],
        "last_ms": last.received_ms if last else None,
        "next": seen.head.next if seen.head else 0,
        "newest": last.newest if last else None,
        "backlog": seen.backlog,
        "peripherals": [
            {
                "port": each.port,
                "name": each.name,
                "state": "unknown" if silent else each.state,
                "paper": ("unknown" if silent else each.paper) if each.paper else "",
                "since_ms": 0 if silent or last is None else since_ms(each, last),
                "action": "" if silent else remedy_of(each),
                "flapping": each.flapping and not silent,
            }
            for each in (now.peripherals if now else None) or ()
        ],
        "version": now.version if now else None,
        "desired_rev": now.desired_rev if now else None,
        "wanted_rev": view.wanted.rev if view.wanted else None,
        "quality": last.quality if last else None,
        "exposure_count": now.exposure_count if now else None,
        "refused": view.refused,
    }


def cells(language: Language, view: StationView, fleet: FleetView) -> list[list[Mark]]:
    """The marks of one row, by COLUMNS."""
    last = view.seen.last
    if last is None:
        return [_state(language, view), [Mark(say(language, "never"), "off")], *([[NOTHING]] * (len(COLUMNS) - 2))]
    silent = is_silent(last, fleet.now_ms, fleet.heartbeat_s)
    now = said(last.status)
    return [
        _state(language, view),
        [Mark("", "bad" if silent else "", "offline" if silent else "", last.received_ms)],
        _backlog(language, view, silent=silent),
        _peripherals(language, now, last, silent=silent),
        _paper(language, now, silent=silent),
        [Mark(now.version or GAP)],
        _desired(language, view, now, silent=silent),
        _clock(language, last, silent=silent),
        _exposure(language, view, now, silent=silent),
        [Mark(whole(view.refused), "warn" if view.refused else "off", "alert" if view.refused else "")],
    ]


def _state(language: Language, view: StationView) -> list[Mark]:
    words = [reason_text(language, each) for each in view.reasons]
    more = [f"+{len(words) - REASONS_SHOWN}"] if len(words) > REASONS_SHOWN else []
    text = " · ".join([*words[:REASONS_SHOWN], *more])
    return [state_mark(language, view.state), *([Mark(text, small=True)] if text else [])]


def _backlog(language: Language, view: StationView, *, silent: bool) -> list[Mark]:
    count = view.seen.backlog or 0
    then = [Mark(say(language, "backlog.then"), "off", small=True)] if silent else []
    if not count:
        return [Mark(say(language, "backlog.none"), "off" if silent else "ok", "" if silent else "check"), *then]
    mark = Mark(say(language, "backlog.waiting", n=whole(count)), "warn", "waiting")
    return [mark if count > BACKLOG_MAX or silent else Mark(mark.text, "", "waiting"), *then]


def _peripherals(language: Language, now: Said, last: LastValues, *, silent: bool) -> list[Mark]:
    """Those that are not well by name, the others in one word; the station's own page names them all."""
    if silent:
        then = Mark(say(language, "peripherals.then"), "off", "", last.received_ms, small=True)
        return [device_mark(language, "unknown"), then]
    if now.peripherals is None:
        return [device_mark(language, "unknown")]
    ill = [each for each in now.peripherals if each.state != "online" or each.flapping]
    well = sum(each not in ill and each.port != WATCHER for each in now.peripherals)
    found = [_ill(language, each) for each in ill]
    if well:
        key = "peripherals.others" if ill else "peripherals.all"
        found.append(Mark(say(language, key, n=well), "ok", "check"))
    steps = [remedy_mark(language, remedy_of(each)).text for each in now.peripherals]
    if any(steps):
        found.append(Mark(" · ".join(filter(None, steps)), small=True))
    return found or [NOTHING]


def _ill(language: Language, each: Peripheral) -> Mark:
    port = word(language, "port", each.port)
    if not each.flapping:
        return device_mark(language, each.state, port)
    loose = say(language, "device.flapping")
    if each.state == "online":
        return Mark(f"{port} {loose}", "warn", "alert")
    told = device_mark(language, each.state, port)
    return told._replace(text=f"{told.text}, {loose}")


def _paper(language: Language, now: Said, *, silent: bool) -> list[Mark]:
    printers = [each for each in now.peripherals or () if each.port == "printer"]
    if not printers:
        return [NOTHING]
    return [paper_mark(language, "unknown" if silent and each.paper else each.paper) for each in printers]


def _desired(language: Language, view: StationView, now: Said, *, silent: bool) -> list[Mark]:
    wanted, rev = view.wanted, now.desired_rev
    refused = view.seen.state is not None and view.seen.state.desired_result == "refused"
    if refused:
        return [Mark(say(language, "result.refused"), *FAULT)]
    if wanted is None:
        return [Mark(say(language, "desired.none"), "off")]
    if rev is None:
        return [Mark(say(language, "desired.unheard", wanted=wanted.rev), "off", "help")]
    if rev < wanted.rev:
        return [Mark(say(language, "desired.waiting", n=rev, wanted=wanted.rev), "warn", "waiting")]
    return [Mark(say(language, "desired.applied", n=rev), "off" if silent else "ok", "" if silent else "check")]


def _clock(language: Language, last: LastValues, *, silent: bool) -> list[Mark]:
    if silent:
        return [NOTHING]
    off_ms = last.time_ms - last.received_ms
    if abs(off_ms) > CLOCK_OFF_MS and last.quality >= QUALITY_TRUSTED:
        return [quality_mark(language, last.quality), Mark(f"{off_ms // 1000:+} s", "warn", "alert", small=True)]
    return [quality_mark(language, last.quality)]


def _exposure(language: Language, view: StationView, now: Said, *, silent: bool) -> list[Mark]:
    near = any(each.code == "exposure" for each in view.reasons)
    if now.exposure_count is None:
        return [NOTHING]
    if not now.exposure_count:
        return [Mark("0", "off")]
    text = say(language, "exposure.open", n=whole(now.exposure_count))
    if silent:
        return [Mark(text, "off")]
    return [Mark(text, "warn" if near else "", "alert" if near else "")]
