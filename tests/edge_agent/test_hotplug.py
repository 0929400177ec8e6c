"""A whole station notices what is plugged in and pulled out, within two seconds, and always takes the same of two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device_profiles.profile import load_shipped, shipped_stations
from edge_agent import __main__ as root
from edge_agent.drivers.worker import PrinterWorker, ReaderWorker, ScannerWorker, WatchWorker

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("station", shipped_stations())
def test_every_port_of_a_model_gets_its_worker_and_the_plugs_start_last(station):
    devices = root._peripherals(load_shipped(station), root.Inbox())
    assert [type(ear) for ear in devices.ears()] == [PrinterWorker, ReaderWorker, ScannerWorker, WatchWorker]
    assert [ear.port for ear in devices.ears()] == ["printer", "reader", "scanner", "plugs"]
    assert (devices.reader, devices.scanner) == tuple(devices.ears()[1:3])


def test_a_station_notices_what_is_plugged_in_and_pulled_out():
    """The two booleans: the shortest of three times was under two seconds, for "online" and for "noDevice"."""
    done = subprocess.run(
        ["umockdev-wrapper", sys.executable, Path(__file__).with_name("hotplug_bed.py")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["of two the first socket's", "05e0:1701@1-1.2"],
        ["scanned", "of this one"],
        ["scanned", "of the one that is left"],
        ["nothing is left"],
        ["scanner comes and goes", ["05e0:1701:S1"], True, True],
        ["printer comes and goes", ["04b8:0e28:P1"], True, True],
        ["at another socket", "05e0:1701:S1"],
        ["scanned", "one"],
    ], done.stderr
