"""Peripherals: one model of device, from TOML to frozen values.

Decides which driver may be named for which port, what each driver may be told, and whether a description contradicts
itself. Opens no device and knows no driver's code. A new model is one TOML file; only a new driver adds a name here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from device_profiles.strict_toml import StrictToml

PORTS = ("reader", "scanner", "printer", "display")
DRIVERS: Mapping[str, tuple[str, ...]] = {
    "reader": ("pcsc", "simulated"),
    "scanner": ("hid_events", "serial_lines", "simulated"),
    "printer": ("escpos_network", "escpos_serial", "escpos_usb", "simulated"),
    "display": ("browser", "simulated"),
}
NETWORK_DRIVERS = frozenset({"escpos_network"})
# They open a device node, found by [match] or named by settings.node.
NODE_DRIVERS = frozenset({"escpos_serial", "escpos_usb", "hid_events", "serial_lines"})
# pcscd finds the reader itself: its match is for the reader's identity, and may be absent.
MATCH_DRIVERS = NODE_DRIVERS | {"pcsc"}
# What a driver of the port must be told about its model.
PORT_LIMITS: Mapping[str, tuple[str, ...]] = {"printer": ("width_dots", "paper_mm")}
# What may be told beside that: nothing depends on it in the station, but what is drawn for it is measured by it.
PORT_LIMITS_OPTIONAL: Mapping[str, tuple[str, ...]] = {"display": ("width_px", "height_px", "dpi")}
# Known departures from the standard of the port; drivers ask for them by name.
PORT_QUIRKS: Mapping[str, tuple[str, ...]] = {
    "printer": ("no_cutter", "no_print_confirmation", "no_realtime_status"),
}
# What a driver may be told in [settings]: a text, one of some words or one of some numbers.
TEXT: tuple[str, ...] = ()
BAUDS = (1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
DRIVER_SETTINGS: Mapping[str, Mapping[str, tuple[int, ...] | tuple[str, ...]]] = {
    "escpos_serial": {"node": TEXT, "baud": BAUDS, "flow": ("none", "dtr", "xon")},
    "escpos_usb": {"node": TEXT},
    "hid_events": {"node": TEXT},
    "pcsc": {"slot": TEXT},
    "serial_lines": {"node": TEXT, "baud": BAUDS},
}
ADDRESS_DEFAULT = "127.0.0.1:9100"

_USB_ID = re.compile("[0-9a-f]{4}:[0-9a-f]{4}")
_PORT_PATH = re.compile(r"[0-9]+-[0-9]+(?:\.[0-9]+)*")
_NODE = re.compile(r"/dev/(?:[A-Za-z0-9_:@%+=,-][A-Za-z0-9._:@%+=,-]*/)*[A-Za-z0-9_:@%+=,-][A-Za-z0-9._:@%+=,-]*")


@dataclass(frozen=True, slots=True)
class Title:
    """A name for people, in both languages of the station."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a network device listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``host:port`` or ``[IPv6 address]:port``; raises ValueError."""
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z.-]+)):([0-9]{1,5})", text)
        if not match or not 1 <= int(match[3]) <= 65535:
            raise ValueError(f"{text!r} is no address; write it as {ADDRESS_DEFAULT}")
        return cls(match[1] or match[2], int(match[3]))


@dataclass(frozen=True, slots=True)
class Match:
    """How the hardware is recognised when it is plugged in; every condition that is given must hold."""

    usb: tuple[str, ...] = ()
    port_path: str | None = None
    serial: str | None = None

    def __bool__(self) -> bool:
        """Tell whether there is any condition."""
        return bool(self.usb or self.port_path or self.serial)

    def fits(self, *, usb: str, port_path: str, serial: str | None) -> bool:
        """Tell whether a plugged device (``usb`` as ``04b8:0e15``, lower-case hex) is the one; no condition, no fit."""
        conditions = [usb in self.usb] if self.usb else []
        conditions += [port_path == self.port_path] if self.port_path else []
        conditions += [serial == self.serial] if self.serial else []
        return bool(conditions) and all(conditions)

    def may_meet(self, other: "Match") -> bool:
        """Tell whether one device can fit both; what has no condition fits nothing."""
        apart = (
            (self.usb and other.usb and not set(self.usb) & set(other.usb))
            or (self.port_path and other.port_path and self.port_path != other.port_path)
            or (self.serial and other.serial and self.serial != other.serial)
        )
        return bool(self) and bool(other) and not apart


@dataclass(frozen=True, slots=True)
class Peripheral:
    """One model of device: the port it serves, the driver that speaks its language, its limits and its quirks.

    ``settings`` are the driver's own, by name. ``quirks`` maps the name of each to its reason. ``address`` is None
    where the driver needs no network.
    """

    name: str
    title: Title
    port: str
    driver: str
    match: Match
    address: Address | None
    limits: Mapping[str, int]
    quirks: Mapping[str, str]
    settings: Mapping[str, int | str]


