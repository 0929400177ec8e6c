"""WIRE.md and the code say the same, both ways: every number, name, type, limit and word. Each rule can speak."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from device_profiles import anchors, bills, catalogue, catalogue_set, cbor, layout, messages, records, wire
from device_profiles.cbor import decode
from device_profiles.layout import Rule
from provisioning import keys, sealing
from provisioning.trust import ROLE_KINDS
from tests.golden.wire.samples import KEY_HEADER, MESSAGES, OPENING, SIGNED

TEXT = (Path(wire.__file__).parent / "WIRE.md").read_text("utf-8")
MODULES = {
    "cbor": cbor,
    "layout": layout,
    "wire": wire,
    "messages": messages,
    "bills": bills,
    "anchors": anchors,
    "catalogue": catalogue,
    "records": records,
    "catalogue_set": catalogue_set,
}
FIELDS = ("key", "name", "type", "limits", "meaning")
FORMAT_ROW = ("0", "format", "number", "1")
BY_HAND = {
    "Header": ("8", "key", "bytes or number", "8 bytes or 0 to 2^53"),
    "Batch": ("5", "count", "number", "0 to 100"),
}


class Table(NamedTuple):
    heading: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(text: str) -> list[Table]:
    """Every table with the first words of the heading above it."""
    found: list[Table] = []
    heading = ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = re.split(r"[:,]", line.lstrip("# ").removesuffix("."))[0]
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split(" | "))
        if not line.startswith("|"):
            found.append(Table(heading, (), []))
        elif line.startswith("|--"):
            continue
        elif not found or not found[-1].columns:
            found.append(Table(heading, cells, []))
        else:
            found[-1].rows.append(cells)
    return [table for table in found if table.columns]


def rows(text: str, *columns: str) -> set[tuple[str, ...]]:
    """All rows of the tables with these columns."""
    return {row for table in tables(text) if table.columns == columns for row in table.rows}


def spell(value: int) -> str:
    return {2**53: "2^53", 2**64 - 1: "2^64 - 1", -(2**63): "-2^63"}.get(value, f"{value:,}")


def is_time(rule: Rule) -> bool:
    return rule.kind is int and rule.most == layout.TIME_MAX_MS


def said(name: str, rule: Rule) -> tuple[str, ...]:
    """The first four cells of a field's row."""
    kinds = {bytes: "bytes", str: "text", bool: "flag", tuple: "list", dict: "map", int: "number"}
    if rule.kind is bool:
        limits = "true, false"
    elif rule.kind in (tuple, dict):
        limits = f"at most {rule.most}"
    elif is_time(rule):
        limits = "to the year 2100"
    else:
        span = spell(rule.most) if rule.least == rule.most else f"{spell(rule.least)} to {spell(rule.most)}"
        limits = span + {bytes: " bytes", str: " characters"}.get(rule.kind, "")
    kind = "time" if is_time(rule) else kinds[rule.kind]
    return str(rule.key), name, kind + (", optional" if rule.optional else ""), limits


def laid_out() -> dict[str, set[tuple[str, ...]]]:
    """Everything in the code that has a layout: heading -> rows. Found by looking, so that nothing new is missed."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for module in MODULES.values():
        for name, value in vars(module).items():
            if isinstance(value, type) and hasattr(value, "__dataclass_fields__") and layout.rules(value):
                found[name] = {said(*each) for each in layout.rules(value)} | {FORMAT_ROW}
            elif isinstance(value, dict) and value and all(isinstance(each, Rule) for each in value.values()):
                found[name] = {said(*each) for each in value.items()}
    for name, row in BY_HAND.items():
        found[name].add(row)
    shapes = (
        records.KINDS
        | {f"question {kind}": shape for kind, shape in messages.QUESTIONS.items()}
        | {f"answer {kind}": shape for kind, shape in messages.ANSWERS.items()}
    )
    return found | {name: {said(*each) for each in shape.items()} for name, shape in shapes.items()}


def layouts(text: str) -> list[str]:
    """Where the page's field tables and the code differ."""
    written = {table.heading: table for table in tables(text) if table.columns == FIELDS}
    code = laid_out()
    complaints = [f"{name}: no table" for name in code.keys() - written.keys()]
    complaints += [f"{name}: nothing in the code" for name in written.keys() - code.keys()]
    for name in code.keys() & written.keys():
        page = [row[:4] for row in written[name].rows]
        complaints += [f"{name}: {row} is not said" for row in code[name] - set(page)]
        complaints += [f"{name}: {row} is not so" for row in set(page) - code[name]]
        if page != sorted(page, key=lambda row: int(row[0])):
            complaints.append(f"{name}: rows are not in the order of their keys")
        complaints += [f"{name}.{row[1]}: no meaning" for row in written[name].rows if len(row) != 5 or not row[4]]
    return complaints


