"""What the ledger keeps of dossiers: the newest one of a visit, and what the fleet has said of it."""

from __future__ import annotations

from edge_agent.machines.ledger import Filed, Ledger

FIRST = Filed(b"1" * 16, "TAM-K0001-000042-2", 1_795_000_000_000, sent=False)
SECOND = Filed(b"2" * 16, "TAM-K0001-000043-0", 1_795_000_060_000, sent=False)


def test_an_ack_for_an_earlier_dossier_says_nothing_of_the_newest():
    ledger = Ledger()
    ledger.file(FIRST)
    ledger.file(SECOND)
    assert ledger.sent(FIRST.txn) == {}
    assert ledger.filed == SECOND
    assert ledger.sent(SECOND.txn) == {"visit.filed": [*SECOND[:3], True]}


def test_what_is_known_to_be_sent_is_not_written_again():
    ledger = Ledger()
    ledger.file(FIRST)
    assert ledger.sent(FIRST.txn)
    assert ledger.sent(FIRST.txn) == {}


def test_nothing_is_sent_where_nothing_was_filed():
    assert Ledger().sent(FIRST.txn) == {}


def test_a_refused_record_takes_back_its_own_dossier_and_no_other():
    ledger = Ledger()
    ledger.file(FIRST)
    ledger.unfile(SECOND.txn)
    assert ledger.filed == FIRST
    ledger.unfile(FIRST.txn)
    assert ledger.filed is None
    assert ledger.counter_next == 1, "its code stays used up"
