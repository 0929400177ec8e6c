"""Who comes to a station: residents who pay, look at their card and file forms, a technician, and someone who plays.

Each moves by what stands on the screen, as the world's seed draws it: goes back, starts over, changes an answer on the
review, asks for help, walks away. Anyone may touch what they should not, and the player does little else: any action
of the table with any value, on this screen or an older one. Decides nothing about what is right.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from edge_agent import events
from edge_agent.machines import touches
from tests.simulation.pin import PIN

if TYPE_CHECKING:
    from edge_agent.effects import Screen
    from tests.simulation.persona import Persona
    from tests.simulation.station import Station
    from tests.simulation.world import World

VIETNAM = timezone(timedelta(hours=7))
GROUPS = ("bill",) * 11 + ("lookup",) * 3 + ("dossier",) * 3 + ("report",) * 3 + ("data",) * 2
ACTIONS = sorted({action for row in touches._MOVES.values() for action in row} | set(touches._IN_VISIT))
VALUES = (
    *("", "0", "1", "all", "vi", "en", "letters", "digits", "signs", "today", "yesterday", "tomorrow", "now"),
    *("card", "code", "type", "vneid", "dossier", "lookup", "bill", "report", "data", "help", "health", "none"),
    *("management_fee", "id_card_check", "police_report", "stay_notice", "data_wrong", "26740", "99999", "anonymous"),
    *(
        "host",
        "guest",
        "id_number",
        "name",
        "guest_name.1",
        "over",
        "elsewhere",
        "a",
        "K",
        "7",
        " ",
        "\ud800",
        "x" * 500,
    ),
)
SIGNED_OFF = ("restart", "end", "start", "technician")  # a player who always left would see little
ANNOY, WALK_AWAY, LOOKS, HELP, START_OVER = 0.03, 0.001, 0.02, 0.01, 0.003
AWAY_S = 100.0  # longer than the time-out with its warning
TECHNICIAN, RIGHT_PIN = 0.04, 0.6
PATIENT, FORGOTTEN = 0.25, 0.3
READING_S = 6.0
TURNING = ("contact", "now", "where", "reporter", "guest_paper.1")  # other answers are asked for or not by these


class Person:
    """Whoever stands before one station now."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.player, self.patient = False, True
        self.wanted = ""  # the group they go to from the home screen, where they have one in mind
        self.away_until_s = 0.0

    @property
    def world(self) -> World:
        """The world they live in."""
        return self.station.world

    @property
    def persona(self) -> Persona:
        """Who they are in this try."""
        return self.station.witness.persona

    def act(self) -> None:
        """Do something, or nothing, with what stands there."""
        screen, rng = self.station.display.screen, self.world.rng
        if screen is None or rng.random() < (0.05 if screen.name == "ask" else 0.3):
            return
        if screen.name == "idle":
            self.player, self.away_until_s = rng.random() < 0.1, 0.0
        if self.world.time_s < self.away_until_s:
            return
        if rng.random() < (0.7 if self.player else ANNOY):
            self._play(screen)
            return
        if screen.data["frame"]["in_visit"] and self._wander(screen):
            return
        move = getattr(self, f"_on_{screen.name}", None)
        if move:
            move(screen)

    def leave(self, *, visit: bool) -> None:
        """A try is over: they take their card, or at the end of the visit forget it on the reader."""
        self.patient = self.world.rng.random() < PATIENT
        if not visit or self.world.rng.random() > FORGOTTEN:
            self.station.devices.take_card()

    def touch(self, screen: Screen, action: str, value: str = "") -> None:
        """Touch the screen that was looked at."""
        self.station.post(events.Touched(screen.number, action, value))

    def type(self, screen: Screen, text: str) -> None:
        """Letter by letter, by the letters alone, in place of what stood there."""
        self.touch(screen, "telex", "0")
        self.touch(screen, "erase", "all")
        for letter in text:
            self.touch(screen, "key", letter)

    def _play(self, screen: Screen) -> None:
        """Any action with any value, on any screen there was."""
        rng, numbers = self.world.rng, list(self.station.witness.numbers)
        for _ in range(rng.randrange(1, 6)):
            action = rng.choice(ACTIONS)
            if action in SIGNED_OFF and rng.random() < 0.7:
                continue
            number = rng.choice([screen.number, screen.number, rng.choice(numbers), screen.number + 1])
            self.station.post(events.Touched(number, action, rng.choice([*VALUES, *_ids(screen)])))

    def _wander(self, screen: Screen) -> bool:
        """What one may do anywhere in a visit."""
        rng = self.world.rng
        if rng.random() < WALK_AWAY:
            self.away_until_s = self.world.time_s + AWAY_S
            return True
        if rng.random() < LOOKS:
            self.touch(screen, *rng.choice([("language", "en"), ("language", "vi"), ("big", "1"), ("low", "1")]))
        elif rng.random() < HELP:
            self.touch(screen, "help")
        elif screen.name != "qr" and rng.random() < START_OVER:
            self.touch(screen, "restart")
            return True
        return False

    # anyone

    def _on_idle(self, screen: Screen) -> None:
        rng = self.world.rng
        if rng.random() < TECHNICIAN:
            self.touch(screen, "technician")
        else:
            self.touch(screen, "start", rng.choice(["vi", "en"]))

    def _on_home(self, screen: Screen) -> None:
        self.touch(screen, "group", self.wanted or self.world.rng.choice(GROUPS))
        self.wanted = ""

    def _on_help(self, screen: Screen) -> None:
        self.touch(screen, "back")

    def _on_warning(self, screen: Screen) -> None:
        self.touch(screen, self.world.rng.choice(["stay", "end"]))

    def _on_refused(self, screen: Screen) -> None:
        self.touch(screen, "end")

    def _on_recovered(self, screen: Screen) -> None:
        self.touch(screen, "print" if self.world.rng.random() < 0.2 else "end")

    def _on_out(self, screen: Screen) -> None:
        if self.world.rng.random() < 0.1:
            self.touch(screen, "end")

    def _on_technician(self, screen: Screen) -> None:
        rng = self.world.rng
        if screen.data["wrong"] and rng.random() < 0.5:
            self.touch(screen, "back")
            return
        for digit in PIN if rng.random() < RIGHT_PIN else "11112222":
            self.touch(screen, "key", digit)
        self.touch(screen, "next")

    def _on_technician_page(self, screen: Screen) -> None:
        self.touch(screen, "end")

    # who pays

    def _on_unit(self, screen: Screen) -> None:
        for key in f"KAN{self.world.rng.randrange(40):03d}":
            self.touch(screen, "key", key)
        self.touch(screen, "next")

    def _on_bills(self, screen: Screen) -> None:
        payable = [bill for bill in screen.data["bills"] if not bill.get("why")]
        self.touch(screen, *(("pay", self.world.rng.choice(payable)["id"]) if payable else ("end", "")))

    def _on_review(self, screen: Screen) -> None:
        self.touch(screen, "consent", "1")
        self.touch(screen, "next")

    def _on_qr(self, screen: Screen) -> None:
        """Scan the code and pay, pay late, pay twice, pay wrongly, or walk away."""
        rng, world, data = self.world.rng, self.world, screen.data
        if data["code"] in self.station.told_codes:
            if rng.random() < 0.05:
                self.touch(screen, "paid")
            return
        self.station.told_codes.add(data["code"])
        choice = rng.random()
        memo, amount = data["purpose"], data["bill"]["amount"]
        if choice < 0.7:
            name = f"{self.station.name}-{world.time_s}-{rng.random()}"
            world.later(rng.random() * 20, lambda: world.fleet.credit(name, amount, f"MBVCB.{memo}.CT tu 0123"))
        elif choice < 0.75:
            world.later(1.0, lambda: world.fleet.credit(f"wrong{rng.random()}", amount + 1, memo))

    def _on_result(self, screen: Screen) -> None:
        self.station.note_told(screen.data)
        if screen.data.get("state") != "awaiting" or self.world.rng.random() < 0.1:
            self.touch(screen, "end")

    # who has a card

    def _on_card_key(self, screen: Screen) -> None:
        if self.world.rng.random() < 0.2 and self.station.devices.plugged["scanner"]:
            self.station.post(events.Scanned(self.persona.code))
            return
        self.touch(screen, "erase", "all")
        for key in self.persona.number("chip")[-6:]:
            self.touch(screen, "key", key)
        self.touch(screen, "next")

    def _on_card_wait(self, screen: Screen) -> None:
        if self.world.rng.random() < 0.05:
            self.touch(screen, "back")
        else:
            self.station.devices.lay_card(self.persona)

    def _on_card_reading(self, screen: Screen) -> None:
        """Not everybody has the patience; some try again from the beginning."""
        if self.world.rng.random() < 0.1:
            self.wanted = "lookup"
            self.touch(screen, self.world.rng.choice(["back", "restart", "restart"]))

    def _on_card_shown(self, screen: Screen) -> None:
        self.touch(screen, self.world.rng.choice(["end", "end", "end", "wrong"]))

    def _on_card_fault(self, screen: Screen) -> None:
        rng = self.world.rng
        if screen.data["may_type"]:
            self.touch(screen, *rng.choice([("way", "type"), ("again", ""), ("back", "")]))
        else:
            self.touch(screen, rng.choice(["end", "end", "again"]))

    def _on_card_wrong(self, screen: Screen) -> None:
        self.touch(screen, *self.world.rng.choice([("service", "data_wrong"), ("back", ""), ("end", "")]))

    # who files a form

    def _on_group(self, screen: Screen) -> None:
        self.touch(screen, "service", self.world.rng.choice(screen.data["services"])["id"])

    def _on_code_ask(self, screen: Screen) -> None:
        """A look-up shows a code again to whoever holds its slip, which the laws of this world do not tell apart."""
        self.touch(screen, "back")

    def _on_notice(self, screen: Screen) -> None:
        self.touch(screen, "next")

    def _on_identify(self, screen: Screen) -> None:
        ways = [each["way"] for each in screen.data["ways"]]
        self.touch(screen, "way", self.world.rng.choice([*ways, "type", "code", "card"]))

    def _on_code_wait(self, screen: Screen) -> None:
        rng = self.world.rng
        if not self.station.devices.plugged["scanner"] or rng.random() < 0.05:
            self.touch(screen, "back")
        else:
            self.station.post(events.Scanned(self.persona.code if rng.random() < 0.9 else b"https://example.vn/x"))

    def _on_who(self, screen: Screen) -> None:
        choice = self.world.rng.random()
        if choice < 0.2:
            self._reveal(screen)
        elif choice < 0.3:
            self.touch(screen, self.world.rng.choice(["back", "wrong"]))
        else:
            self.touch(screen, "right")

    def _on_ask(self, screen: Screen) -> None:
        data, rng = screen.data, self.world.rng
        if data["fault"] and rng.random() < 0.3:
            self.touch(screen, rng.choice(["back", "back", "restart"]))
            return
        choice = rng.random()
        if choice < 0.03:
            self.touch(screen, "back")
        elif choice < 0.08:
            self.touch(screen, "next")  # before anything was said
        elif data["skip"] and choice < 0.5:
            self.touch(screen, "skip")
        else:
            self._answer(screen, data["key"], data["kind"])

    def _answer(self, screen: Screen, key: str, kind: str) -> None:
        """Say what is asked."""
        data, rng = screen.data, self.world.rng
        match kind:
            case "choice":
                new = [each["id"] for each in data["choices"] if not (data["editing"] and each["chosen"])]
                self.touch(screen, "choose", self._choice(key, new))
                return
            case "ward" if data["found"] and rng.random() < 0.7:
                self.touch(screen, "ward", rng.choice(data["found"])["code"])
                return
            case "ward":
                self.type(screen, rng.choice(["sai gon", "binh trung", "tan"]))
                return
            case "date" | "time" if data["trusted"] and rng.random() < 0.6:
                self.touch(screen, "quick", self._day(key) if kind == "date" else "now")
            case "date":
                self.type(screen, self._date(key))
            case "time":
                self.type(screen, rng.choice(["1900", "2315", "0030", "2590"]))
            case "number":
                self.type(screen, rng.choice(["1", "1", "2", "0"]))
            case _:
                self.type(screen, self._text(key, kind))
        self.touch(screen, "next")

    def _text(self, key: str, kind: str) -> str:
        persona, guest = self.persona, key.startswith("guest")
        match kind:
            case "name":
                return f"{persona.word} k" if guest else persona.name("typed")
            case "id_number":
                return persona.number("guest" if guest else "typed")
            case "phone":
                return persona.phone
            case _:
                return persona.word

    def _choice(self, key: str, ids: list[str]) -> str:
        rng = self.world.rng
        wanted = {"reporter": "guest", "guest_paper.1": "number", "guest_paper.2": "child", "where": "here"}.get(key)
        return wanted if wanted in ids and rng.random() < 0.5 else rng.choice(ids)

    def _day(self, key: str) -> str:
        return {"day": "yesterday", "from_date": "today", "to_date": "tomorrow"}.get(key, "today")

    def _date(self, key: str) -> str:
        days = {"day": -1, "from_date": 0, "to_date": 1}.get(key.split(".", maxsplit=1)[0])
        day = datetime.fromtimestamp(self.world.now_ms() / 1000, UTC).astimezone(VIETNAM)
        return "15012015" if days is None else f"{day + timedelta(days=days):%d%m%Y}"

    def _reveal(self, screen: Screen) -> None:
        """See it in full; some read it for long."""
        self.touch(screen, "reveal")
        if self.world.rng.random() < 0.3:
            self.away_until_s = self.world.time_s + READING_S

    def _on_form_review(self, screen: Screen) -> None:
        data, rng = screen.data, self.world.rng
        open_rows = [row["key"] for row in data["rows"] if row["editable"]]
        faulty = [row["key"] for row in data["rows"] if row["fault"] and row["editable"]]
        choice = rng.random()
        if faulty and choice < 0.9:
            self.touch(screen, "edit", faulty[0])
        elif choice < 0.3 and open_rows:
            turning = [key for key in open_rows if key in TURNING]
            self.touch(screen, "edit", rng.choice(turning if turning and rng.random() < 0.8 else open_rows))
        elif choice < 0.5:
            self._reveal(screen)
        elif choice < 0.55:
            self.touch(screen, "back")
        else:
            if choice < 0.9:  # else without having agreed
                self.touch(screen, "consent", "1")
            for _ in range(rng.choice([1, 1, 2, 3])):
                self.touch(screen, "next")

    def _on_form_result(self, screen: Screen) -> None:
        data, choice = screen.data, self.world.rng.random()
        if choice < 0.8 and (data["slip"] == "waiting" or (self.patient and data["state"] in ("saved", "sent"))):
            return
        if choice < 0.1:
            self.touch(screen, "print")
        elif choice < 0.85:
            self.touch(screen, "another" if choice < 0.3 else "end")


def _ids(screen: Screen) -> list[str]:
    """The values that this screen itself gives."""
    data: dict[str, Any] = dict(screen.data)
    rows = [*data.get("rows", ()), *data.get("choices", ()), *data.get("bills", ()), *data.get("services", ())]
    return [str(row[name]) for row in rows for name in ("id", "key") if name in row]
