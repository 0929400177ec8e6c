"""Answers in parts: how a chip without extended length gives one that is too long for a short answer.

Decides where an answer is cut, within the secured channel, so that each part is an answer of its own. Source: ISO/IEC
7816-4, 5.3.4 (response chaining, GET RESPONSE).
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.drivers.reader.chip import apdu

_GET_RESPONSE = 0xC0
_PART_BYTES = 0xDF  # with the channel around it, it fits into a short answer
_MORE = 0x6100


@dataclass(slots=True)
class Parts:
    """What has not been fetched yet."""

    left: bytes = b""

    def give(self, command: apdu.Command, reply: apdu.Reply) -> apdu.Reply:
        """Give the first part of a reply, or the next one of the reply before; an extended command is refused."""
        if command.long:
            return b"", apdu.WRONG_LENGTH
        if command.ins == _GET_RESPONSE:
            reply = (self.left, apdu.OK) if self.left else (b"", apdu.NOT_NOW)
        data, status = reply
        self.left = data[_PART_BYTES:]
        return data[:_PART_BYTES], (_MORE | min(len(self.left), 0xFF)) if self.left else status
