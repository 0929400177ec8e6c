"""What memory that was let go still holds: how the agent sees to it that this is nothing of a visit.

Python and the C library give memory back to themselves and leave in it what was there, so a name that no object holds
any more can stand in the process for days. Both are told at their start to overwrite what is let go, which they read
from the environment only: hence `begin`, for an agent that was started without it. And what lies in a circle of objects
is let go only by the collector: hence `sweep`, after each visit. Decides nothing about who holds what: references are
dropped where they are held (`Agent._wipe`).

What it costs and what was tried instead: docs/decisions/0011.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# By "debug" what Python's objects are made of is overwritten when let go; by "malloc" it is the C library's, which
# overwrites what Python moves, and what others let go. (docs.python.org/3/using/cmdline.html#envvar-PYTHONMALLOC)
_PYTHON = "malloc_debug"
# perturb: overwrite what is let go; tcache_count=0: without the one store that is exempt from it
# (sourceware.org/glibc/manual, "Memory Allocation Tunables"; malloc/malloc.c, _int_free).
_GLIBC = ("glibc.malloc.perturb=165", "glibc.malloc.tcache_count=0")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment in which memory is overwritten; `given` itself where it is so already."""
    names = {each.partition("=")[0] for each in _GLIBC}
    theirs = [each for each in given.get("GLIBC_TUNABLES", "").split(":") if each.partition("=")[0] not in {"", *names}]
    return {**given, "PYTHONMALLOC": _PYTHON, "GLIBC_TUNABLES": ":".join([*_GLIBC, *theirs])}


def begin() -> None:
    """Become an interpreter that overwrites what it lets go; nothing where this one does (the unit says so)."""
    wanted = environment(os.environ)
    # No comparison with all of it: what the C library makes of its own variable must not start us for ever.
    if os.environ.get("PYTHONMALLOC") != _PYTHON or _GLIBC[0] not in os.environ.get("GLIBC_TUNABLES", ""):
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)  # noqa: S606  itself, by the same words


def settle() -> None:
    """What the start has made stays for good: no sweep looks at it again."""
    gc.collect()
    gc.freeze()


def sweep() -> None:
    """Let go of what only holds itself: pages under way, exceptions and their frames."""
    gc.collect()
