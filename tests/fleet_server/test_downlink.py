"""The way down: Desired is made once per change, signed, told until the broker has it; nobody who is out is told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from device_profiles.messages import DESIRED_MAX_BYTES, STATUS_KEYS, Desired
from device_profiles.wire import ENVELOPE_BYTES
from fleet_server import desired, fleet_keys
from fleet_server.commands import pointer_of
from fleet_server.downlink import AGAIN_MS, REV_LEAP_MAX, Downlink
from provisioning.trust import FleetTrust
from tests.fleet_server.station_bed import WHY, Sender, open_fleet, register, send, set_status

if TYPE_CHECKING:
    from pathlib import Path

    from fleet_server.fleet_keys import ServerKeys
    from fleet_server.store_sqlite import SqliteStore

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> ServerKeys:
    folder = tmp_path_factory.mktemp("keys") / "fleet"
    fleet_keys.init(folder, time.time_ns() // 1_000_000)
    return fleet_keys.load(folder / "server")


@dataclass
class Bed:
    """A real store, a clock, and a broker that takes messages unless it is told to be gone."""

    store: SqliteStore
    keys: ServerKeys
    sender: Sender = field(default_factory=Sender)
    now_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    is_there: bool = True
    offered: int = 0
    reloads: int = 0
    sent: list[tuple[bytes, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        register(self.store, self.sender)
        self.open()

    def open(self) -> None:
        """A server that was just started."""
        self.downlink = Downlink(
            self.store, self.store, self.keys, self._send, self._changed, lambda: self.now_ms, heartbeat_s=45
        )

    def _send(self, device: bytes, data: bytes) -> bool:
        self.offered += 1
        if self.is_there:
            self.sent.append((device, data))
        return self.is_there

    def _changed(self) -> None:
        self.reloads += 1

    def turn(self, after_ms: int = 1000) -> list[Desired]:
        """One look, `after_ms` later; what a station would make of what was sent, verified as it would."""
        self.sent.clear()
        self.now_ms += after_ms
        self.downlink.turn()
        trust = FleetTrust(self.keys.root_spki)
        trust.accept_keys(self.keys.key_list)
        found = []
        for device, data in self.sent:
            said = Desired.decode(trust.verify("desired", data, DESIRED_MAX_BYTES + ENVELOPE_BYTES, self.now_ms))
            assert said.device == device
            found.append(said)
        return found

    def settings(self, scope: str, **values: object) -> None:
        self.store.run(lambda store: store.put_settings(scope, values, WHY))

    def put_set(self, name: str, version: int) -> None:
        data = f"{name} {version}".encode()
        self.store.run(lambda store: store.add_set(pointer_of(name, version, data), data, self.now_ms))

    def says(self, **values: object) -> None:
        """A batch of the station's arrives with these status values."""
        status = {STATUS_KEYS[name]: value for name, value in values.items()}
        self.sender.fill(len(self.sender.records) + 1)
        heads = self.store.heads(self.sender.device)
        send(self.store, self.sender.batch(heads[0].next if heads else 0, status=status), self.now_ms)


@pytest.fixture
def bed(keys: ServerKeys, tmp_path: Path):
    store = open_fleet(tmp_path)
    yield Bed(store, keys)
    store.close()


def revs(found: list[Desired]) -> list[int]:
    return [each.rev for each in found]


def test_desired_is_made_once_and_then_only_for_a_change(bed):
    assert revs(bed.turn()) == [1]
    assert [bed.turn(), bed.turn(), bed.turn(60_000)] == [[], [], []]
    bed.settings("K0001", heartbeat_s=20)
    (said,) = bed.turn()
    assert (said.rev, said.config) == (2, {1: 20})
    assert bed.turn() == []
    assert bed.reloads == 2


def test_the_heartbeat_is_the_servers_unless_a_setting_says_otherwise(bed):
    (said,) = bed.turn()
    assert said.config == {1: 45}
    bed.settings("fleet", heartbeat_s=30)
    assert bed.turn()[0].config == {1: 30}
    bed.settings("K0001", heartbeat_s=5)
    assert bed.turn()[0].config == {1: 5}
    bed.settings("K0001")
    bed.settings("fleet")
    assert bed.turn()[0].config == {1: 45}


def test_rev_grows_with_content_and_only_then(bed):
    assert revs(bed.turn()) == [1]
    bed.settings("K0002", heartbeat_s=20)  # another station's setting
    assert bed.turn() == []
    bed.put_set("bills/B1", 3)
    (said,) = bed.turn()
    assert (said.rev, [(name, version) for name, version, *_ in said.sets]) == (2, [("bills/B1", 3)])
    bed.put_set("bills/B2", 1)  # another building's list
    assert bed.turn() == []
    bed.put_set("bills/B1", 4)
    (said,) = bed.turn()
    assert (said.rev, said.sets[0][1]) == (3, 4)
    row = bed.store.desired(bed.sender.device)
    assert row.rev == 3


