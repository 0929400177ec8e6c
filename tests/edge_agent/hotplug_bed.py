"""Pretended scanners and printers come and go under a whole station's threads. A program for `test_hotplug.py`.

Run under umockdev-wrapper. The ear, the hand, the workers and the drivers are the real ones, put together as
`python -m edge_agent run` does; the nodes are terminals whose other end is held here. Prints JSON lines.
"""

from __future__ import annotations

import ctypes as c
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from plug_bed import Bed

from device_profiles.peripheral import Peripherals
from device_profiles.profile import load_shipped, parse_station, texts
from edge_agent import __main__ as root
from edge_agent import boot
from edge_agent.clock import Clock
from edge_agent.drivers.worker import Pace
from edge_agent.events import PeripheralState, Scanned
from tests.small_fleet import NOW_MS, make_fleet
from tests.twins.printer_mechanism import Manner, Mechanism, Paper

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 60.0
ROUNDS = 3
SCANNER, PRINTER = "05e0:1701", "04b8:0e28"
STATION = """title = { vi = "Bàn thử", en = "Test bed" }
[peripherals]
scanner = "zebra-serial"
printer = "epson-tm-t20iii-usb"
display = "display-browser"
"""
TIOCEXCL = 0x540C
DEVICE = """P: /devices/usb1/1-1/{port}
N: bus/usb/001/{number:03}
E: DEVNAME=/dev/bus/usb/001/{number:03}
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
E: MAJOR=189
E: MINOR={number}
A: idVendor={vendor}
A: idProduct={product}
A: serial={serial}
A: bDeviceClass=00

P: /devices/usb1/1-1/{port}/{port}:1.0
E: DEVTYPE=usb_interface
E: SUBSYSTEM=usb
A: bInterfaceNumber=00

P: /devices/usb1/1-1/{port}/{port}:1.0/{subsystem}/{name}
N: {node}
E: DEVNAME=/dev/{node}
E: SUBSYSTEM={subsystem}
E: MAJOR=166
E: MINOR={number}

"""

_U, _G = c.CDLL("libumockdev.so.0"), c.CDLL("libgobject-2.0.so.0")
_HANDLER = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_void_p)
for _library, _name, _result, _arguments in (
    (_U, "umockdev_testbed_add_from_string", c.c_int, [c.c_void_p, c.c_char_p, c.c_void_p]),
    (_U, "umockdev_testbed_get_dev_fd", c.c_int, [c.c_void_p, c.c_char_p]),
    (_U, "umockdev_testbed_attach_ioctl", c.c_int, [c.c_void_p, c.c_char_p, c.c_void_p, c.c_void_p]),
    (_U, "umockdev_ioctl_base_new", c.c_void_p, []),
    (_U, "umockdev_ioctl_client_get_request", c.c_ulong, [c.c_void_p]),
    (_U, "umockdev_ioctl_client_complete", None, [c.c_void_p, c.c_long, c.c_int]),
    (_G, "g_signal_connect_data", c.c_ulong, [c.c_void_p, c.c_char_p, _HANDLER, c.c_void_p, c.c_void_p, c.c_int]),
):
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments


@_HANDLER
def _ioctl(_base: int, client: int, _data: int) -> int:
    """The one request that a terminal takes and umockdev's does not."""
    if _U.umockdev_ioctl_client_get_request(client) != TIOCEXCL:
        return 0
    _U.umockdev_ioctl_client_complete(client, 0, 0)
    return 1


