"""Rows: what the fleet keeps, as frozen values. Decides nothing; `fleet_server.store` says how they are kept.

Ids, keys, hashes and signed messages are bytes; times are UTC milliseconds; amounts are whole VND. Import them from
`fleet_server.store`, which is the one door.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet_server.dossier_rows import Filed

DeviceStatus = Literal["NEW", "CLAIMED", "ACTIVE", "PROVISIONAL", "QUARANTINED", "REVOKED", "DECOMMISSIONED"]


@dataclass(frozen=True, slots=True)
class Why:
    """Who changes the registry, for which reason, when: no change is kept without it."""

    person: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Station:
    """A place. `id` like "K0001"; `live` only after central operations pressed *go live*."""

    id: str
    title: str
    building: str
    ward: str
    profile: str
    live: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """One identity key and what holds it; `spki` (DER) and `kid` (8 bytes) are the key that signs its batches now.

    `serial` is that of the newest certificate (lower-case hex, "" before the first), `hardware` the hardware mark.
    """

    id: bytes
    station: str
    epoch: int
    spki: bytes
    kid: bytes
    status: DeviceStatus
    serial: str
    enrolled_ms: int
    hardware: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a work order permits; used up once `used_by` (the SPKI that used it) and `answer` (what it got) stand."""

    id: bytes
    station: str
    profile: str
    kind: str
    technician: str
    not_before_ms: int
    not_after_ms: int
    used_by: bytes | None = None
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that was issued (append-only, to be compared with the inventory)."""

    serial: str
    device: bytes
    not_after_ms: int
    der: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class RegistryLine:
    """One line of the append-only registry log: `subject` is a station id, a device name or a claim id in hex."""

    number: int
    at_ms: int
    person: str
    reason: str
    subject: str
    what: str


@dataclass(frozen=True, slots=True)
class Head:
    """How far one journal has arrived: all seq below `next` are in the log, `digest` is that of record next-1."""

    device: bytes
    epoch: int
    journal: bytes
    next: int
    digest: bytes
    durable_next: int = 0


@dataclass(frozen=True, slots=True)
class LogRow:
    """One record as received; `position` is the place in the fleet's log (0 before it is appended)."""

    position: int
    device: bytes
    epoch: int
    journal: bytes
    seq: int
    digest: bytes
    record: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class LastValues:
    """What rode on a device's newest batch. `received_ms` is the last proof of life, by the fleet's clock."""

    device: bytes
    journal: bytes
    boot: int
    mono_ms: int
    time_ms: int
    quality: int
    newest: int
    status: Mapping[int, object]
    received_ms: int


@dataclass(frozen=True, slots=True)
class SideRow:
    """A record kept apart: late, from a revoked or quarantined device, or a second one under a taken number.

    `attached`: every record before it on its chain is kept as well, in the log or apart.
    """

    device: bytes
    epoch: int
    journal: bytes
    seq: int
    digest: bytes
    record: bytes
    reason: str
    received_ms: int
    attached: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused, counted by reason and device (None = nobody we know); `example` names the newest one."""

    reason: str
    device: bytes | None
    count: int
    first_ms: int
    last_ms: int
    example: str


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A record of the log that could not be opened or does not keep the contract; the sealed record stays in the log.

    `kind` is "" when it could not be opened; `reason` is one short word, `detail` names the field.
    """

    position: int
    device: bytes
    journal: bytes
    seq: int
    kind: str
    reason: str
    detail: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class StationState:
    """Projection of one device's records: how the station says it is.

    peripherals: "port/name" -> {state, paper, detail, action, identity, flapping, at_ms}, since the station last
    started: one that is not there has not spoken; sets: name -> {version, result, reason};
    visits: outcome -> count; slips: result -> count. `journals` counts the journals it opened, `journal_reason` says
    why the newest one was.
    """

    device: bytes
    version: str = ""
    boot: int = 0
    started_ms: int = 0
    journals: int = 0
    journal_reason: str = ""
    desired_rev: int = 0
    desired_result: str = ""
    desired_reason: str = ""
    peripherals: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    sets: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    slips: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payment:
    """Projection of one payment: what the station wrote, and what the bank's credits make of it.

    `said`, `said_reason`, `said_ms`: the newest payment.state of the station ("CREATED" before the first).
    `state`: "" while no credit decides, else "CONFIRMED" or "EXCEPTION" with `reason`; times of waiting are judged
    when asked (`fleet_server.money.shown`), never stored. `owner` is masked by the station already.
    """

    device: bytes
    txn: bytes
    created_ms: int
    quality: int
    service: str
    biller: str
    building: str
    unit: str
    period: str
    bill: bytes
    owner: str
    amount: int
    due: str
    payee_bin: str
    payee_account: str
    reference: str
    code: str
    online: bool
    expires_ms: int
    said: str = "CREATED"
    said_reason: str = ""
    said_ms: int = 0
    state: str = ""
    reason: str = ""
    credited_ms: int = 0


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of what happened at a station: `facts` holds the few fields the console shows, none of them personal."""

    position: int
    device: bytes
    txn: bytes | None
    seq: int
    kind: str
    created_ms: int
    quality: int
    received_ms: int
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Transaction:
    """All lines that share one txn, oldest first, with its payment or its dossier if it is one."""

    device: bytes
    txn: bytes
    first_ms: int
    last_ms: int
    payment: Payment | None
    lines: tuple[TimelineRow, ...]
    filed: Filed | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """One credit as a bank reported it, kept once per `bank_ref`, never changed.

    `references` are the strings in the memo that may be a payment's reference (usually one); `simulated` marks credits
    of the MÔ PHỎNG adapter.
    """

    bank_ref: str
    amount: int
    memo: str
    account: str
    at_ms: int
    references: tuple[str, ...]
    received_ms: int
    simulated: bool


@dataclass(frozen=True, slots=True)
class SetPointer:
    """Where the newest version of a signed set is found."""

    name: str
    version: int
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class DesiredRow:
    """The newest Desired of a device: `content` decides whether `rev` grows, `data` is the signed message."""

    device: bytes
    rev: int
    content: bytes
    data: bytes
    issued_ms: int


@dataclass(frozen=True, slots=True)
class User:
    """A person of central operations; `secret` is salt and scrypt hash as its owner (the console) lays them out."""

    name: str
    secret: bytes
    role: str
    created_ms: int
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; only the SHA-256 of its token is kept."""

    token_sha256: bytes
    user: str
    created_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of the append-only audit log of the console."""

    number: int
    at_ms: int
    person: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One station as the console lists it: the place, its newest device and what is known of it."""

    station: Station
    device: Device | None
    head: Head | None
    last: LastValues | None
    state: StationState | None

    @property
    def backlog(self) -> int | None:
        """Records the station holds and the fleet does not, as of the last batch; None = never heard."""
        if self.last is None:
            return None
        return max(0, self.last.newest + 1 - (self.head.next if self.head else 0))
