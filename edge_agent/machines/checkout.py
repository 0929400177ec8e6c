"""One payment from the pressed button to the slip: what is recorded, in which order, and what the fleet's word does.

Every payment is recorded before anything of it is shown: its txn, code, reference, exposure and lock are committed
first, then that its code is shown, and only then does the code appear. Decides no screen but the next place; the limits
are payment's, the counting is the ledger's, the paper is slips'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles import records
from device_profiles.formats import codes, vietqr
from device_profiles.formats.reference import payment_purpose, payment_reference
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import NO_NAME
from edge_agent.effects import Append, Effect, Print, Remember
from edge_agent.machines import degradation, slips
from edge_agent.machines.degradation import Here, Offer
from edge_agent.machines.ledger import LOCKS_MAX, Claimed, Job, Ledger, Showing, Values
from edge_agent.machines.moments import today
from edge_agent.machines.payment import Limits, Standing, bill_refusal, station_refusal
from edge_agent.machines.scene import Payment, Scene, VisitSettings, World
from edge_agent.machines.wording import CONSENT_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_profiles.bills import Bill, BillSet
    from device_profiles.catalogue import Service
    from edge_agent.effects import Slip
    from edge_agent.events import Now, PrintDone

SERVICE = "B6"
COPIES_MAX = 3
# With these a bill can still be looked at.
READ_ONLY = ("clock", "policy", "contact", "stale", "exposure", "codes", "storage")


@dataclass(slots=True)
class Checkout:
    """The money side of the visit machine; it writes into the scene it is given and keeps none itself."""

    settings: VisitSettings
    limits: Limits
    random_bytes: Callable[[int], bytes]
    world: World
    ledger: Ledger

    def standing(self, bills: BillSet, now: Now, *, online: bool) -> Standing:
        """What the limits are judged by."""
        return Standing(
            online=online,
            signed=bills.offline is True,
            trusted=now.trusted,
            wall_ms=now.wall_ms,
            contact_ms=self.ledger.contact_ms,
            bills_as_of_ms=bills.as_of_ms,
            exposure_dong=self.ledger.exposure_dong,
            exposure_count=self.ledger.exposure_count,
        )

    def here(self, now: Now) -> Here:
        """What works at this station now."""
        world = self.world
        return Here(
            network=world.online,
            printer=world.prints,
            reader=world.reader == "online",
            scanner=world.scanner == "online",
            storage=not world.full,
            day=today(now.wall_ms) if now.trusted else None,
        )

    def offer(self, service: Service, now: Now) -> Offer:
        """Whether a service is offered now, with the limits of money on top."""
        if service.kind == "form" and not self.world.full and self._no_code() == "codes":
            return Offer("none", "codes")
        offered = degradation.offer(service, self.here(now))
        if offered.state == "none":
            return offered
        if service.kind == "bill":
            why = self.service_refusal(now)
            return Offer("limited" if why in READ_ONLY else "none", why) if why else offered
        return offered

    def refused_form(self, service: Service, now: Now) -> bool:
        """Whether nothing may be filed now that could be begun before: the disk is full, the codes are used up."""
        return self.offer(service, now).why in ("storage", "codes")

    def service_refusal(self, now: Now) -> str:
        """Why no bill at all can be paid now; empty when some can."""
        if self.world.bills is None:
            return "no_list"
        if self.world.full:
            return "storage"
        return (
            self._no_code()
            or station_refusal(self.limits, self.standing(self.world.bills, now, online=self.world.online))
            or ""
        )

    def refusal(self, bills: BillSet, bill: Bill, now: Now, *, online: bool) -> str:
        """Why this bill cannot be paid now; empty when it can."""
        lock = self.ledger.locks.get(bill.bill)
        if lock:
            return lock.word
        if self.world.full:
            return "storage"
        standing = self.standing(bills, now, online=online)
        ends_ms = self._ends_ms(now)
        return bill_refusal(self.limits, standing, bill.amount, bill.due, ends_ms) or self._no_code()

    def create(self, scene: Scene, now: Now, *, online: bool) -> list[Effect]:
        """Record a payment of the scene's bill and go to its QR code, or to the refusal with its reason."""
        bill, bills = scene.bill, scene.listed
        assert bill is not None  # noqa: S101  the review screen has both
        assert bills is not None  # noqa: S101
        why = self._changed(bill, bills) or self.refusal(bills, bill, now, online=online)
        if not why:
            try:
                return self._record(scene, bill, bills, now, online=online)
            except (FormatError, records.RecordError):
                why = "faulty"
        scene.place, scene.why = "refused", why
        return []

    def _record(self, scene: Scene, bill: Bill, bills: BillSet, now: Now, *, online: bool) -> list[Effect]:
        """Raises FormatError or RecordError for a bill list with faulty data, before anything is counted."""
        txn, reference = self.random_bytes(16), payment_reference(self.random_bytes(16))
        code = codes.provisional_code(self.settings.station, self.ledger.counter_next)
        purpose = payment_purpose(reference)
        request = vietqr.PaymentRequest(
            method="dynamic",
            bin=bills.payee_bin,
            account=bills.payee_account,
            service="account",
            amount=bill.amount,
            terminal=self.settings.station,
            purpose=purpose,
        )
        payload = vietqr.build(request)
        fields = self._fields(bill, bills, now) | {"reference": reference, "code": code, "online": online}
        records.check("payment.created", fields)
        scene.payment = Payment(
            txn=txn,
            bill=bill,
            payee_name=bills.payee_name,
            payee_account=bills.payee_account,
            bank=self.bank(bills, now),
            code=code,
            purpose=purpose,
            payload=payload,
            created_ms=now.wall_ms,
            online=online,
        )
        scene.place, scene.until_s = "qr", now.mono_s + self.settings.qr_s
        opened = self.ledger.open(bills.building, bill.bill, Claimed(txn, bill.amount, now.wall_ms))
        opened |= self.ledger.show(Showing(txn, code, now.wall_ms, seen=False))
        shown = self.ledger.show(Showing(txn, code, now.wall_ms, seen=True))
        return [
            Append("payment.created", fields, txn, remember=opened),
            Append("payment.state", {"state": "QR_SHOWN"}, txn, remember=shown),
        ]

    def _fields(self, bill: Bill, bills: BillSet, now: Now) -> dict[str, object]:
        return {
            "service": SERVICE,
            "biller": bills.building,
            "building": bills.building,
            "unit": bill.unit,
            "period": bill.period,
            "bill": bill.bill,
            "owner": bill.owner or NO_NAME,
            "amount": bill.amount,
            "due": bill.due,
            "payee_bin": bills.payee_bin,
            "payee_account": bills.payee_account,
            "payee_name": bills.payee_name,
            "bills_version": bills.version,
            "bills_as_of_ms": bills.as_of_ms,
            "consent": CONSENT_VERSION,
            "expires_ms": self._ends_ms(now),
        }

    def close(self, scene: Scene, *, closed: bool) -> list[Effect]:
        """The code leaves the screen: the payment awaits its confirmation, whatever the resident did.

        `closed`: the resident shut the code without saying that they paid; then no paper is spent unasked.
        """
        payment = scene.payment
        assert payment is not None  # noqa: S101  a code was on the screen
        scene.place, scene.state, scene.closed, scene.until_s = "result", "awaiting", closed, 0.0
        values = self.ledger.show(None)
        printing, noted = ([], {}) if closed else self._print(scene, "pending")
        return [
            Append("payment.state", {"state": "AWAITING_CONFIRMATION"}, payment.txn, remember=values | noted),
            *printing,
        ]

    def reprint(self, scene: Scene) -> list[Effect]:
        """The resident asks for the slip (again)."""
        if not self.may_print(scene):
            return []
        if scene.kept:
            return self._print_code(scene, scene.kept)
        printing, noted = self._print(scene, "confirmed" if scene.state == "confirmed" else "pending")
        return [Remember(noted), *printing] if printing else []

    def may_print(self, scene: Scene) -> bool:
        """Whether a slip may be asked for: none is under way or known to be out, and few were made."""
        return (
            scene.slip not in ("waiting", "printing", "confirmed") and scene.copies < COPIES_MAX and self.world.prints
        )

    def told(self, scene: Scene, txn: bytes, fields: Mapping[str, object], as_of_ms: int, now: Now) -> list[Effect]:
        """The fleet's word on a payment: on the screen, of this visit, or of an earlier one."""
        state, reason = str(fields.get("state")), fields.get("reason")
        known = reason if isinstance(reason, str) and reason in records.EXCEPTION_REASONS else None
        values = self.ledger.settle(txn, state, known)
        mine = scene.payment is not None and scene.payment.txn == txn and scene.state in ("", "awaiting")
        if mine and state in ("CONFIRMED", "SETTLED"):
            return self._settled(scene, {"state": "CONFIRMED", "as_of_ms": as_of_ms}, values, now)
        if mine and state == "EXCEPTION":
            words = {"state": "EXCEPTION", "as_of_ms": as_of_ms} | ({"reason": known} if known else {})
            return self._settled(scene, words, values, now)
        return [Remember(values)] if values else []

    def _settled(self, scene: Scene, fields: dict[str, object], values: Values, now: Now) -> list[Effect]:
        payment = scene.payment
        assert payment is not None  # noqa: S101  asked by the caller
        effects: list[Effect] = []
        if scene.place == "qr":
            awaiting = {"state": "AWAITING_CONFIRMATION"}
            effects.append(Append("payment.state", awaiting, payment.txn, remember=self.ledger.show(None)))
        scene.place, scene.overlay, scene.closed = "result", "", False
        scene.state = "confirmed" if fields["state"] == "CONFIRMED" else "exception"
        as_of_ms = fields["as_of_ms"]
        scene.as_of_ms = as_of_ms if isinstance(as_of_ms, int) else now.wall_ms
        scene.until_s = now.mono_s + self.settings.done_s
        printing: list[Effect] = []
        noted: Values = {}
        if scene.state == "confirmed":
            scene.copies, scene.job = 0, b""  # the end of a slip that says the old word is no news of this one's
            printing, noted = self._print(scene, "confirmed")
        elif scene.copies == 0:
            printing, noted = self._print(scene, "pending")
        effects.append(Append("payment.state", fields, payment.txn, remember=values | noted))
        return effects + printing

    def _print(self, scene: Scene, slip: str) -> tuple[list[Effect], Values]:
        """The effects of printing, and what to remember before; nothing where the printer cannot."""
        if not self.world.prints:
            scene.slip = "paper_out" if self.world.paper == "out" else "failed"
            return [], {}
        payment = scene.payment
        assert payment is not None  # noqa: S101  a slip is a payment's
        copy = scene.copies + 1
        paper: Slip
        if slip == "confirmed":
            paper = slips.confirmed_slip(self.settings, payment, scene.language, scene.as_of_ms or 0, copy=copy)
        else:
            paper = slips.pending_slip(
                self.settings, payment, scene.language, review=scene.state == "exception", copy=copy
            )
        scene.copies, scene.slip = copy, "printing"
        return self._job(scene, paper, Job(payment.txn, slip, copy, payment.code, payment.created_ms))

    def _print_code(self, scene: Scene, showing: Showing) -> list[Effect]:
        """The slip after a restart: the code only."""
        scene.copies, scene.slip = scene.copies + 1, "printing"
        paper = slips.code_slip(
            self.settings, showing.code, showing.created_ms, scene.language, state=scene.state, copy=scene.copies
        )
        slip = scene.state if scene.state in ("confirmed", "saved", "sent") else "code"
        job = Job(showing.txn, slip, scene.copies, showing.code, showing.created_ms)
        return self.print_job(scene, paper, job)

    def print_job(self, scene: Scene, paper: Slip, job: Job) -> list[Effect]:
        """Give a slip to the printer under a job that is remembered first."""
        printing, noted = self._job(scene, paper, job)
        return [Remember(noted), *printing]

    def _job(self, scene: Scene, paper: Slip, job: Job) -> tuple[list[Effect], Values]:
        scene.job = self.random_bytes(16)
        return [Print(scene.job, paper)], self.ledger.printing(scene.job, job)

    def printed(self, scene: Scene, event: PrintDone) -> list[Effect]:
        """A print ended: record it, and tell the resident who still waits for it."""
        job, values = self.ledger.printed(event.job)
        if job is None:
            return []
        if event.job == scene.job:
            scene.slip = event.result
            if event.result == "failed":
                scene.copies -= 1  # nothing came out: the next one is no reprint
                scene.slip = "paper_out" if self.world.paper == "out" else "failed"
        return [_slip_result(event.job, job, event.result, values)]

    def recover(self) -> list[Effect]:
        """After a restart or a refused write: what may have been seen awaits confirmation, what was not has failed."""
        showing = self.ledger.showing
        if showing is None:
            return []
        state = "AWAITING_CONFIRMATION" if showing.seen else "FAILED"
        freed = {} if showing.seen else self.ledger.settle(showing.txn, state, None)
        return [Append("payment.state", {"state": state}, showing.txn, remember=freed | self.ledger.show(None))]

    def say_lost(self) -> list[Effect]:
        """After a restart: nobody knows what became of the prints that were under way."""
        effects: list[Effect] = []
        for number in list(self.ledger.jobs):
            job, values = self.ledger.printed(number)
            assert job is not None  # noqa: S101  it was just listed
            effects.append(_slip_result(number, job, "unknown", values))
        return effects

    def bank(self, bills: BillSet, now: Now) -> str:
        """The name of the payee's bank, or its number where it is in no list."""
        return vietqr.bank_name(bills.payee_bin, today(now.wall_ms)) or bills.payee_bin

    def _changed(self, bill: Bill, bills: BillSet) -> str:
        """Whether a newer list says otherwise than what the resident has read."""
        newest = self.world.bills
        if newest is None or newest is bills:
            return ""
        payee = (bills.payee_bin, bills.payee_account, bills.payee_name)
        same = payee == (newest.payee_bin, newest.payee_account, newest.payee_name)
        return "" if same and newest.by_id(bill.bill) == bill else "changed"

    def _no_code(self) -> str:
        if self.ledger.counter_next >= min(self.settings.counter_end, codes.COUNTER_MAX + 1):
            return "codes"
        return "exposure" if len(self.ledger.unsettled()) >= LOCKS_MAX else ""

    def _ends_ms(self, now: Now) -> int:
        return now.wall_ms + int(self.settings.qr_s * 1000)


def _slip_result(number: bytes, job: Job, result: str, values: Values) -> Append:
    fields = {"job": number, "slip": job.slip, "result": result, "copy": job.copy}
    return Append("slip.result", fields, job.txn or None, remember=values)
