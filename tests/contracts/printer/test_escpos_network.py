"""What only a printer on TCP has: an address, connections, and a queue whose unsent bytes can be counted."""

from __future__ import annotations

import pytest

from edge_agent.drivers.open import open_driver
from edge_agent.drivers.printer import raster
from edge_agent.effects import Slip
from edge_agent.ports import PortFault

JOB = b"\x07" * 16
SLIP = Slip((("title", "PHIẾU"), ("qr", "7F3K9Q2M"), ("text", "Căn hộ\tA-12.05")))


def test_what_was_said_before_the_question_is_no_answer(network, hasty):
    hasty(quiet_s=1.0)
    network.fault(noise=b"\x1a\x16\x72\x10\x08\x00\x0c\x00\x37\x22old!\x00\x13\x00")
    assert network.printer.state().state == "online"
    assert network.printer.print(JOB, SLIP) == "confirmed"


def test_what_was_handed_over_but_never_left_this_machine_has_failed(network, hasty):
    network.printer.print(JOB, SLIP)
    network.fault(at_row=(30, "stalled"), buffer_bytes=300)
    assert len(raster.job(SLIP, 576).body) < 30_000  # all of it fits into the connection's queue
    hasty(send_s=1.0)
    with pytest.raises(PortFault, match="stopped taking data"):
        network.printer.print(JOB, SLIP)


def test_nobody_there_is_told_with_the_address(free_port):
    port = free_port()
    printer = open_driver("printer", "escpos_network", {"host": "127.0.0.1", "tcp_port": port})
    said = printer.open()
    assert (said.state, said.action) == ("offline", "maintenance")
    assert f"no connection to the printer at 127.0.0.1:{port}" in said.detail
    with pytest.raises(PortFault, match=f"127.0.0.1:{port}"):
        printer.print(JOB, SLIP)


def test_no_connection_is_left_behind(network):
    for _ in range(3):
        network.printer.state()
        network.printer.print(JOB, SLIP)
    assert network.twin.connections == 6
