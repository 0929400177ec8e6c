"""The technician's hidden entry: PIN, lock, page, records."""

from __future__ import annotations

import pytest

from device_profiles import records
from edge_agent import events
from edge_agent.effects import Append
from edge_agent.machines import technician
from tests.edge_agent.visit_bed import Bed, of
from tests.edge_agent.visit_scenes import PIN, PIN_KEPT


def ready(**state: object) -> Bed:
    bed = Bed(state={"pay.config": [["technician_pin", PIN_KEPT]], **state})
    bed.touch("technician")
    return bed


def enter(bed: Bed, pin: str) -> None:
    for key in pin:
        bed.touch("key", key)
    bed.touch("next")


def entries(bed: Bed) -> list[object]:
    made = [each for each in of(bed.done, Append) if each.kind == "technician.entry"]
    for each in made:
        records.check(each.kind, each.fields)
    return [each.fields["result"] for each in made]


def test_the_right_pin_opens_the_page_also_after_a_restart_without_a_network():
    bed = ready()
    enter(bed, PIN)
    assert (bed.name, bed.data["station"], entries(bed)) == ("technician_page", "K0001", ["opened"])
    bed.wait(10)
    bed.touch("end")
    assert (bed.name, entries(bed)) == ("idle", ["opened", "left"])


def test_no_digit_of_the_pin_leaves_the_machine():
    bed = ready()
    for key in PIN:
        bed.touch("key", key)
    assert bed.data["typed_count"] == len(PIN)
    assert not any(PIN in repr(each.data) for each in bed.screens)
    bed.touch("erase")
    assert bed.data["typed_count"] == 0
    for _ in range(12):
        bed.touch("key", "1")
    assert bed.data["typed_count"] == technician.PIN_MAX
    bed.touch("key", "12")
    bed.touch("key", "x")
    assert bed.data["typed_count"] == technician.PIN_MAX


def test_wrong_pins_are_counted_and_waited_for_longer_and_longer():
    bed = ready()
    for _ in range(3):
        enter(bed, "111111")
    assert entries(bed) == ["refused", "refused", "locked"]
    assert bed.data["seconds"] == 60
    enter(bed, PIN)
    assert bed.name == "technician", "while it is locked not even the right one opens"
    bed.wait(61)
    enter(bed, "111111")
    bed.wait(61)
    enter(bed, PIN)
    assert bed.name == "technician", "the second lock is longer"
    bed.wait(61)
    enter(bed, PIN)
    assert bed.name == "technician_page"
    assert technician.KEPT not in bed.state


def test_pulling_the_plug_opens_no_lock():
    bed = ready()
    for _ in range(3):
        enter(bed, "111111")
    again = ready(**bed.state)
    enter(again, PIN)
    assert again.name == "technician"
    again.wait(119)
    again.touch("key", "1")
    again.touch("erase")
    enter(again, PIN)
    assert again.name == "technician_page"


@pytest.mark.parametrize("kept", [b"", b"short", "text", 7])
def test_a_station_without_a_pin_says_so_and_opens_for_nobody(kept):
    bed = Bed()
    bed.send(events.Configured({"technician_pin": kept}))
    bed.touch("technician")
    assert bed.data["set"] is False
    enter(bed, PIN)
    assert (bed.name, entries(bed)) == ("technician", [])


def test_an_entry_that_is_left_alone_ends_by_itself():
    bed = ready()
    bed.wait(119)
    assert bed.name == "technician"
    bed.wait(2)
    assert bed.name == "idle"
    bed = ready()
    enter(bed, PIN)
    bed.wait(121)
    assert (bed.name, entries(bed)) == ("idle", ["opened", "left"])


def test_the_page_tells_how_the_station_is():
    bed = ready()
    bed.send(events.PeripheralState("reader", "acr122u", "noDevice", None, "not plugged in", "maintenance"))
    enter(bed, PIN)
    reader = next(each for each in bed.data["devices"] if each["port"] == "reader")
    assert (reader["state"], reader["action"]) == ("noDevice", "maintenance")
    assert (bed.data["journal_next"], bed.data["online"], bed.data["storage_full"]) == (bed.next, True, False)


def test_a_refused_record_opens_nothing():
    bed = ready()
    bed.refuse = "technician.entry"
    enter(bed, PIN)
    assert bed.name != "technician_page"


def test_nobody_gets_there_in_the_middle_of_a_visit():
    bed = Bed()
    bed.touch("start", "vi")
    bed.touch("technician")
    assert bed.name == "home"
