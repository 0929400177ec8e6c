"""Enrolment at the fleet: one transaction from a station's request to the answer that is kept. Rules: provisioning.

`enrol` decides nothing that `provisioning.enrolment` can decide; it gathers what the registry knows, and when a
certificate is due it writes all of it at once: claim used up, certificate in the issued log, device, replaced devices,
the answer itself. The reply may be lost; asking again with the same keys gets the same certificate.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from device_profiles import messages
from device_profiles.messages import Bundle
from device_profiles.wire import device_name, envelope_decode
from fleet_server.store import Claim, Device, Issued, Why
from provisioning import authority, enrolment
from provisioning.enrolment import Asked, Known, Refused, Terms
from provisioning.keys import key_id, sign_message

if TYPE_CHECKING:
    from cryptography import x509

    from fleet_server.fleet_keys import ServerKeys
    from fleet_server.store import Station, Store
    from provisioning.authority import Authority

COUNTER_BLOCK = 50_000  # 500 days at 100 codes a day; a station can be enrolled 19 times before its six digits end
COUNTER_END = 1_000_000
NO_TEXT = "–"


@dataclass(frozen=True, slots=True)
class Issuer:
    """What the fleet answers with: its CA and keys, and where stations find it (face_url: https://HOST:PORT)."""

    authority: Authority
    keys: ServerKeys
    broker_host: str
    broker_port: int
    face_url: str


def add_claim(store: Store, claim: messages.Claim, keys: ServerKeys, why: Why) -> bytes:
    """Register a claim and give it signed, as the technician carries it. `claim.claim`: 16 random bytes.

    Call it inside `Committer.run`. Raises WireError for an unfit field, Conflict for a known id or unknown station.
    """
    signed = sign_message(keys.claim, "kiosk/claim/1", claim.encode())
    store.add_claim(Claim(claim.claim, *Terms.of(claim)), why)
    return signed


def enrol(store: Store, data: bytes, now_ms: int, issuer: Issuer) -> bytes | Refused:
    """Answer one enrolment request (as received): the signed bundle, or why not. Call it inside `Committer.run`.

    A refusal is given back and not raised, because what is reported about it must be committed as well.
    """
    try:
        asked = enrolment.open_request(data, issuer.keys.trust, now_ms)
    except Refused as refused:
        _count(store, refused, None, refused.detail, now_ms)
        return refused
    row = store.claim(asked.claim.claim)
    try:
        verdict = enrolment.judge_request(asked, _known(store, asked, row), now_ms)
    except Refused as refused:
        _report(store, asked, row, refused, now_ms)
        return refused
    if verdict == "repeat":
        assert row is not None  # noqa: S101  no claim, no repeat
        assert row.answer is not None  # noqa: S101  claim and answer are used up in one transaction
        return _again(row.answer, asked, issuer.keys, now_ms)
    return _issue(store, asked, now_ms, issuer)


def _known(store: Store, asked: Asked, row: Claim | None) -> Known:
    """Gather what the registry knows. Every certificate ever issued is looked at, but only when one is to be issued."""
    both = (asked.request.spki, asked.tls_spki)
    device = store.device(asked.device) or store.device_by_kid(key_id(asked.request.spki))
    certified = (
        row is not None
        and row.used_by is None
        and (
            store.device_by_kid(key_id(asked.tls_spki)) is not None
            or any(spki in issued.der for issued in store.issued() for spki in both)
        )
    )
    return Known(
        terms=None if row is None else Terms.of(row),
        used_by=None if row is None else row.used_by,
        answered_tls=None if row is None or row.answer is None else _certified(row.answer),
        device=None if device is None else device.status,
        key_certified=certified,
        station=store.station(asked.claim.station) is not None,
        devices={each.id: each.status for each in store.devices(asked.claim.station)},
    )


def _report(store: Store, asked: Asked, row: Claim | None, refused: Refused, now_ms: int) -> None:
    """Count a refusal for every device it concerns: the one that asks, and the one that used the claim before."""
    mark = _mark(asked)
    words = (
        f"claim {asked.claim.claim.hex()} of {asked.claim.station}, asked for by {device_name(asked.device)} on {mark}"
    )
    user = store.device_by_kid(key_id(row.used_by)) if row is not None and row.used_by is not None else None
    if user is not None:
        words += f", used by {device_name(user.id)} on {user.hardware}"
    asking = store.device(asked.device)
    _count(store, refused, None if asking is None else asking.id, words, now_ms)
    if user is not None and user.id != asked.device:
        _count(store, refused, user.id, words, now_ms)


def _count(store: Store, refused: Refused, device: bytes | None, example: str, now_ms: int) -> None:
    store.count_refusal(f"enrol_{refused.reason}", device, example, now_ms)


def _kept(answer: bytes) -> Bundle:
    """Read an answer that the fleet gave itself."""
    return Bundle.decode(envelope_decode(answer, messages.BUNDLE_MAX_BYTES).payload)


def _certified(answer: bytes) -> bytes:
    certificate = authority.certificate_from_der(_kept(answer).certificate, "the certificate in a kept answer")
    return authority.certified_spki(certificate)


def _again(answer: bytes, asked: Asked, keys: ServerKeys, now_ms: int) -> bytes:
    """The answer that was kept; made out anew for the same keys if the station lost the request it had sent.

    Certificate, station, epoch and block of codes are those of the first answer, always.
    """
    bundle = _kept(answer)
    if bundle.request_hash == asked.request_hash:
        return answer
    renewed = replace(bundle, request_hash=asked.request_hash, keys=keys.key_list, time_ms=now_ms)
    return sign_message(keys.bundle, "kiosk/bundle/1", renewed.encode())


def _issue(store: Store, asked: Asked, now_ms: int, issuer: Issuer) -> bytes | Refused:
    """Issue and write down: everything or, if anything raises, nothing."""
    claim, station = asked.claim, store.station(asked.claim.station)
    assert station is not None  # noqa: S101  judged a moment ago, in the same transaction
    why = Why(claim.technician, f"claim {claim.claim.hex()}: {claim.kind}", now_ms)
    first = store.lease_counters(station.id, COUNTER_BLOCK)
    if first + COUNTER_BLOCK > COUNTER_END:
        refused = Refused("P03", "codes_used_up", f"{station.id} has no provisional codes left: call operations")
        _count(store, refused, None, refused.detail, now_ms)
        return refused
    devices = {each.id: each for each in store.devices(station.id)}
    for old in enrolment.replaced({each.id: each.status for each in devices.values()}):
        store.put_device(replace(devices[old], status="REVOKED"), why)
    certificate = issuer.authority.device(asked.device, asked.tls_spki, now_ms)
    device = Device(
        id=asked.device,
        station=station.id,
        epoch=max((each.epoch for each in devices.values()), default=0) + 1,
        spki=asked.request.spki,
        kid=key_id(asked.request.spki),
        status="CLAIMED",  # ACTIVE with its first batch
        serial=authority.serial_text(certificate),
        enrolled_ms=now_ms,
        hardware=_mark(asked),
    )
    store.put_device(device, why)
    answer = _answer(asked, station, device, certificate, first, issuer)
    ends_ms = authority.life_ms(certificate)[1]
    store.add_issued(Issued(device.serial, device.id, ends_ms, authority.der(certificate), now_ms))
    store.use_claim(claim.claim, asked.request.spki, answer, why)
    return answer


def _answer(
    asked: Asked, station: Station, device: Device, certificate: x509.Certificate, first: int, issuer: Issuer
) -> bytes:
    bundle = Bundle(
        device=device.id,
        request_hash=asked.request_hash,
        certificate=authority.der(certificate),
        issuer=authority.der(issuer.authority.certificate),
        root_hash=authority.fingerprint(issuer.authority.root),
        keys=issuer.keys.key_list,
        broker_host=issuer.broker_host,
        broker_port=issuer.broker_port,
        face_url=issuer.face_url,
        station=station.id,
        title=_text(station.title, 120),
        address=_text(station.ward, 200),
        building=_text(station.building, 60),
        profile=asked.claim.profile,
        epoch=device.epoch,
        rev_floor=0,  # a new device has never had a Desired
        time_ms=device.enrolled_ms,
        counter_from=first,
        counter_to=first + COUNTER_BLOCK,
    )
    return sign_message(issuer.keys.bundle, "kiosk/bundle/1", bundle.encode())


def _text(value: str, length_max: int) -> str:
    """What people typed, as the wire takes it: NFC, not empty, not too long."""
    return unicodedata.normalize("NFC", value).strip()[:length_max] or NO_TEXT


def _mark(asked: Asked) -> str:
    """A hardware mark as people read it; in hex where it is no plain text."""
    mark = asked.request.hardware
    return mark.decode() if mark.isascii() and mark.decode().isprintable() else mark.hex()
