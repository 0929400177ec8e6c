"""Fixtures of the agent's rooms."""

from __future__ import annotations

import pytest

from tests.small_fleet import Fleet, make_fleet


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    return make_fleet()
