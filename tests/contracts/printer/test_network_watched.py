"""A network printer is pulled out, and nobody tells: its worker notices within two seconds, and so when it is back."""

from __future__ import annotations

import time

import pytest

from edge_agent.drivers.printer import tcp_watch
from edge_agent.drivers.worker import Pace, PrinterWorker
from edge_agent.effects import Slip
from edge_agent.events import PeripheralState, PrintDone

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("qr", "7F3K9Q2M"), ("text", "Căn hộ\tA-12.05")))
NEVER_LOOKS = Pace(look_s=600.0)
NOTICED_S = 2.0


class Posted(list):
    """What the worker posted, and when."""

    def __init__(self):
        super().__init__()
        self.at_s = []

    def post(self, event):
        self.at_s.append(time.monotonic())
        self.append(event)

    def until(self, true, within_s=20.0):
        end_s = time.monotonic() + within_s
        while not true(self) and time.monotonic() < end_s:
            time.sleep(0.005)
        assert true(self), self

    def states(self):
        return [event.state for event in self if isinstance(event, PeripheralState)]

    def done(self):
        return [event for event in self if isinstance(event, PrintDone)]


@pytest.fixture
def watched(network):
    """A worker with the real driver, its printer online and a question or two old."""
    posted, workers = Posted(), []

    def start(pace=NEVER_LOOKS, **settings):
        workers.append(PrinterWorker("rig", network.driver(**settings), posted.post, pace))
        workers[-1].start()
        posted.until(lambda box: box.states())
        asked = network.twin.connections + 1
        posted.until(lambda _: network.twin.connections >= asked)
        time.sleep(0.3)
        return workers[-1], posted

    yield start
    assert all(worker.stop() for worker in workers)


# How it goes and comes back; what is then said of it.
WAYS = {
    "nobody listens": (lambda rig: rig.lose(), lambda rig: rig.back(), "offline"),
    "its cable is out": (lambda rig: rig.twin.cut_cable(), lambda rig: rig.twin.join_cable(), "offline"),
    "it says nothing": (lambda rig: rig.fault(silent=True), lambda rig: rig.fault(silent=False), "unknown"),
    "its cover opens": (lambda rig: rig.fault(cover_open=True), lambda rig: rig.fault(cover_open=False), "offline"),
}


@pytest.mark.parametrize(("goes", "comes", "state"), WAYS.values(), ids=WAYS)
def test_it_is_told_within_two_seconds_once_and_so_when_it_is_back(network, watched, goes, comes, state):
    _, posted = watched()
    began = time.monotonic()
    goes(network)
    posted.until(lambda box: len(box) == 2)
    assert posted.at_s[1] - began < NOTICED_S
    assert posted.states() == ["online", state]
    time.sleep(1.7)  # what is known is not said again
    began = time.monotonic()
    comes(network)
    posted.until(lambda box: len(box) == 3)
    assert posted.at_s[2] - began < NOTICED_S
    assert posted.states() == ["online", state, "online"]


def test_a_pulled_cable_meets_the_look_of_every_half_minute_and_is_told_as_soon(network, watched, hasty):
    hasty(answer_s=1.0)
    worker, posted = watched()
    network.twin.cut_cable()
    began = time.monotonic()
    worker.look()
    posted.until(lambda box: len(box) == 2)
    assert posted.at_s[-1] - began < NOTICED_S
    assert posted[-1].state == "offline"
    assert "check its power, cable and address" in posted[-1].detail


def test_after_a_pulled_cable_the_printer_prints_though_it_still_believes_in_the_old_connection(network, watched, dots):
    worker, posted = watched()
    network.twin.cut_cable()
    posted.until(lambda box: box.states()[-1] == "offline")
    assert worker.print(JOB, SLIP)
    posted.until(lambda box: box.done())
    assert posted.done()[0].result == "failed"
    network.twin.join_cable()
    posted.until(lambda box: box.states()[-1] == "online")
    assert worker.print(b"\x08" * 16, SLIP)
    posted.until(lambda box: len(box.done()) == 2)
    assert posted.done()[1].result == "confirmed"
    assert [paper.tobytes() for paper in network.came_out(1)] == [dots(SLIP).tobytes()]


def test_a_job_right_after_the_cable_is_back_does_not_wait_behind_the_dead_connection(network, watched, dots):
    worker, posted = watched()
    network.twin.cut_cable()
    posted.until(lambda box: box.states()[-1] == "offline")
    network.twin.join_cable()
    assert worker.print(JOB, SLIP)
    posted.until(lambda box: box.done())
    assert posted.done()[0].result == "confirmed"
    assert [paper.tobytes() for paper in network.came_out(1)] == [dots(SLIP).tobytes()]


def test_a_job_goes_over_the_connection_that_is_held(network, watched):
    worker, posted = watched()
    before = network.twin.connections
    assert worker.print(JOB, SLIP)
    posted.until(lambda box: box.done())
    assert posted.done()[0].result == "confirmed"
    assert network.twin.connections - before <= 1  # the printer was asked again after it


def test_a_printer_that_ends_idle_connections_is_reached_anew_and_nothing_is_said(network, watched):
    worker, posted = watched()
    before = network.twin.connections
    network.twin.hang_up()
    posted.until(lambda _: network.twin.connections == before + 1)
    time.sleep(0.3)
    network.twin.hang_up()
    assert worker.print(JOB, SLIP)
    posted.until(lambda box: box.done())
    assert posted.done()[0].result == "confirmed"
    assert posted.states() == ["online"]


@pytest.mark.parametrize(
    ("settings", "manner"),
    [({"no_realtime_status": True}, {}), ({}, {"silent": True}), ({}, {"answers_with": b"\0"})],
    ids=["it is not to be asked", "it never answers", "it answers wrongly"],
)
def test_one_that_never_gives_an_answer_is_there_as_long_as_its_network_hears(
    network, watched, hasty, settings, manner
):
    hasty(answer_s=0.1)
    network.fault(**manner)
    _, posted = watched(**settings)
    time.sleep(1.5)
    assert posted.states() == ["unknown"]
    assert network.twin.paper.letters == b""
    network.twin.cut_cable()
    began = time.monotonic()
    posted.until(lambda box: len(box) == 2)
    assert posted.at_s[-1] - began < NOTICED_S
    assert posted.states() == ["unknown", "offline"]
    network.twin.join_cable()
    posted.until(lambda box: len(box) == 3)
    assert posted.states()[-1] == "unknown"


def test_what_is_said_on_the_wire_meanwhile_is_three_bytes_a_second_on_one_connection(network, watched):
    watched()
    connections, said = network.twin.connections, len(network.twin.heard)
    time.sleep(3.2)
    assert network.twin.connections == connections
    assert bytes(network.twin.heard[said:]) in (b"\x10\x04\x01" * 3, b"\x10\x04\x01" * 4)


def test_the_patience_of_a_watch_is_within_two_seconds():
    assert Pace().watch_s + tcp_watch.PATIENCE_S < NOTICED_S
