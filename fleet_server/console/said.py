"""What rode on a station's newest batch, as typed values. Judges nothing: what is missing or has another type is None.

The numbers of the map are `device_profiles.messages.STATUS`; a newer station may say more, an older one less.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from device_profiles.messages import DEVICE, STATUS_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
COUNTS = tuple(DEVICE[number] for number in range(7, 16))


@dataclass(frozen=True, slots=True)
class Peripheral:
    """One device of a station: `state` in XFS4IoT terms, `paper` "" where it does not tell.

    since_ms: by the station's wall clock; since_mono_ms: the same as ms since its boot; None where an older station
    does not say. worked_ms: its newest success. counts: by the names of messages.DEVICE, as of `counted_ms`.
    """

    port: str
    name: str
    state: str
    paper: str
    since_ms: int | None = None
    since_mono_ms: int | None = None
    action: str = ""
    flapping: bool = False
    worked_ms: int | None = None
    counted_ms: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """The last values. `stopped` empty = takes transactions; None = the station did not say."""

    version: str | None
    profile: str | None
    desired_rev: int | None
    stopped: tuple[str, ...] | None
    peripherals: tuple[Peripheral, ...] | None
    visits: int | None
    exposure_count: int | None
    disk_free_percent: int | None
    uptime_s: int | None
    rss_kib: int | None
    page_age_s: int | None
    sealing_expired: bool | None
    ack_alarms: int | None
    dropped: int | None
    lost_range: tuple[int, int] | None
    refusals: tuple[tuple[str, int], ...] | None


def said(status: Mapping[int, object]) -> Said:
    """Read a status map."""

    def get(name: str, kind: type[T]) -> T | None:
        value = status.get(STATUS_KEYS[name])
        return value if type(value) is kind else None

    return Said(
        version=get("version", str),
        profile=get("profile", str),
        desired_rev=get("desired_rev", int),
        stopped=_words(status.get(STATUS_KEYS["stopped"])),
        peripherals=_peripherals(status.get(STATUS_KEYS["peripherals"]), status.get(STATUS_KEYS["devices"])),
        visits=get("visits", int),
        exposure_count=get("exposure_count", int),
        disk_free_percent=get("disk_free_percent", int),
        uptime_s=get("uptime_s", int),
        rss_kib=get("rss_kib", int),
        page_age_s=get("page_age_s", int),
        sealing_expired=get("sealing_expired", bool),
        ack_alarms=get("ack_alarms", int),
        dropped=get("dropped", int),
        lost_range=_range(status.get(STATUS_KEYS["lost_range"])),
        refusals=_counts(status.get(STATUS_KEYS["refusals"])),
    )


def _words(value: object) -> tuple[str, ...] | None:
    fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return tuple(value) if fits else None  # type: ignore[arg-type]


def _peripherals(value: object, more: object) -> tuple[Peripheral, ...] | None:
    if not isinstance(value, list):
        return None
    maps = [_named(each) for each in more if isinstance(each, dict)] if isinstance(more, list) else []
    by_port = {str(each.get("port")): each for each in maps}
    found = []
    for row in value:
        match row:
            case [str(port), str(name), str(state), str(paper)]:
                found.append(_peripheral(Peripheral(port, name, state, paper), by_port.get(port, {})))
            case _:
                return None
    return tuple(found)


def _named(numbered: Mapping[object, object]) -> dict[str, object]:
    """A map of status value 17 by name; what a newer station adds is left out."""
    return {DEVICE[key]: value for key, value in numbered.items() if type(key) is int and key in DEVICE}


def _peripheral(plain: Peripheral, said: Mapping[str, object]) -> Peripheral:
    """What more is told of it; what has another type is as if it was not told."""
    numbers = {name: value for name, value in said.items() if type(value) is int}
    action, flapping = said.get("action"), said.get("flapping")
    return replace(
        plain,
        since_ms=numbers.get("since_ms"),
        since_mono_ms=numbers.get("since_mono_ms"),
        worked_ms=numbers.get("worked_ms"),
        counted_ms=numbers.get("counted_ms"),
        action=action if isinstance(action, str) else "",
        flapping=flapping is True,
        counts={name: number for name, number in numbers.items() if name in COUNTS},
    )


def _range(value: object) -> tuple[int, int] | None:
    match value:
        case [int(first), int(end)]:
            return first, end
        case _:
            return None


def _counts(value: object) -> tuple[tuple[str, int], ...] | None:
    if not isinstance(value, list):
        return None
    found = []
    for row in value:
        match row:
            case [str(reason), int(count)]:
                found.append((reason, count))
            case _:
                return None
    return tuple(found)
