"""Time-outs: when a screen asks whether somebody is there, when it clears itself; none of them cancels a payment."""

from __future__ import annotations

import pytest

from edge_agent import events
from edge_agent.effects import Append, Wipe
from tests.edge_agent.visit_bed import SETTINGS, Bed, of


def test_after_60_s_it_asks_and_after_30_more_it_ends():
    bed = Bed()
    bed.to_bills()
    bed.wait(59)
    assert bed.name == "bills"
    bed.wait(1)
    assert (bed.name, bed.data["seconds"]) == ("warning", 30)
    bed.wait(29)
    assert bed.name == "warning"
    performed = bed.wait(1)
    assert bed.name == "idle"
    assert of(performed, Append)[0].fields["outcome"] == "timed_out"
    assert of(performed, Wipe)


@pytest.mark.parametrize("place", ["home", "unit", "bills", "review", "refused", "result"])
def test_every_entry_screen_times_out(place):
    bed = Bed()
    _stand(bed, place)
    bed.wait(60)
    assert bed.name == "warning"
    bed.touch("stay")
    assert bed.name == place


def _stand(bed: Bed, place: str) -> None:
    match place:
        case "home":
            bed.touch("start", "vi")
        case "unit":
            bed.touch("start", "vi")
            bed.touch("group", "bill")
        case "bills":
            bed.to_bills()
        case "review":
            bed.to_review()
        case "refused":
            bed.to_review()
            (ask,) = [each for each in bed.press_pay() if hasattr(each, "question")]
            bed.answer(ask, status="paid")
        case "result":
            bed.to_qr()
            bed.touch("paid")
    assert bed.name == place


def test_one_tap_anywhere_extends_as_often_as_it_is_needed():
    bed = Bed()
    bed.to_bills()
    for action in ["stay", "here"] * 6:
        bed.wait(60)
        assert bed.name == "warning"
        bed.touch(action)
        assert bed.name == "bills"


def test_a_finger_on_the_screen_counts_as_somebody():
    bed = Bed()
    bed.to_bills()
    bed.wait(50)
    bed.touch("here")
    bed.wait(50)
    assert bed.name == "bills"


def test_large_text_gives_90_s():
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("big", "1")
    bed.wait(89)
    assert bed.name == "home"
    bed.wait(1)
    assert bed.name == "warning"


def test_the_warning_returns_to_the_help_that_was_open():
    bed = Bed()
    bed.to_bills()
    bed.touch("help")
    bed.wait(60)
    bed.touch("stay")
    assert bed.name == "help"
    bed.touch("back")
    assert bed.name == "bills"


def test_the_resident_may_end_the_visit_at_the_warning():
    bed = Bed()
    bed.touch("start", "vi")
    bed.wait(60)
    bed.touch("end")
    assert (bed.name, bed.records()) == ("idle", [("visit.ended", "cancelled")])


def test_the_code_has_its_own_five_minutes_and_no_idle_warning():
    bed = Bed()
    bed.to_qr()
    bed.wait(120)
    assert bed.name == "qr"
    bed.touch("language", "en")
    assert bed.data["seconds"] == 180
    bed.wait(179)
    assert bed.name == "qr"


@pytest.mark.parametrize("overlay", [False, True])
def test_when_its_time_is_over_the_payment_awaits_and_the_slip_is_printed(overlay):
    bed = Bed()
    bed.to_qr()
    if overlay:
        bed.touch("help")
    bed.wait(300)
    assert (bed.name, bed.data["state"], bed.data["closed"]) == ("result", "awaiting", False)
    assert bed.records()[-1] == ("payment.state", "AWAITING_CONFIRMATION")
    assert len(bed.slips()) == 1
    bed.wait(60)
    bed.wait(30)
    assert bed.name == "idle"
    states = [state for kind, state in bed.records() if kind == "payment.state"]
    assert states == ["QR_SHOWN", "AWAITING_CONFIRMATION"]


def test_a_settled_result_clears_itself_after_20_s_but_a_tap_keeps_it():
    bed = Bed()
    bed.to_qr()
    bed.answer(bed.next_question(), state="CONFIRMED")
    bed.wait(19)
    bed.touch("here")
    assert bed.data["seconds"] == 20
    bed.wait(19)
    assert bed.name == "result"
    bed.wait(1)
    assert (bed.name, bed.records()[-1]) == ("idle", ("visit.ended", "finished"))


def test_a_confirmation_takes_the_warning_away():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    ask = bed.next_question(60)
    assert bed.name == "warning"
    bed.answer(ask, state="CONFIRMED")
    assert (bed.name, bed.data["state"]) == ("result", "confirmed")


def test_silence_of_the_fleet_for_3_s_falls_back_to_the_offline_rules():
    bed = Bed()
    bed.to_review()
    (ask,) = [each for each in bed.press_pay() if hasattr(each, "question")]
    bed.wait(2.9)
    assert bed.name == "checking"
    bed.wait(0.1)
    assert (bed.name, bed.data["offline"], bed.data["consent"]) == ("review", True, False)
    bed.answer(ask, status="open")
    assert bed.name == "review"
    bed.touch("consent", "1")
    bed.touch("next")
    assert bed.name == "qr"
    assert of(bed.done, Append)[0].fields["online"] is False
    assert bed.data["offline"] is True


@pytest.mark.parametrize("status", ["", "half open"])
def test_a_refused_question_or_an_unknown_word_is_silence(status):
    bed = Bed()
    bed.to_review()
    (ask,) = [each for each in bed.press_pay() if hasattr(each, "question")]
    if status:
        bed.answer(ask, status=status)
    else:
        bed.send(events.NotAnswered(ask.question, "no connection"))
    assert (bed.name, bed.data["offline"]) == ("review", True)


def test_back_from_the_checking_screen_and_a_late_answer_starts_nothing():
    bed = Bed()
    bed.to_review()
    (ask,) = [each for each in bed.press_pay() if hasattr(each, "question")]
    bed.touch("back")
    bed.answer(ask, status="open")
    assert (bed.name, bed.records()) == ("review", [])


def test_the_idle_clock_moves_once_a_minute_and_touches_on_the_older_minute_count():
    bed = Bed()
    shown = len(bed.screens)
    old = bed.screen.number
    for _ in range(60):
        bed.wait(1)
    assert len(bed.screens) == shown + 1
    bed.touch("start", "vi", screen=old)
    assert bed.name == "home"


def test_a_very_long_visit_still_fits_its_record():
    bed = Bed()
    bed.touch("start", "vi")
    bed.time_s += 10 * 86_400
    bed.touch("end")
    assert of(bed.done, Append)[0].fields["seconds"] == 86_400


def test_out_of_service_returns_to_the_idle_screen_by_itself():
    bed = Bed()
    bed.send(events.ServiceStopped("journal"))
    bed.touch("start", "vi")
    assert bed.name == "out"
    bed.wait(SETTINGS.out_s)
    assert bed.name == "idle"
