"""PACE: opens a chip with a CAN or with the MRZ, by a key that nobody can guess from what was overheard.

Decides which of a chip's offers is taken, and what its answers mean for the secret. Elliptic curves with generic
mapping; integrated mapping, finite fields and chip authentication mapping are not spoken. Source: ICAO Doc 9303-11, 4.4
and appendix G.1.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import OK, Command, Exchange
from edge_agent.drivers.reader.emrtd.curves import CURVES, Curve, Point, PointFault
from edge_agent.drivers.reader.emrtd.keys import (
    ENC,
    MAC,
    PASSWORD,
    Cipher,
    block_bytes,
    decrypt,
    derive,
    mac,
    mrz_seed,
    pad,
)
from edge_agent.drivers.reader.emrtd.refusals import blocked, opening_refused
from edge_agent.drivers.reader.emrtd.secure_messaging import SecureMessaging
from edge_agent.drivers.reader.emrtd.tlv import encode, encode_oid, read_one

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from edge_agent.card import Secret
    from edge_agent.drivers.reader.emrtd.lds import SecurityInfo

# id-PACE-ECDH-GM and its suites (Doc 9303-11, 9.2.1), the strongest first.
_SUITES: dict[str, Cipher] = {
    "0.4.0.127.0.7.2.2.4.2.4": "aes256",
    "0.4.0.127.0.7.2.2.4.2.3": "aes192",
    "0.4.0.127.0.7.2.2.4.2.2": "aes128",
    "0.4.0.127.0.7.2.2.4.2.1": "3des",
}
_PASSWORDS = {"mrz": b"\x01", "can": b"\x02"}
_NONCE_BYTES_MAX = 64


class NotOffered(Exception):
    """The chip does not speak PACE with this kind of secret; nothing was tried yet."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One way of PACE that a chip offers and that is spoken here.

    ambiguous: the chip offers more than one curve, so that the one meant must be named.
    """

    oid: str
    cipher: Cipher
    curve: Curve
    ambiguous: bool = False


def choose(infos: Sequence[SecurityInfo]) -> Offer | None:
    """Choose the strongest of what EF.CardAccess offers; None where nothing of it is spoken here."""
    numbers = {info.number for info in infos if info.is_pace and info.number is not None}
    for oid, cipher in _SUITES.items():
        curves = [CURVES[info.number] for info in infos if info.oid == oid and info.number in CURVES]
        if curves:
            return Offer(oid, cipher, max(curves, key=lambda curve: curve.n), len(numbers) > 1)
    return None


def open_with_pace(
    exchange: Exchange, offer: Offer, secret: Secret, random_bytes: Callable[[int], bytes]
) -> SecureMessaging:
    """Open the chip.

    Args:
        exchange: the conversation; no application need be selected.
        offer: what `choose` gave.
        secret: the CAN or the MRZ information.
        random_bytes: gives so many random bytes, for two private keys of `curve.random_size_bytes` each.

    Raises:
        NotOffered: the chip does not take this kind of secret.
        CardFault: wrong_can or wrong_mrz, blocked; damaged: the chip does not follow the protocol.
    """
    return _Opening(exchange, offer, secret.kind, random_bytes).run(secret.value)


class _Opening:
    """One run of the protocol."""

    def __init__(
        self, exchange: Exchange, offer: Offer, kind: Literal["can", "mrz"], random_bytes: Callable[[int], bytes]
    ) -> None:
        self._exchange, self._offer, self._kind, self._random_bytes = exchange, offer, kind, random_bytes
        self._curve = offer.curve

    def run(self, value: str) -> SecureMessaging:
        self._announce()
        nonce = self._nonce(value)
        try:
            base = self._map(nonce)
            return self._agree(base)
        except PointFault as fault:
            raise CardFault("damaged", f"PACE: {fault}") from fault

    def _announce(self) -> None:
        """MSE:Set AT: which suite and which secret (4.4.4.1)."""
        data = encode(0x80, encode_oid(self._offer.oid)) + encode(0x83, _PASSWORDS[self._kind])
        if self._offer.ambiguous:
            data += encode(0x84, bytes((self._curve.parameter_id,)))
        status = self._exchange.send(Command(0x00, 0x22, 0xC1, 0xA4, data)).status
        if blocked(status):
            raise CardFault("blocked", f"PACE: no more attempts, status {status:04X}")
        if status != OK and status & 0xFFF0 != 0x63C0:  # 63CX: taken, with X attempts left
            raise NotOffered(f"PACE with {self._kind}: refused, status {status:04X}")

    def _nonce(self, value: str) -> int:
        """Step 1: the chip's random number, encrypted with the secret (4.4.3.3)."""
        cipher = self._offer.cipher
        sealed = self._step(1, b"", 0x80)
        if not sealed or len(sealed) > _NONCE_BYTES_MAX or len(sealed) % block_bytes(cipher):
            raise CardFault("damaged", "PACE step 1: a nonce of no possible length")
        password = mrz_seed(value) if self._kind == "mrz" else value.encode("ascii")
        key = derive(password, PASSWORD, cipher)
        return int.from_bytes(decrypt(cipher, key, bytes(block_bytes(cipher)), sealed), "big")

    def _map(self, nonce: int) -> Point:
        """Step 2: a generator that only both sides know, s * G + H (4.4.3.3.1)."""
        curve = self._curve
        private = self._private()
        theirs = curve.decode(self._step(2, encode(0x81, curve.encode(curve.multiply(private, curve.g))), 0x82))
        shared = curve.multiply(private, theirs)
        return curve.add(curve.multiply(nonce, curve.g), shared)

    def _agree(self, base: Point) -> SecureMessaging:
        """Steps 3 and 4: agree on a key over that generator, and prove it to each other."""
        curve, cipher = self._curve, self._offer.cipher
        private = self._private()
        ours = curve.multiply(private, base)
        theirs = curve.decode(self._step(3, encode(0x83, curve.encode(ours)), 0x84))
        if theirs == ours:
            raise CardFault("damaged", "PACE step 3: the chip gave our own key back")
        secret = curve.coordinate(curve.multiply(private, theirs)[0])
        key_enc, key_mac = derive(secret, ENC, cipher), derive(secret, MAC, cipher)
        answer = self._step(4, encode(0x85, self._token(key_mac, theirs)), 0x86)
        if not hmac.compare_digest(self._token(key_mac, ours), answer):
            raise CardFault("damaged", "PACE step 4: the chip's token is wrong")
        return SecureMessaging(cipher, key_enc, key_mac)

    def _token(self, key_mac: bytes, public: Point) -> bytes:
        """The proof of the key: a checksum over the other side's public key (4.4.3.4)."""
        cipher = self._offer.cipher
        data = encode(0x06, encode_oid(self._offer.oid)) + encode(0x86, self._curve.encode(public))
        named = encode(0x7F49, data)
        return mac(cipher, key_mac, pad(named, 8) if cipher == "3des" else named)

    def _private(self) -> int:
        return self._curve.scalar(self._random_bytes(self._curve.random_size_bytes))

    def _step(self, number: int, data: bytes, tag: int) -> bytes:
        """GENERAL AUTHENTICATE, chained up to the last (4.4.4.2): give the one value of its answer."""
        chained = 0x10 if number < 4 else 0x00
        answer = self._exchange.send(Command(chained, 0x86, 0x00, 0x00, encode(0x7C, data), le=256))
        if answer.status != OK:
            if number == 4 or blocked(answer.status):
                raise opening_refused(f"PACE step {number}", self._kind, answer.status)
            raise CardFault("damaged", f"PACE step {number}: status {answer.status:04X}")
        for element in read_one(answer.data, 0x7C).children():
            if element.tag == tag:
                return element.value
        raise CardFault("damaged", f"PACE step {number}: no element {tag:02X} in the answer")
