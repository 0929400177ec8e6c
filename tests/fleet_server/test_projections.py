"""Projections as pure folds: what one record makes of one row."""

from __future__ import annotations

import pytest

from device_profiles import records
from fleet_server.masking import masked
from fleet_server.projections import Opened, Unfit, dossiers, money, stations, transactions
from tests.fleet_server.station_bed import T0, payment_fields

DEVICE, TXN = b"d" * 16, b"t" * 16


def opened(kind: str, txn: bytes | None = None, seq: int = 0, **fields) -> Opened:
    return Opened(seq + 1, DEVICE, b"j" * 16, seq, txn, T0 + seq, 2, T0 + 99, kind, fields)


def test_every_kind_of_record_has_its_facts_and_none_of_them_is_a_name_or_a_bill():
    assert set(transactions.FACTS) == set(records.KINDS)
    for kind, facts in transactions.FACTS.items():
        assert set(facts) <= set(records.KINDS[kind])
        assert not set(facts) & {"owner", "unit", "payee_account", "payee_name", "reference", "bill", "job", "answers"}


def test_a_line_holds_the_facts_that_are_there():
    line = transactions.project(opened("visit.ended", outcome="fault", seconds=3, language="vi", service="B6"))
    assert line.facts == {"outcome": "fault", "seconds": 3, "language": "vi"}
    line = transactions.project(opened("payment.created", TXN, **payment_fields()))
    assert line.facts == {"service": "B6", "amount": 1_250_000, "code": "TAM-K0001-000042-2", "online": True}
    assert (line.txn, line.created_ms, line.quality, line.received_ms) == (TXN, T0, 2, T0 + 99)


def test_the_newest_word_of_a_peripheral_stands_with_its_time():
    row = None
    for seq, state in enumerate(("online", "hardwareError")):
        row = stations.project(row, opened("device.state", seq=seq, port="reader", name="pcsc", state=state))
    word = {"state": "hardwareError", "paper": None, "detail": "", "action": "", "identity": "", "flapping": False}
    assert row.peripherals == {"reader/pcsc": word | {"at_ms": T0 + 1}}


def test_a_record_names_who_acts_which_device_it_is_and_that_it_flaps():
    said = {"action": "clear", "identity": "04b8:0e15:X1", "flapping": True, "detail": "cover"}
    record = opened("device.state", port="printer", name="p", state="offline", paper="out", **said)
    row = stations.project(None, record)
    assert row.peripherals == {"printer/p": {"state": "offline", "paper": "out", "at_ms": T0, **said}}


def test_a_start_makes_every_device_unknown_until_it_speaks_again():
    row = stations.project(None, opened("device.state", port="reader", name="pcsc", state="online"))
    row = stations.project(row, opened("station.started", version="1", boot=2))
    assert row.peripherals == {}
    row = stations.project(row, opened("device.state", port="printer", name="p", state="online"))
    assert set(row.peripherals) == {"printer/p"}


def test_journals_are_counted_and_the_newest_reason_stands():
    row = stations.project(None, opened("journal.opened", reason="new"))
    row = stations.project(row, opened("journal.opened", reason="chain broken", last_next=40))
    assert (row.journals, row.journal_reason) == (2, "chain broken")


def test_every_kind_is_folded_by_somebody():
    lines_alone = {"technician.entry"}
    assert set(records.KINDS) == stations.KINDS | money.KINDS | dossiers.KINDS | lines_alone
    assert not stations.KINDS & (money.KINDS | dossiers.KINDS)


def test_a_payment_keeps_what_was_created_and_the_newest_word():
    row = money.project(None, opened("payment.created", TXN, **payment_fields()))
    assert (row.said, row.said_ms, row.amount, row.state) == ("CREATED", T0, 1_250_000, "")
    row = money.project(row, opened("payment.state", TXN, 3, state="EXCEPTION", reason="NO_CREDIT"))
    assert (row.said, row.said_reason, row.said_ms, row.created_ms) == ("EXCEPTION", "NO_CREDIT", T0 + 3, T0)
    row = money.project(row, opened("payment.state", TXN, 4, state="AWAITING_CONFIRMATION"))
    assert (row.said, row.said_reason) == ("AWAITING_CONFIRMATION", "")


@pytest.mark.parametrize(
    ("row", "record", "reason"),
    [
        (False, opened("payment.created", None, **payment_fields()), "no_txn"),
        (False, opened("payment.state", TXN, state="QR_SHOWN"), "no_payment"),
        (True, opened("payment.created", TXN, **payment_fields(amount=1)), "txn_conflict"),
        (True, opened("payment.created", TXN, **payment_fields(payee_account="999")), "txn_conflict"),
    ],
)
def test_a_payment_that_contradicts_is_unfit(row, record, reason):
    before = money.project(None, opened("payment.created", TXN, **payment_fields())) if row else None
    with pytest.raises(Unfit) as refused:
        money.project(before, record)
    assert refused.value.reason == reason


def test_the_same_creation_again_changes_nothing():
    row = money.project(None, opened("payment.created", TXN, **payment_fields()))
    row = money.project(row, opened("payment.state", TXN, state="QR_SHOWN"))
    assert money.project(row, opened("payment.created", TXN, 9, **payment_fields())) is row


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("NGUYEN *** AN", "NGUYEN *** AN"),
        ("NGUYEN ***", "NGUYEN ***"),
        ("N***", "N***"),
        ("***", "***"),
        ("Nguyễn *** An", "NGUYEN *** AN"),
        ("nguyen ** an", "NGUYEN *** AN"),
        ("Nguyễn Văn An", "NGUYEN *** AN"),
        ("Nguyễn Văn An ***", "NGUYEN *** AN"),
        ("Đỗ An", "DO ***"),
        ("An", "A***"),
        ("", "***"),
    ],
)
def test_a_name_enters_masked_whoever_forgot_it(name, shown):
    assert masked(name) == shown
    row = money.project(None, opened("payment.created", TXN, **payment_fields(owner=name)))
    assert row.owner == shown
    assert masked(shown) == shown
