"""Questions by the code on a slip: what any station is told, that it names nobody, and how often it may ask."""

from __future__ import annotations

import re
import secrets
from contextlib import closing
from pathlib import Path

import pytest

from device_profiles.cbor import WireError
from device_profiles.formats.codes import provisional_code
from device_profiles.messages import Question, answer_decode, answer_encode
from fleet_server import dossiers, fleet_keys, money, questions
from fleet_server.api import Face, answer_question
from fleet_server.enrol import Issuer
from fleet_server.guesses import CODES_MAX, WINDOW_MS, Guesses
from fleet_server.opener import Opener, rebuild
from fleet_server.store_sqlite import SqliteReaders
from provisioning.keys import sign_message
from provisioning.sealing import SUITE_BASE, OpeningKey
from tests.fleet_server.station_bed import (
    ACCOUNT,
    SEAL_KEY,
    SECRETS,
    T0,
    Sender,
    dossier_fields,
    open_fleet,
    payment_fields,
    register,
    send,
    set_status,
)

PAYMENT, DOSSIER = payment_fields()["code"], dossier_fields()["code"]
TXN, OTHER = bytes(range(16)), bytes(range(1, 17))
OFFICIAL = "H29.17-261122-0001"
NOTHING = {"state": "UNKNOWN", "matter": "none"}
LATE_MS = T0 + money.NO_CREDIT_AFTER_MS + 60_000


@pytest.fixture
def fleet(tmp_path):
    with closing(open_fleet(tmp_path)) as store:
        yield store


@pytest.fixture
def sender(fleet):
    sender = Sender()
    register(fleet, sender)
    return sender


@pytest.fixture
def elsewhere(fleet):
    """A station of another place, which has sent nothing."""
    other = Sender()
    register(fleet, other, station="K0002")
    return other


def follow(fleet, sender) -> Opener:
    send(fleet, sender.batch(fleet.head(sender.device, sender.journal).next if fleet.heads(sender.device) else 0))
    follower = Opener(fleet, fleet, [SEAL_KEY])
    follower.drain()
    return follower


def ask(fleet, sender, code, now_ms=T0 + 1000):
    """Through a connection that cannot write, and through the encoding the answer travels in."""
    readers = SqliteReaders(Path(fleet.one("PRAGMA database_list")[2]))
    device = fleet.device(sender.device)
    with closing(readers):
        found = readers.read(lambda store: questions.answer(store, "code", {"code": code}, device, now_ms))
    return answer_decode("code", answer_encode("code", found))


def credit(fleet, amount=1_250_000):
    memo = f"SKHCM {payment_fields()['reference']}"
    new = money.credit("r1", amount, memo, ACCOUNT, T0 + 5000, T0 + 5000, simulated=True)
    fleet.run(lambda store: money.post(store, new))


def say(fleet, sender, state, told):
    dossier = fleet.dossier(sender.device, TXN)
    fleet.run(lambda store: store.add_dossier_word(dossiers.word(dossier, state, told, "huyen", T0)))


# ---- what is told --------------------------------------------------------------------------------------------------


def test_any_station_is_told_how_a_payment_stands_as_the_bank_has_it(fleet, sender, elsewhere):
    sender.write("payment.created", payment_fields(), TXN)
    sender.write("payment.state", {"state": "AWAITING_CONFIRMATION"}, TXN)
    follow(fleet, sender)
    made = {"matter": "payment", "created_ms": T0 + 1}
    for station in (sender, elsewhere):
        assert ask(fleet, station, PAYMENT) == made | {"state": "AWAITING_CONFIRMATION"}
        assert ask(fleet, station, PAYMENT, LATE_MS) == made | {"state": "EXCEPTION", "reason": "NO_CREDIT"}
    credit(fleet)
    for station in (sender, elsewhere):
        assert ask(fleet, station, PAYMENT, LATE_MS) == made | {"state": "CONFIRMED"}


def test_money_that_does_not_fit_is_an_exception_with_its_reason_and_no_amount(fleet, sender):
    sender.write("payment.created", payment_fields(), TXN)
    follow(fleet, sender)
    credit(fleet, 1_000)
    told = ask(fleet, sender, PAYMENT)
    assert (told["state"], told["reason"]) == ("EXCEPTION", "AMOUNT_MISMATCH")
    assert told.keys() == {"state", "reason", "matter", "created_ms"}


