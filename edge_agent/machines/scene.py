"""What the visit machine holds: its settings, what it knows of the world, where the resident stands.

Plain values with no decisions but the simplest derived ones. The scene is the resident's: it is replaced whole at the
wipe, so that nothing of a visit can survive in a field that someone forgot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edge_agent.machines.payment import Limits

if TYPE_CHECKING:
    from device_profiles.bills import Bill, BillSet
    from device_profiles.catalogue import Catalogue
    from edge_agent.events import PeripheralState
    from edge_agent.machines.form import Form
    from edge_agent.machines.idcard import Shown
    from edge_agent.machines.ledger import Showing
    from edge_agent.machines.lookup import Told
    from edge_agent.machines.wording import Language

Place = Literal[
    "idle",
    "home",
    "group",
    "code_ask",
    "code_checking",
    "code_told",
    "notice",
    "identify",
    "code_wait",
    "who",
    "ask",
    "form_review",
    "form_result",
    "technician",
    "technician_page",
    "unit",
    "bills",
    "review",
    "checking",
    "refused",
    "qr",
    "result",
    "card_key",
    "card_wait",
    "card_reading",
    "card_shown",
    "card_fault",
    "card_wrong",
    "out",
    "recovered",
]
# The steps of each way through the screens, and the step that a place belongs to where it is none itself.
BILL_WAY = ("unit", "bills", "review", "qr", "result")
CODE_WAY = ("code_ask", "code_told")
CARD_WAY = ("card_key", "card_wait", "card_shown")
FORM_WAY = ("who", "ask", "check", "done")
STEPS: dict[str, str] = {each: each for each in (*BILL_WAY, *CARD_WAY, *CODE_WAY)} | {
    "code_checking": "code_ask",
    "checking": "review",
    "refused": "review",
    "card_reading": "card_wait",
    "card_fault": "card_wait",
}
FORM_STEPS: dict[str, str] = dict.fromkeys(
    ("identify", "code_wait", "who", "card_key", "card_wait", "card_reading", "card_fault", "card_wrong"), "who"
) | {"ask": "ask", "form_review": "check", "form_result": "done"}
RESULTS = ("result", "form_result")
OUTSIDE = ("idle", "out", "recovered", "technician", "technician_page")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSettings:
    """What the composition root fills from identity and profile; the defaults are the domain's numbers (14.2)."""

    station: str
    title: str
    address: str
    counter_first: int
    counter_end: int
    catalogue: Catalogue
    ward: str = ""
    device: str = ""
    version: str = ""
    profile: str = ""
    hotline: str = "0693187111"
    nearest: str = ""
    limits: Limits = Limits()
    simulated: bool = False
    idle_s: float = 60.0
    idle_big_s: float = 90.0
    warning_s: float = 30.0
    done_s: float = 20.0
    out_s: float = 60.0
    qr_s: float = 300.0
    bill_answer_s: float = 3.0
    poll_s: float = 4.0
    background_s: float = 60.0
    sending_s: float = 4.0  # online, a slip waits so long for the fleet's Ack
    reveal_s: float = 3.0
    technician_s: float = 120.0


@dataclass(slots=True)
class World:
    """What lasts longer than a visit and is not about money. One station serves one building: one bill list."""

    catalogue: Catalogue
    online: bool = False
    printer: str = "noDevice"
    paper: str | None = None
    reader: str = "noDevice"
    scanner: str = "noDevice"
    card: bool = False
    left_behind: bool = False  # a card lay there when the resident began: it is somebody else's until it was lifted
    anchors: tuple[bytes, ...] = ()
    bills: BillSet | None = None
    stopped: set[str] = field(default_factory=set)
    notice: str = ""
    full: bool = False  # the disk takes no more transactions
    pin: bytes = b""
    boot: int = 0
    written: int = 0  # records of this journal, and how many of them the fleet has
    accepted: int = 0
    devices: dict[str, PeripheralState] = field(default_factory=dict)

    @property
    def prints(self) -> bool:
        """Whether a slip may be given to the printer: nothing it says forbids it. A silent one (unknown) may print."""
        return self.printer in ("online", "unknown") and self.paper not in ("out", "jammed")

    @property
    def out(self) -> bool:
        """Whether residents are not served: the hand has stopped the service, or the operator has."""
        return bool(self.stopped or self.notice)


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of this visit, as it was recorded; the QR payload beside it. `created_ms` is UTC."""

    txn: bytes
    bill: Bill
    payee_name: str
    payee_account: str
    bank: str
    code: str
    purpose: str
    payload: str
    created_ms: int
    online: bool


@dataclass(slots=True)
class Scene:
    """Where the resident stands, and what they have said so far. Times are monotonic seconds, 0 for none."""

    place: Place = "idle"
    overlay: Literal["", "help", "warning"] = ""
    under: Literal["", "help"] = ""
    language: Language = "vi"
    big: bool = False
    low: bool = False
    began_s: float = 0.0
    touched_s: float = 0.0
    until_s: float = 0.0
    warning_until_s: float = 0.0
    served: str = ""
    done: bool = False
    typed: str = field(default="", repr=False)
    not_a_unit: bool = False
    wrong_code: bool = False
    from_code: bool = False
    reading: bytes = b""
    card: Shown | None = None
    unit: str = ""
    found: tuple[Bill, ...] = ()
    listed: BillSet | None = None
    bill: Bill | None = None
    consent: bool = False
    unanswered: bool = False
    why: str = ""
    payment: Payment | None = None
    state: Literal["", "awaiting", "confirmed", "exception", "saved", "sent"] = ""
    as_of_ms: int | None = None
    closed: bool = False
    slip: str = "none"
    job: bytes = b""
    copies: int = 0
    kept: Showing | None = None
    group: str = ""
    form: Form | None = None
    told: Told | None = None
    revealed_s: float = 0.0  # until when masked values stand there in full

    @property
    def in_visit(self) -> bool:
        """Whether a resident's visit has begun and not ended."""
        return self.place not in OUTSIDE
