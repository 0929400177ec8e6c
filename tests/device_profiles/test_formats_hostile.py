"""Whatever comes in: a named reason out, nothing else raised, and an answer that is plain UTF-8 JSON."""

import json
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats.explain import KINDS, Circumstances, explain
from device_profiles.formats.id_number import SOURCES
from device_profiles.formats.phone import FIELDS

IDENTITY = json.loads((Path(__file__).parents[1] / "golden" / "vectors" / "identity.json").read_text("utf-8"))
VIETQR = json.loads((Path(__file__).parents[1] / "golden" / "vectors" / "vietqr.json").read_text("utf-8"))
RULES = IDENTITY["rules"]["reasons"]
ID_NUMBER = (
    "empty not_digits old_9_digit_number not_12_digits placeholder century_not_reached birth_year_in_future "
    "unknown_place_code birth_year_mismatch sex_mismatch"
)
REASONS = {
    "vietqr": (
        "malformed bad_subfield duplicate_field missing_field crc_not_last bad_crc format_not_first bad_version "
        "bad_method bad_bin bad_account bad_currency bad_country bad_amount"
    ),
    "card-qr": (
        "too_long encoding_damaged control_character not_a_card_code too_few_fields bad_date bad_sex bad_id_number "
        f"extra_fields_dropped issue_date_in_future {ID_NUMBER}"
    ),
    "id-number": ID_NUMBER,
    "mrz": (
        "not_td1 bad_character not_vnm_id_card document_number_check birth_date_check expiry_date_check "
        "composite_check bad_date optional_check document_number_differs card_expired birth_year_mismatch sex_mismatch"
    ),
    "health-insurance-qr": (
        "too_long encoding_damaged control_character not_a_card_code too_few_fields bad_hex bad_date bad_sex"
    ),
    "phone": "not_digits old_11_digit_number not_mobile missing_leading_zero wrong_length not_assigned",
    "dossier-code": "provisional_code procedure_code malformed bad_date",
    "provisional-code": "official_code malformed bad_check",
    "electricity-code": "missing_prefix wrong_length malformed other_company",
    "water-code": "malformed wrong_length",
    "amount": "not_an_integer negative too_large",
}
SAMPLES = {
    "vietqr": [vector["qr"] for vector in VIETQR["vectors"]],
    "card-qr": [vector["raw"] for vector in IDENTITY["card_qr"] if "raw" in vector],
    "id-number": [vector["input"] for vector in IDENTITY["id_numbers"]],
    "mrz": [vector["mrz"] for vector in IDENTITY["mrz_td1"]],
    "health-insurance-qr": [vector["raw"] for vector in IDENTITY["health_insurance_qr"]],
    "phone": [vector["input"] for vector in IDENTITY["phones"]],
    "dossier-code": [vector["input"] for vector in IDENTITY["dossier_codes"]],
    "provisional-code": [vector["input"] for vector in IDENTITY["provisional_codes"]],
    "electricity-code": [vector["input"] for vector in IDENTITY["electricity_codes"]],
    "water-code": [vector["input"] for vector in IDENTITY["water_codes"]],
    "amount": [str(vector["amount"]) for vector in IDENTITY["amounts_in_words"]],
}
AS_OF = date(2026, 11, 21)
NASTY = st.sampled_from(
    ["\n", "\r", "\t", "\x00", "\x1b", "\x85", "\u2028", "\ud800", "\u0301", "٣", "３", "²", "ı", "|"]
)
EVERYTHING = st.characters(categories=None)  # lone surrogates too
TEXTS = st.text(EVERYTHING)


@st.composite
def damaged(draw, kind):
    """Give a sample of that kind with a piece cut out and another put in its place."""
    sample = draw(st.sampled_from(SAMPLES[kind]))
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, min(len(sample), start + 3)))
    return sample[:start] + draw(st.one_of(NASTY, TEXTS)) + sample[end:]


def told(kind, raw, about):
    answer = explain(kind, raw, about)
    json.dumps(answer, ensure_ascii=False).encode("utf-8")
    assert answer["outcome"] in {"valid", "warn", "parse_only", "invalid"}
    reasons = answer.get("reasons", [answer["reason"]] if "reason" in answer else [])
    assert {reason.split(":")[0] for reason in reasons} <= set(REASONS[kind].split())
    assert reasons or answer["outcome"] in {"valid", "parse_only"}
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_any_text_and_any_bytes_are_explained(kind):
    @settings(deadline=None, max_examples=150)
    @given(
        raw=st.one_of(damaged(kind), damaged(kind), TEXTS, st.binary()),
        source=st.sampled_from(SOURCES),
        field=st.sampled_from(FIELDS),
        clock_trusted=st.booleans(),
    )
    def check(raw, source, field, clock_trusted):
        told(kind, raw, Circumstances(AS_OF, clock_trusted, source, field))

    check()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piece", ["0", "9", "A", " ", "|", "\n", "<", "ệ", "0 ", "0-", "1/", "\ud800"])
def test_a_huge_text_is_refused_at_once(kind, piece):
    started = time.monotonic()
    assert told(kind, piece * 200_000, Circumstances(AS_OF))["outcome"] == "invalid"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"card-qr", "health-insurance-qr"}])
@pytest.mark.parametrize("digits", ["٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९", "⁰¹²³⁴⁵⁶⁷⁸⁹"])
def test_digits_of_other_scripts_are_no_digits(kind, digits):
    for sample in SAMPLES[kind]:
        foreign = sample.translate(dict(zip(map(ord, "0123456789"), digits, strict=True)))
        if foreign != sample:
            assert told(kind, foreign, Circumstances(AS_OF))["outcome"] == "invalid"


def test_the_vectors_know_these_reasons():
    for family, text in RULES.items():
        kind = {"phones": "phone", "mrz_td1": "mrz", "amounts_refused": "amount", "id_numbers": "id-number"}.get(
            family, family.replace("_", "-").removesuffix("s")
        )
        for word in REASONS[kind].split():
            shared = {*REASONS["card-qr"].split(), *ID_NUMBER.split()}
            assert word in text or word in shared, (family, word)
