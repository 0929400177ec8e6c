"""The calendar ear: APScheduler posts `Due` events at local times; it touches nothing else and decides nothing.

Local time is Asia/Ho_Chi_Minh (no summer time). A due time that passed while the station slept is posted once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from edge_agent.events import Due

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.events import Event

ZONE = "Asia/Ho_Chi_Minh"
# name of the event -> (hour, minute): the printer is asked how it is before the day begins.
DAILY = {"self_test": (5, 30)}


class Timetable:
    """One background scheduler with the station's daily times."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        self._post = post
        self._scheduler: Any = None

    def start(self) -> None:
        """Begin. Jobs run on the scheduler's own small pool and only put an event into the inbox."""
        late = {"coalesce": True, "misfire_grace_time": 3600}
        self._scheduler = BackgroundScheduler(timezone=ZONE, job_defaults=late)
        for name, (hour, minute) in DAILY.items():
            trigger = CronTrigger(hour=hour, minute=minute, timezone=ZONE)
            self._scheduler.add_job(self._post, trigger, args=[Due(name)], id=name)
        self._scheduler.start()

    def stop(self) -> None:
        """End. May be called when never started."""
        if self._scheduler:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
