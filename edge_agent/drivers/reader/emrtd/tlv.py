"""Tag, length, value: the only reader and writer of BER-TLV here. Decides what is well formed; knows no tag's meaning.

Lengths are definite and of at most three bytes (no file of a chip is longer), tags of at most three bytes. Lengths that
are longer than they must be are taken: BER allows them and chips send them. Sources: ISO/IEC 7816-4, 5.2.2; X.690.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.card import CardFault

_LENGTH_BYTES_MAX = 3
_TAG_BYTES_MAX = 3
_ELEMENTS_MAX = 4096  # in one value; the widest real one is a list of some twenty data groups


class TlvFault(CardFault):
    """Bytes from the chip that are not the BER-TLV they should be; always of the kind `damaged`."""

    def __init__(self, words: str) -> None:
        super().__init__("damaged", words)


@dataclass(frozen=True, slots=True)
class Tlv:
    """One element; the value of a constructed one is still in bytes (`children` takes it apart)."""

    tag: int
    value: bytes = field(repr=False)

    def children(self) -> tuple[Tlv, ...]:
        """The elements of the value.

        Raises:
            TlvFault: it is not a row of whole elements.
        """
        return read_all(self.value)


def read_head(data: bytes) -> tuple[int, int, int]:
    """Read an element's tag and length from its first bytes (6 are always enough).

    Returns:
        The tag, the size of tag and length in bytes, and the size of the value in bytes.

    Raises:
        TlvFault: no tag and length stand there.
    """
    if not data:
        raise TlvFault("a TLV without a tag")
    at = 1
    if data[0] & 0x1F == 0x1F:
        while at < len(data) and data[at] & 0x80:
            at += 1
        at += 1
    if at > _TAG_BYTES_MAX or at >= len(data):
        raise TlvFault("a TLV whose tag is too long or has no length")
    tag, first = int.from_bytes(data[:at], "big"), data[at]
    at += 1
    if first < 0x80:
        return tag, at, first
    size = first & 0x7F
    if not 1 <= size <= _LENGTH_BYTES_MAX or at + size > len(data):
        raise TlvFault(f"TLV {tag:X}: a length of a form that is not taken")
    return tag, at + size, int.from_bytes(data[at : at + size], "big")


def read_all(data: bytes) -> tuple[Tlv, ...]:
    """Read a row of elements that fills `data`.

    Raises:
        TlvFault: it is no such row, or it has too many elements.
    """
    found: list[Tlv] = []
    at = 0
    while at < len(data):
        tag, head_bytes, value_bytes = read_head(data[at : at + _TAG_BYTES_MAX + 1 + _LENGTH_BYTES_MAX])
        end = at + head_bytes + value_bytes
        if end > len(data):
            raise TlvFault(f"TLV {tag:X}: the value ends early")
        if len(found) == _ELEMENTS_MAX:
            raise TlvFault("a TLV with too many elements")
        found.append(Tlv(tag, data[at + head_bytes : end]))
        at = end
    return tuple(found)


def read_one(data: bytes, *tags: int) -> Tlv:
    """Read the one element that fills `data`, and go down where several tags are given.

    Args:
        data: the bytes.
        tags: the tag that it must have; then the tag of the one element within, and so on.

    Raises:
        TlvFault: it is not that, or something stands before or after it.
    """
    element = Tlv(0, data)
    for tag in tags:
        found = element.children()
        if len(found) != 1 or found[0].tag != tag:
            raise TlvFault(f"not one TLV of tag {tag:X}")
        element = found[0]
    return element


def integer(element: Tlv) -> int:
    """The number of an INTEGER (02).

    Raises:
        TlvFault: another tag, or nothing within.
    """
    if element.tag != 0x02 or not element.value:
        raise TlvFault("not an INTEGER")
    return int.from_bytes(element.value, "big", signed=True)


def oid(element: Tlv) -> str:
    """The dotted numbers of an OBJECT IDENTIFIER (06).

    Raises:
        TlvFault: another tag, or no whole identifier within.
    """
    if element.tag != 0x06 or not element.value or element.value[-1] & 0x80 or len(element.value) > 64:
        raise TlvFault("not an OBJECT IDENTIFIER")
    numbers, number = [], 0
    for byte in element.value:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))


def encode(tag: int, value: bytes) -> bytes:
    """Give one element in bytes, its length in the shortest form; value: under 64 KiB."""
    size = len(value)
    if size < 0x80:
        length = bytes((size,))
    else:
        raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes((0x80 | len(raw),)) + raw
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big") + length + value


def encode_oid(dotted: str) -> bytes:
    """Give the value bytes of an OBJECT IDENTIFIER (without tag and length)."""
    first, second, *rest = map(int, dotted.split("."))
    out = bytearray()
    for number in (40 * first + second, *rest):
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return bytes(out)
