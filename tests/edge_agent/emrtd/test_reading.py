"""Whole readings against the virtual chip, which was written from the standard and not from the reader."""

import math
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge_agent.card import CardData, CardFault, CardRequest, Secret
from edge_agent.drivers.reader.chip.manner import Garble
from edge_agent.drivers.reader.emrtd import files
from edge_agent.drivers.reader.emrtd.apdu import Exchange
from edge_agent.drivers.reader.emrtd.curves import CURVES
from edge_agent.drivers.reader.emrtd.opening import open_chip
from edge_agent.drivers.reader.emrtd.reading import read
from edge_agent.drivers.reader.emrtd.tlv import encode
from edge_agent.drivers.reader.virtual_chip import Kind, Manner, Offer, VirtualChip
from tests.edge_agent.emrtd.openssl_issuer import Issuer, lds_object
from tests.edge_agent.emrtd.readings import fault_of, secret_of, signed_anew, take

ALL = ("dg1", "dg13", "dg2")
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("kind", "secret", "access"),
    [
        (Kind(), "can", "pace_can"),
        (Kind(), "mrz", "pace_mrz"),
        (Kind(access="pace"), "mrz", "pace_mrz"),
        (Kind(access="bac"), "mrz", "bac"),
    ],
)
def test_what_is_on_the_chip_is_read(kind, secret, access):
    chip = VirtualChip(kind=kind, seed=7)
    person, card = chip.person, take(chip, secret, ALL)
    assert card.access == access
    assert card.mrz == "".join(person.mrz_lines)
    assert card.national["id_number"] == person.id_number
    assert card.national["name"] == person.name
    assert card.national["residence"] == person.residence
    assert card.national["parents"] == f"{person.father}, {person.mother}"
    assert chip._inside[files.DG2].endswith(card.portrait)
    assert card.portrait[:3] == b"\xff\xd8\xff"
    assert len(card.portrait) > 10_000
    assert (card.authenticity, card.doubt, card.clone_check) == ("verified", "", "active")


@pytest.mark.parametrize("suite", ["3DES", "AES-128", "AES-192", "AES-256"])
@pytest.mark.parametrize("parameter_id", CURVES)
def test_every_suite_and_curve_of_pace(suite, parameter_id):
    chip = VirtualChip(kind=Kind(offers=(Offer(suite, parameter_id),)))
    assert take(chip, parts=("dg1",)).access == "pace_can"


def test_of_several_curves_one_is_named():
    chip = VirtualChip(kind=Kind(offers=(Offer("AES-128", 13), Offer("AES-256", 12), Offer("AES-256", 16))))
    assert take(chip).access == "pace_can"


@pytest.mark.parametrize("signer", ["ec", "ec_explicit", "ec_384", "rsa", "rsa_pss"])
def test_every_kind_of_signature(signer):
    chip = VirtualChip(kind=Kind(signer=signer))
    assert take(chip).authenticity == "verified"
    assert take(VirtualChip(kind=Kind(signer=signer)), anchors=False).authenticity == "not_verified"


@pytest.mark.parametrize("suite", ["3DES", "AES-128", "AES-192", "AES-256"])
def test_every_suite_of_chip_authentication(suite):
    assert take(VirtualChip(kind=Kind(chip_authentication=suite))).clone_check == "chip"
    copy = VirtualChip(kind=Kind(chip_authentication=suite, cloned=True))
    assert fault_of(copy).kind == "copied"


@pytest.mark.parametrize("active", ["ec", "rsa", "rsa_2048"])
def test_every_kind_of_active_authentication(active):
    assert take(VirtualChip(kind=Kind(active=active))).clone_check == "active"
    assert fault_of(VirtualChip(kind=Kind(active=active, cloned=True))).kind == "copied"


def test_a_chip_without_a_key_of_its_own_has_nothing_to_prove():
    card = take(VirtualChip(kind=Kind(active="none")))
    assert (card.authenticity, card.doubt, card.clone_check) == ("verified", "", "not_offered")


@pytest.mark.parametrize("cloned", [False, True])
def test_a_copy_cannot_pass_by_refusing_to_prove_its_key(cloned):
    """Whether its refusal of a long answer is true, the chip alone knows."""
    chip = VirtualChip(kind=Kind(active="rsa_2048", cloned=cloned), manner=Manner(refuses_long=True))
    card = take(chip)
    assert (card.authenticity, card.doubt, card.clone_check) == ("not_verified", "unproven", "unproven")


