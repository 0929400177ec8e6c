"""Active Authentication and Chip Authentication: what a chip with the key answers, and what a copy may try."""

import hashlib
import math

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import Exchange
from edge_agent.drivers.reader.emrtd.clone_check import Proof, check_for_clone
from edge_agent.drivers.reader.emrtd.tlv import encode, encode_oid

CHALLENGE = b"8 bytes!"
RSA = rsa.generate_private_key(65537, 1024)
RSA_LONG = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.BrainpoolP256R1())
AES128, KEY_EC = "0.4.0.127.0.7.2.2.3.2.2", "0.4.0.127.0.7.2.2.1.2"
ACTIVE, NOT_OFFERED = Proof("active", ""), Proof("not_offered", "")
UNPROVEN, UNSPOKEN = Proof("unproven", "unproven"), Proof("unproven", "algorithm")


def spki(key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def dg15(key) -> bytes:
    return encode(0x6F, spki(key))


def info(oid: str, *rest: bytes) -> bytes:
    return encode(0x30, encode(0x06, encode_oid(oid)) + b"".join(rest))


def number(value: int) -> bytes:
    return encode(0x02, bytes((value,)))


def dg14(*infos: bytes) -> bytes:
    return encode(0x6E, encode(0x31, b"".join(infos)))


def active_info(arc: int) -> bytes:
    signed_with = encode(0x06, encode_oid(f"0.4.0.127.0.7.1.1.4.1.{arc}"))
    return info("2.23.136.1.1.5", number(1), signed_with)


def check(transmit, groups14: bytes | None, groups15: bytes | None) -> Proof:
    def random_bytes(size: int) -> bytes:
        return CHALLENGE if size == len(CHALLENGE) else bytes(range(size))

    return check_for_clone(Exchange(transmit, math.inf), groups14, groups15, random_bytes)


def kind_of(*arguments) -> str:
    with pytest.raises(CardFault) as fault:
        check(*arguments)
    return fault.value.kind


def sign_rsa(message: bytes, key=RSA) -> bytes:
    numbers, size = key.private_numbers(), key.key_size // 8
    signed = pow(int.from_bytes(message, "big"), numbers.d, numbers.public_numbers.n)
    return signed.to_bytes(size, "big")


def iso_9796_2(trailer: bytes, hash_name: str, *, key=RSA, challenge=CHALLENGE, filled=False) -> bytes:
    """Scheme 1 with a part of the message given back; `filled`: a part that is shorter than there is room."""
    digest_size = hashlib.new(hash_name).digest_size
    room = key.key_size // 8 - 1 - digest_size - len(trailer)
    part = bytes(i % 256 for i in range(room))
    head = b"\x6a"
    if filled:
        part, head = part[10:], b"\x6b" + b"\xbb" * 9 + b"\xba"
    return head + part + hashlib.new(hash_name, part + challenge).digest() + trailer


@pytest.mark.parametrize(
    ("trailer", "hash_name"),
    [(b"\xbc", "sha1"), (b"\x34\xcc", "sha256"), (b"\x38\xcc", "sha224"), (b"\x33\xcc", "sha1")],
)
@pytest.mark.parametrize("filled", [False, True])
def test_rsa_gives_its_message_back(trailer, hash_name, filled):
    signature = sign_rsa(iso_9796_2(trailer, hash_name, filled=filled))
    asked = []

    def chip(apdu: bytes) -> bytes:
        asked.append(apdu)
        return signature + b"\x90\x00"

    assert check(chip, None, dg15(RSA)) == ACTIVE
    assert asked == [bytes.fromhex("0088000008") + CHALLENGE + b"\x00"]


def test_the_smaller_of_the_two_rsa_signatures_is_taken_too():
    n = RSA.public_key().public_numbers().n
    signature = sign_rsa(iso_9796_2(b"\xbc", "sha1"))
    other = (n - int.from_bytes(signature, "big")).to_bytes(128, "big")
    assert check(lambda _: other + b"\x90\x00", None, dg15(RSA)) == ACTIVE


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        bytes(128),
        bytes(127) + b"\1",
        b"\xff" * 128,
        sign_rsa(iso_9796_2(b"\xbc", "sha1"))[:-1],
        sign_rsa(iso_9796_2(b"\xbc", "sha1", challenge=b"another!")),
        sign_rsa(iso_9796_2(b"\xbc", "sha256")),
        sign_rsa(iso_9796_2(b"\x31\xcc", "sha256")),
        sign_rsa(b"\x6b" + b"\xbb" * 127),
        sign_rsa(b"\x4a" + iso_9796_2(b"\xbc", "sha1")[1:]),
    ],
    ids=range(10),
)
def test_a_wrong_rsa_signature_is_a_copys(signature):
    assert kind_of(lambda _: signature + b"\x90\x00", None, dg15(RSA)) == "copied"


