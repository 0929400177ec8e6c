"""What remains of a word: in the memory of a process, swapped out or not, and in files. Decides no expectation.

A word is looked for in every form in which programs keep text: UTF-8, UTF-16 and UTF-32, composed and decomposed,
Latin-1, hexadecimal and base64 at each of its three alignments. grep does the looking: a hundred words in 50 MB take it
half a second.
"""

from __future__ import annotations

import array
import base64
import os
import re
import subprocess
import unicodedata
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = os.sysconf("SC_PAGE_SIZE")
_ENTRY = 8  # bytes of /proc/PID/pagemap for a page: bit 63 present, 62 swapped, 61 of a file (pagemap.rst)
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ (\d+)\s*(.*)")


def forms(word: str) -> dict[bytes, str]:
    """Every form of a word, and what it is called."""
    found = {}
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, word)
        for coding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
            found.setdefault(text.encode(coding), f"{form} {coding}")
        with suppress(UnicodeEncodeError):
            found.setdefault(text.encode("latin-1"), f"{form} latin-1")
    data = word.encode()
    found.setdefault(data.hex().encode(), "hex")
    found.setdefault(data.hex().upper().encode(), "HEX")
    for shift in range(3):  # without the ends, which hang on what stands beside it
        code = base64.b64encode(bytes(shift) + data).rstrip(b"=")
        found.setdefault(code[(shift * 8 + 5) // 6 : -1], f"base64 +{shift}")
    assert not [each for each in found if b"\n" in each], "grep looks within lines"
    return found


def look(data: bytes, words: Iterable[str]) -> Counter[str]:
    """What is found in some bytes: how often each word in each form."""
    called = {data: f"{word!r} as {name}" for word in words for data, name in forms(word).items()}
    patterns = os.memfd_create("words", 0)
    try:
        os.write(patterns, b"\n".join(called))
        command = ["grep", "-a", "-o", "-F", "-f", f"/proc/self/fd/{patterns}"]
        environment = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
        done = subprocess.run(
            command, input=data, stdout=subprocess.PIPE, env=environment, pass_fds=(patterns,), check=False
        )
        assert done.returncode in (0, 1), command
    finally:
        os.close(patterns)
    return Counter(called[each] for each in done.stdout.split(b"\n") if each)


def memory(pid: int) -> bytes:
    """All that a process holds in memory or swap and no file on a disk gives: empty when it has ended."""
    runs: list[bytes] = []
    with suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/mem", "rb", 0) as held:  # noqa: PTH123
        for start, count in _held(pid):
            with suppress(OSError, ValueError):  # let go of since
                held.seek(start * PAGE)
                runs.append(held.read(count * PAGE))
    return b"\n".join(runs)


def _held(pid: int) -> Iterator[tuple[int, int]]:
    """Runs of pages: (number of the first, how many)."""
    with open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:  # noqa: PTH123
        for first, end, of_disk in _mappings(pid):
            begun = count = 0
            for at in range(first, end, 512):
                pagemap.seek(at * _ENTRY)
                entries = pagemap.read(min(512, end - at) * _ENTRY)
                if not entries.strip(b"\0"):
                    continue
                for number, entry in enumerate(array.array("Q", entries), at):
                    if not entry >> 62 or (of_disk and entry >> 61 & 1):
                        continue
                    if begun + count != number:
                        if count:
                            yield begun, count
                        begun, count = number, 0
                    count += 1
            if count:
                yield begun, count


def _mappings(pid: int) -> list[tuple[int, int, bool]]:
    """What is mapped and not empty: first page, end, and whether a file on a disk lies under it."""
    found: list[tuple[int, int, bool]] = []
    mapping = (0, 0, False)
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if match := _MAPPING.match(line):
            name = match[4]
            shared = name.startswith(("/dev/shm/", "/memfd:", "/SYSV")) or name.endswith("(deleted)")
            mapping = (int(match[1], 16) // PAGE, int(match[2], 16) // PAGE, match[3] != "0" and not shared)
        elif line.startswith(("Rss:", "Swap:")) and line.split()[1] != "0" and mapping[1] and mapping not in found[-1:]:
            found.append(mapping)
    return found


def files(places: Iterable[Path], words: Iterable[str]) -> Counter[str]:
    """What is found in files and under folders: in names and in bytes."""
    words, read = tuple(words), dict[Path, bytes]()
    for place in places:
        for path in [place, *(place.rglob("*") if place.is_dir() else ())]:
            with suppress(OSError):  # gone since, or not ours
                read[path] = str(path).encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")
    if not look(b"\n".join(read.values()), words):
        return Counter()
    return Counter({f"{path}: {what}": n for path, data in read.items() for what, n in look(data, words).items()})
