"""The houses: one real broker of each kind, started once for each file of tests."""

from __future__ import annotations

import pytest

from fleet_server.broker import KINDS
from tests.contracts.broker.kit import make_house


@pytest.fixture(scope="module", params=KINDS)
def house(request, tmp_path_factory):
    """A running broker with admitted devices; `limits` of the test module change its settings."""
    house = make_house(
        request.param, tmp_path_factory.mktemp(request.param), 24, **getattr(request.module, "LIMITS", {})
    )
    house.broker.start()
    yield house
    house.broker.stop()
