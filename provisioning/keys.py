"""Signing keys and signed messages: who said it. Decides nothing about what may be said.

Every message is a COSE_Sign1 (RFC 9052) under a named kind, so that no kind passes for another. The algorithm is fixed
by the key, never by the message; signatures are the plain 64 bytes (r || s for P-256) and anything else is wrong.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from device_profiles.cbor import WireError
from device_profiles.wire import (
    EDDSA,
    ESP256,
    SIGNATURE_BYTES,
    envelope_decode,
    envelope_encode,
    protected_header,
    to_be_signed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = frozenset(
    f"kiosk/{name}/1"
    for name in ("batch", "ack", "desired", "claim", "enrol", "bundle", "keys", "set", "question", "answer")
)
_ECDSA = ec.ECDSA(hashes.SHA256())
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


class SignatureRefused(WireError):
    """A message whose signature, key or kind is not what it must be."""


def key_id(spki: bytes) -> bytes:
    """The 8-byte kid of a signing key: start of SHA-256 over its SubjectPublicKeyInfo (DER)."""
    return hashlib.sha256(spki).digest()[:8]


def device_id(spki: bytes) -> bytes:
    """The 16-byte id of a device: first half of SHA-256 over its first enrolled public key (SPKI, DER)."""
    return hashlib.sha256(spki).digest()[:16]


class VerifyKey:
    """The public half: P-256 or Ed25519, nothing else."""

    __slots__ = ("_key", "alg", "kid", "spki")

    def __init__(self, key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> None:
        self._key = key
        self.alg = EDDSA if isinstance(key, ed25519.Ed25519PublicKey) else ESP256
        self.spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.kid = key_id(self.spki)

    @classmethod
    def from_spki(cls, spki: bytes) -> VerifyKey:
        """Read a DER SubjectPublicKeyInfo. Raises SignatureRefused("key") for another curve, type or encoding."""
        try:
            key = serialization.load_der_public_key(spki)
        except _UNREADABLE as error:
            raise SignatureRefused("key", "not a public key") from error
        if isinstance(key, ec.EllipticCurvePublicKey):
            if not isinstance(key.curve, ec.SECP256R1):
                raise SignatureRefused("key", "must be P-256 or Ed25519")
        elif not isinstance(key, ed25519.Ed25519PublicKey):
            raise SignatureRefused("key", "must be P-256 or Ed25519")
        found = cls(key)
        if found.spki != spki:
            raise SignatureRefused("key", "not the one DER encoding of this key")
        return found

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raises SignatureRefused("signature") unless `signature` (64 bytes) is this key's over `data`."""
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureRefused("signature", f"{len(signature)} bytes, must be {SIGNATURE_BYTES}")
        try:
            if isinstance(self._key, ed25519.Ed25519PublicKey):
                self._key.verify(signature, data)
            else:
                r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                self._key.verify(encode_dss_signature(r, s), data, _ECDSA)
        except (InvalidSignature, ValueError) as error:
            raise SignatureRefused("signature", "does not verify") from error


class SigningKey:
    """The private half. A hardware key later offers the same three names: alg, kid, sign."""

    __slots__ = ("_key", "alg", "kid", "public", "spki")

    def __init__(self, key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
        self._key = key
        self.public = VerifyKey(key.public_key())
        self.alg, self.kid, self.spki = self.public.alg, self.public.kid, self.public.spki

    @classmethod
    def generate(cls, alg: int = ESP256) -> SigningKey:
        """Draw a new key: ESP256 (P-256, the default: TPM and PKCS#11 have it) or EDDSA (Ed25519)."""
        return cls(ec.generate_private_key(ec.SECP256R1()) if alg == ESP256 else ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> SigningKey:
        """Read PKCS#8 PEM. Raises SignatureRefused("key")."""
        try:
            key = serialization.load_pem_private_key(pem, None)
        except _UNREADABLE as error:
            raise SignatureRefused("key", "not a private key in PEM") from error
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        raise SignatureRefused("key", "must be P-256 or Ed25519")

    def to_pem(self) -> bytes:
        """Give PKCS#8 PEM, unencrypted: the file's mode (0600) and place guard it."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def private(self) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
        """The library's key object, for certificates and requests."""
        return self._key

    def sign(self, data: bytes) -> bytes:
        """Sign: 64 bytes."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(data)
        r, s = decode_dss_signature(self._key.sign(data, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign_message(key: SigningKey, kind: str, payload: bytes) -> bytes:
    """Give the COSE_Sign1 of a payload under one of KINDS."""
    assert kind in KINDS, kind  # noqa: S101  our own mistake: crash
    protected = protected_header(key.alg, key.kid)
    return envelope_encode(protected, payload, key.sign(to_be_signed(kind, protected, payload)))


def open_message(
    kind: str, data: bytes, find: Callable[[bytes], VerifyKey | None], size_max_bytes: int
) -> tuple[bytes, VerifyKey]:
    """Verify a COSE_Sign1 of this kind; give (payload, the key that signed it).

    `find` gives the key for a kid, or None. Raises WireError for a malformed message and SignatureRefused for an
    unknown key, an algorithm that is not the key's, or a wrong signature.
    """
    envelope = envelope_decode(data, size_max_bytes)
    key = find(envelope.kid)
    if key is None:
        raise SignatureRefused("unknown_key", envelope.kid.hex())
    if envelope.alg != key.alg:
        raise SignatureRefused("algorithm", f"{envelope.alg} named, the key's is {key.alg}")
    key.verify(envelope.signature, to_be_signed(kind, envelope.protected, envelope.payload))
    return envelope.payload, key
