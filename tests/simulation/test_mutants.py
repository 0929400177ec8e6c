"""Planted bugs in journal, wire, fleet, enrolment, payment and devices: each turns a law red (`planting`)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from device_profiles import records, wire
from edge_agent import agent, clock, effects, events, inbound, journal, lease
from edge_agent.machines import checkout, devices, ledger, sync
from fleet_server import ingest, money, opener
from fleet_server.projections import devices as fleet_devices
from fleet_server.sqlite import log as sqlite_log
from provisioning import enrolment
from provisioning.sealing import ContentKey
from tests.simulation.planting import CABLES, CRASHES, DISK, SEEDS, into, red
from tests.simulation.world import Faults

RESTORES = Faults(restore=0.01, loss=0.05, delay_max_s=1.0)
NETWORK = Faults(loss=0.2, doubling=0.2, replay=0.3, forge=0.3, delay_max_s=10.0, server_crash_before_ack=0.05)
REIMAGES = Faults(reimage=0.02)
CLOCKS = Faults(clock_jump=0.02, link_flap=0.005)
MONEY = Faults(printer=0.1, agent_crash=0.005)
PAGES = Faults(page_dies=0.02, agent_crash=0.003)

MUTANTS = {}
mutant = into(MUTANTS)


# the journal


@mutant(CRASHES)
def append_returns_before_the_record_is_on_disk(patch):
    inner, waiting = journal.Journal.append, {}

    def append(self, sealing, stamp, **rest):
        if self in waiting:  # the one before is written only now
            del waiting[self]
            self._db.execute("COMMIT")
        if not self._db.in_transaction:
            self._db.execute("BEGIN")
            waiting[self] = True
        rest["remember"] = None
        return inner(self, sealing, stamp, **rest)

    patch.setattr(journal.Journal, "append", append)


@mutant(REIMAGES)
def every_journal_has_the_same_id(patch):
    patch.setattr(journal.secrets, "token_bytes", lambda size: b"\x07" * size)


@mutant(RESTORES)
def pruned_at_next_instead_of_durable_next(patch):
    inner = sync.Sync._follow

    def follow(self, event, now):
        greedy = replace(event, ack=replace(event.ack, durable_next=event.ack.next))
        return inner(self, greedy, now)

    patch.setattr(sync.Sync, "_follow", follow)
    patch.setattr(sync, "PRUNE_AT_LEAST", 1)


@mutant(DISK)
def a_refused_append_is_ignored_by_the_hand(patch):
    inner = agent.Agent._append

    def append(self, effect, now):
        inner(self, effect, now)
        return True

    patch.setattr(agent.Agent, "_append", append)


@mutant(DISK)
def slips_are_printed_before_their_record(patch):
    inner = agent.Agent._perform_all

    def perform_all(self, asked, now):
        eager = sorted(asked, key=lambda each: not isinstance(each, (effects.Print, effects.Show)))
        inner(self, eager, now)

    patch.setattr(agent.Agent, "_perform_all", perform_all)


# sync


@mutant(RESTORES)
def an_ack_that_goes_backwards_is_ignored(patch):
    inner = sync.Sync._follow

    def follow(self, event, now):
        if event.ack.next < self.cursor:
            self._resumed = True
            return []
        return inner(self, event, now)

    patch.setattr(sync.Sync, "_follow", follow)


@mutant(NETWORK)
def the_cursor_moves_when_the_batch_is_sent(patch):
    inner = sync.Sync.on

    def on(self, event, now):
        if type(event).__name__ == "BatchSent" and event.count:
            self.cursor = event.first + event.count
        if type(event).__name__ == "Acked":
            event = replace(event, ack=replace(event.ack, next=max(event.ack.next, self.cursor)))
        return inner(self, event, now)

    patch.setattr(sync.Sync, "on", on)


@mutant(Faults())
def nothing_paces_a_station_that_is_idle(patch):
    inner = sync.Sync._send

    def send(self, first, count_max, now):
        asked = inner(self, first, count_max, now)
        self._next_beat_s = 0.0
        return asked

    patch.setattr(sync.Sync, "_send", send)


# what comes from outside


@mutant(NETWORK)
def acks_are_believed_unverified(patch):
    def received(self, event, held):
        if event.channel != "ack":
            return None
        try:
            return self._ack(wire.envelope_decode(event.data, 1 << 20).payload, held)
        except wire.WireError:
            return None

    patch.setattr(inbound.Inbound, "received", received)
    patch.setattr(sync, "SENT_KEPT", 10_000)


@mutant(CLOCKS)
def the_system_clock_raises_the_time_floor(patch):
    inner = clock.Clock.now

    def now(self):
        self.raise_floor(int(self._wall_s() * 1000))
        return inner(self)

    patch.setattr(clock.Clock, "now", now)


# the fleet


@mutant(NETWORK)
def the_ack_is_sent_without_storing(patch):
    patch.setattr(sqlite_log.SqliteLog, "append", lambda self, head, rows: None)


@mutant(NETWORK)
def batches_are_accepted_without_their_signature(patch):
    def open_message(kind, data, find, size_max_bytes):
        envelope = wire.envelope_decode(data, size_max_bytes)
        key = find(envelope.kid)
        if key is None:
            raise wire.WireError("unknown_key")
        return envelope.payload, key

    patch.setattr(ingest, "open_message", open_message)


@mutant(NETWORK)
def a_repeat_is_taken_for_a_clone(patch):
    inner = ingest._fork

    def fork(store, head, batch, digests):
        return batch.first if digests and batch.first < head.next else inner(store, head, batch, digests)

    patch.setattr(ingest, "_fork", fork)


@mutant(RESTORES)
def a_backup_promises_more_than_it_holds(patch):
    inner = ingest._durable
    patch.setattr(ingest, "_durable", lambda store, start, reach: inner(store, start, reach) and reach.next)
    patch.setattr(sync, "PRUNE_AT_LEAST", 1)


@mutant(Faults())
def the_opener_skips_a_record_after_each_step(patch):
    inner = opener._after_cursor
    patch.setattr(opener, "_after_cursor", lambda store: inner(store)[:-1] or inner(store))
    step = opener.Opener.step

    def skipping(self):
        moved = step(self)
        if moved > 1:
            self._fleet.run(
                lambda store: store.put_cursor(opener.OPENER_CURSOR, store.cursor(opener.OPENER_CURSOR) + 1)
            )
        return moved

    patch.setattr(opener.Opener, "step", skipping)


@mutant(MONEY)
def a_credit_of_another_amount_confirms(patch):
    inner = money._doubt

    def doubt(payment, first, shared):
        found = inner(payment, first, shared)
        return "" if found == "AMOUNT_MISMATCH" else found

    patch.setattr(money, "_doubt", doubt)


# enrolment


@mutant(Faults())
def a_claim_may_be_used_by_a_second_device(patch):
    inner = enrolment.judge_request

    def judge_request(asked, known, now_ms):
        if known.used_by is not None and known.used_by != asked.request.spki:
            return "issue"
        return inner(asked, known, now_ms)

    patch.setattr(enrolment, "judge_request", judge_request)


@mutant(Faults())
def a_repeated_request_gets_a_new_answer(patch):
    inner = enrolment.judge_request

    def judge_request(asked, known, now_ms):
        verdict = inner(asked, known, now_ms)
        return "issue" if verdict == "repeat" else verdict

    patch.setattr(enrolment, "judge_request", judge_request)


# the visit


@mutant(CRASHES)
def the_counter_of_codes_is_not_remembered(patch):
    inner = ledger.Ledger.open

    def open_(self, biller, bill, claimed):
        values = inner(self, biller, bill, claimed)
        del values["pay.counter"]
        return values

    patch.setattr(ledger.Ledger, "open", open_)


@mutant(REIMAGES)
def a_new_journal_begins_its_codes_anew(patch):
    patch.setattr(lease.Lease, "start", lambda self: self.first)


@mutant(CRASHES)
def a_code_on_the_screen_is_forgotten_by_a_restart(patch):
    patch.setattr(checkout.Checkout, "recover", lambda self: [])


@mutant(MONEY)
def the_station_calls_a_payment_confirmed_by_itself(patch):
    inner = checkout.Checkout.told

    def told(self, scene, txn, fields, as_of_ms, now):
        hopeful = fields | {"state": "CONFIRMED"} if fields.get("state") == "AWAITING_CONFIRMATION" else fields
        return inner(self, scene, txn, hopeful, as_of_ms, now)

    patch.setattr(checkout.Checkout, "told", told)


# peripherals


@mutant(CABLES)
def every_change_of_a_loose_cable_is_a_record(patch):
    patch.setattr(devices.Component, "due", lambda self, now: self.word != self.written)


@mutant(CABLES)
def a_device_that_flapped_is_never_recorded_again(patch):
    inner = devices.Component.due
    patch.setattr(devices.Component, "due", lambda self, now: not self.flapping and inner(self, now))


@mutant(Faults(unplug=0.02, disk_full=0.05))
def a_change_that_the_journal_refused_is_forgotten(patch):
    patch.setattr(devices.Devices, "_take_back", lambda self: None)


@mutant(CABLES)
def the_hand_tells_a_device_only_what_it_has_not_said_before(patch):
    inner, heard = agent.Agent._note, set()

    def note(self, event, now):
        repeated = isinstance(event, events.PeripheralState) and (id(self), event) in heard
        heard.add((id(self), event) if isinstance(event, events.PeripheralState) else None)
        return inner(self, event, now) and not repeated

    patch.setattr(agent.Agent, "_note", note)


@mutant(CABLES)
def the_heartbeat_keeps_the_first_word_of_a_device(patch):
    inner = agent.Agent._perform
    kept = {}

    def perform(self, effect, now):
        if isinstance(effect, effects.Report) and "peripherals" in effect.values:
            effect = effects.Report({**effect.values, "peripherals": kept.setdefault(id(self), [])})
        return inner(self, effect, now)

    patch.setattr(agent.Agent, "_perform", perform)


@mutant(PAGES)
def a_page_that_fell_silent_is_still_there(patch):
    patch.setattr(agent, "PAGE_SILENT_S", 1e9)


@mutant(PAGES)
def the_fleet_takes_a_new_process_for_the_old_one(patch):
    inner = fleet_devices.project

    def project(known, record):
        return dict(known) if record.kind == "station.started" else inner(known, record)

    patch.setattr(fleet_devices, "project", project)


@mutant(CABLES)
def a_slip_of_which_nothing_is_known_is_called_printed(patch):
    inner = agent.Agent._believe

    def believe(self, event, now):
        hopeful = replace(event, result="confirmed") if isinstance(event, events.PrintDone) else event
        return inner(self, hopeful, now)

    patch.setattr(agent.Agent, "_believe", believe)


@mutant(Faults())
def what_a_card_says_is_kept_beside_its_count(patch):
    inner = devices.Devices.on

    def on(self, event, now):
        done = inner(self, event, now)
        if isinstance(event, events.CardRead):
            done.append(effects.Remember({"device.reader": event.card.mrz}))
        return done

    patch.setattr(devices.Devices, "on", on)


# sealing


@mutant(Faults())
def records_are_written_in_clear(patch):
    patch.setattr(ContentKey, "seal", lambda self, header, plain: plain)


@mutant(Faults())
def the_wire_carries_the_unit_in_a_clear_header(patch):
    inner = journal.Journal.append

    def append(self, sealing, stamp, **rest):
        marked = journal.Sealing(sealing.key, sealing.suite, lambda header: sealing.seal(header) + self_clear[0])
        return inner(self, marked, stamp, **rest)

    self_clear = [b""]
    pack = records.pack

    def packing(kind, fields):
        self_clear[0] = str(fields.get("owner", "")).encode()
        return pack(kind, fields)

    patch.setattr(records, "pack", packing)
    patch.setattr(journal.Journal, "append", append)


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_planted_bug_turns_a_law_red(name):
    assert red(*MUTANTS[name]), f"{name} lived: no law noticed it in {SEEDS} seeds"
