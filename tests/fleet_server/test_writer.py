"""The writer thread: what run gives back is durable, one caller's error is its own, what waits goes together."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace

import pytest

from fleet_server.store import Station
from fleet_server.store_sqlite import SqliteReaders, SqliteStore
from fleet_server.writer import Writer, WriterStopped
from tests.fleet_server.station_bed import WHY

PLACE = Station("K0001", "Sảnh A", "B1", "26740", "simulated")


def put(name: str):
    return lambda store: store.put_station(replace(PLACE, id=name), WHY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fleet.db"


@pytest.fixture
def writer(path):
    writer = Writer(lambda: SqliteStore.open(path))
    writer.start()
    yield writer
    writer.stop()


def names(path) -> list[str]:
    readers = SqliteReaders(path)
    found = readers.read(lambda store: [each.id for each in store.stations()])
    readers.close()
    return found


def test_what_run_gave_back_is_seen_by_a_reader(writer, path):
    assert writer.run(lambda store: (put("K0001")(store), "done")[1]) == "done"
    assert names(path) == ["K0001"]


def test_work_from_many_threads_is_all_done_by_one(writer, path):
    doers = set()

    def work(store, name):
        doers.add(threading.current_thread().name)
        put(name)(store)

    threads = [
        threading.Thread(target=writer.run, args=(lambda store, n=n: work(store, f"K{n:04d}"),)) for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert doers == {"writer"}
    assert len(names(path)) == 20


class Crowd:
    """Holds the writer in one job until others wait behind it, so that these become one group."""

    def __init__(self, writer) -> None:
        self.writer, self.go, self.in_it = writer, threading.Event(), threading.Event()
        self.results: dict[str, object] = {}
        self.threads: list[threading.Thread] = []

    def add(self, name: str, fn) -> None:
        def call():
            try:
                self.results[name] = self.writer.run(fn)
            except (ValueError, sqlite3.Error) as error:
                self.results[name] = error

        self.threads.append(threading.Thread(target=call))

    def together(self) -> dict[str, object]:
        holder = threading.Thread(target=self.writer.run, args=(lambda store: (self.in_it.set(), self.go.wait(10)),))
        holder.start()
        assert self.in_it.wait(10)
        for thread in self.threads:
            thread.start()
        while self.writer._waiting.qsize() < len(self.threads):
            threading.Event().wait(0.005)
        self.go.set()
        for thread in [holder, *self.threads]:
            thread.join()
        return self.results


def test_one_callers_error_undoes_its_own_work_and_nobody_elses(writer, path):
    crowd = Crowd(writer)

    def fails(store):
        put("K0666")(store)
        raise ValueError("not this one")

    crowd.add("first", put("K0001"))
    crowd.add("wrong", fails)
    crowd.add("last", put("K0002"))
    results = crowd.together()
    assert isinstance(results["wrong"], ValueError)
    assert (results["first"], results["last"]) == (None, None)
    assert names(path) == ["K0001", "K0002"]


def test_a_commit_that_fails_is_told_to_everyone_in_it(writer, path):
    crowd = Crowd(writer)
    # A deferred constraint is judged at COMMIT: it stands for a disk that fails there.
    crowd.add("first", put("K0001"))

    def poison(store):
        store.execute("PRAGMA defer_foreign_keys = ON")
        store.execute("INSERT INTO desired VALUES (x'00', 1, x'00', x'00', 0)")

    crowd.add("poison", poison)
    results = crowd.together()
    assert all(isinstance(each, sqlite3.IntegrityError) for each in results.values())
    assert names(path) == []
    writer.run(put("K0003"))
    assert names(path) == ["K0003"]


def test_a_full_disk_inside_a_group_loses_the_group_and_says_so_to_everyone(writer, path):
    crowd = Crowd(writer)

    def fill(store):
        # SQLITE_FULL rolls the whole transaction back, the savepoints with it.
        pages = store.one("PRAGMA page_count")[0]
        store.execute(f"PRAGMA max_page_count = {pages}")
        for n in range(1000):
            store.execute("INSERT INTO setting VALUES (?, ?)", f"x{n}", "y" * 10_000)

    crowd.add("first", put("K0001"))
    crowd.add("fill", fill)
    crowd.add("last", put("K0002"))
    results = crowd.together()
    assert isinstance(results["fill"], sqlite3.OperationalError)
    stored = names(path)
    for name, station in (("first", "K0001"), ("last", "K0002")):
        assert (results[name] is None) == (station in stored)
        assert results[name] is None or "full" in str(results[name])
    assert writer.run(lambda store: store.settings("x0")) == {}


def test_after_stop_nothing_is_taken_and_what_waited_was_done(path):
    writer = Writer(lambda: SqliteStore.open(path))
    with pytest.raises(WriterStopped):
        writer.run(put("K0001"))
    writer.start()
    writer.run(put("K0001"))
    writer.stop()
    writer.stop()
    with pytest.raises(WriterStopped):
        writer.run(put("K0002"))
    assert names(path) == ["K0001"]


def test_a_store_that_cannot_be_opened_comes_out_of_start(tmp_path):
    writer = Writer(lambda: SqliteStore.open(tmp_path / "no" / "such" / "folder.db"))
    with pytest.raises(sqlite3.OperationalError):
        writer.start()


def test_a_write_inside_a_write_is_our_own_mistake(writer):
    with pytest.raises(AssertionError, match="a write inside a write"):
        writer.run(lambda _: writer.run(put("K0001")))
