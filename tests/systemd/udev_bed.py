"""One rules file, pretended devices, and what udev makes of them. A program for `test_udev.py`, not a test.

Runs in a mount namespace of its own and under umockdev-wrapper (`test_udev.SANDBOX`). Reads devices as JSON lines
{subsystem, name, attributes, properties}, parent first; `udevadm test` speaks of the last one.
"""

from __future__ import annotations

import ctypes as c
import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def strings(values: Mapping[str, str]) -> c.Array[c.c_char_p]:
    """Key, value, key, value, NULL: how umockdev takes attributes and properties."""
    flat = [word.encode() for pair in values.items() for word in pair]
    return (c.c_char_p * (len(flat) + 1))(*flat, None)


def main() -> int:
    library = c.CDLL("libumockdev.so.0")
    library.umockdev_testbed_new.restype = c.c_void_p
    add = library.umockdev_testbed_add_devicev
    table = c.POINTER(c.c_char_p)
    add.restype, add.argtypes = c.c_char_p, [c.c_void_p, c.c_char_p, c.c_char_p, c.c_char_p, table, table]
    bed = library.umockdev_testbed_new()
    path = None
    for line in sys.stdin:
        device = json.loads(line)
        names = device["subsystem"].encode(), device["name"].encode()
        path = add(bed, *names, path, strings(device["attributes"]), strings(device["properties"]))
    return subprocess.run(["udevadm", "test", "--action=add", path.decode()], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
