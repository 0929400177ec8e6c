"""The thread beside a driver: one answer per job, states when they change, a driver's bug is a device's fault."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

import pytest

from edge_agent.drivers.open import open_driver
from edge_agent.drivers.worker import Pace, PrinterWorker, WatchWorker
from edge_agent.effects import Slip
from edge_agent.events import CardIn, PeripheralState, PrintDone
from edge_agent.ports import PortFault

SLIP = Slip((("text", "Nguyễn Thị Bí Mật"),))
QUICK = Pace(pause_first_s=0.01, pause_max_s=0.04, look_s=0.02, wait_s=0.02)
PATIENT = Pace(pause_first_s=30, look_s=30)


class Scripted:
    """A printer that does what the test says; what it says of itself can be changed at any time."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.says = PeripheralState("printer", "p", "online", "full")
        self.opens: list[Exception | None] = []
        self.prints: list[Exception | str] = []
        self.gate = threading.Event()
        self.gate.set()

    def open(self):
        self.calls.append("open")
        fault = self.opens.pop(0) if self.opens else None
        if fault:
            raise fault
        return self.says

    def state(self):
        self.calls.append("state")
        return self.says

    def print(self, job, slip):
        self.calls.append("print")
        assert self.gate.wait(5)
        result = self.prints.pop(0) if self.prints else "confirmed"
        if isinstance(result, Exception):
            raise result
        return result

    def close(self):
        self.calls.append("close")


class Inbox(list):
    """What was posted, with a way to wait for it."""

    def until(self, wanted, within_s=5.0):
        until = time.monotonic() + within_s
        while not wanted(self) and time.monotonic() < until:
            time.sleep(0.005)
        assert wanted(self), self

    def done(self):
        return [event for event in self if isinstance(event, PrintDone)]

    def states(self):
        return [event.state for event in self if isinstance(event, PeripheralState)]


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def start(inbox):
    workers = []

    def begin(driver, pace=QUICK, **more):
        workers.append(PrinterWorker("p", driver, inbox.append, pace, **more))
        workers[-1].start()
        return workers[-1]

    yield begin
    assert all(worker.stop() for worker in workers)


def test_a_slip_is_printed_and_answered_once(start, inbox):
    worker = start(Scripted(), PATIENT)
    assert worker.print(b"1", SLIP)
    inbox.until(lambda box: len(box.done()) == 1)
    assert inbox == [PeripheralState("printer", "p", "online", "full"), PrintDone(b"1", "confirmed")]


def test_a_driver_that_knows_tells_how_much_paper_a_slip_took(start, inbox):
    printer = Scripted()
    printer.slip_mm = 131
    assert start(printer, PATIENT).print(b"1", SLIP)
    inbox.until(lambda box: len(box.done()) == 1)
    assert inbox.done() == [PrintDone(b"1", "confirmed", paper_mm=131)]


@pytest.mark.parametrize(
    ("result", "done"),
    [
        ("unknown", PrintDone(b"1", "unknown")),
        ("surely printed", PrintDone(b"1", "unknown")),
        (PortFault("out of paper"), PrintDone(b"1", "failed", "out of paper")),
    ],
)
def test_the_three_words(start, inbox, result, done):
    printer = Scripted()
    printer.prints = [result]
    start(printer, PATIENT).print(b"1", SLIP)
    inbox.until(lambda box: box.done() == [done])
    assert printer.calls.count("open") == 1


def test_a_drivers_bug_makes_the_job_unknown_and_the_driver_new(start, inbox, caplog):
    printer = Scripted()
    printer.prints = [ValueError(SLIP.lines[0][1])]
    worker = start(printer)
    with caplog.at_level(logging.ERROR):
        worker.print(b"1", SLIP)
        inbox.until(lambda box: box.states()[-1:] == ["online"] and len(box.states()) == 3)
    assert inbox.states() == ["online", "hardwareError", "online"]
    assert [(done.job, done.result) for done in inbox.done()] == [(b"1", "unknown")]
    assert "ValueError at test_worker.py:" in inbox.done()[0].detail
    assert [call for call in printer.calls if call != "state"] == ["open", "print", "close", "open"]
    worker.print(b"2", SLIP)
    inbox.until(lambda box: PrintDone(b"2", "confirmed") in box)
    assert len(caplog.records) == 1
    assert "Bí Mật" not in caplog.text + repr(inbox)


