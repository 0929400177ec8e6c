"""Reading files piece by piece from a small chip that needs no key."""

import math

import pytest

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import Exchange
from edge_agent.drivers.reader.emrtd.files import CARD_ACCESS, DG1, DG2, DG13, SOD, read_file
from edge_agent.drivers.reader.emrtd.tlv import encode


class Chip:
    """Gives a file's bytes; `answer` may change what goes out."""

    def __init__(self, content: bytes, answer=lambda apdu, data: data + b"\x90\x00") -> None:
        self.content, self.answer, self.asked = content, answer, []

    def __call__(self, apdu: bytes) -> bytes:
        if apdu[1] == 0xA4:
            return b"\x90\x00"
        odd = apdu[1] == 0xB1
        offset = int.from_bytes(apdu[7:9] if odd else apdu[2:4], "big")
        size = apdu[-1] - (3 if odd and apdu[-1] > 129 else 2 if odd else 0)
        self.asked.append((apdu[1], offset, size))
        data = self.content[offset : offset + size]
        return self.answer(apdu, encode(0x53, data) if odd else data)


def take(chip, file_id=DG2) -> bytes | None:
    return read_file(Exchange(chip, math.inf), file_id)


def kind_of(chip, file_id=DG2) -> str:
    with pytest.raises(CardFault) as fault:
        take(chip, file_id)
    return fault.value.kind


@pytest.mark.parametrize("size", [0, 3, 4, 5, 217, 218, 223, 224, 446, 20000])
def test_a_file_is_read_whole_and_what_follows_it_is_not(size):
    content = encode(0x75, bytes(i % 251 for i in range(size)))
    chip = Chip(content + b"\xff" * 50)
    assert take(chip) == content
    assert all(asked <= 0xDF for _, _, asked in chip.asked)


def test_beyond_32767_the_odd_instruction_is_used():
    content = encode(0x75, bytes(i % 251 for i in range(60000)))
    chip = Chip(content)
    assert take(chip) == content
    assert all((ins == 0xB1) == (offset > 0x7FFF) for ins, offset, _ in chip.asked)
    assert {ins for ins, _, _ in chip.asked} == {0xB0, 0xB1}


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_a_chip_may_give_less_at_a_time(piece):
    content = encode(0x75, bytes(900))
    assert take(Chip(content, lambda _, data: data[:piece] + b"\x62\x82")) == content


@pytest.mark.parametrize("status", ["6282", "6B00", "9000"])
def test_a_file_that_ends_early_is_damaged(status):
    content = encode(0x75, bytes(900))[:500]
    chip = Chip(content, lambda _, data: data + (b"\x90\x00" if len(data) == 0xDF else bytes.fromhex(status)))
    assert kind_of(chip) == "damaged"


def test_no_more_is_taken_than_was_asked_for():
    assert kind_of(Chip(encode(0x75, bytes(900)), lambda _, data: data + b"more" + b"\x90\x00")) == "damaged"


@pytest.mark.parametrize(
    ("file_id", "size"), [(CARD_ACCESS, 2048), (DG1, 512), (DG2, 65536), (DG13, 16384), (SOD, 32768)]
)
def test_a_file_longer_than_such_a_file_may_be_is_damaged_at_once(file_id, size):
    chip = Chip(b"\x75\x83" + (size + 1).to_bytes(3, "big") + bytes(99))
    assert kind_of(chip, file_id) == "damaged"
    assert len(chip.asked) == 1


@pytest.mark.parametrize("head", ["7580", "7584000000FF", "1F8181818100", "75"])
def test_a_file_without_a_length_is_damaged(head):
    assert kind_of(Chip(bytes.fromhex(head))) == "damaged"


def test_an_odd_answer_that_is_not_wrapped_is_damaged():
    content = encode(0x75, bytes(60000))
    chip = Chip(content, lambda apdu, data: (data[3:] if apdu[1] == 0xB1 else data) + b"\x90\x00")
    assert kind_of(chip) == "damaged"


def test_an_empty_file_is_none():
    assert take(Chip(b"")) is None
    assert take(Chip(b"", lambda *_: b"\x6b\x00")) is None


def test_a_file_that_is_for_others_is_none():
    assert take(Chip(b"", lambda *_: b"\x69\x82")) is None
    assert take(lambda _: b"\x6a\x82") is None


def test_another_status_is_damaged_once_the_chip_is_open():
    class Plain:
        def wrap(self, command):
            return command.encode()

        def unwrap(self, raw):
            from edge_agent.drivers.reader.emrtd.apdu import Response

            return Response.of(raw)

    for status, given in (("6982", None), ("6A82", None), ("6F00", "damaged")):
        exchange = Exchange(lambda _, status=status: bytes.fromhex(status), math.inf)
        exchange.security = Plain()
        if given is None:
            assert read_file(exchange, DG1) is None
        else:
            with pytest.raises(CardFault) as fault:
                read_file(exchange, DG1)
            assert fault.value.kind == given
    assert kind_of(Chip(b"", lambda *_: b"\x6f\x00")) == "damaged"
