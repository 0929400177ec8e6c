"""Names of plugged devices (pure), the ear on this machine, and pretended devices through the real pyudev."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from device_profiles.profile import Match
from edge_agent import plugs
from edge_agent.drivers.worker import Pace, WatchWorker
from edge_agent.events import PeripheralState, Plugged, Unplugged
from edge_agent.plugs import Plugs, Present, Seen, changes, identities, locate, present
from edge_agent.ports import PortFault

ROOT = Path(__file__).parents[2]
PATIENCE_S = 15.0
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


# --- finding the node that a driver opens -----------------------------------------------------------------------------

ACM = Seen("05e0", "1701", "S1", "1-1.2", "tty", "/dev/ttyACM0", "Symbol Bar Code Scanner", 0)


@pytest.fixture
def plugged(monkeypatch):
    """Pretend that these are there, found by the kernel in this order."""

    def pretend(*there: Seen) -> None:
        monkeypatch.setattr(plugs, "_context", lambda: None)
        monkeypatch.setattr(plugs, "_look_around", lambda _: {f"/sys/{place}": one for place, one in enumerate(there)})

    return pretend


def acm(port: str, node: str, serial: str = "S1", **more) -> Seen:
    return replace(ACM, port=port, node=node, serial=serial, **more)


BOTH_WAYS = pytest.mark.parametrize("turned", [False, True], ids=["found first", "found last"])


@BOTH_WAYS
@pytest.mark.parametrize(
    ("match", "node", "identity"),
    [
        # Three of one model and serial number: the lowest socket's, and 1-1.10 is not below 1-1.2.
        (Match(usb=("05e0:1701",)), "/dev/ttyACM2", "05e0:1701@1-1.2"),
        (Match(usb=("05e0:1701",), port_path="1-1.10"), "/dev/ttyACM0", "05e0:1701@1-1.10"),
        (Match(usb=("05e0:1701",), serial="S 2"), "/dev/ttyACM3", "05e0:1701:S_2"),
        (Match(port_path="1-1.3"), "/dev/ttyACM1", "05e0:1701@1-1.3"),
        (Match(serial="S1"), "/dev/ttyACM2", "05e0:1701@1-1.2"),
        (Match(usb=("ffff:ffff", "05e0:1701"), port_path="1-1.3", serial="S1"), "/dev/ttyACM1", "05e0:1701@1-1.3"),
    ],
)
def test_of_several_that_fit_the_choice_does_not_depend_on_who_was_found_first(plugged, match, node, identity, turned):
    there = [
        acm("1-1.10", "/dev/ttyACM0"),
        acm("1-1.3", "/dev/ttyACM1"),
        acm("1-1.2", "/dev/ttyACM2"),
        acm("2-1", "/dev/ttyACM3", serial="S_2"),
        seen("X7A1", "1-1.1"),
    ]
    plugged(*(reversed(there) if turned else there))
    assert locate(match, "tty") == Plugged(identity, "tty", node)


@BOTH_WAYS
def test_of_one_device_the_lowest_interface_then_the_lowest_number(plugged, turned):
    there = [
        acm("1-1.2", "/dev/ttyACM10", interface=0),
        acm("1-1.2", "/dev/ttyACM9", interface=0),
        acm("1-1.2", "/dev/ttyACM0", interface=2),
        acm("1-1.2", "/dev/bus/usb/001/002", subsystem="usb", interface=-1),
    ]
    plugged(*(reversed(there) if turned else there))
    assert locate(Match(usb=("05e0:1701",)), "tty").node == "/dev/ttyACM9"
    assert locate(Match(usb=("05e0:1701",)), "usb").node == "/dev/bus/usb/001/002"


@BOTH_WAYS
def test_of_a_scanner_that_types_the_node_with_an_enter_key(plugged, turned):
    hid = replace(ACM, product="1200", subsystem="input")
    there = [
        replace(hid, node="/dev/input/mouse0", interface=0, types=True),
        replace(hid, node="/dev/input/event3", interface=0),
        replace(hid, node="/dev/input/event4", interface=1, types=True),
        replace(hid, node="/dev/hidraw0", interface=0, subsystem="hidraw"),
    ]
    plugged(*(reversed(there) if turned else there))
    assert locate(Match(usb=("05e0:1200",)), "input").node == "/dev/input/event4"
    assert locate(Match(usb=("05e0:1200",)), "hidraw").node == "/dev/hidraw0"


@pytest.mark.parametrize(
    ("match", "subsystem", "words"),
    [
        (Match(usb=("05e0:1701", "05e0:1200")), "usbmisc", "05e0:1701 or 05e0:1200: the kernel's usblp gave it no"),
        (Match(usb=("05e0:1701",)), "input", "keyboard (HID) mode?"),
        (Match(usb=("04b8:0e15",)), "tty", "USB-CDC"),
        (Match(usb=("04b8:0e28",)), "tty", "04b8:0e28: it is not plugged in"),
        (Match(usb=("05e0:1701",), serial="S2"), "tty", "05e0:1701 with serial number S2: it is not plugged in"),
        (Match(port_path="1-1.9"), "tty", "any device at port 1-1.9: it is not plugged in"),
        (Match(), "tty", "the profile does not say how to recognise the device: it is not plugged in"),
    ],
)
def test_what_is_not_there_is_a_fault_in_words_that_help(plugged, match, subsystem, words):
    plugged(ACM, LP0)
    with pytest.raises(PortFault) as missing:
        locate(match, subsystem)
    assert missing.value.state == "noDevice"
    assert words in str(missing.value)


def test_a_fixed_path_wins_and_is_named_when_it_is_on_usb(plugged, tmp_path):
    node, link = tmp_path / "ttyACM0", tmp_path / "by-id"
    node.touch()
    link.symlink_to(node)
    plugged(replace(ACM, node=str(node)))
    other = Match(usb=("ffff:ffff",))
    assert locate(other, "tty", str(node)) == Plugged("05e0:1701:S1", "tty", str(node))
    assert locate(other, "tty", str(link)) == Plugged("05e0:1701:S1", "tty", str(link))
    plugged()
    assert locate(other, "tty", str(node)) == Plugged("", "tty", str(node))
    node.unlink()
    with pytest.raises(PortFault, match=r"there is no .*ttyACM0: is it plugged in") as missing:
        locate(other, "tty", str(node))
    assert missing.value.state == "noDevice"


def test_a_bench_sees_each_device_once_by_its_socket_with_all_its_nodes(plugged):
    usb = acm("1-1.10", "/dev/bus/usb/001/009", subsystem="usb", interface=-1)
    plugged(acm("1-1.10", "/dev/ttyACM0", interface=1), usb, LP0)
    assert present() == [
        Present("04b8:0e15:X7A1", "04b8:0e15", "X7A1", "1-1.2", "", (("usbmisc", "/dev/usb/lp0"),)),
        Present(
            "05e0:1701:S1",
            "05e0:1701",
            "S1",
            "1-1.10",
            "Symbol Bar Code Scanner",
            (("usb", "/dev/bus/usb/001/009"), ("tty", "/dev/ttyACM0")),
        ),
    ]


# --- the ear ----------------------------------------------------------------------------------------------------------


def test_the_ear_opens_and_hears_on_this_machine():
    ear = Plugs()
    assert ear.open() == PeripheralState("plugs", "udev", "online")
    while ear.wait(0.05) is not None:
        pass
    began = time.monotonic()
    assert ear.wait(0.2) is None
    assert 0.15 < time.monotonic() - began < PATIENCE_S
    ear.close()


def test_without_libudev_the_ear_says_once_what_to_install(monkeypatch):
    monkeypatch.setattr("pyudev.core.load_ctypes_library", _no_library)
    for ask in (Plugs().open, present, lambda: locate(Match(usb=("05e0:1701",)), "tty")):
        with pytest.raises(PortFault, match="install libudev1"):
            ask()
    said, lives, ear = [], [], Plugs()
    open_once = ear.open
    monkeypatch.setattr(ear, "open", lambda: (lives.append(1), open_once())[1])
    worker = WatchWorker("plugs", "udev", ear, said.append, Pace(pause_first_s=0.01, pause_max_s=0.01))
    worker.start()
    began = time.monotonic()
    while len(lives) < 5 and time.monotonic() < began + PATIENCE_S:
        time.sleep(0.01)
    assert worker.stop()
    assert len(lives) >= 5  # all but the first say nothing new
    assert [(state.state, "libudev1" in state.detail) for state in said] == [("offline", True)]


def _no_library(name, *_):
    raise ImportError(f"No library named {name}")


def test_the_ear_looks_again_by_itself(monkeypatch):
    monkeypatch.setattr(plugs, "_LOOK_S", 0.05)
    ear, looks = Plugs(), []
    ear.open()
    monkeypatch.setattr(ear, "_look", lambda: (looks.append(1), setattr(ear, "_look_at_s", time.monotonic() + 0.05)))
    began = time.monotonic()
    while len(looks) < 4 and time.monotonic() < began + PATIENCE_S:
        ear.wait(0.1)
    assert 4 <= len(looks) <= (time.monotonic() - began) / 0.05 + 1
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
        "a scanner that types": [
            "05e0:1200@1-1.5 usb /dev/bus/usb/001/1-1.5",
            "05e0:1200@1-1.5 input /dev/input/event3",
            "05e0:1200@1-1.5 hidraw /dev/hidraw0",
            "05e0:1200@1-1.5 input /dev/input/event4",
            "05e0:1200@1-1.5 input /dev/input/mouse0",
        ],
        "located": ["05e0:1200@1-1.5 input /dev/input/event4"],
        "present": ["05e0:1200@1-1.5 1-1.5 Symbol Bar Code Scanner"],
    }
