"""Layouts as data: every rule refuses one below, one above, another type and null, and names the field."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from device_profiles import layout
from device_profiles.cbor import WireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    mark: bytes = layout.raw(1, 4)
    blob: bytes = layout.raw(2, 1, 8)
    name: str = layout.text(3, 5)
    count: int = layout.number(4, 9, least=2)
    at_ms: int = layout.time_ms(5)
    sure: bool = layout.flag(6)
    rows: tuple = layout.items(7, 2)
    values: dict = layout.table(8, 1)
    note: str | None = layout.text(9, 5, optional=True)


FIT = {
    "mark": b"abcd",
    "blob": b"a",
    "name": "tên",
    "count": 2,
    "at_ms": 0,
    "sure": False,
    "rows": (1, [2]),
    "values": {23: None},
}
UNFIT = [
    ("mark", b"abc"),
    ("mark", b"abcde"),
    ("mark", "abcd"),
    ("blob", b""),
    ("blob", bytes(9)),
    ("name", ""),
    ("name", "sáu ký"),
    ("name", b"name"),
    ("count", 1),
    ("count", 10),
    ("count", True),
    ("count", "2"),
    ("at_ms", -1),
    ("at_ms", layout.TIME_MAX_MS + 1),
    ("sure", 1),
    ("rows", (1, 2, 3)),
    ("rows", {}),
    ("values", {1: 1, 2: 2}),
    ("values", ()),
    ("note", ""),
    ("note", 1),
]


def test_a_message_becomes_a_map_and_comes_back():
    numbered = layout.to_map(Sample(**FIT), 1)
    assert numbered == {0: 1, 1: b"abcd", 2: b"a", 3: "tên", 4: 2, 5: 0, 6: False, 7: [1, [2]], 8: {23: None}}
    assert layout.from_map(Sample, numbered, 1) == Sample(**FIT)
    assert layout.from_map(Sample, numbered | {9: "có"}, 1).note == "có"


@pytest.mark.parametrize(("name", "value"), UNFIT)
def test_what_does_not_fit_is_refused_on_both_ways_with_its_name(name, value):
    with pytest.raises(layout.FieldError) as refused:
        layout.to_map(Sample(**FIT | {name: value}), 1)
    assert (refused.value.reason, refused.value.where, refused.value.name) == ("field", "Sample", name)
    assert f"Sample.{name}" in str(refused.value)
    key = dict(layout.rules(Sample))[name].key
    with pytest.raises(layout.FieldError):
        layout.from_map(Sample, layout.to_map(Sample(**FIT), 1) | {key: value}, 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m: m.pop(0), "format"),
        (lambda m: m.update({0: 2}), "format"),
        (lambda m: m.update({0: True}), "format"),
        (lambda m: m.update({0: b"\xff" * 5000}), "format"),
        (lambda m: m.update({10: 0}), "field"),
        (lambda m: m.pop(1), "field"),
        (lambda m: m.update({1: None}), "field"),
        (lambda m: m.update({9: None}), "field"),
    ],
)
def test_unknown_and_missing_keys_and_other_formats_are_refused(change, expected):
    numbered = layout.to_map(Sample(**FIT), 1)
    change(numbered)
    with pytest.raises(WireError) as refused:
        layout.from_map(Sample, numbered, 1)
    assert refused.value.reason == expected
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", [None, [], 1, b""])
def test_a_message_is_a_map(value):
    with pytest.raises(WireError, match="must be a map"):
        layout.from_map(Sample, value, 1)
    with pytest.raises(WireError, match="must be a map"):
        layout.from_table(layout.shape(a=layout.flag(1)), value, "x")


def test_a_number_that_does_not_fit_is_not_repeated():
    """It may be a card number typed into the wrong field, and errors reach logs."""
    with pytest.raises(layout.FieldError) as refused:
        layout.check(layout.shape(n=layout.number(1, 9))["n"], 4111111111111111, "x", "n")
    assert "4111" not in str(refused.value)


TABLE = layout.shape(a=layout.number(1, 5), b=layout.text(2, 3, optional=True))


def test_a_table_goes_by_name_here_and_by_number_there():
    assert layout.to_table(TABLE, {"a": 1, "b": "x"}, "t") == {1: 1, 2: "x"}
    assert layout.to_table(TABLE, {"a": 1, "b": None}, "t") == {1: 1}
    assert layout.from_table(TABLE, {1: 1, 2: "x"}, "t") == {"a": 1, "b": "x"}
    assert layout.from_table(TABLE, {1: 1}, "t") == {"a": 1}


@pytest.mark.parametrize(
    ("fields", "name"), [({}, "a"), ({"a": None}, "a"), ({"a": 6}, "a"), ({"a": 1, "c": 1}, "c"), ({"a": "1"}, "a")]
)
def test_a_table_names_the_field_that_does_not_fit(fields, name):
    with pytest.raises(layout.FieldError) as refused:
        layout.to_table(TABLE, fields, "t")
    assert (refused.value.where, refused.value.name) == ("t", name)


@pytest.mark.parametrize(
    ("numbered", "name"), [({1: 1, 3: 1}, "key 3"), ({1: None}, "a"), ({1: 1, 2: None}, "b"), ({2: "x"}, "a")]
)
def test_null_is_not_a_second_way_to_leave_a_field_out(numbered, name):
    with pytest.raises(layout.FieldError) as refused:
        layout.from_table(TABLE, numbered, "t")
    assert refused.value.name == name


COLUMNS = layout.shape(id=layout.raw(0, 2), count=layout.number(1, 9))


@pytest.mark.parametrize("row", [[b"ab"], [b"ab", 1, 2], {0: b"ab", 1: 1}, "ab", None, [b"a", 1], [b"ab", True]])
def test_a_row_is_its_columns_in_their_order(row):
    layout.check_rows(COLUMNS, [[b"ab", 1], (b"ab", 1)], "rows")
    with pytest.raises(layout.FieldError, match=r"rows\."):
        layout.check_rows(COLUMNS, [[b"ab", 1], row], "rows")
