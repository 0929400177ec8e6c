"""The Store on SQLite: what it keeps, what it refuses to keep, and that what it says is durable is."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import replace

import pytest

from fleet_server.rows import Seen
from fleet_server.store import (
    Claim,
    Conflict,
    Credit,
    DesiredRow,
    Device,
    Head,
    Issued,
    LastValues,
    LogRow,
    Session,
    SetPointer,
    SideRow,
    Station,
    StationState,
    User,
    Why,
)
from fleet_server.store_sqlite import SqliteReaders, SqliteStore, StoreRefused, assert_durable
from tests.fleet_server.station_bed import T0, WHY

DEVICE, OTHER, JOURNAL = b"d" * 16, b"o" * 16, b"j" * 16
PLACE = Station("K0001", "Sảnh A", "B1", "26740", "simulated")


def device(id_: bytes = DEVICE, epoch: int = 1, station: str = "K0001") -> Device:
    return Device(id_, station, epoch, b"spki" + id_, id_[:8], "ACTIVE", "", T0)


def row(seq: int, record: bytes = b"record") -> LogRow:
    return LogRow(0, DEVICE, 1, JOURNAL, seq, bytes([seq]) * 32, record, T0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fleet.db"


@pytest.fixture
def store(path):
    opened = SqliteStore.open(path)
    opened.run(lambda each: (each.put_station(PLACE, WHY), each.put_device(device(), WHY)))
    yield opened
    opened.close()


def put(store, seqs):
    head = Head(DEVICE, 1, JOURNAL, seqs[-1] + 1, bytes([seqs[-1]]) * 32)
    store.run(lambda each: each.append(head, [row(seq) for seq in seqs]))


# ---- durability ---------------------------------------------------------------------------------------------------


def test_the_database_is_opened_with_wal_and_full_and_says_so_when_it_is_not(store, path):
    assert store.one("PRAGMA journal_mode")[0] == "wal"
    assert store.one("PRAGMA synchronous")[0] == 2
    weak = sqlite3.connect(path)
    weak.execute("PRAGMA synchronous = NORMAL")
    with pytest.raises(StoreRefused, match=r"synchronous=1.*must be wal and 2"):
        assert_durable(weak, path)
    weak.close()
    memory = sqlite3.connect(":memory:")
    with pytest.raises(StoreRefused, match="journal_mode=memory"):
        assert_durable(memory, path)
    memory.close()


def test_what_run_gave_back_is_there_after_reopening_and_what_raised_is_not(store, path):
    put(store, [0, 1])

    def fails(each):
        each.append(Head(DEVICE, 1, JOURNAL, 3, bytes(32)), [row(2)])
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.run(fails)
    assert store.head(DEVICE, JOURNAL).next == 2
    second = SqliteStore.open(path)
    assert [each.seq for each in second.after(0, 10)] == [0, 1]
    second.close()


def test_opening_again_changes_nothing(store, path):
    lineage = store.lineage()
    again = SqliteStore.open(path)
    assert again.lineage() == lineage
    assert again.device(DEVICE) == device()
    again.close()


def test_a_file_that_is_no_database_is_not_touched(tmp_path):
    path = tmp_path / "fleet.db"
    path.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SqliteStore.open(path)
    assert path.read_bytes().startswith(b"this is a letter")


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "fleet.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE device(mine TEXT)")
    with pytest.raises(sqlite3.OperationalError, match="device already exists"):
        SqliteStore.open(path)
    names = [row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE '%sqlite%'")]
    other.close()
    assert names == ["device"]


def test_a_reader_sees_one_moment_and_cannot_write(store, path):
    readers = SqliteReaders(path)

    def look(each):
        before = len(each.stations())
        store.run(lambda writer: writer.put_station(replace(PLACE, id="K0002"), WHY))
        return before, len(each.stations())

    assert readers.read(look) == (1, 1)
    assert readers.read(lambda each: len(each.stations())) == 2
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        readers.read(lambda each: each.put_station(replace(PLACE, id="K0003"), WHY))
    readers.close()


def test_reading_a_database_that_does_not_exist_names_it(tmp_path):
    with pytest.raises(StoreRefused, match=r"gone\.db does not exist"):
        SqliteStore.open_read(tmp_path / "gone.db")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE record SET record = x'00'",
        "DELETE FROM record",
        "DELETE FROM registry_log",
        "UPDATE registry_log SET person = 'nobody'",
        "DELETE FROM credit",
        "UPDATE credit SET amount = 1",
        "DELETE FROM audit_log",
        "UPDATE issued SET device = x'00'",
        "UPDATE side SET record = x'00'",
        "DELETE FROM side",
        "DELETE FROM lineage",
    ],
)
def test_what_is_append_only_cannot_be_changed_by_anyone(store, change):
    put(store, [0])
    store.run(lambda each: each.add_credit(Credit("r", 1, "memo", "acc", T0, (), T0, simulated=True)))
    store.run(lambda each: each.audit(T0, "Lan", "sign in"))
    store.run(lambda each: each.add_issued(Issued("01", DEVICE, T0, b"der", T0)))
    store.run(lambda each: each.add_side([SideRow(DEVICE, 1, JOURNAL, 0, bytes(32), b"r", "revoked", T0)]))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store.execute(change)


# ---- registry -----------------------------------------------------------------------------------------------------


def test_every_change_of_the_registry_names_a_person_a_reason_and_a_time(store):
    why = Why("Trần Văn Trực", "go live", T0 + 5)
    store.run(lambda each: each.put_station(replace(PLACE, live=True), why))
    store.run(lambda each: each.put_device(replace(device(), status="REVOKED"), replace(why, reason="stolen")))
    last, before = store.registry_log(limit=2)
    assert (before.person, before.reason, before.at_ms, before.subject) == (why.person, "go live", T0 + 5, "K0001")
    assert before.what == "live: False -> True"
    assert (last.reason, last.what) == ("stolen", "status: ACTIVE -> REVOKED")
    assert store.device(DEVICE).status == "REVOKED"
    assert store.station("K0001").live is True
    assert [line.subject for line in store.registry_log(subject="K0001")] == ["K0001", "K0001"]


def test_putting_what_is_there_leaves_no_line(store):
    lines = len(store.registry_log())
    store.run(lambda each: (each.put_station(PLACE, WHY), each.put_device(device(), WHY)))
    assert len(store.registry_log()) == lines


def test_a_device_keeps_its_key_and_epoch_to_itself(store):
    for clash in (replace(device(OTHER, 2), kid=DEVICE[:8]), device(OTHER, 1)):
        with pytest.raises(Conflict, match="belongs to another device"):
            store.run(lambda each, clash=clash: each.put_device(clash, WHY))
    with pytest.raises(Conflict, match="K0009 is not registered"):
        store.run(lambda each: each.put_device(device(OTHER, 1, "K0009"), WHY))
    store.run(lambda each: each.put_device(device(OTHER, 2), WHY))
    assert [each.epoch for each in store.devices("K0001")] == [1, 2]
    assert store.device_by_kid(OTHER[:8]).id == OTHER
    assert store.device_by_kid(b"unknown!") is None
    assert store.device(b"x" * 16) is None
    assert store.station("K0009") is None


def test_counters_of_a_station_are_leased_once(store):
    leased = [store.run(lambda each: each.lease_counters("K0001", 500)) for _ in range(3)]
    assert leased == [1, 501, 1001]
    with pytest.raises(Conflict, match="not registered"):
        store.run(lambda each: each.lease_counters("K0009", 1))


def test_a_claim_is_used_up_once_and_keeps_its_answer(store):
    claim = Claim(b"c" * 16, "K0001", "simulated", "install", "Lê Kỹ Thuật", T0, T0 + 900_000)
    store.run(lambda each: each.add_claim(claim, WHY))
    assert store.claim(claim.id) == claim
    assert store.claims() == [claim]
    store.run(lambda each: each.use_claim(claim.id, b"spki-1", b"answer", WHY))
    assert (store.claim(claim.id).used_by, store.claim(claim.id).answer) == (b"spki-1", b"answer")
    for key in (b"spki-1", b"spki-2"):
        with pytest.raises(Conflict, match="unknown or used up"):
            store.run(lambda each, key=key: each.use_claim(claim.id, key, b"other", WHY))
    assert store.claim(claim.id).answer == b"answer"
    with pytest.raises(Conflict, match="known already"):
        store.run(lambda each: each.add_claim(claim, WHY))
    with pytest.raises(Conflict, match="not registered"):
        store.run(lambda each: each.add_claim(replace(claim, id=b"e" * 16, station="K0009"), WHY))
    assert store.claim(b"x" * 16) is None


def test_if_issuing_fails_the_claim_stays_unused(store):
    claim = Claim(b"c" * 16, "K0001", "simulated", "install", "Lê Kỹ Thuật", T0, T0 + 900_000)
    store.run(lambda each: each.add_claim(claim, WHY))

    def issue(each):
        each.use_claim(claim.id, b"spki-1", b"answer", WHY)
        each.put_device(device(OTHER, 1), WHY)

    with pytest.raises(Conflict):
        store.run(issue)
    assert store.claim(claim.id).used_by is None


def test_certificates_are_listed_as_issued(store):
    first, second = Issued("0a", DEVICE, T0, b"der", T0), Issued("0b", DEVICE, T0, b"der2", T0)
    store.run(lambda each: (each.add_issued(first), each.add_issued(second)))
    assert store.issued() == store.issued(DEVICE) == [first, second]
    assert store.issued(OTHER) == []
    with pytest.raises(Conflict, match="serial known"):
        store.run(lambda each: each.add_issued(first))


# ---- log ----------------------------------------------------------------------------------------------------------


def test_the_log_gives_rows_back_in_order_and_a_taken_number_is_refused(store):
    put(store, [0, 1, 2])
    rows = store.after(0, 2)
    assert [(each.position, each.seq, each.device, each.journal, each.epoch) for each in rows] == [
        (1, 0, DEVICE, JOURNAL, 1),
        (2, 1, DEVICE, JOURNAL, 1),
    ]
    assert [each.seq for each in store.after(2, 10)] == [2]
    assert store.digests(DEVICE, JOURNAL, 1, 5) == [bytes([1]) * 32, bytes([2]) * 32]
    assert store.record_at(DEVICE, JOURNAL, 2) == b"record"
    assert store.record_at(DEVICE, JOURNAL, 3) is None
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        put(store, [2, 3])
    assert store.head(DEVICE, JOURNAL).next == 3


def test_durable_next_moves_up_to_what_a_backup_holds_and_never_past_the_head(store):
    put(store, [0, 1, 2])
    (head,) = store.heads()
    assert head.durable_next == head.next == 3
    assert store.backup_ms() is None
    store.run(lambda each: each.set_keeps_backups(True))
    assert store.keeps_backups()
    assert store.head(DEVICE, JOURNAL).durable_next == 0
    store.run(lambda each: each.set_durable([replace(head, next=2)], T0))
    assert store.heads()[0].durable_next == store.head(DEVICE, JOURNAL).durable_next == 2
    for held, durable in ((1, 2), (99, 3)):
        store.run(lambda each, held=held: each.set_durable([replace(head, next=held)], T0 + 1))
        assert store.heads(DEVICE)[0].durable_next == durable
    assert store.backup_ms() == T0 + 1
    assert store.heads(OTHER) == []


def test_a_new_lineage_replaces_the_old_one(store):
    first = store.lineage()
    second = store.run(lambda each: each.new_lineage(T0))
    assert len(first) == len(second) == 16
    assert first != second == store.lineage()


def test_last_values_cursor_and_side_are_kept(store):
    last = LastValues(DEVICE, JOURNAL, 1, 2, T0, 3, 7, {1: "giấy", 2: [1, 2]}, T0)
    store.run(lambda each: each.put_last_values(last))
    assert store.last_values(DEVICE) == last
    assert store.last_values(OTHER) is None
    assert store.cursor("opener") == 0
    store.run(lambda each: each.put_cursor("opener", 9))
    assert store.cursor("opener") == 9
    side = SideRow(DEVICE, 1, JOURNAL, 4, b"x" * 32, b"r", "revoked", T0, attached=False)
    store.run(lambda each: each.add_side([side, side]))
    assert store.side() == store.side(DEVICE) == [side]
    assert (store.side_count(DEVICE), store.side_count(OTHER), store.side(OTHER)) == (1, 0, [])
    assert not store.side_attached(DEVICE, JOURNAL, 4, b"x" * 32)
    store.run(lambda each: each.add_side([replace(side, attached=True, reason="later")]))
    assert store.side() == [replace(side, attached=True)]
    assert store.side_attached(DEVICE, JOURNAL, 4, b"x" * 32)
    assert not store.side_attached(DEVICE, JOURNAL, 4, b"y" * 32)


def test_refusals_are_counted_by_reason_and_device_with_the_newest_example(store):
    for at, name, who in ((1, "one", DEVICE), (2, "two", DEVICE), (3, "three", None), (4, "four", None)):
        store.run(lambda each, at=at, name=name, who=who: each.count_refusal("signature", who, name, at))
    stranger, known = store.refusals()
    assert (known.device, known.count, known.first_ms, known.last_ms, known.example) == (DEVICE, 2, 1, 2, "two")
    assert (stranger.device, stranger.count, stranger.example) == (None, 2, "four")


# ---- desk ---------------------------------------------------------------------------------------------------------


def test_sets_are_found_by_hash_and_the_newest_version_of_a_name_is_told(store):
    old, new = SetPointer("bills/B1", 1, 3, b"1" * 32), SetPointer("bills/B1", 2, 4, b"2" * 32)
    for pointer, data in ((new, b"newr"), (old, b"old")):
        assert store.run(lambda each, pointer=pointer, data=data: each.add_set(pointer, data, T0))
    assert not store.run(lambda each: each.add_set(old, b"old", T0))
    assert store.newest_sets() == [new]
    assert (store.set_data(b"1" * 32), store.set_data(b"9" * 32)) == (b"old", None)
    with pytest.raises(Conflict, match="version 2 has other bytes"):
        store.run(lambda each: each.add_set(replace(new, sha256=b"3" * 32), b"x", T0))


def test_settings_are_replaced_and_the_change_is_logged(store):
    assert store.settings("fleet") == {}
    store.run(lambda each: each.put_settings("fleet", {"heartbeat_s": 60}, WHY))
    store.run(lambda each: each.put_settings("fleet", {"heartbeat_s": 60}, WHY))
    assert store.settings("fleet") == {"heartbeat_s": 60}
    assert [line.what for line in store.registry_log(subject="fleet")] == ['settings: {"heartbeat_s":60}']


def test_desired_only_moves_forward(store):
    first = DesiredRow(DEVICE, 3, b"content", b"signed", T0)
    store.run(lambda each: each.put_desired(first))
    store.run(lambda each: each.put_desired(replace(first, data=b"signed again", issued_ms=T0 + 1)))
    assert store.desired(DEVICE).data == b"signed again"
    for wrong in (replace(first, rev=2), replace(first, content=b"other")):
        with pytest.raises(Conflict, match="does not follow 3"):
            store.run(lambda each, wrong=wrong: each.put_desired(wrong))
    assert store.desired(OTHER) is None


def test_a_session_lasts_until_it_ends_or_its_user_is_disabled(store):
    lan = User("lan", b"salt+hash", "operations", T0)
    store.run(lambda each: each.put_user(lan))
    token = secrets.token_bytes(32)
    store.run(lambda each: each.add_session(Session(token, "lan", T0, T0 + 100)))
    assert store.session(token, T0 + 99).user == "lan"
    assert store.session(token, T0 + 100) is None
    assert store.session(b"x" * 32, T0) is None
    other = secrets.token_bytes(32)
    store.run(lambda each: each.add_session(Session(other, "lan", T0 + 200, T0 + 900)))
    assert store.session(token, T0) is None  # swept with what had run out
    store.run(lambda each: each.put_user(replace(lan, disabled=True)))
    assert store.session(other, T0 + 201) is None
    assert store.users() == [replace(lan, disabled=True)]
    store.run(lambda each: each.add_session(Session(b"l" * 32, "lan", T0 + 200, T0 + 900)))
    assert store.session(b"l" * 32, T0 + 201) is None
    store.run(lambda each: each.put_user(lan))
    assert store.session(other, T0 + 201) is None
    third = secrets.token_bytes(32)
    store.run(lambda each: each.add_session(Session(third, "lan", T0 + 200, T0 + 900)))
    store.run(lambda each: each.end_session(third))
    assert store.session(third, T0 + 201) is None
    assert (store.user("lan"), store.user("minh")) == (lan, None)


def test_the_audit_log_is_read_newest_first(store):
    store.run(lambda each: (each.audit(T0, "lan", "sign in"), each.audit(T0 + 1, "lan", "go live", "K0001", "ok")))
    assert [(line.action, line.subject, line.detail) for line in store.audit_log()] == [
        ("go live", "K0001", "ok"),
        ("sign in", "", ""),
    ]
    assert len(store.audit_log(1)) == 1


# ---- what the console reads ---------------------------------------------------------------------------------------


def test_a_station_is_seen_with_its_newest_device_and_backlog(store):
    put(store, [0, 1, 2])
    last = LastValues(DEVICE, JOURNAL, 1, 2, T0, 3, 7, {}, T0 + 9)
    store.run(lambda each: each.put_last_values(last))
    store.run(lambda each: each.put_station_state(StationState(DEVICE, version="0.1", peripherals={"printer/p": {}})))
    store.run(lambda each: each.put_station(replace(PLACE, id="K0002"), WHY))
    one, two = store.seen()
    assert (one.station.id, one.device, one.head.next, one.last.received_ms) == ("K0001", device(), 3, T0 + 9)
    assert (one.backlog, one.state.peripherals) == (5, {"printer/p": {}})
    assert two == Seen(replace(PLACE, id="K0002"), None, None, None, None)
    assert two.backlog is None
    assert store.seen("K0002") == [two]
    assert store.seen("K0009") == []
    store.run(lambda each: each.put_device(device(OTHER, 2), WHY))
    assert store.seen("K0001")[0].device.id == OTHER


def test_a_device_heard_of_before_its_first_record_has_its_whole_journal_as_backlog(store):
    store.run(lambda each: each.put_last_values(LastValues(DEVICE, JOURNAL, 1, 2, T0, 3, 7, {}, T0)))
    assert store.seen("K0001")[0].backlog == 8