def test_what_waits_behind_a_bug_is_failed_not_lost(start, inbox):
    printer = Scripted()
    printer.prints = [ZeroDivisionError()]
    printer.gate.clear()
    worker = start(printer, Pace(pause_first_s=0.01, look_s=30))
    assert worker.print(b"1", SLIP)
    inbox.until(lambda _: "print" in printer.calls)
    assert worker.print(b"2", SLIP)
    assert worker.print(b"3", SLIP)
    printer.gate.set()
    inbox.until(lambda box: len(box.done()) == 3)
    assert [(done.job, done.result) for done in inbox.done()] == [(b"1", "unknown"), (b"2", "failed"), (b"3", "failed")]


def test_a_full_queue_refuses_and_promises_nothing(start, inbox):
    printer = Scripted()
    printer.gate.clear()
    worker = start(printer, PATIENT, waiting_max=2)
    worker.print(b"1", SLIP)
    inbox.until(lambda _: "print" in printer.calls)
    assert [worker.print(job, SLIP) for job in (b"2", b"3", b"4")] == [True, True, False]
    assert not worker.ask_state()
    printer.gate.set()
    inbox.until(lambda box: len(box.done()) == 3)
    assert [done.job for done in inbox.done()] == [b"1", b"2", b"3"]


def test_a_device_that_is_not_there_is_told_once_and_tried_with_pauses(start, inbox):
    printer = Scripted()
    printer.opens = [PortFault("no connection")] * 5
    start(printer)
    inbox.until(lambda box: "online" in box.states())
    assert inbox.states() == ["offline", "online"]
    assert printer.calls[:4] == ["open", "close", "open", "close"]


def test_a_slip_for_a_device_that_is_not_there_is_tried_at_once_and_fails_at_once(start, inbox):
    printer = Scripted()
    printer.opens = [PortFault("no connection")] * 2
    worker = start(printer, PATIENT)
    inbox.until(lambda box: box.states() == ["offline"])
    assert worker.print(b"1", SLIP)
    inbox.until(lambda box: box.done() == [PrintDone(b"1", "failed", "no connection")])
    assert worker.print(b"2", SLIP)
    inbox.until(lambda box: box.done()[1:] == [PrintDone(b"2", "confirmed")])


def test_pauses_grow_while_a_driver_keeps_failing(start, inbox):
    printer = Scripted()
    printer.opens = [RuntimeError()] * 1000
    start(printer, Pace(pause_first_s=0.02, pause_max_s=10))
    time.sleep(0.5)
    assert 3 <= printer.calls.count("open") <= 6
    assert printer.calls.count("close") in (printer.calls.count("open"), printer.calls.count("open") - 1)


def test_an_idle_printer_is_looked_at_and_only_changes_are_posted(start, inbox):
    printer = Scripted()
    start(printer)
    inbox.until(lambda _: printer.calls.count("state") > 3)
    assert inbox.states() == ["online"]
    printer.says = PeripheralState("printer", "p", "offline", "out", "out of paper")
    inbox.until(lambda box: len(box) == 2)
    assert inbox[1] == printer.says


class Watched(Scripted):
    """One that has to be watched: what it says next is new, once."""

    def __init__(self) -> None:
        super().__init__()
        self.news: list[PeripheralState] = []

    def watch(self):
        self.calls.append("watch")
        return self.news.pop(0) if self.news else None


def test_a_printer_that_is_to_be_watched_is_and_only_what_is_new_is_posted(start, inbox):
    printer = Watched()
    start(printer, replace(PATIENT, watch_s=0.01))
    inbox.until(lambda _: printer.calls.count("watch") > 3)
    assert inbox.states() == ["online"]
    printer.news = [PeripheralState("printer", "p", "offline"), PeripheralState("printer", "p", "offline")]
    inbox.until(lambda _: not printer.news)
    inbox.until(lambda box: box.states() == ["online", "offline"])
    assert printer.calls.count("state") == 0


def test_a_watched_printer_is_looked_at_too_and_never_while_it_prints(start, inbox):
    printer = Watched()
    worker = start(printer, replace(QUICK, watch_s=0.005))
    inbox.until(lambda _: printer.calls.count("state") > 3)
    printer.gate.clear()
    assert worker.print(b"1", SLIP)
    inbox.until(lambda _: "print" in printer.calls)
    time.sleep(0.1)
    assert printer.calls[-1] == "print"
    printer.gate.set()
    inbox.until(lambda box: box.done())
    inbox.until(lambda _: printer.calls[-1] == "watch")
    assert printer.calls[printer.calls.index("print") + 1] == "state"


