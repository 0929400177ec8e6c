"""The opener: opens with its own key, folds once, quarantines with a reason, and comes out equal when made again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles import records, wire
from device_profiles.cbor import encode
from fleet_server import money
from fleet_server import opener as opener_room
from fleet_server.opener import Opener, rebuild
from fleet_server.store import QuarantineRow
from provisioning.sealing import SUITE_BASE, SUITE_HYBRID, ContentKey, OpeningKey, SealTo, record_info
from tests.fleet_server.station_bed import (
    ACCOUNT,
    SEAL_KEY,
    T0,
    Sender,
    dossier_fields,
    open_fleet,
    payment_fields,
    register,
    send,
)

TXN = bytes(range(16))
TABLES = ("quarantine", "station_state", "timeline", "payment", "dossier")
FILED = bytes(range(1, 17))


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


def follow(fleet, *keys) -> Opener:
    return Opener(fleet, fleet, keys or (SEAL_KEY,))


def folded(fleet) -> dict[str, list[tuple]]:
    """Every row of every projection, as the database holds it."""
    return {table: fleet.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


def quarantined(fleet) -> list[tuple[int, str, str]]:
    return [(row.seq, row.kind, row.reason) for row in reversed(fleet.quarantined())]


def a_life(sender: Sender) -> None:
    """One of every kind of record, two visits."""
    sender.begin_visit()
    sender.write("journal.opened", {"reason": "new"}, order=0)
    sender.write("station.started", {"version": "0.1.0", "boot": 1}, order=0)
    sender.write("device.state", {"port": "printer", "name": "escpos_usb", "state": "online", "paper": "low"})
    sender.begin_visit()
    sender.write("payment.created", payment_fields(), TXN)
    sender.write("payment.state", {"state": "QR_SHOWN"}, TXN)
    sender.write("payment.state", {"state": "AWAITING_CONFIRMATION"}, TXN)
    sender.write("slip.result", {"job": TXN, "slip": "pending", "result": "unknown", "copy": 1}, TXN)
    sender.write("visit.ended", {"service": "B6", "outcome": "finished", "seconds": 80, "language": "vi"})
    sender.begin_visit()
    sender.write("desired.result", {"rev": 4, "result": "refused", "reason": "expired"})
    sender.write("set.result", {"name": "bills/B1", "version": 3, "result": "applied"})
    sender.write("visit.ended", {"outcome": "cancelled", "seconds": 5, "language": "en"})
    sender.begin_visit()
    sender.write("dossier.created", dossier_fields(), FILED)
    sender.write("dossier.seen", {"state": "NEEDS_MORE"}, FILED)
    sender.write("technician.entry", {"result": "refused"})


@pytest.mark.parametrize("suite", [SUITE_BASE, SUITE_HYBRID])
def test_every_kind_of_record_is_opened_and_folded(fleet, sender, suite):
    key = OpeningKey.generate(suite)
    sender.seal_to = SealTo(suite, key.public)
    a_life(sender)
    send(fleet, sender.batch())
    assert follow(fleet, key).drain() == len(sender.records)
    assert fleet.quarantined() == []
    state = fleet.station_state(sender.device)
    assert (state.version, state.boot, state.journals, state.journal_reason) == ("0.1.0", 1, 1, "new")
    assert state.peripherals["printer/escpos_usb"]["paper"] == "low"
    assert state.visits == {"finished": 1, "cancelled": 1}
    assert state.slips == {"unknown": 1}
    assert (state.desired_rev, state.desired_result, state.desired_reason) == (4, "refused", "expired")
    assert state.sets == {"bills/B1": {"version": 3, "result": "applied", "reason": ""}}
    payment = fleet.payment(sender.device, TXN)
    assert (payment.amount, payment.owner, payment.said, payment.state) == (
        1_250_000,
        "NGUYEN *** AN",
        "AWAITING_CONFIRMATION",
        "",
    )
    assert [line.kind for line in reversed(fleet.timeline("K0001"))][:3] == [
        "journal.opened",
        "station.started",
        "device.state",
    ]
    filed, transaction = fleet.transactions("K0001")
    assert [line.kind for line in filed.lines] == ["dossier.created", "dossier.seen"]
    assert filed.filed.dossier == fleet.dossier(sender.device, FILED)
    assert (filed.filed.dossier.faults, filed.filed.state, filed.payment) == (0, "SENT", None)
    assert [line.kind for line in transaction.lines] == [
        "payment.created",
        "payment.state",
        "payment.state",
        "slip.result",
    ]
    assert transaction.payment == payment
    assert (transaction.first_ms, transaction.last_ms) == (T0 + 5, T0 + 8)


def test_the_raw_log_stays_sealed_and_no_body_is_kept(fleet, sender):
    a_life(sender)
    send(fleet, sender.batch())
    follow(fleet).drain()
    assert [row.record for row in fleet.after(0, 100)] == sender.records
    everything = repr(folded(fleet))
    assert "1.0" in everything
    assert "bills_as_of_ms" not in everything
    assert "consent" not in everything


def test_a_step_moves_rows_and_cursor_together_and_a_repeated_one_changes_nothing(fleet, sender, monkeypatch):
    monkeypatch.setattr(opener_room, "STEP_MAX", 5)
    a_life(sender)
    send(fleet, sender.batch())
    opener = follow(fleet)
    assert opener.step() == 5
    assert fleet.cursor("opener") == 5
    before = folded(fleet)

    class Dying:
        def run(self, fn):
            def crash(store):
                fn(store)
                raise OSError("killed")

            return fleet.run(crash)

    with pytest.raises(OSError, match="killed"):
        Opener(Dying(), fleet, [SEAL_KEY]).step()
    assert folded(fleet) == before
    assert fleet.cursor("opener") == 5
    follow(fleet).drain()
    done = folded(fleet)
    fleet.run(lambda store: store.put_cursor("opener", 0))
    assert follow(fleet).drain() == len(sender.records)
    again = folded(fleet)
    for table in ("timeline", "payment", "dossier", "quarantine"):
        assert again[table] == done[table]
    assert follow(fleet).step() == 0


def test_two_openers_at_once_do_not_fold_a_record_twice(fleet, sender):
    a_life(sender)
    send(fleet, sender.batch())

    class Late:
        """Another opener comes through between this one's reading and its commit."""

        def run(self, fn):
            follow(fleet).drain()
            return fleet.run(fn)

    assert Opener(Late(), fleet, [SEAL_KEY]).step() == 0
    assert fleet.station_state(sender.device).visits == {"finished": 1, "cancelled": 1}


