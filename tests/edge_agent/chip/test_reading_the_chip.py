"""The simulated reader reads the virtual chip with the station's own terminal: two sides written apart must agree."""

from __future__ import annotations

import threading

import pytest

from edge_agent.card import CardFault, CardRequest, Secret
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.reader.virtual_chip import Kind, Manner, Offer, VirtualChip
from edge_agent.events import CardIn, CardOut
from edge_agent.ports import PortFault

AS_OF_MS = 1_795_000_000_000  # November 2026
UID = b"\x04\1\2\3\4\5\6"


def reader(*chips):
    made = open_driver("reader", "simulated", {"name": "rig"})
    made.open()
    for chip in chips:
        made.insert(chip)
        assert made.wait(1) == CardIn("rig")
    return made


def request(chip, *parts, secret="can", anchors=True):
    given = chip.person.can if secret == "can" else chip.person.mrz_information
    trusted = (chip.anchor,) if anchors else ()
    return CardRequest(bytes(16), Secret(secret, given), parts or ("dg1",), trusted, AS_OF_MS)


def read(kind, *parts, **manner):
    chip = VirtualChip(kind=kind, seed=6)
    return chip, reader(chip).read(request(chip, *parts, **manner))


@pytest.mark.parametrize(
    ("kind", "secret", "access"),
    [
        (Kind(), "can", "pace_can"),
        (Kind(), "mrz", "pace_mrz"),
        (Kind(access="bac"), "mrz", "bac"),
        (Kind(access="pace", knows_master_file=True), "mrz", "pace_mrz"),
        (Kind(offers=(Offer("3DES", 12),)), "can", "pace_can"),
        (Kind(offers=(Offer("AES-192", 15),)), "can", "pace_can"),
        (Kind(offers=(Offer("AES-256", 13, 32),)), "can", "pace_can"),
        (Kind(offers=(Offer("AES-128", 18), Offer("AES-128", 12), Offer("AES-256", 17))), "mrz", "pace_mrz"),
    ],
)
def test_every_way_in(kind, secret, access):
    chip, card = read(kind, "dg1", "dg2", "dg13", secret=secret)
    assert (card.access, card.mrz) == (access, "".join(chip.person.mrz_lines))
    assert (card.national["name"], card.national["residence"]) == (chip.person.name, chip.person.residence)
    assert card.portrait in chip._inside[0x0102]
    assert len(card.portrait) > 15_000
    assert (card.authenticity, card.clone_check) == ("verified", "active")


@pytest.mark.parametrize("signer", ["ec", "ec_explicit", "ec_384", "rsa", "rsa_pss"])
def test_every_signer(signer):
    _, card = read(Kind(signer=signer), "dg1", "dg13")
    assert (card.authenticity, card.doubt) == ("verified", "")
    _, card = read(Kind(signer=signer), "dg1", anchors=False)
    assert (card.authenticity, card.doubt) == ("not_verified", "no_anchors")


@pytest.mark.parametrize(
    ("kind", "doubt"),
    [
        (Kind(sod="wrong_signer"), "issuer"),
        (Kind(sod="expired_signer"), "period"),
        (Kind(sod="absent"), "unsigned"),
        (Kind(unlisted=(1,)), "unsigned"),
    ],
)
def test_what_nobody_vouches_for_does_not_pass_for_verified(kind, doubt):
    card = read(kind)[1]
    assert (card.authenticity, card.doubt) == ("not_verified", doubt)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind(sod="wrong_signature"), "not_authentic"),
        (Kind(forged=(1,)), "not_authentic"),
        (Kind(forged=(15,)), "not_authentic"),
        (Kind(cloned=True), "copied"),
        (Kind(active="rsa", cloned=True), "copied"),
        (Kind(active="rsa_2048", cloned=True), "copied"),
        (Kind(chip_authentication="3DES", cloned=True), "copied"),
        (Kind(chip_authentication="AES-128", cloned=True), "copied"),
    ],
)
def test_what_is_proven_wrong_is_said(kind, said):
    with pytest.raises(CardFault) as fault:
        read(kind)
    assert fault.value.kind == said


