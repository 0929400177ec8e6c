"""A stolen copy of a station's disk, a broker with ill will, a forger: they learn nothing and change nothing."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import ssl
import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from device_profiles import records
from device_profiles.bills import BillSet
from device_profiles.cbor import decode
from device_profiles.messages import Desired, SignedSet
from device_profiles.wire import (
    Ack,
    Batch,
    device_name,
    envelope_decode,
    record_decode,
    topic_ack,
    topic_desired,
    topic_up,
    unpad,
)
from edge_agent.journal import Journal
from provisioning.identity import Identity
from provisioning.keys import SigningKey, sign_message
from provisioning.sealing import ContentKey, SealRefused

pytestmark = pytest.mark.journey


class Tap:
    """What the broker sees: every message, read with the fleet's own client certificate; it can also speak."""

    def __init__(self, stage) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self._up = threading.Event()
        tls = stage.desk / "tls"
        context = ssl.create_default_context(cafile=stage.desk / "ca" / "chain.crt")
        context.load_cert_chain(tls / "ingest.crt", tls / "ingest.pem")
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self.client.tls_set_context(context)
        self.client.on_message = lambda _c, _u, message: self.seen.append((message.topic, bytes(message.payload)))
        self.client.on_connect = lambda client, *_: client.subscribe([("v1/up/+/+", 0), ("v1/state/+", 0)])
        self.client.on_subscribe = lambda *_: self._up.set()
        port = int((stage.desk / "server.toml").read_text().split("broker_port = ")[1].split("\n")[0])
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._up.wait(10.0)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def lived(rig):
    """One station after some visits, with everything the broker saw."""
    found = rig(1)
    tap = Tap(found.stage)
    found.people()
    found.until(
        lambda: found.ask("SELECT count(*) FROM payment WHERE state = 'CONFIRMED'")[0][0] >= 5, 90.0, "payments"
    )
    found.settle()
    yield found, tap
    tap.close()


def canaries(found) -> list[bytes]:
    """What no thief may read: of every payment the unit, the owner, the reference, and the amount with its bill."""
    rows = found.ask("SELECT unit, owner, reference, bill FROM payment")
    return [each.encode() if isinstance(each, str) else each for row in rows for each in row]


def test_a_stolen_disk_and_all_that_the_broker_saw_hold_no_canary_and_open_with_no_key_on_it(lived, tmp_path):
    found, tap = lived
    marks = canaries(found)
    assert len(marks) >= 20
    stolen = tmp_path / "stolen"
    shutil.copytree(found.stage.lobbies[0].folder, stolen)
    for name, data in tap.seen:
        assert not [mark for mark in marks if mark in data], name
    # The board's own list lies in sets/ in clear, masked at its source; nothing that a resident did may lie anywhere.
    # The clear state table names open bills by their opaque ids, and what is unconfirmed by amount: no person.
    opaque = {row[0] for row in found.ask("SELECT bill FROM payment")}
    files = [each for each in stolen.rglob("*") if each.is_file() and "sets" not in each.parts]
    assert any(each.name == "journal.db" for each in files)
    for each in files:
        data = each.read_bytes()
        inside = [mark for mark in marks if mark in data and mark not in opaque]
        assert not inside, (each.name, inside[:3])
    identity = Identity.load(stolen / "identity")
    journal = Journal.open(stolen / "journal.db", identity.device, identity.epoch)
    opened = 0
    secrets_on_disk = [each.read_bytes() for each in files]
    for data in journal.after(0, 10_000, 1 << 26):
        header, raw, sealed = record_decode(data)
        if header.suite is None:
            for secret in {chunk[:32] for chunk in secrets_on_disk if len(chunk) >= 32}:
                try:
                    records.unpack(unpad(ContentKey(secret).open(raw, sealed)))
                    opened += 1
                except SealRefused:
                    continue
    journal.close()
    assert opened == 0


def test_forged_replayed_truncated_and_foreign_batches_are_refused_counted_and_named(lived):
    found, tap = lived
    lobby = found.stage.lobbies[0]
    identity = Identity.load(lobby.folder / "identity")
    topic = topic_up(identity.device)
    genuine = next(data for name, data in reversed(tap.seen) if name == topic)
    payload = envelope_decode(genuine, 1 << 20).payload
    before = found.ask("SELECT count(*) FROM record")[0][0]
    stranger = SigningKey.generate()
    other = device_name(hashlib.sha256(b"other").digest()[:16])
    lobby.part.stop()
    lobby.part.process = None
    # Published by the broker itself, as it were: only signatures stand between it and the log.
    publish_up(found.stage, identity, topic, genuine)  # a replay, as it was
    publish_up(found.stage, identity, topic, genuine[:-7])
    publish_up(found.stage, identity, topic, genuine[:40] + bytes([genuine[40] ^ 1]) + genuine[41:])
    publish_up(found.stage, identity, topic, sign_message(stranger, "kiosk/batch/1", payload))
    publish_up(found.stage, identity, topic, sign_message(identity.key, "kiosk/ack/1", payload))
    publish_up(found.stage, identity, topic, b"\xff" * 100)
    foreign = replace(Batch.decode(payload), device=hashlib.sha256(b"other").digest()[:16])
    publish_up(found.stage, identity, topic, sign_message(identity.key, "kiosk/batch/1", foreign.encode()))
    wanted = {"unknown_key", "signature", "device"}

    def refused() -> set[str]:
        return {row[0] for row in found.ask("SELECT reason FROM refusal")}

    found.until(lambda: wanted <= refused() and len(refused()) >= 4, 20.0, f"refusals {wanted}; {other}")
    rows = found.ask("SELECT reason, count, example FROM refusal")
    assert all(count >= 1 and example for _, count, example in rows), rows
    assert found.ask("SELECT count(*) FROM record")[0][0] == before
    assert found.ask("SELECT status FROM device")[0][0] == "ACTIVE"


