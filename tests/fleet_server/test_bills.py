"""A board's bill list: each row is served, named as bad, or counted as blank; a damaged file is refused with remedy."""

from __future__ import annotations

import random
import unicodedata

import pytest

from device_profiles.bills import BillSet
from fleet_server import bills
from fleet_server.bills import ListRefused, bill_id, read_bills
from tests.fleet_server.station_bed import T0

HEAD = "Căn hộ,Kỳ,Số tiền,Hạn nộp,Chủ hộ\n"
ROW = 'A-12.05,09/2026,"1.250.000",30/09/2026,NGUYEN *** AN\n'


def read(text: str, encoding: str = "utf-8"):
    return read_bills(text.encode(encoding), "B1")


def one(row: str):
    """The only bill of a list with this one row; the reason where it is bad."""
    report = read(HEAD + row + "\n")
    assert report.rows_in == 1
    return report.bills[0] if report.good else report.bad[0].reason


def test_a_row_becomes_a_bill():
    report = read(HEAD + ROW)
    (bill,) = report.bills
    assert (bill.unit, bill.period, bill.amount, bill.due, bill.owner) == (
        "A-12.05",
        "2026-09",
        1_250_000,
        "2026-09-30",
        "NGUYEN *** AN",
    )
    assert bill.bill == bill_id("B1", "A-12.05", "2026-09")
    assert (report.good, report.bad, report.blank, report.rows_in, report.masked) == (1, (), 0, 1, 0)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_dialects_of_one_list_are_read_alike(delimiter, encoding, end, form):
    rows = [
        "Mã căn hộ|Kỳ phí|Số tiền (VNĐ)|Hạn thanh toán|Tên chủ hộ",
        "",
        '"A 12.05 "| T9/2026|"1,250,000 đ"|2026-09-30|Đỗ Thị Én',
        "",
    ]
    text = unicodedata.normalize(form, end.join(rows).replace("|", delimiter))
    report = read(text, encoding)
    assert [tuple(each)[1:] for each in report.bills] == [("A 12.05", "2026-09", 1_250_000, "2026-09-30", "DO *** EN")]
    assert (report.rows_in, report.blank, report.masked) == (2, 1, 1)


def test_english_headings_in_another_order_with_columns_of_no_use():
    report = read("No,Owner,Due date,Unit,Amount,Period,Note\n1,,30/09/2026,B1,500000,2026-09,x\n")
    assert [tuple(each)[1:] for each in report.bills] == [("B1", "2026-09", 500_000, "2026-09-30", "***")]
    assert report.ignored == ("No", "Note")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1250000", 1_250_000),
        ("1.250.000", 1_250_000),
        ('"1,250,000 đ"', 1_250_000),
        ("1 250 000 VND", 1_250_000),
        ("1\u00a0250\u00a0000₫", 1_250_000),
        ('"1.250.000,00"', 1_250_000),
        ('"1,250,000.00"', 1_250_000),
        ("1250000.00", 1_250_000),
        ("1.250", 1_250),
        ("500 đồng", 500),
        ("1", 1),
        ("9999999999999", 9_999_999_999_999),
    ],
)
def test_amounts_as_people_write_them(text, amount):
    assert one(f"A1,09/2026,{text},30/09/2026,").amount == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "-5", "(500)", "1.25", '"1,25"', "1.250.00", '"1.250,000"', "1250.000", "1e6", "#REF!"),
        *("1.250.000.00", '"1,250,000,00"', "10000000000000", "9" * 5000, "USD 5"),
    ],
)
def test_amounts_that_are_none_are_bad_rows(text):
    assert one(f"A1,09/2026,{text},30/09/2026,").startswith("amount: ")


@pytest.mark.parametrize(
    "text", ["09/2026", "9/2026", "T9/2026", "T09/2026", "Tháng 9/2026", "2026-09", "2026/9", "09-2026", "Kỳ 09/2026"]
)
def test_months_as_people_write_them(text):
    assert one(f"A1,{text},5,30/09/2026,").period == "2026-09"


