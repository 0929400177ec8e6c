"""Answers: every kind judged, shown and masked; which questions follow; every fault at once."""

from __future__ import annotations

from datetime import date
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device_profiles import answers as rules
from device_profiles import catalogue
from device_profiles.answers import Answer, faults, judge, masked, shown
from device_profiles.catalogue import Choice, Field, Service, Words
from device_profiles.formats.refusal import FormatError

TODAY = date(2026, 11, 22)
CARD = "4111 1111 1111 1111"
WORDS = Words("Có", "Yes")
QUICK = settings(max_examples=150, deadline=None, database=None)


def field(kind="text", **other) -> Field:
    bounds = {"name": (2, 60), "text": (2, 40), "lines": (10, 200), "number": (1, 4), "date": (-7, 30)}
    least, most = bounds.get(kind, (0, 0))
    chosen = (Choice("yes", WORDS), Choice("no", Words("Không", "No"))) if kind == "choice" else ()
    told = {"id": "x", "ask": WORDS, "label": WORDS, "least": least, "most": most, "choices": chosen} | other
    return Field(kind=kind, **told)


BIRTH = field("date", least=-45_000, most=0)
EVERY = {kind: field(kind) for kind in get_args(catalogue.FieldKind)} | {"birth": BIRTH}


def given_form(*fields, **other) -> Service:
    told = {"id": "sample", "code": "A1", "group": "report", "kind": "form", "icon": "report", "name": WORDS}
    told |= {"help": WORDS, "form": "sample/1", "valid_from": "2026-01-01", "valid_to": "2027-01-01"}
    return Service(offline="queue", fields=fields, **told | other)


def judged(asked: Field, text: str, **other) -> str:
    return judge(asked, text, **{"as_of": TODAY, "trusted": True} | other)


def refused(asked: Field, text: str, **other) -> str:
    with pytest.raises(FormatError) as why:
        judged(asked, text, **other)
    assert why.value.reason in rules.REASONS
    assert str(why.value) == why.value.reason
    return why.value.reason


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("choice", "yes", "yes"),
        ("name", "  Nguye\u0302\u0303n   Văn An ", "Nguyễn Văn An"),
        ("name", "H\u2019Hen Niê", "H'Hen Niê"),
        ("name", "J. W. Fitz-Zoe", "J. W. Fitz-Zoe"),
        ("text", " căn A-12.05,  số 1 ", "căn A-12.05, số 1"),
        ("lines", "  Có người  đánh nhau \r\n\n\n\n ở sảnh \n", "Có người đánh nhau\n\nở sảnh"),
        ("phone", "0912 345 678", "+84912345678"),
        ("phone", "+84912345678", "+84912345678"),
        ("id_number", "079 090 123456", "079090123456"),
        ("date", "22112026", "2026-11-22"),
        ("date", "22/11/2026", "2026-11-22"),
        ("date", "2026-11-15", "2026-11-15"),
        ("date", "22122026", "2026-12-22"),
        ("birth", "29021996", "1996-02-29"),
        ("birth", "1950", "1950"),
        ("birth", "2026", "2026"),
        ("time", "0815", "08:15"),
        ("time", "23:59", "23:59"),
        ("time", " 0000 ", "00:00"),
        ("number", "04", "4"),
        ("number", " 1", "1"),
        ("ward", "27097", "27097"),
    ],
)
def test_what_is_right_is_taken_in_one_form(kind, typed, value):
    assert judged(EVERY[kind], typed) == value
    assert judged(EVERY[kind], value) == value


