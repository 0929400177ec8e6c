"""Who said it: keys, signatures, envelopes under kinds. Public vectors go through this room's own names."""

from __future__ import annotations

import base64
import contextlib
import re
from itertools import permutations
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.cbor import WireError
from device_profiles.wire import EDDSA, ESP256, Batch, envelope_decode, envelope_encode, protected_header, to_be_signed
from provisioning.keys import (
    KINDS,
    SignatureRefused,
    SigningKey,
    VerifyKey,
    device_id,
    key_id,
    open_message,
    sign_message,
)
from tests.golden.wire import samples
from tests.golden.wire.samples import CURVE_KEY, FIRST_BATCH, FLEET_KEY, MESSAGES, SIGNED, STATION_KEY

VECTORS = Path(cryptography_vectors.__file__).parent
KEYS = {"P-256": CURVE_KEY, "Ed25519": STATION_KEY}
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
LIMIT = 300 * 1024
DER, SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
QUICK = settings(max_examples=200, deadline=None, database=None)


def known(*keys: SigningKey):
    by_kid = {key.kid: key.public for key in keys}
    return by_kid.get


def reason(judge, *arguments) -> str:
    with pytest.raises(SignatureRefused) as refused:
        judge(*arguments)
    return refused.value.reason


def spki(key: object) -> bytes:
    return key.public_key().public_bytes(DER, SPKI)


@pytest.mark.parametrize("name", KEYS)
def test_a_key_signs_what_its_public_half_verifies(name):
    key = KEYS[name]
    signature = key.sign(b"data")
    assert len(signature) == 64
    VerifyKey.from_spki(key.spki).verify(signature, b"data")
    assert reason(key.public.verify, signature, b"date") == "signature"
    assert key.kid == key_id(key.spki) == key.public.kid
    assert key.alg == key.public.alg == (EDDSA if name == "Ed25519" else ESP256)


def test_ids_are_prefixes_of_the_hash_of_the_public_key():
    assert device_id(STATION_KEY.spki)[:8] == key_id(STATION_KEY.spki) == STATION_KEY.kid
    assert (len(device_id(STATION_KEY.spki)), len(STATION_KEY.kid)) == (16, 8)


@pytest.mark.parametrize(("alg", "kind"), [(ESP256, ec.EllipticCurvePrivateKey), (EDDSA, ed25519.Ed25519PrivateKey)])
def test_a_new_key_comes_back_from_its_file(alg, kind):
    key = SigningKey.generate(alg)
    assert isinstance(key.private, kind)
    again = SigningKey.from_pem(key.to_pem())
    assert (again.spki, again.alg, again.kid) == (key.spki, alg, key.kid)
    again.public.verify(key.sign(b"x"), b"x")
    assert SigningKey.generate(alg).kid != key.kid


def test_p_256_is_the_default():
    assert SigningKey.generate().alg == ESP256


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("size", [0, 1, 63, 65, 71, 72, 128])
def test_a_signature_of_another_length_is_refused(name, size):
    signature = (KEYS[name].sign(b"x") * 2)[:size]
    assert reason(KEYS[name].public.verify, signature, b"x") == "signature"


def test_a_der_signature_is_refused():
    der = CURVE_KEY.private.sign(b"x", ec.ECDSA(hashes.SHA256()))
    CURVE_KEY.private.public_key().verify(der, b"x", ec.ECDSA(hashes.SHA256()))
    assert reason(CURVE_KEY.public.verify, der, b"x") == "signature"
    for size in range(62, 80):  # whatever its length happens to be
        assert reason(CURVE_KEY.public.verify, der.ljust(size, b"\0")[:size], b"x") == "signature"


def test_both_halves_of_s_are_fine_and_nothing_outside_the_group():
    signature = CURVE_KEY.sign(b"x")
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    for each in (s, ORDER - s):
        CURVE_KEY.public.verify(signature[:32] + each.to_bytes(32), b"x")
    for bad_r, bad_s in ((0, s), (r, 0), (0, 0), (ORDER, s), (r, ORDER), (ORDER, ORDER), (2**256 - 1, s)):
        assert reason(CURVE_KEY.public.verify, bad_r.to_bytes(32) + bad_s.to_bytes(32), b"x") == "signature"


