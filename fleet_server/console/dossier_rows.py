"""Dossiers as the console tells them: what waits for an office, what an office said. Holds no answer and no person.

Which state a dossier has and how its deadline stands is the word of `fleet_server.dossiers`; here stands only how it is
told. The service's name comes from the form it was made with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.formats.wards import ward_name
from fleet_server import dossiers
from fleet_server.console.marks import Mark
from fleet_server.console.telling import masked, moment, whole
from fleet_server.console.wording import LANGUAGES, say, word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet_server.console.wording import Language
    from fleet_server.forms import Forms
    from fleet_server.store import DossierCount, Filed, Store

WAITING_SHOWN, DECIDED_SHOWN = 300, 100

STATES = {
    "SENT": ("calm", "waiting"),
    "NEEDS_MORE": ("warn", "alert"),
    "ACCEPTED": ("ok", "done"),
    "REJECTED": ("bad", "close"),
}
LEVELS = {
    "chip_verified": ("ok", "check"),
    "chip_read": ("", ""),
    "claimed": ("", ""),
    "typed": ("off", ""),
    "none": ("off", ""),
}


class Line(NamedTuple):
    """One dossier as it stands at one moment; name: of its service, Vietnamese and English ("" = form not known)."""

    filed: Filed
    station: str
    name: tuple[str, str]
    due: str
    slow: bool


class Totals(NamedTuple):
    """Dossiers in numbers; of those that wait for an office: urgent, past and near their deadline, with a fault."""

    states: dict[str, int]
    urgent: int = 0
    overdue: int = 0
    at_risk: int = 0
    faulty: int = 0

    @property
    def waiting(self) -> int:
        """On how many no office has said a word."""
        return self.states.get(dossiers.SENT, 0)

    @property
    def decided(self) -> int:
        """On how many one has."""
        return sum(self.states.values()) - self.waiting


@dataclass(frozen=True, slots=True)
class DossierView:
    """Dossiers at one moment. waiting: urgent first, then by deadline, then oldest; decided: newest word first."""

    totals: Totals
    waiting: tuple[Line, ...]
    decided: tuple[Line, ...]


def look(store: Store, now_ms: int, forms: Forms, station: str | None = None) -> DossierView:
    """Read the dossiers of the fleet, or of one station, with the forms they were made with."""
    station_of = {device.id: device.station for device in store.devices()}

    def line(filed: Filed) -> Line:
        made = filed.dossier
        form = forms.form_of(store, made.catalogue, made.service, made.form)
        name = (form.name.vi, form.name.en) if form else ("", "")
        due, slow = dossiers.deadline(filed, now_ms), dossiers.is_slow(filed, now_ms)
        return Line(filed, station_of.get(made.device, ""), name, due, slow)

    return DossierView(
        totals=totals(store.dossier_counts(now_ms, now_ms + dossiers.SOON_MS, station)),
        waiting=tuple(line(each) for each in store.dossiers_waiting(WAITING_SHOWN, station)),
        decided=tuple(line(each) for each in store.dossiers_decided(DECIDED_SHOWN, station)),
    )


def totals(counts: Iterable[DossierCount]) -> Totals:
    """Sum up; what is urgent, late or faulty is counted only while it waits."""
    found = {each.state: each for each in counts}
    states = {state: found[state].dossiers for state in dossiers.STATES if state in found}
    open_ = found.get(dossiers.SENT)
    return Totals(states, open_.urgent, open_.overdue, open_.at_risk, open_.faulty) if open_ else Totals(states)


def tiles(language: Language, shown: Totals) -> list[tuple[Mark, int]]:
    """What the numbers say, gravest first; nothing of what there is none of, but always how many wait."""
    late = [
        (Mark(say(language, "dossiers.overdue"), "bad", "alert"), shown.overdue),
        (Mark(say(language, "dossiers.at_risk"), "warn", "clock"), shown.at_risk),
        (Mark(say(language, "dossiers.urgent"), "bad", "alert"), shown.urgent),
        (Mark(say(language, "dossiers.faulty"), "warn", "alert"), shown.faulty),
    ]
    states = {dossiers.SENT: 0, **shown.states}
    told = [(state_mark(language, state), number) for state, number in states.items()]
    return [*((mark, number) for mark, number in late if number), *told]


def state_mark(language: Language, state: str) -> Mark:
    """The state of a dossier."""
    return Mark(word(language, "filed", state), *STATES.get(state, ("off", "help")))


def overview_mark(language: Language, shown: Totals) -> Mark:
    """What the list of stations says of all dossiers."""
    tone = "bad" if shown.overdue else "warn" if shown.at_risk else "calm"
    return Mark(say(language, "dossiers.open"), tone, "dossier")


def cells(language: Language, line: Line) -> dict[str, list[Mark]]:
    """The marks of one dossier, by the names of its columns."""
    made = line.filed.dossier
    name = line.name[LANGUAGES.index(language)] or masked(made.form)
    urgent = [Mark(say(language, "dossiers.urgent"), "bad", "alert")] if made.urgent else []
    return {
        "service": [*urgent, Mark(name), Mark(masked(f"{made.service} · {made.form}"), small=True)],
        "state": _state(language, line),
        "deadline": _deadline(language, line),
        "ward_office": [Mark(ward_name(made.ward, language))],
        "identity": [Mark(word(language, "level", made.identity), *LEVELS.get(made.identity, ("off", "help")))],
        "form": _form(language, line),
    }


def _state(language: Language, line: Line) -> list[Mark]:
    found = [state_mark(language, line.filed.state)]
    if line.slow:
        found.append(Mark(say(language, "dossiers.slow"), "warn", small=True))
    if line.filed.word:
        is_seen = line.filed.dossier.seen == line.filed.state
        found.append(Mark(say(language, "dossiers.seen" if is_seen else "dossiers.unseen"), small=True))
    return found


def _deadline(language: Language, line: Line) -> list[Mark]:
    at = moment(line.filed.dossier.deadline_ms)
    match line.due:
        case "overdue":
            return [Mark(say(language, "dossiers.overdue"), "bad", "alert"), Mark(at, small=True)]
        case "at_risk":
            return [Mark(say(language, "dossiers.at_risk"), "warn", "clock"), Mark(at, small=True)]
        case "was":
            return [Mark(at, "off")]
        case _:
            return [Mark(at)]


def _form(language: Language, line: Line) -> list[Mark]:
    made = line.filed.dossier
    if made.faults is None:
        told = Mark(say(language, "form.unchecked"), "off", "help")
    elif made.faults:
        told = Mark(say(language, "form.faults", n=made.faults), "warn", "alert")
    else:
        told = Mark(say(language, "form.complete"), "ok", "check")
    sources = [f"{whole(number)} {word(language, 'source', name)}" for name, number in sorted(made.sources.items())]
    return [told, Mark(" · ".join(sources), small=True)] if sources else [told]
