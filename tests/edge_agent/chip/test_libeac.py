"""The chip against OpenPACE, an implementation that knows nothing of ours: PACE, and secure messaging after it."""

from __future__ import annotations

import pytest

from edge_agent.drivers.reader.chip.suite import SUITES
from edge_agent.drivers.reader.virtual_chip import Kind, Offer, VirtualChip
from tests.edge_agent.chip.openpace import CAN, MRZ
from tests.edge_agent.chip.terminal import APPLICATION, Messaging, pace

CURVES = {12: "P-256", 13: "brainpoolP256r1", 15: "P-384", 16: "brainpoolP384r1", 18: "P-521"}


@pytest.mark.parametrize("kind", [CAN, MRZ], ids=["CAN", "MRZ"])
@pytest.mark.parametrize(
    "offer",
    [
        *(Offer(suite, 13) for suite in SUITES),
        *(Offer("AES-256", curve) for curve in CURVES),
        Offer("AES-128", 12),
    ],
    ids=lambda offer: f"{offer.suite} {CURVES[offer.parameter_id]}",
)
def test_opens_the_chip_and_reads_a_file(offer, kind):
    chip = VirtualChip(kind=Kind(offers=(offer,)), seed=7)
    secret = chip.person.can if kind == CAN else "".join(chip.person.mrz_lines)
    terminal, status = pace(chip, secret, kind)
    assert status == 0x9000
    messaging = Messaging(chip, terminal, SUITES[offer.suite].block_bytes)
    assert messaging.ask("00A4040C", APPLICATION[5:]) == (b"", 0x9000)
    assert messaging.read("0101")[5:].decode() == "".join(chip.person.mrz_lines)
    terminal.close()


@pytest.mark.parametrize("curve", [12, 13])
def test_a_wrong_number_is_refused(curve):
    chip = VirtualChip(kind=Kind(offers=(Offer("AES-128", curve),)), seed=7)
    wrong = f"{(int(chip.person.can) + 1) % 1000000:06d}"
    terminal, status = pace(chip, wrong)
    assert status == 0x6300
    terminal.close()
    terminal, status = pace(chip, chip.person.can)
    assert status == 0x9000
    terminal.close()
