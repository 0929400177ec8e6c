"""Effects: all that a machine can ask of the hand, as frozen values in one closed union.

The hand performs a list in order and stops at the first `Append` that the journal refuses: whatever a machine puts
after an `Append` therefore happens only once the record is durable (commit point 1). This module decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.card import CardRequest


@dataclass(frozen=True, slots=True)
class Append:
    """Seal and commit one record; `remember` goes into the state table in the same transaction.

    kind, fields: as in device_profiles.records. txn: 16 bytes shared by the records of one transaction, or None.
    order: the header's class (0 system, 1 normal, 2 urgent).
    """

    kind: str
    fields: Mapping[str, object]
    txn: bytes | None = None
    order: int = 1
    remember: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remember:
    """Write values into the clear state table (no personal data, ever); None deletes a name."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SendBatch:
    """Sign and publish the records [first, first + count_max) that the journal holds; count_max 0 = heartbeat."""

    first: int
    count_max: int


@dataclass(frozen=True, slots=True)
class Prune:
    """Delete the records below `before` from the journal (only ever the Ack's durable_next)."""

    before: int


@dataclass(frozen=True, slots=True)
class Screen:
    """What the display shall show, as a value.

    name: the template `edge_agent/screens/<name>.html`; data: what it renders (text, numbers, lists, nested maps);
    number: grows with every screen of a process; language: "vi" or "en"; big: large text; low: what is touched stands
    low, for whoever sits.
    """

    number: int
    name: str
    data: Mapping[str, object]
    language: Literal["vi", "en"] = "vi"
    big: bool = False
    low: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    """Show a screen."""

    screen: Screen


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip as a value: what the paper says, not how a printer is spoken to.

    lines: (style, text) with style in {"title", "text", "small", "bold", "box", "rule", "code", "qr", "code128"};
    text is NFC. The masked name and number only; never a full one.
    """

    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Print:
    """Print a slip under a durable job id (16 bytes); the result comes back as PrintDone."""

    job: bytes
    slip: Slip


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Read the card that lies on the reader; comes back as CardRead or CardFailed under the request's number."""

    request: CardRequest


@dataclass(frozen=True, slots=True)
class LeaveCard:
    """Nobody waits for the reading any more: break it off; nothing of it comes back."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the fleet a side-effect-free question; comes back as Answered or NotAnswered within `timeout_s`."""

    question: bytes
    kind: str
    fields: Mapping[str, object]
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch a signed set by its hash; comes back as SetVerified or FetchFailed."""

    name: str
    version: int
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class StoreSet:
    """Keep a verified set on disk (durably, replacing the older one) and put it in force."""

    name: str
    version: int
    data: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class StopService:
    """Take no more transactions, for this reason, until ResumeService says otherwise."""

    reason: str


@dataclass(frozen=True, slots=True)
class ResumeService:
    """This reason no longer holds."""

    reason: str


@dataclass(frozen=True, slots=True)
class BeginVisit:
    """A resident touched the screen: commit a fresh key record; what follows is sealed under it."""


@dataclass(frozen=True, slots=True)
class Wipe:
    """The visit is over: destroy the content key, forget drafts, clear the page's memory and the scanner's buffer."""


@dataclass(frozen=True, slots=True)
class Report:
    """Set values of the status map that rides on each batch, by the names in device_profiles.messages.STATUS."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ApplyConfig:
    """Settings of the newest Desired, by name; comes back to every machine as Configured."""

    values: Mapping[str, object]


Effect = (
    Append
    | Remember
    | SendBatch
    | Prune
    | Show
    | Print
    | ReadCard
    | LeaveCard
    | Ask
    | Fetch
    | StoreSet
    | StopService
    | ResumeService
    | BeginVisit
    | Wipe
    | Report
    | ApplyConfig
)