@pytest.mark.parametrize(
    ("kind", "typed", "reason"),
    [
        *((kind, text, "empty") for kind in EVERY for text in ("", " \n\t\u00a0")),
        ("choice", "maybe", "unknown_choice"),
        ("choice", " yes", "unknown_choice"),
        ("name", "Nguyễn 5", "bad_letter"),
        ("name", "Иван", "bad_letter"),
        ("name", "A\u200bn", "bad_letter"),
        ("name", "-", "too_short"),
        ("name", ". -", "too_short"),
        ("name", "A", "too_short"),
        ("name", "An " * 30, "too_long"),
        ("text", "a", "too_short"),
        ("text", "a" * 41, "too_long"),
        ("text", "a\u202eb", "bad_letter"),
        ("text", "a\ud800b", "bad_letter"),
        ("text", f"thẻ {CARD}", "card_number"),
        ("lines", f"Số thẻ của tôi là\n{CARD}", "card_number"),
        ("lines", "ngắn", "too_short"),
        ("phone", "abc", "not_digits"),
        ("phone", "02838123456", "not_mobile"),
        ("phone", "113", "not_mobile"),
        ("phone", "01234567890", "old_11_digit_number"),
        ("phone", "912345678", "missing_leading_zero"),
        ("phone", "09123", "wrong_length"),
        ("phone", "0112345678", "not_assigned"),
        ("id_number", "07909012345x", "not_digits"),
        ("id_number", "012345678", "old_9_digit_number"),
        ("id_number", "0790901234567", "not_12_digits"),
        ("id_number", "000000000000", "placeholder"),
        ("id_number", "079490123456", "century_not_reached"),
        ("id_number", "079299123456", "birth_year_in_future"),
        ("date", "31022026", "bad_day"),
        ("date", "2211", "bad_day"),
        ("date", "1950", "bad_day"),
        ("date", "22110026", "bad_day"),
        ("date", "22112126", "bad_day"),
        ("date", "2026-13-01", "bad_day"),
        ("date", "14112026", "too_early"),
        ("date", "23122026", "too_late"),
        ("birth", "23112026", "too_late"),
        ("birth", "2027", "too_late"),
        ("birth", "1899", "bad_day"),
        ("birth", "01011900", "too_early"),
        ("birth", "1902", "too_early"),
        ("time", "2400", "bad_time"),
        ("time", "815", "bad_time"),
        ("time", "08:1", "bad_time"),
        ("number", "x", "not_digits"),
        ("number", "٣", "not_digits"),
        ("number", "0", "too_small"),
        ("number", "5", "too_large"),
        ("number", "9" * 5_000, "too_large"),
        ("ward", "00004", "unknown_ward"),
        ("ward", "Sài Gòn", "unknown_ward"),
    ],
)
def test_what_is_wrong_has_one_reason(kind, typed, reason):
    assert refused(EVERY[kind], typed) == reason


def test_every_reason_can_come():
    told = test_what_is_wrong_has_one_reason.pytestmark[0].args[1]
    assert {reason for *_, reason in told} == set(rules.REASONS)
    assert len(set(rules.REASONS)) == len(rules.REASONS)


def test_a_clock_that_may_be_wrong_refuses_no_day_for_its_distance_but_one_that_is_none():
    for typed in ("14112026", "23122026", "01011990"):
        assert judged(EVERY["date"], typed, trusted=False)
    assert refused(EVERY["date"], "30022026", trusted=False) == "bad_day"
    assert judged(EVERY["id_number"], "079299123456", trusted=False)
    assert judged(EVERY["ward"], "27097", as_of=date(1970, 1, 1), trusted=False) == "27097"
    assert refused(EVERY["ward"], "27097", as_of=date(2020, 1, 1)) == "unknown_ward"


def test_a_day_without_bounds_may_be_any():
    assert judged(field("date", least=0, most=0), "01011999") == "1999-01-01"


def test_what_a_chip_says_is_believed():
    for source in ("chip", "server"):
        assert judged(EVERY["name"], "Иван Ω", source=source) == "Иван Ω"
    assert refused(EVERY["name"], "Иван", source="qr") == "bad_letter"
    assert refused(EVERY["name"], "A\u0007n", source="chip") == "bad_letter"
    for source in ("chip", "server"):
        assert judged(EVERY["id_number"], "079490123456", source=source) == "079490123456"
    assert refused(EVERY["id_number"], "079490123456", source="qr") == "century_not_reached"


