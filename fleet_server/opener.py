"""The opener: follows the log with its own key and cursor, opens records, checks and folds them. Acknowledges nothing.

Records stay sealed in the log for ever. What is kept of an opened one are the fields that money and the console's
timeline need, in the projection tables, masked as the station wrote them; bodies are not kept, nor is any answer of a
dossier. What does not open or
does not keep the contract is quarantined with its reason and stays in the log; nothing is dropped.

One step is one transaction: rows and cursor move together, so a crash repeats a step and never an effect. Opening is
done outside of the transaction: the writer waits for nobody's cryptography.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from device_profiles import records
from device_profiles.cbor import WireError
from device_profiles.wire import Header, record_decode, unpad
from fleet_server import money
from fleet_server.forms import Forms
from fleet_server.projections import Opened, Unfit, dossiers, stations, transactions
from fleet_server.projections import money as payments
from fleet_server.store import OPENER_CURSOR, QuarantineRow
from provisioning.sealing import ContentKey, OpeningKey, SealRefused, record_info

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_profiles.catalogue import Service
    from fleet_server.store import Committer, LogRow, Reader, Store

CONTENT_KEY_BYTES = 32
STEP_MAX = 200
KEYS_KEPT_MAX = 4_096


class Beside(NamedTuple):
    """What a dossier's record is folded with: its form, and the fields of the first record of its transaction id."""

    form: Service | None = None
    first: Mapping[str, Any] | None = None


ALONE = Beside()


class Opener:
    """Opens with the private sealing keys it is given; keeps opened content keys in memory only, the newest ones.

    One opener follows a database at a time; a second one does no harm, its step finds the cursor moved and gives up.
    """

    def __init__(self, fleet: Committer, reader: Reader, keys: Iterable[OpeningKey]) -> None:
        self._fleet = fleet
        self._reader = reader
        self._keys = {key.kid: key for key in keys}
        self._content: OrderedDict[tuple[bytes, bytes, int], ContentKey] = OrderedDict()
        self._forms = Forms()

    def step(self) -> int:
        """Take up to STEP_MAX records further; give how many the cursor moved by (0 = nothing new)."""
        cursor, rows = self._reader.read(lambda store: (store.cursor(OPENER_CURSOR), _after_cursor(store)))
        if not rows:
            return 0
        opened = [self._open(row) for row in rows]
        beside = self._beside(opened)

        def fold_all(store: Store) -> int:
            if store.cursor(OPENER_CURSOR) != cursor:
                return 0
            for each, more in zip(opened, beside, strict=True):
                fold(store, each, more)
            store.put_cursor(OPENER_CURSOR, rows[-1].position)
            return len(rows)

        return self._fleet.run(fold_all)

    def drain(self) -> int:
        """Step until nothing is new; give how many records that were."""
        total = 0
        while moved := self.step():
            total += moved
        return total

    def _beside(self, opened: Iterable[Opened | QuarantineRow | None]) -> list[Beside]:
        """What each record is folded with, looked up outside of the transaction as well."""
        firsts: dict[tuple[bytes, bytes], Mapping[str, Any] | None] = {}
        found = []
        for each in opened:
            if not isinstance(each, Opened) or each.kind != "dossier.created" or each.txn is None:
                found.append(ALONE)
                continue
            place = each.device, each.txn
            if place not in firsts:
                firsts[place] = self._first(*place)
            found.append(Beside(self._form(each.fields), firsts[place]))
            firsts[place] = firsts[place] or each.fields
        return found

    def _first(self, device: bytes, txn: bytes) -> Mapping[str, Any] | None:
        """The fields from which the dossier of this transaction was folded, from its sealed record."""
        kept = self._reader.read(lambda store: store.dossier(device, txn))
        rows = self._reader.read(lambda store: store.after(kept.position - 1, 1)) if kept else []
        again = self._open(rows[0]) if rows else None
        return again.fields if isinstance(again, Opened) else None

    def _form(self, said: Mapping[str, Any]) -> Service | None:
        named = said["catalogue"], said["service"], said["form"]
        return self._reader.read(lambda store: self._forms.form_of(store, *named))

    def _open(self, row: LogRow) -> Opened | QuarantineRow | None:
        """Open one row: the record, or why not, or None for a key record that opens (it holds nothing else)."""
        kind = ""
        try:
            header, header_bytes, sealed = record_decode(row.record)
            if header.suite is not None:
                self._content_key(header, header_bytes, sealed)
                return None
            plain = self._key_of(header).open(header_bytes, sealed)
            kind, fields = records.unpack(unpad(plain))
        except records.RecordError as error:
            return _quarantined(row, error.kind, "contract", error.detail)
        except WireError as error:
            return _quarantined(row, kind, error.reason, error.detail)
        return Opened(
            row.position,
            row.device,
            row.journal,
            row.seq,
            header.txn,
            header.created_ms,
            header.quality,
            row.received_ms,
            kind,
            fields,
        )

    def _key_of(self, header: Header) -> ContentKey:
        """The content key a record is sealed under. Raises WireError where its key record is missing or no key."""
        assert isinstance(header.key, int)  # noqa: S101 - wire.Header: no suite means a sequence number
        place = (header.device, header.journal, header.key)
        if place in self._content:
            self._content.move_to_end(place)
            return self._content[place]
        found = self._reader.read(lambda store: store.record_at(*place)) if place[2] < header.seq else None
        if found is None:
            raise WireError("no_key_record", f"record {place[2]} of its journal is not in the log")
        key_header, key_header_bytes, sealed = record_decode(found)
        if key_header.suite is None:
            raise WireError("no_key_record", f"record {place[2]} of its journal is no key record")
        return self._content_key(key_header, key_header_bytes, sealed)

    def _content_key(self, header: Header, header_bytes: bytes, sealed: bytes) -> ContentKey:
        assert isinstance(header.key, bytes)  # noqa: S101 - wire.Header: a suite means a kid
        opening = self._keys.get(header.key)
        if opening is None:
            raise WireError("unknown_key", f"sealed to key {header.key.hex()}, which this opener does not hold")
        if opening.suite != header.suite:
            raise WireError("suite", f"suite {header.suite} named, the key's is {opening.suite}")
        secret = opening.open(sealed, record_info(header_bytes))
        if len(secret) != CONTENT_KEY_BYTES:
            raise SealRefused("content_key", f"{len(secret)} bytes, must be {CONTENT_KEY_BYTES}")
        key = self._content[header.device, header.journal, header.seq] = ContentKey(secret)
        if len(self._content) > KEYS_KEPT_MAX:
            self._content.popitem(last=False)
        return key


