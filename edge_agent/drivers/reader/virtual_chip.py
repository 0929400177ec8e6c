"""The virtual chip (MÔ PHỎNG): a simulated citizen card that answers commands as a real one does, byte for byte.

Decides what a card says to whom: which file it shows to a terminal that has opened it and to one that has not, and
what ends a secure channel. It is no driver: the simulated reader lays it on its sensor, tests lay it behind PC/SC. Not
for several threads at once. Protocols and files are in `edge_agent.drivers.reader.chip`. Sources: ICAO Doc 9303-10 and
9303-11; that the card knows no master file and refuses its fingers is known from public readers.
"""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING

from edge_agent.card import CardFault
from edge_agent.drivers.reader.chip import apdu, files, issuer
from edge_agent.drivers.reader.chip.bac import Bac
from edge_agent.drivers.reader.chip.ber import BerFault, only, tlv
from edge_agent.drivers.reader.chip.channel import ChannelBroken
from edge_agent.drivers.reader.chip.kind import Kind
from edge_agent.drivers.reader.chip.manner import Manner
from edge_agent.drivers.reader.chip.pace import Offer, Pace, card_access
from edge_agent.drivers.reader.chip.parts import Parts
from edge_agent.drivers.reader.chip.persona import Persona, persona
from edge_agent.drivers.reader.chip.proof import ActiveKey, ChipKey
from edge_agent.drivers.reader.chip.writing import FINGERS, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.drivers.reader.chip.channel import Channel

__all__ = ["APPLICATION", "Kind", "Manner", "Offer", "Persona", "VirtualChip", "persona"]

APPLICATION = bytes.fromhex("A0000002471001")
_MASTER = b"\x3f\x00"
_LOG_MAX = 4096
_CHALLENGE_BYTES = 8
_ATR = bytes.fromhex("3B80800101")
_ATR_STORAGE_CARD = bytes.fromhex("3B8F8001804F0CA000000306030001000000006A")
_UID_UNKNOWN = 0x6A81


_USUAL = Kind()


