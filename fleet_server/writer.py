"""The one writer thread: owns the write connection and commits what waits in one transaction. Knows no rule.

A caller's `run` returns when its work is durable. Whatever waits meanwhile goes into the next transaction together:
nothing lingers to collect more. An error in one caller's work undoes that work alone and comes out of that caller's
`run`; a failed commit comes out of all of them.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from fleet_server.store import Store
    from fleet_server.store_sqlite import SqliteStore

T = TypeVar("T")
GROUP_MAX = 256


class WriterStopped(Exception):
    """Work was handed to a writer that is not running."""


@dataclass(slots=True)
class _Job:
    """One caller's work; as a context it catches the work's own error and keeps it for the caller."""

    fn: Callable[[Store], Any]
    done: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: Exception | None = None

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Hand an error over to whoever waits: it is theirs, and the others' work goes on."""
        if isinstance(error, Exception):
            self.error = error
            return True
        return False

    def settle(self, lost: Exception | None) -> None:
        """Wake the caller: with its own error, with the one that lost the whole transaction, or with its result."""
        error = self.error or lost
        if error is None:
            self.done.set_result(self.result)
        else:
            self.done.set_exception(error)


class Writer:
    """Committer on a thread of its own. `start` before the first `run`, `stop` at the end: what waits is done first."""

    def __init__(self, open_store: Callable[[], SqliteStore]) -> None:
        self._open_store = open_store
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Open the store (errors come out here) and begin."""
        store = self._open_store()
        thread = threading.Thread(target=self._work, args=(store,), name="writer")
        with self._lock:
            self._thread = thread
        thread.start()

    def run(self, fn: Callable[[Store], T]) -> T:
        """Run `fn` in a transaction and give what it gave, once that is durable. From any thread but the writer's.

        Raises whatever `fn` raised, sqlite3.Error when the commit failed, WriterStopped.
        """
        job = _Job(fn)
        with self._lock:
            if self._thread is None:
                raise WriterStopped("the writer is not running: start it, or stop asking")
            assert self._thread is not threading.current_thread(), "a write inside a write"  # noqa: S101 - a deadlock
            self._waiting.put(job)
        result: T = job.done.result()
        return result

    def stop(self) -> None:
        """Do what waits, close the store, end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _work(self, store: SqliteStore) -> None:
        running = True
        while running:
            group = [self._waiting.get()]
            while len(group) < GROUP_MAX and not self._waiting.empty():
                group.append(self._waiting.get())
            jobs = [job for job in group if job is not None]
            running = len(jobs) == len(group)
            if jobs:
                commit(store, jobs)
        store.close()


def commit(store: SqliteStore, jobs: list[_Job]) -> None:
    """Do the jobs in one transaction and wake their callers, only after it is durable or lost."""
    lost: Exception | None = None
    try:
        with store.transaction():
            for job in jobs:
                with job, store.part():
                    job.result = job.fn(store)
                if not store.in_transaction:  # a full disk undid all of it, the earlier jobs' work too
                    lost = job.error
                    break
    except sqlite3.Error as error:
        lost = lost or error
    for job in jobs:
        job.settle(lost)
