"""Deterministic CBOR, narrowed: what may be on the wire at all. Knows no message.

Two checks stand on everything received, and each refuses what the other lets through (RFC 8949 section 4.2):
the reader knows the listed types only (no floats, tags, `undefined`, indefinite lengths, deep nesting, and map keys
that do not ascend), and encoding again must give the same bytes (no trailing bytes, long integers, long lengths). Map
keys are 0 to 23 only, because there the two published canonical key orders agree.

The reader is our own, because a general one runs the code behind tags first and is judged afterwards: with shared
references 130 kB became 2 GB, and a tag's own fault (`decimal.Overflow`) was nobody's. Here no value costs more than
its bytes. The encoder is cbor2's, so that the two checks do not share a mistake.
"""

from __future__ import annotations

import unicodedata

import cbor2

DEPTH_MAX = 8
KEY_MAX = 23
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**64 - 1
_KEYS = f"map keys are whole numbers from 0 to {KEY_MAX}"
_SIMPLE = {0xF4: False, 0xF5: True, 0xF6: None}
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG = range(7)


class WireError(ValueError):
    """The peer's mistake: refused, counted and named, never fatal. `reason` is one short word for counters."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def _walk(value: object, depth: int) -> None:
    """Refuse any value of ours whose type is not on the list, at any depth."""
    if depth > DEPTH_MAX:
        raise WireError("too_deep", f"more than {DEPTH_MAX} levels")
    kind = type(value)
    if kind is bytes or kind is bool or value is None:
        return
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:  # type: ignore[operator]
            raise WireError("type", "integer over 64 bits")
    elif kind is str:
        _check_text(value)  # type: ignore[arg-type]
    elif kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            _walk(item, depth + 1)
    elif kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not int or not 0 <= key <= KEY_MAX:
                raise WireError("map_key", _KEYS)
            _walk(item, depth + 1)
    else:
        raise WireError("type", f"{kind.__name__} may not be on the wire")


def _check_text(text: str) -> None:
    if not (text.isascii() or unicodedata.is_normalized("NFC", text)):
        raise WireError("not_nfc", "text must be NFC")


def _read(data: bytes, at: int, depth: int) -> tuple[object, int]:
    """Read one value at an offset; give it and the offset behind it, which lies past the end of truncated data."""
    first = data[at]
    major, size, at = first >> 5, first & 31, at + 1
    if major > _MAP:
        if first not in _SIMPLE:
            raise WireError("type", f"{'a tag' if major == _TAG else 'such a simple value'} may not be on the wire")
        return _SIMPLE[first], at
    if size > KEY_MAX:  # the argument follows, in 1, 2, 4 or 8 bytes
        if size > 27:
            raise WireError("type", "an indefinite or reserved length may not be on the wire")
        behind = at + (1 << (size - 24))
        size, at = int.from_bytes(data[at:behind], "big"), behind
    if major == _UNSIGNED:
        return size, at
    if major == _BYTES:
        behind = at + size
        return data[at:behind], behind
    if major == _TEXT:
        behind = at + size
        text = data[at:behind].decode()
        _check_text(text)
        return text, behind
    if major == _NEGATIVE:
        if size >= -INTEGER_MIN:
            raise WireError("type", "integer over 64 bits")
        return -1 - size, at
    if depth == DEPTH_MAX and size:
        raise WireError("too_deep", f"more than {DEPTH_MAX} levels")
    return _read_list(data, at, size, depth) if major == _LIST else _read_map(data, at, size, depth)


def _read_list(data: bytes, at: int, count: int, depth: int) -> tuple[list[object], int]:
    found = []
    for _ in range(count):
        value, at = _read(data, at, depth + 1)
        found.append(value)
    return found, at


def _read_map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[int, object], int]:
    found: dict[int, object] = {}
    before = -1
    for _ in range(count):
        key = data[at]  # one byte is the whole key: 0 to 23 have no other short form
        if key > KEY_MAX:
            raise WireError("map_key", _KEYS)
        if key <= before:
            raise WireError("not_canonical", "map keys must ascend, each once")
        found[key], at = _read(data, at + 1, depth + 1)
        before = key
    return found, at


def encode(value: object) -> bytes:
    """Give the one encoding of a value. Raises WireError for what may not be on the wire."""
    _walk(value, 0)
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, size_max_bytes: int) -> object:
    """Read one value that was encoded deterministically. Raises WireError, and nothing else, for anything else."""
    if len(data) > size_max_bytes:
        raise WireError("too_large", f"{len(data)} bytes, at most {size_max_bytes}")
    try:
        value, end = _read(data, 0, 0)
    except (IndexError, UnicodeDecodeError) as error:
        raise WireError("not_cbor", "text is not UTF-8" if isinstance(error, ValueError) else "ends early") from error
    if end > len(data):
        raise WireError("not_cbor", "ends early")
    if cbor2.dumps(value) != data:  # maps in the order they were read: the reader has judged it
        raise WireError("not_canonical", "decoding and encoding again gives other bytes")
    return value
