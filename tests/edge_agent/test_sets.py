"""Issuers' certificates on a station: believed only from the offline key, in force at once and after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles.anchors import AnchorSet
from device_profiles.catalogue_toml import load_shipped
from device_profiles.cbor import WireError
from device_profiles.messages import SignedSet
from edge_agent import effects as do
from edge_agent import events
from edge_agent.sets import Sets, verify
from tests.edge_agent.test_agent import Rig
from tests.edge_agent.visit_bed import BILLS
from tests.small_fleet import NOW_MS

ANCHORS = AnchorSet(version=5, certificates=(b"issuer",))


def signed(fleet, *, role: str = "set", version: int = 5, body: bytes | None = None) -> bytes:
    content = SignedSet(
        name="anchors", version=version, issued_ms=NOW_MS, not_after_ms=NOW_MS + 1, body=body or ANCHORS.encode()
    )
    return fleet.say(role, content.encode(), "kiosk/set/1")


def test_certificates_come_into_force_when_they_are_kept_and_again_at_the_next_start(tmp_path, fleet):
    rig = Rig(tmp_path, fleet)
    rig.start()
    data = signed(fleet)
    rig.do(events.Tick(), do.StoreSet("anchors", 5, data, ANCHORS.encode()))
    assert events.AnchorsApplied(ANCHORS) in rig.script.heard
    kept = Sets(tmp_path / "sets").load(fleet.trust, NOW_MS)
    assert [AnchorSet.decode(each.body) for each in kept] == [ANCHORS]
    rig.script.heard.clear()
    rig.agent.start(rig.clock.now(), "0.1.0", kept, "")
    assert events.AnchorsApplied(ANCHORS) in rig.script.heard
    rig.journal.close()


def test_a_catalogue_comes_into_force_and_one_of_another_version_than_it_says_is_refused(tmp_path, fleet):
    shipped = replace(load_shipped(), version=9)
    rig = Rig(tmp_path, fleet)
    rig.start()

    def say(version: int) -> bytes:
        content = SignedSet(
            name="catalogue", version=version, issued_ms=NOW_MS, not_after_ms=NOW_MS + 1, body=shipped.encode()
        )
        return fleet.say("set", content.encode(), "kiosk/set/1")

    assert verify(fleet.trust, say(9), NOW_MS).version == 9
    rig.do(events.Tick(), do.StoreSet("catalogue", 9, say(9), shipped.encode()))
    assert events.CatalogueApplied(shipped) in rig.script.heard
    with pytest.raises(WireError, match="another version"):
        verify(fleet.trust, say(8), NOW_MS)
    rig.journal.close()


@pytest.mark.parametrize("wrong", [{"role": "desired"}, {"role": "ack"}, {"version": 6}, {"body": b"\xa0"}])
def test_what_the_offline_key_did_not_sign_or_is_not_what_it_says_is_refused(fleet, wrong):
    with pytest.raises(WireError):
        verify(fleet.trust, signed(fleet, **wrong), NOW_MS)


@pytest.mark.parametrize(("name", "version"), [("bills/another-house", 3), ("bills/dao-kim-cuong", 4)])
def test_a_bill_list_under_another_name_or_version_than_its_own_is_refused(fleet, name, version):
    content = SignedSet(name=name, version=version, issued_ms=NOW_MS, not_after_ms=NOW_MS + 1, body=BILLS.encode())
    with pytest.raises(WireError, match="another building or version"):
        verify(fleet.trust, fleet.say("set", content.encode(), "kiosk/set/1"), NOW_MS)


def test_a_set_that_was_damaged_on_the_disk_is_named_and_the_others_still_hold(tmp_path, fleet, caplog):
    kept = Sets(tmp_path / "sets")
    kept.store("anchors", signed(fleet))
    (tmp_path / "sets" / "0damaged.cose").write_bytes(signed(fleet)[:-1])
    (tmp_path / "sets" / "1folder.cose").mkdir()
    assert [each.name for each in kept.load(fleet.trust, NOW_MS)] == ["anchors"]
    assert [name in caplog.text for name in ("0damaged.cose", "1folder.cose")] == [True, True]
