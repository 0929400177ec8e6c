"""An expired certificate stops the sending, never the serving; with a good one again everything arrives."""

from __future__ import annotations

import shutil
import time

import pytest

from fleet_server import fleet_keys
from fleet_server.demo.count import quick
from provisioning import authority
from provisioning.identity import Identity, Keys

pytestmark = pytest.mark.journey
DAYS_200_MS = 200 * 86_400_000


def test_an_expired_certificate_only_stops_the_sending(rig, tmp_path):
    found = rig(1)
    lobby = found.stage.lobbies[0]
    found.people()
    found.until(lambda: found.ask("SELECT count(*) FROM payment")[0][0] >= 2, 60.0, "some payments")
    identity = lobby.folder / "identity"
    good = tmp_path / "good.crt"
    shutil.copy(identity / "tls.crt", good)
    office = fleet_keys.load_authority(found.stage.desk)
    then_ms = time.time_ns() // 1_000_000 - DAYS_200_MS
    expired = office.device(Identity.load(identity).device, Keys.load(identity).tls.spki, then_ms)
    (identity / "tls.crt").write_bytes(authority.pem(expired, office.certificate))
    lobby.part.kill()
    lobby.part.process.wait()
    before = found.ask("SELECT count(*) FROM record")[0][0]
    visits = found.residents[0].visits
    found.until(lambda: found.residents[0].visits >= visits + 5, 60.0, "visits with an expired certificate")
    committed, accepted = quick([lobby.journal], found.stage.database)
    assert accepted <= before + 1  # what was on the wire when the process died
    assert committed > accepted
    shutil.copy(good, identity / "tls.crt")
    found.settle(120.0)
    count = found.count()
    assert (count.lost, count.doubled, count.pending) == (0, 0, 0), count.faults
    assert count.accepted >= committed
