"""What breaks: the journal refuses, the printer is out, the power is cut. What was said stays true."""

from __future__ import annotations

import pytest

from edge_agent import events
from edge_agent.effects import Append, BeginVisit, Print, Show, Wipe
from edge_agent.machines.visit import Visit
from tests.edge_agent.visit_bed import NOVEMBER, SETTINGS, START_MS, Bed, counting, lines, of

CODE = "TAM-K0001-000042-2"


def started(state: dict[str, object]) -> tuple[Bed, list[object]]:
    """A station that starts on what an earlier one left, and what its first event performed."""
    bed = Bed(state=state)
    again = Visit(SETTINGS, counting())
    return bed, again.on(events.Started(2, state), events.Now(1.0, START_MS, 3))


def test_a_refused_payment_record_shows_no_code_and_says_that_nothing_was_recorded():
    bed = Bed()
    bed.refuse = "payment.created"
    performed = bed.to_qr()
    assert (bed.name, bed.data["code"]) == ("out", "")
    assert "qr" not in [each.name for each in bed.screens]
    assert [type(each) for each in performed] == [Wipe, Show]
    ledger = bed.visit._checkout.ledger
    assert (ledger.exposure_dong, ledger.locks, ledger.showing) == (0, {}, None)
    assert ledger.counter_next == 43, "a code is never given twice, not even one that was not recorded"


def test_a_refused_second_record_shows_no_code_either():
    bed = Bed()
    bed.refuse = "payment.state:QR_SHOWN"
    bed.to_qr()
    assert (bed.name, bed.data["code"]) == ("out", "")
    assert "qr" not in [each.name for each in bed.screens]
    assert bed.visit._checkout.ledger.exposure_dong == 485_000, "it is recorded, so it counts"
    assert bed.state["pay.showing"] == [bed.txn, CODE, START_MS, False]


@pytest.mark.parametrize("restart", [False, True])
def test_a_payment_whose_code_nobody_saw_has_failed_and_frees_its_bill(restart):
    bed = Bed()
    bed.refuse = "payment.state:QR_SHOWN"
    bed.to_qr()
    txn = bed.txn
    if restart:
        bed, performed = started(bed.state)
        assert bed.screens[0].name == "idle", "there is no code to give"
    else:
        bed.send(events.ServiceStopped("journal"))
        performed = bed.send(events.ServiceResumed("journal"))
    (record,) = of(performed, Append)
    assert (record.kind, record.fields, record.txn) == ("payment.state", {"state": "FAILED"}, txn)
    assert set(bed.state) <= {"pay.counter", "pay.contact_ms"}
    bed.wait(60)
    bed.to_bills()
    assert bed.data["bills"][0]["why"] == ""


def test_a_closing_record_that_is_refused_again_is_tried_again():
    bed = Bed()
    bed.to_qr()
    bed.refuse = "payment.state:AWAITING_CONFIRMATION"
    bed.touch("paid")
    bed.refuse = "payment.state:AWAITING_CONFIRMATION"
    bed.send(events.ServiceResumed("journal"))
    assert [each for each in bed.records() if each[0] == "payment.state"][-1] == ("payment.state", "QR_SHOWN")
    bed.send(events.ServiceResumed("journal"))
    assert bed.records()[-1] == ("payment.state", "AWAITING_CONFIRMATION")


def test_a_refused_record_of_something_else_while_the_code_is_open_gives_the_code_to_keep():
    bed = Bed()
    bed.to_qr()
    bed.send(events.AppendFailed("device.state", None, "disk full"))
    assert (bed.name, bed.data["code"]) == ("out", CODE)
    bed.send(events.ServiceResumed("journal"))
    assert bed.records()[-1] == ("payment.state", "AWAITING_CONFIRMATION")


def test_a_refused_record_after_the_code_was_seen_gives_the_code_to_keep():
    bed = Bed()
    bed.to_qr()
    bed.refuse = "payment.state:AWAITING_CONFIRMATION"
    bed.touch("paid")
    assert (bed.name, bed.data["code"]) == ("out", CODE)
    assert bed.slips() == []
    assert bed.state["pay.showing"] == [bed.txn, CODE, START_MS, True]
    assert bed.send(events.ServiceStopped("journal")) != []
    performed = bed.send(events.ServiceResumed("journal"))
    assert of(performed, Append)[0].fields == {"state": "AWAITING_CONFIRMATION"}
    assert "pay.showing" not in bed.state


def test_a_refused_confirmation_keeps_the_code_on_the_screen():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.refuse = "payment.state:CONFIRMED"
    bed.answer(bed.next_question(), state="CONFIRMED")
    assert (bed.name, bed.data["code"]) == ("out", CODE)
    assert len(bed.slips()) == 1


