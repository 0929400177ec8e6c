"""The visit machine: takes every event, moves the scene, and shows what follows. Pure: no clock, disk, socket, thread.

Decides every time-out, and what an answer, a scan or a refused write leads to. Touches are a table (touches), payments
are checkout's, screens are views': after each event the view is built anew and shown when it differs from what stands
there. A touch counts only on the screens of the place where the resident is now. A time-out never cancels a payment.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from device_profiles.bills import unit_key
from device_profiles.formats import scan
from device_profiles.formats.refusal import FormatError
from edge_agent import events
from edge_agent.effects import Effect, Remember, Screen, Show, Wipe
from edge_agent.machines import dossier, idcard, identify, lookup, recovery, technician
from edge_agent.machines.checkout import SERVICE, Checkout
from edge_agent.machines.desk import Desk
from edge_agent.machines.ledger import Ledger, Showing
from edge_agent.machines.payment import Limits, tightened
from edge_agent.machines.questions import Questions
from edge_agent.machines.scene import RESULTS, Scene, VisitSettings, World
from edge_agent.machines.technician import Guard
from edge_agent.machines.touches import UNIT_MAX, move
from edge_agent.machines.views import view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge_agent.events import Event, Now
    from edge_agent.machines.ledger import Values

    Sensed = (
        events.Scanned | events.CardIn | events.CardOut | events.CardRead | events.CardFailed | events.PeripheralState
    )

CONFIGURED = (*(each.name for each in fields(Limits)), "out_of_service", "technician_pin")
_UNIT = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./-]{0,19}")


class Visit:
    """One station's visits. `random_bytes(n)` gives n random bytes, for payments, prints and questions."""

    def __init__(self, settings: VisitSettings, random_bytes: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._world = World(settings.catalogue)
        self._checkout = Checkout(settings, settings.limits, random_bytes, self._world, Ledger())
        self._desk = Desk(self._checkout, Questions(random_bytes), Scene(), Guard())
        self._begun = False
        self._number = 0
        self._first = 1  # no touch counts before the first screen
        self._shown: tuple[object, ...] | None = None
        self._place: tuple[object, ...] = ()

    def on(self, event: Event, now: Now) -> list[Effect]:
        """Take one event; give what is to be done. The screen comes last: it shows what the records before it say."""
        effects = self._take(event, now)
        return [*effects, *self._show(now)] if self._begun else effects

    def _take(self, event: Event, now: Now) -> list[Effect]:  # noqa: PLR0911  one arm per kind of event: a table
        match event:
            case events.Touched():
                return self._touched(event, now)
            case events.Tick():
                return [*self._due(now), *self._ask(now)]
            case events.Acked():
                return [*self._acked(event), *dossier.acked(self._desk, event, now)]
            case (
                events.Scanned()
                | events.CardIn()
                | events.CardOut()
                | events.CardRead()
                | events.CardFailed()
                | events.PeripheralState(port="reader")
            ):
                return self._sensed(event, now)
            case events.Answered():
                return [*self._answered(event, now), *_remember(self._checkout.ledger.heard(event.as_of_ms))]
            case events.NotAnswered(question=question):
                self._not_answered(question, now)
            case events.PrintDone():
                effects = self._checkout.printed(self._desk.scene, event)
                dossier.printed(self._desk, now)
                return effects
            case events.AppendFailed():
                return self._write_refused(event, now)
            case events.ServiceStopped(reason=reason):
                return self._stopped(reason, now)
            case events.Started(boot=boot, state=state):
                self._world.boot = boot
                self._desk.guard.load(state, now)
                return self._started(state, now)
            case _:
                return self._learn(event)
        return []

    def _learn(self, event: Event) -> list[Effect]:
        """What changes the world and moves nobody."""
        world, ledger = self._world, self._checkout.ledger
        match event:
            case events.ServiceResumed(reason=reason):
                world.stopped.discard(reason)
                kept = _remember(ledger.standing())  # what a refused write should have forgotten
                return kept if self._desk.scene.place == "qr" else [*self._checkout.recover(), *kept]
            case events.LinkUp():
                world.online = True
            case events.LinkDown():
                if world.online and self._desk.scene.place == "review":
                    self._desk.scene.consent = False  # other words stand there now
                world.online = False
            case events.PeripheralState():
                self._device(event)
            case events.Storage(full=full):
                world.full = full
            case events.CatalogueApplied(catalogue=catalogue):
                # One that came with a newer release stands; a resident's form keeps the one it began with.
                world.catalogue = max(world.catalogue, catalogue, key=lambda each: each.version)
            case events.Committed(next=following, txn=txn):
                world.written = following
                dossier.committed(self._desk.scene, txn, following)
            case events.AnchorsApplied(anchors=anchors):
                world.anchors = anchors.certificates
            case events.Configured(values=values):
                return self._configure(values)
            case events.BillsApplied(bills=bills):
                world.bills = bills
                return _remember(ledger.drop_paid(frozenset(each.bill for each in bills.bills)))
            case _:
                pass
        return []

    def _device(self, event: events.PeripheralState) -> None:
        """A printer's or scanner's word on itself."""
        world, scene = self._world, self._desk.scene
        world.devices[event.port] = event
        if event.port == "printer":
            world.printer, world.paper = event.state, event.paper
        elif event.port == "scanner":
            world.scanner = event.state
            if event.state != "online" and scene.place == "code_wait":
                scene.place = "identify"  # which says so, and what else can be done

    def _configure(self, values: Mapping[str, Any]) -> list[Effect]:
        """The newest Desired's settings: tighter limits, the operator's notice. A restart must not loosen them."""
        self._checkout.limits = tightened(self._settings.limits, values)
        notice, pin = values.get("out_of_service"), values.get("technician_pin")
        self._world.notice = notice if isinstance(notice, str) else ""
        self._world.pin = pin if isinstance(pin, bytes) else b""
        return _remember(
            self._checkout.ledger.configured({name: values[name] for name in CONFIGURED if name in values})
        )

    def _acked(self, event: events.Acked) -> list[Effect]:
        self._world.written, self._world.accepted = event.own_next, event.ack.next
        return _remember(self._checkout.ledger.heard(event.ack.time_ms))

    def _started(self, state: Mapping[str, Any], now: Now) -> list[Effect]:
        ledger = Ledger.load(state, self._settings.counter_first)
        self._begun, self._checkout.ledger = True, ledger
        self._configure(dict(ledger.config))
        return recovery.recover(self._desk, now)

    def _stopped(self, reason: str, now: Now) -> list[Effect]:
        self._world.stopped.add(reason)
        self._shown = None  # a refused write may have taken the newest screen with it
        if not self._desk.scene.in_visit or self._desk.scene.place in ("qr", "result", "form_result"):
            return []  # an open payment is brought to its end, and a code that was saved stays
        before = self._desk.scene
        effects = self._desk.end("fault", now)
        self._desk.out(now, before)
        return effects

    def _write_refused(self, event: events.AppendFailed, now: Now) -> list[Effect]:
        """Nothing that hung on the record has happened: take back what was counted, and say what was kept before."""
        scene, ledger = self._desk.scene, self._checkout.ledger
        payment, kept = scene.payment, None
        self._shown = None  # what stood behind the record in its list was not shown
        if event.kind == "payment.created" and event.txn:
            ledger.undo(event.txn)
        elif event.kind == "payment.state" and ledger.closing and event.txn == ledger.closing.txn:
            ledger.show(ledger.closing)  # closed when the journal is back, or at the next start
        form = scene.form
        if event.kind == "dossier.created" and event.txn:
            ledger.unfile(event.txn)
        elif form and form.txn:
            kept = Showing(form.txn, form.code, form.created_ms, seen=True)
        unseen = scene.place == "qr" and event.kind.startswith("payment.") and payment and event.txn == payment.txn
        if payment and not unseen:
            kept = Showing(payment.txn, payment.code, payment.created_ms, seen=True)
        if event.kind == "technician.entry":
            self._desk.scene = Scene()
        if scene.in_visit:
            self._desk.out(now, scene, kept)
        return [Wipe(), *_remember(ledger.left())]

    def _due(self, now: Now) -> list[Effect]:
        """What the time has brought; none of it ends a payment."""
        scene, settings, mono_s = self._desk.scene, self._settings, now.mono_s
        if scene.until_s:
            return self._deadline(now) if mono_s >= scene.until_s else []
        if not scene.in_visit:
            return []
        if scene.slip == "waiting" and (sending := dossier.due(self._desk, now)):
            return sending
        if scene.overlay == "warning":
            over = mono_s >= scene.warning_until_s
            return self._desk.end("finished" if scene.place in RESULTS else "timed_out", now) if over else []
        if mono_s >= scene.touched_s + (settings.idle_big_s if scene.big or scene.low else settings.idle_s):
            scene.under, scene.overlay = ("help" if scene.overlay == "help" else ""), "warning"
            scene.warning_until_s = mono_s + settings.warning_s
        return []

    def _deadline(self, now: Now) -> list[Effect]:
        """The place's own time is over."""
        match self._desk.scene.place:
            case "qr":
                self._desk.scene.overlay, self._desk.scene.touched_s = "", now.mono_s
                return self._checkout.close(self._desk.scene, closed=False)
            case "checking":
                self._desk.unanswered(now)
                return []
            case "code_checking":
                lookup.unanswered(self._desk, now)
                return []
            case "result" | "form_result":
                return self._desk.end("finished", now)
            case "technician" | "technician_page":
                return technician.leave(self._desk, now)
            case "card_reading":
                idcard.fault(self._desk, "too_slow", now)
                return []
            case _:
                return recovery.leave(self._desk)

    def _ask(self, now: Now) -> list[Effect]:
        scene, settings, questions = self._desk.scene, self._settings, self._desk.questions
        if not self._world.online:
            return []
        txn = scene.payment.txn if scene.payment and scene.state in ("", "awaiting") else None
        asks = questions.payment(txn, now.mono_s, settings.poll_s) if txn else []
        if scene.form and scene.form.state in ("sent", "more"):
            asks += questions.dossier(scene.form.txn, now.mono_s, settings.poll_s)
        others = [each for each in self._checkout.ledger.unsettled() if each != txn]
        return [*asks, *questions.background(others, now.mono_s, settings.background_s)]

    def _answered(self, event: events.Answered, now: Now) -> list[Effect]:
        asked = self._desk.questions.ended(event.question)
        if asked is None:
            return []
        if asked.purpose == "code":
            lookup.told(self._desk, asked.subject, event.fields, event.as_of_ms, now)
            return []
        if asked.purpose == "dossier":
            return dossier.told(self._desk, asked.subject, event.fields, event.as_of_ms, now)
        if asked.purpose != "bill":
            return self._checkout.told(self._desk.scene, asked.subject, event.fields, event.as_of_ms, now)
        scene, status = self._desk.scene, str(event.fields.get("status"))
        late = scene.place == "review" and scene.unanswered and scene.bill and scene.bill.bill == asked.subject
        if self._awaited(asked.subject) or (late and status in ("pending", "paid")):
            return self._desk.bill_status(status, now)
        return []

    def _not_answered(self, question: bytes, now: Now) -> None:
        asked = self._desk.questions.ended(question)
        if asked and asked.purpose == "code" and self._desk.scene.place == "code_checking":
            lookup.unanswered(self._desk, now)
        if asked and asked.purpose == "bill" and self._awaited(asked.subject):
            self._desk.unanswered(now)

    def _awaited(self, bill: bytes) -> bool:
        scene = self._desk.scene
        return scene.place == "checking" and scene.bill is not None and scene.bill.bill == bill

    def _sensed(self, event: Sensed, now: Now) -> list[Effect]:
        """Something was held before the scanner; a card came, went, or was read."""
        desk, world = self._desk, self._world
        match event:
            case events.Scanned(data=data):
                return self._scanned(data, now)
            case events.CardIn():
                world.card = True
                return idcard.card_in(desk, now)
            case events.CardOut():
                world.card = world.left_behind = False
            case events.PeripheralState(state=state):
                world.devices["reader"] = event
                world.reader, world.card = state, world.card and state == "online"
                if state != "online":
                    idcard.lost(desk, now)
            case events.CardRead(number=number, card=card):
                idcard.done(desk, number, card, now)
            case _:
                idcard.failed(desk, event.number, event.fault, now)
        return []

    def _scanned(self, data: bytes, now: Now) -> list[Effect]:
        """A card's code where one is asked for; a paper notice on the home or unit screen; all else is dropped."""
        scene = self._desk.scene
        if scene.place == "card_key" and not scene.overlay:
            return idcard.scanned(self._desk, data, now)
        if scene.place == "code_ask" and not scene.overlay:
            return lookup.scanned(self._desk, data, now)
        if scene.place == "code_wait" and not scene.overlay:
            return identify.scanned(self._desk, data, now)
        is_asked = scene.place == "unit" or (scene.place == "home" and self._bills_offered(now))
        if not scene.overlay and is_asked and self._world.bills is not None:
            self._unit_scanned(data, now)
        return []

    def _bills_offered(self, now: Now) -> bool:
        bills = (each for each in self._world.catalogue.services if each.kind == "bill")
        return any(self._checkout.offer(each, now).state != "none" for each in bills)

    def _unit_scanned(self, data: bytes, now: Now) -> None:
        scene = self._desk.scene
        scene.served = SERVICE
        try:
            text = scan.whole_text(data)
        except FormatError:
            text = ""
        key = unit_key(text) if _UNIT.fullmatch(text) else ""
        if not 0 < len(key) <= UNIT_MAX:
            if not scene.not_a_unit:  # a code that lies before the scanner for hours is nobody's presence
                scene.touched_s = now.mono_s
            scene.place, scene.not_a_unit = "unit", True
            return
        scene.typed, scene.touched_s = key.upper(), now.mono_s
        self._desk.find()

    def _touched(self, event: events.Touched, now: Now) -> list[Effect]:
        scene = self._desk.scene
        if not self._first <= event.screen <= self._number:
            return []
        act = move(scene.overlay or scene.place, event.action, in_visit=scene.in_visit)
        if act is None:
            return []
        scene.touched_s = now.mono_s
        if scene.place in RESULTS and scene.until_s:
            scene.until_s = now.mono_s + self._settings.done_s
        return act(self._desk, event.value, now) or []

    def _show(self, now: Now) -> list[Effect]:
        """Show the view when it differs from what stands there; another place makes older touches void."""
        scene = self._desk.scene
        name, data = view(self._desk, now)
        looks = (scene.language, scene.big, scene.low)
        shown = (name, {key: value for key, value in data.items() if key != "seconds"}, *looks)
        if shown == self._shown:
            return []
        question = scene.form.at if scene.form else ""
        place = (scene.place, scene.overlay, self._world.online and scene.place == "review", question)
        self._number += 1
        if place != self._place:
            self._first = self._number
        self._shown, self._place = shown, place
        return [Show(Screen(self._number, name, data, *looks))]


def _remember(values: Values) -> list[Effect]:
    return [Remember(values)] if values else []
