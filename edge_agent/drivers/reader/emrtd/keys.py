"""Keys, ciphers and checksums of the chip's protocols, by the name of the cipher. Decides nothing.

Sources: ICAO Doc 9303-11, 9.7.1 (key derivation), 9.7.2 (keys from the MRZ and the CAN), 9.8 (ciphers and MACs of
secure messaging); ISO/IEC 9797-1 (MAC algorithm 3, padding method 2); NIST SP 800-38B (CMAC).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm
    from cryptography.hazmat.primitives.ciphers import Cipher as Machine
    from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

Cipher = Literal["3des", "aes128", "aes192", "aes256"]
KEY_BYTES: dict[Cipher, int] = {"3des": 16, "aes128": 16, "aes192": 24, "aes256": 32}
ENC, MAC, PASSWORD = 1, 2, 3  # the counters of the key derivation
_MAC_BYTES = 8


def block_bytes(cipher: Cipher) -> int:
    """The size of one block: 8 for 3DES, 16 for AES."""
    return 8 if cipher == "3des" else 16


def derive(secret: bytes, counter: int, cipher: Cipher) -> bytes:
    """Derive a key of a shared secret (KDF of Doc 9303-11, 9.7.1): SHA-1 up to 128 bits, SHA-256 above."""
    data = secret + counter.to_bytes(4, "big")
    if cipher in {"aes192", "aes256"}:
        return hashlib.sha256(data).digest()[: KEY_BYTES[cipher]]
    key = hashlib.sha1(data, usedforsecurity=False).digest()[:16]
    return with_parity(key) if cipher == "3des" else key


def with_parity(key: bytes) -> bytes:
    """Give a DES key whose bytes have odd parity each, in their lowest bit."""
    return bytes(byte & 0xFE | ((byte >> 1).bit_count() + 1) % 2 for byte in key)


def mrz_seed(mrz_information: str) -> bytes:
    """SHA-1 of the MRZ information (20 bytes): the secret of PACE; its first 16 bytes are the key seed of BAC."""
    return hashlib.sha1(mrz_information.encode("ascii"), usedforsecurity=False).digest()


def pad(data: bytes, block: int) -> bytes:
    """Append 80 and then 00 up to a whole block (padding method 2)."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def unpad(data: bytes) -> bytes | None:
    """Take the padding off again; None where there is none."""
    bare = data.rstrip(b"\0")
    return bare[:-1] if bare.endswith(b"\x80") else None


def encrypt(cipher: Cipher, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt whole blocks in CBC mode."""
    machine = _machine(cipher, key, iv).encryptor()
    return machine.update(data) + machine.finalize()


def decrypt(cipher: Cipher, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks in CBC mode."""
    machine = _machine(cipher, key, iv).decryptor()
    return machine.update(data) + machine.finalize()


def encrypt_block(cipher: Cipher, key: bytes, block: bytes) -> bytes:
    """Encrypt one block by itself."""
    machine = _machine(cipher, key, None).encryptor()
    return machine.update(block) + machine.finalize()


def mac(cipher: Cipher, key: bytes, data: bytes) -> bytes:
    """The checksum of 8 bytes: retail MAC over whole blocks for 3DES (pad first), else CMAC."""
    if cipher == "3des":
        return _retail_mac(key, data)
    from cryptography.hazmat.primitives.ciphers import algorithms
    from cryptography.hazmat.primitives.cmac import CMAC

    machine = CMAC(algorithms.AES(key))
    machine.update(data)
    return machine.finalize()[:_MAC_BYTES]


def _retail_mac(key: bytes, data: bytes) -> bytes:
    """MAC algorithm 3 of ISO/IEC 9797-1: DES-CBC with the key's first half, the last block with both."""
    first, last = data[:-8], data[-8:]
    chained = encrypt("3des", key[:8] * 2, bytes(8), first)[-8:] if first else bytes(8)
    return encrypt("3des", key, chained, last)


def _machine(cipher: Cipher, key: bytes, iv: bytes | None) -> Machine[CBC | ECB]:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher as Machine
    from cryptography.hazmat.primitives.ciphers import algorithms, modes

    kind: BlockCipherAlgorithm = TripleDES(key + key[:8]) if cipher == "3des" else algorithms.AES(key)
    mode: CBC | ECB = modes.ECB() if iv is None else modes.CBC(iv)  # noqa: S305 - one block: the IV of AES messaging
    return Machine(kind, mode)
