"""Who can read it: content keys, HPKE in both suites, public vectors through this room's own keys."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.cbor import WireError
from device_profiles.wire import pad, unpad
from provisioning.sealing import (
    SUITE_BASE,
    SUITE_HYBRID,
    ContentKey,
    OpeningKey,
    SealRefused,
    SealTo,
    answer_info,
    key_id,
    record_info,
)
from tests.golden.wire import samples
from tests.golden.wire.samples import HEADER, KEY_HEADER, OPENING

VECTORS = Path(cryptography_vectors.__file__).parent / "HPKE"
SUITES = (SUITE_BASE, SUITE_HYBRID)
OVERHEAD = {SUITE_BASE: 48, SUITE_HYBRID: 1136}
PUBLIC = {SUITE_BASE: 32, SUITE_HYBRID: 1216}
QUICK = settings(max_examples=50, deadline=None, database=None)


def target(suite: int) -> SealTo:
    return SealTo(suite, OPENING[suite].public)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("size", [0, 1, 32, 65_536])
def test_what_is_sealed_opens_and_grows_by_what_is_said(suite, size):
    plain, info = bytes(size), record_info(KEY_HEADER.encode())
    sealed = target(suite).seal(plain, info)
    assert OPENING[suite].open(sealed, info) == plain
    assert len(sealed) == size + OVERHEAD[suite]


@pytest.mark.parametrize("suite", SUITES)
def test_both_halves_have_one_name(suite):
    opening = OPENING[suite]
    assert target(suite).kid == opening.kid == key_id(suite, opening.public)
    assert (len(opening.public), len(opening.kid)) == (PUBLIC[suite], 8)
    assert OpeningKey(suite, opening.seed).public == opening.public
    assert key_id(SUITE_BASE, opening.public) != key_id(SUITE_HYBRID, opening.public)


@pytest.mark.parametrize("suite", SUITES)
def test_a_new_key_grows_from_its_seed_again(suite):
    key = OpeningKey.generate(suite)
    assert len(key.seed) == 32
    again = OpeningKey(suite, key.seed)
    assert again.open(SealTo(suite, key.public).seal(b"x", b"i"), b"i") == b"x"
    assert OpeningKey.generate(suite).kid != key.kid


def test_the_hybrid_suite_is_the_default():
    assert OpeningKey.generate().suite == SUITE_HYBRID


@pytest.mark.parametrize("suite", SUITES)
def test_one_plaintext_is_sealed_another_way_each_time(suite):
    sealed = {target(suite).seal(b"same", b"info") for _ in range(50)}
    assert len({each[: OVERHEAD[suite] - 16] for each in sealed}) == 50


@pytest.mark.parametrize("suite", SUITES)
def test_one_edited_bit_of_the_header_does_not_open(suite):
    header = KEY_HEADER.encode()
    sealed = target(suite).seal(bytes(32), record_info(header))
    for bit in range(0, len(header) * 8, 1 if suite == SUITE_BASE else 5):
        edited = bytearray(header)
        edited[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealRefused):
            OPENING[suite].open(sealed, record_info(bytes(edited)))
    with pytest.raises(SealRefused):
        OPENING[suite].open(sealed, answer_info(header))


@pytest.mark.parametrize("suite", SUITES)
def test_altered_sealed_bytes_do_not_open(suite):
    sealed = target(suite).seal(b"plain", b"info")
    for at in range(0, len(sealed), 1 if suite == SUITE_BASE else 37):
        altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(SealRefused):
            OPENING[suite].open(altered, b"info")
    for cut in (b"", sealed[:10], sealed[:-1], sealed + b"x"):
        with pytest.raises(SealRefused) as refused:
            OPENING[suite].open(cut, b"info")
        assert refused.value.reason == "seal"


@pytest.mark.parametrize("suite", SUITES)
def test_another_key_does_not_open(suite):
    sealed = target(suite).seal(b"plain", b"info")
    for key in (OpeningKey.generate(suite), OPENING[SUITE_BASE + SUITE_HYBRID - suite]):
        with pytest.raises(SealRefused):
            key.open(sealed, b"info")


@pytest.mark.parametrize(
    ("suite", "public"),
    [
        (0, bytes(32)),
        (3, bytes(32)),
        (SUITE_BASE, b""),
        (SUITE_BASE, bytes(31)),
        (SUITE_BASE, bytes(33)),
        (SUITE_BASE, OPENING[SUITE_HYBRID].public),
        (SUITE_HYBRID, b""),
        (SUITE_HYBRID, OPENING[SUITE_BASE].public),
        (SUITE_HYBRID, OPENING[SUITE_HYBRID].public + b"\0"),
        (SUITE_HYBRID, OPENING[SUITE_HYBRID].public[:-1]),
        (SUITE_HYBRID, b"\xff" * 1216),
    ],
)
def test_keys_that_cannot_be_sealed_to_are_refused(suite, public):
    with pytest.raises(WireError) as refused:
        SealTo(suite, public)
    assert refused.value.reason == "sealing_key"


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_a_point_that_agrees_on_nothing_is_a_wire_error(point):
    """A question's reply key comes from outside: such a one must not be our own crash."""
    for key in (SealTo(SUITE_BASE, point), SealTo(SUITE_HYBRID, OPENING[SUITE_HYBRID].public[:1184] + point)):
        with pytest.raises(WireError) as refused:
            key.seal(b"plain", b"info")
        assert refused.value.reason == "sealing_key"


