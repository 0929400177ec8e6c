"""Tables of the fleet's database and their migrations. Decides no rule but "append-only", which triggers enforce.

Times are UTC milliseconds, ids and hashes blobs, maps JSON text (`status` is CBOR: its keys are numbers). Raw records
stay sealed in `record`; what projections hold of opened ones is written in `fleet_server.opener`. A migration, once
released, is never edited: the next change is the next function.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

if TYPE_CHECKING:
    import sqlite3

migrations = Migrations("fleet")

REGISTRY = (
    """CREATE TABLE station(
        id TEXT PRIMARY KEY, title TEXT NOT NULL, building TEXT NOT NULL, ward TEXT NOT NULL, profile TEXT NOT NULL,
        live INTEGER NOT NULL, next_counter INTEGER NOT NULL DEFAULT 1) STRICT""",
    """CREATE TABLE device(
        id BLOB PRIMARY KEY, station TEXT NOT NULL REFERENCES station(id), epoch INTEGER NOT NULL, spki BLOB NOT NULL,
        kid BLOB NOT NULL UNIQUE, status TEXT NOT NULL, serial TEXT NOT NULL, enrolled_ms INTEGER NOT NULL,
        hardware TEXT NOT NULL, UNIQUE(station, epoch)) STRICT""",
    """CREATE TABLE claim(
        id BLOB PRIMARY KEY, station TEXT NOT NULL REFERENCES station(id), profile TEXT NOT NULL, kind TEXT NOT NULL,
        technician TEXT NOT NULL, not_before_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL,
        used_by BLOB, answer BLOB, CHECK((used_by IS NULL) = (answer IS NULL))) STRICT""",
    """CREATE TABLE issued(
        serial TEXT PRIMARY KEY, device BLOB NOT NULL REFERENCES device(id), not_after_ms INTEGER NOT NULL,
        der BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE registry_log(
        number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL,
        subject TEXT NOT NULL, what TEXT NOT NULL) STRICT""",
    "CREATE INDEX registry_log_subject ON registry_log(subject)",
)
LOG = (
    """CREATE TABLE head(
        id INTEGER PRIMARY KEY, device BLOB NOT NULL REFERENCES device(id), epoch INTEGER NOT NULL,
        journal BLOB NOT NULL, next INTEGER NOT NULL, digest BLOB NOT NULL, durable_next INTEGER NOT NULL DEFAULT 0,
        UNIQUE(device, journal), CHECK(durable_next <= next)) STRICT""",
    # A rowid is enough as position: rows are never deleted (a trigger refuses), so it only grows.
    """CREATE TABLE record(
        position INTEGER PRIMARY KEY, head INTEGER NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL,
        record BLOB NOT NULL, received_ms INTEGER NOT NULL, UNIQUE(head, seq)) STRICT""",
    """CREATE TABLE last_value(
        device BLOB PRIMARY KEY REFERENCES device(id), journal BLOB NOT NULL, boot INTEGER NOT NULL,
        mono_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL, quality INTEGER NOT NULL, newest INTEGER NOT NULL,
        status BLOB NOT NULL, received_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE side(
        number INTEGER PRIMARY KEY, device BLOB NOT NULL REFERENCES device(id), epoch INTEGER NOT NULL,
        journal BLOB NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL, record BLOB NOT NULL, reason TEXT NOT NULL,
        received_ms INTEGER NOT NULL, attached INTEGER NOT NULL, UNIQUE(device, journal, seq, digest)) STRICT""",
    """CREATE TABLE refusal(
        reason TEXT NOT NULL, device BLOB NOT NULL, count INTEGER NOT NULL, first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL, example TEXT NOT NULL, PRIMARY KEY(reason, device)) STRICT, WITHOUT ROWID""",
    "CREATE TABLE lineage(number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE cursor(name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE mark(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)
FOLDS = (
    """CREATE TABLE quarantine(
        position INTEGER PRIMARY KEY, device BLOB NOT NULL, journal BLOB NOT NULL, seq INTEGER NOT NULL,
        kind TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, received_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE station_state(
        device BLOB PRIMARY KEY, version TEXT NOT NULL, boot INTEGER NOT NULL, started_ms INTEGER NOT NULL,
        journals INTEGER NOT NULL, journal_reason TEXT NOT NULL, desired_rev INTEGER NOT NULL,
        desired_result TEXT NOT NULL, desired_reason TEXT NOT NULL, peripherals TEXT NOT NULL, sets TEXT NOT NULL,
        visits TEXT NOT NULL, slips TEXT NOT NULL) STRICT""",
    """CREATE TABLE timeline(
        position INTEGER PRIMARY KEY, device BLOB NOT NULL, txn BLOB, seq INTEGER NOT NULL, kind TEXT NOT NULL,
        created_ms INTEGER NOT NULL, quality INTEGER NOT NULL, received_ms INTEGER NOT NULL,
        facts TEXT NOT NULL) STRICT""",
    "CREATE INDEX timeline_device ON timeline(device, position)",
    "CREATE INDEX timeline_txn ON timeline(device, txn, position) WHERE txn IS NOT NULL",
    """CREATE TABLE payment(
        device BLOB NOT NULL, txn BLOB NOT NULL, created_ms INTEGER NOT NULL, quality INTEGER NOT NULL,
        service TEXT NOT NULL, biller TEXT NOT NULL, building TEXT NOT NULL, unit TEXT NOT NULL, period TEXT NOT NULL,
        bill BLOB NOT NULL, owner TEXT NOT NULL, amount INTEGER NOT NULL, due TEXT NOT NULL, payee_bin TEXT NOT NULL,
        payee_account TEXT NOT NULL, reference TEXT NOT NULL, code TEXT NOT NULL, online INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL, said TEXT NOT NULL, said_reason TEXT NOT NULL, said_ms INTEGER NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, credited_ms INTEGER NOT NULL,
        PRIMARY KEY(device, txn)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX payment_reference ON payment(reference)",
    "CREATE INDEX payment_bill ON payment(building, bill)",
    "CREATE INDEX payment_created ON payment(created_ms)",
    """CREATE TABLE credit(
        bank_ref TEXT PRIMARY KEY, amount INTEGER NOT NULL, memo TEXT NOT NULL, account TEXT NOT NULL,
        at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, simulated INTEGER NOT NULL) STRICT""",
    """CREATE TABLE credit_reference(
        reference TEXT NOT NULL, bank_ref TEXT NOT NULL REFERENCES credit(bank_ref), place INTEGER NOT NULL,
        PRIMARY KEY(reference, bank_ref)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX credit_reference_credit ON credit_reference(bank_ref, place)",
    "CREATE INDEX credit_at ON credit(at_ms)",
)
DESK = (
    """CREATE TABLE signed_set(
        sha256 BLOB PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, data BLOB NOT NULL,
        at_ms INTEGER NOT NULL, UNIQUE(name, version)) STRICT""",
    "CREATE TABLE setting(scope TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    """CREATE TABLE desired(
        device BLOB PRIMARY KEY REFERENCES device(id), rev INTEGER NOT NULL, content BLOB NOT NULL, data BLOB NOT NULL,
        issued_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE user(
        name TEXT PRIMARY KEY, secret BLOB NOT NULL, role TEXT NOT NULL, created_ms INTEGER NOT NULL,
        disabled INTEGER NOT NULL) STRICT""",
    """CREATE TABLE session(
        token_sha256 BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES user(name), created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL) STRICT""",
    """CREATE TABLE audit_log(
        number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, person TEXT NOT NULL, action TEXT NOT NULL,
        subject TEXT NOT NULL, detail TEXT NOT NULL) STRICT""",
)
DOSSIERS = (
    """CREATE TABLE dossier(
        device BLOB NOT NULL, txn BLOB NOT NULL, position INTEGER NOT NULL, created_ms INTEGER NOT NULL,
        quality INTEGER NOT NULL, received_ms INTEGER NOT NULL, service TEXT NOT NULL, form TEXT NOT NULL,
        catalogue INTEGER NOT NULL, code TEXT NOT NULL, ward TEXT NOT NULL, identity TEXT NOT NULL,
        urgent INTEGER NOT NULL, deadline_ms INTEGER, language TEXT NOT NULL, online INTEGER NOT NULL,
        answers INTEGER NOT NULL, sources TEXT NOT NULL, faults INTEGER, seen TEXT NOT NULL,
        seen_official TEXT NOT NULL, seen_ms INTEGER NOT NULL, PRIMARY KEY(device, txn)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX dossier_code ON dossier(code)",
    """CREATE TABLE dossier_word(
        number INTEGER PRIMARY KEY AUTOINCREMENT, device BLOB NOT NULL REFERENCES device(id), txn BLOB NOT NULL,
        state TEXT NOT NULL, official TEXT NOT NULL, words TEXT NOT NULL, person TEXT NOT NULL,
        at_ms INTEGER NOT NULL) STRICT""",
    "CREATE INDEX dossier_word_dossier ON dossier_word(device, txn, number)",
    "CREATE INDEX dossier_word_official ON dossier_word(official) WHERE official != ''",
)
APPEND_ONLY = ("registry_log", "issued", "record", "side", "lineage", "credit", "credit_reference", "audit_log")


@migrations()
def first(db: Database) -> None:
    """2026-11: everything."""
    for statement in (*REGISTRY, *LOG, *FOLDS, *DESK):
        db.conn.execute(statement)
    for table in APPEND_ONLY:
        fixed = ", ".join(column for column in db.table(table).columns_dict if column != "attached")
        for name, change in (("update", f"UPDATE OF {fixed}"), ("delete", "DELETE")):
            db.conn.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    db.conn.execute("INSERT INTO lineage(id, at_ms) VALUES (?, 0)", (secrets.token_bytes(16),))


@migrations()
def dossiers(db: Database) -> None:
    """2026-11: what residents file, and what offices decide of it."""
    for statement in DOSSIERS:
        db.conn.execute(statement)
    for change in ("UPDATE", "DELETE"):
        db.conn.execute(
            f"CREATE TRIGGER dossier_word_{change.lower()} BEFORE {change} ON dossier_word "
            "BEGIN SELECT RAISE(ABORT, 'dossier_word is append-only'); END"
        )


@migrations()
def codes(db: Database) -> None:
    """2026-11: payments are found by the code on their slip, as dossiers are."""
    db.conn.execute("CREATE INDEX payment_code ON payment(code)")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the newest schema; a new one gets its lineage here. The connection is in autocommit mode."""
    migrations.apply(Database(connection, execute_plugins=False))
