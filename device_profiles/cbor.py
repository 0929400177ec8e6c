"""Deterministic CBOR, narrowed: what may be on the wire at all. Knows no message.

Two checks stand on everything received, and each refuses what the other lets through (RFC 8949 section 4.2):
re-encoding must give the same bytes (no trailing bytes, duplicate keys, long integers, indefinite lengths, unsorted
maps), and every value must be of a listed type (no floats, tags, `undefined`, dates, sets). Map keys are 0 to 23 only,
because there the two published canonical key orders agree.
"""

from __future__ import annotations

import io
import unicodedata

import cbor2

DEPTH_MAX = 8
KEY_MAX = 23
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**64 - 1


class WireError(ValueError):
    """The peer's mistake: refused, counted and named, never fatal. `reason` is one short word for counters."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def _walk(value: object, depth: int) -> None:
    """Refuse any value whose type is not on the list, at any depth."""
    if depth > DEPTH_MAX:
        raise WireError("too_deep", f"more than {DEPTH_MAX} levels")
    kind = type(value)
    if kind is bytes or kind is bool or value is None:
        return
    if kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:  # type: ignore[operator]
            raise WireError("type", "integer over 64 bits")
    elif kind is str:
        if not unicodedata.is_normalized("NFC", value):  # type: ignore[arg-type]
            raise WireError("not_nfc", "text must be NFC")
    elif kind is list or kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            _walk(item, depth + 1)
    elif kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not int or not 0 <= key <= KEY_MAX:
                raise WireError("map_key", f"keys are 0 to {KEY_MAX}, not {key!r}")
            _walk(item, depth + 1)
    else:
        raise WireError("type", f"{kind.__name__} may not be on the wire")


def encode(value: object) -> bytes:
    """Give the one encoding of a value. Raises WireError for what may not be on the wire."""
    _walk(value, 0)
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, size_max_bytes: int) -> object:
    """Read one value that was encoded deterministically. Raises WireError, and nothing else, for anything else."""
    if len(data) > size_max_bytes:
        raise WireError("too_large", f"{len(data)} bytes, at most {size_max_bytes}")
    try:
        value: object = cbor2.load(io.BytesIO(data))
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise WireError("not_cbor", type(error).__name__) from error
    _walk(value, 0)
    if cbor2.dumps(value, canonical=True) != data:
        raise WireError("not_canonical", "decoding and encoding again gives other bytes")
    return value
