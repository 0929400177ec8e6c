"""The way down: makes each station's Desired, signs it, keeps it, and leaves it retained at the broker.

What it shall say is `desired`'s; here is only when it is made again: the registry, a setting or a set changed, its life
is half over, or the broker forgot it (a batch reports an older revision). Where a batch reports a newer one, this fleet
was restored from a backup: then the revision goes on from there. Reads often, writes only news.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from device_profiles.messages import STATUS_KEYS
from fleet_server import desired
from fleet_server.store import DesiredRow
from provisioning.keys import sign_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet_server.fleet_keys import ServerKeys
    from fleet_server.store import Committer, Device, LastValues, Reader, Store

log = logging.getLogger(__name__)
SERVED = ("CLAIMED", "ACTIVE", "PROVISIONAL")
DAY_MS = 86_400_000  # how often the dates of all are looked at
AGAIN_MS = 15_000  # how long a station may lag behind its newest revision before it is told again
REV_LEAP_MAX = 1_000_000  # a station that claims more than a restored backup can have lost is not followed
FLEET = "fleet"


@dataclass(slots=True)
class Downlink:
    """send: hands (device, signed Desired) to the broker; False = not now. changed: the registry is another now.

    heartbeat_s: what stations are told where no setting says otherwise.
    """

    fleet: Committer
    reader: Reader
    keys: ServerKeys
    send: Callable[[bytes, bytes], bool]
    changed: Callable[[], None]
    now_ms: Callable[[], int]
    heartbeat_s: int
    _mark: tuple[object, ...] = ()
    _day: int = -1
    _unsent: set[bytes] = field(default_factory=set)
    _told_ms: dict[bytes, int] = field(default_factory=dict)

    def turn(self) -> None:
        """Look whether anything changed, make what is news, send what is not yet sent, repeat what was forgotten."""
        mark, day = self.reader.read(_mark), self.now_ms() // DAY_MS
        is_changed, is_dawn = mark != self._mark, day != self._day
        self._mark, self._day = mark, day
        if is_changed:
            self.changed()
        if is_changed or is_dawn:
            self._make()
        self._again()
        for device in list(self._unsent):
            self._send(device)

    def broker_restarted(self) -> None:
        """The broker forgot every retained message: all are sent again."""
        self._unsent |= {device.id for device in self.reader.read(lambda store: store.devices())}

    def _make(self) -> None:
        for device in self.reader.read(lambda store: store.devices()):
            if device.status in SERVED and self._renew(device):
                self._unsent.add(device.id)

    def _renew(self, device: Device) -> bool:
        """Make one device's Desired; whether there is a newer message to send."""
        now_ms = self.now_ms()

        def work(store: Store) -> bool:
            station = store.station(device.station)
            if station is None:
                return False
            previous = store.desired(device.id)
            said = _said(store.last_values(device.id))
            if previous is not None and previous.rev < said < previous.rev + REV_LEAP_MAX:
                previous = replace(previous, rev=said, content=b"")
            fleet = {"heartbeat_s": self.heartbeat_s, **store.settings(FLEET)}
            settings = desired.merged(fleet, store.settings(station.id))
            made = desired.build(station, device, settings, store.newest_sets(), self.keys.version, previous, now_ms)
            if previous is not None and not made.is_news and not desired.is_due(previous, now_ms):
                return device.id not in self._told_ms
            data = sign_message(self.keys.desired, "kiosk/desired/1", made.desired.encode())
            store.put_desired(DesiredRow(device.id, made.desired.rev, made.content, data, now_ms))
            return True

        return self.fleet.run(work)

    def _again(self) -> None:
        """Stations whose status still names an older revision are told again: the broker may have forgotten."""
        now_ms = self.now_ms()

        def lagging(store: Store) -> list[Device]:
            found = []
            for each in store.seen():
                row = store.desired(each.device.id) if each.device else None
                if each.device is None or row is None or each.last is None:
                    continue
                if _said(each.last) not in (-1, row.rev) and now_ms - self._told_ms.get(row.device, 0) >= AGAIN_MS:
                    found.append(each.device)
            return found

        for device in self.reader.read(lagging):
            if device.status in SERVED:
                self._renew(device)
                self._unsent.add(device.id)

    def _send(self, device: bytes) -> None:
        def newest(store: Store) -> DesiredRow | None:
            found = store.device(device)
            return store.desired(device) if found and found.status in SERVED else None

        row = self.reader.read(newest)
        if row is None:
            self._unsent.discard(device)
        elif self.send(device, row.data):
            self._unsent.discard(device)
            self._told_ms[device] = self.now_ms()


def _said(last: LastValues | None) -> int:
    """The revision a station says it holds; -1 where it says nothing that could be one."""
    rev = last.status.get(STATUS_KEYS["desired_rev"]) if last else None
    return rev if type(rev) is int else -1


def _mark(store: Store) -> tuple[object, ...]:
    """What changes when anything that Desired is made of changes: every such change leaves a line in a log."""
    newest = store.registry_log(limit=1)
    return newest[0].number if newest else 0, tuple(store.newest_sets())
