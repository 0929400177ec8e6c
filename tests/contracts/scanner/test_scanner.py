"""What every barcode scanner driver promises (edge_agent.ports.Scanner), run on each of them."""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.drivers.open import driver_names, open_driver
from edge_agent.events import PeripheralState, Scanned

CODES = [
    "079090012345|012345678|Nguyễn Thị Ẩn|01011990|Nữ|Số 1 Đường Hẻm, Phường Chợ Lớn|01072024".encode(),
    b"7F3K9Q2M4",
    bytes(range(256)),
    b"x" * 4096,
]


class SimulatedRig:
    def __init__(self) -> None:
        self.scanner = open_driver("scanner", "simulated", {"name": "rig"})
        self.scan = self.scanner.scan

    def plug(self, plugged) -> None:
        self.scanner.plug(plugged=plugged)


RIGS = {"simulated": SimulatedRig}


@pytest.fixture(params=driver_names("scanner"))
def rig(request):
    made = RIGS[request.param]()
    yield made
    made.scanner.close()


def test_open_says_how_it_is(rig):
    assert rig.scanner.open() == PeripheralState("scanner", "rig", "online")
    rig.scanner.close()
    rig.plug(False)
    assert rig.scanner.open().state == "noDevice"


def test_what_is_scanned_comes_as_it_was_in_order(rig):
    rig.scanner.open()
    for code in CODES:
        rig.scan(code)
    assert [rig.scanner.wait(1) for _ in CODES] == [Scanned(code) for code in CODES]


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


def test_a_cable_pulled_out_is_a_state_and_no_end(rig):
    rig.scanner.open()
    rig.plug(False)
    rig.plug(True)
    rig.scan(b"1")
    states = rig.scanner.wait(1), rig.scanner.wait(1)
    assert [state.state for state in states] == ["noDevice", "online"]
    assert rig.scanner.wait(1) == Scanned(b"1")


def test_what_nobody_took_is_forgotten_when_it_closes(rig):
    rig.scanner.open()
    rig.scan(b"of the resident before")
    rig.scanner.close()
    rig.scanner.close()
    assert rig.scanner.open().state == "online"
    assert rig.scanner.wait(0.05) is None
