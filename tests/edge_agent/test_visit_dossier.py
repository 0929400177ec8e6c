"""What becomes of a form that was sent off: saved, sent, answered; its slip; a power cut; the end of the visit."""

from __future__ import annotations

import pytest

from device_profiles import records
from edge_agent import events
from edge_agent.effects import Append, Print, Wipe
from tests.edge_agent import form_bed
from tests.edge_agent.visit_bed import START_MS, Bed, lines, of


def created(bed: Bed) -> list[Append]:
    return [each for each in of(bed.done, Append) if each.kind == "dossier.created"]


def test_two_presses_file_one_dossier():
    bed = form_bed.reviewed("report")
    bed.touch("consent", "1")
    number = bed.screen.number
    bed.touch("next", screen=number)
    bed.touch("next", screen=number)
    bed.touch("next")
    assert len(created(bed)) == 1


def test_online_the_slip_waits_for_the_fleet_and_says_sent():
    bed = form_bed.filed("stay")
    assert (bed.data["state"], bed.data["slip"], bed.slips()) == ("saved", "waiting", [])
    bed.ack(following=bed.next - 1)
    assert bed.data["state"] == "saved", "that Ack covers what was there before"
    bed.ack()
    (slip,) = bed.slips()
    assert (bed.data["state"], bed.data["slip"]) == ("sent", "printing")
    assert "ĐÃ GỬI – CHỜ TIẾP NHẬN" in lines(slip, "box")
    bed.send(events.PrintDone(slip.job, "confirmed"))
    assert bed.data["slip"] == "confirmed"
    assert ("slip.result", "confirmed") in bed.records()


def test_an_ack_of_another_journal_says_nothing():
    bed = form_bed.filed("stay")
    ack = type("Ack", (), {"next": 99, "digest": b"x" * 32, "time_ms": START_MS})()
    bed.send(events.Acked(ack, bed.next, b"d" * 32, 0))
    assert bed.data["state"] == "saved"
    bed.send(events.Acked(ack, bed.next, None, 0))
    assert bed.data["state"] == "saved"


def test_where_the_fleet_is_silent_the_slip_says_saved():
    bed = form_bed.filed("stay")
    bed.wait(3.9)
    assert bed.slips() == []
    bed.wait(0.2)
    (slip,) = bed.slips()
    assert "ĐÃ LƯU TẠI MÁY – CHƯA GỬI" in lines(slip, "box")
    bed.send(events.PrintDone(slip.job, "confirmed"))
    bed.ack()
    assert (bed.data["state"], len(bed.slips())) == ("sent", 1), "the screen tells; no second paper is spent unasked"


def test_offline_the_slip_comes_at_once():
    bed = form_bed.filed("stay", online=False)
    (slip,) = bed.slips()
    assert "ĐÃ LƯU TẠI MÁY – CHƯA GỬI" in lines(slip, "box")
    assert bed.data["deadline"]["risk"] is True
    assert any("0693187111" in text for text in lines(slip, "bold"))


def test_a_link_that_goes_while_the_slip_waits_ends_the_wait():
    bed = form_bed.filed("stay")
    bed.send(events.LinkDown("cut"))
    bed.send(events.Tick())
    assert len(bed.slips()) == 1


@pytest.mark.parametrize(
    ("state", "told", "box"),
    [
        ("ACCEPTED", "accepted", "ĐÃ TIẾP NHẬN"),
        ("NEEDS_MORE", "more", "CẦN BỔ SUNG"),
        ("REJECTED", "rejected", "KHÔNG ĐƯỢC TIẾP NHẬN"),
    ],
)
def test_the_fleets_word_is_recorded_before_it_is_shown(state, told, box):
    bed = form_bed.filed("stay")
    bed.ack()
    bed.send(events.PrintDone(bed.slips()[0].job, "confirmed"))
    performed = bed.answer(bed.next_question(), state=state, official="G01.899.909-261118-000017", words="Vì sao")
    assert [each.kind for each in of(performed, Append)] == ["dossier.seen"]
    records.check("dossier.seen", of(performed, Append)[0].fields)
    assert (bed.data["state"], bed.data["official"]) == (told, "G01.899.909-261118-000017")
    assert len(bed.slips()) == (2 if told == "accepted" else 1)
    bed.touch("print")
    assert len(bed.slips()) == 2
    assert any(box in each for each in lines(bed.slips()[-1], "box"))


@pytest.mark.parametrize("state", ["SENT", "UNKNOWN", "QUEUED", "nonsense", ""])
def test_other_words_of_the_fleet_change_nothing(state):
    bed = form_bed.filed("stay")
    bed.ack()
    bed.answer(bed.next_question(), state=state)
    assert bed.data["state"] == "sent"


