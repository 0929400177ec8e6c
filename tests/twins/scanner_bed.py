"""Pretended USB scanners come and go before the real drivers. A program for `test_scanners_usb.py`, not a test.

Run under umockdev-wrapper with a folder for its files. Prints one JSON line for each event that the worker posted:
[what happened, state and identity | code, seconds since it happened].
"""

from __future__ import annotations

import ctypes as c
import json
import os
import queue
import sys
import time
import tty
from pathlib import Path

from device_profiles.profile import Match
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.worker import Pace, ScannerWorker
from edge_agent.events import PeripheralState, Scanned
from tests.twins.scanner import keys

_LIBRARY = c.CDLL("libumockdev.so.0")
for _name, _result, _arguments in (
    ("new", c.c_void_p, []),
    ("add_from_string", c.c_int, [c.c_void_p, c.c_char_p, c.c_void_p]),
    ("get_dev_fd", c.c_int, [c.c_void_p, c.c_char_p]),
    ("load_evemu_events", c.c_int, [c.c_void_p, c.c_char_p, c.c_char_p, c.c_void_p]),
    ("uevent", None, [c.c_void_p, c.c_char_p, c.c_char_p]),
    ("remove_device", None, [c.c_void_p, c.c_char_p]),
):
    _function = getattr(_LIBRARY, f"umockdev_testbed_{_name}")
    _function.restype, _function.argtypes = _result, _arguments

NEVER = Pace(pause_first_s=600.0, pause_max_s=600.0, wait_s=0.1)
_DEVICE = """\
P: {usb}
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
E: DEVNAME=/dev/bus/usb/001/{number:03}
A: idVendor=05e0\\n
A: idProduct={product}\\n
A: serial={serial}\\n
A: bDeviceClass=00\\n

P: {usb}/{port}:1.0
E: DEVTYPE=usb_interface
E: SUBSYSTEM=usb
A: bInterfaceNumber=00\\n

"""
_TTY = """\
P: {usb}/{port}:1.0/tty/{node}
N: {node}
E: SUBSYSTEM=tty
E: DEVNAME=/dev/{node}
E: MAJOR=166
E: MINOR={number}
"""
_INPUT = """\
P: {usb}/{port}:1.0/input/input{number}
E: SUBSYSTEM=input
A: capabilities/key=1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\\n

P: {usb}/{port}:1.0/input/input{number}/mouse0
N: input/mouse0
E: SUBSYSTEM=input
E: DEVNAME=/dev/input/mouse0
E: MAJOR=13
E: MINOR=32

P: {usb}/{port}:1.0/input/input{number}/{node}
N: input/{node}
E: SUBSYSTEM=input
E: DEVNAME=/dev/input/{node}
E: MAJOR=13
E: MINOR={number}
"""


class Bench:
    """One worker with a real driver, and the devices that are pretended to it."""

    def __init__(self, driver: str, product: str, folder: Path) -> None:
        self._bed = _LIBRARY.umockdev_testbed_new()
        self._product, self._folder = product, folder
        self._kinds = {"serial_lines": _TTY, "hid_events": _INPUT}[driver]
        self._posted: queue.Queue[object] = queue.Queue()
        scanner = open_driver("scanner", driver, {"name": "bench", "match": Match(usb=(f"05e0:{product}",))})
        self.worker = ScannerWorker("bench", scanner, self._posted.put, NEVER)
        self._paths: list[str] = []
        self._at_s = time.monotonic()

    def plug(self, port: str, node: str, number: int, product: str = "") -> None:
        usb = f"/devices/usb1/{port}"
        names = {"usb": usb, "port": port, "node": node, "number": number}
        names |= {"product": product or self._product, "serial": f"S{number}"}
        text = (_DEVICE + self._kinds).format(**names)
        assert _LIBRARY.umockdev_testbed_add_from_string(self._bed, text.encode(), None)
        self._at_s = time.monotonic()
        self._paths = [line[3:] for line in text.splitlines() if line.startswith("P: ")]

    def unplug(self, node: str) -> None:
        self._at_s = time.monotonic()
        for path in reversed(self._paths):
            _LIBRARY.umockdev_testbed_uevent(self._bed, f"/sys{path}".encode(), b"remove")
            _LIBRARY.umockdev_testbed_remove_device(self._bed, f"/sys{path}".encode())
        os.close(self._fd(node))

    def send(self, node: str, data: bytes) -> None:
        fd = self._fd(node)
        tty.setraw(fd)
        os.write(fd, data)
        self._at_s = time.monotonic()

    def type(self, node: str, text: str) -> None:
        # Whole tenths of a second first: umockdev 0.17 takes 001000 for a number to the base of eight.
        events = (f"E: 7.{100_000 + 1_000 * n} 0001 {code:04x} {value}\n" for n, (code, value) in enumerate(keys(text)))
        path = self._folder / "keys.evemu"
        path.write_text("".join(events), "ascii")
        done = _LIBRARY.umockdev_testbed_load_evemu_events(self._bed, f"/dev/{node}".encode(), str(path).encode(), None)
        assert done
        self._at_s = time.monotonic()

    def tell(self, title: str, *, look: bool = False) -> None:
        if look:
            self.worker.look()
        event = self._posted.get(timeout=20)
        took_s = round(time.monotonic() - self._at_s, 3)
        match event:
            case PeripheralState(state=state, identity=identity):
                said = f"{state} {identity}".strip()
            case Scanned(data=data):
                said = data.decode()
        sys.stdout.write(json.dumps([title, said, took_s]) + "\n")

    def _fd(self, node: str) -> int:
        fd: int = _LIBRARY.umockdev_testbed_get_dev_fd(self._bed, f"/dev/{node}".encode())
        assert fd >= 0
        return fd


def serial(folder: Path) -> None:
    bench = Bench("serial_lines", "1701", folder)
    bench.worker.start()
    bench.tell("nothing is plugged in")
    bench.plug("1-1.4", "ttyACM7", 7, product="9999")
    bench.plug("1-1.2", "ttyACM0", 2)
    bench.tell("it is plugged in", look=True)
    bench.send("ttyACM0", "Thị Ẩn|Nữ\r".encode())
    bench.tell("it scans")
    bench.send("ttyACM0", b"half a line")
    time.sleep(0.05)
    bench.unplug("ttyACM0")
    bench.tell("it is pulled out")
    bench.plug("1-1.3", "ttyACM1", 2)
    bench.tell("it is plugged in elsewhere", look=True)
    bench.send("ttyACM1", b"7F3K9Q2M4\r\n")
    bench.tell("it scans again")
    assert bench.worker.stop()


def typing(folder: Path) -> None:
    bench = Bench("hid_events", "1200", folder)
    bench.worker.start()
    bench.tell("nothing is plugged in")
    bench.plug("1-1.2", "event5", 5)
    bench.tell("it is plugged in", look=True)
    bench.type("input/event5", "079090012345|TAM-K1\n")
    bench.tell("it scans")
    bench.unplug("input/event5")
    bench.tell("it is pulled out")
    assert bench.worker.stop()


if __name__ == "__main__":
    {"serial": serial, "typing": typing}[sys.argv[1]](Path(sys.argv[2]))
