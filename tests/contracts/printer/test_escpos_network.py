"""The network driver against a byte-level printer that stalls, lies, is late, is cut off: what it says must be true."""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.drivers.printer import escpos_network, raster, status, tcp
from edge_agent.effects import Slip
from edge_agent.ports import PortFault

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("text", "Căn hộ\tA-12.05"), ("code", "7F3K-9Q2M")))
LONG = Slip(tuple(("text", f"Dòng thứ {n}: phí quản lý căn hộ tháng 11") for n in range(40)))


@pytest.mark.parametrize(
    "manner", [{"answers_zero": True}, {"reply_delay_s": 0.7}, {"silent": True}, {"stalled": True}]
)
def test_wrong_late_and_missing_answers_are_unknown_never_a_fault(network, manner):
    network.fault(**manner)
    said = network.printer.state()
    assert (said.state, said.paper) == ("unknown", "unknown")


def test_a_late_answer_is_not_the_answer_to_the_next_question(network):
    network.fault(paper="low", reply_delay_s=0.6, slow_questions=(3, 4))
    assert (network.printer.state().state, network.printer.state().paper) == ("online", "unknown")


def test_a_clone_that_answers_zero_still_prints(network):
    network.fault(answers_zero=True, knows_mark=False, knows_push=False, knows_clear=False)
    assert network.printer.print(JOB, SLIP) == "unknown"
    assert len(network.came_out(1)) == 1


def test_what_was_said_before_the_question_is_no_answer(network):
    network.fault(noise=b"\x1a\x16\x72\x10\x08\x00\x0c\x00\x37\x22old!\x00\x13\x00")
    assert network.printer.state().state == "online"
    assert network.printer.print(JOB, SLIP) == "confirmed"


def test_without_the_mark_nothing_is_confirmed_and_the_barrier_shortens_the_wait(network, monkeypatch):
    monkeypatch.setattr(escpos_network, "_AFTER_S", 20)
    network.fault(knows_mark=False)
    began = time.monotonic()
    assert network.printer.print(JOB, SLIP) == "unknown"
    assert time.monotonic() - began < 5
    assert len(network.came_out(1)) == 1


def test_the_mark_of_another_job_confirms_nothing(network, monkeypatch):
    ours = status.printed_mark
    monkeypatch.setattr(status, "printed_mark", lambda job, n: (ours(job, n)[0], ours(job, n + 1)[1]))
    assert network.printer.print(JOB, SLIP) == "unknown"
    assert len(network.came_out(1)) == 1


def test_a_printer_that_stops_reading_has_failed(network, dots):
    network.printer.print(JOB, SLIP)
    network.fault(at_row=(300, "stalled"), buffer_bytes=300)
    with pytest.raises(PortFault, match=r"stopped taking data.*the slip is not whole"):
        network.printer.print(JOB, LONG)
    assert len(network.came_out(1)) == 1
    network.fault(stalled=False, buffer_bytes=4096)
    assert network.printer.print(JOB, SLIP) == "confirmed"
    assert network.came_out(3)[-1].tobytes() == dots(SLIP).tobytes()


def test_what_was_handed_over_but_never_left_this_machine_has_failed(network):
    slip = Slip((("title", "PHIẾU"), ("qr", "7F3K9Q2M"), ("text", "Căn hộ\tA-12.05")))
    network.printer.print(JOB, slip)
    network.fault(at_row=(30, "stalled"), buffer_bytes=300)
    assert len(raster.job(slip, 576).body) < 30_000  # all of it fits into the connection's queue
    with pytest.raises(PortFault, match="stopped taking data"):
        network.printer.print(JOB, slip)


def test_a_link_that_breaks_in_the_picture_has_failed_and_the_next_slip_is_whole(network, dots):
    network.fault(reset_after_bytes=20_000)
    with pytest.raises(PortFault, match=r"connection to the printer broke.*the slip is not whole"):
        network.printer.print(JOB, LONG)
    assert network.came_out(0) == []
    network.fault(reset_after_bytes=None)
    assert network.printer.print(JOB, SLIP) == "confirmed"
    assert network.came_out(2)[-1].tobytes() == dots(SLIP).tobytes()


def test_without_a_clear_command_white_dots_fill_the_broken_picture_up(network, dots):
    network.fault(reset_after_bytes=20_000, knows_clear=False)
    with pytest.raises(PortFault):
        network.printer.print(JOB, LONG)
    network.fault(reset_after_bytes=None)
    assert network.printer.print(JOB, SLIP) == "confirmed"
    broken, whole = network.came_out(2)
    assert whole.tobytes() == dots(SLIP).tobytes()
    assert broken.height < dots(LONG).height


def test_a_new_process_does_not_trust_the_printer_to_be_between_two_jobs(network, dots):
    network.fault(reset_after_bytes=20_000, knows_clear=False)
    with pytest.raises(PortFault):
        network.printer.print(JOB, LONG)
    network.fault(reset_after_bytes=None)
    assert network.driver().print(JOB, SLIP) == "confirmed"
    assert network.came_out(2)[-1].tobytes() == dots(SLIP).tobytes()


def test_a_link_that_breaks_after_the_picture_is_unknown(network):
    made = raster.job(SLIP, 576)
    network.printer.print(JOB, SLIP)
    network.fault(reset_after_bytes=4 * 3 + len(status.PUSH_STATUS + made.body + made.tail), buffer_bytes=1 << 20)
    assert network.printer.print(JOB, SLIP) == "unknown"


