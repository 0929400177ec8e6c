"""PACE with generic mapping over elliptic curves, the chip's end. Decides whether the terminal knows the secret.

Sources: ICAO Doc 9303-11, 4.4, 9.2 (EF.CardAccess) and appendix G.1; BSI TR-03110-3, appendix B.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.drivers.reader.chip import apdu
from edge_agent.drivers.reader.chip.ber import BerFault, only, split, tlv
from edge_agent.drivers.reader.chip.channel import Channel
from edge_agent.drivers.reader.chip.suite import SUITES, same
from edge_agent.drivers.reader.emrtd.curves import CURVES, PointFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.drivers.reader.chip.suite import Suite
    from edge_agent.drivers.reader.emrtd.curves import Curve, Point

_GENERIC_MAPPING = bytes.fromhex("04007F000702020402")  # id-PACE-ECDH-GM; the suite's arc follows
_VERSION = 2
_MECHANISM, _PASSWORD, _PARAMETER = 0x80, 0x83, 0x84
_DYNAMIC = 0x7C  # dynamic authentication data
_KEY_MRZ, _KEY_CAN = b"\x01", b"\x02"


@dataclass(frozen=True, slots=True)
class Offer:
    """One way of PACE that the chip knows: a suite by name, a curve by its number (9303-11, table 6).

    nonce_bytes: how long the hidden nonce is, whole blocks; chips differ.
    """

    suite: str = "AES-128"
    parameter_id: int = 13
    nonce_bytes: int = 16

    @property
    def identifier(self) -> bytes:
        """The content of its object identifier."""
        return _GENERIC_MAPPING + bytes([SUITES[self.suite].arc])


def infos(offers: tuple[Offer, ...]) -> tuple[bytes, ...]:
    """Give a PACEInfo for each."""
    return tuple(
        tlv(0x30, tlv(0x06, offer.identifier), tlv(0x02, bytes([_VERSION])), tlv(0x02, bytes([offer.parameter_id])))
        for offer in offers
    )


def card_access(offers: tuple[Offer, ...]) -> bytes:
    """Give EF.CardAccess: the set of PACEInfo."""
    return tlv(0x31, *sorted(infos(offers)))


class Pace:
    """One chip's secrets, and how far the present run has come."""

    def __init__(
        self, offers: tuple[Offer, ...], mrz_information: str, can: str, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._offers = offers
        self._secrets = {
            _KEY_MRZ: hashlib.sha1(mrz_information.encode("ascii"), usedforsecurity=False).digest(),
            _KEY_CAN: can.encode("ascii"),
        }
        self._random_bytes = random_bytes
        self._run: _Run | None = None

    def forget(self) -> None:
        """Drop the present run: the power went, or another command came between."""
        self._run = None

    def choose(self, data: bytes) -> int:
        """MSE:Set AT: the status word. Mechanism and password must be named, the curve where it is not clear."""
        self._run = None
        try:
            named = dict(split(data))
        except BerFault:
            return apdu.WRONG_DATA
        fitting = [offer for offer in self._offers if offer.identifier == named.get(_MECHANISM)]
        if _PARAMETER in named:
            fitting = [offer for offer in fitting if bytes([offer.parameter_id]) == named[_PARAMETER]]
        if not fitting or named.keys() - {_MECHANISM, _PASSWORD, _PARAMETER}:
            return apdu.WRONG_DATA
        if named.get(_PASSWORD) not in self._secrets or len(fitting) > 1:
            return apdu.UNKNOWN_REFERENCE
        self._run = _Run(fitting[0], self._secrets[named[_PASSWORD]], self._random_bytes)
        return apdu.OK

    def step(self, data: bytes, *, chained: bool) -> tuple[apdu.Reply, Channel | None]:
        """GENERAL AUTHENTICATE: the answer, and after the fourth the channel. Any failure ends the run."""
        run, self._run = self._run, None
        if run is None:
            return (b"", apdu.NOT_NOW), None
        if chained == run.is_last_step:
            return (b"", apdu.NO_CHAINING if chained else apdu.LAST_OF_CHAIN_EXPECTED), None
        try:
            answer = run.answer(split(only(data, _DYNAMIC)))
        except (BerFault, PointFault):
            return (b"", apdu.WRONG_DATA), None
        if answer is None:
            return (b"", apdu.REFUSED), None
        if run.is_over:
            return (tlv(_DYNAMIC, answer), apdu.OK), run.channel
        self._run = run
        return (tlv(_DYNAMIC, answer), apdu.OK), None


class _Run:
    """Four steps: nonce, mapping, key agreement, tokens. Its `channel` may be used when it is over."""

    def __init__(self, offer: Offer, secret: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self.channel: Channel | None = None
        self._offer = offer
        self._suite: Suite = SUITES[offer.suite]
        self._curve: Curve = CURVES[offer.parameter_id]
        self._nonce_key = self._suite.derive(secret, 3)
        self._random_bytes = random_bytes
        self._step = 0
        self._nonce = b""
        self._base: Point = self._curve.g
        self._own_token = self._their_token = b""

    @property
    def is_last_step(self) -> bool:
        """The next one ends the chain of commands."""
        return self._step == 3

    @property
    def is_over(self) -> bool:
        """All four are done."""
        return self._step == 4

    def answer(self, objects: list[tuple[int, bytes]]) -> bytes | None:
        """Do the next step; None when the terminal's token shows that it has another secret.

        Raises:
            BerFault: not the object of this step. PointFault: a point that may not be computed with.
        """
        expected = ([], [0x81], [0x83], [0x85])[self._step]
        if [tag for tag, _ in objects] != expected:
            raise BerFault("not the object of this step")
        self._step += 1
        if self._step == 1:
            self._nonce = self._random_bytes(self._offer.nonce_bytes)
            return tlv(0x80, self._suite.encrypt(self._nonce_key, self._nonce))
        value = objects[0][1]
        if self._step == 2:
            return tlv(0x82, self._map(value))
        if self._step == 3:
            return tlv(0x84, self._agree(value))
        return tlv(0x86, self._own_token) if same(value, self._their_token) else None

    def _map(self, theirs: bytes) -> bytes:
        curve, point = self._curve, self._curve.decode(theirs)
        number = self._scalar()
        shared = curve.multiply(number, point)
        self._base = curve.add(curve.multiply(int.from_bytes(self._nonce, "big"), curve.g), shared)
        return curve.encode(curve.multiply(number, curve.g))

    def _agree(self, theirs: bytes) -> bytes:
        curve, suite, point = self._curve, self._suite, self._curve.decode(theirs)
        number = self._scalar()
        own = curve.encode(curve.multiply(number, self._base))
        if own == theirs:
            raise PointFault("the chip's own key came back")
        shared = curve.coordinate(curve.multiply(number, point)[0])
        self.channel = Channel(suite, suite.derive(shared, 1), suite.derive(shared, 2))
        key = self.channel.checksum_key
        self._own_token, self._their_token = self._token(key, theirs), self._token(key, own)
        return own

    def _token(self, key: bytes, point: bytes) -> bytes:
        text = tlv(0x7F49, tlv(0x06, self._offer.identifier), tlv(0x86, point))
        if not self._suite.is_aes:
            text = self._suite.pad(text)
        return self._suite.checksum(key, text)

    def _scalar(self) -> int:
        """A private number; as many random bytes as the curve's order has."""
        return int.from_bytes(self._random_bytes(self._curve.size_bytes), "big") % self._curve.n or 1
