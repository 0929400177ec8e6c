"""A station's sending half for tests of the fleet: real keys, seals and chain, kept in memory and cut as one likes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from device_profiles import records, wire
from fleet_server.ingest import Message, accept
from fleet_server.store import Device, Station, Why
from fleet_server.store_sqlite import SqliteStore
from provisioning.keys import SigningKey, device_id, open_message, sign_message
from provisioning.sealing import SUITE_BASE, ContentKey, OpeningKey, SealTo, record_info

if TYPE_CHECKING:
    from pathlib import Path

T0 = 1_795_000_000_000  # November 2026
WHY = Why("Nguyễn Thị Kiểm", "test", T0)
ACK_KEY = SigningKey.generate()
SEAL_KEY = OpeningKey.generate(SUITE_BASE)
ACCOUNT = "1020304050"


def payment_fields(**changed: Any) -> dict[str, Any]:
    """Fields of a payment.created that keep the contract."""
    return {
        "service": "B6",
        "biller": "Ban quản trị",
        "building": "B1",
        "unit": "A-12.05",
        "period": "2026-11",
        "bill": b"bill0001",
        "owner": "NGUYEN *** AN",
        "amount": 1_250_000,
        "due": "2026-11-30",
        "payee_bin": "970436",
        "payee_account": ACCOUNT,
        "payee_name": "BAN QUAN TRI B1",
        "reference": "4MJJA9954A",
        "code": "TAM-K0001-000042-2",
        "bills_version": 3,
        "bills_as_of_ms": T0 - 1000,
        "online": True,
        "consent": "v1",
        "expires_ms": T0 + 600_000,
        **changed,
    }


SECRETS = ("079195012345", "TRẦN THỊ SYNTHETIC", "chữ đệm phải là Bích", "+84912345678")


def dossier_fields(**changed: Any) -> dict[str, Any]:
    """Fields of a dossier.created for the shipped form "data_wrong/1" that keep the contract and have no fault."""
    number, name, right, phone = SECRETS
    return {
        "service": "C4",
        "form": "data_wrong/1",
        "catalogue": 1,
        "code": "TAM-K0001-000043-3",
        "ward": "27097",
        "identity": "chip_read",
        "answers": (
            ["id_number", number, "chip"],
            ["name", name, "chip"],
            ["datum", "name", "typed"],
            ["seen", "card", "typed"],
            ["right", right, "typed"],
            ["phone", phone, "typed"],
        ),
        "consent": "correction-consent/1",
        "urgent": False,
        "deadline_ms": None,
        "language": "vi",
        "online": True,
        **changed,
    }


@dataclass
class Sender:
    """One journal of one device. `records` is all it ever wrote; a batch is any cut of it."""

    key: SigningKey = field(default_factory=SigningKey.generate)
    epoch: int = 1
    journal: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    seal_to: SealTo = field(default_factory=lambda: SealTo(SUITE_BASE, SEAL_KEY.public))
    records: list[bytes] = field(default_factory=list)
    boot: int = 1
    mono_ms: int = 1000
    visit: tuple[int, ContentKey] | None = None

    @property
    def device(self) -> bytes:
        return device_id(self.key.spki)

    @property
    def topic(self) -> str:
        return wire.topic_up(self.device)

    def digest_before(self, seq: int) -> bytes:
        return wire.digest(self.records[seq - 1]) if seq else wire.genesis(self.device, self.epoch, self.journal)

    def header(self, **changed: Any) -> bytes:
        seq = len(self.records)
        fields = {
            "device": self.device,
            "epoch": self.epoch,
            "journal": self.journal,
            "seq": seq,
            "prev": self.digest_before(seq),
            "created_ms": T0 + seq,
            "quality": 2,
            "key": self.visit[0] if self.visit else 0,
            "boot": self.boot,
            "mono_ms": self.mono_ms,
            "order": 1,
        }
        return wire.Header(**{**fields, **changed}).encode()

    def begin_visit(self) -> int:
        """Draw a content key, wrap it, append the key record; give its seq."""
        content = ContentKey()
        header = self.header(key=self.seal_to.kid, suite=self.seal_to.suite)
        self.visit = (len(self.records), content)
        return self.append(header, self.seal_to.seal(content.secret, record_info(header)))

    def append(self, header: bytes, sealed: bytes) -> int:
        self.records.append(wire.record_encode(header, sealed))
        return len(self.records) - 1

    def write(self, kind: str, fields: dict[str, Any], txn: bytes | None = None, **header: Any) -> int:
        """Append a record that keeps the contract; give its seq."""
        return self.write_body(records.pack(kind, fields), txn, **header)

    def write_body(self, body: bytes, txn: bytes | None = None, **header: Any) -> int:
        if self.visit is None:
            self.begin_visit()
        assert self.visit is not None
        head = self.header(txn=txn, **header)
        return self.append(head, self.visit[1].seal(head, wire.pad(body)))

    def fill(self, count: int) -> None:
        """Append small records until the journal holds `count`."""
        while len(self.records) < count:
            self.write("visit.ended", {"outcome": "finished", "seconds": len(self.records), "language": "vi"})

    def payload(self, first: int = 0, count: int | None = None, **changed: Any) -> bytes:
        end = len(self.records) if count is None else first + count
        self.mono_ms += 1
        fields = {
            "device": self.device,
            "epoch": self.epoch,
            "journal": self.journal,
            "first": first,
            "before": self.digest_before(first),
            "head": self.digest_before(end),
            "time_ms": T0,
            "quality": 2,
            "boot": self.boot,
            "mono_ms": self.mono_ms,
            "status": {1: 7, 2: "ok"},
            "newest": max(0, len(self.records) - 1),
            "records": tuple(self.records[first:end]),
        }
        return wire.Batch(**{**fields, **changed}).encode()

    def batch(self, first: int = 0, count: int | None = None, **changed: Any) -> Message:
        payload = self.payload(first, count, **changed)
        return Message(self.topic, sign_message(self.key, "kiosk/batch/1", payload))

    def clone(self) -> Sender:
        """The same card in another board: same key, same journal so far."""
        return Sender(self.key, self.epoch, self.journal, self.seal_to, list(self.records), self.boot, self.mono_ms)


def open_fleet(path: Path) -> SqliteStore:
    return SqliteStore.open(path / "fleet.db")


def register(fleet: SqliteStore, *senders: Sender, station: str = "K0001", status: str = "ACTIVE") -> None:
    """Put a station and the senders' devices into the registry."""

    def work(store):
        store.put_station(Station(station, "Sảnh A", "B1", "26740", "simulated", live=True), WHY)
        for each in senders:
            epoch = max((device.epoch for device in store.devices(station)), default=0) + 1
            each.epoch = epoch
            store.put_device(Device(each.device, station, epoch, each.key.spki, each.key.kid, status, "", T0), WHY)

    fleet.run(work)


def set_status(fleet: SqliteStore, sender: Sender, status: str) -> None:
    from dataclasses import replace

    fleet.run(lambda store: store.put_device(replace(store.device(sender.device), status=status), WHY))


def send(fleet, message: Message, now_ms: int = T0 + 10_000) -> wire.Ack | None:
    """Through the real accept; give the Ack after verifying it as a station would."""
    said = accept(fleet, message.topic, message.data, now_ms, ACK_KEY)
    if said is None:
        return None
    payload, _ = open_message("kiosk/ack/1", said, lambda kid: ACK_KEY.public if kid == ACK_KEY.kid else None, 65_536)
    return wire.Ack.decode(payload)


def refusals(fleet) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in fleet.read(lambda store: store.refusals()):
        found[each.reason] = found.get(each.reason, 0) + each.count
    return found


def logged(fleet, sender: Sender) -> list[bytes]:
    """The sender's journal as the fleet's log holds it, by seq."""
    rows = fleet.read(lambda store: store.after(0, 100_000))
    mine = sorted((row.seq, row.record) for row in rows if (row.device, row.journal) == (sender.device, sender.journal))
    assert [seq for seq, _ in mine] == list(range(len(mine)))
    return [record for _, record in mine]
