"""Touches and scans that mean harm or come too late, and taps that come twice."""

from __future__ import annotations

import pytest

from edge_agent import events
from edge_agent.effects import Append
from edge_agent.machines import touches
from edge_agent.machines.visit import Visit
from tests.edge_agent.visit_bed import OCTOBER, SETTINGS, Bed, counting, of

HOSTILE_SCANS = {
    "empty": b"",
    "line end only": b"\r\n",
    "not UTF-8": b"\xff\xfe\x00A1205",
    "control characters": b"A12\x0005",
    "escape sequence": b"\x1b[2JA1205",
    "huge": b"A" * 5000,
    "too long": b"A" * 21,
    "long key": b"A123456789012",
    "bank card": b"4111111111111111",
    "card QR": "079203001234||Nguyễn Văn An|01012003|Nam|Phường Bình Trưng|01012022".encode(),
    "address": b"https://example.vn/phieu",
    "markup": b"<script>alert(1)</script>",
    "quotes": b"A' OR 1=1 --",
    "VietQR": b"00020101021138560010A0000007270126000697041501121133666688880208QRIBFTTA53037045802VN6304F443",
    "other digits": "A١٢٠٥".encode(),
    "marks only": b"./-",
}


@pytest.mark.parametrize("data", HOSTILE_SCANS.values(), ids=HOSTILE_SCANS.keys())
def test_a_scan_that_is_no_unit_is_dropped_and_said_so(data):
    bed = Bed()
    bed.touch("start", "vi")
    bed.send(events.Scanned(data))
    assert (bed.name, bed.data["not_a_unit"], bed.data["typed"]) == ("unit", True, "")
    bed.touch("key", "A")
    assert bed.data["not_a_unit"] is False


@pytest.mark.parametrize("service", ["fee", "card"])
def test_a_code_left_before_the_scanner_keeps_no_visit_open(service):
    bed = Bed()
    bed.send(events.PeripheralState("reader", "r", "online"))
    bed.touch("start", "vi")
    bed.touch("service", service)
    for _ in range(30):
        bed.send(events.Scanned(b"https://example.vn"))
        bed.wait(5)
    assert bed.name == "idle"


@pytest.mark.parametrize("place", ["idle", "bills", "review", "qr", "result", "help"])
def test_a_scan_elsewhere_does_nothing(place):
    bed = Bed()
    match place:
        case "bills":
            bed.to_bills()
        case "review":
            bed.to_review()
        case "qr":
            bed.to_qr()
        case "result":
            bed.to_qr()
            bed.touch("paid")
        case "help":
            bed.touch("start", "vi")
            bed.touch("help")
    assert bed.name == place
    assert bed.send(events.Scanned(b"B-02.01")) == []


def test_a_touch_on_an_older_screen_is_ignored():
    bed = Bed()
    bed.to_bills()
    old = bed.screen.number
    bed.touch("pay", OCTOBER.hex())
    assert bed.touch("end", screen=old) == []
    assert bed.touch("end", screen=bed.screen.number + 1) == []
    assert bed.name == "review"


def test_a_double_tap_does_one_thing():
    bed = Bed()
    bed.to_review()
    bed.touch("consent", "1")
    pressed = bed.screen.number
    (ask,) = [each for each in bed.touch("next") if hasattr(each, "question")]
    assert bed.touch("next", screen=pressed) == []
    bed.answer(ask, status="open")
    assert len([each for each in of(bed.done, Append) if each.kind == "payment.created"]) == 1
    pressed = bed.screen.number
    bed.touch("paid")
    assert bed.touch("paid", screen=pressed) == []
    assert len(bed.slips()) == 1


def test_a_double_tap_on_the_tick_leaves_it_ticked():
    bed = Bed()
    bed.to_review()
    pressed = bed.screen.number
    bed.touch("consent", "1")
    bed.touch("consent", "1", screen=pressed)
    assert bed.data["consent"] is True


def test_fast_fingers_on_the_keyboard_lose_no_letter():
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("group", "bill")
    first = bed.screen.number
    for letter in "A1205":
        bed.touch("key", letter, screen=first)
    assert bed.data["typed"] == "A1205"


@pytest.mark.parametrize("value", ["", "a", "AB", "é", "١", "<", "A\n"])
def test_a_key_that_is_not_on_the_keyboard_types_nothing(value):
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("group", "bill")
    assert bed.touch("key", value) == []


def test_the_field_takes_twelve_letters_and_can_be_erased():
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("group", "bill")
    assert bed.touch("next") == []
    bed.type("A" * 20)
    assert bed.data["typed"] == "A" * 12
    bed.touch("erase", "one")
    assert bed.data["typed"] == "A" * 11
    bed.touch("erase", "all")
    assert bed.data["typed"] == ""


@pytest.mark.parametrize("value", ["", "00", "bill-oct", b"bill-201".hex(), "' OR 1=1"])
def test_only_a_bill_that_is_shown_can_be_chosen(value):
    bed = Bed()
    bed.to_bills()
    assert bed.touch("pay", value) == []
    assert bed.name == "bills"


@pytest.mark.parametrize("place", touches._MOVES)
@pytest.mark.parametrize("action", ["", "paid", "confirm", "__class__", "start", "next"])
def test_an_action_that_a_place_does_not_have_does_nothing(place, action):
    known = action in touches._MOVES[place]
    assert (touches.move(place, action, in_visit=True) is not None) == known


def test_a_grey_bill_cannot_be_chosen_by_a_forged_touch():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.touch("another")
    assert bed.touch("pay", OCTOBER.hex()) == []
    assert bed.name == "bills"


def test_words_that_change_under_the_finger_need_a_new_tick_and_a_new_touch():
    bed = Bed()
    bed.to_review()
    bed.touch("consent", "1")
    pressed = bed.screen.number
    bed.send(events.LinkDown("cut"))
    assert (bed.data["offline"], bed.data["consent"]) == (True, False)
    assert bed.touch("next", screen=pressed) == []
    assert bed.touch("consent", "1", screen=pressed) == []


def test_before_the_start_nothing_is_shown():
    visit = Visit(SETTINGS, counting())
    assert visit.on(events.Touched(0, "start"), events.Now(1.0, 2, 3)) == []
    assert visit.on(events.Tick(), events.Now(1.0, 2, 3)) == []
