"""The clock: what may be believed, and for how long."""

from __future__ import annotations

from edge_agent.clock import FLOOR, NTP, SIGNED, SIGNED_FOR_S, UNKNOWN, Clock

FLOOR_MS = 1_790_000_000_000
YEAR_2036_S = 2_082_758_400.0


class Hands:
    mono = 100.0
    wall = 0.0
    ntp = False


def clock(floor_ms: int = FLOOR_MS, **hands) -> tuple[Clock, Hands]:
    world = Hands()
    for name, value in hands.items():
        setattr(world, name, value)
    return Clock(floor_ms, lambda: world.mono, lambda: world.wall, lambda: world.ntp), world


def test_a_clock_of_1970_reads_the_floor_and_is_not_trusted():
    reading = clock()[0].now()
    assert (reading.wall_ms, reading.quality, reading.trusted) == (FLOOR_MS, FLOOR, False)


def test_without_a_floor_the_quality_is_unknown():
    assert clock(0, wall=5.0)[0].now().quality == UNKNOWN


def test_ntp_is_trusted_unless_it_is_before_the_floor():
    assert clock(wall=FLOOR_MS / 1000 + 60, ntp=True)[0].now().quality == NTP
    assert clock(wall=FLOOR_MS / 1000 - 60, ntp=True)[0].now().quality == FLOOR


def test_signed_time_is_carried_on_by_the_monotonic_clock_whatever_the_system_says():
    found, world = clock(wall=YEAR_2036_S)
    found.witness(FLOOR_MS + 1000)
    world.mono += 60
    assert found.now().wall_ms == FLOOR_MS + 61_000
    assert found.now().quality == SIGNED
    world.mono += SIGNED_FOR_S
    assert found.now().quality == FLOOR


def test_system_time_never_raises_the_floor():
    found, _ = clock(wall=YEAR_2036_S, ntp=True)
    found.now()
    assert found.trusted_ms() == FLOOR_MS


def test_an_older_signed_time_never_lowers_the_floor_and_gives_no_quality():
    found, _ = clock()
    found.witness(FLOOR_MS - 1)
    assert (found.trusted_ms(), found.now().quality) == (FLOOR_MS, FLOOR)
    found.raise_floor(FLOOR_MS - 1)
    assert found.trusted_ms() == FLOOR_MS
    found.raise_floor(FLOOR_MS + 5)
    assert (found.trusted_ms(), found.now().quality) == (FLOOR_MS + 5, FLOOR)
