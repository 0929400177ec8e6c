"""What every display promises (edge_agent.ports.Display), run on each of them."""

from __future__ import annotations

import pkgutil
import queue
import threading
from dataclasses import replace

import jinja2
import pytest

from edge_agent.drivers import display as drivers
from edge_agent.events import Touched
from tests.contracts.display.rigs import RIGS
from tests.edge_agent.visit_scenes import scene


@pytest.fixture(params=RIGS)
def rig(request):
    made = RIGS[request.param]()
    yield made
    made.end()


def test_every_display_there_is_has_a_rig():
    assert {found.name for found in pkgutil.iter_modules(drivers.__path__)} == set(RIGS)


def test_what_is_shown_is_seen(rig):
    rig.start()
    rig.display.show(scene("home").screen)
    assert "Bạn cần làm gì hôm nay?" in rig.html()


def test_a_screen_shown_before_the_start_is_seen_after_it(rig):
    rig.display.show(scene("home").screen)
    rig.start()
    assert "Bạn cần làm gì hôm nay?" in rig.html()


def test_only_the_newest_screen_counts(rig):
    rig.start()
    for name in ("home", "bills", "help"):
        rig.display.show(scene(name).screen)
    html = rig.html()
    assert "0693187111" in html
    assert "NGUYEN" not in html


def test_a_wipe_leaves_nothing_to_be_seen(rig):
    rig.start()
    rig.display.show(scene("bills").screen)
    assert "NGUYEN *** AN" in rig.html()
    rig.display.wipe()
    assert rig.html() == ""
    assert "NGUYEN" not in repr(_everything(rig.display))


def _everything(display) -> list[object]:
    """All that the object itself keeps (the templates' engine apart)."""
    return [value for name, value in vars(display).items() if name != "_renderer"]


def test_a_touch_is_posted_with_its_screen(rig):
    rig.start()
    rig.touch(7, "key", "A")
    assert rig.posted.get(timeout=5) == Touched(7, "key", "A")


def test_a_screen_that_cannot_be_drawn_is_an_error_where_it_is_shown(rig):
    rig.start()
    with pytest.raises(jinja2.TemplateNotFound):
        rig.display.show(replace(scene("home").screen, name="nowhere"))


def test_after_the_close_nothing_is_posted_and_closing_again_is_no_error(rig):
    rig.start()
    rig.display.close()
    rig.touch(1, "start")
    with pytest.raises(queue.Empty):
        rig.posted.get(timeout=0.1)
    rig.display.close()
    rig.display.show(scene("home").screen)
    rig.display.wipe()


def test_closing_without_a_start_is_no_error(rig):
    rig.display.close()


def test_no_thread_is_left_behind(rig):
    before = set(threading.enumerate())
    rig.start()
    rig.html()
    rig.display.close()
    assert set(threading.enumerate()) <= before