def signed() -> set[tuple[str, ...]]:
    """Kind, message, who signs it, and how large its payload may be."""
    roles = {kind: role for role, kind in ROLE_KINDS.items()}
    others = {"kiosk/keys/1": "the offline fleet root"}
    limits = {"batch": wire.BATCH_MAX_BYTES - wire.ENVELOPE_BYTES, "ack": wire.ACK_MAX_BYTES}
    found = set()
    for kind in keys.KINDS:
        message = type(MESSAGES[SIGNED[kind]])
        limit = limits.get(SIGNED[kind]) or message.SIZE_MAX_BYTES
        by = f"fleet key of role `{roles[kind]}`" if kind in roles else others.get(kind, "the device")
        found.add((f"`{kind}`", message.__name__, by, f"{limit:,}"))
    return found


def limits() -> set[tuple[str, ...]]:
    """Every limit that is a name in the code, in the module that sets it."""
    found: dict[str, tuple[str, int]] = {}
    for place, module in MODULES.items():
        for name, value in vars(module).items():
            sort = "_MAX" in name or "_MIN" in name or name.endswith("_BYTES") or name == "SHARDS"
            if name.isupper() and name[0] != "_" and type(value) is int and sort:
                found.setdefault(name, (place, value))
    return {(f"`{place}.{name}`", spell(value)) for name, (place, value) in found.items()}


VERDICTS = ("OK", "GAP", "QUARANTINED", "REVOKED", "SLOW_DOWN")
DEVICES = (bytes(16), b"\xff" * 16, bytes.fromhex("6e340b9cffb37a989ca544e6bb780a2c"))
TABLES = {
    ("kind", "message", "signed by", "payload at most"): (4, signed()),
    ("limit", "value", "why"): (2, limits()),
    ("number", "name", "value"): (2, {(str(key), name) for key, name in messages.STATUS.items()}),
    ("number", "of a peripheral", "value"): (2, {(str(key), name) for key, name in messages.DEVICE.items()}),
    ("number", "setting", "value"): (2, {(str(key), name) for key, name in messages.CONFIG.items()}),
    ("number", "verdict", "meaning"): (2, {(str(getattr(wire, name)), name) for name in VERDICTS}),
    ("kind", "field", "words"): (3, {(*place, ", ".join(words)) for place, words in records.WORDS.items()}),
    ("kind", "field", "why"): (
        3,
        {(*place, why.removesuffix("; FORMS below")) for place, why in records.TYPED.items()},
    ),
    ("device", "name", "shard"): (3, {(each.hex(), wire.device_name(each), str(wire.shard(each))) for each in DEVICES}),
    ("key", "name", "why it must be clear"): (2, {row[:2] for row in laid_out()["Header"]}),
}


def others(text: str) -> list[str]:
    """Where the page's other tables and the code differ."""
    complaints = []
    for columns, (count, code) in TABLES.items():
        page = rows(text, *columns)
        complaints += [f"{columns}: {row} is not said" for row in code - {row[:count] for row in page}]
        complaints += [f"{columns}: {row} is not so" for row in {row[:count] for row in page} - code]
        complaints += [f"{columns}: {row} without words" for row in page if len(row) < len(columns) or not all(row)]
    return complaints


