"""Backups: made while the fleet runs, counted only when checked, and a restored fleet says that it went back."""

from __future__ import annotations

import sqlite3

import pytest

from device_profiles import wire
from fleet_server import backup as room
from fleet_server.backup import BackupRefused, backup, restore, verify
from fleet_server.opener import Opener
from fleet_server.store_sqlite import SqliteStore
from fleet_server.writer import Writer
from tests.fleet_server.station_bed import SEAL_KEY, T0, Sender, logged, open_fleet, register, send


@pytest.fixture
def fleet(tmp_path):
    store = open_fleet(tmp_path)
    store.run(lambda each: each.set_keeps_backups(True))
    yield store
    store.close()


@pytest.fixture
def database(tmp_path):
    return tmp_path / "fleet.db"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backup-1.db"


@pytest.fixture
def sender(fleet):
    sender = Sender()
    register(fleet, sender)
    return sender


def test_a_checked_backup_moves_durable_next_to_what_it_holds(fleet, sender, database, target):
    sender.fill(5)
    assert send(fleet, sender.batch(0, 3)).durable_next == 0
    assert backup(fleet, database, target, T0) == 1
    assert fleet.backup_ms() == T0
    assert send(fleet, sender.batch(3, 2)).durable_next == 3
    assert [head.next for head in verify(target)] == [3]
    assert sorted(path.name for path in target.parent.iterdir() if path.name.startswith("backup")) == [target.name]
    assert target.stat().st_mode & 0o777 == 0o600


def test_records_that_come_while_the_backup_is_written_are_not_counted_as_backed_up(
    fleet, sender, database, target, monkeypatch
):
    sender.fill(5)
    send(fleet, sender.batch(0, 3))
    copied = room._copy

    def copy(source, to):
        copied(source, to)
        send(fleet, sender.batch(3, 2))

    monkeypatch.setattr(room, "_copy", copy)
    backup(fleet, database, target, T0)
    assert (fleet.heads()[0].next, fleet.heads()[0].durable_next) == (5, 3)


def test_a_backup_is_made_beside_a_running_writer(fleet, sender, database, target):
    sender.fill(3)
    send(fleet, sender.batch())
    writer = Writer(lambda: SqliteStore.open(database))
    writer.start()
    try:
        backup(writer, database, target, T0)
    finally:
        writer.stop()
    assert fleet.heads()[0].durable_next == 3


def test_an_existing_backup_is_never_overwritten(fleet, database, target):
    target.write_bytes(b"the only one")
    with pytest.raises(BackupRefused, match="exists: name every backup by its time"):
        backup(fleet, database, target, T0)
    assert target.read_bytes() == b"the only one"


def spoil_page(path):
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 3] = bytes(4096)
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-8192])


def no_database(path):
    path.write_bytes(b"x" * 9000)


def emptied(path):
    path.write_bytes(b"")


def lose_a_record(path):
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER record_delete")
    connection.execute("DELETE FROM record WHERE seq = 1")
    connection.commit()
    connection.close()


def lose_the_tail(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE head SET digest = x'00'")
    connection.commit()
    connection.close()


def one_bit_off(path):
    connection = sqlite3.connect(path)
    (kid,) = connection.execute("SELECT kid FROM device").fetchone()
    connection.close()
    data = path.read_bytes()
    path.write_bytes(data.replace(kid, bytes([kid[0] ^ 1]) + kid[1:], 1))  # the table and its index now differ


@pytest.mark.parametrize("spoil", [spoil_page, cut, one_bit_off, no_database, emptied, lose_a_record, lose_the_tail])
def test_a_copy_that_does_not_check_out_counts_for_nothing(fleet, sender, database, target, monkeypatch, spoil):
    sender.fill(40)
    send(fleet, sender.batch())
    copied = room._copy

    def copy(source, to):
        copied(source, to)
        spoil(to)

    monkeypatch.setattr(room, "_copy", copy)
    with pytest.raises(BackupRefused, match=r"backup-1\.db\.part"):
        backup(fleet, database, target, T0)
    assert (fleet.heads()[0].durable_next, fleet.backup_ms()) == (0, None)
    assert [path.name for path in target.parent.iterdir() if "backup" in path.name] == []


def test_a_restored_fleet_has_a_new_lineage_and_takes_what_is_missing_again(fleet, sender, database, target, tmp_path):
    sender.fill(5)
    send(fleet, sender.batch(0, 3))
    backup(fleet, database, target, T0)
    last = send(fleet, sender.batch(3, 2))
    elsewhere = tmp_path / "restored.db"
    lineage = restore(target, elsewhere, T0 + 99)
    again = SqliteStore.open(elsewhere)
    ack = send(again, sender.batch(5, 0))
    assert (ack.next, ack.verdict, ack.lineage) == (3, wire.OK, lineage)
    assert ack.lineage != last.lineage
    assert ack.durable_next <= 3
    assert send(again, sender.batch(3, 2)).next == 5
    assert logged(again, sender) == sender.records
    assert Opener(again, again, [SEAL_KEY]).drain() == 5
    again.close()
    assert sorted(path.name for path in tmp_path.iterdir() if "restored" in path.name) == ["restored.db"]


def test_restoring_twice_from_one_backup_gives_two_histories(fleet, sender, database, target, tmp_path):
    sender.fill(2)
    send(fleet, sender.batch())
    backup(fleet, database, target, T0)
    assert restore(target, tmp_path / "a.db", T0) != restore(target, tmp_path / "b.db", T0)


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_a_database_that_stands_is_never_overwritten(fleet, database, target, tmp_path, suffix):
    backup(fleet, database, target, T0)
    standing = tmp_path / f"live.db{suffix}"
    standing.write_bytes(b"records that no backup has")
    with pytest.raises(BackupRefused, match="move it away first"):
        restore(target, tmp_path / "live.db", T0)
    assert standing.read_bytes() == b"records that no backup has"


def test_a_damaged_backup_is_not_restored(fleet, database, target, tmp_path):
    backup(fleet, database, target, T0)
    cut(target)
    with pytest.raises(BackupRefused, match=r"backup-1\.db"):
        restore(target, tmp_path / "restored.db", T0)
    assert not (tmp_path / "restored.db").exists()


def test_what_an_interrupted_try_left_behind_is_not_replayed_into_the_next(fleet, sender, database, target):
    sender.fill(3)
    send(fleet, sender.batch())
    for suffix in ("", "-wal", "-shm", "-journal"):
        target.with_name(f"{target.name}.part{suffix}").write_bytes(b"left over" * 999)
    backup(fleet, database, target, T0)
    assert [head.next for head in verify(target)] == [3]
    assert [path.name for path in target.parent.iterdir() if ".part" in path.name] == []
