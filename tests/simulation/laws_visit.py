"""The laws of a resident's visit: what was filed, what stood on screens and paper, whose data it was.

Each raises AssertionError with what it saw. What may never happen at any moment is noted by the witness when it does;
what must be so in the end is judged here, against the fleet's log as it was written.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from device_profiles import answers as rules
from device_profiles.catalogue_toml import load_shipped
from device_profiles.wire import record_decode
from tests.simulation.persona import BORN, NUMBER, WORD, found
from tests.simulation.pin import PIN

if TYPE_CHECKING:
    from fleet_server.projections import Opened
    from tests.simulation.witness import Told
    from tests.simulation.world import World

VIETNAM = timezone(timedelta(hours=7))
LEVELS = {"claimed": "qr", "chip_read": "chip", "chip_verified": "chip"}
WAYS = {year: "typed" if way == "guest" else way for way, year in BORN.items()}
CATALOGUE = load_shipped()


def filed(world: World) -> dict[tuple[bytes, str], list[Opened]]:
    """Every dossier of the fleet's log by (device, code)."""
    found_: dict[tuple[bytes, str], list[Opened]] = {}
    for each in world.fleet.truth():
        if each.kind == "dossier.created":
            found_.setdefault((each.device, each.fields["code"]), []).append(each)
    return found_


def witnessed(world: World) -> None:
    """At no moment: a code or slip without its record, another's data, "sent" without an Ack, a touch out of time."""
    for station in world.stations:
        assert not station.witness.offences, station.witness.offences[0]


def saved(world: World) -> None:
    """What a resident was told is saved is at the fleet, word for word as it stood on their review."""
    known = filed(world)
    for station in world.stations:
        for told in station.witness.told.values():
            made = known.get((station.device, told.code), [])
            assert len(made) == 1, f"{told.code} was called saved, the fleet's log holds it {len(made)} times"
            _as_reviewed(told, made[0].fields)


def _as_reviewed(told: Told, fields: Any) -> None:
    service = next(each for each in CATALOGUE.services if each.code == fields["service"])
    assert service.name.en == told.service, f"{told.code} was filed as {service.name.en}, not as {told.service}"
    rows = {row["key"]: row for row in told.review["rows"] if row["value"]}
    given = {key: rules.Answer(value, source) for key, value, source in fields["answers"]}
    assert given.keys() == rows.keys(), f"{told.code}: reviewed {sorted(rows)}, filed {sorted(given)}"
    form = {each.key: each.field for each in rules.asked(service, given)}
    for key, row in rows.items():
        tell = rules.masked if row["masked"] else rules.shown
        read = tell(form[key], given[key].value, told.language)  # type: ignore[arg-type]
        assert (read, given[key].source) == (row["value"], row["source"]), (
            f"{told.code}: {key} stood there as {row['value']!r} ({row['source']}), filed is {read!r} ({given[key]})"
        )
    assert told.review["agreed"] or not service.consent, f"{told.code} was filed without consent"
    assert fields.get("consent") == (service.consent.version if service.consent else None)


def sources(world: World) -> None:
    """Each answer says rightly where it came from, and who somebody is says no more than the way proves."""
    for (_, code), (made, *_rest) in filed(world).items():
        level = made.fields["identity"]
        for key, value, source in made.fields["answers"]:
            hit = NUMBER.fullmatch(value)
            assert hit is None or WAYS[hit[1]] == source, f"{code}: {key} came by {WAYS[hit[1]]}, filed as {source}"
            if key == "id_number" and hit:
                assert LEVELS.get(level, "typed") == WAYS[hit[1]], f"{code}: the number came by {source}, level {level}"
            assert source in ("typed", LEVELS.get(level)), f"{code}: {key} is {source}, level {level}"


