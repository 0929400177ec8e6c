"""Reading a chip's files, piece by piece. Decides how much is asked at once, and when a file is whole or too long.

Source: ICAO Doc 9303-10, 3.6 (SELECT, READ BINARY); ISO/IEC 7816-4, 11.3 (odd READ BINARY for offsets over 32767).
"""

from __future__ import annotations

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import OK, Command, Exchange
from edge_agent.drivers.reader.emrtd.tlv import encode, read_head, read_one

_APPLICATION = bytes.fromhex("A0000002471001")
_HEAD_BYTES = 6
_PIECE_BYTES = 0xDF  # with the secured channel of either cipher it fits into a short answer
_ODD_PIECE_BYTES = 0xD0  # the same, with the TLV around it
_EVEN_OFFSET_MAX = 0x7FFF
_ENDS = frozenset({0x6282, 0x6B00})  # the file ended within, or before, what was asked
_NOT_FOR_US = frozenset({0x6A82, 0x6982})  # not there; or only for others, as DG3 is

CARD_ACCESS, SOD = 0x011C, 0x011D
DG1, DG2, DG13, DG14, DG15 = 0x0101, 0x0102, 0x010D, 0x010E, 0x010F
_SIZES_MAX_BYTES = {
    CARD_ACCESS: 2048,
    SOD: 32768,
    DG1: 512,
    DG2: 65536,
    DG13: 16384,
    DG14: 8192,
    DG15: 4096,
}


def select_application(exchange: Exchange) -> int | None:
    """Select the application of travel and identity documents; gives the status word if the card refuses, else None."""
    status = exchange.send(Command(0x00, 0xA4, 0x04, 0x0C, _APPLICATION)).status
    return None if status == OK else status


def read_file(exchange: Exchange, file_id: int) -> bytes | None:
    """Read a file: the one TLV that stands at its beginning.

    Returns:
        Its bytes, without what may follow; None where the chip says that it is not there or not to be read.

    Raises:
        CardFault: damaged: longer than such a file may be, shorter than it says, or another status word.
    """
    status = exchange.send(Command(0x00, 0xA4, 0x02, 0x0C, file_id.to_bytes(2, "big"))).status
    if status in _NOT_FOR_US or (status != OK and exchange.security is None):  # before opening any card may answer
        return None
    if status != OK:
        raise CardFault("damaged", f"file {file_id:04X}: not selected, status {status:04X}")
    data = b""
    while len(data) < _HEAD_BYTES and (piece := _piece(exchange, file_id, len(data), _HEAD_BYTES - len(data))):
        data += piece
    if not data:
        return None
    _, head_bytes, value_bytes = read_head(data)
    size = head_bytes + value_bytes
    if size > _SIZES_MAX_BYTES[file_id]:
        raise CardFault("damaged", f"file {file_id:04X}: {size} bytes; {_SIZES_MAX_BYTES[file_id]} at most")
    while len(data) < size:
        piece = _piece(exchange, file_id, len(data), size - len(data))
        if not piece:
            raise CardFault("damaged", f"file {file_id:04X}: ends at byte {len(data)} of {size}")
        data += piece
    return data[:size]


def _piece(exchange: Exchange, file_id: int, offset: int, wanted_bytes: int) -> bytes:
    """Read up to so many bytes; fewer, or none, where the file ends or (at its beginning) is not for us."""
    odd = offset > _EVEN_OFFSET_MAX
    wanted = min(wanted_bytes, _ODD_PIECE_BYTES if odd else _PIECE_BYTES)
    if odd:  # Le counts the TLV around the data; some chips take it for the data alone and give up to so many
        wanted += 2 if wanted < 0x80 else 3
        command = Command(0x00, 0xB1, 0x00, 0x00, encode(0x54, offset.to_bytes(2, "big")), wanted)
    else:
        command = Command(0x00, 0xB0, offset >> 8, offset & 0xFF, le=wanted)
    answer = exchange.send(command)
    if answer.status not in _ENDS and answer.status != OK:
        if offset == 0 and answer.status in _NOT_FOR_US:
            return b""
        raise CardFault("damaged", f"file {file_id:04X}: status {answer.status:04X} at byte {offset}")
    data = read_one(answer.data, 0x53).value if odd and answer.data else answer.data
    if len(data) > wanted:
        raise CardFault("damaged", f"file {file_id:04X}: more bytes than asked for at byte {offset}")
    return data
