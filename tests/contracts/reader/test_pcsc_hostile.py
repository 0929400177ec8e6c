"""What libpcsclite may say at the worst moment: every call, every error, answers cut short. Only typed faults come out.

The library is a scripted one here: a real pcscd cannot be made to say these things, nor to lose a reader on command.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import get_args

import pytest

from device_profiles.profile import Match
from edge_agent import plugs
from edge_agent.card import CardFault, CardRequest, FaultKind
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.reader import winscard
from edge_agent.drivers.reader.pcsc import Limits, PcscReader, Settings
from edge_agent.events import CardIn, CardOut, PeripheralState, Plugged
from edge_agent.ports import PortFault

READER = b"ACS ACR1252 Dual Reader [PICC] 00 00"
ASK_UID = CardRequest(bytes(16), None, ("uid",))
UID = bytes.fromhex("04112233445566")
QUICK = Limits(read_s=20, silent_s=10, service_s=10, again_s=0, look_s=0.05)
CODES = [*winscard._WORDS, 0x80100001, 0x80100003, 0x80100008, 0x8010002F, 0x00000006, 0xFFFFFFFF]
CALLS = ("EstablishContext", "ListReaders", "GetStatusChange", "Connect", "Transmit", "Disconnect", "ReleaseContext")


class Library:
    """libpcsclite's seven calls on readers that a test sets; `fails` gives what a call returns next, once each."""

    def __init__(self) -> None:
        self.readers: dict[bytes, int] = {READER: 0x20}
        self.answer = UID + b"\x90\x00"
        self.fails: dict[str, int] = {}
        self.called: list[str] = []
        self.contexts = 0

    def __getattr__(self, name):
        call = name.removeprefix("SCard")

        def made(*arguments):
            self.called.append(call)
            return self.fails.pop(call, None) or getattr(self, f"on_{call}")(*arguments)

        return made

    def on_EstablishContext(self, scope, _one, _two, context):  # noqa: N802 - as the library names it
        self.contexts += 1
        context._obj.value = 1
        return 0

    def on_ReleaseContext(self, context):  # noqa: N802
        self.contexts -= 1
        return 0

    def on_ListReaders(self, context, _groups, names, size):  # noqa: N802
        told = b"".join(name + b"\0" for name in self.readers) + b"\0"
        names.raw = told.ljust(len(names), b"?")
        size._obj.value = len(told)
        return 0 if self.readers else winscard.NO_READERS

    def on_GetStatusChange(self, context, timeout_ms, table, count):  # noqa: N802
        changed = False
        for row in table:
            row.event = self.readers.get(row.name, row.known)
            changed |= row.event != row.known
        if not changed:
            time.sleep(timeout_ms / 1000)
        return 0 if changed else winscard.TIMEOUT

    def on_Connect(self, context, reader, share, protocols, card, protocol):  # noqa: N802
        assert share == 1
        card._obj.value, protocol._obj.value = 1, 2
        return 0

    def on_Disconnect(self, card, disposition):  # noqa: N802
        assert disposition == 1  # reset
        return 0

    def on_Transmit(self, card, protocol, apdu, size, _receive, answer, answer_size):  # noqa: N802
        assert (apdu, size) == (bytes.fromhex("FFCA000000"), 5)
        answer[: len(self.answer)] = self.answer
        answer_size._obj.value = len(self.answer)
        return 0


@pytest.fixture
def library(monkeypatch):
    scripted = Library()
    monkeypatch.setattr(winscard, "load", lambda: scripted)
    return scripted


@pytest.fixture
def reader(library):
    made = PcscReader(Settings("r"), QUICK)
    yield made
    made.close()
    assert library.contexts == 0


def drained(reader):
    """All there is to tell; three looks are enough to lose pcscd, to meet it again and to see what is there."""
    for _ in range(3):
        reader._look(0.0)
    events = []
    while (event := reader.wait(0)) is not None:
        events.append(event)
    return events


def result_of(reader):
    """The kind of the fault, or None of a reading that went well."""
    try:
        reader.read(ASK_UID)
    except CardFault as fault:
        return fault.kind
    return None


def healthy(reader):
    """Whatever was: it reads, and what was told last is how it is."""
    told = drained(reader)
    assert reader.read(ASK_UID).uid == UID
    return told


@pytest.mark.parametrize("code", CODES, ids=hex)
@pytest.mark.parametrize("call", CALLS)
def test_an_error_at_a_reading_is_a_cards_fault_and_passes(library, reader, call, code):
    reader.open()
    told = drained(reader)
    library.fails = {call: code}
    # A call that may be made again, or that a reading does not hang on, is no fault.
    assert (result_of(reader) in get_args(FaultKind)) == (call in ("Connect", "Transmit"))
    library.fails = {}
    told += healthy(reader)
    assert [event for event in told if isinstance(event, CardIn | CardOut)][-1] == CardIn("r")
    assert told[-1] == CardIn("r") or reader._told.state == "online"
    assert library.called.count("Connect") - (call == "Connect") == library.called.count("Disconnect")


