"""The invented people: whole, visibly made up, and readable by the station's own rules for cards."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date

import pytest

from device_profiles.formats.id_number import parse_id_number
from device_profiles.formats.mrz import parse_mrz
from edge_agent.drivers.reader.virtual_chip import persona

AS_OF = date(2026, 11, 21)
SEEDS = range(300)
TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
LETTERS = {unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in TONES} | {"đ"}


def test_printed_lines_and_numbers_are_what_a_card_has():
    for seed in SEEDS:
        person = persona(seed)
        mrz = parse_mrz("\n".join(person.mrz_lines), as_of=AS_OF)
        assert set(mrz.remarks) <= {"card_expired"}
        assert (mrz.id_number, mrz.can, mrz.mrz_information) == (person.id_number, person.can, person.mrz_information)
        number = parse_id_number(person.id_number, source="qr", as_of=AS_OF, birth_date=mrz.birth_date, sex=mrz.sex)
        assert number.remarks == ()


def test_are_visibly_made_up():
    assert all(persona(seed).id_number[6:9] == "000" for seed in SEEDS)


def test_names_have_every_vietnamese_letter():
    assert set("".join(persona(seed).name.lower() for seed in SEEDS)) >= LETTERS


def test_a_seed_is_a_person():
    assert persona(5) == persona(5)
    assert len({persona(seed) for seed in SEEDS}) > 290


def test_some_have_no_spouse_and_no_old_number():
    people = [persona(seed) for seed in SEEDS]
    assert (
        {bool(person.spouse) for person in people} == {bool(person.old_id_number) for person in people} == {True, False}
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Đỗ Thị Ỷ", "DO<<THI<Y<<<<<<<<<<<<<<<<<<<<<"),
        ("H'Lan Ayun", "HLAN<<AYUN<<<<<<<<<<<<<<<<<<<<"),
        ("Nguyễn Phương Thảo Uyên Quỳnh Trang", "NGUYEN<<PHUONG<THAO<UYEN<QUYNH"),
    ],
)
def test_the_third_line_has_the_name_without_marks(name, line):
    assert replace(persona(1), name=name).mrz_lines[2] == line
