"""What the chip says to whom: before it is opened, after, and when a terminal does wrong."""

from __future__ import annotations

import pytest

from edge_agent.drivers.reader.virtual_chip import APPLICATION, Kind, Offer, VirtualChip
from tests.edge_agent.chip.openpace import CAN, OpenPace
from tests.edge_agent.chip.terminal import Messaging, card_access, choose, general, inner, pace, tlv

OPEN = bytes.fromhex("00A4040C07") + APPLICATION
ASK_UID = bytes.fromhex("FFCA000000")
COM = bytes.fromhex("011E")


def say(chip, command):
    return chip.transmit(bytes.fromhex(command)).hex().upper()


def opened(kind=Kind(), seed=3):  # noqa: B008 - frozen
    chip = VirtualChip(kind=kind, seed=seed)
    terminal, status = pace(chip, chip.person.can)
    assert status == 0x9000
    messaging = Messaging(chip, terminal, 16)
    assert messaging.ask("00A4040C", APPLICATION) == (b"", 0x9000)
    return messaging


def test_an_unopened_chip_shows_only_how_to_open_it():
    chip = VirtualChip()
    assert say(chip, "00A40000023F00") == "6D00"
    assert say(chip, "00A4000C023F00") == "6D00"
    assert say(chip, "00A4020C02011C") == "9000"
    assert say(chip, "00B0000002") == "31149000"
    assert say(chip, "00B09C0002") == "31149000"
    assert say(chip, "00A4020C02011D") == "6A82"
    assert chip.transmit(OPEN) == b"\x90\0"
    assert {say(chip, f"00A4020C02{file}") for file in ("011E", "011D", "0101", "0102", "0103", "010B")} == {"6982"}
    assert say(chip, "00B0810004") == "6982"
    assert say(chip, "00B0000004") == "6986"


def test_most_other_chips_know_the_master_file():
    assert say(VirtualChip(kind=Kind(knows_master_file=True)), "00A4000C023F00") == "9000"


def test_an_opened_chip_shows_its_files_but_not_the_fingers():
    messaging = opened()
    ask = messaging.ask
    for name in ("011E", "011D", "0101", "0102", "010D", "010E", "010F"):
        assert messaging.read(name) == messaging.chip._inside[int(name, 16)]
    assert ask("00A4020C", bytes.fromhex("0103")) == (b"", 0x6982)
    assert ask("00A4020C", bytes.fromhex("010B")) == (b"", 0x6A82)
    assert ask("00B08100", expected=5) == (bytes.fromhex("615D5F1F5A"), 0x9000)
    assert ask("00B08300", expected=5) == (b"", 0x6982)


def test_ends_of_files():
    messaging = opened()
    ask = messaging.ask
    assert ask("00A4020C", COM) == (b"", 0x9000)
    size = len(messaging.chip._inside[0x011E])
    assert ask(f"00B0{size - 1:04X}", expected=5) == (messaging.chip._inside[0x011E][-1:], 0x6282)
    assert ask(f"00B0{size:04X}", expected=1) == (b"", 0x6B00)
    assert len(ask("00B00000", expected=256)[0]) == size
    assert ask("00A4020C", bytes.fromhex("0102")) == (b"", 0x9000)
    assert ask("00B00000", expected=256) == (b"", 0x6700)  # with its checksum it does not fit into a short answer


def test_far_offsets_go_by_the_odd_instruction():
    messaging = opened()
    assert messaging.ask("00A4020C", bytes.fromhex("0102")) == (b"", 0x9000)
    data, status = messaging.ask("00B10000", tlv(0x54, b"\0\x04\x00"), expected=200)
    assert (data, status) == (tlv(0x53, messaging.chip._inside[0x0102][1024:1224]), 0x9000)
    assert messaging.ask("00B10000", b"\x54", expected=4) == (b"", 0x6A80)


def wrong_checksum(messaging):
    command = bytearray(messaging.wrap(bytes.fromhex("00B08100"), expected=5))
    command[-2] ^= 1
    return bytes(command)


def sent_twice(messaging):
    command = messaging.wrap(bytes.fromhex("00B08100"), expected=5)
    messaging.unwrap(messaging.chip.transmit(command))
    return command


