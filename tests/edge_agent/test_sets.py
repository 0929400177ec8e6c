"""Issuers' certificates on a station: believed only from the offline key, in force at once and after a restart."""

from __future__ import annotations

import pytest

from device_profiles.anchors import AnchorSet
from device_profiles.cbor import WireError
from device_profiles.messages import SignedSet
from edge_agent import effects as do
from edge_agent import events
from edge_agent.sets import Sets, verify
from tests.edge_agent.test_agent import Rig
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


@pytest.mark.parametrize("wrong", [{"role": "desired"}, {"role": "ack"}, {"version": 6}, {"body": b"\xa0"}])
def test_what_the_offline_key_did_not_sign_or_is_not_what_it_says_is_refused(fleet, wrong):
    with pytest.raises(WireError):
        verify(fleet.trust, signed(fleet, **wrong), NOW_MS)
