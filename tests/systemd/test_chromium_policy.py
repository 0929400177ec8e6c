"""The policies as Chromium itself reads them, in a mount namespace with an /etc/chromium of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.journey

POLICY = Path(__file__).parents[2] / "systemd" / "chromium" / "kiosk-policy.json"
BED = Path(__file__).parent / "policy_bed.py"
UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
SANDBOX = """
folder=/etc/chromium/policies/managed
mount -t tmpfs none /etc/chromium && mkdir -p "$folder" && cp "$1" "$folder/kiosk.json"
shift && exec "$@"
"""


def chromium(policy: dict[str, object], folder: Path, *what: str) -> dict[str, str]:
    """What the bed saw in a Chromium under these policies: an address or a policy's name, and what became of it."""
    (folder / "policy.json").write_text(json.dumps(policy), "utf-8")
    command = [*UNSHARE, "sh", "-ec", SANDBOX, "sh", folder / "policy.json", sys.executable, BED, folder / "profile"]
    environment = os.environ | {"CHROMIUM": str(shutil.which("chromium"))}
    done = subprocess.run([*command, *what], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seen: dict[str, str] = json.loads(done.stdout)
    return seen


@pytest.fixture
def given():
    """The policies without the two that forbid looking into the browser."""
    policy = json.loads(POLICY.read_text("utf-8"))
    assert policy.pop("DeveloperToolsAvailability") == 2
    assert policy.pop("RemoteDebuggingAllowed") is False
    return policy


def test_the_page_alone_can_be_opened(given, tmp_path):
    page, again = "http://127.0.0.1:8480/", "http://localhost:8480/"  # its two names (screens/kiosk.js)
    shut = [
        "http://127.0.0.1:631/",
        "http://localhost:631/",
        "https://127.0.0.1:8480/",
        "http://10.0.0.1:8480/",
        "https://example.org/",
        "file:///etc/passwd",
        "data:text/html,x",
        "view-source:http://127.0.0.1:8480/",
    ]
    seen = chromium(given, tmp_path, page, again, *shut)
    assert seen == {
        **dict.fromkeys((page, again), "ERR_CONNECTION_REFUSED"),
        **dict.fromkeys(shut, "ERR_BLOCKED_BY_ADMINISTRATOR"),
    }


def test_every_policy_is_one_that_chromium_knows(given, tmp_path):
    del given["URLBlocklist"], given["IncognitoModeAvailability"]  # else the browser's own list cannot be opened
    seen = chromium(given | {"PrintingEnabledd": False}, tmp_path)
    assert set(given) <= set(seen)
    assert {name for name, state in seen.items() if "Error" in state} == {"PrintingEnabledd"}
    assert "OK" in seen["PrintingEnabled"]
