"""Enrolment: how a device comes into the fleet, for both ends at once. Pure: no file, socket, clock or chance.

Decides which step may follow which (one table for station and service), what a request must prove, whether a claim
permits it, and whether an answer is to be believed. Who stores, sends and issues: provisioning.enrol_client on the
station, fleet_server.enrol at the fleet. Every refusal carries a code that a technician can look up.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from device_profiles.cbor import WireError
from device_profiles.messages import BUNDLE_MAX_BYTES, CLAIM_MAX_BYTES, ENROL_MAX_BYTES, Bundle, Claim, EnrolRequest
from device_profiles.wire import device_name, envelope_decode
from provisioning import authority
from provisioning.keys import VerifyKey, device_id, open_message, sign_message
from provisioning.trust import FleetTrust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

    from provisioning.keys import SigningKey

Status = Literal["NEW", "CLAIMED", "ACTIVE", "PROVISIONAL", "QUARANTINED", "REVOKED", "DECOMMISSIONED"]
Step = Literal["bundle", "ack", "offline_claim", "quarantine", "release", "revoke", "decommission"]

# Which step leads where; what is not listed is refused. "bundle": an answer was issued (service) or stored (station);
# a repeated one changes nothing. "ack": the fleet committed a batch of this device and said so.
TABLE: dict[Status, dict[Step, Status]] = {
    "NEW": {"bundle": "CLAIMED", "offline_claim": "PROVISIONAL"},
    "PROVISIONAL": {"bundle": "CLAIMED", "quarantine": "QUARANTINED", "revoke": "REVOKED"},
    "CLAIMED": {"bundle": "CLAIMED", "ack": "ACTIVE", "quarantine": "QUARANTINED", "revoke": "REVOKED"},
    "ACTIVE": {
        "bundle": "ACTIVE",
        "ack": "ACTIVE",
        "quarantine": "QUARANTINED",
        "revoke": "REVOKED",
        "decommission": "DECOMMISSIONED",
    },
    "QUARANTINED": {"release": "ACTIVE", "revoke": "REVOKED"},
    "REVOKED": {"decommission": "DECOMMISSIONED"},
    "DECOMMISSIONED": {},
}

CODES: dict[str, tuple[str, str]] = {
    "P01": ("Mã công việc không đúng hoặc đã dùng", "The claim is wrong or used up"),
    "P02": ("Mã công việc đã hết hạn", "The claim is out of its time"),
    "P03": ("Sai địa điểm", "Wrong place"),
    "P04": ("Khóa của máy đã được đăng ký", "The key of this device is already registered"),
    "P05": ("Sáu số không khớp", "The six digits differ"),
    "P06": ("Chưa có mạng – tiếp tục bằng điện thoại", "No network: go on with the phone"),
    "P07": ("Đồng hồ chưa đúng", "The clock is not right"),
    "P08": ("Gói cấu hình không hợp lệ", "The request or the bundle is not valid"),
    "P10": ("Máy đã đổi phần cứng", "The hardware has changed"),
    "P11": ("Máy tạm khóa để kiểm tra", "The device is locked for inspection"),
    "P15": ("Thẻ nhớ lỗi", "The memory card fails"),
}


class Refused(Exception):
    """Enrolment does not go on: `code` for the technician, `reason` a short word for counters, `detail` the remedy."""

    def __init__(self, code: str, reason: str, detail: str) -> None:
        self.code, self.reason, self.detail = code, reason, detail
        self.vietnamese, self.english = CODES[code]
        super().__init__(f"{code} {self.vietnamese} / {self.english}: {detail}")

    def as_json(self) -> dict[str, str]:
        """What the HTTPS face answers with."""
        return {"code": self.code, "words": self.vietnamese, "detail": self.detail}


def after(status: Status, step: Step) -> Status | None:
    """The status that follows, or None where this step is not allowed."""
    return TABLE[status].get(step)


# --- the station's side -------------------------------------------------------------------------------------------


def make_request(
    key: SigningKey, tls: SigningKey, claim: bytes, *, nonce: bytes, hardware: bytes, time_ms: int, software: str
) -> bytes:
    """Give the signed request of a station (kiosk/enrol/1). `nonce`: 16 random bytes. Raises Refused for no claim."""
    read_claim(claim)
    request = EnrolRequest(
        spki=key.spki,
        csr=authority.make_request(tls),
        claim=claim,
        nonce=nonce,
        hardware=hardware,
        time_ms=time_ms,
        software=software,
    )
    return sign_message(key, "kiosk/enrol/1", request.encode())


def read_claim(data: bytes) -> Claim:
    """Read a claim without judging its signature (only the fleet can): to show it, and to find a wrong file early."""
    try:
        return Claim.decode(envelope_decode(data, CLAIM_MAX_BYTES).payload)
    except WireError as error:
        raise Refused("P01", "claim_unreadable", f"this is no claim ({error}): ask for a new one") from error


def judge_dates(first_ms: int, last_ms: int, clock_ms: int, floor_ms: int) -> None:
    """Judge the life [first, last] of a server's certificate by a clock that may be wrong. Raises Refused P07.

    A clock before the floor is known to be wrong and says nothing; then only what ended before the floor is out.
    A clock after the floor is taken at its word, but never raises the floor.
    """
    if clock_ms < floor_ms:
        if last_ms < floor_ms:
            raise Refused("P07", "certificate_ended", "the fleet server's certificate has ended: call operations")
    elif not first_ms <= clock_ms <= last_ms:
        raise Refused(
            "P07", "clock", "the clock of this device is outside the life of the server's certificate: set the clock"
        )


def judge_bundle(data: bytes, request: bytes, tls_spki: bytes, root_spki: bytes, ca: x509.Certificate) -> Bundle:
    """Believe the fleet's answer to `request` (as sent), or raise Refused P08.

    Signed by a fleet key of the role "bundle", from a list signed by the fleet's root; for this very request, this
    device and this TLS key; certificate under the CA of the image. Judged by the answer's own signed time: it answers
    a request nobody could have known before, and a station without a clock takes its floor from here.
    """
    try:
        bundle = open_bundle(data, root_spki)
        asked = EnrolRequest.decode(envelope_decode(request, ENROL_MAX_BYTES).payload)
        certificate = authority.certificate_from_der(bundle.certificate, "the certificate in the bundle")
        issuer = authority.certificate_from_der(bundle.issuer, "the issuing CA in the bundle")
        first_ms, last_ms = authority.life_ms(certificate)
        certified = authority.certified_spki(certificate)
    except (WireError, authority.AuthorityFault) as error:
        raise Refused("P08", "bundle_unreadable", f"{error}: repeat, then call operations") from error
    checks = {
        "other_request": bundle.request_hash == hashlib.sha256(request).digest(),
        "other_device": bundle.device == device_id(asked.spki)
        and authority.subject_text(certificate) == device_name(bundle.device),
        "other_tls_key": certified == tls_spki,
        "other_ca": bundle.root_hash == authority.fingerprint(ca)
        and authority.is_signed_by(issuer, ca)
        and authority.is_signed_by(certificate, issuer),
        "certificate_dates": first_ms <= bundle.time_ms < last_ms,
        "counters": bundle.counter_from < bundle.counter_to,
    }
    for reason, held in checks.items():
        if not held:
            raise Refused("P08", reason, f"the bundle does not fit ({reason}): repeat, then call operations")
    return bundle


def open_bundle(data: bytes, root_spki: bytes) -> Bundle:
    """Verify a bundle by the key list that it carries and the fleet's root. Raises WireError."""
    carried = Bundle.decode(envelope_decode(data, BUNDLE_MAX_BYTES).payload)
    trust = FleetTrust(root_spki)
    trust.accept_keys(carried.keys)
    return Bundle.decode(trust.verify("bundle", data, BUNDLE_MAX_BYTES, carried.time_ms))


