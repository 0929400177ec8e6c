"""systemd's notify protocol in a few lines: ready, alive, stopping. Says nothing when systemd did not ask.

`alive` is called by the hand after a full turn of its loop, never from a timer: only progress feeds the watchdog.
"""

from __future__ import annotations

import contextlib
import os
import socket


def _say(words: str) -> None:
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        # A manager that does not listen is no reason to stop serving.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, contextlib.suppress(OSError):
            out.connect("\0" + path[1:] if path[0] == "@" else path)
            out.send(words.encode())


def ready() -> None:
    """The journal is open and the page is served."""
    _say("READY=1")


def alive() -> None:
    """The hand has made a full turn."""
    _say("WATCHDOG=1")


def stopping() -> None:
    """We were asked to end."""
    _say("STOPPING=1")


def status(words: str) -> None:
    """One line of ours for `systemctl status`."""
    _say(f"STATUS={words}")
