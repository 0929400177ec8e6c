"""The PC/SC driver alone: pcscd that is absent, killed, frozen or another one, silent cards, slots, refusals."""

from __future__ import annotations

import logging
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.card import CardFault, CardRequest
from edge_agent.drivers.open import DriverError, open_driver
from edge_agent.drivers.reader import winscard
from edge_agent.drivers.reader.pcsc import Limits, PcscReader, Settings
from edge_agent.events import CardIn, CardOut, PeripheralState
from edge_agent.ports import PortFault
from tests.contracts.reader.rigs import PATIENCE_S, UID, PcscRig, next_event
from tests.twins.pcscd import READERS

USUAL = Limits()
HASTY = replace(USUAL, silent_s=0.3, service_s=0.3, again_s=0.05, look_s=0.2)
ASK_UID = CardRequest(bytes(16), None, ("uid",))


@pytest.fixture
def rig():
    made = PcscRig()
    yield made
    made.close()


@pytest.fixture
def hasty():
    made = PcscRig(HASTY)
    yield made
    made.close()


def fault_of(reader, request=ASK_UID):
    with pytest.raises(CardFault) as raised:
        reader.read(request)
    return raised.value.kind


def state_after(reader, wanted):
    """The event that says so; the states on the way are nobody's matter."""
    while True:
        event = next_event(reader, PeripheralState)
        if event.state == wanted:
            return event


def lines():
    return [thread for thread in threading.enumerate() if thread.name.startswith("pcscd:")]


def test_a_pcscd_that_starts_late_is_met(rig):
    rig.pcscd.strike(signal.SIGTERM)
    opened = rig.reader.open()
    assert (opened.state, opened.action) == ("offline", "maintenance")
    assert "apt install pcscd" in opened.detail
    assert "0x8010001d" in opened.detail
    assert rig.reader.wait(0.2) is None  # said once
    assert fault_of(rig.reader) == "reader_lost"
    rig.pcscd.start()
    state_after(rig.reader, "online")
    rig.insert()
    assert next_event(rig.reader, CardIn) == CardIn("rig")


def test_a_killed_pcscd_takes_the_card_with_it_and_its_successor_brings_it_back(rig):
    rig.reader.open()
    rig.insert()
    next_event(rig.reader, CardIn)
    rig.pcscd.strike(signal.SIGKILL)
    assert next_event(rig.reader, CardOut) == CardOut("rig")
    state_after(rig.reader, "offline")
    rig.remove()
    rig.pcscd.start()
    state_after(rig.reader, "online")
    rig.insert()
    assert next_event(rig.reader, CardIn) == CardIn("rig")
    assert rig.reader.read(ASK_UID).uid.hex() == UID


def test_a_reading_right_after_a_restart_finds_the_new_pcscd(rig):
    rig.reader.open()
    rig.pcscd.strike(signal.SIGKILL).start()
    assert fault_of(rig.reader) == "no_card"  # and not reader_lost: it is there again
    assert [rig.reader.wait(PATIENCE_S).state for _ in range(2)] == ["offline", "online"]


def test_readers_that_come_and_go_are_told_in_time():
    assert USUAL.again_s + USUAL.look_s < 2
    assert USUAL.silent_s < USUAL.read_s <= 20


def test_the_states_say_what_a_person_can_do(rig):
    rig.plug(plugged=False)
    gone = rig.reader.open()
    assert (gone.state, gone.action) == ("noDevice", "maintenance")
    assert "plug it in" in gone.detail
    rig.plug(plugged=True)
    assert state_after(rig.reader, "online") == PeripheralState("reader", "rig", "online")


def test_a_silent_card_holds_nobody_longer_than_its_time(hasty):
    hasty.reader.open()
    hasty.pcscd.insert(then="silent")
    next_event(hasty.reader, CardIn)
    assert fault_of(hasty.reader) == "mute"
    assert fault_of(hasty.reader) == "mute"  # at once: the reader is still held
    assert len(lines()) <= 2
    hasty.remove()
    assert next_event(hasty.reader, CardOut) == CardOut("rig")
    hasty.settled()
    hasty.insert()
    next_event(hasty.reader, CardIn)
    hasty.reader._limits = USUAL
    assert hasty.reader.read(ASK_UID).uid.hex() == UID


