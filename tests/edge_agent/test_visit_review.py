"""What a second reader found: odd but signed catalogues, odd words of the fleet, late papers, wrong clocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles import records
from device_profiles.catalogue import Choice, Field, Service, Words
from device_profiles.catalogue_rules import problems
from edge_agent import events
from edge_agent.card import CardData
from edge_agent.effects import Append, ReadCard, Wipe
from edge_agent.screens.render import Renderer
from tests.edge_agent import form_bed
from tests.edge_agent.visit_bed import HOUR_MS, NOVEMBER, SETTINGS, Bed, lines, of

OFFICIAL = "G01.899.909-261118-000017"
WORDS = Words("Chữ", "Words")


def created(bed: Bed) -> list[Append]:
    return [each for each in of(bed.done, Append) if each.kind == "dossier.created"]


def slip_results(bed: Bed) -> list[Append]:
    found = [each for each in of(bed.done, Append) if each.kind == "slip.result"]
    for each in found:
        records.check(each.kind, each.fields)
    return found


def catalogue(*services: Service):
    """The shipped groups with these services; refused here where no operator could publish them."""
    made = replace(SETTINGS.catalogue, version=9, services=services)
    assert list(problems(made)) == []
    return replace(SETTINGS, catalogue=made)


def shipped(name: str) -> Service:
    found = SETTINGS.catalogue.service(name)
    assert found is not None
    return found


def form_of(*fields: Field, **more: object) -> Service:
    base = replace(shipped("police_report"), form="odd/1", notice=None, emergency=False, urgent=None)
    return replace(base, fields=fields, **more)


# papers of an earlier state


@pytest.mark.parametrize("state", ["ACCEPTED", "NEEDS_MORE"])
def test_a_paper_of_the_state_before_does_not_count_for_the_new_one(state):
    bed = form_bed.filed("stay")
    bed.ack()
    sent = bed.slips()[0]
    bed.send(events.PeripheralState("printer", "p", "online", "jammed"))
    bed.answer(bed.next_question(), state=state, official=OFFICIAL)
    bed.send(events.PrintDone(sent.job, "failed"))
    bed.send(events.PeripheralState("printer", "p", "online", "full"))
    bed.touch("print")
    bed.send(events.PrintDone(bed.slips()[-1].job, "confirmed"))
    assert [each.fields["copy"] for each in slip_results(bed)] == [1, 1]


def test_the_paper_of_sent_is_not_the_paper_of_more():
    bed = form_bed.filed("stay")
    bed.ack()
    sent = bed.slips()[0]
    bed.answer(bed.next_question(), state="NEEDS_MORE", words="Thiếu tên khách")
    bed.send(events.PrintDone(sent.job, "confirmed"))
    assert (bed.data["slip"], bed.data["may_print"]) == ("none", True)


def test_the_paper_of_a_payment_that_waits_is_not_the_paper_of_its_confirmation():
    bed = Bed()
    bed.to_qr()
    bed.touch("paid")
    pending = bed.slips()[0]
    bed.send(events.PeripheralState("printer", "p", "online", "jammed"))
    bed.answer(bed.next_question(), state="CONFIRMED")
    bed.send(events.PrintDone(pending.job, "failed"))
    bed.send(events.PeripheralState("printer", "p", "online", "full"))
    bed.touch("print")
    bed.send(events.PrintDone(bed.slips()[-1].job, "confirmed"))
    assert [each.fields["copy"] for each in slip_results(bed)] == [1, 1]


def test_who_goes_on_to_another_matter_still_gets_the_paper_of_the_first():
    bed = form_bed.filed("stay")
    bed.touch("another")
    (slip,) = bed.slips()
    assert created(bed)[0].fields["code"] in lines(slip, "code")
    bed.send(events.PrintDone(slip.job, "confirmed"))
    assert bed.name == "home"
    assert [each.fields["result"] for each in slip_results(bed)] == ["confirmed"]


def test_the_paper_of_the_first_matter_ends_nothing_of_the_second():
    bed = form_bed.filed("stay", online=False)
    first = bed.slips()[0]
    bed.touch("another")
    bed.touch("group", "report")
    bed.touch("next")
    bed.fill(*form_bed.REPORT)
    bed.touch("consent", "1")
    bed.touch("next")
    bed.send(events.PrintDone(first.job, "confirmed"))
    assert (bed.name, bed.data["slip"]) == ("form_result", "printing")


def test_after_a_power_cut_the_newest_matter_is_offered_not_the_one_whose_paper_came_late():
    bed = form_bed.filed("stay")
    bed.ack()
    bed.touch("another")
    bed.touch("group", "report")
    bed.touch("next")
    bed.fill(*form_bed.REPORT)
    bed.touch("consent", "1")
    bed.touch("next")
    again = Bed(state=bed.state)
    assert (again.name, again.data["code"]) == ("recovered", created(bed)[1].fields["code"])


# words of the fleet


@pytest.mark.parametrize("official", ["Số 17/2026", "TAM-K0001-000042-2", "4111111111111111", ""])
def test_an_official_code_that_is_none_is_not_shown_and_stops_nothing(official):
    bed = form_bed.filed("stay")
    bed.ack()
    bed.answer(bed.next_question(), state="ACCEPTED", official=official)
    for each in of(bed.done, Append):
        records.check(each.kind, each.fields)
    assert bed.data["official"] == ""


def test_words_that_have_to_be_read_do_not_vanish_without_a_warning():
    bed = form_bed.filed("stay")
    bed.ack()
    bed.send(events.PrintDone(bed.slips()[0].job, "confirmed"))
    bed.answer(bed.next_question(), state="NEEDS_MORE", words="Thiếu tên khách")
    bed.wait(30)
    assert bed.name == "form_result"
    bed.wait(31)
    assert bed.name == "warning"


# people


def test_a_name_with_an_apostrophe_can_be_typed_with_the_keys_that_stand_there():
    bed = form_bed.begin("dossier")
    bed.touch("way", "type")
    bed.fill(("type", "079190012345"))
    bed.touch("plane", "digits")
    assert 'data-value="&#39;"' in Renderer().html(bed.screen)
    bed.touch("plane", "letters")
    bed.fill(("type", "h'hen nie"))
    bed.touch("back")
    assert bed.data["typed"] == "H'Hen Nie"


def test_who_has_no_mobile_telephone_gives_notice_of_a_stay_all_the_same():
    bed = form_bed.stay()
    assert (bed.data["key"], bed.data["skip"]) == ("phone", True)
    bed.touch("skip")
    bed.fill(*form_bed.STAY[1:])
    bed.touch("consent", "1")
    bed.touch("next")
    assert len(created(bed)) == 1


def test_what_an_office_wrote_stands_in_no_repr():
    bed = form_bed.filed("stay")
    bed.ack()
    bed.answer(bed.next_question(), state="NEEDS_MORE", words="Ông Nguyễn Văn Bình thiếu giấy")
    assert "Bình thiếu" not in repr(bed.visit._desk.scene)


# where it goes


def test_the_office_named_is_the_one_that_receives_it():
    bed = form_bed.report()
    bed.fill(("choose", "noise"), ("choose", "now"), ("choose", "elsewhere"))
    bed.type("saif gonf")
    bed.touch("ward", "26740")
    bed.touch("back")
    bed.touch("back")
    bed.touch("choose", "here")
    bed.fill(*form_bed.REPORT[5:])
    assert bed.name == "form_review"
    assert bed.data["office"]["vi"] == "Công an phường Bình Trưng"
    bed.touch("consent", "1")
    bed.touch("next")
    assert created(bed)[0].fields["ward"] == "27097"
    assert bed.data["office"]["vi"] == "Công an phường Bình Trưng"


# clocks


def test_a_clock_that_fell_back_to_1970_finds_wards_all_the_same():
    bed = form_bed.report(quality=0)
    bed.wall_ms = 0
    bed.fill(("choose", "noise"), ("choose", "now"), ("choose", "elsewhere"))
    bed.type("saif gonf")
    bed.touch("ward", "26740")
    assert bed.data["key"] == "place"


@pytest.mark.parametrize("day", ["01011900", "31122100"])
def test_a_day_beyond_all_time_stops_nothing_when_the_clock_was_lost_meanwhile(day):
    bed = form_bed.reviewed("stay", bills=None)
    bed.quality = 0
    bed.touch("edit", "from_date")
    bed.fill(("type", day))
    bed.touch("edit", "to_date")
    bed.fill(("type", day))
    bed.touch("consent", "1")
    bed.touch("next")
    assert bed.name in ("form_review", "form_result")


def test_a_deadline_without_a_clock_is_at_risk():
    bed = form_bed.reviewed("stay")
    assert bed.data["deadline"]["risk"] is False
    bed.quality = 0
    bed.send(events.Tick())
    assert bed.data["deadline"]["risk"] is True


# odd but signed


def test_a_large_number_can_be_typed():
    field = Field(id="amount", kind="number", ask=WORDS, label=WORDS, least=10_000, most=500_000_000)
    bed = Bed(settings=catalogue(form_of(field)))
    bed.touch("start", "vi")
    bed.touch("group", "report")
    bed.fill(("type", "500000000"))
    assert bed.name == "form_review"


def test_a_first_day_of_which_the_year_alone_may_be_known_has_no_deadline():
    fields = tuple(
        replace(each, least=-40_000) if each.id == "from_date" else each for each in shipped("stay_notice").fields
    )
    bed = form_bed.stay(settings=catalogue(replace(shipped("stay_notice"), fields=fields)))
    steps = [("type", "1990") if each == ("quick", "today") else each for each in form_bed.STAY]
    bed.fill(*steps)
    assert (bed.name, bed.data["deadline"]) == ("form_review", None)


def test_a_choice_that_holds_a_telephone_number_costs_a_row_of_the_paper_and_nothing_else():
    field = Field(
        id="kind",
        kind="choice",
        ask=WORDS,
        label=WORDS,
        choices=(Choice("a", Words("Gọi 0693187111", "Call 0693187111")), Choice("b", WORDS)),
    )
    bed = Bed(settings=catalogue(form_of(field)), online=False)
    bed.touch("start", "vi")
    bed.touch("group", "report")
    bed.touch("choose", "a")
    bed.touch("consent", "1")
    bed.touch("next")
    assert (bed.name, len(bed.slips())) == ("form_result", 1)


def test_what_the_record_does_not_allow_leads_back_to_the_answers():
    choices = (Choice("a4111111111111111", WORDS), Choice("b", WORDS))
    field = Field(id="k", kind="choice", ask=WORDS, label=WORDS, choices=choices)
    bed = Bed(settings=catalogue(form_of(field)), bills=None)
    bed.touch("start", "vi")
    bed.touch("group", "report")
    bed.touch("choose", "a4111111111111111")
    bed.touch("consent", "1")
    bed.touch("next")
    assert (bed.name, created(bed)) == ("refused", [])
    bed.touch("back")
    assert bed.name == "form_review"
    bed.touch("edit", "k")
    bed.touch("choose", "b")
    bed.touch("consent", "1")
    bed.touch("next")
    assert (bed.name, len(created(bed))) == ("form_result", 1)


def test_a_service_for_vneid_alone_says_that_vneid_is_missing():
    service = replace(shipped("stay_notice"), identity="online_verified")
    bed = form_bed.reader(Bed(settings=catalogue(service)))
    bed.touch("start", "vi")
    assert bed.offer("stay_notice") == ("none", "no_connector")


def test_a_card_service_that_forgets_to_name_the_reader_is_withdrawn_without_it():
    bed = Bed(settings=catalogue(replace(shipped("id_card_check"), needs=())))
    bed.touch("start", "vi")
    assert bed.offer("id_card_check") == ("none", "no_reader")


def test_a_paper_notice_opens_no_service_that_the_catalogue_has_not():
    bed = Bed(settings=catalogue(shipped("police_report")))
    bed.touch("start", "vi")
    bed.send(events.Scanned(b"A-12.05"))
    assert bed.name == "home"


# hostile cards


@pytest.mark.parametrize("name", ["NGUYEN VAN 079190012345", "079190012345 VAN AN", "NGUYEN VAN A079 190 012 345"])
def test_a_card_with_a_number_for_a_name_stops_nothing(name):
    bed = form_bed.begin("dossier", online=False)
    bed.touch("way", "card")
    bed.type("012345")
    bed.touch("next")
    (read,) = of(bed.send(events.CardIn("r")), ReadCard)
    bed.send(events.CardRead(read.request.number, CardData(mrz=form_bed.ZONE, national={"name": name})))
    bed.touch("right")
    bed.fill(*form_bed.STAY)
    bed.touch("consent", "1")
    bed.touch("next")
    assert (bed.name, len(bed.slips())) == ("form_result", 1)
    assert not any("079190012345" in text for _, text in bed.slips()[0].slip.lines)


# out of service


@pytest.mark.parametrize("leave", ["another", "restart"])
@pytest.mark.parametrize("result", ["form", "payment"])
def test_a_station_that_was_stopped_begins_nothing_new_after_a_result(leave, result):
    if result == "form":
        bed = form_bed.filed("stay", online=False)
    else:
        bed = Bed()
        bed.to_qr(NOVEMBER)
        bed.touch("paid")
    bed.send(events.ServiceStopped("revoked"))
    assert bed.name in ("form_result", "result")
    performed = bed.touch(leave)
    assert bed.name == "out"
    assert of(performed, Wipe)
    assert ("visit.ended", "finished") in bed.records()


def test_the_code_of_a_visit_whose_end_was_refused_is_not_offered_to_the_next():
    bed = form_bed.filed("stay", printer=False, online=False)
    bed.refuse = "visit.ended"
    bed.touch("end")
    bed.send(events.ServiceStopped("journal"))
    bed.send(events.ServiceResumed("journal"))
    assert Bed(state=bed.state).name == "idle"


def test_a_code_too_old_to_be_offered_is_forgotten():
    left = form_bed.filed("stay", printer=False, online=False).state
    late = Bed(quality=3)
    late.state.update(left)
    late.wall_ms += HOUR_MS
    late.visit = type(late.visit)(SETTINGS, bytes)
    late.send(events.Started(2, dict(late.state)))
    assert late.name == "idle"
    assert "visit.filed" not in late.state


# devices that change


def test_a_scanner_that_is_lost_is_not_waited_for():
    bed = form_bed.begin("dossier")
    bed.touch("way", "code")
    bed.send(events.PeripheralState("scanner", "s", "offline"))
    assert bed.name == "identify"
    assert next(each["why"] for each in bed.data["ways"] if each["way"] == "code") == "no_scanner"


def test_a_full_disk_is_told_at_the_review_also_when_something_else_is_lost():
    service = replace(shipped("police_report"), offline="none")
    bed = Bed(settings=catalogue(service))
    bed.touch("start", "vi")
    bed.touch("group", "report")
    bed.touch("next")
    bed.fill(*form_bed.REPORT)
    bed.touch("consent", "1")
    bed.send(events.LinkDown("cut"))
    bed.send(events.Storage(full=True))
    assert bed.data["withheld"] == "storage"
    bed.touch("next")
    assert created(bed) == []


def test_who_needs_the_keys_low_has_them_low_when_the_service_stops_as_well():
    bed = form_bed.begin("dossier")
    bed.touch("low", "1")
    bed.send(events.ServiceStopped("journal"))
    assert (bed.name, bed.screen.low) == ("out", True)


@pytest.mark.parametrize("typed", ["saif gonf", "sai gon"])
def test_a_ward_is_found_also_by_who_had_switched_telex_off_before(typed):
    bed = form_bed.stay()
    bed.fill(*form_bed.STAY[:3])
    bed.touch("ward", "27097")
    bed.touch("telex", "0")
    bed.touch("back")
    bed.type(typed)
    assert {"code": "26740", "name": "Phường Sài Gòn"} in bed.data["found"]
