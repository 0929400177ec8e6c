"""Secure messaging, the chip's end: opens protected commands, seals answers. Decides when a command breaks the channel.

Source: ICAO Doc 9303-11, 9.8 and appendix D.4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_agent.drivers.reader.chip import apdu
from edge_agent.drivers.reader.chip.ber import BerFault, split, tlv
from edge_agent.drivers.reader.chip.suite import same, unpad

if TYPE_CHECKING:
    from edge_agent.drivers.reader.chip.suite import Suite

_PADDED, _BARE, _EXPECTED, _STATUS, _CHECKSUM = 0x87, 0x85, 0x97, 0x99, 0x8E
_ORDERS = (
    [_CHECKSUM],
    [_EXPECTED, _CHECKSUM],
    [_PADDED, _CHECKSUM],
    [_PADDED, _EXPECTED, _CHECKSUM],
    [_BARE, _CHECKSUM],
    [_BARE, _EXPECTED, _CHECKSUM],
)


class ChannelBroken(Exception):
    """A command that ends the channel; `status` is said in clear."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


@dataclass(slots=True)
class Channel:
    """Session keys and the send counter, which goes up before each command and each answer."""

    suite: Suite
    cipher_key: bytes
    checksum_key: bytes
    counter: int = 0

    def open(self, command: apdu.Command) -> apdu.Command:
        """Give the command that was meant.

        Raises:
            ChannelBroken: objects are missing (6987), or wrong in form, order, checksum or padding (6988).
        """
        self.counter += 1
        try:
            objects = split(command.data)
        except BerFault:
            raise ChannelBroken(apdu.OBJECTS_WRONG) from None
        tags, values = [tag for tag, _ in objects], dict(objects)
        if _CHECKSUM not in values:
            raise ChannelBroken(apdu.OBJECTS_MISSING)
        if tags not in _ORDERS or (_BARE if command.ins % 2 == 0 else _PADDED) in values:
            raise ChannelBroken(apdu.OBJECTS_WRONG)
        covered = b"".join(tlv(tag, value) for tag, value in objects[:-1])
        text = self.suite.pad(command.header) + covered
        if not same(self._checksum(text, pad=bool(covered)), values[_CHECKSUM]):
            raise ChannelBroken(apdu.OBJECTS_WRONG)
        return replace(
            command,
            cla=command.cla & ~apdu.PROTECTED,
            data=self._plain(values),
            expected=self._expected(values.get(_EXPECTED)),
        )

    def seal(self, command: apdu.Command, reply: apdu.Reply) -> apdu.Reply:
        """Give the protected answer to `command`; one that would not fit becomes "wrong length"."""
        self.counter += 1
        sealed = self._sealed(command, reply)
        if len(sealed) > (apdu.LONG_ANSWER_MAX if command.long else apdu.SHORT_ANSWER_MAX):
            reply = b"", apdu.WRONG_LENGTH
            sealed = self._sealed(command, reply)
        return sealed, reply[1]

    def _sealed(self, command: apdu.Command, reply: apdu.Reply) -> bytes:
        data, status = reply
        covered = tlv(_STATUS, status.to_bytes(2, "big"))
        if data:
            hidden = self.suite.encrypt(self.cipher_key, self.suite.pad(data), self._counter)
            covered = (tlv(_BARE, hidden) if command.ins % 2 else tlv(_PADDED, b"\x01", hidden)) + covered
        return covered + tlv(_CHECKSUM, self._checksum(covered, pad=True))

    def _plain(self, values: dict[int, bytes]) -> bytes:
        if _BARE not in values and _PADDED not in values:
            return b""
        hidden = values.get(_BARE, b"")
        if _PADDED in values:
            if values[_PADDED][:1] != b"\x01":
                raise ChannelBroken(apdu.OBJECTS_WRONG)
            hidden = values[_PADDED][1:]
        if not hidden or len(hidden) % self.suite.block_bytes:
            raise ChannelBroken(apdu.OBJECTS_WRONG)
        plain = unpad(self.suite.decrypt(self.cipher_key, hidden, self._counter))
        if plain is None:
            raise ChannelBroken(apdu.OBJECTS_WRONG)
        return plain

    @staticmethod
    def _expected(value: bytes | None) -> int | None:
        if value is None:
            return None
        if len(value) not in {1, 2}:
            raise ChannelBroken(apdu.OBJECTS_WRONG)
        return int.from_bytes(value, "big") or (apdu.SHORT_ANSWER_MAX if len(value) == 1 else apdu.LONG_ANSWER_MAX)

    @property
    def _counter(self) -> bytes:
        size = self.suite.block_bytes
        return (self.counter % (1 << 8 * size)).to_bytes(size, "big")

    def _checksum(self, text: bytes, *, pad: bool) -> bytes:
        covered = self._counter + text
        return self.suite.checksum(self.checksum_key, self.suite.pad(covered) if pad else covered)