@pytest.mark.parametrize("result", ["failed", "unknown"])
def test_a_slip_that_did_not_come_is_offered_again_and_the_code_stands_there(result):
    bed = form_bed.filed("report", online=False)
    bed.send(events.PrintDone(bed.slips()[0].job, result))
    assert (bed.data["slip"], bed.data["may_print"]) == (result, True)
    bed.touch("print")
    assert len(bed.slips()) == 2
    assert bool([text for text in lines(bed.slips()[1], "bold") if "BẢN IN LẠI" in text]) is (result == "unknown")


def test_no_printer_is_never_the_end():
    bed = form_bed.filed("stay", printer=False, online=False)
    assert (bed.data["slip"], bed.data["may_print"]) == ("failed", False)
    bed = form_bed.reviewed("stay", online=False)
    bed.send(events.PeripheralState("printer", "p", "online", "out"))
    bed.touch("consent", "1")
    bed.touch("next")
    assert bed.data["slip"] == "paper_out"


def test_the_paper_of_a_report_tells_nothing_of_it():
    bed = form_bed.filed("report", online=False)
    printed = " ".join(text for _, text in bed.slips()[0].slip.lines)
    assert "hát" not in printed.casefold()
    assert "Tầng" not in printed


def test_a_result_with_its_slip_closes_by_itself_and_the_rest_by_the_warning():
    bed = form_bed.filed("stay")
    bed.ack()
    bed.send(events.PrintDone(bed.slips()[0].job, "confirmed"))
    bed.wait(19)
    assert bed.name == "form_result"
    bed.touch("here")
    bed.wait(19)
    assert bed.name == "form_result"
    performed = bed.wait(2)
    assert bed.name == "idle"
    assert of(performed, Wipe)
    assert ("visit.ended", "finished") in bed.records()
    bed = form_bed.filed("stay", printer=False, online=False)
    bed.wait(60)
    assert bed.name == "warning"
    bed.wait(30)
    assert ("visit.ended", "finished") in bed.records()


def test_a_refused_record_is_not_called_saved():
    bed = form_bed.reviewed("stay")
    bed.refuse = "dossier.created"
    bed.touch("consent", "1")
    bed.touch("next")
    assert (bed.name, bed.data["code"], bed.slips()) == ("out", "", [])
    assert Bed(state=bed.state).name == "idle"
    assert "079190012345" not in repr(bed.visit._desk.scene)


def test_what_was_saved_before_a_fault_is_still_told():
    bed = form_bed.filed("stay", online=False)
    bed.refuse = "slip.result"
    bed.send(events.PrintDone(bed.slips()[0].job, "confirmed"))
    assert (bed.name, bed.data["code"]) == ("out", "TAM-K0001-000042-2")


def test_after_a_power_cut_the_code_of_what_was_saved_is_offered_and_nothing_else():
    bed = form_bed.filed("stay", printer=False, online=False)
    again = Bed(state=bed.state)
    assert (again.name, again.data["state"], again.data["code"]) == ("recovered", "saved", "TAM-K0001-000042-2")
    assert "079190012345" not in repr(again.data)
    again.touch("print")
    assert len(again.slips()) == 1
    again.send(events.PrintDone(again.slips()[0].job, "confirmed"))
    again.touch("end")
    assert (again.name, Bed(state=again.state).name) == ("idle", "idle")


def test_a_draft_does_not_outlive_a_power_cut_or_the_visit():
    bed = form_bed.reviewed("stay")
    assert Bed(state=bed.state).name == "idle"
    bed.touch("restart")
    assert (bed.name, bed.visit._desk.scene.form) == ("home", None)


def test_after_the_visit_nothing_is_offered_to_the_next():
    bed = form_bed.filed("stay", online=False)
    bed.touch("end")
    assert Bed(state=bed.state).name == "idle"


def test_after_a_power_cut_what_was_sent_is_called_sent():
    bed = form_bed.filed("stay")
    bed.ack()
    assert Bed(state=bed.state).data["state"] == "sent", "its slip was under way"
    bed.send(events.PrintDone(bed.slips()[0].job, "confirmed"))
    again = Bed(state=bed.state)
    assert (again.name, again.data["state"]) == ("recovered", "sent")
    again.touch("print")
    assert "ĐÃ GỬI – CHỜ TIẾP NHẬN" in lines(again.slips()[0], "box")


def test_what_was_saved_is_sent_once_the_fleet_holds_everything():
    bed = form_bed.filed("stay", online=False, printer=False)
    again = Bed(state=bed.state)
    again.next = 5
    again.ack(following=4)
    assert again.data["state"] == "saved"
    again.ack()
    assert again.data["state"] == "sent"


def test_who_leaves_while_the_slip_waits_still_gets_it_and_nobody_is_offered_it_later():
    bed = form_bed.filed("stay")
    bed.touch("end")
    (slip,) = bed.slips()
    assert "ĐÃ LƯU TẠI MÁY – CHƯA GỬI" in lines(slip, "box")
    assert [type(each) for each in bed.done].index(Print) < [type(each) for each in bed.done].index(Wipe)
    assert Bed(state=bed.state).name == "idle"
    bed.send(events.PrintDone(slip.job, "confirmed"))
    assert ("slip.result", "confirmed") in bed.records()
