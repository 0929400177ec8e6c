"""Residents of a demonstration fill in real forms: at the real visit machine, from the page that it draws."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from edge_agent.effects import Append
from edge_agent.screens.render import Renderer
from fleet_server.demo import form
from fleet_server.forms import shipped
from fleet_server.projections import Opened, dossiers
from tests.edge_agent import form_bed
from tests.edge_agent.visit_bed import of

if TYPE_CHECKING:
    from tests.edge_agent.visit_bed import Bed

TOUCHES_MAX = 400


def fill(bed: Bed, rng: random.Random, pages: Renderer) -> list[str]:
    """Answer question by question until the review stands there; give the questions."""
    asked = []
    for _ in range(TOUCHES_MAX):
        if bed.name != "ask":
            return asked
        page = pages.html(bed.screen)
        asked.append(form.question(page))
        for touch in form.answer(page, rng, bed.wall_ms):
            bed.touch(*touch)
    raise AssertionError(f"still asked: {asked[-3:]}")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("make", [form_bed.report, form_bed.begin])
def test_every_form_is_filled_in_without_a_fault_for_station_and_fleet(make, language):
    pages = Renderer()
    seen = set()
    for group in {"report"} if make is form_bed.report else {"dossier", "data"}:
        for seed in range(6):
            rng = random.Random(seed)
            bed = make(language) if make is form_bed.report else make(group, language)
            if bed.name == "identify":
                bed.touch("way", "type")
            fill(bed, rng, pages)
            assert bed.name == "form_review"
            page = pages.html(bed.screen)
            assert form.values(page, "consent") == ["1"]
            bed.touch("consent", "1")
            assert form.values(pages.html(bed.screen), "consent") == ["0"]
            bed.touch("next")
            assert bed.name == "form_result"
            (said,) = [each.fields for each in of(bed.done, Append) if each.kind == "dossier.created"]
            service = next(each for each in shipped().services if each.form == said["form"])
            record = Opened(1, b"d" * 16, b"j" * 16, 0, b"t" * 16, bed.wall_ms, 2, bed.wall_ms, "dossier.created", said)
            assert dossiers.faults(service, record) == 0
            seen.add(said["form"])
    assert seen == ({"police_report/1"} if make is form_bed.report else {"stay_notice/1", "data_wrong/1"})


def test_what_is_greyed_out_is_not_touched_and_a_strange_page_is_left_alone():
    page = (
        '<button data-action="group" data-value="bill">a</button>'
        '<button data-action="group" data-value="report" disabled>b</button>'
    )
    assert form.values(page, "group") == ["bill"]
    assert form.answer(page, random.Random(1), 0) == []
    assert form.answer('<main class="kind-choice">', random.Random(1), 0) == []
    assert form.question(page) == ""


def test_own_typing_is_not_a_new_question_but_a_fault_is():
    typed = '<h1 id="question">Bao nhiêu?</h1><main class="kind-number">'
    assert not form.is_open(typed)
    assert form.is_open(typed + '<p class="note bad" role="alert">')
    assert form.is_open(typed + '<button data-action="ward" data-value="27097">')
    assert form.is_open("<main>")
