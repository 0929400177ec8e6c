"""Names of plugged devices (pure), the ear on this machine, and pretended devices through the real pyudev."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_agent import plugs
from edge_agent.drivers.worker import Pace, WatchWorker
from edge_agent.events import PeripheralState, Plugged, Unplugged
from edge_agent.plugs import Plugs, Seen, changes, identities
from edge_agent.ports import PortFault

ROOT = Path(__file__).parents[2]
LP0 = Seen("04b8", "0e15", "X7A1", "1-1.2", "usbmisc", "/dev/usb/lp0")


def seen(serial: str, port: str, node: str = "/dev/usb/lp0", product: str = "0e15") -> Seen:
    return Seen("04b8", product, serial, port, "usbmisc", node)


@pytest.mark.parametrize(
    ("there", "names"),
    [
        ([seen("X7A1", "1-1.2")], ["04b8:0e15:X7A1"]),
        ([seen("", "1-1.2")], ["04b8:0e15@1-1.2"]),
        ([seen("S", "1-1"), seen("S", "1-2")], ["04b8:0e15@1-1", "04b8:0e15@1-2"]),
        ([seen("S", "1-1"), seen("S", "1-2", product="0001")], ["04b8:0e15:S", "04b8:0001:S"]),
        ([seen("S", "1-1", "/dev/a"), seen("S", "1-1", "/dev/b")], ["04b8:0e15:S", "04b8:0e15:S"]),
        ([seen("", "1-1"), seen("", "1-2")], ["04b8:0e15@1-1", "04b8:0e15@1-2"]),
    ],
    ids=["serial", "no serial", "shared serial", "same serial of another model", "two nodes, one device", "no serials"],
)
def test_identity(there, names):
    named = identities({str(place): one for place, one in enumerate(there)})
    assert [one.identity for one in named.values()] == names


def test_the_name_does_not_depend_on_the_socket_or_the_order():
    one, other = seen("A", "1-1"), seen("B", "1-2")
    moved = seen("A", "2-4", "/dev/usb/lp1")
    assert identities({"x": one, "y": other})["x"].identity == identities({"y": other, "z": moved})["z"].identity


def test_changes_tell_goers_before_comers_and_nothing_twice():
    before = identities({"a": LP0, "b": seen("B", "1-3")})
    after = identities({"b": seen("B", "1-3"), "c": seen("C", "1-4", "/dev/usb/lp1")})
    assert changes(before, after) == [
        Unplugged("04b8:0e15:X7A1"),
        Plugged("04b8:0e15:C", "usbmisc", "/dev/usb/lp1"),
    ]
    assert changes(after, after) == []


def test_a_node_that_goes_while_its_device_stays_is_no_unplug():
    usb = Seen("04b8", "0e15", "X7A1", "1-1.2", "usb", "/dev/bus/usb/001/002")
    assert changes(identities({"usb": usb, "lp": LP0}), identities({"usb": usb})) == []


def test_the_ear_opens_and_hears_on_this_machine():
    ear = Plugs()
    assert ear.open() == PeripheralState("plugs", "udev", "online")
    while ear.wait(0.05) is not None:
        pass
    began = time.monotonic()
    assert ear.wait(0.2) is None
    assert 0.15 < time.monotonic() - began < 2
    ear.close()


def test_without_libudev_the_ear_says_once_what_to_install(monkeypatch):
    monkeypatch.setattr("pyudev.core.load_ctypes_library", _no_library)
    with pytest.raises(PortFault, match="install libudev1"):
        Plugs().open()
    said = []
    worker = WatchWorker("plugs", "udev", Plugs(), said.append, Pace(pause_first_s=0.01, pause_max_s=0.01))
    worker.start()
    time.sleep(0.2)
    assert worker.stop()
    assert [(state.state, "libudev1" in state.detail) for state in said] == [("offline", True)]


def _no_library(name, *_):
    raise ImportError(f"No library named {name}")


def test_the_ear_looks_again_by_itself(monkeypatch):
    monkeypatch.setattr(plugs, "_LOOK_S", 0.05)
    ear, looks = Plugs(), []
    ear.open()
    monkeypatch.setattr(ear, "_look", lambda: (looks.append(1), setattr(ear, "_look_at_s", time.monotonic() + 0.05)))
    ear.wait(0.3)
    assert 3 <= len(looks) <= 7
    ear.close()


def test_devices_come_and_go_through_the_real_pyudev():
    bed = ["umockdev-wrapper", sys.executable, Path(__file__).with_name("plug_bed.py")]
    done = subprocess.run(
        bed,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done
    told: dict[str, list[str]] = {}
    for title, *words in map(json.loads, done.stdout.splitlines()):
        told.setdefault(title, []).append(" ".join(words))
    usb, lp0 = "usb /dev/bus/usb/001/1-1.2", "usbmisc /dev/usb/lp0"
    assert told == {
        "there at the start": [f"04b8:0e15:X7A1 {usb}"],
        "a node appears": [f"04b8:0e15:X7A1 {lp0}"],
        "a second one with the same serial": [
            "04b8:0e15:X7A1",
            f"04b8:0e15@1-1.2 {usb}",
            f"04b8:0e15@1-1.2 {lp0}",
            "04b8:0e15@1-1.3 usb /dev/bus/usb/001/1-1.3",
        ],
        "the second one goes": [
            "04b8:0e15@1-1.2",
            "04b8:0e15@1-1.3",
            f"04b8:0e15:X7A1 {usb}",
            f"04b8:0e15:X7A1 {lp0}",
        ],
        "all go": ["04b8:0e15:X7A1"],
        "plugged while nobody listened": ["04b8:0e15@1-1.4 usb /dev/bus/usb/001/1-1.4"],
        "unplugged while nobody listened": ["04b8:0e15@1-1.4"],
    }