def test_a_state_that_was_asked_for_is_posted_even_if_unchanged(start, inbox):
    printer = Scripted()
    worker = start(printer, PATIENT)
    inbox.until(lambda box: len(box) == 1)
    assert worker.ask_state()
    inbox.until(lambda box: len(box) == 2)
    assert inbox[0] == inbox[1]
    printer.opens = [PortFault("gone")]
    printer.prints = [RuntimeError()]
    worker.print(b"1", SLIP)
    inbox.until(lambda box: box.states()[-1] == "hardwareError")
    assert worker.ask_state()
    inbox.until(lambda box: box.states()[-2:] == ["offline", "offline"])


def test_the_state_after_a_slip_is_told(start, inbox):
    printer = open_driver("printer", "simulated", {"name": "p"})
    worker = start(printer, PATIENT)
    inbox.until(lambda box: box.states() == ["online"])
    printer.set_faults(type(printer.faults)(paper="low"))
    worker.print(b"1", SLIP)
    inbox.until(lambda box: len(box) == 3)
    assert printer.slip_mm > 0
    done = PrintDone(b"1", "confirmed", paper_mm=printer.slip_mm)
    assert inbox[1:] == [done, PeripheralState("printer", "p", "online", "low")]


def test_stop_ends_the_thread_and_answers_what_waited(start, inbox):
    printer = Scripted()
    printer.gate.clear()
    worker = start(printer, PATIENT)
    worker.print(b"1", SLIP)
    inbox.until(lambda _: "print" in printer.calls)
    worker.print(b"2", SLIP)
    assert not worker.stop(timeout_s=0.05)
    assert not worker.print(b"3", SLIP)
    printer.gate.set()
    assert worker.stop()
    assert inbox.done() == [PrintDone(b"1", "confirmed"), PrintDone(b"2", "failed", "the station is stopping")]
    assert printer.calls[-1] == "close"


@pytest.mark.parametrize("opens", [[], [PortFault("gone")]], ids=["idle", "pausing"])
def test_stop_is_quick(inbox, opens):
    printer = Scripted()
    printer.opens = opens
    worker = PrinterWorker("p", printer, inbox.append, PATIENT)
    worker.start()
    inbox.until(lambda box: len(box) == 1)
    began = time.monotonic()
    assert worker.stop()
    assert time.monotonic() - began < 1


def test_a_worker_that_never_started_stops():
    assert PrinterWorker("p", Scripted(), print).stop()


def test_a_reader_posts_what_it_sees_and_survives_its_own_bugs(inbox):
    class Reader:
        def __init__(self):
            self.events = [CardIn("r"), OSError("cable"), PeripheralState("reader", "r", "online"), CardIn("r")]

        def open(self):
            return PeripheralState("reader", "r", "online")

        def wait(self, timeout_s):
            if not self.events:
                time.sleep(timeout_s)
                return None
            event = self.events.pop(0)
            if isinstance(event, Exception):
                raise event
            return event

        def close(self):
            pass

    worker = WatchWorker("reader", "r", Reader(), inbox.append, QUICK)
    worker.start()
    inbox.until(lambda box: len(box) == 5)
    assert worker.stop()
    assert [getattr(event, "state", event) for event in inbox] == [
        "online",
        CardIn("r"),
        "hardwareError",
        "online",
        CardIn("r"),
    ]


def test_a_printer_is_asked_at_once_when_something_was_pulled_out(start, inbox):
    printer = Scripted()
    worker = start(printer, PATIENT)
    inbox.until(lambda box: box.states() == ["online"])
    printer.says = PeripheralState("printer", "p", "noDevice")
    worker.look()
    inbox.until(lambda box: box.states() == ["online", "noDevice"])


def test_an_unplugged_printer_says_so_in_its_own_word(start, inbox):
    printer = Scripted()
    printer.opens = [PortFault("not plugged in", "maintenance", "noDevice")]
    start(printer, PATIENT)
    inbox.until(lambda box: len(box) == 1)
    assert inbox == [PeripheralState("printer", "p", "noDevice", detail="not plugged in", action="maintenance")]
