"""Whose data is whose: each try at a service has a person of its own, recognisable in every form a screen can give it.

A person's word begins with the world's CANARY; numbers and telephone carry the same serial, and the number also says
by which way it came in (typed, code, chip). `found` gives the serials in a text, masked or not. Decides no law.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.bills import BillSet
from device_profiles.catalogue import Catalogue
from edge_agent.card import CardData
from tests.simulation.fleet import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTERS = "bghklmnpqt"  # ten that Telex leaves alone: one for each digit of a serial
BORN = {"guest": "84", "typed": "85", "qr": "86", "chip": "87"}  # the year in the number says how the number came in
GIVEN = {"typed": "An", "qr": "Binh", "chip": "Chi"}
WORD = re.compile(f"{CANARY}([{LETTERS}]{{5}})", re.IGNORECASE)
NUMBER = re.compile(f"0791({'|'.join(BORN.values())})([0-9]{{6}})")
MASKED_NUMBER = re.compile(r"079\*{5}([0-9]{4})")
PHONE = re.compile(r"(?:0|\+84)912 ?([0-9]{3}) ?([0-9]{3})")
IN_CLEAR = re.compile(f"{CANARY.lower()}|{NUMBER.pattern}|(?:0|\\+84)912[0-9]{{6}}".encode())
_STATIC = (Catalogue, BillSet, type, re.Pattern)


@dataclass(frozen=True, slots=True)
class Persona:
    """One person with one card, known by a serial below 10,000."""

    serial: int

    @property
    def word(self) -> str:
        """The first word of the name, and all that is written freely."""
        return CANARY.lower() + "".join(LETTERS[int(digit)] for digit in f"{self.serial:05}")

    def name(self, way: str) -> str:
        """The name as it is typed, or stands on the card."""
        return f"{self.word} {GIVEN[way]}" if way == "typed" else f"{self.word.title()} Thi {GIVEN[way]}"

    def number(self, way: str) -> str:
        """Twelve digits."""
        return f"0791{BORN[way]}{self.serial:06}"

    @property
    def phone(self) -> str:
        """A mobile number as it is typed."""
        return f"0912{self.serial:06}"

    @property
    def code(self) -> bytes:
        """What the scanner reads of the card."""
        fields = (self.number("qr"), "", self.name("qr"), "15011986", "Nữ", f"12 {self.word}", "01022022")
        return "|".join(fields).encode()

    @property
    def card(self) -> CardData:
        """What the reader reads of the card."""
        national = {"name": self.name("chip"), "residence": f"12 {self.word}", "id_number": self.number("chip")}
        return CardData(mrz=zone(self.number("chip"), self.word.upper()), national=national, access="pace_can")


def zone(number: str, name: str) -> str:
    """The lines of the chip for a woman born on 15 January of the number's year (ICAO 9303-5, TD1)."""
    first = f"IDVNM{number[3:]}{_check(number[3:])}{number}<<{_check(number)}"
    birth, expiry = f"{number[4:6]}0115", "300115"
    second = f"{birth}{_check(birth)}F{expiry}{_check(expiry)}VNM" + "<" * 11
    composite = _check(first[5:] + second[:7] + second[8:15] + second[18:29])
    return first + second + composite + f"{name}<<THI<CHI".ljust(30, "<")


def _check(text: str) -> str:
    values = (0 if each == "<" else int(each, 36) for each in text)
    return str(sum(value * (7, 3, 1)[at % 3] for at, value in enumerate(values)) % 10)


def found(text: str) -> set[int]:
    """The serials of all persons in a text."""
    if text.isascii() and len(text) < 8:
        return set()
    return (
        {int("".join(str(LETTERS.index(each)) for each in hit.lower())) for hit in WORD.findall(text)}
        | {int(serial) for _, serial in NUMBER.findall(text)}
        | {int(serial) for serial in MASKED_NUMBER.findall(text)}
        | {int("".join(parts)) for parts in PHONE.findall(text)}
    )


def texts(value: object) -> Iterator[str]:
    """Every text in plain data: of lists, maps and their keys."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text
            case dict() as table:
                waiting += [*table.keys(), *table.values()]
            case list() | tuple() | set() | frozenset() as many:
                waiting += many


def held(root: object) -> set[int]:
    """The serials of all persons in whatever can be reached from an object: fields, slots, lists and maps."""
    serials: set[int] = set()
    seen: set[int] = set()
    waiting: deque[object] = deque([root])
    while waiting:
        each = waiting.pop()
        if isinstance(each, str | bytes):
            serials |= found(each if isinstance(each, str) else each.decode("latin-1"))
        elif id(each) in seen or callable(each) or isinstance(each, _STATIC):
            continue
        elif isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset | deque):
            waiting += each
        else:
            slots = [name for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting += [getattr(each, name) for name in slots if hasattr(each, name)]
            waiting += vars(each).values() if hasattr(each, "__dict__") else ()
        seen.add(id(each))
    return serials
