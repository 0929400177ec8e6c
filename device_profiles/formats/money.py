"""Amounts in dong: checked, in digits, in words.

Decides how an amount is written. Amounts are integers; anything else is a programming error, never something to
round. Words follow northern speech (nghìn, linh), lower-case; a slip capitalises the first letter itself.
"""

import re

from device_profiles.formats.refusal import FormatError

AMOUNT_MAX_DONG = 9_999_999_999_999  # 13 digits: the longest amount a VietQR holds

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_AFTER_MUOI = {5: "lăm"}
_AFTER_TENS = {1: "mốt", 4: "tư", 5: "lăm"}


def check_amount(amount: object) -> int:
    """Give the amount back when it is one.

    Raises:
        FormatError: not_an_integer (also for True and 7000.0), negative, too_large.
    """
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise FormatError("not_an_integer")
    if amount < 0:
        raise FormatError("negative")
    if amount > AMOUNT_MAX_DONG:
        raise FormatError("too_large")
    return amount


def parse_amount(text: str) -> int:
    """Read an amount from its plain form: ASCII digits without leading zeros, as JSON writes an integer.

    Raises:
        FormatError: as ``check_amount``.
    """
    match = re.fullmatch("(-?)(0|[1-9][0-9]*)", text)
    if not match:
        raise FormatError("not_an_integer")
    # int() refuses texts of thousands of digits with an error of its own: no more digits than needed to be too large.
    return check_amount(int(match[1] + match[2][:14]))


def format_vi(amount: int) -> str:
    """``1.234.567 đ``; raises as ``check_amount``."""
    return f"{check_amount(amount):,} đ".replace(",", ".")


def format_en(amount: int) -> str:
    """``VND 1,234,567``; raises as ``check_amount``."""
    return f"VND {check_amount(amount):,}"


def words_vi(amount: int) -> str:
    """Give the amount in words, as after "Bằng chữ:" on a slip; raises as ``check_amount``."""
    if check_amount(amount) == 0:
        return "không đồng"
    billions, rest = divmod(amount, 10**9)
    words = _groups((billions // 1000, "nghìn"), (billions % 1000, ""), first=True)
    if billions:
        words.append("tỷ")
    words += _groups((rest // 10**6, "triệu"), (rest // 1000 % 1000, "nghìn"), (rest % 1000, ""), first=not billions)
    return " ".join([*words, "đồng"])


def _groups(*groups: tuple[int, str], first: bool) -> list[str]:
    """Read groups of three digits; all but the first of the amount with their empty hundreds, groups of zeros not."""
    words: list[str] = []
    for value, unit in groups:
        if value:
            words += _group(value, with_hundreds=not first)
            words += [unit] if unit else []
            first = False
    return words


def _group(value: int, *, with_hundreds: bool) -> list[str]:
    hundreds, tens, ones = value // 100, value // 10 % 10, value % 10
    words = [_DIGITS[hundreds], "trăm"] if hundreds or with_hundreds else []
    if tens > 1:
        words += [_DIGITS[tens], "mươi"]
    elif tens == 1:
        words.append("mười")
    elif words and ones:
        words.append("linh")
    if ones:
        exceptions = _AFTER_TENS if tens > 1 else _AFTER_MUOI if tens else {}
        words.append(exceptions.get(ones, _DIGITS[ones]))
    return words
