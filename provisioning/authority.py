"""The fleet's certificate authority: an offline root, an issuing CA under it, and what the issuing CA may sign.

Decides how every certificate of the fleet looks (device, server, revocation list) and what is taken from a station's
certificate request: the public key and the proof of possession, nothing else. Decides nothing about who may have a
certificate (fleet_server.enrol) and keeps no list of what it issued (the fleet's registry). The clock is an argument.

Sources: RFC 5280 (profiles), RFC 2986 (requests). Keys are P-256 or Ed25519; the CA's own are P-256.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device_profiles.wire import EDDSA, device_name
from provisioning.keys import SignatureRefused, SigningKey, VerifyKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DAY_MS = 24 * 3600 * 1000
BACKDATE_MS = 3600 * 1000  # a station's clock may be a little behind
ROOT_DAYS = 20 * 365
ISSUING_DAYS = 5 * 365
DEVICE_DAYS = 90
SERVER_DAYS = 397
CRL_DAYS = 30  # past its end a broker refuses every device: make a new one daily
REQUEST_MAX_BYTES = 4096
DEVICE_NAME_CHARS = 26

_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class RequestRefused(ValueError):
    """A certificate request that gets no certificate; `reason` is one short word for counters."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class AuthorityFault(ValueError):
    """The CA cannot do this with what it has; the words name the thing and the remedy."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is taken from a certificate request: `spki` (DER of the key); `ignored` names all else it asked for."""

    spki: bytes
    ignored: tuple[str, ...]


def make_request(key: SigningKey) -> bytes:
    """Give the DER request for a TLS key. It names nothing, because nothing that is asked for is granted."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key.private, _hash_for(key)).public_bytes(serialization.Encoding.DER)


def read_request(der: bytes) -> Request:
    """Take the key out of a DER request after proof of possession; raise RequestRefused for any other.

    Names, alternative names, usages and extensions that the request asks for are listed in `ignored`, never granted.
    """
    if len(der) > REQUEST_MAX_BYTES:
        raise RequestRefused("too_large", f"the certificate request has {len(der)} bytes, at most {REQUEST_MAX_BYTES}")
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        ignored = [f"name {each.oid.dotted_string}" for each in request.subject]
        ignored += [f"extension {each.oid.dotted_string}" for each in request.extensions]
        proven = _allowed(key) and request.is_signature_valid
    except _UNREADABLE as error:
        raise RequestRefused("not_a_request", "the certificate request cannot be read: make it again") from error
    if not _allowed(key):
        raise RequestRefused("weak_key", "the TLS key must be P-256 or Ed25519: make the key again")
    if not proven:
        raise RequestRefused("no_possession", "the certificate request is not signed by the key that it carries")
    # Encoded again, so that one key has one form (a compressed point is the same key).
    return Request(_spki(key), tuple(ignored))


def _allowed(key: object) -> bool:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return isinstance(key.curve, ec.SECP256R1)
    return isinstance(key, ed25519.Ed25519PublicKey)


def _hash_for(key: SigningKey) -> hashes.SHA256 | None:
    return None if key.alg == EDDSA else hashes.SHA256()


def _spki(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _time(time_ms: int) -> dt.datetime:
    """UTC in whole seconds: certificates carry no fractions."""
    return dt.datetime.fromtimestamp(time_ms // 1000, tz=dt.UTC)


def life_ms(certificate: x509.Certificate) -> tuple[int, int]:
    """First and last moment of a certificate's life, UTC milliseconds."""
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return round(first.timestamp() * 1000), round(last.timestamp() * 1000)


def serial_text(certificate: x509.Certificate) -> str:
    """A serial number as the registry keeps it: lower-case hex."""
    return f"{certificate.serial_number:x}"


