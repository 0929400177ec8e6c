"""What stands on top of every page until somebody has dealt with it. Pure; decides which, not how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fleet_server.console.glance import APART_MAX
from fleet_server.console.telling import age, whole
from fleet_server.console.wording import say

if TYPE_CHECKING:
    from fleet_server.console.dossier_rows import Totals
    from fleet_server.console.glance import FleetView
    from fleet_server.console.wording import Language

OPENER_SLOW_MS = 60_000
APART_PATH = "/apart"
DOSSIERS_PATH = "/dossiers"


class Banner(NamedTuple):
    """One line: how grave ("bad", "warn", "calm"), its icon, its words, and the page that tells more ("" = none)."""

    tone: str
    icon: str
    text: str
    href: str


def banners(
    fleet: FleetView, language: Language, filed: Totals, *, broker_alive: bool, bank_simulated: bool
) -> list[Banner]:
    """Everything a person must not overlook, gravest first."""
    found = []
    if not broker_alive:
        found.append(Banner("bad", "offline", say(language, "banner.broker"), ""))
    if fleet.unopened_ms is not None and fleet.now_ms - fleet.unopened_ms > OPENER_SLOW_MS:
        words = say(language, "banner.opener", age=age(language, fleet.now_ms - fleet.unopened_ms))
        found.append(Banner("bad", "clock", words, ""))
    if filed.overdue or filed.at_risk:
        counts = {"overdue": whole(filed.overdue), "at_risk": whole(filed.at_risk)}
        tone = "bad" if filed.overdue else "warn"
        found.append(Banner(tone, "clock", say(language, "banner.dossiers", **counts), f"{DOSSIERS_PATH}#waiting"))
    if not fleet.keeps_backups:
        found.append(Banner("warn", "alert", say(language, "banner.no_backups"), ""))
    if fleet.quarantined:
        words = say(language, "banner.quarantine", n=_counted(fleet.quarantined))
        found.append(Banner("warn", "box", words, f"{APART_PATH}#quarantine"))
    if fleet.aside:
        words = say(language, "banner.side", n=_counted(fleet.aside))
        found.append(Banner("warn", "box", words, f"{APART_PATH}#side"))
    if refused := sum(each.count for each in fleet.refusals):
        found.append(
            Banner("calm", "lock", say(language, "banner.refusals", n=whole(refused)), f"{APART_PATH}#refusals")
        )
    if bank_simulated:
        found.append(Banner("calm", "money", say(language, "banner.bank"), ""))
    return found


def _counted(number: int) -> str:
    return f"≥ {whole(number)}" if number >= APART_MAX else whole(number)
