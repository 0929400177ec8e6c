"""The station's way to the broker: connects, keeps connecting, hands messages up and down. Decides nothing.

One thread of its own does everything but `publish`. Each connection is a new MQTT client with a random id and a clean
session, so that nothing lives from one to the next: no cursor, no outbox, no paho queue, no paho reconnecting. What
happened is posted as LinkUp, LinkDown or Received; the words of a LinkDown are for the status map and the log.

The broker is trusted with nothing: its certificate is checked, its packets are bounded, its nonsense ends the
connection and no more. MQTT 3.1.1, QoS 0: correctness is the signed Ack's (OASIS mqtt-v3.1.1).
"""

from __future__ import annotations

import errno
import random
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from device_profiles import wire
from device_profiles.cbor import encode
from edge_agent.events import LinkDown, LinkUp, Received

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_agent.events import Event
    from provisioning.keys import SigningKey

PACKET_MAX_BYTES = wire.ACK_MAX_BYTES + 1024  # an Ack or a Desired (the same limit), with topic and header
STATE_KIND = "kiosk/state/1"
_FAULTS = (OSError, ValueError)  # the network's, and what a packet that is none makes paho raise
_system_random = random.SystemRandom()
_TURN_S = 0.5
_LEAVE_S = 1.0


class LinkIdentity(Protocol):
    """What of a `provisioning.identity.Identity` the link uses. The files are read anew for each connection."""

    @property
    def device(self) -> bytes:
        """16-byte id."""

    @property
    def broker(self) -> tuple[str, int]:
        """Host (the name that stands in the broker's certificate) and port."""

    @property
    def key(self) -> SigningKey:
        """Signs birth and will."""

    @property
    def ca(self) -> Path:
        """PEM of the CA of the broker's certificate."""

    @property
    def tls_certificate(self) -> Path:
        """PEM, CN = device name."""

    @property
    def tls_key(self) -> Path:
        """PEM of its private key."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of one link. wait_first_s, wait_max_s: bounds of the full jitter before the next attempt.

    steady_s: a connection that lasted this long makes the next wait the first again; one that is cut at once does not.
    """

    keepalive_s: int = 60
    answer_s: float = 10.0
    wait_first_s: float = 1.0
    wait_max_s: float = 60.0
    steady_s: float = 30.0


def jitter_s(failures: int, pace: Pace, draw: float) -> float:
    """How long to wait after `failures` (>= 1) in a row; `draw` in [0, 1). Full jitter: stations must not march."""
    return draw * min(pace.wait_max_s, pace.wait_first_s * 2.0 ** min(failures - 1, 30))


class MqttLink:
    """A `Link`."""

    def __init__(
        self,
        identity: LinkIdentity,
        post: Callable[[Event], object],
        pace: Pace = Pace(),
        draw: Callable[[], float] = _system_random.random,
    ) -> None:
        self._identity = identity
        self._post = post
        self._pace = pace
        self._draw = draw
        self._run = secrets.token_bytes(8)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._session: _Session | None = None

    def start(self) -> None:
        """As in `Link`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_linked, name="link", daemon=True)
        self._thread.start()

    def publish(self, data: bytes) -> bool:
        """As in `Link`; False also while the batch before it has not left for the network."""
        session = self._session
        return session is not None and session.publish(data)

    def stop(self) -> None:
        """As in `Link`: says good-bye, so that no will is spoken; about half a second."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2 * self._pace.answer_s)
            self._thread = None

    def _keep_linked(self) -> None:
        failures = connection = 0
        while not self._stopping.is_set():
            connection += 1
            began_s = time.monotonic()
            self._session = _Session(self._identity, self._pace, self._post, self._run, connection)
            reason = self._session.run(self._stopping)
            self._session = None
            self._post(LinkDown(reason))
            failures = 1 if time.monotonic() - began_s >= self._pace.steady_s else failures + 1
            self._stopping.wait(jitter_s(failures, self._pace, self._draw()))


