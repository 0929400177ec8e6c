"""Text: one form, one key, one bank form; a card number is found however it is written."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats import text

QUICK = settings(deadline=None, max_examples=200)
PAN = "4111111111111111"  # the public test number of a card brand


@QUICK
@given(st.text())
def test_normalising_twice_changes_nothing_and_leaves_nfc(given_text):
    once = text.normalise(given_text)
    assert text.normalise(once) == once == unicodedata.normalize("NFC", once)


@QUICK
@given(st.text())
def test_a_search_key_is_its_own_key_whatever_the_normal_form(given_text):
    key = text.search_key(given_text)
    assert text.search_key(key) == key
    assert text.search_key(unicodedata.normalize("NFD", given_text)) == key


@QUICK
@given(st.text())
def test_bank_text_is_letters_digits_and_single_spaces(given_text):
    folded = text.fold_for_bank(given_text)
    assert set(folded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
    assert folded == " ".join(folded.split())
    assert text.fold_for_bank(folded) == folded


def test_bank_text():
    assert text.fold_for_bank("  Đặng Thị Ngọc-Đào (T9) ") == "DANG THI NGOC DAO T9"


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Nguyễn Văn An", "NGUYEN *** AN"),
        ("NGUYEN THI MINH ANH", "NGUYEN *** ANH"),
        ("Trần Bình", "TRAN ***"),
        ("An", "A***"),
        ("", "***"),
        ("李小龍", "***"),
    ],
)
def test_a_masked_name_never_shows_all_of_it(name, masked):
    assert text.mask_name(name) == masked


def test_upper_case_is_ascii_only():
    assert text.ascii_upper("aıſzđ") == "AıſZđ"


def test_blanks_inside_are_spaces_only():
    assert text.without_blanks(" \t0 7\u00a09\u202f1\u2007\r\n") == "0791"
    assert text.without_blanks("079\n190") == "079\n190"


@pytest.mark.parametrize(
    "written",
    [
        PAN,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111/1111 1111",
        "4111 - 1111 - 1111 - 1111",
        "4111–1111—1111−1111",
        "4111\u00a01111\u20091111\t1111",
        "４１１１１１１１１１１１１１１１",
        "٤١١١١١١١١١١١١١١١",
        "⁴¹¹¹¹¹¹¹¹¹¹¹¹¹¹¹",
        "4111\u200b1111\u200b1111\u200b1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "số thẻ4111111111111111nhé",
        "4111111111111111 12/25",
        "4111 1111 1111 1111 12/25",
        "4111 1111 1111 1111 12/25 123",
        "5 4111 1111 1111 1111 2025",
        "1⁄2 4111111111111111",
    ],
)
def test_a_card_number_is_found_however_it_is_written(written):
    assert text.luhn_card_runs(written) == (PAN,)


@pytest.mark.parametrize(
    ("digits", "found"),
    [
        ("378282246310005", True),
        ("3782 822463 10005 09/28", True),
        ("3056 930902 5904 09/28", True),
        ("4222222222222", True),
        ("6304000000000000018", True),
        ("4111111111111112", False),
        ("411111111111", False),
        ("41111111111111111111", False),
        ("4111 1111\n1111 1111", False),
        ("4111a1111b1111c1111", False),
        ("079190012345", False),
        ("15/01/1990 079190012345", False),
        ("", False),
    ],
)
def test_only_13_to_19_digits_that_pass_luhn_count(digits, found):
    assert bool(text.luhn_card_runs(digits)) is found


def luhn_number(length):
    """Give digits of that length that pass Luhn, by counting up to the one that does."""
    for last in range(10):
        digits = ("400005665566555600012345"[: length - 1]) + str(last)
        doubled = [int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits))]
        if sum(d // 10 + d % 10 for d in doubled) % 10 == 0:
            return digits
    raise AssertionError


@pytest.mark.parametrize("length", range(11, 22))
def test_13_to_19_digits_count(length):
    assert bool(text.luhn_card_runs(luhn_number(length))) is (13 <= length <= 19)


@pytest.mark.parametrize(
    "layout", [(4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 5)]
)
def test_groups_as_on_cards_are_found_between_other_digits(layout):
    digits = iter(luhn_number(sum(layout)))
    groups = ["".join(next(digits) for _ in range(length)) for length in layout]
    assert luhn_number(sum(layout)) in text.luhn_card_runs(" ".join(["2026 07 00", *groups, "12/2029"]))


def test_each_number_is_told_once_in_order():
    assert text.luhn_card_runs(f"378282246310005, {PAN}; {PAN}") == ("378282246310005", PAN)


@QUICK
@given(st.text(st.characters(categories=None)))
def test_any_text_can_be_scanned(given_text):
    assert all(13 <= len(run) <= 19 and run.isascii() and run.isdigit() for run in text.luhn_card_runs(given_text))
