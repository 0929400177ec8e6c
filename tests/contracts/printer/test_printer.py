"""What every printer driver promises (edge_agent.ports.Printer), run on each of them."""

from __future__ import annotations

import time

import pytest

from edge_agent.effects import Slip
from edge_agent.ports import PortFault

FIRST = Slip((("title", "PHIẾU 1"), ("text", "Căn hộ\tA-12.05"), ("box", "CHỜ XÁC NHẬN"), ("code128", "7F3K9Q2M")))
SECOND = Slip((("title", "PHIẾU 2"), ("text", "Người nộp: Nguyễn Thị Ph***"), ("qr", "7F3K9Q2M")))


def same(papers, *pictures):
    return [paper.tobytes() for paper in papers] == [picture.tobytes() for picture in pictures]


def test_a_healthy_printer_says_so(rig):
    for state in (rig.printer.open(), rig.printer.state()):
        assert (state.port, state.name, state.state, state.paper, state.detail) == (
            "printer",
            "rig",
            "online",
            "full",
            "",
        )


def test_a_slip_comes_out_to_the_dot_and_is_confirmed(rig, dots):
    rig.printer.open()
    assert rig.printer.print(b"1" * 16, FIRST) == "confirmed"
    assert same(rig.came_out(1), dots(FIRST))


def test_slips_come_out_one_by_one_in_order(rig, dots):
    rig.printer.open()
    assert [rig.printer.print(b"%d" % n * 16, slip) for n, slip in enumerate((FIRST, SECOND, FIRST))] == [
        "confirmed"
    ] * 3
    assert same(rig.came_out(3), dots(FIRST), dots(SECOND), dots(FIRST))


@pytest.mark.parametrize(
    ("fault", "healed", "state", "paper", "words"),
    [
        ({"cover_open": True}, {"cover_open": False}, "offline", "unknown", "cover open"),
        ({"paper": "out"}, {"paper": "full"}, "offline", "out", "out of paper"),
    ],
)
def test_a_printer_that_cannot_print_is_not_begun_with(rig, dots, fault, healed, state, paper, words):
    rig.printer.open()
    rig.fault(**fault)
    said = rig.printer.state()
    assert (said.state, said.paper) == (state, paper)
    assert words in said.detail
    with pytest.raises(PortFault, match=words) as caught:
        rig.printer.print(b"1" * 16, FIRST)
    assert caught.value.action == "clear"
    assert rig.came_out(0) == []
    rig.fault(**healed)
    assert rig.printer.state().state == "online"
    assert rig.printer.print(b"2" * 16, SECOND) == "confirmed"
    assert same(rig.came_out(1), dots(SECOND))


def test_low_paper_is_told_and_prints(rig):
    rig.printer.open()
    rig.fault(paper="low")
    assert (rig.printer.state().state, rig.printer.state().paper) == ("online", "low")
    assert rig.printer.print(b"1" * 16, FIRST) == "confirmed"


def test_a_silent_printer_is_unknown_still_prints_and_never_confirms(rig, dots):
    rig.fault(silent=True)
    assert (rig.printer.open().state, rig.printer.state().paper) == ("unknown", "unknown")
    assert rig.printer.print(b"1" * 16, FIRST) == "unknown"
    assert same(rig.came_out(1), dots(FIRST))


def test_a_roll_that_ends_in_the_middle_is_no_slip_and_the_next_one_is_whole(rig, dots):
    rig.printer.open()
    long = Slip(tuple(("text", f"Dòng thứ {n}: phí quản lý căn hộ") for n in range(40)))
    rig.fault(ends_mid_slip=True)
    with pytest.raises(PortFault, match="out of paper"):
        rig.printer.print(b"1" * 16, long)
    assert rig.came_out(0) == []
    assert rig.printer.state().paper == "out"
    rig.new_roll()
    assert rig.printer.print(b"2" * 16, SECOND) == "confirmed"
    assert same(rig.came_out(1)[-1:], dots(SECOND))


def test_a_printer_that_is_gone_is_told_and_prints_nothing(rig):
    rig.printer.open()
    rig.lose()
    assert rig.printer.state().state in ("offline", "noDevice")
    with pytest.raises(PortFault):
        rig.printer.print(b"1" * 16, FIRST)


def test_a_slip_that_cannot_be_drawn_is_a_fault_of_the_software(rig):
    rig.printer.open()
    with pytest.raises(PortFault, match="'tilte' is unknown; the nearest is 'title'") as caught:
        rig.printer.print(b"1" * 16, Slip((("tilte", "x"),)))
    assert caught.value.action == "softwareError"
    assert rig.came_out(0) == []


def test_closing_twice_is_nothing_and_opening_again_works(rig):
    rig.printer.open()
    rig.printer.close()
    rig.printer.close()
    assert rig.printer.open().state == "online"
    assert rig.printer.print(b"1" * 16, FIRST) == "confirmed"


def test_questions_are_answered_within_the_ports_deadline(rig):
    rig.fault(silent=True)
    began = time.monotonic()
    rig.printer.state()
    assert time.monotonic() - began < 5