def subject_text(certificate: x509.Certificate) -> str:
    """The common name, "" where there is none: of a device's certificate its device name."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def certified_spki(certificate: x509.Certificate) -> bytes:
    """The key that a certificate is for (DER). Raises AuthorityFault for a key of an unknown kind."""
    try:
        return _spki(certificate.public_key())
    except _UNREADABLE as error:
        raise AuthorityFault("a certificate is for a key that cannot be read") from error


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, spki: bytes, now_ms: int, end_ms: int, *, path_length: int | None
) -> x509.CertificateBuilder:
    """What all our certificates share; `path_length` None means: no CA."""
    key = serialization.load_der_public_key(spki)
    assert isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey)  # noqa: S101  callers have checked
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now_ms - BACKDATE_MS))
        .not_valid_after(_time(end_ms))
        .add_extension(x509.BasicConstraints(ca=path_length is not None, path_length=path_length), critical=True)
        .add_extension(_usage(ca=path_length is not None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def make_root(key: SigningKey, now_ms: int) -> x509.Certificate:
    """Sign the root with itself; its key belongs offline."""
    name = _named(f"Kiosk fleet root {key.kid.hex()}")
    return (
        _builder(name, key.spki, now_ms, now_ms + ROOT_DAYS * DAY_MS, path_length=1)
        .issuer_name(name)
        .add_extension(_authority_id(key.spki), critical=False)
        .sign(key.private, _hash_for(key))
    )


def make_issuing(root: x509.Certificate, root_key: SigningKey, spki: bytes, now_ms: int) -> x509.Certificate:
    """Let the root sign an issuing CA (path length 0: it signs no further CA) for the key `spki`."""
    name = _named(f"Kiosk fleet issuing {VerifyKey.from_spki(spki).kid.hex()}")
    end_ms = min(now_ms + ISSUING_DAYS * DAY_MS, life_ms(root)[1])
    return (
        _builder(name, spki, now_ms, end_ms, path_length=0)
        .issuer_name(root.subject)
        .add_extension(_authority_id(root_key.spki), critical=False)
        .sign(root_key.private, _hash_for(root_key))
    )


def _authority_id(spki: bytes) -> x509.AuthorityKeyIdentifier:
    key = serialization.load_der_public_key(spki)
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)  # type: ignore[arg-type]


def pem(*certificates: x509.Certificate) -> bytes:
    """Give certificates as one PEM file, in this order."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def der(certificate: x509.Certificate) -> bytes:
    """Give a certificate as DER."""
    return certificate.public_bytes(serialization.Encoding.DER)


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the certificate as DER (32 bytes)."""
    return certificate.fingerprint(hashes.SHA256())


def certificate_from_der(data: bytes, what: str) -> x509.Certificate:
    """Read a certificate; `what` names it in the AuthorityFault."""
    try:
        return x509.load_der_x509_certificate(data)
    except _UNREADABLE as error:
        raise AuthorityFault(f"{what} is no certificate (DER)") from error


def certificate_from_pem(data: bytes, what: str) -> x509.Certificate:
    """Read the first certificate of a PEM file; `what` names it in the AuthorityFault."""
    try:
        return x509.load_pem_x509_certificate(data)
    except _UNREADABLE as error:
        raise AuthorityFault(f"{what} holds no certificate (PEM, -----BEGIN CERTIFICATE-----)") from error


def chain_from_pem(data: bytes, what: str) -> list[x509.Certificate]:
    """Read all certificates of a PEM file, each signed by the next; `what` names it in the AuthorityFault."""
    try:
        chain = x509.load_pem_x509_certificates(data)
    except _UNREADABLE as error:
        raise AuthorityFault(f"{what} holds no certificate (PEM, -----BEGIN CERTIFICATE-----)") from error
    for lower, upper in itertools.pairwise(chain):
        if not is_signed_by(lower, upper):
            raise AuthorityFault(f"{what} is no chain: a certificate in it is not signed by the next")
    return chain


def host_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The host names and addresses that a server certificate is for, in its order; () for one without."""
    for each in certificate.extensions:
        if isinstance(each.value, x509.SubjectAlternativeName):
            return tuple(str(name.value) for name in each.value)
    return ()


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` signed `certificate` and both say so by name. Judges no dates and no path length."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Authority:
    """The issuing CA with its key, and the root above it (only the certificate: the root's key is elsewhere)."""

    root: x509.Certificate
    certificate: x509.Certificate
    key: SigningKey

    @classmethod
    def load(cls, root_pem: bytes, issuing_pem: bytes, key_pem: bytes) -> Authority:
        """Read the three files of a CA. Raises AuthorityFault where they do not belong together."""
        root = certificate_from_pem(root_pem, "the CA's root certificate")
        issuing = certificate_from_pem(issuing_pem, "the issuing CA's certificate")
        try:
            key = SigningKey.from_pem(key_pem)
        except SignatureRefused as error:
            raise AuthorityFault("the issuing CA's key cannot be read: restore it from its backup") from error
        if not is_signed_by(issuing, root):
            raise AuthorityFault("the issuing CA is not signed by this root: the files belong to two fleets")
        if certified_spki(issuing) != key.spki:
            raise AuthorityFault("the issuing CA's key is not the one in its certificate")
        return cls(root, issuing, key)

    @property
    def chain_pem(self) -> bytes:
        """Root and issuing CA: what a broker checks client certificates against."""
        return pem(self.root, self.certificate)

    def device(self, device: bytes, spki: bytes, now_ms: int) -> x509.Certificate:
        """Issue the TLS certificate of a device (16 bytes) for the key `spki`: 90 days, client authentication only."""
        name = device_name(device)
        urn = x509.UniformResourceIdentifier(f"urn:kiosk:{name}")
        return self._leaf(name, spki, now_ms, DEVICE_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH, [urn])

    def client(self, name: str, spki: bytes, now_ms: int) -> x509.Certificate:
        """Issue a client certificate for one of the fleet's own processes ("ingest"): 397 days.

        The name may not be of the form of a device's: the broker gives rights by it.
        """
        if len(name) >= DEVICE_NAME_CHARS:
            raise AuthorityFault(f"{name!r} could be a device's name: use under {DEVICE_NAME_CHARS} characters")
        urn = x509.UniformResourceIdentifier(f"urn:kiosk:fleet:{name}")
        return self._leaf(name, spki, now_ms, SERVER_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH, [urn])

    def server(self, names: Sequence[str], spki: bytes, now_ms: int) -> x509.Certificate:
        """Issue a server certificate for host names and IP addresses (text): 397 days, server authentication only."""
        if not names:
            raise AuthorityFault("a server certificate needs at least one host name or IP address")
        hosts = [_host(each) for each in names]
        return self._leaf(names[0][:64], spki, now_ms, SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH, hosts)

    def _leaf(
        self,
        name: str,
        spki: bytes,
        now_ms: int,
        days: int,
        usage: x509.ObjectIdentifier,
        alternatives: Sequence[x509.GeneralName],
    ) -> x509.Certificate:
        """Sign a certificate that is no CA's. None outlives its issuer; an issuer that has ended signs nothing."""
        end_ms = min(now_ms + days * DAY_MS, life_ms(self.certificate)[1])
        if end_ms <= now_ms:
            raise AuthorityFault("the issuing CA's certificate has ended: let the offline root sign a new one")
        return (
            _builder(_named(name), spki, now_ms, end_ms, path_length=None)
            .issuer_name(self.certificate.subject)
            .add_extension(_authority_id(self.key.spki), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self.key.private, _hash_for(self.key))
        )

    def revocations(self, revoked: Iterable[tuple[str, int]], now_ms: int) -> bytes:
        """Give the revocation list (PEM) of [serial in hex, revoked at ms]; good for 30 days."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(_time(now_ms - BACKDATE_MS))
            .next_update(_time(now_ms + CRL_DAYS * DAY_MS))
            .add_extension(x509.CRLNumber(now_ms // 1000), critical=False)
            .add_extension(_authority_id(self.key.spki), critical=False)
        )
        for serial, at_ms in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(_time(at_ms))
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key.private, _hash_for(self.key)).public_bytes(serialization.Encoding.PEM)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
