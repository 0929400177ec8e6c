"""The station's link against false brokers that misbehave on purpose: it says why, bounds the harm, and comes back."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import struct
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from device_profiles import wire
from edge_agent.events import LinkDown, LinkUp, Received
from edge_agent.link import PACKET_MAX_BYTES, Pace, jitter_s
from tests.contracts.broker.kit import HOST, FleetCa, packet, text
from tests.edge_agent.link_bed import QUICK, identity_of, linked

CONNACK, SUBACK = b"\x20\x02\x00\x00", b"\x90\x04\x00\x01\x00\x00"


class FalseBroker:
    """A TLS listener that runs `behave(connection, number)` for each connection."""

    def __init__(self, folder: Path, behave) -> None:
        self.ca = FleetCa(folder)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*self.ca.issue("server", server=True))
        self._context.load_verify_locations(self.ca.ca_file)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._behave = behave
        self._listener = socket.create_server((HOST, 0))
        self.identity = identity_of(self.ca.device(), self._listener.getsockname()[1], self.ca.ca_file)
        self.connections = 0
        self.began_s: list[float] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.began_s.append(time.monotonic())
            self.connections += 1
            plain.settimeout(5)
            with contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as connection:
                self._behave(connection, self.connections)
            plain.close()


def accept(connection) -> bytes:
    """Be a good broker until the subscription is granted; give the CONNECT packet."""
    connect = connection.recv(4096)
    connection.sendall(CONNACK)
    connection.recv(4096)
    connection.sendall(SUBACK)
    return connect


def until_closed(connection) -> None:
    while connection.recv(4096):
        pass


def test_connect_packet(tmp_path):
    """3.1.1, clean session, an id of 128 random bits that no connection shares, a will, the keepalive, no user name."""
    seen: queue.Queue = queue.Queue()

    def behave(connection, _):
        seen.put(accept(connection))

    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity, replace(QUICK, keepalive_s=77)):
        first, second = seen.get(timeout=10), seen.get(timeout=10)
    ids = set()
    for connect in (first, second):
        start = connect.index(b"\x00\x04MQTT") + 6
        assert connect[start] == 4
        assert connect[start + 1] == 0x06
        assert struct.unpack(">H", connect[start + 2 : start + 4]) == (77,)
        ids.add(bytes.fromhex(connect[start + 6 : start + 38].decode()))
        assert connect[start + 38 :].startswith(text(wire.topic_state(broker.identity.device)))
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x20\x02\x00\x05", "refused by the broker: Not authorized"),
        (CONNACK + b"\x90\x04\x00\x01\x00\x80", "subscription refused: v1/down/"),
        (CONNACK + b"\x90\x04\x00\x01\x80\x00", "subscription refused: v1/down/"),
        (b"", "closed by the broker"),
        (CONNACK, "closed by the broker"),
    ],
)
def test_refusals_are_said_in_words(tmp_path, answer, words):
    def behave(connection, _):
        connection.recv(4096)
        connection.sendall(answer[:4])
        if answer[4:]:
            connection.recv(4096)
            connection.sendall(answer[4:])
            until_closed(connection)

    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity) as (link, ear):
        assert words in ear.wait(LinkDown).reason
        assert not link.publish(b"")
        assert words in ear.wait(LinkDown).reason  # and it keeps trying


@pytest.mark.parametrize("answers", [b"", CONNACK])
def test_broker_that_does_not_answer(tmp_path, answers):
    def behave(connection, _):
        connection.sendall(answers)
        until_closed(connection)

    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity, replace(QUICK, answer_s=0.3)) as (_, ear):
        assert ear.wait(LinkDown).reason == "no answer from the broker"
        assert ear.wait(LinkDown).reason == "no answer from the broker"


def test_nothing_is_taken_before_the_subscriptions_are_granted(tmp_path):
    connected, granted = threading.Event(), threading.Event()

    def behave(connection, _):
        connection.recv(4096)
        connection.sendall(CONNACK)
        connection.recv(4096)
        connected.set()
        assert granted.wait(10)
        connection.sendall(SUBACK)
        until_closed(connection)

    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity) as (link, ear):
        assert connected.wait(10)
        assert not link.publish(b"too early")
        granted.set()
        ear.wait(LinkUp)
        assert link.publish(b"in time")


def test_broker_that_falls_silent_is_left(tmp_path):
    def behave(connection, _):
        accept(connection)
        until_closed(connection)

    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity, replace(QUICK, keepalive_s=1)) as (_, ear):
        assert ear.wait(LinkUp) == LinkUp(1)
        ear.wait(LinkDown)
        assert ear.wait(LinkUp) == LinkUp(2)


def test_packet_that_is_too_large_is_not_read(tmp_path):
    before = resident_bytes()

    def behave(connection, number):
        accept(connection)
        if number == 1:
            connection.sendall(b"\x30\xff\xff\xff\x7f" + bytes(65536))
        until_closed(connection)

    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity) as (_, ear):
        assert f"at most {PACKET_MAX_BYTES}" in ear.wait(LinkDown).reason
        assert ear.wait(LinkUp) == LinkUp(2)
    assert resident_bytes() - before < 64 * 1024 * 1024


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


NONSENSE = [
    b"\x90\x03\x00\x01\x00",  # a grant for one topic of two
    b"\x90\x05\x00\x01\x00\x00\x00",
    b"\x90\x00",
    b"\x20\x00",
    b"\x20\x03\x00\x00\x00",
    b"\x30\x00",
    b"\x30\x01\x00",
    b"\x30\x04\x00\x09ab",
    b"\x32\x02\x00\x00",
    packet(0x30, b"\x00\x02\xff\xfe" + b"x"),
    packet(0x36, text("a") + b"x"),
    b"\x40\x00",
    b"\x50\x01\x00",
    b"\x62\x00",
    b"\xd0\x05hello",
    b"\xe0\x00",
    b"\xf0\x00",
    b"\x00\x00",
    b"\x10\x00",
    b"\x82\x00",
    b"\xff\xff\xff\xff\xff\xff",
]


@pytest.mark.parametrize("granted", [False, True])
def test_nonsense_ends_the_connection_and_no_more(tmp_path, granted):
    def behave(connection, number):
        if number <= len(NONSENSE):
            if granted:
                accept(connection)
            else:
                connection.recv(4096)
            connection.sendall(NONSENSE[number - 1])
            connection.settimeout(0.05)
        else:
            accept(connection)
        until_closed(connection)

    pace = replace(QUICK, wait_first_s=0.001, wait_max_s=0.001)
    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity, pace) as (link, ear):
        while ear.wait(LinkUp).connection <= len(NONSENSE):
            pass
        assert link.publish(b"sound")


def test_message_on_a_topic_that_was_not_asked_for_is_dropped(tmp_path):
    def behave(connection, _):
        accept(connection)
        device = broker.identity.device
        for topic, data in (
            ("v1/down/other/ack", b"no"),
            (wire.topic_up(device), b"no"),
            (wire.topic_ack(device), b"yes"),
        ):
            connection.sendall(packet(0x30, text(topic) + data))
        until_closed(connection)

    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity) as (_, ear):
        assert ear.wait(Received) == Received("ack", b"yes")


def test_waits_grow_when_a_connection_does_not_last(tmp_path):
    """A link that comes up and is cut at once is no reason to try again at once."""

    def behave(connection, _):
        accept(connection)

    pace = Pace(wait_first_s=0.05, wait_max_s=0.4)
    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity, pace, lambda: 1.0) as (_, ear):
        for _ in range(6):
            ear.wait(LinkDown)
        began_s = broker.began_s[:6]
    gaps = [later - earlier for earlier, later in pairwise(began_s)]
    assert all(gap >= least for gap, least in zip(gaps, (0.05, 0.1, 0.2, 0.4, 0.4), strict=True))


def test_wait_begins_anew_after_a_steady_connection(tmp_path):
    def behave(connection, _):
        accept(connection)
        time.sleep(0.06)

    pace = Pace(wait_first_s=0.001, wait_max_s=30.0, steady_s=0.05)
    with FalseBroker(tmp_path, behave) as broker, linked(broker.identity, pace, lambda: 1.0) as (_, ear):
        for _ in range(20):
            ear.wait(LinkDown)


def test_full_jitter():
    pace = Pace(wait_first_s=1.0, wait_max_s=60.0)
    assert [jitter_s(failures, pace, 1.0) for failures in (1, 2, 3, 6, 7, 10_000)] == [1, 2, 4, 32, 60, 60]
    assert jitter_s(5, pace, 0.0) == 0
    assert jitter_s(5, pace, 0.25) == 4.0
