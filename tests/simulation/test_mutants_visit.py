"""Planted bugs in a resident's visit: forms, cards, results, codes, disk and technician: each turns a law red."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from device_profiles.answers import Answer
from edge_agent import agent, effects
from edge_agent.machines import (
    checkout,
    deadlines,
    desk,
    dossier,
    form,
    form_views,
    idcard,
    identify,
    ledger,
    technician,
    touches,
    views,
    visit,
)
from fleet_server.projections import dossiers as fleet_dossiers
from tests.simulation import devices as sim_devices
from tests.simulation import people
from tests.simulation.planting import CRASHES, SEEDS, into, red
from tests.simulation.world import Faults

LOSSES = Faults(loss=0.5, link_flap=0.01, delay_max_s=3.0)
CROWDED = Faults(disk_low=0.01)

MUTANTS = {}
mutant = into(MUTANTS)


# what is left of a visit


@mutant(Faults())
def the_form_is_kept_over_the_wipe(patch):
    inner = desk.Desk.end

    def end(self, outcome, now):
        held = self.scene.form
        done = inner(self, outcome, now)
        self.scene.form = held
        return done

    patch.setattr(desk.Desk, "end", end)


@mutant(Faults())
def starting_over_keeps_the_form(patch):
    inner = desk.Desk.restart

    def restart(self):
        held = self.scene.form
        inner(self)
        self.scene.form = held

    patch.setattr(desk.Desk, "restart", restart)


@mutant(Faults())
def a_new_form_begins_with_the_answers_of_the_one_before(patch):
    kept = {}
    inner = form.Form.__init__

    def begin(self, *args, **more):
        inner(self, *args, **more)
        self.answers = kept.setdefault(self.service.code, self.answers)

    patch.setattr(form.Form, "__init__", begin)


@mutant(Faults())
def a_late_reading_is_taken_by_whoever_waits_for_one(patch):
    """In a world of slow readers, where everybody comes with a card."""
    patch.setattr(sim_devices, "SLOW_READING", 0.8)
    patch.setattr(people, "GROUPS", ("lookup",))
    inner = idcard.done
    patch.setattr(idcard, "done", lambda desk, _number, card, now: inner(desk, desk.scene.reading, card, now))


@mutant(CRASHES)
def what_is_shown_after_a_power_cut_names_the_resident(patch):
    kept, submit, recovered = [], dossier.submit, views._recovered

    def submitting(desk, now):
        kept[:] = [answer.value for answer in desk.scene.form.answers.values()]
        return submit(desk, now)

    patch.setattr(dossier, "submit", submitting)
    patch.setattr(views, "_recovered", lambda *args: recovered(*args) | {"rows": list(kept)})


@mutant(CRASHES)
def a_power_cut_offers_the_code_of_whoever_had_left(patch):
    patch.setattr(ledger.Ledger, "left", lambda self: {})


@mutant(Faults())
def a_masked_number_is_never_masked_again(patch):
    patch.setattr(form_views, "_revealed", lambda scene, _now: scene.revealed_s > 0)


@mutant(Faults())
def what_was_answered_is_remembered_beside_the_code(patch):
    submit = dossier.submit

    def submitting(desk, now):
        return [
            replace(each, remember=each.remember | {"visit.answers": [list(row) for row in each.fields["answers"]]})
            if isinstance(each, effects.Append)
            else each
            for each in submit(desk, now)
        ]

    patch.setattr(dossier, "submit", submitting)


@mutant(Faults())
def a_touch_on_an_older_screen_counts(patch):
    inner = visit.Visit._touched
    patch.setattr(
        visit.Visit, "_touched", lambda self, event, now: inner(self, replace(event, screen=self._number), now)
    )


# what is said to be saved


@mutant(Faults(link_flap=0.02))
def the_slip_of_a_dossier_comes_before_its_record(patch):
    submit = dossier.submit
    patch.setattr(dossier, "submit", lambda desk, now: submit(desk, now)[::-1])


@mutant(LOSSES)
def sent_is_said_on_any_ack(patch):
    acked = dossier.acked

    def hopeful(desk, event, now):
        return acked(desk, replace(event, ack=replace(event.ack, next=1 << 40)), now)

    patch.setattr(dossier, "acked", hopeful)


@mutant(Faults())
def sent_is_said_when_the_record_is_durable(patch):
    inner = dossier.committed

    def committed(scene, *more):
        inner(scene, *more)
        if scene.form and scene.form.state == "saved":
            scene.form.state = "sent"

    patch.setattr(dossier, "committed", committed)


@mutant(Faults())
def the_office_is_said_to_have_accepted_what_it_has_not_seen(patch):
    patch.setitem(dossier.WORD, "SENT", "accepted")


@mutant(Faults())
def the_record_of_an_offices_word_says_another(patch):
    inner = dossier.told

    def told(*args):
        done = inner(*args)
        return [
            replace(each, fields={**each.fields, "state": "QUEUED"}) if isinstance(each, effects.Append) else each
            for each in done
        ]

    patch.setattr(dossier, "told", told)


@mutant(Faults())
def a_dossiers_code_is_not_counted(patch):
    inner = ledger.Ledger.file

    def file(self, filed):
        values = inner(self, filed)
        self.counter_next -= 1
        return values | {"pay.counter": self.counter_next}

    patch.setattr(ledger.Ledger, "file", file)


@mutant(Faults())
def one_press_files_twice(patch):
    submit = dossier.submit
    patch.setattr(dossier, "submit", lambda desk, now: [*submit(desk, now), *submit(desk, now)])


@mutant(Faults())
def the_button_of_the_review_works_on_the_result_too(patch):
    patch.setitem(touches._MOVES["form_result"], "next", touches._submit)
    patch.setitem(touches._MOVES["form_result"], "end", touches._submit)


# what the record says


@mutant(Faults())
def the_last_answer_is_not_recorded(patch):
    _change_record(patch, lambda fields: {"answers": fields["answers"][:-1]})


@mutant(Faults())
def an_answer_that_is_no_longer_asked_for_is_recorded(patch):
    patch.setattr(form.Form, "given", lambda self: dict(self.answers))


@mutant(Faults())
def a_changed_answer_stays_as_it_was_first(patch):
    inner = form._answer

    def answer(desk, asked, text, now):
        held = desk.scene.form
        before = held.answers.get(asked.key)
        done = inner(desk, asked, text, now)
        if before and held.answers.get(asked.key) != before:
            stale[id(held), asked.key] = before.value
        return done

    stale = {}
    submit = dossier.submit

    def submitting(desk, now):
        held = desk.scene.form
        return [
            replace(
                each,
                fields={
                    **each.fields,
                    "answers": tuple(
                        [key, stale.get((id(held), key), value), way] for key, value, way in each.fields["answers"]
                    ),
                },
            )
            if isinstance(each, effects.Append)
            else each
            for each in submit(desk, now)
        ]

    patch.setattr(form, "_answer", answer)
    patch.setattr(dossier, "submit", submitting)


@mutant(Faults())
def what_a_card_said_is_called_typed(patch):
    right = identify.right

    def typed(desk, value, now):
        done = right(desk, value, now)
        held = desk.scene.form
        held.answers = {key: Answer(each.value, "typed") for key, each in held.answers.items()}
        return done

    patch.setattr(identify, "right", typed)
    patch.setitem(touches._MOVES["who"], "right", typed)


@mutant(Faults())
def a_printed_code_is_called_a_chip(patch):
    inner = identify.form.card_said

    def card_said(scene, said, level, doubt):
        inner(scene, said, "chip_read" if level == "claimed" else level, doubt)

    patch.setattr(form, "card_said", card_said)


@mutant(Faults())
def nobody_has_to_agree(patch):
    submit = dossier.submit

    def submitting(desk, now):
        desk.scene.form.agreed = True
        return submit(desk, now)

    patch.setattr(dossier, "submit", submitting)


@mutant(Faults())
def what_is_urgent_waits_like_everything_else(patch):
    patch.setattr(dossier, "URGENT", dossier.NORMAL)


@mutant(Faults())
def a_deadline_is_an_hour_off(patch):
    patch.setattr(deadlines, "LAST_HOUR", 22)


def _change_record(patch, change):
    """Have the record of a dossier changed on its way to the journal."""
    submit = dossier.submit

    def submitting(desk, now):
        return [
            replace(each, fields={**each.fields, **change(each.fields)}) if isinstance(each, effects.Append) else each
            for each in submit(desk, now)
        ]

    patch.setattr(dossier, "submit", submitting)


@mutant(Faults())
def the_fleet_keeps_answers_in_clear(patch):
    inner = fleet_dossiers._created

    def created(record, txn, form):
        return replace(inner(record, txn, form), identity=" ".join(each[1] for each in record.fields["answers"]))

    patch.setattr(fleet_dossiers, "_created", created)


# the disk


@mutant(CROWDED)
def nobody_looks_how_much_room_there_is(patch):
    patch.setattr(agent.Agent, "_look_at_room", lambda self: None)


@mutant(CROWDED)
def what_was_begun_may_be_submitted_without_room(patch):
    patch.setattr(checkout.Checkout, "refused_form", lambda self, service, now: False)


@mutant(CROWDED)
def a_disk_that_has_room_again_is_not_noticed(patch):
    patch.setattr(agent, "ROOM_AGAIN_BYTES", 1 << 62)


@mutant(CROWDED)
def a_crowded_disk_takes_nothing_at_all(patch):
    inner = agent.Agent._look_at_room

    def look(self):
        inner(self)
        if self._full:
            self.journal._db.execute("PRAGMA max_page_count = 1")

    patch.setattr(agent.Agent, "_look_at_room", look)


# the technician


@mutant(Faults())
def a_technician_comes_in_without_a_record(patch):
    inner = technician.open_page
    patch.setitem(touches._MOVES["technician"], "next", lambda *args: [each for each in inner(*args) if False])


@mutant(Faults())
def the_pin_stands_on_the_screen(patch):
    inner = form_views.technician_pin
    patch.setattr(form_views, "technician_pin", lambda desk, now: inner(desk, now) | {"typed": desk.scene.typed})


@mutant(Faults())
def the_pin_is_logged(patch):
    inner = technician.hashed

    def hashed(pin, salt):
        logging.getLogger("edge_agent.machines").info("somebody typed %s", pin)
        return inner(pin, salt)

    patch.setattr(technician, "hashed", hashed)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_planted_bug_turns_a_law_red(name):
    assert red(*MUTANTS[name]), f"{name} lived: no law noticed it in {SEEDS} seeds"
