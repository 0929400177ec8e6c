"""The issuer of simulated cards (MÔ PHỎNG): a throw-away test CSCA, its document signers, and what they sign.

Decides how an EF.SOD looks, right or wrong in one point. The keys are drawn anew in each process and never leave it, so
that no real station can come to trust them. Sources: ICAO Doc 9303-10, 4.6.2 (EF.SOD) and 9303-12, 7 (certificates);
RFC 5652 (CMS), RFC 4055 (RSA-PSS), RFC 3279 (explicit curve parameters).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from asn1crypto import algos, cms, core, keys, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge_agent.drivers.reader.chip.ber import tlv
from edge_agent.drivers.reader.emrtd.curves import CURVES

SignerKind = Literal["ec", "ec_explicit", "ec_384", "rsa", "rsa_pss"]
SodKind = Literal["right", "wrong_signer", "expired_signer", "wrong_signature", "absent"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_CURVES: dict[int, ec.EllipticCurve] = {12: ec.SECP256R1(), 13: ec.BrainpoolP256R1(), 16: ec.BrainpoolP384R1()}
_SIGNER_CURVES = {"ec": 12, "ec_explicit": 13, "ec_384": 16}
_RSA_BITS = 2048
_LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
_VALID_FROM, _VALID_TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
_EXPIRED_ON = datetime(2021, 1, 1, tzinfo=UTC)
_SIGNED_AT = datetime(2020, 7, 1, tzinfo=UTC)
_WRAPPER = 0x77


@dataclass(frozen=True, slots=True)
class Authority:
    """A key and the certificate (DER) that names its owner."""

    signer: SignerKind
    key: PrivateKey
    certificate: bytes

    @property
    def digest(self) -> str:
        """The hash it signs with."""
        return "sha384" if self.signer == "ec_384" else "sha256"

    @property
    def algorithm(self) -> algos.SignedDigestAlgorithm:
        """Its signature algorithm as certificates and CMS name it."""
        if self.signer == "rsa_pss":
            named = {"algorithm": self.digest}
            parameters = {
                "hash_algorithm": named,
                "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": named},
                "salt_length": 32,
            }
            return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})
        return algos.SignedDigestAlgorithm({"algorithm": f"{self.digest}_{'rsa' if self.signer == 'rsa' else 'ecdsa'}"})

    def sign(self, data: bytes) -> bytes:
        """Sign as `algorithm` says."""
        digest = hashes.SHA384() if self.digest == "sha384" else hashes.SHA256()
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(digest))
        if self.signer == "rsa_pss":
            return self.key.sign(data, padding.PSS(padding.MGF1(digest), 32), digest)
        return self.key.sign(data, padding.PKCS1v15(), digest)


def csca(signer: SignerKind = "ec") -> Authority:
    """The test CSCA of this process for one kind of signature."""
    return _csca(signer, 1)


@lru_cache(maxsize=64)
def document_signer(signer: SignerKind = "ec", sod: SodKind = "right") -> Authority:
    """Who signs cards for the test CSCA; expired, or vouched for by the false one, as `sod` says."""
    issuer = _csca(signer, 2 if sod == "wrong_signer" else 1)
    key = _key(signer)
    end = _EXPIRED_ON if sod == "expired_signer" else _VALID_TO
    return Authority(signer, key, _certificate(Authority(signer, key, b""), issuer, end, serial=3))


def digests(signer: SignerKind, groups: dict[int, bytes]) -> dict[int, bytes]:
    """Give the hash of each data group (number to whole file)."""
    name = csca(signer).digest
    return {number: hashlib.new(name, content).digest() for number, content in groups.items()}


@lru_cache(maxsize=256)
def security_object(signer: SignerKind, sod: SodKind, listed: tuple[tuple[int, bytes], ...]) -> bytes:
    """Give EF.SOD over the hashes of data groups."""
    by = document_signer(signer, sod)
    certificate = x509.Certificate.load(by.certificate)
    content = _listing(by.digest, listed)
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": [_LDS_SECURITY_OBJECT]},
            {"type": "message_digest", "values": [hashlib.new(by.digest, content).digest()]},
            {"type": "signing_time", "values": [core.UTCTime(_SIGNED_AT)]},
        ]
    )
    signature = by.sign(attributes.dump())
    if sod == "wrong_signature":
        signature = by.sign(attributes.dump() + b"\0")
    info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number",
            {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
        ),
        "digest_algorithm": {"algorithm": by.digest},
        "signed_attrs": attributes,
        "signature_algorithm": by.algorithm,
        "signature": signature,
    }
    signed = {
        "version": "v3",
        "digest_algorithms": [{"algorithm": by.digest}],
        "encap_content_info": {"content_type": _LDS_SECURITY_OBJECT, "content": core.ParsableOctetString(content)},
        "certificates": [certificate],
        "signer_infos": [info],
    }
    return tlv(_WRAPPER, cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)}).dump())


def ec_key(parameter_id: int) -> ec.EllipticCurvePrivateKey:
    """Draw a key on a curve, by the curve's number (12, 13, 16)."""
    return ec.generate_private_key(_CURVES[parameter_id])