def test_a_station_that_is_not_live_is_told_so(bed):
    assert 3 not in bed.turn()[0].config
    bed.store.run(lambda store: store.put_station(replace(store.station("K0001"), live=False), WHY))
    (said,) = bed.turn()
    assert (said.rev, said.config[3]) == (2, desired.NOT_LIVE)


def test_what_the_broker_did_not_take_is_kept_until_it_does(bed):
    bed.is_there = False
    assert bed.turn() == bed.turn() == []
    assert bed.offered == 2
    bed.is_there = True
    assert revs(bed.turn()) == [1]
    assert bed.turn() == []
    bed.is_there = False
    bed.settings("fleet", heartbeat_s=30)
    bed.turn()
    bed.settings("fleet", heartbeat_s=31)
    bed.turn()
    bed.is_there = True
    (said,) = bed.turn()
    assert (said.rev, said.config) == (3, {1: 31})


def test_a_restarted_broker_is_given_everything_again_unchanged(bed):
    bed.turn()
    before = bed.sent[0]
    bed.downlink.broker_restarted()
    assert revs(bed.turn()) == [1]
    assert bed.sent == [before]
    assert bed.turn() == []


def test_a_restarted_server_sends_what_it_finds_and_makes_nothing_new(bed):
    bed.turn()
    before = bed.sent[0]
    bed.open()
    assert revs(bed.turn()) == [1]
    assert bed.sent == [before]
    assert bed.turn() == []


def test_a_station_that_lags_is_told_again_not_too_often(bed):
    bed.settings("K0001", heartbeat_s=20)
    bed.turn()
    bed.settings("K0001", heartbeat_s=21)
    assert revs(bed.turn()) == [2]
    bed.says(desired_rev=1)
    assert bed.turn() == []  # it was told a moment ago
    assert revs(bed.turn(AGAIN_MS)) == [2]
    assert bed.turn() == []
    assert revs(bed.turn(AGAIN_MS)) == [2]
    bed.says(desired_rev=2)
    assert bed.turn(AGAIN_MS) == []


def test_a_fleet_that_was_restored_goes_on_from_the_revision_a_station_has(bed):
    (first,) = bed.turn()
    bed.says(desired_rev=7)
    (said,) = bed.turn(AGAIN_MS)
    assert (said.rev, said.config) == (8, first.config)
    bed.says(desired_rev=8)
    assert bed.turn(AGAIN_MS) == []
    bed.settings("fleet", heartbeat_s=30)
    assert revs(bed.turn()) == [9]


def test_a_revision_that_no_fleet_can_have_made_is_not_followed(bed):
    bed.turn()
    bed.says(desired_rev=1 + REV_LEAP_MAX)
    bed.turn(AGAIN_MS)
    assert bed.store.desired(bed.sender.device).rev == 1


@pytest.mark.parametrize("word", ["2", None, b"1", [1]])
def test_a_status_that_is_no_revision_tells_nothing(bed, word):
    bed.turn()
    bed.says(desired_rev=word)
    assert bed.turn(AGAIN_MS) == []


@pytest.mark.parametrize("status", ["NEW", "QUARANTINED", "REVOKED", "DECOMMISSIONED"])
def test_a_device_that_does_not_serve_is_told_nothing(bed, status):
    set_status(bed.store, bed.sender, status)
    assert bed.turn() == []
    assert bed.store.desired(bed.sender.device) is None


@pytest.mark.parametrize("status", ["QUARANTINED", "REVOKED"])
def test_a_device_that_serves_no_more_is_not_told_again(bed, status):
    bed.turn()
    bed.says(desired_rev=0)
    bed.is_there = False
    bed.settings("fleet", heartbeat_s=30)
    bed.turn()
    set_status(bed.store, bed.sender, status)
    bed.is_there = True
    assert bed.turn(AGAIN_MS) == []  # what waited for it, and its lag
    bed.downlink.broker_restarted()
    bed.settings("fleet", heartbeat_s=31)
    assert bed.turn(AGAIN_MS) == []
    set_status(bed.store, bed.sender, "ACTIVE")
    (said,) = bed.turn()
    assert said.config == {1: 31}


def test_a_change_of_the_registry_is_told_to_the_broker_before_anything_is_sent(bed):
    bed.turn()
    assert bed.reloads == 1
    other = Sender()
    register(bed.store, other, station="K0002")
    assert [each.device for each in bed.turn()] == [other.device]
    assert bed.reloads == 2
    set_status(bed.store, other, "REVOKED")
    assert bed.turn() == []
    assert bed.reloads == 3


def test_a_life_that_is_half_over_is_renewed_though_nothing_changes(bed):
    (first,) = bed.turn()
    assert first.not_after_ms == first.issued_ms + desired.LIFE_MS
    said = [bed.turn(DAY_MS) for _ in range(16)]
    (renewed,) = [found for each in said for found in each]
    assert renewed.not_after_ms == renewed.issued_ms + desired.LIFE_MS > first.not_after_ms
    assert replace(renewed, issued_ms=first.issued_ms, not_after_ms=first.not_after_ms) == first
    assert bed.now_ms < first.not_after_ms
    assert bed.reloads == 1
