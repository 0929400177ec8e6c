"""accept: verify a batch, append it, commit, and only then acknowledge. Opens nothing and holds no key that could.

Order of checks: size, canonical form, key and status, signature, device of key = batch = topic, epoch, chain and
headers (`fleet_server.chain`), comparison with what is stored, one transaction; the Ack is signed after the commit.
What is not taken is refused, counted and named, never fatal. Nothing that verified is thrown away: what may not go
into the log goes into the side store.

A record that is not head + 1 is a repeat if it has the digest that is stored (skipped, answered with the present Ack),
and equivocation if it has another: the device is quarantined and both are kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.cbor import WireError
from device_profiles.wire import (
    BATCH_MAX_BYTES,
    GAP,
    OK,
    QUARANTINED,
    RECORDS_PER_BATCH_MAX,
    REVOKED,
    SLOW_DOWN,
    Ack,
    Batch,
    genesis,
    topic_up,
)
from fleet_server.chain import check_chain
from fleet_server.store import Device, Head, LastValues, LogRow, SideRow, Why
from provisioning.keys import SignatureRefused, SigningKey, VerifyKey, open_message, sign_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet_server.store import Committer, Store

SIDE_MAX_COUNT = 100_000  # records of one device that are kept apart; more than a station writes in half a year
_RETRY_S = {QUARANTINED: 60, REVOKED: 3_600}
EXAMPLE_MAX = 240
_KEYS_KEPT = 16_384
_OUT = ("REVOKED", "DECOMMISSIONED")


class Message(NamedTuple):
    """What the broker handed over: the topic it came on and its bytes."""

    topic: str
    data: bytes


class Pace(NamedTuple):
    """How a storm is paced: records each station may send next; above 0 seconds, healthy ones are to slow down."""

    admit: int = RECORDS_PER_BATCH_MAX
    retry_after_s: int = 0


class _History(NamedTuple):
    """What is the same for every Ack of one transaction."""

    lineage: bytes
    keeps_backups: bool
    pace: Pace


class _Reach(NamedTuple):
    """How far the batch's own chain is committed, and what to say of it."""

    next: int
    digest: bytes
    verdict: int


def accept(fleet: Committer, topic: str, data: bytes, now_ms: int, key: SigningKey) -> bytes | None:
    """Take one message; give the signed Ack, or None when it was refused (counted, by name, in the store)."""
    return accept_many(fleet, [Message(topic, data)], now_ms, key)[0]


def accept_many(
    fleet: Committer,
    messages: Sequence[Message],
    now_ms: int,
    key: SigningKey,
    pace: Pace = Pace(),  # noqa: B008 - a frozen value
) -> list[bytes | None]:
    """Take what waits in one transaction; give one signed Ack, or None, for each.

    key: the fleet's key of role "ack". Raises what the store raises: then nothing was taken and nothing may be said.
    """
    taken = fleet.run(lambda store: take(store, messages, now_ms, pace))
    # From here on everything is durable: only now does an Ack come into being.
    return [None if ack is None else sign_message(key, "kiosk/ack/1", ack.encode()) for ack in taken]


def take(store: Store, messages: Sequence[Message], now_ms: int, pace: Pace) -> list[Ack | None]:
    """Do all that `accept` does but sign, inside the caller's transaction."""
    history = _History(store.lineage(), store.keeps_backups(), pace)
    return [_take(store, history, topic, data, now_ms) for topic, data in messages]