def rebuild(fleet: Committer, opener: Opener) -> int:
    """Drop every projection and fold the whole log again; give how many records that were. The rows come out equal."""
    fleet.run(lambda store: store.drop_folds())
    return opener.drain()


def fold(store: Store, opened: Opened | QuarantineRow | None, beside: Beside = ALONE) -> None:
    """Fold one opened record into every projection it concerns, or keep why it could not be."""
    if opened is None:
        return
    if isinstance(opened, QuarantineRow):
        store.quarantine(opened)
        return
    try:
        if opened.kind in payments.KINDS:
            _fold_payment(store, opened)
        if opened.kind in dossiers.KINDS:
            _fold_dossier(store, opened, beside)
    except Unfit as unfit:
        store.quarantine(_unfit(opened, unfit))
        return
    if opened.kind in stations.KINDS:
        store.put_station_state(stations.project(store.station_state(opened.device), opened))
    store.add_line(transactions.project(opened))


def _fold_payment(store: Store, opened: Opened) -> None:
    before = store.payment(opened.device, opened.txn) if opened.txn else None
    payment = payments.project(before, opened)
    if before is None and store.dossier(opened.device, payment.txn):
        raise Unfit("txn_conflict", "this transaction id stands for a dossier")
    if payment != before:
        store.put_payment(payment)
        money.settle(store, payment)


def _fold_dossier(store: Store, opened: Opened, beside: Beside) -> None:
    before = store.dossier(opened.device, opened.txn) if opened.txn else None
    dossier = dossiers.project(before, opened, beside.form, beside.first)
    if before is None and store.payment(opened.device, dossier.txn):
        raise Unfit("txn_conflict", "this transaction id stands for a payment")
    if dossier != before:
        store.put_dossier(dossier)


def _after_cursor(store: Store) -> list[LogRow]:
    return store.after(store.cursor(OPENER_CURSOR), STEP_MAX)


def _quarantined(row: LogRow, kind: str, reason: str, detail: str) -> QuarantineRow:
    return QuarantineRow(row.position, row.device, row.journal, row.seq, kind, reason, detail, row.received_ms)


def _unfit(opened: Opened, unfit: Unfit) -> QuarantineRow:
    return QuarantineRow(
        opened.position,
        opened.device,
        opened.journal,
        opened.seq,
        opened.kind,
        unfit.reason,
        unfit.detail,
        opened.received_ms,
    )
