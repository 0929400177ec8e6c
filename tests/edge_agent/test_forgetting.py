"""What is let go is overwritten, circles are let go after a visit, and a simulator keeps no picture of a slip."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
import weakref

import pytest

from edge_agent import forgetting
from edge_agent.drivers.open import open_driver
from edge_agent.drivers.worker import Pace, PrinterWorker
from edge_agent.effects import Slip
from edge_agent.events import PrintDone

OURS = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"
# Looks where an object was, after it was let go; between the two only what the interpreter needs for it.
FREED = """
import ctypes, sys
from edge_agent import forgetting
if len(sys.argv) > 1:
    forgetting.begin()
kind = sys.orig_argv[1:3]
def where(size):
    text = "".join(map(chr, range(97, 97 + 20))) * (size // 20)
    at = id(text) + sys.getsizeof(text) - size - 1
    assert ctypes.string_at(at, size) == text.encode()
    return at, size, text.encode()
left = [(at, size, text) for at, size, text in map(where, [20, 60, 400, 4000])]
print(sum(ctypes.string_at(at, size)[:16] == text[:16] or ctypes.string_at(at + size - 8, 8) == text[-8:]
          for at, size, text in left))
"""


@pytest.mark.parametrize(
    ("given", "tunables"),
    [
        ({}, OURS),
        ({"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"}, f"{OURS}:glibc.malloc.arena_max=1"),
        ({"GLIBC_TUNABLES": "glibc.malloc.perturb=0:glibc.malloc.check=1"}, f"{OURS}:glibc.malloc.check=1"),
    ],
)
def test_the_environment_says_it_whatever_else_it_says(given, tunables):
    wanted = forgetting.environment({"HOME": "/", "PYTHONMALLOC": "pymalloc", **given})
    assert wanted == {"HOME": "/", "PYTHONMALLOC": "malloc_debug", "GLIBC_TUNABLES": tunables}
    assert forgetting.environment(wanted) == wanted


def remains(*words: str) -> int:
    """Of four texts that were let go, how many can still be read where they stood."""
    bare = {name: value for name, value in os.environ.items() if name not in ("PYTHONMALLOC", "GLIBC_TUNABLES")}
    command = [sys.executable, "-c", FREED, *words]
    return int(subprocess.run(command, capture_output=True, text=True, env=bare, check=True).stdout)


def test_a_process_that_has_begun_so_overwrites_what_it_lets_go_and_another_does_not():
    assert remains("begin") == 0
    assert remains() > 0


def test_what_only_holds_itself_is_let_go():
    class Circle:
        pass

    gc.disable()
    try:
        one = Circle()
        one.itself = one
        gone = weakref.ref(one)
        del one
        assert gone() is not None
        forgetting.sweep()
        assert gone() is None
    finally:
        gc.enable()


def wait(true) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_simulator_forgets_its_slips_once_all_that_wait_are_printed():
    posted: list[object] = []
    driver = open_driver("printer", "simulated", {})
    worker = PrinterWorker("p", driver, posted.append, Pace(look_s=60.0))
    slip = Slip((("text", "Nguyễn Thị Bí Mật"),))
    assert worker.print(b"1", slip)
    assert worker.print(b"2", slip)
    worker.forget()
    worker.start()
    wait(lambda: sum(isinstance(each, PrintDone) for each in posted) == 2 and driver.slips_png() == ())
    assert worker.print(b"3", slip)
    wait(lambda: len(driver.slips_png()) == 1)
    assert worker.stop()
