"""The issuer's signatures, judged by the openssl program."""

from __future__ import annotations

import hashlib
import subprocess

import pytest
from asn1crypto import pem

from edge_agent.drivers.reader.chip import files, issuer
from edge_agent.drivers.reader.chip.ber import only
from edge_agent.drivers.reader.virtual_chip import Kind, VirtualChip


def judged(chip, folder, *options):
    """What openssl says of EF.SOD: its content, or "" with its complaint."""
    (folder / "sod").write_bytes(only(chip._inside[files.SOD], 0x77))
    (folder / "csca").write_bytes(pem.armor("CERTIFICATE", chip.anchor))
    command = [
        "openssl",
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "sod",
        "-CAfile",
        "csca",
        "-out",
        "content",
    ]
    done = subprocess.run(
        [*command, "-purpose", "any", *options], cwd=folder, capture_output=True, text=True, check=False
    )
    return ((folder / "content").read_bytes() if done.returncode == 0 else b""), done.stderr


@pytest.mark.parametrize("signer", ["ec", "rsa", "rsa_pss"])
def test_a_right_card_is_vouched_for(signer, tmp_path):
    chip = VirtualChip(kind=Kind(signer=signer))
    content, words = judged(chip, tmp_path)
    for group in (1, 2, 13, 14, 15):
        assert hashlib.sha256(chip._inside[files.file_id(group)]).digest() in content, words


@pytest.mark.parametrize("signer", ["ec_explicit", "ec_384"])
def test_a_curve_that_is_written_out_is_signed_with_as_well(signer, tmp_path):
    chip = VirtualChip(kind=Kind(signer=signer))
    content, words = judged(chip, tmp_path, "-noverify")  # openssl takes no such certificate, but checks the signature
    digest = "sha384" if signer == "ec_384" else "sha256"
    assert hashlib.new(digest, chip._inside[files.file_id(1)]).digest() in content, words


@pytest.mark.parametrize(
    ("sod", "words"),
    [
        ("wrong_signer", "unable to get local issuer"),
        ("expired_signer", "certificate has expired"),
        ("wrong_signature", "verification failure"),
    ],
)
def test_a_card_that_is_wrong_in_one_point_is_refused_for_it(sod, words, tmp_path):
    content, complaint = judged(VirtualChip(kind=Kind(sod=sod)), tmp_path)
    assert content == b""
    assert words in complaint


def test_forged_and_unlisted_groups_are_not_what_was_signed(tmp_path):
    chip = VirtualChip(kind=Kind(forged=(1,), unlisted=(13,)))
    content, _ = judged(chip, tmp_path)
    there = [hashlib.sha256(chip._inside[files.file_id(group)]).digest() in content for group in (1, 2, 13)]
    assert there == [False, True, False]


def test_a_card_may_have_no_signature():
    assert files.SOD not in VirtualChip(kind=Kind(sod="absent"))._inside


def test_the_keys_of_a_process_are_made_once():
    assert issuer.csca("ec").certificate == VirtualChip(seed=9).anchor == VirtualChip(seed=8).anchor


def test_certificates_say_that_they_are_simulated():
    assert "MÔ PHỎNG".encode() in issuer.csca("ec").certificate
    assert "MÔ PHỎNG".encode() in issuer.document_signer("ec").certificate
