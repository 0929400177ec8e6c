"""Commands as a chip receives them (ISO/IEC 7816-4, 5.1) and the status words it answers. Decides only their form."""

from __future__ import annotations

from dataclasses import dataclass

OK = 0x9000
END_OF_FILE = 0x6282
REFUSED = 0x6300  # wrong key, wrong access number
WRONG_LENGTH = 0x6700
LAST_OF_CHAIN_EXPECTED = 0x6883
NO_CHAINING = 0x6884
NOT_ALLOWED = 0x6982  # security status not satisfied
BLOCKED = 0x6983
NOT_NOW = 0x6985  # conditions of use not satisfied
NO_FILE_SELECTED = 0x6986
OBJECTS_MISSING = 0x6987  # a command that is not protected
OBJECTS_WRONG = 0x6988
WRONG_DATA = 0x6A80
NOT_FOUND = 0x6A82
WRONG_PARAMETERS = 0x6A86
UNKNOWN_REFERENCE = 0x6A88
WRONG_OFFSET = 0x6B00
UNKNOWN_COMMAND = 0x6D00
UNKNOWN_CLASS = 0x6E00

PROTECTED = 0x0C  # the class bits of secure messaging
CHAINED = 0x10
READER = 0xFF  # the class of what the reader answers in the card's place
SHORT_ANSWER_MAX = 256
LONG_ANSWER_MAX = 65536

Reply = tuple[bytes, int]  # data, status word


@dataclass(frozen=True, slots=True)
class Command:
    """One command. expected: how many bytes at most the terminal awaits; None: none at all. long: an extended one."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    expected: int | None = None
    long: bool = False

    @property
    def header(self) -> bytes:
        """The first four bytes."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @property
    def place(self) -> int:
        """P1 and P2 as one number."""
        return self.p1 << 8 | self.p2


def parse(raw: bytes) -> Command | None:
    """Take a command apart; None where its length fits no case of the standard."""
    if len(raw) < 4:
        return None
    head, body = (raw[0], raw[1], raw[2], raw[3]), raw[4:]
    if not body:
        return Command(*head)
    if len(body) == 1:
        return Command(*head, b"", body[0] or SHORT_ANSWER_MAX)
    if body[0]:
        return _with_data(head, body[0], body[1:], 1)
    if len(body) == 3:
        return Command(*head, b"", int.from_bytes(body[1:], "big") or LONG_ANSWER_MAX, long=True)
    return _with_data(head, int.from_bytes(body[1:3], "big"), body[3:], 2) if len(body) > 3 else None


def _with_data(head: tuple[int, int, int, int], size: int, rest: bytes, expected_bytes: int) -> Command | None:
    long = expected_bytes == 2
    data, tail = rest[:size], rest[size:]
    if not size or len(data) < size or len(tail) not in {0, expected_bytes}:
        return None
    most = LONG_ANSWER_MAX if long else SHORT_ANSWER_MAX
    return Command(*head, data, (int.from_bytes(tail, "big") or most) if tail else None, long)
