"""ESC/POS on TCP, USB and serial lines against a byte-level printer that stalls, lies, is late, is cut off: what the
driver says must be true on each of them.
"""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.drivers.printer import escpos, raster, status, wire
from edge_agent.effects import Slip
from edge_agent.ports import PortFault

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("text", "Căn hộ\tA-12.05"), ("code", "7F3K-9Q2M")))
LONG = Slip(tuple(("text", f"Dòng thứ {n}: phí quản lý căn hộ tháng 11") for n in range(40)))


def sent_bytes(picture: bytes) -> int:
    """What has been sent to a printer that answers when so much of a job has: the questions come before."""
    return len(b"".join(status.ASK.values()) + status.PUSH_STATUS + picture)


# --- what it says of itself ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "manner",
    [
        {"answers_with": b"\0"},
        {"answers_with": b"\xff\x80\x00"},
        {"answers_with": b"\x37never ends"},
        {"silent": True},
        {"stalled": True},
    ],
    ids=["zero", "garbage", "endless", "silent", "stalled"],
)
def test_wrong_and_missing_answers_are_unknown_never_a_fault(real, manner, hasty):
    hasty(answer_s=0.1)
    real.fault(**manner)
    said = real.printer.state()
    assert (said.state, said.paper, said.action) == ("unknown", "unknown", "")


def test_a_slow_answer_is_waited_for(real):
    real.fault(reply_delay_s=0.1, paper="low")
    said = real.printer.state()
    assert (said.state, said.paper) == ("online", "low")


def test_a_late_answer_is_not_the_answer_to_the_next_question(real, hasty):
    hasty(answer_s=1.0)
    real.fault(paper="low", reply_delay_s=1.6, slow_questions=(3, 4))
    said = real.printer.state()
    assert (said.state, said.paper) == ("online", "unknown")


def test_a_late_answer_is_not_the_answer_of_the_next_time_either(real, hasty):
    hasty(answer_s=0.1, late_s=0.9)
    real.fault(reply_delay_s=0.3, slow_questions=(1,))
    assert real.printer.state().state == "unknown"
    hasty(answer_s=4.0)
    real.fault(reply_delay_s=0.0)
    assert (real.printer.state().state, real.printer.state().detail) == ("online", "")


@pytest.mark.parametrize("name", ["usb", "serial"])
def test_after_a_silence_an_answer_may_be_late_for_as_long_as_it_may_be(name, request, hasty):
    rig = request.getfixturevalue(name)
    rig.fault(silent=True)
    hasty(answer_s=0.1, late_s=0.4, after_s=0.1)
    rig.printer.state()
    for ask in (lambda: rig.printer.print(JOB, SLIP), rig.printer.state):
        began = time.monotonic()
        ask()
        assert time.monotonic() - began >= 0.5
    rig.fault(silent=False)
    hasty(answer_s=4.0)
    assert rig.printer.state().state == "online"
    hasty(late_s=60.0)
    began = time.monotonic()
    assert rig.printer.state().state == "online"
    assert time.monotonic() - began < 30


def test_a_clone_that_answers_zero_still_prints(real, hasty):
    hasty(answer_s=0.1)
    real.fault(answers_with=b"\0", knows_mark=False, knows_push=False, knows_clear=False)
    assert real.printer.print(JOB, SLIP) == "unknown"
    assert len(real.came_out(1)) == 1


@pytest.mark.parametrize("sees", [{}, {"flow_inside": True}], ids=["plain", "flow control inside"])
def test_a_fault_that_is_pushed_is_heard(real, sees):
    real.printer.print(JOB, SLIP)
    real.fault(rows_left=20, **sees)
    with pytest.raises(PortFault, match=r"out of paper.*the slip is not whole"):
        real.printer.print(JOB, LONG)


def test_a_full_printer_that_hears_no_question_keeps_its_last_word(real, hasty):
    real.printer.print(JOB, SLIP)
    real.fault(rows_left=20)
    with pytest.raises(PortFault, match="out of paper"):
        real.printer.print(JOB, LONG)
    hasty(answer_s=0.1)
    said = real.printer.state()
    assert (said.paper, said.action) == ("out", "clear")
    hasty(answer_s=4.0)
    real.fault(paper="full")
    assert real.printer.state().state == "online"
    hasty(answer_s=0.1)
    real.fault(silent=True)
    assert real.printer.state().state == "unknown"


