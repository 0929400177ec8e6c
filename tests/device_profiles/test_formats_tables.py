"""The lists that change by decree: rows hold on their days, and a new row needs no code."""

from datetime import date
from importlib import resources

from device_profiles.formats import phone, tables

BEFORE, FIRST, LAST, AFTER = date(2026, 4, 29), date(2026, 4, 30), date(2026, 12, 31), date(2027, 1, 1)


def test_a_row_holds_from_its_first_to_its_last_day():
    always, dated = {"code": "1"}, {"code": "2", "valid_from": FIRST, "valid_to": LAST}
    held = {day: tables.holding([always, dated], day) for day in (BEFORE, FIRST, LAST, AFTER)}
    assert held == {BEFORE: [always], FIRST: [always, dated], LAST: [always, dated], AFTER: [always]}


def test_a_new_prefix_needs_only_a_row(monkeypatch):
    rows = [{"pattern": "6[0-9]{8}", "valid_from": FIRST}]
    monkeypatch.setattr(tables, "rows", {"mobile": rows, "hotlines": []}.__getitem__)
    assert phone.parse_phone("0612345678", field="office_phone", as_of=FIRST).e164 == "+84612345678"


def test_every_table_has_rows_with_equal_keys_and_a_source():
    for entry in resources.files("device_profiles.formats").joinpath("data").iterdir():
        rows = tables.rows(entry.name.removesuffix(".toml"))
        keys = [set(row) - {"valid_from", "valid_to"} for row in rows]
        assert rows
        assert keys == [keys[0]] * len(rows), entry.name
        assert "Source: " in entry.read_text("utf-8"), entry.name
