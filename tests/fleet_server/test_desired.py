"""Desired: made from registry, settings and sets; rev grows with the content and only with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles.cbor import WireError
from device_profiles.messages import Desired
from fleet_server.desired import LIFE_MS, build, concerns, is_due, merged
from fleet_server.store import DesiredRow, Device, SetPointer, Station
from tests.fleet_server.station_bed import T0

PLACE = Station("K0001", "Sảnh A", "B1", "26740", "simulated", live=True)
DEVICE = Device(b"d" * 16, "K0001", 1, b"spki", b"kid", "ACTIVE", "", T0)
SETS = [
    SetPointer("bills/B2", 4, 10, b"2" * 32),
    SetPointer("bills/B1", 3, 9, b"1" * 32),
    SetPointer("texts", 1, 5, b"3" * 32),
]


def make(previous=None, now_ms=T0, station=PLACE, settings=None, sets=SETS, keys_version=1, jobs=()):
    return build(station, DEVICE, settings or {}, sets, keys_version, previous, now_ms, jobs)


def row(made) -> DesiredRow:
    return DesiredRow(DEVICE.id, made.desired.rev, made.content, b"signed", made.desired.issued_ms)


def test_the_first_desired_has_rev_1_and_carries_what_concerns_the_station():
    made = make(settings={"heartbeat_s": 30, "nonsense": 1, "notices": [["Mất nước", "No water"]]})
    desired = Desired.decode(made.desired.encode())
    assert (desired.device, desired.rev, desired.issued_ms, desired.not_after_ms) == (DEVICE.id, 1, T0, T0 + LIFE_MS)
    assert desired.sets == (["bills/B1", 3, 9, b"1" * 32], ["texts", 1, 5, b"3" * 32])
    assert desired.config == {1: 30}
    assert [list(each) for each in desired.notices] == [["Mất nước", "No water"]]
    assert made.is_news


def test_the_same_content_keeps_its_rev_however_late_and_in_whatever_order():
    first = make()
    again = make(row(first), T0 + 99_000, sets=list(reversed(SETS)))
    assert (again.desired.rev, again.is_news) == (1, False)
    assert again.desired.issued_ms == T0 + 99_000


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"heartbeat_s": 61}},
        {"settings": {"notices": [["a", "b"]]}},
        {"sets": [SetPointer("bills/B1", 4, 9, b"4" * 32)]},
        {"sets": []},
        {"keys_version": 2},
        {"station": replace(PLACE, live=False)},
        {"jobs": [[b"j" * 16, "test_print", {}, T0, T0 + 1]]},
    ],
)
def test_changed_content_is_the_next_rev(change):
    first = make()
    changed = make(row(first), **change)
    assert (changed.desired.rev, changed.is_news) == (2, True)
    Desired.decode(changed.desired.encode())
    back = make(row(changed))
    assert (back.desired.rev, back.content) == (3, first.content)


def test_another_buildings_bill_list_is_no_news():
    first = make()
    assert not make(row(first), sets=[replace(SETS[0], version=5, sha256=b"5" * 32), *SETS[1:]]).is_news


def test_a_station_that_is_not_live_is_out_of_service_with_the_reason_unless_another_is_set():
    assert "not in service" in make(station=replace(PLACE, live=False)).desired.config[3]
    closed = make(station=replace(PLACE, live=False), settings={"out_of_service": "Đang sửa"})
    assert closed.desired.config[3] == "Đang sửa"
    assert 3 not in make().desired.config


def test_a_stations_own_settings_stand_over_the_fleets():
    assert merged({"heartbeat_s": 60, "notices": []}, {"heartbeat_s": 10}) == {"heartbeat_s": 10, "notices": []}


@pytest.mark.parametrize(
    ("name", "mine"),
    [
        ("texts", True),
        ("bills/B1", True),
        ("bills/B10", False),
        ("officers/26740", True),
        ("test/K0001", True),
        ("bills/", False),
    ],
)
def test_which_sets_concern_a_station(name, mine):
    assert concerns(name, PLACE) is mine


def test_an_unchanged_desired_is_issued_again_at_half_of_its_life():
    kept = row(make())
    assert not is_due(kept, T0 + LIFE_MS // 2 - 1)
    assert is_due(kept, T0 + LIFE_MS // 2)


def test_a_setting_that_may_not_be_on_the_wire_is_our_mistake_seen_early():
    with pytest.raises(WireError):
        make(settings={"heartbeat_s": 1.5})
