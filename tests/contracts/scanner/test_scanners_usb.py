"""Scanners plugged in, pulled out and plugged in again elsewhere, through the real pyudev and device nodes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
BED = ROOT / "tests" / "twins" / "scanner_bed.py"


def told(which, folder):
    done = subprocess.run(
        ["umockdev-wrapper", sys.executable, BED, which, folder],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_serial_scanner_comes_goes_and_comes_back_at_another_port(tmp_path):
    said = told("serial", tmp_path)
    assert [each[:2] for each in said] == [
        ["nothing is plugged in", "noDevice"],
        ["it is plugged in", "online 05e0:1701:S2"],
        ["it scans", "Thị Ẩn|Nữ"],
        ["it is pulled out", "noDevice"],
        ["it is plugged in elsewhere", "online 05e0:1701:S2"],
        ["it scans again", "7F3K9Q2M4"],
    ]
    assert all(took_s < 2 for _, _, took_s in said), said


def test_a_typing_scanner_is_found_among_its_nodes_and_read(tmp_path):
    said = told("typing", tmp_path)
    assert [each[:2] for each in said] == [
        ["nothing is plugged in", "noDevice"],
        ["it is plugged in", "online 05e0:1200:S5"],
        ["it scans", "079090012345|TAM-K1"],
        ["it is pulled out", "noDevice"],
    ]
    assert all(took_s < 2 for _, _, took_s in said), said
