"""Dossiers: what an office may decide, which words may reach a resident, and when a deadline is near. Rules only.

What a station said is the projection's; what the office says is kept for ever, and the newest word holds. Nothing here
reads an answer.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal

from device_profiles.formats.codes import parse_dossier_code
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import luhn_card_runs, normalise
from fleet_server.store import DossierWord

if TYPE_CHECKING:
    from fleet_server.store import Dossier, Filed

Decision = Literal["ACCEPTED", "NEEDS_MORE", "REJECTED"]
SENT, ACCEPTED, NEEDS_MORE, REJECTED = "SENT", "ACCEPTED", "NEEDS_MORE", "REJECTED"
STATES = (SENT, NEEDS_MORE, ACCEPTED, REJECTED)
UNKNOWN = "UNKNOWN"
WORDS_MAX = 300  # as an answer carries them
SHOWN_MAX = 40
PERSON_MAX = 60
SOON_MS = 2 * 3_600_000  # domain reference, section 15.2
SLOW_MS = 3_600_000  # the same: no official code an hour after the fleet has it

_WRONG_CODES = {
    "provisional_code": "is a station's own code: the official one is on the office's receipt",
    "procedure_code": "is the code of a procedure, not of a dossier: take the one on the office's receipt",
    "malformed": "is no dossier code: write it as on the office's receipt, like H29.17-261122-0001",
    "bad_date": "has no day that exists in its middle: read it again on the office's receipt",
}


class Refused(ValueError):
    """What may not be said of a dossier; the words name it and the remedy."""


def word(dossier: Dossier, state: Decision, told: str, person: str, at_ms: int) -> DossierWord:
    """Give the word of an office. told: the official code of what is accepted, else the words for the resident.

    Raises Refused for a code that is none, for words that may not reach a resident, and for nobody's word.
    """
    if not 0 < len(normalise(person)) <= PERSON_MAX:
        raise Refused(f"a word on a dossier needs a person of at most {PERSON_MAX} characters: say --person NAME")
    official = official_code(told) if state == ACCEPTED else ""
    words = "" if state == ACCEPTED else resident_words(told)
    return DossierWord(dossier.device, dossier.txn, state, official, words, normalise(person), at_ms)


def official_code(text: str) -> str:
    """Give an office's code in its stored form. Raises Refused."""
    try:
        return parse_dossier_code(text).code
    except FormatError as error:
        raise Refused(f"{text[:SHOWN_MAX]!r} {_WRONG_CODES[error.reason]}") from error


def resident_words(text: str) -> str:
    """Give words as a screen and a slip can say them: NFC, one line, bounded. Raises Refused, never naming a number."""
    words = normalise(text)
    if not 0 < len(words) <= WORDS_MAX:
        raise Refused(f"words for a resident have 1 to {WORDS_MAX} characters, these have {len(words)}: say it shorter")
    if any(unicodedata.category(each)[0] == "C" for each in words):
        raise Refused("these words hold a control character: type them again as plain text")
    if luhn_card_runs(words):
        raise Refused("these words hold what looks like a bank card's number: leave it out")
    return words


def answer(filed: Filed | None) -> dict[str, str]:
    """What a station is told of its own dossier, by the names of `messages.ANSWERS`."""
    if filed is None:
        return {"state": UNKNOWN}
    told = {"state": filed.state}
    if filed.word and filed.word.official:
        told["official"] = filed.word.official
    if filed.word and filed.word.words:
        told["words"] = filed.word.words
    return told


def deadline(filed: Filed, now_ms: int) -> Literal["", "far", "at_risk", "overdue", "was"]:
    """How a deadline stands: "" = there is none; "was" = an office has decided, nobody waits any more."""
    due_ms = filed.dossier.deadline_ms
    if due_ms is None:
        return ""
    if filed.state != SENT:
        return "was"
    if due_ms < now_ms:
        return "overdue"
    return "at_risk" if due_ms <= now_ms + SOON_MS else "far"


def is_slow(filed: Filed, now_ms: int) -> bool:
    """Whether the fleet has had it for an hour and no office has said a word."""
    return filed.state == SENT and now_ms - filed.dossier.received_ms > SLOW_MS
