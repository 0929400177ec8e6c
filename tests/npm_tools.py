"""Where the tests' Node.js packages are, and what runs in them. Decides only whether they are there; installs nothing.

`./station test` installs tests/npm/package-lock.json into tests/npm/node_modules; the reason stands in
docs/decisions/0010. A test that needs them fails without them: it never skips.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

NPM = Path(__file__).parent / "npm"
_RUN_S = 60.0


class NotInstalledError(RuntimeError):
    """The packages of tests/npm are not there, or are other versions than package.json names."""


def npm_folder(npm: Path = NPM) -> Path:
    """Give the folder `node_modules` with every package of package.json in exactly its version.

    Raises:
        NotInstalledError: one is missing or another version; names it and the remedy.
    """
    wanted = json.loads((npm / "package.json").read_text("utf-8"))["dependencies"]
    folder = npm / "node_modules"
    for name, version in wanted.items():
        try:
            there = json.loads((folder / name / "package.json").read_text("utf-8"))["version"]
        except FileNotFoundError:
            there = "nothing"
        if there != version:
            words = f"{folder} holds {there} of the npm package {name} and not {version}"
            raise NotInstalledError(f"{words}: run ./station test once, or npm ci in {npm}")
    return folder


def run_node(script: str, given: bytes) -> bytes:
    """Run one of our scripts in tests/npm with `given` on its standard input; give what it wrote.

    Raises:
        NotInstalledError: as `npm_folder`.
        RuntimeError: it ended with a fault; its own words are in it.
    """
    npm_folder()
    command = ["node", "--no-deprecation", str(NPM / script)]
    done = subprocess.run(command, input=given, capture_output=True, timeout=_RUN_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr.decode(errors='replace')}")
    return done.stdout
