"""Revoked means: cut off at once, and not back by any way; the others notice nothing."""

from __future__ import annotations

import os
import secrets
import signal
from dataclasses import replace

import pytest

from device_profiles import wire
from fleet_server.broker import BrokerError
from tests.contracts.broker.kit import BINDS_CLIENT_ID


def exchange(fleet, station, device) -> None:
    word = secrets.token_bytes(8)
    station.publish(wire.topic_up(device.id), word)
    assert fleet.hear().data == word
    fleet.publish(wire.topic_ack(device.id), word)
    assert station.hear().data == word


def test_revoked_device_is_cut_off_and_the_others_go_on(house):
    bad, good = house.take(), house.take()
    with house.fleet() as fleet, house.station(bad) as station, house.station(good) as other:
        exchange(fleet, station, bad)
        house.revoke(bad)
        station.wait_cut(1)
        exchange(fleet, other, good)
    assert house.refused(bad)
    assert house.refused(bad)
    assert not house.refused(good)
    assert house.broker.restarts == 0


def test_revoked_device_does_not_come_back_with_an_old_tls_session(house):
    bad = house.take()
    with house.station(bad) as station:
        with house.client(bad, resume=station) as again:
            assert again.connect() == 0  # as long as it is admitted, resumption works or falls back
        with house.station(bad) as fresh:
            house.revoke(bad)
            fresh.wait_cut(1)
            assert house.refused(bad, resume=fresh)
        assert house.refused(bad, resume=station)


def test_connection_that_was_opened_before_and_speaks_after_is_mute(house):
    bad, good = house.take(), house.take()
    with house.client(bad) as waiting, house.fleet() as fleet, house.station(good) as other:
        house.revoke(bad)
        fleet.publish(wire.topic_desired(bad.id), b"secret", retain=True)
        try:
            waiting.connect()
            waiting.publish(wire.topic_up(bad.id), b"late")
            waiting.subscribe(wire.topic_ack(bad.id), wire.topic_desired(bad.id))
            fleet.publish(wire.topic_ack(bad.id), b"secret")
            fleet.ping()
            waiting.send(b"\xc0\x00")
            heard = [waiting.read()]
        except (OSError, EOFError):
            heard = []
        assert heard in ([], [("pingresp", b"")])
        exchange(fleet, other, good)
        fleet.publish(wire.topic_desired(bad.id), b"", retain=True)


def test_will_of_a_revoked_device_is_not_spoken(house):
    bad, good = house.take(), house.take()
    with house.fleet() as fleet, house.station(good) as other:
        with house.station(bad, will=(wire.topic_state(bad.id), "will")) as station:
            house.revoke(bad)
            station.wait_cut(1)
        other.publish(wire.topic_up(good.id), b"after")
        heard = [fleet.hear().data]
        while heard[-1] != b"after":
            heard.append(fleet.hear().data)
    # nats-server speaks it while it cuts the connection: a hint of liveness that says "gone", which is true.
    assert heard in ([b"after"], [b"will", b"after"])


def test_two_revocations_in_one_second(house):
    """Revocation lists are dated to the second: the second list must not lose against the first."""
    first, second = house.take(), house.take()
    house.revoke(first)
    house.revoke(second)
    assert house.refused(first)
    assert house.refused(second)


def test_unrevoked_and_new_devices_are_let_in(house):
    again, new = house.take(), house.ca.device()
    house.revoke(again)
    assert house.refused(again)
    house.admit(again, new)
    with house.fleet() as fleet, house.station(again) as one, house.station(new) as two:
        exchange(fleet, one, again)
        exchange(fleet, two, new)


def test_two_thousand_devices_in_one_reload(house):
    many = [wire.device_name(secrets.token_bytes(16)) for _ in range(2000)]
    device, new = house.take(), house.ca.device()
    before = house.access
    with house.fleet() as fleet, house.station(device) as station:
        house.access = replace(before, devices=before.devices.union(many))
        house.admit(new)
        exchange(fleet, station, device)
        with house.station(new) as late:
            exchange(fleet, late, new)
        house.access = replace(house.access, devices=before.devices | {new.name})
        house.revoke(new)
        assert house.refused(new)
        exchange(fleet, station, device)


def test_reload_waits_for_a_broker_that_is_on_its_way_up(house):
    bad, good = house.take(), house.take()
    os.kill(house.broker.pid, signal.SIGKILL)
    house.revoke(bad)
    assert house.refused(bad)
    assert not house.refused(good)


def test_revocation_list_that_would_shut_all_out_is_refused(house):
    if house.kind not in BINDS_CLIENT_ID:
        house.broker.reload(replace(house.access, crl=b""))  # knows users by name alone
        return
    device = house.take()
    for crl, words in ((house.ca.crl(ended=True), "ended at"), (b"", "needs"), (b"nonsense", "needs")):
        with pytest.raises(BrokerError, match=words):
            house.broker.reload(replace(house.access, crl=crl))
    assert not house.refused(device)
