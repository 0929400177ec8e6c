"""What every card reader driver promises (edge_agent.ports.CardReader), run on each of them."""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.card import CardData, CardFault, CardRequest
from edge_agent.drivers.open import driver_names
from edge_agent.drivers.worker import Pace, ReaderWorker
from edge_agent.events import CardFailed, CardIn, CardOut, CardRead, PeripheralState
from edge_agent.ports import PortFault
from tests.contracts.reader.rigs import PATIENCE_S, RIGS, UID, next_event

ASK_UID = CardRequest(bytes(16), None, ("uid",))


@pytest.fixture(params=driver_names("reader"))
def rig(request):
    made = RIGS[request.param]()
    yield made
    made.close()


def lay(rig, slot=0, **card):
    """Lay a card down, and see that it is seen."""
    rig.insert(slot, **card)
    assert next_event(rig.reader, CardIn) == CardIn("rig")


def fault_of(reader):
    with pytest.raises(CardFault) as raised:
        reader.read(ASK_UID)
    return raised.value.kind


def until(wanted):
    end = time.monotonic() + PATIENCE_S
    while not wanted() and time.monotonic() < end:
        time.sleep(0.01)
    return wanted()


def test_open_says_how_it_is(rig):
    assert rig.reader.open() == PeripheralState("reader", "rig", "online")
    rig.reader.close()
    rig.plug(plugged=False)
    assert rig.reader.open().state == "noDevice"


def test_cards_come_and_go_in_order(rig):
    rig.reader.open()
    for _ in range(2):
        lay(rig)
        rig.remove()
        assert next_event(rig.reader, CardIn | CardOut) == CardOut("rig")


def test_a_card_that_lies_there_already_is_told(rig):
    rig.insert()
    rig.reader.open()
    assert rig.reader.wait(PATIENCE_S) == CardIn("rig")


def test_nothing_comes_after_the_time_that_was_given(rig):
    rig.reader.open()
    began = time.monotonic()
    assert rig.reader.wait(0.1) is None
    assert 0.05 < time.monotonic() - began < 3


def test_a_card_wakes_the_one_who_waits(rig):
    rig.reader.open()
    laying = threading.Timer(0.05, rig.insert)
    laying.start()
    began = time.monotonic()
    assert rig.reader.wait(PATIENCE_S) == CardIn("rig")
    assert time.monotonic() - began < PATIENCE_S / 2
    laying.join()


def test_a_cable_pulled_out_is_a_state_and_no_end(rig):
    rig.reader.open()
    rig.plug(plugged=False)
    while next_event(rig.reader, PeripheralState).state != "noDevice":
        pass
    rig.plug(plugged=True)
    while next_event(rig.reader, PeripheralState).state != "online":
        pass
    lay(rig)
    assert rig.reader.read(ASK_UID).uid.hex() == UID


def test_closing_twice_is_nothing_and_opening_again_works(rig):
    rig.reader.open()
    rig.reader.close()
    rig.reader.close()
    assert rig.reader.open().state == "online"
    lay(rig)


def test_the_uid_of_an_access_card_is_read_and_nothing_else(rig):
    rig.reader.open()
    lay(rig)
    assert rig.reader.read(ASK_UID) == CardData(uid=bytes.fromhex(UID))
    assert rig.reader.read(ASK_UID) == CardData(uid=bytes.fromhex(UID))


def test_a_random_uid_is_left_empty(rig):
    rig.reader.open()
    lay(rig, uid="08112233")
    assert rig.reader.read(ASK_UID) == CardData()


def test_reading_no_card_is_a_fault_of_its_own(rig):
    rig.reader.open()
    assert fault_of(rig.reader) == "no_card"
    lay(rig)
    rig.remove()
    next_event(rig.reader, CardOut)
    assert fault_of(rig.reader) == "no_card"


def test_a_card_taken_in_the_middle_is_torn_and_the_next_is_read(rig):
    rig.reader.open()
    lay(rig, torn_after=0)
    assert fault_of(rig.reader) == "torn"
    assert next_event(rig.reader, CardIn | CardOut) == CardOut("rig")
    rig.remove()
    while rig.reader.wait(0.05) is not None:
        pass
    lay(rig)
    assert rig.reader.read(ASK_UID).uid.hex() == UID


def test_two_cards_are_both_told_and_neither_is_read(rig):
    rig.reader.open()
    lay(rig, 0)
    lay(rig, 1)
    assert fault_of(rig.reader) == "two_cards"


def test_a_reading_that_nobody_waits_for_is_broken_off(rig):
    rig.reader.open()
    lay(rig)
    with pytest.raises(CardFault) as raised:
        rig.reader.read(ASK_UID, lambda: False)
    assert raised.value.kind == "torn"
    assert rig.reader.read(ASK_UID, lambda: True).uid.hex() == UID


def test_a_reader_that_is_gone_reads_nothing(rig):
    rig.reader.open()
    lay(rig)
    rig.plug(plugged=False)
    with pytest.raises((CardFault, PortFault)) as raised:
        rig.reader.read(ASK_UID)
    assert getattr(raised.value, "kind", "reader_lost") == "reader_lost"


def test_on_its_worker(rig):
    posted: list[object] = []
    worker = ReaderWorker("rig", rig.reader, posted.append, Pace(pause_first_s=0.05, wait_s=0.02))
    worker.start()
    assert until(lambda: PeripheralState("reader", "rig", "online") in posted)
    rig.insert()
    assert until(lambda: CardIn("rig") in posted)
    assert worker.read(ASK_UID)
    assert until(lambda: CardRead(ASK_UID.number, CardData(uid=bytes.fromhex(UID))) in posted)
    rig.plug(plugged=False)
    assert worker.read(ASK_UID)
    assert until(lambda: any(isinstance(event, CardFailed) for event in posted))
    assert worker.stop()
    ends = [event for event in posted if isinstance(event, CardRead | CardFailed)]
    assert [getattr(event, "fault", "read") for event in ends] == ["read", "reader_lost"]
