"""What is plugged into USB: heard of, found and listed under names that survive a reboot and another socket.

Decides what a device is called and which of several that fit a match is taken, and nothing about which driver it gets.
`Plugs` is an `Ear` (`edge_agent.ports`), so a `WatchWorker` gives it its thread, and its new life after any error:
then, and once a minute (netlink may lose messages), it looks at all that is there and tells the difference to what it
told before. `locate` and `present` look once, on the thread of whoever asks.

pyudev's own MonitorObserver is not used: an exception in its callback ends its thread for good.
"""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.events import PeripheralState, Plugged, Unplugged
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_profiles.profile import Match
    from edge_agent.events import Event

SUBSYSTEMS = ("usb", "usbmisc", "tty", "hidraw", "input")
_LOOK_S = 60.0
_UDEVD = Path("/run/udev/control")
_HUB_CLASS = "09"
_TOLD_MAX = 4
_KEY_ENTER = 28  # linux/input-event-codes.h
# What makes the node of a subsystem, for the words of a fault: a device may be there and its node not.
_MAKERS = {
    "usbmisc": "the kernel's usblp gave it no /dev/usb/lp: is the module loaded, does CUPS hold the printer?",
    "tty": "the kernel gave it no serial port: is the scanner set to USB-CDC (virtual COM), is the module loaded?",
    "input": "the kernel gave it no input node: is the scanner set to keyboard (HID) mode?",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One node, and the USB device it belongs to: ids as four hex digits, port as the kernel's chain ("1-1.2").

    words: what the device calls itself. interface: number of the USB interface that gave the node, -1 for the device's
    own. types: an input node that has an Enter key.
    """

    vendor: str
    product: str
    serial: str
    port: str
    subsystem: str
    node: str
    words: str = ""
    interface: int = -1
    types: bool = False


@dataclass(frozen=True, slots=True)
class Present:
    """One USB device as a technician needs it: what a profile can name it by, and all its nodes.

    usb: vendor and product as in a profile's match ("04b8:0e15"). nodes: (subsystem, path), the device's own first.
    """

    identity: str
    usb: str
    serial: str
    port: str
    words: str
    nodes: tuple[tuple[str, str], ...]


def identities(seen: Mapping[str, Seen]) -> dict[str, Plugged]:
    """Name everything that is plugged in; keys are whatever tells nodes apart (their sysfs paths).

    `vid:pid:serial` where the serial is there and no second device has it too (cheap ones share one), else
    `vid:pid@port`. Never a counter: a name must be the same after a reboot.
    """
    devices = {(one.vendor, one.product, one.serial, one.port) for one in seen.values()}
    owners = Counter((vendor, product, serial) for vendor, product, serial, _ in devices)
    named = {}
    for path, one in seen.items():
        usb = f"{one.vendor}:{one.product}"
        unique = one.serial and owners[one.vendor, one.product, one.serial] == 1
        named[path] = Plugged(f"{usb}:{one.serial}" if unique else f"{usb}@{one.port}", one.subsystem, one.node)
    return named


def changes(before: Mapping[str, Plugged], after: Mapping[str, Plugged]) -> list[Event]:
    """Tell the difference: first who is gone altogether, then each node that is new or another one."""
    here = {one.identity for one in after.values()}
    gone = dict.fromkeys(one.identity for one in before.values() if one.identity not in here)
    new = [one for path, one in after.items() if before.get(path) != one]
    return [*(Unplugged(identity) for identity in gone), *new]


def locate(match: Match, subsystem: str, node: str = "") -> Plugged:
    """Find the node that a driver shall open, and the name of the device it belongs to.

    Args:
        match: what the profile says of the device; every condition must hold.
        subsystem: which of its nodes: "usbmisc" (printers), "tty", "input" (event nodes), "hidraw", "usb" (its own).
        node: a fixed path, which wins; its identity is "" where it is not on USB.

    Of several that fit, the first by port path is taken, then the lowest interface, and of input nodes one that types:
    the choice stays the same whatever the order in which the kernel found them.

    Raises:
        PortFault: nothing fits (state "noDevice"), or libudev is missing.
    """
    there = _look_around(_context())
    if node:
        return _fixed(there, subsystem, node)
    wanted = replace(match, serial=_plain(match.serial)) if match.serial else match
    fitting = {
        path: one
        for path, one in there.items()
        if wanted.fits(usb=f"{one.vendor}:{one.product}", port_path=one.port, serial=one.serial)
    }
    opened = [path for path, one in fitting.items() if one.subsystem == subsystem and _opens(one)]
    if not opened:
        why = _MAKERS.get(subsystem, f"it has no {subsystem} node") if fitting else "it is not plugged in"
        raise PortFault(f"{_told(match)}: {why}", state="noDevice")
    return identities(there)[min(opened, key=lambda path: _order(there[path]))]


def present() -> list[Present]:
    """Look at every USB device but hubs, by port.

    Raises:
        PortFault: libudev is missing.
    """
    there = _look_around(_context())
    named = identities(there)
    devices: dict[tuple[int, ...], Present] = {}
    for path in sorted(there, key=lambda path: _order(there[path])):
        one, (subsystem, node) = there[path], (there[path].subsystem, there[path].node)
        usb, place = f"{one.vendor}:{one.product}", _place(one.port)
        known = devices.get(place, Present(named[path].identity, usb, one.serial, one.port, one.words, ()))
        devices[place] = replace(known, nodes=(*known.nodes, (subsystem, node)))
    return list(devices.values())


def see(device: Any) -> Seen | None:
    """Read one pyudev device; None for what is not on USB, has no node to open, is a hub or just left."""
    usb = device if device.device_type == "usb_device" else device.find_parent("usb", "usb_device")
    if usb is None or not device.device_node:
        return None
    vendor, product = _attribute(usb, "idVendor").lower(), _attribute(usb, "idProduct").lower()
    if not vendor or _attribute(usb, "bDeviceClass") == _HUB_CLASS:
        return None
    words = f"{_attribute(usb, 'manufacturer')} {_attribute(usb, 'product')}".strip()
    interface = device.find_parent("usb", "usb_interface")
    # The lowest bits of the key table come last; KEY_ENTER is below 32, so a 32-bit kernel's table reads the same.
    keys = _attribute(device.parent, "capabilities/key") if device.subsystem == "input" else ""
    return Seen(
        vendor=vendor,
        product=product,
        serial=_plain(_attribute(usb, "serial")),
        port=usb.sys_name,
        subsystem=device.subsystem,
        node=device.device_node,
        words="".join(letter for letter in words if letter.isprintable()),
        interface=_hex(_attribute(interface, "bInterfaceNumber")) if interface is not None else -1,
        types=_hex(keys.rpartition(" ")[2]) >> _KEY_ENTER & 1 == 1,
    )


def _attribute(device: Any, name: str) -> str:
    raw: bytes = device.attributes.get(name) or b""
    return raw.decode("utf-8", "replace").strip()


def _hex(text: str) -> int:
    return int(text, 16) if re.fullmatch("[0-9A-Fa-f]+", text) else 0


def _plain(serial: str) -> str:
    """A serial number as it stands in an identity: what is no ASCII letter or digit nor one of -_. is written _."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", serial)


