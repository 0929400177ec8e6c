"""A scanner in keyboard mode: its key events, read from /dev/input/eventN and kept from everyone else.

Decides that the device is grabbed: else what it types would also be typed into the resident's page. A device that
cannot be grabbed is not used. Only ASCII passes, a card's Vietnamese letters do not: set the scanner to serial.
"""

from __future__ import annotations

import fcntl
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.profile import Match
from edge_agent import plugs
from edge_agent.drivers.open import read_settings
from edge_agent.drivers.scanner.keys import Keys
from edge_agent.drivers.scanner.node import NodeScanner

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVIOCGRAB, _EVIOCSCLOCKID = 0x40044590, 0x400445A0  # linux/input.h


@dataclass(frozen=True, slots=True)
class Settings:
    """The scanner's name in events, and how it is found (a fixed `node` wins)."""

    name: str = "hid_events"
    match: Match = Match()
    node: str = ""


def make(settings: Mapping[str, object]) -> NodeScanner:
    """Give the driver.

    Raises:
        DriverError: a setting that it does not take.
    """
    chosen = read_settings(Settings, "hid_events", settings)
    return NodeScanner(chosen.name, lambda: plugs.locate(chosen.match, "input", chosen.node), prepare, Keys)


def prepare(fd: int) -> None:
    """Keep the keys from everyone else, and have them stamped by a clock that nobody sets. Raises OSError."""
    fcntl.ioctl(fd, _EVIOCGRAB, 1)
    # Where this is refused the stamps are the wall clock's, and a jump of that costs one line.
    with suppress(OSError):
        fcntl.ioctl(fd, _EVIOCSCLOCKID, struct.pack("i", time.CLOCK_MONOTONIC))
