"""The golden vectors, each one exactly: every key of the vector, nothing of the fields where it is refused."""

import json
from datetime import date
from pathlib import Path

import pytest

from device_profiles.formats import money, tables, text, vietqr
from device_profiles.formats.explain import Circumstances, explain
from device_profiles.formats.refusal import FormatError

VECTORS = Path(__file__).parents[1] / "golden" / "vectors"
IDENTITY = json.loads((VECTORS / "identity.json").read_text("utf-8"))
VIETQR = json.loads((VECTORS / "vietqr.json").read_text("utf-8"))
AS_OF = date.fromisoformat(IDENTITY["as_of"])
ACCEPTED_ONLY = {"fields", "number", "decoded", "code", "e164", "display", "masked", "mrz_information", "crc", "words"}
NOT_COMPARED = {"id", "note", "origin", "input", "raw", "raw_hex", "mrz", "qr", "against", "amount"}

FAMILIES = {
    "vietqr": ("vietqr", VIETQR["vectors"], "qr"),
    "card_qr": ("card-qr", IDENTITY["card_qr"], "raw"),
    "health_insurance_qr": ("health-insurance-qr", IDENTITY["health_insurance_qr"], "raw"),
    "id_numbers": ("id-number", IDENTITY["id_numbers"], "input"),
    "mrz_td1": ("mrz", IDENTITY["mrz_td1"], "mrz"),
    "phones": ("phone", IDENTITY["phones"], "input"),
    "dossier_codes": ("dossier-code", IDENTITY["dossier_codes"], "input"),
    "provisional_codes": ("provisional-code", IDENTITY["provisional_codes"], "input"),
    "electricity_codes": ("electricity-code", IDENTITY["electricity_codes"], "input"),
    "water_codes": ("water-code", IDENTITY["water_codes"], "input"),
    "amounts_in_words": ("amount", IDENTITY["amounts_in_words"], "amount"),
}
CASES = [
    pytest.param(kind, key, vector, id=f"{family}-{vector.get('id', number)}")
    for family, (kind, vectors, key) in FAMILIES.items()
    for number, vector in enumerate(vectors)
]


@pytest.mark.parametrize(("kind", "key", "vector"), CASES)
def test_vector(kind, key, vector):
    raw = bytes.fromhex(vector["raw_hex"]) if "raw_hex" in vector else str(vector[key])
    against = vector.get("against", {})
    about = Circumstances(
        as_of=AS_OF,
        clock_trusted=vector.get("clock_trusted", True),
        source=vector.get("source", "typed"),
        field=vector.get("field", "resident_mobile"),
        card_birth_date=against.get("birth_date"),
        card_sex=against.get("sex"),
    )
    answer = json.loads(json.dumps(explain(kind, raw, about)))
    wanted = {name: value for name, value in vector.items() if name not in NOT_COMPARED}
    assert {name: answer.get(name) for name in wanted} == wanted
    if answer["outcome"] == "invalid":
        assert not ACCEPTED_ONLY & answer.keys()


@pytest.mark.parametrize("case", VIETQR["build"], ids=lambda case: case["id"])
def test_build_vector(case):
    request = vietqr.PaymentRequest(**case["input"])
    if "refuse" in case:
        with pytest.raises(FormatError) as refused:
            vietqr.build(request)
        assert refused.value.reasons == (case["refuse"],)
    else:
        assert vietqr.build(request) == case["qr"]


@pytest.mark.parametrize("case", IDENTITY["amounts_refused"], ids=lambda case: repr(case["amount"]))
def test_refused_amount(case):
    for told in (money.check_amount, money.format_vi, money.format_en, money.words_vi):
        with pytest.raises(FormatError) as refused:
            told(case["amount"])
        assert refused.value.reasons == (case["reason"],)


@pytest.mark.parametrize("case", IDENTITY["text"], ids=lambda case: case["normalised"])
def test_text_vector(case):
    given = bytes.fromhex(case["input_hex"]).decode() if "input_hex" in case else case["input"]
    assert text.normalise(given) == case["normalised"]
    assert text.search_key(given) == case["search_key"]


def test_the_place_codes_are_those_of_the_vectors():
    assert {row["code"]: row["name"] for row in tables.rows("places")} == IDENTITY["place_codes"]


def test_every_family_of_the_vectors_is_tested():
    tested = {*FAMILIES, "amounts_refused", "text", "place_codes"}
    assert {*IDENTITY} - tested == {"format", "as_of", "about", "rules"}
    assert {*VIETQR} - {"vectors", "build"} == {"format", "about", "rules"}
