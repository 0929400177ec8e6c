"""The QR of the older paper health-insurance card.

Decides what the printed fields say; as with every QR, a claim. Layout as seen in public code, not confirmed by an
official text; faults beyond the two that are its own carry the names of the card QR's.
"""

import re
from dataclasses import dataclass

from device_profiles.formats import dates
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.scan import clean, detect, whole_text
from device_profiles.formats.text import normalise

_FIELDS = 8
_SEXES = {"1": "male", "2": "female"}
_HEX = re.compile("(?:[0-9A-Fa-f]{2})*")
_NO_END = ("", "-")


@dataclass(frozen=True, slots=True)
class HealthInsuranceQr:
    """What the QR claims. Days are yyyy-mm-dd, a birth may be yyyy; ``valid_to`` is None on cards without an end."""

    card_number: str
    full_name: str
    birth_date: str
    sex: str
    address: str
    facility: str
    valid_from: str
    valid_to: str | None


def parse_health_insurance_qr(raw: bytes | str) -> HealthInsuranceQr:
    """Read a scan as received.

    Raises:
        FormatError: too_long, encoding_damaged, control_character, not_a_card_code (``facts["detected"]`` names what
            it is), too_few_fields, bad_hex; or all that apply of bad_date, bad_sex.
    """
    text = whole_text(raw)
    kind = detect(text)
    if kind != "health_insurance":
        raise FormatError("not_a_card_code", detected=kind)
    fields = [field.strip(" ") for field in text.split("|")]
    if len(fields) < _FIELDS:
        raise FormatError("too_few_fields")
    number, name_hex, birth, sex_digit, address_hex, facility, start, end = fields[:_FIELDS]
    if not _HEX.fullmatch(name_hex) or not _HEX.fullmatch(address_hex):
        raise FormatError("bad_hex")
    name, address = _unpack(name_hex), _unpack(address_hex)
    if "?" in name:
        raise FormatError("encoding_damaged")
    birth_date, valid_from = dates.from_day_first_or_year(birth), dates.from_day_first(start)
    valid_to = None if end in _NO_END else dates.from_day_first(end)
    sex = _SEXES.get(sex_digit)
    faults = []
    if birth_date is None or valid_from is None or (valid_to is None and end not in _NO_END):
        faults.append("bad_date")
    if sex is None:
        faults.append("bad_sex")
    if birth_date is None or valid_from is None or sex is None or faults:
        raise FormatError(*faults)
    return HealthInsuranceQr(number, name, birth_date, sex, address, normalise(facility), valid_from, valid_to)


def _unpack(packed: str) -> str:
    try:
        return normalise(clean(bytes.fromhex(packed).decode("utf-8")))
    except UnicodeDecodeError:
        raise FormatError("encoding_damaged") from None
