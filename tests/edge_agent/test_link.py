"""The station's link, against both real brokers and against false ones that misbehave on purpose."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from device_profiles import wire
from device_profiles.cbor import decode
from edge_agent.events import LinkDown, LinkUp, Received
from edge_agent.link import PACKET_MAX_BYTES, STATE_KIND, GuardedSocket, MqttLink, Pace, jitter_s
from fleet_server.broker import KINDS
from provisioning.keys import SigningKey
from tests.contracts.broker.kit import HOST, Device, FleetCa, House, free_port, make_house, packet, text

ROOT = Path(__file__).parents[2]
QUICK = Pace(answer_s=5.0, wait_first_s=0.05, wait_max_s=0.2, steady_s=30.0)


@dataclass(frozen=True)
class StandIn:
    """What the link needs of an identity."""

    device: bytes
    broker: tuple[str, int]
    key: SigningKey
    ca: Path
    tls_certificate: Path
    tls_key: Path


def identity_of(device: Device, port: int, ca_file: Path) -> StandIn:
    return StandIn(device.id, (HOST, port), SigningKey.generate(), ca_file, device.cert_file, device.key_file)


class Ear:
    """Collects what a link posts."""

    def __init__(self) -> None:
        self._events: queue.Queue = queue.Queue()

    def post(self, event) -> None:
        self._events.put(event)

    def wait(self, kind, timeout_s: float = 10.0):
        """The next event of a kind; those before it are passed over."""
        deadline = time.monotonic() + timeout_s
        while True:
            event = self._events.get(timeout=max(0.01, deadline - time.monotonic()))
            if isinstance(event, kind):
                return event

    def empty(self) -> bool:
        return self._events.empty()


@contextlib.contextmanager
def linked(identity, pace: Pace = QUICK, draw=lambda: 0.5):
    ear = Ear()
    link = MqttLink(identity, ear.post, pace, draw)
    link.start()
    try:
        yield link, ear
    finally:
        link.stop()
        assert "link" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture(scope="module", params=KINDS)
def house(request, tmp_path_factory):
    house = make_house(request.param, tmp_path_factory.mktemp(request.param), 40)
    house.broker.start()
    yield house
    house.broker.stop()


def station(house: House) -> StandIn:
    return identity_of(house.take(), house.settings.port, house.ca.ca_file)


def heard_up(fleet, identity) -> bytes:
    """The next batch that came; births and wills are passed over."""
    while (heard := fleet.hear()).topic != wire.topic_up(identity.device):
        pass
    return heard.data


def test_exchange_with_a_real_broker(house):
    identity = station(house)
    with house.fleet() as fleet:
        fleet.publish(wire.topic_desired(identity.device), b"kept", retain=True)
        fleet.ping()
        with linked(identity) as (link, ear):
            assert ear.wait(LinkUp) == LinkUp(1)
            assert link.publish(b"batch")
            assert heard_up(fleet, identity) == b"batch"
            fleet.publish(wire.topic_ack(identity.device), b"ack")
            got = [ear.wait(Received), ear.wait(Received)]
            assert sorted(got, key=lambda event: event.channel) == [
                Received("ack", b"ack"),
                Received("desired", b"kept"),
            ]


def test_desired_that_was_retained_is_received_at_once(house):
    identity = station(house)
    with house.fleet() as fleet:
        fleet.publish(wire.topic_desired(identity.device), b"kept", retain=True)
        fleet.ping()
    with linked(identity) as (_, ear):
        assert ear.wait(Received) == Received("desired", b"kept")


def state_of(heard, identity) -> list:
    """[run, connection, alive] of a birth or will that the identity's key has signed."""
    assert heard.topic == wire.topic_state(identity.device)
    envelope = wire.envelope_decode(heard.data, 1024)
    signed = wire.to_be_signed(STATE_KIND, envelope.protected, envelope.payload)
    identity.key.public.verify(envelope.signature, signed)
    return decode(envelope.payload, 1024)


def test_birth_is_signed_and_a_good_bye_speaks_no_will(house):
    identity, other = station(house), house.take()
    with house.fleet() as fleet:
        with linked(identity) as (_, ear):
            ear.wait(LinkUp)
            run, connection, alive = state_of(fleet.hear(), identity)
            assert (len(run), connection, alive) == (8, 1, 1)
        with house.station(other) as next_one:
            next_one.publish(wire.topic_up(other.id), b"no will before this")
            assert fleet.hear().data == b"no will before this"


SCRIPT = """
import sys, time
from pathlib import Path
from edge_agent.link import MqttLink
from provisioning.keys import SigningKey
from tests.edge_agent.test_link import StandIn
device, port, ca, certificate, key = sys.argv[1:]
files = Path(ca), Path(certificate), Path(key)
identity = StandIn(bytes.fromhex(device), ("127.0.0.1", int(port)), SigningKey.generate(), *files)
MqttLink(identity, lambda event: print(event, flush=True)).start()
time.sleep(60)
"""


def test_will_speaks_for_a_killed_agent(house):
    device = house.take()
    files = [str(path) for path in (house.ca.ca_file, device.cert_file, device.key_file)]
    argv = [sys.executable, "-c", SCRIPT, device.id.hex(), str(house.settings.port), *files]
    with house.fleet() as fleet, subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout.readline().startswith("LinkUp")
        birth = decode(wire.envelope_decode(fleet.hear().data, 1024).payload, 1024)
        agent.kill()
        will = decode(wire.envelope_decode(fleet.hear().data, 1024).payload, 1024)
    assert birth[:2] == will[:2]
    assert (birth[2], will[2]) == (1, 0)


