"""Payment references: every slip is caught, and a bank memo gives them back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats import reference
from device_profiles.formats.refusal import FormatError
from device_profiles.formats.text import fold_for_bank

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = st.binary(min_size=6, max_size=16)
QUICK = settings(deadline=None, max_examples=200)
OWN = reference.payment_reference(bytes.fromhex("0123456789abcdef"))


def valid(text):
    try:
        return reference.check_reference(text) == text
    except FormatError:
        return False


@QUICK
@given(RANDOM)
def test_a_reference_is_ten_letters_that_pass_their_own_check(random_bytes):
    made = reference.payment_reference(random_bytes)
    assert len(made) == 10
    assert set(made) <= set(ALPHABET)
    assert reference.check_reference(made) == made
    assert len(reference.payment_purpose(made)) <= 25
    assert fold_for_bank(reference.payment_purpose(made)) == reference.payment_purpose(made)


@QUICK
@given(RANDOM)
def test_every_wrong_letter_and_every_swap_is_caught(random_bytes):
    made = reference.payment_reference(random_bytes)
    for at, was in enumerate(made):
        assert not any(valid(made[:at] + other + made[at + 1 :]) for other in ALPHABET if other != was)
        for to in range(at):
            swapped = list(made)
            swapped[at], swapped[to] = swapped[to], swapped[at]
            assert was == made[to] or not valid("".join(swapped))


def test_45_bits_count():
    first = reference.payment_reference(b"\xff" * 6)
    assert first[:9] == "ZZZZZZZZZ"
    assert reference.payment_reference(b"\xff" * 5 + b"\xf8") == first
    assert reference.payment_reference(b"\xff" * 5 + b"\xf7") != first
    assert reference.payment_reference(b"\x00" * 16) == "0" * 10


def test_too_few_random_bytes_make_no_reference():
    with pytest.raises(FormatError, match="too_short"):
        reference.payment_reference(b"12345")


def test_people_write_o_i_and_l():
    # 0 0 0 0 0 0 0 0 1 then its check: x times 1 is 2
    assert reference.check_reference(" ooo-ooo ooL 2\n") == "0000000012"
    assert reference.check_reference("00000000I2") == "0000000012"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "malformed"),
        (OWN[:-1], "malformed"),
        (OWN + "0", "malformed"),
        ("U" + OWN[1:], "malformed"),
        ("０" + OWN[1:], "malformed"),
        (OWN[:-1] + ("0" if OWN[-1] != "0" else "1"), "bad_check"),
    ],
)
def test_refused(text, reason):
    with pytest.raises(FormatError) as refused:
        reference.check_reference(text)
    assert refused.value.reasons == (reason,)


@pytest.mark.parametrize(
    "memo",
    [
        f"SKHCM {OWN}",
        f"skhcm {OWN.lower()}",
        f"SKHCM{OWN}",
        f"MBVCB.7712345678.SKHCM {OWN}.CT tu 0071000000017 NGUYEN VAN AN toi 113366668888",
        f"CUSTOMER SKHCM{OWN}-CHUYEN TIEN-OQCH0001abcd",
        f"QR   -  SKHCM {OWN[:5]} {OWN[5:]} Ma GD ACSP/ 123456",
        f"Thanh toán SKHCM {OWN} cảm ơn, SKHCM {OWN}",
    ],
)
def test_a_reference_after_the_word_is_the_only_answer(memo):
    assert reference.find_reference(memo) == [OWN]


@QUICK
@given(RANDOM, st.text(max_size=40), st.text(max_size=40))
def test_a_reference_is_found_whatever_stands_around_it(random_bytes, before, after):
    made = reference.payment_reference(random_bytes)
    assert made in reference.find_reference(f"{before} {reference.payment_purpose(made)} {after}")


def test_a_reference_without_the_word_is_among_the_candidates():
    found = reference.find_reference(f"FT26325 TIEN DIEN {OWN} THANG 11")
    assert OWN in found
    assert all(valid(one) for one in found)
    assert len(set(found)) == len(found)


def test_nothing_is_found_in_nothing():
    assert reference.find_reference("") == []
    assert reference.find_reference("SKHCM") == []
