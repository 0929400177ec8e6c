"""Whole readings against the virtual chip, which was written from the standard and not from the reader."""

import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.card import CardData, CardFault, CardRequest, Secret
from edge_agent.drivers.reader.chip.manner import Garble
from edge_agent.drivers.reader.emrtd import files, lds
from edge_agent.drivers.reader.emrtd.apdu import Exchange
from edge_agent.drivers.reader.emrtd.curves import CURVES
from edge_agent.drivers.reader.emrtd.opening import open_chip
from edge_agent.drivers.reader.emrtd.reading import read
from edge_agent.drivers.reader.emrtd.sod import read_security_object
from edge_agent.drivers.reader.emrtd.tlv import encode
from edge_agent.drivers.reader.virtual_chip import Kind, Manner, Offer, VirtualChip
from tests.edge_agent.emrtd.openssl_issuer import Issuer, lds_object

ALL = ("dg1", "dg13", "dg2")
DAY_MS = 86_400_000


def secret_of(chip: VirtualChip, kind: str = "can") -> Secret:
    return Secret("can", chip.person.can) if kind == "can" else Secret("mrz", chip.person.mrz_information)


def take(chip: VirtualChip, kind: str = "can", parts=("dg1", "dg13"), *, anchors=True, as_of_ms=None) -> CardData:
    known = (chip.anchor,) if anchors else ()
    request = CardRequest(bytes(16), secret_of(chip, kind), parts, known, as_of_ms)
    return read(chip.transmit, request, os.urandom, math.inf)


def fault_of(chip: VirtualChip, *arguments, **named) -> CardFault:
    with pytest.raises(CardFault) as fault:
        take(chip, *arguments, **named)
    return fault.value


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
    assert (card.authenticity, card.clone_check) == ("verified", "active")


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
    assert fault_of(copy).kind == "not_authentic"


@pytest.mark.parametrize("active", ["ec", "rsa", "rsa_2048"])
def test_every_kind_of_active_authentication(active):
    assert take(VirtualChip(kind=Kind(active=active))).clone_check == "active"
    assert fault_of(VirtualChip(kind=Kind(active=active, cloned=True))).kind == "not_authentic"


def test_a_chip_without_proofs_or_with_a_long_one_that_cannot_be_carried():
    assert take(VirtualChip(kind=Kind(active="none"))).clone_check == "not_offered"
    manner = Manner(refuses_long=True)
    assert take(VirtualChip(kind=Kind(active="rsa_2048"), manner=manner)).clone_check == "not_offered"


@pytest.mark.parametrize("national", ["opaque", "absent"])
def test_national_data_that_are_opaque_or_absent_are_empty(national):
    card = take(VirtualChip(kind=Kind(national=national)))
    assert (card.national, card.authenticity) == ({}, "verified")


def test_only_what_was_asked_for_is_read():
    chip = VirtualChip()
    card = take(chip, parts=("dg13",))
    assert (card.mrz, card.portrait) == ("", b"")
    assert card.national
    assert take(VirtualChip(), parts=("uid",)) == CardData(access="pace_can")
    assert read(chip.transmit, CardRequest(bytes(16), None, ("uid",)), os.urandom, math.inf) == CardData()


@pytest.mark.parametrize(("number", "parts"), [(1, ("dg1",)), (2, ("dg2",)), (13, ("dg13",)), (14, ALL), (15, ALL)])
def test_a_group_that_is_not_what_was_signed_is_not_authentic(number, parts):
    chip = VirtualChip(kind=Kind(forged=(number,)))
    assert fault_of(chip, parts=parts).kind == "not_authentic"
    assert fault_of(VirtualChip(kind=Kind(forged=(number,))), parts=parts, anchors=False).kind == "not_authentic"


def test_a_group_that_nobody_signed_is_not_verified():
    card = take(VirtualChip(kind=Kind(unlisted=(13,))))
    assert (card.authenticity, bool(card.national)) == ("not_verified", True)
    assert take(VirtualChip(kind=Kind(unlisted=(15,)))).clone_check == "not_offered"


def test_a_copy_that_hides_its_public_key_is_not_authentic():
    chip = VirtualChip()
    del chip._inside[files.DG15]
    assert "DG15" in str(fault_of(chip))


def test_without_the_zone_it_is_damaged():
    chip = VirtualChip()
    del chip._inside[files.DG1]
    assert fault_of(chip).kind == "damaged"


