"""The way up on the wire: envelope, record, batch, ack; topics and limits. Signs, seals and stores nothing.

Whatever is hashed or signed travels as a byte string and is hashed as received, never re-encoded. Terms, layouts and
the dated list of versions: WIRE.md. Formats of COSE_Sign1: RFC 9052; algorithm numbers: RFC 9864.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from device_profiles import layout
from device_profiles.cbor import WireError, decode, encode

FORMAT = 1
RECORD_MAX_BYTES = 80 * 1024
BATCH_MAX_BYTES = 256 * 1024
HEAD_MAX_BYTES = 8 * 1024
ACK_MAX_BYTES = 64 * 1024
RECORDS_PER_BATCH_MAX = 100  # the knee: 500 adds nothing but the size of a retry
SHARDS = 64
ESP256, EDDSA = -9, -19  # RFC 9864: the algorithm with its curve
SIGNATURE_BYTES = 64
ENVELOPE_BYTES = 88  # what a COSE_Sign1 adds to its payload, at most
PAD_SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
OK, GAP, QUARANTINED, REVOKED, SLOW_DOWN = range(5)
_TAG_18 = b"\xd2"


class Envelope(NamedTuple):
    """A COSE_Sign1 taken apart: the algorithm and key it names, and the exact bytes it was made of."""

    alg: int
    kid: bytes
    protected: bytes
    payload: bytes
    signature: bytes


def to_be_signed(kind: str, protected: bytes, payload: bytes) -> bytes:
    """Give the Sig_structure of RFC 9052 section 4.4; `kind` keeps one message from passing as another."""
    return encode(["Signature1", protected, kind.encode(), payload])


def protected_header(alg: int, kid: bytes) -> bytes:
    """Encode the protected header: 1 algorithm, 4 key id (8 bytes)."""
    return encode({1: alg, 4: kid})


def envelope_encode(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """Put a COSE_Sign1 together (tag 18, empty unprotected header)."""
    return _TAG_18 + encode([protected, {}, payload, signature])


def envelope_decode(data: bytes, size_max_bytes: int) -> Envelope:
    """Take a COSE_Sign1 apart. Raises WireError; verifies nothing."""
    if len(data) > size_max_bytes:
        raise WireError("too_large", f"{len(data)} bytes, at most {size_max_bytes}")
    if data[:1] != _TAG_18:
        raise WireError("not_sign1", "tag 18 is missing")
    match decode(data[1:], size_max_bytes):
        case [bytes(protected), dict(empty), bytes(payload), bytes(signature)] if not empty:
            pass
        case _:
            raise WireError("not_sign1", "not [protected, {}, payload, signature]")
    match decode(protected, 64):
        case {1: int(alg), 4: bytes(kid), **rest} if not rest and alg in (ESP256, EDDSA) and len(kid) == 8:
            pass
        case _:
            raise WireError("not_sign1", "protected header must hold a known algorithm and an 8-byte key id")
    if len(signature) != SIGNATURE_BYTES:
        raise WireError("not_sign1", f"signature of {len(signature)} bytes, must be {SIGNATURE_BYTES}")
    return Envelope(alg, kid, protected, payload, signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The clear part of a record. Nothing else may ever be clear: no service, amount, person, language or result.

    `key`: in a key record the 8-byte kid of the fleet's sealing key (and `suite` is set); in all others the seq of
    the key record they are sealed under. `order`: 0 system, 1 normal, 2 urgent.
    """

    device: bytes = layout.raw(1, 16)
    epoch: int = layout.number(2)
    journal: bytes = layout.raw(3, 16)
    seq: int = layout.number(4)
    prev: bytes = layout.raw(5, 32)
    created_ms: int = layout.time_ms(6)
    quality: int = layout.number(7, 3)
    key: bytes | int  # key 8: its type hangs on `suite`, so it is checked by hand
    boot: int = layout.number(12)
    mono_ms: int = layout.number(13)
    order: int = layout.number(10, 2)
    suite: int | None = layout.number(9, 2, least=1, optional=True)
    txn: bytes | None = layout.raw(11, 16, optional=True)

    def encode(self) -> bytes:
        """Give the header's bytes."""
        fields = layout.to_map(self, FORMAT)
        fields[8] = self.key
        _check_key(fields[8], self.suite)
        return encode(fields)

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read a header. Raises WireError."""
        value = decode(data, 1024)
        if type(value) is not dict or 8 not in value:
            raise layout.FieldError("Header", "key", "is missing")
        key = value.pop(8)
        _check_key(key, value.get(9))
        return layout.from_map(cls, value, FORMAT, key=key)


def _check_key(key: object, suite: int | None) -> None:
    fits = (type(key) is bytes and len(key) == 8) if suite else (type(key) is int and 0 <= key <= layout.COUNTER_MAX)
    if not fits:
        raise layout.FieldError("Header", "key", "is a kid in key records and a sequence number in all others")


def record_encode(header: bytes, sealed: bytes) -> bytes:
    """Put a record together from its header's bytes and its sealed part."""
    record = encode([header, sealed])
    if len(record) > RECORD_MAX_BYTES:
        raise WireError("too_large", f"record of {len(record)} bytes, at most {RECORD_MAX_BYTES}")
    return record


