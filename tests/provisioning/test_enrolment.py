"""The rules of enrolment alone: table, dates, requests, claims, bundles; each refusal by its code and reason."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from device_profiles.messages import Bundle, Claim, EnrolRequest, FleetKeys
from device_profiles.wire import envelope_decode
from provisioning import authority, enrolment
from provisioning.authority import DAY_MS, Authority
from provisioning.enrolment import TABLE, Asked, Known, Refused, Status, Step, Terms, judge_request, open_request
from provisioning.keys import SigningKey, device_id, sign_message
from provisioning.sealing import OpeningKey
from provisioning.trust import FleetTrust

NOW_MS = 1_790_000_000_000
ROOT, BUNDLE_KEY, ACK_KEY, CLAIM_KEY = (SigningKey.generate() for _ in range(4))
CA_KEY, ISSUING_KEY = SigningKey.generate(), SigningKey.generate()
CA_ROOT = authority.make_root(CA_KEY, NOW_MS)
CA = Authority(CA_ROOT, authority.make_issuing(CA_ROOT, CA_KEY, ISSUING_KEY.spki, NOW_MS), ISSUING_KEY)
KEY, TLS = SigningKey.generate(), SigningKey.generate()
DEVICE = device_id(KEY.spki)
SEAL = OpeningKey.generate()


def key_list(root=ROOT, bundle_key=BUNDLE_KEY, from_ms=NOW_MS - 1) -> bytes:
    end_ms = NOW_MS + 365 * DAY_MS
    signing = (("bundle", bundle_key), ("ack", ACK_KEY), ("claim", CLAIM_KEY))
    listed = FleetKeys(
        version=1,
        issued_ms=NOW_MS,
        signing=tuple([key.kid, role, key.spki, from_ms, end_ms] for role, key in signing),
        sealing=([SEAL.kid, SEAL.suite, SEAL.public, from_ms, end_ms],),
    )
    return sign_message(root, "kiosk/keys/1", listed.encode())


TRUST = FleetTrust(ROOT.spki)
TRUST.accept_keys(key_list())


def claim(**differs) -> Claim:
    fields = {
        "claim": bytes(range(16)),
        "kind": "install",
        "station": "K0001",
        "profile": "lobby",
        "technician": "ktv.synthetic",
        "not_before_ms": NOW_MS,
        "not_after_ms": NOW_MS + 900_000,
    }
    return Claim(**(fields | differs))


def signed_claim(key=CLAIM_KEY, under="kiosk/claim/1", **differs) -> bytes:
    return sign_message(key, under, claim(**differs).encode())


def request(key=KEY, tls=TLS, signed=None, **differs) -> bytes:
    values = {"nonce": bytes(16), "hardware": b"board 1", "time_ms": NOW_MS, "software": "test"} | differs
    return enrolment.make_request(key, tls, signed_claim() if signed is None else signed, **values)


# --- the table ----------------------------------------------------------------------------------------------------


def test_the_table_speaks_of_every_status_and_of_known_steps_only():
    assert set(TABLE) == set(get_args(Status))
    for steps in TABLE.values():
        assert set(steps) <= set(get_args(Step))
        assert set(steps.values()) <= set(TABLE)


def test_every_status_is_reached_from_new():
    reached, todo = {"NEW"}, ["NEW"]
    while todo:
        fresh = set(TABLE[todo.pop()].values()) - reached
        reached |= fresh
        todo += fresh
    assert reached == set(TABLE)


def test_who_was_stopped_gets_no_bundle_and_the_end_is_the_end():
    assert [status for status in TABLE if enrolment.after(status, "bundle") is None] == [
        "QUARANTINED",
        "REVOKED",
        "DECOMMISSIONED",
    ]
    assert TABLE["DECOMMISSIONED"] == {}
    assert "ACTIVE" not in TABLE["REVOKED"].values()


def test_both_ends_walk_the_same_way():
    status: Status | None = "NEW"
    for step, expected in (("bundle", "CLAIMED"), ("bundle", "CLAIMED"), ("ack", "ACTIVE"), ("bundle", "ACTIVE")):
        status = enrolment.after(status, step)
        assert status == expected


def test_a_repeated_step_changes_nothing():
    for status, step in product(TABLE, ("bundle", "ack")):
        following = enrolment.after(status, step)
        if following is not None and step in TABLE[following]:
            assert enrolment.after(following, step) == following


def test_every_code_has_its_words():
    assert [f"P0{number}" in enrolment.CODES for number in range(1, 9)] == [True] * 8
    refused = Refused("P02", "claim_time", "ask for a new one")
    assert str(refused) == "P02 Mã công việc đã hết hạn / The claim is out of its time: ask for a new one"
    assert refused.as_json() == {"code": "P02", "words": "Mã công việc đã hết hạn", "detail": "ask for a new one"}


# --- the station's side -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"claim", key_list(), signed_claim()[:-1]])
def test_a_file_that_is_no_claim_is_found_before_anything_is_sent(data):
    with pytest.raises(Refused) as refused:
        request(signed=data)
    assert (refused.value.code, refused.value.reason) == ("P01", "claim_unreadable")


DATES = (NOW_MS, NOW_MS + DAY_MS)


@pytest.mark.parametrize("clock_ms", [0, NOW_MS - 1, NOW_MS, NOW_MS + DAY_MS])
def test_a_clock_before_the_floor_or_within_the_dates_is_good_enough(clock_ms):
    enrolment.judge_dates(*DATES, clock_ms, NOW_MS)


@pytest.mark.parametrize(
    ("clock_ms", "floor_ms", "reason"),
    [
        (NOW_MS + DAY_MS + 1, NOW_MS, "clock"),
        (NOW_MS + 3650 * DAY_MS, NOW_MS, "clock"),
        (NOW_MS - 1, NOW_MS - 5, "clock"),
        (0, NOW_MS + DAY_MS + 1, "certificate_ended"),
    ],
)
def test_what_no_time_since_the_floor_can_excuse_is_p07(clock_ms, floor_ms, reason):
    with pytest.raises(Refused) as refused:
        enrolment.judge_dates(*DATES, clock_ms, floor_ms)
    assert (refused.value.code, refused.value.reason) == ("P07", reason)


def bundle(sent: bytes, ca=CA, **differs) -> Bundle:
    fields = {
        "device": DEVICE,
        "request_hash": authority_hash(sent),
        "certificate": authority.der(ca.device(DEVICE, TLS.spki, NOW_MS)),
        "issuer": authority.der(ca.certificate),
        "root_hash": authority.fingerprint(ca.root),
        "keys": key_list(),
        "broker_host": "fleet.example",
        "broker_port": 8883,
        "face_url": "https://fleet.example:8443",
        "station": "K0001",
        "title": "Sảnh A",
        "address": "Phường Mẫu",
        "building": "Chung cư Mẫu",
        "profile": "lobby",
        "epoch": 1,
        "rev_floor": 0,
        "time_ms": NOW_MS,
        "counter_from": 1,
        "counter_to": 50_001,
    }
    return Bundle(**(fields | differs))


def authority_hash(sent: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(sent)
    return digest.finalize()


def answered(message: Bundle, key=BUNDLE_KEY, kind="kiosk/bundle/1") -> bytes:
    return sign_message(key, kind, message.encode())


SENT = request()
GOOD = bundle(SENT)
P256 = bytes.fromhex("06072a8648ce3d0201")
UNKNOWN_KIND = bytes.fromhex("06072a8648ce3d0255")
assert P256 in GOOD.certificate


def judged(data: bytes, **differs) -> Bundle:
    values = {"request": SENT, "tls_spki": TLS.spki, "root_spki": ROOT.spki, "ca": CA_ROOT} | differs
    return enrolment.judge_bundle(data, **values)


def test_a_good_bundle_is_believed():
    assert judged(answered(GOOD)) == GOOD


OTHER_KEY, OTHER_TLS = SigningKey.generate(), SigningKey.generate()
OTHER_CA_KEY = SigningKey.generate()
OTHER_ROOT = authority.make_root(OTHER_CA_KEY, NOW_MS)
OTHER_CA = Authority(OTHER_ROOT, authority.make_issuing(OTHER_ROOT, OTHER_CA_KEY, OTHER_KEY.spki, NOW_MS), OTHER_KEY)
OTHER_DEVICE = device_id(OTHER_KEY.spki)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (answered(bundle(request())), "other_request"),
        (answered(replace(GOOD, device=OTHER_DEVICE)), "other_device"),
        (answered(bundle(SENT, certificate=authority.der(CA.device(OTHER_DEVICE, TLS.spki, NOW_MS)))), "other_device"),
        (answered(bundle(SENT, certificate=authority.der(CA.device(DEVICE, OTHER_TLS.spki, NOW_MS)))), "other_tls_key"),
        (answered(bundle(SENT, device=OTHER_DEVICE, certificate=authority.der(
            CA.device(OTHER_DEVICE, TLS.spki, NOW_MS)))), "other_device"),
        (answered(replace(GOOD, root_hash=bytes(32))), "other_ca"),
        (answered(bundle(SENT, ca=OTHER_CA)), "other_ca"),
        (answered(bundle(SENT, ca=OTHER_CA, root_hash=authority.fingerprint(CA_ROOT))), "other_ca"),
        (answered(bundle(SENT, certificate=authority.der(OTHER_CA.device(DEVICE, TLS.spki, NOW_MS)))), "other_ca"),
        (answered(replace(GOOD, time_ms=NOW_MS + 91 * DAY_MS)), "certificate_dates"),
        (answered(replace(GOOD, time_ms=NOW_MS - 1, certificate=authority.der(
            CA.device(DEVICE, TLS.spki, NOW_MS + DAY_MS)))), "certificate_dates"),
        (answered(replace(GOOD, counter_to=1)), "counters"),
        (answered(replace(GOOD, certificate=bytes(100))), "bundle_unreadable"),
        (answered(replace(GOOD, issuer=bytes(100))), "bundle_unreadable"),
        (answered(replace(GOOD, certificate=GOOD.certificate.replace(P256, UNKNOWN_KIND))), "bundle_unreadable"),
        (answered(GOOD, key=ACK_KEY), "bundle_unreadable"),
        (answered(GOOD, key=OTHER_KEY), "bundle_unreadable"),
        (answered(GOOD, kind="kiosk/answer/1"), "bundle_unreadable"),
        (answered(replace(GOOD, keys=key_list(root=OTHER_KEY))), "bundle_unreadable"),
        (answered(replace(GOOD, keys=key_list(bundle_key=OTHER_KEY))), "bundle_unreadable"),
        (answered(replace(GOOD, keys=key_list(from_ms=NOW_MS + 1))), "bundle_unreadable"),
        (answered(GOOD)[:-1], "bundle_unreadable"),
        (b"", "bundle_unreadable"),
        (SENT, "bundle_unreadable"),
    ],
)  # fmt: skip
def test_a_bundle_that_does_not_fit_is_p08(data, reason):
    with pytest.raises(Refused) as refused:
        judged(data)
    assert (refused.value.code, refused.value.reason) == ("P08", reason)


def test_a_bundle_of_another_fleet_is_p08():
    with pytest.raises(Refused) as refused:
        judged(answered(GOOD), root_spki=OTHER_KEY.spki)
    assert refused.value.reason == "bundle_unreadable"


def test_no_single_changed_byte_of_a_bundle_passes():
    good = answered(GOOD)
    for place in range(0, len(good), 7):
        with pytest.raises(Refused):
            judged(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])


# --- the service's side: what a request proves by itself ----------------------------------------------------------


def test_a_good_request_is_taken_apart():
    asked = open_request(SENT, TRUST, NOW_MS)
    assert (asked.device, asked.tls_spki, asked.ignored) == (DEVICE, TLS.spki, ())
    assert asked.claim == claim()
    assert asked.request_hash == authority_hash(SENT)


def remade(**differs) -> bytes:
    """Change fields of a request and sign it again with its own key."""
    message = EnrolRequest.decode(envelope_decode(SENT, 16_384).payload)
    return sign_message(KEY, "kiosk/enrol/1", replace(message, **differs).encode())


def ca_flag_request() -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(TLS.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_ca_flag_in_the_certificate_request_is_logged_and_ignored():
    asked = open_request(remade(csr=ca_flag_request()), TRUST, NOW_MS)
    assert asked.ignored == ("extension 2.5.29.19",)


TAMPERED_CSR = authority.make_request(TLS)
TAMPERED_CSR = TAMPERED_CSR[:-1] + bytes([TAMPERED_CSR[-1] ^ 1])


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"", "P08", "request_not_sign1"),
        (SENT[:-1] + bytes([SENT[-1] ^ 1]), "P08", "request_signature"),
        (remade(spki=OTHER_KEY.spki), "P08", "request_unknown_key"),
        (remade(spki=bytes(91)), "P08", "request_key"),
        (sign_message(KEY, "kiosk/batch/1", envelope_decode(SENT, 16_384).payload), "P08", "request_signature"),
        (sign_message(KEY, "kiosk/enrol/1", b"\xa0"), "P08", "request_format"),
        (bytes([0xD2]) + bytes(20_000), "P08", "request_too_large"),
        (remade(csr=TAMPERED_CSR), "P08", "csr_no_possession"),
        (remade(csr=bytes(100)), "P08", "csr_not_a_request"),
        (remade(csr=authority.make_request(KEY)), "P08", "csr_one_key"),
        (request(signed=signed_claim(key=ACK_KEY)), "P01", "claim_forged"),
        (request(signed=signed_claim(key=OTHER_KEY)), "P01", "claim_forged"),
        (request(signed=signed_claim(under="kiosk/ack/1")), "P01", "claim_forged"),
    ],
)
def test_a_request_that_proves_nothing_is_refused(data, code, reason):
    with pytest.raises(Refused) as refused:
        open_request(data, TRUST, NOW_MS)
    assert (refused.value.code, refused.value.reason) == (code, reason)


# --- the service's side: what a claim permits ---------------------------------------------------------------------


def asked(**differs) -> Asked:
    return open_request(request(signed=signed_claim(**differs)), TRUST, NOW_MS)


FRESH = Known(
    terms=Terms.of(claim()),
    used_by=None,
    answered_tls=None,
    device=None,
    key_certified=False,
    station=True,
    devices={},
)
USED = replace(FRESH, used_by=KEY.spki, answered_tls=TLS.spki, device="CLAIMED", devices={DEVICE: "CLAIMED"})


def test_a_fresh_claim_is_issued_on_and_a_used_one_repeated():
    assert judge_request(asked(), FRESH, NOW_MS) == "issue"
    assert judge_request(asked(), USED, NOW_MS) == "repeat"
    assert judge_request(asked(), replace(USED, device="ACTIVE"), NOW_MS) == "repeat"


def test_an_answer_is_repeated_after_the_claims_time():
    assert judge_request(asked(), USED, NOW_MS + 30 * DAY_MS) == "repeat"


@pytest.mark.parametrize("now_ms", [NOW_MS, NOW_MS + 900_000])
def test_the_first_and_last_moment_of_a_claim_count(now_ms):
    assert judge_request(asked(), FRESH, now_ms) == "issue"


@pytest.mark.parametrize(
    ("known", "now_ms", "code", "reason"),
    [
        (replace(FRESH, terms=None), NOW_MS, "P01", "claim_unknown"),
        (replace(USED, used_by=OTHER_KEY.spki), NOW_MS, "P01", "claim_contested"),
        (replace(USED, answered_tls=OTHER_TLS.spki), NOW_MS, "P01", "claim_used"),
        (replace(USED, device="QUARANTINED"), NOW_MS, "P11", "device_stopped"),
        (replace(USED, device="REVOKED"), NOW_MS, "P11", "device_stopped"),
        (replace(USED, device=None), NOW_MS, "P11", "device_stopped"),
        (replace(FRESH, terms=FRESH.terms._replace(station="K0002")), NOW_MS, "P03", "claim_station"),
        (replace(FRESH, terms=FRESH.terms._replace(technician="x")), NOW_MS, "P01", "claim_differs"),
        (replace(FRESH, terms=FRESH.terms._replace(not_after_ms=NOW_MS + 900_001)), NOW_MS, "P01", "claim_differs"),
        (FRESH, NOW_MS - 1, "P02", "claim_time"),
        (FRESH, NOW_MS + 900_001, "P02", "claim_time"),
        (FRESH, 0, "P02", "claim_time"),
        (FRESH, NOW_MS + 3650 * DAY_MS, "P02", "claim_time"),
        (replace(FRESH, device="REVOKED"), NOW_MS, "P04", "key_known"),
        (replace(FRESH, key_certified=True), NOW_MS, "P04", "key_known"),
        (replace(FRESH, station=False), NOW_MS, "P03", "station_unknown"),
        (replace(FRESH, devices={OTHER_DEVICE: "ACTIVE"}), NOW_MS, "P03", "station_taken"),
        (replace(FRESH, devices={OTHER_DEVICE: "QUARANTINED"}), NOW_MS, "P03", "station_taken"),
    ],
)
def test_what_a_claim_does_not_permit_is_refused_by_its_code(known, now_ms, code, reason):
    with pytest.raises(Refused) as refused:
        judge_request(asked(), known, now_ms)
    assert (refused.value.code, refused.value.reason) == (code, reason)


def test_a_claim_for_one_board_is_refused_on_another():
    assert judge_request(asked(hardware=b"board 1"), FRESH, NOW_MS) == "issue"
    with pytest.raises(Refused) as refused:
        judge_request(asked(hardware=b"board 2"), FRESH, NOW_MS)
    assert (refused.value.code, refused.value.reason) == ("P10", "hardware")


def test_a_swap_names_what_it_replaces():
    known = replace(FRESH, terms=FRESH.terms._replace(kind="card-swap"), devices={OTHER_DEVICE: "ACTIVE"})
    assert judge_request(asked(kind="card-swap"), known, NOW_MS) == "issue"
    assert judge_request(asked(kind="card-swap", old_device=OTHER_DEVICE), known, NOW_MS) == "issue"
    with pytest.raises(Refused) as refused:
        judge_request(asked(kind="card-swap", old_device=bytes(16)), known, NOW_MS)
    assert (refused.value.code, refused.value.reason) == ("P03", "old_device")


def test_an_installation_may_follow_devices_that_are_out():
    known = replace(FRESH, devices={OTHER_DEVICE: "REVOKED", bytes(16): "DECOMMISSIONED"})
    assert judge_request(asked(), known, NOW_MS) == "issue"


def test_a_new_device_replaces_all_that_can_still_speak():
    devices = {bytes([number]) * 16: status for number, status in enumerate(TABLE)}
    assert {devices[each] for each in enrolment.replaced(devices)} == {
        "PROVISIONAL",
        "CLAIMED",
        "ACTIVE",
        "QUARANTINED",
    }