def test_a_refused_end_still_wipes_and_still_shows_the_idle_screen():
    bed = Bed()
    bed.to_bills()
    bed.refuse = "visit.ended"
    performed = bed.touch("end")
    assert [type(each) for each in performed] == [Wipe, Show]
    assert bed.name == "idle"


def test_a_refused_slip_result_goes_out_of_service_with_the_code():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.refuse = "slip.result"
    bed.send(events.PrintDone(bed.slips()[0].job, "confirmed"))
    assert (bed.name, bed.data["code"]) == ("out", CODE)


def test_a_record_of_another_machine_that_is_refused_ends_the_visit_too():
    bed = Bed()
    bed.to_review()
    bed.send(events.AppendFailed("device.state", None, "disk full"))
    assert (bed.name, bed.data["code"]) == ("out", "")


def test_a_refused_record_with_nobody_there_only_renews_the_screen():
    bed = Bed()
    performed = bed.send(events.AppendFailed("device.state", None, "disk full"))
    assert [type(each) for each in performed] == [Wipe, Show]
    assert bed.name == "idle"


def test_while_the_service_is_stopped_no_visit_begins():
    bed = Bed()
    bed.send(events.ServiceStopped("quarantined"))
    assert bed.data["out"] is True
    performed = bed.touch("start", "en")
    assert of(performed, BeginVisit) == []
    assert bed.name == "out"
    bed.touch("end")
    bed.send(events.ServiceResumed("another reason"))
    assert bed.data["out"] is True
    bed.send(events.ServiceResumed("quarantined"))
    assert bed.data["out"] is False
    bed.touch("start", "en")
    assert bed.name == "home"


def test_a_stop_ends_a_visit_without_a_payment():
    bed = Bed()
    bed.to_review()
    bed.touch("language", "en")
    performed = bed.send(events.ServiceStopped("revoked"))
    assert [type(each) for each in performed] == [Append, Wipe, Show]
    assert performed[0].fields["outcome"] == "fault"
    assert (bed.name, bed.screen.language) == ("out", "en")


@pytest.mark.parametrize("place", ["qr", "result"])
def test_a_stop_lets_an_open_payment_come_to_its_end(place):
    bed = Bed()
    bed.to_qr()
    if place == "result":
        bed.touch("paid")
    bed.send(events.ServiceStopped("revoked"))
    assert bed.name == place
    bed.send(events.ServiceResumed("revoked"))
    assert [state for kind, state in bed.records() if kind == "payment.state"].count("AWAITING_CONFIRMATION") == (
        place == "result"
    )


def test_out_of_service_speaks_both_languages_and_large_text():
    bed = Bed()
    bed.send(events.ServiceStopped("journal"))
    bed.touch("start", "vi")
    bed.touch("language", "en")
    bed.touch("big", "1")
    assert (bed.screen.language, bed.screen.big) == ("en", True)
    assert bed.touch("restart") == [], "nothing begins a visit but the idle screen"


# the printer

PRINTERS = {
    "missing": (None, "failed"),
    "offline": (events.PeripheralState("printer", "p", "offline"), "failed"),
    "out of paper": (events.PeripheralState("printer", "p", "online", "out"), "paper_out"),
    "jammed": (events.PeripheralState("printer", "p", "online", "jammed"), "failed"),
}


@pytest.mark.parametrize(("state", "slip"), PRINTERS.values(), ids=PRINTERS.keys())
def test_without_a_printer_everything_goes_on_with_the_code_on_the_screen(state, slip):
    bed = Bed(printer=False)
    if state:
        bed.send(state)
    bed.to_qr()
    bed.touch("paid")
    assert bed.records()[-1] == ("payment.state", "AWAITING_CONFIRMATION")
    assert (bed.data["slip"], bed.data["code"], bed.data["may_print"]) == (slip, CODE, False)
    assert bed.slips() == []
    assert bed.touch("print") == []


@pytest.mark.parametrize("paper", ["full", "low", "unknown", None])
def test_a_printer_that_does_not_say_that_it_is_out_is_tried(paper):
    bed = Bed(printer=False)
    bed.send(events.PeripheralState("printer", "p", "online", paper))
    bed.to_qr()
    bed.touch("paid")
    assert len(bed.slips()) == 1


def test_another_device_is_not_the_printer():
    bed = Bed()
    bed.send(events.PeripheralState("scanner", "s", "offline"))
    bed.to_qr()
    bed.touch("paid")
    assert bed.data["slip"] == "printing"


