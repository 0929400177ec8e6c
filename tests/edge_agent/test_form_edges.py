"""The edges of the wizard: touches that fit no question, ways that closed meanwhile, what a card cannot answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles.catalogue import Choice, Field, Words
from edge_agent import events
from edge_agent.card import CardData
from edge_agent.effects import ReadCard
from tests.edge_agent import form_bed
from tests.edge_agent.visit_bed import SETTINGS, START_MS, Bed, of

SEXES = (Choice("male", Words("Nam", "Male")), Choice("female", Words("Nữ", "Female")))
SEX = Field(id="sex", kind="choice", ask=Words("Hỏi", "Ask"), label=Words("Nhãn", "Label"), choices=SEXES, card="sex")


def changed(name: str, **fields: object):
    """The station's settings with one service made otherwise."""
    services = tuple(replace(each, **fields) if each.id == name else each for each in SETTINGS.catalogue.services)
    return replace(SETTINGS, catalogue=replace(SETTINGS.catalogue, services=services))


def open_card_check(bed: Bed) -> None:
    """Touch the card service's tile, and the service where there are several behind it."""
    bed.touch("start", "vi")
    bed.touch("group", "lookup")
    if bed.name == "group":
        bed.touch("service", "id_card_check")


def at(key: str, form: str = "stay") -> Bed:
    """A form that stands on one of its questions."""
    bed = form_bed.reviewed(form)
    bed.touch("edit", key)
    assert bed.data["key"] == key
    return bed


# what fits no question


@pytest.mark.parametrize("value", ["", "nobody", "0", "HOST", "\x00"])
def test_a_choice_that_was_not_offered_is_none(value):
    bed = at("reporter")
    bed.touch("choose", value)
    assert (bed.name, bed.data["key"]) == ("ask", "reporter")
    assert [each["id"] for each in bed.data["choices"] if each["chosen"]] == ["host"]


def test_nothing_can_be_chosen_where_something_is_typed_and_nothing_typed_where_something_is_chosen():
    bed = at("address")
    bed.touch("choose", "host")
    bed.touch("ward", "26740")
    assert (bed.data["key"], bed.data["typed"]) == ("address", "A-12.05")
    bed = at("reporter")
    bed.touch("key", "a")
    assert bed.data["typed"] == ""


@pytest.mark.parametrize(
    ("key", "typed", "most"),
    [("from_date", "1", 8), ("arrival", "1", 4), ("phone", "1", 15), ("id_number", "1", 12), ("address", "x", 120)],
)
def test_no_more_can_be_typed_than_an_answer_may_have(key, typed, most):
    bed = at(key)
    bed.touch("erase", "all")
    bed.touch("telex", "0")
    bed.type(typed * (most + 2))
    assert len(bed.data["typed"]) == most


def test_the_hour_that_is_now_is_typed_by_one_touch():
    bed = at("arrival")
    bed.touch("erase", "all")
    bed.touch("quick", "now")
    assert bed.data["typed"] == "1806", f"{START_MS} is six minutes past six in the evening in Vietnam"


@pytest.mark.parametrize(
    ("key", "word"),
    [("arrival", "today"), ("arrival", "tomorrow"), ("from_date", "now"), ("from_date", "never"), ("address", "today")],
)
def test_a_quick_word_is_for_its_own_kind_of_question(key, word):
    bed = at(key)
    before = bed.data["typed"]
    bed.touch("quick", word)
    assert bed.data["typed"] == before


@pytest.mark.parametrize(("key", "word"), [("arrival", "now"), ("from_date", "today")])
def test_a_clock_that_is_not_trusted_says_neither_today_nor_now(key, word):
    bed = at(key)
    bed.quality = 1
    bed.touch("erase", "all")
    bed.touch("quick", word)
    assert bed.data["typed"] == ""


# one step back, always


def test_from_the_first_question_of_a_report_one_goes_back_to_its_notice_and_then_home():
    bed = form_bed.report()
    assert (bed.name, bed.data["key"]) == ("ask", "category")
    bed.touch("back")
    assert bed.name == "notice"
    bed.touch("back")
    assert bed.name == "home"


def test_from_a_service_of_several_one_goes_back_to_the_choice_among_them():
    bed = form_bed.reader(Bed(settings=changed("id_card_check", group="bill")))
    bed.touch("start", "vi")
    bed.touch("group", "bill")
    assert {each["id"] for each in bed.data["services"]} == {"management_fee", "id_card_check"}
    for service in ("management_fee", "id_card_check"):
        bed.touch("service", service)
        assert bed.name in ("unit", "card_key")
        bed.touch("back")
        assert bed.name == "group"
    bed.touch("back")
    assert bed.name == "home"


def test_help_from_its_tile_covers_the_home_screen_and_uncovers_it():
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("group", "help")
    assert bed.name == "help"
    bed.touch("back")
    assert bed.name == "home"


@pytest.mark.parametrize("group", ["health", "nonsense", ""])
def test_a_tile_without_a_service_leads_nowhere(group):
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("group", group)
    assert bed.name == "home"


# what is not there


