"""`python -m tests.journeys.shots`: a picture of every screen at every panel, into docs/screens, and their sheet.

The pictures are half as large as the panel and follow the scenes of tests/edge_agent/visit_scenes.py; pictures of
scenes that are no more are removed. Names are compared by a test, pixels by people. One argument: another folder.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.edge_agent.visit_scenes import SCENES, scene
from tests.journeys.access_bed import CHROMIUM, FLAGS, Booth, Panel, panels

if TYPE_CHECKING:
    from collections.abc import Iterable

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
QUALITY = 20
HEAD = """# Screens

Every screen that a resident can meet, drawn by the real page in Chromium from the scenes of
`tests/edge_agent/visit_scenes.py`. Made by `python -m tests.journeys.shots` (in `.venv`, which `./station test` makes):
run it after a change of screens and look at what changed. Persons and numbers are made up.

"""


def name_of(scene_name: str, panel: Panel) -> str:
    """The file of a scene at a panel."""
    return f"{scene_name}-{panel.width_px}x{panel.height_px}.webp"


def wanted() -> set[str]:
    """Every file there must be."""
    sizes = panels().values()
    return {name_of(name, panel) for name in SCENES for panel in sizes}


def main(arguments: list[str]) -> int:
    """Draw all; give the exit code."""
    folder = Path(arguments[0]) if arguments else SCREENS
    folder.mkdir(parents=True, exist_ok=True)
    titles, there = draw(folder, SCENES), wanted()
    for path in folder.glob("*.webp"):
        if path.name not in there:
            path.unlink()
    (folder / "README.md").write_text(HEAD + sheet(titles), encoding="utf-8")
    size_kb = sum(path.stat().st_size for path in folder.iterdir()) // 1000
    sys.stdout.write(f"{len(titles)} screens at {len(panels())} panels, {size_kb} kB, in {folder}\n")
    return 0


def draw(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The pictures of some scenes; gives each scene's title as it stands on its screen."""
    titles: dict[str, str] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for panel in panels().values():
            booth = Booth(browser, panel)
            for name in names:
                booth.show(scene(name).screen)
                titles[name] = booth.page.locator("#stage h1").inner_text().replace("\n", " ")
                _keep(booth.page.screenshot(animations="disabled"), folder / name_of(name, panel))
            booth.close()
        browser.close()
    return titles


def _keep(png: bytes, path: Path) -> None:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS).save(path, quality=QUALITY)


def sheet(titles: dict[str, str]) -> str:
    """The list of all pictures, one line for each scene."""
    sizes = list(panels().values())
    head = "| scene | title | " + " | ".join(f"{each.width_px} × {each.height_px}" for each in sizes) + " |\n"
    rows = ["|---" * (2 + len(sizes)) + "|\n"]
    for name, title in titles.items():
        pictures = " | ".join(_thumb(name, each) for each in sizes)
        rows.append(f"| `{name}` | {title} | {pictures} |\n")
    return head + "".join(rows)


def _thumb(name: str, panel: Panel) -> str:
    file = name_of(name, panel)
    return f'[<img src="{file}" alt="{name}" height="240">]({file})'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
