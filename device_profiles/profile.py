"""Profiles: what a station model is made of, from TOML to frozen values.

Decides whether a station model is right and says where it is not: its peripherals, where they are pinned to a socket
or a serial number, its numbers. Opens no device. A new model is one TOML file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import combinations
from types import MappingProxyType
from typing import Any

from device_profiles.peripheral import (
    DRIVER_SETTINGS,
    DRIVERS,
    MATCH_DRIVERS,
    NODE_DRIVERS,
    PORTS,
    Address,
    Match,
    Peripheral,
    Peripherals,
    Title,
    parse_peripheral,
    read_address,
    read_match,
    read_title,
)
from device_profiles.strict_toml import ProfileError, StrictToml, nearest

__all__ = [
    "DRIVERS",
    "DRIVER_SETTINGS",
    "MATCH_DRIVERS",
    "NODE_DRIVERS",
    "PORTS",
    "Address",
    "Limits",
    "Match",
    "Peripheral",
    "Profile",
    "ProfileError",
    "Timeouts",
    "Title",
    "load",
    "load_shipped",
    "parse_peripheral",
    "parse_station",
    "read_text",
    "shipped_stations",
    "texts",
]


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


def parse_station(
    text: str, name: str, peripherals: Mapping[str, Peripheral], others: Mapping[str, str] = MappingProxyType({})
) -> Profile:
    """Read the TOML of one station model, which names its peripherals. Raises ProfileError.

    ``others``: the texts of its folder by name; ``inherit`` may name one of them.
    """
    toml = StrictToml.inherit({**others, name: text}, name, "stations")
    toml.table((), ("inherit", "title", "peripherals", "pin", "address", "limits", "timeouts"))
    chosen = []
    for port in toml.table(("peripherals",), PORTS):
        found = peripherals[toml.word(("peripherals", port), peripherals, "peripheral")]
        if found.port != port:
            raise toml.fault(("peripherals", port), f"{found.name!r} is a {found.port}, not a {port}")
        chosen.append(found)
    profile = Profile(
        name=name,
        title=read_title(toml),
        peripherals=tuple(chosen),
        limits=toml.numbers("limits", Limits),
        timeouts=toml.numbers("timeouts", Timeouts),
    )
    if profile.peripheral("display") is None:
        raise toml.fault(("peripherals",), "a station needs a display; name one in [peripherals]")
    for port in toml.table(("address",), PORTS):
        try:
            profile = profile.with_address(port, read_address(toml, ("address", port)))
        except ProfileError as error:
            raise toml.fault(("address", port), error.problem) from None
    for port in toml.table(("pin",), PORTS):
        profile = _pinned(toml, profile, port)
    _check_apart(toml, profile)
    return profile


def _pinned(toml: StrictToml, profile: Profile, port: str) -> Profile:
    """Give the model with the device of ``port`` held to the socket or the serial number that [pin] names."""
    path = ("pin", port)
    found, pin = profile.peripheral(port), read_match(toml, path, ("port_path", "serial"))
    if found is None:
        raise toml.fault(path, f"this model has no {port} to pin; name one in [peripherals]")
    if found.driver not in MATCH_DRIVERS:
        raise toml.fault(path, f"the driver {found.driver!r} of {found.name!r} is not found on USB: remove the pin")
    if "node" in found.settings:
        raise toml.fault(path, f"{found.name!r} has a fixed path, {found.settings['node']}: remove the pin")
    if not pin:
        raise toml.fault(path, "a pin needs port_path or serial")
    match = replace(
        found.match,
        port_path=pin.port_path or found.match.port_path,
        serial=pin.serial or found.match.serial,
    )
    pinned = replace(found, match=match)
    return replace(profile, peripherals=tuple(pinned if one is found else one for one in profile.peripherals))


def _check_apart(toml: StrictToml, profile: Profile) -> None:
    """Refuse two peripherals that could open the same device: which one would get it must not be left to chance."""
    for one, other in combinations(profile.peripherals, 2):
        node = one.settings.get("node")
        if one.match.may_meet(other.match):
            remedy = f"pin both: [pin.{one.port}] and [pin.{other.port}], each with port_path or serial"
            raise toml.fault(
                ("peripherals", other.port), f"{one.name!r} and {other.name!r} can fit the same device; {remedy}"
            )
        if node is not None and node == other.settings.get("node"):
            raise toml.fault(("peripherals", other.port), f"{one.name!r} and {other.name!r} both open {node}")


def load(folder: Traversable, name: str) -> Profile:
    """Give a station model of a folder laid out as this package. Raises ProfileError."""
    stations = texts(folder, "stations")
    if name not in stations:
        raise ProfileError(name, f"no such station profile{nearest(name, stations)}")
    return parse_station(stations[name], name, Peripherals(texts(folder, "peripherals")), stations)


def load_shipped(name: str) -> Profile:
    """Give a station model that comes with this package. Raises ProfileError."""
    return load(resources.files(__package__), name)


def shipped_stations() -> list[str]:
    """Name the station models that come with this package."""
    return sorted(texts(resources.files(__package__), "stations"))


def texts(folder: Traversable, kind: str) -> dict[str, str]:
    """Give the texts of ``folder/kind/*.toml`` by name. Raises ProfileError where one is no UTF-8 text."""
    found = {}
    for entry in sorted(folder.joinpath(kind).iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            found[entry.name.removesuffix(".toml")] = read_text(entry, f"{kind}/{entry.name}")
    return found


def read_text(entry: Traversable, name: str) -> str:
    """Give the text of a profile; raises ProfileError, in the name given, where it is no UTF-8."""
    data = entry.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProfileError(name, f"no UTF-8 text: {error.reason} at byte {error.start}", line) from None