@pytest.mark.parametrize(
    ("suite", "size"), [(0, 32), (3, 32), (SUITE_BASE, 31), (SUITE_HYBRID, 31), (SUITE_HYBRID, 64)]
)
def test_an_opening_key_needs_a_known_suite_and_its_seed(suite, size):
    with pytest.raises(WireError) as refused:
        OpeningKey(suite, bytes(size))
    assert refused.value.reason == "sealing_key"


def test_a_record_opens_under_its_content_key_and_header_only():
    key, header = ContentKey(), HEADER.encode()
    sealed = key.seal(header, pad(b"body"))
    assert unpad(key.open(header, sealed)) == b"body"
    assert len(sealed) == 12 + 256 + 16
    for bit in range(len(header) * 8):
        edited = bytearray(header)
        edited[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealRefused):
            key.open(bytes(edited), sealed)
    for altered in (b"", sealed[:11], sealed[:12], sealed[:27], sealed[:-1], sealed + b"x", b"x" + sealed[1:]):
        with pytest.raises(SealRefused) as refused:
            key.open(header, altered)
        assert refused.value.reason == "seal"
    with pytest.raises(SealRefused):
        ContentKey().open(header, sealed)


def test_nonces_are_drawn_and_never_the_same():
    key = ContentKey()
    assert len({key.seal(b"h", b"p")[:12] for _ in range(500)}) == 500
    assert ContentKey(key.secret).open(b"h", key.seal(b"h", b"p")) == b"p"
    assert len({ContentKey().secret for _ in range(20)}) == 20


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_an_unwrapped_secret_of_another_size_is_refused(size):
    with pytest.raises(SealRefused):
        ContentKey(bytes(size))


def test_a_visit_is_read_by_who_holds_the_fleets_key_and_by_nobody_else():
    """The whole way: a content key drawn, wrapped in a key record, a record under it, both opened again."""
    drawn = ContentKey()
    key_header, header = KEY_HEADER.encode(), HEADER.encode()
    wrapped = target(SUITE_HYBRID).seal(drawn.secret, record_info(key_header))
    sealed = drawn.seal(header, pad(b"body"))
    opened = ContentKey(OPENING[SUITE_HYBRID].open(wrapped, record_info(key_header)))
    assert unpad(opened.open(header, sealed)) == b"body"
    with pytest.raises(SealRefused):
        OPENING[SUITE_HYBRID].open(wrapped, record_info(header))


@pytest.mark.parametrize("suite", SUITES)
def test_what_was_sealed_before_still_opens(suite):
    info = record_info(KEY_HEADER.encode())
    sealed = samples.golden(f"sealed-key-{suite}", target(suite).seal(bytes(range(32)), info), once=True)
    assert OPENING[suite].open(sealed, info) == bytes(range(32))
    record = ContentKey(bytes(range(32))).seal(HEADER.encode(), pad(b"body"))
    kept = samples.golden("sealed-record", record, once=True)
    assert unpad(ContentKey(bytes(range(32))).open(HEADER.encode(), kept)) == b"body"


@cache
def vectors(name: str) -> list[dict]:
    return json.loads((VECTORS / name).read_text("ascii"))