def publish_up(stage, identity, topic: str, data: bytes) -> None:
    """Publish as the station's own connection would (its certificate, its topic)."""
    context = ssl.create_default_context(cafile=identity.ca)
    context.load_cert_chain(identity.tls_certificate, identity.tls_key)
    sent = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.tls_set_context(context)
    client.on_connect = lambda c, *_: c.publish(topic, data)
    client.on_publish = lambda *_: sent.set()
    client.connect("127.0.0.1", identity.broker[1])
    client.loop_start()
    assert sent.wait(10.0)
    time.sleep(0.2)
    client.disconnect()
    client.loop_stop()


def test_forged_and_replayed_acks_and_desireds_are_refused_by_the_station_and_reported(lived):
    found, tap = lived
    lobby = found.stage.lobbies[0]
    identity = Identity.load(lobby.folder / "identity")
    stranger = SigningKey.generate()
    rows = found.ask("SELECT data FROM desired")
    genuine = rows[0][0]
    richer = replace(Desired.decode(envelope_decode(genuine, 1 << 20).payload), rev=99, config={3: "closed by a thief"})
    newest = found.ask("SELECT next, digest, journal FROM head")[0]
    ack = Ack(
        device=identity.device,
        epoch=identity.epoch,
        journal=newest[2],
        next=0,
        digest=bytes(32),
        durable_next=10_000,
        time_ms=4_000_000_000_000,
        lineage=bytes(16),
        batch_hash=bytes(32),
        verdict=3,
        retry_after_s=0,
        admit=0,
    )
    desk_key = SigningKey.from_pem((found.stage.desk / "keys" / "desired.pem").read_bytes())
    tap.client.publish(topic_ack(identity.device), sign_message(stranger, "kiosk/ack/1", ack.encode()))
    tap.client.publish(topic_ack(identity.device), sign_message(desk_key, "kiosk/ack/1", ack.encode()))
    tap.client.publish(topic_ack(identity.device), b"\x00")
    tap.client.publish(topic_desired(identity.device), sign_message(stranger, "kiosk/desired/1", richer.encode()))
    tap.client.publish(topic_desired(identity.device), genuine[:-3])

    def named() -> set[str]:
        status = decode(found.ask("SELECT status FROM last_value")[0][0], 1 << 16)
        return {reason for reason, _ in status.get(14, [])}

    wanted = {"ack:unknown_key", "ack:not_sign1", "desired:unknown_key"}
    found.until(lambda: wanted <= named(), 30.0, f"the station's report of {wanted}")
    assert found.ask("SELECT status FROM device")[0][0] == "ACTIVE"
    with closing(sqlite3.connect(f"{lobby.journal.absolute().as_uri()}?mode=ro", uri=True)) as db:
        assert db.execute("SELECT min(seq) FROM record").fetchone()[0] < 10_000
        rev = decode(db.execute("SELECT value FROM state WHERE name = 'desired.rev'").fetchone()[0], 64)
    assert rev < 99


def test_the_fleet_server_alone_cannot_change_a_payee(lived):
    """With every key on the server a thief signs a list with his own account; the station keeps the old one."""
    found, _tap = lived
    desk = found.stage.desk
    name, version, data = found.ask("SELECT name, version, data FROM signed_set ORDER BY version DESC LIMIT 1")[0]
    genuine = SignedSet.decode(envelope_decode(data, 1 << 21).payload)
    theft = replace(BillSet.decode(genuine.body), payee_account="999900001111", version=version + 1)
    keys = list((desk / "keys").glob("*.pem"))
    assert len(keys) == 5
    forged = sign_message(
        SigningKey.from_pem(keys[0].read_bytes()),
        "kiosk/set/1",
        replace(genuine, version=version + 1, body=theft.encode()).encode(),
    )
    with closing(sqlite3.connect(found.stage.database, timeout=10.0)) as db:
        values = (hashlib.sha256(forged).digest(), name, version + 1, forged, 0)
        db.execute("INSERT INTO signed_set (sha256, name, version, data, at_ms) VALUES (?, ?, ?, ?, ?)", values)
        db.commit()

    def named() -> set[str]:
        status = decode(found.ask("SELECT status FROM last_value")[0][0], 1 << 16)
        return {reason for reason, _ in status.get(14, [])}

    found.until(lambda: "set:unknown_key" in named(), 30.0, "the station's report of the forged list")
    kept = [each.read_bytes() for each in (found.stage.lobbies[0].folder / "sets").glob("*.cose")]
    assert kept == [data]
