"""The broker port: what the fleet needs of an MQTT broker, and the values one is made of.

Decides who may use which topic (a device: its own four; ingest: all of one direction) and what every engine must
promise. Starts nothing itself: `brokers/` holds one room per engine and the supervision of the child process. The
broker is a pipe: it is trusted with nothing, and nothing in it has to survive a restart.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from device_profiles import wire

KINDS = ("nats", "mosquitto")
# A batch may be BATCH_MAX_BYTES long; the rest is room for its envelope, and in a packet for topic and headers.
MESSAGE_MAX_BYTES = wire.BATCH_MAX_BYTES + 4096
PACKET_MAX_BYTES = MESSAGE_MAX_BYTES + 1024
_INGEST_NAME = re.compile(r"[a-z][a-z0-9-]{0,24}")


class BrokerError(Exception):
    """The broker cannot do what was asked; the words name the thing and the remedy."""


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Who may connect: the registry's word, and nothing else.

    devices: certificate names (`wire.device_name`) of admitted devices; a name that is missing is not admitted.
    ingest: certificate names of the fleet's own clients, one name per process.
    crl: PEM of the revocation list of the issuing CA; engines that know users by name alone do not read it.
    """

    devices: frozenset[str]
    ingest: frozenset[str] = frozenset({"ingest"})
    crl: bytes = b""

    def __post_init__(self) -> None:
        """Refuse a name that could mean something in a configuration file. Raises WireError or BrokerError."""
        for name in self.devices:
            wire.device_from_name(name)
        for name in self.ingest:
            if not _INGEST_NAME.fullmatch(name):
                raise BrokerError(f"{name!r} is no name for an ingest client: use up to 25 of a-z, 0-9 and -")


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """How one broker runs. All files are the fleet server's; the child reads them as the same user.

    folder: the broker's own folder (configuration, store, log), made 0700. host, port: the one open listener.
    ca_file: PEM of every CA a client certificate may come from. binary: path or None = look for it.
    stations_max: the fleet the limits are made for. stall_s: how long a reader may stall before it is cut.
    pending_max_bytes: what may wait for one reader; None = from stations_max.
    """

    folder: Path
    host: str
    port: int
    ca_file: Path
    cert_file: Path
    key_file: Path
    binary: Path | None = None
    stations_max: int = 10_000
    stall_s: int = 10
    pending_max_bytes: int | None = None

    @property
    def reader_max_bytes(self) -> int:
        """What may wait for one reader: one batch of 35 kB from each station at once, never less than 64 MiB."""
        return self.pending_max_bytes or max(64 * 1024 * 1024, self.stations_max * 35 * 1024)


class Broker(Protocol):
    """One MQTT 3.1.1 broker as a supervised child. Every engine passes tests/contracts/broker.

    Listens on the given host and port alone; asks every client for a certificate of ca_file and takes its CN as the
    user; lets it use the topics of `device_topics` or `ingest_topics` and no other; cuts off a client that keeps silent
    for 1.5 times its keepalive (plus 7 s at worst: its clock) and one that sends a packet over PACKET_MAX_BYTES;
    what waits for a reader that stalls is bounded, and it is cut off too. QoS 0, retained messages and wills work.
    """

    def start(self) -> None:
        """Start the child and return once it listens (about 0.1 s); it is restarted when it dies. Raises BrokerError.

        What was retained is forgotten at each start: it is published again by its owner.
        """
        ...

    def reload(self, access: BrokerAccess) -> None:
        """Make `access` the law and return once it is in force; a removed device is cut off. Raises BrokerError.

        After it returns a removed device can neither publish nor hear; the connections of others go on.
        """
        ...

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        ...

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        ...

    @property
    def restarts(self) -> int:
        """How often the child had to be restarted since `start`; growing = look at broker.log."""
        ...

    def alive(self) -> bool:
        """Whether the child runs and listens now."""
        ...

    def stop(self) -> None:
        """End the child, by force after some seconds. Never raises; may be called twice."""
        ...


def open_broker(kind: str, settings: BrokerSettings, access: BrokerAccess) -> Broker:
    """Give the engine of that name, not yet started. Raises BrokerError for an unknown name or a missing program."""
    match kind:
        case "nats":
            from fleet_server.brokers.nats import NatsBroker

            return NatsBroker(settings, access)
        case "mosquitto":
            from fleet_server.brokers.mosquitto import MosquittoBroker

            return MosquittoBroker(settings, access)
        case _:
            raise BrokerError(f"unknown broker {kind!r}: choose one of {', '.join(KINDS)}")


@lru_cache(maxsize=65_536)  # asked for every device at every reload
def device_topics(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Exact topics a device may publish to, and those it may subscribe to.

    The shard is spelled out: with a wildcard in its place one device could retain messages on any number of topics.
    """
    device = wire.device_from_name(name)
    return (wire.topic_up(device), wire.topic_state(device)), (wire.topic_ack(device), wire.topic_desired(device))


def ingest_topics() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Topic filters the fleet's own clients may publish to, and those they may subscribe to."""
    return ("v1/down/+/ack", "v1/down/+/desired"), ("v1/up/+/+", "v1/state/+")


def programs(name: str) -> list[Path]:
    """Where a program of that name is: on the PATH, in the system's sbin folders, beside this interpreter (wheels)."""
    places = [*os.get_exec_path(), "/usr/local/sbin", "/usr/sbin", str(Path(sys.executable).parent)]
    found = (shutil.which(name, path=place) for place in dict.fromkeys(places))
    return [Path(program) for program in found if program]


def write_private(path: Path, data: bytes) -> None:
    """Put a file in place in one step, readable by its owner alone. Not fsynced: it is written anew at each start.

    A file that already says so is left alone: a child can be restarted on a full disk.
    """
    if path.exists() and path.read_bytes() == data:
        return
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)