class _Session:
    """One connection, from its start to its end. All but `publish` runs in the link's thread."""

    def __init__(
        self, identity: LinkIdentity, pace: Pace, post: Callable[[Event], object], run: bytes, connection: int
    ) -> None:
        self._identity = identity
        self._pace = pace
        self._post = post
        self._run = run
        self._connection = connection
        self._topics = (wire.topic_ack(identity.device), wire.topic_desired(identity.device))
        self._client: mqtt.Client | None = None
        self._socket: GuardedSocket | None = None
        self._last: mqtt.MQTTMessageInfo | None = None
        self._up = False
        self._reason = ""

    def publish(self, data: bytes) -> bool:
        """Hand one batch over; False when not linked or the one before still waits. Called by the hand alone."""
        client, last = self._client, self._last
        if client is None or not self._up or (last is not None and not last.is_published()):
            return False
        sent = client.publish(wire.topic_up(self._identity.device), data)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self._last = sent
        return True

    def run(self, stopping: threading.Event) -> str:
        """Connect and serve until it ends; give the reason."""
        try:
            client = self._new_client(tls_context(self._identity))
        except (OSError, ValueError) as error:
            return f"identity files: {error}"
        try:
            self._serve(client, stopping)
        except _FAULTS as error:
            return self._reason or _words(error)
        finally:
            self._client, self._up = None, False
            if self._socket is not None:
                self._socket.close()
        fault = self._socket.fault if self._socket is not None else None
        return self._reason or (_words(fault) if fault is not None else "closed by the broker")

    def _serve(self, client: mqtt.Client, stopping: threading.Event) -> None:
        deadline_s = time.monotonic() + self._pace.answer_s
        client.connect(*self._identity.broker, self._pace.keepalive_s)
        self._client = client
        while not self._reason:
            if client.loop(_TURN_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            if stopping.is_set():
                self._reason = "stopped"
            elif not self._up and time.monotonic() > deadline_s:
                self._reason = "no answer from the broker"
        self._up = False
        client.disconnect()
        deadline_s = time.monotonic() + _LEAVE_S
        while client.socket() is not None and time.monotonic() < deadline_s:
            client.loop(_TURN_S)

    def _new_client(self, context: ssl.SSLContext) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, secrets.token_hex(16))
        client.connect_timeout = self._pace.answer_s
        client.tls_set_context(context)
        client.will_set(wire.topic_state(self._identity.device), self._state(alive=False))
        client.on_socket_open = self._on_socket_open
        # Without it paho would write to the socket in the thread of whoever calls publish.
        client.on_socket_register_write = lambda *_: None
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _state(self, *, alive: bool) -> bytes:
        """Birth or will, signed: [run of this process, connection, 1 or 0]. A will counts only for its own birth."""
        key = self._identity.key
        payload = encode([self._run, self._connection, int(alive)])
        protected = wire.protected_header(key.alg, key.kid)
        return wire.envelope_encode(protected, payload, key.sign(wire.to_be_signed(STATE_KIND, protected, payload)))

    def _on_socket_open(self, _client: mqtt.Client, _userdata: Any, opened: Any) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # 2 ms instead of 86 ms for an exchange
        self._socket = opened

    def _on_connect(self, client: mqtt.Client, _userdata: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self._reason = f"refused by the broker: {code}"
        else:
            client.subscribe([(topic, 0) for topic in self._topics])

    def _on_subscribe(self, client: mqtt.Client, _userdata: Any, _mid: int, codes: Any, _properties: Any) -> None:
        refused = [topic for topic, code in zip(self._topics, codes, strict=True) if code.is_failure]
        if refused:
            self._reason = f"subscription refused: {', '.join(refused)}"
            return
        client.publish(wire.topic_state(self._identity.device), self._state(alive=True))
        self._up = True
        self._post(LinkUp(self._connection))

    def _on_message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic in self._topics:
            channel: Literal["ack", "desired"] = "ack" if message.topic == self._topics[0] else "desired"
            self._post(Received(channel, bytes(message.payload)))


class GuardedSocket(ssl.SSLSocket):
    """A TLS socket that bounds what one packet may make paho allocate, and remembers why it failed."""

    fault: OSError | None = None

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  as in the standard library
        """Shake hands; a socket that fails is closed here, because nobody else would."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read; refuse to make room for more than PACKET_MAX_BYTES (paho asks for the rest of a packet at once)."""
        if buflen > PACKET_MAX_BYTES:
            self.fault = OSError(errno.EMSGSIZE, f"a packet of {buflen} bytes, at most {PACKET_MAX_BYTES}")
            raise self.fault
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            self.fault = error
            raise


def tls_context(identity: LinkIdentity) -> ssl.SSLContext:
    """TLS 1.3 with the station's certificate, for a broker whose certificate is of the fleet's CA. Raises OSError."""
    context = ssl.create_default_context(cafile=identity.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(identity.tls_certificate, identity.tls_key)
    context.sslsocket_class = GuardedSocket
    return context


def _words(error: Exception) -> str:
    """Say in one short line, for the status map and the log, why there is no connection."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the broker's certificate: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS: {(error.reason or str(error)).lower().replace('_', ' ')}"
        case socket.gaierror():
            return f"the broker's name: {error.strerror}"
        case OSError():
            return error.strerror or str(error) or type(error).__name__
        case _:
            return f"the broker speaks nonsense: {error!r}"
