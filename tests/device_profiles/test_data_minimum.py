"""What a form may not ask: each abolished paper, what the card gave, what no form needs; and what may be said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles import catalogue_toml, data_minimum
from device_profiles.catalogue import Choice, Consent, Field, Paper, Words
from device_profiles.formats import tables
from device_profiles.formats.text import search_key

STAY = catalogue_toml.load_shipped().service("stay_notice")
REPORT = catalogue_toml.load_shipped().service("police_report")


def wrong(service) -> list[str]:
    return [words for _, _, words in data_minimum.problems(service)]


def asking(vi: str, en: str = "Please answer", label: str = "Việc khác", **other) -> Field:
    told = {"id": "extra", "kind": "text", "most": 20, "ask": Words(vi, en), "label": Words(label, "Other")}
    return Field(**told | other)


def with_field(field: Field, service=STAY):
    return replace(service, fields=(*service.fields, field))


@pytest.mark.parametrize(
    ("vi", "en", "law"),
    [
        ("Sổ hộ khẩu bản chính", "The original", "Luật Cư trú 2020, Điều 38"),
        ("Bản sao hộ khẩu", "A copy", "Luật Cư trú 2020, Điều 38"),
        ("Giấy tờ nhà", "The household registration book", "Luật Cư trú 2020, Điều 38"),
        ("Sổ tạm trú", "A book", "Luật Cư trú 2020, Điều 38"),
        ("Giấy tờ", "Temporary residence book", "Luật Cư trú 2020, Điều 38"),
        ("Giấy chứng minh quan hệ nhân thân", "A paper", "Luật Căn cước 2023, Điều 20"),
        ("Giấy tờ xác nhận mối quan hệ", "A paper", "Luật Căn cước 2023, Điều 20"),
        ("Giấy tờ", "Papers proving kinship", "Luật Căn cước 2023, Điều 20"),
        ("Giấy tờ", "Proof of family relations", "Luật Căn cước 2023, Điều 20"),
        ("Giấy xác nhận số CMND", "A paper", "Nghị định 70/2024/NĐ-CP, Điều 12"),
        ("Xác nhận số chứng minh nhân dân", "A paper", "Nghị định 70/2024/NĐ-CP, Điều 12"),
        ("Giấy tờ", "Confirmation of the old ID number", "Nghị định 70/2024/NĐ-CP, Điều 12"),
    ],
)
def test_an_abolished_paper_is_refused_wherever_it_is_asked_for_with_the_law(vi, en, law):
    words = Words(vi, en)
    told = replace(STAY, papers=(Paper("extra", words, "Luật Mẫu"),))
    assert any(law in each for each in wrong(told))
    assert [(where, key) for where, key, _ in data_minimum.problems(told)] == [("extra", "vi")]
    choices = (Choice("a", words), Choice("b", Words("Không", "None")))
    places = {
        "ask": with_field(asking(vi, en)),
        "label": with_field(replace(asking("Việc gì?"), label=words)),
        "hint": with_field(asking("Việc gì?", hint=words)),
        "choices": with_field(replace(asking("Việc gì?", kind="choice", most=0), choices=choices)),
        "help": replace(STAY, help=words),
        "notice": replace(STAY, notice=words),
        "following": replace(STAY, following=words),
        "consent": replace(STAY, consent=Consent("a/1", words)),
    }
    for key, service in places.items():
        assert [each for _, each, text in data_minimum.problems(service) if law in text] == [key]


def test_every_paper_of_the_table_is_found_by_its_own_name_and_names_its_law():
    for row in (*tables.rows("abolished_papers"), *tables.rows("never_asked")):
        assert row["law"].startswith("Luật ")
        for name in (row["vi"], row["en"]):
            assert wrong(with_field(asking(name))), row["id"]


@pytest.mark.parametrize(
    ("vi", "en"),
    [
        ("Bạn không cần mang sổ hộ khẩu.", "You need no papers."),
        ("Không phải nộp bản sao sổ hộ khẩu.", "No papers."),
        ("Không yêu cầu sổ tạm trú.", "No papers."),
        ("Không cần giấy tờ.", "You do not need to bring the household book."),
        ("Không cần giấy tờ.", "It is no longer necessary to show a temporary residence book."),
        ("Không cần giấy tờ.", "It works without the household book."),
    ],
)
def test_that_a_paper_is_not_needed_may_be_said(vi, en):
    for key in ("help", "notice", "following"):
        assert wrong(replace(STAY, **{key: Words(vi, en)})) == []
    assert wrong(with_field(asking("Việc gì?", hint=Words(vi, en)))) == []
    assert wrong(with_field(asking(vi, en)))  # but no question of it


@pytest.mark.parametrize(
    ("vi", "en"),
    [
        ("Không cần gọi trước. Hãy mang sổ hộ khẩu.", "x"),
        ("Không cần gọi trước, hãy mang theo cả sổ hộ khẩu bản chính.", "x"),
        ("x", "You need not call first; bring the household book."),
    ],
)
def test_a_denial_of_something_else_allows_nothing(vi, en):
    assert wrong(replace(STAY, following=Words(vi, en)))


@pytest.mark.parametrize(
    "field",
    [
        asking("Bạn theo tôn giáo nào?"),
        asking("Bạn thuộc dân tộc nào?"),
        asking("Bạn là ai?", "What is your religion?"),
        asking("Bạn là ai?", "Your ethnicity?"),
        asking("Đặt dấu vân tay"),
        asking("Bạn là ai?", "A face photo"),
        asking("Chụp ảnh chân dung"),
        asking("Đặc điểm nhận dạng?"),
        asking("Bạn là ai?", label="Tôn giáo"),
    ],
)
def test_what_no_form_needs_is_refused_by_question_and_label(field):
    for service in (STAY, REPORT):
        assert any("which no form here may" in each for each in wrong(with_field(field, service)))


def test_what_the_card_gave_is_not_asked_again():
    second = asking("Số căn cước của bạn?", label="Số thẻ", kind="id_number", most=0)
    assert "the card gives the number" in wrong(with_field(second))[0]
    same = replace(asking("Tên?"), label=STAY.fields[1].label)
    assert wrong(with_field(same)) == ["a field that the card fills asks the same"]
    for row in tables.rows("card_labels"):
        for label in row["labels"]:
            assert wrong(with_field(asking("Gì?", label=label))), label
    assert wrong(with_field(asking("Sinh ngày nào?", label="Ngày sinh"))) == [
        "the card gives this: say card = 'birth_date', or leave it out"
    ]


def test_who_is_not_asked_for_a_card_may_be_asked_for_a_name_and_guests_may_too():
    assert wrong(REPORT) == wrong(STAY) == []
    assert any(each.label.vi == "Họ và tên" and not each.card for each in REPORT.fields)


def test_every_label_of_the_table_is_a_search_key():
    for row in tables.rows("card_labels"):
        assert all(search_key(label) == label for label in row["labels"])
