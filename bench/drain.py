"""A station comes back with a backlog: how fast it drains with one batch in flight, over each broker.

From the link's first word to the last Ack remembered and the journal pruned behind it. The peer publishes messages of
the same size with QoS 1, one in flight: what the broker alone allows, when nothing is read, signed, verified or kept.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from bench import line
from bench.rows import Row, ratios, row, turns
from device_profiles.wire import RECORDS_PER_BATCH_MAX
from edge_agent.machines.sync import PRUNE_AT_LEAST
from fleet_server.broker import KINDS

if TYPE_CHECKING:
    from pathlib import Path

# rounds; in each: records of the backlog, and the time in seconds that writing it may take
COUNTS = {"full": (3, 2000, 6.0), "quick": (3, 400, 1.0), "smoke": (1, 120, 60.0)}
TURN = 20


def measure(size: str, folder: Path) -> list[Row]:
    found = []
    for kind in KINDS:
        with line.running(kind, folder / kind) as running:
            found += _rows(kind, [_round(running, *COUNTS[size][1:]) for _ in range(COUNTS[size][0])])
    return found


def _round(running: line.Line, count: int, seconds_max: float) -> tuple[int, float, float]:
    """Give records, and the seconds that they took us and the peer."""
    hand = running.hand
    hand.disconnect()
    before = running.stored()
    for each in turns(count, TURN, seconds_max):
        for _ in range(each):
            hand.append()
    hand.tell()
    written = hand.agent.journal.next - before
    sent = len(hand.link.sizes)
    hand.connect()
    begun = time.perf_counter()
    hand.settle()
    ours_s = time.perf_counter() - begun
    assert running.stored() == hand.agent.journal.next == before + written
    assert hand.agent.journal.next - hand.agent.journal.first_held <= PRUNE_AT_LEAST  # fewer are not worth a write
    batches = -(-written // RECORDS_PER_BATCH_MAX)
    sizes = hand.link.sizes[sent + 1 :]  # the first asks where to resume
    assert len(sizes) >= batches
    return written, ours_s, sum(running.peer.exchange(os.urandom(size)) for size in sizes)


def _rows(kind: str, done: list[tuple[int, float, float]]) -> list[Row]:
    counted = sum(written for written, _, _ in done)
    ours = [written / seconds for written, seconds, _ in done]
    peer = [written / seconds for written, _, seconds in done]
    return [
        row(f"{kind}: drain / plain publishes of the same bytes", "ratio", "×", ratios(ours, peer), counted),
        row(f"{kind}: drain of a backlog, one batch in flight", "ours", "records/s", ours, counted),
        row(f"{kind}: the same bytes to PUBACK, one message in flight", "peer", "records/s", peer, counted),
    ]
