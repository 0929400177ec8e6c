"""The wizard of the forms: notice, who it is, one question a screen, everything wrong at once, consent, result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles import records
from device_profiles.catalogue import LEVELS
from edge_agent import events
from edge_agent.effects import Append
from tests.edge_agent import form_bed
from tests.edge_agent.visit_bed import SETTINGS, START_MS, Bed, of

DAY_MS = 86_400_000


def created(bed: Bed) -> list[Append]:
    return [each for each in of(bed.done, Append) if each.kind == "dossier.created"]


def answers(bed: Bed) -> dict[str, tuple[str, str]]:
    (made,) = created(bed)
    return {key: (value, source) for key, value, source in made.fields["answers"]}


def keys(bed: Bed) -> list[str]:
    return [row["key"] for row in bed.data["rows"]]


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("form", ["report", "stay", "wrong"])
def test_a_form_is_recorded_whole_before_its_code_is_shown(form, online, language):
    bed = form_bed.reviewed(form, language, online=online)
    bed.touch("consent", "1")
    performed = bed.touch("next")
    kinds = [type(each).__name__ for each in performed]
    assert kinds[0] == "Append"
    made = performed[0]
    assert made.kind == "dossier.created"
    records.check(made.kind, made.fields)
    assert (bed.name, bed.data["state"], bed.data["code"]) == ("form_result", "saved", made.fields["code"])
    assert made.fields["online"] is online
    assert made.fields["language"] == language
    assert made.remember["pay.counter"] == 43


def test_a_report_may_be_anonymous_and_says_first_that_it_is_no_emergency_line():
    bed = form_bed.begin("report")
    assert (bed.name, bed.data["emergency"]) == ("notice", True)
    bed.touch("next")
    assert (bed.name, bed.data["key"]) == ("ask", "category")
    bed.fill(*form_bed.REPORT)
    bed.touch("consent", "1")
    bed.touch("next")
    (made,) = created(bed)
    assert (made.fields["identity"], made.fields["urgent"], made.order) == ("none", False, 1)
    assert {"name", "phone", "ward"}.isdisjoint(answers(bed))
    assert made.fields["ward"] == SETTINGS.ward


def test_what_happens_now_goes_first():
    bed = form_bed.report()
    bed.fill(("choose", "disorder"), ("choose", "now"), *form_bed.REPORT[4:])
    bed.touch("consent", "1")
    bed.touch("next")
    (made,) = created(bed)
    assert (made.fields["urgent"], made.order) == (True, 2)
    assert "day" not in answers(bed)


def test_a_matter_elsewhere_goes_to_the_police_of_that_ward():
    bed = form_bed.report()
    bed.fill(("choose", "noise"), ("choose", "now"), ("choose", "elsewhere"))
    assert bed.data["found"] == [{"code": "27097", "name": "Phường Bình Trưng"}]
    bed.type("saif gonf")
    assert {"code": "26740", "name": "Phường Sài Gòn"} in bed.data["found"]
    bed.touch("ward", "99999")
    assert bed.data["key"] == "ward", "what was not found is not taken"
    bed.touch("ward", "26740")
    bed.fill(*form_bed.REPORT[5:])
    assert bed.data["office"]["vi"] == "Công an phường Sài Gòn"
    bed.touch("consent", "1")
    bed.touch("next")
    assert created(bed)[0].fields["ward"] == "26740"


@pytest.mark.parametrize(("way", "level", "source"), [("type", "typed", "typed"), ("code", "claimed", "qr")])
def test_each_answer_keeps_where_it_came_from(way, level, source):
    bed = form_bed.stay(way=way)
    bed.fill(*form_bed.STAY)
    bed.touch("consent", "1")
    bed.touch("next")
    assert created(bed)[0].fields["identity"] == level
    assert answers(bed)["id_number"] == ("079190012345", source)
    assert answers(bed)["name"][1] == source
    assert answers(bed)["phone"] == ("+84912345678", "typed")


@pytest.mark.parametrize(
    ("data", "level"), [({}, "chip_read"), ({"authenticity": "verified", "doubt": ""}, "chip_verified")]
)
def test_a_chip_that_is_not_checked_is_not_called_verified(data, level):
    bed = form_bed.begin("dossier")
    bed.touch("way", "card")
    form_bed.read_card(bed, **data)
    assert (bed.name, bed.data["level"]) == ("who", level)
    assert [row["value"] for row in bed.data["rows"]] == ["079*****2345", "NGUYEN *** ANH"]
    bed.touch("right")
    assert bed.data["key"] == "phone", "what the card says is not asked again"
    bed.fill(*form_bed.STAY)
    assert [row["editable"] for row in bed.data["rows"][:3]] == [False, False, True]
    bed.touch("edit", "id_number")
    assert bed.name == "form_review", "nobody types over what a chip said"
    bed.touch("consent", "1")
    bed.touch("next")
    assert created(bed)[0].fields["identity"] == level
    assert answers(bed)["name"] == ("Nguyễn Thị Minh Anh", "chip")
    assert "residence" not in answers(bed), "only what the form asks for is taken"


def test_only_what_the_form_asks_for_is_kept_of_a_card():
    bed = form_bed.begin("dossier")
    bed.touch("way", "code")
    bed.send(events.Scanned(form_bed.CODE.encode()))
    held = bed.visit._desk.scene.form
    assert set(held.card) == {"id_number", "name"}
    bed.touch("right")
    assert held.card == {}


def test_a_card_that_is_wrong_leads_to_the_three_channels_and_to_the_service_for_it():
    bed = form_bed.begin("dossier")
    bed.touch("way", "code")
    bed.send(events.Scanned(form_bed.CODE.encode()))
    bed.touch("wrong")
    assert (bed.name, bed.data["may_report"]) == ("card_wrong", True)
    bed.touch("back")
    assert bed.name == "who"
    bed.touch("wrong")
    bed.touch("service", "data_wrong")
    assert (bed.name, bed.data["service"]["en"]) == ("identify", "My data is wrong")


def test_a_way_that_cannot_be_gone_is_shown_with_its_reason_and_leads_nowhere():
    bed = form_bed.begin("dossier")
    bed.send(events.PeripheralState("reader", "r", "noDevice"))
    bed.send(events.PeripheralState("scanner", "s", "offline"))
    assert [(each["way"], each["why"]) for each in bed.data["ways"]] == [
        ("card", "no_reader"),
        ("code", "no_scanner"),
        ("vneid", "no_connector"),
        ("type", ""),
    ]
    for way in ("card", "code", "vneid", "nonsense"):
        bed.touch("way", way)
        assert bed.name == "identify"


def test_a_reader_that_is_lost_while_waited_for_leaves_typing():
    bed = form_bed.begin("dossier")
    bed.touch("way", "card")
    bed.type("012345")
    bed.touch("next")
    bed.send(events.PeripheralState("reader", "r", "noDevice"))
    assert (bed.name, bed.data["may_type"]) == ("card_fault", True)
    bed.touch("way", "type")
    assert (bed.name, bed.data["key"]) == ("ask", "id_number")


def test_from_the_card_one_goes_back_to_the_ways():
    bed = form_bed.begin("dossier")
    bed.touch("way", "card")
    bed.touch("back")
    assert bed.name == "identify"
    bed.touch("way", "code")
    bed.touch("back")
    assert bed.name == "identify"
    bed.touch("back")
    assert bed.name == "home"


def test_another_way_forgets_what_the_first_one_said():
    bed = form_bed.stay(way="code")
    while bed.name != "identify":
        bed.touch("back")
    bed.touch("way", "type")
    assert (bed.data["key"], bed.data["typed"]) == ("id_number", "")


def test_a_wrong_answer_is_said_at_once_and_nothing_is_lost():
    bed = form_bed.begin("dossier")
    bed.touch("way", "type")
    bed.type("07919001")
    bed.touch("next")
    assert (bed.data["key"], bed.data["fault"], bed.data["typed"]) == ("id_number", "not_12_digits", "07919001")
    bed.touch("key", "2")
    assert bed.data["fault"] == ""
    bed.touch("erase", "one")
    assert bed.data["typed"] == "07919001"


def test_an_empty_answer_is_refused_where_it_is_needed_and_passed_over_where_not():
    bed = form_bed.report()
    bed.touch("skip")
    assert (bed.data["key"], bed.data["required"]) == ("category", True)
    bed.touch("next")
    assert bed.data["fault"] == "empty"
    bed.fill(("choose", "noise"), ("choose", "over"), ("quick", "today"))
    assert (bed.data["key"], bed.data["skip"]) == ("hour", True)
    bed.touch("next")
    assert bed.data["key"] == "where"
    bed.touch("back")
    bed.touch("skip")
    assert bed.data["key"] == "where"


def test_letters_are_composed_and_names_begin_with_large_ones():
    bed = form_bed.begin("dossier")
    bed.touch("way", "type")
    bed.fill(("type", "079190012345"))
    assert (bed.data["kind"], bed.data["upper"]) == ("name", True)
    bed.type("nguyeenx")
    assert (bed.data["typed"], bed.data["upper"]) == ("Nguyễn", False)
    bed.type(" an")
    assert bed.data["typed"] == "Nguyễn An"
    bed.touch("telex", "0")
    bed.type("s")
    assert bed.data["typed"] == "Nguyễn Ans"
    bed.touch("upper", "1")
    bed.type("x")
    assert bed.data["typed"] == "Nguyễn AnsX"
    for plane in ("digits", "signs", "letters"):
        bed.touch("plane", plane)
        assert bed.data["plane"] == plane
    bed.touch("plane", "nonsense")
    assert bed.data["plane"] == "letters"


@pytest.mark.parametrize("value", ["", "ab", "é", "\x00", "€", "中"])
def test_a_key_that_no_keyboard_has_is_no_key(value):
    bed = form_bed.begin("dossier")
    bed.touch("way", "type")
    bed.touch("key", value)
    assert bed.data["typed"] == ""
    bed.fill(("type", "079190012345"))
    bed.touch("key", value)
    assert bed.data["typed"] == ""


def test_back_goes_through_the_questions_and_keeps_the_answers():
    bed = form_bed.reviewed("stay")
    seen = []
    while bed.name != "identify":
        bed.touch("back")
        if bed.name == "ask":
            seen.append((bed.data["key"], bool(bed.data["typed"] or bed.data["shown"])))
    assert [key for key, _ in seen] == [
        *("guest_number.1", "guest_paper.1", "guest_name.1", "guests", "reason", "to_date", "arrival", "from_date"),
        *("address", "ward", "lodging", "reporter", "phone", "name", "id_number"),
    ]
    assert all(answered for _, answered in seen)


def test_an_edited_answer_leads_back_to_the_review():
    bed = form_bed.reviewed("stay")
    bed.touch("edit", "address")
    assert (bed.data["key"], bed.data["typed"], bed.data["editing"]) == ("address", "A-12.05", True)
    bed.fill(("type", "B-03.01"))
    assert bed.name == "form_review"
    assert next(row["value"] for row in bed.data["rows"] if row["key"] == "address") == "B-03.01"
    bed.touch("edit", "phone")
    bed.touch("back")
    assert bed.name == "form_review"
    bed.touch("edit", "nonsense")
    assert bed.name == "form_review"


def test_an_edit_that_brings_new_questions_has_them_asked_first():
    bed = form_bed.reviewed("stay")
    bed.touch("edit", "guests")
    bed.fill(("type", "2"))
    assert (bed.name, bed.data["key"], bed.data["person"], bed.data["persons"]) == ("ask", "guest_name.2", 2, 2)
    bed.fill(("type", "lee thij hoa"), ("choose", "number"), ("type", "079300000222"))
    assert bed.name == "form_review"
    assert keys(bed)[-3:] == ["guest_name.2", "guest_paper.2", "guest_number.2"]


def test_what_is_asked_no_more_is_not_recorded():
    bed = form_bed.reviewed("stay")
    bed.touch("edit", "reporter")
    bed.touch("choose", "guest")
    assert bed.name == "form_review"
    assert not any(key.startswith("guest") for key in keys(bed))
    bed.touch("consent", "1")
    bed.touch("next")
    assert not any(key.startswith("guest") for key in answers(bed))


def test_the_review_tells_everything_that_is_wrong_at_once():
    bed = form_bed.reviewed("stay")
    bed.wall_ms += 40 * DAY_MS
    bed.send(events.Tick())
    wrong = {row["key"]: row["fault"] for row in bed.data["rows"] if row["fault"]}
    assert wrong == {"from_date": "too_early"}
    assert bed.data["faults"] == 1
    bed.touch("consent", "1")
    bed.touch("next")
    assert (bed.name, created(bed)) == ("form_review", [])


def test_nothing_is_agreed_to_before_the_resident_says_so():
    bed = form_bed.reviewed("report")
    assert bed.data["agreed"] is False
    bed.touch("next")
    assert (bed.name, created(bed)) == ("form_review", [])
    bed.touch("consent", "1")
    bed.touch("consent", "0")
    bed.touch("next")
    assert created(bed) == []
    bed.touch("consent", "1")
    bed.touch("edit", "place")
    bed.fill(("type", "hamf xe"))
    assert bed.data["agreed"] is False, "other words stand there now"


def test_masked_values_are_shown_for_three_seconds():
    bed = form_bed.reviewed("stay")

    def number() -> str:
        return next(row["value"] for row in bed.data["rows"] if row["key"] == "id_number")

    assert number() == "079*****2345"
    bed.touch("reveal")
    assert (number(), bed.data["revealed"]) == ("079190012345", True)
    bed.wait(2.5)
    assert number() == "079190012345"
    bed.wait(0.5)
    assert (number(), bed.data["revealed"]) == ("079*****2345", False)


def test_the_deadline_follows_from_the_first_day_and_the_hour():
    bed = form_bed.reviewed("stay")
    assert bed.data["deadline"] == {"at_ms": START_MS - START_MS % DAY_MS + 16 * 3_600_000, "risk": False}
    bed.touch("edit", "arrival")
    bed.fill(("type", "2330"))
    assert bed.data["deadline"]["at_ms"] == START_MS - START_MS % DAY_MS + 25 * 3_600_000
    bed.send(events.LinkDown("cut"))
    assert bed.data["deadline"]["risk"] is True


def test_another_service_in_the_same_visit_begins_empty():
    bed = form_bed.filed("stay", online=False)
    bed.touch("another")
    assert bed.name == "home"
    bed.touch("group", "data")
    bed.touch("way", "type")
    assert bed.data["typed"] == ""
    bed.fill(*form_bed.WHO, *form_bed.WRONG)
    bed.touch("consent", "1")
    bed.touch("next")
    codes = [each.fields["code"] for each in created(bed)]
    assert len(set(codes)) == 2


def test_the_steps_of_a_form_stand_in_the_header():
    bed = form_bed.begin("dossier")
    frame = bed.data["frame"]
    assert (frame["steps"], frame["step"]) == (("who", "ask", "check", "done"), 1)
    bed = form_bed.report()
    frame = bed.data["frame"]
    assert (frame["steps"], frame["step"]) == (("ask", "check", "done"), 1)
    assert (bed.data["number"], bed.data["count"]) == (1, 6)


def test_low_mode_and_large_text_stay_and_give_more_time():
    bed = form_bed.begin("dossier")
    bed.touch("low", "1")
    assert bed.screen.low is True
    bed.wait(80)
    assert bed.name == "identify"
    bed.wait(10)
    assert bed.name == "warning"
    bed.touch("stay")
    bed.touch("restart")
    assert bed.screen.low is True
    bed.touch("low", "0")
    assert bed.screen.low is False


def test_every_way_to_say_who_one_is_is_named_in_the_levels():
    assert LEVELS.index("typed") < LEVELS.index("claimed") < LEVELS.index("chip_read") < LEVELS.index("chip_verified")


def test_a_service_that_needs_the_chip_offers_no_typing():
    services = tuple(
        replace(each, identity="chip_read") if each.id == "stay_notice" else each
        for each in SETTINGS.catalogue.services
    )
    settings = replace(SETTINGS, catalogue=replace(SETTINGS.catalogue, services=services))
    bed = form_bed.begin("dossier", settings=settings)
    assert [each["way"] for each in bed.data["ways"]] == ["card", "vneid"]
    bed.touch("way", "type")
    assert bed.name == "identify"
    bed.touch("back")
    bed.send(events.PeripheralState("reader", "r", "noDevice"))
    assert bed.offer("stay_notice") == ("none", "no_reader")


def test_a_newer_catalogue_waits_for_the_next_visit_and_an_older_one_changes_nothing():
    bed = form_bed.stay()
    newer = replace(SETTINGS.catalogue, version=7, services=SETTINGS.catalogue.services[:1])
    bed.send(events.CatalogueApplied(newer))
    bed.send(events.CatalogueApplied(replace(SETTINGS.catalogue, version=3)))
    bed.fill(*form_bed.STAY)
    bed.touch("consent", "1")
    bed.touch("next")
    assert created(bed)[0].fields["catalogue"] == SETTINGS.catalogue.version
    assert [each["id"] for each in bed.data["frame"]["offers"]] == [newer.services[0].id]


def test_a_full_disk_takes_no_form_and_lets_go_by_itself():
    bed = form_bed.reviewed("stay")
    bed.touch("consent", "1")
    bed.send(events.Storage(full=True))
    assert bed.data["withheld"] == "storage"
    bed.touch("next")
    assert created(bed) == []
    assert bed.offer("police_report") == ("none", "storage")
    assert bed.offer("management_fee") == ("limited", "storage")
    assert bed.offer("id_card_check") == ("ready", "")
    bed.send(events.Storage(full=False))
    bed.touch("next")
    assert len(created(bed)) == 1
