"""Public keys: what is known is taken, what is another kind is unknown, what is none is damaged."""

import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge_agent.drivers.reader.emrtd.curves import CURVES
from edge_agent.drivers.reader.emrtd.public_keys import (
    EcKey,
    RsaKey,
    Scheme,
    Unknown,
    hash_of,
    read_public_key,
    signature_fits,
)
from edge_agent.drivers.reader.emrtd.tlv import TlvFault, encode, encode_oid

EC_OID, STANDARDIZED = "1.2.840.10045.2.1", "0.4.0.127.0.7.1.2"
RSA = rsa.generate_private_key(65537, 1024)
EC = ec.generate_private_key(ec.SECP256R1())
P256, BP320 = CURVES[12], CURVES[14]


def spki(key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def info(oid: str, parameters: bytes, key: bytes, *, unused: bytes = b"\0") -> bytes:
    return encode(0x30, encode(0x30, encode(0x06, encode_oid(oid)) + parameters) + encode(0x03, unused + key))


def numbers(*values: int) -> bytes:
    return encode(0x30, b"".join(encode(0x02, value.to_bytes(200, "big")) for value in values))


def point(curve=P256) -> bytes:
    return curve.encode(curve.multiply(7, curve.g))


@pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)
@pytest.mark.parametrize("form", ["named_curve", "explicit"])
def test_the_keys_of_openssl(curve, form):
    name = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}.get(curve.name, curve.name)
    made = subprocess.run(
        ["openssl", "ecparam", "-genkey", "-noout", "-name", name, "-param_enc", form], capture_output=True, check=True
    ).stdout
    public = subprocess.run(
        ["openssl", "ec", "-pubout", "-outform", "DER"], input=made, capture_output=True, check=True
    ).stdout
    key = read_public_key(public)
    assert isinstance(key, EcKey)
    assert key.curve is curve
    assert public.endswith(curve.encode(key.point))


def test_a_curve_by_its_number():
    key = read_public_key(info(STANDARDIZED, b"\x02\x01\x0c", point()))
    assert key == EcKey(P256, P256.multiply(7, P256.g))


def test_rsa():
    of_rsa = RSA.public_key().public_numbers()
    assert read_public_key(spki(RSA)) == RsaKey(of_rsa.n, of_rsa.e)
    assert RsaKey(of_rsa.n, of_rsa.e).size_bytes == 128


def explicit(**changes: bytes) -> bytes:
    parts = {
        "version": b"\x02\x01\x01",
        "field": encode(0x30, b"\x06\x07\x2a\x86\x48\xce\x3d\x01\x01" + encode(0x02, b"\0" + P256.coordinate(P256.p))),
        "curve": encode(0x30, encode(0x04, P256.coordinate(P256.a)) + encode(0x04, P256.coordinate(P256.b))),
        "base": encode(0x04, point()),  # not its generator: ours is taken in any case
        "order": encode(0x02, b"\0" + P256.coordinate(P256.n)),
    }
    return encode(0x30, b"".join((parts | changes).values()))


def test_a_generator_of_ones_own_changes_nothing():
    """A forged key may bring a generator of its own (CVE-2020-0601): the curve's own one is used."""
    key = read_public_key(info(EC_OID, explicit(), point()))
    assert key.curve is P256


