"""Ciphers, checksums and key derivation of an eMRTD chip. Decides nothing; keeps no state.

Sources: ICAO Doc 9303-11, 9.7 (key derivation) and 9.8 (secure messaging), appendix D; ISO/IEC 9797-1, algorithm 3.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

_CHECKSUM_BYTES = 8


@dataclass(frozen=True, slots=True)
class Suite:
    """One of the four: its name in configuration, last arc of its object identifiers, key and block length in bytes."""

    name: str
    arc: int
    key_bytes: int
    block_bytes: int

    @property
    def is_aes(self) -> bool:
        """AES, or else two-key triple DES."""
        return self.arc > 1

    def derive(self, secret: bytes, counter: int) -> bytes:
        """Give the key for encryption (1), checksums (2) or the nonce of PACE (3)."""
        wide = self.key_bytes > 16
        digest = hashlib.new("sha256" if wide else "sha1", secret + counter.to_bytes(4, "big"), usedforsecurity=False)
        key = digest.digest()[: self.key_bytes]
        return key if self.is_aes else bytes(byte & 0xFE | (1 - (byte >> 1).bit_count() % 2) for byte in key)

    def encrypt(self, key: bytes, data: bytes, counter: bytes = b"") -> bytes:
        """CBC over whole blocks; with a send counter the vector is made of it (AES), else it is zero."""
        encryptor = Cipher(self._cipher(key), modes.CBC(self._vector(key, counter))).encryptor()
        return encryptor.update(data) + encryptor.finalize()

    def decrypt(self, key: bytes, data: bytes, counter: bytes = b"") -> bytes:
        """The reverse of `encrypt`."""
        decryptor = Cipher(self._cipher(key), modes.CBC(self._vector(key, counter))).decryptor()
        return decryptor.update(data) + decryptor.finalize()

    def checksum(self, key: bytes, data: bytes) -> bytes:
        """Eight bytes over data of any length; triple DES takes whole blocks only (padded by the caller)."""
        if self.is_aes:
            code = CMAC(AES(key))
            code.update(data)
            return code.finalize()[:_CHECKSUM_BYTES]
        single = Cipher(TripleDES(key[:8] * 3), modes.CBC(bytes(8))).encryptor()
        last = single.update(data)[-8:]
        # Single DES with the one key to the last block, then decrypted by the other and encrypted by the one again.
        one = Cipher(TripleDES(key[:8] * 3), modes.ECB()).encryptor()  # noqa: S305 - one block
        other = Cipher(TripleDES(key[8:] * 3), modes.ECB()).decryptor()  # noqa: S305 - one block
        return one.update(other.update(last))

    def pad(self, data: bytes) -> bytes:
        """Add 80 and zeros up to a whole block (ISO/IEC 9797-1, method 2)."""
        return data + b"\x80" + bytes(-(len(data) + 1) % self.block_bytes)

    def _vector(self, key: bytes, counter: bytes) -> bytes:
        if not counter or not self.is_aes:
            return bytes(self.block_bytes)
        return Cipher(AES(key), modes.ECB()).encryptor().update(counter)  # noqa: S305 - one block

    def _cipher(self, key: bytes) -> AES | TripleDES:
        return AES(key) if self.is_aes else TripleDES(key + key[:8])


_ALL = (Suite("3DES", 1, 16, 8), Suite("AES-128", 2, 16, 16), Suite("AES-192", 3, 24, 16), Suite("AES-256", 4, 32, 16))
SUITES = {suite.name: suite for suite in _ALL}


def unpad(data: bytes) -> bytes | None:
    """Take the padding off again; None where there is none."""
    plain = data.rstrip(b"\0")
    return plain[:-1] if plain.endswith(b"\x80") else None


def same(left: bytes, right: bytes) -> bool:
    """Compare in constant time, as a chip must."""
    return hmac.compare_digest(left, right)
