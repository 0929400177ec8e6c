"""The pictures of docs/screens: every screen has its own at every panel, and none is of a screen that is no more."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.edge_agent.visit_scenes import SCENES
from tests.journeys import shots

SIZE_MAX_BYTES = 3_000_000


def test_every_scene_has_its_pictures_and_no_picture_is_without_a_scene():
    assert {path.name for path in shots.SCREENS.glob("*.webp")} == shots.wanted(), "run python -m tests.journeys.shots"
    assert sum(path.stat().st_size for path in shots.SCREENS.iterdir()) <= SIZE_MAX_BYTES


def test_the_sheet_lists_every_picture():
    text = (shots.SCREENS / "README.md").read_text("utf-8")
    assert text.startswith(shots.HEAD)
    assert [name for name in SCENES if f"| `{name}` |" not in text] == []
    assert [name for name in shots.wanted() if f"]({name})" not in text] == []


@pytest.mark.journey
def test_a_picture_is_the_screen_at_half_its_size(tmp_path):
    titles = shots.draw(tmp_path, ["home"])
    assert list(titles) == ["home"]
    assert titles["home"]
    for panel in shots.panels().values():
        picture = Image.open(tmp_path / shots.name_of("home", panel))
        assert picture.size == (panel.width_px // 2, panel.height_px // 2)
        assert len(picture.getcolors(picture.width * picture.height)) > 100, "an empty page has few colours"