def test_the_signer_is_held_against_the_time():
    when = 1_700_000_000_000
    assert take(VirtualChip(kind=Kind(sod="expired_signer")), as_of_ms=when).authenticity == "not_verified"
    assert take(VirtualChip(kind=Kind(sod="expired_signer"))).authenticity == "verified"
    assert take(VirtualChip(), as_of_ms=when).authenticity == "verified"


@pytest.mark.parametrize(("sod", "outcome"), [("wrong_signer", "not_verified"), ("absent", "not_verified")])
def test_a_signer_that_is_not_known_or_no_sod_is_not_verified(sod, outcome):
    assert take(VirtualChip(kind=Kind(sod=sod))).authenticity == outcome


def test_keys_that_only_sha1_vouches_for_are_not_asked(tmp_path):
    chip = VirtualChip()
    groups = {file_id & 0xFF: content for file_id, content in chip._inside.items() if 0x0101 <= file_id <= 0x010F}
    issuer = Issuer(tmp_path, "prime256v1")
    chip._inside[files.SOD] = issuer.sod(lds_object(groups, "sha1"))
    request = CardRequest(bytes(16), secret_of(chip), anchors=(issuer.csca.der,))
    card = read(chip.transmit, request, os.urandom, math.inf)
    assert (card.authenticity, card.clone_check) == ("not_verified", "not_offered")


def test_a_chip_of_the_openssl_program_is_verified(tmp_path):
    chip = VirtualChip(kind=Kind(active="none"))
    groups = {1: chip._inside[files.DG1], 13: chip._inside[files.DG13]}
    issuer = Issuer(tmp_path, "brainpoolP256r1+explicit")
    chip._inside[files.SOD] = issuer.sod(lds_object(groups))
    request = CardRequest(bytes(16), secret_of(chip), ("dg1", "dg13"), (issuer.csca.der,))
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


QUICK = settings(max_examples=60, deadline=None, database=None)
WRITTEN = VirtualChip(seed=11, kind=Kind(chip_authentication="AES-128"))
PARSERS = {
    files.CARD_ACCESS: lds.security_infos,
    files.DG1: lds.mrz_text,
    files.DG2: lds.portrait,
    files.DG13: lds.national_data,
    files.DG14: lds.chip_security_infos,
    files.DG15: lds.public_key_bytes,
    files.SOD: lambda data: read_security_object(data).issuer_vouches([WRITTEN.anchor], 0),
}


def content_of(file_id: int) -> bytes:
    return WRITTEN._outside[file_id] if file_id == files.CARD_ACCESS else WRITTEN._inside[file_id]


@pytest.mark.parametrize("file_id", PARSERS)
@given(data=st.data())
@settings(QUICK)
def test_a_changed_file_is_read_or_refused_by_name(file_id, data):
    content = bytearray(content_of(file_id))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(content) - 1, 2000)))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
        if not content:
            break
    try:
        PARSERS[file_id](bytes(content))
    except CardFault as fault:
        assert fault.kind in {"damaged", "not_authentic"}  # noqa: PT017 - most changed files are read


@pytest.mark.parametrize("file_id", PARSERS)
@given(data=st.binary(max_size=300))
@settings(QUICK)
def test_any_bytes_for_a_file_are_read_or_refused_by_name(file_id, data):
    tag = content_of(file_id)[0]
    for content in (data, encode(tag, data)):
        try:
            PARSERS[file_id](content)
        except CardFault as fault:
            assert fault.kind in {"damaged", "not_authentic"}  # noqa: PT017


@given(at=st.integers(0, 40), answer=st.binary(max_size=80), status=st.sampled_from([b"", b"\x90\x00", b"\x62\x82"]))
@settings(QUICK)
def test_one_strange_answer_anywhere_ends_in_a_fault_with_a_name_or_in_a_reading(at, answer, status):
    chip, count = VirtualChip(seed=1), 0

    def transmit(apdu: bytes) -> bytes:
        nonlocal count
        count += 1
        return answer + status if count == at else chip.transmit(apdu)

    try:
        card = read(transmit, CardRequest(bytes(16), secret_of(chip), ("dg1", "dg13")), os.urandom, math.inf)
    except CardFault as fault:
        assert fault.kind not in {"torn", "mute", "reader_lost", "no_card"}  # noqa: PT017
    else:
        assert card.mrz == "".join(chip.person.mrz_lines)
