"""What goes over the wire: the heartbeat, a batch of fifty records and the Ack, as a real agent and accept make them.

Sizes do not depend on the machine or its load, so one round is enough. Beside each stands its payload without any
envelope: what the signature and the head cost.
"""

from __future__ import annotations

import queue
import random
import secrets
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.fleet import PROFILE, USUAL_FIELDS, Fleet, now_ms
from bench.rows import Goal, Row, row
from device_profiles.cbor import encode
from device_profiles.profile import load_shipped
from device_profiles.wire import ACK_MAX_BYTES, BATCH_MAX_BYTES, Ack, Batch, envelope_decode, topic_up
from edge_agent import boot, events
from edge_agent.clock import Clock
from edge_agent.drivers.display.browser import BrowserDisplay
from edge_agent.errands import Errands
from edge_agent.journal import Stamp
from fleet_server import fleet_keys
from fleet_server.ingest import accept
from fleet_server.store_sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.agent import Agent
    from provisioning.identity import Identity

RECORDS = 50
# What a station sends a minute when idle: one PUBLISH (fixed header and topic length 5 B, TLS record 22 B, IP and TCP
# 40 B) and TCP's bare acknowledgement of the Ack (40 B). No PINGREQ: heartbeats come within the keepalive.
PUBLISH_BYTES, ACKNOWLEDGE_BYTES = 5 + 22 + 40, 40
BEAT_S = 60


@dataclass(slots=True)
class _Kept:
    """The link port that keeps what it is given: the bytes are what is measured."""

    sent: list[bytes] = field(default_factory=list)

    def start(self) -> None:
        """There is nothing to reach."""

    def publish(self, data: bytes) -> bool:
        self.sent.append(data)
        return True

    def stop(self) -> None:
        """There is nothing to leave."""


def measure(size: str, folder: Path) -> list[Row]:
    """The same for every size of run."""
    assert size
    fleet = Fleet.make(folder / "fleet")
    identity = fleet.enrol("K0001", folder / "K0001")
    key = fleet_keys.load(fleet.server).ack
    link, clock = _Kept(), Clock(identity.time_floor_ms)
    agent = _agent(folder / "K0001", identity, link, clock)
    topic = topic_up(identity.device)
    with closing(SqliteStore.open(fleet.database)) as store, closing(agent.journal):

        def exchange() -> tuple[Batch, Ack, int]:
            """Have what was sent last accepted, and its Ack heard."""
            said = link.sent[-1]
            ack = accept(store, topic, said, now_ms(), key)
            assert ack is not None
            agent.handle(events.Received("ack", ack), clock.now())
            batch = Batch.decode(envelope_decode(said, BATCH_MAX_BYTES).payload)
            return batch, Ack.decode(envelope_decode(ack, ACK_MAX_BYTES).payload), len(ack)

        agent.handle(events.LinkUp(1), clock.now())
        exchange()
        exchange()  # the first records: journal opened, station started, its devices
        _append(agent, clock, RECORDS)
        full, ack, ack_bytes = exchange()
        full_bytes = len(link.sent[-1])
        agent.handle(events.LinkDown("measured"), clock.now())
        agent.handle(events.LinkUp(2), clock.now())
        beat, _, _ = exchange()
        beat_bytes = len(link.sent[-1])
    assert (len(full.records), len(beat.records), ack.next) == (RECORDS, 0, agent.journal.next)
    return _rows(full, full_bytes, beat, beat_bytes, ack, ack_bytes)


def _agent(folder: Path, identity: Identity, link: _Kept, clock: Clock) -> Agent:
    inbox: queue.Queue[object] = queue.Queue()
    around = boot.Surroundings(
        clock=clock,
        link=link,
        display=BrowserDisplay(),
        errands=Errands(identity.face_url, identity.ca, inbox.put),
        printer=None,
        random_bytes=secrets.token_bytes,
        jitter=random.SystemRandom().random,
    )
    agent = boot.assemble(folder, identity, load_shipped(PROFILE), around, float(BEAT_S), "0.1.0")
    for port, paper in (("printer", "full"), ("reader", None), ("scanner", None), ("plugs", None)):
        agent.handle(events.PeripheralState(port, "simulated", "online", paper), clock.now())
    return agent


def _append(agent: Agent, clock: Clock, count: int) -> None:
    """Commit payments of one visit as the hand does; the key was drawn before."""
    now = clock.now()
    stamp = Stamp(now.wall_ms, now.quality, agent.boot, int(now.mono_s * 1000))
    for _ in range(count):
        txn = secrets.token_bytes(16)
        agent.sealer.append("payment.created", USUAL_FIELDS, stamp, clock.trusted_ms(), txn=txn)
    agent.handle(events.Committed(agent.journal.next), now)


def _rows(full: Batch, full_bytes: int, beat: Batch, beat_bytes: int, ack: Ack, ack_bytes: int) -> list[Row]:
    records = sum(map(len, full.records))
    idle_bytes = beat_bytes + len(topic_up(beat.device)) + PUBLISH_BYTES + ACKNOWLEDGE_BYTES
    return [
        row("a batch of 50 / its records alone", "ratio", "×", [full_bytes / records], RECORDS),
        row("heartbeat (an empty batch, signed)", "ours", "bytes", [beat_bytes], 1),
        row("heartbeat: its payload without the envelope", "part", "bytes", [len(beat.encode())], 1),
        row("heartbeat: the last values in it", "part", "bytes", [len(encode(beat.status))], 1),
        row("batch of 50 payments, signed", "ours", "bytes", [full_bytes], RECORDS),
        row("one of its records, mean", "part", "bytes", [records / RECORDS], RECORDS),
        row("the 50 records alone", "floor", "bytes", [records], RECORDS),
        row("Ack, signed", "ours", "bytes", [ack_bytes], 1),
        row("Ack: its payload without the envelope", "part", "bytes", [len(ack.encode())], 1),
        row(
            "idle uplink, all headers, a heartbeat a minute",
            "ours",
            "kbit/s",
            [idle_bytes * 8 / 1000 / BEAT_S],
            1,
            Goal("most", 0.25),
        ),
    ]
