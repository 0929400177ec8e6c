"""Journal append and drain, beside the least the disk asks for (append + fdatasync) and beside persist-queue.

All three keep 1 KiB per append durably, one commit each, in turns of a few dozen appends so that a neighbour's load
falls on all of them. Ours checks the contract, pads, seals and chains; the peer keeps plain bytes in no chain. Beside
the time on the wall stands the processor's: a neighbour takes the first and hardly the second.
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from persistqueue import SQLiteAckQueue

from bench.fleet import LONG_FIELDS, Fleet, now_ms
from bench.rows import Goal, Kind, Row, percentile, ratios, row, turns
from device_profiles import records, wire
from edge_agent.agent import RECORDS_MAX_BYTES
from edge_agent.journal import Journal, Stamp
from edge_agent.sealer import Sealer
from fleet_server import fleet_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provisioning.trust import FleetTrust

BODY_BYTES = 1024
WRITTEN_MAX_BYTES = 8192
# rounds; in each: appends of each side, their time in seconds, and how many the peer drains
COUNTS = {"full": (3, 3000, 9.0, 500), "quick": (3, 600, 1.5, 100), "smoke": (1, 20, 60.0, 20)}
TURN = 20
_PLAIN = os.urandom(BODY_BYTES)


class _Side:
    """One contestant of one round: its times, and the bytes it had written."""

    def __init__(self, put: Callable[[], object]) -> None:
        self.put = put
        self.times_s: list[float] = []
        self.processor_s = 0.0
        self.handed_bytes = self.kernel_bytes = 0

    def turn(self, count: int) -> None:
        with _Written(self):
            worked = time.process_time()
            for _ in range(count):
                begun = time.perf_counter()
                self.put()
                self.times_s.append(time.perf_counter() - begun)
            self.processor_s += time.process_time() - worked

    @property
    def rate(self) -> float:
        return len(self.times_s) / sum(self.times_s)


class _Written:
    """Adds what this process wrote meanwhile: bytes handed to `write`, and bytes the kernel counted for the disk."""

    def __init__(self, side: _Side) -> None:
        self._side = side

    def __enter__(self) -> None:
        self._before = _io()

    def __exit__(self, *_: object) -> None:
        handed, kernel = _io()
        self._side.handed_bytes += handed - self._before[0]
        self._side.kernel_bytes += kernel - self._before[1]


def _io() -> tuple[int, int]:
    """proc(5), /proc/pid/io: wchar and write_bytes."""
    said = dict(line.split(": ") for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines())
    return int(said["wchar"]), int(said["write_bytes"])


def measure(size: str, folder: Path) -> list[Row]:
    rounds, count, seconds_max, drained = COUNTS[size]
    trust = fleet_keys.load(Fleet.make(folder / "fleet").server).trust
    assert len(wire.pad(records.pack("payment.created", LONG_FIELDS))) == BODY_BYTES
    return _rows(
        [
            _round(folder / f"round-{number}", trust, turns(count, TURN, seconds_max), drained)
            for number in range(rounds)
        ]
    )


def _round(folder: Path, trust: FleetTrust, turn: Iterable[int], drained: int) -> dict[str, dict[str, float]]:
    folder.mkdir()
    journal = Journal.open(folder / "journal.db", b"d" * 16, 1)
    # SQLite's name for no file: what ours costs without a disk.
    in_memory = Journal.open(Path(":memory:"), b"d" * 16, 1)
    peer = SQLiteAckQueue(str(folder / "peer"))
    file = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    sides = {
        "floor": _Side(partial(_append_plain, file)),
        "ours": _Side(_appender(journal, trust)),
        "peer": _Side(lambda: peer.put(_PLAIN)),
        "memory": _Side(_appender(in_memory, trust)),
    }
    for each in turn:
        for side in sides.values():
            side.turn(each)
    count = len(sides["ours"].times_s)
    assert journal.next == in_memory.next == count + 1  # the key record comes first
    assert peer.qsize() == count
    assert os.fstat(file).st_size == count * BODY_BYTES
    drains = {"ours": _drain(journal, count), "peer": _drain_peer(peer, min(drained, count))}
    with _Written(sides["ours"]):
        journal.close()  # what still stood in the write-ahead log goes to its place
    with _Written(sides["peer"]):
        peer.close()
    in_memory.close()
    os.close(file)
    return {name: _figures(side, count) | {"drain": drains.get(name, 0.0)} for name, side in sides.items()}


def _append_plain(file: int) -> None:
    os.write(file, _PLAIN)
    os.fdatasync(file)


def _appender(journal: Journal, trust: FleetTrust) -> Callable[[], int]:
    sealer, at_ms = Sealer(journal, trust), now_ms()
    stamp = Stamp(at_ms, 2, 1, 5)
    sealer.prepare(stamp, at_ms)
    sealer.begin(stamp, at_ms)
    return lambda: sealer.append("payment.created", LONG_FIELDS, stamp, at_ms, txn=b"t" * 16)


def _drain(journal: Journal, count: int) -> float:
    """Read batch by batch and prune behind each, as sync does with a fleet that keeps up; records per second."""
    begun = time.perf_counter()
    taken = 0
    while held := journal.after(taken, wire.RECORDS_PER_BATCH_MAX, RECORDS_MAX_BYTES):
        taken += len(held)
        journal.prune(taken)
    took_s = time.perf_counter() - begun
    assert (taken, journal.first_held) == (count + 1, count)  # the newest record stays
    return count / took_s


def _drain_peer(peer: SQLiteAckQueue, count: int) -> float:
    """Take and acknowledge so many, then clear what was acknowledged; records per second."""
    held, begun = peer.qsize(), time.perf_counter()
    for _ in range(count):
        peer.ack(peer.get(block=False))
    peer.clear_acked_data(max_delete=count, keep_latest=0)
    took_s = time.perf_counter() - begun
    assert (peer.qsize(), peer.acked_count()) == (held - count, 0)
    return count / took_s


def _figures(side: _Side, count: int) -> dict[str, float]:
    ordered = sorted(side.times_s)
    assert len(ordered) == count
    return {
        "count": count,
        "rate": side.rate,
        "processor": 1000 * side.processor_s / count,
        "p50": 1000 * percentile(ordered, 0.5),
        "p99": 1000 * percentile(ordered, 0.99),
        "handed": side.handed_bytes / count,
        "kernel": side.kernel_bytes / count,
    }


def _rows(done: list[dict[str, dict[str, float]]]) -> list[Row]:
    def of(side: str, figure: str) -> list[float]:
        return [each[side][figure] for each in done]

    counted = int(sum(of("ours", "count")))
    found = _ratios(of, counted)
    names: dict[Kind, str] = {
        "ours": "journal through the sealer",
        "peer": "SQLiteAckQueue",
        "floor": "append + fdatasync",
    }
    for side, words in names.items():
        goal = Goal("most", WRITTEN_MAX_BYTES) if side == "ours" else None
        found += [
            row(f"{words}: append", side, "/s", of(side, "rate"), counted),
            row(f"{words}: append p50", side, "ms", of(side, "p50"), counted),
            row(f"{words}: append p99", side, "ms", of(side, "p99"), counted),
            row(f"{words}: processor time per append", side, "ms", of(side, "processor"), counted),
            row(f"{words}: handed to write per append", side, "bytes", of(side, "handed"), counted, goal),
            row(f"{words}: the kernel's count for the disk", side, "bytes", of(side, "kernel"), counted),
        ]
    alone = of("memory", "processor")
    return [
        *found,
        row("journal: drain (read, prune)", "ours", "/s", of("ours", "drain"), counted),
        row("SQLiteAckQueue: drain (get, ack, clear)", "peer", "/s", of("peer", "drain"), counted),
        row("journal without a disk: processor time per append", "part", "ms", alone, counted),
    ]


def _ratios(of: Callable[[str, str], list[float]], counted: int) -> list[Row]:
    ours, floor, peer = of("ours", "rate"), of("floor", "rate"), of("peer", "rate")
    medians = ratios(of("floor", "p50"), of("ours", "p50"))
    drains = ratios(of("ours", "drain"), of("peer", "drain"))
    return [
        row("append: ours / floor", "ratio", "×", ratios(ours, floor), counted, Goal("least", 0.90)),
        row("append: ours / SQLiteAckQueue", "ratio", "×", ratios(ours, peer), counted, Goal("least", 1.0)),
        row("append, median time: floor / ours", "ratio", "×", medians, counted),
        row("drain: ours / SQLiteAckQueue", "ratio", "×", drains, counted, Goal("least", 25)),
    ]
