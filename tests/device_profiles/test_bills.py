"""A building's bill list: comes back as it went, is refused whole for one faulty bill, finds a unit however typed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles import messages
from device_profiles.bills import BILLS_MAX_COUNT, Bill, BillSet, unit_key
from device_profiles.cbor import WireError, decode, encode
from device_profiles.messages import SignedSet
from tests.golden.wire.samples import MESSAGES, NOW_MS

BILLS: BillSet = MESSAGES["bills"]
ROW = list(BILLS.bills[0])
QUICK = settings(max_examples=100, deadline=None, database=None)


def bill(n: int = 0, **differs) -> Bill:
    return Bill(n.to_bytes(8, "big"), f"A-{n}", "2026-10", 1000 + n, "2026-11-25", "NGUYEN *** AN")._replace(**differs)


def with_rows(*rows: object) -> bytes:
    return encode(decode(BILLS.encode(), 2**20) | {8: list(rows)})


def refusal(judge, *arguments) -> WireError:
    with pytest.raises(WireError) as refused:
        judge(*arguments)
    return refused.value


def test_a_list_comes_back_as_it_went():
    again = BillSet.decode(BILLS.encode())
    assert again == BILLS
    assert all(type(each) is Bill for each in again.bills)
    assert BillSet.decode(replace(BILLS, bills=()).encode()).bills == ()


@pytest.mark.parametrize(
    ("place", "value", "name"),
    [
        (0, bytes(7), "bill"),
        (0, "12345678", "bill"),
        (1, "", "unit"),
        (1, "x" * 21, "unit"),
        (1, "---", "unit"),
        (1, 1205, "unit"),
        (2, "2026-13", "period"),
        (2, "2026-1", "period"),
        (2, "10-2026", "period"),
        (2, "２０２６-10", "period"),
        (3, 0, "amount"),
        (3, -1, "amount"),
        (3, 10**13, "amount"),
        (3, True, "amount"),
        (3, "1000", "amount"),
        (4, "2026-02-30", "due"),
        (4, "2026-11-2", "due"),
        (4, "20261125", "due"),
        (4, "0000-01-01", "due"),
        (4, "25-11-2026", "due"),
        (5, "", "owner"),
        (5, "x" * 81, "owner"),
        (5, None, "owner"),
    ],
)
def test_one_faulty_bill_refuses_the_whole_list_and_is_named(place, value, name):
    row = [*ROW[:place], value, *ROW[place + 1 :]]
    assert f"BillSet.bills.{name} " in str(refusal(BillSet.decode, with_rows(row)))
    assert f"BillSet.bills.{name} " in str(refusal(replace(BILLS, bills=(Bill(*row),)).encode))


@pytest.mark.parametrize("row", [[], ROW[:-1], [*ROW, 0], {}, "text", None])
def test_a_bill_is_a_row_of_six(row):
    assert "BillSet.bills.row" in str(refusal(BillSet.decode, with_rows(row)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payee_bin", "97043"),
        ("payee_bin", "97043x"),
        ("payee_bin", "９７０４３６"),
        ("payee_account", "0011 001234567"),
        ("payee_account", "x" * 20),
        ("payee_account", ""),
        ("payee_account", 1234567),
        ("building", ""),
        ("title", "x" * 121),
        ("payee_name", ""),
        ("as_of_ms", -1),
        ("version", -1),
    ],
)
def test_a_payee_or_head_that_does_not_fit_is_refused_by_name(field, value):
    keys = {"building": 1, "title": 2, "payee_bin": 3, "payee_account": 4, "payee_name": 5, "as_of_ms": 6, "version": 7}
    assert f"BillSet.{field} " in str(refusal(replace(BILLS, **{field: value}).encode))
    changed = encode(decode(BILLS.encode(), 2**20) | {keys[field]: value})
    assert f"BillSet.{field} " in str(refusal(BillSet.decode, changed))


@pytest.mark.parametrize("body", [b"", encode([]), encode({0: 1, 8: 1}), encode({0: 2})])
def test_other_bodies_are_refused(body):
    assert refusal(BillSet.decode, body).reason in {"not_cbor", "field", "format"}


def test_one_id_is_one_bill():
    twice = with_rows(list(bill(1)), list(bill(2, bill=bill(1).bill)))
    assert "twice" in str(refusal(BillSet.decode, twice))


def test_two_units_may_not_read_the_same():
    """What is typed at the screen drops separators: A1-205 would pay the bill of A12-05."""
    rows = [list(bill(1, unit="A1-205")), list(bill(2, unit="A12-05"))]
    assert "reads like" in str(refusal(BillSet.decode, with_rows(*rows)))
    BillSet.decode(with_rows(rows[0], list(bill(2, unit="A1-205", period="2026-09"))))


@pytest.mark.parametrize("typed", ["A-12.05", "a1205", "A 12 05", " a-12/05 ", "Á-12.05", "A–12—05"])
def test_a_unit_is_found_however_it_is_typed_oldest_period_first(typed):
    assert [each.period for each in BILLS.find(typed)] == ["2026-09", "2026-10"]


@pytest.mark.parametrize("typed", ["", "-", "A-1205x", "А-12.05"])  # the last begins with a Cyrillic letter
def test_another_unit_is_not_found(typed):
    assert BILLS.find(typed) == ()


def test_d_with_stroke_is_d():
    assert unit_key("Đ-01") == unit_key("đ01") == unit_key("d 01") == "d01"
    assert [each.unit for each in BILLS.find("d01")] == ["Đ-01"]


def test_a_bill_is_found_by_its_id():
    assert BILLS.by_id(bytes(range(8))) == BILLS.bills[0]
    assert BILLS.by_id(bytes(8)) is None


def test_the_most_bills_fit_into_a_signed_set():
    many = replace(BILLS, bills=tuple(bill(n) for n in range(BILLS_MAX_COUNT)))
    signed = SignedSet(name="bills/toa-a", version=12, issued_ms=NOW_MS, not_after_ms=NOW_MS, body=many.encode())
    assert len(signed.encode()) < messages.SET_MAX_BYTES
    assert BillSet.decode(SignedSet.decode(signed.encode()).body) == many
    assert refusal(replace(many, bills=(*many.bills, bill(BILLS_MAX_COUNT))).encode).reason == "field"


@QUICK
@given(st.data())
def test_damaged_lists_give_a_list_or_a_wire_error(draw):
    data = bytearray(BILLS.encode())
    for _ in range(draw.draw(st.integers(1, 3))):
        at, length = draw.draw(st.integers(0, len(data) - 1)), draw.draw(st.integers(0, 2))
        data[at : at + length] = draw.draw(st.binary(max_size=2))
    try:
        found = BillSet.decode(bytes(data))
    except WireError:
        return
    assert found.encode() == data
