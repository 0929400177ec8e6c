"""After a power cut: what the resident who stood there is offered again, in which words. Decides no payment's state.

The offer is kept until its screen is left, so that a second power cut does not lose it, and forgotten then, so that the
next person is not shown it. Slips that may have come out are offered as reprints and never printed by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_agent.effects import Effect, Remember
from edge_agent.machines.ledger import PAID, REVIEW, Job, Offer, Showing
from edge_agent.machines.scene import Scene

if TYPE_CHECKING:
    from edge_agent.events import Now
    from edge_agent.machines.checkout import Checkout
    from edge_agent.machines.desk import Desk
    from edge_agent.machines.ledger import Ledger

AGE_MAX_MS = 30 * 60_000
# What a slip proves by itself: a dossier that the fleet has answered was sent.
PAPERS = dict.fromkeys(("sent", "accepted", "rejected"), "sent") | {"confirmed": "confirmed", "saved": "saved"}
DOSSIER = ("saved", "sent")


def recover(desk: Desk, now: Now) -> list[Effect]:
    """At the start of a process: bring open payments to a known state, and show the last one to whoever saw it."""
    checkout = desk.checkout
    ledger = checkout.ledger
    offer = _offer(ledger)
    if offer and not (now.trusted and now.wall_ms - offer.created_ms > AGE_MAX_MS):
        desk.scene = _scene(checkout, offer, now)
    else:
        offer = None
    offered = ledger.offering(offer) | ({} if offer else ledger.left())
    return [*checkout.recover(), *checkout.say_lost(), *([Remember(offered)] if offered else [])]


def leave(desk: Desk) -> list[Effect]:
    """The screen of an offer, or another outside a visit, is left: nobody is shown it any more."""
    ledger = desk.checkout.ledger
    desk.scene = Scene()
    values = ledger.offering(None) | ledger.left()
    return [Remember(values)] if values else []


def _offer(ledger: Ledger) -> Offer | None:
    """What stood on the screen, or else whose slip was under way, or else was saved or offered before."""
    showing = ledger.showing if ledger.showing and ledger.showing.seen else None
    jobs = [job for job in ledger.jobs.values() if job.code and (not showing or job.txn == showing.txn)]
    filed = ledger.filed
    if filed and not showing and jobs and jobs[-1].txn != filed.txn and jobs[-1].created_ms <= filed.created_ms:
        jobs = []  # a slip of what was done before the newest dossier
    if jobs:  # some of it may have come out
        last = jobs[-1]
        return Offer(last.txn, last.code, last.created_ms, last.copy, _word(ledger, last))
    if showing:
        return Offer(showing.txn, showing.code, showing.created_ms, 0, "awaiting")
    if filed:
        return Offer(filed.txn, filed.code, filed.created_ms, 0, "sent" if filed.sent else "saved")
    return ledger.offer


def _word(ledger: Ledger, job: Job) -> str:
    sent = ledger.filed is not None and ledger.filed.txn == job.txn and ledger.filed.sent
    return "sent" if sent else PAPERS.get(job.slip, "awaiting")


def _scene(checkout: Checkout, offer: Offer, now: Now) -> Scene:
    held = next((lock.word for lock in checkout.ledger.locks.values() if lock.txn == offer.txn), "")
    scene = Scene(
        place="recovered",
        kept=Showing(offer.txn, offer.code, offer.created_ms, seen=True),
        until_s=now.mono_s + checkout.settings.out_s,
    )
    if offer.word in DOSSIER:
        scene.state = "sent" if offer.word == "sent" else "saved"
    elif held == REVIEW:
        scene.state = "exception"
    else:
        scene.state = "confirmed" if offer.word == "confirmed" or held == PAID else "awaiting"
    if offer.copy:
        scene.slip, scene.copies = "unknown", offer.copy
    return scene
