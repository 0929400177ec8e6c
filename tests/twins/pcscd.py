"""A real pcscd with two virtual readers, in namespaces of its own: nothing of it is seen on the host, nothing is left.

Needs no root (who is not root becomes it in a user namespace). libpcsclite remembers for a whole process where its
pcscd listens: so there is one address per process, and each `Pcscd` stands behind it while it lives.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import signal

READERS = ("Virtual PCD 00 00", "Virtual PCD 00 01")

_HERE = Path(__file__).parent
_UNSHARE = [
    *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"),
    *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
]
_WORLD = """
mount -t tmpfs none /run && mkdir /run/pcscd && mount --bind "$1" /run/pcscd
exec "$2" "$3"
"""


@cache
def address() -> Path:
    """Where this process finds pcscd; the first call tells libpcsclite."""
    folder = Path(tempfile.mkdtemp(prefix="pcscd-"))
    atexit.register(shutil.rmtree, folder)
    os.environ["PCSCLITE_CSOCK_NAME"] = str(folder / "pcscd.comm")
    return folder / "pcscd.comm"


class Pcscd:
    """One world; pcscd does not run in it before `start`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pcscd-"))
        self.address = self.folder / "pcscd.comm"
        address().unlink(missing_ok=True)
        address().symlink_to(self.address)
        command = [*_UNSHARE, "bash", "-euc", _WORLD, "-", self.folder, sys.executable, _HERE / "pcscd_inside.py"]
        self._world = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, *, readers: bool = True) -> Self:
        """Start pcscd, with its two readers or with none."""
        return self._do("start", readers=readers)

    def strike(self, number: signal.Signals) -> Self:
        """Send it a signal."""
        return self._do("strike", number=int(number))

    def insert(self, slot: int = 0, **card: object) -> Self:
        """Lay a card on a reader: what it is, tests/twins/plain_card.py says."""
        return self.insert_program(slot, sys.executable, _HERE / "plain_card.py", json.dumps(card))

    def insert_program(self, slot: int, *command: str | Path) -> Self:
        """Lay a card on a reader: a program that says "in" and gets the reader's port as its last argument."""
        return self._do("insert", slot=slot, command=[str(word) for word in command])

    def remove(self, slot: int = 0) -> Self:
        """Take it away."""
        return self._do("remove", slot=slot)

    def tell(self, slot: int, *words: object) -> object:
        """Say something to a card's program, as JSON; give what it answers."""
        return json.loads(self._ask("tell", slot=slot, line=json.dumps(words)))

    def close(self) -> None:
        """End this world and all that lives in it."""
        assert self._world.stdin
        assert self._world.stdout
        self._world.stdin.close()
        self._world.stdout.close()
        self._world.wait(30)
        address().unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """What pcscd said."""
        return (self.folder / "pcscd.log").read_text("utf-8")

    def _do(self, what: str, **arguments: object) -> Self:
        self._ask(what, **arguments)
        return self

    def _ask(self, what: str, **arguments: object) -> Any:
        assert self._world.stdin
        assert self._world.stdout
        self._world.stdin.write(json.dumps([what, arguments]) + "\n")
        self._world.stdin.flush()
        answer = self._world.stdout.readline()
        assert answer, f"the world of pcscd ended at {what}"
        return json.loads(answer)
