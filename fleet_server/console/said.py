"""What rode on a station's newest batch, as typed values. Judges nothing: what is missing or has another type is None.

The numbers of the map are `device_profiles.messages.STATUS`; a newer station may say more, an older one less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from device_profiles.messages import STATUS_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Peripheral:
    """One device of a station: `state` in XFS4IoT terms, `paper` "" where it does not tell."""

    port: str
    name: str
    state: str
    paper: str


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
        peripherals=_peripherals(status.get(STATUS_KEYS["peripherals"])),
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


def _peripherals(value: object) -> tuple[Peripheral, ...] | None:
    if not isinstance(value, list):
        return None
    found = []
    for row in value:
        match row:
            case [str(port), str(name), str(state), str(paper)]:
                found.append(Peripheral(port, name, state, paper))
            case _:
                return None
    return tuple(found)


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
