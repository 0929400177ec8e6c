"""VietQR beyond the vectors: what is built is read back the same, and what is damaged is refused by name."""

import string
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from device_profiles.formats import emv, vietqr
from device_profiles.formats.refusal import FormatError

BILL = vietqr.PaymentRequest(
    method="dynamic", bin="970415", account="113366668888", service="account", amount=7000, purpose="SKHCM K7Q2M9XA"
)
PAYEE = "38560010A0000007270126000697041501121133666688880208QRIBFTTA"
PRINTABLE = "".join(c for c in string.printable if c not in string.whitespace) + " "
OWN_TEXT = st.text(PRINTABLE, min_size=1, max_size=25).filter(lambda text: text != "***")
FOLDED_TEXT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=15)


def sealed(body):
    return f"{body}6304{emv.crc(body + '6304')}"


def dynamic(*fields, payee=PAYEE):
    return sealed("000201010212" + payee + "5303704" + "".join(fields) + "5802VN")


def field(identifier, value):
    return f"{identifier}{len(value):02}{value}"


def reason(text):
    with pytest.raises(FormatError) as refused:
        vietqr.parse(text)
    return refused.value.reason


def refusal(**changes):
    with pytest.raises(FormatError) as refused:
        vietqr.build(replace(BILL, **changes))
    return refused.value.reason


def test_the_checksum_is_ccitt_false():
    assert emv.crc("123456789") == "29B1"


@settings(deadline=None, max_examples=200)
@given(
    method=st.sampled_from(["static", "dynamic"]),
    bank=st.from_regex("[0-9]{6}", fullmatch=True),
    account=st.from_regex("[0-9A-Za-z]{1,19}", fullmatch=True),
    service=st.sampled_from(["account", "card"]),
    amount=st.integers(1, 10**13 - 1),
    names=st.fixed_dictionaries({}, optional={"name": FOLDED_TEXT, "city": FOLDED_TEXT, "purpose": FOLDED_TEXT}),
    texts=st.fixed_dictionaries(
        {}, optional={"bill": OWN_TEXT, "reference": OWN_TEXT, "customer": OWN_TEXT, "terminal": OWN_TEXT}
    ),
)
def test_what_is_built_is_read_back_the_same_and_without_remarks(method, bank, account, service, amount, names, texts):
    assume(sum(len(text) + 4 for text in texts.values()) + len(names.get("purpose", "")) + 4 <= 99)
    request = vietqr.PaymentRequest(
        method=method, bin=bank, account=account, service=service, amount=amount, **names, **texts
    )
    text = vietqr.build(request)
    code = vietqr.parse(text + "\r\n")
    assert code == vietqr.VietQr(
        method=method, bin=bank, account=account, service=service, amount=amount, **names, **texts, crc=text[-4:]
    )
    assert vietqr.encode(code) == text


@settings(deadline=None, max_examples=200)
@given(at=st.integers(0), other=st.sampled_from(PRINTABLE))
def test_one_wrong_character_never_passes(at, other):
    text = vietqr.build(BILL)
    at %= len(text)
    assume(other.upper() != text[at])
    with pytest.raises(FormatError):
        vietqr.parse(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"amount": 0}, "bad_amount"),
        ({"amount": -5}, "bad_amount"),
        ({"amount": 10**13}, "bad_amount"),
        ({"amount": "7000"}, "bad_amount"),
        ({"bin": "97041"}, "bad_bin"),
        ({"bin": "97041５"}, "non_ascii"),
        ({"bin": ""}, "missing_field:38.01.00"),
        ({"account": "1" * 20}, "bad_account"),
        ({"account": "12 34"}, "bad_account"),
        ({"account": ""}, "missing_field:38.01.01"),
        ({"method": "13"}, "bad_method"),
        ({"service": "other:QRPUSH"}, "unknown_service"),
        ({"purpose": "!?"}, "missing_field:62.08"),
        ({"name": "Công ty Điện lực Thanh Xuân Hà Nội"}, "over_length:59"),
        ({"city": "Thành phố Hồ Chí Minh"}, "over_length:60"),
        ({"postal": "70000070000"}, "over_length:61"),
        ({"bill": "A" * 100}, "over_length:62.01"),
        ({"customer": "***"}, "prompt:62.06"),
        ({"customer": "PE9\x1b@"}, "malformed"),
        ({"customer": "mã"}, "non_ascii"),
        ({"customer": "\ud800"}, "non_ascii"),
        ({"mcc": "49"}, "malformed"),
    ],
)
def test_building_refuses_before_anything_is_shown(changes, word):
    assert refusal(**changes) == word


