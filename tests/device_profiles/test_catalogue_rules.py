"""The cross-checks of a catalogue and its signed set: each speaks where it should, and nothing else escapes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device_profiles import catalogue_rules, catalogue_set, catalogue_toml
from device_profiles.catalogue import Catalogue, Choice, Consent, Field, Group, Paper, Words
from device_profiles.cbor import WireError, decode, encode
from device_profiles.messages import SET_MAX_BYTES
from tests.golden.wire.samples import MESSAGES

ALL = catalogue_toml.load_shipped()
SAMPLE: Catalogue = MESSAGES["catalogue"]
BILL = ALL.service("management_fee")
LOOKUP = ALL.service("code_lookup")
(FORM,) = SAMPLE.services
ID_NUMBER, NOW, FROM, TO, GUESTS, GUEST = FORM.fields
W = Words("Chữ", "Words")


def form(**other) -> Catalogue:
    return replace(SAMPLE, services=(replace(FORM, **other),))


def lookup(**other) -> Catalogue:
    return replace(SAMPLE, services=(replace(LOOKUP, group="report", **other),))


def with_fields(*more: Field) -> Catalogue:
    return form(fields=(*FORM.fields, *more))


def changed(at: int, **other) -> Catalogue:
    return form(
        fields=tuple(replace(each, **other) if number == at else each for number, each in enumerate(FORM.fields))
    )


def extra(**other) -> Catalogue:
    return with_fields(Field(**({"id": "extra", "kind": "text", "ask": W, "label": W, "least": 1, "most": 9} | other)))


def chosen(count: int) -> tuple[Choice, ...]:
    return tuple(Choice(f"c{number}", W) for number in range(count))


BIG = Field(id="big", kind="lines", ask=W, label=W, most=1_000)
PAPER = Paper("deed", W, "Luật Mẫu")
WRONG = [
    (replace(SAMPLE, groups=()), "there must be 1 to 8 groups"),
    (replace(SAMPLE, groups=SAMPLE.groups * 2), "the group 'report' stands there twice"),
    (replace(SAMPLE, groups=tuple(Group(f"g{n}", W, "help") for n in range(9))), "there must be 1 to 8 groups"),
    (replace(SAMPLE, groups=(*SAMPLE.groups, Group("Big", W, "help"))), "an id is small letters"),
    (replace(SAMPLE, groups=(*SAMPLE.groups, Group("x", W, "cat"))), "there is no icon 'cat'"),
    (replace(SAMPLE, groups=(*SAMPLE.groups, Group("x", Words("a" * 49, "b"), "help"))), "49 characters, and 48 fit"),
    (replace(SAMPLE, services=(FORM, FORM)), "the service 'sample' stands there twice"),
    (replace(SAMPLE, services=(FORM, replace(FORM, id="other"))), "the form 'sample/1' is another service's already"),
    (replace(SAMPLE, services=tuple(replace(FORM, id=f"s{n}") for n in range(65))), "at most 64"),
    (form(group="nothing"), "there is no group 'nothing'; known are: report"),
    (form(id="A b"), "id must look like"),
    (form(code="a8"), "code must look like 'A8'"),
    (form(form="sample"), "form must look like"),
    (form(kind="dance"), "kind must be one of bill, card, form, lookup"),
    (form(offline="maybe"), "offline must be one of"),
    (form(identity="known"), "identity must be one of"),
    (form(deadline="soon"), "deadline must be one of stay_notice"),
    (form(slip="paper"), "slip must be one of"),
    (form(icon="cat"), "icon must be one of"),
    (form(needs=("cat",)), "there is no port 'cat'"),
    (form(valid_from="2026-02-30"), "valid_from must be a day"),
    (form(valid_to="01/01/2027"), "valid_to must be a day"),
    (form(valid_to="2025-12-31"), "it ends before it begins"),
    (form(fields=()), "a form asks questions, and only a form does"),
    (form(kind="card"), "a form asks questions, and only a form does"),
    (form(kind="lookup"), "a form asks questions, and only a form does"),
    (lookup(consent=FORM.consent), "a lookup tells what became of a code and takes nothing"),
    (lookup(deadline="stay_notice", clock=True), "a lookup tells what became of a code and takes nothing"),
    (lookup(identity="typed"), "a lookup tells what became of a code and takes nothing"),
    (form(fields=FORM.fields * 7), "at most 40"),
    (with_fields(NOW), "the field 'now' stands there twice"),
    (with_fields(*(replace(BIG, id=f"big{n}") for n in range(13))), "at most 12288 characters of answers"),
    (with_fields(*(replace(GUEST, id=f"guest{n}") for n in range(33))), None),
    (with_fields(TO, replace(GUEST, id="again")), "what is asked of each of 'guests' must stand together"),
    (with_fields(replace(ID_NUMBER, id="again")), "the card's 'id_number' fills two fields"),
    (form(identity="none"), "fields with `card` need an identity"),
    (changed(0, card="", kind="text", label=W, least=1, most=9), "who must say who they are"),
    (form(consent=None), "a consent with its version must stand there"),
    (form(consent=Consent("yes", W)), "the version of a consent must look like"),
    (form(fields=FORM.fields[:2]), "stay_notice is counted from the field 'from_date', a date"),
    (changed(2, required=False), "stay_notice is counted from the field 'from_date', a date"),
    (changed(2, when=("now", ("yes",))), "stay_notice is counted from the field 'from_date', a date"),
    (extra(id="arrival"), "stay_notice is counted from the field 'arrival', a time"),
    (form(clock=False), "a deadline needs a trusted clock"),
    (form(urgent=("cat", ("yes",))), "'cat' is no choice that is asked before"),
    (form(urgent=("guests", ("yes",))), "'guests' is no choice that is asked before"),
    (form(urgent=("now", ("maybe",))), "'now' has no choice 'maybe'; it has: yes, no"),
    (form(urgent=("now", ())), "no choice of 'now' is named"),
    (
        replace(extra(kind="choice", least=0, most=0, per="guests", choices=chosen(2)), version=5),
        None,
    ),
    (form(notice=None), "emergency numbers stand on the page of the notice"),
    (form(slip="payment"), "the slip of a payment is a bill's"),
    (replace(ALL, services=(replace(BILL, slip="dossier"),)), "the slip of a payment is a bill's"),
    (form(fee_dong=-1), "fee_dong must be 0 to"),
    (form(papers=tuple(Paper(f"p{number}", W, "Luật Mẫu") for number in range(11))), "at most 10 papers"),
    (form(papers=(PAPER, PAPER)), "the paper 'deed' stands there twice"),
    (form(papers=(PAPER._replace(id="A"),)), "an id is small letters"),
    (form(papers=(PAPER._replace(law=""),)), "law must name the rule"),
    (form(papers=(PAPER._replace(law="Luật  Mẫu"),)), "law must name the rule"),
    (form(papers=(PAPER._replace(words=Words("a" * 121, "b")),)), "121 characters, and 120 fit"),
    (form(papers=(PAPER._replace(words=Words("Sổ hộ khẩu", "b")),)), "which is abolished: Luật Cư trú 2020"),
    (form(name=Words("", "x")), "the text vi is missing"),
    (form(name=Words("x", "")), "the text en is missing"),
    (form(help=Words("x", "y" * 91)), "the text en has 91 characters, and 90 fit"),
    (form(notice=Words("e\u0302\u0323", "x")), "the text vi must be NFC"),
    (form(following=Words(" x", "x")), "without blanks at its ends"),
    (form(following=Words("x  y", "x")), "or two together"),
    (form(following=Words("x\u200by", "x")), "must be NFC, on one line"),
    (form(consent=Consent("a/1", Words("x" * 701, "x"))), "701 characters, and 700 fit"),
    (extra(id="Extra"), "an id is small letters"),
    (extra(kind="dance"), "kind must be one of choice"),
    (extra(card="face"), "card must be one of id_number"),
    (extra(preset="noon"), "preset must be one of today"),
    (extra(ask=Words("x" * 91, "x")), "91 characters, and 90 fit"),
    (extra(label=Words("x" * 33, "x")), "33 characters, and 32 fit"),
    (extra(hint=Words("x" * 161, "x")), "161 characters, and 160 fit"),
    (extra(kind="choice", least=0, most=0, choices=chosen(1)), "a choice has 2 to 8 choices"),
    (extra(kind="choice", least=0, most=0, choices=chosen(9)), "8"),
    (extra(choices=chosen(2)), "and nothing else has any"),
    (
        extra(kind="choice", least=0, most=0, choices=(Choice("a", W), Choice("a", W))),
        "the choice 'a' stands there twice",
    ),
    (
        extra(kind="choice", least=0, most=0, choices=(Choice("A", W), Choice("b", W))),
        "the id 'A' is not small letters",
    ),
    (
        extra(kind="choice", least=0, most=0, choices=(Choice("a", Words("x" * 61, "x")), Choice("b", W))),
        "61 characters, and 60 fit",
    ),
    (extra(preset="today"), "'today' cannot stand in a text"),
    (extra(kind="name", card="name", per="guests"), "a card is one person's"),
    (extra(card="birth_date"), "the card's birth_date is taken by a date"),
    (extra(kind="choice", least=0, most=0, choices=chosen(2), card="sex"), "the choices must have these ids"),
    (extra(id="ward"), "the field 'ward' says whose the matter is"),
    (extra(id="ward", kind="ward", least=0, most=0, per="guests"), "the field 'ward' says whose the matter is"),
    (extra(least=5, most=4), "a text has least to most characters, at most 200"),
    (extra(most=201), "a text has least to most characters, at most 200"),
    (extra(least=0, most=0), "a text has least to most characters"),
    (extra(kind="number", least=-1), "a number goes from least to most"),
    (extra(kind="date", least=-50_001), "a day lies least to most days from today"),
    (extra(kind="phone"), "a phone has no least and no most"),
    (extra(when=("extra", ("yes",))), "'extra' is no choice that is asked before"),
    (extra(when=("now", ("maybe",))), "'now' has no choice 'maybe'"),
    (extra(per="now"), "per must name an earlier number"),
    (extra(per="nobody"), "per must name an earlier number"),
    (changed(4, most=6), "per must name an earlier number that is asked once and is at most 5"),
    (extra(after="from_date"), "after must name an earlier date"),
    (extra(kind="date", after="now"), "after must name an earlier date"),
    (extra(kind="date", after="later"), "after must name an earlier date"),
    (
        with_fields(
            Field(id="has", kind="choice", ask=W, label=W, choices=chosen(2), per="guests"),
            Field(id="whose", kind="phone", ask=W, label=W, when=("has", ("c0",))),
        ),
        "'has' is asked of each of 'guests', and this is not",
    ),
    (
        replace(
            with_fields(Field(id="has", kind="choice", ask=W, label=W, choices=chosen(2), per="guests")),
            services=(
                replace(
                    FORM,
                    fields=(
                        *FORM.fields,
                        Field(id="has", kind="choice", ask=W, label=W, choices=chosen(2), per="guests"),
                    ),
                    urgent=("has", ("c0",)),
                ),
            ),
        ),
        "'has' is asked several times",
    ),
]


def said(catalogue: Catalogue) -> list[str]:
    return [each.words for each in catalogue_rules.problems(catalogue)]


def test_what_is_right_has_no_problem():
    assert said(ALL) == said(SAMPLE) == []
    assert Catalogue.decode(ALL.encode()) == ALL
    assert Catalogue.decode(SAMPLE.encode()) == SAMPLE


@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=[str(words)[:60] for _, words in WRONG])
def test_each_rule_speaks_and_the_set_is_refused_both_ways(wrong, words, monkeypatch):
    if words is None:
        assert said(wrong) == []
        assert Catalogue.decode(wrong.encode()) == wrong
        return
    assert any(words in each for each in said(wrong)), said(wrong)
    with pytest.raises(WireError):
        wrong.encode()
    monkeypatch.setattr(catalogue_rules, "problems", lambda _: iter(()))
    try:
        body = wrong.encode()
    except WireError as error:  # what not even the layout can hold
        assert error.reason in ("field", "not_nfc")  # noqa: PT017
        return
    monkeypatch.undo()
    with pytest.raises(WireError):
        Catalogue.decode(body)


def test_a_form_holds_no_more_answers_than_a_record():
    many = [replace(GUEST, id=f"guest{number}", least=1, most=2) for number in range(34)]
    people = replace(GUESTS, most=5)
    fields = (*(people if each is GUESTS else each for each in FORM.fields), *many)
    assert any("at most 160 answers" in each for each in said(form(fields=fields)))


def test_a_problem_names_its_service_and_field():
    found = next(catalogue_rules.problems(extra(most=0)))
    assert (found.service, found.field, found.key) == ("sample", "extra", "most")
    with pytest.raises(WireError, match=r"catalogue: sample\.extra\.most: a text has"):
        extra(most=0).encode()


def numbered() -> dict:
    return decode(SAMPLE.encode(), SET_MAX_BYTES)


def refusal(value: object) -> str:
    with pytest.raises(WireError) as why:
        catalogue_set.decode(encode(value))
    return str(why.value)


@pytest.mark.parametrize("value", [[], 1, {}, {0: 2}, {0: True, 1: 1, 2: [], 3: []}, {0: "1"}])
def test_another_format_is_refused(value):
    assert refusal(value) == "format: a catalogue is a map of format 1"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (6, ["x"], "service.name.row must be [vi, en]"),
        (6, ["x", 1], "service.name.en must be str"),
        (7, [["x"], "y"], "service.help.vi must be str"),
        (9, ["2026-01-01"], "service.valid must be [first day, last day]"),
        (9, ["2026-01-01", 1], "service.valid.row must be texts"),
        (11, [1], "service.needs.row must be texts"),
        (12, ["loud"], "service.flags.row must be texts, of clock, emergency, channels"),
        (14, ["a/1", "x"], "consent.row must be [version, vi, en]"),
        (17, ["now"], "service.urgent.row must be [field, [choices]]"),
        (17, ["now", "yes"], "service.urgent.row must be [field, [choices]]"),
        (17, ["now", [1]], "service.urgent.row must be texts"),
        (21, [["deed"]], "paper.row must be [id, vi, en, law]"),
        (22, [1], "field must be a map"),
        (22, [{1: "x"}], "field.kind is missing"),
        (23, 1, "service.key 23 is not a field"),
        (15, None, "service.fee_dong is null"),
        (19, 5, "service.notice must be tuple"),
    ],
)
def test_a_service_of_another_shape_is_refused_by_name(key, value, words):
    told = numbered()
    told[3][0][key] = value
    assert words in refusal(told)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (3, ["x"], "field.ask.row must be [vi, en]"),
        (6, ["loud"], "field.flags.row must be texts, of optional, masked"),
        (7, [["a", "x"]], "choice.row must be [id, vi, en]"),
        (7, 5, "field.choices must be tuple"),
        (10, ["now"], "field.when.row must be [field, [choices]]"),
        (8, "1", "field.least must be int"),
    ],
)
def test_a_field_of_another_shape_is_refused_by_name(key, value, words):
    told = numbered()
    told[3][0][22][0][key] = value
    assert words in refusal(told)


def test_a_group_of_another_shape_is_refused():
    told = numbered()
    told[2] = [["report", "report", "x"]]
    assert "group.row must be [id, icon, vi, en]" in refusal(told)


def test_a_set_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(catalogue_set, "SET_MAX_BYTES", 100)
    with pytest.raises(WireError, match=r"too_large: a catalogue of [0-9]+ bytes, at most 100"):
        SAMPLE.encode()


@settings(max_examples=80, deadline=None, database=None)
@given(st.data())
def test_a_damaged_set_is_a_catalogue_that_makes_sense_or_a_wire_error(data):
    body = bytearray(SAMPLE.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        found = catalogue_set.decode(bytes(body))
    except WireError:
        return
    assert said(found) == []


@settings(max_examples=80, deadline=None, database=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 100) | st.sampled_from(["form", "now", "choice", "x", "guests"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 23), inner, max_size=4),
        max_leaves=12,
    ),
    st.sampled_from([2, 3, *range(4, 50)]),
)
@example([{}], 3)
def test_any_value_in_any_place_is_refused_or_makes_sense(value, place):
    told = numbered()
    if place < 4:
        told[place] = value
    elif place < 27:
        told[3][0][place - 3] = value
    else:
        told[3][0][22][place % 6][1 + place % 14] = value
    try:
        found = catalogue_set.decode(encode(told))
    except WireError:
        return
    assert said(found) == []
