"""An identity card through everything that is real: driver, libpcsclite, pcscd, vpcd, and a chip in another process."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from edge_agent.card import NATIONAL, CardData, CardFault, CardRequest, Secret
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.reader.virtual_chip import persona
from edge_agent.drivers.worker import Pace, ReaderWorker
from edge_agent.events import CardFailed, CardIn, CardOut, CardRead, PeripheralState
from tests.twins.pcscd import Pcscd

pytestmark = pytest.mark.journey

CARD = Path(__file__).parents[1] / "twins" / "vpcd_card.py"
PATIENCE_S = 60.0
SEED = 7
PERSON = persona(SEED)
CAN, MRZ = Secret("can", PERSON.can), Secret("mrz", PERSON.mrz_information)
PARTS = ("uid", "dg1", "dg13")
NUMBER = bytes(range(16))


class Lobby:
    """A reader, its pcscd, and the card of one invented person."""

    def __init__(self) -> None:
        self.pcscd = Pcscd().start()
        self.reader = open_driver("reader", "pcsc", {"name": "lobby"})
        self.reader.open()

    def lay(self, kind=None, manner=None, *, seen=True) -> None:
        description = {"seed": SEED, "kind": kind or {}, "manner": manner or {}}
        self.pcscd.insert_program(0, sys.executable, CARD, json.dumps(description))
        if seen:
            self.next(CardIn)

    def lay_again(self, **manner) -> None:
        """The card that is there, or was taken by its manner, is laid down anew."""
        self.pcscd.tell(0, "remove")
        self.pcscd.tell(0, "manner", manner)
        self.pcscd.tell(0, "insert")

    def next(self, kind):
        while not isinstance(event := self.reader.wait(PATIENCE_S), kind):
            assert event is not None, f"no {kind} came"
        return event

    def read(self, secret, parts=PARTS) -> CardData:
        return self.reader.read(CardRequest(NUMBER, secret, parts))

    def fault(self, secret) -> str:
        with pytest.raises(CardFault) as raised:
            self.read(secret)
        assert PERSON.can not in str(raised.value)
        return raised.value.kind

    def close(self) -> None:
        self.reader.close()
        self.pcscd.close()


@pytest.fixture
def lobby():
    made = Lobby()
    yield made
    made.close()


def check(card: CardData, access: str) -> None:
    """What was read is what was written."""
    assert card.access == access
    assert card.mrz == "".join(PERSON.mrz_lines)
    written = asdict(PERSON)
    for name in set(NATIONAL.values()) & set(written):
        assert card.national.get(name, "") == written[name], name
    assert card.national["name"] == PERSON.name


@pytest.mark.parametrize(
    ("kind", "secret", "access"),
    [({"access": "pace"}, CAN, "pace_can"), ({"access": "pace"}, MRZ, "pace_mrz"), ({"access": "bac"}, MRZ, "bac")],
    ids=["PACE by CAN", "PACE by MRZ", "BAC"],
)
def test_what_stands_on_the_card_is_what_is_read(lobby, kind, secret, access):
    lobby.lay(kind | {"uid": "04112233445566"})
    card = lobby.read(secret)
    check(card, access)
    assert card.uid.hex() == "04112233445566"
    assert card.authenticity == "not_verified"  # nobody provisioned an anchor


def test_with_its_issuers_anchor_and_clock_it_is_verified_and_no_clone(lobby):
    lobby.lay()
    facts = lobby.pcscd.tell(0, "facts")
    request = CardRequest(
        NUMBER, CAN, ("dg1", "dg2", "dg13"), (bytes.fromhex(facts["anchor"]),), int(1000 * time.time())
    )
    card = lobby.reader.read(request)
    check(card, "pace_can")
    assert (card.authenticity, card.clone_check) == ("verified", "active")
    assert card.portrait
    assert card.uid == b""


def test_a_wrong_secret_is_named_and_the_right_one_then_opens(lobby):
    lobby.lay()
    wrong = str((int(PERSON.can) + 1) % 1_000_000).zfill(6)
    assert lobby.fault(Secret("can", wrong)) == "wrong_can"
    assert lobby.fault(Secret("mrz", MRZ.value[:-1] + str((int(MRZ.value[-1]) + 1) % 10))) == "wrong_mrz"
    check(lobby.read(CAN), "pace_can")
    check(lobby.read(CAN), "pace_can")  # it was reset: the channel before is shut


def test_a_building_access_card_is_no_identity_card(lobby):
    lobby.lay({"access": "none", "uid": "04112233445566"})
    assert lobby.fault(CAN) == "unsupported"
    assert lobby.read(None, ("uid",)) == CardData(uid=bytes.fromhex("04112233445566"))


def test_a_card_taken_at_any_step_is_torn_and_then_read_whole(lobby):
    lobby.lay(manner={"torn_after": 0})
    for then in (4, 25, None):
        assert lobby.fault(CAN) == "torn"
        lobby.next(CardOut)
        lobby.lay_again(torn_after=then)
        lobby.next(CardIn)
    check(lobby.read(CAN), "pace_can")


def test_a_reading_that_nobody_waits_for_any_more_sends_no_further_command(lobby):
    lobby.lay()
    waits = iter([True] * 9)
    with pytest.raises(CardFault):
        lobby.reader.read(CardRequest(NUMBER, CAN, PARTS), lambda: next(waits, False))
    assert len(lobby.pcscd.tell(0, "log")) == 9
    check(lobby.read(CAN), "pace_can")


def test_answers_that_no_chip_may_give_are_damage(lobby):
    lobby.lay(manner={"garble_after": 6, "garble": "scrap"})
    assert lobby.fault(CAN) == "damaged"


def test_pcscd_restarted_between_two_readings(lobby):
    lobby.lay()
    check(lobby.read(CAN), "pace_can")
    lobby.pcscd.strike(signal.SIGTERM).start()
    lobby.lay_again()
    assert lobby.next(CardOut) == CardOut("lobby")
    assert lobby.next(CardIn) == CardIn("lobby")
    check(lobby.read(CAN), "pace_can")


def test_pcscd_killed_in_the_middle_of_a_reading_on_the_worker(caplog):
    lobby, posted = Lobby(), []
    worker = ReaderWorker("lobby", lobby.reader, posted.append, Pace(wait_s=0.05))

    def until(wanted):
        end = time.monotonic() + PATIENCE_S
        while not wanted() and time.monotonic() < end:
            time.sleep(0.01)
        assert wanted(), posted

    def count(kind):
        return sum(isinstance(event, kind) for event in posted)

    with caplog.at_level(logging.DEBUG):
        worker.start()
        lobby.lay(manner={"silence_after": 12, "silence_s": PATIENCE_S}, seen=False)
        until(lambda: count(CardIn) == 1)
        assert worker.read(CardRequest(NUMBER, CAN, PARTS))
        until(lambda: len(lobby.pcscd.tell(0, "log")) > 12)  # the thirteenth command was taken, its answer waits
        lobby.pcscd.strike(signal.SIGKILL)
        until(lambda: count(CardFailed) == 1)
        lobby.pcscd.remove()
        lobby.pcscd.start()
        lobby.lay(seen=False)
        until(lambda: count(CardIn) == 2)
        assert worker.read(CardRequest(NUMBER, CAN, PARTS))
        until(lambda: count(CardRead | CardFailed) == 2)
        assert worker.stop()
    lobby.close()
    ends = [event for event in posted if isinstance(event, CardRead | CardFailed)]
    assert ends[0].fault == "reader_lost"
    check(ends[1].card, "pace_can")
    states = [event.state for event in posted if isinstance(event, PeripheralState)]
    assert states[0] == states[-1] == "online"
    assert "offline" in states
    assert "hardwareError" not in states
    told = caplog.text + repr(posted)
    for value in (PERSON.can, PERSON.name, PERSON.id_number, PERSON.mrz_lines[2][:12]):
        assert value not in told
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pcscd:")]
