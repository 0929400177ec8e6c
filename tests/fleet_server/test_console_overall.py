"""One word for a station and why: every state, every reason, and the thresholds from both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet_server.console.marks import STATES, reason_text
from fleet_server.console.overall import (
    BACKLOG_MAX,
    CLOCK_OFF_MS,
    CLOCK_OFF_STOPS_MONEY_MS,
    FLEET_CLOCK_BACK_MAX_MS,
    WORST_FIRST,
    Wanted,
    is_silent,
    overall,
)
from fleet_server.console.said import said
from fleet_server.store import Head, Seen, StationState
from tests.fleet_server.console_bed import ALL_WELL, T0, device, last, place, status

SPOT = "K0001"
FIVE_MIN_MS = 5 * 60_000


def seen(received_ms: int | None = T0, **changed: Any) -> Seen:
    """A station; `changed` may hold the parts of Seen, values of its newest batch, or of its status map."""
    parts = {name: changed.pop(name) for name in ("station", "device", "head", "state") if name in changed}
    batch = {name: changed.pop(name) for name in ("newest", "quality", "time_ms") if name in changed}
    heard = None if received_ms is None else last(SPOT, received_ms, status=status(**changed), **batch)
    whole = {"station": place(), "device": device(SPOT), "head": head(10), "state": None, **parts}
    return Seen(**whole, last=heard)


def head(next_: int) -> Head:
    return Head(device(SPOT).id, 1, b"j" * 16, next_, b"d" * 32)


def peripheral(port: str, state: str, paper: str = "") -> list[list[str]]:
    return [[port, f"{port}-x", state, paper]]


def judged(station: Seen, now_ms: int = T0, **changed: Any) -> tuple[str, list[str]]:
    state, reasons = overall(station, now_ms, **changed)
    for each in reasons:
        assert reason_text("vi", each), each
        assert reason_text("en", each), each
    return state, [each.code for each in reasons]


REVOKED = device(SPOT, status="REVOKED")
QUARANTINED = device(SPOT, status="QUARANTINED")

CASES: list[tuple[Seen, str, list[str]]] = [
    (seen(), "IN_SERVICE", []),
    # the registry's word
    (seen(None, device=None, head=None), "PROVISIONING", ["no_device"]),
    (seen(None, device=device(SPOT, status="NEW")), "PROVISIONING", ["no_batch_yet"]),
    (seen(None, device=device(SPOT, status="CLAIMED")), "PROVISIONING", ["no_batch_yet"]),
    (seen(station=place(live=False)), "PROVISIONING", ["not_live"]),
    (seen(T0 - FIVE_MIN_MS - 1, station=place(live=False)), "PROVISIONING", ["not_live", "silent"]),
    (seen(device=REVOKED), "DISABLED", ["revoked"]),
    (seen(T0 - FIVE_MIN_MS - 1, device=REVOKED), "DISABLED", ["revoked", "silent"]),
    (seen(None, device=device(SPOT, status="DECOMMISSIONED")), "DISABLED", ["decommissioned"]),
    (seen(device=QUARANTINED), "OUT_OF_SERVICE", ["quarantined"]),
    (seen(device=QUARANTINED, stopped=["quarantined"]), "OUT_OF_SERVICE", ["quarantined"]),
    (seen(T0 - FIVE_MIN_MS - 1, device=QUARANTINED), "OFFLINE", ["quarantined", "silent"]),
    (seen(device=device(SPOT, status="PROVISIONAL")), "IN_SERVICE", []),
    # heard or not
    (seen(None), "UNKNOWN", ["never_heard"]),
    (seen(T0 - FIVE_MIN_MS), "IN_SERVICE", []),
    (seen(T0 - FIVE_MIN_MS - 1), "OFFLINE", ["silent"]),
    (seen(T0 - FIVE_MIN_MS - 1, head=head(3)), "OFFLINE", ["silent", "backlog"]),
    (seen(T0 - 10**9, stopped=["journal"], peripherals=peripheral("printer", "noDevice")), "OFFLINE", ["silent"]),
    (seen(T0 + FLEET_CLOCK_BACK_MAX_MS), "IN_SERVICE", []),
    (seen(T0 + FLEET_CLOCK_BACK_MAX_MS + 1), "UNKNOWN", ["fleet_clock"]),
    # what it says of itself
    (seen(stopped=None), "UNKNOWN", ["did_not_say"]),
    (seen(stopped="journal"), "UNKNOWN", ["did_not_say"]),
    (seen(stopped=[7]), "UNKNOWN", ["did_not_say"]),
    (seen(stopped=["journal"]), "OUT_OF_SERVICE", ["stopped.journal"]),
    (seen(stopped=["a word of tomorrow"]), "OUT_OF_SERVICE", ["stopped.a word of tomorrow"]),
    (seen(stopped=["maintenance"]), "MAINTENANCE", ["stopped.maintenance"]),
    (seen(page_age_s=None), "IN_SERVICE", []),
    (seen(page_age_s=None, peripherals=peripheral("printer", "online")), "IN_SERVICE", ["page_unknown"]),
    (seen(page_age_s=60), "IN_SERVICE", []),
    (seen(page_age_s=61), "OUT_OF_SERVICE", ["page_silent"]),
    (seen(peripherals=peripheral("display", "noDevice")), "OUT_OF_SERVICE", ["port.display"]),
    (seen(peripherals=peripheral("printer", "noDevice")), "DEGRADED", ["port.printer"]),
    (seen(peripherals=peripheral("printer", "unknown")), "DEGRADED", ["port.printer"]),
    (seen(peripherals=peripheral("reader", "hardwareError")), "DEGRADED", ["port.reader"]),
    (seen(peripherals=peripheral("scanner", "offline")), "DEGRADED", ["port.scanner"]),
    (seen(peripherals=peripheral("plugs", "offline")), "IN_SERVICE", ["port.plugs"]),
    (seen(peripherals=peripheral("printer", "online", "out")), "DEGRADED", ["paper.out"]),
    (seen(peripherals=peripheral("printer", "online", "jammed")), "DEGRADED", ["paper.jammed"]),
    (seen(peripherals=peripheral("printer", "online", "low")), "IN_SERVICE", ["paper.low"]),
    (seen(peripherals=peripheral("printer", "online", "unknown")), "IN_SERVICE", ["paper.unknown"]),
    (seen(peripherals=peripheral("display", "unknown"), page_age_s=None), "IN_SERVICE", ["page_unknown"]),
    (seen(peripherals=ALL_WELL, devices=[{0: "printer", 5: True}]), "IN_SERVICE", ["flapping"]),
    (seen(peripherals=ALL_WELL, devices=[{0: "nobody", 5: True}, {5: True}, 7]), "IN_SERVICE", []),
    (seen(peripherals=None), "IN_SERVICE", ["peripherals_unknown"]),
    (seen(peripherals=None, page_age_s=None), "IN_SERVICE", ["peripherals_unknown", "page_unknown"]),
    (seen(peripherals=[["printer", "x", "online"]]), "IN_SERVICE", ["peripherals_unknown"]),
    (seen(peripherals="printer"), "IN_SERVICE", ["peripherals_unknown"]),
    (seen(quality=1), "DEGRADED", ["clock_untrusted"]),
    (seen(quality=2), "IN_SERVICE", []),
    (seen(time_ms=T0 - CLOCK_OFF_MS), "IN_SERVICE", []),
    (seen(time_ms=T0 - CLOCK_OFF_MS - 1), "IN_SERVICE", ["clock_off"]),
    (seen(time_ms=T0 + CLOCK_OFF_STOPS_MONEY_MS + 1), "DEGRADED", ["clock_off"]),
    (seen(newest=BACKLOG_MAX + 9), "IN_SERVICE", []),
    (seen(newest=BACKLOG_MAX + 10), "IN_SERVICE", ["backlog"]),
    (seen(lost_range=[3, 9]), "IN_SERVICE", ["lost_range"]),
    (seen(lost_range=[3]), "IN_SERVICE", []),
    (seen(ack_alarms=1), "IN_SERVICE", ["ack_alarms"]),
    (seen(sealing_expired=True), "IN_SERVICE", ["sealing_expired"]),
    (seen(exposure_count=40), "IN_SERVICE", []),
    (seen(exposure_count=41), "IN_SERVICE", ["exposure"]),
    (seen(disk_free_percent=15), "IN_SERVICE", []),
    (seen(disk_free_percent=14), "IN_SERVICE", ["disk"]),
    (seen(refusals=[["signature", 2], ["chain", 1]]), "IN_SERVICE", ["station_refusals"]),
    (seen(refusals=[["signature", "2"]]), "IN_SERVICE", []),
    (seen(refusals=7), "IN_SERVICE", []),
    (seen(dropped=1), "IN_SERVICE", ["dropped"]),
    (seen(state=StationState(device(SPOT).id, desired_result="refused")), "IN_SERVICE", ["desired_refused"]),
    (
        seen(state=StationState(device(SPOT).id, sets={"bills/B1": {"result": "refused"}})),
        "IN_SERVICE",
        ["set_refused"],
    ),
    (seen(state=StationState(device(SPOT).id, sets={"bills/B1": {"result": "applied"}})), "IN_SERVICE", []),
    # the gravest first
    (
        seen(
            peripherals=[*peripheral("printer", "online", "out"), *peripheral("display", "noDevice")], lost_range=[1, 2]
        ),
        "OUT_OF_SERVICE",
        ["port.display", "paper.out", "lost_range"],
    ),
]


@pytest.mark.parametrize(("station", "state", "codes"), CASES)
def test_a_station_is_what_is_proven(station: Seen, state: str, codes: list[str]) -> None:
    assert judged(station) == (state, codes)


def test_every_state_has_a_case_a_tone_and_an_icon() -> None:
    assert {state for _, state, _ in CASES} == set(WORST_FIRST) == set(STATES)


def test_silence_is_counted_in_heartbeats() -> None:
    station = seen(T0 - 26_000)
    assert judged(station) == ("IN_SERVICE", [])
    assert judged(station, heartbeat_s=5) == ("OFFLINE", ["silent"])
    assert station.last is not None
    assert is_silent(station.last, T0, 5)
    assert not is_silent(replace(station.last, received_ms=T0 - 25_000), T0, 5)


@pytest.mark.parametrize(
    ("rev", "wanted", "codes"), [(3, 4, ["desired_waiting"]), (4, 4, []), (5, 4, []), (None, 4, [])]
)
def test_settings_that_are_not_applied_are_named(rev: int | None, wanted: int, codes: list[str]) -> None:
    assert judged(seen(desired_rev=rev), wanted=Wanted(wanted)) == ("IN_SERVICE", codes)


@pytest.mark.parametrize(
    ("rev", "state", "codes"),
    [
        (3, "IN_SERVICE", ["closing", "desired_waiting"]),
        (None, "IN_SERVICE", ["closing"]),
        (4, "OUT_OF_SERVICE", ["stopped.operator"]),
    ],
)
def test_a_station_is_closed_once_it_says_that_it_knows(rev: int | None, state: str, codes: list[str]) -> None:
    assert judged(seen(desired_rev=rev), wanted=Wanted(4, closed=True)) == (state, codes)


def test_a_status_map_of_nonsense_says_nothing_and_breaks_nothing() -> None:
    for junk in (None, "x", -1, 10**30, b"\xff", [], [[]], {}, {1: 2}, True):
        values = said(dict.fromkeys(range(40), junk))
        assert values.stopped in (None, ())
        assert values.lost_range is None
        assert overall(
            Seen(place(), device(SPOT), head(1), last(SPOT, T0, status=dict.fromkeys(range(40), junk)), None), T0
        )