def test_any_station_is_told_how_a_dossier_stands_and_no_word_of_the_office(fleet, sender, elsewhere):
    sender.write("dossier.created", dossier_fields(), TXN)
    follow(fleet, sender)
    made = {"matter": "dossier", "created_ms": T0 + 1}
    for station in (sender, elsewhere):
        assert ask(fleet, station, DOSSIER) == made | {"state": "SENT"}
    for state in ("NEEDS_MORE", "REJECTED"):
        say(fleet, sender, state, f"Ông {SECRETS[1]} mang theo thẻ")
        assert ask(fleet, elsewhere, DOSSIER) == made | {"state": state}
    say(fleet, sender, "ACCEPTED", OFFICIAL)
    for station in (sender, elsewhere):
        assert ask(fleet, station, DOSSIER, LATE_MS) == made | {"state": "ACCEPTED"}


def test_a_time_by_a_clock_that_was_not_trusted_is_not_told(fleet, sender):
    sender.write("dossier.created", dossier_fields(), TXN, quality=1)
    sender.write("payment.created", payment_fields(), OTHER, quality=1)
    follow(fleet, sender)
    assert ask(fleet, sender, DOSSIER) == {"state": "SENT", "matter": "dossier"}
    assert ask(fleet, sender, PAYMENT) == {"state": "CREATED", "matter": "payment"}


def test_a_code_is_read_as_people_type_it(fleet, sender):
    sender.write("dossier.created", dossier_fields(), TXN)
    sender.write("payment.created", payment_fields(), OTHER)
    follow(fleet, sender)
    assert ask(fleet, sender, f" {DOSSIER.lower()}")["matter"] == "dossier"
    assert ask(fleet, sender, f"{PAYMENT.lower()} ")["matter"] == "payment"


def test_a_code_of_nothing_is_unknown_and_so_is_one_whose_record_is_not_opened(fleet, sender):
    sender.write("payment.created", payment_fields(), TXN)
    send(fleet, sender.batch())
    assert ask(fleet, sender, PAYMENT) == NOTHING
    Opener(fleet, fleet, [SEAL_KEY]).drain()
    assert ask(fleet, sender, PAYMENT)["matter"] == "payment"
    assert ask(fleet, sender, provisional_code("K0001", 44)) == NOTHING


@pytest.mark.parametrize(
    "records",
    [
        [("payment.created", payment_fields()), ("payment.created", payment_fields(reference="7K3M9QX2TC"))],
        [("dossier.created", dossier_fields(code=PAYMENT)), ("dossier.created", dossier_fields(code=PAYMENT))],
        [("payment.created", payment_fields()), ("dossier.created", dossier_fields(code=PAYMENT))],
    ],
    ids=["two payments", "two dossiers", "one of each"],
)
def test_a_code_that_stands_for_two_matters_tells_of_neither(fleet, sender, records):
    for txn, (kind, fields) in zip((TXN, OTHER), records, strict=True):
        sender.write(kind, fields, txn)
    follow(fleet, sender)
    kept = fleet.payments_of_code(PAYMENT), fleet.filed_under(PAYMENT)
    assert sum(map(len, kept)) == 2
    assert ask(fleet, sender, PAYMENT) == NOTHING


@pytest.mark.parametrize("code", ["TAM-K0001-000042-3", "TAM-K0001-000042", OFFICIAL, "1.004222", "' OR 1=1", "%"])
def test_what_is_no_code_of_a_slip_is_refused_and_not_repeated(fleet, sender, code):
    with pytest.raises(WireError) as refused:
        ask(fleet, sender, code)
    assert refused.value.reason == "question"
    assert code not in str(refused.value)


def test_a_rebuild_tells_the_same(fleet, sender):
    sender.write("payment.created", payment_fields(), TXN)
    sender.write("dossier.created", dossier_fields(), OTHER)
    follower = follow(fleet, sender)
    credit(fleet)
    before = [ask(fleet, sender, code) for code in (PAYMENT, DOSSIER)]
    assert [each["state"] for each in before] == ["CONFIRMED", "SENT"]
    rebuild(fleet, follower)
    assert [ask(fleet, sender, code) for code in (PAYMENT, DOSSIER)] == before


