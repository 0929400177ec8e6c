"""Whom a station believes: a root's list, roles that are not interchangeable, dates, and which key it seals to."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from device_profiles import messages
from device_profiles.cbor import WireError
from device_profiles.messages import ROLES, FleetKeys
from device_profiles.wire import ENVELOPE_BYTES
from provisioning.keys import EDDSA, SignatureRefused, SigningKey, sign_message
from provisioning.sealing import SUITE_BASE, SUITE_HYBRID, OpeningKey
from provisioning.trust import ROLE_KINDS, FleetTrust

NOW_MS, DAY_MS = 1_790_000_000_000, 86_400_000
ROOT, STRANGER = SigningKey.generate(), SigningKey.generate()
KEYS = {role: SigningKey.generate(EDDSA) for role in ROLES}
BASE, HYBRID = OpeningKey.generate(SUITE_BASE), OpeningKey.generate(SUITE_HYBRID)
LIMIT = 64 * 1024


def signing(key: SigningKey, role: str, from_ms: int = NOW_MS - DAY_MS, to_ms: int = NOW_MS + DAY_MS) -> list[object]:
    return [key.kid, role, key.spki, from_ms, to_ms]


def sealing(key: OpeningKey, from_ms: int = NOW_MS - DAY_MS, to_ms: int = NOW_MS + DAY_MS) -> list[object]:
    return [key.kid, key.suite, key.public, from_ms, to_ms]


def keys(version: int = 1, **differs: object) -> FleetKeys:
    listed = FleetKeys(
        version=version,
        issued_ms=NOW_MS,
        signing=tuple(signing(key, role) for role, key in KEYS.items()),
        sealing=(sealing(HYBRID),),
    )
    return replace(listed, **differs)


def signed(listed: FleetKeys, by: SigningKey = ROOT, kind: str = "kiosk/keys/1") -> bytes:
    return sign_message(by, kind, listed.encode())


def trust(listed: FleetKeys | None = None) -> FleetTrust:
    made = FleetTrust(ROOT.spki)
    made.accept_keys(signed(listed or keys()))
    return made


def reason(judge, *arguments) -> str:
    with pytest.raises(WireError) as refused:
        judge(*arguments)
    return refused.value.reason


def test_every_role_has_one_kind_of_message():
    assert set(ROLE_KINDS) == set(ROLES)
    assert len(set(ROLE_KINDS.values())) == len(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_key_of_the_role_is_believed(role):
    data = sign_message(KEYS[role], ROLE_KINDS[role], b"payload")
    assert trust().verify(role, data, LIMIT, NOW_MS) == b"payload"
    assert reason(trust().verify, role, data, len(data) - 1, NOW_MS) == "too_large"


@pytest.mark.parametrize(("role", "other"), list(permutations(ROLES, 2)))
def test_a_key_of_one_role_speaks_for_no_other(role, other):
    forged = sign_message(KEYS[other], ROLE_KINDS[role], b"payload")
    assert reason(trust().verify, role, forged, LIMIT, NOW_MS) == "unknown_key"
    passed_off = sign_message(KEYS[role], ROLE_KINDS[other], b"payload")
    assert reason(trust().verify, role, passed_off, LIMIT, NOW_MS) == "signature"


def test_a_stranger_and_the_root_itself_are_not_believed():
    for key in (STRANGER, ROOT):
        assert reason(trust().verify, "ack", sign_message(key, "kiosk/ack/1", b"x"), LIMIT, NOW_MS) == "unknown_key"


def test_before_any_list_nobody_is_believed():
    empty = FleetTrust(ROOT.spki)
    assert reason(empty.verify, "ack", sign_message(KEYS["ack"], "kiosk/ack/1", b"x"), LIMIT, NOW_MS) == "unknown_key"
    assert reason(empty.sealing_key, NOW_MS) == "sealing_key"


@pytest.mark.parametrize(
    ("at_ms", "believed"),
    [
        (NOW_MS - DAY_MS - 1, False),
        (NOW_MS - DAY_MS, True),
        (NOW_MS + DAY_MS - 1, True),
        (NOW_MS + DAY_MS, False),
    ],
)
def test_a_key_counts_within_its_dates_only(at_ms, believed):
    data = sign_message(KEYS["ack"], "kiosk/ack/1", b"x")
    if believed:
        assert trust().verify("ack", data, LIMIT, at_ms) == b"x"
    else:
        assert reason(trust().verify, "ack", data, LIMIT, at_ms) == "unknown_key"


def test_only_the_root_signs_a_list_and_only_as_a_list():
    for by in (STRANGER, KEYS["set"], KEYS["bundle"]):
        assert reason(FleetTrust(ROOT.spki).accept_keys, signed(keys(), by)) == "unknown_key"
    assert reason(FleetTrust(ROOT.spki).accept_keys, signed(keys(), kind="kiosk/set/1")) == "signature"
    assert reason(FleetTrust(STRANGER.spki).accept_keys, signed(keys())) == "unknown_key"
    assert reason(FleetTrust(b"no key").accept_keys, signed(keys())) == "key"


def test_a_list_never_goes_back_but_may_come_again():
    held = trust(keys(5))
    with pytest.raises(SignatureRefused) as refused:
        held.accept_keys(signed(keys(4)))
    assert refused.value.reason == "rollback"
    assert held.version == 5
    held.accept_keys(signed(keys(5)))
    assert held.accept_keys(signed(keys(6))).version == held.version == 6


def test_a_new_list_replaces_the_old_one_whole():
    held = trust()
    new = SigningKey.generate()
    held.accept_keys(signed(keys(2, signing=(signing(new, "ack"),), sealing=(sealing(BASE),))))
    assert held.verify("ack", sign_message(new, "kiosk/ack/1", b"x"), LIMIT, NOW_MS) == b"x"
    assert reason(held.verify, "ack", sign_message(KEYS["ack"], "kiosk/ack/1", b"x"), LIMIT, NOW_MS) == "unknown_key"
    assert held.sealing_key(NOW_MS).key.kid == BASE.kid


def other_kid(row: list[object]) -> list[object]:
    return [bytes(8), *row[1:]]


BAD_LISTS = {
    "kid of another signing key": {"signing": (other_kid(signing(KEYS["ack"], "ack")),)},
    "kid of another sealing key": {"sealing": (other_kid(sealing(HYBRID)),)},
    "hybrid key under the base suite's name": {
        "sealing": ([BASE.kid, SUITE_HYBRID, BASE.public, NOW_MS, NOW_MS],),
    },
    "one key in two roles": {"signing": (signing(KEYS["ack"], "ack"), signing(KEYS["ack"], "set"))},
    "one key twice": {"signing": (signing(KEYS["ack"], "ack"), signing(KEYS["ack"], "ack"))},
    "a key that is none": {"signing": ([bytes(8), "ack", bytes(44), NOW_MS, NOW_MS],)},
    "a sealing key that is none": {"sealing": ([bytes(8), SUITE_HYBRID, bytes(32), NOW_MS, NOW_MS],)},
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_faulty_list_is_refused_whole_and_the_old_one_stands(name):
    held = trust()
    new = {"signing": (signing(STRANGER, "ack"),), "sealing": (sealing(BASE),)}
    faulty = {field: (*new[field], *rows) for field, rows in BAD_LISTS[name].items()}
    assert reason(held.accept_keys, signed(keys(2, **new | faulty))) in {"key", "sealing_key"}
    assert held.version == 1
    said = sign_message(STRANGER, "kiosk/ack/1", b"x")
    assert reason(held.verify, "ack", said, LIMIT, NOW_MS) == "unknown_key"
    assert held.verify("ack", sign_message(KEYS["ack"], "kiosk/ack/1", b"x"), LIMIT, NOW_MS) == b"x"
    assert held.sealing_key(NOW_MS).key.kid == HYBRID.kid


def test_a_damaged_list_is_refused():
    data = signed(keys())
    for at in range(0, len(data), 7):
        with pytest.raises(WireError):
            FleetTrust(ROOT.spki).accept_keys(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert reason(FleetTrust(ROOT.spki).accept_keys, sign_message(ROOT, "kiosk/keys/1", b"\xa0")) == "format"


def test_the_largest_list_fits_with_its_envelope(monkeypatch):
    """The limit is on what is signed; the signature comes on top."""
    payload = keys().encode()
    monkeypatch.setattr(FleetKeys, "SIZE_MAX_BYTES", len(payload))
    monkeypatch.setattr("provisioning.trust.KEYS_MAX_BYTES", len(payload))
    data = signed(keys())
    assert len(data) - len(payload) <= ENVELOPE_BYTES
    assert trust(keys()).version == 1
    assert reason(FleetTrust(ROOT.spki).accept_keys, data + bytes(ENVELOPE_BYTES)) == "too_large"
    assert messages.KEYS_MAX_BYTES == LIMIT


def test_the_newest_valid_sealing_key_is_taken():
    old, new, future = (OpeningKey.generate(SUITE_BASE) for _ in range(3))
    held = trust(
        keys(
            sealing=(
                sealing(new, NOW_MS - DAY_MS, NOW_MS + DAY_MS),
                sealing(old, NOW_MS - 2 * DAY_MS, NOW_MS + DAY_MS),
                sealing(future, NOW_MS + 1, NOW_MS + 2 * DAY_MS),
            )
        )
    )
    assert held.sealing_key(NOW_MS) == (held.sealing_key(NOW_MS).key, False)
    assert held.sealing_key(NOW_MS).key.kid == new.kid
    assert held.sealing_key(NOW_MS + 1).key.kid == future.kid
    assert held.sealing_key(NOW_MS - 2 * DAY_MS).key.kid == old.kid


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_as_new_the_hybrid_is_taken(order):
    held = trust(keys(sealing=tuple((sealing(BASE), sealing(HYBRID))[::order])))
    assert held.sealing_key(NOW_MS).key.suite == SUITE_HYBRID


@pytest.mark.parametrize("key", [BASE, HYBRID])
def test_either_suite_alone_is_sealed_to(key):
    choice = trust(keys(sealing=(sealing(key),))).sealing_key(NOW_MS)
    assert (choice.key.kid, choice.key.suite, choice.expired) == (key.kid, key.suite, False)
    assert key.open(choice.key.seal(b"x", b"info"), b"info") == b"x"


@pytest.mark.parametrize("at_ms", [NOW_MS + 400 * DAY_MS, NOW_MS - 400 * DAY_MS])
def test_a_key_past_its_date_is_better_than_plaintext_and_is_marked(at_ms):
    old, new = OpeningKey.generate(SUITE_BASE), OpeningKey.generate(SUITE_BASE)
    held = trust(keys(sealing=(sealing(new), sealing(old, NOW_MS - 9 * DAY_MS, NOW_MS - 8 * DAY_MS))))
    choice = held.sealing_key(at_ms)
    assert (choice.key.kid, choice.expired) == (new.kid, True)


def test_a_list_without_sealing_keys_says_what_to_do():
    with pytest.raises(SignatureRefused, match="enrol the station again"):
        trust(keys(sealing=())).sealing_key(NOW_MS)
