"""What every printer driver promises (edge_agent.ports.Printer), run on each of them."""

from __future__ import annotations

import time

import pytest

from edge_agent.effects import Slip
from edge_agent.ports import PortFault

FIRST = Slip((("title", "PHIẾU 1"), ("text", "Căn hộ\tA-12.05"), ("box", "CHỜ XÁC NHẬN"), ("code128", "7F3K9Q2M")))
SECOND = Slip((("title", "PHIẾU 2"), ("text", "Người nộp: Nguyễn Thị Ph***"), ("qr", "7F3K9Q2M")))
LONG = Slip(tuple(("text", f"Dòng thứ {n}: phí quản lý căn hộ tháng 11") for n in range(40)))
JOB = b"1" * 16

# What is broken and how it is mended; the state, the paper, the words and the action that a person reads.
FAULTS = {
    "cover open": ({"cover_open": True}, {"cover_open": False}, "offline", "unknown", "cover open: close it", "clear"),
    "paper out": ({"paper": "out"}, {"paper": "full"}, "offline", "out", "out of paper: put in a roll", "clear"),
    "cutter": ({"jammed": True}, {"jammed": False}, "hardwareError", "jammed", "cutter blocked: open the", "clear"),
    "head hot": ({"head_hot": True}, {"head_hot": False}, "offline", "full", "recovers by itself", "suspend"),
}


def same(papers, *pictures):
    return [paper.tobytes() for paper in papers] == [picture.tobytes() for picture in pictures]


def test_a_healthy_printer_says_so(rig):
    for said in (rig.printer.open(), rig.printer.state()):
        assert (said.port, said.name, said.state, said.paper) == ("printer", "rig", "online", "full")
        assert (said.detail, said.action, said.identity) == ("", "", "")


def test_a_slip_comes_out_to_the_dot_and_is_confirmed(rig, dots):
    rig.printer.open()
    assert rig.printer.print(JOB, FIRST) == "confirmed"
    assert same(rig.came_out(1), dots(FIRST))


def test_slips_come_out_one_by_one_in_order(rig, dots):
    rig.printer.open()
    results = [rig.printer.print(b"%d" % n * 16, slip) for n, slip in enumerate((FIRST, SECOND, FIRST))]
    assert results == ["confirmed"] * 3
    assert same(rig.came_out(3), dots(FIRST), dots(SECOND), dots(FIRST))


@pytest.mark.parametrize(("fault", "mended", "state", "paper", "words", "action"), FAULTS.values(), ids=FAULTS)
def test_a_printer_that_cannot_print_says_why_and_is_not_begun_with(
    rig, dots, fault, mended, state, paper, words, action
):
    rig.printer.open()
    rig.fault(**fault)
    said = rig.printer.state()
    assert (said.state, said.paper, said.action) == (state, paper, action)
    assert words in said.detail
    with pytest.raises(PortFault, match=words) as caught:
        rig.printer.print(JOB, FIRST)
    assert (caught.value.action, caught.value.state) == (action, "offline")
    assert rig.came_out(0) == []
    rig.fault(**mended)
    assert (rig.printer.state().state, rig.printer.state().action) == ("online", "")
    assert rig.printer.print(b"2" * 16, SECOND) == "confirmed"
    assert same(rig.came_out(1), dots(SECOND))


def test_low_paper_is_said_and_printed_on(rig):
    rig.fault(paper="low")
    said = rig.printer.open()
    assert (said.state, said.paper, said.action) == ("online", "low", "")
    assert rig.printer.print(JOB, FIRST) == "confirmed"


def test_a_silent_printer_is_unknown_still_prints_and_never_confirms(rig, dots, hasty):
    hasty(answer_s=0.1, after_s=0.1)
    rig.fault(silent=True)
    said = rig.printer.open()
    assert (said.state, said.paper, said.action) == ("unknown", "unknown", "")
    assert rig.printer.print(JOB, FIRST) == "unknown"
    assert same(rig.came_out(1), dots(FIRST))


def test_a_roll_that_ends_in_the_middle_is_no_slip_and_the_next_one_is_whole(rig, dots, hasty):
    rig.printer.open()
    rig.fault(ends_mid_slip=True)
    with pytest.raises(PortFault, match=r"out of paper.*the slip is not whole") as caught:
        rig.printer.print(JOB, LONG)
    assert caught.value.action == "clear"
    assert rig.came_out(0) == []
    hasty(answer_s=0.1)  # a full printer hears no question
    assert rig.printer.state().paper == "out"
    hasty(answer_s=4.0)
    rig.new_roll()
    assert rig.printer.print(b"2" * 16, SECOND) == "confirmed"
    assert same(rig.came_out(1)[-1:], dots(SECOND))


def test_a_printer_that_is_gone_says_so_at_once_prints_nothing_and_may_come_back(rig, dots, told):
    rig.printer.open()
    rig.lose()
    began = time.monotonic()
    assert told(rig.printer).state == rig.lost_state
    assert time.monotonic() - began < 2
    with pytest.raises(PortFault) as caught:
        rig.printer.print(JOB, FIRST)
    assert caught.value.state == rig.lost_state
    rig.back()
    assert rig.printer.open().state == "online"
    assert rig.printer.print(JOB, SECOND) == "confirmed"
    assert same(rig.came_out(1), dots(SECOND))


def test_a_slip_that_cannot_be_drawn_is_a_fault_of_the_software(rig):
    rig.printer.open()
    with pytest.raises(PortFault, match="'tilte' is unknown; the nearest is 'title'") as caught:
        rig.printer.print(JOB, Slip((("tilte", "x"),)))
    assert caught.value.action == "softwareError"
    assert rig.came_out(0) == []


def test_closing_twice_is_nothing_and_opening_again_works(rig):
    rig.printer.open()
    rig.printer.close()
    rig.printer.close()
    assert rig.printer.open().state == "online"
    assert rig.printer.print(JOB, FIRST) == "confirmed"