def test_projections_made_again_are_equal(fleet, sender):
    a_life(sender)
    sender.write("payment.created", payment_fields(reference="9954MJJA90", bill=b"bill0002"), bytes(16))
    sender.write_body(b"\x00 not a body")
    send(fleet, sender.batch())
    fleet.run(
        lambda store: money.post(
            store, money.credit("r1", 1_250_000, "SKHCM 4MJJA9954A", ACCOUNT, T0, T0, simulated=True)
        )
    )
    opener = follow(fleet)
    opener.drain()
    before = folded(fleet)
    assert [bool(rows) for rows in before.values()] == [True] * len(TABLES)
    assert rebuild(fleet, opener) == len(sender.records)
    assert folded(fleet) == before
    assert fleet.payment(sender.device, TXN).state == "CONFIRMED"


# ---- quarantine ---------------------------------------------------------------------------------------------------


def test_a_record_without_its_key_record_is_quarantined(fleet, sender):
    """The key record is of another journal, of a later number, or no key record at all."""
    other = Sender(sender.key)
    other.begin_visit()
    sender.visit = other.visit  # the number of a key record of another journal, and its key
    sender.write("visit.ended", {"outcome": "finished", "seconds": 1, "language": "vi"})
    sender.write("visit.ended", {"outcome": "finished", "seconds": 2, "language": "vi"})
    sender.write("visit.ended", {"outcome": "finished", "seconds": 3, "language": "vi"}, key=99)
    send(fleet, other.batch())
    send(fleet, sender.batch())
    follow(fleet).drain()
    assert quarantined(fleet) == [(0, "", "no_key_record"), (1, "", "no_key_record"), (2, "", "no_key_record")]
    assert fleet.timeline("K0001") == []


def test_a_key_record_that_comes_after_the_record_does_not_open_it(fleet, sender):
    content = ContentKey()
    header = sender.header(key=1)
    sender.append(header, content.seal(header, wire.pad(records.pack("station.started", {"version": "1", "boot": 1}))))
    wrapped = sender.header(key=SEAL_KEY.kid, suite=SUITE_BASE)
    sender.append(wrapped, sender.seal_to.seal(content.secret, record_info(wrapped)))
    send(fleet, sender.batch())
    follow(fleet).drain()
    assert quarantined(fleet) == [(0, "", "no_key_record")]


def test_what_is_sealed_to_an_unknown_key_is_quarantined_with_its_key_record(fleet, sender):
    sender.fill(2)
    send(fleet, sender.batch())
    follow(fleet, OpeningKey.generate(SUITE_BASE)).drain()
    assert quarantined(fleet) == [(0, "", "unknown_key"), (1, "", "unknown_key")]
    assert SEAL_KEY.kid.hex() in fleet.quarantined()[0].detail
    rebuild(fleet, follow(fleet))  # the key was found again
    assert quarantined(fleet) == []
    assert len(fleet.timeline("K0001")) == 1