def test_a_card_that_is_not_read_in_time_is_too_slow(hasty):
    hasty.reader._limits = replace(USUAL, read_s=0.3)
    hasty.reader.open()
    hasty.pcscd.insert(then="silent")
    next_event(hasty.reader, CardIn)
    assert fault_of(hasty.reader) == "too_slow"


def test_a_frozen_pcscd_is_offline_and_holds_two_threads_at_most(hasty):
    hasty.reader.open()
    hasty.pcscd.strike(signal.SIGSTOP)
    frozen = state_after(hasty.reader, "offline")
    assert "systemctl restart pcscd" in frozen.detail
    assert hasty.reader.wait(1) is None
    assert fault_of(hasty.reader) == "reader_lost"
    assert len(lines()) == 2
    hasty.pcscd.strike(signal.SIGCONT)
    state_after(hasty.reader, "online")
    hasty.reader.close()
    until = time.monotonic() + PATIENCE_S
    while lines() and time.monotonic() < until:
        time.sleep(0.01)
    assert lines() == []


def test_closing_while_pcscd_is_frozen_is_quick_and_opening_again_works(hasty):
    hasty.reader.open()
    hasty.pcscd.strike(signal.SIGSTOP)
    began = time.monotonic()
    hasty.reader.close()
    assert time.monotonic() - began < 10
    assert hasty.reader.open().state == "offline"
    hasty.pcscd.strike(signal.SIGCONT)
    state_after(hasty.reader, "online")


def test_only_the_slot_that_the_profile_names_is_ours():
    rig = PcscRig(slot="pcd 00 01")
    rig.reader.open()
    rig.insert(0, uid="01020304")
    rig.insert(1)
    assert next_event(rig.reader, CardIn) == CardIn("rig")
    assert rig.reader.read(ASK_UID).uid.hex() == UID
    rig.remove(0)
    rig.remove(1)
    assert next_event(rig.reader, CardOut) == CardOut("rig")
    assert rig.reader.wait(0.5) is None
    rig.close()


def test_a_slot_that_does_not_exist_is_named():
    rig = PcscRig(slot="PICC")
    opened = rig.reader.open()
    assert opened.state == "noDevice"
    assert "'PICC'" in opened.detail
    rig.close()


def test_a_card_that_another_program_holds_is_refused_and_comes_free(rig):
    rig.reader.open()
    rig.insert()
    next_event(rig.reader, CardIn)
    other = winscard.Context()
    other.establish()
    held = other.connect(READERS[0])
    assert fault_of(rig.reader) == "reader_lost"
    held.disconnect()
    other.release()
    assert rig.reader.read(ASK_UID).uid.hex() == UID


def test_neither_opening_nor_reading_leaves_anything_open(rig):
    def held():
        return len(list(Path("/proc/self/fd").iterdir())), len(threading.enumerate())

    rig.insert()
    rig.reader.open()
    next_event(rig.reader, CardIn)
    rig.reader.read(ASK_UID)
    rig.reader.close()
    before = held()
    for _ in range(3):
        rig.reader.open()
        next_event(rig.reader, CardIn)
        rig.reader.read(ASK_UID)
        rig.reader.close()
    assert held() == before


def test_nothing_is_logged(rig, caplog):
    with caplog.at_level(logging.DEBUG):
        rig.reader.open()
        rig.insert()
        next_event(rig.reader, CardIn)
        card = rig.reader.read(ASK_UID)
        rig.reader.close()
    assert caplog.records == []
    assert UID not in repr(card)
    assert "112233" not in repr(card)


def test_a_missing_library_names_its_package(monkeypatch):
    monkeypatch.setattr(winscard, "LIBRARY", "libpcsclite-not-installed.so.1")
    winscard.load.cache_clear()
    reader = PcscReader(Settings("rig"))
    with pytest.raises(PortFault) as raised:
        reader.open()
    reader.close()
    assert raised.value.state == "noDevice"
    assert "apt install libpcsclite1" in str(raised.value)


def test_an_unknown_setting_is_refused():
    with pytest.raises(DriverError, match="'slot'"):
        open_driver("reader", "pcsc", {"name": "rig", "slots": "PICC"})
    with pytest.raises(DriverError, match="name"):
        open_driver("reader", "pcsc", {})
