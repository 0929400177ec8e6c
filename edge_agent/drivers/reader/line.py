"""A connection to pcscd on a thread of its own, which can be left behind.

Decides nothing. libpcsclite has no deadline for a card that is silent or a pcscd that hangs, and no way to break such a
call off. So it blocks this thread; the caller goes on after the time it gave, and what comes too late is dropped.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

from edge_agent.drivers.reader.winscard import Context, PcscError

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


class NoAnswer(Exception):
    """A call did not come back in its time; its line is broken."""


class _Bug(Exception):
    """A call ended by an error that is none of PC/SC's; the line's thread has told its traceback and is gone."""


class Line:
    """One thread and its connection, for one caller, who makes one call after the other."""

    def __init__(self, name: str) -> None:
        self.broken = False
        self._context = Context()
        self._calls: queue.SimpleQueue[Callable[[Context], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def reach(self, timeout_s: float) -> None:
        """Begin: connect to pcscd.

        Raises:
            PcscError: it is not there or refuses us.
            NoAnswer: it hangs.
        """
        self._thread.start()
        self.call(Context.establish, timeout_s)

    def call(self, function: Callable[[Context], _Result], timeout_s: float) -> _Result:
        """Give what `function` gives.

        Raises:
            PcscError: it raised one.
            NoAnswer: it did not come back in `timeout_s`, or an earlier call did not.
        """
        if self.broken:
            raise NoAnswer("no answer to an earlier call")
        answers: queue.SimpleQueue[tuple[_Result] | PcscError | _Bug] = queue.SimpleQueue()

        def make(context: Context) -> None:
            answer: tuple[_Result] | PcscError | _Bug = _Bug("a call to pcscd failed in this program")
            try:
                answer = (function(context),)
            except PcscError as error:
                answer = error
            finally:
                answers.put(answer)

        self._calls.put(make)
        try:
            answer = answers.get(timeout=timeout_s)
        except queue.Empty:
            self.broken = True
            raise NoAnswer(f"no answer in {timeout_s:.1f} s") from None
        if isinstance(answer, tuple):
            return answer[0]
        raise answer

    def end(self) -> None:
        """Let go of pcscd and end, once the present call is back; does not wait for that."""
        self.broken = True
        self._calls.put(None)

    def ended(self, within_s: float = 0.0) -> bool:
        """Whether it has ended, at the latest after `within_s`."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (make := self._calls.get()) is not None:
                make(self._context)
        finally:
            self._context.release()
