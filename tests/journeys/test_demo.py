"""The demonstration as README names it, in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.journey


def demo(*arguments: str, timeout_s: float = 200.0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fleet_server", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def test_cut_and_kills_lose_nothing_and_double_nothing(tmp_path):
    out = tmp_path / "out.json"
    done = demo("--seconds", "40", "--cut", "10", "--kill", "--json", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert (found["lost"], found["doubled"], found["pending"], found["stations"]) == (0, 0, 0, 3)
    assert found["committed"] == found["accepted"] > 100
    assert found["visits"] > 20
    assert found["kills"] >= 3
    assert found["cut_s"] == 10.0
    assert "MÔ PHỎNG" in done.stdout
    assert "one-time password" in done.stdout


def test_the_same_fleet_runs_on_mosquitto(tmp_path):
    out = tmp_path / "out.json"
    done = demo("--seconds", "20", "--stations", "2", "--broker", "mosquitto", "--json", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert (found["lost"], found["doubled"], found["pending"]) == (0, 0, 0)
    assert found["confirmed"] > 0


def children(word: str) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if word in (entry / "cmdline").read_bytes().decode(errors="replace"):
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


def test_control_c_stops_everything_it_started():
    command = [sys.executable, "-m", "fleet_server", "demo", "--stations", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "Running" in line:
            break
    started = {pid for word in ("station-demo-", "fleet_server serve", "edge_agent run") for pid in children(word)}
    assert len(started) >= 3
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=120.0)[0]
    assert process.returncode == 0, rest
    assert "lost 0" in rest
    end = time.monotonic() + 10.0
    while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in started):
        time.sleep(0.1)
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stations", "0"), "1 to 50 stations"),
        (("--seconds", "5", "--cut", "9"), "--cut must be shorter"),
        (("--broker", "rabbit"), "invalid choice"),
    ],
)
def test_wrong_usage_is_named(arguments, words):
    done = demo(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
