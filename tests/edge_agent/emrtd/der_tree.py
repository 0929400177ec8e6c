"""Signed files taken apart into a tree, changed in one place and written again with lengths that are right.

So that a change reaches what reads the place, and does not end at a length that fits no more. Goes into octet strings
and bit strings that hold a SEQUENCE. Shares no code with the reader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

INTEGER, SEQUENCE, OCTETS, BITS = 0x02, 0x30, 0x04, 0x03
# Below zero, at the edges of machine words, too long to be printed, none at all.
ODD_NUMBERS = (
    b"",
    b"\xff",
    b"\x80" + bytes(8),
    b"\x80" + bytes(1999),
    b"\0",
    b"\1",
    b"\x7f\xff\xff\xff",
    b"\0\x80\0\0\0",
    b"\x7f" + b"\xff" * 7,
    b"\0\x80" + bytes(7),
    b"\1" + bytes(8),
    b"\x7f" + bytes(2999),
)

Path = tuple[int, ...]
_TAGS = st.sampled_from(
    (0x01, INTEGER, BITS, OCTETS, 0x05, 0x06, 0x0C, 0x17, 0x18, 0x24, SEQUENCE, 0x31, 0x80, 0xA0, 0xA3)
)
_VALUES = st.one_of(st.sampled_from(ODD_NUMBERS), st.binary(max_size=40))


@dataclass(frozen=True)
class Node:
    """One element; `within` where it was taken apart, and what stood before that (a bit string's unused bits)."""

    tag: int
    value: bytes
    within: tuple[Node, ...] = ()
    before: bytes = b""

    def written(self) -> bytes:
        value = self.before + b"".join(node.written() for node in self.within) if self.within else self.value
        size = _bytes(len(value))
        length = size if len(value) < 0x80 else bytes((0x80 | len(size),)) + size
        return _bytes(self.tag) + length + value


def tree(data: bytes) -> Node:
    """The one element that fills `data`."""
    (found,) = _read(data)
    return found


def paths(node: Node, at: Path = ()) -> list[tuple[Path, Node]]:
    """Every element with the way to it."""
    found = [(at, node)]
    for number, inner in enumerate(node.within):
        found += paths(inner, (*at, number))
    return found


def changed(node: Node, path: Path, *instead: Node) -> Node:
    """With other elements, or none, in one place; not the outermost."""
    first, *rest = path
    inner = (changed(node.within[first], tuple(rest), *instead),) if rest else instead
    within = node.within[:first] + inner + node.within[first + 1 :]
    return replace(node, within=within, value=b"" if within else node.before)


def everywhere(node: Node, old: Node, new: Node) -> Node:
    """With another element in every place where an equal one stands: names and numbers that refer to each other."""
    if node == old:
        return new
    return replace(node, within=tuple(everywhere(inner, old, new) for inner in node.within))


@st.composite
def changes(draw: st.DrawFn, node: Node) -> bytes:
    """A file with one to three elements changed, left out, doubled, put into one another, or made numbers."""
    for _ in range(draw(st.integers(1, 3))):
        places = paths(node)[1:]
        if not places:
            break
        path, place = draw(st.sampled_from(places))
        other = Node(draw(st.one_of(st.just(place.tag), _TAGS)), draw(_VALUES))
        if draw(st.booleans()):
            node = everywhere(node, place, replace(place, value=other.value, within=()))
            continue
        renamed = replace(place, tag=draw(_TAGS))
        instead = draw(
            st.sampled_from(
                [(other,), (renamed,), (), (place, place), (place, other), (Node(SEQUENCE, b"", (place,)),)]
            )
        )
        node = changed(node, path, *instead)
    return node.written()


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")


def _read(data: bytes) -> tuple[Node, ...]:
    found, at = [], 0
    while at < len(data):
        start = at
        at += 1
        if data[start] & 0x1F == 0x1F:
            while data[at] & 0x80:
                at += 1
            at += 1
        tag, size = int.from_bytes(data[start:at], "big"), data[at]
        at += 1
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(data[at : at + count], "big"), at + count
        found.append(_node(tag, data[at : at + size], constructed=bool(data[start] & 0x20)))
        at += size
    return tuple(found)


def _node(tag: int, value: bytes, *, constructed: bool) -> Node:
    before = value[:1] if tag == BITS else b""
    inner = value[len(before) :]
    if constructed or (tag in {OCTETS, BITS} and _is_sequence(inner)):
        return Node(tag, value, _read(inner), before)
    return Node(tag, value)


def _is_sequence(data: bytes) -> bool:
    if data[:1] != b"\x30" or len(data) < 2:
        return False
    size, head = data[1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(data[2:head], "big")
    return head + size == len(data)