def test_a_seal_that_does_not_fit_its_header_is_quarantined(fleet, sender):
    sender.begin_visit()
    _, content = sender.visit
    other = sender.header(boot=77)
    sender.append(sender.header(), content.seal(other, wire.pad(b"x")))
    header = sender.header(key=SEAL_KEY.kid, suite=SUITE_BASE)
    sender.append(header, sender.seal_to.seal(ContentKey().secret, record_info(other)))
    short = sender.header(key=SEAL_KEY.kid, suite=SUITE_BASE)
    sender.append(short, sender.seal_to.seal(b"short", record_info(short)))
    wrong_suite = sender.header(key=SEAL_KEY.kid, suite=SUITE_HYBRID)
    sender.append(wrong_suite, sender.seal_to.seal(ContentKey().secret, record_info(wrong_suite)))
    send(fleet, sender.batch())
    follow(fleet).drain()
    assert quarantined(fleet) == [(1, "", "seal"), (2, "", "seal"), (3, "", "content_key"), (4, "", "suite")]


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"\xff\xff", "", "type"),
        (encode({0: "visit.ended", 1: 1}), "", "record"),
        (encode({0: "visit.ended", 1: 1, 2: {1: "B6"}}), "visit.ended", "contract"),
        (encode({0: "visit.danced", 1: 1, 2: {}}), "visit.danced", "contract"),
        (
            encode({0: "visit.ended", 1: 1, 2: {2: "finished", 3: 1, 4: "vi", 1: "4111 1111 1111 1111"}}),
            "visit.ended",
            "contract",
        ),
    ],
)
def test_a_body_that_does_not_keep_the_contract_is_quarantined_and_the_next_one_is_folded(
    fleet, sender, body, kind, reason
):
    sender.write_body(body)
    sender.write("visit.ended", {"outcome": "finished", "seconds": 1, "language": "vi"})
    send(fleet, sender.batch())
    follow(fleet).drain()
    (row,) = fleet.quarantined()
    assert (row.seq, row.kind, row.reason, row.position, row.received_ms) == (1, kind, reason, 2, T0 + 10_000)
    assert "4111" not in repr(row)
    assert fleet.station_state(sender.device).visits == {"finished": 1}


def test_padding_that_is_not_as_agreed_is_quarantined(fleet, sender):
    sender.begin_visit()
    header = sender.header()
    sender.append(header, sender.visit[1].seal(header, b"not padded"))
    send(fleet, sender.batch())
    follow(fleet).drain()
    assert quarantined(fleet) == [(1, "", "padding")]


def test_payment_records_that_contradict_each_other_are_quarantined(fleet, sender):
    sender.write("payment.state", {"state": "QR_SHOWN"}, TXN)
    sender.write("payment.created", payment_fields())
    sender.write("payment.created", payment_fields(), TXN)
    sender.write("payment.created", payment_fields(amount=9), TXN)
    sender.write("payment.created", payment_fields(), TXN)
    send(fleet, sender.batch())
    follow(fleet).drain()
    assert quarantined(fleet) == [
        (1, "payment.state", "no_payment"),
        (2, "payment.created", "no_txn"),
        (4, "payment.created", "txn_conflict"),
    ]
    assert fleet.payment(sender.device, TXN).amount == 1_250_000


def test_a_transaction_id_belongs_to_its_device(fleet, sender):
    twin = Sender()
    register(fleet, twin, station="K0002")
    sender.write("payment.created", payment_fields(), TXN)
    twin.write("payment.created", payment_fields(amount=7, bill=b"another1", reference="0000000000"), TXN)
    send(fleet, sender.batch())
    send(fleet, twin.batch())
    follow(fleet).drain()
    assert [each.payment.amount for each in fleet.transactions("K0001")] == [1_250_000]
    assert [each.payment.amount for each in fleet.transactions("K0002")] == [7]
    assert fleet.quarantined() == []


def test_content_keys_are_found_again_after_a_restart_and_when_too_many_are_kept(fleet, sender, monkeypatch):
    monkeypatch.setattr(opener_room, "KEYS_KEPT_MAX", 1)
    sender.begin_visit()
    first = sender.visit
    sender.fill(2)
    sender.begin_visit()
    sender.fill(4)
    sender.visit = first
    sender.fill(6)
    send(fleet, sender.batch())
    follow(fleet).step()
    assert quarantined(fleet) == []
    sender.fill(7)
    send(fleet, sender.batch(6))
    follow(fleet).drain()  # a new process
    assert quarantined(fleet) == []
    assert len(fleet.timeline("K0001")) == 5


def test_a_quarantined_row_is_kept_once(fleet):
    row = QuarantineRow(1, b"d" * 16, b"j" * 16, 0, "", "seal", "", T0)
    fleet.run(lambda store: (store.quarantine(row), store.quarantine(replace(row, reason="other"))))
    assert fleet.quarantined() == [row]
