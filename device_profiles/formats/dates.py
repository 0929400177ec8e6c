"""Calendar days as cards and codes write them. Decides whether a day exists; never compares it with today."""

import re
from datetime import date

_DAY_FIRST = re.compile("([0-9]{2})(/?)([0-9]{2})\\2([0-9]{4})")


def from_day_first(text: str) -> str | None:
    """Read ddmmyyyy or dd/mm/yyyy; give yyyy-mm-dd, or None when that is no day."""
    match = _DAY_FIRST.fullmatch(text)
    return _iso(match[4], match[3], match[1]) if match else None


def from_day_first_or_year(text: str) -> str | None:
    """As ``from_day_first``, and also yyyy alone: older registers know only the year of a birth."""
    if re.fullmatch("[0-9]{4}", text):
        return text if _iso(text, "01", "01") else None
    return from_day_first(text)


def from_yymmdd(text: str, century: int) -> str | None:
    """Read six digits; ``century`` is 1900, 2000 and so on. Give yyyy-mm-dd, or None when that is no day."""
    return _iso(str(century + int(text[:2])), text[2:4], text[4:])


def _iso(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None
