"""What one station shall be: its Desired, made from the registry, settings and the newest sets. Pure.

`rev` grows when the content changes and only then, so that a station converges once per change; the same content may
be issued again (the broker forgot it, its end date came near) under the same `rev` with a newer date. Signing,
storing and publishing are others' work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from device_profiles.cbor import encode
from device_profiles.messages import CONFIG, Desired
from fleet_server.store import SECRET_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleet_server.store import DesiredRow, Device, SetPointer, Station

LIFE_MS = 30 * 24 * 3_600_000
_NUMBERS = {name: number for number, name in CONFIG.items()}
NOT_LIVE = "Trạm chưa đưa vào hoạt động · This station is not in service yet"


class Made(NamedTuple):
    """A Desired, and the bytes by which the next one is told from it."""

    desired: Desired
    content: bytes
    is_news: bool


def build(
    station: Station,
    device: Device,
    settings: Mapping[str, object],
    sets: Iterable[SetPointer],
    keys_version: int,
    previous: DesiredRow | None,
    now_ms: int,
    jobs: Iterable[Any] = (),
) -> Made:
    """Give the Desired of a device at its station.

    settings: the fleet's with the station's over them (`merged`): values under the names of `messages.CONFIG`, and
    "notices" as [Vietnamese, English] pairs; names that no station knows are left out. jobs: open ones, as Desired
    carries them.
    """
    config = {_NUMBERS[name]: _carried(name, value) for name, value in settings.items() if name in _NUMBERS}
    if not station.live:
        config.setdefault(_NUMBERS["out_of_service"], NOT_LIVE)
    pointers = tuple(
        [each.name, each.version, each.size_bytes, each.sha256]
        for each in sorted(sets, key=lambda each: each.name)
        if concerns(each.name, station)
    )
    notices = settings.get("notices")
    open_jobs, words = tuple(jobs), tuple(notices) if isinstance(notices, list | tuple) else ()
    content = encode([config, list(pointers), list(open_jobs), keys_version, list(words)])
    is_news = previous is None or previous.content != content
    rev = (previous.rev if previous else 0) + is_news
    desired = Desired(
        device=device.id,
        rev=rev,
        issued_ms=now_ms,
        not_after_ms=now_ms + LIFE_MS,
        config=config,
        sets=pointers,
        jobs=open_jobs,
        keys_version=keys_version,
        notices=words,
    )
    return Made(desired, content, is_news)


def _carried(name: str, value: object) -> object:
    """A setting as Desired carries it: the store keeps what is bytes there as hex."""
    return bytes.fromhex(value) if name in SECRET_SETTINGS and isinstance(value, str) else value


def merged(fleet: Mapping[str, object], station: Mapping[str, object]) -> dict[str, object]:
    """The settings that hold at a station: its own where it has any, else the fleet's."""
    return {**fleet, **station}


def concerns(name: str, station: Station) -> bool:
    """Whether a set is for this station: "name" is for all, "name/x" for the building, ward or station x."""
    _, slash, x = name.partition("/")
    return not slash or x in (station.building, station.ward, station.id)


def is_due(row: DesiredRow, now_ms: int) -> bool:
    """Whether an unchanged Desired shall be issued again: half of its life is over."""
    return now_ms >= row.issued_ms + LIFE_MS // 2
