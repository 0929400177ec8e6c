"""Pretended USB devices come and go before the real ear. A program for `test_plugs.py`, not a test.

Run under umockdev-wrapper. Prints the ear's events as JSON lines: [what happened, identity, subsystem, node],
without the last two for what is gone.
"""

from __future__ import annotations

import ctypes as c
import json
import sys
from typing import TYPE_CHECKING

from edge_agent.events import Plugged, Unplugged
from edge_agent.plugs import Plugs

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIBRARY = c.CDLL("libumockdev.so.0")
_TABLE = c.POINTER(c.c_char_p)
for _name, _result, _arguments in (
    ("new", c.c_void_p, []),
    ("add_devicev", c.c_char_p, [c.c_void_p, c.c_char_p, c.c_char_p, c.c_char_p, _TABLE, _TABLE]),
    ("uevent", None, [c.c_void_p, c.c_char_p, c.c_char_p]),
    ("remove_device", None, [c.c_void_p, c.c_char_p]),
):
    _function = getattr(_LIBRARY, f"umockdev_testbed_{_name}")
    _function.restype, _function.argtypes = _result, _arguments


def _strings(values: Mapping[str, str]) -> c.Array[c.c_char_p]:
    """Key, value, key, value, NULL: how umockdev takes attributes and properties."""
    flat = [word.encode() for pair in values.items() for word in pair]
    return (c.c_char_p * (len(flat) + 1))(*flat, None)


class Bed:
    def __init__(self) -> None:
        self._bed = _LIBRARY.umockdev_testbed_new()

    def add(self, subsystem: str, name: str, parent: bytes | None, attributes: dict[str, str], **more: str) -> bytes:
        names = subsystem.encode(), name.encode()
        path: bytes = _LIBRARY.umockdev_testbed_add_devicev(
            self._bed, *names, parent, _strings(attributes), _strings(more)
        )
        return path

    def usb(self, port: str, serial: str = "", kind: str = "00") -> bytes:
        attributes = {"idVendor": "04b8", "idProduct": "0E15", "bDeviceClass": kind}
        attributes |= {"serial": serial} if serial else {}
        return self.add("usb", port, None, attributes, DEVTYPE="usb_device", DEVNAME=f"/dev/bus/usb/001/{port}")

    def lp(self, number: int, usb: bytes) -> bytes:
        return self.add("usbmisc", f"lp{number}", usb, {}, DEVNAME=f"/dev/usb/lp{number}")

    def unplug(self, *paths: bytes) -> None:
        for path in paths:
            _LIBRARY.umockdev_testbed_uevent(self._bed, path, b"remove")
            _LIBRARY.umockdev_testbed_remove_device(self._bed, path)


def tell(ear: Plugs, title: str) -> None:
    while (event := ear.wait(0.2)) is not None:
        match event:
            case Plugged(identity, subsystem, node):
                said = [identity, subsystem, node]
            case Unplugged(identity):
                said = [identity]
        json.dump([title, *said], sys.stdout)
        sys.stdout.write("\n")


def main() -> int:
    bed, ear = Bed(), Plugs()
    bed.add("tty", "ttyS0", None, {}, DEVNAME="/dev/ttyS0")
    bed.usb("1-1", kind="09")
    first = bed.usb("1-1.2", serial="X7A1")
    ear.open()
    tell(ear, "there at the start")
    paper = bed.lp(0, first)
    tell(ear, "a node appears")
    twin = bed.usb("1-1.3", serial="X7A1")
    tell(ear, "a second one with the same serial")
    bed.unplug(twin)
    tell(ear, "the second one goes")
    bed.unplug(paper, first)
    tell(ear, "all go")
    ear.close()
    third = bed.usb("1-1.4")
    ear.open()
    tell(ear, "plugged while nobody listened")
    ear.close()
    bed.unplug(third)
    ear.open()
    tell(ear, "unplugged while nobody listened")
    return 0


if __name__ == "__main__":
    sys.exit(main())
