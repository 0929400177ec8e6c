"""The worked examples of ICAO Doc 9303-11, played to the chip with the random numbers of the book."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.drivers.reader.chip import apdu
from edge_agent.drivers.reader.chip.bac import Bac
from edge_agent.drivers.reader.virtual_chip import Kind, Offer, Persona, VirtualChip, persona

NONCE = "3F00C4D39D153F2B2A214A078D899B22"
MAP_CHIP = "498FF49756F2DC1587840041839A85982BE7761D14715FB091EFA7BCE9058560"
KEY_CHIP = "107CF58696EF6155053340FD633392BA81909DF7B9706F226F32086C7AFF974A"
MAP_TERMINAL_POINT = (
    "7ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E"
    "544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D"
)
MAP_CHIP_POINT = (
    "824FBA91C9CBE26BEF53A0EBE7342A3BF178CEA9F45DE0B70AA601651FBA3F57"
    "30D8C879AAA9C9F73991E61B58F4D52EB87A0A0C709A49DC63719363CCD13C54"
)
KEY_TERMINAL_POINT = (
    "2DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C"
    "3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB36462"
)
KEY_CHIP_POINT = (
    "9E880F842905B8B3181F7AF7CAA9F0EFB743847F44A306D2D28C1D9EC65DF6DB"
    "7764B22277A2EDDC3C265A9F018F9CB852E111B768B326904B59A0193776F094"
)


def numbers(*hexadecimal):
    """A source of random bytes that gives these, one after the other, in the length that is asked for."""
    left = [bytes.fromhex(text) for text in hexadecimal]

    def draw(size):
        assert len(left[0]) == size
        return left.pop(0)

    return draw


@dataclass(frozen=True)
class Specimen(Persona):
    """A person whose card opens with the book's printed lines."""

    lines: str = ""

    @property
    def mrz_information(self):
        return self.lines


def specimen(lines):
    known = persona(0)
    return Specimen(**{name: getattr(known, name) for name in Persona.__dataclass_fields__}, lines=lines)


def test_basic_access_control_and_its_secure_messaging():
    bac = Bac("L898902C<369080619406236", numbers("4608F91988702212", "0B4F80323EB3191CB04970CB4052790B"))
    assert bac.challenge() == (bytes.fromhex("4608F91988702212"), 0x9000)
    theirs = "72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A7"
    (answer, status), channel = bac.authenticate(bytes.fromhex(theirs))
    ours = "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D7449"
    assert (answer.hex().upper(), status) == (ours, 0x9000)
    assert channel.cipher_key.hex().upper() == "979EC13B1CBFE9DCD01AB0FED307EAE5"
    assert channel.checksum_key.hex().upper() == "F1CB1F1FB5ADF208806B89DC579DC1F8"
    assert channel.counter == 0x887022120C06C226
    for sent, meant, plain, sealed in (
        ("0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800", "00A4020C011E", "", "990290008E08FA855A5D4C50A8ED"),
        (
            "0CB000000D9701048E08ED6705417E96BA5500",
            "00B00000",
            "60145F01",
            "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED",
        ),
        (
            "0CB000040D9701128E082EA28A70F3C7B53500",
            "00B00004",
            "04303130365F36063034303030305C026175",
            "871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D74",
        ),
    ):
        command = apdu.parse(bytes.fromhex(sent))
        opened = channel.open(command)
        assert (opened.header + opened.data).hex().upper() == meant
        assert opened.expected in {None, len(plain) // 2}
        protected, status = channel.seal(command, (bytes.fromhex(plain), 0x9000))
        assert (protected.hex().upper(), status) == (sealed, 0x9000)


def test_pace_with_generic_mapping():
    chip = VirtualChip(
        specimen("T22000129364081251010318"),
        Kind(offers=(Offer("AES-128", 13),)),
        random_bytes=numbers(NONCE, MAP_CHIP, KEY_CHIP),
    )
    for sent, answered in (
        ("00A4020C02011C", ""),
        ("00B0000000", "31143012060A04007F0007020204020202010202010D"),
        ("0022C1A40F800A04007F00070202040202830101", ""),
        ("10860000027C0000", "7C12801095A3A016522EE98D01E76CB6B98B42C3"),
        (f"10860000457C43814104{MAP_TERMINAL_POINT}00", f"7C43824104{MAP_CHIP_POINT}"),
        (f"10860000457C43834104{KEY_TERMINAL_POINT}00", f"7C43844104{KEY_CHIP_POINT}"),
        ("008600000C7C0A8508C2B0BD78D94BA86600", "7C0A86083ABB9674BCE93C08"),
    ):
        assert chip.transmit(bytes.fromhex(sent)).hex().upper() == f"{answered}9000"
