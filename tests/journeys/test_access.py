"""Every screen, measured in a real Chromium: usable by old eyes and by a finger, in every mode, at both sizes.

All screens of tests/edge_agent/visit_scenes.py, in both languages, in large text and with low controls. A complaint
names scene, mode, element and number. `ONLY=idle,home` looks at some scenes only.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import sync_playwright

from edge_agent.effects import Screen
from tests.edge_agent import form_samples, screen_samples
from tests.edge_agent.visit_scenes import SCENES, scene
from tests.journeys.access_bed import CHROMIUM, FLAGS, WAYS, Booth, panels, way

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Browser

pytestmark = pytest.mark.journey
PANELS = panels()
NAMES = [name for name in os.environ.get("ONLY", "").split(",") if name] or list(SCENES)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def booths(browser: Browser) -> Generator[dict[str, Booth]]:
    made = {name: Booth(browser, panel) for name, panel in PANELS.items()}
    yield made
    for each in made.values():
        each.close()


SAMPLES = screen_samples.FRAMES | form_samples.FRAMES
EXTREMES = (
    "idle_many",
    "idle_notice",
    "group_many",
    "identify_optional",
    "ask_choice_many",
    "ask_name_bad",
    "ask_signs",
    "ask_ward_none",
    "ask_date_bad",
    "form_review_faults",
    "form_result_more",
    "technician_page_full",
)
# What axe judges is the same HTML in every mode, but for the ribbon and what scrolls; in large text and low, most does.
WITH_AXE = {"big low", "simulated"}


def summed(complaints: list[str]) -> list[str]:
    """The first complaint of each rule, and how many more there are: enough to find the fault, short enough to read."""
    rules: dict[str, list[str]] = {}
    for each in complaints:
        rules.setdefault(each.split(":")[0], []).append(each)
    return [f"{found[0]}{f' (and {len(found) - 1} more)' if found[1:] else ''}" for found in rules.values()]


def seen(name: str, language: Literal["vi", "en"], mode: str) -> Screen:
    """A scene as somebody with this language and this mode sees it."""
    return way(replace(scene(name).screen, language=language), mode)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("panel", PANELS)
def test_every_screen_can_be_seen_read_and_touched(booths, panel, language):
    found = [
        f"{name} ({mode}): {complaint}"
        for name in NAMES
        for mode in WAYS
        for complaint in summed(booths[panel].look(seen(name, language, mode), axe=mode in WITH_AXE))
    ]
    if found:
        pytest.fail(f"{panel}, {language}: {len(found)} complaints\n" + "\n".join(found), pytrace=False)


@pytest.mark.parametrize("panel", PANELS)
def test_screens_that_only_a_larger_catalogue_or_a_rarer_fault_brings_too(booths, panel):
    found = [
        f"{name} ({language}, {mode}): {complaint}"
        for name in EXTREMES
        for language in ("vi", "en")
        for mode in WAYS
        for complaint in summed(
            booths[panel].look(way(Screen(1, *SAMPLES[name], language), mode), axe=mode in WITH_AXE)
        )
    ]
    if found:
        pytest.fail(f"{panel}: {len(found)} complaints\n" + "\n".join(found), pytrace=False)


@pytest.mark.parametrize("panel", PANELS)
def test_the_page_without_an_agent_can_be_read_too(browser, panel):
    booth = Booth(browser, PANELS[panel])
    assert booth.page.locator("#lost").is_visible()
    assert booth.complaints("vi", "#lost") == []
    booth.close()
