"""The one way from a driver's name to a driver: file name = driver name, in the folder of its port.

Decides nothing about devices. A driver file joins by existing and by having `make(settings)`; other files of the folder
(composing, status) have none and are no drivers.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, TypeVar, get_type_hints

from device_profiles.profile import MATCH_DRIVERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from _typeshed import DataclassInstance

    from device_profiles.profile import Peripheral

    Settings = TypeVar("Settings", bound=DataclassInstance)

_HERE = __name__.rpartition(".")[0]


class DriverError(ValueError):
    """A driver that does not exist, or settings that it does not take; the words name the nearest that does."""


def ports() -> tuple[str, ...]:
    """The ports that have drivers: the folders beside this file."""
    package = importlib.import_module(_HERE)
    return tuple(sorted(found.name for found in pkgutil.iter_modules(package.__path__) if found.ispkg))


def driver_names(port: str) -> tuple[str, ...]:
    """The names of a port's drivers, sorted; imports all of them.

    Raises:
        DriverError: there is no such port.
    """
    return tuple(name for name in _files(port) if hasattr(_module(port, name), "make"))


def open_driver(port: str, name: str, settings: Mapping[str, object]) -> object:
    """Give a driver of `port`, not yet opened: what it is, `edge_agent.ports` says.

    Args:
        port: "printer", "reader" or "scanner".
        name: the driver's file name without ".py".
        settings: what the peripheral's profile gives it.

    Raises:
        DriverError: port, name or a setting is unknown (naming the nearest), or a setting has the wrong type.
    """
    make = getattr(_module(port, name), "make", None) if name in _files(port) else None
    if make is None:
        raise DriverError(f"no {port} driver is called {name!r}; {_nearest(name, driver_names(port))}")
    return make(settings)


def open_peripheral(peripheral: Peripheral) -> object:
    """Give the driver of a peripheral of a station's profile, not yet opened; its events carry the peripheral's name.

    Raises:
        DriverError: the driver does not exist or refuses what the profile says.
    """
    settings: dict[str, object] = {
        "name": peripheral.name,
        **dict.fromkeys(peripheral.quirks, True),
        **peripheral.settings,
    }
    if peripheral.driver in MATCH_DRIVERS:
        settings["match"] = peripheral.match
    if "width_dots" in peripheral.limits:
        settings["width_dots"] = peripheral.limits["width_dots"]
    if peripheral.address is not None:
        settings |= {"host": peripheral.address.host, "tcp_port": peripheral.address.port}
    return open_driver(peripheral.port, peripheral.driver, settings)


def read_settings(kind: type[Settings], driver: str, given: Mapping[str, object]) -> Settings:
    """Make a driver's frozen settings from what a profile gives.

    Args:
        kind: a dataclass whose fields are str, int, bool or Match (device_profiles.profile).
        driver: whose settings they are, for the words of an error.
        given: values by name.

    Raises:
        DriverError: a name is unknown, a value has the wrong type, or one without a default is missing.
    """
    known, types = {field.name: field for field in fields(kind)}, get_type_hints(kind)
    for name, value in given.items():
        if name not in known:
            raise DriverError(f"driver {driver}: no setting is called {name!r}; {_nearest(name, known)}")
        if type(value) is not types[name]:
            raise DriverError(f"driver {driver}: {name} must be of type {types[name].__name__}, not {value!r}")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in given]
    if missing:
        raise DriverError(f"driver {driver}: the profile must give {', '.join(missing)}")
    return kind(**given)


def _files(port: str) -> tuple[str, ...]:
    """The modules of a port's folder by name, drivers or not; none is imported."""
    if port not in ports():
        raise DriverError(f"no port is called {port!r}; {_nearest(port, ports())}")
    package = importlib.import_module(f"{_HERE}.{port}")
    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))


def _module(port: str, name: str) -> ModuleType:
    return importlib.import_module(f"{_HERE}.{port}.{name}")


def _nearest(word: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.0)
    return f"the nearest is {near[0]!r}" if near else "there is none at all"