def test_a_category_of_four_digits_is_written():
    assert vietqr.parse(vietqr.build(replace(BILL, mcc="4900"))).mcc == "4900"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (sealed("0102125303704" + PAYEE + "5802VN"), "missing_field:00"),
        (sealed("000202010212" + PAYEE + "53037045802VN"), "bad_version"),
        (sealed("000201" + PAYEE + "53037045802VN"), "missing_field:01"),
        (sealed("000201010212" + PAYEE + "5303704"), "missing_field:58"),
        (sealed("000201010212" + PAYEE + "53037045802US"), "bad_country"),
        ("000201630412345802VN", "crc_not_last"),
        (sealed("000201010212" + PAYEE + "53037045802VN")[:-8] + "6305ABCDE", "malformed"),
        (dynamic("540800050000"), "bad_amount"),
        (dynamic("54020x"), "bad_amount"),
        (dynamic("540550.01"), "bad_amount"),
        (dynamic(field("54", "99999999999.00")), "bad_amount"),
        (dynamic("5602-1"), "bad_amount"),
        (dynamic("5703abc"), "bad_amount"),
        (dynamic("5400"), "malformed"),
        (dynamic(field("59", "\x1b@")), "malformed"),
        (dynamic(field("59", "a\x85b")), "malformed"),
        (dynamic(field("62", "0800")), "bad_subfield"),
        (dynamic(field("62", "08011080")), "bad_subfield"),
        (dynamic(field("62", "0801108012")), "duplicate_field"),
        (dynamic(payee=field("38", "0107ABCDEFG")), "bad_subfield"),
        (dynamic(payee=field("38", "0010A000000727")), "missing_field:38.01"),
        (dynamic(payee=field("27", "0010A000000727" + field("01", "0006970415"))), "missing_field:27.01.01"),
        (dynamic(payee=field("38", "0010A000000727" + field("01", "01011"))), "missing_field:38.01.00"),
        (dynamic(PAYEE.replace("38", "39", 1)), "duplicate_field"),
        (sealed("000201") + "\n\n" + sealed("000201"), "malformed"),
        ("0" * 20_000, "malformed"),
    ],
)
def test_parsing_refuses(text, word):
    assert reason(text) == word


def test_the_right_checksum_is_told():
    good = vietqr.build(BILL)
    with pytest.raises(FormatError) as refused:
        vietqr.parse(good[:-4] + "ZZZZ")
    assert refused.value.facts == {"crc_expected": good[-4:]}


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (dynamic(), ("dynamic_without_amount",)),
        (dynamic("540410.0"), ("amount_zero_fraction",)),
        (dynamic("5404100.", "5502015703050"), ("amount_trailing_point", "fee_indicator")),
        (dynamic("54011", "62070603***"), ("prompt:62.06",)),
        (dynamic("54011", field("60", "B" * 16), field("61", "C" * 11)), ("over_length:60", "over_length:61")),
        (
            dynamic("54011", payee=PAYEE.replace("38560010", "38440010").replace("0208QRIBFTTA", "")),
            ("unknown_service",),
        ),
        (dynamic("54011", payee=PAYEE.replace("38", "51", 1)), ()),
        (dynamic("54011", "6409anything!"), ()),
        (dynamic("54011", field("62", "0903AME5004abcd")), ()),
    ],
)
def test_parsing_remarks(text, warnings):
    assert vietqr.parse(text).warnings == warnings


@pytest.mark.parametrize(("identifier", "length_max"), [("59", 25), ("60", 15), ("61", 10), ("62.08", 25)])
def test_a_text_may_be_as_long_as_its_limit(identifier, length_max):
    for length, warnings in ((length_max, ()), (length_max + 1, (f"over_length:{identifier}",))):
        outer, _, inner = identifier.partition(".")
        value = field(inner, "A" * length) if inner else "A" * length
        assert vietqr.parse(dynamic("54011", field(outer, value))).warnings == warnings


def test_a_fee_in_percent_is_kept_as_written():
    assert vietqr.parse(dynamic("54011", "55020357032.5")).fee_percent == "2.5"


def test_decomposed_text_is_read_as_composed():
    composed = dynamic("54011", field("59", "Căn hộ"))
    assert vietqr.parse(composed.replace("ă", "a\u0306").replace("ộ", "o\u0323\u0302")) == vietqr.parse(composed)


def test_banks_are_named():
    assert vietqr.bank_name("970436", date(2026, 11, 21)) == "Vietcombank"
    assert vietqr.bank_name("000000", date(2026, 11, 21)) is None