@pytest.mark.parametrize("kind", EVERY)
@QUICK
@given(
    text=st.text(max_size=60)
    | st.text("0123456789/-: .+", max_size=20)
    | st.sampled_from(["yes", "Nguyễn Văn An", CARD]),
    trusted=st.booleans(),
    source=st.sampled_from(rules.SOURCES),
    since=st.none() | st.dates(),
    as_of=st.dates(),
)
@example(text="\ud800", trusted=True, source="typed", since=None, as_of=date.max)
@example(text="9999", trusted=True, source="typed", since=None, as_of=date.min)
def test_any_text_has_a_stable_form_or_a_reason(kind, text, trusted, source, since, as_of):
    about = {"trusted": trusted, "source": source, "since": since, "as_of": as_of}
    try:
        value = judged(EVERY[kind], text, **about)
    except FormatError:
        assert refused(EVERY[kind], text, **about)
        return
    assert judged(EVERY[kind], value, **about) == value
    assert value.encode()
    for language in ("vi", "en"):
        assert shown(EVERY[kind], value, language)
        assert masked(EVERY[kind], value, language)


@pytest.mark.parametrize(
    ("kind", "value", "vi", "en", "hidden"),
    [
        ("choice", "no", "Không", "No", "***"),
        ("name", "Nguyễn Văn An", "Nguyễn Văn An", "Nguyễn Văn An", "NGUYEN *** AN"),
        ("text", "căn A-12.05", "căn A-12.05", "căn A-12.05", "căn ***"),
        ("lines", "Sai năm\nsinh", "Sai năm\nsinh", "Sai năm\nsinh", "Sai ***"),
        ("phone", "+84912345678", "0912 345 678", "0912 345 678", "0912 *** 678"),
        ("id_number", "079090123456", "079090123456", "079090123456", "079*****3456"),
        ("date", "2026-11-22", "22/11/2026", "22/11/2026", "**/**/2026"),
        ("birth", "1990", "1990", "1990", "**/**/1990"),
        ("time", "08:15", "08:15", "08:15", "***"),
        ("number", "4", "4", "4", "***"),
        ("ward", "27097", "Phường Bình Trưng", "Bình Trưng Ward", "***"),
        ("ward", "26732", "Đặc khu Côn Đảo", "Côn Đảo Special Zone", "***"),
    ],
)
def test_what_a_person_reads(kind, value, vi, en, hidden):
    plain = EVERY[kind]
    secret = field(plain.kind, least=plain.least, most=plain.most, masked=True)
    assert (shown(plain, value, "vi"), shown(plain, value, "en")) == (vi, en)
    assert masked(secret, value, "vi") == hidden
    always = kind in ("name", "phone", "id_number")
    assert masked(plain, value, "vi") == (masked(secret, value, "vi") if always else vi)


def test_what_is_no_canonical_value_is_shown_as_it_is_and_never_fails():
    for kind, asked in EVERY.items():
        for value in ("", "?", "2026"):
            assert shown(asked, value, "vi") == value, kind
            masked(field(asked.kind, masked=True), value, "en")


def said(**values) -> dict[str, Answer]:
    return {key.replace("__", "."): Answer(value, "typed") for key, value in values.items()}


FORM = given_form(
    field("choice", id="where"),
    field("ward", id="ward", when=("where", ("no",))),
    field("choice", id="paper", when=("where", ("no",))),
    field("text", id="detail", when=("paper", ("yes",))),
    field("date", id="from"),
    field("date", id="to", least=0, most=29, after="from"),
    field("number", id="guests"),
    field("name", id="guest", per="guests"),
    field("choice", id="has", per="guests"),
    field("id_number", id="number", per="guests", when=("has", ("yes",))),
    field("date", id="left", per="guests", least=0, most=5, after="to", required=False),
    field("phone", id="phone", required=False),
)


