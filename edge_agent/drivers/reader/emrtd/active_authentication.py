"""Active Authentication: the chip signs a random number with a key that cannot be read out. Decides whether it did.

Sources: ICAO Doc 9303-11, 6.1 and 9.2 (ActiveAuthenticationInfo); ISO/IEC 9796-2, 8 (digital signature scheme 1: the
signature gives back part of the message) and ISO/IEC 10118-3 (hash identifiers); BSI TR-03111, 5.2.1 (plain ECDSA).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import OK, Command, Exchange, Response
from edge_agent.drivers.reader.emrtd.public_keys import (
    EcKey,
    RsaKey,
    Scheme,
    Unknown,
    read_public_key,
    signature_fits,
)
from edge_agent.drivers.reader.emrtd.tlv import oid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge_agent.drivers.reader.emrtd.lds import SecurityInfo

_INFO = "2.23.136.1.1.5"
_PLAIN_ECDSA = {
    "0.4.0.127.0.7.1.1.4.1.2": "sha224",
    "0.4.0.127.0.7.1.1.4.1.3": "sha256",
    "0.4.0.127.0.7.1.1.4.1.4": "sha384",
    "0.4.0.127.0.7.1.1.4.1.5": "sha512",
}
_HASHES = {0x33: "sha1", 0x34: "sha256", 0x35: "sha512", 0x36: "sha384", 0x38: "sha224"}
_ONE_BYTE_TRAILER, _TWO_BYTE_TRAILER = 0xBC, 0xCC  # the first means SHA-1
_CHALLENGE_BYTES = 8
_SHORT_ANSWER_BYTES = 223  # with the secured channel around it
_SHORT_LE, _EXTENDED_LE = 256, 65536
_MORE, _OTHER_LENGTH, _WRONG_LENGTH = 0x61, 0x6C, 0x6700


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is asked of one chip: its public key; for ECDSA also the hash that it uses."""

    key: RsaKey | EcKey
    scheme: Scheme | None

    @classmethod
    def of(cls, public_key: bytes, infos: Sequence[SecurityInfo]) -> Challenge:
        """Prepare the question.

        Args:
            public_key: SubjectPublicKeyInfo of DG15.
            infos: those of DG14, one of which must name the hash of an ECDSA key.

        Raises:
            Unknown: a key or a hash that is not spoken here.
            CardFault: damaged.
        """
        key = read_public_key(public_key)
        if isinstance(key, RsaKey):
            return cls(key, None)
        named = [info.optional for info in infos if info.oid == _INFO and info.optional is not None]
        hash_name = _PLAIN_ECDSA.get(oid(named[0])) if named else None
        if hash_name is None:
            raise Unknown("the hash of an ECDSA key")
        return cls(key, Scheme("ecdsa", hash_name))

    def run(self, exchange: Exchange, random_bytes: Callable[[int], bytes]) -> bool:
        """Ask and judge; False: no proof came, for the answer is too long for the chip or for the way between.

        A copy may say so as well: False is never a proof of anything.

        Raises:
            CardFault: copied: the chip refuses or signs wrongly.
        """
        challenge = random_bytes(_CHALLENGE_BYTES)
        answer = self._ask(exchange, challenge)
        if answer is None:
            return False
        if answer.status != OK:
            raise CardFault("copied", f"Active Authentication: refused, status {answer.status:04X}")
        if not self._fits(answer.data, challenge):
            raise CardFault("copied", "Active Authentication: the signature is wrong")
        return True

    def _ask(self, exchange: Exchange, challenge: bytes) -> Response | None:
        """INTERNAL AUTHENTICATE; None where a long answer did not come whole.

        A long one is asked for by extended length, as Doc 9303-11 wants it. A chip that refuses that within the secured
        channel is asked for it in parts; where it refuses in clear, or the answer is lost, the channel is over.
        """
        ask = Command(0x00, 0x88, 0x00, 0x00, challenge, _SHORT_LE)
        if not isinstance(self.key, RsaKey) or self.key.size_bytes <= _SHORT_ANSWER_BYTES:
            return exchange.send(ask)
        try:
            answer = exchange.send(replace(ask, le=_EXTENDED_LE))
            if answer.status == _WRONG_LENGTH:
                answer = exchange.send(ask)
            answer = _whole(exchange, answer, self.key.size_bytes)
        except CardFault as fault:
            if fault.kind == "damaged":
                return None
            raise
        lacking = answer.status == _WRONG_LENGTH or answer.status >> 8 in {_MORE, _OTHER_LENGTH}
        return None if lacking else answer

    def _fits(self, signature: bytes, challenge: bytes) -> bool:
        if isinstance(self.key, RsaKey):
            return _gives_back(self.key, signature, challenge)
        size = (self.key.curve.n.bit_length() + 7) // 8
        if self.scheme is None or len(signature) != 2 * size:
            return False
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        return signature_fits(self.key, self.scheme, encode_dss_signature(r, s), challenge)


def _whole(exchange: Exchange, answer: Response, size_bytes: int) -> Response:
    """Fetch the rest of an answer that comes in parts, each secured by itself (ISO/IEC 7816-4, 5.3.4)."""
    while answer.status >> 8 == _MORE and len(answer.data) < size_bytes:
        part = exchange.send(Command(0x00, 0xC0, 0x00, 0x00, le=answer.status & 0xFF or _SHORT_LE))
        if not part.data:
            break
        answer = Response(answer.data + part.data, part.status)
    return answer


def _gives_back(key: RsaKey, signature: bytes, challenge: bytes) -> bool:
    """Whether an RSA signature gives back a message that ends with the challenge (ISO/IEC 9796-2, 8.3)."""
    number = int.from_bytes(signature, "big")
    if len(signature) != key.size_bytes or number >= key.n:
        return False
    opened = pow(number, key.e, key.n)
    return any(
        _is_message(candidate.to_bytes(key.size_bytes, "big"), challenge) for candidate in (opened, key.n - opened)
    )


def _is_message(opened: bytes, challenge: bytes) -> bool:
    """6A || part of the message || hash || trailer; a short part is filled up by 6B BB … BA before it."""
    bare = re.sub(rb"^\x6b\xbb*\xba", b"\x6a", opened)
    if bare[0] != 0x6A:
        return False
    if bare[-1] == _ONE_BYTE_TRAILER:
        hash_name, rest = "sha1", bare[1:-1]
    elif bare[-1] == _TWO_BYTE_TRAILER and bare[-2] in _HASHES:
        hash_name, rest = _HASHES[bare[-2]], bare[1:-2]
    else:
        return False
    machine = hashlib.new(hash_name, usedforsecurity=False)
    part, digest = rest[: -machine.digest_size], rest[-machine.digest_size :]
    machine.update(part + challenge)
    return hmac.compare_digest(machine.digest(), digest)