def cut_short(messaging):
    return bytes.fromhex("0CB08100048E0800") + b"\0\0"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (wrong_checksum, "6988"),
        (sent_twice, "6988"),
        (cut_short, "6988"),
        (lambda _: bytes.fromhex("0CB0810003970105") + b"\0", "6987"),
        (lambda _: bytes.fromhex("00B0810005"), "6987"),
        (lambda _: OPEN, "6987"),
    ],
)
def test_a_wrong_command_ends_the_channel(command, status):
    messaging = opened()
    chip = messaging.chip
    assert chip.transmit(command(messaging)).hex() == status
    assert chip.transmit(messaging.wrap(bytes.fromhex("00B08100"), expected=5)) == b"\x69\x88"
    assert say(chip, "00A4020C020101") == "6982"
    chip.reset()
    assert pace(chip, chip.person.can)[1] == 0x9000


def test_power_up_shuts_all_that_was_opened():
    messaging = opened()
    messaging.chip.reset()
    assert messaging.chip.transmit(messaging.wrap(bytes.fromhex("00B08100"), expected=5)) == b"\x69\x88"
    assert say(messaging.chip, "00A4020C02011E") == "6A82"


def test_what_the_reader_answers_leaves_the_channel_whole():
    messaging = opened(Kind(uid=b"\x04\1\2\3\4\5\6"))
    assert messaging.chip.transmit(ASK_UID) == b"\x04\1\2\3\4\5\6\x90\0"
    assert messaging.ask("00B08100", expected=1) == (b"\x61", 0x9000)


def test_uids():
    assert VirtualChip(kind=Kind(uid=b"\1\2\3\4")).transmit(ASK_UID) == b"\1\2\3\4\x90\0"
    assert VirtualChip(kind=Kind(uid=None)).transmit(ASK_UID) == b"\x6a\x81"
    chip = VirtualChip()
    first = chip.transmit(ASK_UID)
    assert (len(first), first[0]) == (6, 0x08)
    chip.reset()
    assert chip.transmit(ASK_UID) != first


def test_an_access_card_has_no_application():
    chip = VirtualChip(kind=Kind(access="none", uid=b"\x04\1\2\3\4\5\6"))
    assert chip.transmit(OPEN) == b"\x6a\x82"
    assert say(chip, "00A4020C02011C") == "6A82"
    assert chip.transmit(ASK_UID)[:7] == b"\x04\1\2\3\4\5\6"
    assert len(chip.atr) > 5


def test_kinds_that_lack_one_way_in():
    only_bac, only_pace = VirtualChip(kind=Kind(access="bac")), VirtualChip(kind=Kind(access="pace"))
    assert say(only_bac, "00A4020C02011C") == "6A82"
    only_pace.transmit(OPEN)
    only_bac.transmit(OPEN)
    assert say(only_pace, "0084000008") == "6D00"
    assert say(only_bac, "0084000008").endswith("9000")


def test_a_wrong_key_of_basic_access_control():
    chip = VirtualChip()
    assert say(chip, "0084000008") == "6D00"
    chip.transmit(OPEN)
    assert say(chip, "0084000004") == "6700"
    attempt = "0082000028" + "00" * 40 + "28"
    assert say(chip, attempt) == "6985"
    say(chip, "0084000008")
    assert say(chip, attempt) == "6300"
    assert say(chip, attempt) == "6985"  # a challenge is good for one attempt


def test_after_too_many_wrong_secrets_it_takes_no_more():
    chip = VirtualChip(kind=Kind(attempts_max=2))
    for _ in range(2):
        assert pace(chip, "000000")[1] == 0x6300
    assert chip.transmit(choose(card_access(chip), CAN)) == b"\x69\x83"
    chip.reset()
    assert chip.transmit(choose(card_access(chip), CAN)) == b"\x69\x83"


def test_a_right_secret_forgives_the_wrong_ones():
    chip = VirtualChip(kind=Kind(attempts_max=2))
    assert pace(chip, "000000")[1] == 0x6300
    assert pace(chip, chip.person.can)[1] == 0x9000
    chip.reset()
    assert pace(chip, "000000")[1] == 0x6300
    assert pace(chip, chip.person.can)[1] == 0x9000


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ("80", "6A80"),
        ("800A04007F000702020402028301", "6A80"),
        ("800A04007F00070202040204830102", "6A80"),  # a suite that was not offered
        ("800A04007F00070202040202830103", "6A88"),  # a PIN, which it has not
        ("800A04007F00070202040202", "6A88"),
        ("800A04007F0007020204020283010284010C", "6A80"),  # a curve that was not offered
        ("800A04007F0007020204020283010284010D", "9000"),
    ],
)
def test_what_may_be_chosen(data, status):
    assert say(VirtualChip(), f"0022C1A4{len(data) // 2:02X}{data}") == status


