"""Accept without a network: verified, chained, durable records per second, beside the bare insert of the same bytes.

One process, SQLite with a sync for each commit. Four shapes: a hundred records or one per batch, one batch or what
waits per commit. The floor inserts the same rows in transactions of the same size, with nothing verified. Also what
the opener needs afterwards, and what the parts of an accepted batch cost alone. Beside the time on the wall stands the
processor's: a neighbour takes the first and hardly the second.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bench.fleet import Fleet, now_ms
from bench.rows import Goal, Row, ratios, row
from bench.senders import Sender, register
from device_profiles.wire import BATCH_MAX_BYTES, RECORDS_PER_BATCH_MAX, Ack, Batch, digest, envelope_decode, genesis
from fleet_server import fleet_keys
from fleet_server.chain import check_chain
from fleet_server.ingest import accept_many
from fleet_server.opener import Opener
from fleet_server.store_sqlite import SqliteStore
from provisioning.keys import open_message, sign_message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fleet_server.ingest import Message
    from provisioning.keys import SigningKey, VerifyKey

FLOOR_TABLE = (
    "CREATE TABLE record(position INTEGER PRIMARY KEY, head INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " digest BLOB NOT NULL, record BLOB NOT NULL, received_ms INTEGER NOT NULL, UNIQUE(head, seq))"
)
FLOOR_INSERT = "INSERT INTO record(head, seq, digest, record, received_ms) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Counts:
    """How much: rounds; stations that send `hundreds` full batches each; stations that send `singles` batches of one.

    seconds_max: how long one shape of one round may last. opened_max: records that the opener takes in one round.
    signatures: made and verified alone in one round.
    """

    rounds: int
    full_stations: int
    hundreds: int
    single_stations: int
    singles: int
    seconds_max: float
    opened_max: int
    signatures: int


COUNTS = {
    "full": Counts(3, 16, 12, 64, 24, 5.0, 4000, 2000),
    "quick": Counts(3, 8, 3, 64, 4, 0.8, 400, 500),
    "smoke": Counts(1, 2, 1, 3, 2, 60.0, 50, 10),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How the messages come: `each` records in a batch, `together` batches in one commit."""

    each: int
    together: int
    goal: Goal | None = None

    @property
    def words(self) -> str:
        return f"{self.each} per batch, {self.together} per commit"


@dataclass(slots=True)
class Round:
    """One shape in one round: how many records went in, and how long both sides took."""

    records: int = 0
    ours_s: float = 0.0
    processor_s: float = 0.0
    floor_s: float = 0.0


SHAPES = (
    Shape(RECORDS_PER_BATCH_MAX, 1),
    Shape(RECORDS_PER_BATCH_MAX, 8, Goal("least", 50_000)),
    Shape(1, 1),
    Shape(1, 64, Goal("least", 5_000)),
)


@dataclass(slots=True)
class _Taken:
    """What all rounds gave."""

    shapes: dict[Shape, list[Round]] = field(default_factory=lambda: {shape: [] for shape in SHAPES})
    opened: list[float] = field(default_factory=list)
    opened_count: int = 0


def measure(size: str, folder: Path) -> list[Row]:
    counts = COUNTS[size]
    server = Fleet.make(folder / "fleet").server
    keys, openers = fleet_keys.load(server), fleet_keys.load_openers(server)
    full = [Sender.make(number, keys.trust) for number in range(counts.full_stations)]
    single = [Sender.make(1000 + number, keys.trust) for number in range(counts.single_stations)]
    messages = {
        RECORDS_PER_BATCH_MAX: _messages(full, RECORDS_PER_BATCH_MAX, counts.hundreds),
        1: _messages(single, 1, counts.singles),
    }
    taken = _Taken()
    for number in range(counts.rounds):
        for shape in SHAPES:
            place = folder / f"{number}-{shape.each}-{shape.together}"
            place.mkdir()
            with closing(SqliteStore.open(place / "fleet.db")) as store, closing(_floor(place / "floor.db")) as floor:
                register(store, [*full, *single])
                groups = _groups(messages[shape.each], shape.together)
                taken.shapes[shape].append(_round(store, floor, groups, keys.ack, counts.seconds_max))
                if shape == SHAPES[1]:
                    opener = Opener(store, store, openers)
                    _open(opener, store, taken, min(counts.opened_max, taken.shapes[shape][-1].records))
    parts = {
        each: _parts(messages[each], senders, keys.ack, counts.rounds)
        for each, senders in ((RECORDS_PER_BATCH_MAX, full), (1, single))
    }
    signatures = _signatures(keys.ack, counts)
    for sender in (*full, *single):
        sender.close()
    return _rows(taken, parts, signatures)


def _messages(senders: Sequence[Sender], each: int, count: int) -> list[Message]:
    """All stations' batches, in turn as a fleet sends them."""
    for sender in senders:
        sender.write(each * count)
    return [sender.message(each * number, each) for number in range(count) for sender in senders]


def _groups(messages: Sequence[Message], together: int) -> list[Sequence[Message]]:
    return [messages[at : at + together] for at in range(0, len(messages), together)]


def _floor(path: Path) -> sqlite3.Connection:
    """A database with the same promise at commit, and one table."""
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 4000"):
        database.execute(f"PRAGMA {pragma}")
    database.execute(FLOOR_TABLE)
    return database


