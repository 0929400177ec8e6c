"""What every card reader driver promises (edge_agent.ports.CardReader), run on each of them."""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.drivers.open import driver_names, open_driver
from edge_agent.drivers.worker import Pace, WatchWorker
from edge_agent.events import CardIn, CardOut, PeripheralState


class SimulatedRig:
    def __init__(self) -> None:
        self.reader = open_driver("reader", "simulated", {"name": "rig"})
        self.insert, self.remove = self.reader.insert, self.reader.remove

    def plug(self, plugged) -> None:
        self.reader.plug(plugged=plugged)


RIGS = {"simulated": SimulatedRig}


@pytest.fixture(params=driver_names("reader"))
def rig(request):
    made = RIGS[request.param]()
    yield made
    made.reader.close()


def test_open_says_how_it_is(rig):
    assert rig.reader.open() == PeripheralState("reader", "rig", "online")
    rig.reader.close()
    rig.plug(False)
    assert rig.reader.open().state == "noDevice"


def test_cards_come_and_go_in_order(rig):
    rig.reader.open()
    rig.insert()
    rig.remove()
    rig.insert()
    assert [rig.reader.wait(1) for _ in range(3)] == [CardIn("rig"), CardOut("rig"), CardIn("rig")]


def test_nothing_comes_after_the_time_that_was_given(rig):
    rig.reader.open()
    began = time.monotonic()
    assert rig.reader.wait(0.1) is None
    assert 0.05 < time.monotonic() - began < 1


def test_a_card_wakes_the_one_who_waits(rig):
    rig.reader.open()
    threading.Timer(0.05, rig.insert).start()
    began = time.monotonic()
    assert rig.reader.wait(5) == CardIn("rig")
    assert time.monotonic() - began < 2


def test_a_cable_pulled_out_is_a_state_and_no_end(rig):
    rig.reader.open()
    rig.plug(False)
    rig.plug(True)
    rig.insert()
    states = rig.reader.wait(1), rig.reader.wait(1)
    assert [state.state for state in states] == ["noDevice", "online"]
    assert rig.reader.wait(1) == CardIn("rig")


def test_closing_twice_is_nothing_and_opening_again_works(rig):
    rig.reader.open()
    rig.reader.close()
    rig.reader.close()
    assert rig.reader.open().state == "online"
    rig.insert()
    assert rig.reader.wait(1) == CardIn("rig")


def test_on_its_worker(rig):
    posted: list[object] = []
    worker = WatchWorker("reader", "rig", rig.reader, posted.append, Pace(wait_s=0.02))
    worker.start()
    rig.insert()
    until = time.monotonic() + 5
    while len(posted) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert worker.stop()
    assert posted == [PeripheralState("reader", "rig", "online"), CardIn("rig")]
