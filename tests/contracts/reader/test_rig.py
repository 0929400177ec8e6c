"""The rig itself: worlds stand side by side, see only their own cards, and leave nothing when they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.twins.pcscd import READERS, Pcscd, address

ROOT = Path(__file__).parents[3]
CLIENT = """
import json
from edge_agent.drivers.reader.winscard import NEWS, PRESENT, UNAWARE, Context
context = Context()
context.establish()
states = {name: UNAWARE for name in context.readers()}
while not any(state & PRESENT for state in states.values()):
    states |= context.changes(states, 10)
print(json.dumps([name for name, state in states.items() if state & PRESENT]))
"""


def seen_by_another_process(world):
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        env={"PCSCLITE_CSOCK_NAME": str(world.address), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def descendants(pid):
    """All processes below one, as the host numbers them."""
    children = [
        int(word)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for word in (task / "children").read_text("ascii").split()
    ]
    return [*children, *(below for child in children for below in descendants(child))]


def test_two_worlds_side_by_side_and_nothing_left_of_either():
    one, other = Pcscd().start(), Pcscd().start()
    one.insert(0)
    other.insert(1)
    assert seen_by_another_process(one) == [READERS[0]]
    assert seen_by_another_process(other) == [READERS[1]]
    pids = [*descendants(one._world.pid), *descendants(other._world.pid)]
    names = [Path(f"/proc/{pid}/comm").read_text("ascii").strip() for pid in pids]
    assert names.count("pcscd") == 2
    assert len(pids) >= 6  # in each: the world's first process, pcscd, a card
    one.close()
    other.close()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not one.folder.exists()
    assert not address().is_symlink()