class VirtualChip:
    """One card. `manner` and `log` may be used at any time; `person` says who is on it, `anchor` which CSCA vouches."""

    def __init__(
        self,
        person: Persona | None = None,
        kind: Kind = _USUAL,
        *,
        seed: int = 0,
        manner: Manner | None = None,
        random_bytes: Callable[[int], bytes] | None = None,
    ) -> None:
        """Write the card.

        Args:
            person: who is on it; None: the one of the seed.
            kind: what kind of card it is.
            seed: of person, portrait and all that the chip draws.
            manner: how it misbehaves.
            random_bytes: gives n bytes, where a test must know what the chip draws.
        """
        self.person = person or persona(seed)
        self.kind = kind
        self.manner = manner or Manner()
        # One line for each command: its header, the lengths, the status word. No data, so nothing of a person.
        self.log: deque[str] = deque(maxlen=_LOG_MAX)
        self._draw = random.Random(f"chip {seed}")  # noqa: S311 - a simulated card guards nothing
        self._random_bytes = random_bytes or self._draw.randbytes
        explicit, cloned = kind.explicit, kind.cloned
        self._active: ActiveKey | None = None
        if kind.active != "none":
            self._active = ActiveKey(kind.active, explicit=explicit, cloned=cloned)
        self._chip_key: ChipKey | None = None
        if kind.chip_authentication != "none":
            self._chip_key = ChipKey(kind.chip_authentication, explicit=explicit, cloned=cloned)
        mrz, can = self.person.mrz_information, self.person.can
        self._pace = Pace(kind.pace, mrz, can, self._random_bytes) if kind.pace else None
        self._bac = Bac(mrz, self._random_bytes) if kind.has_bac else None
        self._outside = {files.CARD_ACCESS: card_access(kind.pace)} if kind.pace else {}
        self._inside = write(kind, self.person, seed, self._active, self._chip_key)
        self._parts = Parts()
        self._failures = 0
        self._taken = False
        self.reset()

    @property
    def atr(self) -> bytes:
        """The answer to reset, as a contactless reader makes it up."""
        return _ATR_STORAGE_CARD if self.kind.access == "none" else _ATR

    @property
    def anchor(self) -> bytes:
        """The certificate (DER) of the test CSCA that vouches for a card that is right."""
        return issuer.csca(self.kind.signer).certificate

    @property
    def taken(self) -> bool:
        """Its manner had it taken away; the next power-up is after it was laid down again."""
        return self._taken

    def reset(self) -> None:
        """Power it up: all that was opened is shut."""
        self._channel: Channel | None = None
        self._next: Channel | None = None
        self._in_application = False
        self._file: int | None = None
        self._answered = 0
        self._taken = False
        self._parts.left = b""
        for protocol in (self._pace, self._bac, self._chip_key):
            if protocol is not None:
                protocol.forget()
        fixed = self.kind.uid
        self._uid = b"\x08" + self._draw.randbytes(3) if fixed == "random" else fixed

    def transmit(self, command: bytes) -> bytes:
        """Answer one command: data and status word.

        Raises:
            CardFault: torn or mute, as its manner says.
        """
        if self._taken:
            raise CardFault("torn", "the simulated card is not there any more")
        try:
            self.manner.before(self._answered)
        except CardFault as fault:
            self._taken = fault.kind == "torn"
            raise
        data, status = self._answer(command)
        self.log.append(f"{command[:4].hex().upper()} +{max(len(command) - 4, 0)} -> {len(data)} {status:04X}")
        answer = self.manner.after(self._answered, data + status.to_bytes(2, "big"), self._draw)
        self._answered += 1
        return answer

    def _answer(self, raw: bytes) -> apdu.Reply:
        command = apdu.parse(raw)
        if command is None or (command.long and self.manner.refuses_long):
            return b"", apdu.WRONG_LENGTH
        if command.cla == apdu.READER:
            told = self._uid if command.header == b"\xff\xca\0\0" else None
            return (b"", _UID_UNKNOWN) if told is None else (told, apdu.OK)
        if command.cla & ~(apdu.PROTECTED | apdu.CHAINED):
            return b"", apdu.UNKNOWN_CLASS
        if command.cla & apdu.PROTECTED == apdu.PROTECTED:
            return self._answer_protected(command)
        if command.cla & apdu.PROTECTED:
            return b"", apdu.UNKNOWN_CLASS
        if self._channel is not None:
            self._channel = None
            return b"", apdu.OBJECTS_MISSING
        data, status = self._perform(command)
        self._channel, self._next = self._next, None
        if len(data) > (apdu.LONG_ANSWER_MAX if command.long else apdu.SHORT_ANSWER_MAX):
            return b"", apdu.WRONG_LENGTH
        return data, status

    def _answer_protected(self, command: apdu.Command) -> apdu.Reply:
        channel = self._channel
        if channel is None:
            return b"", apdu.OBJECTS_WRONG
        try:
            meant = channel.open(command)
        except ChannelBroken as broken:
            self._channel = None
            return b"", broken.status
        reply = self._perform(meant)
        sealed = channel.seal(command, self._parts.give(meant, reply) if self.manner.in_parts else reply)
        if self._next is not None:
            self._channel, self._next = self._next, None
        return sealed

    def _perform(self, command: apdu.Command) -> apdu.Reply:
        if command.cla & apdu.CHAINED and command.ins != 0x86:
            return b"", apdu.NO_CHAINING
        if self._pace is not None and command.ins != 0x86:
            self._pace.forget()
        match command.ins, command.place:
            case 0xA4, _:
                return b"", self._select(command)
            case 0xB0 | 0xB1, _:
                return self._read(command)
            case 0x88, 0 if self._active is not None and self._open:
                return self._active.answer(command.data, self._random_bytes)
            case ((0x22 | 0x86), _) if self._channel is not None and self._chip_key is not None:
                return self._agree(self._chip_key, command)
            case ((0x22 | 0x82 | 0x84 | 0x86), _) if self._channel is None:
                return self._authenticate(command)
        return b"", apdu.UNKNOWN_COMMAND

    def _authenticate(self, command: apdu.Command) -> apdu.Reply:
        """Whoever wants to open the chip, by BAC or PACE."""
        match command.ins, command.place:
            case 0x84, 0 if self._bac is not None and self._in_application:
                return self._bac.challenge() if command.expected == _CHALLENGE_BYTES else (b"", apdu.WRONG_LENGTH)
            case 0x82, 0 if self._bac is not None:
                return self._attempt(self._bac.authenticate(command.data))
            case 0x22, 0xC1A4 if self._pace is not None:
                return b"", apdu.BLOCKED if self._blocked else self._pace.choose(command.data)
            case 0x86, 0 if self._pace is not None:
                return self._attempt(self._pace.step(command.data, chained=bool(command.cla & apdu.CHAINED)))
        return b"", apdu.UNKNOWN_COMMAND

    @property
    def _open(self) -> bool:
        return self._channel is not None and self._in_application

    @property
    def _blocked(self) -> bool:
        return self.kind.attempts_max is not None and self._failures >= self.kind.attempts_max

    def _attempt(self, result: tuple[apdu.Reply, Channel | None]) -> apdu.Reply:
        """Take the channel of an attempt, and count the attempt if it failed."""
        reply, self._next = result
        if self._blocked:
            self._next = None
            return b"", apdu.BLOCKED
        if self._next is not None:
            self._failures = 0
        elif reply[1] == apdu.REFUSED:
            self._failures += 1
        return reply

    def _agree(self, key: ChipKey, command: apdu.Command) -> apdu.Reply:
        match command.ins, command.place:
            case 0x22, 0x41A4:
                return b"", key.choose(command.data)
            case 0x22, 0x41A6:
                reply, self._next = key.agree_old(command.data)
            case 0x86, 0:
                reply, self._next = key.agree(command.data)
            case _:
                return b"", apdu.WRONG_PARAMETERS
        return reply

    def _select(self, command: apdu.Command) -> int:
        data = command.data
        if command.p1 == 4:
            if data != APPLICATION or not self._inside:
                return apdu.NOT_FOUND
            self._in_application, self._file = True, None
            return apdu.OK
        if command.p1 == 0 and data in {b"", _MASTER}:
            if not self.kind.knows_master_file:
                return apdu.UNKNOWN_COMMAND
            self._in_application, self._file = False, None
            return apdu.OK
        if command.p1 not in {0, 2} or command.p2 not in {0, 0x0C}:
            return apdu.WRONG_PARAMETERS
        if len(data) != 2:
            return apdu.WRONG_LENGTH
        return self._choose(int.from_bytes(data, "big"))

    def _choose(self, identifier: int) -> int:
        """Make a file the current one: the status word."""
        if not self._in_application:
            if identifier not in self._outside:
                return apdu.NOT_FOUND
        elif not self._open or identifier == files.file_id(FINGERS):
            return apdu.NOT_ALLOWED
        elif identifier not in self._inside:
            return apdu.NOT_FOUND
        self._file = identifier
        return apdu.OK

    def _read(self, command: apdu.Command) -> apdu.Reply:
        offset, short_id = command.place, 0
        if command.ins == 0xB1:
            try:
                offset, short_id = int.from_bytes(only(command.data, 0x54), "big"), command.place
            except BerFault:
                return b"", apdu.WRONG_DATA
        elif command.p1 & 0x80:
            offset, short_id = command.p2, command.p1 & 0x7F
        if short_id > 0x1E:
            return b"", apdu.WRONG_PARAMETERS
        if short_id and (status := self._choose(files.file_id(short_id))) != apdu.OK:
            return b"", status
        if self._file is None:
            return b"", apdu.NO_FILE_SELECTED
        content = (self._inside if self._in_application else self._outside)[self._file]
        if command.expected is None:
            return b"", apdu.WRONG_LENGTH
        if offset >= len(content):
            return b"", apdu.WRONG_OFFSET
        part = content[offset : offset + command.expected]
        whole = len(part) == command.expected or command.expected in {apdu.SHORT_ANSWER_MAX, apdu.LONG_ANSWER_MAX}
        return tlv(0x53, part) if command.ins == 0xB1 else part, apdu.OK if whole else apdu.END_OF_FILE
