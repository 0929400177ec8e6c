"""VietQR payment codes: read leniently, written strictly.

Decides what a code says and whether a text is one. Never decides that money moved. Source: NAPAS VietQR format
document 1.0 (September 2021) with its errata; the service codes of version 1.5.2 are kept as they are read.

Strict means: what ``build`` writes is read back by ``parse`` without a single remark, so the two cannot differ.
"""

import re
import unicodedata
from collections.abc import Container
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from device_profiles.formats import emv, tables
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import ascii_upper, fold_for_bank

AMOUNT_LENGTH_MAX = 13

_AID = "A000000727"
_CURRENCY, _COUNTRY = "704", "VN"
_METHODS = {"11": "static", "12": "dynamic"}
_SERVICES = {"QRIBFTTA": "account", "QRIBFTTC": "card"}
_SCHEMES = [f"{number:02}" for number in range(26, 52)]
_NAMES = {"59": ("name", 25), "60": ("city", 15), "61": ("postal", 10)}
_ADDITIONAL = {
    "01": "bill",
    "02": "mobile",
    "03": "store",
    "04": "loyalty",
    "05": "reference",
    "06": "customer",
    "07": "terminal",
    "08": "purpose",
}
_ADDITIONAL_LENGTH_MAX = 25
_PROMPT = "***"

_BIN = re.compile("[0-9]{6}")
_ACCOUNT = re.compile("[0-9A-Za-z]{1,19}")  # wallets have letters: never a number
_AMOUNT = re.compile(r"([1-9][0-9]*)(\.0*)?")
_MCC = re.compile("[0-9]{4}")
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]+)?")
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_ENDS = "\r\n\t"  # what scanners append


@dataclass(frozen=True, slots=True)
class Scheme:
    """Another payment scheme in the same code: the ID of its template and the name it gives itself."""

    id: str
    guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VietQr:
    """What a code says, field by field; None is "not there". ``amount`` and ``fee_fixed`` are dong."""

    method: str
    bin: str | None = None
    account: str | None = None
    service: str | None = None
    mcc: str | None = None
    currency: str = _CURRENCY  # these two are never anything else: other codes are refused
    country: str = _COUNTRY
    amount: int | None = None
    fee_fixed: int | None = None
    fee_percent: str | None = None
    name: str | None = None
    city: str | None = None
    postal: str | None = None
    bill: str | None = None
    mobile: str | None = None
    store: str | None = None
    loyalty: str | None = None
    reference: str | None = None
    customer: str | None = None
    terminal: str | None = None
    purpose: str | None = None
    other_schemes: tuple[Scheme, ...] = ()
    warnings: tuple[str, ...] = ()
    crc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """What the payment service holds, and all that a station ever writes into a code."""

    method: str
    bin: str
    account: str
    service: str
    amount: int | None = None
    mcc: str | None = None
    name: str | None = None
    city: str | None = None
    postal: str | None = None
    bill: str | None = None
    reference: str | None = None
    customer: str | None = None
    terminal: str | None = None
    purpose: str | None = None


def parse(text: str) -> VietQr:
    """Read a code as it came from a scanner; remarks stand in ``warnings``, in the order of the format's rules.

    Raises:
        FormatError: malformed, bad_subfield, duplicate_field, missing_field:<id>, crc_not_last, bad_crc (with
            ``facts["crc_expected"]``), format_not_first, bad_version, bad_method, bad_bin, bad_account, bad_currency,
            bad_country, bad_amount.
    """
    if len(text) > emv.TEXT_LENGTH_MAX + len(_LINE_ENDS):
        raise FormatError("malformed")
    code = unicodedata.normalize("NFC", text.rstrip(_LINE_ENDS))
    if not code or _NO_TEXT.search(code):
        raise FormatError("malformed")
    fields = emv.split(code, "malformed")
    crc = _checked_crc(code, fields)
    by_id = emv.once_each(fields)
    if "00" in by_id and fields[0][0] != "00":
        raise FormatError("format_not_first")
    _expect(by_id, "00", ("01",), "bad_version")
    _expect(by_id, "53", (_CURRENCY,), "bad_currency")
    _expect(by_id, "58", (_COUNTRY,), "bad_country")
    method = _METHODS[_expect(by_id, "01", _METHODS, "bad_method")]
    values: dict[str, Any] = {"method": method, "mcc": by_id.get("52"), "crc": crc}
    warnings = _read_payee(by_id, values)
    warnings += _read_amount(by_id, values)
    warnings += _read_texts(by_id, values)
    warnings += _read_fee(by_id, values)
    if not code.isascii():
        warnings.append("non_ascii")
    return VietQr(**values, warnings=tuple(warnings))


def build(request: PaymentRequest) -> str:
    """Write the code for a payment; name, city and purpose are folded for banks, nothing is cut to fit.

    Raises:
        FormatError: what ``parse`` refuses or remarks on in the result, over_length:62 for too much in all,
            missing_field:54 for a dynamic code without amount.
    """
    if request.amount is None and request.method == "dynamic":
        raise FormatError("missing_field:54")
    # The type is checked before anything is written: str(True) and str(7000.0) are not amounts.
    if request.amount is not None and (not isinstance(request.amount, int) or isinstance(request.amount, bool)):
        raise FormatError("bad_amount")
    if request.method not in _METHODS.values():
        raise FormatError("bad_method")
    if request.service not in _SERVICES.values():
        raise FormatError("unknown_service")
    if request.mcc is not None and not _MCC.fullmatch(request.mcc):
        raise FormatError("malformed")
    values = asdict(request)
    for name in ("name", "city", "purpose"):
        if values[name] is not None:
            values[name] = fold_for_bank(values[name])
    text = encode(VietQr(**values))
    for warning in parse(text).warnings:
        raise FormatError(warning)
    return text


