"""The fleet's own client, against both real brokers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from dataclasses import replace

import pytest

from device_profiles import wire
from fleet_server.broker import KINDS
from fleet_server.ingest import Message
from fleet_server.link import Inbox, IngestLink, LinkSettings
from tests.contracts.broker.kit import HOST, Device, FleetCa, Heard, free_port, make_house


def wait_for(condition, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module", params=KINDS)
def house(request, tmp_path_factory):
    house = make_house(request.param, tmp_path_factory.mktemp(request.param), 24)
    house.broker.start()
    yield house
    house.broker.stop()


def settings_of(house, **other) -> LinkSettings:
    own = house.ingest
    settings = LinkSettings(HOST, house.settings.port, house.ca.ca_file, own.cert_file, own.key_file, wait_max_s=0.3)
    return replace(settings, **other)


@contextlib.contextmanager
def running(settings: LinkSettings, inbox: Inbox | None = None):
    link = IngestLink(settings, inbox or Inbox())
    link.start()
    try:
        yield link
    finally:
        link.stop()
        assert "ingest-link" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def link(house):
    with running(settings_of(house)) as link:
        assert link.wait_linked(10)
        yield link


def test_batches_and_states_come_up_into_their_own_inboxes(house, link):
    device = house.take()
    with house.station(device) as station:
        station.publish(wire.topic_state(device.id), b"born")
        station.publish(wire.topic_up(device.id), b"batch")
        assert link.inbox.take(10, 5) == [Message(wire.topic_up(device.id), b"batch")]
        assert link.states.take(10, 5) == [Message(wire.topic_state(device.id), b"born")]


def test_order_is_kept(house, link):
    device = house.take()
    got: list[Message] = []
    with house.station(device) as station:
        for number in range(300):
            station.publish(wire.topic_up(device.id), b"%d" % number)
        while len(got) < 300:
            taken = link.inbox.take(64, 5)
            assert 0 < len(taken) <= 64
            got += taken
    assert [int(message.data) for message in got] == list(range(300))


def test_ack_and_desired_go_down(house, link):
    device = house.take()
    assert link.send_desired(device.id, b"desired")
    with house.station(device) as station:
        assert station.hear().data == b"desired"
        assert link.send_ack(device.id, b"ack")
        assert station.hear() == Heard(wire.topic_ack(device.id), b"ack", retained=False)
        assert link.send_desired(device.id, b"next")
        assert station.hear() == Heard(wire.topic_desired(device.id), b"next", retained=False)
    with house.station(device) as station:
        assert station.hear() == Heard(wire.topic_desired(device.id), b"next", retained=True)
        assert link.send_desired(device.id, b"")
        assert station.hear().data == b""
    with house.station(device) as station:
        link.send_ack(device.id, b"nothing is kept")
        assert station.hear().data == b"nothing is kept"


def test_nagle_is_off(link):
    wait_for(lambda: link._client is not None)
    assert link._client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_full_inbox_drops_and_counts_and_the_link_goes_on(house):
    device = house.take()
    with running(settings_of(house), Inbox(count_max=5)) as link, house.station(device) as station:
        assert link.wait_linked(10)
        for number in range(20):
            station.publish(wire.topic_up(device.id), b"%d" % number)
        wait_for(lambda: link.inbox.dropped == 15)
        assert [message.data for message in link.inbox.take(100, 0)] == [b"0", b"1", b"2", b"3", b"4"]
        station.publish(wire.topic_up(device.id), b"after")
        assert link.inbox.take(100, 5)[0].data == b"after"


def test_comes_back_after_the_broker_was_killed(house, link):
    device, before = house.take(), house.broker.pid
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not link.linked)
    assert link.reason
    assert not link.send_ack(device.id, b"into the void")
    assert not link.send_desired(device.id, b"into the void")
    assert link.wait_linked(10)
    with house.station(device) as station:
        station.publish(wire.topic_up(device.id), b"again")
        assert link.inbox.take(10, 5)[-1].data == b"again"
        assert link.send_ack(device.id, b"again")
        assert station.hear().data == b"again"


def test_what_waits_for_a_broker_that_does_not_read_is_bounded(house):
    device = house.take()
    with running(settings_of(house, going_max=50)) as link:
        assert link.wait_linked(10)
        os.kill(house.broker.pid, signal.SIGSTOP)
        try:
            sent = 0
            deadline = time.monotonic() + 10
            while link.send_ack(device.id, bytes(60_000)):
                sent += 1
                time.sleep(0.001)
                assert time.monotonic() < deadline
        finally:
            os.kill(house.broker.pid, signal.SIGCONT)
        assert sent >= 50
        wait_for(lambda: link.send_ack(device.id, b"flows again"))


def test_certificate_that_is_no_ingest_clients(house):
    device = house.take()
    wrong = settings_of(house, cert_file=device.cert_file, key_file=device.key_file)
    with running(wrong) as link, house.station(house.take()):
        if house.kind == "nats":
            wait_for(lambda: "subscription refused" in link.reason)
            assert not link.linked
        else:  # mosquitto grants the subscription and stays mute
            assert link.wait_linked(10)


def test_certificate_of_nobody_known(house):
    """nats-server says so; mosquitto, which knows certificates by their revocation list, lets it in and stays mute."""
    device = house.take()
    stranger = Device(b"", *house.ca.issue("stranger"))
    with running(settings_of(house, cert_file=stranger.cert_file, key_file=stranger.key_file)) as link:
        if house.kind == "nats":
            wait_for(lambda: "is the certificate's name among BrokerAccess.ingest?" in link.reason)
            assert not link.linked
            return
        assert link.wait_linked(10)
        with house.fleet() as fleet, house.station(device) as station:
            station.publish(wire.topic_up(device.id), b"not for strangers")
            assert fleet.hear().data == b"not for strangers"
        assert link.inbox.take(1, 0.2) == []


def test_why_there_is_no_link(house, tmp_path):
    for other, words in (
        ({"port": free_port()}, "refused"),
        ({"cert_file": tmp_path / "gone"}, "No such file"),
        ({"ca_file": FleetCa(tmp_path).ca_file}, "certificate verify failed"),
    ):
        with running(settings_of(house, **other)) as link:
            wait_for(lambda words=words: words in link.reason)
            assert not link.linked
            assert not link.send_ack(bytes(16), b"")


def test_first_failure_and_recovery_are_logged_and_nothing_between(house, caplog):
    caplog.set_level("INFO", logger="fleet_server.link")
    with running(settings_of(house, port=free_port(), wait_first_s=0.001, wait_max_s=0.001)):
        time.sleep(0.3)
    with running(settings_of(house)) as link:
        assert link.wait_linked(10)
    words = [record.getMessage() for record in caplog.records]
    assert len(words) == 2
    assert words[0].startswith("no link to the broker: ")
    assert words[1] == "linked to the broker"


def test_inbox_is_bounded_by_bytes_too():
    inbox = Inbox(count_max=10, bytes_max=100)
    assert inbox.put(Message("a", bytes(60)))
    assert not inbox.put(Message("b", bytes(41)))
    assert inbox.put(Message("c", bytes(40)))
    assert inbox.waiting == 2
    assert inbox.take(1, 0) == [Message("a", bytes(60))]
    assert inbox.put(Message("d", bytes(60)))
    assert [message.topic for message in inbox.take(10, 0)] == ["c", "d"]
    assert inbox.dropped == 1


def test_take_waits_for_the_first_and_for_no_more():
    inbox = Inbox()
    assert inbox.take(10, 0.01) == []
    threading.Timer(0.05, inbox.put, [Message("t", b"late")]).start()
    assert inbox.take(10, 5) == [Message("t", b"late")]
