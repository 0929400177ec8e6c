"""`python -m bench`: takes the figures that are named, prints them, and says which goals are met. Measures nothing.

Nothing here is a test: a figure depends on the machine and on who else uses it. What must hold everywhere is in tests/.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import machine
from bench.rows import ORDER, shown

if TYPE_CHECKING:
    from bench.rows import Row

PLACE = Path("var")  # on the disk that is measured; a temporary folder is often in memory
NAMES = ("journal", "ingest", "exchange", "drain", "agent", "idle", "devices", "sizes", "slip", "card", "screen")


def main(arguments: list[str] | None = None) -> int:
    """Give the exit code: 0 measured (whether or not a goal is met), 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="./station bench", description="Figures, each beside its peer or its floor.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer counts: under a minute, and rougher")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file as well")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"no measurement is called {unknown[0]!r}; there are {', '.join(NAMES)}")
    size = "quick" if given.quick else "full"
    PLACE.mkdir(exist_ok=True)
    measurements: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=PLACE) as folder:
        found = machine.described(Path(folder))
        _print_machine(found)
        for name in given.names or NAMES:
            measurements[name] = _measure(name, size, Path(folder) / name)
    if given.json:
        result = {"machine": found, "size": size, "measurements": measurements}
        given.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _measure(name: str, size: str, folder: Path) -> dict[str, object]:
    folder.mkdir()
    before, begun = machine.load(), time.monotonic()
    rows = importlib.import_module(f"bench.{name}").measure(size, folder)
    seconds, after = round(time.monotonic() - begun, 1), machine.load()
    print(f"\n{name}: {seconds} s, load average {before[0]:.1f} before, {after[0]:.1f} after")
    _print_rows(rows)
    return {"seconds": seconds, "load_before": before, "load_after": after, "rows": [asdict(each) for each in rows]}


def _print_machine(found: dict[str, Any]) -> None:
    print(
        f"{found['taken']}: {found['cores']} × {found['processor']} ({found['architecture']}), "
        f"{found['memory_mb']} MB, {found['system']}, Linux {found['kernel']}, {found['file_system']}"
    )
    print(", ".join(f"{name} {number}" for name, number in found["versions"].items()))
    print("load average (1, 5, 15 min): " + ", ".join(f"{each:.2f}" for each in machine.load()), flush=True)


def _print_rows(rows: list[Row]) -> None:
    wide = max(len(each.name) for each in rows)
    for each in sorted(rows, key=lambda one: ORDER.index(one.kind)):
        spread = "" if each.least == each.most else f"({shown(each.least)} – {shown(each.most)})"
        goal = f"goal {each.goal.words()}: {each.verdict}" if each.goal else ""
        line = (
            f"  {each.kind:5}  {each.name:{wide}}  {shown(each.value):>9} {each.unit:9} {spread:23} n={each.counted:<7}"
        )
        print(f"{line} {goal}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
