"""What two looks at a reader's slots mean: cards that came, went, or were changed for others in between."""

from __future__ import annotations

import random

import pytest

from edge_agent.drivers.reader.slots import Slots
from edge_agent.drivers.reader.winscard import PRESENT, UNAWARE
from edge_agent.events import CardIn, CardOut

IN, OUT = CardIn("r"), CardOut("r")
EMPTY, FULL, CHANGED = 0x10, PRESENT, 0x2
MUTE, IN_USE = 0x200, 0x100


def counted(state, count):
    return state | count << 16


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {"a": EMPTY}, []),
        ({}, {"a": FULL}, [IN]),
        ({"a": EMPTY}, {"a": counted(FULL, 1)}, [IN]),
        ({"a": FULL}, {"a": counted(EMPTY, 1)}, [OUT]),
        ({"a": FULL}, {}, [OUT]),
        ({"a": EMPTY}, {}, []),
        ({"a": counted(FULL, 1)}, {"a": counted(FULL | MUTE | IN_USE, 1)}, []),
        ({"a": counted(FULL, 1)}, {"a": counted(FULL, 3)}, [OUT, IN]),
        ({"a": FULL}, {"b": FULL}, [OUT, IN]),
        ({"a": FULL}, {"a": FULL, "b": FULL}, [IN]),
        ({"a": FULL, "b": FULL}, {"a": FULL, "b": counted(EMPTY, 1)}, [OUT, IN]),  # one stays
        ({"a": FULL, "b": FULL}, {}, [OUT, OUT]),
    ],
)
def test_what_happened_since(before, after, told):
    slots = Slots("r", "")
    slots.look(list(before), before)
    assert slots.look(list(after), {name: state | CHANGED for name, state in after.items()}) == told
    assert slots.with_card() == [name for name, state in after.items() if state & PRESENT]
    assert slots.look(list(after), {}) == []
    assert slots.look(list(after), after) == []


def test_what_is_lost_is_told_as_taken_and_unknown_again():
    slots = Slots("r", "")
    slots.look(["a", "b"], {"a": FULL, "b": EMPTY})
    assert slots.lost() == [OUT]
    assert slots.lost() == []
    assert slots.names() == slots.with_card() == []
    assert slots.known(["a"]) == {"a": UNAWARE}
    assert slots.look(["a"], {"a": FULL}) == [IN]


@pytest.mark.parametrize(("fragment", "ours"), [("", [0, 1, 2]), ("picc", [0]), ("SAM", [1]), ("ACR1252", [0, 1])])
def test_the_slots_of_a_name(fragment, ours):
    names = ["ACS ACR1252 Dual Reader PICC 00 00", "ACS ACR1252 Dual Reader SAM 01 00", "Virtual PCD 00 00"]
    assert Slots("r", fragment).ours(names) == [names[index] for index in ours]


@pytest.mark.parametrize("seed", range(20))
def test_what_was_told_last_is_how_it_is(seed):
    draw, slots, told = random.Random(seed), Slots("r", ""), []
    for _ in range(200):
        names = draw.sample(["a", "b", "c"], draw.randint(0, 3))
        if draw.random() < 0.1:
            told += slots.lost()
        told += slots.look(names, {name: draw.getrandbits(18) for name in names if draw.random() < 0.8})
        assert (told[-1:] == [IN]) == bool(slots.with_card())