def sentences(text: str) -> list[str]:
    """What stands in sentences rather than tables."""
    plain = " ".join(text.split())
    wanted = [
        ", ".join(map(str, wire.PAD_SIZES)) + " bytes",
        f"Roles: {', '.join(messages.ROLES)}.",
        f"| {', '.join(messages.CLAIM_KINDS)} |",
        f"at most {wire.ENVELOPE_BYTES} bytes",
        f"into {wire.BATCH_MAX_BYTES:,} bytes",
        f"At most {cbor.DEPTH_MAX} levels",
        f"the integers 0 to {cbor.KEY_MAX}",
        f"{wire.ESP256} (ESP256: ECDSA on P-256 with SHA-256) and {wire.EDDSA} (Ed25519)",
        f"signature: {wire.SIGNATURE_BYTES} bytes",
        f"of {wire.SHARDS}, is the first byte",
        f"the version of the kind ({records.VERSION})",
        "1 to 19 letters and digits of ASCII",
    ]
    return [f"not said: {each}" for each in wanted if each not in plain]


def versions(text: str) -> list[str]:
    """The list of versions ends with the one that is written, and ascends in number and date."""
    found = re.findall(
        r"^- ([0-9]+) — ([0-9]{4}-[0-9]{2}-[0-9]{2}): \S", text.rsplit("## 16. Versions", maxsplit=1)[-1], re.MULTILINE
    )
    numbers, dates = [int(number) for number, _ in found], [date for _, date in found]
    complaints = []
    if numbers != list(range(1, len(found) + 1)) or dates != sorted(dates):
        complaints.append("versions or their dates do not ascend")
    grown = re.findall(r"^- ([a-z.]+) ([0-9]+) — [0-9]{4}-[0-9]{2}-[0-9]{2}: \S", text, re.MULTILINE)
    newest = {kind: max(int(number) for each, number in grown if each == kind) for kind, _ in grown}
    if newest != records.VERSIONS or len(grown) != sum(number - 1 for number in newest.values()):
        complaints.append("the kinds that have grown are not those that are written")
    for (kind, name), version in records.SINCE.items():
        table = next(each for each in tables(text) if each.columns == FIELDS and each.heading == kind)
        if not any(row[1] == name and row[4].startswith(f"since version {version}: ") for row in table.rows):
            complaints.append(f"{kind}.{name}: not said to be there since version {version}")
    if not found or {
        wire.FORMAT,
        messages.FORMAT,
        anchors.FORMAT,
        bills.FORMAT,
        catalogue_set.FORMAT,
        records.VERSION,
    } != {numbers[-1]}:
        complaints.append("the last version is not the one that is written")
    return complaints


RULES = (layouts, others, sentences, versions)