KEMS = {0x10: (hpke.KEM.P256, ec.SECP256R1()), 0x12: (hpke.KEM.P521, ec.SECP521R1()), 0x20: (hpke.KEM.X25519, None)}
KDFS = {1: hpke.KDF.HKDF_SHA256, 3: hpke.KDF.HKDF_SHA512, 17: hpke.KDF.SHAKE256}
AEADS = {1: hpke.AEAD.AES_128_GCM, 2: hpke.AEAD.AES_256_GCM, 3: hpke.AEAD.CHACHA20_POLY1305}
RFC_9180 = [
    (n, v["kem_id"], v["kdf_id"], v["aead_id"])
    for n, v in enumerate(vectors("test-vectors.json"))
    if v["mode"] == 0 and v["kem_id"] in KEMS and v["aead_id"] in AEADS
]
HYBRID = [
    (n, v["kdf_id"])
    for n, v in enumerate(vectors("hpke-pq-test-vectors.json"))
    if (v["kem_id"], v["aead_id"]) == (0x647A, 3)
]


def opens_as_published(suite: hpke.Suite, key: object, vector: dict) -> None:
    """Open the first message of a vector, with its associated data; refuse it altered in each part.

    The library's public face has no associated data; its own tests use this name.
    """
    first = vector["encryptions"][0]
    info, aad, plain = (bytes.fromhex(each) for each in (vector["info"], first["aad"], first["pt"]))
    sealed = bytes.fromhex(vector["enc"] + first["ct"])
    opened = openssl.hpke._decrypt_with_aad(suite, sealed, key, info, aad)
    assert opened == plain
    for damaged in (
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), info, aad),
        (sealed, info + b"x", aad),
        (sealed, info, aad + b"x"),
    ):
        with pytest.raises(InvalidTag):
            openssl.hpke._decrypt_with_aad(suite, damaged[0], key, *damaged[1:])


def test_eighteen_published_vectors_are_for_what_the_library_does():
    assert len(RFC_9180) == 18
    assert [tuple(ids) for _, *ids in RFC_9180].count((0x20, 1, 3)) == 1
    assert sorted(kdf for _, kdf in HYBRID) == [1, 17]


@pytest.mark.parametrize(("n", "kem", "kdf", "aead"), RFC_9180)
def test_the_vectors_of_rfc_9180_open(n, kem, kdf, aead):
    vector = vectors("test-vectors.json")[n]
    secret = bytes.fromhex(vector["skRm"])
    kind, curve = KEMS[kem]
    key = (
        ec.derive_private_key(int.from_bytes(secret), curve)
        if curve
        else x25519.X25519PrivateKey.from_private_bytes(secret)
    )
    opens_as_published(hpke.Suite(kind, KDFS[kdf], AEADS[aead]), key, vector)


@pytest.mark.parametrize(("n", "kdf"), HYBRID)
def test_the_hybrid_vectors_open_under_the_key_grown_from_their_seed(n, kdf):
    vector = vectors("hpke-pq-test-vectors.json")[n]
    key = OpeningKey(SUITE_HYBRID, bytes.fromhex(vector["skRm"]))
    assert key.public == bytes.fromhex(vector["pkRm"])
    opens_as_published(hpke.Suite(hpke.KEM.MLKEM768_X25519, KDFS[kdf], AEADS[3]), key._key, vector)


OURS = {
    SUITE_BASE: next(vectors("test-vectors.json")[n] for n, *ids in RFC_9180 if ids == [0x20, 1, 3]),
    SUITE_HYBRID: next(vectors("hpke-pq-test-vectors.json")[n] for n, kdf in HYBRID if kdf == 1),
}


@pytest.mark.parametrize("suite", SUITES)
def test_our_own_keys_open_what_the_vectors_of_our_two_suites_encapsulate(suite):
    """The published key and base nonce seal without associated data, as we do; our key must come to the same two."""
    vector = OURS[suite]
    key = OpeningKey(suite, bytes.fromhex(vector["skRm"]))
    assert key.public == bytes.fromhex(vector["pkRm"])
    box = ChaCha20Poly1305(bytes.fromhex(vector["key"])).encrypt(bytes.fromhex(vector["base_nonce"]), b"plain", b"")
    sealed, info = bytes.fromhex(vector["enc"]) + box, bytes.fromhex(vector["info"])
    assert key.open(sealed, info) == b"plain"
    for damaged, under in ((sealed[:-1] + b"?", info), (b"?" + sealed[1:], info), (sealed, info + b"?")):
        with pytest.raises(SealRefused):
            key.open(damaged, under)


@pytest.mark.parametrize("suite", SUITES)
@QUICK
@given(data=st.binary(max_size=1300), info=st.binary(max_size=20))
def test_arbitrary_bytes_do_not_open(suite, data, info):
    with pytest.raises(SealRefused):
        OPENING[suite].open(data, info)
    with pytest.raises(SealRefused):
        ContentKey(bytes(32)).open(info, data)
