"""The fleet under faults, one seed after another; `SEEDS=n` runs more."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import fields

import pytest

from tests.simulation import laws
from tests.simulation.world import Faults, World

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
    """Without faults people do get their payments confirmed: the laws above are not kept by doing nothing."""
    world = World(1, tmp_path)
    try:
        world.run(240.0)
        world.peace()
        laws.judge(world)
        assert sum(len(station.told_codes) for station in world.stations) > 20
        assert sum(len(station.told_confirmed) for station in world.stations) > 5
    finally:
        world.close()
