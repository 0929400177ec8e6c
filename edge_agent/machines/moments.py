"""Times and days as residents read them: Vietnam, UTC+7, no daylight saving. Asks no clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

VIETNAM = timezone(timedelta(hours=7))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(ms: int) -> str:
    """UTC milliseconds as dd/MM/yyyy HH:mm."""
    return _local(ms).strftime("%d/%m/%Y %H:%M")


def today(ms: int) -> date:
    """The calendar day at a UTC time in milliseconds."""
    return _local(ms).date()


def hour(ms: int) -> str:
    """UTC milliseconds as HH:mm."""
    return _local(ms).strftime("%H:%M")


def day_first(iso: str) -> str:
    """yyyy-mm-dd as dd/MM/yyyy, yyyy-mm as MM/yyyy."""
    return "/".join(reversed(iso.split("-")))


def _local(ms: int) -> datetime:
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(VIETNAM)
