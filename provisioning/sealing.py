"""Sealing: who can read it. One content key per visit, wrapped for the fleet by HPKE; records under the content key.

Base suite (1): X25519, HKDF-SHA256, ChaCha20-Poly1305 (RFC 9180). Hybrid suite (2): MLKEM768-X25519 in front of the
same two, written by default, because the pipe may be recorded today and opened in twenty years; its KEM is still a
draft, so the suite is a header field and both stay readable. Header bytes bind every seal: one edited bit does not
open. Decides nothing about who holds which key, or when a key is drawn.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from device_profiles.cbor import WireError

SUITE_BASE, SUITE_HYBRID = 1, 2
SEED_BYTES = SECRET_BYTES = 32
_MLKEM_PUBLIC_BYTES = 1184
_NONCE_BYTES = 12
_SUITES = {
    SUITE_BASE: hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305),
    SUITE_HYBRID: hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305),
}


class SealRefused(WireError):
    """What was sealed does not open: another key, another header, or changed bytes."""


def record_info(header: bytes) -> bytes:
    """What binds a record's seal to its clear header."""
    return b"kiosk-record/1\x00" + header


def answer_info(question_hash: bytes) -> bytes:
    """What binds an answer's seal to its question."""
    return b"kiosk-answer/1\x00" + question_hash


def key_id(suite: int, public: bytes) -> bytes:
    """The 8-byte kid of a sealing key: start of SHA-256(suite || public key)."""
    return hashlib.sha256(bytes([suite]) + public).digest()[:8]


class SealTo:
    """The public half of a sealing key: 32 bytes (base) or 1,216 bytes (hybrid: ML-KEM key || X25519 key)."""

    __slots__ = ("_key", "kid", "public", "suite")

    def __init__(self, suite: int, public: bytes) -> None:
        """Raises WireError("sealing_key") for an unknown suite or a key of the wrong size."""
        try:
            if suite == SUITE_BASE:
                self._key: object = x25519.X25519PublicKey.from_public_bytes(public)
            elif suite == SUITE_HYBRID:
                self._key = hpke.MLKEM768X25519PublicKey(
                    mlkem.MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_BYTES]),
                    x25519.X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_BYTES:]),
                )
            else:
                raise WireError("sealing_key", f"unknown suite {suite}")
        except ValueError as error:
            raise WireError("sealing_key", str(error)) from error
        self.suite, self.public, self.kid = suite, public, key_id(suite, public)

    def seal(self, plain: bytes, info: bytes) -> bytes:
        """Seal once, under a fresh ephemeral key; adds 48 bytes (base) or 1,136 bytes (hybrid).

        Raises WireError("sealing_key") for a public key that agrees on nothing (a point of low order).
        """
        try:
            return _SUITES[self.suite].encrypt(plain, self._key, info)  # type: ignore[arg-type]
        except ValueError as error:
            raise WireError("sealing_key", str(error)) from error


class OpeningKey:
    """The private half, grown from a 32-byte seed (the hybrid key has no raw form of its own)."""

    __slots__ = ("_key", "kid", "public", "seed", "suite")

    def __init__(self, suite: int, seed: bytes) -> None:
        """Raises WireError("sealing_key") for an unknown suite or a seed that is not 32 bytes."""
        if suite not in _SUITES or len(seed) != SEED_BYTES:
            raise WireError("sealing_key", f"needs a known suite and {SEED_BYTES} bytes, got {suite} and {len(seed)}")
        self.suite, self.seed = suite, seed
        if suite == SUITE_BASE:
            base = x25519.X25519PrivateKey.from_private_bytes(seed)
            self._key: object = base
            self.public = base.public_key().public_bytes_raw()
        else:
            # draft-irtf-cfrg-hybrid-kems: SHAKE256 of the seed gives 64 bytes for ML-KEM and 32 for X25519.
            grown = hashlib.shake_256(seed).digest(96)
            lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(grown[:64])
            curve = x25519.X25519PrivateKey.from_private_bytes(grown[64:])
            self._key = hpke.MLKEM768X25519PrivateKey(lattice, curve)
            self.public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        self.kid = key_id(suite, self.public)

    @classmethod
    def generate(cls, suite: int = SUITE_HYBRID) -> OpeningKey:
        """Draw a new key."""
        return cls(suite, secrets.token_bytes(SEED_BYTES))

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open. Raises SealRefused."""
        try:
            return _SUITES[self.suite].decrypt(sealed, self._key, info)  # type: ignore[arg-type]
        except (InvalidTag, ValueError) as error:
            raise SealRefused("seal", "does not open") from error


class ContentKey:
    """The key of one visit (32 random bytes): in memory only, gone at the wipe."""

    __slots__ = ("_cipher", "_secret")

    def __init__(self, secret: bytes | None = None) -> None:
        """Raises SealRefused for an unwrapped secret that is not 32 bytes."""
        if secret is not None and len(secret) != SECRET_BYTES:
            raise SealRefused("seal", f"a content key has {SECRET_BYTES} bytes, not {len(secret)}")
        self._secret = ChaCha20Poly1305.generate_key() if secret is None else secret
        self._cipher = ChaCha20Poly1305(self._secret)

    @property
    def secret(self) -> bytes:
        """The 32 bytes, for wrapping."""
        return self._secret

    def seal(self, header: bytes, plain: bytes) -> bytes:
        """Seal one record's padded body: 12 random bytes || ciphertext, bound to the header."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, record_info(header))

    def open(self, header: bytes, sealed: bytes) -> bytes:
        """Open one record. Raises SealRefused."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], record_info(header))
        except (InvalidTag, ValueError) as error:
            raise SealRefused("seal", "does not open") from error