def consequences(world: World) -> None:
    """Urgency, deadline, ward and the order in which it is sent follow from the answers."""
    rows = {(row.device, row.position): row.record for row in world.fleet.store.after(-1, 1_000_000)}
    wards = {station.device: station.agent.machines[-1]._settings.ward for station in world.stations}  # type: ignore[attr-defined]
    for (device, code), (made, *_rest) in filed(world).items():
        given = {key: value for key, value, _ in made.fields["answers"]}
        service = made.fields["service"]
        urgent = service == "A5" and given["now"] == "now"
        assert made.fields["urgent"] == urgent, f"{code}: now is {given.get('now')}, urgent {made.fields['urgent']}"
        assert made.fields.get("deadline_ms") == (_due_ms(given) if service == "A8" else None), (
            f"{code}: wrong deadline"
        )
        assert made.fields.get("ward") == (given.get("ward") or wards[device] or None), f"{code}: wrong ward"
        header = record_decode(rows[device, made.position])[0]
        assert (header.order == 2) == urgent, f"{code}: urgent {urgent}, order {header.order}"


def _due_ms(given: dict[str, str]) -> int:
    """Law on Residence 2020, Art. 30: before 23:00 of the first day; who comes later, before 08:00 of the next."""
    day, hour = date.fromisoformat(given["from_date"]), 23
    if given["arrival"] >= "23:00":
        day, hour = day + timedelta(days=1), 8
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=VIETNAM).timestamp() * 1000)


def once(world: World) -> None:
    """One press files one dossier: no code, transaction or person twice; nobody's answers in another's dossier."""
    known = filed(world)
    codes = [(payment.device, payment.code) for payment in world.fleet.store.payments(limit=1_000_000)]
    codes += [place for place, made in known.items() for _ in made]
    assert len(codes) == len(set(codes)), "a provisional code was used twice"
    txns = [(each.device, each.txn) for made in known.values() for each in made]
    assert len(txns) == len(set(txns)), "a transaction stands for two dossiers"
    whose: dict[int, str] = {}
    for (_, code), (made, *_rest) in known.items():
        serials = {serial for _, value, _ in made.fields["answers"] for serial in found(value)}
        assert len(serials) <= 1, f"{code} holds answers of {serials}"
        for serial in serials:
            assert whose.setdefault(serial, code) == code, f"{code} and {whose[serial]} are one try's"
    for station in world.stations:
        for told in station.witness.told.values():
            assert whose.get(told.serial, told.code) == told.code, f"{told.code} was told to somebody else"


def decided(world: World) -> None:
    """What a station says it showed of an office's word, the office had said."""
    for each in world.fleet.truth():
        if each.kind == "dossier.seen":
            said = [
                (state, official) for state, official, _ in world.fleet.spoken.get((each.device, each.txn or b""), [])
            ]
            seen = each.fields["state"], each.fields.get("official") or ""
            assert seen in said, f"{seen} was shown, the office said {said}"


def open_again(world: World) -> None:
    """When the disk has room again, what was closed for want of it is open by itself."""
    for station in world.stations:
        screen = station.display.screen
        assert screen is not None
        closed = [each["id"] for each in screen.data["frame"]["offers"] if each["why"] == "storage"]  # type: ignore[index]
        assert not closed, f"{station.name}: {closed} still wait for room on the disk"


def secrets_kept(world: World) -> None:
    """No resident's data in the log of a process or in clear in the fleet's tables, and no PIN anywhere."""
    for line in world.lines:
        assert not found(line), f"a resident's data stood in the log: {line}"
        assert PIN not in line, f"the PIN stood in the log: {line}"
    pin, word = PIN.encode(), re.compile(WORD.pattern.encode(), re.IGNORECASE)
    for data in world.wire_bytes:
        assert pin not in data, "the PIN stood in clear on the wire"
    places = [world.fleet.server, *(station.folder for station in world.stations)]
    for each in (path for place in places for path in place.glob("*.db*")):
        data = each.read_bytes()
        assert pin not in data, f"the PIN stood in clear in {each.name}"
        assert not word.search(data), f"a resident's words stood in clear in {each.name}"
    for station in world.stations:
        for _, screen in station.witness.screens:
            assert PIN not in repr(screen.data), f"the PIN stood on screen {screen.name}"


ALL = (
    witnessed,
    saved,
    sources,
    consequences,
    once,
    decided,
    open_again,
    secrets_kept,
)
