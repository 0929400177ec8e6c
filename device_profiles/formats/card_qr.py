"""The QR on a citizen card (CCCD since 2021, Căn cước since July 2024).

Decides what the printed fields say. Proves nothing: the assurance is ``claimed`` at best, and every text must be
escaped wherever it is shown. Layout: Circular 06/2021; the fields added by Circular 16/2024 have no published order,
hold other persons' names, and are dropped at once.
"""

from dataclasses import dataclass
from datetime import date

from device_profiles.formats import dates
from device_profiles.formats.id_number import IdNumber, parse_id_number
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.scan import detect, whole_text
from device_profiles.formats.text import normalise

SEXES = {"Nam": "male", "Nữ": "female"}

_FIELDS = 7
_FIELDS_WITHOUT_OLD_NUMBER = 6


@dataclass(frozen=True, slots=True)
class CardQr:
    """What a card QR claims. Days are yyyy-mm-dd, a birth may be yyyy; names as printed, NFC."""

    id_number: IdNumber
    old_number: str | None
    full_name: str
    birth_date: str
    sex: str
    address: str
    issue_date: str
    remarks: tuple[str, ...] = ()


def parse_card_qr(raw: bytes | str, *, as_of: date, clock_trusted: bool = True) -> CardQr:
    """Read a scan as received (bytes where possible: a damaged encoding is then seen, not guessed).

    Raises:
        FormatError: too_long, encoding_damaged, control_character, not_a_card_code (``facts["detected"]`` names what
            it is), too_few_fields; or all that apply of bad_date, bad_sex, bad_id_number.
    """
    text = whole_text(raw)
    fields = [normalise(field) for field in text.split("|")]
    if len(fields) == _FIELDS_WITHOUT_OLD_NUMBER:
        fields.insert(1, "")
    name = fields[2] if len(fields) >= _FIELDS else ""
    if "?" in name:  # a keyboard-mode scanner writes one for each letter it does not know
        raise FormatError("encoding_damaged")
    kind = detect(text)
    if kind != "citizen_card":
        raise FormatError("not_a_card_code", detected=kind)
    if not name:
        raise FormatError("too_few_fields")
    return _read(fields, as_of, clock_trusted=clock_trusted)


def _read(fields: list[str], as_of: date, *, clock_trusted: bool) -> CardQr:
    number, old_number, name, birth, sex_word, address, issued = fields[:_FIELDS]
    birth_date, issue_date = dates.from_day_first_or_year(birth), dates.from_day_first(issued)
    sex = SEXES.get(sex_word)
    faults = []
    if birth_date is None or issue_date is None:
        faults.append("bad_date")
    if sex is None:
        faults.append("bad_sex")
    try:
        id_number = parse_id_number(
            number, source="qr", as_of=as_of, clock_trusted=clock_trusted, birth_date=birth_date, sex=sex
        )
    except FormatError:
        raise FormatError(*faults, "bad_id_number") from None
    if birth_date is None or issue_date is None or sex is None:
        raise FormatError(*faults)
    remarks = []
    if len(fields) > _FIELDS:
        remarks.append("extra_fields_dropped")
    if issue_date > as_of.isoformat():
        remarks.append("issue_date_in_future")
    return CardQr(
        id_number,
        old_number or None,
        name,
        birth_date,
        sex,
        address,
        issue_date,
        (*remarks, *id_number.remarks),
    )