def test_the_last_word_of_a_printer_that_never_answers_is_not_kept_for_ever(real):
    printer = real.driver(no_realtime_status=True)
    printer.print(JOB, SLIP)
    real.fault(rows_left=20)
    with pytest.raises(PortFault, match="out of paper"):
        printer.print(JOB, LONG)
    assert printer.state().state == "unknown"


# --- confirmed, unknown ----------------------------------------------------------------------------------------------


def test_without_the_mark_nothing_is_confirmed_and_the_barrier_shortens_the_wait(real, hasty):
    hasty(after_s=60.0)
    real.fault(knows_mark=False)
    began = time.monotonic()
    assert real.printer.print(JOB, SLIP) == "unknown"
    assert time.monotonic() - began < 25
    assert len(real.came_out(1)) == 1


def test_the_mark_of_another_job_confirms_nothing(real, monkeypatch):
    ours = status.printed_mark
    monkeypatch.setattr(status, "printed_mark", lambda job, n: (ours(job, n)[0], ours(job, n + 1)[1]))
    assert real.printer.print(JOB, SLIP) == "unknown"
    assert len(real.came_out(1)) == 1


def test_the_mark_of_an_earlier_attempt_of_the_same_job_confirms_nothing(real):
    real.fault(late_marks=True)
    assert [real.printer.print(JOB, SLIP) for _ in range(3)] == ["unknown"] * 3
    assert len(real.came_out(3)) == 3


def test_a_hot_head_is_waited_for(real):
    real.printer.print(JOB, SLIP)
    real.fault(at_row=(300, "head_hot"))
    seen: list[bool] = []

    def cool() -> None:
        until = time.monotonic() + 60
        while not real.twin.manner.head_hot and time.monotonic() < until:
            time.sleep(0.005)
        seen.append(real.twin.manner.head_hot)
        time.sleep(0.3)  # the driver hears of it meanwhile, or has not yet: it waits in both cases
        real.fault(head_hot=False)

    cooler = threading.Thread(target=cool)
    cooler.start()
    assert real.printer.print(JOB, LONG) == "confirmed"
    cooler.join()
    assert seen == [True]


def test_quirks_of_a_profile(real, monkeypatch):
    asked = []
    monkeypatch.setattr(wire.Wire, "answers", lambda *_: asked.append(1) or {})
    printer = real.driver(no_cutter=True, no_print_confirmation=True, no_realtime_status=True, width_dots=384)
    assert printer.state().state == "unknown"
    assert printer.print(JOB, SLIP) == "unknown"
    assert asked == []
    time.sleep(0.1)
    assert real.twin.paper.slips == []  # nothing cut it off
    assert real.twin.paper.row_bytes == 48


# --- stalls, breaks, faults in the middle ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 20_000])
def test_a_printer_that_stops_reading_at_any_byte_has_failed(real, dots, hasty, count):
    real.printer.print(JOB, SLIP)
    real.fault(stall_after_bytes=count)
    hasty(answer_s=0.1, send_s=0.2)
    with pytest.raises(PortFault, match=r"stopped taking data.*the slip is not whole") as caught:
        real.printer.print(JOB, LONG)
    assert (caught.value.action, caught.value.state) == ("maintenance", "offline")
    assert len(real.came_out(1)) == 1
    hasty(answer_s=4.0, send_s=15.0)
    real.mend()
    assert real.printer.print(JOB, SLIP) == "confirmed"
    assert real.came_out(3)[-1].tobytes() == dots(SLIP).tobytes()


@pytest.mark.parametrize("clears", [True, False], ids=["it clears", "it does not"])
def test_a_link_that_breaks_in_the_picture_has_failed_and_the_next_slip_is_whole(real, dots, hasty, clears):
    real.fault(reset_after_bytes=20_000, knows_clear=clears)
    hasty(clear_s=4.0 if clears else 0.1)
    with pytest.raises(PortFault, match=r"connection to the printer broke.*the slip is not whole") as caught:
        real.printer.print(JOB, LONG)
    assert caught.value.state == real.lost_state
    assert real.came_out(0) == []
    real.mend()
    assert real.printer.print(JOB, SLIP) == "confirmed"
    broken, whole = real.came_out(2)
    assert whole.tobytes() == dots(SLIP).tobytes()
    assert broken.height < dots(LONG).height


