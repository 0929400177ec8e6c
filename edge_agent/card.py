"""What is asked of a chip card, what it gives, and what may be wrong with it. Values only; decides nothing.

Personal data stands in a `CardData`: it lives in memory for the visit, and its fields never appear in a `repr`, so that
no log and no traceback can hold them. Sources: ICAO Doc 9303-10 (files), 9303-11 (access), 9303-12 (authenticity).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FaultKind = Literal[
    "no_card",  # nothing lies on the reader
    "two_cards",  # more than one does, or two readers hold one each
    "wrong_can",  # the chip refused the six digits
    "wrong_mrz",  # the chip refused the printed lines
    "blocked",  # the chip takes no more attempts
    "unsupported",  # no identity document: another kind of card
    "torn",  # taken or moved before all was read
    "mute",  # it lies there and does not answer
    "damaged",  # it answers what no such chip may answer
    "not_authentic",  # its data are not what its issuer signed
    "copied",  # the data are the issuer's, and the chip does not prove to hold the key that belongs to them
    "too_slow",  # the time allowed for one reading is over
    "reader_lost",  # the reader itself is gone
]
Part = Literal["uid", "dg1", "dg2", "dg13"]
Authenticity = Literal["verified", "not_verified"]
CloneCheck = Literal["chip", "active", "unproven", "not_offered"]
Doubt = Literal[
    "",  # verified
    "no_anchors",  # this station was given no issuer's certificate
    "issuer",  # none of those it was given is this card's issuer's
    "period",  # a certificate is out of date, or not made for this purpose
    "algorithm",  # signed in a way that is not spoken here
    "unsigned",  # the card has no signature, or it does not cover all that was read
    "unproven",  # the card lists a key of its own and gave no proof of it
]


class CardFault(Exception):
    """The card (not the reader's driver) did not give what was asked; `kind` is what the resident is told.

    The words are for the technician: they name the step and the status word, never a value that was read.
    """

    def __init__(self, kind: FaultKind, words: str) -> None:
        super().__init__(words)
        self.kind: FaultKind = kind


@dataclass(frozen=True, slots=True)
class Secret:
    """What opens the chip.

    can: six ASCII digits (the last six of the ID number). mrz: the MRZ information of ICAO 9303-11: document number,
    birth and expiry date (YYMMDD), each with its check digit, in one string.
    """

    kind: Literal["can", "mrz"]
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardRequest:
    """One reading: its random number (16 bytes), what opens the chip (None: only the UID is asked), which parts.

    anchors: DER certificates of the issuing authority (CSCA) that the operator provisioned; none: authenticity is not
    verified. as_of_ms: UTC, for the validity of certificates; None where the clock is not trusted.
    """

    number: bytes
    secret: Secret | None
    parts: tuple[Part, ...] = ("dg1",)
    anchors: tuple[bytes, ...] = field(default=(), repr=False)
    as_of_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CardData:
    """What was read.

    mrz: the lines of DG1 as one string of ASCII (TD1: 90 characters). national: DG13 by the names of `NATIONAL`; what
    is absent or in the authority's own encoding is not there. portrait: the picture of DG2 (JPEG, JPEG 2000), or empty.
    uid: what the sensor saw; a random one (4 bytes from 08) is left empty. access: how the chip was opened.
    authenticity: `verified` only where a provisioned CSCA vouches for every part that was read and, where the signed
    list names a key of the chip's own, the chip has proven to hold it; `doubt` says why it is not.
    clone_check: whether the chip has proven to hold its own key: by Chip or Active Authentication; `unproven` where it
    should have and no proof came (a refused or lost answer); `not_offered` where the signed list names no key.
    """

    mrz: str = field(default="", repr=False)
    national: Mapping[str, str] = field(default_factory=dict, repr=False)
    portrait: bytes = field(default=b"", repr=False)
    uid: bytes = field(default=b"", repr=False)
    access: Literal["pace_can", "pace_mrz", "bac", "none"] = "none"
    authenticity: Authenticity = "not_verified"
    doubt: Doubt = "no_anchors"
    clone_check: CloneCheck = "not_offered"


# The fields of DG13 by number, as public readers of the card know them; 13 and 14 are lists of names.
NATIONAL = {
    1: "id_number",
    2: "name",
    3: "birth_date",
    4: "sex",
    5: "nationality",
    6: "ethnicity",
    7: "religion",
    8: "place_of_origin",
    9: "residence",
    10: "marks",
    11: "issue_date",
    12: "expiry_date",
    13: "parents",
    14: "spouse",
    15: "old_id_number",
}
