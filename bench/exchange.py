"""From the commit on the station to the fleet's verified Ack: one payment over a real broker with TLS on loopback.

The time begins before the station's commit and ends when its hand has verified the Ack and remembered it, which is a
second commit; beside it stands the arrival of the Ack alone. The peer publishes as many bytes with QoS 1 and waits for
the broker's PUBACK, which promises less: that the broker has heard it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from bench import line
from bench.rows import Goal, Row, percentile, ratios, row, turns
from fleet_server.broker import KINDS

if TYPE_CHECKING:
    from pathlib import Path

# rounds; in each: exchanges of each side, and their time in seconds
COUNTS = {"full": (3, 400, 8.0), "quick": (3, 60, 1.0), "smoke": (1, 4, 60.0)}
TURN = 10


def measure(size: str, folder: Path) -> list[Row]:
    found = []
    for kind in KINDS:
        with line.running(kind, folder / kind) as running:
            found += _rows(kind, _rounds(running, *COUNTS[size]))
    return found


def _rounds(running: line.Line, rounds: int, count: int, seconds_max: float) -> list[dict[str, list[float]]]:
    done = []
    for _ in range(rounds):
        took: dict[str, list[float]] = {"ours": [], "arrived": [], "peer": []}
        before = running.stored()
        for each in turns(count, TURN, seconds_max):
            for _ in range(each):
                _exchange(running.hand, took)
            data = os.urandom(running.hand.link.sizes[-1])
            took["peer"] += [running.peer.exchange(data) for _ in range(each)]
        assert running.stored() - before == len(took["ours"]) == len(took["peer"])
        done.append({name: sorted(times) for name, times in took.items()})
    return done


def _exchange(hand: line.Hand, took: dict[str, list[float]]) -> None:
    begun = time.perf_counter()
    hand.append()
    hand.tell()
    hand.settle()
    took["ours"].append(time.perf_counter() - begun)
    took["arrived"].append(hand.arrived_s - begun)


def _rows(kind: str, done: list[dict[str, list[float]]]) -> list[Row]:
    counted = sum(len(each["ours"]) for each in done)

    def of(side: str, share: float) -> list[float]:
        return [1000 * percentile(each[side], share) for each in done]

    return [
        row(
            f"{kind}: commit to Ack / publish to PUBACK, p50",
            "ratio",
            "×",
            ratios(of("ours", 0.5), of("peer", 0.5)),
            counted,
        ),
        row(
            f"{kind}: commit to Ack, verified and remembered, p50",
            "ours",
            "ms",
            of("ours", 0.5),
            counted,
            Goal("most", 5.0),
        ),
        row(f"{kind}: commit to Ack, verified and remembered, p99", "ours", "ms", of("ours", 0.99), counted),
        row(f"{kind}: commit to the Ack's arrival, p50", "part", "ms", of("arrived", 0.5), counted),
        row(f"{kind}: paho publish QoS 1 to PUBACK, p50", "peer", "ms", of("peer", 0.5), counted),
        row(f"{kind}: paho publish QoS 1 to PUBACK, p99", "peer", "ms", of("peer", 0.99), counted),
    ]
