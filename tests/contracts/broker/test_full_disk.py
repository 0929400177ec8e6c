"""A full disk under the broker's folder: what is connected goes on, and it heals by itself when there is room again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet_server.broker import KINDS

ROOT = Path(__file__).parents[3]
# A small disk needs a mount: who is not root becomes root in a user namespace.
UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
SANDBOX = 'mount -t tmpfs -o size=4m none "$1" && exec "$2" -m tests.contracts.broker.disk_bed "$3" "$1"'


@pytest.mark.parametrize("kind", KINDS)
def test_full_disk(kind, tmp_path):
    done = subprocess.run(
        [*UNSHARE, "sh", "-c", SANDBOX, "sh", tmp_path, sys.executable, kind],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.stdout.splitlines()[:2] == ["disk full: served", "disk free: served"], done.stderr
    assert done.returncode == 0
    if kind == "mosquitto":  # it writes nothing but its log, and a log that cannot be written is no reason to die
        assert done.stdout.endswith(" 0 restarts\n")
