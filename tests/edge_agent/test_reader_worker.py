"""The reader's worker: every reading that somebody waits for ends once, and none that nobody waits for goes on."""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.card import CardData, CardFault, CardRequest, Secret
from edge_agent.drivers.worker import Pace, PrinterWorker, ReaderWorker
from edge_agent.events import CardFailed, CardRead, PeripheralState
from edge_agent.ports import PortFault
from tests.edge_agent.test_worker import PATIENT, QUICK, Inbox, Scripted


@pytest.fixture
def inbox():
    return Inbox()


class ScriptedReader:
    """A card reader that does what the test says; `gate` holds a reading up."""

    def __init__(self) -> None:
        self.opens: list[Exception] = []
        self.reads: list[Exception] = []
        self.said: list[PeripheralState] = []
        self.calls: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def open(self):
        self.calls.append("open")
        if self.opens:
            raise self.opens.pop(0)
        return PeripheralState("reader", "r", "online")

    def wait(self, timeout_s):
        if self.said:
            return self.said.pop(0)
        time.sleep(timeout_s)
        return None

    def read(self, request, wanted):
        self.calls.append("read")
        assert self.gate.wait(5)
        if not wanted():
            raise CardFault("torn", "nobody waits")
        if self.reads:
            raise self.reads.pop(0)
        return CardData(mrz=request.number.decode())

    def close(self):
        self.calls.append("close")


SECRET = "123456"


def request(number):
    return CardRequest(number, Secret("can", SECRET))


def ends(inbox):
    """The ends of readings: their numbers, and the fault or "read"."""
    return [
        (event.number, event.fault if isinstance(event, CardFailed) else "read")
        for event in inbox
        if isinstance(event, CardRead | CardFailed)
    ]


@pytest.fixture
def serve(inbox):
    workers = []

    def begin(driver, pace=QUICK):
        workers.append(ReaderWorker("r", driver, inbox.append, pace))
        workers[-1].start()
        return workers[-1]

    yield begin
    assert all(worker.stop() for worker in workers)


def test_a_reading_is_answered_once_with_what_was_read(serve, inbox):
    worker = serve(ScriptedReader())
    assert worker.read(request(b"1"))
    inbox.until(lambda box: len(ends(box)) == 1)
    assert worker.read(request(b"2"))
    inbox.until(lambda box: len(ends(box)) == 2)
    assert inbox[1:] == [CardRead(b"1", CardData(mrz="1")), CardRead(b"2", CardData(mrz="2"))]


def test_a_cards_fault_ends_the_reading_and_not_the_drivers_life(serve, inbox):
    reader = ScriptedReader()
    reader.reads = [CardFault("torn", "at step 3")]
    serve(reader).read(request(b"1"))
    inbox.until(lambda box: box[1:] == [CardFailed(b"1", "torn", "at step 3")])
    assert reader.calls == ["open", "read"]


@pytest.mark.parametrize(
    ("fault", "state"),
    [(PortFault("gone", state="noDevice"), "noDevice"), (PortFault("gone"), "offline"), (KeyError(), "hardwareError")],
)
def test_a_reader_that_fails_ends_the_reading_once_and_is_opened_again(serve, inbox, caplog, fault, state):
    reader = ScriptedReader()
    reader.reads = [fault]
    serve(reader).read(request(b"1"))
    inbox.until(lambda box: box.states() == ["online", state, "online"])
    assert ends(inbox) == [(b"1", "reader_lost")]
    assert len(caplog.records) == (state == "hardwareError")


def test_neither_secret_nor_card_is_told_by_a_readers_bug(serve, inbox, caplog):
    reader = ScriptedReader()
    reader.reads = [ValueError(f"{SECRET} opened NGUYEN VAN AN")]
    serve(reader).read(request(b"1"))
    inbox.until(lambda box: len(ends(box)) == 1)
    told = caplog.text + repr(inbox)
    assert "ValueError at test_reader_worker.py:" in told
    assert "NGUYEN" not in told
    assert SECRET not in told + repr(request(b"1")) + repr(CardRead(b"1", CardData(mrz=SECRET)))


