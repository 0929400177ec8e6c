"""The fleet server in one process: broker child, MQTT side, ingest, opener, downlink, both HTTP faces.

The composition root: puts the rooms together, gives each its thread, ends them in order. Decides nothing else.

threads: writer (write connection) · ingest-link (paho) · ingest (accept, Acks) · opener · downlink · two webs.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from device_profiles.wire import device_from_name, device_name
from fleet_server import fleet_keys
from fleet_server.api import Face, device_app
from fleet_server.broker import Broker, BrokerAccess, BrokerSettings, open_broker
from fleet_server.console.app import Console, console_app
from fleet_server.downlink import Downlink
from fleet_server.enrol import Issuer
from fleet_server.ingest import accept_many
from fleet_server.link import Inbox, IngestLink, LinkSettings
from fleet_server.opener import Opener
from fleet_server.store_sqlite import SqliteReaders, SqliteStore
from fleet_server.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet_server.settings import Settings
    from fleet_server.store import Store
    from provisioning.authority import Authority

log = logging.getLogger(__name__)
DATABASE = "fleet.db"
BANK_TOKEN = "bank.token"  # noqa: S105  the name of a file
ADMITTED = ("CLAIMED", "ACTIVE", "PROVISIONAL", "QUARANTINED")
BATCHES_AT_ONCE = 256
IDLE_S = 0.05
LOOK_S = 0.5
RENEW_S = 86_400.0


def now_ms() -> int:
    """UTC milliseconds by the server's clock, which is the fleet's."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Server:
    """One running fleet server."""

    settings: Settings
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _webs: list[uvicorn.Server] = field(default_factory=list)
    _failed: set[str] = field(default_factory=set)

    def run(self) -> int:
        """Serve until told to stop; the exit code. Raises BrokerError, FleetKeyFault, sqlite3.Error, OSError."""
        settings, folder = self.settings, self.settings.folder
        database = folder / DATABASE
        fleet_keys.renew_certificates(folder, now_ms(), settings.public_host or settings.host)
        keys = fleet_keys.load(folder)
        readers = SqliteReaders(database)
        writer = Writer(lambda: SqliteStore.open(database))
        writer.start()
        try:
            return self._serve(writer, readers, keys)
        finally:  # its thread would keep a server alive whose broker, say, could not start
            writer.stop()
            readers.close()

    def _serve(self, writer: Writer, readers: SqliteReaders, keys: fleet_keys.ServerKeys) -> int:
        settings, folder = self.settings, self.settings.folder
        if settings.backup_folder:  # once kept, always kept: else stations might prune what no backup holds
            writer.run(lambda store: store.set_keeps_backups(True))
        authority, reloading = fleet_keys.load_authority(folder), threading.Lock()

        def access() -> BrokerAccess:
            return readers.read(lambda store: _access(store, authority))

        def reload() -> None:
            with reloading:  # read and put in force by one at a time: an older list must not come last
                broker.reload(access())

        broker = open_broker(settings.broker, self._broker_settings(), access())
        broker.start()
        link = IngestLink(self._link_settings(broker.port), Inbox())
        issuer = Issuer(
            authority,
            keys,
            settings.public_host or settings.host,
            settings.public_broker_port or broker.port,
            f"https://{settings.public_host or settings.host}:{settings.public_face_port or settings.face_port}",
        )
        opener = Opener(writer, readers, fleet_keys.load_openers(folder))
        downlink = Downlink(writer, readers, keys, link.send_desired, reload, now_ms, settings.heartbeat_s)
        face = Face(writer, readers, issuer, now_ms, reload)
        console = Console(writer, readers, now_ms, settings, broker.alive, self._bank_token())
        try:
            link.start()
            self._spawn("ingest", lambda: self._ingest(writer, link, keys.ack))
            self._spawn("opener", lambda: self._open(opener))
            self._spawn("downlink", lambda: self._down(downlink, broker, link))
            self._web("face", device_app(face), settings.host, settings.face_port, tls=True)
            self._web("console", console_app(console), settings.console_host, settings.console_port, tls=False)
            log.info("serving: broker %s on port %d", settings.broker, broker.port)
            self._stopping.wait()
        finally:
            self._end(link, broker)
        if self._failed:
            log.error("ended by a fault in: %s", ", ".join(sorted(self._failed)))
        return 1 if self._failed else 0

    def stop(self) -> None:
        """Ask the server to end."""
        self._stopping.set()

    def _end(self, link: IngestLink, broker: Broker) -> None:
        self._stopping.set()
        for web in self._webs:
            web.should_exit = True
        link.stop()
        for thread in self._threads:
            thread.join(timeout=5.0)
        broker.stop()

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        """Run `work` on a thread of its own; when one ends, by a fault or not, the whole server ends.

        The interpreter prints the fault; systemd starts the server again.
        """

        def guarded() -> None:
            try:
                work()
                self._failed.discard(name)
            finally:
                self._stopping.set()

        self._failed.add(name)
        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _ingest(self, writer: Writer, link: IngestLink, key: Any) -> None:
        while not self._stopping.is_set():
            messages = link.inbox.take(BATCHES_AT_ONCE, LOOK_S)
            if not messages:
                continue
            for message, ack in zip(messages, accept_many(writer, messages, now_ms(), key), strict=True):
                if ack is not None:
                    link.send_ack(device_from_name(message.topic.rsplit("/", 1)[1]), ack)

    def _open(self, opener: Opener) -> None:
        while not self._stopping.is_set():
            if not opener.step():
                self._stopping.wait(IDLE_S)

    def _down(self, downlink: Downlink, broker: Broker, link: IngestLink) -> None:
        restarts, renew_at_s = -1, time.monotonic() + RENEW_S
        while not self._stopping.is_set():
            if broker.restarts != restarts:
                restarts = broker.restarts
                downlink.broker_restarted()
            if time.monotonic() >= renew_at_s:  # a revocation list must not run out
                renew_at_s = time.monotonic() + RENEW_S
                downlink.changed()
            link.states.take(BATCHES_AT_ONCE, 0.0)  # births and wills are hints; nothing here is built on them yet
            if link.linked:
                downlink.turn()
            self._stopping.wait(LOOK_S)

    def _web(self, name: str, app: Any, host: str, port: int, *, tls: bool) -> None:
        pair = self.settings.folder / "tls"
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            ssl_certfile=str(pair / "face.crt") if tls else None,
            ssl_keyfile=str(pair / "face.pem") if tls else None,
        )
        web = uvicorn.Server(config)
        self._webs.append(web)
        self._spawn(name, web.run)

    def _broker_settings(self) -> BrokerSettings:
        settings, tls = self.settings, self.settings.folder / "tls"
        return BrokerSettings(
            folder=settings.folder / "broker",
            host=settings.host,
            port=settings.broker_port,
            ca_file=settings.folder / fleet_keys.CA_CHAIN,
            cert_file=tls / "broker.crt",
            key_file=tls / "broker.pem",
            binary=Path(settings.broker_binary) if settings.broker_binary else None,
            stations_max=settings.stations_max,
        )

    def _link_settings(self, port: int) -> LinkSettings:
        tls = self.settings.folder / "tls"
        return LinkSettings(
            host=self.settings.host,
            port=port,
            ca_file=self.settings.folder / fleet_keys.CA_CHAIN,
            cert_file=tls / f"{fleet_keys.INGEST}.crt",
            key_file=tls / f"{fleet_keys.INGEST}.pem",
        )

    def _bank_token(self) -> str:
        """The key of the simulated bank's door, drawn anew at each start; only the server's own user can read it."""
        token = secrets.token_urlsafe(24)
        path = self.settings.folder / BANK_TOKEN
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(token)
        return token


def _access(store: Store, authority: Authority) -> BrokerAccess:
    """Who may connect: every device that is not out. A quarantined one is heard, and kept apart."""
    devices = store.devices()
    names = frozenset(device_name(device.id) for device in devices if device.status in ADMITTED)
    out = {device.id for device in devices if device.status not in ADMITTED}
    gone = [(each.serial, each.at_ms) for each in store.issued() if each.device in out]
    return BrokerAccess(names, crl=authority.revocations(gone, now_ms()))
