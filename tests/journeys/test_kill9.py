"""kill -9 of agents, server and broker at random moments over 200 transactions: nothing lost, nothing doubled."""

from __future__ import annotations

import itertools
import random
import time

import pytest

pytestmark = pytest.mark.journey
TRANSACTIONS = 200


def test_two_hundred_transactions_under_kill_9(rig):
    found = rig(3)
    found.people()
    rng = random.Random(9)
    victims = itertools.cycle(("agent", "server", "agent", "broker"))
    struck = {"agent": 0, "server": 0, "broker": 0}
    next_kill = time.monotonic() + 2.0

    def enough() -> bool:
        nonlocal next_kill
        if time.monotonic() >= next_kill:
            next_kill = time.monotonic() + rng.uniform(2.0, 6.0)
            victim = next(victims)
            if victim == "agent":
                rng.choice(found.stage.lobbies).part.kill()
            elif victim == "server":
                found.stage.server.kill()
            else:
                found.stage.kill_broker()
            struck[victim] += 1
        made = found.ask("SELECT (SELECT count(*) FROM payment) + (SELECT count(*) FROM dossier)")
        return made[0][0] >= TRANSACTIONS

    found.until(enough, 400.0, f"{TRANSACTIONS} transactions")
    assert min(struck.values()) >= 3, struck
    found.settle()
    count = found.count()
    assert (count.lost, count.doubled, count.pending) == (0, 0, 0), count.faults
    assert count.payments + count.dossiers >= TRANSACTIONS
    assert count.confirmed > TRANSACTIONS // 3
