"""Telephone numbers: what the vectors leave open for mobiles, offices and hotlines."""

from datetime import date

import pytest

from device_profiles.formats import phone
from device_profiles.formats.refusal import FormatError

AS_OF = date(2026, 11, 21)


def reason(text, field):
    with pytest.raises(FormatError) as refused:
        phone.parse_phone(text, field=field, as_of=AS_OF)
    return refused.value.reason


@pytest.mark.parametrize(
    ("text", "e164", "display"),
    [
        ("0912345678", "+84912345678", "0912 345 678"),
        ("(028) 3812-3456", "+842838123456", "028 3812 3456"),
        ("02513822345", "+842513822345", "0251 382 2345"),
        ("1900 54 54 69", "+841900545469", "1900 545469"),
        ("18001091", "+8418001091", "1800 1091"),
    ],
)
def test_an_office_may_have_any_kind_of_number(text, e164, display):
    assert phone.parse_phone(text, field="office_phone", as_of=AS_OF) == phone.Phone(e164, display)


@pytest.mark.parametrize(
    "text", ["84912345678", "+84912345678", "0912345678\r\n", "0912\u00a0345 678", "[09]12-345.678"]
)
def test_a_mobile_is_stored_in_one_form(text):
    assert phone.parse_phone(text, field="resident_mobile", as_of=AS_OF).e164 == "+84912345678"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not_digits"),
        ("+", "not_digits"),
        ("09+12345678", "not_digits"),
        ("113", "not_mobile"),
        ("0691234567", "not_mobile"),
        ("1900545469", "not_mobile"),
        ("849123456", "missing_leading_zero"),
        ("0840912345678", "wrong_length"),
        ("+840912345678", "wrong_length"),
        ("+12025550123", "wrong_length"),
        ("9123456789", "not_assigned"),
    ],
)
def test_no_mobile(text, word):
    assert reason(text, "resident_mobile") == word


@pytest.mark.parametrize(
    ("text", "word"), [("0693187111", "not_assigned"), ("01681234567", "old_11_digit_number"), ("1900", "wrong_length")]
)
def test_no_office(text, word):
    assert reason(text, "office_phone") == word


@pytest.mark.parametrize("number", ["0693187111", "113", "114", "115"])
def test_hotlines_are_shown_as_written(number):
    assert phone.parse_phone(number, field="hotline", as_of=AS_OF) == phone.Phone(None, number)


def test_a_hotline_must_stand_on_the_list():
    assert reason("0912345678", "hotline") == "not_assigned"
    assert {row["number"] for row in phone.hotlines(AS_OF)} >= {"0693187111", "113", "114", "115"}