def test_a_newer_reading_takes_the_place_of_all_before_it(serve, inbox):
    reader = ScriptedReader()
    reader.gate.clear()
    worker = serve(reader)
    assert worker.read(request(b"1"))
    inbox.until(lambda _: "read" in reader.calls)
    assert [worker.read(request(number)) for number in (b"2", b"3")] == [True, True]
    reader.gate.set()
    inbox.until(lambda box: len(ends(box)) == 1)
    assert ends(inbox) == [(b"3", "read")]
    assert reader.calls.count("read") == 2, "what was replaced before it began is never sent to a card"


def test_what_nobody_waits_for_any_more_is_broken_off_and_never_told(serve, inbox):
    reader = ScriptedReader()
    reader.gate.clear()
    worker = serve(reader)
    worker.read(request(b"1"))
    inbox.until(lambda _: "read" in reader.calls)
    worker.forget()
    reader.gate.set()
    assert worker.read(request(b"2"))
    inbox.until(lambda box: len(ends(box)) == 1)
    assert ends(inbox) == [(b"2", "read")]


def test_a_reading_that_waits_when_the_visit_ends_never_reaches_a_card(serve, inbox):
    reader = ScriptedReader()
    reader.opens = [PortFault("gone", state="noDevice")]
    worker = serve(reader, Pace(pause_first_s=0.2, wait_s=0.02))
    inbox.until(lambda box: box.states() == ["noDevice"])
    worker.read(request(b"1"))
    worker.forget()
    inbox.until(lambda box: box.states() == ["noDevice", "online"])
    worker.read(request(b"2"))
    inbox.until(lambda box: len(ends(box)) == 1)
    assert ends(inbox) == [(b"2", "read")]
    assert reader.calls.count("read") == 1


def test_what_waits_behind_a_readers_bug_is_answered_too(serve, inbox):
    reader = ScriptedReader()
    reader.reads = [ZeroDivisionError()]
    reader.gate.clear()
    worker = serve(reader, Pace(pause_first_s=30, wait_s=0.02))
    worker.read(request(b"1"))
    inbox.until(lambda _: "read" in reader.calls)
    worker.read(request(b"2"))
    reader.gate.set()
    inbox.until(lambda box: len(ends(box)) == 1)
    assert ends(inbox) == [(b"2", "reader_lost")]


def test_every_accepted_reading_ends_once_when_the_worker_stops(serve, inbox):
    reader = ScriptedReader()
    reader.gate.clear()
    worker = serve(reader)
    worker.read(request(b"1"))
    inbox.until(lambda _: "read" in reader.calls)
    assert worker.read(request(b"2"))
    assert not worker.stop(timeout_s=0.05)
    assert not worker.read(request(b"3"))
    reader.gate.set()
    assert worker.stop()
    assert ends(inbox) == [(b"2", "reader_lost")]
    assert not worker.read(request(b"4"))


def test_a_reading_while_the_driver_pauses_opens_it_at_once(serve, inbox):
    reader = ScriptedReader()
    reader.opens = [PortFault("gone", state="noDevice")]
    worker = serve(reader, Pace(pause_first_s=30, wait_s=0.02))
    inbox.until(lambda box: box.states() == ["noDevice"])
    assert worker.read(request(b"1"))
    inbox.until(lambda box: len(ends(box)) == 1)
    assert ends(inbox) == [(b"1", "read")]
    assert inbox.states() == ["noDevice", "online"]


def test_a_reader_tells_its_states_when_they_change(serve, inbox):
    reader = ScriptedReader()
    online, gone = PeripheralState("reader", "r", "online"), PeripheralState("reader", "r", "noDevice")
    reader.said = [online, gone, gone, online]
    serve(reader)
    inbox.until(lambda box: len(box.states()) == 3)
    assert inbox == [online, gone, online]


@pytest.mark.parametrize("port", ["printer", "reader"])
def test_what_was_plugged_in_is_opened_at_once(inbox, port):
    driver = Scripted() if port == "printer" else ScriptedReader()
    driver.opens = [PortFault("not plugged in", state="noDevice")] * 2
    worker = (PrinterWorker if port == "printer" else ReaderWorker)("r", driver, inbox.append, PATIENT)
    worker.start()
    inbox.until(lambda box: box.states() == ["noDevice"])
    worker.look()
    inbox.until(lambda _: driver.calls.count("open") == 2)
    worker.look()
    inbox.until(lambda box: box.states() == ["noDevice", "online"])
    assert worker.stop()
