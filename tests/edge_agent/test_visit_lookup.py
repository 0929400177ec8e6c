"""The look-up by the code on a slip: what is typed or scanned, what the fleet says, and the slip once more."""

from __future__ import annotations

import pytest

from edge_agent import events
from edge_agent.effects import Append, Ask
from tests.edge_agent.visit_bed import HOUR_MS, START_MS, Bed, lines, of

CODE, TYPED = "TAM-K0001-000042-2", "00010000422"


def ready(**world: object) -> Bed:
    bed = Bed(**world)
    bed.send(events.PeripheralState("reader", "r", "online"))
    bed.touch("start", "vi")
    bed.touch("group", "lookup")
    bed.touch("service", "code_lookup")
    return bed


def asked(bed: Bed, typed: str = TYPED) -> Ask:
    bed.type(typed)
    (ask,) = of(bed.touch("next"), Ask)
    return ask


def told(state: str, matter: str = "dossier", made_ms: int | None = START_MS - HOUR_MS, **more: object) -> Bed:
    bed = ready()
    made = {} if made_ms is None else {"created_ms": made_ms}
    bed.answer(asked(bed), matter=matter, state=state, **made, **more)
    return bed


def test_a_code_is_asked_of_the_fleet_and_its_state_told_with_its_time_and_no_name():
    bed = ready()
    ask = asked(bed)
    assert (ask.kind, ask.fields, bed.name) == ("code", {"code": CODE}, "code_checking")
    bed.answer(ask, matter="dossier", state="ACCEPTED")
    assert (bed.name, bed.data["state"]) == ("code_told", "accepted")
    assert bed.data["as_of_ms"] == bed.wall_ms


@pytest.mark.parametrize(
    ("matter", "state", "word"),
    [
        ("payment", "CONFIRMED", "confirmed"),
        ("payment", "SETTLED", "confirmed"),
        ("payment", "AWAITING_CONFIRMATION", "awaiting"),
        ("payment", "QR_SHOWN", "awaiting"),
        ("payment", "EXCEPTION", "exception"),
        ("payment", "REFUND_PENDING", "exception"),
        ("dossier", "SENT", "sent"),
        ("dossier", "NEEDS_MORE", "more"),
        ("dossier", "REJECTED", "rejected"),
        ("dossier", "SOMETHING_NEW", "sent"),
    ],
)
def test_every_state_has_its_word(matter, state, word):
    bed = told(state, matter)
    assert (bed.name, bed.data["state"]) == ("code_told", word)


def test_a_mistyped_digit_is_seen_before_anybody_is_asked():
    bed = ready()
    bed.type("00010000423")
    assert of(bed.touch("next"), Ask) == []
    assert (bed.name, bed.data["fault"], bed.data["typed"]) == ("code_ask", "bad_check", "00010000423")
    bed.touch("erase", "one")
    assert bed.data["fault"] == ""
    bed.touch("key", "2")
    assert of(bed.touch("next"), Ask)


def test_too_few_digits_ask_nobody_and_only_digits_are_keys():
    bed = ready()
    for key in ("x", "12", ""):
        bed.touch("key", key)
    bed.type("0001")
    assert of(bed.touch("next"), Ask) == []
    bed.touch("erase", "all")
    assert bed.data["typed"] == ""
    bed.type(TYPED + "9")
    assert bed.data["typed"] == TYPED


def test_the_square_code_of_a_slip_is_enough():
    bed = ready()
    (ask,) = of(bed.send(events.Scanned(b"tam-k0001-000042-2\r\n")), Ask)
    assert ask.fields == {"code": CODE}


@pytest.mark.parametrize(
    ("scanned", "fault"),
    [
        (b"https://example.vn", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"H29.17-261122-000009", "official_code"),
        (b"TAM-K0001-000042-3", "bad_check"),
    ],
)
def test_another_code_is_named_for_what_it_is(scanned, fault):
    bed = ready()
    bed.send(events.Scanned(scanned))
    assert (bed.name, bed.data["fault"]) == ("code_ask", fault)


def test_a_code_that_lies_before_the_scanner_keeps_no_visit_open():
    bed = ready()
    for _ in range(40):
        bed.send(events.Scanned(b"https://example.vn"))
        bed.wait(5)
    assert bed.name == "idle"


@pytest.mark.parametrize(("matter", "state"), [("none", "UNKNOWN"), ("payment", "FAILED"), ("", "SENT")])
def test_a_code_that_nobody_knows_stays_to_be_corrected(matter, state):
    bed = ready()
    bed.answer(asked(bed), matter=matter, state=state)
    assert (bed.name, bed.data["fault"], bed.data["typed"]) == ("code_ask", "unknown_code", TYPED)


def test_where_the_fleet_is_silent_what_was_typed_stays():
    bed = ready()
    ask = asked(bed)
    bed.send(events.NotAnswered(ask.question, "timed out"))
    assert (bed.name, bed.data["fault"]) == ("code_ask", "no_answer")
    asked_again = of(bed.touch("next"), Ask)
    bed.wait(7)
    assert (bed.name, bed.data["fault"], len(asked_again)) == ("code_ask", "no_answer", 1)
    bed.send(events.LinkDown("cut"))
    assert of(bed.touch("next"), Ask) == []
    assert bed.data["fault"] == "no_answer"


def test_a_late_answer_changes_nothing():
    bed = ready()
    ask = asked(bed)
    bed.touch("back")
    bed.answer(ask, matter="dossier", state="ACCEPTED")
    assert bed.name == "code_ask"
    bed.send(events.NotAnswered(ask.question, "late"))
    bed.touch("erase", "all")
    first = asked(bed)
    bed.touch("back")
    bed.touch("erase", "all")
    asked(bed)
    bed.answer(first, matter="dossier", state="REJECTED")
    assert bed.name in ("code_checking", "code_told")


def test_a_slip_can_be_printed_at_any_station_and_is_marked_as_a_reprint():
    bed = told("AWAITING_CONFIRMATION", "payment")
    assert bed.data["may_print"] is True
    bed.touch("print")
    (job,) = bed.slips()
    assert "BẢN IN LẠI LẦN 1" in lines(job, "bold")
    assert CODE in lines(job, "code")
    bed.send(events.PrintDone(job.job, "confirmed"))
    assert (bed.data["slip"], bed.data["may_print"]) == ("confirmed", False)
    result = next(each for each in of(bed.done, Append) if each.kind == "slip.result")
    assert (result.txn, result.fields["copy"], result.fields["slip"]) == (None, 2, "code")


@pytest.mark.parametrize("made_ms", [None, START_MS - 73 * HOUR_MS, START_MS + 73 * HOUR_MS])
def test_what_is_older_than_three_days_or_of_no_known_day_is_not_printed(made_ms):
    bed = told("SENT", made_ms=made_ms)
    assert bed.data["may_print"] is False
    bed.touch("print")
    assert bed.slips() == []


def test_after_a_power_cut_a_reprint_is_nobodys():
    bed = told("SENT")
    bed.touch("print")
    again = Bed(state=bed.state)
    assert again.name == "idle"


def test_without_a_network_the_service_is_withdrawn_with_its_reason():
    bed = Bed(online=False)
    assert bed.offer("code_lookup") == ("none", "offline")


def test_from_the_answer_one_goes_to_another_code_and_from_there_to_the_services():
    bed = told("SENT")
    bed.touch("back")
    assert (bed.name, bed.visit._desk.scene.told) == ("code_ask", None)
    bed.touch("back")
    assert bed.name == "group"
