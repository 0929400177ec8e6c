"""The end of a visit reaches the scanner: what one resident scanned is not posted once the next may stand there."""

from __future__ import annotations

import time

import pytest

from edge_agent import effects as do
from edge_agent import events
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.worker import Pace, ScannerWorker
from tests.edge_agent.test_agent import Rig


@pytest.fixture
def rig(tmp_path, fleet):
    made = Rig(tmp_path, fleet)
    made.start()
    yield made
    made.journal.close()


def until(wanted):
    end_s = time.monotonic() + 10
    while not wanted() and time.monotonic() < end_s:
        time.sleep(0.002)
    assert wanted()


def test_a_wipe_forgets_what_was_scanned_and_not_yet_posted(rig):
    scanner, posted = open_driver("scanner", "simulated", {"name": "s"}), []
    rig.agent.scanner = ScannerWorker("s", scanner, posted.append, Pace(wait_s=0.01))
    scanner.scan(b"of the resident before")
    rig.do(events.Touched(1, "end"), do.Wipe())
    rig.agent.scanner.start()
    until(lambda: not rig.agent.scanner._forgetting.is_set())
    until(scanner._waiting.empty)
    scanner.scan(b"mine")
    until(lambda: events.Scanned(b"mine") in posted)
    assert rig.agent.scanner.stop()
    assert [event.data for event in posted if isinstance(event, events.Scanned)] == [b"mine"]


def test_a_station_without_a_scanner_wipes_all_the_same(rig):
    rig.do(events.Touched(1, "end"), do.Wipe())
    assert rig.outside.taken[-1] == "wipe"
