"""The chain check reads headers its own way, for speed: it must say what the contract says, byte by byte."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from device_profiles import wire
from device_profiles.cbor import WireError, decode, encode
from fleet_server.chain import check_chain
from tests.fleet_server.station_bed import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGES = (
    *({14: 0}, {9: 1}, {9: 3}, {9: 2, 8: bytes(8)}, {9: 1, 8: bytes(7)}, {8: 2**60}, {8: bytes(8)}),
    *({11: bytes(16)}, {11: bytes(15)}, {7: 4}, {10: 3}, {13: 2**53 + 1}, {6: b""}, {0: 2}, {2: 2}, {4: 9}),
)


def headers_beside(header: bytes, draw: random.Random) -> Iterator[bytes]:
    """The header with every byte changed, cut, left out and put in, every field left out, and fields changed."""
    for at in range(len(header)):
        for value in {header[at] ^ 1, header[at] ^ 0x80, draw.randrange(256)} - {header[at]}:
            yield header[:at] + bytes([value]) + header[at + 1 :]
        yield header[:at]
        yield header[:at] + header[at + 1 :]
        yield header[:at] + bytes([draw.randrange(256)]) + header[at:]
    fields = decode(header, 1024)
    for left_out in fields:
        yield encode({key: fields[key] for key in fields if key != left_out})
    for change in CHANGES:
        yield encode({**fields, **change})


def records_beside(record: bytes, draw: random.Random) -> Iterator[bytes]:
    yield record
    _, header, sealed = wire.record_decode(record)
    for changed in headers_beside(header, draw):
        yield encode([changed, sealed])
    for frame in (b"\x83", b"\x82", b"\x9f", b"\xd8\x1c\x82", b"\x81"):
        yield frame + record[1:]
    yield record + b"\x00"
    yield record[:-1]
    yield b""
    yield record[:1] + b"\x59\x00" + record[2:]
    yield encode([header, b"x" * wire.RECORD_MAX_BYTES])
    yield encode([header + b"\x00" * 2000, sealed])
    yield encode([header, 7])


def test_the_chain_check_and_the_contract_give_the_same_verdicts():
    draw = random.Random(7)
    sender = Sender()
    sender.begin_visit()
    sender.fill(2)
    sender.write("journal.opened", {"reason": "new"}, txn=bytes(range(16)))
    seen = {True: 0, False: 0}

    def by_contract(record: bytes, seq: int) -> bool:
        try:
            header, _, _ = wire.record_decode(record)
        except WireError:
            return False
        ours = (sender.device, sender.epoch, sender.journal, seq, sender.digest_before(seq))
        return (header.device, header.epoch, header.journal, header.seq, header.prev) == ours

    def by_chain(record: bytes, seq: int) -> bool:
        payload = sender.payload(seq, 1, records=(record,), head=wire.digest(record))
        try:
            return check_chain(wire.Batch.decode(payload)) == [wire.digest(record)]
        except WireError:
            return False

    for seq, record in enumerate(sender.records):
        for changed in records_beside(record, draw):
            verdict = by_chain(changed, seq)
            assert verdict == by_contract(changed, seq), changed[:200].hex()
            seen[verdict] += 1
    assert seen[True] > 20
    assert seen[False] > 1000
