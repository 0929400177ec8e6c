"""The sealer: one key a visit, in memory only, and the fleet can open what it wrapped."""

from __future__ import annotations

import pytest

from device_profiles import records
from device_profiles.wire import record_decode, unpad
from edge_agent.journal import Journal, JournalFault, Stamp
from edge_agent.sealer import Sealer
from provisioning.sealing import ContentKey, SealRefused, record_info
from tests.small_fleet import NOW_MS, make_fleet

STAMP = Stamp(NOW_MS, 2, 1, 5)
FIELDS = {"version": "0.1", "boot": 1}


@pytest.fixture
def journal(tmp_path, fleet):
    found = Journal.open(tmp_path / "journal.db", fleet.device, 1)
    yield found
    found.close()


def opened(journal: Journal, fleet) -> list[tuple[int, str]]:
    """What the fleet's opener sees: (seq of the key record, kind) of every record that is not a key record."""
    keys, found = {}, []
    for data in journal.after(0, 1000, 1 << 24):
        header, raw, sealed = record_decode(data)
        if header.suite:
            keys[header.seq] = ContentKey(fleet.opening.open(sealed, record_info(raw)))
        else:
            kind, _ = records.unpack(unpad(keys[header.key].open(raw, sealed)))
            found.append((header.key, kind))
    return found


def test_the_fleet_opens_what_the_station_sealed(journal, fleet):
    sealer = Sealer(journal, fleet.trust)
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    assert opened(journal, fleet) == [(0, "station.started")]


def test_each_visit_has_its_own_key_and_the_process_key_serves_between_them(journal, fleet):
    sealer = Sealer(journal, fleet.trust)
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    for _ in range(2):
        sealer.prepare(STAMP, NOW_MS)
        sealer.begin(STAMP, NOW_MS)
        sealer.append("station.started", FIELDS, STAMP, NOW_MS)
        sealer.wipe()
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    assert [key for key, _ in opened(journal, fleet)] == [0, 2, 4, 0]


def test_a_prepared_key_is_used_by_the_next_visit_alone(journal, fleet):
    sealer = Sealer(journal, fleet.trust)
    assert sealer.prepare(STAMP, NOW_MS)
    assert not sealer.prepare(STAMP, NOW_MS)
    before = journal.next
    sealer.begin(STAMP, NOW_MS)
    assert journal.next == before  # nothing a resident waits for
    assert not sealer.prepare(STAMP, NOW_MS)
    sealer.wipe()
    assert sealer.prepare(STAMP, NOW_MS)


def test_after_the_wipe_no_key_of_the_visit_is_left_in_the_sealer(journal, fleet):
    sealer = Sealer(journal, fleet.trust)
    sealer.begin(STAMP, NOW_MS)
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    sealer.wipe()
    assert sealer._visit is None
    assert sealer._ready is None


def test_an_edited_header_does_not_open(journal, fleet):
    sealer = Sealer(journal, fleet.trust)
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    key_record, record = journal.after(0, 2, 1 << 20)
    _, raw_key, wrapped = record_decode(key_record)
    key = ContentKey(fleet.opening.open(wrapped, record_info(raw_key)))
    _, raw, sealed = record_decode(record)
    with pytest.raises(SealRefused):
        key.open(raw[:-1] + bytes([raw[-1] ^ 1]), sealed)
    with pytest.raises(SealRefused):
        fleet.opening.open(wrapped, record_info(raw_key[:-1] + bytes([raw_key[-1] ^ 1])))


def test_a_sealing_key_past_its_date_is_used_and_said(tmp_path):
    fleet = make_fleet(sealing_to_ms=NOW_MS - 1)
    journal = Journal.open(tmp_path / "journal.db", fleet.device, 1)
    sealer = Sealer(journal, fleet.trust)
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    assert sealer.expired
    assert opened(journal, fleet) == [(0, "station.started")]
    journal.close()


def test_what_the_contract_refuses_is_never_sealed(journal, fleet):
    sealer = Sealer(journal, fleet.trust)
    with pytest.raises(records.RecordError):
        sealer.append("station.started", {"version": "4111 1111 1111 1111", "boot": 1}, STAMP, NOW_MS)
    assert journal.next == 0


def test_a_failed_append_leaves_no_half_drawn_key(journal, fleet):
    sealer = Sealer(journal, fleet.trust)
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        for _ in range(200):
            sealer.append("station.started", FIELDS, STAMP, NOW_MS)

    with pytest.raises(JournalFault):
        fill()
    journal._db.execute("PRAGMA max_page_count = 1000000")
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    assert all(kind == "station.started" for _, kind in opened(journal, fleet))


def test_a_key_that_has_sealed_enough_is_followed_by_a_new_one_within_the_same_visit(journal, fleet, monkeypatch):
    monkeypatch.setattr("edge_agent.sealer.RECORDS_PER_KEY_MAX", 3)
    sealer = Sealer(journal, fleet.trust)
    sealer.prepare(STAMP, NOW_MS)
    sealer.begin(STAMP, NOW_MS)
    for _ in range(4):
        sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    assert [key for key, _ in opened(journal, fleet)] == [0, 0, 3, 3]
    sealer.wipe()
    sealer.append("station.started", FIELDS, STAMP, NOW_MS)
    assert opened(journal, fleet)[-1][0] == 6, "nothing is sealed any more with a key of that visit"
