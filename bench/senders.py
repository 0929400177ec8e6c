"""Stations that only write and send: the real journal without a file, the real sealer, keys and batches; no link.

Decides nothing about what is measured. They make in seconds what a fleet says in a day, for ingest to take.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.fleet import BUILDING, PROFILE, USUAL_FIELDS, now_ms
from device_profiles.formats.codes import provisional_code
from device_profiles.formats.reference import payment_reference
from device_profiles.messages import STATUS_KEYS
from device_profiles.wire import BATCH_MAX_BYTES, Batch, topic_up
from edge_agent.journal import Journal, Stamp
from edge_agent.sealer import Sealer
from fleet_server.ingest import Message
from fleet_server.store import Device, Station, Why
from provisioning.keys import SigningKey, device_id, sign_message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet_server.store import Store
    from fleet_server.store_sqlite import SqliteStore
    from provisioning.trust import FleetTrust

STATUS = {STATUS_KEYS["version"]: "0.1.0", STATUS_KEYS["uptime_s"]: 86_400, STATUS_KEYS["rss_kib"]: 45_000}


@dataclass(frozen=True, slots=True)
class Sender:
    """One station, number `number` of the fleet."""

    number: int
    key: SigningKey
    journal: Journal
    sealer: Sealer
    stamp: Stamp

    @classmethod
    def make(cls, number: int, trust: FleetTrust) -> Sender:
        key = SigningKey.generate()
        journal = Journal.open(Path(":memory:"), device_id(key.spki), 1)
        return cls(number, key, journal, Sealer(journal, trust), Stamp(now_ms(), 2, 1, 5))

    def write(self, count: int) -> None:
        """Append so many payments; the key record that comes first is one of them."""
        end = self.journal.next + count
        if self.journal.next == 0:
            self.sealer.begin(self.stamp, self.stamp.created_ms)
        while self.journal.next < end:
            self.sealer.append(
                "payment.created", self._payment(), self.stamp, self.stamp.created_ms, txn=secrets.token_bytes(16)
            )

    def _payment(self) -> dict[str, object]:
        """A payment of its own: what the fleet matches by (bill, reference, code) is never the same twice."""
        return {
            **USUAL_FIELDS,
            "bill": secrets.token_bytes(8),
            "reference": payment_reference(secrets.token_bytes(16)),
            "code": provisional_code(f"K{self.number:04d}", self.journal.next),
        }

    def message(self, first: int, count: int) -> Message:
        """The signed batch of records [first, first + count)."""
        records = self.journal.after(first, count, BATCH_MAX_BYTES)
        assert len(records) == count
        before = self.journal.digest_before(first)
        assert before is not None
        batch = Batch(
            device=self.journal.device,
            epoch=1,
            journal=self.journal.journal,
            first=first,
            before=before,
            head=hashlib.sha256(records[-1]).digest(),
            time_ms=self.stamp.created_ms,
            quality=self.stamp.quality,
            boot=1,
            mono_ms=first,
            status=STATUS,
            newest=self.journal.next - 1,
            records=tuple(records),
        )
        return Message(topic_up(self.journal.device), sign_message(self.key, "kiosk/batch/1", batch.encode()))

    def close(self) -> None:
        self.journal.close()


def register(fleet: SqliteStore, senders: Iterable[Sender]) -> None:
    """Put them into the registry, one station each, as enrolled devices."""

    def work(store: Store) -> None:
        why = Why("bench", "measurement", now_ms())
        for each in senders:
            name = f"K{each.number:04d}"
            store.put_station(Station(name, name, BUILDING, "26740", PROFILE, live=True), why)
            device = Device(each.journal.device, name, 1, each.key.spki, each.key.kid, "ACTIVE", "", now_ms(), "bench")
            store.put_device(device, why)

    fleet.run(work)
