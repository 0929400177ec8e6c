"""The fleet's own client of the broker: everything that comes up goes into bounded inboxes, Acks and Desired go down.

Decides nothing about a message. One thread of its own does everything but `send_ack` and `send_desired`; it hands
messages on at once, because a broker cuts a reader that falls behind, and drops what an inbox cannot take: a station
that gets no Ack asks again. Nothing is queued while there is no connection. MQTT 3.1.1, QoS 0.
"""

from __future__ import annotations

import logging
import random
import secrets
import socket
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from device_profiles import wire
from fleet_server.broker import ingest_topics
from fleet_server.ingest import Message

if TYPE_CHECKING:
    from pathlib import Path

STATES_MAX_COUNT = 20_000
_system_random = random.SystemRandom()
_FAULTS = (OSError, ValueError)  # the files', the network's, and what a packet that is none makes paho raise
_TURN_S = 0.5
_LEAVE_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How one ingest process reaches the broker; its certificate's name must be one of `BrokerAccess.ingest`.

    going_max: messages that may wait to be written to the network. wait_*_s: bounds of the jittered wait before the
    next attempt: short, the broker is next door.
    """

    host: str
    port: int
    ca_file: Path
    cert_file: Path
    key_file: Path
    keepalive_s: int = 30
    answer_s: float = 10.0
    wait_first_s: float = 0.2
    wait_max_s: float = 5.0
    going_max: int = 20_000


class Inbox:
    """A bounded line of messages: the link puts, one or more workers take all that waits. A full one drops and counts.

    count_max, bytes_max: what may wait. dropped: messages that were not taken in since the start.
    """

    def __init__(self, count_max: int = 20_000, bytes_max: int = 512 * 1024 * 1024) -> None:
        self._count_max, self._bytes_max = count_max, bytes_max
        self._changed = threading.Condition()
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def put(self, message: Message) -> bool:
        """Add one message; False (and counted) when there is no room. Never blocks."""
        with self._changed:
            if len(self._waiting) >= self._count_max or self._bytes + len(message.data) > self._bytes_max:
                self.dropped += 1
                return False
            self._waiting.append(message)
            self._bytes += len(message.data)
            self._changed.notify()
            return True

    def take(self, count_max: int, timeout_s: float) -> list[Message]:
        """Give what waits, oldest first, at most `count_max`; wait for the first up to `timeout_s`, never for more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout_s)
            taken = [self._waiting.popleft() for _ in range(min(count_max, len(self._waiting)))]
            self._bytes -= sum(len(message.data) for message in taken)
            return taken


