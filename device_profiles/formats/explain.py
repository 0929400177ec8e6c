"""One answer for "what is this scan, code, number?": the words of the golden vectors, as plain values.

Decides only how a result is told; what is right is decided by the room of each kind. Printed by the command
``python -m device_profiles explain``.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from device_profiles.formats import card_qr, codes, health_insurance, id_number, money, mrz, phone, vietqr
from device_profiles.formats.refusal import FormatError

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a check depends on besides the text: the day, the clock's quality, where the text came from."""

    as_of: date
    clock_trusted: bool = True
    source: str = "typed"
    field: str = "resident_mobile"
    card_birth_date: str | None = None
    card_sex: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind is told: who reads it, how its faults are spelt, which circumstance is said with the answer."""

    tell: Callable[[bytes | str, Circumstances], Answer]
    faults: Literal["reason", "reasons"]
    said: tuple[str, ...] = ()


def explain(kind: str, raw: bytes | str, about: Circumstances) -> Answer:
    """Say what a text of that kind (one of ``KINDS``) holds, or why it is refused.

    ``raw`` is what was received; bytes that are no UTF-8 are explained too. ``outcome`` is valid, warn (accepted with
    ``reasons``), parse_only (a VietQR a station would never write), or invalid.
    """
    how = KINDS[kind]
    said = {name: getattr(about, name) for name in how.said}
    try:
        return {**how.tell(raw, about), **said}
    except FormatError as error:
        faults = {"reasons": list(error.reasons)} if how.faults == "reasons" else {"reason": error.reason}
        return {"outcome": "invalid", **faults, **error.facts, **said}


def _text(raw: bytes | str) -> str:
    """Keep damaged bytes visible as lone surrogates: each format refuses them under its own name."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "surrogateescape")


def _fields(value: Any, *apart: str) -> Answer:
    """Give a result's fields; those told apart from the fields are left out."""
    return {name: field for name, field in asdict(value).items() if name not in apart}


def _remarked(remarks: tuple[str, ...]) -> Answer:
    return {"outcome": "warn" if remarks else "valid", "reasons": list(remarks)}


def _vietqr(raw: bytes | str, about: Circumstances) -> Answer:
    text = _text(raw)
    code = vietqr.parse(text)
    # Absent fields are left out: None, and no other schemes.
    fields = {name: field for name, field in _fields(code, "warnings", "crc").items() if field not in (None, ())}
    answer: Answer = {"outcome": "parse_only" if code.warnings else "valid", "fields": fields}
    answer |= {"warnings": list(code.warnings), "crc": code.crc}
    if not code.warnings:
        answer["canonical"] = vietqr.encode(code) == text
    if code.bin is not None:
        answer["bank"] = vietqr.bank_name(code.bin, about.as_of)
    return answer


def _card_qr(raw: bytes | str, about: Circumstances) -> Answer:
    card = card_qr.parse_card_qr(raw, as_of=about.as_of, clock_trusted=about.clock_trusted)
    fields = _fields(card, "remarks") | {"id_number": card.id_number.number}
    return {**_remarked(card.remarks), "assurance": "claimed", "fields": fields}


def _id_number(raw: bytes | str, about: Circumstances) -> Answer:
    number = id_number.parse_id_number(
        _text(raw),
        source=about.source,
        as_of=about.as_of,
        clock_trusted=about.clock_trusted,
        birth_date=about.card_birth_date,
        sex=about.card_sex,
    )
    shown = {"masked": number.masked, "place_name": id_number.place_name(number.place_code)}
    return {
        **_remarked(number.remarks),
        "number": number.number,
        "decoded": _fields(number, "number", "remarks"),
    } | shown


def _mrz(raw: bytes | str, about: Circumstances) -> Answer:
    zone = mrz.parse_mrz(_text(raw), as_of=about.as_of)
    keys = {"mrz_information": zone.mrz_information, "bac_key_seed": zone.bac_key_seed.hex().upper(), "can": zone.can}
    return {**_remarked(zone.remarks), "fields": _fields(zone, "mrz_information", "remarks"), **keys}


def _health_insurance_qr(raw: bytes | str, _: Circumstances) -> Answer:
    fields = _fields(health_insurance.parse_health_insurance_qr(raw))
    return {**_remarked(()), "assurance": "claimed", "fields": fields}


def _phone(raw: bytes | str, about: Circumstances) -> Answer:
    number = phone.parse_phone(_text(raw), field=about.field, as_of=about.as_of)
    e164 = {} if number.e164 is None else {"e164": number.e164}
    return {"outcome": "valid", **e164, "display": number.display}


def _dossier_code(raw: bytes | str, _: Circumstances) -> Answer:
    code = codes.parse_dossier_code(_text(raw))
    return {"outcome": "valid", "code": code.code, "decoded": _fields(code, "code")}


def _provisional_code(raw: bytes | str, _: Circumstances) -> Answer:
    code = codes.parse_provisional_code(_text(raw))
    return {"outcome": "valid", "code": code.code, "decoded": _fields(code, "code")}


def _electricity_code(raw: bytes | str, _: Circumstances) -> Answer:
    code = codes.parse_electricity_code(_text(raw))
    remark = {"outcome": "warn", "reason": code.remarks[0]} if code.remarks else {"outcome": "valid"}
    return {**remark, **_fields(code, "remarks")}


def _water_code(raw: bytes | str, _: Circumstances) -> Answer:
    return {"outcome": "valid", **_fields(codes.parse_water_code(_text(raw)))}


def _amount(raw: bytes | str, _: Circumstances) -> Answer:
    amount = money.parse_amount(_text(raw))
    forms = {"vi": money.format_vi(amount), "en": money.format_en(amount), "words": money.words_vi(amount)}
    return {"outcome": "valid", "amount": amount, **forms}


KINDS: Mapping[str, Kind] = {
    "vietqr": Kind(_vietqr, "reason"),
    "card-qr": Kind(_card_qr, "reasons"),
    "id-number": Kind(_id_number, "reasons", ("source", "clock_trusted")),
    "mrz": Kind(_mrz, "reasons"),
    "health-insurance-qr": Kind(_health_insurance_qr, "reasons"),
    "phone": Kind(_phone, "reason", ("field",)),
    "dossier-code": Kind(_dossier_code, "reason"),
    "provisional-code": Kind(_provisional_code, "reason"),
    "electricity-code": Kind(_electricity_code, "reason"),
    "water-code": Kind(_water_code, "reason"),
    "amount": Kind(_amount, "reason"),
}