def test_small_numbers_keep_their_zeros():
    """r and s are 32 bytes each, also when they begin with zeros: one signature in 128 does."""
    for n in range(20_000):
        signature = CURVE_KEY.sign(n.to_bytes(2))
        if 0 in (signature[0], signature[32]):
            CURVE_KEY.public.verify(signature, n.to_bytes(2))
            return
    pytest.fail("no signature began with a zero")


def test_numbers_have_no_second_form():
    """r || 0 || s and r || s without its first zero are the same two numbers, and no signatures."""
    signature = CURVE_KEY.sign(b"x")
    for other in (signature[:32] + b"\0" + signature[32:], b"\0" + signature):
        assert reason(CURVE_KEY.public.verify, other, b"x") == "signature"
    while signature[32]:
        signature = CURVE_KEY.sign(b"x")
    assert reason(CURVE_KEY.public.verify, signature[:32] + signature[33:], b"x") == "signature"


def test_an_ed25519_signature_is_not_malleable():
    signature = STATION_KEY.sign(b"x")
    s = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    assert reason(STATION_KEY.public.verify, signature[:32] + s.to_bytes(32, "little"), b"x") == "signature"


OTHER_KEYS = {
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "RSA": rsa.generate_private_key(65537, 2048),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "X25519": x25519.X25519PrivateKey.generate(),
}


@pytest.mark.parametrize("name", OTHER_KEYS)
def test_keys_of_other_kinds_are_refused(name):
    key = OTHER_KEYS[name]
    assert reason(VerifyKey.from_spki, spki(key)) == "key"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert reason(SigningKey.from_pem, pem) == "key"


def public_parts() -> dict[str, bytes]:
    """Every public key of the public vectors that names a curve we do not take, or takes a form that is not DER's."""
    parts = {}
    for path in sorted((VECTORS / "asymmetric" / "EC").glob("*.pem")):
        found = re.search(rb"-----BEGIN PUBLIC KEY-----(.*?)-----END", path.read_bytes(), re.DOTALL)
        if found:
            parts[path.name] = base64.b64decode(found[1])
    return parts


@pytest.mark.parametrize("name", public_parts())
def test_keys_with_unknown_curves_or_spelled_out_parameters_are_refused(name):
    assert reason(VerifyKey.from_spki, public_parts()[name]) == "key"


def test_the_vectors_of_other_curves_are_there():
    assert {"sect163k1-spki.pem", "secp256r1-pub-explicit-seed.pem", "secp256k1-pub-explicit-no-seed.pem"} <= set(
        public_parts()
    )


def compressed() -> bytes:
    point = CURVE_KEY.private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    algorithm = CURVE_KEY.spki[2 : 2 + 2 + CURVE_KEY.spki[3]]
    bits = b"\x03" + bytes([len(point) + 1]) + b"\0" + point
    return b"\x30" + bytes([len(algorithm + bits)]) + algorithm + bits


NOT_THE_ONE_DER = {
    "compressed point": compressed(),
    "byte behind": CURVE_KEY.spki + b"\0",
    "byte behind, Ed25519": STATION_KEY.spki + b"\0",
    "long length": b"\x30\x81" + CURVE_KEY.spki[1:],
    "unused bits": STATION_KEY.spki[:11] + b"\x01" + STATION_KEY.spki[12:],
    "null parameters": b"\x30\x2c\x30\x07\x06\x03\x2b\x65\x70\x05\x00" + STATION_KEY.spki[9:],
    "point not on the curve": CURVE_KEY.spki[:-1] + bytes([CURVE_KEY.spki[-1] ^ 1]),
    "PEM": b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(CURVE_KEY.spki) + b"\n-----END PUBLIC KEY-----\n",
    "nothing": b"",
    "raw key": STATION_KEY.spki[-32:],
}


@pytest.mark.parametrize("name", NOT_THE_ONE_DER)
def test_one_key_has_one_encoding(name):
    assert reason(VerifyKey.from_spki, NOT_THE_ONE_DER[name]) == "key"