def test_a_new_process_does_not_trust_the_printer_to_be_between_two_jobs(real, dots, hasty):
    real.fault(reset_after_bytes=20_000, knows_clear=False)
    hasty(clear_s=0.1)
    with pytest.raises(PortFault):
        real.printer.print(JOB, LONG)
    real.mend()
    assert real.driver().print(JOB, SLIP) == "confirmed"
    assert real.came_out(2)[-1].tobytes() == dots(SLIP).tobytes()


def test_a_link_that_breaks_after_the_picture_is_unknown(real):
    made = raster.job(SLIP, 576)
    real.printer.print(JOB, SLIP)
    real.fault(reset_after_bytes=sent_bytes(made.body + made.tail), buffer_bytes=1 << 20)
    assert real.printer.print(JOB, SLIP) == "unknown"


def test_a_link_that_breaks_before_it_answers(real, told):
    real.fault(reset_after_bytes=1)
    assert told(real.printer).state in ("unknown", "noDevice")
    real.mend()
    real.fault(reset_after_bytes=1)
    with pytest.raises(PortFault, match="connection to the printer broke"):
        real.printer.print(JOB, SLIP)
    assert real.came_out(0) == []


def test_a_roll_that_ends_after_all_was_sent_is_unknown(real, dots):
    real.printer.print(JOB, SLIP)
    real.fault(
        rows_left=dots(SLIP).height - 5,
        idle_until_bytes=sent_bytes(raster.job(SLIP, 576).body),
        buffer_bytes=1 << 20,
    )
    assert real.printer.print(JOB, SLIP) == "unknown"
    assert len(real.came_out(1)) == 1
    assert real.printer.state().detail == "out of paper: put in a roll"


def test_what_stopped_half_way_does_not_come_out_for_the_next_resident(real, dots):
    real.printer.print(JOB, SLIP)
    height = dots(SLIP).height
    whole = sent_bytes(raster.job(SLIP, 576).body)
    real.fault(rows_left=height - 20, idle_until_bytes=whole, buffer_bytes=1 << 20)
    assert real.printer.print(JOB, SLIP) == "unknown"
    with pytest.raises(PortFault, match="out of paper"):
        real.printer.print(JOB, SLIP)
    real.fault(paper="full", idle_until_bytes=None)
    assert real.printer.print(JOB, SLIP) == "confirmed"
    assert [slip.height for slip in real.came_out(3)] == [height, height - 20, height]


def test_a_printer_that_is_full_and_out_of_paper_is_not_begun_with(real, monkeypatch, hasty):
    real.printer.print(JOB, SLIP)
    real.fault(rows_left=20)
    with pytest.raises(PortFault, match=r"out of paper.*the slip is not whole"):
        real.printer.print(JOB, LONG)
    real.fault(buffer_bytes=0)  # how much of LONG had come when the fault was heard differs from run to run
    hasty(answer_s=0.1, send_s=0.2)
    with pytest.raises(PortFault, match=r"^out of paper: put in a roll$"):
        real.printer.print(JOB, SLIP)
    monkeypatch.setattr(escpos, "_WORD_HOLDS_S", 0)
    with pytest.raises(PortFault, match="stopped taking data"):
        real.printer.print(JOB, LONG)


def test_a_cutter_that_jams_is_unknown_and_then_told(real):
    real.printer.print(JOB, SLIP)
    real.fault(cutter_jams=True)
    assert real.printer.print(JOB, SLIP) == "unknown"
    said = real.printer.state()
    assert (said.state, said.paper, said.action) == ("hardwareError", "jammed", "clear")
    with pytest.raises(PortFault, match="cutter"):
        real.printer.print(JOB, SLIP)


def test_a_cover_that_opens_in_mid_slip_ends_the_job_early(real, hasty):
    hasty(send_s=60.0, after_s=60.0)
    real.printer.print(JOB, SLIP)
    real.fault(at_row=(300, "cover_open"), buffer_bytes=300)
    began = time.monotonic()
    with pytest.raises(PortFault, match="cover open"):
        real.printer.print(JOB, LONG)
    assert time.monotonic() - began < 20
