"""The desk: what a visit has in its hands, and the moves that several events share. Decides no event's meaning.

Beginning and end of a visit, out of service, looking up a unit, and what the fleet's silence or word on a bill leads
to. Each move changes the scene and gives the effects that must come before it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.effects import Append, BeginVisit, Effect, Wipe
from edge_agent.machines.scene import Scene

if TYPE_CHECKING:
    from edge_agent.events import Now
    from edge_agent.machines.checkout import Checkout
    from edge_agent.machines.ledger import Showing
    from edge_agent.machines.questions import Questions
    from edge_agent.machines.technician import Guard
    from edge_agent.machines.wording import Language

SECONDS_MAX = 86_400


@dataclass(slots=True)
class Desk:
    """One station's desk; the scene on it is replaced whole when a resident leaves."""

    checkout: Checkout
    questions: Questions
    scene: Scene
    guard: Guard

    def begin(self, language: Language, now: Now) -> list[Effect]:
        """A resident touched the idle screen."""
        if self.checkout.world.out:
            self.out(now, self.scene)
            return []
        world = self.checkout.world
        world.left_behind = world.card
        self.scene = Scene(place="home", language=language, began_s=now.mono_s, touched_s=now.mono_s)
        return [BeginVisit()]

    def end(self, outcome: str, now: Now) -> list[Effect]:
        """The visit is over: its record, then the wipe."""
        scene, self.scene = self.scene, Scene()
        fields: dict[str, object] = {
            "outcome": outcome,
            "seconds": min(SECONDS_MAX, int(now.mono_s - scene.began_s)),
            "language": scene.language,
        }
        if scene.served:
            fields["service"] = scene.served
        return [Append("visit.ended", fields, remember=self.checkout.ledger.left()), Wipe()]

    def restart(self) -> None:
        """Back to the first choice, within the same visit; nothing typed or chosen is kept."""
        old = self.scene
        self.scene = Scene(
            place="home",
            language=old.language,
            big=old.big,
            low=old.low,
            began_s=old.began_s,
            touched_s=old.touched_s,
            served=old.served,
            done=old.done,
        )

    def choose_again(self) -> None:
        """One step back from a service: to the others of its group where there are any."""
        group = self.scene.group
        self.restart()
        if len(self.checkout.world.catalogue.of_group(group)) > 1:
            self.scene.place, self.scene.group = "group", group

    def out(self, now: Now, before: Scene, kept: Showing | None = None) -> None:
        """Out of service, in the language of `before`; `kept`: a payment whose code was seen before the fault."""
        until_s = now.mono_s + self.checkout.settings.out_s
        self.scene = Scene(
            place="out", language=before.language, big=before.big, low=before.low, kept=kept, until_s=until_s
        )

    def find(self) -> None:
        """Look up the unit that was typed or scanned."""
        scene, bills = self.scene, self.checkout.world.bills
        assert bills is not None  # noqa: S101  the service is closed without a list
        scene.found, scene.listed = bills.find(scene.typed), bills
        scene.unit = scene.found[0].unit if scene.found else scene.typed
        scene.place, scene.done, scene.not_a_unit = "bills", True, False

    def bill_status(self, status: str, now: Now) -> list[Effect]:
        """The fleet's word on the bill that is about to be paid; an unknown word is no word."""
        scene = self.scene
        scene.until_s = 0.0
        match status:
            case "open":
                return self.checkout.create(scene, now, online=True)
            case "pending" | "paid":
                scene.place, scene.why = "refused", "open" if status == "pending" else "paid"
            case _:
                self.unanswered(now)
        return []

    def unanswered(self, now: Now) -> None:
        """The fleet did not say: the offline rules hold, and their words are read before anything else happens."""
        scene = self.scene
        assert scene.bill is not None  # noqa: S101  it was asked about
        assert scene.listed is not None  # noqa: S101
        scene.until_s, scene.touched_s = 0.0, now.mono_s
        scene.unanswered, scene.consent = True, False
        scene.why = self.checkout.refusal(scene.listed, scene.bill, now, online=False)
        scene.place = "refused" if scene.why else "review"