def test_when_paper_comes_back_the_slip_can_be_printed_and_is_no_reprint():
    bed = Bed(printer=False)
    bed.send(events.PeripheralState("printer", "p", "online", "out"))
    bed.to_qr()
    bed.touch("paid")
    bed.send(events.PeripheralState("printer", "p", "online", "full"))
    assert bed.data["may_print"] is True
    bed.touch("print")
    assert "BẢN IN LẠI" not in repr(bed.slips()[0].slip)


def test_a_failed_print_is_recorded_and_may_be_tried_again_as_the_first_copy():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.send(events.PrintDone(bed.slips()[0].job, "failed", "paper jam"))
    assert (bed.data["slip"], bed.data["may_print"]) == ("failed", True)
    bed.touch("print")
    assert "BẢN IN LẠI" not in repr(bed.slips()[1].slip)
    results = [each.fields for each in of(bed.done, Append) if each.kind == "slip.result"]
    assert [(each["slip"], each["result"], each["copy"]) for each in results] == [("pending", "failed", 1)]


def test_an_unknown_print_may_be_repeated_marked_as_a_reprint_and_not_without_end():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    for _ in range(3):
        bed.send(events.PrintDone(bed.slips()[-1].job, "unknown"))
        bed.touch("print")
    assert [lines(job, "bold")[0] for job in bed.slips()[1:]] == ["BẢN IN LẠI LẦN 1", "BẢN IN LẠI LẦN 2"]
    assert bed.data["may_print"] is False


def test_a_print_that_ends_after_the_visit_is_still_recorded():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    txn, job = bed.txn, bed.slips()[0].job
    bed.touch("end")
    performed = bed.send(events.PrintDone(job, "confirmed"))
    (record,) = of(performed, Append)
    assert (record.kind, record.txn, record.fields["result"]) == ("slip.result", txn, "confirmed")
    assert bed.name == "idle"
    assert "pay.jobs" not in bed.state
    assert bed.send(events.PrintDone(job, "confirmed")) == []


def test_two_slips_under_way_are_told_apart():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.answer(bed.next_question(), state="CONFIRMED")
    pending, confirmed = bed.slips()
    bed.send(events.PrintDone(pending.job, "failed"))
    assert bed.data["slip"] == "printing"
    bed.send(events.PrintDone(confirmed.job, "confirmed"))
    assert bed.data["slip"] == "confirmed"
    slips = [each.fields["slip"] for each in of(bed.done, Append) if each.kind == "slip.result"]
    assert slips == ["pending", "confirmed"]


# power cut


def test_after_a_power_cut_at_the_code_the_payment_awaits_and_its_code_is_shown():
    bed = Bed()
    bed.to_qr()
    again = Bed(state=bed.state)
    first = again.screens[0]
    assert (first.name, first.data["code"]) == ("recovered", CODE)
    assert "pay.showing" not in again.state
    again.touch("print")
    (job,) = again.slips()
    assert lines(job, "code") == [CODE]
    assert "NGUYEN" not in repr(job.slip)
    again.send(events.PrintDone(job.job, "confirmed"))
    assert again.data["slip"] == "confirmed"
    (result,) = of(again.done, Append)
    assert (result.fields["slip"], result.txn) == ("code", bed.txn)
    again.touch("end")
    assert again.name == "idle"


def test_the_record_after_a_power_cut_is_written_at_once():
    bed = Bed()
    bed.to_qr()
    _, performed = started(bed.state)
    (record,) = of(performed, Append)
    assert (record.kind, record.fields, record.txn) == ("payment.state", {"state": "AWAITING_CONFIRMATION"}, bed.txn)


@pytest.mark.parametrize(
    ("age_ms", "quality", "name"),
    [(30 * 60_000, 3, "recovered"), (30 * 60_000 + 1, 3, "idle"), (30 * 60_000 + 1, 1, "recovered")],
)
def test_an_old_code_is_not_shown_to_whoever_stands_there_now(age_ms, quality, name):
    bed = Bed(state={"pay.showing": [b"t" * 16, CODE, START_MS - age_ms, True]}, quality=quality)
    assert bed.screens[0].name == name


def test_the_recovered_screen_clears_itself():
    bed = Bed(state={"pay.showing": [b"t" * 16, CODE, START_MS, True]})
    bed.wait(60)
    assert bed.name == "idle"


