"""How a chip proves that it holds its own key: Active Authentication and Chip Authentication, the chip's end.

Decides nothing about trust. A cloned chip has other keys than its data groups 14 and 15 say. Sources: ICAO Doc 9303-11,
6.1 and 6.2; ISO/IEC 9796-2, scheme 1 (RSA); BSI TR-03111, 5.2.1 (plain ECDSA).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from edge_agent.drivers.reader.chip import apdu
from edge_agent.drivers.reader.chip.ber import BerFault, only, split, tlv
from edge_agent.drivers.reader.chip.channel import Channel
from edge_agent.drivers.reader.chip.issuer import ec_key, plain_signature, public_key
from edge_agent.drivers.reader.chip.suite import SUITES
from edge_agent.drivers.reader.emrtd.curves import CURVES, PointFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.drivers.reader.chip.issuer import PrivateKey

ActiveKind = Literal["ec", "rsa", "rsa_2048", "none"]
ChipKind = Literal["3DES", "AES-128", "AES-192", "AES-256", "none"]

_PARAMETER_ID = {"active": 12, "chip": 13}
_RSA_BITS = {"rsa": 1024, "rsa_2048": 2048}
# Length in bytes of digest and trailer: SHA-1 is trailed by BC, SHA-256 by 34 CC.
_TRAILERS = {"rsa": ("sha1", b"\xbc"), "rsa_2048": ("sha256", b"\x34\xcc")}
_CHALLENGE_BYTES = 8
_ACTIVE_INFO = bytes.fromhex("678108010105")  # id-icao-mrtd-security-aaProtocolObject
_PLAIN_SHA256 = bytes.fromhex("04007F00070101040103")
_CHIP_KEY = bytes.fromhex("04007F000702020102")  # id-PK-ECDH
_CHIP_MECHANISM = bytes.fromhex("04007F0007020203 02")  # id-CA-ECDH; the suite's arc follows
_DYNAMIC, _PUBLIC, _MECHANISM, _OLD_PUBLIC, _REFERENCE = 0x7C, 0x80, 0x80, 0x91, 0x84


@lru_cache(maxsize=32)
def _key(purpose: str, kind: str, *, true: bool) -> PrivateKey:
    """The key that the data groups name, or (not true) a clone's. One of each per process."""
    del true  # it only tells the two apart
    if kind in _RSA_BITS:
        return rsa.generate_private_key(65537, _RSA_BITS[kind])
    return ec_key(_PARAMETER_ID[purpose])


class ActiveKey:
    """What answers INTERNAL AUTHENTICATE."""

    def __init__(self, kind: ActiveKind, *, explicit: bool, cloned: bool) -> None:
        self._kind, self._explicit = kind, explicit
        self._said = _key("active", kind, true=True)
        self._own = _key("active", kind, true=not cloned)

    @property
    def public(self) -> bytes:
        """SubjectPublicKeyInfo for DG15."""
        return public_key(self._said, explicit=self._explicit)

    @property
    def info(self) -> bytes:
        """ActiveAuthenticationInfo for DG14; empty for RSA, which needs none."""
        if self._kind != "ec":
            return b""
        return tlv(0x30, tlv(0x06, _ACTIVE_INFO), tlv(0x02, b"\1"), tlv(0x06, _PLAIN_SHA256))

    def answer(self, challenge: bytes, random_bytes: Callable[[int], bytes]) -> apdu.Reply:
        """Sign the terminal's eight bytes."""
        if len(challenge) != _CHALLENGE_BYTES:
            return b"", apdu.WRONG_LENGTH
        if isinstance(self._own, ec.EllipticCurvePrivateKey):
            return plain_signature(self._own, challenge), apdu.OK
        numbers = self._own.private_numbers()
        modulus, size = numbers.public_numbers.n, self._own.key_size // 8
        digest, trailer = _TRAILERS[self._kind]
        own = random_bytes(size - 1 - hashlib.new(digest).digest_size - len(trailer))
        message = b"\x6a" + own + hashlib.new(digest, own + challenge).digest() + trailer
        return pow(int.from_bytes(message, "big"), numbers.d, modulus).to_bytes(size, "big"), apdu.OK


class ChipKey:
    """What a terminal may agree new session keys with."""

    def __init__(self, kind: ChipKind, *, explicit: bool, cloned: bool) -> None:
        self._suite, self._explicit = SUITES[kind], explicit
        self._said = _key("chip", kind, true=True)
        self._own = _key("chip", kind, true=not cloned)
        self._chosen = False

    @property
    def infos(self) -> tuple[bytes, bytes]:
        """ChipAuthenticationInfo and ChipAuthenticationPublicKeyInfo for DG14."""
        mechanism = tlv(0x30, tlv(0x06, self._mechanism), tlv(0x02, b"\1"))
        return mechanism, tlv(0x30, tlv(0x06, _CHIP_KEY), public_key(self._said, explicit=self._explicit))

    def forget(self) -> None:
        """Drop what was chosen: the power went."""
        self._chosen = False

    def choose(self, data: bytes) -> int:
        """MSE:Set AT (suites of AES): the status word."""
        self._chosen = False
        try:
            named = dict(split(data))
        except BerFault:
            return apdu.WRONG_DATA
        if not self._suite.is_aes or named.get(_MECHANISM) != self._mechanism:
            return apdu.WRONG_DATA
        if named.keys() - {_MECHANISM}:
            return apdu.UNKNOWN_REFERENCE  # the chip has one key, which has no number
        self._chosen = True
        return apdu.OK

    def agree(self, data: bytes) -> tuple[apdu.Reply, Channel | None]:
        """GENERAL AUTHENTICATE: the answer under the old keys, and the channel of the new ones."""
        chosen, self._chosen = self._chosen, False
        if not chosen:
            return (b"", apdu.NOT_NOW), None
        try:
            channel = self._channel(only(only(data, _DYNAMIC), _PUBLIC))
        except (BerFault, PointFault):
            return (b"", apdu.WRONG_DATA), None
        return (tlv(_DYNAMIC), apdu.OK), channel

    def agree_old(self, data: bytes) -> tuple[apdu.Reply, Channel | None]:
        """MSE:Set KAT, the one command of triple DES."""
        try:
            channel = self._channel(only(data, _OLD_PUBLIC))
        except (BerFault, PointFault):
            return (b"", apdu.WRONG_DATA), None
        return ((b"", apdu.WRONG_DATA), None) if self._suite.is_aes else ((b"", apdu.OK), channel)

    def _channel(self, theirs: bytes) -> Channel:
        curve, suite = CURVES[_PARAMETER_ID["chip"]], self._suite
        point = curve.decode(theirs)
        assert isinstance(self._own, ec.EllipticCurvePrivateKey)  # noqa: S101 - `_key` draws no other for a chip
        shared = curve.coordinate(curve.multiply(self._own.private_numbers().private_value, point)[0])
        return Channel(suite, suite.derive(shared, 1), suite.derive(shared, 2))

    @property
    def _mechanism(self) -> bytes:
        return _CHIP_MECHANISM + bytes([self._suite.arc])
