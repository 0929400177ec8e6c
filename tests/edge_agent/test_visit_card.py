"""The card service on the visit machine: every way in, every fault with its sentence, and nothing kept of a card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from device_profiles.anchors import AnchorSet
from edge_agent import events
from edge_agent.card import CardData, Doubt, FaultKind, Secret
from edge_agent.effects import Append, LeaveCard, ReadCard, Wipe
from edge_agent.machines import wording
from edge_agent.screens.render import Renderer
from tests.edge_agent.visit_bed import START_MS, Bed, of

VECTORS = json.loads((Path(__file__).parents[1] / "golden" / "vectors" / "identity.json").read_text("utf-8"))
ZONES = {each["id"]: each for each in VECTORS["mrz_td1"]}
ZONE = ZONES["woman-1990"]["mrz"].replace("\n", "")
QR = next(each["raw"] for each in VECTORS["card_qr"] if each["id"] == "seven-fields").encode()
CARD = CardData(
    mrz=ZONE,
    national={"id_number": "079190012345", "name": "Nguyễn Thị Minh Anh", "religion": "KHÔNG", "residence": "BÍ MẬT"},
    access="pace_can",
)
READER = events.PeripheralState("reader", "r", "online")


def bed(**world: object) -> Bed:
    made = Bed(**world)
    made.send(READER)
    return made


def at_key(**world: object) -> Bed:
    made = bed(**world)
    made.touch("start", "vi")
    made.touch("group", "lookup")
    made.touch("service", "id_card_check")
    return made


def at_wait(digits: str = "012345") -> Bed:
    made = at_key()
    made.type(digits)
    made.touch("next")
    return made


def reading() -> tuple[Bed, ReadCard]:
    made = at_wait()
    (read,) = of(made.send(events.CardIn("r")), ReadCard)
    return made, read


def shown(card: CardData = CARD) -> Bed:
    made, read = reading()
    made.send(events.CardRead(read.request.number, card))
    return made


def fault(kind: FaultKind) -> Bed:
    made, read = reading()
    made.send(events.CardFailed(read.request.number, kind))
    return made


def everything(made: Bed) -> str:
    """All that any screen or effect ever said."""
    return repr(made.done) + "".join(Renderer().html(each) for each in made.screens)


def test_six_digits_a_card_and_masked_words():
    made, read = reading()
    assert made.name == "card_reading"
    assert (read.request.secret, read.request.parts) == (Secret("can", "012345"), ("dg1", "dg13"))
    assert read.request.as_of_ms == made.wall_ms
    made.send(events.CardRead(read.request.number, CARD))
    assert (made.name, made.data["card"]) == (
        "card_shown",
        {
            "name": "NGUYEN *** ANH",
            "number": "079*****2345",
            "birth_year": "1990",
            "expiry_date": "2030-01-15",
            "expired": False,
            "checked": False,
            "doubt": "no_anchors",
        },
    )
    made.touch("end")
    (ended,) = of(made.done, Append)
    assert (ended.fields["service"], ended.fields["outcome"]) == ("C1", "finished")
    assert of(made.done, Wipe)
    assert made.name == "idle"


def test_nothing_that_was_read_is_shown_recorded_or_printed_but_masked():
    made = shown()
    made.touch("wrong")
    made.touch("end")
    told = everything(made)
    for word in ("079190012345", "190012345", "Minh", "THI", "BÍ MẬT", "KHÔNG", "900115", ZONE):
        assert word not in told
    assert "012345" not in "".join(Renderer().html(each) for each in made.screens if each.name != "card_key")


def test_the_secret_and_the_data_do_not_stand_in_a_repr():
    _, read = reading()
    assert "012345" not in repr(read)
    assert "NGUYEN" not in repr(events.CardRead(b"", CARD))
    assert "Nguy" not in repr(events.CardRead(b"", CARD))
    assert b"079190012345".decode() not in repr(events.Scanned(QR))


def test_the_code_on_the_card_opens_it_too():
    made = at_key()
    made.send(events.Scanned(QR))
    assert (made.name, made.data["frame"]["step"]) == ("card_wait", 2)
    (read,) = of(made.send(events.CardIn("r")), ReadCard)
    assert read.request.secret == Secret("can", "012345")


@pytest.mark.parametrize("data", [b"A-12.05", b"", b"\xff\xfe", b"https://example.vn", QR.replace(b"|", b";")])
def test_another_code_is_told_and_dropped(data):
    made = at_key()
    made.send(events.Scanned(data))
    assert (made.name, made.data["wrong_code"]) == ("card_key", True)
    made.touch("key", "1")
    assert made.data["wrong_code"] is False


def test_a_card_that_the_resident_laid_down_before_is_read_at_once():
    made = at_key()
    made.send(events.CardIn("r"))
    made.type("012345")
    assert of(made.touch("next"), ReadCard)
    assert made.name == "card_reading"


def test_a_card_that_somebody_left_behind_is_never_tried_with_the_next_residents_digits():
    made = bed()
    made.send(events.CardIn("r"))
    made.touch("start", "vi")
    made.touch("group", "lookup")
    made.touch("service", "id_card_check")
    assert wording.say("vi", "card_lift") in Renderer().html(made.screen)
    made.type("012345")
    assert not of(made.touch("next"), ReadCard)
    assert wording.say("vi", "card_lift") in Renderer().html(made.screen)
    made.send(events.CardOut("r"))
    assert wording.say("vi", "card_lift") not in Renderer().html(made.screen)
    assert of(made.send(events.CardIn("r")), ReadCard)


@pytest.mark.parametrize("closing", ["back", "here"])
def test_a_card_laid_down_behind_help_or_the_warning_is_read_when_it_closes(closing):
    made = at_wait()
    if closing == "back":
        made.touch("help")
        assert not of(made.send(events.CardIn("r")), ReadCard)
        assert of(made.touch("back"), ReadCard)
    else:
        made.wait(60)
        assert made.name == "warning"
        assert of(made.send(events.CardIn("r")), ReadCard), "who lays a card down is there"
    assert made.name == "card_reading"


def test_the_digits_reach_no_other_service_and_no_screen_after_a_scan():
    made = at_wait()
    for _ in range(3):
        made.touch("back")
    made.touch("group", "bill")
    assert (made.name, made.data["typed"]) == ("unit", "")
    made = fault("damaged")
    made.touch("back")
    made.touch("back")
    made.touch("group", "bill")
    assert made.data["typed"] == ""
    made = at_key()
    made.send(events.Scanned(QR))
    made.touch("back")
    assert (made.name, made.data["typed"]) == ("card_key", "")
    assert "012345" not in repr(at_wait().visit._desk.scene)


def test_leaving_a_reading_breaks_it_off():
    made, _ = reading()
    assert of(made.touch("back"), LeaveCard)
    made, _ = reading()
    assert of(made.touch("restart"), LeaveCard)
    assert not of(at_wait().touch("back"), LeaveCard)


def test_whoever_waits_with_a_card_is_told_that_the_reader_has_gone():
    made = at_wait()
    made.send(replace(READER, state="noDevice"))
    assert (made.name, made.data["fault"]) == ("card_fault", "reader_lost")
    made = at_key()
    made.send(replace(READER, state="offline"))
    made.type("012345")
    made.touch("next")
    assert (made.name, made.data["fault"]) == ("card_fault", "reader_lost")


def test_a_card_without_an_end_says_so():
    made = shown(CardData(mrz=ZONES["no-expiry"]["mrz"].replace("\n", "")))
    assert made.data["card"]["expiry_date"] == ""
    assert "Không thời hạn" in Renderer().html(made.screen)


@pytest.mark.parametrize("doubt", [each for each in get_args(Doubt) if each])
def test_every_doubt_has_words_of_its_own(doubt):
    made = shown(replace(CARD, doubt=doubt))
    assert wording.say("vi", f"doubt.{doubt}") in Renderer().html(made.screen)
    assert len({wording.TEXTS[f"doubt.{each}"] for each in get_args(Doubt) if each}) == len(get_args(Doubt)) - 1


def test_another_countrys_card_is_called_that():
    made = shown(CardData(mrz=ZONES["other-country"]["mrz"].replace("\n", "")))
    assert made.data["fault"] == "foreign"


def test_only_six_digits_go_on():
    made = at_key()
    made.type("0123")
    made.touch("key", "A")
    made.touch("next")
    assert (made.name, made.data["typed"]) == ("card_key", "0123")
    made.type("456789")
    assert made.data["typed"] == "012345"
    made.touch("erase", "all")
    assert made.data["typed"] == ""


def test_a_card_laid_down_where_none_was_asked_for_is_not_read():
    made = bed()
    for action in ("start", "help"):
        made.touch(action, "vi")
        assert not of(made.send(events.CardIn("r")), ReadCard)
        made.send(events.CardOut("r"))


def test_verified_is_said_only_where_it_was_proven():
    assert shown().data["card"]["checked"] is False
    assert "chưa có chứng thư" in Renderer().html(shown().screen)
    made = shown(replace(CARD, authenticity="verified"))
    assert made.data["card"]["checked"] is True
    assert "chưa có chứng thư" not in Renderer().html(made.screen)


def test_the_operators_certificates_go_with_the_request():
    made = at_wait()
    made.send(events.AnchorsApplied(AnchorSet(version=1, certificates=(b"der",))))
    (read,) = of(made.send(events.CardIn("r")), ReadCard)
    assert read.request.anchors == (b"der",)


def test_without_a_trusted_clock_no_time_is_claimed_and_nothing_is_called_expired():
    made = bed(quality=0)
    made.touch("start", "vi")
    made.touch("group", "lookup")
    made.touch("service", "id_card_check")
    made.type("000077")
    made.touch("next")
    (read,) = of(made.send(events.CardIn("r")), ReadCard)
    assert read.request.as_of_ms is None
    made.send(events.CardRead(read.request.number, CardData(mrz=ZONES["expired"]["mrz"].replace("\n", ""))))
    assert made.data["card"]["expired"] is False


def test_an_expired_card_is_told():
    made = shown(CardData(mrz=ZONES["expired"]["mrz"].replace("\n", "")))
    assert made.data["card"]["expired"] is True
    assert made.data["card"]["name"] == "***", "the name of the printed lines is nobody's name"


@pytest.mark.parametrize(
    "card",
    [
        CardData(),
        CardData(mrz="X" * 90),
        CardData(mrz=ZONE[:-1]),
        CardData(mrz=ZONES["bad-composite"]["mrz"].replace("\n", "")),
        CardData(mrz=ZONE, national={"id_number": "001085000017"}),
    ],
)
def test_data_that_no_such_card_holds_is_a_fault(card):
    made = shown(card)
    assert (made.name, made.data["fault"]) == ("card_fault", "damaged")


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_fault_has_a_sentence_of_its_own_in_both_languages(kind):
    texts = {wording.TEXTS[f"fault.{each}"] for each in get_args(FaultKind)}
    assert len(texts) == len(get_args(FaultKind))
    made = fault(kind)
    for language in ("vi", "en"):
        html = Renderer().html(replace(made.screen, language=language))
        assert wording.say(language, f"fault.{kind}") in html.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("kind", "place"),
    [("torn", "card_wait"), ("mute", "card_wait"), ("wrong_can", "card_key"), ("damaged", "card_key")],
)
def test_once_more_keeps_the_digits_where_they_were_not_the_cause(kind, place):
    made = fault(kind)
    made.send(events.CardOut("r"))
    made.touch("again")
    assert made.name == place
    if place == "card_wait":
        (read,) = of(made.send(events.CardIn("r")), ReadCard)
        assert read.request.secret == Secret("can", "012345")


def test_an_answer_to_an_older_reading_is_dropped():
    made, read = reading()
    made.touch("back")
    made.send(events.CardRead(read.request.number, CARD))
    assert made.name == "card_key"
    made.touch("restart")
    made.touch("end")
    made.send(events.CardRead(read.request.number, CARD))
    assert made.name == "idle"
    assert "NGUYEN" not in everything(made)


def test_a_reading_that_never_ends_is_ended():
    made, read = reading()
    made.wait(25)
    assert (made.name, made.data["fault"]) == ("card_fault", "too_slow")
    made.send(events.CardRead(read.request.number, CARD))
    assert made.name == "card_fault"


def test_nobody_there_ends_the_visit_and_forgets_the_card():
    made = shown()
    made.wait(60)
    assert made.name == "warning"
    made.wait(30)
    assert made.name == "idle"
    assert "NGUYEN" not in Renderer().html(made.screen)


def test_a_card_left_behind_is_called_out_on_the_idle_screen_until_it_is_taken():
    made = shown()
    made.touch("end")
    assert made.data["card_left"] is True
    made.send(events.CardOut("r"))
    assert made.data["card_left"] is False


def test_without_a_reader_the_service_is_withdrawn_with_its_reason_and_comes_back():
    made = Bed()
    assert made.offer("id_card_check") == ("none", "no_reader")
    made.touch("start", "vi")
    made.touch("group", "lookup")
    made.touch("service", "id_card_check")
    assert made.name == "group"
    assert wording.say("vi", "why.no_reader") in Renderer().html(made.screen)
    made.send(READER)
    assert made.offer("id_card_check")[0] == "ready"
    assert wording.say("vi", "why.no_reader") not in Renderer().html(made.screen)
    made.touch("service", "id_card_check")
    assert made.name == "card_key"
    made.touch("back")
    made.send(replace(READER, state="noDevice"))
    assert made.offer("id_card_check")[0] == "none"
    assert made.offer("management_fee")[0] == "ready", "what needs no reader goes on"


def test_a_reader_pulled_out_while_reading_is_a_fault_and_once_more_waits_for_it():
    made, read = reading()
    made.send(replace(READER, state="noDevice"))
    made.send(events.CardFailed(read.request.number, "reader_lost"))
    assert (made.data["fault"], made.data["may_again"]) == ("reader_lost", False)
    made.touch("again")
    assert made.name == "card_fault"
    made.send(READER)
    made.touch("again")
    assert made.name == "card_wait"


def test_the_time_of_a_reading_is_the_fleets_when_it_is_trusted():
    _, read = reading()
    assert read.request.as_of_ms == START_MS
