"""Who gets in: who holds a certificate of the fleet's CA, in date, for a device that the registry admits."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from device_profiles import wire
from device_profiles.cbor import WireError
from fleet_server.broker import BrokerAccess, BrokerError, open_broker
from tests.contracts.broker.kit import BINDS_CLIENT_ID, FleetCa, RawClient, packet, text


def test_admitted_device_connects(house):
    assert not house.refused(house.take())


def test_no_certificate(house):
    assert house.refused(None)


def test_certificate_of_another_ca(house, tmp_path):
    stranger = FleetCa(tmp_path)  # its CA bears the same name, and it certifies the name of an admitted device
    device = house.take()
    cert_file, key_file = stranger.issue(device.name)
    assert house.refused(type(device)(device.id, cert_file, key_file))


def test_certificate_out_of_date(house):
    ended = house.ca.device(ended=True)
    house.admit(ended)
    assert house.refused(ended)


def test_device_without_permission_exchanges_nothing(house):
    """Its certificate is good and nobody revoked it, but the registry does not list it."""
    unlisted, listed = house.ca.device(), house.take()
    with house.fleet() as fleet, house.station(listed) as good:
        try:
            with house.client(unlisted) as client:
                client.connect()
                client.publish(wire.topic_up(unlisted.id), b"unlisted")
                client.ping()
        except (OSError, EOFError):
            pass
        good.publish(wire.topic_up(listed.id), b"listed")
        assert fleet.hear().data == b"listed"


def test_user_name_of_another_is_not_believed(house):
    liar, victim = house.take(), house.take()
    with house.fleet() as fleet, house.station(victim) as good:
        try:
            with house.client(liar) as client:
                client.connect(user=victim.name)
                client.publish(wire.topic_up(victim.id), b"lie")
                client.ping()
        except (OSError, EOFError):
            pass
        good.publish(wire.topic_up(victim.id), b"truth")
        assert fleet.hear().data == b"truth"


def test_one_client_id_and_two_certificates(house):
    """Nobody gets what is another's; where the broker binds ids to certificates, nobody is thrown out either."""
    first, second = house.take(), house.take()
    with house.fleet() as fleet, house.station(first, client_id="same") as one:
        with house.station(second, client_id="same") as two:
            fleet.publish(wire.topic_ack(first.id), b"for the first")
            fleet.publish(wire.topic_ack(second.id), b"for the second")
            assert two.hear().data == b"for the second"
            if house.kind in BINDS_CLIENT_ID:
                assert one.hear().data == b"for the first"
            else:
                one.wait_cut()
        with house.station(first) as again:
            fleet.publish(wire.topic_ack(first.id), b"still here")
            assert again.hear().data == b"still here"


def test_kept_session_of_another_is_not_inherited(house):
    first, second = house.take(), house.take()
    with house.station(first, client_id="kept", clean=False) as one:
        one.send(b"\xe0\x00")
        one.wait_cut()
    with house.fleet() as fleet, house.client(second) as two:
        assert two.connect("kept", clean=False) == 0
        fleet.publish(wire.topic_ack(first.id), b"for the first")
        fleet.ping()
        assert two.subscribe(wire.topic_ack(second.id)) == [0]
        fleet.publish(wire.topic_ack(second.id), b"for the second")
        assert two.hear().data == b"for the second"


def test_listens_on_its_host_and_port_alone(house):
    """Whatever else it opens is on loopback and lets nobody do anything."""
    said = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    mine = [line.split()[3] for line in said.splitlines() if f"pid={house.broker.pid}," in line]
    assert f"127.0.0.1:{house.settings.port}" in mine
    others = [place for place in mine if place != f"127.0.0.1:{house.settings.port}"]
    assert all(place.startswith("127.0.0.1:") for place in others)
    assert len(others) == {"nats": 1, "mosquitto": 0}[house.kind]
    device = house.take()
    for place in others:
        for login in ({}, {"user": f"CN={device.name}"}, {"user": "CN=ingest", "pass": ""}, {"user": "", "pass": ""}):
            with socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2]))) as plain:
                plain.settimeout(5)
                plain.recv(4096)
                plain.sendall(b"CONNECT " + json.dumps({"verbose": True, **login}).encode() + b"\r\nPING\r\n")
                assert plain.recv(4096).startswith(b"-ERR 'Authorization Violation'")


def test_its_files_are_its_owners_alone(house):
    folder = house.settings.folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not any(file.stat().st_mode & 0o077 for file in folder.iterdir() if file.suffix in {".json", ".conf"})


def test_door_of_mosquitto_leads_nowhere(house):
    """Its second listener is for taking sessions over: who comes that way can neither speak nor hear."""
    if house.kind != "mosquitto":
        assert not (house.settings.folder / "door").exists()
        return
    device = house.take()
    folder = os.open(house.settings.folder, os.O_PATH)
    with house.fleet() as fleet, house.station(device) as station, socket.socket(socket.AF_UNIX) as door:
        door.settimeout(5)
        door.connect(f"/proc/self/fd/{folder}/door")
        os.close(folder)
        door.sendall(packet(0x10, text("MQTT") + b"\x04\x02\x00\x3c" + text("intruder")))
        assert door.recv(4) == b"\x20\x02\x00\x00"
        door.sendall(packet(0x82, b"\x00\x01" + text("#") + b"\x00"))
        door.sendall(packet(0x30, text(wire.topic_up(device.id)) + b"intruder"))
        door.sendall(packet(0x30, text(wire.topic_ack(device.id)) + b"intruder"))
        door.sendall(b"\xc0\x00")
        answers = b""
        while not answers.endswith(b"\xd0\x00"):
            answers += door.recv(64)
        station.publish(wire.topic_up(device.id), b"station")
        assert fleet.hear().data == b"station"
        fleet.publish(wire.topic_ack(device.id), b"fleet")
        assert station.hear().data == b"fleet"
        door.sendall(b"\xc0\x00")
        assert door.recv(64) == b"\xd0\x00"


def test_names_that_mean_something_to_a_configuration_file():
    for name in ("", "a b", 'x"}', "#", "+", "x\ntopic write #", "a" * 26 + "\n", "A" * 26):
        with pytest.raises(WireError, match="device_name"):
            BrokerAccess(frozenset({name}))
        with pytest.raises(BrokerError, match="ingest client"):
            BrokerAccess(frozenset(), ingest=frozenset({name}))


def test_unknown_kind_and_missing_program(house):
    with pytest.raises(BrokerError, match="choose one of nats, mosquitto"):
        open_broker("mosquito", house.settings, house.access)


def test_raw_client_is_no_accomplice(house):
    """The suite's own client checks the broker's certificate: it refuses a broker of another CA."""
    with pytest.raises(OSError, match="certificate verify failed"):
        RawClient(house.settings.port, FleetCa(Path(house.ca.folder) / "stranger").ca_file, house.take())