@pytest.mark.parametrize(
    "text", ["", "13/2026", "00/2026", "9", "2026", "09/26", "Q3/2026", "46000", "09/2026 - 10/2026", "09/1926"]
)
def test_months_that_are_none_are_bad_rows(text):
    assert one(f"A1,{text},5,30/09/2026,").startswith("period: ")


@pytest.mark.parametrize("text", ["30/09/2026", "2026-09-30", "30-09-2026", "30.9.2026"])
def test_days_as_people_write_them(text):
    assert one(f"A1,09/2026,5,{text},").due == "2026-09-30"


@pytest.mark.parametrize(
    "text", ["", "31/09/2026", "09/30/2026", "2026-9-30", "2026-02-29", "46000", "30/09", "30/09/26", "cuối tháng"]
)
def test_days_that_are_none_are_bad_rows(text):
    assert one(f"A1,09/2026,5,{text},").startswith("due: ")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",09/2026,5,30/09/2026,An", "unit: "),
        ("---,09/2026,5,30/09/2026,An", "unit: "),
        ("A" * 21 + ",09/2026,5,30/09/2026,An", "unit: "),
        ("A1,09/2026,１２５,30/09/2026,An", "amount: digits of another script"),
        ("A١,09/2026,5,30/09/2026,An", "unit: digits of another script"),
        ("A1,09/2026,5", "only 3 fields under 5 headings"),
        ("A1,09/2026,1,250,000,30/09/2026,An", "7 fields under 5 headings: put an amount"),
        ("A1,09/2026,5,30/09/2026," + "X" * 80 + " Y Z", "owner: "),
    ],
)
def test_bad_rows_say_what_is_wrong(row, reason):
    assert reason in str(one(row))


def test_full_width_letters_in_a_unit_have_no_letter_or_digit_left_to_be_found_by():
    assert "unit: " in str(one("Ａ,09/2026,5,30/09/2026,An"))


def test_bad_rows_are_named_by_line_and_the_good_ones_are_served():
    text = (
        HEAD
        + ROW
        + "\n"
        + "A1,xx,5,30/09/2026,An\n"
        + '"A2\nlầu 3",09/2026,5,30/09/2026,An\n'
        + " , ,,, \nA3,09/2026,5,30/09/2026,An\nA4,09/2026,0,30/09/2026,An\n"
    )
    report = read(text)
    assert [each.unit for each in report.bills] == ["A-12.05", "A2 lầu 3", "A3"]
    assert [(each.line, each.reason[:7]) for each in report.bad] == [(4, "period:"), (9, "amount:")]
    assert (report.good, report.blank, report.rows_in) == (3, 2, 7)


def test_the_same_bill_twice_is_served_once_and_another_amount_for_it_not_at_all():
    text = (
        HEAD
        + ROW
        + "A1,09/2026,5,30/09/2026,An\n"
        + ROW.replace("A-12.05", "a 1205")
        + "A1,T9/2026,6,30/09/2026,An\nA1,10/2026,6,30/10/2026,An\n"
    )
    report = read(text)
    assert [(each.unit, each.period) for each in report.bills] == [("A-12.05", "2026-09"), ("A1", "2026-10")]
    assert [(each.line, each.reason) for each in report.bad] == [
        (3, "unit A1, period 2026-09 stands in lines 3, 5 with different content: keep one"),
        (4, "unit A-12.05, period 2026-09 stands in line 2 already"),
        (5, "unit A1, period 2026-09 stands in lines 3, 5 with different content: keep one"),
    ]
    assert report.rows_in == report.good + len(report.bad) + report.blank