def _take(store: Store, history: _History, topic: str, data: bytes, now_ms: int) -> Ack | None:
    device: Device | None = None
    pace = history.pace

    def find(kid: bytes) -> VerifyKey | None:
        nonlocal device
        device = store.device_by_kid(kid)
        return _verify_key(device.spki) if device else None

    try:
        payload, _ = open_message("kiosk/batch/1", data, find, BATCH_MAX_BYTES)
        assert device is not None  # noqa: S101 - a signature verified, so its key was found
        batch = _batch_of(device, topic, payload)
        digests = check_chain(batch)
        head = store.head(device.id, batch.journal)
        start = head or Head(
            device.id, batch.epoch, batch.journal, 0, genesis(device.id, batch.epoch, batch.journal), 0
        )
        reach = _place(store, device, start, batch, digests, now_ms)
    except WireError as refused:
        example = f"{topic[:80]}: {refused}"[:EXAMPLE_MAX].encode("ascii", "backslashreplace").decode()
        store.count_refusal(refused.reason, device.id if device else None, example, now_ms)
        return None
    verdict, retry_after_s = reach.verdict, _RETRY_S.get(reach.verdict, 0)
    if verdict == OK and pace.retry_after_s:
        verdict, retry_after_s = SLOW_DOWN, pace.retry_after_s
    return Ack(
        device=device.id,
        epoch=batch.epoch,
        journal=batch.journal,
        next=reach.next,
        digest=reach.digest,
        durable_next=_durable(history, start, reach),
        time_ms=now_ms,
        lineage=history.lineage,
        batch_hash=hashlib.sha256(data).digest(),
        verdict=verdict,
        retry_after_s=retry_after_s,
        admit=pace.admit,
    )


def _batch_of(device: Device, topic: str, payload: bytes) -> Batch:
    """Read a verified payload; refuse one that is not this device's or came on another's topic."""
    batch = Batch.decode(payload)
    if batch.device != device.id:
        raise SignatureRefused("device", "signed by another device's key")
    if topic != _topic_up(device.id):
        raise SignatureRefused("topic", "not this device's topic")
    if device.status == "NEW":
        raise WireError("not_enrolled", "a claim has to be used first")
    if batch.epoch > device.epoch:
        raise WireError("epoch", f"epoch {batch.epoch}, enrolled as {device.epoch}")
    return batch


def _place(store: Store, device: Device, head: Head, batch: Batch, digests: list[bytes], now_ms: int) -> _Reach:
    """Put a sound batch where it belongs; give how far its chain is committed now."""
    if device.status in _OUT:
        return _apart(store, head, batch, digests, "revoked", now_ms)
    if batch.epoch < device.epoch:
        return _apart(store, head, batch, digests, "old_epoch", now_ms)
    if device.status == "QUARANTINED":
        _note_last_values(store, head, batch, 0, now_ms)
        return _apart(store, head, batch, digests, "quarantined", now_ms)
    fork = _fork(store, head, batch, digests)
    if fork is not None:
        words = f"two records under number {fork} of journal {batch.journal.hex()}"
        store.put_device(replace(device, status="QUARANTINED"), Why("fleet", f"equivocation: {words}", now_ms))
        store.count_refusal("equivocation", device.id, words, now_ms)
        return _apart(store, head, batch, digests, "equivocation", now_ms)
    end = batch.first + len(digests)
    new = max(0, end - max(head.next, batch.first)) if batch.first <= head.next else 0
    if new:
        moved = Head(head.device, head.epoch, head.journal, end, batch.head)
        store.append(moved, _rows(batch, digests, len(digests) - new, now_ms))
    else:
        moved = head
    _note_last_values(store, head, batch, new, now_ms)
    if device.status == "CLAIMED":
        store.put_device(replace(device, status="ACTIVE"), Why("fleet", "first batch", now_ms))
    # An empty batch asks where to resume: whatever it says, the answer is no gap.
    return _Reach(moved.next, moved.digest, GAP if digests and batch.first > head.next else OK)


def _fork(store: Store, head: Head, batch: Batch, digests: list[bytes]) -> int | None:
    """The first number under which this batch and the log hold different records; None if there is none."""
    if batch.first > head.next:
        return None
    if batch.first == head.next:
        return None if batch.before == head.digest else batch.first - 1
    # What stands before `first` counts as said by this batch too; before 0 the chain check has judged it.
    first, said = (batch.first - 1, [batch.before, *digests]) if batch.first else (0, digests)
    stored = store.digests(head.device, head.journal, first, len(said))
    return next(
        (seq for seq, (ours, theirs) in enumerate(zip(stored, said, strict=False), first) if ours != theirs), None
    )


