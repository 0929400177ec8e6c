"""The fleet is lost and restored from an older backup: the stations notice by the Ack and send again."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.journey


def fleet(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "fleet_server", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_stations_send_again_what_the_restored_fleet_lacks(rig, tmp_path):
    found = rig(2)
    desk, server = found.stage.desk, found.stage.server
    with (desk / "server.toml").open("a") as file:
        file.write(f'backup_folder = "{tmp_path}"\n')
    server.stop()
    server.start()
    found.people()
    found.until(lambda: found.ask("SELECT count(*) FROM payment")[0][0] >= 8, 90.0, "some payments")
    backup = tmp_path / "older.db"
    assert "2 journals, checked" in fleet("backup", str(desk), "--target", str(backup))
    found.until(lambda: found.ask("SELECT count(*) FROM payment")[0][0] >= 20, 90.0, "more payments")
    found.settle()
    before = found.ask("SELECT count(*) FROM record")[0][0]
    lineage = found.ask("SELECT id FROM lineage ORDER BY number DESC LIMIT 1")
    server.stop()
    for each in desk.glob("fleet.db*"):
        each.rename(tmp_path / f"lost-{each.name}")
    assert "new lineage" in fleet("restore", str(desk), str(backup))
    assert found.ask("SELECT count(*) FROM record")[0][0] < before
    server.start()
    found.until(lambda: found.ask("SELECT count(*) FROM record")[0][0] >= before, 60.0, "the records sent again")
    assert found.ask("SELECT id FROM lineage ORDER BY number DESC LIMIT 1") != lineage
    found.bank.repeat()  # the bank's statement names every credit again
    found.settle()
    count = found.count()
    assert (count.lost, count.pending) == (0, 0), count.faults
    assert count.accepted >= before