@pytest.mark.parametrize("rule", RULES)
def test_the_page_and_the_code_say_the_same(rule):
    assert rule(TEXT) == []


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        (layouts, "| 4 | seq | number | 0 to 2^53 |", "| 14 | seq | number | 0 to 2^53 |"),
        (layouts, "| 4 | seq | number |", "| 4 | number | number |"),
        (layouts, "| 7 | quality | number | 0 to 3 |", "| 7 | quality | number | 0 to 4 |"),
        (layouts, "| 11 | txn | bytes, optional |", "| 11 | txn | bytes |"),
        (layouts, "| 1 | job | bytes |", "| 1 | job | text |"),
        (layouts, "### device.state", "### device.health"),
        (layouts, "| 2 | epoch | number | 0 to 2^53 | the enrolment counter of the station |\n", ""),
        (layouts, "| 0 | next | number |", "| 3 | extra | number | 0 to 1 | x |\n| 0 | next | number |"),
        (layouts, "### answer bill", "### reply bill"),
        (layouts, "| only grows; a lower one is refused |", "|  |"),
        (others, "`kiosk/ack/1` | Ack | fleet key of role `ack`", "`kiosk/ack/1` | Ack | fleet key of role `set`"),
        (others, "| `wire.SHARDS` | 64 |", "| `wire.SHARDS` | 32 |"),
        (layouts, "| 9 | valid | list | at most 2 |", "| 9 | valid | list | at most 3 |"),
        (layouts, "### question dossier", "### question file"),
        (others, "| `catalogue.GROUPS_MAX` | 8 |", "| `catalogue.GROUPS_MAX` | 9 |"),
        (others, "| `bills.BILLS_MAX_COUNT` |", "| `bills.BILLS_MAX` |"),
        (others, "| 8 | exposure_count |", "| 7 | exposure_count |"),
        (others, "| 1 | heartbeat_s |", "| 1 | heartbeat_ms |"),
        (others, "| 3 | REVOKED |", "| 5 | REVOKED |"),
        (others, "finished, cancelled, timed_out, fault", "finished, cancelled, timed_out"),
        (others, "| payment.created | amount | whole dong", "| payment.created | code | whole dong"),
        (others, "| 11 | txn | keeps", "| 11 | person | keeps"),
        (others, f"| {bytes(16).hex()} |", f"| {bytes(15).hex()}01 |"),
        (sentences, "256, 512, 1024", "512, 1024"),
        (sentences, "At most 8 levels", "At most 9 levels"),
        (versions, "- 1 — 2026-11-21: first", "- 2 — 2026-11-21: first"),
        (versions, "- device.state 2 —", "- device.state 3 —"),
        (versions, "| since version 2: it changes", "| it changes"),
        (others, "| 13 | paper_mm |", "| 13 | paper_m |"),
        (versions, "- 1 — 2026-11-21: first", "- 1 — 2026-11-21: first\n- 2 — 2026-11-22: second"),
    ],
)
def test_each_rule_speaks_where_the_page_is_wrong(rule, old, new):
    assert old in TEXT
    assert rule(TEXT.replace(old, new, 1))


def test_a_layout_that_the_page_does_not_have_is_noticed(monkeypatch):
    monkeypatch.setitem(records.KINDS, "door.opened", layout.shape(door=layout.number(1)))
    monkeypatch.setattr(wire, "NEW_ROW", layout.shape(a=layout.flag(0)), raising=False)
    monkeypatch.setitem(messages.QUESTIONS, "weather", layout.shape(place=layout.text(1, 5)))
    assert sorted(layouts(TEXT)) == ["NEW_ROW: no table", "door.opened: no table", "question weather: no table"]


@pytest.mark.parametrize("name", ["Header", "Batch"])
def test_what_is_written_by_hand_is_really_what_is_written(name):
    """Two messages put one field in themselves; the keys of full samples must be the page's, all of them."""
    page = {int(row[0]) for table in tables(TEXT) if table.heading == name for row in table.rows}
    payload = MESSAGES[name.lower()].encode()
    numbered = decode(payload, 9999) if name == "Header" else decode(decode(payload, 9999)[0], 9999)
    assert set(numbered) | (set(decode(KEY_HEADER.encode(), 999)) if name == "Header" else set()) == page


def test_the_seals_sizes_are_as_said():
    page = {row[0].split()[0]: row[2:] for row in rows(TEXT, "suite", "KEM, KDF, AEAD", "sealed adds", "public key")}
    assert len(page) == 2
    for suite, opening in OPENING.items():
        adds, public = page[str(suite)]
        sealed = sealing.SealTo(suite, opening.public).seal(b"", b"")
        assert (adds, public.split(":")[0]) == (f"{len(sealed):,} bytes", f"{len(opening.public):,} bytes")


def test_topics_are_as_said():
    device = DEVICES[1]
    name, shard = wire.device_name(device), f"{wire.shard(device):02d}"
    page = {row[0].strip("`") for row in rows(TEXT, "topic", "carries", "retained")}
    filled = {each.replace("<shard, two digits>", shard).replace("<name>", name) for each in page}
    assert filled == {topic(device) for topic in (wire.topic_up, wire.topic_ack, wire.topic_desired, wire.topic_state)}
