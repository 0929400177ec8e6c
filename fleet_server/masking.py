"""One form for a masked name, wherever a name enters the fleet. Decides only whether a name is masked already."""

from __future__ import annotations

import re

from device_profiles.formats.text import NO_NAME, fold_for_bank, mask_name, normalise

_MASKED = re.compile(r"(?P<first>[^\W\d_]+) ?\*{2,} ?(?P<last>[^\W\d_]*)")


def masked(name: str) -> str:
    """Give a name as bills show it (`NGUYEN *** AN`); one that shows no more than its first and last word stays so."""
    found = _MASKED.fullmatch(normalise(name))
    if found is None:
        return mask_name(name)
    first, last = fold_for_bank(found["first"]), fold_for_bank(found["last"])
    if len(first) == 1 and not last:
        return f"{first}{NO_NAME}"
    return f"{first} {NO_NAME} {last}".rstrip()
