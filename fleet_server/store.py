"""The Store port: what the fleet keeps, said once. Decides nothing: rules live in ingest, opener, money and desired.

The comments here are the contract. A method that writes is called only inside `Committer.run`, and what it wrote is
durable when `run` returns, or never happened. Methods that read may be called there as well, or on a read-only store
(`Reader.read`), which sees one consistent moment. Lists have a stated order. A method raises `Conflict` where what is
said contradicts what is kept; nothing is ever overwritten in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from fleet_server.dossier_rows import Dossier, DossierCount, DossierWord, Filed
from fleet_server.rows import (
    AuditLine,
    Claim,
    Credit,
    DesiredRow,
    Device,
    DeviceStatus,
    Head,
    Issued,
    LastValues,
    LogRow,
    Payment,
    QuarantineRow,
    Refusal,
    RegistryLine,
    Seen,
    Session,
    SetPointer,
    SideRow,
    Station,
    StationState,
    TimelineRow,
    Transaction,
    User,
    Why,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "OPENER_CURSOR",
    "SECRET_SETTINGS",
    "AuditLine",
    "Claim",
    "Committer",
    "Conflict",
    "Credit",
    "DesiredRow",
    "Device",
    "DeviceStatus",
    "Dossier",
    "DossierCount",
    "DossierWord",
    "Filed",
    "Head",
    "Issued",
    "LastValues",
    "LogRow",
    "Payment",
    "QuarantineRow",
    "Reader",
    "Refusal",
    "RegistryLine",
    "Seen",
    "Session",
    "SetPointer",
    "SideRow",
    "Station",
    "StationState",
    "Store",
    "TimelineRow",
    "Transaction",
    "User",
    "Why",
]

T = TypeVar("T")
SECRET_SETTINGS = frozenset(("technician_pin",))
OPENER_CURSOR = "opener"  # the follower whose work `drop_folds` undoes


class Conflict(Exception):
    """What is said contradicts what is kept; the words name both."""


class Registry(Protocol):
    """Stations, devices, claims, certificates; every change leaves a line in the append-only registry log."""

    def station(self, station: str) -> Station | None: ...

    def stations(self) -> list[Station]:
        """All, by id."""
        ...

    def put_station(self, station: Station, why: Why) -> None:
        """Add or change; the log line says what changed (a station put unchanged leaves none)."""
        ...

    def device(self, device: bytes) -> Device | None: ...

    def device_by_kid(self, kid: bytes) -> Device | None: ...

    def devices(self, station: str | None = None) -> list[Device]:
        """All, or those of one station, by station and epoch. The next epoch is 1 above the last one's."""
        ...

    def put_device(self, device: Device, why: Why) -> None:
        """Add or change (status, new key, new serial). Conflict: kid or (station, epoch) is another's."""
        ...

    def lease_counters(self, station: str, count: int) -> int:
        """First of `count` counters of provisional codes that this station never used before; starts at 1."""
        ...

    def claim(self, claim: bytes) -> Claim | None: ...

    def claims(self) -> list[Claim]:
        """All, newest end first."""
        ...

    def add_claim(self, claim: Claim, why: Why) -> None:
        """Conflict: the id is known."""
        ...

    def use_claim(self, claim: bytes, spki: bytes, answer: bytes, why: Why) -> None:
        """Use a claim up and keep the answer given, in the transaction that issues. Conflict: unknown, or used up.

        The same key asking again is answered from `Claim.answer`; it does not come here a second time.
        """
        ...

    def add_issued(self, issued: Issued) -> None:
        """Conflict: the serial is known."""
        ...

    def issued(self, device: bytes | None = None) -> list[Issued]:
        """Certificates of one device, or all; oldest first."""
        ...

    def registry_log(self, limit: int = 200, subject: str | None = None) -> list[RegistryLine]:
        """Newest first."""
        ...


