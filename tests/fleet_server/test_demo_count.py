"""The count of a demonstration finds what is planted: lost, doubled and pending records, payments and dossiers."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from device_profiles.wire import record_decode, record_encode
from edge_agent.journal import Journal
from fleet_server import money
from fleet_server.demo.count import Count, journal_rows, judge, quick
from fleet_server.opener import Opener
from tests.fleet_server.station_bed import (
    ACCOUNT,
    SEAL_KEY,
    T0,
    Sender,
    dossier_fields,
    open_fleet,
    payment_fields,
    register,
    send,
)

if TYPE_CHECKING:
    from pathlib import Path

    from fleet_server.store_sqlite import SqliteStore

CODES = ("TAM-K0001-000042-2", "TAM-K0001-000043-1")
FILED = "TAM-K0001-000044-0"
TXNS = (b"a" * 16, b"b" * 16)


@dataclass
class Disks:
    """A station's journal file and the fleet's database, after a day on which nothing went wrong."""

    journal: Path
    database: Path
    sender: Sender
    count: Count = field(default_factory=Count)
    told: set[str] = field(default_factory=lambda: {*CODES, FILED})
    confirmed: set[str] = field(default_factory=lambda: {CODES[0]})

    def judge(self) -> Count:
        judge(self.count, [self.journal], self.database, self.told, self.confirmed)
        return self.count

    def at_station(self, statement: str, *values: object) -> None:
        _plant(self.journal, statement, *values)

    def at_fleet(self, statement: str, *values: object) -> None:
        _plant(self.database, statement, *values)


def _plant(path: Path, statement: str, *values: object) -> None:
    """Change what no code of ours would change."""
    with closing(sqlite3.connect(path)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement, values)


def _pay(store: SqliteStore, sender: Sender) -> None:
    for code, txn, bill in zip(CODES, TXNS, (b"bill0001", b"bill0002"), strict=True):
        reference = payment_fields()["reference"] if bill == b"bill0001" else "4MJJA9955B"
        sender.write("payment.created", payment_fields(code=code, bill=bill, reference=reference), txn)
        sender.write("payment.state", {"state": "QR_SHOWN"}, txn)
    sender.write("dossier.created", dossier_fields(code=FILED), b"c" * 16)
    send(store, sender.batch())
    Opener(store, store, [SEAL_KEY]).drain()
    memo = f"MBVCB.1.{payment_fields()['reference']}.CT"
    new = money.credit("r1", 1_250_000, memo, ACCOUNT, T0 + 5000, T0 + 5000, simulated=True)
    store.run(lambda each: money.post(each, new))


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    sender = Sender()
    with closing(open_fleet(tmp_path)) as store:
        register(store, sender)
        _pay(store, sender)
    journal = tmp_path / "journal.db"
    with closing(sqlite3.connect(journal)) as db, db:
        db.execute("CREATE TABLE record(seq INTEGER PRIMARY KEY, data BLOB NOT NULL)")
        db.executemany("INSERT INTO record VALUES (?, ?)", enumerate(sender.records))
    return Disks(journal, tmp_path / "fleet.db", sender)


def faults(found: Count) -> tuple[int, int, int]:
    return found.lost, found.doubled, found.pending


def test_a_day_on_which_nothing_went_wrong_counts_so(disks):
    found = disks.judge()
    assert faults(found) == (0, 0, 0)
    assert found.faults == []
    assert (found.committed, found.accepted) == (6, 6)
    assert (found.payments, found.confirmed, found.told_confirmed) == (2, 1, 1)
    assert json.loads(json.dumps(found.as_dict()))["committed"] == 6
    assert quick([disks.journal], disks.database) == (6, 6)


def test_what_is_still_on_its_way_is_pending_and_not_lost(disks):
    disks.at_fleet("DELETE FROM record WHERE seq >= 3")
    found = disks.judge()
    assert faults(found) == (0, 0, 3)
    assert "record 3 of journal" in found.faults[0]
    assert found.accepted == 3


def test_a_record_missing_between_others_is_lost(disks):
    disks.at_fleet("DELETE FROM record WHERE seq = 2")
    found = disks.judge()
    assert faults(found) == (1, 0, 0)
    assert "record 2 of journal" in found.faults[0]


def test_a_record_that_the_station_threw_away_too_early_is_lost(disks):
    disks.at_fleet("DELETE FROM record WHERE seq >= 2")
    disks.at_station("DELETE FROM record WHERE seq < 3")
    found = disks.judge()
    assert faults(found) == (1, 0, 3)
    assert found.committed == 6


def test_what_the_station_threw_away_after_the_fleet_had_it_is_no_fault(disks):
    disks.at_station("DELETE FROM record WHERE seq < 3")
    found = disks.judge()
    assert (faults(found), found.committed) == ((0, 0, 0), 6)


def test_a_record_that_is_another_at_the_fleet_is_lost(disks):
    header, header_bytes, sealed = record_decode(disks.sender.records[4])
    disks.at_station("UPDATE record SET data = ? WHERE seq = 4", record_encode(header_bytes, sealed[:-1] + b"\0\0"))
    found = disks.judge()
    assert header.seq == 4
    assert faults(found) == (1, 0, 0)
    assert "is another at the fleet" in found.faults[0]


def test_a_bill_that_is_confirmed_twice_is_doubled(disks):
    disks.at_fleet("UPDATE payment SET state = 'CONFIRMED', bill = ?, reference = ?", b"bill0001", "4MJJA9954A")
    found = disks.judge()
    assert faults(found) == (0, 1, 0)
    assert found.faults == ["a bill of B1 is confirmed 2 times"]


@pytest.mark.parametrize(
    "planted",
    [
        "UPDATE payment SET state = 'CONFIRMED'",
        "UPDATE credit SET amount = amount - 1",
        "UPDATE credit SET account = '1'",
        "DELETE FROM credit_reference",
        "UPDATE payment SET amount = amount + 1 WHERE state = 'CONFIRMED'",
    ],
)
def test_a_confirmation_without_exactly_its_credit_is_doubled(disks, planted):
    disks.at_fleet(planted)
    found = disks.judge()
    assert faults(found) == (0, 1, 0)
    assert "is confirmed without exactly one credit" in found.faults[0]


def test_two_credits_for_one_confirmation_are_doubled(disks):
    disks.at_fleet("INSERT INTO credit SELECT 'r2', amount, memo, account, at_ms, received_ms, simulated FROM credit")
    disks.at_fleet("INSERT INTO credit_reference SELECT reference, 'r2', place FROM credit_reference")
    assert faults(disks.judge()) == (0, 1, 0)


def test_a_code_given_twice_is_doubled(disks):
    disks.at_fleet("UPDATE payment SET code = ?", CODES[0])
    disks.told, disks.confirmed = {CODES[0]}, set()
    found = disks.judge()
    assert faults(found) == (0, 1, 0)
    assert found.faults == [f"{CODES[0]} was given 2 times"]


def test_a_code_that_a_resident_saw_and_the_fleet_never_heard_of_is_lost(disks):
    disks.told.add("TAM-K0001-000099-0")
    found = disks.judge()
    assert faults(found) == (1, 0, 0)
    assert found.faults == ["TAM-K0001-000099-0 was shown, the fleet never heard of it"]


def test_dossiers_are_counted_and_so_are_their_faults(disks):
    found = disks.judge()
    assert (found.dossiers, found.faulty, found.payments) == (1, 0, 2)
    for planted in ("3", "NULL"):
        disks.at_fleet(f"UPDATE dossier SET faults = {planted}")
        assert disks.judge().faulty == 1


def test_a_dossier_that_a_resident_was_told_of_and_the_fleet_never_heard_of_is_lost(disks):
    disks.at_fleet("DELETE FROM dossier")
    found = disks.judge()
    assert faults(found) == (1, 0, 0)
    assert found.faults == [f"{FILED} was shown, the fleet never heard of it"]


def test_a_code_for_a_payment_and_a_dossier_is_doubled(disks):
    disks.at_fleet("UPDATE dossier SET code = ?", CODES[1])
    disks.told.discard(FILED)
    found = disks.judge()
    assert faults(found) == (0, 1, 0)
    assert found.faults == [f"{CODES[1]} was given 2 times"]


@pytest.mark.parametrize("code", [CODES[1], "TAM-K0001-000099-0"])
def test_a_confirmation_that_only_a_resident_knows_of_is_lost(disks, code):
    disks.confirmed.add(code)
    found = disks.judge()
    assert faults(found) == (1, 0, 0)
    assert found.faults == [f"{code} was called confirmed, the fleet does not say so"]


def test_the_running_count_counts_from_the_first_record(tmp_path):
    assert quick([tmp_path / "none.db"], tmp_path / "none.db") == (0, 0)
    sender = Sender()
    path = tmp_path / "journal.db"
    journal = Journal.open(path, sender.device, 1)
    assert quick([path], tmp_path / "none.db") == (journal.next, 0)
    one = tmp_path / "one.db"
    with closing(sqlite3.connect(one)) as db, db:
        db.execute("CREATE TABLE record(seq INTEGER PRIMARY KEY, data BLOB NOT NULL)")
        db.execute("INSERT INTO record VALUES (0, x'00')")
    assert quick([one, one], tmp_path / "none.db") == (2, 0)
    journal.close()
    assert journal_rows(path) == []
    assert journal_rows(tmp_path / "none.db") == []
