"""Units of the commune level: which there are, what they are called, and how they are found by a few letters."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats import phone, tables, wards
from device_profiles.formats.text import search_key

TODAY = date(2026, 11, 22)
ROWS = tables.rows("wards")


def found(typed: str, count_max: int = 6) -> list[str]:
    return [each.name for each in wards.find_wards(typed, TODAY, count_max)]


def test_the_table_is_whole():
    """168 units: 113 phường, 54 xã, 1 đặc khu (Decision 19/2025/QĐ-TTg)."""
    assert Counter(row["kind"] for row in ROWS) == {"phường": 113, "xã": 54, "đặc khu": 1}
    assert len({row["code"] for row in ROWS}) == len({(row["kind"], row["name"]) for row in ROWS}) == 168
    assert all(re.fullmatch("[0-9]{5}", row["code"]) for row in ROWS)
    assert [row["code"] for row in ROWS] == sorted(row["code"] for row in ROWS)
    assert len(wards.wards(TODAY)) == len(wards.wards()) == 168
    assert wards.wards(date(2025, 6, 30)) == ()


@pytest.mark.parametrize(
    ("code", "vi", "en"),
    [
        ("26740", "Phường Sài Gòn", "Sài Gòn Ward"),
        ("26743", "Phường Bến Thành", "Bến Thành Ward"),
        ("26824", "Phường Thủ Đức", "Thủ Đức Ward"),
        ("27094", "Phường An Khánh", "An Khánh Ward"),
        ("27097", "Phường Bình Trưng", "Bình Trưng Ward"),
        ("25747", "Phường Thủ Dầu Một", "Thủ Dầu Một Ward"),
        ("26732", "Đặc khu Côn Đảo", "Côn Đảo Special Zone"),
        ("99999", "99999", "99999"),
    ],
)
def test_a_code_has_a_name(code, vi, en):
    assert (wards.ward_name(code), wards.ward_name(code, "en")) == (vi, en)


def test_a_name_that_changes_is_the_newest_and_only_what_holds_is_found(monkeypatch):
    old = {"code": "1", "kind": "xã", "name": "Cũ", "valid_to": date(2026, 6, 30)}
    new = {"code": "1", "kind": "phường", "name": "Mới", "valid_from": date(2026, 7, 1)}
    monkeypatch.setattr(tables, "rows", lambda _table: (old, new))
    assert wards.ward_name("1") == "Phường Mới"
    assert wards.wards(date(2026, 6, 30)) == (wards.Ward("1", "Xã Cũ"),)
    assert wards.wards(date(2026, 7, 1)) == (wards.Ward("1", "Phường Mới"),)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("sai gon", "Phường Sài Gòn"),
        ("SÀI GÒN", "Phường Sài Gòn"),
        ("gon sai", "Phường Sài Gòn"),
        ("phuong sai gon", "Phường Sài Gòn"),
        ("thu du", "Phường Thủ Đức"),
        ("con dao", "Đặc khu Côn Đảo"),
        ("dac khu", "Đặc khu Côn Đảo"),
        ("binh trung", "Phường Bình Trưng"),
        ("trung binh", "Phường Bình Trưng"),
        ("tân tạo", "Phường Tân Tạo"),
    ],
)
def test_a_few_letters_find_it(typed, first):
    assert first in found(typed)


def test_the_nearest_stands_first():
    assert found("binh trung")[0] == "Phường Bình Trưng"
    assert found("tan tao")[0] == "Phường Tân Tạo"
    assert found("thanh an")[:2] == ["Xã Thanh An", "Xã Thạnh An"]
    assert found("thạnh an")[:2] == ["Xã Thạnh An", "Xã Thanh An"]


def test_nothing_typed_or_nothing_like_it_finds_nothing():
    for typed in ("", "  ", ".,-", "zzz", "sai sai gon", "a b c d e f"):
        assert found(typed) == []
    assert found("b", 3) == found("b", 99)[:3]


def test_every_unit_is_found_by_its_whole_name_first():
    for row in ROWS:
        same = [each for each in ROWS if search_key(each["name"]) == search_key(row["name"])]
        names = found(row["name"], 9)
        assert any(name.endswith(row["name"]) for name in names[: len(same)]), row


@settings(max_examples=100, deadline=None, database=None)
@given(st.text(max_size=12))
def test_any_text_is_a_search(typed):
    assert len(wards.find_wards(typed, TODAY, 4)) <= 4


def test_an_office_is_named_by_rule_and_has_the_hotline():
    assert wards.office("27097") == wards.Office("Công an phường Bình Trưng", "Bình Trưng Ward Police", "0693187111")
    assert wards.office("26732").vi == "Công an đặc khu Côn Đảo"
    assert wards.office("99999") is None
    assert {row["kind"] for row in tables.rows("offices")} == {row["kind"] for row in ROWS}
    for each in wards.wards():
        assert phone.parse_phone(wards.office(each.code).hotline, field="hotline", as_of=TODAY)
