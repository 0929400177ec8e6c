"""Dossiers at the fleet: what is kept of them, what an office may say, and what a station is told."""

from __future__ import annotations

import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from device_profiles.catalogue import Catalogue, Field, Group, Service, Words
from device_profiles.messages import SignedSet, answer_decode, answer_encode
from fleet_server import dossiers, forms, questions
from fleet_server.commands import pointer_of, sign_set
from fleet_server.opener import Opener, rebuild
from fleet_server.projections import Opened, Unfit
from fleet_server.projections import dossiers as projection
from fleet_server.store import Conflict, Dossier, DossierWord, Filed
from fleet_server.store_sqlite import SqliteReaders
from provisioning.keys import SigningKey
from tests.fleet_server.station_bed import (
    SEAL_KEY,
    SECRETS,
    T0,
    Sender,
    dossier_fields,
    open_fleet,
    payment_fields,
    register,
    send,
)

TXN, OTHER = bytes(range(16)), bytes(range(1, 17))
OFFICIAL = "H29.17-261122-0001"
HOUR_MS = 3_600_000
RIGHT = {form.form: form for form in forms.shipped().services}["data_wrong/1"]


@pytest.fixture
def fleet(tmp_path):
    store = open_fleet(tmp_path)
    yield store
    store.close()


@pytest.fixture
def sender(fleet):
    sender = Sender()
    register(fleet, sender)
    return sender


def opened(seq: int = 0, txn: bytes | None = TXN, kind: str = "dossier.created", quality: int = 2, **fields) -> Opened:
    return Opened(seq + 1, b"d" * 16, b"j" * 16, seq, txn, T0 + seq, quality, T0 + 99, kind, fields)


def created(seq: int = 0, txn: bytes | None = TXN, quality: int = 2, **changed) -> Opened:
    return opened(seq, txn, quality=quality, **dossier_fields(**changed))


def follow(fleet, sender) -> Opener:
    """Send what is new, and open it."""
    send(fleet, sender.batch(fleet.head(sender.device, sender.journal).next if fleet.heads(sender.device) else 0))
    follower = Opener(fleet, fleet, [SEAL_KEY])
    follower.drain()
    return follower


def quarantined(fleet) -> list[tuple[int, str]]:
    return [(row.seq, row.reason) for row in reversed(fleet.quarantined())]


def ask(fleet, sender, txn=TXN):
    """Through a connection that cannot write, and through the encoding the answer travels in."""
    readers = SqliteReaders(Path(fleet.one("PRAGMA database_list")[2]))
    device = fleet.device(sender.device)
    found = readers.read(lambda store: questions.answer(store, "dossier", {"txn": txn}, device, T0))
    readers.close()
    return answer_decode("dossier", answer_encode("dossier", found))


def say(fleet, sender, state, told, txn=TXN):
    dossier = fleet.dossier(sender.device, txn)
    return fleet.run(lambda store: store.add_dossier_word(dossiers.word(dossier, state, told, "huyen", T0)))


# ---- the fold ------------------------------------------------------------------------------------------------------


def test_a_dossier_keeps_how_it_came_and_nothing_that_was_answered():
    row = projection.project(None, created(3, deadline_ms=T0 + HOUR_MS, urgent=True), RIGHT)
    assert (row.service, row.form, row.code, row.ward) == ("C4", "data_wrong/1", "TAM-K0001-000043-3", "27097")
    assert (row.identity, row.urgent, row.deadline_ms, row.online) == ("chip_read", True, T0 + HOUR_MS, True)
    assert (row.position, row.created_ms, row.quality, row.received_ms) == (4, T0 + 3, 2, T0 + 99)
    assert (row.answers, row.sources, row.faults) == (6, {"chip": 2, "typed": 4}, 0)
    assert not [secret for secret in SECRETS if secret in repr(row)]


def test_what_the_station_showed_is_kept_with_its_time():
    row = projection.project(None, created(), RIGHT)
    row = projection.project(row, opened(5, kind="dossier.seen", state="ACCEPTED", official=OFFICIAL))
    assert (row.seen, row.seen_official, row.seen_ms) == ("ACCEPTED", OFFICIAL, T0 + 5)
    row = projection.project(row, opened(6, kind="dossier.seen", state="REJECTED"))
    assert (row.seen, row.seen_official, row.code) == ("REJECTED", "", "TAM-K0001-000043-3")


