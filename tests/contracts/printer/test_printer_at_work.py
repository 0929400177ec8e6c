"""Every driver under its worker, with the patience it has in a lobby: deadlines, and who is held up by whom."""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.drivers.open import open_driver
from edge_agent.drivers.printer import escpos, job, wire
from edge_agent.drivers.worker import Pace, PrinterWorker
from edge_agent.effects import Slip
from edge_agent.events import PeripheralState, PrintDone
from tests.contracts.printer import conftest

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("code", "7F3K-9Q2M")))
LONG = Slip(tuple(("text", f"Dòng thứ {n}: phí quản lý căn hộ tháng 11") for n in range(40)))
PRINT_S, STATE_S = 30.0, 5.0  # edge_agent.ports.Printer
# What the drivers ship with: read before a test may shorten it.
USUAL = {
    (place, name): getattr(place, name)
    for place, names in (
        (job, ("_SEND_S", "_AFTER_S", "_GRACE_S", "_CLEAR_S", "_FINISH_S", "_ROWS_PER_S")),
        (wire, ("_QUIET_S", "_ANSWER_S", "_LATE_S")),
    )
    for name in names
}
REAL = [name for name in conftest.RIGS if name != "simulated"]


@pytest.fixture
def usual(monkeypatch):
    """As patient as the drivers are outside of tests."""
    for (place, name), value in USUAL.items():
        monkeypatch.setattr(place, name, value)


class Posted(list):
    """What workers post, with the time of each."""

    def __init__(self) -> None:
        super().__init__()
        self.at_s: list[float] = []

    def post(self, event) -> None:
        self.at_s.append(time.monotonic())
        self.append(event)

    def until(self, wanted, within_s=60.0):
        until = time.monotonic() + within_s
        while not wanted(self):
            assert time.monotonic() < until, list(self)
            time.sleep(0.005)

    def states(self):
        return [event.state for event in self if isinstance(event, PeripheralState)]

    def done(self):
        return [event for event in self if isinstance(event, PrintDone)]


@pytest.fixture
def plug(tmp_path):
    """One rig of each real driver, as often as is asked."""
    made = []

    def rigs() -> dict[str, conftest.TwinRig]:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.extend(conftest.RIGS[name](folder) for name in REAL)
        return dict(zip(REAL, made[-len(REAL) :], strict=True))

    yield rigs
    for rig in made:
        rig.end()


@pytest.fixture
def rigs(plug):
    return plug()


def timed(work, told):
    began = time.monotonic()
    try:
        word = work()
    except Exception as why:  # noqa: BLE001 - the test judges it
        word = why
    told.append((word, time.monotonic() - began))


def test_no_question_and_no_job_takes_longer_than_the_port_allows(plug, usual):
    """All at once: the time is one driver's, not that of six."""
    took: list[list] = []

    def ask(printer, told):
        timed(printer.state, told)
        timed(lambda: printer.print(JOB, LONG), told)

    asking = []
    for fault in ({"stalled": True}, {"silent": True, "buffer_bytes": 300, "stall_after_bytes": 9000}):
        for rig in plug().values():
            rig.fault(**fault)
            took.append([])
            asking.append(threading.Thread(target=ask, args=(rig.printer, took[-1])))
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    for (said, state_s), (word, print_s) in took:
        assert said.state == "unknown"
        assert state_s < STATE_S
        assert "stopped taking data" in str(word)
        assert print_s < PRINT_S


def test_the_patience_of_one_job_is_within_the_ports_whatever_the_printer_does():
    usual = {name: value for (_, name), value in USUAL.items()}
    assert usual["_QUIET_S"] + usual["_ANSWER_S"] < escpos._STATE_S < STATE_S
    assert escpos._PRINT_S < PRINT_S - 1


def test_a_stalled_printer_holds_up_nobody_but_its_own_worker(rigs, hasty):
    hasty(answer_s=60.0)
    posted = {name: Posted() for name in (*rigs, "simulated")}
    drivers = {name: rig.printer for name, rig in rigs.items()} | {"simulated": open_driver("printer", "simulated", {})}
    for rig in rigs.values():
        rig.fault(stalled=True)
    workers = {name: PrinterWorker(name, drivers[name], posted[name].post) for name in drivers}
    for worker in workers.values():
        worker.start()
        began = time.monotonic()
        assert worker.print(JOB, SLIP)
        assert time.monotonic() - began < 1
    posted["simulated"].until(lambda box: box.done())
    assert [done.result for done in posted["simulated"].done()] == ["confirmed"]
    assert not any(posted[name].done() for name in rigs)  # they wait for a minute before they give up
    for rig in rigs.values():
        rig.mend()
    for name in rigs:
        posted[name].until(lambda box: box.done())
        assert posted[name].done()[0].result in ("confirmed", "unknown")
    assert all(worker.stop(30) for worker in workers.values())


@pytest.mark.parametrize("name", ["escpos_usb", "escpos_serial"])
def test_a_printer_that_is_pulled_is_told_within_two_seconds_and_served_again_when_it_is_back(rigs, name):
    posted, rig = Posted(), rigs[name]
    worker = PrinterWorker(name, rig.printer, posted.post, Pace(pause_first_s=60, pause_max_s=60, look_s=60))
    worker.start()
    posted.until(lambda box: box.states() == ["online"])
    rig.lose()
    began = time.monotonic()
    worker.look()  # the hand does, when udev says that something left
    posted.until(lambda box: box.states() == ["online", "noDevice"])
    assert posted.at_s[-1] - began < 2
    assert worker.print(JOB, SLIP)
    posted.until(lambda box: box.done())
    assert posted.done()[0].result == "failed"
    rig.back()
    began = time.monotonic()
    worker.look()
    posted.until(lambda box: box.states()[-1] == "online")
    assert posted.at_s[-1] - began < 2
    assert worker.print(b"\x08" * 16, SLIP)
    posted.until(lambda box: len(box.done()) == 2)
    assert (posted.done()[1].job, posted.done()[1].result) == (b"\x08" * 16, "confirmed")
    assert worker.stop(30)


def test_a_printer_that_is_pulled_in_mid_slip_has_failed_and_is_no_device(rigs):
    for name in ("escpos_usb", "escpos_serial"):
        posted, rig = Posted(), rigs[name]
        worker = PrinterWorker(name, rig.printer, posted.post, Pace(pause_first_s=60, pause_max_s=60, look_s=60))
        worker.start()
        posted.until(lambda box: box.states() == ["online"])
        rig.fault(reset_after_bytes=20_000)
        worker.print(JOB, LONG)
        posted.until(lambda box: box.states()[-1] == "noDevice")
        (done,) = posted.done()
        assert done.result == "failed"
        assert "the connection to the printer broke" in done.detail
        assert worker.stop(30)