@pytest.mark.parametrize(("table", "index"), [("payment", "payment_code"), ("dossier", "dossier_code")])
def test_a_code_is_found_without_reading_every_row(fleet, table, index):
    plan = fleet.all(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE code = ? ORDER BY device, txn", PAYMENT)
    assert re.search(rf"SEARCH {table} USING INDEX {index}\b", str(plan)), plan


def test_a_database_of_the_release_before_gets_the_index_and_keeps_its_payments(fleet, sender, tmp_path):
    fleet.execute("DROP INDEX payment_code")
    fleet.execute("DELETE FROM _sqlite_migrations WHERE name = 'codes'")
    sender.write("payment.created", payment_fields(), TXN)
    follow(fleet, sender)
    with closing(open_fleet(tmp_path)) as again:
        assert again.one("SELECT count(*) FROM sqlite_master WHERE name = 'payment_code'")[0] == 1
        assert ask(again, sender, PAYMENT)["matter"] == "payment"


# ---- how often -----------------------------------------------------------------------------------------------------


def code_of(counter: int) -> str:
    return provisional_code("K0001", counter)


def is_admitted(guesses: Guesses, device: bytes, code: str, now_ms: int) -> bool:
    try:
        guesses.admit(device, code, now_ms)
    except WireError:
        return False
    return True


def test_a_device_asks_for_so_many_different_codes_a_minute_and_no_more():
    guesses = Guesses()
    assert all(is_admitted(guesses, b"a", code_of(number), T0 + number) for number in range(CODES_MAX))
    with pytest.raises(WireError) as refused:
        guesses.admit(b"a", code_of(99), T0 + 100)
    assert refused.value.reason == "question"
    assert code_of(99) not in str(refused.value)
    assert is_admitted(guesses, b"a", code_of(3), T0 + 100), "asked before: no guess"
    assert is_admitted(guesses, b"b", code_of(99), T0 + 100), "another device"
    assert not is_admitted(guesses, b"a", code_of(99), T0 + WINDOW_MS - 1)
    assert is_admitted(guesses, b"a", code_of(99), T0 + WINDOW_MS), "the first is a minute old"
    assert not is_admitted(guesses, b"a", code_of(98), T0 + WINDOW_MS)


def test_a_refused_guess_does_not_make_the_wait_longer():
    guesses = Guesses()
    for number in range(CODES_MAX):
        guesses.admit(b"a", code_of(number), T0)
    for second in range(60):
        assert not is_admitted(guesses, b"a", code_of(1000 + second), T0 + second * 1000)
    assert is_admitted(guesses, b"a", code_of(2000), T0 + WINDOW_MS)


@pytest.mark.parametrize(("moved_ms", "admitted"), [(-1, False), (-WINDOW_MS, True), (-86_400_000, True)])
def test_a_clock_that_is_set_back_locks_no_station_out(moved_ms, admitted):
    guesses = Guesses()
    for number in range(CODES_MAX):
        guesses.admit(b"a", code_of(number), T0)
    assert is_admitted(guesses, b"a", code_of(99), T0 + moved_ms) == admitted


def test_the_face_limits_codes_alone_and_each_device_by_itself(fleet, sender, elsewhere, tmp_path):
    fleet_keys.init(tmp_path / "keys", T0)
    server = tmp_path / "keys" / "server"
    issuer = Issuer(fleet_keys.load_authority(server), fleet_keys.load(server), "127.0.0.1", 8883, "https://127.0.0.1")
    face = Face(fleet, fleet, issuer, lambda: T0, lambda: None)

    def put(station, kind, field):
        question = Question(
            device=station.device,
            question=secrets.token_bytes(16),
            kind=kind,
            fields={1: field},
            time_ms=T0,
            reply_key=OpeningKey.generate(SUITE_BASE).public,
        )
        answer_question(face, sign_message(station.key, "kiosk/question/1", question.encode()))

    for number in range(CODES_MAX):
        put(sender, "code", code_of(number))
    with pytest.raises(WireError, match="different codes") as refused:
        put(sender, "code", code_of(99))
    assert refused.value.reason == "question"
    put(sender, "code", code_of(0))
    put(sender, "bill", b"bill0001")
    put(elsewhere, "code", code_of(99))


def test_a_device_that_is_out_may_guess_nothing(fleet, sender, elsewhere):
    """It is refused before it is counted: nobody fills another's minute."""
    set_status(fleet, sender, "REVOKED")
    face = Face(fleet, fleet, None, lambda: T0, lambda: None)
    for key in (sender.key, elsewhere.key):
        question = Question(
            device=sender.device,
            question=bytes(16),
            kind="code",
            fields={1: code_of(1)},
            time_ms=T0,
            reply_key=bytes(range(32)),
        )
        with pytest.raises(WireError) as refused:
            answer_question(face, sign_message(key, "kiosk/question/1", question.encode()))
        assert refused.value.reason in ("status", "device")
    assert all(is_admitted(face.guesses, sender.device, code_of(number), T0) for number in range(2, 2 + CODES_MAX))
