"""Codes on papers and bills: what the vectors leave open, and that no single slip of a finger passes."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats import codes
from device_profiles.formats.refusal import FormatError

QUICK = settings(deadline=None, max_examples=200)
STATIONS = st.integers(0, 9999).map(lambda number: f"K{number:04}")
COUNTERS = st.integers(0, codes.COUNTER_MAX)


def passes(code):
    try:
        codes.parse_provisional_code(code)
    except FormatError:
        return False
    return True


def reason(parse, text):
    with pytest.raises(FormatError) as refused:
        parse(text)
    return refused.value.reason


@QUICK
@given(STATIONS, COUNTERS)
def test_a_provisional_code_is_read_back_and_is_never_official(station, counter):
    code = codes.provisional_code(station, counter)
    read = codes.parse_provisional_code(f" {code.lower()}\r\n")
    assert (read.code, read.station, read.counter) == (code, station, counter)
    assert reason(codes.parse_dossier_code, code) == "provisional_code"


@QUICK
@given(STATIONS, COUNTERS)
def test_every_wrong_digit_and_every_swap_of_neighbours_is_caught(station, counter):
    code = codes.provisional_code(station, counter)
    places = [at for at, c in enumerate(code) if c.isdigit()]
    for at in places:
        assert not any(passes(code[:at] + other + code[at + 1 :]) for other in "0123456789" if other != code[at])
    for left, right in itertools.pairwise(places):
        swapped = list(code)
        swapped[left], swapped[right] = code[right], code[left]
        assert code[left] == code[right] or not passes("".join(swapped))


@pytest.mark.parametrize(
    ("station", "counter"),
    [("K001", 1), ("k0001", 1), ("K0001\n", 1), ("K٠٠٠١", 1), ("K0001", -1), ("K0001", 1_000_000), ("K0001", True)],
)
def test_no_code_is_made_outside_its_width(station, counter):
    with pytest.raises(FormatError, match="malformed"):
        codes.provisional_code(station, counter)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "malformed"),
        ("H29-251010-0042x", "malformed"),
        ("H29-251010-0042\n-", "malformed"),
        ("H29-٢٥١٠١٠-0042", "malformed"),
        ("ı29-251010-0042", "malformed"),
        ("H29.1-251010-0042", "malformed"),
        ("H29-250000-0042", "bad_date"),
        ("1.000894", "procedure_code"),
        ("TAMTRU_01", "procedure_code"),
        ("tam-anything", "provisional_code"),
    ],
)
def test_dossier_codes_refused(text, word):
    assert reason(codes.parse_dossier_code, text) == word


def test_a_dossier_code_loses_its_blanks():
    read = codes.parse_dossier_code(" h29 - 240229 - 0042\n")
    assert (read.code, read.unit, read.date, read.sequence) == ("H29-240229-0042", "H29", "2024-02-29", "0042")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "malformed"),
        ("PE", "malformed"),
        ("P199000000017", "malformed"),
        ("PE٩٩٠٠٠٠٠٠٠١٧", "malformed"),
        ("PE-99000000017", "malformed"),
        ("99000000017", "malformed"),
        ("PE990000000171", "wrong_length"),
    ],
)
def test_electricity_codes_refused(text, word):
    assert reason(codes.parse_electricity_code, text) == word


def test_the_company_of_an_electricity_code():
    assert codes.parse_electricity_code("PE99000000017").company == "EVNHCMC"
    other = codes.parse_electricity_code("PZ99000000017")
    assert (other.company, other.remarks) == (None, ("other_company",))
    assert codes.parse_electricity_code("PD99000000017", home_family="PD").remarks == ()


@pytest.mark.parametrize(
    ("text", "word"), [("", "malformed"), ("9900.000.0019", "malformed"), ("9" * 12, "wrong_length")]
)
def test_water_codes_refused(text, word):
    assert reason(codes.parse_water_code, text) == word
