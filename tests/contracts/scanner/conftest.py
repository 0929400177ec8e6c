"""One rig per scanner driver: the driver, a code held before it, its cable."""

from __future__ import annotations

import pytest

from edge_agent.drivers.open import driver_names, open_driver
from edge_agent.drivers.scanner import hid_events
from edge_agent.drivers.worker import Pace, ScannerWorker
from tests.twins.scanner import KeysTwin, SerialTwin

PACE = Pace(pause_first_s=30.0, pause_max_s=30.0, wait_s=0.05)  # opened again because something was plugged in


class SimulatedRig:
    codes = ("Thị Ẩn|Nữ".encode(), bytes(range(256)), b"")

    def __init__(self, _folder) -> None:
        self.scanner = open_driver("scanner", "simulated", {"name": "rig"})
        self.scan = self.scanner.scan

    def plug(self, *, plugged: bool) -> None:
        self.scanner.plug(plugged=plugged)


class SerialRig:
    codes = ("Thị Ẩn|Nữ".encode(), bytes(each for each in range(256) if each not in b"\r\n"))

    def __init__(self, folder) -> None:
        self.twin = SerialTwin(folder)
        self.scanner = open_driver("scanner", "serial_lines", {"name": "rig", "node": str(self.twin.node)})
        self.scan, self.plug = self.twin.scan, self.twin.plug


class KeysRig:
    codes = (bytes(each for each in range(32, 127)),)

    def __init__(self, folder) -> None:
        self.twin = KeysTwin(folder)
        self.scanner = open_driver("scanner", "hid_events", {"name": "rig", "node": str(self.twin.node)})
        self.scan, self.plug = self.twin.scan, self.twin.plug


RIGS = {"simulated": SimulatedRig, "serial_lines": SerialRig, "hid_events": KeysRig}


@pytest.fixture
def make_rig(tmp_path, monkeypatch):
    # A pipe takes no EVIOCGRAB; that the driver insists on it is test_hid_events.py's.
    monkeypatch.setattr(hid_events, "prepare", lambda _: None)
    made = []

    def make(name):
        made.append(RIGS[name](tmp_path))
        return made[-1]

    yield make
    for rig in made:
        rig.scanner.close()
        rig.plug(plugged=False)


@pytest.fixture(params=driver_names("scanner"))
def rig(request, make_rig):
    return make_rig(request.param)


@pytest.fixture(params=["serial_lines", "hid_events"])
def node_rig(request, make_rig):
    return make_rig(request.param)


@pytest.fixture
def serial(make_rig):
    return make_rig("serial_lines")


@pytest.fixture
def typing(make_rig):
    return make_rig("hid_events")


@pytest.fixture
def work():
    """Give a driver to a worker: `worker, posted = work(rig.scanner)`."""
    workers = []

    def start(scanner, pace=PACE):
        posted = []
        worker = ScannerWorker("rig", scanner, posted.append, pace)
        workers.append(worker)
        worker.start()
        return worker, posted

    yield start
    for worker in workers:
        assert worker.stop()