@pytest.mark.parametrize(("settled", "box"), [(False, "CHỜ XÁC NHẬN"), (True, "ĐÃ XÁC NHẬN")])
def test_a_print_that_a_power_cut_ended_is_offered_again_as_a_reprint(settled, box):
    bed = Bed()
    bed.to_qr()
    if settled:
        bed.answer(bed.next_question(), state="CONFIRMED")
    else:
        bed.touch("paid")
    again = Bed(state=bed.state)
    assert (again.name, again.data["code"], again.data["slip"]) == ("recovered", CODE, "unknown")
    assert of(again.done, Print) == [], "never by itself"
    again.touch("print")
    (job,) = again.slips()
    assert any("BẢN IN LẠI LẦN 1" in text for text in lines(job, "bold"))
    assert any(box in text for text in lines(job, "box"))
    assert job.job != bed.slips()[-1].job


def test_a_print_whose_resident_has_gone_is_offered_to_nobody():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.touch("end")
    again = Bed(state=bed.state)
    assert again.name == "idle"
    assert "pay.jobs" not in again.state


def test_prints_of_an_older_release_are_told_and_not_offered():
    again = Bed(state={"pay.jobs": [[b"j" * 16, b"t" * 16, "pending", 1]]})
    assert again.name == "idle"
    assert "pay.jobs" not in again.state


def test_a_second_power_cut_does_not_lose_the_offer():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    again = Bed(state=Bed(state=bed.state).state)
    assert (again.name, again.data["code"], again.data["slip"]) == ("recovered", CODE, "unknown")


@pytest.mark.parametrize("how", ["touch", "time"])
def test_whoever_left_the_recovered_screen_is_shown_to_nobody_after_another_power_cut(how):
    bed = Bed()
    bed.to_qr()
    again = Bed(state=bed.state)
    again.touch("print")
    if how == "touch":
        again.touch("end")
    else:
        again.wait(60)
    assert again.name == "idle"
    third = Bed(state=again.state)
    assert (third.name, "visit.offer" in third.state) == ("idle", False)


def test_a_payment_under_review_is_called_that_after_a_power_cut():
    bed = Bed()
    bed.to_qr()
    bed.answer(bed.next_question(), state="EXCEPTION", reason="AMOUNT_MISMATCH")
    again = Bed(state=bed.state)
    assert again.data["state"] == "exception"
    again.touch("print")
    (job,) = again.slips()
    assert any("CẦN KIỂM TRA" in text for text in lines(job, "box"))
    assert any("Xin đừng chuyển lại" in text for text in lines(job, "bold"))


def test_a_slip_behind_a_refused_record_is_no_print_and_haunts_nobody():
    bed = Bed()
    bed.to_qr()
    bed.refuse = "payment.state:CONFIRMED"
    bed.answer(bed.next_question(), state="CONFIRMED")
    assert bed.slips() == []
    bed.wait(60)
    bed.to_qr(NOVEMBER)
    bed.touch("paid")
    assert len(bed.state["pay.jobs"]) == 1
    bed.send(events.PrintDone(bed.slips()[-1].job, "confirmed"))
    assert "pay.jobs" not in bed.state
    assert Bed(state=bed.state).name != "recovered"


def test_a_fault_of_the_disk_ends_the_visit_and_with_it_the_offer_of_its_slip():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    assert Bed(state=bed.state).name == "recovered"
    bed.send(events.AppendFailed("device.state", None, "disk full"))
    assert bed.name == "out"
    assert Bed(state=bed.state).name == "idle"


def test_a_printer_that_comes_back_may_print_again_and_says_reprint():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    bed.send(events.PrintDone(bed.slips()[0].job, "unknown"))
    bed.send(events.PeripheralState("printer", "p", "noDevice"))
    assert bed.data["may_print"] is False
    bed.send(events.PeripheralState("printer", "p", "online", "full"))
    assert (bed.data["may_print"], len(bed.slips())) == (True, 1)
    bed.touch("print")
    assert any("BẢN IN LẠI LẦN 1" in text for text in lines(bed.slips()[1], "bold"))


def test_prints_that_were_under_way_are_recorded_as_unknown():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    assert len(bed.state["pay.jobs"]) == 1
    again = Bed(state=bed.state)
    assert "pay.jobs" not in again.state


@pytest.mark.parametrize("moment", range(1, 5))
def test_the_counter_never_gives_a_code_twice_across_power_cuts(moment):
    state, seen = {}, set()
    for _ in range(moment):
        bed = Bed(online=False, state={k: v for k, v in state.items() if k == "pay.counter"})
        bed.to_qr()
        assert bed.data["code"] not in seen
        seen.add(bed.data["code"])
        state = bed.state
    assert len(seen) == moment


def test_prints_are_effects_behind_the_remembered_job():
    bed = Bed()
    bed.to_qr()
    bed.touch("back")
    performed = bed.touch("print")
    assert [type(each).__name__ for each in performed] == ["Remember", "Print", "Show"]
    assert performed[0].values["pay.jobs"][0][0] == of(performed, Print)[0].job