@pytest.mark.parametrize(
    ("answers", "count"),
    [
        ((), 5),
        (dossier_fields()["answers"][:5], 0),
        ((*dossier_fields()["answers"], ["phone", "+84912345678", "typed"]), 1),
        ((*dossier_fields()["answers"], ["pet", "mèo", "typed"]), 1),
        ((*dossier_fields()["answers"][1:], ["id_number", "07919501234", "typed"]), 1),
        ((["datum", "weather", "typed"], *(each for each in dossier_fields()["answers"] if each[0] != "datum")), 1),
    ],
)
def test_every_fault_is_counted_by_the_rules_of_the_form(answers, count):
    assert projection.project(None, created(answers=answers), RIGHT).faults == count


def test_a_form_that_nobody_knows_is_unchecked():
    assert projection.project(None, created()).faults is None


def test_days_are_judged_by_the_day_at_the_station_and_only_by_a_clock_that_is_trusted():
    """T0 is 18:06 in Vietnam; six hours later it is the next day there, and still the same one in UTC."""
    day = Field(id="day", kind="date", ask=Words("a", "a"), label=Words("b", "b"), least=-365)
    form = replace(RIGHT, fields=(day,))
    for hours, quality, faults in ((0, 2, 1), (6, 2, 0), (0, 1, 0)):
        record = created(quality=quality, answers=(["day", "2026-11-19", "typed"],))
        record = replace(record, created_ms=T0 + hours * HOUR_MS)
        assert projection.faults(form, record) == faults, (hours, quality)


@pytest.mark.parametrize(
    ("record", "first", "reason"),
    [
        (created(txn=None), None, "no_txn"),
        (opened(kind="dossier.seen", state="ACCEPTED"), None, "no_dossier"),
    ],
)
def test_a_dossier_without_its_beginning_is_unfit(record, first, reason):
    with pytest.raises(Unfit) as refused:
        projection.project(None, record, RIGHT, first)
    assert refused.value.reason == reason


def test_the_same_record_again_changes_nothing_and_another_one_is_refused():
    row = projection.project(None, created(), RIGHT)
    assert projection.project(row, created(7), RIGHT, dossier_fields()) is row
    for first in (dossier_fields(ward="26740"), None):
        with pytest.raises(Unfit) as refused:
            projection.project(row, created(7), RIGHT, first)
        assert refused.value.reason == "txn_conflict"


# ---- through the opener --------------------------------------------------------------------------------------------


def test_the_same_id_with_another_answer_is_quarantined_in_one_step_and_in_a_later_one(fleet, sender):
    """The answers are compared though none is kept: by the first record, opened again."""
    other = (*dossier_fields()["answers"][:5], ["phone", "+84987654321", "typed"])
    sender.write("dossier.created", dossier_fields(), TXN)
    sender.write("dossier.created", dossier_fields(answers=other), TXN)
    sender.write("dossier.created", dossier_fields(), TXN)
    follow(fleet, sender)
    assert quarantined(fleet) == [(2, "txn_conflict")]
    before = fleet.dossier(sender.device, TXN)
    sender.begin_visit()
    sender.write("dossier.created", dossier_fields(answers=other), TXN)
    sender.write("dossier.created", dossier_fields(), TXN)
    follow(fleet, sender)
    assert quarantined(fleet) == [(2, "txn_conflict"), (5, "txn_conflict")]
    assert fleet.dossier(sender.device, TXN) == before
    assert len(fleet.dossiers_waiting()) == 1


def test_an_id_stands_for_a_payment_or_a_dossier_never_both(fleet, sender):
    sender.write("payment.created", payment_fields(), TXN)
    sender.write("dossier.created", dossier_fields(), TXN)
    sender.write("dossier.created", dossier_fields(), OTHER)
    sender.write("payment.created", payment_fields(), OTHER)
    follow(fleet, sender)
    assert quarantined(fleet) == [(2, "txn_conflict"), (4, "txn_conflict")]
    assert (fleet.dossier(sender.device, TXN), fleet.payment(sender.device, OTHER)) == (None, None)


