"""Putting a station together from its disk: new, known, damaged, lost."""

from __future__ import annotations

import sqlite3

import pytest

from edge_agent import boot
from edge_agent.journal import Journal, Sealing, Stamp
from edge_agent.lease import FILE, RESERVE, Lease

DEVICE = b"d" * 16
STAMP = Stamp(1_790_000_000_000, 2, 1, 5)


@pytest.fixture
def lease(tmp_path):
    return Lease(tmp_path, 100, 1000)


def filled(folder, lease) -> Journal:
    journal = boot.open_journal(folder, DEVICE, 1, lease).journal
    for _ in range(5):
        journal.append(Sealing(0, None, lambda _: b"sealed"), STAMP)
    journal.remember({"pay.counter": 107, "sync.ack": [3, b"x" * 32, b"L" * 16]})
    return journal


def test_a_first_start_opens_a_new_journal(tmp_path, lease):
    opened = boot.open_journal(tmp_path, DEVICE, 1, lease)
    assert (opened.reason, opened.state, opened.journal.next) == ("new", None, 0)
    opened.journal.close()


def test_the_old_journal_is_simply_opened(tmp_path, lease):
    filled(tmp_path, lease).close()
    opened = boot.open_journal(tmp_path, DEVICE, 1, lease)
    assert (opened.reason, opened.journal.next) == ("", 5)
    opened.journal.close()


def test_a_damaged_journal_is_kept_and_its_state_carried_over(tmp_path, lease):
    filled(tmp_path, lease).close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("DELETE FROM record WHERE seq = 2")
    db.close()
    opened = boot.open_journal(tmp_path, DEVICE, 1, lease)
    assert opened.reason.startswith("damaged: ")
    assert opened.journal.next == 0
    assert opened.state["pay.counter"] == 107
    boot.set_aside(tmp_path)
    aside = sqlite3.connect(tmp_path / "journal-broken-1.db")
    assert aside.execute("SELECT count(*) FROM record").fetchone() == (4,)
    aside.close()
    opened.journal.close()


def test_a_second_damage_does_not_overwrite_the_first(tmp_path, lease):
    for number in (1, 2):
        (tmp_path / "journal.db").write_bytes(b"garbage %d" % number * 100)
        boot.open_journal(tmp_path, DEVICE, 1, lease).journal.close()
        boot.set_aside(tmp_path)
        for each in tmp_path.glob("journal.db*"):
            each.unlink()
    assert {each.name for each in tmp_path.glob("*broken*")} == {"journal-broken-1.db", "journal-broken-2.db"}


def test_a_lost_journal_is_named_so_and_its_codes_are_not_given_again(tmp_path, lease):
    lease.cover(101)
    opened = boot.open_journal(tmp_path, DEVICE, 1, Lease(tmp_path, 100, 1000))
    assert opened.reason == "not found"
    opened.journal.close()
    assert Lease(tmp_path, 100, 1000).start() == 101 + RESERVE


def test_numbers_are_reserved_before_they_are_used_and_rarely(tmp_path, lease):
    written = []
    for following in range(101, 301):
        lease.cover(following)
        written.append((tmp_path / FILE).read_text())
    assert len(set(written)) == 2
    assert all(int(bound) >= following for bound, following in zip(written, range(101, 301), strict=True))


def test_a_lease_never_passes_its_end_and_a_damaged_bound_gives_no_number(tmp_path):
    lease = Lease(tmp_path, 100, 150)
    lease.cover(140)
    assert Lease(tmp_path, 100, 150).start() == 150
    (tmp_path / FILE).write_bytes(b"\xff")
    assert Lease(tmp_path, 100, 150).start() == 150
    (tmp_path / FILE).write_text("many")
    assert Lease(tmp_path, 100, 150).start() == 150


def test_a_disk_that_cannot_be_written_gives_no_number(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Lease(tmp_path / "missing", 100, 1000).cover(101)