def _place(port: str) -> tuple[int, ...]:
    """A port path to sort by: socket 1-1.10 comes after 1-1.2."""
    return tuple(map(int, re.findall("[0-9]+", port)))


def _order(one: Seen) -> tuple[object, ...]:
    return _place(one.port), not one.types, one.interface, _place(one.node), one.node


def _opens(one: Seen) -> bool:
    """Of input nodes only the event nodes are read; mice and joysticks have others beside them."""
    return one.subsystem != "input" or one.node.rpartition("/")[2].startswith("event")


def _fixed(there: Mapping[str, Seen], subsystem: str, node: str) -> Plugged:
    if not Path(node).exists():
        raise PortFault(f"there is no {node}: is it plugged in, is the port switched on?", state="noDevice")
    named = identities(there)
    real = str(Path(node).resolve())
    identity = next((named[path].identity for path, one in there.items() if one.node in (node, real)), "")
    return Plugged(identity, subsystem, node)


def _told(match: Match) -> str:
    """What was looked for, for the technician."""
    if not (match.usb or match.port_path or match.serial):
        return "the profile does not say how to recognise the device"
    models = " or ".join(match.usb) if len(match.usb) <= _TOLD_MAX else f"any of the {len(match.usb)} models it names"
    said = [models] if match.usb else ["any device"]
    said += [f"with serial number {match.serial}"] if match.serial else []
    said += [f"at port {match.port_path}"] if match.port_path else []
    return " ".join(said)


def _context() -> Any:
    import pyudev

    try:
        return pyudev.Context()
    except ImportError as why:
        raise PortFault(f"USB devices cannot be watched ({why}): install libudev1") from why


def _look_around(context: Any) -> dict[str, Seen]:
    """All nodes of all USB devices by sysfs path."""
    there = context.list_devices()
    for subsystem in SUBSYSTEMS:
        there.match_subsystem(subsystem)
    found = ((device.sys_path, see(device)) for device in there)
    return {path: one for path, one in found if one is not None}


class Plugs:
    """The ear itself; used by one thread."""

    def __init__(self) -> None:
        self._context: Any = None
        self._monitor: Any = None
        self._seen: dict[str, Seen] = {}
        self._named: dict[str, Plugged] = {}
        self._events: deque[Event] = deque()
        self._look_at_s = 0.0

    def open(self) -> PeripheralState:
        """Begin to listen, then look at all that is there.

        Raises:
            PortFault: libudev is missing.
        """
        import pyudev

        self._context = _context()
        # Without udevd only the kernel speaks; where udevd runs, its word comes when permissions are in place.
        source = "udev" if _UDEVD.exists() else "kernel"
        self._monitor = pyudev.Monitor.from_netlink(self._context, source=source)
        for subsystem in SUBSYSTEMS:
            self._monitor.filter_by(subsystem)
        self._monitor.start()
        self._look()
        return PeripheralState("plugs", "udev", "online")

    def wait(self, timeout_s: float) -> Event | None:
        """The next Plugged or Unplugged, or None after `timeout_s`."""
        until_s = time.monotonic() + timeout_s
        while not self._events and (now_s := time.monotonic()) < until_s:
            if now_s >= self._look_at_s:
                self._look()
            elif (device := self._monitor.poll(min(until_s, self._look_at_s) - now_s)) is not None:
                self._hear(device)
        return self._events.popleft() if self._events else None

    def close(self) -> None:
        """Stop listening; what was told stays remembered, so that a new life tells differences only."""
        self._monitor = self._context = None

    def _look(self) -> None:
        self._look_at_s = time.monotonic() + _LOOK_S
        self._tell(_look_around(self._context))

    def _hear(self, device: Any) -> None:
        seen = dict(self._seen)
        one = None if device.action == "remove" else see(device)
        if one is None:
            seen.pop(device.sys_path, None)
        else:
            seen[device.sys_path] = one
        self._tell(seen)

    def _tell(self, seen: dict[str, Seen]) -> None:
        named = identities(seen)
        self._events.extend(changes(self._named, named))
        self._seen, self._named = seen, named