def encode(code: VietQr) -> str:
    """Write a code field by field in ascending order, unfolded: for a code read without warnings, the canonical form.

    Raises:
        FormatError: missing_field:<id> for an empty value, over_length:<id> for one over 99 characters, non_ascii.
    """
    service = next((key for key, name in _SERVICES.items() if name == code.service), None)
    account = emv.join({"00": code.bin, "01": code.account}, "38.01.")
    additional = {key: getattr(code, name) for key, name in _ADDITIONAL.items()}
    body = emv.join(
        {
            "00": "01",
            "01": next(key for key, name in _METHODS.items() if name == code.method),
            "38": emv.join({"00": _AID, "01": account, "02": service}, "38."),
            "52": code.mcc,
            "53": _CURRENCY,
            "54": None if code.amount is None else str(code.amount),
            "58": _COUNTRY,
            "59": code.name,
            "60": code.city,
            "61": code.postal,
            "62": emv.join(additional, "62.") or None,
        }
    )
    if not body.isascii():
        raise FormatError("non_ascii")
    return f"{body}6304{emv.crc(body + '6304')}"


def bank_name(bank: str, as_of: date) -> str | None:
    """Name the bank or wallet of a BIN on that day, None when it is in no list."""
    rows = tables.holding(tables.rows("banks"), as_of)
    return next((row["name"] for row in rows if row["bin"] == bank), None)


def _checked_crc(code: str, fields: list[tuple[str, str]]) -> str:
    identifiers = [identifier for identifier, _ in fields]
    if "63" not in identifiers:
        raise FormatError("missing_field:63")
    if identifiers[-1] != "63":
        raise FormatError("crc_not_last")
    crc = ascii_upper(fields[-1][1])
    if len(crc) != 4:
        raise FormatError("malformed")
    expected = emv.crc(code[:-4])
    if crc != expected:
        raise FormatError("bad_crc", crc_expected=expected)
    return crc


def _expect(by_id: dict[str, str], identifier: str, allowed: Container[str], reason: str) -> str:
    value = _get(by_id, identifier)
    if value not in allowed:
        raise FormatError(reason)
    return value


def _read_payee(by_id: dict[str, str], values: dict[str, Any]) -> list[str]:
    """Find the payee by its AID, whichever template holds it; list the other schemes."""
    templates = {key: emv.template(by_id[key]) for key in _SCHEMES if key in by_id}
    if not templates:
        raise FormatError("missing_field:38")
    if any("00" not in fields for fields in templates.values()):
        raise FormatError("bad_subfield")
    ours = [key for key, fields in templates.items() if fields["00"] == _AID]
    if len(ours) > 1:  # two payees: nobody could say which one a bank takes
        raise FormatError("duplicate_field")
    schemes = tuple(Scheme(key, fields["00"]) for key, fields in templates.items() if key not in ours)
    values["other_schemes"] = schemes
    if not ours:
        return ["no_vietqr_account"]
    fields, within = templates[ours[0]], f"{ours[0]}."
    account = emv.template(_get(fields, "01", within))
    values["bin"] = _get(account, "00", f"{within}01.")
    values["account"] = _get(account, "01", f"{within}01.")
    if not _BIN.fullmatch(values["bin"]):
        raise FormatError("bad_bin")
    if not _ACCOUNT.fullmatch(values["account"]):
        raise FormatError("bad_account")
    code = fields.get("02")
    values["service"] = _SERVICES.get(code, f"other:{code}") if code else None
    warnings = ["other_schemes_present"] if schemes else []
    return warnings if code in _SERVICES else [*warnings, "unknown_service"]


def _read_amount(by_id: dict[str, str], values: dict[str, Any]) -> list[str]:
    if "54" not in by_id:
        return ["dynamic_without_amount"] if values["method"] == "dynamic" else []
    values["amount"], fraction = _dong(by_id["54"])
    if not fraction:
        return []
    return ["amount_trailing_point" if fraction == "." else "amount_zero_fraction"]


def _read_texts(by_id: dict[str, str], values: dict[str, Any]) -> list[str]:
    found = [(key, *_NAMES[key], by_id[key]) for key in _NAMES if key in by_id]
    for key, value in sorted(emv.template(by_id.get("62", "")).items()):
        if key in _ADDITIONAL:
            found.append((f"62.{key}", _ADDITIONAL[key], _ADDITIONAL_LENGTH_MAX, value))
    values |= {name: value for _, name, _, value in found}
    too_long = [f"over_length:{key}" for key, _, length_max, value in found if len(value) > length_max]
    return too_long + [f"prompt:{key}" for key, _, _, value in found if value == _PROMPT]


def _read_fee(by_id: dict[str, str], values: dict[str, Any]) -> list[str]:
    if "56" in by_id:
        values["fee_fixed"], _ = _dong(by_id["56"])
    if "57" in by_id:
        if not _PERCENT.fullmatch(by_id["57"]):
            raise FormatError("bad_amount")
        values["fee_percent"] = by_id["57"]
    return [] if by_id.keys().isdisjoint(("55", "56", "57")) else ["fee_indicator"]


def _dong(text: str) -> tuple[int, str]:
    """Read an amount and what stands from its point on; dong have no fraction, so only zeros may follow."""
    match = _AMOUNT.fullmatch(text)
    if not match or len(text) > AMOUNT_LENGTH_MAX:
        raise FormatError("bad_amount")
    return int(match[1]), match[2] or ""


def _get(fields: dict[str, str], identifier: str, within: str = "") -> str:
    value = fields.get(identifier)
    if value is None:
        raise FormatError(f"missing_field:{within}{identifier}")
    return value
