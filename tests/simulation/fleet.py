"""The fleet's side of the simulated world: the real store, accept, opener, enrolment, questions and backup."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import TYPE_CHECKING

from device_profiles.bills import Bill, BillSet
from device_profiles.cbor import WireError
from device_profiles.messages import Claim, SignedSet
from device_profiles.wire import Ack, envelope_decode
from fleet_server import api, backup, desired, dossiers, enrol, fleet_keys, ingest, money
from fleet_server.opener import Opener
from fleet_server.projections import Opened
from fleet_server.store import Station as StationRow
from fleet_server.store import Why
from fleet_server.store_sqlite import SqliteStore
from provisioning.keys import SigningKey, sign_message
from tests.simulation.pin import technician_pin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_agent.errands import Errand
    from tests.simulation.station import Station

DAY_MS = 86_400_000
CANARY = "KANARI"
BILLS = 40


class Fleet:
    """One fleet server that can be stopped, crashed and restored; its memory is its database alone."""

    def __init__(self, folder: Path, now_ms: Callable[[], int]) -> None:
        self.folder, self.now_ms = folder, now_ms
        fleet_keys.init(folder, now_ms())
        self.server = folder / "server"
        self.keys = fleet_keys.load(self.server)
        self.set_key = SigningKey.from_pem((folder / "offline" / "set.pem").read_bytes())
        self.issuer = enrol.Issuer(
            fleet_keys.load_authority(self.server), self.keys, "127.0.0.1", 8883, "https://127.0.0.1:8443"
        )
        self.up = True
        self.store = SqliteStore.open(self.server / "fleet.db")
        self.store.run(lambda store: store.set_keeps_backups(True))
        self.openers = fleet_keys.load_openers(self.server)
        self.opener = Opener(self.store, self.store, self.openers)
        self.look = sqlite3.connect(self.server / "fleet.db")
        self.bank: list[tuple[str, int, str, int]] = []
        self.backups: list[Path] = []
        self.promised: dict[tuple[bytes, bytes], int] = {}  # the furthest Ack of each journal that was ever given
        self.spoken: dict[tuple[bytes, bytes], list[tuple[str, str, str]]] = {}  # the office's words on each dossier
        self._told_desired: dict[bytes, bytes] = {}
        self.broken_promises: list[str] = []

    def start(self) -> None:
        """Come up again with what is on disk."""
        if not self.up:
            self.store = SqliteStore.open(self.server / "fleet.db")
            self.opener = Opener(self.store, self.store, self.openers)
            self.look = sqlite3.connect(self.server / "fleet.db")
            self.up = True
            for each in self.bank:  # a bank's statement names every credit again; each counts once
                self._post(*each)

    def stop(self) -> None:
        """Go down between two transactions."""
        if self.up:
            self.look.close()
            self.store.close()
            self.up = False

    def crash(self) -> None:
        """Go down and come up at once: what was committed is there, what was to be said is not."""
        self.stop()
        self.start()

    def backup(self) -> None:
        """Take an online backup."""
        path = self.folder / f"backup-{len(self.backups)}.db"
        backup.backup(self.store, self.server / "fleet.db", path, self.now_ms())
        self.backups.append(path)

    def restore(self) -> None:
        """Lose the database and go on from an older backup."""
        if not self.backups:
            return
        self.stop()
        for each in self.server.glob("fleet.db*"):
            each.unlink()
        backup.restore(self.backups[-1], self.server / "fleet.db", self.now_ms())
        self.start()

    def accept(self, topic: str, data: bytes) -> bytes | None:
        """The real accept; and a note of every Ack that promises more than is stored."""
        said = ingest.accept(self.store, topic, data, self.now_ms(), self.keys.ack)
        if said is not None:
            self._judge(said)
        return said

    def _judge(self, said: bytes) -> None:
        ack = Ack.decode(envelope_decode(said, 1 << 16).payload)
        asked = (ack.device, ack.journal, ack.next)
        counts = [
            self.look.execute(
                f"SELECT count(DISTINCT seq) FROM {rows} WHERE device = ? AND journal = ? AND seq < ?", asked
            )
            for rows in ("record JOIN head ON head.id = record.head", "side")
        ]
        self.promised[asked[:2]] = max(ack.next, self.promised.get(asked[:2], 0))
        counts = [each.fetchone()[0] for each in counts]
        if sum(counts) < ack.next:
            self.broken_promises.append(f"Ack promises {ack.next}, stored are {counts}")

    def turn(self) -> None:
        """The opener takes a step now and then."""
        if self.up:
            self.opener.step()

    def decide(self, choice: float) -> None:
        """The office takes the dossier that has waited longest, and says a word on it."""
        waiting = self.store.dossiers_waiting(1)
        if not waiting:
            return
        number = sum(map(len, self.spoken.values()))
        state: dossiers.Decision = "ACCEPTED" if choice < 0.6 else "NEEDS_MORE" if choice < 0.8 else "REJECTED"
        told = f"H29.17-260921-{number:04d}" if state == "ACCEPTED" else f"Việc số {number}"
        word = dossiers.word(waiting[0].dossier, state, told, "Công an phường", self.now_ms())
        self.spoken.setdefault((word.device, word.txn), []).append((state, word.official, word.words))
        self.store.run(lambda store: store.add_dossier_word(word))

    def desired(self, station: Station) -> bytes:
        """What the broker keeps for a station: its Desired with the technicians' PIN, signed once."""
        if station.device not in self._told_desired:
            row, device = self.store.station(station.name), self.store.device(station.device)
            assert row is not None
            assert device is not None
            settings = {"technician_pin": technician_pin().hex()}
            made = desired.build(row, device, settings, (), self.keys.version, None, self.now_ms())
            self._told_desired[station.device] = sign_message(
                self.keys.desired, "kiosk/desired/1", made.desired.encode()
            )
        return self._told_desired[station.device]

    def truth(self) -> list[Opened]:
        """Everything of the log that opens, in the log's order: as it was written, whatever projections say."""
        return [each for row in self.store.after(-1, 1_000_000) if isinstance(each := self.opener._open(row), Opened)]

    def open_all(self) -> None:
        """The opener catches up."""
        self.opener.drain()

    def register(self, station: str, building: str) -> bytes:
        """Put a station into the registry and give the signed claim for it."""
        why = Why("test", "simulation", self.now_ms())
        ward = "Phường Bình Trưng" if station == "K0001" else "Khu chưa đặt tên"  # one of them is in no list
        self.store.run(
            lambda store: store.put_station(
                StationRow(station, f"Trạm {station}", building, ward, "simulated", live=True), why
            )
        )
        return self.claim(station, "install")

    def claim(self, station: str, kind: str) -> bytes:
        """A signed claim."""
        claim = Claim(
            claim=hashlib.sha256(f"{station}{kind}{self.now_ms()}".encode()).digest()[:16],
            kind=kind,
            station=station,
            profile="simulated",
            technician="Kỹ thuật viên",
            not_before_ms=self.now_ms() - 1000,
            not_after_ms=self.now_ms() + DAY_MS,
        )
        why = Why("test", "simulation", self.now_ms())
        return self.store.run(lambda store: enrol.add_claim(store, claim, self.keys, why))

    def enrol(self, request: bytes) -> bytes:
        """The real enrolment. Raises AssertionError where it refuses."""
        reply = self.store.run(lambda store: enrol.enrol(store, request, self.now_ms(), self.issuer))
        assert isinstance(reply, bytes), reply
        return reply

    def enrols(self, request: bytes) -> bool:
        """Whether the fleet would admit this device."""
        reply = self.store.run(lambda store: enrol.enrol(store, request, self.now_ms(), self.issuer))
        return isinstance(reply, bytes)

    def bills(self, building: str) -> SignedSet:
        """A building's bill list with a canary in every owner's name, as it comes out of its signed set."""
        bills = tuple(
            Bill(
                hashlib.sha256(f"{building}{n}".encode()).digest()[:8],
                f"{CANARY[:3]}{n:03d}",
                "2026-09",
                100_000 + n,
                "2026-12-31",
                f"{CANARY} *** {n}",
            )
            for n in range(BILLS)
        )
        body = BillSet(
            building=building,
            title=building,
            payee_bin="970415",
            payee_account="113366668888",
            payee_name="BAN QUAN TRI",
            as_of_ms=self.now_ms(),
            version=1,
            bills=bills,
            offline=True,
        ).encode()
        return SignedSet(
            name=f"bills/{building}", version=1, issued_ms=self.now_ms(), not_after_ms=self.now_ms() + DAY_MS, body=body
        )

    def answer(self, errand: Errand) -> bytes | None:
        """The real HTTPS face, without the HTTPS."""
        if not self.up or errand.body is None:
            return None
        face = api.Face(self.store, self.store, self.issuer, self.now_ms, lambda: None)
        try:
            return api.answer_question(face, errand.body)
        except WireError:
            return None

    def credit(self, name: str, amount: int, memo: str) -> None:
        """A resident's bank reports a credit (MÔ PHỎNG); what the fleet misses stands in the statement."""
        notice = (name, amount, memo, self.now_ms())
        self.bank.append(notice)
        if self.up:
            self._post(*notice)

    def _post(self, name: str, amount: int, memo: str, at_ms: int) -> None:
        new = money.credit(name, amount, memo, "113366668888", at_ms, self.now_ms(), simulated=True)
        self.store.run(lambda store: money.post(store, new))

    def holds(self, station: Station) -> bool:
        """Whether the log holds all that the station's journal holds."""
        head = self.store.head(station.device, station.journal.journal)
        return head is not None and head.next >= station.journal.next

    def sign_set(self, signed: SignedSet) -> bytes:
        """As it lies on disk."""
        return sign_message(self.set_key, "kiosk/set/1", signed.encode())

    def close(self) -> None:
        """Close the database."""
        self.stop()
