"""The fleet under faults, one seed after another; `SEEDS=n` runs more."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from tests.simulation import laws
from tests.simulation.devices import NAMES, PORTS, TOLD_MAX_S
from tests.simulation.world import Faults, World

if TYPE_CHECKING:
    from tests.simulation.station import Station

SEEDS = int(os.environ.get("SEEDS", "12"))


def run(seed: int, folder, seconds: float = 180.0) -> World:
    """One world: faults, then peace."""
    world = World(seed, folder)
    try:
        world.faults = Faults.draw(world.rng)
        world.run(seconds)
        world.peace()
        laws.judge(world)
    finally:
        world.close()
    return world


STRUCK: Counter[str] = Counter()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_law_holds_under_faults(seed, tmp_path):
    STRUCK.update(run(seed, tmp_path).struck)


def test_every_fault_has_struck():
    """A fault that never strikes proves nothing (runs after the seeds above)."""
    never = {each.name for each in fields(Faults)} - {"delay_max_s"} - {name for name, count in STRUCK.items() if count}
    assert not never


def test_a_quiet_world_serves_residents(tmp_path):
    """Without faults people get what they came for: the laws above are not kept by doing nothing."""
    world = World(1, tmp_path)
    try:
        world.run(480.0)
        world.peace()
        laws.judge(world)
        assert sum(len(station.told_codes) for station in world.stations) > 10
        assert sum(len(station.told_confirmed) for station in world.stations) > 3
        shown = [screen for station in world.stations for _, screen in station.witness.screens]
        states = {screen.data["state"] for screen in shown if screen.name == "form_result"}
        assert states >= {"saved", "sent", "accepted"}
        assert sum(len(station.witness.told) for station in world.stations) > 10
        assert {screen.name for screen in shown} >= {"who", "code_wait", "card_shown", "technician_page", "warning"}
    finally:
        world.close()


@pytest.mark.parametrize("port", PORTS)
def test_what_is_pulled_out_or_put_in_is_known_to_the_fleet_within_seconds(port, tmp_path):
    world = World(2, tmp_path)
    try:
        world.run(20.0)
        station = world.stations[0]
        for plugged in (False, True):
            station.devices.plug(port, plugged=plugged)
            began_s = world.time_s
            while fleet_says(world, station, port) != ("online" if plugged else "noDevice"):
                world.step()
                assert world.time_s - began_s < TOLD_MAX_S + 2.0, "no heartbeat is waited for"
    finally:
        world.close()


def fleet_says(world: World, station: Station, port: str) -> object:
    """The projection's word, made from a record alone."""
    state = world.fleet.store.station_state(station.device)
    return state.peripherals[f"{port}/{NAMES[port]}"]["state"] if state else None
