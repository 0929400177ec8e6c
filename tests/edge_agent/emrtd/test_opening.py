"""Opening a chip, byte for byte as in the worked examples of ICAO Doc 9303-11, and what refusals mean."""

import math
import time

import pytest

from edge_agent.card import CardFault, Secret
from edge_agent.drivers.reader.emrtd.apdu import Command, Exchange
from edge_agent.drivers.reader.emrtd.curves import CURVES
from edge_agent.drivers.reader.emrtd.files import read_file
from edge_agent.drivers.reader.emrtd.lds import security_infos
from edge_agent.drivers.reader.emrtd.opening import open_chip
from edge_agent.drivers.reader.emrtd.pace import choose
from edge_agent.drivers.reader.emrtd.tlv import encode, encode_oid
from tests.edge_agent.emrtd import worked_examples as example

BP256 = CURVES[13]
MRZ, CAN = Secret("mrz", example.PACE_MRZ), Secret("can", "012345")


def script(*pairs):
    """A chip that knows one conversation; any other command is a failure of the test."""
    waiting = list(pairs)

    def transmit(apdu: bytes) -> bytes:
        assert waiting, f"one command too many: {apdu.hex()}"
        wanted, answer = waiting.pop(0)
        assert apdu.hex().upper() == wanted
        return bytes.fromhex(answer)

    transmit.waiting = waiting
    return transmit


def exchange_with(transmit) -> Exchange:
    return Exchange(transmit, math.inf)


def random_of(*values):
    waiting = list(values)

    def random_bytes(size: int) -> bytes:
        value = waiting.pop(0)
        return value if isinstance(value, bytes) else (value - 1).to_bytes(size, "big")

    return random_bytes


def example_of_pace():
    return random_of(example.MAP_PRIVATE, example.EPHEMERAL_PRIVATE)


def changed(pairs, at: int, answer: str):
    return [*pairs[:at], (pairs[at][0], answer)]


def test_bac_and_secure_messaging_as_in_appendix_d():
    chip = script(*example.BAC, *example.SECURED)
    exchange = exchange_with(chip)
    assert open_chip(exchange, Secret("mrz", example.MRZ), random_of(*example.BAC_RANDOM)) == "bac"
    assert exchange.security._key_enc.hex().upper() == example.BAC_KEY_ENC
    assert exchange.security._key_mac.hex().upper() == example.BAC_KEY_MAC
    assert exchange.send(Command(0, 0xA4, 2, 0x0C, bytes.fromhex("011E"))).status == 0x9000
    first = exchange.send(Command(0, 0xB0, 0, 0, le=4)).data
    rest = exchange.send(Command(0, 0xB0, 0, 4, le=18)).data
    assert (first + rest).hex().upper() == example.EF_COM
    assert not chip.waiting


def test_pace_as_in_appendix_g1():
    chip = script(*example.PACE, ("stop", ""))
    exchange = exchange_with(chip)
    with pytest.raises(AssertionError, match="stop"):  # the next command is secured: SELECT of the application
        open_chip(exchange, MRZ, example_of_pace())
    assert exchange.security._key_enc.hex().upper() == example.PACE_KEY_ENC
    assert exchange.security._key_mac.hex().upper() == example.PACE_KEY_MAC
    assert exchange.security._counter == 1


def test_the_file_of_the_example_is_read_in_two_pieces():
    content = read_file(exchange_with(script(*example.PACE[:3])), 0x011C)
    assert content == example.CARD_ACCESS
    offer = choose(security_infos(content))
    assert (offer.oid, offer.cipher, offer.curve, offer.ambiguous) == (
        "0.4.0.127.0.7.2.2.4.2.2",
        "aes128",
        BP256,
        False,
    )


def pace_info(suite: int, number: int | None, *, family: int = 2) -> bytes:
    oid = encode(0x06, encode_oid(f"0.4.0.127.0.7.2.2.4.{family}.{suite}"))
    curve = b"" if number is None else encode(0x02, bytes((number,)))
    return encode(0x30, oid + encode(0x02, b"\x02") + curve)


@pytest.mark.parametrize(
    ("infos", "chosen"),
    [
        ([pace_info(2, 13), pace_info(4, 12), pace_info(3, 18)], ("aes256", 12, True)),
        ([pace_info(1, 15)], ("3des", 15, False)),
        ([pace_info(2, 12), pace_info(2, 16)], ("aes128", 16, True)),
        ([pace_info(2, 8)], None),  # a curve that is too short
        ([pace_info(2, None)], None),  # parameters of the chip's own
        ([pace_info(2, 13, family=4), pace_info(2, 2, family=1)], None),  # integrated mapping; finite field
        ([pace_info(2, 13, family=6), pace_info(2, 13)], ("aes128", 13, False)),
        ([], None),
    ],
)
def test_the_strongest_offer_that_is_spoken_here_is_taken(infos, chosen):
    offer = choose(security_infos(encode(0x31, b"".join(infos))))
    assert (offer and (offer.cipher, offer.curve.parameter_id, offer.ambiguous)) == chosen