def plain(key, data: bytes, algorithm) -> bytes:
    size = (key.key_size + 7) // 8
    return b"".join(part.to_bytes(size, "big") for part in decode_dss_signature(key.sign(data, ec.ECDSA(algorithm))))


def test_ecdsa_signs_the_challenge():
    signature = plain(EC, CHALLENGE, SHA256())
    assert check(lambda _: signature + b"\x90\x00", dg14(active_info(3)), dg15(EC)) == ACTIVE
    for wrong in (signature[:-1], bytes(64), signature[:-1] + bytes((signature[-1] ^ 1,))):
        assert kind_of(lambda _, wrong=wrong: wrong + b"\x90\x00", dg14(active_info(3)), dg15(EC)) == "copied"


def nobody_asks(_: bytes) -> bytes:
    raise AssertionError


@pytest.mark.parametrize(
    "group14",
    [
        None,
        dg14(),
        dg14(info(AES128, number(1))),  # a suite without a key
        dg14(active_info(3)),
    ],
)
def test_a_chip_that_names_no_key_is_not_asked(group14):
    assert check(nobody_asks, group14, None) == NOT_OFFERED


@pytest.mark.parametrize(
    ("group14", "group15"),
    [
        (None, dg15(EC)),  # its hash is not named
        (dg14(active_info(1)), dg15(EC)),  # SHA-1
        (dg14(active_info(9)), dg15(EC)),
        (None, dg15(ec.generate_private_key(ec.SECP224R1()))),
        (dg14(info("0.4.0.127.0.7.2.2.1.1", encode(0x30, b""))), None),  # a key for finite fields
        (dg14(info(KEY_EC, spki(RSA)), info(AES128, number(1))), None),
        (dg14(info(KEY_EC, spki(ec.generate_private_key(ec.SECP224R1()))), info(AES128, number(1))), None),
        (dg14(info(KEY_EC, spki(EC), number(1)), info(AES128, number(1), number(2))), None),
    ],
)
def test_a_key_that_is_not_spoken_here_is_not_asked_and_not_passed(group14, group15):
    assert check(nobody_asks, group14, group15) == UNSPOKEN


def test_a_key_that_is_not_spoken_here_does_not_hide_one_that_is():
    other = dg14(info("0.4.0.127.0.7.2.2.1.1", encode(0x30, b"")))
    signature = sign_rsa(iso_9796_2(b"\xbc", "sha1"))
    assert check(lambda _: signature + b"\x90\x00", other, dg15(RSA)) == ACTIVE


def test_an_old_sha1_is_not_taken_for_ecdsa():
    assert plain(EC, CHALLENGE, SHA1())
    assert check(nobody_asks, dg14(active_info(1)), dg15(EC)) == UNSPOKEN


@pytest.mark.parametrize("key_id", [b"\xff", b"\x80" + bytes(7), b"\1" + bytes(8), b"\x7f" + bytes(4000)])
def test_a_key_of_a_number_that_cannot_be_is_damaged(key_id):
    offer = dg14(info(KEY_EC, spki(EC), encode(0x02, key_id)), info(AES128, number(1), encode(0x02, key_id)))
    assert kind_of(lambda _: b"\x90\x00", offer, None) == "damaged"


def test_a_chip_that_refuses_to_sign_is_a_copy():
    assert kind_of(lambda _: b"\x6d\x00", None, dg15(RSA)) == "copied"


