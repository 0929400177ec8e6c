"""Text as residents, banks and searches write it: one stored form, one search key, one bank form, one mask.

Decides spelling only. Does not decide what a name means, and repairs nothing that was damaged on the way.
"""

import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase

NO_NAME = "***"

_DROP_SPACES = dict.fromkeys(map(ord, " \u00a0\u2007\u202f"))  # office software inserts the no-break ones
_DROP_APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u02bc\u2018\u2019"))
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)
_PLAIN_D = str.maketrans("Đđ", "Dd")

CARD_DIGITS_MIN = 13
_CARD_RUN = re.compile(r"[0-9](?:[ ./-]*[0-9])*")
_CARD_GROUP_LENGTHS = ((4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 5))


def normalise(text: str) -> str:
    """Give the stored form: NFC, trimmed, runs of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def search_key(text: str) -> str:
    """Give what two spellings of one name share: no marks, đ as d, case folded, punctuation as one space.

    Apostrophes vanish (H'Lan is found as hlan); hoà and hòa have the same key.
    """
    folded = _without_marks(unicodedata.normalize("NFD", text).casefold()).translate(_DROP_APOSTROPHES)
    return " ".join("".join(c if c.isalnum() else " " for c in folded.translate(_PLAIN_D)).split())


def fold_for_bank(text: str) -> str:
    """Give what survives every bank: A-Z, 0-9 and single spaces; marks stripped, Đ as D. Never cut to fit."""
    return re.sub("[^A-Z0-9]+", " ", ascii_upper(_without_marks(text).translate(_PLAIN_D))).strip(" ")


def mask_name(name: str) -> str:
    """Give a name as bills show it: ``NGUYEN *** AN``, first and last word.

    A name of two words shows the first only, one of one word its first letter: nothing that is asked to be hidden
    may be the whole name.
    """
    words = fold_for_bank(name).split()
    if len(words) > 2:
        return f"{words[0]} {NO_NAME} {words[-1]}"
    if len(words) == 2:
        return f"{words[0]} {NO_NAME}"
    return words[0][0] + NO_NAME if words else NO_NAME


def ascii_upper(text: str) -> str:
    """Upper-case a-z only: ``str.upper`` also makes I of the dotless ı and S of the long ſ."""
    return text.translate(_UPPER)


def without_blanks(text: str) -> str:
    """Drop what people and scanners add to codes: spaces and no-break spaces anywhere, tabs and line ends outside."""
    return text.translate(_DROP_SPACES).strip("\t\r\n")


def luhn_card_runs(text: str) -> tuple[str, ...]:
    """Find what may be a payment card number: 13 to 19 digits that pass Luhn.

    Digits of every script count, as do digits with spaces, points, dashes or slashes between them. Looked at are
    whole runs, single groups inside a run, and groups as they are printed on cards, so that an expiry date after
    the number does not hide it. One random number in ten passes: a typed field with its own check is exempt, by its
    caller's decision. The result is as secret as a card number: count it, never log it.
    """
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if sum(map(str.isdecimal, folded)) < CARD_DIGITS_MIN:  # nearly every text: half of a record's time before it
        return ()
    found: dict[str, None] = {}
    for run in _CARD_RUN.findall(_ascii_digits(folded)):
        groups = re.findall("[0-9]+", run)
        candidates = ["".join(groups), *groups]
        for lengths in _CARD_GROUP_LENGTHS:
            for start in range(len(groups) - len(lengths) + 1):
                part = groups[start : start + len(lengths)]
                if tuple(map(len, part)) == lengths:
                    candidates.append("".join(part))
        found.update((c, None) for c in candidates if CARD_DIGITS_MIN <= len(c) <= 19 and _luhn(c))
    return tuple(found)


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.category(c).startswith("M"))


def _ascii_digits(text: str) -> str:
    """NFKC with every digit as 0-9, every dash as -, every slash as /, every space as one, invisible signs gone."""
    out = []
    for c in unicodedata.normalize("NFKC", text):
        category = unicodedata.category(c)
        if category == "Nd":
            out.append(str(unicodedata.decimal(c)))
        elif category == "Pd" or c == "\u2212":
            out.append("-")
        elif category == "Zs" or c == "\t":
            out.append(" ")
        elif category != "Cf":
            out.append("/" if c == "\u2044" else c)
    return "".join(out)


def _luhn(digits: str) -> bool:
    doubled = (int(d) * 2 for d in digits[-2::-2])
    return (sum(int(d) for d in digits[::-2]) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0
