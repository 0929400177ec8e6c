"""The child is kept alive, never left behind, and says why it cannot live."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from device_profiles import wire
from fleet_server.broker import KINDS, BrokerError, open_broker
from fleet_server.brokers import child, nats
from tests.contracts.broker.kit import House, make_house

ROOT = Path(__file__).parents[3]


def wait_for(condition, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture(params=KINDS)
def own(request, tmp_path):
    """A house that is not started yet."""
    house = make_house(request.param, tmp_path, 4)
    yield house
    house.broker.stop()


def serves(house: House, device) -> bool:
    with house.fleet() as fleet, house.station(device) as station:
        station.publish(wire.topic_up(device.id), b"up")
        fleet.publish(wire.topic_ack(device.id), b"down")
        return fleet.hear().data == b"up" and station.hear().data == b"down"


def test_killed_broker_is_restarted_and_serves_again(house):
    device = house.take()
    with house.station(device) as station:
        before, restarts = house.broker.pid, house.broker.restarts
        os.kill(before, signal.SIGKILL)
        station.wait_cut()
    wait_for(lambda: house.broker.alive() and house.broker.pid not in {None, before})
    assert house.broker.restarts == restarts + 1
    assert serves(house, device)


def test_interrupt_from_the_terminal_is_for_the_server_alone(own):
    own.broker.start()
    assert os.getpgid(own.broker.pid) != os.getpgrp()


def test_stopped_broker_is_gone_and_can_be_started_again(own):
    own.broker.start()
    pid = own.broker.pid
    assert own.broker.alive()
    own.broker.stop()
    own.broker.stop()
    assert not own.broker.alive()
    assert not running(pid)
    own.broker.start()
    assert serves(own, own.take())


def test_stop_comes_while_it_waits_to_restart(own, monkeypatch):
    monkeypatch.setattr(child, "WAIT_FIRST_S", 60.0)
    own.broker.start()
    os.kill(own.broker.pid, signal.SIGKILL)
    wait_for(lambda: own.broker.restarts)
    assert not own.broker.alive()
    assert own.broker.pid is None
    began = time.monotonic()
    own.broker.stop()
    assert time.monotonic() - began < 5


def test_broker_that_does_not_listen_to_terminate_is_killed(own, monkeypatch):
    monkeypatch.setattr(child, "STOP_TIMEOUT_S", 0.2)
    own.broker.start()
    pid = own.broker.pid
    os.kill(pid, signal.SIGSTOP)
    own.broker.stop()
    assert not running(pid)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_server_leaves_no_broker_behind(kind, tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from tests.contracts.broker.kit import make_house\n"
        "house = make_house(sys.argv[1], Path(sys.argv[2]), 1); house.broker.start()\n"
        "print(house.broker.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, kind, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as server:
        pid = int(server.stdout.readline())
        assert running(pid)
        server.kill()
    wait_for(lambda: not running(pid))


def test_port_in_use_is_said_in_words(own):
    with make_other(own.settings.port), pytest.raises(BrokerError, match=r"(?s)did not start.*in use"):
        own.broker.start()
    assert not own.broker.alive()


@contextlib.contextmanager
def make_other(port: int):
    with socket.create_server(("127.0.0.1", port)):
        yield


def test_missing_certificate_is_said_in_words(own):
    own.settings.cert_file.unlink()
    with pytest.raises(BrokerError, match=r"(?s)did not start.*server\.crt"):
        own.broker.start()


def test_unusable_program_is_said_in_words(own, tmp_path):
    with pytest.raises(BrokerError, match=r"(?s)no nats-server of version|did not start.*nowhere"):
        open_broker(own.kind, replace(own.settings, binary=tmp_path / "nowhere"), own.access).start()


def test_nats_server_that_is_too_old_is_passed_over(tmp_path, monkeypatch):
    old = tmp_path / "nats-server"
    old.write_text("#!/bin/sh\necho 'nats-server: v2.9.10'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert nats.find_program(None) != old
    with pytest.raises(BrokerError, match=r"2\.9\.10"):
        nats.find_program(old)


def test_log_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "LOG_MAX_BYTES", 10_000)
    log = child._Log(tmp_path / "broker.log")
    for number in range(1000):
        log.write(b"%099d\n" % number)
    log.close()
    sizes = sorted(file.stat().st_size for file in tmp_path.iterdir())
    assert len(sizes) == 2
    assert sum(sizes) <= 2 * 10_100
    assert (tmp_path / "broker.log").read_bytes().endswith(b"999\n")


def test_log_that_cannot_be_written_is_no_reason_to_stop_reading():
    log = child._Log(Path("/dev/full"))
    log.write(b"lost\n")
    log.close()


def test_full_store_of_nats_heals_by_itself(tmp_path, monkeypatch):
    """Without the restart it would refuse every new connection from then on."""
    monkeypatch.setattr(nats, "STORE_FLOOR_BYTES", 1024 * 1024)
    own = make_house("nats", tmp_path, 2, stations_max=1)
    own.broker.start()
    try:
        before = own.broker.pid
        with own.fleet() as fleet, contextlib.suppress(OSError, EOFError):
            for number in range(40):
                fleet.publish(f"v1/down/d{number}/desired", bytes(60_000), retain=True)
                fleet.ping()
        wait_for(lambda: own.broker.alive() and own.broker.pid != before)
        assert serves(own, own.take())
    finally:
        own.broker.stop()


def test_client_cannot_make_nats_restart_by_a_clever_client_id(tmp_path):
    own = make_house("nats", tmp_path, 2)
    own.broker.start()
    try:
        device, pid = own.take(), own.broker.pid
        for client_id in (
            '" - unable to connect: create streams',
            "x\n[1] 2026/01/01 00:00:00.000000 [ERR] JetStream failed to store",
            "[1] 2026/01/01 00:00:00.000000 [ERR] Filestore [x] Critical write error",
        ):
            with own.client(device) as client:
                client.connect(client_id)
                with contextlib.suppress(OSError, EOFError):
                    client.publish("elsewhere/" + client_id.replace("\n", " ").replace("+", ""), b"")
                    client.ping()
        assert own.broker.pid == pid
        assert own.broker.restarts == 0
    finally:
        own.broker.stop()
