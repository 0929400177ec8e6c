"""The ear for USB: what was plugged in and pulled out, under names that survive a reboot and another socket.

Decides what a device is called, and nothing about which driver it gets. It has the shape of a `CardReader`
(`edge_agent.ports`), so a `WatchWorker` gives it its thread, and its new life after any error: then, and once a minute
(netlink may lose messages), it looks at all that is there and tells the difference to what it told before.

pyudev's own MonitorObserver is not used: an exception in its callback ends its thread for good.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.events import PeripheralState, Plugged, Unplugged
from edge_agent.ports import PortFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_agent.events import Event

SUBSYSTEMS = ("usb", "usbmisc", "tty", "hidraw", "input")
_LOOK_S = 60.0
_UDEVD = Path("/run/udev/control")
_HUB_CLASS = "09"


@dataclass(frozen=True, slots=True)
class Seen:
    """One node, and the USB device it belongs to: ids as four hex digits, port as the kernel's chain ("1-1.2")."""

    vendor: str
    product: str
    serial: str
    port: str
    subsystem: str
    node: str


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


def see(device: Any) -> Seen | None:
    """Read one pyudev device; None for what is not on USB, has no node to open, is a hub or just left."""
    usb = device if device.device_type == "usb_device" else device.find_parent("usb", "usb_device")
    if usb is None or not device.device_node:
        return None

    def attribute(name: str) -> str:
        raw: bytes = usb.attributes.get(name) or b""
        return raw.decode("ascii", "replace").strip()

    if not attribute("idVendor") or attribute("bDeviceClass") == _HUB_CLASS:
        return None
    serial = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in attribute("serial"))
    return Seen(
        vendor=attribute("idVendor").lower(),
        product=attribute("idProduct").lower(),
        serial=serial,
        port=usb.sys_name,
        subsystem=device.subsystem,
        node=device.device_node,
    )


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

        try:
            self._context = pyudev.Context()
        except ImportError as why:
            raise PortFault(f"USB devices cannot be watched ({why}): install libudev1") from why
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
        there = self._context.list_devices()
        for subsystem in SUBSYSTEMS:
            there.match_subsystem(subsystem)
        found = ((device.sys_path, see(device)) for device in there)
        self._tell({path: one for path, one in found if one is not None})

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
