"""Pretended USB devices come and go before the real ear. A program for `test_plugs.py`, not a test.

Run under umockdev-wrapper. Prints the ear's events as JSON lines: [what happened, identity, subsystem, node],
without the last two for what is gone.
"""

from __future__ import annotations

import ctypes as c
import json
import sys
from typing import TYPE_CHECKING

from device_profiles.profile import Match
from edge_agent.events import Plugged, Unplugged
from edge_agent.plugs import Plugs, locate, present

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
        say(title, *said)


def say(title: str, *words: str) -> None:
    sys.stdout.write(json.dumps([title, *words]) + "\n")


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
    scanner(bed)
    tell(ear, "a scanner that types")
    located = locate(Match(usb=("05e0:1200",)), "input")
    say("located", located.identity, located.subsystem, located.node)
    for one in present():
        say("present", one.identity, one.port, one.words)
    return 0


def scanner(bed: Bed) -> None:
    """One in keyboard mode: two HID interfaces, of which the second has the keys."""
    attributes = {"idVendor": "05e0", "idProduct": "1200", "bDeviceClass": "00"}
    attributes |= {"manufacturer": "Symbol", "product": "Bar Code\x07 Scanner"}
    usb = bed.add("usb", "1-1.5", None, attributes, DEVTYPE="usb_device", DEVNAME="/dev/bus/usb/001/1-1.5")
    # What a consumer-control interface and a keyboard have: KEY_ENTER is bit 28 of the last word.
    for number, keys in (
        (0, "1 0 e000000000000 0"),
        (1, "1000000000007 ff800000000007ff febeffdff3cfffff fffffffffffffffe"),
    ):
        interface = {"bInterfaceNumber": f"{number:02}", "bInterfaceClass": "03"}
        parent = bed.add("usb", f"1-1.5:1.{number}", usb, interface, DEVTYPE="usb_interface")
        entry = bed.add("input", f"input{number}", parent, {"capabilities/key": keys})
        bed.add("input", f"event{3 + number}", entry, {}, DEVNAME=f"/dev/input/event{3 + number}")
        if number == 0:
            bed.add("hidraw", "hidraw0", parent, {}, DEVNAME="/dev/hidraw0")
        else:
            bed.add("input", "mouse0", entry, {}, DEVNAME="/dev/input/mouse0")


if __name__ == "__main__":
    sys.exit(main())
