"""Profiles: what a station model is made of, from TOML to frozen values.

Decides whether a profile is right and says where it is not. Opens no device and knows no driver's code: it only knows
which driver names exist for which port. A new model is one TOML file; only a new driver adds a name here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from types import MappingProxyType
from typing import Any

from device_profiles.strict_toml import ProfileError, StrictToml, nearest

__all__ = [
    "Address",
    "Limits",
    "Match",
    "Peripheral",
    "Profile",
    "ProfileError",
    "Timeouts",
    "Title",
    "load_shipped",
    "parse_peripheral",
    "parse_station",
    "shipped_stations",
]

PORTS = ("reader", "scanner", "printer", "display")
DRIVERS: Mapping[str, tuple[str, ...]] = {
    "reader": ("simulated",),
    "scanner": ("simulated",),
    "printer": ("escpos_network", "simulated"),
    "display": ("browser", "simulated"),
}
NETWORK_DRIVERS = frozenset({"escpos_network"})
# What a driver of the port must be told about its model.
PORT_LIMITS: Mapping[str, tuple[str, ...]] = {"printer": ("width_dots", "paper_mm")}
# Known departures from the standard of the port; drivers ask for them by name.
PORT_QUIRKS: Mapping[str, tuple[str, ...]] = {
    "printer": ("no_cutter", "no_print_confirmation", "no_realtime_status"),
}
ADDRESS_DEFAULT = "127.0.0.1:9100"

_USB_ID = re.compile("[0-9a-f]{4}:[0-9a-f]{4}")


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

    def fits(self, *, usb: str, port_path: str, serial: str | None) -> bool:
        """Tell whether a plugged device (``usb`` as ``04b8:0e15``, lower-case hex) is the one; no condition, no fit."""
        conditions = [usb in self.usb] if self.usb else []
        conditions += [port_path == self.port_path] if self.port_path else []
        conditions += [serial == self.serial] if self.serial else []
        return bool(conditions) and all(conditions)


@dataclass(frozen=True, slots=True)
class Peripheral:
    """One model of device: the port it serves, the driver that speaks its language, its limits and its quirks.

    ``quirks`` maps the name of each to its reason. ``address`` is None where the driver needs no network.
    """

    name: str
    title: Title
    port: str
    driver: str
    match: Match
    address: Address | None
    limits: Mapping[str, int]
    quirks: Mapping[str, str]


def _between(default: int, low: int, high: int) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Money at risk while the station is blind. The server may tighten them, the device never loosens them."""

    offline_amount_max_dong: int = _between(500_000, 0, 9_999_999)
    offline_unconfirmed_max_dong: int = _between(10_000_000, 0, 1_000_000_000)
    offline_unconfirmed_max_count: int = _between(50, 0, 1_000)
    offline_contact_max_h: int = _between(24, 0, 168)
    offline_bill_age_max_h: int = _between(24, 1, 168)
    # From ten million dong on the bank app asks for the payer's face (Decision 2345/QĐ-NHNN, 1 July 2024).
    online_amount_max_dong: int = _between(9_999_999, 0, 9_999_999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a screen waits, and how often the station reports. Low bounds: WCAG 2.2, 2.2.1."""

    idle_s: int = _between(60, 20, 600)
    idle_accessible_s: int = _between(90, 20, 600)
    warning_s: int = _between(30, 20, 120)
    after_completion_s: int = _between(20, 5, 120)
    payment_qr_s: int = _between(300, 300, 900)
    heartbeat_s: int = _between(60, 5, 3_600)


@dataclass(frozen=True, slots=True)
class Profile:
    """A station model: its peripherals, at most one for each port, and its numbers."""

    name: str
    title: Title
    peripherals: tuple[Peripheral, ...]
    limits: Limits
    timeouts: Timeouts

    def peripheral(self, port: str) -> Peripheral | None:
        """Give the peripheral of a port, None where this model has none."""
        return next((one for one in self.peripherals if one.port == port), None)

    def with_address(self, port: str, address: Address) -> "Profile":
        """Give the same model with its network device somewhere else; raises ProfileError when it has none there."""
        found = self.peripheral(port)
        if found is None or found.address is None:
            raise ProfileError(self.name, f"its {port} is not on the network: no address can be set")
        moved = tuple(replace(one, address=address) if one is found else one for one in self.peripherals)
        return replace(self, peripherals=moved)


def parse_peripheral(text: str, name: str) -> Peripheral:
    """Read the TOML of one peripheral; ``name`` is its file's name without ending. Raises ProfileError."""
    toml = StrictToml.parse(text, name)
    root = toml.table((), ("title", "port", "driver", "match", "address", "limits", "quirks"))
    port = toml.word(("port",), PORTS, "port")
    driver = toml.word(("driver",), DRIVERS[port], f"{port} driver")
    if driver not in NETWORK_DRIVERS and "address" in root:
        raise toml.fault(("address",), f"the driver {driver!r} needs no address; remove it")
    needed = PORT_LIMITS.get(port, ())
    toml.table(("limits",), needed)
    quirks = toml.table(("quirks",), PORT_QUIRKS.get(port, ()))
    return Peripheral(
        name=name,
        title=_title(toml),
        port=port,
        driver=driver,
        match=_match(toml),
        address=_address(toml, ("address",)) if driver in NETWORK_DRIVERS else None,
        limits=MappingProxyType({key: toml.number(("limits", key), 1, 10_000) for key in needed}),
        quirks=MappingProxyType({key: toml.string(("quirks", key)) for key in quirks}),
    )


def parse_station(text: str, name: str, peripherals: Mapping[str, Peripheral]) -> Profile:
    """Read the TOML of one station model, which names its peripherals. Raises ProfileError."""
    toml = StrictToml.parse(text, name)
    toml.table((), ("title", "peripherals", "address", "limits", "timeouts"))
    chosen = []
    for port in toml.table(("peripherals",), PORTS):
        found = peripherals[toml.word(("peripherals", port), peripherals, "peripheral")]
        if found.port != port:
            raise toml.fault(("peripherals", port), f"{found.name!r} is a {found.port}, not a {port}")
        chosen.append(found)
    profile = Profile(
        name=name,
        title=_title(toml),
        peripherals=tuple(chosen),
        limits=toml.numbers("limits", Limits),
        timeouts=toml.numbers("timeouts", Timeouts),
    )
    if profile.peripheral("display") is None:
        raise toml.fault(("peripherals",), "a station needs a display; name one in [peripherals]")
    for port in toml.table(("address",), PORTS):
        try:
            profile = profile.with_address(port, _address(toml, ("address", port)))
        except ProfileError as error:
            raise toml.fault(("address", port), error.problem) from None
    return profile


def load_shipped(name: str) -> Profile:
    """Give a station model that comes with this package. Raises ProfileError."""
    if name not in shipped_stations():
        raise ProfileError(name, f"no such station profile{nearest(name, shipped_stations())}")
    peripherals = {stem: parse_peripheral(text, stem) for stem, text in _shipped("peripherals").items()}
    return parse_station(_shipped("stations")[name], name, peripherals)


def shipped_stations() -> list[str]:
    """Name the station models that come with this package."""
    return sorted(_shipped("stations"))


def _title(toml: StrictToml) -> Title:
    toml.table(("title",), ("vi", "en"))
    return Title(toml.string(("title", "vi")), toml.string(("title", "en")))


def _match(toml: StrictToml) -> Match:
    toml.table(("match",), ("usb", "port_path", "serial"))
    usb = toml.strings(("match", "usb"))
    for one in usb:
        if not _USB_ID.fullmatch(one):
            raise toml.fault(("match", "usb"), f"{one!r} is no USB id; write vendor and product as 04b8:0e15")
    return Match(usb, toml.optional_string(("match", "port_path")), toml.optional_string(("match", "serial")))


def _address(toml: StrictToml, path: tuple[str, ...]) -> Address:
    try:
        return Address.parse(toml.optional_string(path) or ADDRESS_DEFAULT)
    except ValueError as error:
        raise toml.fault(path, str(error)) from None


def _shipped(folder: str) -> dict[str, str]:
    """Give the texts of ``<folder>/*.toml`` of this package by name."""
    entries = resources.files(__package__).joinpath(folder).iterdir()
    return {entry.name[:-5]: entry.read_text("utf-8") for entry in entries if entry.name.endswith(".toml")}
