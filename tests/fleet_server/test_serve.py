"""The server as a process and after a restore: it ends when it cannot serve, and goes on from what stations report."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

import pytest

from device_profiles.messages import STATUS_KEYS, Desired
from device_profiles.wire import envelope_decode
from fleet_server import backup, fleet_keys
from fleet_server.downlink import Downlink
from fleet_server.store import Device, LastValues, Station, Why
from fleet_server.store_sqlite import SqliteStore

START_MS = 1_790_000_000_000
WHY = Why("test", "test", START_MS)
PLACE = Station("K0001", "Trạm", "TOA-A", "Phường", "simulated", live=True)
DEVICE = Device(b"d" * 16, "K0001", 1, b"spki", b"kid00000", "ACTIVE", "s", START_MS)


def test_a_server_whose_broker_cannot_start_ends_and_names_the_fault(tmp_path):
    fleet_keys.init(tmp_path / "fleet", time.time_ns() // 1_000_000)
    desk = tmp_path / "fleet" / "server"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (desk / "server.toml").write_text(f"broker_port = {port}\nface_port = 0\nconsole_port = 0\n")
        command = [sys.executable, "-m", "fleet_server", "serve", str(desk)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            words = process.communicate(timeout=40)[1]
        finally:
            process.kill()
    assert process.returncode == 1
    assert "fleet_server: " in words


class Way:
    """A downlink whose broker takes everything."""

    def __init__(self, store: SqliteStore, keys) -> None:
        self.sent: list[Desired] = []
        self.now_ms = START_MS
        self.downlink = Downlink(store, store, keys, self.take, lambda: None, lambda: self.now_ms, 60)

    def take(self, _device: bytes, data: bytes) -> bool:
        self.sent.append(Desired.decode(envelope_decode(data, 1_000_000).payload))
        return True

    def turn(self) -> None:
        self.now_ms += 20_000
        self.downlink.turn()


def test_after_a_restore_the_next_desired_is_above_what_the_station_has_applied(tmp_path):
    fleet_keys.init(tmp_path / "fleet", START_MS)
    keys = fleet_keys.load(tmp_path / "fleet" / "server")
    store = SqliteStore.open(tmp_path / "a.db")
    store.run(lambda desk: desk.put_station(PLACE, WHY))
    store.run(lambda desk: desk.put_device(DEVICE, WHY))
    way = Way(store, keys)
    way.turn()
    assert way.sent[-1].rev == 1
    backup.backup(store, tmp_path / "a.db", tmp_path / "b.db", START_MS)
    for pause_s in (10, 11, 12):
        store.run(lambda desk, pause_s=pause_s: desk.put_settings("K0001", {"heartbeat_s": pause_s}, WHY))
        way.turn()
    applied = way.sent[-1].rev
    assert applied == 4
    store.close()
    backup.restore(tmp_path / "b.db", tmp_path / "c.db", way.now_ms)
    again = SqliteStore.open(tmp_path / "c.db")
    restored = Way(again, keys)
    restored.turn()
    status = {STATUS_KEYS["desired_rev"]: applied}
    last = LastValues(DEVICE.id, b"j" * 16, 1, 1, way.now_ms, 3, 0, status, way.now_ms)
    again.run(lambda desk: desk.put_last_values(last))
    for _ in range(3):
        restored.turn()
    assert restored.sent[-1].rev > applied
    again.close()


@pytest.mark.parametrize("words", [["serve", "nowhere"], ["rebuild", "nowhere"], ["backup", "nowhere"]])
def test_a_folder_that_is_no_server_folder_is_named(words, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fleet_server", *words], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert "nowhere" in done.stderr or "backup_folder" in done.stderr
    assert "Traceback" not in done.stderr
