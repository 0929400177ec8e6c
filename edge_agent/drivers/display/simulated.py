"""A display without a screen: keeps the last screen, for simulation and tests. Brings no touches of its own.

It renders each screen as the real one does, so that a screen that cannot be drawn is found wherever it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.screens.render import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_agent.effects import Screen
    from edge_agent.events import Event


class SimulatedDisplay:
    """The Display port in memory; `screen` and `html` are what stands there, None and "" after a wipe."""

    def __init__(self) -> None:
        self.screen: Screen | None = None
        self.html = ""
        self._renderer = Renderer()
        self._post: Callable[[Event], None] | None = None

    def start(self, post: Callable[[Event], None]) -> None:
        """Begin to serve."""
        self._post = post

    def show(self, screen: Screen) -> None:
        """Keep and draw a screen."""
        self.screen, self.html = screen, self._renderer.html(screen)

    def wipe(self) -> None:
        """Forget the screen."""
        self.screen, self.html = None, ""

    def touch(self, event: Event) -> None:
        """A hand on the screen: posts the event as the page would. Nothing happens before `start` or after `close`."""
        if self._post:
            self._post(event)

    def close(self) -> None:
        """Stop serving."""
        self._post = None
