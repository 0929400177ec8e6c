"""What goes through the pipe: each device its own four topics, retained Desired, wills, order."""

from __future__ import annotations

import pytest

from device_profiles import wire
from fleet_server.broker import MESSAGE_MAX_BYTES
from tests.contracts.broker.kit import Heard


def test_up_and_down(house):
    device = house.take()
    with house.fleet() as fleet, house.station(device) as station:
        station.publish(wire.topic_up(device.id), b"batch")
        assert fleet.hear() == Heard(wire.topic_up(device.id), b"batch")
        station.publish(wire.topic_state(device.id), b"born")
        assert fleet.hear() == Heard(wire.topic_state(device.id), b"born")
        fleet.publish(wire.topic_ack(device.id), b"ack")
        assert station.hear() == Heard(wire.topic_ack(device.id), b"ack")


def test_publish_on_another_topic_does_not_arrive(house):
    device, other = house.take(), house.take()
    shard = (wire.shard(device.id) + 1) % wire.SHARDS
    forbidden = (
        wire.topic_up(other.id),
        wire.topic_state(other.id),
        f"v1/up/{shard:02d}/{device.name}",
        wire.topic_ack(device.id),
        wire.topic_ack(other.id),
        wire.topic_desired(other.id),
        "$SYS/broker/version",
        "$JS/API/STREAM/NAMES",
        "$MQTT/sub/x",
        "elsewhere",
    )
    for topic in forbidden:
        with house.fleet() as fleet, house.station(device) as station, house.station(other) as neighbour:
            for retain in (False, True):
                try:
                    station.publish(topic, b"forged", retain=retain)
                    station.ping()
                except (OSError, EOFError):
                    break
            neighbour.publish(wire.topic_up(other.id), b"true")
            assert fleet.hear().data == b"true", topic
            fleet.publish(wire.topic_ack(other.id), b"true")
            assert neighbour.hear().data == b"true", topic


@pytest.mark.parametrize("topic", ["down", "up", "#", "+/+/+", "v1/down/+/ack", "v1/up/+/+", "$SYS/#", "$MQTT/#"])
def test_subscription_to_what_is_anothers_delivers_nothing(house, topic):
    spy, victim = house.take(), house.take()
    house.spare += [spy, victim]
    topic = {"down": wire.topic_ack(victim.id), "up": wire.topic_up(victim.id)}.get(topic, topic)
    with house.fleet() as fleet, house.station(victim) as station, house.station(spy) as client:
        client.subscribe(topic)
        fleet.publish(wire.topic_ack(victim.id), b"secret")
        fleet.publish(wire.topic_desired(victim.id), b"secret")
        station.publish(wire.topic_up(victim.id), b"secret")
        station.publish(wire.topic_state(victim.id), b"secret")
        assert fleet.hear().data == b"secret"
        fleet.publish(wire.topic_ack(spy.id), b"its own")
        assert client.hear().data == b"its own"


def test_ingest_cannot_pretend_to_be_a_device(house):
    device = house.take()
    with house.fleet() as fleet, house.fleet_again() as liar, house.station(device) as station:
        try:
            liar.publish(wire.topic_up(device.id), b"invented")
            liar.ping()
        except (OSError, EOFError):
            pass
        station.publish(wire.topic_up(device.id), b"true")
        assert fleet.hear().data == b"true"


def test_desired_is_retained_until_it_is_cleared(house):
    device = house.take()
    with house.fleet() as fleet:
        fleet.publish(wire.topic_desired(device.id), b"first", retain=True)
        fleet.publish(wire.topic_desired(device.id), b"second", retain=True)
        fleet.ping()
        with house.station(device) as station:
            assert station.hear() == Heard(wire.topic_desired(device.id), b"second", retained=True)
            fleet.publish(wire.topic_desired(device.id), b"third", retain=True)
            assert station.hear() == Heard(wire.topic_desired(device.id), b"third", retained=False)
        fleet.publish(wire.topic_desired(device.id), b"", retain=True)
        fleet.ping()
        with house.station(device) as station:
            fleet.publish(wire.topic_ack(device.id), b"nothing before this")
            assert station.hear().data == b"nothing before this"


def test_will_speaks_when_the_connection_dies_and_not_when_it_ends(house):
    device = house.take()
    will = (wire.topic_state(device.id), "gone")
    with house.fleet() as fleet:
        house.station(device, will=will).close()
        assert fleet.hear() == Heard(*will[:1], b"gone")
        with house.station(device, will=will) as station:
            station.send(b"\xe0\x00")
            station.wait_cut()
        with house.station(device) as station:
            station.publish(wire.topic_up(device.id), b"no will before this")
        assert fleet.hear().data == b"no will before this"


def test_will_on_anothers_topic_stays_silent(house):
    device, other = house.take(), house.take()
    with house.fleet() as fleet:
        for topic in (wire.topic_state(other.id), wire.topic_up(other.id)):
            with house.client(device) as client:
                client.connect(will=(topic, "forged"))
            with house.client(other) as client:
                client.connect(will=(wire.topic_state(other.id), "true"))
            assert fleet.hear().data == b"true"


def test_order_of_one_client_is_kept(house):
    device = house.take()
    with house.fleet() as fleet, house.station(device) as station:
        for number in range(500):
            station.publish(wire.topic_up(device.id), number.to_bytes(4, "big") * 50)
        got = [int.from_bytes(fleet.hear().data[:4], "big") for _ in range(500)]
    assert got == list(range(500))


def test_largest_message_passes_whole(house):
    device = house.take()
    with house.fleet() as fleet, house.station(device) as station:
        station.publish(wire.topic_up(device.id), bytes(MESSAGE_MAX_BYTES))
        assert fleet.hear().data == bytes(MESSAGE_MAX_BYTES)
