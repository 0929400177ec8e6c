"""What operations do for services from the command line: an office's word on a dossier, the technician's PIN.

Decides which dossier is meant and where a PIN holds; what may be said of a dossier is `fleet_server.dossiers`. A PIN is
kept as its salted hash alone and travels in Desired.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.formats.codes import parse_provisional_code
from device_profiles.formats.refusal import FormatError
from fleet_server import dossiers
from fleet_server.commands import CommandRefused, opened

if TYPE_CHECKING:
    from pathlib import Path

    from fleet_server.dossiers import Decision
    from fleet_server.store import DossierWord, Filed, Store, Why

PIN = re.compile("[0-9]{6,8}")
PIN_SETTING = "technician_pin"
SALT_BYTES, HASH_BYTES = 16, 32
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1
FLEET = "fleet"

_WRONG_CODES = {
    "official_code": "is an office's code: give the station's own, TAM-…, that the resident was told",
    "malformed": "is no code of a station: it looks like TAM-K0001-000042-2",
    "bad_check": "is mistyped, its last digit does not fit: read it again",
}


class Decided(NamedTuple):
    """What became of an office's word on the dossier with this code; is_news: it did not stand there already."""

    code: str
    word: DossierWord
    is_news: bool


def decide(folder: Path, code: str, decision: Decision, told: str, why: Why) -> Decided:
    """Keep what an office decided of the dossier with this code.

    told: the official code of what is accepted, else the words for the resident. Raises CommandRefused, and Conflict
    where the official code is another dossier's.
    """
    try:
        wanted = parse_provisional_code(code).code
    except FormatError as error:
        raise CommandRefused(f"{code[:40]!r} {_WRONG_CODES[error.reason]}") from error

    def work(store: Store) -> Decided:
        dossier = _only(store.filed_under(wanted), wanted).dossier
        word = dossiers.word(dossier, decision, told, why.person, why.at_ms)
        is_news = store.add_dossier_word(word)
        if is_news:
            store.audit(why.at_ms, word.person, "dossier", wanted, f"{word.state} {word.official}".rstrip())
        return Decided(wanted, word, is_news)

    with opened(folder) as store:
        try:
            return store.run(work)
        except dossiers.Refused as refused:
            raise CommandRefused(str(refused)) from refused


def _only(found: list[Filed], code: str) -> Filed:
    if not found:
        raise CommandRefused(
            f"the fleet has no dossier {code}: its station may not have sent it yet, look at its backlog"
        )
    if len(found) > 1:
        raise CommandRefused(f"{len(found)} dossiers have the code {code}: this is a fault, tell the software team")
    return found[0]


def set_pin(folder: Path, station: str | None, pin: str, why: Why) -> int:
    """Set the technician's PIN of one station, or of all; give for how many stations it holds.

    For all: a station's own PIN ends, so that one who knew it is out everywhere. Raises CommandRefused, never naming
    the PIN.
    """
    hidden = pin_secret(pin).hex()

    def work(store: Store) -> int:
        known = [each.id for each in store.stations()]
        if station is not None and station not in known:
            raise CommandRefused(f"no station {station} is registered (there are: {', '.join(known[:20]) or 'none'})")
        scope = station or FLEET
        store.put_settings(scope, {**store.settings(scope), PIN_SETTING: hidden}, why)
        for each in () if station else known:
            kept = dict(store.settings(each))
            if kept.pop(PIN_SETTING, None) is not None:
                store.put_settings(each, kept, why)
        store.audit(why.at_ms, why.person, "technician-pin", scope)
        return 1 if station else len(known)

    with opened(folder) as store:
        return store.run(work)


def pin_secret(pin: str) -> bytes:
    """Give what a station is told of a PIN (Desired, setting 4): salt and scrypt hash. Raises CommandRefused."""
    if not PIN.fullmatch(pin):
        raise CommandRefused("a technician's PIN has 6 to 8 digits and nothing else: choose another")
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if steps in ({0}, {1}, {9}):
        raise CommandRefused(
            "this PIN is guessed first (one digit again and again, or digits in a row): choose another"
        )
    salt = secrets.token_bytes(SALT_BYTES)
    return salt + hashlib.scrypt(pin.encode("ascii"), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, dklen=HASH_BYTES)