@pytest.mark.parametrize("answer", [b"", b"?", b"\x67\x00", b"\x6d\x00", bytes(258), bytes(256) + b"\x90\x00"])
def test_a_copy_cannot_pass_by_losing_its_proof(answer):
    """A secured command of extended length is asked once: what comes back in its place proves nothing."""
    chip = VirtualChip(kind=Kind(active="rsa_2048", cloned=True))

    def transmit(apdu: bytes) -> bytes:
        return answer if apdu[1] == 0x88 else chip.transmit(apdu)

    request = CardRequest(bytes(16), secret_of(chip), anchors=(chip.anchor,))
    card = read(transmit, request, os.urandom, math.inf)
    assert (card.authenticity, card.doubt, card.clone_check) == ("not_verified", "unproven", "unproven")


def test_a_long_proof_may_come_in_parts():
    manner = Manner(in_parts=True)
    card = take(VirtualChip(kind=Kind(active="rsa_2048"), manner=manner))
    assert (card.authenticity, card.clone_check) == ("verified", "active")
    assert fault_of(VirtualChip(kind=Kind(active="rsa_2048", cloned=True), manner=manner)).kind == "copied"


def test_a_key_that_is_not_spoken_here_is_not_passed():
    small = ec.generate_private_key(ec.SECP224R1()).public_key()
    spki = small.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    card = take(signed_anew(VirtualChip(), dg15=encode(0x6F, spki)))
    assert (card.authenticity, card.doubt, card.clone_check) == ("not_verified", "algorithm", "unproven")


@pytest.mark.parametrize("national", ["opaque", "absent"])
def test_national_data_that_are_opaque_or_absent_are_empty(national):
    card = take(VirtualChip(kind=Kind(national=national)))
    assert (card.national, card.authenticity) == ({}, "verified")


def test_only_what_was_asked_for_is_read():
    chip = VirtualChip()
    card = take(chip, parts=("dg13",))
    assert (card.mrz, card.portrait) == ("", b"")
    assert card.national
    assert take(VirtualChip(), parts=("uid",)) == CardData(access="pace_can", doubt="unsigned")
    assert read(chip.transmit, CardRequest(bytes(16), None, ("uid",)), os.urandom, math.inf) == CardData()


@pytest.mark.parametrize(("number", "parts"), [(1, ("dg1",)), (2, ("dg2",)), (13, ("dg13",)), (14, ALL), (15, ALL)])
def test_a_group_that_is_not_what_was_signed_is_not_authentic(number, parts):
    chip = VirtualChip(kind=Kind(forged=(number,)))
    assert fault_of(chip, parts=parts).kind == "not_authentic"
    assert fault_of(VirtualChip(kind=Kind(forged=(number,))), parts=parts, anchors=False).kind == "not_authentic"


def test_a_group_that_nobody_signed_is_not_verified():
    card = take(VirtualChip(kind=Kind(unlisted=(13,))))
    assert (card.authenticity, card.doubt, bool(card.national)) == ("not_verified", "unsigned", True)
    assert take(VirtualChip(kind=Kind(unlisted=(15,)))).clone_check == "not_offered"


@pytest.mark.parametrize("group", [files.DG14, files.DG15])
def test_who_hides_a_public_key_that_was_signed_is_a_copy(group):
    chip = VirtualChip()
    del chip._inside[group]
    fault = fault_of(chip)
    assert (fault.kind, f"DG{group & 0xFF}" in str(fault)) == ("copied", True)


def test_without_the_zone_it_is_damaged():
    chip = VirtualChip()
    del chip._inside[files.DG1]
    assert fault_of(chip).kind == "damaged"


WHEN_MS = 1_700_000_000_000


def test_the_signer_is_held_against_the_time():
    expired = Kind(sod="expired_signer")
    assert take(VirtualChip(kind=expired), as_of_ms=WHEN_MS).authenticity == "not_verified"
    assert take(VirtualChip(kind=expired)).authenticity == "verified"
    assert take(VirtualChip(), as_of_ms=WHEN_MS).authenticity == "verified"


@pytest.mark.parametrize(
    ("kind", "anchors", "doubt"),
    [
        (Kind(), False, "no_anchors"),
        (Kind(sod="wrong_signer"), True, "issuer"),
        (Kind(sod="wrong_signer"), False, "no_anchors"),
        (Kind(sod="expired_signer"), True, "period"),
        (Kind(sod="expired_signer"), False, "no_anchors"),
        (Kind(sod="expired_signer", active="rsa_2048"), True, "unproven"),
        (Kind(active="rsa_2048"), False, "unproven"),
        (Kind(unlisted=(1,), active="rsa_2048"), True, "unsigned"),
        (Kind(unlisted=(1,)), False, "unsigned"),
        (Kind(sod="absent"), True, "unsigned"),
        (Kind(sod="absent"), False, "unsigned"),
        (Kind(active="rsa"), True, ""),
    ],
)
def test_every_doubt_is_named_and_of_several_the_gravest(kind, anchors, doubt):
    card = take(VirtualChip(kind=kind, manner=Manner(refuses_long=True)), anchors=anchors, as_of_ms=WHEN_MS)
    assert (card.authenticity, card.doubt) == ("not_verified" if doubt else "verified", doubt)


