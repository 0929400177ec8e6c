"""A terminal of a few lines, to try the chip with: the station's own terminal is not used here, so that each checks the
other and not itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.edge_agent.chip.openpace import CAN, OpenPace

if TYPE_CHECKING:
    from edge_agent.drivers.reader.virtual_chip import VirtualChip

APPLICATION = bytes.fromhex("00A4040C07A0000002471001")
CARD_ACCESS = bytes.fromhex("00A4020C02011C")
SELECT_COM = bytes.fromhex("00A4020C02011E")


def tlv(tag: int, value: bytes) -> bytes:
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return tag.to_bytes(2 if tag > 255 else 1, "big") + length + value


def inner(data: bytes) -> bytes:
    """The value of the data object inside another, each shorter than 256 bytes."""
    for _ in range(2):
        data = data[3:] if data[1] == 0x81 else data[2:]
    return data


def card_access(chip: VirtualChip) -> bytes:
    assert chip.transmit(CARD_ACCESS) == b"\x90\0"
    answer = chip.transmit(bytes.fromhex("00B0000000"))
    assert answer[-2:] == b"\x90\0"
    return answer[:-2]


def choose(access: bytes, kind: int) -> bytes:
    """MSE:Set AT for the first PACEInfo."""
    identifier = access[4:][: 2 + access[5]][2:]
    data = tlv(0x80, identifier) + tlv(0x83, bytes([kind]))
    return bytes.fromhex("0022C1A4") + bytes([len(data)]) + data


def general(data: bytes, *, last: bool = False) -> bytes:
    data = tlv(0x7C, data)
    return bytes([0x00 if last else 0x10, 0x86, 0, 0, len(data)]) + data + b"\0"


def pace(chip: VirtualChip, secret: str, kind: int = CAN) -> tuple[OpenPace, int]:
    """Run PACE; gives the terminal and the status word of the last step."""
    access = card_access(chip)
    terminal = OpenPace(access)
    assert chip.transmit(choose(access, kind)) == b"\x90\0"
    answer = chip.transmit(general(b""))
    terminal.nonce(secret, kind, inner(answer[:-2]))
    answer = chip.transmit(general(tlv(0x81, terminal.mapping())))
    assert answer[-2:] == b"\x90\0"
    terminal.map(inner(answer[:-2]))
    answer = chip.transmit(general(tlv(0x83, terminal.key())))
    assert answer[-2:] == b"\x90\0"
    token = terminal.agree(inner(answer[:-2]))
    answer = chip.transmit(general(tlv(0x85, token), last=True))
    status = int.from_bytes(answer[-2:], "big")
    if status == 0x9000:
        assert terminal.verify(inner(answer[:-2]))
        terminal.begin_messaging()
    return terminal, status


class Messaging:
    """Secure messaging over OpenPACE's ciphers and counter."""

    def __init__(self, chip: VirtualChip, terminal: OpenPace, block: int) -> None:
        self.chip, self.terminal, self._block = chip, terminal, block

    def wrap(self, header: bytes, data: bytes = b"", expected: int | None = None) -> bytes:
        """Protect one short command; the header with its plain class."""
        self.terminal.count()
        head = bytes([header[0] | 0x0C]) + header[1:]
        covered = b""
        if data:
            hidden = self.terminal.encrypt(self._pad(data))
            covered += tlv(0x85, hidden) if header[1] % 2 else tlv(0x87, b"\1" + hidden)
        if expected is not None:
            covered += tlv(0x97, bytes([expected % 256]))
        text = self._pad(self._pad(head) + covered) if covered else self._pad(head)
        body = covered + tlv(0x8E, self.terminal.checksum(text))
        return head + bytes([len(body)]) + body + b"\0"

    def unwrap(self, answer: bytes) -> tuple[bytes, int]:
        self.terminal.count()
        body, covered = answer[:-2], answer[:-12]
        assert body[-10:] == tlv(0x8E, self.terminal.checksum(self._pad(covered)))
        assert covered[-4:] == tlv(0x99, answer[-2:])
        hidden = covered[:-4]
        data = b""
        if hidden:
            hidden = hidden[3:] if hidden[1] == 0x81 else hidden[2:]
            data = self.terminal.decrypt(hidden[1:] if covered[0] == 0x87 else hidden)
            data = data.rstrip(b"\0")[:-1]
        return data, int.from_bytes(answer[-2:], "big")

    def ask(self, header: str, data: bytes = b"", expected: int | None = None) -> tuple[bytes, int]:
        return self.unwrap(self.chip.transmit(self.wrap(bytes.fromhex(header), data, expected)))

    def read(self, identifier: str) -> bytes:
        """Read a whole file in parts of 223 bytes."""
        assert self.ask("00A4020C", bytes.fromhex(identifier)) == (b"", 0x9000)
        found = b""
        while True:
            part, status = self.ask(f"00B0{len(found):04X}", expected=0xDF)
            if status == 0x6B00:
                return found
            assert status in {0x9000, 0x6282}
            found += part

    def _pad(self, data: bytes) -> bytes:
        return data + b"\x80" + bytes(-(len(data) + 1) % self._block)
