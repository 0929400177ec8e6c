"""nats-server as the fleet's broker: the embedded default. Writes its configuration, and knows its log by heart.

One user per certificate name (`verify_and_map`), with the exact subjects it may use; revoking is rewriting the list
and SIGHUP, which cuts that user's connections and leaves the others. Facts behind the settings, tried with 2.15.1:

- MQTT needs JetStream and an explicit server name. Every session and every retained message is written to its store,
  and a store that is full refuses **every** new connection until a restart, even when there is room again. So the
  store is emptied at each start, its limit stands far above what the fleet can retain, and the log lines that say
  "I cannot write" make the supervisor restart it.
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
import threading
import time
from typing import TYPE_CHECKING, Any

from fleet_server.broker import (
    MESSAGE_MAX_BYTES,
    BrokerAccess,
    BrokerError,
    BrokerSettings,
    device_topics,
    ingest_topics,
    programs,
    write_private,
)
from fleet_server.brokers.child import Child, Plan

if TYPE_CHECKING:
    from pathlib import Path

    from device_profiles.wire import Batch  # noqa: F401

VERSION_MIN = (2, 10)
RELOAD_TIMEOUT_S = 20.0
STORE_FLOOR_BYTES = 256 * 1024 * 1024
_STAMP = rb"^\[\d+\] \S+ \S+ \[%s\] "
_READY = re.compile(_STAMP % b"INF" + rb"Server is ready")
_RELOADED = re.compile(_STAMP % b"(?:INF|ERR)" + rb"(?:Reloaded server configuration|Failed to reload server)")
# Anchored to the start of the line: a client id stands in the log too, and is the client's to choose.
_SICK = re.compile(
    _STAMP % b"ERR" + rb"(?:JetStream (?:failed to store|file resource limits exceeded|stream .* critical write error)"
    rb'|Filestore \[[^\]]*\] Critical write error|\S+ - mid:\d+ - "(?:[^"\\]|\\.)*" - unable to connect: '
    rb"(?:create |unable to persist session))"
)
