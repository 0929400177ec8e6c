"""The laws of the simulated world. Each raises AssertionError with what it saw; an unbroken law proves nothing."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import TYPE_CHECKING

from device_profiles.messages import STATUS_KEYS
from edge_agent.machines.devices import RECORD_EVERY_S, RECORDS_AT_ONCE
from fleet_server import opener
from tests.simulation import laws_visit
from tests.simulation.devices import NAMES
from tests.simulation.persona import IN_CLEAR
from tests.simulation.station import HEARTBEAT_S
from tests.simulation.world import disk_bytes

if TYPE_CHECKING:
    from tests.simulation.station import Station
    from tests.simulation.world import World


def stored(world: World, station: Station, journal: bytes) -> list[tuple[int, bytes]]:
    """(seq, digest) of everything the fleet's log holds of one journal, in the log's own order."""
    with sqlite3.connect(world.fleet.server / "fleet.db") as db:
        rows = db.execute(
            "SELECT seq, record.digest FROM record JOIN head ON head.id = record.head "
            "WHERE device = ? AND journal = ? ORDER BY position",
            (station.device, journal),
        ).fetchall()
    db.close()
    return rows


def conservation(world: World) -> None:
    """Every committed record arrives exactly once, in order, as it was written."""
    for station in world.stations:
        for journal, digests in station.committed.items():
            arrived = stored(world, station, journal)
            assert arrived == list(enumerate(digests)), (
                f"{station.name}: committed {len(digests)}, arrived {len(arrived)}, "
                f"the fleet's newest is {arrived[-1:]}"
            )


def promises(world: World) -> None:
    """An Ack never promises what is not stored."""
    assert not world.fleet.broken_promises, world.fleet.broken_promises[0]


def told(world: World) -> None:
    """Whatever code a resident saw is a payment at the fleet, and what was called confirmed is confirmed there."""
    known = {payment.code: payment for payment in world.fleet.store.payments(limit=1_000_000)}
    for station in world.stations:
        missing = station.told_codes - set(known)
        assert not missing, f"{station.name} showed {missing}, the fleet never heard of it"
        for code in station.told_confirmed:
            assert known[code].state == "CONFIRMED", (
                f"{code} was called confirmed, the fleet says {known[code].state!r}"
            )


def no_doubles(world: World) -> None:
    """No bill is confirmed twice at one station, no code is used twice, no credit is counted twice."""
    payments = world.fleet.store.payments(limit=1_000_000)
    confirmed = [(p.building, p.bill) for p in payments if p.state == "CONFIRMED"]
    assert len(confirmed) == len(set(confirmed)), "a bill was confirmed twice"
    codes = [(p.device, p.code) for p in payments]
    assert len(codes) == len(set(codes)), "a provisional code was used twice"


def exact(world: World) -> None:
    """A payment is confirmed by exactly one credit with its reference and its amount."""
    for payment in world.fleet.store.payments(limit=1_000_000):
        booked = [amount for _, amount, memo, _ in world.fleet.bank if payment.reference in memo]
        if payment.state == "CONFIRMED":
            assert booked == [payment.amount], f"{payment.code} of {payment.amount} is CONFIRMED by {booked}"


def nothing_left_on_screen(world: World) -> None:
    """Whatever code was shown is recorded as awaiting its confirmation, or as something later."""
    for payment in world.fleet.store.payments(limit=1_000_000):
        assert payment.said not in ("CREATED", "QR_SHOWN"), f"{payment.code} still stands as {payment.said}"


def folds(world: World) -> None:
    """The projections are the fold of the log: dropped and folded again they are equal."""
    before = (
        world.fleet.store.payments(limit=1_000_000),
        world.fleet.store.dossiers_waiting(1_000_000),
        world.fleet.store.dossiers_decided(1_000_000),
        [world.fleet.store.station_state(station.device) for station in world.stations],
    )
    opener.rebuild(world.fleet.store, world.fleet.opener)
    after = (
        world.fleet.store.payments(limit=1_000_000),
        world.fleet.store.dossiers_waiting(1_000_000),
        world.fleet.store.dossiers_decided(1_000_000),
        [world.fleet.store.station_state(station.device) for station in world.stations],
    )
    assert before == after, "rebuild gave other projections"


def nothing_quarantined(world: World) -> None:
    """All that our own stations wrote opens and keeps the contract."""
    assert not world.fleet.store.quarantined(), world.fleet.store.quarantined()[0]


def sealed(world: World) -> None:
    """No canary in any byte of journal or wire."""
    for data in world.wire_bytes:
        assert not IN_CLEAR.search(data.lower()), "a resident's data stood in clear on the wire"
    for station in world.stations:
        for each in station.folder.glob("journal.db*"):
            assert not IN_CLEAR.search(each.read_bytes().lower()), f"a resident's data stood in clear in {each.name}"
    with sqlite3.connect(world.fleet.server / "fleet.db") as db:
        for (record,) in db.execute("SELECT record FROM record"):
            assert not IN_CLEAR.search(record.lower()), "a resident's data stood in clear in the fleet's log"
    db.close()


def bounded(world: World) -> None:
    """Traffic is bounded: by time, by what there is to say, and by what was lost on the way."""
    records = sum(len(digests) for station in world.stations for digests in station.committed.values())
    beats = world.time_s / HEARTBEAT_S * len(world.stations)
    allowed = 40 + 1.5 * beats + records
    assert world.batches <= allowed, f"{world.batches} batches, at most {allowed:.0f}"


def serving(world: World) -> None:
    """Whatever happened, in peace every station takes transactions again."""
    for station in world.stations:
        assert not station.agent._stopped, f"{station.name} is stopped: {station.agent._stopped}"


def devices_as_they_are(world: World) -> None:
    """At peace station and fleet know of every peripheral how it is: by its last record, and by the heartbeat."""
    for station in world.stations:
        state = world.fleet.store.station_state(station.device)
        last = world.fleet.store.last_values(station.device)
        assert state is not None
        assert last is not None
        rode = {row[0]: row[2] for row in last.status[STATUS_KEYS["peripherals"]]}  # type: ignore[attr-defined]
        for port, truth in station.devices.truth().items():
            recorded = state.peripherals.get(f"{port}/{NAMES[port]}", {"state": "unknown", "flapping": False})
            said = (recorded["state"], recorded["flapping"], rode[port])
            assert said == (truth, False, truth), f"{station.name}: {port} is {truth}, the fleet heard {said}"


def devices_bounded(world: World) -> None:
    """However loose a cable hangs, a device writes no more than its share."""
    for station in world.stations:
        lines = world.fleet.store.timeline(station.name, 1_000_000)
        of_port = Counter(str(line.facts["port"]) for line in lines if line.kind == "device.state")
        allowed = station.boots * RECORDS_AT_ONCE + world.time_s / RECORD_EVERY_S
        for port, count in of_port.items():
            assert count <= allowed, f"{station.name}: {count} records of {port}, at most {allowed:.0f}"


def exposure_released(world: World) -> None:
    """What the fleet calls settled no longer counts as exposure at the station (once it could ask)."""
    for station in world.stations:
        state = station.journal.state()
        for value in (value for name, value in state.items() if name.startswith("pay.exposure.")):
            for entry in value:
                payment = world.fleet.store.payment(station.device, entry[0])
                assert payment is not None, "exposure of a payment that the fleet never heard of"


def pruned_only_what_is_durable(world: World) -> None:
    """A station still holds every record that is not in the fleet's newest backup."""
    for station in world.stations:
        head = world.fleet.store.head(station.device, station.journal.journal)
        if head and world.fleet.store.keeps_backups():
            assert station.journal.first_held <= head.durable_next, "pruned what the backup does not hold"


ALL = (
    promises,
    conservation,
    nothing_quarantined,
    told,
    no_doubles,
    exact,
    nothing_left_on_screen,
    folds,
    sealed,
    bounded,
    serving,
    devices_as_they_are,
    devices_bounded,
    exposure_released,
    pruned_only_what_is_durable,
    *laws_visit.ALL,
)


def judge(world: World) -> None:
    """Hold the world against every law."""
    for law in ALL:
        law(world)


__all__ = ["ALL", "disk_bytes", "judge"]
