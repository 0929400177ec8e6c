"""What a broker with ill will can make of what it carries: well-formed messages, signed by a key nobody knows."""

from __future__ import annotations

from dataclasses import replace

from device_profiles.wire import (
    ACK_MAX_BYTES,
    BATCH_MAX_BYTES,
    Ack,
    Batch,
    Header,
    digest,
    envelope_decode,
    envelope_encode,
    record_encode,
)
from provisioning.keys import SigningKey, sign_message

STRANGER = SigningKey.generate()


def ack(genuine: bytes) -> bytes:
    """An Ack that promises more than was said, so that the station may forget it all; and names the genuine batch."""
    said = Ack.decode(envelope_decode(genuine, ACK_MAX_BYTES).payload)
    more = replace(said, next=said.next + 1, durable_next=said.next + 1)
    return sign_message(STRANGER, "kiosk/ack/1", more.encode())


def batch(genuine: bytes) -> bytes:
    """A batch that hangs one record of ours on the station's chain, under the station's own key id."""
    envelope = envelope_decode(genuine, BATCH_MAX_BYTES + 4096)
    said = Batch.decode(envelope.payload)
    header = Header(
        device=said.device,
        epoch=said.epoch,
        journal=said.journal,
        seq=said.first + len(said.records),
        prev=said.head,
        created_ms=said.time_ms,
        quality=0,
        key=0,
        boot=said.boot,
        mono_ms=said.mono_ms,
        order=1,
    )
    made = record_encode(header.encode(), b"forged" * 50)
    records = (*said.records, made)[-100:]
    longer = replace(said, records=(*said.records, made), head=digest(made)) if len(records) < 100 else said
    return envelope_encode(envelope.protected, longer.encode(), STRANGER.sign(longer.encode()))