def public_key(key: PrivateKey, *, explicit: bool) -> bytes:
    """Give SubjectPublicKeyInfo; `explicit` writes the curve out instead of naming it (ICAO 9303-12 asks for that)."""
    named = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if not explicit or isinstance(key, rsa.RSAPrivateKey):
        return named
    curve = next(CURVES[number] for number, known in _CURVES.items() if known.name == key.curve.name)
    field = keys.FieldID({"field_type": "prime_field", "parameters": core.Integer(curve.p)})
    domain = {
        "version": "ecdpVer1",
        "field_id": field,
        "curve": {"a": curve.coordinate(curve.a), "b": curve.coordinate(curve.b)},
        "base": keys.ECPoint(curve.encode(curve.g)),
        "order": curve.n,
        "cofactor": 1,
    }
    parameters = keys.ECDomainParameters("specified", keys.SpecifiedECDomain(domain))
    info = keys.PublicKeyInfo.load(named)
    info["algorithm"] = keys.PublicKeyAlgorithm({"algorithm": "ec", "parameters": parameters})
    return bytes(info.dump(force=True))


def plain_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Give r and s one after the other, as a chip does (BSI TR-03111, 5.2.1)."""
    size = (key.curve.key_size + 7) // 8
    return b"".join(
        number.to_bytes(size, "big") for number in decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    )


@lru_cache(maxsize=16)
def _csca(signer: SignerKind, serial: int) -> Authority:
    """Number 1 is the one to trust; number 2 has its name and another key."""
    key = _key(signer)
    naming = Authority(signer, key, b"")
    return Authority(signer, key, _certificate(naming, naming, _VALID_TO, serial=serial))


def _key(signer: SignerKind) -> PrivateKey:
    if signer in _SIGNER_CURVES:
        return ec_key(_SIGNER_CURVES[signer])
    return rsa.generate_private_key(65537, _RSA_BITS)


def _listing(digest: str, listed: tuple[tuple[int, bytes], ...]) -> bytes:
    """LDSSecurityObject, version 0."""
    algorithm = algos.DigestAlgorithm({"algorithm": digest}).dump()
    groups = [tlv(0x30, tlv(0x02, bytes([number])), tlv(0x04, value)) for number, value in listed]
    return tlv(0x30, tlv(0x02, b"\0"), algorithm, tlv(0x30, *groups))


def _certificate(subject: Authority, issuer: Authority, end: datetime, *, serial: int) -> bytes:
    """Sign a certificate; one whose issuer is its subject is a CSCA's."""
    root = subject is issuer
    info = keys.PublicKeyInfo.load(public_key(subject.key, explicit=subject.signer not in {"ec", "rsa", "rsa_pss"}))
    authority = keys.PublicKeyInfo.load(public_key(issuer.key, explicit=issuer.signer not in {"ec", "rsa", "rsa_pss"}))
    use = {"key_cert_sign", "crl_sign"} if root else {"digital_signature"}
    extensions = [
        {"extn_id": "key_identifier", "extn_value": info.sha1},
        {"extn_id": "authority_key_identifier", "extn_value": {"key_identifier": authority.sha1}},
        {"extn_id": "key_usage", "critical": True, "extn_value": use},
    ]
    if root:
        extensions.append(
            {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": True, "path_len_constraint": 0}}
        )
    body = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": serial,
            "signature": issuer.algorithm,
            "issuer": _name("CSCA"),
            "validity": {"not_before": x509.Time({"utc_time": _VALID_FROM}), "not_after": x509.Time({"utc_time": end})},
            "subject": _name("CSCA" if root else "Document Signer"),
            "subject_public_key_info": info,
            "extensions": extensions,
        }
    )
    signature = issuer.sign(body.dump())
    parts = {"tbs_certificate": body, "signature_algorithm": issuer.algorithm, "signature_value": signature}
    return bytes(x509.Certificate(parts).dump())


def _name(role: str) -> x509.Name:
    return x509.Name.build(
        {"country_name": "VN", "organization_name": "MÔ PHỎNG - simulated, no authority", "common_name": f"Test {role}"}
    )