class Log(Protocol):
    """The fleet's log of sealed records, and what stands beside it."""

    def lineage(self) -> bytes:
        """16 random bytes that name this database history."""
        ...

    def new_lineage(self, at_ms: int) -> bytes:
        """Draw another one: this history was restored from a backup. Open work of the opener is not touched."""
        ...

    def keeps_backups(self) -> bool:
        """Whether durable_next waits for backups. False: it equals next, and the console warns."""
        ...

    def set_keeps_backups(self, keeps: bool) -> None: ...  # noqa: FBT001 - a setting's value

    def head(self, device: bytes, journal: bytes) -> Head | None:
        """`durable_next` is filled in by the rule of `keeps_backups`."""
        ...

    def heads(self, device: bytes | None = None) -> list[Head]:
        """All, or those of one device, oldest first."""
        ...

    def append(self, head: Head, rows: Sequence[LogRow]) -> None:
        """Put rows behind the log and move the head of their journal to `head`, which ends at the last of them.

        All rows are of the head's journal, in order of seq without gap. A number that is taken is a bug of the
        caller: the database refuses it.
        """
        ...

    def set_durable(self, heads: Sequence[Head], at_ms: int) -> None:
        """A verified backup holds these heads: durable_next of each moves up to that head's `next`, never down."""
        ...

    def backup_ms(self) -> int | None:
        """When the newest verified backup was made; None = never."""
        ...

    def digests(self, device: bytes, journal: bytes, first: int, count: int) -> list[bytes]:
        """Digests of the stored records [first, first + count), shorter where the log ends."""
        ...

    def record_at(self, device: bytes, journal: bytes, seq: int) -> bytes | None: ...

    def after(self, position: int, limit: int) -> list[LogRow]:
        """Rows behind a position, by position: what a follower of the log reads next."""
        ...

    def cursor(self, name: str) -> int:
        """Position up to which follower `name` has come; 0 at first."""
        ...

    def put_cursor(self, name: str, position: int) -> None: ...

    def last_values(self, device: bytes) -> LastValues | None: ...

    def put_last_values(self, last: LastValues) -> None: ...

    def add_side(self, rows: Sequence[SideRow]) -> None:
        """Keep records apart, each (device, journal, seq, digest) once; one that comes again may become attached."""
        ...

    def side_attached(self, device: bytes, journal: bytes, seq: int, digest: bytes) -> bool:
        """Whether this very record is kept apart, and attached."""
        ...

    def side_count(self, device: bytes) -> int: ...

    def side(self, device: bytes | None = None, limit: int = 200) -> list[SideRow]:
        """Newest first."""
        ...

    def count_refusal(self, reason: str, device: bytes | None, example: str, at_ms: int) -> None:
        """One more of this reason; `device` only if it is in the registry (strangers share one counter)."""
        ...

    def refusals(self) -> list[Refusal]:
        """Newest first."""
        ...


class Folds(Protocol):
    """Projections of the log, quarantine, and the bank's credits. All but the credits can be dropped and made again."""

    def drop_folds(self) -> None:
        """Empty every projection and the quarantine and set the opener's cursor to 0.

        Log, credits and offices' words stay.
        """
        ...

    def quarantine(self, row: QuarantineRow) -> None:
        """Once per position; a repeat changes nothing."""
        ...

    def quarantined(self, limit: int = 200) -> list[QuarantineRow]:
        """Newest first."""
        ...

    def station_state(self, device: bytes) -> StationState | None: ...

    def put_station_state(self, state: StationState) -> None: ...

    def add_line(self, row: TimelineRow) -> None:
        """Once per position; a repeat changes nothing."""
        ...

    def payment(self, device: bytes, txn: bytes) -> Payment | None: ...

    def put_payment(self, payment: Payment) -> None: ...

    def payments_of_reference(self, reference: str) -> list[Payment]:
        """By device and txn."""
        ...

    def payments_of_bill(self, building: str, bill: bytes) -> list[Payment]:
        """By device and txn."""
        ...

    def payments_of_code(self, code: str) -> list[Payment]:
        """Those with this code of a station, by device and txn: one, unless a station gave it twice."""
        ...

    def dossier(self, device: bytes, txn: bytes) -> Dossier | None: ...

    def put_dossier(self, dossier: Dossier) -> None: ...

    def add_credit(self, credit: Credit) -> bool:
        """Keep a credit; False if this very credit is kept already. Conflict: same bank_ref, other content."""
        ...

    def credits_of_reference(self, reference: str) -> list[Credit]:
        """By at_ms and bank_ref."""
        ...