def test_a_roll_that_ends_after_all_was_sent_is_unknown(network, dots):
    network.printer.print(JOB, SLIP)
    network.fault(rows_left=dots(SLIP).height - 5)
    assert network.printer.print(JOB, SLIP) == "unknown"
    assert len(network.came_out(1)) == 1
    assert network.printer.state().detail == "out of paper: put in a roll"


def test_what_stopped_half_way_does_not_come_out_for_the_next_resident(network, dots):
    network.printer.print(JOB, SLIP)
    height = dots(SLIP).height
    network.fault(rows_left=height - 20)
    assert network.printer.print(JOB, SLIP) == "unknown"
    with pytest.raises(PortFault, match="out of paper"):
        network.printer.print(JOB, SLIP)
    network.fault(paper="full")
    assert network.printer.print(JOB, SLIP) == "confirmed"
    assert [slip.height for slip in network.came_out(3)] == [height, height - 20, height]


def test_a_printer_that_is_full_and_out_of_paper_is_not_begun_with(network, monkeypatch):
    network.printer.print(JOB, SLIP)
    network.fault(rows_left=20)
    with pytest.raises(PortFault, match=r"out of paper.*the slip is not whole"):
        network.printer.print(JOB, LONG)
    network.fault(buffer_bytes=0)  # how much of LONG had come when the fault was heard differs from run to run
    with pytest.raises(PortFault, match=r"^out of paper: put in a roll$"):
        network.printer.print(JOB, SLIP)
    monkeypatch.setattr(escpos_network, "_WORD_HOLDS_S", 0)
    with pytest.raises(PortFault, match="stopped taking data"):
        network.printer.print(JOB, LONG)


def test_a_cutter_that_jams_is_unknown_and_then_told(network):
    network.printer.print(JOB, SLIP)
    network.fault(cutter_jams=True)
    assert network.printer.print(JOB, SLIP) == "unknown"
    assert network.printer.state().state == "hardwareError"
    with pytest.raises(PortFault, match="cutter"):
        network.printer.print(JOB, SLIP)


def test_a_cover_that_opens_in_mid_slip_ends_the_job_early(network, monkeypatch):
    monkeypatch.setattr(escpos_network, "_SEND_S", 20)
    monkeypatch.setattr(escpos_network, "_AFTER_S", 20)
    network.printer.print(JOB, SLIP)
    network.fault(at_row=(300, "cover_open"), buffer_bytes=300)
    began = time.monotonic()
    with pytest.raises(PortFault, match="cover open"):
        network.printer.print(JOB, LONG)
    assert time.monotonic() - began < 8


def test_a_full_printer_that_hears_no_question_keeps_its_last_word(network):
    network.printer.print(JOB, SLIP)
    network.fault(rows_left=20)
    with pytest.raises(PortFault, match="out of paper"):
        network.printer.print(JOB, LONG)
    assert network.printer.state().paper == "out"
    network.fault(paper="full")
    assert network.printer.state().state == "online"
    network.fault(silent=True)
    assert network.printer.state().state == "unknown"


def test_the_last_word_of_a_printer_that_never_answers_is_not_kept_for_ever(network):
    printer = network.driver(no_realtime_status=True)
    printer.print(JOB, SLIP)
    network.fault(rows_left=20)
    with pytest.raises(PortFault, match="out of paper"):
        printer.print(JOB, LONG)
    assert printer.state().state == "unknown"


def test_a_hot_head_is_waited_for(network, monkeypatch):
    monkeypatch.setattr(escpos_network, "_AFTER_S", 10)
    network.printer.print(JOB, SLIP)
    network.fault(at_row=(300, "head_hot"))
    cooler = threading.Timer(1.0, network.fault, kwargs={"head_hot": False})
    cooler.start()
    assert network.printer.print(JOB, LONG) == "confirmed"
    assert not cooler.is_alive()


def test_quirks_of_a_profile(network, monkeypatch):
    asked = []
    monkeypatch.setattr(tcp.Wire, "answers", lambda *_: asked.append(1) or {})
    printer = network.driver(no_cutter=True, no_print_confirmation=True, no_realtime_status=True, width_dots=384)
    assert printer.state().state == "unknown"
    assert printer.print(JOB, SLIP) == "unknown"
    assert asked == []
    time.sleep(0.1)
    assert network.twin.paper.slips == []  # nothing cut it off
    assert network.twin.paper.row_bytes == 48


def test_nobody_there_is_told_with_the_address(free_port):
    from edge_agent.drivers.open import open_driver

    port = free_port()
    printer = open_driver("printer", "escpos_network", {"host": "127.0.0.1", "tcp_port": port})
    said = printer.open()
    assert said.state == "offline"
    assert f"no connection to the printer at 127.0.0.1:{port}" in said.detail
    with pytest.raises(PortFault, match=f"127.0.0.1:{port}"):
        printer.print(JOB, SLIP)


def test_no_connection_is_left_behind(network):
    for _ in range(3):
        network.printer.state()
        network.printer.print(JOB, SLIP)
    assert network.twin.connections == 6


def test_a_link_that_the_printer_closes_before_it_answers(network):
    network.fault(reset_after_bytes=1)
    assert network.printer.state().state == "unknown"
    with pytest.raises(PortFault, match="connection to the printer broke"):
        network.printer.print(JOB, SLIP)
    assert network.came_out(0) == []
