"""Run as a script on a small disk of its own: fills it up under a running broker, empties it, and tells what was seen.

Usage: disk_bed.py KIND FOLDER
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from device_profiles import wire
from tests.contracts.broker.kit import make_house


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "junk").open("ab", buffering=0) as junk:
        while True:
            junk.write(bytes(4096))


def exchange(fleet, station, device) -> str:
    station.publish(wire.topic_up(device.id), b"up")
    fleet.publish(wire.topic_ack(device.id), b"down")
    return "served" if fleet.hear().data == b"up" and station.hear().data == b"down" else "confused"


def serves(house, device) -> bool:
    with (
        contextlib.suppress(OSError, EOFError, AssertionError),
        house.fleet() as fleet,
        house.station(device) as station,
    ):
        return exchange(fleet, station, device) == "served"
    return False


if __name__ == "__main__":
    kind, disk = sys.argv[1], Path(sys.argv[2])
    house = make_house(kind, disk, 3)
    house.broker.start()
    device = house.take()
    with house.fleet() as fleet, house.station(device) as station:
        fill(disk)
        say(f"disk full: {exchange(fleet, station, device)}")
        with contextlib.suppress(OSError, EOFError):
            fleet.publish(wire.topic_desired(device.id), os.urandom(20_000), retain=True)
            fleet.ping()
    fill(disk)
    time.sleep(1)
    (disk / "junk").unlink()
    began = time.monotonic()
    other = house.take()  # for the first one a message is retained where the broker keeps them in memory
    while not serves(house, other):
        if time.monotonic() - began > 40:
            sys.exit((house.settings.folder / "broker.log").read_text()[-2000:])
        time.sleep(0.1)
    say("disk free: served")
    say(f"after {time.monotonic() - began:.1f} s and {house.broker.restarts} restarts")
    house.broker.stop()