# --- the service's side -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that proved both its keys, and the claim it came with, signed by the fleet."""

    request: EnrolRequest
    request_hash: bytes
    device: bytes
    tls_spki: bytes
    ignored: tuple[str, ...]
    claim: Claim


class Terms(NamedTuple):
    """What a claim was registered with; the signed claim must say the same."""

    station: str
    profile: str
    kind: str
    technician: str
    not_before_ms: int
    not_after_ms: int

    @classmethod
    def of(cls, claim: Any) -> Terms:
        """Take the terms out of a signed claim, or out of the registry's row of one (same names)."""
        return cls(*(getattr(claim, name) for name in cls._fields))


@dataclass(frozen=True, slots=True)
class Known:
    """What the fleet's registry knows at this moment about what is asked for.

    terms: of the claim with this id (None = no such claim); used_by: identity key (SPKI) that used it; answered_tls:
    TLS key (SPKI) in the answer it got. device: status of the device with this identity key; key_certified: whether
    either key was ever certified, or is another device's. station: whether it exists; devices: all that ever served
    it, with their status.
    """

    terms: Terms | None
    used_by: bytes | None
    answered_tls: bytes | None
    device: Status | None
    key_certified: bool
    station: bool
    devices: Mapping[bytes, Status]


def open_request(data: bytes, trust: FleetTrust, now_ms: int) -> Asked:
    """Take a request apart and check all that it must prove by itself. Raises Refused."""
    try:
        payload = envelope_decode(data, ENROL_MAX_BYTES).payload
        key = VerifyKey.from_spki(EnrolRequest.decode(payload).spki)
        payload, _ = open_message("kiosk/enrol/1", data, lambda kid: key if kid == key.kid else None, ENROL_MAX_BYTES)
        request = EnrolRequest.decode(payload)
        wanted = authority.read_request(request.csr)
    except WireError as error:
        raise Refused("P08", f"request_{error.reason}", f"the request cannot be taken ({error}): repeat it") from error
    except authority.RequestRefused as error:
        raise Refused("P08", f"csr_{error.reason}", str(error)) from error
    if wanted.spki == key.spki:
        raise Refused("P08", "csr_one_key", "identity key and TLS key are the same: make the identity again")
    try:
        claim = Claim.decode(trust.verify("claim", request.claim, CLAIM_MAX_BYTES, now_ms))
    except WireError as error:
        raise Refused("P01", "claim_forged", f"the claim is not the fleet's ({error}): ask for a new one") from error
    return Asked(request, hashlib.sha256(data).digest(), device_id(key.spki), wanted.spki, wanted.ignored, claim)