def test_a_long_signature_is_asked_for_by_extended_length():
    signature = sign_rsa(iso_9796_2(b"\x34\xcc", "sha256", key=RSA_LONG), RSA_LONG)
    asked = []

    def chip(apdu: bytes) -> bytes:
        asked.append(apdu)
        return signature + b"\x90\x00"

    assert check(chip, None, dg15(RSA_LONG)) == ACTIVE
    assert asked == [bytes.fromhex("00880000000008") + CHALLENGE + b"\x00\x00"]
    assert kind_of(lambda _: b"\x6d\x00", None, dg15(RSA_LONG)) == "copied"


@pytest.mark.parametrize("answer", [b"\x67\x00", b"", b"?", b"\x61\x20", b"a part\x61\x00", b"\x6c\xdf"])
def test_where_a_long_answer_does_not_come_nothing_is_proven(answer):
    assert check(lambda _: answer, None, dg15(RSA_LONG)) == UNPROVEN


def in_parts(signature: bytes, asked: list[bytes], *, extended: bool):
    """A chip that gives a long answer in parts of 100 bytes, when asked by extended length or only else."""
    left = b""

    def chip(apdu: bytes) -> bytes:
        nonlocal left
        asked.append(apdu)
        if apdu[1] == 0x88:
            if apdu[4] == 0 and not extended:
                return b"\x67\x00"
            left = signature
        part, left = left[:100], left[100:]
        return part + (bytes((0x61, len(left) & 0xFF)) if left else b"\x90\x00")

    return chip


def test_a_long_signature_may_come_in_parts():
    signature = sign_rsa(iso_9796_2(b"\x34\xcc", "sha256", key=RSA_LONG), RSA_LONG)
    asked: list[bytes] = []
    assert check(in_parts(signature, asked, extended=False), None, dg15(RSA_LONG)) == ACTIVE
    short = bytes.fromhex("0088000008") + CHALLENGE + b"\x00"
    assert asked[1:] == [short, bytes.fromhex("00C000009C"), bytes.fromhex("00C0000038")]
    asked.clear()
    assert check(in_parts(signature, asked, extended=True), None, dg15(RSA_LONG)) == ACTIVE
    assert len(asked) == 3
    wrong = signature[:-1] + bytes((signature[-1] ^ 1,))
    assert kind_of(in_parts(wrong, asked, extended=False), None, dg15(RSA_LONG)) == "copied"


def test_parts_without_an_end_end():
    asked: list[bytes] = []

    def chip(apdu: bytes) -> bytes:
        asked.append(apdu)
        return b"more" + b"\x61\x00"

    assert check(chip, None, dg15(RSA_LONG)) == UNPROVEN
    assert len(asked) == 64  # of 256 bytes in all


def test_a_card_that_is_taken_away_meanwhile_is_torn():
    def gone(_: bytes) -> bytes:
        raise CardFault("torn", "taken")

    assert kind_of(gone, None, dg15(RSA_LONG)) == "torn"
    assert kind_of(gone, dg14(info(KEY_EC, spki(EC)), info(AES128, number(1))), None) == "torn"
    waiting = [b"\x90\x00", b"\x90\x00"]
    taken_late = dg14(info(KEY_EC, spki(EC)), info(AES128, number(1)))
    assert kind_of(lambda apdu: waiting.pop() if waiting else gone(apdu), taken_late, None) == "torn"


def test_the_commands_of_chip_authentication():
    asked = []

    def chip(apdu: bytes) -> bytes:
        asked.append(apdu.hex())
        return b"\x90\x00"

    offer = dg14(info(KEY_EC, spki(EC), number(7)), info(AES128, number(1), number(7)))
    assert kind_of(chip, offer, None) == "copied"  # the last answer is not secured with the new keys
    assert asked[0] == "002241a40f800a04007f00070202030202" + "840107"
    assert asked[1].startswith("00860000457c43804104")
    asked.clear()
    assert kind_of(chip, dg14(info(KEY_EC, spki(EC))), None) == "copied"
    assert asked[0].startswith("002241a643914104")
    assert kind_of(lambda _: b"\x6a\x80", offer, dg15(RSA)) == "copied"
