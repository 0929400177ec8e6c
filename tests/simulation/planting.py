"""Known bugs, planted one by one: each must turn a law red. A law that no mutant breaks proves nothing.

A mutant is a name, the faults in which it shows, and what it changes. It is red when some seed raises: a law's
AssertionError, or the code's own refusal to go on.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation import laws, laws_visit
from tests.simulation.world import Faults, World

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[pytest.MonkeyPatch], None]
    Mutants = dict[str, tuple[Faults, Change]]

SEEDS = 6
FAULTS_S, LOOK_EVERY_S = 120.0, 5.0
CRASHES = Faults(agent_crash=0.02, link_flap=0.01, delay_max_s=1.0)
DISK = Faults(disk_full=0.01, agent_crash=0.005)
CABLES = Faults(unplug=0.02, loose_cable=0.004, unplug_mid_print=0.2, card_pulled=0.2)


def into(mutants: Mutants) -> Callable[[Faults], Callable[[Change], Change]]:
    """Give the decorator that plants a mutant among these."""

    def mutant(faults: Faults) -> Callable[[Change], Change]:
        def plant(change: Change) -> Change:
            mutants[change.__name__] = (faults, change)
            return change

        return plant

    return mutant


def red(faults: Faults, change: Callable[[pytest.MonkeyPatch], Any]) -> str:
    """Why the mutant was caught; empty when it lived through every seed."""
    for seed in range(SEEDS):
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            change(patch)
            world = None
            try:
                world = World(seed, Path(folder))
                world.faults = replace(faults)
                while world.time_s < FAULTS_S:
                    world.run(LOOK_EVERY_S)
                    laws_visit.witnessed(world)  # what has already been seen need not be waited for
                world.peace(limit_s=300.0)
                laws.judge(world)
            except Exception as caught:  # noqa: BLE001  a mutant may break anything, and any break is red
                return f"{type(caught).__name__}: {caught}"
            finally:
                if world is not None:
                    world.close()
    return ""
