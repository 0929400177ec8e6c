"""Questions: what a station is told about a payment and a bill, and that asking changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device_profiles.cbor import WireError
from device_profiles.messages import ANSWERS, QUESTIONS, answer_decode, answer_encode
from fleet_server import money, questions
from fleet_server.opener import Opener
from fleet_server.store_sqlite import SqliteReaders
from tests.fleet_server.station_bed import (
    ACCOUNT,
    SEAL_KEY,
    T0,
    Sender,
    open_fleet,
    payment_fields,
    register,
    send,
)

TXN = bytes(range(16))
REFERENCE = payment_fields()["reference"]


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


def ask(fleet, sender, kind, now_ms=T0 + 1000, **fields):
    """Through a connection that cannot write, and through the encoding the answer travels in."""
    readers = SqliteReaders(Path(fleet.one("PRAGMA database_list")[2]))
    device = fleet.device(sender.device)
    found = readers.read(lambda store: questions.answer(store, kind, fields, device, now_ms))
    readers.close()
    return answer_decode(kind, answer_encode(kind, found))


def pay(fleet, sender, txn=TXN, **changed):
    sender.write("payment.created", payment_fields(**changed), txn)
    sender.write("payment.state", {"state": "QR_SHOWN"}, txn)
    send(fleet, sender.batch(fleet.head(sender.device, sender.journal).next if fleet.heads(sender.device) else 0))
    Opener(fleet, fleet, [SEAL_KEY]).drain()


def test_a_payment_the_fleet_has_not_heard_of_is_unknown(fleet, sender):
    assert ask(fleet, sender, "payment_state", txn=TXN) == {"state": "UNKNOWN"}


def test_a_payment_is_told_as_the_bank_has_it(fleet, sender):
    pay(fleet, sender)
    assert ask(fleet, sender, "payment_state", txn=TXN) == {"state": "QR_SHOWN"}
    late = T0 + money.NO_CREDIT_AFTER_MS + 60_000
    assert ask(fleet, sender, "payment_state", late, txn=TXN) == {"state": "EXCEPTION", "reason": "NO_CREDIT"}
    new = money.credit("r1", 1_250_000, f"SKHCM {REFERENCE}", ACCOUNT, T0 + 5000, T0 + 5000, simulated=True)
    fleet.run(lambda store: money.post(store, new))
    assert ask(fleet, sender, "payment_state", late, txn=TXN) == {"state": "CONFIRMED"}


def test_a_station_is_told_its_own_payments_only(fleet, sender):
    other = Sender()
    register(fleet, other, station="K0002")
    pay(fleet, sender)
    assert ask(fleet, other, "payment_state", txn=TXN) == {"state": "UNKNOWN"}


def test_a_bill_is_pending_fleet_wide_while_another_station_of_the_building_takes_it(fleet, sender):
    other = Sender()
    register(fleet, other, station="K0002")
    assert ask(fleet, other, "bill", bill=b"bill0001") == {"status": "open"}
    pay(fleet, sender)
    assert ask(fleet, other, "bill", bill=b"bill0001") == {"status": "pending"}
    assert ask(fleet, other, "bill", bill=b"bill0002") == {"status": "open"}
    new = money.credit("r1", 1_250_000, f"SKHCM {REFERENCE}", ACCOUNT, T0 + 5000, T0 + 5000, simulated=True)
    fleet.run(lambda store: money.post(store, new))
    assert ask(fleet, other, "bill", bill=b"bill0001") == {"status": "paid"}


def test_a_bill_of_another_building_is_not_told(fleet, sender):
    pay(fleet, sender, building="B2")
    assert ask(fleet, sender, "bill", bill=b"bill0001") == {"status": "open"}


def test_every_kind_with_an_answer_is_answered_and_no_other(fleet, sender):
    assert set(ANSWERS) == {"payment_state", "bill", "dossier", "code"}
    for kind in {*QUESTIONS, "weather"} - set(ANSWERS):
        with pytest.raises(WireError) as refused:
            questions.answer(fleet, kind, {}, fleet.device(sender.device), T0)
        assert refused.value.reason == "question"


def test_a_device_whose_station_is_gone_from_the_registry_is_told_of_no_bill(fleet, sender):
    pay(fleet, sender)
    stray = replace(fleet.device(sender.device), station="K0404")
    assert questions.answer(fleet, "bill", {"bill": b"bill0001"}, stray, T0) == {"status": "open"}
