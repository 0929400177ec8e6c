"""The deadline of a notice of a stay against the law's own sentences (Law on Residence 2020, Article 30)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device_profiles.answers import Answer
from device_profiles.layout import TIME_MAX_MS
from edge_agent.events import Now
from edge_agent.machines.deadlines import RISK_MS, at_risk, due_ms


def told(**answers: str) -> dict[str, Answer]:
    return {key: Answer(value, "typed") for key, value in answers.items()}


def in_vietnam(due: int) -> str:
    """As a clock on a wall in Vietnam shows it, reckoned here by hand: seven hours before Greenwich."""
    return f"{datetime.fromtimestamp(due / 1000, UTC) + timedelta(hours=7):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("first", "arrival", "due"),
    [
        ("2026-11-22", "00:00", "2026-11-22 23:00"),
        ("2026-11-22", "07:59", "2026-11-22 23:00"),
        ("2026-11-22", "22:59", "2026-11-22 23:00"),
        ("2026-11-22", "23:00", "2026-11-23 08:00"),
        ("2026-11-22", "23:59", "2026-11-23 08:00"),
        ("2026-12-31", "22:59", "2026-12-31 23:00"),
        ("2026-12-31", "23:00", "2027-01-01 08:00"),
        ("2027-02-28", "23:30", "2027-03-01 08:00"),
        ("2028-02-28", "23:30", "2028-02-29 08:00"),
        ("2028-02-29", "23:59", "2028-03-01 08:00"),
    ],
)
def test_before_23_of_the_first_day_and_for_later_arrivals_before_8_of_the_next(first, arrival, due):
    assert in_vietnam(due_ms("stay_notice", told(from_date=first, arrival=arrival))) == due


def test_who_tells_no_hour_has_the_earlier_deadline():
    assert in_vietnam(due_ms("stay_notice", told(from_date="2026-11-22"))) == "2026-11-22 23:00"


def test_without_a_first_day_there_is_nothing_to_count_from():
    assert due_ms("stay_notice", {}) is None
    assert due_ms("stay_notice", told(arrival="23:30")) is None
    assert due_ms("stay_notice", told(from_date="2026")) is None, "a year alone is no day"


def test_a_service_without_a_deadline_has_none_whatever_is_answered():
    assert due_ms("", told(from_date="2026-11-22", arrival="10:00")) is None


@pytest.mark.parametrize("first", ["1900-01-01", "1969-12-31", "2100-01-01", "2100-12-31"])
def test_a_day_that_no_record_can_hold_gives_no_deadline(first):
    assert due_ms("stay_notice", told(from_date=first)) is None


@pytest.mark.parametrize("first", ["1970-01-01", "2099-12-30"])
def test_the_first_and_last_days_that_a_record_can_hold_give_one(first):
    assert 0 <= due_ms("stay_notice", told(from_date=first, arrival="23:00")) <= TIME_MAX_MS


DUE_MS = 1_795_017_600_000


@pytest.mark.parametrize(
    ("left_ms", "online", "quality", "risk"),
    [
        (RISK_MS + 1, True, 3, False),
        (RISK_MS, True, 2, False),
        (RISK_MS - 1, True, 3, True),
        (0, True, 3, True),
        (-1, True, 3, True),
        (10 * RISK_MS, False, 3, True),
        (10 * RISK_MS, True, 1, True),
    ],
)
def test_a_deadline_is_at_risk_from_two_hours_before_and_without_network_or_clock(left_ms, online, quality, risk):
    now = Now(0.0, DUE_MS - left_ms, quality)
    assert at_risk(DUE_MS, now, online=online) is risk


def test_what_has_no_deadline_is_never_at_risk():
    assert at_risk(None, Now(0.0, DUE_MS, 0), online=False) is False
