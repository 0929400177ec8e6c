"""The secured channel and its keys: a published vector for each part, and every answer that breaks it."""

import pytest

from edge_agent.card import CardFault
from edge_agent.drivers.reader.emrtd.apdu import Command, Response
from edge_agent.drivers.reader.emrtd.keys import KEY_BYTES, derive, mac, mrz_seed, pad, unpad, with_parity
from edge_agent.drivers.reader.emrtd.secure_messaging import SecureMessaging
from edge_agent.drivers.reader.emrtd.tlv import read_all
from tests.edge_agent.emrtd import worked_examples as example

READ = Command(0, 0xB0, 0, 0, le=4)
GOOD = "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000"  # Doc 9303-11, appendix D: READ BINARY of 4 bytes


def channel() -> SecureMessaging:
    keys = bytes.fromhex(example.BAC_KEY_ENC), bytes.fromhex(example.BAC_KEY_MAC)
    sent = SecureMessaging("3des", *keys, 0x887022120C06C226)
    sent.wrap(Command(0, 0xA4, 2, 0x0C, b"\x01\x1e"))
    sent.unwrap(bytes.fromhex("990290008E08FA855A5D4C50A8ED9000"))
    sent.wrap(READ)
    return sent


def test_keys_of_the_printed_lines():
    seed = mrz_seed(example.MRZ)[:16]
    assert seed.hex().upper() == "239AB9CB282DAF66231DC5A4DF6BFBAE"
    assert derive(seed, 1, "3des").hex().upper() == "AB94FDECF2674FDFB9B391F85D7F76F2"
    assert derive(seed, 2, "3des").hex().upper() == "7962D9ECE03D1ACD4C76089DCE131543"
    assert mrz_seed(example.PACE_MRZ).hex().upper() == "7E2D2A41C74EA0B38CD36F863939BFA8E9032AAD"
    assert derive(mrz_seed(example.PACE_MRZ), 3, "aes128").hex().upper() == "89DED1B26624EC1E634C1989302849DD"


def test_longer_keys_come_of_sha256():
    import hashlib

    digest = hashlib.sha256(b"secret\0\0\0\1").digest()
    assert derive(b"secret", 1, "aes192") == digest[:24]
    assert derive(b"secret", 1, "aes256") == digest
    assert all(len(derive(b"", 1, cipher)) == size for cipher, size in KEY_BYTES.items())


def test_every_byte_of_a_des_key_has_odd_parity():
    assert all(byte.bit_count() % 2 for byte in with_parity(bytes(range(256))))
    assert all((a ^ b) & 0xFE == 0 for a, b in zip(with_parity(bytes(range(256))), range(256), strict=True))


def test_cmac_of_rfc_4493_cut_to_eight_bytes():
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert mac("aes128", key, b"").hex() == "bb1d6929e9593728"
    assert mac("aes128", key, bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")).hex() == "070a16b46b4d4144"


def test_retail_mac_of_one_block_is_three_des():
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    key = bytes(range(16))
    machine = Cipher(TripleDES(key + key[:8]), modes.ECB()).encryptor()
    assert mac("3des", key, b"12345678") == machine.update(b"12345678")


def test_padding():
    assert pad(b"", 8) == b"\x80" + bytes(7)
    assert pad(bytes(8), 8) == bytes(8) + b"\x80" + bytes(7)
    assert unpad(pad(b"a\x80\0", 16)) == b"a\x80\0"
    assert unpad(b"abc") is None
    assert unpad(b"") is None


def test_the_answer_of_the_example_is_opened():
    assert channel().unwrap(bytes.fromhex(GOOD)) == Response(bytes.fromhex("60145F01"), 0x9000)


def test_a_status_word_within_counts_not_the_one_outside():
    assert channel().unwrap(bytes.fromhex(GOOD[:-4] + "6282")).status == 0x9000


@pytest.mark.parametrize(
    "answer",
    [
        "9000",
        "6988",
        "6A82",
        "",
        "00",
        GOOD[:-5] + "0" + GOOD[-4:],  # another checksum
        GOOD.replace("9F", "9E", 1),  # other data
        GOOD.replace("99029000", "99026282"),  # another status
        GOOD[:30] + "9000",  # no checksum
        "990290009000",
        GOOD[22:],  # the data left out
        GOOD[:22] + GOOD[30:],  # the status left out
        GOOD.replace("8E08", "8E07"),
        "60145F01" + "9000",
    ],
)
def test_an_answer_that_breaks_the_channel_is_damaged(answer):
    with pytest.raises(CardFault) as fault:
        channel().unwrap(bytes.fromhex(answer))
    assert fault.value.kind == "damaged"


def test_an_answer_that_came_before_is_damaged():
    used = channel()
    used.unwrap(bytes.fromhex(GOOD))
    used.wrap(READ)
    with pytest.raises(CardFault):
        used.unwrap(bytes.fromhex(GOOD))


def signed(body: str) -> bytes:
    """An answer with a right checksum, whatever it holds: a chip may be mad and still hold the key."""
    twin = channel()
    twin._count()
    inner = bytes.fromhex(body)
    return inner + b"\x8e\x08" + twin._checksum(inner) + b"\x90\x00"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "9902900099029000",
        "990190",
        "810101" + "99029000",
        "8701" + "01" + "99029000",
        "8709029FF0EC34F9922651" + "99029000",
        "8708019FF0EC34F99226" + "99029000",
        "8709010000000000000000" + "99029000",  # decrypts to no padding
        "8709019FF0EC34F9922651" + "85089FF0EC34F9922651" + "99029000",
        "8500" + "99029000",
        "99",
    ],
)
def test_nonsense_under_a_right_checksum_is_damaged(body):
    with pytest.raises(CardFault) as fault:
        channel().unwrap(signed(body))
    assert fault.value.kind == "damaged"


def test_data_without_padding_indicator_are_opened_too():
    assert channel().unwrap(signed("85089FF0EC34F992265199029000")).data == bytes.fromhex("60145F01")


@pytest.mark.parametrize("cipher", KEY_BYTES)
def test_every_cipher_seals_what_it_is_told(cipher):
    key = bytes(range(KEY_BYTES[cipher]))
    ours = SecureMessaging(cipher, key, key)
    apdu = ours.wrap(Command(0, 0xB1, 0, 0, bytes.fromhex("54028000"), le=211))
    assert apdu[:4] == bytes.fromhex("0CB10000")
    assert [element.tag for element in read_all(apdu[5:-1])] == [0x85, 0x97, 0x8E]
    again = ours.wrap(Command(0, 0xB1, 0, 0, bytes.fromhex("54028000"), le=211))
    assert again != apdu


def test_a_command_without_data_or_answer_has_a_checksum_only():
    apdu = channel().wrap(Command(0, 0x44, 0, 0))
    assert [element.tag for element in read_all(apdu[5:-1])] == [0x8E]


@pytest.mark.parametrize(
    ("command", "apdu"),
    [
        (Command(0, 0x84, 0, 0, le=8), "0084000008"),
        (Command(0, 0x84, 0, 0, le=256), "0084000000"),
        (Command(0, 0xA4, 2, 0x0C, b"\1\2"), "00A4020C020102"),
        (Command(0, 0x88, 0, 0, b"\1\2", le=65536), "0088000000000201020000"),
        (Command(0, 0x84, 0, 0, le=300), "0084000000012C"),
        (Command(0, 0x84, 0, 0), "00840000"),
        (Command(0, 0x86, 0, 0, bytes(300)), "0086000000012C" + "00" * 300),
    ],
)
def test_commands_in_bytes(command, apdu):
    assert command.encode().hex().upper() == apdu
