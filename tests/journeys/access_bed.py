"""A page that is measured: the real local web server, one tab of a real Chromium, and axe-core beside our own rules.

Takes screens as values and gives complaints as sentences; access.js asks the page. The bounds are those of the domain
reference, 14.2, in millimetres; how large a millimetre is says the display's own description. Decides no expectation.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from device_profiles.peripheral import Peripherals
from device_profiles.profile import texts
from edge_agent.drivers.display.browser import BrowserDisplay
from tests.npm_tools import npm_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from edge_agent.effects import Screen

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
SCRIPT = Path(__file__).with_name("access.js")
MM_PER_INCH = 25.4
BEHIND = "409 (Conflict)"  # a beat for the screen before: the next one was on its way
TOUCH_MM, GAP_MM = 20, 3
# Reach is 1,220 mm above the floor: an upright panel of 476 mm may hang with its lower edge at 930 mm if the controls
# of the low mode stand in its lower three fifths. A lying one is within reach as a whole.
REACH_SHARE = 0.4
# How a screen may be shown: large text, low controls, with the ribbon that says MÔ PHỎNG.
WAYS = {
    "normal": (False, False, False),
    "big": (True, False, False),
    "low": (False, True, False),
    "big low": (True, True, False),
    "simulated": (False, False, True),
}
AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {
        # Measured here more strictly (7:1, 4.5:1), with what lies behind pictures, and at every place of a list.
        "color-contrast": {"enabled": False},
        # 24 px; here 20 mm, and it alone would take half of axe's time.
        "target-size": {"enabled": False},
    },
    "resultTypes": ["violations"],
    "preload": False,  # no rule that is left needs the style sheet's text
}


@dataclass(frozen=True, slots=True)
class Panel:
    """A display as it hangs in a lobby: its picture in pixels, and how many of them are an inch."""

    width_px: int
    height_px: int
    dpi: int

    def bounds(self, *, low: bool) -> dict[str, float]:
        """Domain reference, 14.2, in this panel's pixels; `low`: for whoever sits or is small."""
        reach = REACH_SHARE * self.height_px if low and self.height_px > self.width_px else 0.0
        touch, gap = (length_mm * self.dpi / MM_PER_INCH for length_mm in (TOUCH_MM, GAP_MM))
        contrast = {"contrast": 7.0, "contrast_large": 4.5, "contrast_off": 4.5}
        return {"touch": touch, "gap": gap, "reach": reach, "text": 24, "title": 36, **contrast}


def panels() -> dict[str, Panel]:
    """Every panel that the shipped descriptions of displays tell of, by name."""
    shipped = Peripherals(texts(resources.files("device_profiles"), "peripherals"))
    told = {name: each.limits for name, each in shipped.items() if each.port == "display" and each.limits}
    return {name: Panel(**limits) for name, limits in told.items()}


def way(screen: Screen, name: str) -> Screen:
    """The same screen in one of the ways."""
    big, low, simulated = WAYS[name]
    frame = {**screen.data["frame"], "low": low, "simulated": simulated}  # type: ignore[dict-item]
    return replace(screen, big=big, low=low, data={**screen.data, "frame": frame})


class Booth:
    """One panel with the agent's page on it. `look` shows a screen and measures it."""

    def __init__(self, browser: Browser, panel: Panel) -> None:
        self.panel, self._number, self._axe = panel, 0, False
        self._said: list[str] = []  # what the browser complains of: a style it refused, a script that broke
        self.display = BrowserDisplay()
        self.display.start(lambda _: None)
        size = {"width": panel.width_px, "height": panel.height_px}
        self.page = browser.new_page(viewport=size)
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self._said.append(f"script: {error}"))
        self.page.on("console", lambda told: self._hear(told.type, told.text))
        self.page.add_init_script(path=SCRIPT)
        self.page.goto(self.display.url)

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and BEHIND not in text:
            self._said.append(f"console: {text}")

    def close(self) -> None:
        self.page.close()
        self.display.close()

    def show(self, screen: Screen) -> None:
        """Have a screen drawn, and wait until the page has taken it."""
        self._number += 1
        self.display.show(replace(screen, number=self._number))
        self.page.evaluate("number => access.shown(number)", self._number)

    def put(self, html: str) -> None:
        """The same with a page of ours instead of a screen's."""
        self._number += 1
        self.display._message = replace(
            self.display._message, number=self._number, name=f"ours {self._number}", html=html
        )
        self.display._wake()
        self.page.evaluate("number => access.shown(number)", self._number)

    def look(self, screen: Screen, *, axe: bool = True) -> list[str]:
        """What is wrong with a screen, one sentence each; without axe only what we measure ourselves."""
        self.show(screen)
        return self.complaints(screen.language, low=screen.low, axe=axe)

    def complaints(self, language: str, root: str = "#stage > *", *, low: bool = False, axe: bool = True) -> list[str]:
        """What is wrong with what stands there."""
        if not self._axe:
            self.page.evaluate((npm_folder() / "axe-core" / "axe.min.js").read_text("utf-8"))
            self._axe = True
        given = [self.panel.bounds(low=low) | {"language": language}, root, AXE if axe else None]
        told = self.page.evaluate(
            """async ([bounds, root, axe]) => {
              const told = await access.measure(bounds, document.querySelector(root));
              return { ...told, found: [...told.found, ...(axe ? await access.judge(axe) : [])] };
            }""",
            given,
        )
        found = [f"{rule}: {element}: {words}" for rule, element, words in told["found"]]
        found += self._behind(told["unsure"]) + self._said
        self._said.clear()
        return found

    def _behind(self, texts: list[dict[str, Any]]) -> list[str]:
        """Texts on pictures or half-transparent: held against the worst pixel that lies behind them."""
        found = []
        for text in texts:
            ratio = self.contrast_on_pixels(text)
            if ratio < text["needed"]:
                found.append(f"contrast: {text['name']}: {ratio:.2f}:1 on its pixels; {text['needed']} at least")
        return found

    def contrast_on_pixels(self, text: dict[str, Any]) -> float:
        """The least contrast of a text with any pixel behind it."""
        clip = {key: text[key] for key in ("x", "y", "width", "height")}
        self.page.evaluate("top => access.undress(top)", text["top"])
        picture = Image.open(io.BytesIO(self.page.screenshot(clip=clip))).convert("RGB")
        self.page.evaluate("access.dress()")
        found = picture.getcolors(picture.width * picture.height)
        assert found is not None
        return min(_contrast(_over(text["ink"], colour), colour) for _, colour in found)


def _over(ink: dict[str, float], colour: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(ink[name] * ink["a"] + part * (1 - ink["a"]) for name, part in zip("rgb", colour, strict=True))


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2, contrast ratio of two sRGB colours."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: tuple[float, ...]) -> float:
    parts = [each / 255 for each in colour]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