def test_no_answer_is_in_the_database_outside_of_sealed_records(fleet, sender, tmp_path):
    sender.write("dossier.created", dossier_fields(), TXN)
    follow(fleet, sender)
    say(fleet, sender, "NEEDS_MORE", "Mang theo giấy tờ gốc")
    fleet.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database = b"".join(path.read_bytes() for path in tmp_path.glob("fleet.db*"))
    assert b"data_wrong/1" in database
    assert not [secret for secret in SECRETS if secret.encode() in database]


def test_a_database_of_the_release_before_gets_what_dossiers_need_and_keeps_the_rest(fleet, sender, tmp_path):
    fleet.execute("DROP TABLE dossier_word")
    fleet.execute("DROP TABLE dossier")
    fleet.execute("DELETE FROM _sqlite_migrations WHERE name = 'dossiers'")
    sender.write("dossier.created", dossier_fields(), TXN)
    send(fleet, sender.batch())
    with closing(open_fleet(tmp_path)) as again:
        Opener(again, again, [SEAL_KEY]).drain()
        assert again.dossier(sender.device, TXN).code == "TAM-K0001-000043-3"
        assert say(again, sender, "NEEDS_MORE", "Mang theo thẻ")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            again.execute("DELETE FROM dossier_word")


def test_rebuilding_keeps_what_offices_said_and_gives_equal_rows(fleet, sender):
    sender.write("dossier.created", dossier_fields(), TXN)
    sender.write("dossier.seen", {"state": "NEEDS_MORE"}, TXN)
    follower = follow(fleet, sender)
    say(fleet, sender, "NEEDS_MORE", "Mang theo giấy tờ gốc")
    before = fleet.dossiers_decided()
    assert len(before) == 1
    rebuild(fleet, follower)
    assert fleet.dossiers_decided() == before


# ---- forms ---------------------------------------------------------------------------------------------------------


def publish(fleet, version: int, *services: Service, body: bytes | None = None) -> None:
    made = Catalogue(version=version, groups=(Group("data", Words("a", "a"), "data"),), services=services)
    content = SignedSet(
        name="catalogue", version=version, issued_ms=T0, not_after_ms=T0 + 1, body=body or made.encode()
    )
    signed = sign_set(SigningKey.generate(), content)
    fleet.run(lambda store: store.add_set(pointer_of("catalogue", version, signed), signed, T0))


def test_the_published_catalogue_of_the_version_judges_then_the_shipped_one(fleet):
    mine = forms.Forms()
    assert mine.form_of(fleet, 7, "C4", "data_wrong/1") == RIGHT
    published = replace(RIGHT, name=Words("Tên khác", "Another name"))
    publish(fleet, 7, published)
    assert mine.form_of(fleet, 7, "C4", "data_wrong/1") == published, "it was published later"
    assert mine.form_of(fleet, 8, "C4", "data_wrong/1") == RIGHT
    assert mine.form_of(fleet, 7, "A8", "data_wrong/1") is None
    assert mine.form_of(fleet, 7, "C4", "data_wrong/2") is None
    assert mine.form_of(fleet, 7, "A8", "stay_notice/1") is not None, "of the shipped one"


def test_a_catalogue_that_cannot_be_read_is_named_in_the_log_and_stops_nothing(fleet, caplog):
    publish(fleet, 9, body=b"\xa0")
    assert forms.Forms().form_of(fleet, 9, "C4", "data_wrong/1") == RIGHT
    assert "catalogue 9 cannot be read" in caplog.text


def test_few_catalogues_are_kept(fleet, monkeypatch):
    monkeypatch.setattr(forms, "CATALOGUES_KEPT_MAX", 1)
    mine = forms.Forms()
    for version in (7, 8):
        publish(fleet, version, replace(RIGHT, name=Words(f"{version}", f"{version}")))
    for version in (7, 8, 7):
        found = mine.form_of(fleet, version, "C4", "data_wrong/1")
        assert found is not None
        assert found.name.vi == str(version)


# ---- the office's word ---------------------------------------------------------------------------------------------

ROW = Dossier(
    *(b"d" * 16, TXN, 1, T0, 2, T0, "C4", "data_wrong/1", 1, "TAM-K0001-000043-3", "27097", "typed", False, None),
    *("vi", True, 6, {"typed": 6}, 0),
)


def word(state: dossiers.Decision, told: str, person: str = "huyen") -> DossierWord:
    return dossiers.word(ROW, state, told, person, T0)


