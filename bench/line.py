"""One whole line on loopback: a real station, a real broker with TLS, the fleet's link, accept and its database.

The hand runs in the caller's thread, so that a caller knows when it has understood an Ack; ingest has a thread of its
own, as in the fleet server. Decides nothing about what is measured. `Peer` is a plain paho client on the same broker.
"""

from __future__ import annotations

import contextlib
import queue
import random
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench.fleet import PROFILE, USUAL_FIELDS, Fleet, now_ms
from device_profiles.profile import load_shipped
from device_profiles.wire import device_from_name, device_name, topic_state
from edge_agent import boot, events
from edge_agent.clock import Clock
from edge_agent.drivers.display.browser import BrowserDisplay
from edge_agent.errands import Errands
from edge_agent.journal import Stamp
from edge_agent.link import MqttLink, tls_context
from edge_agent.machines.sync import Sync
from fleet_server import fleet_keys
from fleet_server.broker import BrokerAccess, BrokerSettings, open_broker
from fleet_server.ingest import accept_many
from fleet_server.link import Inbox, IngestLink, LinkSettings
from fleet_server.store_sqlite import SqliteReaders, SqliteStore
from fleet_server.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge_agent.events import Event
    from provisioning.identity import Identity

PATIENCE_S = 30.0
LOOK_S = 0.2
HEARTBEAT_S = 86_400.0
BATCHES_AT_ONCE = 256


class LineBroken(Exception):
    """Something on the line did not come up or did not answer in time; the words say what."""


@dataclass(slots=True)
class WatchedLink:
    """The real link; notes the size of every batch it took."""

    link: MqttLink
    sizes: list[int] = field(default_factory=list)

    def start(self) -> None:
        self.link.start()

    def publish(self, data: bytes) -> bool:
        taken = self.link.publish(data)
        if taken:
            self.sizes.append(len(data))
        return taken

    def stop(self) -> None:
        self.link.stop()


class Hand:
    """The station: the real agent and its link; `turn` is one turn of the hand's loop."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._inbox: queue.Queue[tuple[float, Event]] = queue.Queue()
        self._clock = Clock(identity.time_floor_ms)
        self.link = WatchedLink(MqttLink(identity, self._post))
        around = boot.Surroundings(
            clock=self._clock,
            link=self.link,
            display=BrowserDisplay(),
            errands=Errands(identity.face_url, identity.ca, self._post),
            printer=None,
            random_bytes=secrets.token_bytes,
            jitter=random.SystemRandom().random,
        )
        self.agent = boot.assemble(folder, identity, load_shipped(PROFILE), around, HEARTBEAT_S, "bench")
        self.arrived_s = 0.0

    def _post(self, event: Any) -> None:
        self._inbox.put((time.perf_counter(), event))

    @property
    def sync(self) -> Sync:
        return next(each for each in self.agent.machines if isinstance(each, Sync))

    def turn(self) -> Event:
        """Take one event and all that follows from it. Raises LineBroken when none comes."""
        try:
            self.arrived_s, event = self._inbox.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise LineBroken(f"the station heard nothing for {PATIENCE_S:g} s") from None
        self.agent.handle(event, self._clock.now())
        return event

    def connect(self) -> None:
        """Start the link and wait for it; the empty batch that asks where to resume is on its way then."""
        self.link.start()
        while not isinstance(self.turn(), events.LinkUp):
            pass

    def disconnect(self) -> None:
        """Stop the link and let the machines know."""
        self.link.stop()
        while not isinstance(self.turn(), events.LinkDown):
            pass

    def append(self) -> None:
        """Commit one payment, as the hand does; nothing is sent yet."""
        now = self._clock.now()
        stamp = Stamp(now.wall_ms, now.quality, self.agent.boot, int(now.mono_s * 1000))
        txn = secrets.token_bytes(16)
        self.agent.sealer.append("payment.created", USUAL_FIELDS, stamp, self._clock.trusted_ms(), txn=txn)

    def tell(self) -> None:
        """Tell the machines what is committed: sync asks for an exchange."""
        self.agent.handle(events.Committed(self.agent.journal.next), self._clock.now())

    def settle(self) -> None:
        """Turn until the fleet has acknowledged all that is committed."""
        while self.sync.cursor < self.agent.journal.next:
            self.turn()

    def close(self) -> None:
        self.link.stop()
        self.agent.journal.close()


class Peer:
    """A plain paho client with a certificate like the station's: QoS 1, one message in flight, TCP_NODELAY."""

    def __init__(self, identity: Identity) -> None:
        self._topic = topic_state(identity.device)
        self._connected = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, secrets.token_hex(16))
        self._client.tls_set_context(tls_context(identity))
        self._client.on_socket_open = _no_delay
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.connect(*identity.broker, 60)
        self._client.loop_start()
        if not self._connected.wait(PATIENCE_S):
            raise LineBroken("the broker did not take the peer")

    def exchange(self, data: bytes) -> float:
        """Publish and wait for the PUBACK; seconds. Raises LineBroken."""
        begun = time.perf_counter()
        sent = self._client.publish(self._topic, data, qos=1)
        sent.wait_for_publish(PATIENCE_S)
        if not sent.is_published():
            raise LineBroken(f"no PUBACK for {PATIENCE_S:g} s")
        return time.perf_counter() - begun

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _no_delay(_client: Any, _userdata: Any, opened: Any) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """Everything that runs."""

    hand: Hand
    peer: Peer
    readers: SqliteReaders

    def stored(self) -> int:
        """How many records of the station the fleet's log holds."""
        device, journal = self.hand.agent.journal.device, self.hand.agent.journal.journal
        head = self.readers.read(lambda store: store.head(device, journal))
        return head.next if head else 0