def keys(**values) -> list[str]:
    return [each.key for each in rules.asked(FORM, said(**values))]


def test_questions_follow_from_the_answers_person_by_person():
    assert keys() == ["where", "from", "to", "guests", "phone"]
    assert keys(where="no", paper="yes")[:4] == ["where", "ward", "paper", "detail"]
    people = keys(guests="2", has__2="yes")[4:-1]
    assert people == ["guest.1", "has.1", "left.1", "guest.2", "has.2", "number.2", "left.2"]
    assert [each.number for each in rules.asked(FORM, said(guests="2", has__2="yes"))[4:-1]] == [1, 1, 1, 2, 2, 2, 2]
    assert len(keys(guests="9")) == 5 + 3 * catalogue.REPEAT_MAX
    assert keys(guests="٣") == keys(guests="-1") == keys(guests="") == keys()


def test_what_an_answer_asked_for_before_it_was_changed_asks_for_nothing_more():
    assert "detail" not in keys(where="yes", paper="yes")


def test_every_fault_is_told_at_once_and_in_order():
    told = said(
        where="no", ward="99999", **{"from": "2026-12-01", "to": "2026-11-30"}, guests="2", guest__1="5", phone="1"
    )
    told |= said(has__1="yes", has__2="no", number__1="079090123456", guest__2="Lê An", detail="ở đây")
    found = faults(FORM, told, as_of=TODAY, trusted=True)
    assert found == {
        "ward": "unknown_ward",
        "paper": "empty",
        "to": "too_early",
        "guest.1": "bad_letter",
        "phone": "wrong_length",
    }
    assert list(found) == ["ward", "paper", "to", "guest.1", "phone"]


@pytest.mark.parametrize(
    ("last", "reason"),
    [("2026-11-30", "too_early"), ("2026-12-01", None), ("2026-12-30", None), ("2026-12-31", "too_late")],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_a_day_that_comes_after_another_is_counted_from_it_whatever_the_clock(last, reason, trusted):
    told = said(**{"from": "2026-12-01", "to": last}, guests="1")
    assert faults(FORM, told, as_of=TODAY, trusted=trusted).get("to") == reason


@QUICK
@given(
    st.dictionaries(
        st.sampled_from([each.id for each in FORM.fields] + ["guest.1", "has.2", "left.1", "number.5"]),
        st.builds(
            Answer, st.text(max_size=20) | st.sampled_from(["1", "yes", "2026-99-99"]), st.sampled_from(rules.SOURCES)
        ),
    )
)
@example({"from": Answer("2026-99-99", "typed"), "to": Answer("2026-12-01", "typed")})
@example({"guests": Answer("9" * 5_000, "typed")})
def test_any_answers_have_faults_and_no_other_end(told):
    found = faults(FORM, told, as_of=TODAY, trusted=True)
    assert set(found.values()) <= set(rules.REASONS)
    assert set(found) <= {each.key for each in rules.asked(FORM, told)}


def test_a_day_after_one_that_is_not_there_or_no_day_is_counted_from_today():
    after = FORM.fields[5]
    for told in ({}, said(**{"from": "1950"})):
        assert rules.day_before(after, told, "to") is None
    assert rules.day_before(FORM.fields[4], said(**{"": "2026-01-01"}), "from") is None
    assert rules.day_before(FORM.fields[10], said(to="2026-12-01", to__2="2026-12-02"), "left.2") == date(2026, 12, 2)
    assert refused(after, "21112026", since=None) == "too_early"


def test_wards_are_a_room_of_the_formats_and_reached_from_here():
    assert rules.find_wards("sai gon", TODAY, 3)[0] == rules.Ward("26740", "Phường Sài Gòn")
    assert rules.wards(TODAY)
    assert rules.ward_name("26740") == "Phường Sài Gòn"
