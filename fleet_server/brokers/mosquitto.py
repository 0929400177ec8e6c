"""mosquitto (2.0.11 or later) as the fleet's broker, where a single node of it is preferred.

User and client id are the certificate's name, so no client can evict another; an ACL lists the admitted devices with
their exact topics. Facts behind the settings, tried with 2.0.11 (Debian 12):

- A list of users does not keep a valid certificate out: only the revocation list does. The ACL keeps it mute.
- SIGHUP reads both files anew but leaves live sessions alone. They are cut through a second listener, `door`: a unix
  socket in the broker's private folder whose clients choose their ids. A newcomer with the id of the revoked device
  takes its session over, which ends it.
- As root it would give up its rights and then fail to read its own files: it is told to stay who it is.
- It does not cut off a reader that stalls, but drops what is over max_queued_messages, and cuts the silent ones: its
  keepalive clock ticks every 6 s. memory_limit is no remedy: the ingest client was the one cut off.
- It looks up the user of every line of the ACL one by one: a reload of 10,000 devices silences it for a second, and for
  eight on a busy machine (2,000: 0.05 and 0.3 s). Gather changes before a reload.
- A connection that has shown its certificate and not yet said who it is (CONNECT) outlives the revocation for 90 s.
  What comes of it is mute: the ACL does not know it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from datetime import UTC, datetime

from cryptography import x509

from fleet_server.broker import (
    PACKET_MAX_BYTES,
    BrokerAccess,
    BrokerError,
    BrokerSettings,
    device_topics,
    ingest_topics,
    programs,
    write_private,
)
from fleet_server.brokers.child import ChildBroker, Plan

RELOAD_TIMEOUT_S = 60.0
DOOR_TIMEOUT_S = 30.0
_READY = re.compile(rb"mosquitto version \S+ running")
_CONNACK_OK = b"\x20\x02\x00\x00"


class MosquittoBroker(ChildBroker):
    """A `Broker`. Its `BrokerAccess.crl` must be a revocation list that is in date."""

    def __init__(self, settings: BrokerSettings, access: BrokerAccess) -> None:
        self._access = access
        self._uncut: frozenset[str] = frozenset()
        self._config = settings.folder / "mosquitto.conf"
        found = [settings.binary] if settings.binary is not None else programs("mosquitto")
        if not found:
            raise BrokerError("no mosquitto found: install it (apt install mosquitto) or name one with --broker")
        argv = (str(found[0]), "-c", str(self._config.absolute()))
        super().__init__(settings, Plan("mosquitto", argv, settings.folder, self._write_files, _READY))

    def start(self) -> None:
        """As in `Broker`."""
        check_crl(self._access.crl)
        super().start()

    def reload(self, access: BrokerAccess) -> None:
        """As in `Broker`: rewrite ACL and revocation list, SIGHUP, wait until read, take over what must end."""
        check_crl(access.crl)
        deadline = time.monotonic() + RELOAD_TIMEOUT_S
        with self._reloading:
            admitted = access.devices | access.ingest
            self._uncut = (self._uncut | self._access.devices | self._access.ingest) - admitted
            self._access = access
            self._write_files()
            while (left_s := deadline - time.monotonic()) > 0:
                if not self._child.wait_ready(left_s):
                    break
                if self._child.ask(signal.SIGHUP, None, left_s) is not None and self._cut():
                    return
        raise BrokerError(f"mosquitto did not take the new access list in {RELOAD_TIMEOUT_S} s; see broker.log")

    def _cut(self) -> bool:
        """End the sessions of who is gone, after the files have been read; False when the child is not there.

        It looks at SIGHUP's flag at the end of each turn of its loop, and takes a connection in one turn and hears it
        in a later one: whoever has been answered at the door after the signal was sent, is answered by the new law.
        """
        try:
            for client_id in ("fleet-server", *sorted(self._uncut)):
                self._visit(client_id)
        except OSError:
            return False
        self._uncut = frozenset()
        return True

    def _visit(self, client_id: str) -> None:
        """Connect by the door under an id, and go. Raises OSError."""
        name = client_id.encode()
        connect = b"\x10" + bytes([12 + len(name)]) + b"\x00\x04MQTT\x04\x02\x00\x0a" + bytes([0, len(name)]) + name
        folder = os.open(self._settings.folder, os.O_PATH | os.O_DIRECTORY)  # a socket's path has 108 bytes at most
        try:
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(DOOR_TIMEOUT_S)
                door.connect(f"/proc/self/fd/{folder}/door")
                door.sendall(connect)
                if door.recv(4) != _CONNACK_OK:
                    raise ConnectionError("the door is shut")
                door.sendall(b"\xe0\x00")
                door.recv(1)  # until it has taken its leave: an id is free again for the device that bears it
        finally:
            os.close(folder)

    def _write_files(self) -> None:
        folder = self._settings.folder
        write_private(folder / "access", access_list(self._access).encode())
        write_private(folder / "nobody", b"user nobody\n")
        write_private(folder / "revoked.pem", self._access.crl)
        write_private(self._config, configuration(self._settings).encode())


def check_crl(pem: bytes) -> None:
    """Refuse a revocation list that would shut the whole fleet out: none, or out of date. Raises BrokerError."""
    try:
        until = x509.load_pem_x509_crl(pem).next_update_utc
    except ValueError as error:
        raise BrokerError("mosquitto needs the issuing CA's revocation list (PEM): issue one") from error
    if until is None or until <= datetime.now(UTC):
        raise BrokerError(f"the revocation list ended at {until}: with it every device is refused; issue a new one")


def access_list(access: BrokerAccess) -> str:
    """The ACL file. Source: mosquitto.conf(5), acl_file."""
    users = [(name, device_topics(name)) for name in sorted(access.devices)]
    users += [(name, ingest_topics()) for name in sorted(access.ingest)]
    lines = []
    for name, (publish, subscribe) in users:
        lines.append(f"user {name}")
        lines += [f"topic write {topic}" for topic in publish]
        lines += [f"topic read {topic}" for topic in subscribe]
    return "\n".join(lines) + "\n"


def configuration(settings: BrokerSettings) -> str:
    """The configuration file. Source: mosquitto.conf(5)."""
    folder = settings.folder.absolute()
    return "\n".join(
        [
            *(["user root"] if os.geteuid() == 0 else []),
            "per_listener_settings true",
            "persistence false",
            "set_tcp_nodelay true",
            "sys_interval 0",
            "max_inflight_messages 2000",
            # Explicit: 0 loses messages before 2.0.22, the default of 1000 is one storm. Each station has one batch in
            # flight, and may come back with it while the first still waits. Without a bound a stalled reader fills RAM.
            f"max_queued_messages {1000 + 2 * settings.stations_max}",
            f"max_packet_size {PACKET_MAX_BYTES}",
            "log_dest stderr",
            *(f"log_type {kind}" for kind in ("error", "warning", "notice", "information")),
            f"listener {settings.port} {settings.host}",
            f"cafile {settings.ca_file.absolute()}",
            f"certfile {settings.cert_file.absolute()}",
            f"keyfile {settings.key_file.absolute()}",
            f"crlfile {folder / 'revoked.pem'}",
            f"acl_file {folder / 'access'}",
            "allow_anonymous false",
            "require_certificate true",
            "use_identity_as_username true",
            "use_username_as_clientid true",
            "tls_version tlsv1.2",
            "listener 0 door",
            "allow_anonymous true",
            f"acl_file {folder / 'nobody'}",
            "",
        ]
    )
