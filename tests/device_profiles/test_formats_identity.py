"""What the vectors leave open for ID numbers, card QR, health-insurance QR and MRZ."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.formats.card_qr import parse_card_qr
from device_profiles.formats.health_insurance import parse_health_insurance_qr
from device_profiles.formats.id_number import parse_id_number, place_name
from device_profiles.formats.mrz import parse_mrz
from device_profiles.formats.refusal import FormatError

AS_OF = date(2026, 11, 21)
CARD = "079190012345|023456789|Nguyễn Thị Minh Anh|15011990|Nữ|Phường Bình Trưng|15042021"
HEALTH = "GD4799900000017|4E677579|15/01/1990|2|5068|79 - 034|01/01/2026|31/12/2026|-"
MRZ = "IDVNM1900123457079190012345<<7\n9001158F3001156VNM<<<<<<<<<<<2\nNGUYEN<<THI<MINH<ANH<<<<<<<<<<"


def refused(parse, *arguments, **options):
    with pytest.raises(FormatError) as error:
        parse(*arguments, **options)
    return error.value


def card(*changes, as_of=AS_OF):
    raw = CARD
    for old, new in changes:
        assert old in raw
        raw = raw.replace(old, new)
    return parse_card_qr(raw, as_of=as_of)


def test_a_refusal_does_not_carry_the_text():
    error = refused(parse_id_number, "07919001234X", source="typed", as_of=AS_OF)
    assert "0791" not in f"{error} {error!r} {error.args} {error.facts}"


@pytest.mark.parametrize(
    ("number", "remarks"),
    [
        ("000000000000", ("placeholder", "unknown_place_code")),
        ("079427000051", ("century_not_reached",)),
        ("003990000051", ("century_not_reached", "unknown_place_code")),
    ],
)
def test_a_number_from_a_chip_is_never_refused_for_its_structure(number, remarks):
    assert parse_id_number(number, source="chip", as_of=AS_OF).remarks == remarks


def test_a_century_needs_no_clock():
    error = refused(parse_id_number, "079427000051", source="qr", as_of=AS_OF, clock_trusted=False)
    assert error.reasons == ("century_not_reached",)


def test_what_the_card_says_is_compared():
    read = parse_id_number("079190012345", source="chip", as_of=AS_OF, birth_date="1991", sex="male")
    assert read.remarks == ("birth_year_mismatch", "sex_mismatch")


@given(st.from_regex("0(?:01|79|96)[0-3][0-9]{8}", fullmatch=True))
@settings(deadline=None, max_examples=100)
def test_every_number_of_the_scheme_is_accepted_and_masked(number):
    read = parse_id_number(number, source="chip", as_of=date(2100, 1, 1))
    assert set(read.remarks) <= {"placeholder"}
    assert read.birth_year % 100 == int(number[4:6])
    assert read.masked == number[:3] + "*****" + number[8:]


def test_places_are_named():
    assert place_name("079") == "Hồ Chí Minh"
    assert place_name("003") is None


def test_all_faults_of_a_card_are_told_at_once():
    error = refused(card, ("15011990", "31021990"), ("Nữ", "Nu"), ("079190012345", "079"))
    assert error.reasons == ("bad_date", "bad_sex", "bad_id_number")
    assert refused(card, ("15042021", "2021"), ("Nữ", "")).reasons == ("bad_date", "bad_sex")
    assert refused(card, ("15042021", "15/042021")).reasons == ("bad_date",)


def test_remarks_of_a_card_are_told_in_order():
    read = card(("15042021", "22112026|x|y"), ("Nữ", "Nam"), ("079190012345", "003190012345"))
    assert read.remarks == ("extra_fields_dropped", "issue_date_in_future", "unknown_place_code", "sex_mismatch")


def test_a_card_without_a_name_holds_too_little():
    assert refused(card, ("Nguyễn Thị Minh Anh", " ")).reasons == ("too_few_fields",)


def test_a_future_birth_only_warns_without_a_clock():
    raw = CARD.replace("079190012345", "079327012345").replace("15011990", "15012027")
    assert refused(parse_card_qr, raw, as_of=AS_OF).reasons == ("bad_id_number",)
    assert parse_card_qr(raw, as_of=AS_OF, clock_trusted=False).remarks == ("birth_year_in_future",)


@pytest.mark.parametrize("raw", [CARD.encode() + b"\xff", CARD.encode("utf-16"), CARD + "\ufffd"])
def test_a_damaged_encoding_is_seen(raw):
    assert refused(parse_card_qr, raw, as_of=AS_OF).reasons == ("encoding_damaged",)


def test_a_lone_surrogate_is_damage():
    assert refused(parse_card_qr, CARD + "\ud800", as_of=AS_OF).reasons == ("encoding_damaged",)


def test_a_card_may_have_1024_bytes_and_no_more():
    room = 1024 - len(CARD.encode())
    assert card(("Phường", "P" * room + "Phường")).address.startswith("PPP")
    assert refused(card, ("Phường", "P" * (room + 1) + "Phường")).reasons == ("too_long",)
    assert refused(card, ("Phường", "ă" * (room // 2 + 1) + "Phường")).reasons == ("too_long",)


@pytest.mark.parametrize(
    ("raw", "detected"),
    [
        ("", "other"),
        ("8934567890123", "other"),
        ("HTTPS://example.vn/a|b", "url"),
        (HEALTH, "health_insurance"),
        ("4799900000|4E67|1990|1|50|79 - 034|01/01/2026|31/12/2026", "health_insurance"),
        ("00020101021138570010A00000072701270006970403|x", "vietqr"),
    ],
)
def test_another_code_is_named(raw, detected):
    error = refused(parse_card_qr, raw, as_of=AS_OF)
    assert (error.reasons, error.facts) == (("not_a_card_code",), {"detected": detected})


def test_a_card_number_like_the_start_of_a_payment_code_is_a_card():
    assert card(("079190012345", "000201990123")).remarks[0] == "unknown_place_code"
    assert refused(card, ("079190012345", "0791900123")).reasons == ("bad_id_number",)


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        ("|01/01/2026|31/12/2026|-", "", ("too_few_fields",)),
        ("4E677579", "4E67757", ("bad_hex",)),
        ("5068", "50 68", ("bad_hex",)),
        ("4E677579", "4EFF", ("encoding_damaged",)),
        ("4E677579", "4E3F75", ("encoding_damaged",)),
        ("5068", "C285", ("encoding_damaged",)),
        ("5068", "1B40", ("control_character",)),
        ("15/01/1990", "31/02/1990", ("bad_date",)),
        ("01/01/2026", "2026", ("bad_date",)),
        ("31/12/2026", "31/13/2026", ("bad_date",)),
        ("|2|", "|3|", ("bad_sex",)),
        ("15/01/1990|2", "1990-01-15|0", ("bad_date", "bad_sex")),
    ],
)
def test_health_insurance_refused(old, new, reasons):
    assert old in HEALTH
    assert refused(parse_health_insurance_qr, HEALTH.replace(old, new, 1)).reasons == reasons


def test_health_insurance_without_an_end():
    assert parse_health_insurance_qr(HEALTH.removesuffix("|-")).valid_to == "2026-12-31"
    assert parse_health_insurance_qr(HEALTH.replace("31/12/2026", "-")).valid_to is None


def test_a_citizen_card_is_no_health_insurance():
    error = refused(parse_health_insurance_qr, CARD)
    assert (error.reasons, error.facts) == (("not_a_card_code",), {"detected": "citizen_card"})


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        ("\n", " ", ("not_td1",)),
        ("NGUYEN", "NGUYỄN"[:5] + "ı", ("bad_character",)),
        ("190012345", "19001234O", ("bad_character",)),
        ("<<7", "<A7", ("bad_character",)),
        ("THI", "TH1", ("bad_character",)),
        ("8F3", "8X3", ("bad_character",)),
        ("156VNM", "156USA", ("not_vnm_id_card",)),
        ("9001158F300115", "9001153F300116", ("birth_date_check", "expiry_date_check", "composite_check")),
    ],
)
def test_mrz_refused(old, new, reasons):
    assert old in MRZ
    assert refused(parse_mrz, MRZ.replace(old, new, 1), as_of=AS_OF).reasons == reasons


def test_every_wrong_digit_of_an_mrz_is_caught():
    for at, was in enumerate(MRZ[:60]):
        if was.isdigit() and at != 29:  # 29: the optional check, which is only remarked on
            for other in set("0123456789") - {was}:
                refused(parse_mrz, MRZ[:at] + other + MRZ[at + 1 :], as_of=AS_OF)


def test_a_wrong_optional_check_is_remarked_on():
    # The composite covers the optional check digit too: one more at weight 7 makes 2 a 9.
    text = MRZ.replace("<<7\n", "<<8\n").replace("<2\n", "<9\n")
    assert parse_mrz(text, as_of=AS_OF).remarks == ("optional_check",)


def test_a_birth_known_by_its_year_only_and_no_sex():
    # ICAO 9303-3, 4.8: unknown parts of a birth are fillers. Check of 90<<<<: 9*7 = 63. Composite: 2 was right for
    # 9001158, which counted 9*3 + 1*3 + 1*1 + 5*7 + 8*3; 90<<<<3 counts 9*3 + 3*3, which is 54 less: 8.
    text = "IDVNM1900123457079190012345<<7\n90<<<<3<3001156VNM<<<<<<<<<<<8\nNGUYEN<THI<MINH<ANH<THI<MINH<A"
    read = parse_mrz(text, as_of=AS_OF)
    assert (read.birth_date, read.sex, read.remarks) == ("1990", "unspecified", ("sex_mismatch",))
    assert (read.surname, read.given_names, read.name_truncated) == ("NGUYEN THI MINH ANH THI MINH A", "", True)