class Bench(Bed):
    """Sockets, and what is plugged into them. umockdev takes each node's name once: the numbers go up."""

    def __init__(self) -> None:
        super().__init__()
        getenv = c.CDLL(None).getenv
        getenv.restype = c.c_char_p
        self._root = Path(getenv(b"UMOCKDEV_DIR").decode())  # it wraps no unlink; and os.environ was read before
        self._number = 0
        self._in: dict[str, tuple[str, str, int]] = {}
        self._base = _U.umockdev_ioctl_base_new()
        _G.g_signal_connect_data(self._base, b"handle-ioctl", _ioctl, None, None, 0)

    def plug(self, usb: str, port: str, serial: str) -> None:
        """Put a scanner or printer into a socket: itself, its interface, its node, in the kernel's order."""
        self._number += 1
        subsystem, node = ("tty", f"ttyACM{self._number}") if usb == SCANNER else ("usbmisc", f"usb/lp{self._number}")
        vendor, _, product = usb.partition(":")
        named = {"port": port, "number": self._number, "vendor": vendor, "product": product, "serial": serial}
        told = DEVICE.format(**named, subsystem=subsystem, name=Path(node).name, node=node)
        assert _U.umockdev_testbed_attach_ioctl(self._bed, f"/dev/{node}".encode(), self._base, None)
        assert _U.umockdev_testbed_add_from_string(self._bed, told.encode(), None)
        self._in[port] = subsystem, node, _U.umockdev_testbed_get_dev_fd(self._bed, f"/dev/{node}".encode())

    def pull(self, port: str) -> None:
        """Take it out: its terminal hangs up, its node is gone, then udev says so."""
        subsystem, node, end = self._in.pop(port)
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), end)  # umockdev still holds the number
        (self._root / "dev" / node).unlink()
        usb = f"/sys/devices/usb1/1-1/{port}"
        for path in (f"{usb}/{port}:1.0/{subsystem}/{Path(node).name}", f"{usb}/{port}:1.0", usb):
            self.unplug(path.encode())

    def say(self, port: str, data: bytes) -> None:
        os.write(self._in[port][2], data)

    def print_forever(self, port: str) -> None:
        """Answer as a printer does, until it is pulled out."""
        mechanism = Mechanism(Manner(), Paper())
        end = self._in[port][2]

        def serve() -> None:
            while True:
                try:
                    data = os.read(end, 4096)
                except OSError:  # nobody holds the other side now
                    time.sleep(0.01)
                    continue
                if not data:
                    return
                for _, answer in mechanism.take(data):
                    os.write(end, answer)

        threading.Thread(target=serve, daemon=True).start()


class Station:
    """The agent with its threads; all that its ears say is kept."""

    def __init__(self, folder: Path) -> None:
        fleet, self.inbox, self.said = make_fleet(), root.Inbox(), []
        self._changed = threading.Condition()
        into_inbox = self.inbox.post

        def post(event: Any) -> None:
            with self._changed:
                self.said.append((time.monotonic(), event))
                self._changed.notify_all()
            into_inbox(event)

        self.inbox.post = post  # type: ignore[method-assign]
        model = parse_station(
            STATION, "bed", Peripherals(texts(Path(root.__file__).parents[1] / "device_profiles", "peripherals"))
        )
        self.devices = root._peripherals(model, self.inbox)
        for worker in (self.devices.printer, self.devices.scanner):
            worker._pace = Pace(pause_first_s=600.0, pause_max_s=600.0, look_s=600.0)  # by itself nobody looks in time
        clock = Clock(NOW_MS - 1000)
        outside: Any = SimpleNamespace(
            publish=lambda _: True, show=lambda _: None, wipe=lambda: None, send=lambda _: True
        )
        around = boot.Surroundings(
            clock=clock,
            link=outside,
            display=outside,
            errands=outside,
            printer=self.devices.printer,
            scanner=self.devices.scanner,
            random_bytes=secrets.token_bytes,
            jitter=lambda: 0.5,
        )
        who: Any = SimpleNamespace(
            device=fleet.device, epoch=1, station="K0001", title="A", address="B", profile="bed", key=fleet.station,
            trust=fleet.trust, counter_from=0, counter_to=1000, time_floor_ms=NOW_MS - 1000, rev_floor=0,
        )  # fmt: skip

        def serve() -> None:
            agent = boot.assemble(folder, who, load_shipped("simulated"), around, 60.0, "0.1.0")
            root._loop(agent, clock, self.inbox)
            agent.journal.close()

        self.hand = threading.Thread(target=serve, daemon=True)
        self.hand.start()
        for ear in self.devices.ears():
            ear.start()

    def hears(self, since: int, what: Callable[[Any], bool]) -> tuple[float, Any]:
        """When, and what: the first event after `since` that fits."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(what(event) for _, event in self.said[since:]), PATIENCE_S), (
                self.said[since:]
            )
            return next(pair for pair in self.said[since:] if what(pair[1]))

    def becomes(self, since: int, port: str, state: str) -> tuple[float, str]:
        """When a device's driver said so, and of which device."""
        at_s, said = self.hears(since, lambda e: isinstance(e, PeripheralState) and (e.port, e.state) == (port, state))
        return at_s, said.identity