def test_nothing_is_taken_while_there_is_no_link(house):
    identity = station(house)
    link = MqttLink(identity, lambda _: None)
    assert not link.publish(b"too early")
    link.stop()
    with house.fleet() as fleet, linked(identity) as (link, ear):
        ear.wait(LinkUp)
        os.kill(house.broker.pid, signal.SIGKILL)
        reason = ear.wait(LinkDown).reason
        assert reason
        assert not link.publish(b"while down")
        fleet.wait_cut()
        with_new = None
        while with_new is None:
            with contextlib.suppress(OSError, EOFError, AssertionError):
                with_new = house.fleet()
        with with_new as fleet_again:
            ear.wait(LinkUp)
            while not link.publish(b"after"):
                ear.wait(LinkUp)
            assert heard_up(fleet_again, identity) == b"after"


def test_one_batch_at_a_time(house):
    """While the network does not take a batch the next is refused, and what was taken arrives in order."""
    identity = station(house)
    with house.fleet() as fleet, linked(identity) as (link, ear):
        ear.wait(LinkUp)
        os.kill(house.broker.pid, signal.SIGSTOP)
        try:
            taken, deadline = 0, time.monotonic() + 1.0
            while time.monotonic() < deadline:
                taken += link.publish(taken.to_bytes(4, "big") * 50_000)
                time.sleep(0.002)
            assert 0 < taken < 200
            assert not link.publish(b"one more")
        finally:
            os.kill(house.broker.pid, signal.SIGCONT)
        assert [heard_up(fleet, identity)[:4] for _ in range(taken)] == [n.to_bytes(4, "big") for n in range(taken)]
        assert link.publish(b"free again")
        assert heard_up(fleet, identity) == b"free again"


def test_the_network_is_written_to_by_the_link_thread_alone(house, monkeypatch):
    """Two threads on one TLS socket would garble it; `publish` must not write."""
    writers = set()
    send = GuardedSocket.send

    def remember(self, *how):
        writers.add(threading.current_thread().name)
        return send(self, *how)

    monkeypatch.setattr(GuardedSocket, "send", remember)
    identity = station(house)
    with house.fleet() as fleet, linked(identity) as (link, ear):
        ear.wait(LinkUp)
        for number in range(20):
            while not link.publish(b"%d" % number):
                time.sleep(0.001)
            assert heard_up(fleet, identity) == b"%d" % number
    assert writers == {"link"}


def test_nagle_is_off(house):
    with linked(station(house)) as (link, ear):
        ear.wait(LinkUp)
        assert link._session._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_revoked_and_unlisted_devices_are_told_so(house):
    identity = station(house)
    with linked(identity) as (link, ear):
        ear.wait(LinkUp)
        house.revoke(Device(identity.device, identity.tls_certificate, identity.tls_key))
        ear.wait(LinkDown)
        again = ear.wait(LinkDown).reason
        assert ("not authorized" in again.lower()) or ("tls" in again.lower()) or ("closed" in again.lower()), again
        assert not link.publish(b"revoked")


def test_device_that_is_not_the_certificates(house):
    """nats-server refuses the subscription; mosquitto grants it and stays mute: only an Ack says that all is well."""
    identity = replace(station(house), device=house.take().id)
    with linked(identity) as (_, ear):
        if house.kind == "nats":
            assert "subscription refused: v1/down/" in ear.wait(LinkDown).reason
        else:
            ear.wait(LinkUp)


def test_broker_of_another_ca(house, tmp_path):
    identity = replace(station(house), ca=FleetCa(tmp_path).ca_file)
    with linked(identity) as (_, ear):
        assert "the broker's certificate: " in ear.wait(LinkDown).reason


def test_broker_under_another_name(house):
    identity = station(house)
    with linked(replace(identity, broker=("localhost", identity.broker[1]))) as (_, ear):
        assert "the broker's certificate: Hostname mismatch" in ear.wait(LinkDown).reason


def test_nobody_there_and_no_such_name_and_no_files(house, tmp_path):
    identity = station(house)
    for wrong, words in (
        (replace(identity, broker=(HOST, free_port())), "refused"),
        (replace(identity, broker=("no-such-broker.invalid", 8883)), "the broker's name: "),
        (replace(identity, tls_certificate=tmp_path / "gone"), "identity files: "),
        (replace(identity, tls_key=house.take().key_file), "identity files: "),
    ):
        with linked(wrong) as (link, ear):
            assert words in ear.wait(LinkDown).reason
            assert words in ear.wait(LinkDown).reason
            assert not link.publish(b"")


def test_renewed_certificate_is_taken_at_the_next_connection(house, tmp_path):
    device, ended = house.take(), house.ca.device(ended=True)
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.pem"
    certificate.write_bytes(ended.cert_file.read_bytes())
    key.write_bytes(ended.key_file.read_bytes())
    identity = identity_of(Device(device.id, certificate, key), house.settings.port, house.ca.ca_file)
    with linked(identity) as (_, ear):
        ear.wait(LinkDown)
        key.write_bytes(device.key_file.read_bytes())
        certificate.write_bytes(device.cert_file.read_bytes())
        assert ear.wait(LinkUp).connection > 1


# What follows meets false brokers.

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
