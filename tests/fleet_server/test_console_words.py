"""Words and values: both languages say the same, and what is missing is said to be."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from device_profiles import records
from device_profiles.answers import SOURCES
from device_profiles.records import DOSSIER_STATES
from fleet_server.console import telling, wording
from fleet_server.console.overall import WORST_FIRST
from tests.fleet_server.console_bed import T0

CONSOLE = Path(wording.__file__).parent
KEYS_IN_TEMPLATES = {
    (path.name, key)
    for path in (CONSOLE / "templates").glob("*.html")
    for key in re.findall(r"""\bt\("([a-z_.A-Z]+)"[,)]|\bt\('([a-z_.A-Z]+)'[,)]""", path.read_text("utf-8"))
    for key in key
    if key
}


def test_every_word_exists_in_both_languages_with_the_same_gaps() -> None:
    assert len(KEYS_IN_TEMPLATES) > 80
    assert {key for _, key in KEYS_IN_TEMPLATES} <= wording.TEXTS.keys()
    for key, texts in wording.TEXTS.items():
        gaps = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in texts]
        assert gaps[0] == gaps[1], key
        assert all(text == text.strip() and text for text in texts), key
    for family, names in (
        ("state", WORST_FIRST),
        ("status", ("NEW", "CLAIMED", "ACTIVE", "PROVISIONAL", "QUARANTINED", "REVOKED", "DECOMMISSIONED")),
        ("filed", DOSSIER_STATES),
        ("level", records.WORDS["dossier.created", "identity"]),
        ("source", SOURCES),
        ("slip", records.WORDS["slip.result", "slip"]),
        ("entry", records.WORDS["technician.entry", "result"]),
        ("kind", records.KINDS),
        ("why", ("AMOUNT_MISMATCH", "DUPLICATE", "LATE_CREDIT", "NO_CREDIT", "BILL_CLOSED")),
        ("next", ("AMOUNT_MISMATCH", "DUPLICATE", "LATE_CREDIT", "NO_CREDIT", "BILL_CLOSED", "other")),
    ):
        assert [name for name in names if f"{family}.{name}" not in wording.TEXTS] == []


@pytest.mark.parametrize(
    ("age_ms", "vietnamese", "english"),
    [
        (-1, "ở tương lai", "in the future"),
        (0, "0 giây trước", "0 s ago"),
        (119_999, "119 giây trước", "119 s ago"),
        (120_000, "2 phút trước", "2 min ago"),
        (7_199_999, "119 phút trước", "119 min ago"),
        (7_200_000, "2 giờ trước", "2 h ago"),
        (172_799_999, "47 giờ trước", "47 h ago"),
        (172_800_000, "2 ngày trước", "2 d ago"),
        (10**12, "11574 ngày trước", "11574 d ago"),
    ],
)
def test_ages_are_told_in_whole_units(age_ms: int, vietnamese: str, english: str) -> None:
    assert telling.age("vi", age_ms) == vietnamese
    assert telling.age("en", age_ms) == english


def test_values_are_told_or_said_to_be_missing() -> None:
    assert telling.moment(T0) == "18/11/2026 18:06:40"
    assert telling.moment(None) == telling.span(None) == telling.dong(None) == telling.whole(None) == "–"
    assert telling.span(3 * 86_400 + 3_661) == "3 d 01:01:01"
    assert telling.span(-5) == "–"
    assert telling.dong(1_234_567) == "1.234.567 đ"
    assert telling.dong(-5) == "-5 đ ?"
    assert telling.whole(12_345) == "12.345"
    assert telling.masked("gọi 0912.345.678 nhé") == "gọi •••678 nhé"
    assert telling.masked("hạn 2026-11-30") == "hạn 2026-11-30"
    assert len(telling.masked("x" * 999)) == telling.TEXT_MAX
    assert telling.shortened("spki=" + "ab" * 40) == "spki=abababab…"
