"""The degradation table against the domain reference, sections 2 and 14.4: every service under every loss."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import pytest

from device_profiles.catalogue import LEVELS
from device_profiles.catalogue_toml import load_shipped
from edge_agent.machines.degradation import Here, offer, ways

SERVICES = {each.id: each for each in load_shipped().services}
DAY = date(2026, 11, 22)
ALL = Here(network=True, printer=True, reader=True, scanner=True, storage=True, day=DAY)
FORMS = ("police_report", "stay_notice", "data_wrong")


@pytest.mark.parametrize("name", SERVICES)
def test_where_all_works_all_is_offered(name):
    assert offer(SERVICES[name], ALL) == ("ready", "")


@pytest.mark.parametrize("name", SERVICES)
def test_without_printer_or_scanner_everything_shipped_is_still_offered(name):
    for lost in ({"printer": False}, {"scanner": False}):
        assert offer(SERVICES[name], ALL._replace(**lost)) == ("ready", "")


def test_without_a_network_only_what_asks_the_fleet_is_withdrawn():
    here = ALL._replace(network=False)
    assert {name: offer(SERVICES[name], here) for name in SERVICES if offer(SERVICES[name], here).state != "ready"} == {
        "code_lookup": ("none", "offline")
    }


def test_without_the_card_reader_only_what_needs_the_chip_is_withdrawn():
    here = ALL._replace(reader=False)
    assert {name for name in SERVICES if offer(SERVICES[name], here).state == "none"} == {"id_card_check"}
    assert offer(SERVICES["id_card_check"], here).why == "no_reader"
    assert [each.way for each in ways(SERVICES["stay_notice"], here) if not each.why] == ["code", "type"]


def test_without_a_trusted_clock_what_has_a_deadline_is_withdrawn():
    here = ALL._replace(day=None)
    assert offer(SERVICES["stay_notice"], here) == ("none", "clock")
    assert offer(SERVICES["police_report"], here).state == "ready"
    assert offer(SERVICES["data_wrong"], here).state == "ready"


def test_with_a_full_disk_only_reading_is_left():
    here = ALL._replace(storage=False)
    assert [offer(SERVICES[name], here) for name in FORMS] == [("none", "storage")] * 3
    assert offer(SERVICES["management_fee"], here) == ("limited", "storage")
    assert offer(SERVICES["id_card_check"], here).state == "ready"


def test_a_service_out_of_its_days_is_withdrawn_where_the_day_is_known():
    old = replace(SERVICES["data_wrong"], valid_to="2026-11-21")
    new = replace(SERVICES["data_wrong"], valid_from="2026-11-23")
    assert offer(old, ALL) == offer(new, ALL) == ("none", "not_valid")
    assert offer(old, ALL._replace(day=None)).state == "ready"
    last = replace(SERVICES["data_wrong"], valid_from="2026-11-22", valid_to="2026-11-22")
    assert offer(last, ALL).state == "ready"


def test_the_offline_column_rules_without_a_network():
    cut = ALL._replace(network=False)
    form = SERVICES["police_report"]
    assert offer(replace(form, offline="none"), cut) == ("none", "offline")
    assert offer(replace(form, offline="cached"), cut) == ("limited", "offline")
    assert offer(replace(form, offline="own"), cut) == ("ready", "")


def test_a_need_is_a_need():
    form = replace(SERVICES["police_report"], needs=("printer", "scanner"))
    assert offer(form, ALL._replace(printer=False)).why == "no_printer"
    assert offer(form, ALL._replace(scanner=False)).why == "no_scanner"


@pytest.mark.parametrize("level", LEVELS)
def test_only_ways_that_reach_the_level_are_offered(level):
    form = replace(SERVICES["stay_notice"], identity=level)
    offered = {each.way for each in ways(form, ALL)}
    assert ("type" in offered) is (LEVELS.index(level) <= LEVELS.index("typed"))
    assert ("code" in offered) is (LEVELS.index(level) <= LEVELS.index("claimed"))
    assert ("card" in offered) is (LEVELS.index(level) <= LEVELS.index("chip_verified"))
    assert dict(ways(form, ALL))["vneid"] == "no_connector", "no connector is claimed that is not there"


def test_another_loss_never_brings_a_service_back():
    rank = {"ready": 0, "limited": 1, "none": 2}
    losses = ("network", "printer", "reader", "scanner", "storage")
    for service in SERVICES.values():
        for lost in itertools.product((False, True), repeat=len(losses)):
            here = ALL._replace(**{name: not gone for name, gone in zip(losses, lost, strict=True)})
            for name in losses:
                assert rank[offer(service, here._replace(**{name: False})).state] >= rank[offer(service, here).state]