def _payload(message: Message) -> bytes:
    """Without a verification: what is prepared, not measured."""
    return envelope_decode(message.data, BATCH_MAX_BYTES).payload


def _round(
    store: SqliteStore, floor: sqlite3.Connection, groups: list[Sequence[Message]], key: SigningKey, seconds_max: float
) -> Round:
    """Both sides in turn, group by group; then what is stored is counted on both."""
    took = Round()
    heads: dict[bytes, int] = {}
    end_s = time.monotonic() + seconds_max
    for group in groups:
        rows = []
        for batch in map(Batch.decode, map(_payload, group)):
            head = heads.setdefault(batch.device, len(heads))
            rows += [(head, batch.first + n, digest(each), each, 0) for n, each in enumerate(batch.records)]
        begun, worked = time.perf_counter(), time.process_time()
        acks = accept_many(store, group, now_ms(), key)
        took.ours_s += time.perf_counter() - begun
        took.processor_s += time.process_time() - worked
        assert None not in acks
        begun = time.perf_counter()
        floor.execute("BEGIN IMMEDIATE")
        floor.executemany(FLOOR_INSERT, rows)
        floor.execute("COMMIT")
        took.floor_s += time.perf_counter() - begun
        took.records += len(rows)
        if time.monotonic() > end_s:
            break
    stored = sum(head.next for head in store.read(lambda held: held.heads()))
    logged = floor.execute("SELECT count(*) FROM record").fetchone()[0]
    assert (stored, logged) == (took.records, took.records)
    return took


def _open(opener: Opener, store: SqliteStore, taken: _Taken, count: int) -> None:
    """Follow the log for so many records; every payment must come out."""
    begun, moved = time.perf_counter(), 0
    while moved < count:
        moved += opener.step()
    taken.opened.append(moved / (time.perf_counter() - begun))
    taken.opened_count += moved
    assert store.read(lambda held: held.quarantined()) == []


def _parts(
    messages: Sequence[Message], senders: Sequence[Sender], key: SigningKey, rounds: int
) -> dict[str, list[float]]:
    """What an accepted batch consists of, each alone, in milliseconds of processor time per batch."""
    keys: dict[bytes, VerifyKey] = {sender.key.kid: sender.key.public for sender in senders}
    payloads = [_payload(message) for message in messages]
    batches = [Batch.decode(payload) for payload in payloads]
    ack = _ack(batches[0])
    work: dict[str, list[Callable[[], object]]] = {
        "envelope and signature": [
            partial(open_message, "kiosk/batch/1", message.data, keys.get, BATCH_MAX_BYTES) for message in messages
        ],
        "reading the batch": [partial(Batch.decode, payload) for payload in payloads],
        "chain and headers": [partial(check_chain, batch) for batch in batches],
        "signing the Ack": [lambda: sign_message(key, "kiosk/ack/1", ack.encode()) for _ in messages],
    }
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, calls in work.items():
            begun = time.process_time()
            for call in calls:
                call()
            found[name].append(1000 * (time.process_time() - begun) / len(calls))
    return found


def _signatures(key: SigningKey, counts: Counts) -> dict[str, list[float]]:
    """The floor of what is signed: P-256 signatures made and verified, per second of processor time."""
    data = bytes(256)
    signature = key.sign(data)
    found: dict[str, list[float]] = {"sign": [], "verify": []}
    for _ in range(counts.rounds):
        for name, work in (("sign", lambda: key.sign(data)), ("verify", lambda: key.public.verify(signature, data))):
            begun = time.process_time()
            for _ in range(counts.signatures):
                work()
            found[name].append(counts.signatures / (time.process_time() - begun))
    return found


def _ack(batch: Batch) -> Ack:
    return Ack(
        device=batch.device,
        epoch=1,
        journal=batch.journal,
        next=len(batch.records),
        digest=genesis(batch.device, 1, batch.journal),
        durable_next=0,
        time_ms=now_ms(),
        lineage=bytes(16),
        batch_hash=bytes(32),
        verdict=0,
        retry_after_s=0,
        admit=RECORDS_PER_BATCH_MAX,
    )


def _rows(taken: _Taken, parts: dict[int, dict[str, list[float]]], signatures: dict[str, list[float]]) -> list[Row]:
    found = []
    for shape, rounds in taken.shapes.items():
        counted = sum(each.records for each in rounds)
        ours = [each.records / each.ours_s for each in rounds]
        floor = [each.records / each.floor_s for each in rounds]
        found += [
            row(f"accept / floor, {shape.words}", "ratio", "×", ratios(ours, floor), counted),
            row(f"accept, {shape.words}", "ours", "records/s", ours, counted, shape.goal),
            row(
                f"accept, {shape.words}: of processor time",
                "part",
                "records/s",
                [each.records / each.processor_s for each in rounds],
                counted,
            ),
            row(f"bare insert, {shape.words}", "floor", "records/s", floor, counted),
        ]
    found.append(row("opener: open, check, fold", "ours", "records/s", taken.opened, taken.opened_count))
    for each, by_name in parts.items():
        for name, rounds_ms in by_name.items():
            found.append(row(f"a batch of {each}, processor time: {name}", "part", "ms", rounds_ms, len(rounds_ms)))
    for name, rates in signatures.items():
        found.append(row(f"P-256 {name} alone, of processor time", "floor", "/s", rates, len(rates)))
    return found