class IngestLink:
    """The connection of one ingest process.

    inbox: batches (v1/up). states: births and wills (v1/state), hints of liveness, never facts.
    """

    def __init__(self, settings: LinkSettings, inbox: Inbox) -> None:
        self.inbox = inbox
        self.states = Inbox(STATES_MAX_COUNT, STATES_MAX_COUNT * 512)
        self._settings = settings
        self._stopping = threading.Event()
        self._linked = threading.Event()
        self._thread: threading.Thread | None = None
        self._client: mqtt.Client | None = None
        self._handing = threading.Lock()  # held around paho's publish, so no callback of paho's may ever take it
        self._handed = self._gone = 0
        self.reason = "not started"

    @property
    def linked(self) -> bool:
        """Whether the broker accepted us and granted both subscriptions; if not, `reason` says why."""
        return self._linked.is_set()

    def wait_linked(self, timeout_s: float) -> bool:
        """Wait until linked; False when it is not in time."""
        return self._linked.wait(timeout_s)

    def start(self) -> None:
        """Begin to connect, and keep connecting until stopped."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_linked, name="ingest-link", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Disconnect and end the thread; about half a second."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2 * self._settings.answer_s)
            self._thread = None

    def send_ack(self, device: bytes, data: bytes) -> bool:
        """Send a station its Ack; False when it could not be handed over (the station will ask again)."""
        return self._send(wire.topic_ack(device), data, retain=False)

    def send_desired(self, device: bytes, data: bytes) -> bool:
        """Leave a station's Desired with the broker (retained; b"" clears it); False when it could not be handed over.

        A broker forgets it when it restarts: say it again when a batch reports an older revision.
        """
        return self._send(wire.topic_desired(device), data, retain=True)

    def _send(self, topic: str, data: bytes, *, retain: bool) -> bool:
        with self._handing:
            client = self._client
            if client is None or not self.linked or self._handed - self._gone >= self._settings.going_max:
                return False
            if client.publish(topic, data, retain=retain).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
            self._handed += 1
            return True

    def _keep_linked(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                was_linked = self._session()
            except _FAULTS as error:
                was_linked, self.reason = False, str(error) or repr(error)
            finally:
                self._linked.clear()
                self._client = None
            failures = 1 if was_linked else failures + 1
            if self._stopping.is_set():
                return
            if failures == 1:  # the first failure and the recovery are logged, nothing between
                _log.warning("no link to the broker: %s", self.reason)
            longest_s = min(self._settings.wait_max_s, self._settings.wait_first_s * 2.0 ** min(failures - 1, 30))
            self._stopping.wait(longest_s * _system_random.random())

    def _session(self) -> bool:
        """Connect and serve until it ends; tell whether it came to be linked. Raises _FAULTS."""
        settings = self._settings
        self.reason = ""
        client = self._new_client()
        client.connect(settings.host, settings.port, settings.keepalive_s)
        with self._handing:
            self._client, self._handed, self._gone = client, 0, 0
        deadline_s = time.monotonic() + settings.answer_s
        while not self.reason and not self._stopping.is_set():
            if client.loop(_TURN_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self.reason = self.reason or "closed by the broker"
                return self.linked
            if not self.linked and time.monotonic() > deadline_s:
                self.reason = "no answer from the broker"
        was_linked = self.linked
        self._linked.clear()
        client.disconnect()
        deadline_s = time.monotonic() + _LEAVE_S
        while (left := client.socket()) is not None and time.monotonic() < deadline_s:
            client.loop(_TURN_S)
        if left is not None:
            left.close()
        return was_linked

    def _new_client(self) -> mqtt.Client:
        context = ssl.create_default_context(cafile=self._settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self._settings.cert_file, self._settings.key_file)
        context.sslsocket_class = _ClosingSocket
        client = mqtt.Client(CallbackAPIVersion.VERSION2, secrets.token_hex(16))
        client.connect_timeout = self._settings.answer_s
        client.tls_set_context(context)
        client.on_socket_open = _no_delay
        # Without it paho would write to the socket in the thread of whoever calls publish.
        client.on_socket_register_write = lambda *_: None
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_connect(self, client: mqtt.Client, _userdata: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self.reason = f"refused by the broker: {code}; is the certificate's name among BrokerAccess.ingest?"
        else:
            client.subscribe([(topic, 0) for topic in ingest_topics()[1]])

    def _on_subscribe(self, _client: mqtt.Client, _userdata: Any, _mid: int, codes: Any, _properties: Any) -> None:
        if any(code.is_failure for code in codes):
            self.reason = f"subscription refused: one of {', '.join(ingest_topics()[1])}; is it an ingest certificate?"
        else:
            _log.info("linked to the broker")
            self._linked.set()

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        inbox = self.states if message.topic.startswith("v1/state/") else self.inbox
        inbox.put(Message(message.topic, bytes(message.payload)))

    def _on_publish(self, *_: Any) -> None:
        self._gone += 1  # this thread alone writes it


class _ClosingSocket(ssl.SSLSocket):
    """A TLS socket that is closed when its handshake fails, because nobody else would."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  as in the standard library
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _no_delay(_client: mqtt.Client, _userdata: Any, opened: Any) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # 2 ms instead of 86 ms for an exchange