def test_a_bill_keeps_its_id_in_the_next_list_and_only_there():
    assert bill_id("B1", "A-12.05", "2026-09") == bill_id("B1", "a 1205", "2026-09")
    others = {
        bill_id("B2", "A-12.05", "2026-09"),
        bill_id("B1", "A-12.06", "2026-09"),
        bill_id("B1", "A-12.05", "2026-10"),
    }
    assert len(others | {bill_id("B1", "A-12.05", "2026-09")}) == 4


def test_owners_leave_masked():
    report = read(HEAD + "A1,09/2026,5,30/09/2026,Nguyễn Văn An\nA2,09/2026,5,30/09/2026,NGUYEN *** AN\n")
    assert [each.owner for each in report.bills] == ["NGUYEN *** AN", "NGUYEN *** AN"]
    assert report.masked == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the list is empty"),
        (b"\xef\xbb\xbf\r\n \n", "the list is empty"),
        ((HEAD + ROW).encode("utf-16"), "UTF-16"),
        ((HEAD + ROW).encode("utf-16-le"), "UTF-16"),
        ("Căn hộ,Kỳ\nA1,9/2026\n".replace("ộ", "ô").replace("ỳ", "y").encode("cp1258"), "line 1 is not UTF-8"),
        (
            HEAD.encode() + "A1,09/2026,5,30/09/2026,Lê Văn Bảy".replace("ả", "a").encode("cp1258"),
            "line 2 is not UTF-8",
        ),
        (b"PK\x03\x04" + bytes(100), "workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "workbook"),
        (b"x" * (4 * 1024 * 1024 + 1), "is it the right one"),
        (HEAD.replace("Kỳ", "Quý").encode(), "the column period is missing; there are: Căn hộ, Quý"),
        (HEAD.replace("Chủ hộ", "Chủ hộ,Họ tên").encode(), "the column owner stands there twice"),
        (("DANH SÁCH PHÍ THÁNG 9\n" + HEAD + ROW).encode(), "line 1 must be the headings"),
        ((HEAD + '"A1,09/2026,5,30/09/2026,An\n').encode(), "line 2: a quotation mark is open"),
        ((HEAD + 'A1,09/2026,"5" 0,30/09/2026,An\n').encode(), "line 2: a quotation mark"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_remedy(data, words):
    with pytest.raises(ListRefused, match=words.replace("(", r"\(")):
        read_bills(data, "B1")


def test_more_bills_than_a_list_holds_are_refused(monkeypatch):
    monkeypatch.setattr(bills, "BILLS_MAX_COUNT", 2)
    rows = "".join(f"A{n},09/2026,5,30/09/2026,An\n" for n in range(3))
    with pytest.raises(ListRefused, match="3 bills; one list holds at most 2"):
        read(HEAD + rows)


@pytest.mark.parametrize("seed", range(20))
def test_no_row_is_ever_lost(seed):
    """Whatever stands in the cells: good, bad and blank rows add up, and what is served fits the signed set."""
    draw = random.Random(seed)
    cells = [
        "A1",
        "A-1",
        "B2",
        "",
        " ",
        "09/2026",
        "2026-10",
        "5",
        "1.000",
        '"1,000"',
        "đ",
        "30/09/2026",
        "Ａ",
        "\u0301",
        "x" * 30,
        "=1+1",
        "\u2028",
        "\x0b",
    ]
    good_row = "C{},09/2026,{},30/09/2026,An"
    rows = [good_row.format(n % 7, n % 3 + 1) for n in range(10)]
    rows += [",".join(draw.choice(cells) for _ in range(draw.choice([1, 4, 5, 5, 5, 6]))) for _ in range(30)]
    draw.shuffle(rows)
    report = read(HEAD + "\n".join(rows) + "\n")
    assert report.rows_in == report.good + len(report.bad) + report.blank == len(rows)
    made = BillSet(
        building="B1",
        title="B1",
        payee_bin="970436",
        payee_account="1",
        payee_name="B",
        as_of_ms=T0,
        version=1,
        bills=report.bills,
        offline=False,
    )
    assert BillSet.decode(made.encode()).bills == report.bills