@contextlib.contextmanager
def running(kind: str, folder: Path) -> Iterator[Line]:
    """A line over a broker of this kind; everything ends with it. Raises LineBroken, BrokerError."""
    fleet = Fleet.make(folder / "fleet")
    station, other = folder / "K0001", folder / "K0002"
    ours, theirs = fleet.enrol("K0001", station), fleet.enrol("K0002", other)
    authority = fleet_keys.load_authority(fleet.server)
    access = BrokerAccess(
        frozenset({device_name(ours.device), device_name(theirs.device)}), crl=authority.revocations([], now_ms())
    )
    with contextlib.ExitStack() as end:
        broker = open_broker(kind, _broker_settings(fleet), access)
        broker.start()
        end.callback(broker.stop)
        link = IngestLink(_link_settings(fleet), Inbox())
        readers = _ingest(fleet, link, end)
        if not link.wait_linked(PATIENCE_S):
            raise LineBroken(f"the fleet's link did not come up: {link.reason}")
        hand = Hand(station, ours)
        end.callback(hand.close)
        hand.connect()
        peer = Peer(theirs)
        end.callback(peer.close)
        hand.settle()
        yield Line(hand, peer, readers)


def _ingest(fleet: Fleet, link: IngestLink, end: contextlib.ExitStack) -> SqliteReaders:
    """Start writer, link and the ingest thread as the fleet server does; they end in order with `end`."""
    writer, readers, stopping = (
        Writer(lambda: SqliteStore.open(fleet.database)),
        SqliteReaders(fleet.database),
        threading.Event(),
    )
    key = fleet_keys.load(fleet.server).ack

    def work() -> None:
        while not stopping.is_set():
            messages = link.inbox.take(BATCHES_AT_ONCE, LOOK_S)
            if not messages:
                continue
            for message, ack in zip(messages, accept_many(writer, messages, now_ms(), key), strict=True):
                if ack is not None:
                    link.send_ack(device_from_name(message.topic.rsplit("/", 1)[1]), ack)

    writer.start()
    end.callback(readers.close)
    end.callback(writer.stop)
    thread = threading.Thread(target=work, name="ingest")
    thread.start()
    end.callback(thread.join)
    end.callback(stopping.set)
    link.start()
    end.callback(link.stop)
    return readers


def _broker_settings(fleet: Fleet) -> BrokerSettings:
    tls = fleet.server / "tls"
    return BrokerSettings(
        folder=fleet.server / "broker",
        host="127.0.0.1",
        port=fleet.broker_port,
        ca_file=fleet.server / fleet_keys.CA_CHAIN,
        cert_file=tls / "broker.crt",
        key_file=tls / "broker.pem",
        stations_max=100,
    )


def _link_settings(fleet: Fleet) -> LinkSettings:
    tls = fleet.server / "tls"
    return LinkSettings(
        host="127.0.0.1",
        port=fleet.broker_port,
        ca_file=fleet.server / fleet_keys.CA_CHAIN,
        cert_file=tls / f"{fleet_keys.INGEST}.crt",
        key_file=tls / f"{fleet_keys.INGEST}.pem",
    )
