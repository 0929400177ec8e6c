"""The way down and the way in: desired state, signed sets, questions and answers, claims, enrolment, the fleet's keys.

Only layouts stand here, as in WIRE.md. Each message travels as a COSE_Sign1 under its own kind; who may sign which is
decided in `provisioning.trust`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from device_profiles import layout
from device_profiles.cbor import WireError, decode, encode
from device_profiles.wire import ENVELOPE_BYTES

FORMAT = 1
DESIRED_MAX_BYTES = 64 * 1024
SET_MAX_BYTES = 1024 * 1024
QUESTION_MAX_BYTES = 8 * 1024
ANSWER_MAX_BYTES = 64 * 1024
CLAIM_MAX_BYTES = 4 * 1024
ENROL_MAX_BYTES = 16 * 1024
BUNDLE_MAX_BYTES = 64 * 1024
KEYS_MAX_BYTES = 64 * 1024
ROLES = ("ack", "desired", "answer", "bundle", "set", "claim")
CLAIM_KINDS = ("install", "card-swap", "board-swap", "replace", "re-enrol")

# The status map of a batch (key 13): last values, never journaled. What the reader does not expect it shows as unknown.
STATUS = {
    0: "version",
    1: "desired_rev",
    2: "profile",
    3: "stopped",  # reasons why no transactions are taken, a list of words; empty = in service
    4: "disk_free_percent",
    5: "peripherals",  # [port, name, state, paper or ""] each
    6: "visits",  # since the process started
    # 7 stays free: it was a sum of money, and with one payment open that is its amount, in clear.
    8: "exposure_count",
    9: "uptime_s",
    10: "rss_kib",
    11: "sealing_expired",
    12: "ack_alarms",
    13: "lost_range",  # [from, to): records the fleet asks for and the station no longer holds
    14: "refusals",  # [reason, count] each: messages that did not verify
    15: "dropped",  # events the full inbox had no room for
    16: "page_age_s",  # since the page in the browser last beat
    17: "devices",  # more of each peripheral: maps by the numbers of DEVICE; what is 0 or empty is left out
}
STATUS_KEYS = {name: key for key, name in STATUS.items()}

# One peripheral in status value 17; its state and paper stand under its port in value 5. Counts are for life, as of
# `counted_ms`: they move at most every ten minutes or with a change of state, so that no heartbeat tells what one
# visit did.
DEVICE = {
    0: "port",
    1: "since_ms",  # when its state, paper or action became what it is, by the station's wall clock
    2: "quality",  # of that clock
    3: "since_mono_ms",  # the same moment by the monotonic clock, as mono_ms of the batch
    4: "action",
    5: "flapping",  # it changes so often that its changes are no longer recorded one by one
    6: "worked_ms",  # its newest success: a card read, a code scanned, a slip that the printer confirmed
    7: "reads_ok",
    8: "reads_failed",
    9: "scans",
    10: "prints_confirmed",
    11: "prints_failed",
    12: "prints_unknown",
    13: "paper_mm",
    14: "jams",
    15: "lost",  # how often it went from online to anything else
    16: "counted_ms",
}
DEVICE_KEYS = {name: key for key, name in DEVICE.items()}

QUESTIONS = {
    "payment_state": layout.shape(txn=layout.raw(1, 16)),
    "bill": layout.shape(bill=layout.raw(1, 8)),
    "fetch": layout.shape(sha256=layout.raw(1, 32)),
    "dossier": layout.shape(txn=layout.raw(1, 16)),
    "code": layout.shape(code=layout.text(1, 20)),
}
ANSWERS = {
    "payment_state": layout.shape(state=layout.text(1, 40), reason=layout.text(2, 40, optional=True)),
    "bill": layout.shape(status=layout.text(1, 20)),
    "dossier": layout.shape(
        state=layout.text(1, 20), official=layout.text(2, 40, optional=True), words=layout.text(3, 300, optional=True)
    ),
    "code": layout.shape(
        state=layout.text(1, 40),
        reason=layout.text(2, 40, optional=True),
        matter=layout.text(3, 12),
        created_ms=layout.time_ms(4, optional=True),
    ),
}

# Settings by number (Desired key 5). What a station cannot use (unknown number, other type) it leaves alone.
# technician_pin: 16 bytes of salt, 32 of scrypt (RFC 7914; n = 2**14, r = 8, p = 1) over the ASCII digits of the PIN.
CONFIG = {1: "heartbeat_s", 2: "offline_amount_max_dong", 3: "out_of_service", 4: "technician_pin"}

# Rows of lists: the key is the place in the row.
SET_ROW = layout.shape(
    name=layout.text(0, 80),
    version=layout.number(1),
    size_bytes=layout.number(2, SET_MAX_BYTES + ENVELOPE_BYTES, least=1),
    sha256=layout.raw(3, 32),
)
JOB_ROW = layout.shape(
    job=layout.raw(0, 16),
    kind=layout.text(1, 40),
    arguments=layout.table(2),
    not_before_ms=layout.time_ms(3),
    expires_ms=layout.time_ms(4),
)
NOTICE_ROW = layout.shape(vietnamese=layout.text(0, 500), english=layout.text(1, 500))
SIGNING_ROW = layout.shape(
    kid=layout.raw(0, 8),
    role=layout.text(1, 10),
    spki=layout.raw(2, 32, 512),
    from_ms=layout.time_ms(3),
    to_ms=layout.time_ms(4),
)
SEALING_ROW = layout.shape(
    kid=layout.raw(0, 8),
    suite=layout.number(1, 2, least=1),
    public=layout.raw(2, 32, 1216),
    from_ms=layout.time_ms(3),
    to_ms=layout.time_ms(4),
)


class _Message:
    """What the messages below share: one map, encoded deterministically, with a size limit."""

    __slots__ = ()
    SIZE_MAX_BYTES: ClassVar[int]

    def encode(self) -> bytes:
        """Give the payload that is signed. Raises WireError where one of our own values does not fit."""
        self.check()
        data = encode(layout.to_map(self, FORMAT))
        if len(data) > self.SIZE_MAX_BYTES:
            raise WireError("too_large", f"{type(self).__name__} of {len(data)} bytes, at most {self.SIZE_MAX_BYTES}")
        return data

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read a payload. Raises WireError."""
        message = layout.from_map(cls, decode(payload, cls.SIZE_MAX_BYTES), FORMAT)
        message.check()
        return message

    def check(self) -> None:
        """Refuse what the layout alone cannot (nested values). Raises WireError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired(_Message):
    """What one station shall be: a state, never a call; retained at the broker.

    rev only grows. config: settings by number. sets: [name, version, size in bytes, sha256] each. jobs:
    [id (16 bytes), kind, arguments, not before ms, expires ms] each. notices: [Vietnamese, English] each.
    """

    SIZE_MAX_BYTES: ClassVar[int] = DESIRED_MAX_BYTES
    device: bytes = layout.raw(1, 16)
    rev: int = layout.number(2)
    issued_ms: int = layout.time_ms(3)
    not_after_ms: int = layout.time_ms(4)
    config: dict[int, Any] = layout.table(5)
    sets: tuple[Any, ...] = layout.items(6, 64)
    jobs: tuple[Any, ...] = layout.items(8, 64)
    keys_version: int = layout.number(9)
    notices: tuple[Any, ...] = layout.items(11, 8)

    def check(self) -> None:
        """Look into the lists."""
        layout.check_rows(SET_ROW, self.sets, "Desired.sets")
        layout.check_rows(JOB_ROW, self.jobs, "Desired.jobs")
        layout.check_rows(NOTICE_ROW, self.notices, "Desired.notices")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedSet(_Message):
    """Bulk that needs an offline key (bill lists with their payee, later catalogue and directories)."""

    SIZE_MAX_BYTES: ClassVar[int] = SET_MAX_BYTES
    name: str = layout.text(1, 80)
    version: int = layout.number(2)
    issued_ms: int = layout.time_ms(3)
    not_after_ms: int = layout.time_ms(4)
    body: bytes = layout.raw(5, 1, SET_MAX_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(_Message):
    """What a resident's visit asks now; free of side effects. `reply_key`: 32-byte X25519 key of this visit only."""

    SIZE_MAX_BYTES: ClassVar[int] = QUESTION_MAX_BYTES
    device: bytes = layout.raw(1, 16)
    question: bytes = layout.raw(2, 16)
    kind: str = layout.text(3, 40)
    fields: dict[int, Any] = layout.table(4)
    time_ms: int = layout.time_ms(5)
    reply_key: bytes = layout.raw(6, 32)

    def named(self) -> dict[str, Any]:
        """Give the fields by name. Raises WireError for an unknown kind or an unfit field."""
        if self.kind not in QUESTIONS:
            raise WireError("question", f"unknown kind {self.kind!r}, known: {', '.join(QUESTIONS)}")
        return layout.from_table(QUESTIONS[self.kind], self.fields, self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(_Message):
    """The fleet's dated word on one question. `sealed`: HPKE base suite to the question's reply key."""

    SIZE_MAX_BYTES: ClassVar[int] = ANSWER_MAX_BYTES
    device: bytes = layout.raw(1, 16)
    question_hash: bytes = layout.raw(2, 32)
    as_of_ms: int = layout.time_ms(3)
    sealed: bytes = layout.raw(4, 32, ANSWER_MAX_BYTES)


def answer_encode(kind: str, fields: dict[str, Any]) -> bytes:
    """Give what is sealed inside an answer to a question of this kind."""
    return encode(layout.to_table(ANSWERS[kind], fields, kind))


def answer_decode(kind: str, plain: bytes) -> dict[str, Any]:
    """Read what was sealed inside an answer. Raises WireError."""
    return layout.from_table(ANSWERS[kind], decode(plain, ANSWER_MAX_BYTES), kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(_Message):
    """What a work order permits: one station, one kiosk, one use. `hardware`: mark of the board where it is known."""

    SIZE_MAX_BYTES: ClassVar[int] = CLAIM_MAX_BYTES
    claim: bytes = layout.raw(1, 16)
    kind: str = layout.text(2, 20)
    station: str = layout.text(3, 20)
    profile: str = layout.text(4, 60)
    technician: str = layout.text(5, 60)
    not_before_ms: int = layout.time_ms(6)
    not_after_ms: int = layout.time_ms(7)
    hardware: bytes | None = layout.raw(8, 1, 64, optional=True)
    old_device: bytes | None = layout.raw(9, 16, optional=True)

    def check(self) -> None:
        """Refuse a kind that is not in PROVISIONING's list."""
        if self.kind not in CLAIM_KINDS:
            raise layout.FieldError("Claim", "kind", f"is none of {', '.join(CLAIM_KINDS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolRequest(_Message):
    """A station asks in: signed by its identity key, whose public half (`spki`, DER) it carries.

    `csr`: DER request for the TLS key (proof of possession); `claim`: the signed claim as received.
    """

    SIZE_MAX_BYTES: ClassVar[int] = ENROL_MAX_BYTES
    spki: bytes = layout.raw(1, 32, 512)
    csr: bytes = layout.raw(2, 64, 4096)
    claim: bytes = layout.raw(3, 64, CLAIM_MAX_BYTES)
    nonce: bytes = layout.raw(4, 16)
    hardware: bytes = layout.raw(5, 1, 64)
    time_ms: int = layout.time_ms(6)
    software: str = layout.text(7, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle(_Message):
    """What a station needs to serve: its certificate, whom to trust, where to connect, which place it is.

    `request_hash`: SHA-256 of the enrolment request it answers. `counter_from`, `counter_to`: the leased block of
    provisional codes [from, to). `keys`: the signed key list (kiosk/keys/1) as it came from the offline root.
    """

    SIZE_MAX_BYTES: ClassVar[int] = BUNDLE_MAX_BYTES
    device: bytes = layout.raw(1, 16)
    request_hash: bytes = layout.raw(2, 32)
    certificate: bytes = layout.raw(3, 64, 4096)
    issuer: bytes = layout.raw(4, 64, 4096)
    root_hash: bytes = layout.raw(5, 32)
    keys: bytes = layout.raw(6, 64, KEYS_MAX_BYTES)
    broker_host: str = layout.text(7, 253)
    broker_port: int = layout.number(8, 65_535, least=1)
    face_url: str = layout.text(9, 300)
    station: str = layout.text(10, 20)
    title: str = layout.text(11, 120)
    address: str = layout.text(12, 200)
    building: str = layout.text(13, 60)
    profile: str = layout.text(14, 60)
    epoch: int = layout.number(15)
    rev_floor: int = layout.number(16)
    time_ms: int = layout.time_ms(17)
    counter_from: int = layout.number(18, 999_999)
    counter_to: int = layout.number(19, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetKeys(_Message):
    """Whom a station believes, signed by the offline fleet root.

    signing: [kid (8), role, SPKI DER, from ms, to ms] each; sealing: [kid (8), suite, public key, from ms, to ms] each.
    """

    SIZE_MAX_BYTES: ClassVar[int] = KEYS_MAX_BYTES
    version: int = layout.number(1)
    issued_ms: int = layout.time_ms(2)
    signing: tuple[Any, ...] = layout.items(3, 64)
    sealing: tuple[Any, ...] = layout.items(4, 64)

    def check(self) -> None:
        """Look into both lists."""
        layout.check_rows(SIGNING_ROW, self.signing, "FleetKeys.signing")
        layout.check_rows(SEALING_ROW, self.sealing, "FleetKeys.sealing")
        for _, role, *_ in self.signing:
            if role not in ROLES:
                raise layout.FieldError("FleetKeys.signing", "role", f"is none of {', '.join(ROLES)}")
