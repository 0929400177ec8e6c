"""Amounts: heard again from their words, and nothing but plain integers let in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats import money
from device_profiles.formats.refusal import FormatError

AMOUNTS = st.integers(0, money.AMOUNT_MAX_DONG)
ONES = {
    "không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4, "năm": 5, "lăm": 5, "sáu": 6, "bảy": 7,
    "tám": 8, "chín": 9,
}  # fmt: skip
SCALES = {"nghìn": 1_000, "triệu": 1_000_000}


def read_aloud(words):
    """Understand an amount in words as a listener does, by other rules than those that wrote it."""
    total = group = digit = 0
    for word in words.split():
        if word in ONES:
            digit = ONES[word]
        elif word == "mười":
            group, digit = group + 10, 0
        elif word == "mươi":
            group, digit = group + 10 * digit, 0
        elif word == "trăm":
            group, digit = group + 100 * digit, 0
        elif word in SCALES:
            total, group, digit = total + (group + digit) * SCALES[word], 0, 0
        elif word == "tỷ":
            total, group, digit = (total + group + digit) * 10**9, 0, 0
        else:
            assert word in {"linh", "đồng"}
    return total + group + digit


@settings(deadline=None, max_examples=300)
@given(AMOUNTS)
def test_an_amount_in_words_is_heard_as_the_same_amount(amount):
    assert read_aloud(money.words_vi(amount)) == amount


@settings(deadline=None, max_examples=100)
@given(AMOUNTS)
def test_an_amount_in_digits_is_the_same_amount(amount):
    assert money.format_vi(amount).replace(".", "") == f"{amount} đ"
    assert money.format_en(amount).replace(",", "") == f"VND {amount}"
    assert money.parse_amount(str(amount)) == amount


@pytest.mark.parametrize("value", [True, 7000.0, None, "1000", b"1", 10**0.5])
def test_only_integers_are_amounts(value):
    with pytest.raises(FormatError, match="not_an_integer"):
        money.check_amount(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_an_integer"),
        ("1.5", "not_an_integer"),
        ("1000đ", "not_an_integer"),
        ("1_000", "not_an_integer"),
        ("+1", "not_an_integer"),
        (" 1", "not_an_integer"),
        ("1\n", "not_an_integer"),
        ("007", "not_an_integer"),
        ("١", "not_an_integer"),
        ("-1", "negative"),
        ("-" + "9" * 5000, "negative"),
        ("9" * 5000, "too_large"),
        ("10000000000000", "too_large"),
    ],
)
def test_only_the_plain_form_is_read(text, reason):
    with pytest.raises(FormatError) as refused:
        money.parse_amount(text)
    assert refused.value.reasons == (reason,)
