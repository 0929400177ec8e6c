"""The kinds of record and their fields: what a station may say happened. Seals, stores and sends nothing.

A body is {0: kind, 1: version of the kind, 2: {number: value}}. `check` is the one judge on both ends: the station
asks it before a record is sealed, the opener asks it again after opening; what fails there is quarantined.
Payment-card numbers never enter: every text and number is scanned but for the typed fields named in `TYPED`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from device_profiles import layout
from device_profiles.answers import SOURCES
from device_profiles.cbor import WireError, decode, encode
from device_profiles.formats import codes
from device_profiles.formats.text import luhn_card_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
BODY_MAX_BYTES = 64 * 1024

PAYMENT_STATES = (
    "CREATED",
    "QR_SHOWN",
    "AWAITING_CONFIRMATION",
    "CONFIRMED",
    "SETTLED",
    "EXPIRED",
    "CANCELLED_BY_USER",
    "FAILED",
    "EXCEPTION",
    "REFUND_PENDING",
    "REFUNDED",
)
ANSWERS_MAX = 160
ANSWER_MAX_CHARACTERS = 2_000
ANSWERS_MAX_BYTES = 48 * 1024  # of all together, in UTF-8: the largest padding holds them and the other fields
DOSSIER_STATES = ("QUEUED", "SENT", "ACCEPTED", "NEEDS_MORE", "REJECTED")
EXCEPTION_REASONS = ("AMOUNT_MISMATCH", "DUPLICATE", "LATE_CREDIT", "UNKNOWN_REF", "NO_CREDIT", "BILL_CLOSED")

KINDS = {
    "journal.opened": layout.shape(
        reason=layout.text(1, 80),
        last_next=layout.number(2, optional=True),
        last_digest=layout.raw(3, 32, optional=True),
    ),
    "station.started": layout.shape(version=layout.text(1, 40), boot=layout.number(2)),
    "visit.ended": layout.shape(
        service=layout.text(1, 40, optional=True),
        outcome=layout.text(2, 20),
        seconds=layout.number(3, 86_400),
        language=layout.text(4, 8),
    ),
    "payment.created": layout.shape(
        service=layout.text(1, 40),
        biller=layout.text(2, 80),
        building=layout.text(3, 60),
        unit=layout.text(4, 20),
        period=layout.text(5, 7),
        bill=layout.raw(6, 8),
        owner=layout.text(7, 80),
        amount=layout.number(8, 10**13 - 1, least=1),
        due=layout.text(9, 10),
        payee_bin=layout.text(10, 6),
        payee_account=layout.text(11, 19),
        payee_name=layout.text(12, 60),
        reference=layout.text(13, 12),
        code=layout.text(14, 20),
        bills_version=layout.number(15),
        bills_as_of_ms=layout.time_ms(16),
        online=layout.flag(17),
        consent=layout.text(18, 40),
        expires_ms=layout.time_ms(19),
    ),
    "payment.state": layout.shape(
        state=layout.text(1, 40), reason=layout.text(2, 40, optional=True), as_of_ms=layout.time_ms(3, optional=True)
    ),
    "dossier.created": layout.shape(
        service=layout.text(1, 40),
        form=layout.text(2, 40),
        catalogue=layout.number(3),
        code=layout.text(4, 20),
        ward=layout.text(5, 5, optional=True),
        identity=layout.text(6, 20),
        answers=layout.items(7, ANSWERS_MAX),
        consent=layout.text(8, 40, optional=True),
        urgent=layout.flag(9),
        deadline_ms=layout.time_ms(10, optional=True),
        language=layout.text(11, 8),
        online=layout.flag(12),
    ),
    "dossier.seen": layout.shape(state=layout.text(1, 20), official=layout.text(2, 40, optional=True)),
    "technician.entry": layout.shape(result=layout.text(1, 12), seconds=layout.number(2, 86_400, optional=True)),
    "slip.result": layout.shape(
        job=layout.raw(1, 16),
        slip=layout.text(2, 20),
        result=layout.text(3, 12),
        copy=layout.number(4, 99, least=1),
        detail=layout.text(5, 200, optional=True),
    ),
    "desired.result": layout.shape(
        rev=layout.number(1), result=layout.text(2, 12), reason=layout.text(3, 200, optional=True)
    ),
    "set.result": layout.shape(
        name=layout.text(1, 80),
        version=layout.number(2),
        result=layout.text(3, 12),
        reason=layout.text(4, 200, optional=True),
    ),
    "device.state": layout.shape(
        port=layout.text(1, 20),
        name=layout.text(2, 60),
        state=layout.text(3, 20),
        paper=layout.text(4, 12, optional=True),
        detail=layout.text(5, 200, optional=True),
        action=layout.text(6, 20, optional=True),
        identity=layout.text(7, 80, optional=True),
        flapping=layout.flag(8, optional=True),
    ),
}

# Kinds that have grown: their newest version, in which they are written; all others are in version 1.
VERSIONS = {"device.state": 2}
# The version of its kind that brought a field; one that is not named here is as old as its kind.
SINCE = {("device.state", name): 2 for name in ("action", "identity", "flapping")}

# Values whose words are a closed list.
WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("visit.ended", "outcome"): ("finished", "cancelled", "timed_out", "fault"),
    ("payment.state", "state"): PAYMENT_STATES,
    ("payment.state", "reason"): EXCEPTION_REASONS,
    ("dossier.created", "identity"): ("none", "typed", "claimed", "chip_read", "chip_verified"),
    ("dossier.created", "language"): ("vi", "en"),
    ("dossier.seen", "state"): DOSSIER_STATES,
    ("technician.entry", "result"): ("opened", "refused", "locked", "left"),
    ("slip.result", "slip"): ("pending", "confirmed", "code", "saved", "sent", "accepted", "rejected"),
    ("slip.result", "result"): ("confirmed", "failed", "unknown"),
    ("desired.result", "result"): ("applied", "refused"),
    ("set.result", "result"): ("applied", "refused"),
}

# Typed fields that may hold 13 to 19 digits by their nature, each with a check of its own. Reviewed, and short.
TYPED = {
    ("payment.created", "amount"): "whole dong, bounded by its rule",
    ("payment.created", "payee_account"): "from a set signed by an offline key, never from a resident; FORMS below",
    ("payment.created", "bills_as_of_ms"): "a time, bounded by its rule",
    ("payment.created", "expires_ms"): "a time, bounded by its rule",
    ("payment.state", "as_of_ms"): "a time, bounded by its rule",
    ("dossier.created", "deadline_ms"): "a time, bounded by its rule",
    ("dossier.seen", "official"): "an office's own code, which has up to 18 digits; FORMS below",
}

# Text whose form is checked besides its length.
FORMS = {
    ("payment.created", "payee_account"): re.compile("[0-9A-Za-z]{1,19}"),
    ("dossier.created", "ward"): re.compile("[0-9]{5}"),
    ("dossier.seen", "official"): codes.DOSSIER,
}
_ANSWER_KEY = re.compile("[a-z][a-z0-9_]{0,29}(?:[.][1-9])?")


class RecordError(WireError):
    """A body that the contract does not allow; `kind` and `field` say where."""

    def __init__(self, kind: str, field: str, reason: str) -> None:
        super().__init__("record", f"{kind}.{field}: {reason}" if field else f"{kind}: {reason}")
        self.kind = kind
        self.field = field


def check(kind: str, fields: Mapping[str, Any]) -> dict[int, Any]:
    """Judge the fields of a kind; give them by number. Raises RecordError naming kind, field and reason."""
    if kind not in KINDS:
        raise RecordError(kind[:40], "", "unknown kind of record")
    try:
        numbered = layout.to_table(KINDS[kind], fields, kind)
    except layout.FieldError as error:
        raise RecordError(kind, error.name, error.words) from error
    for name, value in fields.items():
        if value is not None:
            _judge(kind, name, value)
    return numbered


def _judge(kind: str, name: str, value: Any) -> None:
    if (kind, name) == ("dossier.created", "answers"):
        for each in value:
            _judge_answer(each)
        if sum(len(each[1].encode()) for each in value) > ANSWERS_MAX_BYTES:
            raise RecordError(kind, name, f"has more than {ANSWERS_MAX_BYTES} bytes of answers")
    # The card scan comes first: what a later refusal repeats must not be a card number.
    if (kind, name) not in TYPED and type(value) in (str, int) and luhn_card_runs(str(value)):
        raise RecordError(kind, name, "looks like a payment-card number, which must not enter")
    allowed = WORDS.get((kind, name))
    if allowed and value not in allowed:
        raise RecordError(kind, name, f"{value!r} is none of {', '.join(allowed)}")
    form = FORMS.get((kind, name))
    if form and not form.fullmatch(value):
        raise RecordError(kind, name, "is not of its form")


def _judge_answer(row: Any) -> None:
    """One answer: [key, text in NFC, source]; each key once is the form's matter, not the record's."""
    kind, name = "dossier.created", "answers"
    match row:
        case [str(key), str(value), str(source)] if _ANSWER_KEY.fullmatch(key) and source in SOURCES:
            pass
        case _:
            raise RecordError(kind, name, "an answer is [key, text in NFC, source]")
    if not unicodedata.is_normalized("NFC", value) or any(unicodedata.category(each) == "Cs" for each in value):
        raise RecordError(kind, name, f"{key} is not in NFC")
    if not 0 < len(value) <= ANSWER_MAX_CHARACTERS:
        raise RecordError(kind, name, f"{key} must have 1 to {ANSWER_MAX_CHARACTERS} characters")
    if luhn_card_runs(value):
        raise RecordError(kind, name, f"{key} looks like a payment-card number, which must not enter")


def version_of(kind: str) -> int:
    """The version in which a kind is written; every earlier one is read for ever."""
    return VERSIONS.get(kind, VERSION)


def pack(kind: str, fields: Mapping[str, Any]) -> bytes:
    """Give the body of a record, not yet padded or sealed. Raises RecordError."""
    return encode({0: kind, 1: version_of(kind), 2: check(kind, fields)})


def unpack(body: bytes) -> tuple[str, dict[str, Any]]:
    """Read a body: (kind, fields by name). Raises WireError (RecordError where the contract refuses)."""
    match decode(body, BODY_MAX_BYTES):
        case {0: str(kind), 1: version, 2: dict(numbered), **rest} if not rest and type(version) is int:
            pass
        case _:
            raise WireError("record", "a body is {0: kind, 1: version, 2: fields}")
    if kind not in KINDS:
        raise RecordError(kind[:40], "", "unknown kind of record")
    if not VERSION <= version <= version_of(kind):
        raise WireError("record", f"version {version} of {kind}, known here: {VERSION} to {version_of(kind)}")
    try:
        fields = layout.from_table(KINDS[kind], numbered, kind)
    except layout.FieldError as error:
        raise RecordError(kind, error.name, error.words) from error
    check(kind, fields)
    for name in fields:
        if version < SINCE.get((kind, name), VERSION):
            raise RecordError(kind, name, f"is not yet in version {version} of its kind")
    return kind, fields
