"""From a code before the scanner to its fields: what residents and paper carry, through both kinds of real scanner."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path

import pytest

from device_profiles.formats.codes import provisional_code
from device_profiles.formats.explain import Circumstances, explain
from edge_agent.drivers.printer.compose import picture
from edge_agent.events import PeripheralState, Scanned
from edge_agent.machines.slips import code_slip
from tests.edge_agent.visit_bed import SETTINGS, START_MS

VECTORS = Path(__file__).parents[2] / "golden" / "vectors"
IDENTITY = json.loads((VECTORS / "identity.json").read_text("utf-8"))
VIETQR = json.loads((VECTORS / "vietqr.json").read_text("utf-8"))
ABOUT = Circumstances(date.fromisoformat(IDENTITY["as_of"]))
OWN_WORDS = ("outcome", "reason", "reasons", "fields", "warnings", "crc", "detected")
SCANS = [
    (kind, bytes.fromhex(vector["raw_hex"]) if "raw_hex" in vector else vector[key].encode(), vector)
    for kind, vectors, key in (
        ("card-qr", IDENTITY["card_qr"], "raw"),
        ("health-insurance-qr", IDENTITY["health_insurance_qr"], "raw"),
        ("vietqr", VIETQR["vectors"], "qr"),
    )
    for vector in vectors
]
SCANS = [(kind, data.rstrip(b"\r\n"), vector) for kind, data, vector in SCANS if data.strip()]


def wanted(vector):
    return {name: vector[name] for name in OWN_WORDS if name in vector}


def told(kind, data, vector):
    answer = json.loads(json.dumps(explain(kind, data, ABOUT)))
    return {name: answer.get(name) for name in wanted(vector)}


def test_there_is_something_to_scan():
    assert len([kind for kind, _, _ in SCANS if kind == "card-qr"]) >= 15
    assert len(SCANS) >= 40


def test_every_vector_comes_through_a_serial_scanner_as_it_is(serial):
    serial.scanner.open()
    for kind, data, vector in SCANS:
        serial.scan(data, b"\r\n")
        scanned = serial.scanner.wait(5)
        assert scanned == Scanned(data)
        assert told(kind, scanned.data, vector) == wanted(vector)


def test_what_is_ascii_comes_through_a_typing_scanner_as_it_is(typing):
    typing.scanner.open()
    plain = [scan for scan in SCANS if scan[1].isascii() and scan[1].decode().isprintable()]
    assert {kind for kind, _, _ in plain} == {"card-qr", "health-insurance-qr", "vietqr"}
    for kind, data, vector in plain:
        typing.scan(data)
        scanned = typing.scanner.wait(5)
        assert scanned == Scanned(data)
        assert told(kind, scanned.data, vector) == wanted(vector)


def test_letters_that_a_typing_scanner_writes_as_question_marks_are_refused(typing):
    typing.scanner.open()
    lost = [scan for scan in SCANS if not scan[1].isascii() and scan[2]["outcome"] != "invalid"]
    assert {kind for kind, _, _ in lost} == {"card-qr", "vietqr"}
    for kind, data, _ in lost:
        typing.scan(data)
        scanned = typing.scanner.wait(5)
        assert b"?" in scanned.data
        answer = explain(kind, scanned.data, ABOUT)
        assert answer["outcome"] == "invalid"
        assert "fields" not in answer
        if kind == "card-qr":
            assert answer["reasons"] == ["encoding_damaged"]


def test_letters_that_a_typing_scanner_writes_by_alt_codes_are_no_scan_at_all(typing):
    typing.scanner.open()
    lost = [data for kind, data, _ in SCANS if kind == "card-qr" and not data.isascii()]
    typing.scan(lost[0], unknown="alt")
    said = typing.scanner.wait(5)
    assert isinstance(said, PeripheralState)
    assert "ALT" in said.detail
    for data in lost:
        typing.scan(data, unknown="alt")
        assert typing.scanner.wait(0.01) is None


@pytest.mark.parametrize("driver", ["serial_lines", "hid_events"])
def test_a_slip_that_was_printed_is_known_again(driver, make_rig, tmp_path):
    code = provisional_code(SETTINGS.station, 42)
    picture(code_slip(SETTINGS, code, START_MS, "vi"), 384).save(tmp_path / "slip.png")
    read = ["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", tmp_path / "slip.png"]
    printed = subprocess.run(read, capture_output=True, check=True).stdout.strip()
    rig = make_rig(driver)
    rig.scanner.open()
    rig.scan(printed)
    scanned = rig.scanner.wait(5)
    answer = explain("provisional-code", scanned.data, ABOUT)
    assert (answer["outcome"], answer["code"], answer["decoded"]["station"]) == ("valid", code, "K0001")
