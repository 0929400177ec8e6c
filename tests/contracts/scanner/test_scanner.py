"""What every barcode scanner driver promises (edge_agent.ports.Scanner), run on each of them."""

from __future__ import annotations

import threading
import time

from edge_agent.events import PeripheralState, Scanned
from edge_agent.ports import PortFault

CODES = [b"7F3K9Q2M4", b"079090012345|012345678|", b"x" * 4096, b"1"]
ONLINE = PeripheralState("scanner", "rig", "online")


def until(wanted, within_s=10.0):
    end_s = time.monotonic() + within_s
    while not wanted() and time.monotonic() < end_s:
        time.sleep(0.002)
    assert wanted()


def states(posted):
    return [event.state for event in posted if isinstance(event, PeripheralState)]


def codes(posted):
    return [event.data for event in posted if isinstance(event, Scanned)]


def opened(scanner):
    try:
        return scanner.open().state
    except PortFault as fault:
        return fault.state


def test_open_says_how_it_is(rig):
    assert rig.scanner.open() == ONLINE
    rig.scanner.close()
    rig.plug(plugged=False)
    assert opened(rig.scanner) == "noDevice"
    rig.plug(plugged=True)
    assert opened(rig.scanner) == "online"


def test_what_is_scanned_comes_as_it_was_in_order(rig):
    rig.scanner.open()
    held = [*CODES, *rig.codes]
    for code in held:
        rig.scan(code)
    assert [rig.scanner.wait(5) for _ in held] == [Scanned(code) for code in held]


def test_nothing_comes_after_the_time_that_was_given(rig):
    rig.scanner.open()
    began = time.monotonic()
    assert rig.scanner.wait(0.1) is None
    assert 0.05 < time.monotonic() - began < 1


def test_a_scan_wakes_the_one_who_waits(rig):
    rig.scanner.open()
    threading.Timer(0.05, rig.scan, [b"1"]).start()
    began = time.monotonic()
    assert rig.scanner.wait(5) == Scanned(b"1")
    assert time.monotonic() - began < 2


def test_a_cable_pulled_out_is_told_within_two_seconds_and_put_in_again_it_works(rig, work):
    worker, posted = work(rig.scanner)
    until(lambda: states(posted) == ["online"])
    rig.scan(b"1")
    until(lambda: codes(posted) == [b"1"])
    rig.plug(plugged=False)
    until(lambda: states(posted) == ["online", "noDevice"], within_s=2)
    rig.plug(plugged=True)
    worker.look()
    until(lambda: states(posted) == ["online", "noDevice", "online"], within_s=2)
    rig.scan(b"2")
    until(lambda: codes(posted) == [b"1", b"2"])


def test_what_nobody_took_is_forgotten_when_it_closes(rig):
    rig.scanner.open()
    rig.scan(b"of the resident before")
    rig.scanner.close()
    rig.scanner.close()
    assert rig.scanner.open().state == "online"
    assert rig.scanner.wait(0.05) is None
    rig.scan(b"mine")
    assert rig.scanner.wait(5) == Scanned(b"mine")


def test_what_nobody_took_is_forgotten_when_told(rig):
    rig.scanner.open()
    for code in (b"taken", b"of the resident before", b"and another"):
        rig.scan(code)
    assert rig.scanner.wait(5) == Scanned(b"taken")
    rig.scanner.forget()
    assert rig.scanner.wait(0.05) is None
    rig.scan(b"mine")
    assert rig.scanner.wait(5) == Scanned(b"mine")


def test_forgetting_a_closed_scanner_is_no_fault(rig):
    rig.scanner.forget()
    assert rig.scanner.open() == ONLINE


def test_the_worker_posts_nothing_of_the_visit_before(rig, work):
    held, may_go, forgotten = threading.Event(), threading.Event(), threading.Event()
    wait, forget = rig.scanner.wait, rig.scanner.forget

    def slow_wait(timeout_s):
        event = wait(timeout_s)
        if event == Scanned(b"of the resident before"):
            held.set()
            assert may_go.wait(10)
        return event

    rig.scanner.wait = slow_wait
    rig.scanner.forget = lambda: (forget(), forgotten.set())
    worker, posted = work(rig.scanner)
    until(lambda: states(posted) == ["online"])
    forgotten.clear()
    rig.scan(b"of the resident before")
    rig.scan(b"also")
    assert held.wait(10)
    worker.forget()
    may_go.set()
    assert forgotten.wait(10)
    rig.scan(b"mine")
    until(lambda: codes(posted))
    assert codes(posted) == [b"mine"]
    assert states(posted) == ["online"]
