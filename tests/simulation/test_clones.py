"""A card that goes back in time, and one that exists twice: both branches are kept, and a person decides."""

from __future__ import annotations

import shutil

from tests.simulation import laws
from tests.simulation.world import World


def copy_disk(station, name: str):
    """An image of the card as it is now."""
    image = station.folder / name
    image.mkdir()
    for each in station.folder.glob("journal.db*"):
        shutil.copy(each, image)
    shutil.copy(station.folder / "codes-reserved", image)
    return image


def put_back(station, image) -> None:
    """The power goes, and the card is restored from the image."""
    station.note_committed()
    station.close()
    for each in station.folder.glob("journal.db*"):
        each.unlink()
    for each in image.iterdir():
        shutil.copy(each, station.folder)
    (station.folder / "journal.db-shm").unlink(missing_ok=True)
    station._inbox = []
    station.boot()


def served(world: World, station, count: int) -> None:
    """Go on until a station has shown so many codes."""
    end = world.time_s + 400
    while len(station.told_codes) < count and world.time_s < end:
        world.step()
    assert len(station.told_codes) >= count


def test_a_card_restored_from_an_image_is_noticed_by_the_ack_and_takes_no_more_transactions(tmp_path):
    world = World(3, tmp_path, stations_count=1)
    station = world.stations[0]
    served(world, station, 2)
    image = copy_disk(station, "image")
    served(world, station, 4)
    world.run(30)
    whole = station.journal.next
    put_back(station, image)
    assert station.journal.next < whole
    world.run(60)
    assert "rolled_back" in station.agent._stopped
    told = len(station.told_codes)
    world.run(60)
    assert len(station.told_codes) == told
    station.crash(torn=False)
    world.step()
    assert "rolled_back" in station.agent._stopped  # a restart does not make it forget
    laws.promises(world)
    world.close()


def test_records_written_after_the_image_are_kept_apart_and_the_device_is_quarantined(tmp_path):
    world = World(4, tmp_path, stations_count=1)
    station = world.stations[0]
    served(world, station, 2)
    image = copy_disk(station, "image")
    served(world, station, 4)
    world.run(30)
    log = laws.stored(world, station, station.journal.journal)
    station.link.flap(10_000)
    put_back(station, image)
    station.link.up = False
    station._inbox = []
    before = len(station.told_codes)
    end = world.time_s + 300
    while len(station.told_codes) <= before and world.time_s < end:
        world.step()
    branch = station.journal.next
    station.link.connect()
    world.run(120)
    assert "rolled_back" in station.agent._stopped or "quarantined" in station.agent._stopped
    assert laws.stored(world, station, station.journal.journal)[: len(log)] == log
    assert world.fleet.store.device(station.device).status == "QUARANTINED"
    kept = {row.seq for row in world.fleet.store.side(station.device, 10_000)}
    common = next(n for n in range(branch) if n in kept)
    assert kept >= set(range(common, branch))
    laws.promises(world)
    world.close()
