"""The station's link, against both real brokers. What false ones can do to it: test_link_abused.py."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from device_profiles import wire
from device_profiles.cbor import decode
from edge_agent.events import LinkDown, LinkUp, Received
from edge_agent.link import STATE_KIND, GuardedSocket, MqttLink
from fleet_server.broker import KINDS
from tests.contracts.broker.kit import HOST, Device, FleetCa, House, free_port, make_house
from tests.edge_agent.link_bed import StandIn, identity_of, linked

ROOT = Path(__file__).parents[2]


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
from tests.edge_agent.link_bed import StandIn
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
        # The fleet may have heard the last batch before the network thread here has noted that it is gone.
        deadline = time.monotonic() + 20.0
        while not (free := link.publish(b"free again")) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert free
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