def test_keys_that_only_sha1_vouches_for_are_not_asked(tmp_path):
    chip = VirtualChip()
    groups = {file_id & 0xFF: content for file_id, content in chip._inside.items() if 0x0101 <= file_id <= 0x010F}
    authority = Issuer(tmp_path, "prime256v1")
    chip._inside[files.SOD] = authority.sod(lds_object(groups, "sha1"))
    request = CardRequest(bytes(16), secret_of(chip), anchors=(authority.csca.der,))
    card = read(chip.transmit, request, os.urandom, math.inf)
    assert (card.authenticity, card.doubt, card.clone_check) == ("not_verified", "algorithm", "unproven")
    assert not any(line.startswith("0C88") for line in chip.log)
    del groups[14], groups[15]
    chip._inside[files.SOD] = authority.sod(lds_object(groups, "sha1"))
    chip.reset()
    card = read(chip.transmit, request, os.urandom, math.inf)
    assert (card.authenticity, card.doubt, card.clone_check) == ("not_verified", "algorithm", "not_offered")


def test_a_chip_of_the_openssl_program_is_verified(tmp_path):
    chip = VirtualChip(kind=Kind(active="none"))
    groups = {1: chip._inside[files.DG1], 13: chip._inside[files.DG13]}
    authority = Issuer(tmp_path, "brainpoolP256r1+explicit")
    chip._inside[files.SOD] = authority.sod(lds_object(groups))
    request = CardRequest(bytes(16), secret_of(chip), ("dg1", "dg13"), (authority.csca.der,))
    assert read(chip.transmit, request, os.urandom, math.inf).authenticity == "verified"


def test_a_wrong_signature_is_not_authentic_with_and_without_anchors():
    for anchors in (True, False):
        assert fault_of(VirtualChip(kind=Kind(sod="wrong_signature")), anchors=anchors).kind == "not_authentic"


def test_wrong_secrets():
    chip = VirtualChip(kind=Kind(attempts_max=2))
    wrong = {"can": Secret("can", "000000"), "mrz": Secret("mrz", "A" * 24)}
    for secret, kind in (("can", "wrong_can"), ("mrz", "wrong_mrz"), ("can", "blocked")):
        with pytest.raises(CardFault) as fault:
            read(chip.transmit, CardRequest(bytes(16), wrong[secret]), os.urandom, math.inf)
        assert fault.value.kind == kind
        chip.reset()
    bac = VirtualChip(kind=Kind(access="bac"))
    with pytest.raises(CardFault) as fault:
        read(bac.transmit, CardRequest(bytes(16), wrong["mrz"]), os.urandom, math.inf)
    assert fault.value.kind == "wrong_mrz"


def test_another_kind_of_card():
    assert fault_of(VirtualChip(kind=Kind(access="none"))).kind == "unsupported"
    assert fault_of(VirtualChip(kind=Kind(access="bac"))).kind == "unsupported"


@pytest.mark.parametrize("kind", ["torn", "mute"])
def test_a_card_that_goes_or_falls_silent_at_any_command(kind):
    whole = VirtualChip()
    take(whole)
    for at in range(len(whole.log)):
        manner = Manner(torn_after=at) if kind == "torn" else Manner(mute_after=at)
        assert fault_of(VirtualChip(manner=manner)).kind == kind


@pytest.mark.parametrize("access", ["pace", "bac"])
@pytest.mark.parametrize("garble", Garble.__args__)
def test_garbled_answers_from_any_command_on_end_in_a_fault_with_a_name(access, garble):
    whole = VirtualChip(kind=Kind(access=access))
    take(whole, "mrz")
    for at in range(len(garble) % 3, len(whole.log), 3):
        chip = VirtualChip(kind=Kind(access=access), manner=Manner(garble_after=at, garble=garble), seed=at)
        assert fault_of(chip, "mrz").kind not in {"torn", "mute", "reader_lost", "no_card"}


def test_a_portrait_beyond_32767_bytes_comes_whole():
    chip = VirtualChip()
    chip._inside[files.DG2] = content = encode(0x75, os.urandom(60_000))
    exchange = Exchange(chip.transmit, math.inf)
    open_chip(exchange, secret_of(chip), os.urandom)
    assert files.read_file(exchange, files.DG2) == content


def test_no_word_of_a_fault_holds_what_was_read():
    chip = VirtualChip(kind=Kind(forged=(1, 13), active="rsa"))
    person = chip.person
    for part in ("dg1", "dg13"):
        words = str(fault_of(VirtualChip(kind=Kind(forged=(1, 13))), parts=(part,)))
        assert not any(value in words for value in (person.id_number, person.can, person.name))
