"""Tag, length, value, as a chip reads and writes them. Decides only their form (ISO/IEC 7816-4, 5.2)."""

from __future__ import annotations

_TWO_BYTE_TAG = 0x1F
_LONG_LENGTH = 0x80
_LENGTH_BYTES_MAX = 3


class BerFault(ValueError):
    """Bytes that are no sequence of whole data objects."""


def tlv(tag: int, *values: bytes) -> bytes:
    """Give one data object; its value is the `values` one after the other, its length as short as can be."""
    value = b"".join(values)
    size = len(value)
    if size < _LONG_LENGTH:
        length = bytes([size])
    else:
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([_LONG_LENGTH | len(digits)]) + digits
    return tag.to_bytes(2 if tag > 0xFF else 1, "big") + length + value


def split(data: bytes) -> list[tuple[int, bytes]]:
    """Give tag and value of each data object, in order.

    Raises:
        BerFault: one is cut short, or has a length of no known form.
    """
    found, at = [], 0
    while at < len(data):
        tag, at = data[at], at + 1
        if tag & _TWO_BYTE_TAG == _TWO_BYTE_TAG:
            tag, at = tag << 8 | _byte(data, at), at + 1
        size, at = _byte(data, at), at + 1
        if size >= _LONG_LENGTH:
            digits = size - _LONG_LENGTH
            if not 0 < digits <= _LENGTH_BYTES_MAX or at + digits > len(data):
                raise BerFault("a length that cannot be read")
            size, at = int.from_bytes(data[at : at + digits], "big"), at + digits
        if at + size > len(data):
            raise BerFault("a data object that is cut short")
        found.append((tag, data[at : at + size]))
        at += size
    return found


def only(data: bytes, tag: int) -> bytes:
    """Give the value of the one data object that `data` is.

    Raises:
        BerFault: it is something else.
    """
    found = split(data)
    if len(found) != 1 or found[0][0] != tag:
        raise BerFault(f"not one data object {tag:02X}")
    return found[0][1]


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise BerFault("a data object that is cut short")
    return data[at]