class Dossiers(Protocol):
    """Dossiers with what offices decided of them. The words are no fold: they stay when folds are dropped."""

    def filed(self, device: bytes, txn: bytes) -> Filed | None: ...

    def filed_under(self, code: str) -> list[Filed]:
        """Those with this code of a station, by device and txn: one, unless a station gave it twice."""
        ...

    def add_dossier_word(self, word: DossierWord) -> bool:
        """Keep a word; False if the newest one says the same. Conflict: the official code is another dossier's."""
        ...

    def dossiers_waiting(self, limit: int = 200, station: str | None = None) -> list[Filed]:
        """Those on which no office has a word yet: urgent first, then by deadline, then oldest first."""
        ...

    def dossiers_decided(self, limit: int = 200, station: str | None = None) -> list[Filed]:
        """Those with a word, newest word first."""
        ...

    def dossier_counts(self, now_ms: int, soon_ms: int, station: str | None = None) -> list[DossierCount]:
        """By state, of all or one station; a deadline before now_ms is past, one before soon_ms near."""
        ...


class Desk(Protocol):
    """What operations put in: sets, settings, Desired, people; and what they did."""

    def add_set(self, pointer: SetPointer, data: bytes, at_ms: int) -> bool:
        """Keep a signed set; False if it is kept already. Conflict: that name and version has other bytes."""
        ...

    def set_data(self, sha256: bytes) -> bytes | None: ...

    def set_of(self, name: str, version: int) -> bytes | None:
        """The signed bytes of one version of a set."""
        ...

    def newest_sets(self) -> list[SetPointer]:
        """The highest version of every name, by name."""
        ...

    def settings(self, scope: str) -> Mapping[str, object]:
        """What operations set for `scope`: "fleet" or a station id; empty if nothing."""
        ...

    def put_settings(self, scope: str, values: Mapping[str, object], why: Why) -> None:
        """Replace the settings of a scope; values are text, integers, booleans, and lists and maps of them.

        The registry's log tells them, but of `SECRET_SETTINGS` only that they were set.
        """
        ...

    def desired(self, device: bytes) -> DesiredRow | None: ...

    def put_desired(self, row: DesiredRow) -> None:
        """Conflict: rev lower than the one kept, or the same rev with other content."""
        ...

    def user(self, name: str) -> User | None: ...

    def users(self) -> list[User]:
        """By name."""
        ...

    def put_user(self, user: User) -> None:
        """Add or change; a disabled user's sessions end."""
        ...

    def add_session(self, session: Session) -> None: ...

    def session(self, token_sha256: bytes, now_ms: int) -> Session | None:
        """The session, if it has not ended and its user may still sign in."""
        ...

    def end_session(self, token_sha256: bytes) -> None: ...

    def audit(self, at_ms: int, person: str, action: str, subject: str = "", detail: str = "") -> None: ...

    def audit_log(self, limit: int = 200) -> list[AuditLine]:
        """Newest first."""
        ...


class Views(Protocol):
    """What the console reads. Masked data only: nothing else is in the projections."""

    def seen(self, station: str | None = None) -> list[Seen]:
        """Every station (or one) with its newest device, by station id."""
        ...

    def timeline(self, station: str, limit: int = 100) -> list[TimelineRow]:
        """Lines of all devices that served a station, newest first."""
        ...

    def transactions(self, station: str, limit: int = 50) -> list[Transaction]:
        """Newest first, by the last line of each."""
        ...

    def payments(self, limit: int = 200, building: str | None = None) -> list[Payment]:
        """Newest first, by created_ms."""
        ...

    def credits(self, limit: int = 200) -> list[Credit]:
        """Newest first, by at_ms."""
        ...

    def unknown_credits(self, limit: int = 200) -> list[Credit]:
        """Credits that no payment to that account names, newest first: the list a person works through."""
        ...


class Store(Registry, Log, Folds, Dossiers, Desk, Views, Protocol):
    """All of it, in one database."""


class Committer(Protocol):
    """Runs writes. The Writer is one; so is a bare store in one thread (tests, tools, the simulation)."""

    def run(self, fn: Callable[[Store], T]) -> T:
        """Run `fn` in a transaction and give what it gave, once that is durable.

        If `fn` raises, nothing of it happened and the exception comes out here.
        """
        ...


class Reader(Protocol):
    """Runs reads on a connection of their own: they never wait for the writer."""

    def read(self, fn: Callable[[Store], T]) -> T:
        """Run `fn` on one consistent moment of the database; a write in it is refused."""
        ...