def record_decode(record: bytes) -> tuple[Header, bytes, bytes]:
    """Take a record apart: (header, header's bytes, sealed part). Raises WireError; opens nothing."""
    match decode(record, RECORD_MAX_BYTES):
        case [bytes(header), bytes(sealed)]:
            return Header.decode(header), header, sealed
        case _:
            raise WireError("field", "a record is [header, sealed]")


def digest(record: bytes) -> bytes:
    """SHA-256 over the record as it travels (32 bytes)."""
    return hashlib.sha256(record).digest()


def genesis(device: bytes, epoch: int, journal: bytes) -> bytes:
    """What `prev` of record 0 must be, and the digest an Ack with next = 0 carries (32 bytes)."""
    return hashlib.sha256(b"kiosk-journal/1" + device + epoch.to_bytes(8, "big") + journal).digest()


ACK_SEEN = layout.shape(next=layout.number(0), digest=layout.raw(1, 32), lineage=layout.raw(2, 16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a station says in one message: records [first, first + count), or none (the heartbeat).

    `before`: digest before `first`; `head`: digest of the last record (equal to `before` when empty): the one
    signature covers the chain. `ack_seen`: [next, digest, lineage] of the last Ack. `status`: last values.
    """

    device: bytes = layout.raw(1, 16)
    epoch: int = layout.number(2)
    journal: bytes = layout.raw(3, 16)
    first: int = layout.number(4)
    before: bytes = layout.raw(6, 32)
    head: bytes = layout.raw(7, 32)
    time_ms: int = layout.time_ms(8)
    quality: int = layout.number(9, 3)
    boot: int = layout.number(11)
    mono_ms: int = layout.number(12)
    status: dict[int, Any] = layout.table(13)
    newest: int = layout.number(14)
    ack_seen: tuple[int, bytes, bytes] | None = layout.items(10, 3, optional=True)
    records: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Give the payload that is signed: [head map as bytes, [record, …]]. Raises WireError where it does not fit."""
        if len(self.records) > RECORDS_PER_BATCH_MAX:
            raise WireError("count", f"{len(self.records)} records, at most {RECORDS_PER_BATCH_MAX}")
        head = layout.to_map(self, FORMAT)
        head[5] = len(self.records)
        if self.ack_seen is not None:
            layout.check_row(ACK_SEEN, self.ack_seen, "Batch.ack_seen")
        packed = encode(head)
        if len(packed) > HEAD_MAX_BYTES:
            raise WireError("too_large", f"batch head of {len(packed)} bytes, at most {HEAD_MAX_BYTES}")
        payload = encode([packed, list(self.records)])
        if len(payload) > BATCH_MAX_BYTES - ENVELOPE_BYTES:
            raise WireError("too_large", f"batch of {len(payload)} bytes, at most {BATCH_MAX_BYTES - ENVELOPE_BYTES}")
        return payload

    @classmethod
    def decode(cls, payload: bytes) -> Batch:
        """Read a payload. Raises WireError. The chain itself is checked by ingest."""
        match decode(payload, BATCH_MAX_BYTES):
            case [bytes(head), list(records)] if all(type(record) is bytes for record in records):
                fields = decode(head, HEAD_MAX_BYTES)
            case _:
                raise WireError("field", "a batch is [head, [record, …]]")
        count = fields.pop(5, None) if type(fields) is dict else None
        if type(count) is not int or count != len(records) or count > RECORDS_PER_BATCH_MAX:
            raise WireError("count", f"says {count!r} records, carries {len(records)}")
        batch = layout.from_map(cls, fields, FORMAT)
        if batch.ack_seen is not None:
            layout.check_row(ACK_SEEN, batch.ack_seen, "Batch.ack_seen")
        return replace(batch, records=tuple(records))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The fleet's truth about one journal: everything below `next` is committed there. Cumulative; may go backwards.

    `digest`: of record next-1 (the genesis value for 0). `durable_next`: what is also in the backup: only below it may
    a station prune. `lineage`: this database's history. `batch_hash`: SHA-256 of the batch message it answers.
    """

    device: bytes = layout.raw(1, 16)
    epoch: int = layout.number(2)
    journal: bytes = layout.raw(3, 16)
    next: int = layout.number(4)
    digest: bytes = layout.raw(5, 32)
    durable_next: int = layout.number(6)
    time_ms: int = layout.time_ms(7)
    lineage: bytes = layout.raw(8, 16)
    batch_hash: bytes = layout.raw(9, 32)
    verdict: int = layout.number(10, SLOW_DOWN)
    retry_after_s: int = layout.number(11, 86_400)
    admit: int = layout.number(12, RECORDS_PER_BATCH_MAX)

    def encode(self) -> bytes:
        """Give the payload that is signed."""
        return encode(layout.to_map(self, FORMAT))

    @classmethod
    def decode(cls, payload: bytes) -> Ack:
        """Read a payload. Raises WireError."""
        return layout.from_map(cls, decode(payload, ACK_MAX_BYTES), FORMAT)


def pad(body: bytes) -> bytes:
    """Hide the length: 4-byte length, body, zeros up to the next of PAD_SIZES. Raises WireError past the largest."""
    for size in PAD_SIZES:
        if len(body) + 4 <= size:
            return len(body).to_bytes(4, "big") + body + bytes(size - 4 - len(body))
    raise WireError("too_large", f"body of {len(body)} bytes, at most {PAD_SIZES[-1] - 4}")


def unpad(plain: bytes) -> bytes:
    """Undo `pad`. Raises WireError where size, length or zeros are not what `pad` writes."""
    size = int.from_bytes(plain[:4], "big")
    if len(plain) not in PAD_SIZES or pad(plain[4 : 4 + size]) != plain:
        raise WireError("padding", "not padded as agreed")
    return plain[4 : 4 + size]


def device_name(device: bytes) -> str:
    """A device id as text: lower-case base32, 26 characters; certificate CN, broker user name and topic level."""
    return base64.b32encode(device).decode().rstrip("=").lower()


def device_from_name(name: str) -> bytes:
    """Undo `device_name`. Raises WireError."""
    try:
        device = base64.b32decode(name.upper() + "======")
    except ValueError as error:
        raise WireError("device_name", repr(name[:40])) from error
    if len(device) != 16 or device_name(device) != name:
        raise WireError("device_name", repr(name[:40]))
    return device


def shard(device: bytes) -> int:
    """Which of 64 shards carries a device: stable for ever (the first byte of SHA-256, modulo 64)."""
    return hashlib.sha256(device).digest()[0] % SHARDS


def topic_up(device: bytes) -> str:
    """Where a station publishes its batches."""
    return f"v1/up/{shard(device):02d}/{device_name(device)}"


def topic_ack(device: bytes) -> str:
    """Where a station hears its Acks."""
    return f"v1/down/{device_name(device)}/ack"


def topic_desired(device: bytes) -> str:
    """Where a station finds its Desired (retained)."""
    return f"v1/down/{device_name(device)}/desired"


def topic_state(device: bytes) -> str:
    """Birth and will: a hint of liveness, never a fact."""
    return f"v1/state/{device_name(device)}"