@pytest.mark.parametrize("code", CODES, ids=hex)
@pytest.mark.parametrize("call", CALLS[:3])
def test_an_error_at_a_look_is_a_state_and_passes(library, reader, call, code):
    library.fails = {call: code}
    opened = reader.open()
    assert opened.state in ("online", "offline", "noDevice")
    told = [opened, *drained(reader)]
    assert [event.state for event in told if isinstance(event, PeripheralState)][-1] == "online"
    assert CardIn("r") in told
    assert healthy(reader) == []
    library.fails = {call: code}
    drained(reader)
    healthy(reader)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0x80100069, "torn"),
        (0x80100068, "torn"),
        (0x80100066, "mute"),
        (0x80100067, "mute"),
        (0x8010000C, "no_card"),
        (0x80100065, "unsupported"),
        (0x80100013, "reader_lost"),
        (0x8010001D, "reader_lost"),
        (0x80100017, "reader_lost"),
        (0x8010000B, "reader_lost"),
        (0x80100016, "mute"),  # the exchange broke, and the card still lies there
    ],
)
@pytest.mark.parametrize("call", ["Connect", "Transmit"])
def test_which_fault_an_error_is(library, reader, call, code, kind):
    reader.open()
    library.fails = {call: code}
    with pytest.raises(CardFault) as raised:
        reader.read(ASK_UID)
    assert raised.value.kind == kind
    assert f"SCard{call}" in str(raised.value)
    assert f"{code:#010x}" in str(raised.value)


@pytest.mark.parametrize("code", [0x80100016, None], ids=["an error", "an empty answer"])
@pytest.mark.parametrize(("then", "kind"), [(0x10010, "torn"), (None, "torn"), (0x20, None)])
def test_an_exchange_that_broke_is_torn_where_the_card_is_gone(library, reader, monkeypatch, code, then, kind):
    reader.open()

    def broken(*arguments):
        library.readers = {} if then is None else {READER: then}
        arguments[-1]._obj.value = 0
        return code or 0

    monkeypatch.setattr(library, "on_Transmit", broken)
    with pytest.raises(CardFault) as raised:
        reader.read(ASK_UID)
    assert raised.value.kind == (kind or ("mute" if code else "damaged"))


@pytest.mark.parametrize("answer", [b"", b"\x90", b"\x90\x00", b"\x00\x00", b"\x6d\x00", b"x" * 65_538])
def test_answers_of_any_size(library, reader, answer):
    reader.open()
    library.answer = answer
    if len(answer) < 2:
        with pytest.raises(CardFault) as raised:
            reader.read(ASK_UID)
        assert raised.value.kind == "damaged"
    else:
        assert reader.read(ASK_UID).uid == b""


def test_a_refusal_names_the_rule_that_is_missing(library, reader):
    library.fails = {"EstablishContext": winscard.ACCESS_REFUSED}
    opened = reader.open()
    assert opened.state == "offline"
    assert "systemd/polkit/50-kiosk-pcscd.rules" in opened.detail


def test_a_reader_pulled_out_of_a_living_pcscd_and_put_in_again(library, reader):
    assert reader.open().state == "online"
    assert drained(reader) == [CardIn("r")]
    library.readers = {}
    gone = drained(reader)
    assert [getattr(event, "state", event) for event in gone] == [CardOut("r"), "noDevice"]
    with pytest.raises(CardFault) as raised:
        reader.read(ASK_UID)
    assert raised.value.kind == "reader_lost"
    library.readers = {READER: 0x10}
    assert [event.state for event in drained(reader)] == ["online"]
    assert library.called.count("EstablishContext") == 1  # it was one connection all the time


@pytest.mark.parametrize("found", [True, False])
def test_the_reader_is_known_by_the_usb_device_that_the_profile_means(library, monkeypatch, found):
    asked = []

    def locate(match, subsystem, node=""):
        asked.append((match, subsystem))
        if not found:
            raise PortFault("not plugged in", state="noDevice")
        return Plugged("072f:223b@1-1.2", "usb", "/dev/bus/usb/001/004")

    monkeypatch.setattr(plugs, "locate", locate)
    acs = Match(usb=("072f:223b",))
    reader = open_driver("reader", "pcsc", {"name": "r", "match": acs})
    assert reader.open() == PeripheralState("reader", "r", "online", identity="072f:223b@1-1.2" if found else "")
    library.readers = {}
    assert drained(reader)[-1].identity == ""
    assert asked == [(acs, "usb")]
    reader.close()


def test_what_nobody_took_is_forgotten_when_it_closes(library, reader):
    reader.open()  # a card lies there, and nobody waited for that
    reader.close()
    library.readers = {READER: 0x10}
    assert reader.open().state == "online"
    assert drained(reader) == []


def test_a_name_that_is_no_text_is_a_name(library, reader):
    library.readers = {b"Lecteur \xe9\xff 00 00": 0x20}
    assert reader.open().state == "online"
    assert reader.read(ASK_UID).uid == UID


@pytest.mark.parametrize("seed", range(10))
def test_a_storm(library, reader, seed):
    """Readers, cards, errors and answers by the dice: typed faults only, and peace afterwards."""
    draw, told = random.Random(seed), []
    reader._limits = replace(QUICK, look_s=0.002)
    told.append(reader.open())
    for _ in range(150):
        library.readers = {
            name: draw.choice((0x10, 0x20, 0x220)) | draw.randrange(3) << 16
            for name in draw.sample([READER, b"Virtual PCD 00 01", b""], draw.randint(0, 2))
        }
        library.answer = draw.randbytes(draw.randint(0, 12))
        library.fails = {draw.choice(CALLS): draw.choice(CODES)} if draw.random() < 0.4 else {}
        if draw.random() < 0.5:
            told.append(reader.wait(0.003))
        else:
            assert result_of(reader) in (None, *get_args(FaultKind))
    library.fails, library.readers, library.answer = {}, {READER: 0x20}, UID + b"\x90\x00"
    reader._limits = QUICK
    told += drained(reader)
    assert reader.read(ASK_UID).uid == UID
    assert [event for event in told if isinstance(event, CardIn | CardOut)][-1] == CardIn("r")
    assert [event.state for event in told if isinstance(event, PeripheralState)][-1] == "online"
