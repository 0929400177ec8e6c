"""The journal on a real disk."""

from __future__ import annotations

import shutil
import sqlite3

import pytest

from device_profiles.wire import digest, record_decode
from edge_agent import journal as room
from edge_agent.journal import Journal, JournalBroken, JournalFault, Sealing, Stamp

DEVICE = b"d" * 16
STAMP = Stamp(1_790_000_000_000, 2, 1, 5)
PLAIN = Sealing(0, None, lambda header: b"sealed:" + header[-4:])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


def filled(path, count: int) -> Journal:
    journal = Journal.open(path, DEVICE, 1)
    for _ in range(count):
        journal.append(PLAIN, STAMP)
    return journal


def test_records_are_chained_from_genesis_to_tip(path):
    journal = filled(path, 5)
    expected = journal.genesis
    for seq, data in enumerate(journal.after(0, 100, 1 << 20)):
        header, _, _ = record_decode(data)
        assert (header.seq, header.prev) == (seq, expected)
        expected = digest(data)
    assert journal.tip == expected
    journal.close()


def test_what_was_appended_is_there_after_reopening_with_the_same_journal_id(path):
    journal = filled(path, 3)
    was = (journal.journal, journal.next, journal.tip)
    journal.close()
    again = Journal.open(path, DEVICE, 1)
    assert (again.journal, again.next, again.tip) == was
    again.close()


def test_a_new_file_draws_a_new_journal_id(tmp_path):
    one, two = (Journal.open(tmp_path / name, DEVICE, 1) for name in ("a", "b"))
    assert one.journal != two.journal
    one.close()
    two.close()


def test_the_database_syncs_every_commit_and_keeps_nothing_in_temporary_files(path):
    journal = filled(path, 1)
    asked = [
        journal._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "temp_store")
    ]
    assert asked == ["wal", 2, 2]
    journal.close()


def test_state_is_committed_with_the_record_or_not_at_all(path):
    journal = filled(path, 1)
    journal.append(PLAIN, STAMP, remember={"pay.open": [1, b"x"]})
    with pytest.raises(room.WireError):
        journal.append(PLAIN, STAMP, remember={"pay.open": [2], "bad": 1.5})
    assert (journal.next, journal.state()) == (2, {"pay.open": [1, b"x"]})
    journal.remember({"pay.open": None})
    assert journal.state() == {}
    journal.close()


def test_a_full_disk_refuses_the_record_and_leaves_the_chain_as_it_was(path):
    journal = filled(path, 2)
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    before = (journal.next, journal.tip)
    big = Sealing(0, None, lambda _: b"z" * 40_000)
    with pytest.raises(JournalFault, match="could not be written"):
        journal.append(big, STAMP, remember={"a": 1})
    assert (journal.next, journal.tip, journal.state()) == (*before, {})
    journal._db.execute("PRAGMA max_page_count = 1000000")
    journal.append(big, STAMP)
    journal.close()
    Journal.open(path, DEVICE, 1).close()


def damage(path, statement: str, *values) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement, values)
    db.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET data = substr(data, 1, 60) || x'00' || substr(data, 62) WHERE seq = 2",
        "DELETE FROM record WHERE seq = 2",
        "UPDATE record SET data = (SELECT data FROM record WHERE seq = 1) WHERE seq = 2",
        "UPDATE record SET data = x'00' WHERE seq = 4",
        "DELETE FROM record WHERE seq = 0",
    ],
    ids=["byte flipped", "deleted", "doubled", "not a record", "head cut off"],
)
def test_a_touched_chain_is_noticed_at_the_start(path, statement):
    filled(path, 5).close()
    damage(path, statement)
    if "seq = 0" in statement:  # a pruned journal may begin later: only the Ack can witness this one
        Journal.open(path, DEVICE, 1).close()
        return
    with pytest.raises(JournalBroken):
        Journal.open(path, DEVICE, 1)


def test_a_journal_of_another_device_or_enrolment_is_refused(path):
    filled(path, 1).close()
    with pytest.raises(JournalBroken, match="another device"):
        Journal.open(path, b"e" * 16, 1)
    with pytest.raises(JournalBroken, match="another device"):
        Journal.open(path, DEVICE, 2)


def test_a_file_that_is_no_database_is_broken_not_fatal(path):
    path.write_bytes(b"not a database, but long enough to be looked at as one" * 40)
    with pytest.raises(JournalBroken):
        Journal.open(path, DEVICE, 1)


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path):
    with pytest.raises(JournalFault):
        Journal.open(tmp_path / "missing" / "journal.db", DEVICE, 1)


def test_pruning_keeps_the_newest_record_and_the_chain(path):
    journal = filled(path, 10)
    assert journal.prune(8) == 8
    assert (journal.first_held, journal.next) == (8, 10)
    assert journal.prune(99) == 1
    tip = journal.tip
    journal.close()
    again = Journal.open(path, DEVICE, 1)
    assert (again.first_held, again.next, again.tip) == (9, 10, tip)
    again.append(PLAIN, STAMP)
    again.close()


def test_digest_before_is_known_for_what_is_held_and_for_the_first_held(path):
    journal = filled(path, 6)
    known = [journal.digest_before(seq) for seq in range(7)]
    assert known[0] == journal.genesis
    assert known[6] == journal.tip
    journal.prune(3)
    assert [journal.digest_before(seq) for seq in (0, 2, 3, 4, 6)] == [
        journal.genesis,
        None,
        *[known[n] for n in (3, 4, 6)],
    ]
    journal.close()


def test_after_stops_at_count_and_at_size_but_gives_at_least_one(path):
    journal = filled(path, 10)
    size = len(journal.after(0, 1, 1)[0])
    assert len(journal.after(0, 4, 1 << 20)) == 4
    assert len(journal.after(0, 100, size * 3 + 1)) == 3
    assert len(journal.after(9, 100, 1)) == 1
    assert journal.after(10, 100, 1 << 20) == []
    journal.close()


def test_a_copy_of_the_file_taken_while_it_is_open_opens_with_what_was_committed(path, tmp_path):
    journal = filled(path, 4)
    copy = tmp_path / "copy"
    copy.mkdir()
    for each in path.parent.glob("journal.db*"):
        shutil.copy(each, copy)
    thief = Journal.open(copy / "journal.db", DEVICE, 1)
    assert thief.next == 4
    thief.close()
    journal.close()


def test_a_prune_that_the_disk_refuses_is_a_fault_and_everything_is_still_held(path):
    journal = filled(path, 4)
    journal.close()
    with pytest.raises(JournalFault, match="could not prune"):
        journal.prune(3)
    assert journal.first_held == 0
    again = Journal.open(path, DEVICE, 1)
    assert (again.first_held, len(again.after(0, 10, 1 << 20))) == (0, 4)
    again.close()
