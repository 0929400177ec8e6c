"""What a broken or wicked client can do: to itself, nothing good; to others, nothing."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from pathlib import Path

import pytest

from device_profiles import wire
from fleet_server.broker import PACKET_MAX_BYTES
from tests.contracts.broker.kit import HOST, packet, text

LIMITS = {"stations_max": 100, "pending_max_bytes": 1024 * 1024, "stall_s": 2}


@pytest.fixture
def unmoved(house):
    """After the test the same broker process still serves a connection from before it, and a new one."""
    device, pid = house.take(), house.broker.pid
    with house.fleet() as fleet, house.station(device) as station:
        yield fleet
        for client in (station, house.station(device) if house.kind == "nats" else station):
            client.publish(wire.topic_up(device.id), b"unharmed")
            assert fleet.hear().data == b"unharmed"
            if client is not station:
                client.close()
    assert house.broker.pid == pid
    assert house.broker.restarts == 0
    assert not house.refused(house.take())


def resident_bytes(house) -> int:
    line = next(x for x in Path(f"/proc/{house.broker.pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def test_message_over_the_limit_is_cut(house, unmoved):
    device = house.take()
    with house.station(device) as station:
        station.overrun(packet(0x30, text(wire.topic_up(device.id)) + bytes(PACKET_MAX_BYTES)))


def test_length_of_256_megabytes(house, unmoved):
    with house.client(house.take()) as client:
        client.connect()
        before = resident_bytes(house)
        client.overrun(b"\x30\xff\xff\xff\x7f" + text("v1/up"), bytes(65536), 200)
        assert resident_bytes(house) - before < 8 * 1024 * 1024


def test_length_of_256_megabytes_instead_of_connect(house, unmoved):
    with house.client(house.take()) as client:
        client.overrun(b"\x10\xff\xff\xff\x7f" + text("MQTT"), bytes(65536), 200)


def test_random_bytes_unknown_packets_and_nonsense(house, unmoved):
    draw = random.Random(7)
    nonsense = [bytes(draw.randbytes(draw.randint(1, 400))) for _ in range(30)]
    nonsense += [bytes([kind << 4 | 0x0F, 2, 0, 0]) for kind in range(16)]
    nonsense += [
        b"\x10\x00",
        b"\x10\x01\x00",
        b"\x82\x02\x00\x01",
        b"\x30\x00",
        b"\xff\xff\xff\xff\xff\xff",
        b"\x00" * 64,
    ]
    nonsense += [b"\x82\x07\x00\x01\x00\x02\xc0\x80\x00", b"\x30\x04\x00\x09up", b"\x30\x05\x00\x02\xff\xfe\x00"]
    device = house.take()
    for number, data in enumerate(nonsense):
        with house.client(device) as client:
            if number % 2:
                client.connect()
            try:
                client.send(data)
                client.socket.settimeout(0.01)
                client.socket.recv(4096)
            except (OSError, TimeoutError):
                pass


def test_plain_text_and_broken_handshakes_on_the_tls_port(house, unmoved):
    hello = bytes.fromhex("16030100c8010000c40303") + os.urandom(32)
    for data in (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04same",
        hello,
        b"\x00" * 600,
    ):
        with (
            socket.create_connection((HOST, house.settings.port), timeout=5) as plain,
            contextlib.suppress(OSError),  # it may be cut at any point
        ):
            plain.sendall(data)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass


def test_connections_that_never_speak_do_not_keep_others_out(house, unmoved):
    held = [socket.create_connection((HOST, house.settings.port), timeout=5) for _ in range(50)]
    try:
        assert not house.refused(house.take())
    finally:
        for plain in held:
            plain.close()


def test_silent_client_and_stalled_reader_are_cut_and_memory_is_bounded(house, unmoved):
    """80 MB for a reader that does not read; both are cut within 1.5 times the keepalive and the broker's clock."""
    silent, stalled, lively = house.take(), house.take(), house.take()
    with (
        house.station(silent, keepalive_s=2) as quiet,
        house.client(stalled, receive_bytes=8192) as slow,
        house.station(lively, keepalive_s=2) as busy,
    ):
        slow.connect(keepalive_s=2)
        slow.subscribe(wire.topic_ack(stalled.id))
        before = resident_bytes(house)
        for _ in range(20_000):
            unmoved.publish(wire.topic_ack(stalled.id), bytes(4096))
        unmoved.ping()
        assert resident_bytes(house) - before < 32 * 1024 * 1024
        began = time.monotonic()
        cut = False
        while not cut and time.monotonic() - began < 3 + 7 + 2:
            busy.ping()  # who pings stays
            try:
                quiet.read(0.5)
            except TimeoutError:
                continue
            except (OSError, EOFError):
                cut = True
        assert cut
        busy.ping()
        slow.wait_cut()