def test_the_compressed_point_would_be_the_same_key():
    """The library reads it; it would be a second name for one key, and so for one device."""
    assert spki_of(serialization.load_der_public_key(compressed())) == CURVE_KEY.spki


def spki_of(key: object) -> bytes:
    return key.public_bytes(DER, SPKI)


UNREADABLE = [
    "EC/explicit_parameters_private_key.pem",
    "EC/secp128r1_private_key.pem",
    "EC/truncated-private-key.der",
    "PKCS8/bad-oid-dsa-key.pem",
    "Ed25519/ed25519-pkcs8-enc.pem",  # under a password
    "Ed25519/ed25519-pub.pem",  # the public half
]


@pytest.mark.parametrize("name", UNREADABLE)
def test_files_that_are_no_private_key_of_ours_are_refused(name):
    assert reason(SigningKey.from_pem, (VECTORS / "asymmetric" / name).read_bytes()) == "key"
    assert reason(SigningKey.from_pem, b"") == "key"


@QUICK
@given(st.sampled_from([CURVE_KEY.spki, STATION_KEY.spki]), st.integers(0, 90), st.binary(max_size=3))
def test_damaged_keys_are_another_key_or_refused(data, at, put):
    damaged = data[:at] + put + data[at + len(put) :]
    with contextlib.suppress(SignatureRefused):
        assert VerifyKey.from_spki(damaged).spki == damaged


def fips_vectors() -> list[tuple[bytes, bytes, bytes, bool]]:
    """FIPS 186-3 SigVer, P-256 with SHA-256: (SPKI, signature r || s, message, whether it verifies)."""
    text = (VECTORS / "asymmetric/ECDSA/FIPS_186-3/SigVer.rsp").read_text("ascii")
    section = text.split("[P-256,SHA-256]")[1].split("[P-256,SHA-384]")[0]
    found = []
    for block in re.findall(r"Msg = .*?Result = [PF]", section, re.DOTALL):
        value = dict(re.findall(r"^(\w+) = (\w+)", block, re.MULTILINE))
        numbers = ec.EllipticCurvePublicNumbers(int(value["Qx"], 16), int(value["Qy"], 16), ec.SECP256R1())
        signature = bytes.fromhex(value["R"].zfill(64) + value["S"].zfill(64))
        found.append((spki_of(numbers.public_key()), signature, bytes.fromhex(value["Msg"]), value["Result"] == "P"))
    return found


def test_p_256_signatures_of_the_public_vectors():
    vectors = fips_vectors()
    assert len(vectors) == 15
    assert {valid for *_, valid in vectors} == {True, False}
    for key, signature, message, valid in vectors:
        if valid:
            VerifyKey.from_spki(key).verify(signature, message)
        else:
            assert reason(VerifyKey.from_spki(key).verify, signature, message) == "signature"


def test_ed25519_signatures_of_the_public_vectors():
    lines = (VECTORS / "asymmetric/Ed25519/sign.input").read_text("ascii").splitlines()
    assert len(lines) == 1024
    for line in lines:
        secret, public, message, signed = map(bytes.fromhex, line.split(":")[:4])
        key = SigningKey(ed25519.Ed25519PrivateKey.from_private_bytes(secret[:32]))
        assert key.spki[-32:] == public
        assert key.sign(message) == signed[:64]
        key.public.verify(signed[:64], message)
        assert reason(key.public.verify, signed[:64], message + b"x") == "signature"


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_message_opens_under_its_own_kind_and_no_other(name, kind):
    key = KEYS[name]
    data = sign_message(key, kind, b"payload")
    payload, by = open_message(kind, data, known(key, FLEET_KEY), LIMIT)
    assert (payload, by.kid) == (b"payload", key.kid)
    for other in KINDS - {kind}:
        assert reason(open_message, other, data, known(key), LIMIT) == "signature"


def test_ten_kinds_make_ninety_pairs():
    assert set(KINDS) == set(SIGNED)
    assert len(list(permutations(KINDS, 2))) == 90


def test_a_kind_that_does_not_exist_is_our_own_mistake():
    with pytest.raises(AssertionError):
        sign_message(CURVE_KEY, "kiosk/order/1", b"")