class Peripherals(Mapping[str, Peripheral]):
    """The peripherals of a folder by name, each read when it is asked for: only a fault in what is used is met."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Keep the TOML texts by name; nothing is read yet."""
        self._texts = texts

    def __getitem__(self, name: str) -> Peripheral:
        """Read one; raises ProfileError."""
        return parse_peripheral(self._texts[name], name, self._texts)

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def parse_peripheral(text: str, name: str, others: Mapping[str, str] = MappingProxyType({})) -> Peripheral:
    """Read the TOML of one peripheral; ``name`` is its file's name without ending. Raises ProfileError.

    ``others``: the texts of its folder by name; ``inherit`` may name one of them.
    """
    toml = StrictToml.inherit({**others, name: text}, name, "peripherals")
    known = ("inherit", "title", "port", "driver", "match", "settings", "address", "limits", "quirks")
    root = toml.table((), known)
    port = toml.word(("port",), PORTS, "port")
    driver = toml.word(("driver",), DRIVERS[port], f"{port} driver")
    if driver not in NETWORK_DRIVERS and "address" in root:
        raise toml.fault(("address",), f"the driver {driver!r} needs no address; remove it")
    needed, may = PORT_LIMITS.get(port, ()), PORT_LIMITS_OPTIONAL.get(port, ())
    limits = toml.table(("limits",), (*needed, *may))
    told = (*needed, *(key for key in may if key in limits))
    quirks = toml.table(("quirks",), PORT_QUIRKS.get(port, ()))
    settings = _settings(toml, driver)
    match = read_match(toml, ("match",), ("usb", "port_path", "serial"))
    _check_match(toml, driver, match, settings)
    return Peripheral(
        name=name,
        title=read_title(toml),
        port=port,
        driver=driver,
        match=match,
        address=read_address(toml, ("address",)) if driver in NETWORK_DRIVERS else None,
        limits=MappingProxyType({key: toml.number(("limits", key), 1, 10_000) for key in told}),
        quirks=MappingProxyType({key: toml.string(("quirks", key)) for key in quirks}),
        settings=MappingProxyType(settings),
    )


def _settings(toml: StrictToml, driver: str) -> dict[str, int | str]:
    known = DRIVER_SETTINGS.get(driver, {})
    given = toml.table(("settings",), known)
    settings: dict[str, int | str] = {}
    for key in given:
        path, allowed = ("settings", key), known[key]
        if allowed == TEXT:
            settings[key] = toml.string(path)
        elif isinstance(allowed[0], str):
            settings[key] = toml.word(path, [str(word) for word in allowed], key)
        else:
            settings[key] = toml.one_number(path, [int(number) for number in allowed])
    node = settings.get("node")
    if isinstance(node, str) and not _NODE.fullmatch(node):
        raise toml.fault(("settings", "node"), f"{node!r} is no device node; write it as /dev/ttyAMA0")
    return settings


def _check_match(toml: StrictToml, driver: str, match: Match, settings: Mapping[str, Any]) -> None:
    """Refuse what would never find a device, or what two places say differently."""
    if match and driver not in MATCH_DRIVERS:
        where = "is on the network" if driver in NETWORK_DRIVERS else "has no device to find"
        raise toml.fault(("match",), f"the driver {driver!r} {where}: remove [match]")
    if match and "node" in settings:
        raise toml.fault(("match",), "settings.node names the device already: remove [match] or settings.node")
    if driver in NODE_DRIVERS and not match and "node" not in settings:
        ways = "match.usb, match.port_path, match.serial or settings.node"
        raise toml.fault(("driver",), f"the driver {driver!r} must know its device: give {ways}")


def read_title(toml: StrictToml) -> Title:
    """Read the table ``title``, which must be there. Raises ProfileError."""
    toml.table(("title",), ("vi", "en"))
    return Title(toml.string(("title", "vi")), toml.string(("title", "en")))


def read_match(toml: StrictToml, path: tuple[str, ...], known: tuple[str, ...]) -> Match:
    """Read the conditions ``known`` of the table at ``path``, none when absent. Raises ProfileError."""
    toml.table(path, known)
    usb = toml.strings((*path, "usb"))
    for one in usb:
        if not _USB_ID.fullmatch(one):
            raise toml.fault((*path, "usb"), f"{one!r} is no USB id; write vendor and product as 04b8:0e15")
    port_path = toml.optional_string((*path, "port_path"))
    if port_path is not None and not _PORT_PATH.fullmatch(port_path):
        raise toml.fault((*path, "port_path"), f"{port_path!r} is no port path; write bus and sockets as 1-1.2")
    return Match(usb, port_path, toml.optional_string((*path, "serial")))


def read_address(toml: StrictToml, path: tuple[str, ...]) -> Address:
    """Read the address at ``path``, the default when absent. Raises ProfileError."""
    try:
        return Address.parse(toml.optional_string(path) or ADDRESS_DEFAULT)
    except ValueError as error:
        raise toml.fault(path, str(error)) from None