def test_an_office_accepts_with_its_own_code_and_speaks_in_bounded_words():
    assert word("ACCEPTED", " h29.17-261122-0001 ").official == OFFICIAL
    assert word("ACCEPTED", OFFICIAL).words == ""
    decomposed = unicodedata.normalize("NFD", "Thiếu  giấy\ntờ")
    assert (word("NEEDS_MORE", decomposed).words, word("REJECTED", "Trùng hồ sơ").official) == ("Thiếu giấy tờ", "")
    assert word("REJECTED", "x" * 300).words == "x" * 300


@pytest.mark.parametrize(
    ("state", "told", "person", "says"),
    [
        ("ACCEPTED", "TAM-K0001-000043-3", "huyen", "station's own code"),
        ("ACCEPTED", "1.004222", "huyen", "code of a procedure"),
        ("ACCEPTED", "H29.17-261322-0001", "huyen", "no day that exists"),
        ("ACCEPTED", "xong", "huyen", "no dossier code"),
        ("ACCEPTED", "", "huyen", "no dossier code"),
        ("NEEDS_MORE", "   ", "huyen", "1 to 300 characters, these have 0"),
        ("REJECTED", "x" * 301, "huyen", "1 to 300 characters, these have 301"),
        ("NEEDS_MORE", "trả lại thẻ 4111 1111 1111 1111", "huyen", "bank card"),
        ("NEEDS_MORE", "a\u202eb", "huyen", "control character"),
        ("NEEDS_MORE", "Mang theo thẻ", " ", "--person"),
        ("NEEDS_MORE", "Mang theo thẻ", "x" * 61, "--person"),
    ],
)
def test_what_may_not_be_said_is_refused_with_the_remedy(state, told, person, says):
    with pytest.raises(dossiers.Refused) as refused:
        word(state, told, person)
    assert says in str(refused.value)
    assert "4111" not in str(refused.value)


def test_the_newest_word_holds_and_the_same_again_is_no_news(fleet, sender):
    sender.write("dossier.created", dossier_fields(), TXN)
    follow(fleet, sender)
    assert say(fleet, sender, "NEEDS_MORE", "Mang theo thẻ")
    assert not say(fleet, sender, "NEEDS_MORE", "Mang theo thẻ")
    assert say(fleet, sender, "ACCEPTED", OFFICIAL)
    assert say(fleet, sender, "NEEDS_MORE", "Mang theo thẻ")
    (filed,) = fleet.dossiers_decided()
    assert (filed.state, filed.word.words, filed.word.official) == ("NEEDS_MORE", "Mang theo thẻ", "")
    assert fleet.one("SELECT count(*) FROM dossier_word")[0] == 3


def test_an_official_code_is_one_dossiers_for_ever(fleet, sender):
    sender.write("dossier.created", dossier_fields(), TXN)
    sender.write("dossier.created", dossier_fields(code="TAM-K0001-000044-0"), OTHER)
    follow(fleet, sender)
    say(fleet, sender, "ACCEPTED", OFFICIAL)
    with pytest.raises(Conflict, match=r"H29\.17-261122-0001 is another dossier"):
        say(fleet, sender, "ACCEPTED", OFFICIAL, OTHER)
    say(fleet, sender, "NEEDS_MORE", "Mang theo thẻ")
    with pytest.raises(Conflict):
        say(fleet, sender, "ACCEPTED", OFFICIAL, OTHER)
    assert say(fleet, sender, "ACCEPTED", OFFICIAL)


@pytest.mark.parametrize("change", ["UPDATE dossier_word SET state = 'ACCEPTED'", "DELETE FROM dossier_word"])
def test_a_word_is_never_changed(fleet, sender, change):
    sender.write("dossier.created", dossier_fields(), TXN)
    follow(fleet, sender)
    say(fleet, sender, "NEEDS_MORE", "Mang theo thẻ")
    with pytest.raises(sqlite3.IntegrityError, match="dossier_word is append-only"):
        fleet.execute(change)


