"""The payment reference: ten Crockford base32 characters that come back on a bank statement.

Decides how a reference looks, whether it was mistyped, and which ones stand in a memo. Whether one was ever issued is
the ledger's knowledge. The last character is a check inside the same 32 letters, because banks lose Crockford's own
extra check signs: a weighted sum over GF(32) with a different weight for each place, which catches every wrong
character and every swap of two.
"""

import re

from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import ascii_upper, fold_for_bank, without_blanks

WORD = "SKHCM"  # stands before the reference in a transfer's purpose
LENGTH = 10
RANDOM_LENGTH_MIN_BYTES = 6

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {c: i for i, c in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}  # as Crockford reads them
_DATA_BITS = 5 * (LENGTH - 1)
_POLYNOMIAL = 0b100101  # x^5 + x^2 + 1: x generates all 31 elements, so weights of nine places differ


def payment_reference(random_bytes: bytes) -> str:
    """Give the reference for at least six random bytes; the same bytes give the same reference.

    45 bits count: one chance in 35 million million that two given payments share a reference.

    Raises:
        FormatError: too_short.
    """
    if len(random_bytes) < RANDOM_LENGTH_MIN_BYTES:
        raise FormatError("too_short")
    number = int.from_bytes(random_bytes[:RANDOM_LENGTH_MIN_BYTES]) >> (8 * RANDOM_LENGTH_MIN_BYTES - _DATA_BITS)
    data = "".join(_ALPHABET[number >> shift & 31] for shift in range(_DATA_BITS - 5, -1, -5))
    return data + _ALPHABET[_check_value(data)]


def payment_purpose(reference: str) -> str:
    """Give the purpose of a transfer: the word, a space, the reference."""
    return f"{WORD} {reference}"


def check_reference(text: str) -> str:
    """Read a reference as people write it (any case, blanks, hyphens, O for 0, I and L for 1); give its own form.

    Raises:
        FormatError: malformed, bad_check.
    """
    letters = ascii_upper(without_blanks(text)).replace("-", "")
    if len(letters) != LENGTH or any(c not in _VALUES for c in letters):
        raise FormatError("malformed")
    own = "".join(_ALPHABET[_VALUES[c]] for c in letters)
    if _ALPHABET[_check_value(own[:-1])] != own[-1]:
        raise FormatError("bad_check")
    return own


def find_reference(memo: str) -> list[str]:
    """Find references in a bank memo: any case, marks or spaces lost, whatever the bank put before and after.

    What follows the word is the answer where there is such. Otherwise every place is tried, and as one random
    place in 32 passes the check, the caller must look each up among the references it issued.
    """
    letters = fold_for_bank(memo).replace(" ", "")
    after_word = _valid(re.findall(f"(?={WORD}([0-9A-Z]{{{LENGTH}}}))", letters))
    return after_word or _valid(re.findall(f"(?=([{_ALPHABET}]{{{LENGTH}}}))", letters))


def _valid(candidates: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for candidate in candidates:
        try:
            found[check_reference(candidate)] = None
        except FormatError:
            continue
    return list(found)


def _check_value(data: str) -> int:
    """Give the sum of value times x^place over GF(32), the last character at place 1 (the check has place 0)."""
    total = 0
    for c in data:
        total = _times_x(total ^ _VALUES[c])
    return total


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ _POLYNOMIAL if value & 32 else value
