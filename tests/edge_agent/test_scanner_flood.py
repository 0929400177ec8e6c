"""A scanner that babbles neither fills the inbox nor is told as a thousand scans; a person's scans all count."""

from __future__ import annotations

import os
import pty
import threading
import time
import tty

import pytest

from edge_agent import __main__ as root
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.scanner.flood import LINES_MAX, QUIET_S, SAME_S, WITHIN_S, Flood
from edge_agent.drivers.worker import Pace, ScannerWorker
from edge_agent.events import PeripheralState, PrintDone, Scanned

PACE = Pace(wait_s=0.01)


def until(wanted, within_s=20.0):
    end_s = time.monotonic() + within_s
    while not wanted() and time.monotonic() < end_s:
        time.sleep(0.005)
    assert wanted()


def lines(posted):
    return [event.data for event in posted if isinstance(event, Scanned)]


def test_the_same_code_again_is_the_same_scan_until_its_time_is_over():
    flood = Flood()
    assert flood.takes(b"a", 10.0)
    assert not flood.takes(b"a", 10.5)
    assert flood.takes(b"b", 11.0)
    assert flood.takes(b"a", 11.1)
    assert not flood.takes(b"a", 11.1 + SAME_S - 0.01)
    assert flood.takes(b"a", 11.1 + SAME_S)


def test_the_same_code_counts_in_the_next_visit():
    flood = Flood()
    assert flood.takes(b"a", 10.0)
    flood.forget()
    assert flood.takes(b"a", 10.1)


def test_more_lines_than_a_person_brings_count_no_more_until_it_is_quiet():
    flood = Flood()
    counted = [flood.takes(b"%d" % number, 10.0 + number * 0.1) for number in range(40)]
    assert counted == [True] * LINES_MAX + [False] * (40 - LINES_MAX)
    assert flood.babbles
    last_s = 10.0 + 39 * 0.1
    flood.forget()
    assert not flood.takes(b"too soon", last_s + QUIET_S - 0.01)
    assert flood.takes(b"a person's", last_s + 2 * QUIET_S)
    assert not flood.babbles


def test_a_person_who_scans_one_code_after_another_is_never_refused():
    flood = Flood()
    step_s = WITHIN_S / LINES_MAX + 0.001
    assert all(flood.takes(b"%d" % number, 10.0 + number * step_s) for number in range(200))


def test_a_scanner_that_is_quiet_again_is_heard_again():
    scanner, posted = open_driver("scanner", "simulated", {"name": "s"}), []
    worker = ScannerWorker("s", scanner, posted.append, PACE)
    for number in range(20):
        scanner.scan(b"%d" % number)
    worker.start()
    until(lambda: scanner._waiting.empty() and worker._flood.babbles)
    time.sleep(QUIET_S + 0.5)
    scanner.scan(b"a person's")
    until(lambda: b"a person's" in lines(posted))
    assert worker.stop()
    assert lines(posted) == [b"0", b"1", b"2", b"3", b"4", b"a person's"]


def test_the_same_code_at_once_in_the_next_visit_is_posted():
    scanner, posted, forgotten = open_driver("scanner", "simulated", {"name": "s"}), [], threading.Event()
    forget = scanner.forget
    scanner.forget = lambda: (forget(), forgotten.set())
    worker = ScannerWorker("s", scanner, posted.append, PACE)
    scanner.scan(b"mine")
    worker.start()
    until(lambda: lines(posted) == [b"mine"])
    worker.forget()
    assert forgotten.wait(20)
    scanner.scan(b"mine")
    until(lambda: lines(posted) == [b"mine", b"mine"], within_s=SAME_S + 5)
    assert worker.stop()


def test_a_scanner_whose_trouble_comes_and_goes_is_no_thousand_events_and_its_last_word_is_told():
    scanner, posted = open_driver("scanner", "simulated", {"name": "s"}), []
    worker = ScannerWorker("s", scanner, posted.append, PACE)
    worker.start()
    until(lambda: len(posted) == 1)
    for number in range(400):
        until(lambda: not scanner._waiting.full())
        scanner._waiting.put(PeripheralState("scanner", "s", "online", detail=str(number)))
    until(lambda: posted[-1].detail == "399")
    assert worker.stop()
    assert len(posted) < 100


@pytest.fixture
def babbling():
    """A pseudo-terminal whose other side never stops sending lines."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    over = threading.Event()

    def send():
        number = 0
        while not over.is_set():
            number += 1
            os.write(ours, b"%d\n" % number * 200)

    thread = threading.Thread(target=send)
    thread.start()
    yield os.ttyname(theirs)
    over.set()
    os.set_blocking(ours, False)
    while thread.is_alive():
        tty.tcflush(theirs, tty.TCIOFLUSH)
        thread.join(0.05)
    os.close(ours)
    os.close(theirs)


def test_a_babbling_scanner_drops_nobodys_word(babbling):
    inbox = root.Inbox()
    worker = ScannerWorker("s", open_driver("scanner", "serial_lines", {"node": babbling}), inbox.post)
    worker.start()
    heard, end_s = [], time.monotonic() + 1.5
    while time.monotonic() < end_s:
        inbox.post(PrintDone(b"x" * 16, "confirmed"))
        time.sleep(0.05)
        heard.append(inbox.take())
    heard += [inbox.take() for _ in range(inbox._queue.qsize())]
    assert worker.stop()
    assert inbox.dropped == 0
    assert len([event for event in heard if isinstance(event, Scanned)]) <= LINES_MAX
    assert len([event for event in heard if isinstance(event, PrintDone)]) >= 10