def test_an_ambiguous_curve_is_named():
    content = encode(0x31, pace_info(2, 13) + pace_info(2, 12))
    head, rest = content[:6], content[6:]
    chip = script(
        ("00A4020C02011C", "9000"),
        ("00B0000006", head.hex() + "9000"),
        (f"00B00006{len(rest):02X}", rest.hex() + "9000"),
        ("0022C1A412800A04007F0007020204020283010284010C", "6983"),
    )
    with pytest.raises(CardFault) as fault:
        open_chip(exchange_with(chip), CAN, random_of())
    assert fault.value.kind == "blocked"


@pytest.mark.parametrize(
    ("secret", "status", "kind"),
    [
        (MRZ, "6300", "wrong_mrz"),
        (CAN, "6300", "wrong_can"),
        (CAN, "63C2", "wrong_can"),
        (CAN, "63C0", "blocked"),
        (CAN, "6983", "blocked"),
        (MRZ, "6982", "wrong_mrz"),
        (MRZ, "6F00", "damaged"),
    ],
)
def test_what_a_refused_token_of_pace_means(secret, status, kind):
    waiting = [bytes.fromhex(answer) for _, answer in changed(example.PACE, 7, status)]
    with pytest.raises(CardFault) as fault:
        open_chip(exchange_with(lambda _: waiting.pop(0)), secret, example_of_pace())
    assert fault.value.kind == kind
    assert status in str(fault.value)


@pytest.mark.parametrize("status", ["6300", "63C1", "6982", "6983", "6700"])
def test_what_a_refused_token_of_bac_means(status):
    with pytest.raises(CardFault) as fault:
        open_chip(
            exchange_with(script(*changed(example.BAC, 3, status))),
            Secret("mrz", example.MRZ),
            random_of(*example.BAC_RANDOM),
        )
    assert fault.value.kind == {"6983": "blocked", "6700": "damaged"}.get(status, "wrong_mrz")


FLIPPED_POINT = f"7C43824104{example.MAP_IC[:-1]}59000"
INFINITY = "7C0382010090" + "00"


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        (4, "6A80"),
        (4, "9000"),
        (4, "7C009000"),
        (4, "7C0280009000"),
        (4, "7C11800F" + "00" * 15 + "9000"),
        (4, "7C528050" + "00" * 80 + "9000"),
        (5, FLIPPED_POINT),
        (5, INFINITY),
        (5, f"7C43844104{example.MAP_IC}9000"),
        (6, f"7C43844104{example.EPHEMERAL_PCD}9000"),
        (7, "7C0A8608" + "00" * 8 + "9000"),
        (7, "7C009000"),
        (7, ""),
        (7, "00"),
        (7, "1234"),
    ],
)
def test_a_chip_that_does_not_follow_pace_is_damaged(at, answer):
    with pytest.raises(CardFault) as fault:
        open_chip(exchange_with(script(*changed(example.PACE, at, answer))), MRZ, example_of_pace())
    assert fault.value.kind == "damaged"


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        (2, "6F00"),
        (2, "00112233445566" + "9000"),
        (3, "9000"),
        (3, "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D7448" + "9000"),
    ],
)
def test_a_chip_that_does_not_follow_bac_is_damaged(at, answer):
    with pytest.raises(CardFault) as fault:
        open_chip(
            exchange_with(script(*changed(example.BAC, at, answer))),
            Secret("mrz", example.MRZ),
            random_of(*example.BAC_RANDOM),
        )
    assert fault.value.kind == "damaged"


def test_a_token_of_bac_that_answers_another_challenge_is_damaged():
    other = bytes.fromhex("00" * 8), example.BAC_RANDOM[1]
    answers = [bytes.fromhex(answer) for _, answer in example.BAC]
    with pytest.raises(CardFault, match="another challenge") as fault:
        open_chip(exchange_with(lambda _: answers.pop(0)), Secret("mrz", example.MRZ), random_of(*other))
    assert fault.value.kind == "damaged"


def test_a_card_of_another_kind_is_unsupported():
    for status in ("6A82", "6D00", "6E00", "6999"):
        for secret in (CAN, MRZ):
            with pytest.raises(CardFault) as fault:
                open_chip(exchange_with(lambda _, status=status: bytes.fromhex(status)), secret, random_of())
            assert fault.value.kind == "unsupported"


def test_a_chip_without_pace_does_not_open_with_a_can():
    with pytest.raises(CardFault, match="BAC does not open with a CAN") as fault:
        open_chip(exchange_with(script(*example.BAC[:2])), CAN, random_of())
    assert fault.value.kind == "unsupported"


def test_where_pace_does_not_take_the_printed_lines_bac_does():
    refused = changed(example.PACE, 3, "6A88")
    exchange = exchange_with(script(*refused, *example.BAC[1:]))
    assert open_chip(exchange, Secret("mrz", example.MRZ), random_of(*example.BAC_RANDOM)) == "bac"


def test_no_command_is_sent_after_the_deadline():
    with pytest.raises(CardFault) as fault:
        open_chip(Exchange(script(), time.monotonic() - 1), MRZ, example_of_pace())
    assert fault.value.kind == "too_slow"


HUGE = bytes.fromhex("7582FFF0") + bytes(252)


def test_a_chip_that_never_comes_to_an_end_is_too_slow():
    one_byte_at_a_time = exchange_with(lambda apdu: HUGE[apdu[3] : apdu[3] + 1] + b"\x90\x00")
    with pytest.raises(CardFault) as fault:
        read_file(one_byte_at_a_time, 0x0102)
    assert fault.value.kind == "too_slow"