def test_an_unknown_key_is_refused_by_its_name():
    data = sign_message(CURVE_KEY, "kiosk/ack/1", b"x")
    with pytest.raises(SignatureRefused, match=CURVE_KEY.kid.hex()) as refused:
        open_message("kiosk/ack/1", data, known(STATION_KEY), LIMIT)
    assert refused.value.reason == "unknown_key"


@pytest.mark.parametrize(("key", "named"), [(CURVE_KEY, EDDSA), (STATION_KEY, ESP256)])
def test_the_algorithm_is_the_keys_and_never_the_messages(key, named):
    """The signature is right, over a header that names another algorithm: only the key may say which it is."""
    protected = protected_header(named, key.kid)
    data = envelope_encode(protected, b"x", key.sign(to_be_signed("kiosk/ack/1", protected, b"x")))
    assert reason(open_message, "kiosk/ack/1", data, known(key), LIMIT) == "algorithm"


@pytest.mark.parametrize("name", KEYS)
def test_what_was_signed_cannot_be_changed_anywhere(name):
    key = KEYS[name]
    data = sign_message(key, "kiosk/set/1", b"payload")
    for at in range(len(data)):
        for bit in (1, 0x80):
            changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises(WireError):
                open_message("kiosk/set/1", changed, known(key), LIMIT)


def test_a_signature_of_one_payload_is_none_of_another():
    first, second = (envelope_decode(sign_message(CURVE_KEY, "kiosk/set/1", each), LIMIT) for each in (b"1", b"2"))
    mixed = envelope_encode(first.protected, second.payload, first.signature)
    assert reason(open_message, "kiosk/set/1", mixed, known(CURVE_KEY), LIMIT) == "signature"


def test_a_message_is_measured_before_anything_else():
    data = sign_message(CURVE_KEY, "kiosk/set/1", b"payload")

    def never(kid: bytes) -> None:
        raise AssertionError(kid)

    with pytest.raises(WireError) as refused:
        open_message("kiosk/set/1", data, never, len(data) - 1)
    assert refused.value.reason == "too_large"


@pytest.mark.parametrize("kind", SIGNED)
def test_golden_messages_are_still_what_is_signed_and_still_open(kind):
    """Ed25519 gives the same signature each time; a P-256 one is another each time, so the kept one must open."""
    payload = MESSAGES[SIGNED[kind]].encode()
    data = sign_message(STATION_KEY, kind, payload)
    assert samples.golden(f"signed-{SIGNED[kind]}", data) == data
    assert open_message(kind, data, known(STATION_KEY), LIMIT)[0] == payload


def test_a_kept_p_256_message_still_opens():
    new = sign_message(CURVE_KEY, "kiosk/batch/1", FIRST_BATCH.encode())
    data = samples.golden("signed-batch-p256", new, once=True)
    payload, by = open_message("kiosk/batch/1", data, known(CURVE_KEY), LIMIT)
    assert (payload, by.alg) == (FIRST_BATCH.encode(), ESP256)
    assert Batch.decode(payload) == FIRST_BATCH


@QUICK
@given(st.data())
def test_damaged_messages_are_refused(draw):
    data = bytearray(sign_message(STATION_KEY, "kiosk/ack/1", b"payload"))
    whole = bytes(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        at, length = draw.draw(st.integers(0, max(0, len(data) - 1))), draw.draw(st.integers(0, 3))
        data[at : at + length] = draw.draw(st.binary(max_size=3))
    if bytes(data) != whole:
        with pytest.raises(WireError):
            open_message("kiosk/ack/1", bytes(data), known(STATION_KEY), LIMIT)


def test_plain_signatures_and_der_are_two_forms_of_the_same():
    r, s = decode_dss_signature(CURVE_KEY.private.sign(b"x", ec.ECDSA(hashes.SHA256())))
    CURVE_KEY.public.verify(r.to_bytes(32) + s.to_bytes(32), b"x")
    plain = CURVE_KEY.sign(b"x")
    der = encode_dss_signature(int.from_bytes(plain[:32]), int.from_bytes(plain[32:]))
    CURVE_KEY.private.public_key().verify(der, b"x", ec.ECDSA(hashes.SHA256()))
