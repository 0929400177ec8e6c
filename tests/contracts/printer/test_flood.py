"""A device that never stops talking: every question and every job ends, and nothing it says is believed."""

from __future__ import annotations

import threading

import pytest

from edge_agent.effects import Slip
from edge_agent.ports import PortFault

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("text", "Căn hộ\tA-12.05"), ("code", "7F3K-9Q2M")))
# What each byte is to `status.Framer`; a lone 10 hex waits for three more.
BYTES = {"stray": 0x00, "flow": 0x11, "status": 0x16, "offline": 0x1E, "pushed": 0x10, "block": 0x37}
ENDS_S = 60.0  # far beyond any patience of these tests: whether it ends at all is what is asked


def ended(work) -> list[object]:
    """What a call gave or raised; empty when it is still not over."""
    told: list[object] = []

    def run() -> None:
        try:
            told.append(work())
        except PortFault as fault:
            told.append(fault)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ENDS_S)
    return told


@pytest.fixture(params=BYTES)
def flooding(request, real, hasty):
    """A driver whose device floods."""
    hasty(state_s=0.3, print_s=1.5, answer_s=0.1, clear_s=0.1, send_s=0.3, after_s=0.1)
    real.fault(floods=BYTES[request.param])
    return real


def test_a_question_ends(flooding):
    (said,) = ended(flooding.printer.state)
    assert said.port == "printer"


@pytest.mark.parametrize("name", ["usb", "serial"])
@pytest.mark.parametrize("byte", BYTES.values(), ids=BYTES)
def test_what_floods_before_the_question_is_no_answer(name, byte, request, hasty):
    rig = request.getfixturevalue(name)
    rig.printer.state()  # a serial line is made raw by it: before, nothing can be read without a line feed
    hasty(state_s=0.3, quiet_s=0.2, answer_s=0.1)
    rig.fault(floods=byte)
    rig.twin.await_said()
    (said,) = ended(rig.printer.state)
    assert (said.state, said.paper, said.action) == ("unknown", "unknown", "")


def test_a_job_ends_and_is_never_confirmed(flooding):
    (word,) = ended(lambda: flooding.printer.print(JOB, SLIP))
    assert word == "unknown" or isinstance(word, PortFault)
