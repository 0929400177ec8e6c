"""What stands in the records at the fleet, opened with its own key: for tests that ask whether all of it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet_server import fleet_keys
from fleet_server.opener import Opener
from fleet_server.projections import Opened
from fleet_server.store_sqlite import SqliteStore

if TYPE_CHECKING:
    from fleet_server.demo.stage import Stage


def records(stage: Stage, kind: str) -> list[dict[str, object]]:
    """The fields of all records of one kind, oldest first."""
    store = SqliteStore.open_read(stage.database)
    try:
        opener = Opener(store, store, fleet_keys.load_openers(stage.desk))
        found = [opener._open(row) for row in store.after(0, 10_000)]
    finally:
        store.close()
    return [each.fields for each in found if isinstance(each, Opened) and each.kind == kind]