def judge_request(asked: Asked, known: Known, now_ms: int) -> Literal["issue", "repeat"]:
    """Say whether to issue, or to repeat the answer that may have been lost. Raises Refused.

    The time of a claim counts for its first use only: an answer lost on the last minute is still given again.
    """
    claim = asked.claim
    if known.terms is None:
        raise Refused("P01", "claim_unknown", "the fleet does not know this claim: ask for a new one")
    if known.used_by is not None:
        return _judge_repeat(asked, known)
    if claim.station != known.terms.station:
        raise Refused("P03", "claim_station", f"the claim says {claim.station}, its order {known.terms.station}")
    if Terms.of(claim) != known.terms:
        raise Refused("P01", "claim_differs", "the claim differs from what was registered: ask for a new one")
    if not claim.not_before_ms <= now_ms <= claim.not_after_ms:
        raise Refused("P02", "claim_time", "the claim is not valid now: check the clock, or ask for a new one")
    if known.device is not None or known.key_certified:
        raise Refused("P04", "key_known", "stop, keep the card, call operations: this card may be a copy")
    if claim.hardware is not None and claim.hardware != asked.request.hardware:
        raise Refused("P10", "hardware", "the claim is for another board: ask for a claim board-swap")
    _judge_place(claim, known)
    return "issue"


def _judge_repeat(asked: Asked, known: Known) -> Literal["repeat"]:
    if known.used_by != asked.request.spki:
        raise Refused("P01", "claim_contested", "another device has used this claim: ask for a new one")
    if known.answered_tls != asked.tls_spki:
        raise Refused(
            "P01", "claim_used", "the claim was used with another TLS key: make the identity again, new claim"
        )
    if known.device is None or after(known.device, "bundle") is None:
        raise Refused("P11", "device_stopped", f"the device is {known.device}: call operations")
    return "repeat"


def _judge_place(claim: Claim, known: Known) -> None:
    """One station, one device: an installation needs a free place, a swap names what it replaces if that is known."""
    if not known.station:
        raise Refused("P03", "station_unknown", f"the fleet has no station {claim.station}: ask for a new claim")
    serving = replaced(known.devices)
    if claim.kind == "install" and serving:
        name = device_name(serving[0])
        raise Refused("P03", "station_taken", f"{name} serves {claim.station}: ask for a claim card-swap or replace")
    if claim.old_device is not None and claim.old_device not in known.devices:
        raise Refused("P03", "old_device", f"the device to be replaced never served {claim.station}")


def replaced(devices: Mapping[bytes, Status]) -> tuple[bytes, ...]:
    """Which of a station's devices a new one replaces: all that can still speak for it."""
    return tuple(device for device, status in devices.items() if after(status, "revoke") is not None)