def _apart(store: Store, head: Head, batch: Batch, digests: list[bytes], reason: str, now_ms: int) -> _Reach:
    """Keep in the side store what the log does not hold, and answer along the batch's own chain.

    Where its chain hangs on records that are kept, in the log or apart, the station may go on from its end. Elsewhere
    nothing of its chain is known to be kept, and it is to begin again: so the whole journal of a quarantined station
    comes in, also where its history is not the log's.
    """
    verdict = REVOKED if reason in ("revoked", "old_epoch") else QUARANTINED
    end = batch.first + len(digests)
    kept = store.digests(head.device, head.journal, batch.first, len(digests))
    attached = batch.first == 0 or _held(store, head, batch.first - 1, batch.before)
    rows = [
        SideRow(row.device, row.epoch, row.journal, row.seq, row.digest, row.record, reason, now_ms, attached)
        for index, row in enumerate(_rows(batch, digests, 0, now_ms))
        if index >= len(kept) or kept[index] != row.digest
    ]
    if rows and store.side_count(head.device) + len(rows) > SIDE_MAX_COUNT:
        raise WireError("side_full", f"{SIDE_MAX_COUNT} records are kept apart; decide about this device")
    store.add_side(rows)
    if attached:
        return _Reach(end, batch.head, verdict)
    return _Reach(0, genesis(batch.device, batch.epoch, batch.journal), verdict)


def _held(store: Store, head: Head, seq: int, digest: bytes) -> bool:
    """Whether exactly this record is kept with all before it, in the log or apart."""
    return store.digests(head.device, head.journal, seq, 1) == [digest] or store.side_attached(
        head.device, head.journal, seq, digest
    )


def _rows(batch: Batch, digests: list[bytes], skip: int, now_ms: int) -> list[LogRow]:
    return [
        LogRow(0, batch.device, batch.epoch, batch.journal, batch.first + index, digests[index], record, now_ms)
        for index, record in enumerate(batch.records)
        if index >= skip
    ]


def _durable(history: _History, start: Head, reach: _Reach) -> int:
    """What the Ack may let the station prune: never more than the log holds, nor more than the Ack itself promises."""
    if reach.verdict in (OK, GAP) and not history.keeps_backups:
        return reach.next
    return min(start.durable_next, reach.next)


def _note_last_values(store: Store, head: Head, batch: Batch, new: int, now_ms: int) -> None:
    """Keep what rode on the batch, unless it is an older one come late or again: its values were true once.

    Within a journal, boot counter and time since boot tell which is newer. Another journal is newer if the log has
    not heard of it yet.
    """
    last = store.last_values(batch.device)
    if last is not None and last.journal == batch.journal:
        was, is_ = (last.boot, last.mono_ms), (batch.boot, batch.mono_ms)
        if is_ < was:
            store.count_refusal("stale", batch.device, f"boot {is_[0]} at {is_[1]} ms after boot {was[0]}", now_ms)
        fresh = is_ > was or new > 0
    else:
        fresh = last is None or head.next == 0
    if fresh:
        store.put_last_values(
            LastValues(
                batch.device,
                batch.journal,
                batch.boot,
                batch.mono_ms,
                batch.time_ms,
                batch.quality,
                batch.newest,
                batch.status,
                now_ms,
            )
        )


@lru_cache(_KEYS_KEPT)
def _verify_key(spki: bytes) -> VerifyKey:
    """Reading a key costs as much as verifying with it; a pure function of its bytes, so it may be kept."""
    return VerifyKey.from_spki(spki)


@lru_cache(_KEYS_KEPT)
def _topic_up(device: bytes) -> str:
    return topic_up(device)