def test_where_the_codes_are_used_up_no_form_is_begun_and_the_reason_is_said():
    bed = form_bed.reader(Bed(settings=replace(SETTINGS, counter_end=SETTINGS.counter_first)))
    bed.touch("start", "vi")
    assert bed.offer("stay_notice") == ("none", "codes")
    assert bed.offer("id_card_check") == ("ready", "")
    bed.touch("group", "dossier")
    assert bed.name == "home"


def test_a_service_that_is_not_in_the_catalogue_is_not_begun():
    bed = form_bed.begin("dossier")
    bed.touch("way", "code")
    bed.send(events.Scanned(form_bed.CODE.encode()))
    bed.touch("wrong")
    bed.touch("service", "nonsense")
    assert bed.name == "card_wrong"


def test_a_card_service_that_names_no_need_begins_nothing_without_a_reader():
    bed = Bed(settings=changed("id_card_check", needs=()))
    open_card_check(bed)
    assert bed.name in ("home", "group")
    assert bed.offer("id_card_check") == ("none", "no_reader")


# what a card or a code says


@pytest.mark.parametrize("place", ["code_wait", "card_key"])
def test_a_wrong_code_is_said_and_one_that_lies_before_the_scanner_is_nobodys_presence(place):
    bed = form_bed.begin("dossier")
    bed.touch("way", "code" if place == "code_wait" else "card")
    for _ in range(6):
        bed.send(events.Scanned(b"https://example.vn"))
        if bed.name == place:
            assert bed.data["wrong" if place == "code_wait" else "wrong_code"] is True
        bed.wait(10)
    assert bed.name == "warning", "a minute after the first of them"


def test_a_code_after_a_wrong_one_is_taken():
    bed = form_bed.begin("dossier")
    bed.touch("way", "code")
    bed.send(events.Scanned(b"\xff\xfe"))
    bed.send(events.Scanned(form_bed.CODE.encode()))
    assert (bed.name, bed.data["level"]) == ("who", "claimed")


def test_a_code_that_is_scanned_behind_help_is_dropped():
    bed = form_bed.begin("dossier")
    bed.touch("way", "code")
    bed.touch("help")
    bed.send(events.Scanned(form_bed.CODE.encode()))
    bed.touch("back")
    assert bed.name == "code_wait"


@pytest.mark.parametrize("sex", ["Không rõ", ""])
def test_what_a_card_says_and_no_choice_fits_is_asked_by_hand(sex):
    service = next(each for each in SETTINGS.catalogue.services if each.id == "data_wrong")
    bed = form_bed.begin("data", settings=changed("data_wrong", fields=(SEX, *service.fields)))
    bed.touch("way", "card")
    bed.type("012345")
    bed.touch("next")
    (read,) = of(bed.send(events.CardIn("r")), ReadCard)
    national = form_bed.NATIONAL | {"sex": sex}
    bed.send(events.CardRead(read.request.number, CardData(mrz=form_bed.ZONE, national=national)))
    bed.touch("right")
    assert bed.data["key"] == "sex"
    bed.touch("choose", "female")
    assert bed.data["key"] == "datum", "what the card did say is not asked"


def test_a_card_that_is_laid_down_again_is_not_read_again():
    bed = form_bed.begin("dossier")
    bed.touch("way", "card")
    form_bed.read_card(bed)
    assert bed.name == "who"
    assert of(bed.send(events.CardIn("r")), ReadCard) == []
    assert bed.name == "who"


def test_typing_is_no_way_out_of_the_card_service_which_has_no_form():
    bed = form_bed.reader(Bed())
    open_card_check(bed)
    bed.type("012345")
    bed.touch("next")
    (read,) = of(bed.send(events.CardIn("r")), ReadCard)
    bed.send(events.CardFailed(b"an older reading", "torn"))
    assert bed.name == "card_reading"
    bed.send(events.CardFailed(read.request.number, "torn"))
    assert (bed.name, bed.data["may_type"]) == ("card_fault", False)
    bed.touch("way", "type")
    assert bed.name == "card_fault"
    bed.send(events.CardFailed(read.request.number, "damaged"))
    assert bed.data["fault"] == "torn", "a reading ends once"


def test_on_a_full_disk_every_bill_says_why_it_cannot_be_paid():
    bed = Bed()
    bed.to_bills()
    bed.send(events.Storage(full=True))
    assert {each["why"] for each in bed.data["bills"]} == {"storage"}
    bed.touch("pay", bed.data["bills"][0]["id"])
    assert bed.name == "bills"


def test_a_device_that_serves_no_resident_moves_nobody():
    bed = form_bed.begin("dossier")
    before = bed.screen
    for port in ("display", "modem", ""):
        bed.send(events.PeripheralState(port, "d", "hardwareError"))
    assert bed.screen == before


def test_from_the_channels_for_a_wrong_card_one_goes_back_to_the_card():
    bed = form_bed.reader(Bed())
    open_card_check(bed)
    form_bed.read_card(bed)
    bed.touch("wrong")
    assert bed.name == "card_wrong"
    bed.touch("back")
    assert (bed.name, bed.data["card"]["number"]) == ("card_shown", "079*****2345")


def test_what_is_no_matter_of_the_visit_moves_nobody():
    bed = form_bed.stay()
    before = bed.screen
    for event in (events.PageBeat(before.number), events.BatchNotSent("busy"), events.Due("self_test")):
        assert bed.send(event) == []
    assert bed.screen == before