def test_two_curves_of_one_suite_must_be_told_apart():
    chip = VirtualChip(kind=Kind(offers=(Offer("AES-128", 12), Offer("AES-128", 13))))
    data = "800A04007F00070202040202830102"
    assert say(chip, f"0022C1A40F{data}") == "6A88"
    assert say(chip, f"0022C1A412{data}84010C") == "9000"


def test_steps_of_pace_have_their_order():
    chip = VirtualChip()
    assert chip.transmit(general(b"")) == b"\x69\x85"
    access = card_access(chip)
    chip.transmit(choose(access, CAN))
    assert chip.transmit(general(b"", last=True)) == b"\x68\x83"
    chip.transmit(choose(access, CAN))
    assert chip.transmit(general(tlv(0x85, bytes(8)))) == b"\x6a\x80"
    assert chip.transmit(general(b"")) == b"\x69\x85"
    chip.transmit(choose(access, CAN))
    chip.transmit(general(b""))
    assert say(chip, "00A4020C02011C") == "9000"  # another command ends the run
    assert chip.transmit(general(tlv(0x81, bytes(65)))) == b"\x69\x85"


@pytest.mark.parametrize("point", [b"\x04" + bytes(64), b"\x00", b"\x04" + b"\xff" * 64, b"\x02" + bytes(32)])
@pytest.mark.parametrize("tag", [0x81, 0x83])
def test_a_point_that_is_none_is_refused(tag, point):
    chip = VirtualChip()
    access = card_access(chip)
    terminal = OpenPace(access)
    chip.transmit(choose(access, CAN))
    nonce = chip.transmit(general(b""))
    terminal.nonce(chip.person.can, CAN, inner(nonce[:-2]))
    if tag == 0x83:
        assert chip.transmit(general(tlv(0x81, terminal.mapping())))[-2:] == b"\x90\0"
    assert chip.transmit(general(tlv(tag, point))) == b"\x6a\x80"


@pytest.mark.parametrize("command", ["", "00", "00A402", "00A4020C0201", "00A4020C02011C0000", "00B0000000000000"])
def test_a_length_that_fits_no_case(command):
    assert say(VirtualChip(), command) == "6700"


def test_classes_and_instructions_that_it_does_not_know():
    chip = VirtualChip()
    assert say(chip, "80CA9F7F00") == "6E00"
    assert say(chip, "00CA9F7F00") == "6D00"
    assert say(chip, "10A4020C02011C") == "6884"
    assert say(chip, "08A4020C02011C") == "6E00"
    assert say(chip, "0CA4020C02011C") == "6988"
    assert say(chip, "FFCA010000") == "6A81"
    assert say(chip, "00A4060C02011C") == "6A86"
    assert say(chip, "00A4020C01011C") == "6700"


def test_the_log_holds_no_data():
    messaging = opened()
    chip = messaging.chip
    messaging.read("010D")
    chip.transmit(ASK_UID)
    for line in chip.log:
        header, plus, arrow, size, status = line.split()[0], *line.split()[1:]
        assert (len(header), plus[0], arrow, len(status)) == (8, "+", "->", 4)
        assert size.isdigit()
    assert list(chip.log)[:2] == ["00A4020C +3 -> 0 9000", "00B00000 +1 -> 22 9000"]
    assert chip.person.can not in " ".join(chip.log)


def test_too_many_wrong_secrets_shut_the_old_way_too():
    chip = VirtualChip(kind=Kind(attempts_max=1))
    assert pace(chip, "000000")[1] == 0x6300
    chip.transmit(OPEN)
    say(chip, "0084000008")
    assert say(chip, "0082000028" + "00" * 40 + "28") == "6983"


def test_reading_needs_a_length_and_a_file_that_can_be():
    chip = VirtualChip()
    assert say(chip, "00B09C00") == "6700"
    assert say(chip, "00B0FF0001") == "6A86"
    assert say(chip, "00B0050001") == "6B00"
