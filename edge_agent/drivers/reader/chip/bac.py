"""Basic Access Control, the chip's end: whoever knows the printed lines opens the chip. Decides whether he does.

Source: ICAO Doc 9303-11, 4.3 and appendix D.3.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from edge_agent.drivers.reader.chip import apdu
from edge_agent.drivers.reader.chip.channel import Channel
from edge_agent.drivers.reader.chip.suite import SUITES, same

if TYPE_CHECKING:
    from collections.abc import Callable

_SUITE = SUITES["3DES"]
_CHALLENGE_BYTES, _KEY_BYTES, _HIDDEN_BYTES, _CHECKSUM_BYTES = 8, 16, 32, 8


class Bac:
    """One chip's keys, and the challenge that is good for one attempt."""

    def __init__(self, mrz_information: str, random_bytes: Callable[[int], bytes]) -> None:
        seed = hashlib.sha1(mrz_information.encode("ascii"), usedforsecurity=False).digest()[:_KEY_BYTES]
        self._cipher_key, self._checksum_key = _SUITE.derive(seed, 1), _SUITE.derive(seed, 2)
        self._random_bytes = random_bytes
        self._challenge = b""

    def forget(self) -> None:
        """Drop the challenge: the power went."""
        self._challenge = b""

    def challenge(self) -> apdu.Reply:
        """GET CHALLENGE."""
        self._challenge = self._random_bytes(_CHALLENGE_BYTES)
        return self._challenge, apdu.OK

    def authenticate(self, data: bytes) -> tuple[apdu.Reply, Channel | None]:
        """EXTERNAL AUTHENTICATE with mutual authentication: the answer, and the channel when the keys were right."""
        challenge, self._challenge = self._challenge, b""
        if not challenge:
            return (b"", apdu.NOT_NOW), None
        if len(data) != _HIDDEN_BYTES + _CHECKSUM_BYTES:
            return (b"", apdu.WRONG_LENGTH), None
        hidden, checksum = data[:_HIDDEN_BYTES], data[_HIDDEN_BYTES:]
        if not same(self._checksum(hidden), checksum):
            return (b"", apdu.REFUSED), None
        plain = _SUITE.decrypt(self._cipher_key, hidden)
        theirs, echoed, their_key = plain[:8], plain[8:16], plain[16:]
        if not same(echoed, challenge):
            return (b"", apdu.REFUSED), None
        own_key = self._random_bytes(_KEY_BYTES)
        answer = _SUITE.encrypt(self._cipher_key, challenge + theirs + own_key)
        seed = bytes(a ^ b for a, b in zip(their_key, own_key, strict=True))
        counter = int.from_bytes(challenge[4:] + theirs[4:], "big")
        channel = Channel(_SUITE, _SUITE.derive(seed, 1), _SUITE.derive(seed, 2), counter)
        return (answer + self._checksum(answer), apdu.OK), channel

    def _checksum(self, hidden: bytes) -> bytes:
        return _SUITE.checksum(self._checksum_key, _SUITE.pad(hidden))