@pytest.mark.parametrize(
    ("kind", "proof"),
    [
        (Kind(active="rsa"), "active"),
        (Kind(active="rsa_2048"), "active"),
        (Kind(active="none"), "not_offered"),
        *((Kind(chip_authentication=suite), "chip") for suite in ("3DES", "AES-128", "AES-192", "AES-256")),
    ],
)
def test_every_proof_of_an_own_key(kind, proof):
    assert read(kind)[1].clone_check == proof


@pytest.mark.parametrize(("national", "known"), [("partial", 10), ("mixed", 7), ("opaque", 0), ("absent", 0)])
def test_national_data_may_be_missing_in_part_or_whole(national, known):
    chip, card = read(Kind(national=national), "dg1", "dg13")
    assert len(card.national) == known
    assert card.mrz == "".join(chip.person.mrz_lines)


@pytest.mark.parametrize(
    ("manner", "kind"),
    [
        (Manner(torn_after=20), "torn"),
        (Manner(mute_after=20), "mute"),
        (Manner(garble_after=20, garble="short"), "damaged"),
        (Manner(garble_after=20, garble="noise"), "damaged"),
    ],
)
def test_faults_have_their_names(manner, kind):
    chip = VirtualChip(manner=manner)
    rig = reader(chip)
    with pytest.raises(CardFault) as fault:
        rig.read(request(chip, "dg1", "dg2"))
    assert fault.value.kind == kind
    assert rig.wait(0) == (CardOut("rig") if kind == "torn" else None)


def test_wrong_secrets_and_a_chip_that_takes_no_more():
    chip = VirtualChip(kind=Kind(attempts_max=1))
    rig = reader(chip)
    with pytest.raises(CardFault) as fault:
        rig.read(CardRequest(bytes(16), Secret("can", "000000")))
    assert fault.value.kind == "wrong_can"
    with pytest.raises(CardFault) as fault:
        rig.read(request(chip))
    assert fault.value.kind == "blocked"


@pytest.mark.parametrize(("uid", "seen"), [(UID, UID), (UID[:4], UID[:4]), ("random", b""), (None, b"")])
def test_the_uid_is_told_unless_it_is_drawn(uid, seen):
    chip = VirtualChip(kind=Kind(access="none", uid=uid))
    rig = reader(chip)
    assert rig.read(CardRequest(bytes(16), None, ("uid",))).uid == seen
    with pytest.raises(CardFault) as fault:
        rig.read(request(chip))
    assert fault.value.kind == "unsupported"


def test_no_card_and_two_cards():
    chip = VirtualChip()
    rig = reader()
    for laid, kind in ((0, "no_card"), (2, "two_cards")):
        for _ in range(laid):
            rig.insert(VirtualChip())
        with pytest.raises(CardFault) as fault:
            rig.read(request(chip))
        assert fault.value.kind == kind
    rig.remove()
    rig.insert(chip)
    assert rig.read(request(chip)).access == "pace_can"


def test_a_card_laid_without_a_word_is_the_usual_one():
    rig = reader()
    rig.insert()
    assert rig.read(request(VirtualChip())).mrz == "".join(VirtualChip().person.mrz_lines)


@pytest.mark.parametrize(
    ("act", "fault", "words"),
    [
        (lambda rig: rig.remove(), CardFault, "taken away"),
        (lambda rig: rig.plug(plugged=False), PortFault, "not plugged in"),
    ],
)
def test_a_card_or_a_cable_pulled_in_the_middle(act, fault, words):
    chip = VirtualChip()
    rig = reader(chip)
    there, gone = threading.Event(), threading.Event()

    def pause(_s):
        there.set()
        gone.wait(30)

    chip.manner.silence_after, chip.manner.pause = 20, pause

    def pull():
        there.wait(30)
        act(rig)
        gone.set()

    hand = threading.Thread(target=pull)
    hand.start()
    with pytest.raises(fault, match=words):
        rig.read(request(chip, "dg1", "dg2"))
    hand.join()


def test_nothing_is_read_without_a_cable():
    rig = reader(VirtualChip())
    rig.plug(plugged=False)
    with pytest.raises(PortFault) as fault:
        rig.read(CardRequest(bytes(16), None, ("uid",)))
    assert fault.value.state == "noDevice"