def test_a_station_is_told_what_is_proven_of_its_own_dossier(fleet, sender):
    other = Sender()
    register(fleet, other, station="K0002")
    assert ask(fleet, sender) == {"state": "UNKNOWN"}
    sender.write("dossier.created", dossier_fields(), TXN)
    send(fleet, sender.batch())
    assert ask(fleet, sender) == {"state": "UNKNOWN"}, "in the log, not opened"
    Opener(fleet, fleet, [SEAL_KEY]).drain()
    assert ask(fleet, sender) == {"state": "SENT"}
    say(fleet, sender, "NEEDS_MORE", "Mang theo thẻ")
    assert ask(fleet, sender) == {"state": "NEEDS_MORE", "words": "Mang theo thẻ"}
    say(fleet, sender, "REJECTED", "x" * dossiers.WORDS_MAX)
    assert ask(fleet, sender) == {"state": "REJECTED", "words": "x" * 300}
    say(fleet, sender, "ACCEPTED", OFFICIAL)
    assert ask(fleet, sender) == {"state": "ACCEPTED", "official": OFFICIAL}
    assert ask(fleet, other) == {"state": "UNKNOWN"}
    assert ask(fleet, sender, OTHER) == {"state": "UNKNOWN"}


# ---- deadlines and order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due_ms", "state", "stands"),
    [
        (None, "SENT", ""),
        (-1, "SENT", "overdue"),
        (0, "SENT", "at_risk"),
        (dossiers.SOON_MS, "SENT", "at_risk"),
        (dossiers.SOON_MS + 1, "SENT", "far"),
        (-1, "ACCEPTED", "was"),
    ],
)
def test_a_deadline_is_near_two_hours_before_and_over_once_it_passed(due_ms, state, stands):
    told = None if state == "SENT" else word("ACCEPTED", OFFICIAL)
    filed = Filed(replace(ROW, deadline_ms=None if due_ms is None else T0 + due_ms), told)
    assert dossiers.deadline(filed, T0) == stands


def test_an_hour_without_an_official_code_is_slow_until_an_office_speaks():
    assert not dossiers.is_slow(Filed(ROW, None), T0 + dossiers.SLOW_MS)
    assert dossiers.is_slow(Filed(ROW, None), T0 + dossiers.SLOW_MS + 1)
    assert not dossiers.is_slow(Filed(ROW, word("REJECTED", "Trùng")), T0 + 10 * dossiers.SLOW_MS)


def test_those_that_wait_stand_urgent_first_then_by_deadline_then_oldest_and_are_counted(fleet, sender):
    def put(store):
        for number, (urgent, due_ms, created_ms, faults) in enumerate(
            [
                (False, None, 5, 0),
                (False, None, 4, 2),
                (False, HOUR_MS, 9, 0),
                (False, -1, 9, None),
                (True, None, 9, 0),
                (False, None, 1, 1),
            ]
        ):
            store.put_dossier(
                replace(
                    ROW,
                    device=sender.device,
                    txn=bytes([number]) * 16,
                    urgent=urgent,
                    deadline_ms=None if due_ms is None else T0 + due_ms,
                    created_ms=T0 + created_ms,
                    faults=faults,
                )
            )

    fleet.run(put)
    say(fleet, sender, "ACCEPTED", OFFICIAL, bytes([5]) * 16)
    assert [each.dossier.txn[0] for each in fleet.dossiers_waiting()] == [4, 3, 2, 1, 0]
    assert [each.dossier.txn[0] for each in fleet.dossiers_waiting(2)] == [4, 3]
    assert [each.dossier.txn[0] for each in fleet.dossiers_decided(station="K0001")] == [5]
    assert fleet.dossiers_waiting(station="K0002") == fleet.dossiers_decided(station="K0002") == []
    accepted, sent = fleet.dossier_counts(T0, T0 + dossiers.SOON_MS)
    assert (accepted.state, accepted.dossiers, accepted.faulty) == ("ACCEPTED", 1, 1)
    assert (sent.state, sent.dossiers, sent.urgent, sent.faulty, sent.overdue, sent.at_risk) == ("SENT", 5, 1, 1, 1, 1)
    assert fleet.dossier_counts(T0, T0, "K0002") == []


def test_the_opener_folds_a_dossier_with_the_published_form(fleet, sender):
    stricter = tuple(replace(each, least=100) if each.id == "right" else each for each in RIGHT.fields)
    publish(fleet, 3, replace(RIGHT, fields=stricter))
    sender.write("dossier.created", dossier_fields(catalogue=3), TXN)
    sender.write("dossier.created", dossier_fields(catalogue=4, form="data_wrong/9"), OTHER)
    follow(fleet, sender)
    assert fleet.dossier(sender.device, TXN).faults == 1
    assert fleet.dossier(sender.device, OTHER).faults is None
