"""Events: all that can happen to a station, as frozen values in one closed union.

Ears (link, drivers, page, calendar, udev, HTTPS worker) put them into the one inbox; only the hand takes them out.
This module decides nothing. Personal data may stand in an event (a scan, a touch); it never outlives the visit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.anchors import AnchorSet
    from device_profiles.bills import BillSet
    from device_profiles.catalogue import Catalogue
    from device_profiles.messages import Desired
    from device_profiles.wire import Ack
    from edge_agent.card import CardData, FaultKind


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of the clocks, taken by the hand and handed to every machine.

    mono_s: monotonic seconds (waiting); wall_ms: UTC milliseconds (a field, never an order);
    quality: 0 unknown, 1 not before the time floor, 2 NTP, 3 signed server time.
    """

    mono_s: float
    wall_ms: int
    quality: int = 0

    @property
    def trusted(self) -> bool:
        """Whether the wall clock may carry money and deadlines (NTP or signed server time)."""
        return self.quality >= 2


@dataclass(frozen=True, slots=True)
class Started:
    """The agent has opened its journal; `state` is the clear state table as it was found."""

    boot: int
    state: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by; sent by the hand itself at least once a second."""


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The broker accepted us and granted both subscriptions."""

    connection: int


@dataclass(frozen=True, slots=True)
class LinkDown:
    """No connection; `reason` is for the status map and the log, not for residents."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """A message came down: `channel` is "ack" or "desired"; the bytes are not yet trusted."""

    channel: Literal["ack", "desired"]
    data: bytes


@dataclass(frozen=True, slots=True)
class Acked:
    """A verified Ack for a batch we sent lately.

    own_next: the journal's next seq; own_digest: digest of our record `ack.next - 1` (the genesis value for 0), or None
    where we no longer hold it; first_held: the oldest seq still held.
    """

    ack: Ack
    own_next: int
    own_digest: bytes | None
    first_held: int


@dataclass(frozen=True, slots=True)
class DesiredSeen:
    """A verified Desired addressed to this device."""

    desired: Desired


@dataclass(frozen=True, slots=True)
class Committed:
    """A record is durable; `next` is the journal's next seq, `txn` the record's own, None where it has none."""

    next: int
    txn: bytes | None = None


@dataclass(frozen=True, slots=True)
class Configured:
    """Settings of the newest Desired, by the names in device_profiles.messages.CONFIG."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ServiceStopped:
    """The station may not take transactions (quarantined, revoked, rolled back, journal fault); `reason` names why."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServiceResumed:
    """What `ServiceStopped` said no longer holds."""

    reason: str


@dataclass(frozen=True, slots=True)
class BatchSent:
    """The hand handed one batch to the link: its hash, and the records [first, first + count)."""

    batch_hash: bytes
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class BatchNotSent:
    """The link could not take the batch (it is down or its buffer is full)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Storage:
    """How much the station's disk can still take: `full` means that no transaction may begin (what runs may end)."""

    full: bool


@dataclass(frozen=True, slots=True)
class CatalogueApplied:
    """A verified catalogue is in force."""

    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class Touched:
    """A resident's touch on screen number `screen` (a touch on an older screen is ignored)."""

    screen: int
    action: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class PageBeat:
    """The page in the browser is alive and shows screen number `screen`."""

    screen: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the barcode scanner read, as received."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardIn:
    """A card lies on the sensor of `reader`."""

    reader: str


@dataclass(frozen=True, slots=True)
class CardOut:
    """The card was taken."""

    reader: str


@dataclass(frozen=True, slots=True)
class CardRead:
    """The reading `number` is done; what it gave must not outlive the visit."""

    number: bytes
    card: CardData


@dataclass(frozen=True, slots=True)
class CardFailed:
    """The reading `number` gave nothing; `detail` is for the technician and holds nothing that was read."""

    number: bytes
    fault: FaultKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PeripheralState:
    """A driver's word on its device: `state` in XFS4IoT terms (online, offline, noDevice, hardwareError, unknown).

    `paper` is for printers only (full, low, out, jammed, unknown); None = the device does not tell. `action`: what a
    person has to do, in XFS4IoT terms (clear, maintenance, reset, suspend); "" where nothing. `identity`: which device
    it is, as in `Plugged`; "" where it has no such name (network, simulated).
    """

    port: str
    name: str
    state: str
    paper: str | None = None
    detail: str = ""
    action: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class PrintDone:
    """A print job ended: `confirmed`, `failed` or `unknown`; never assumed. `paper_mm`: fed for it, 0 = not known."""

    job: bytes
    result: Literal["confirmed", "failed", "unknown"]
    detail: str = ""
    paper_mm: int = 0


@dataclass(frozen=True, slots=True)
class Plugged:
    """udev saw a device: stable identity `vid:pid:serial` or `vid:pid@port`."""

    identity: str
    subsystem: str
    node: str


@dataclass(frozen=True, slots=True)
class Unplugged:
    """udev saw it go."""

    identity: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The fleet's signed answer to question `question`: fields by name, and the fleet's `as_of_ms`."""

    question: bytes
    fields: Mapping[str, object]
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """No answer in time, or one that did not verify: nothing changes by it."""

    question: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class BillsApplied:
    """A verified bill list is in force (at start: the one kept on disk)."""

    bills: BillSet


@dataclass(frozen=True, slots=True)
class AnchorsApplied:
    """A verified set of issuers' certificates is in force (at start: the one kept on disk)."""

    anchors: AnchorSet


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """A signed set could not be fetched or did not verify."""

    name: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class SetVerified:
    """A signed set that was asked for: signature, hash, name and version are as Desired says; `data` as fetched."""

    name: str
    version: int
    data: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpDone:
    """The HTTPS worker's end of one errand: the body that came back, or None and the reason. Not yet verified."""

    errand: bytes
    body: bytes | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AppendFailed:
    """The journal could not take a record (disk full, I/O error): what hung on it did not happen."""

    kind: str
    txn: bytes | None
    reason: str


@dataclass(frozen=True, slots=True)
class Due:
    """The calendar says so: "self_test" (ask the devices how they are)."""

    name: str


Event = (
    Started
    | Tick
    | LinkUp
    | LinkDown
    | Received
    | Acked
    | DesiredSeen
    | Committed
    | Configured
    | ServiceStopped
    | ServiceResumed
    | BatchSent
    | BatchNotSent
    | Touched
    | PageBeat
    | Scanned
    | CardIn
    | CardOut
    | CardRead
    | CardFailed
    | PeripheralState
    | PrintDone
    | Plugged
    | Unplugged
    | Answered
    | NotAnswered
    | BillsApplied
    | AnchorsApplied
    | CatalogueApplied
    | Storage
    | FetchFailed
    | SetVerified
    | HttpDone
    | AppendFailed
    | Due
)