def tell(step: str, *words: object) -> None:
    sys.stdout.write(json.dumps([step, *words]) + "\n")
    sys.stdout.flush()


def comes_and_goes(station: Station, port: str, plug: Callable[[], None], pull: Callable[[], None]) -> None:
    """Plug and pull some times; tell the shortest times, because one may be the machine's and not the station's."""
    there_s, gone_s, names = [], [], set()
    for _ in range(ROUNDS):
        since, began_s = len(station.said), time.monotonic()
        plug()
        at_s, identity = station.becomes(since, port, "online")
        there_s.append(at_s - began_s)
        names.add(identity)
        since, began_s = len(station.said), time.monotonic()
        pull()
        gone_s.append(station.becomes(since, port, "noDevice")[0] - began_s)
    tell(f"{port} comes and goes", sorted(names), min(there_s) < 2, min(gone_s) < 2)
    sys.stderr.write(f"{port}: there after {there_s}, gone after {gone_s}\n")


def of_two(bench: Bench, station: Station) -> None:
    """Two of one model and serial number were there at the start; then one is pulled out."""
    tell("of two the first socket's", station.becomes(0, "scanner", "online")[1])
    bench.say("1-1.10", b"of the other\r\n")
    bench.say("1-1.2", b"of this one\r\n")
    tell("scanned", station.hears(0, lambda e: isinstance(e, Scanned))[1].data.decode())
    since = len(station.said)
    bench.pull("1-1.2")
    station.becomes(since, "scanner", "noDevice")
    station.becomes(since, "scanner", "online")
    bench.say("1-1.10", b"of the one that is left\r\n")
    tell("scanned", station.hears(since, lambda e: isinstance(e, Scanned))[1].data.decode())
    since = len(station.said)
    bench.pull("1-1.10")
    station.becomes(since, "scanner", "noDevice")
    tell("nothing is left")


def main() -> int:
    bench = Bench()
    bench.plug(SCANNER, "1-1.10", "S1")  # the kernel found the higher socket first
    bench.plug(SCANNER, "1-1.2", "S1")
    with tempfile.TemporaryDirectory() as folder:
        station = Station(Path(folder))
        station.becomes(0, "printer", "noDevice")
        station.becomes(0, "plugs", "online")
        of_two(bench, station)

        def printer() -> None:
            bench.plug(PRINTER, "1-1.3", "P1")
            bench.print_forever("1-1.3")

        scanner = lambda: bench.plug(SCANNER, "1-1.2", "S1")  # noqa: E731
        comes_and_goes(station, "scanner", scanner, lambda: bench.pull("1-1.2"))
        comes_and_goes(station, "printer", printer, lambda: bench.pull("1-1.3"))
        since = len(station.said)
        bench.plug(SCANNER, "2-4", "S1")
        tell("at another socket", station.becomes(since, "scanner", "online")[1])
        bench.say("2-4", b"one\r\n")
        tell("scanned", station.hears(since, lambda e: isinstance(e, Scanned))[1].data.decode())
        station.inbox.end()
        for ear in station.devices.ears():
            assert ear.stop(), ear.name
        station.hand.join(PATIENCE_S)
        assert not station.hand.is_alive()
    return 0


if __name__ == "__main__":
    sys.exit(main())
