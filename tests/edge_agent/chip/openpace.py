"""OpenPACE (libeac) as terminal: PACE and the cryptography of secure messaging, by people who do not know our chip."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_ulong, c_void_p

MRZ, CAN = 1, 2
_FOR_PACE = 0


class _Buffer(ctypes.Structure):  # OpenSSL's BUF_MEM
    _fields_ = (("length", c_size_t), ("data", c_void_p), ("max", c_size_t), ("flags", c_ulong))


_B = POINTER(_Buffer)
_CALLS = {
    "EAC_init": (None,),
    "EAC_CTX_new": (c_void_p,),
    "EAC_CTX_clear_free": (None, c_void_p),
    "EAC_CTX_init_ef_cardaccess": (c_int, c_char_p, c_size_t, c_void_p),
    "EAC_CTX_set_encryption_ctx": (c_int, c_void_p, c_int),
    "EAC_increment_ssc": (c_int, c_void_p),
    "EAC_encrypt": (_B, c_void_p, _B),
    "EAC_decrypt": (_B, c_void_p, _B),
    "EAC_authenticate": (_B, c_void_p, _B),
    "PACE_SEC_new": (c_void_p, c_char_p, c_size_t, c_int),
    "PACE_SEC_clear_free": (None, c_void_p),
    "PACE_STEP2_dec_nonce": (c_int, c_void_p, c_void_p, _B),
    "PACE_STEP3A_generate_mapping_data": (_B, c_void_p),
    "PACE_STEP3A_map_generator": (c_int, c_void_p, _B),
    "PACE_STEP3B_generate_ephemeral_key": (_B, c_void_p),
    "PACE_STEP3B_compute_shared_secret": (c_int, c_void_p, _B),
    "PACE_STEP3C_derive_keys": (c_int, c_void_p),
    "PACE_STEP3D_compute_authentication_token": (_B, c_void_p, _B),
    "PACE_STEP3D_verify_authentication_token": (c_int, c_void_p, _B),
}


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libeac.so.3")
    for name, (gives, *takes) in _CALLS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = gives, takes
    library.EAC_init()
    return library


_eac = _library()


def _buffer(data: bytes) -> _Buffer:
    kept = ctypes.create_string_buffer(data, len(data))
    buffer = _Buffer(len(data), ctypes.addressof(kept), len(data), 0)
    buffer.kept = kept
    return buffer


def _bytes(buffer: ctypes._Pointer[_Buffer]) -> bytes:
    assert buffer, "libeac gave nothing"
    return ctypes.string_at(buffer.contents.data, buffer.contents.length)


class OpenPace:
    """One run as a terminal."""

    def __init__(self, card_access: bytes) -> None:
        self._context = c_void_p(_eac.EAC_CTX_new())
        assert _eac.EAC_CTX_init_ef_cardaccess(card_access, len(card_access), self._context)

    def close(self) -> None:
        _eac.EAC_CTX_clear_free(self._context)

    def nonce(self, secret: str, kind: int, hidden: bytes) -> None:
        """Take the secret (CAN, or the 90 characters of the printed lines) and the chip's hidden nonce."""
        given = c_void_p(_eac.PACE_SEC_new(secret.encode(), len(secret), kind))
        assert given, "libeac does not take the secret"
        assert _eac.PACE_STEP2_dec_nonce(self._context, given, _buffer(hidden))
        _eac.PACE_SEC_clear_free(given)

    def mapping(self) -> bytes:
        return _bytes(_eac.PACE_STEP3A_generate_mapping_data(self._context))

    def map(self, theirs: bytes) -> None:
        assert _eac.PACE_STEP3A_map_generator(self._context, _buffer(theirs))

    def key(self) -> bytes:
        return _bytes(_eac.PACE_STEP3B_generate_ephemeral_key(self._context))

    def agree(self, theirs: bytes) -> bytes:
        """Derive the keys; gives the token."""
        assert _eac.PACE_STEP3B_compute_shared_secret(self._context, _buffer(theirs))
        assert _eac.PACE_STEP3C_derive_keys(self._context)
        return _bytes(_eac.PACE_STEP3D_compute_authentication_token(self._context, _buffer(theirs)))

    def verify(self, token: bytes) -> bool:
        return _eac.PACE_STEP3D_verify_authentication_token(self._context, _buffer(token)) == 1

    def begin_messaging(self) -> None:
        assert _eac.EAC_CTX_set_encryption_ctx(self._context, _FOR_PACE)

    def count(self) -> None:
        assert _eac.EAC_increment_ssc(self._context)

    def encrypt(self, data: bytes) -> bytes:
        return _bytes(_eac.EAC_encrypt(self._context, _buffer(data)))

    def decrypt(self, data: bytes) -> bytes:
        return _bytes(_eac.EAC_decrypt(self._context, _buffer(data)))

    def checksum(self, data: bytes) -> bytes:
        return _bytes(_eac.EAC_authenticate(self._context, _buffer(data)))
