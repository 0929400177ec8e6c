"""The curves against `cryptography` and OpenSSL: their keys are points of ours, and both compute one secret."""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge_agent.drivers.reader.emrtd.curves import CURVES, CURVES_BY_OID, Curve, PointFault

THEIRS = {
    12: ec.SECP256R1(),
    13: ec.BrainpoolP256R1(),
    15: ec.SECP384R1(),
    16: ec.BrainpoolP384R1(),
    17: ec.BrainpoolP512R1(),
    18: ec.SECP521R1(),
}
OPENSSL = {
    12: "prime256v1",
    13: "brainpoolP256r1",
    14: "brainpoolP320r1",
    15: "secp384r1",
    16: "brainpoolP384r1",
    17: "brainpoolP512r1",
    18: "secp521r1",
}
each_curve = pytest.mark.parametrize("curve", CURVES.values(), ids=lambda curve: curve.name)


def x962(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.mark.parametrize("number", THEIRS)
def test_a_key_of_cryptography_is_a_point_of_ours_and_both_agree_on_a_secret(number):
    curve, theirs = CURVES[number], ec.generate_private_key(THEIRS[number])
    secret = theirs.private_numbers().private_value
    assert curve.encode(curve.multiply(secret, curve.g)) == x962(theirs.public_key())
    ours = ec.generate_private_key(THEIRS[number])
    shared = curve.multiply(ours.private_numbers().private_value, curve.decode(x962(theirs.public_key())))
    assert curve.coordinate(shared[0]) == ours.exchange(ec.ECDH(), theirs.public_key())


@each_curve
def test_openssl_names_the_same_numbers(curve: Curve):
    text = subprocess.run(
        ["openssl", "ecparam", "-name", OPENSSL[curve.parameter_id], "-param_enc", "explicit", "-text", "-noout"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    digits = "".join(text.split()).replace(":", "").lower()
    for number in (curve.p, curve.a, curve.b, curve.n, *curve.g):
        assert f"{number:x}" in digits
    assert "cofactor1(0x1)" in digits
    named = subprocess.run(
        ["openssl", "ecparam", "-name", OPENSSL[curve.parameter_id], "-outform", "DER"], capture_output=True, check=True
    ).stdout
    from asn1crypto.core import ObjectIdentifier

    assert ObjectIdentifier.load(named).dotted == curve.oid
    assert CURVES_BY_OID[curve.oid] is curve


@each_curve
def test_the_group_law(curve: Curve):
    two = curve.add(curve.g, curve.g)
    assert curve.contains(curve.g)
    assert two == curve.multiply(2, curve.g)
    assert curve.add(two, curve.g) == curve.multiply(3, curve.g) == curve.add(curve.g, two)
    assert curve.multiply(curve.n + 5, curve.g) == curve.multiply(5, curve.g)
    minus = curve.multiply(curve.n - 1, curve.g)
    assert minus == (curve.g[0], curve.p - curve.g[1])
    with pytest.raises(PointFault):
        curve.add(minus, curve.g)
    with pytest.raises(PointFault):
        curve.multiply(curve.n, curve.g)


@each_curve
def test_only_a_whole_uncompressed_point_of_the_curve_is_taken(curve: Curve):
    good = curve.encode(curve.g)
    assert curve.decode(good) == curve.g
    off = curve.encode((curve.g[0], curve.g[1] ^ 1))
    reduced = b"\x04" + curve.p.to_bytes(curve.size_bytes, "big") + good[1 + curve.size_bytes :]
    compressed = b"\x02" + good[1 : 1 + curve.size_bytes]
    for data in (b"", b"\0", b"\x04", good[:-1], good + b"\0", b"\x06" + good[1:], off, reduced, compressed):
        with pytest.raises(PointFault):
            curve.decode(data)


@each_curve
def test_a_private_number_is_never_zero_nor_the_order(curve: Curve):
    size = curve.random_size_bytes
    assert curve.scalar(bytes(size)) == 1
    assert curve.scalar((curve.n - 2).to_bytes(size, "big")) == curve.n - 1
    assert curve.scalar((curve.n - 1).to_bytes(size, "big")) == 1