@pytest.mark.parametrize(
    "key",
    [
        info("1.3.101.112", b"", bytes(32)),
        info(EC_OID, b"", point()),
        info(EC_OID, encode(0x05, b""), point()),
        info(EC_OID, encode(0x06, encode_oid("1.3.132.0.10")), point()),
        info(STANDARDIZED, b"\x02\x01\x01", point()),
        info(EC_OID, explicit(curve=encode(0x30, encode(0x04, b"\1") + encode(0x04, b"\2"))), point()),
        info(EC_OID, explicit(field=encode(0x30, b"\x02\x01\x01")), point()),
        info(EC_OID, explicit(field=b"\x02\x01\x01"), point()),
        info(EC_OID, encode(0x30, b""), point()),
        info("1.2.840.113549.1.1.1", b"\5\0", numbers(1 << 1022 | 1, 65537)),
        info("1.2.840.113549.1.1.1", b"\5\0", numbers(1 << 1023 | 1, 1)),
        info("1.2.840.113549.1.1.1", b"\5\0", numbers(1 << 1023 | 1, 1 << 33 | 1)),
        info("1.2.840.113549.1.1.1", b"\5\0", numbers(1 << 1023, 65537)),
        info("1.2.840.113549.1.1.1", b"\5\0", encode(0x30, encode(0x02, b"\x80" + bytes(150)) + b"\x02\x01\x03")),
        encode(0x30, encode(0x30, b"") + encode(0x03, b"\0")),
    ],
    ids=range(15),
)
def test_another_kind_of_key_is_unknown(key):
    with pytest.raises(Unknown):
        read_public_key(key)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        encode(0x30, b""),
        encode(0x30, encode(0x31, b"") + encode(0x03, b"\0")),
        info(EC_OID, encode(0x06, encode_oid(P256.oid)), point(), unused=b"\1"),
        info(EC_OID, encode(0x06, encode_oid(P256.oid)), point()[:-1]),
        info(EC_OID, encode(0x06, encode_oid(P256.oid)), point()[:-1] + b"\0"),
        info("1.2.840.113549.1.1.1", b"\5\0", numbers(3)),
        info("1.2.840.113549.1.1.1", b"\5\0", b"\5\0"),
    ],
    ids=range(8),
)
def test_what_is_no_key_is_damaged(key):
    with pytest.raises(TlvFault):
        read_public_key(key)


def test_signatures_fit_or_do_not():
    signed = RSA.sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    key = read_public_key(spki(RSA))
    assert signature_fits(key, Scheme("pkcs1", "sha256"), signed, b"data")
    assert not signature_fits(key, Scheme("pkcs1", "sha256"), signed, b"other")
    assert not signature_fits(key, Scheme("pkcs1", "sha512"), signed, b"data")
    assert not signature_fits(key, Scheme("pss", "sha256", "sha256", 32), signed, b"data")
    short = EC.sign(b"data", ec.ECDSA(hashes.SHA224()))
    assert signature_fits(read_public_key(spki(EC)), Scheme("ecdsa", "sha224"), short, b"data")
    assert not signature_fits(read_public_key(spki(EC)), Scheme("ecdsa", "sha224"), b"nonsense", b"data")


@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        (read_public_key(spki(RSA)), Scheme("ecdsa", "sha256")),
        (read_public_key(spki(EC)), Scheme("pkcs1", "sha256")),
        (read_public_key(spki(EC)), Scheme("ecdsa", "sha1")),
        (read_public_key(spki(RSA)), Scheme("pss", "sha256", "sha1", 20)),
        (read_public_key(spki(RSA)), Scheme("pss", "sha256", "sha256", -7)),
        (EcKey(BP320, BP320.g), Scheme("ecdsa", "sha256")),
    ],
)
def test_a_way_of_signing_that_is_not_spoken_is_unknown(key, scheme):
    with pytest.raises(Unknown):
        signature_fits(key, scheme, bytes(128), b"data")


@pytest.mark.parametrize("salt_bytes", [-(1 << 64), -1, 129, 1 << 31, 1 << 63, 1 << 64, 1 << 4000])
def test_a_salt_that_no_signature_has_room_for_is_unknown(salt_bytes):
    with pytest.raises(Unknown):
        signature_fits(read_public_key(spki(RSA)), Scheme("pss", "sha256", "sha256", salt_bytes), bytes(128), b"data")


@pytest.mark.parametrize("salt_bytes", [0, 20, 32, 94])
def test_a_salt_may_be_as_long_as_there_is_room(salt_bytes):
    key, scheme = read_public_key(spki(RSA)), Scheme("pss", "sha256", "sha256", salt_bytes)
    signed = RSA.sign(b"data", padding.PSS(padding.MGF1(hashes.SHA256()), salt_bytes), hashes.SHA256())
    assert signature_fits(key, scheme, signed, b"data")
    assert not signature_fits(key, scheme, bytes(128), b"data")


def test_the_hashes_have_their_names():
    assert {name: hash_of(name).name for name in ("sha224", "sha256", "sha384", "sha512")} == {
        name: name for name in ("sha224", "sha256", "sha384", "sha512")
    }
