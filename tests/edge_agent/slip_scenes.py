"""Slips of dossiers, reports and corrections, of people who do not exist.

`told` and `slip` take the words of the shipped catalogue; SLIPS, whose looks are kept, have their own: a catalogue may
change a word without changing how paper looks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_profiles.answers import Answer, asked
from device_profiles.catalogue import Words
from device_profiles.formats.codes import provisional_code
from edge_agent.machines.slips import DossierSlip, code_slip, dossier_slip, paper_rows
from tests.edge_agent.visit_bed import HOUR_MS, SETTINGS, START_MS

if TYPE_CHECKING:
    from device_profiles.catalogue import Service
    from edge_agent.effects import Slip
    from edge_agent.machines.scene import VisitSettings
    from edge_agent.machines.wording import Language

PLACE: VisitSettings = replace(
    SETTINGS,
    station="K2741",
    title="Chung cư Hoa Sữa – Sảnh S5.02",
    address="Số 88 đường Phước Thiện, phường Long Bình, TP. Hồ Chí Minh",
)
CODE = provisional_code("K2741", 42)
OFFICIAL = "G01.899.909-260916-000017"
OFFICE = Words("Công an Phường Long Bình", "Police of Long Bình ward")
NUMBER, NAME, PHONE = "079190012345", "Nguyễn Thị Mỹ Ẩn", "+84912345678"
TEXT = "Có người lạ dò từng căn hộ tầng 12, gọi tôi 0912345678"
ANSWERS = {
    "stay_notice": {
        "id_number": NUMBER,
        "name": NAME,
        "phone": PHONE,
        "reporter": "host",
        "lodging": "home",
        "ward": "27097",
        "address": "Căn S5.02-12A08, gọi 0912 345 678",
        "from_date": "2026-11-18",
        "guests": "2",
        "guest_name.1": "Trần Văn Bình",
        "guest_paper.1": "number",
        "guest_number.1": "079085012346",
    },
    "police_report": {
        "category": "fire_safety",
        "now": "now",
        "where": "here",
        "place": "Hầm xe B1",
        "what": TEXT,
        "contact": "named",
        "name": NAME,
        "phone": PHONE,
    },
    "data_wrong": {
        "id_number": NUMBER,
        "name": NAME,
        "datum": "residence",
        "seen": "card",
        "right": TEXT,
        "phone": PHONE,
    },
}


def service(name: str) -> Service:
    found = SETTINGS.catalogue.service(name)
    assert found is not None
    return found


def rows(name: str, language: Language) -> tuple[tuple[Words, str], ...]:
    given = {key: Answer(value, "typed") for key, value in ANSWERS[name].items()}
    return paper_rows(service(name), asked(service(name), given), given, language)


def told(name: str, language: Language = "vi", **more: object) -> DossierSlip:
    """What the machine would tell paper of that service, saved a moment ago."""
    of = service(name)
    first = DossierSlip(
        service=of.name,
        layout=of.slip,
        code=CODE,
        created_ms=START_MS,
        state="saved",
        office=OFFICE,
        rows=rows(name, language),
        deadline=(START_MS + 5 * HOUR_MS, True) if of.deadline else None,
        following=of.following,
        channels=of.channels,
        emergency=of.emergency,
        fee_dong=of.fee_dong,
    )
    return replace(first, **more)


def slip(name: str, language: Language = "vi", *, copy: int = 1, **more: object) -> Slip:
    return dossier_slip(PLACE, told(name, language, **more), language, copy=copy)


STAY = DossierSlip(
    service=Words("Thông báo lưu trú", "Notice of a stay"),
    layout="dossier",
    code=CODE,
    created_ms=START_MS,
    state="saved",
    office=OFFICE,
    rows=(
        (Words("Số định danh", "ID number"), "079*****2345"),
        (Words("Họ và tên", "Full name"), "NGUYEN *** AN"),
    ),
    deadline=(START_MS + 5 * HOUR_MS, True),
    following=Words(
        "Công an phường tiếp nhận thông báo này. Bạn không phải đến trụ sở và không phải nộp giấy tờ.",
        "The ward police receive this notice. You need not go to the office and need not hand in papers.",
    ),
    fee_dong=0,
)
REPORT = replace(
    STAY,
    service=Words("Phản ánh an ninh trật tự", "Report to the police"),
    layout="report",
    rows=((Words("Loại việc", "Kind of matter"), "Nguy cơ cháy nổ, lối thoát bị chặn"),),
    deadline=None,
    following=Words("Công an phường xem phản ánh của bạn.", "The ward police will look at your report."),
    emergency=True,
    fee_dong=None,
)
REPORT_EN = replace(REPORT, rows=((Words("Loại việc", "Kind of matter"), "Fire risk, blocked exit"),))
CORRECTION = replace(
    STAY,
    service=Words("Báo sai dữ liệu", "My data is wrong"),
    layout="correction",
    rows=(*STAY.rows, (Words("Điều ghi sai", "What is wrong"), "Ngày sinh")),
    deadline=None,
    following=Words(
        "Công an phường sẽ xem và sửa dữ liệu. Máy này không tự sửa được.",
        "The ward police check and correct the data. This station cannot.",
    ),
    fee_dong=None,
)
CORRECTION_EN = replace(CORRECTION, rows=(*STAY.rows, (Words("Điều ghi sai", "What is wrong"), "Date of birth")))
ANSWERED_MS = START_MS + HOUR_MS
ACCEPTED = replace(STAY, state="accepted", official=OFFICIAL, as_of_ms=ANSWERED_MS, fee_dong=7_000)
MORE = replace(STAY, state="more", told="Thiếu số căn hộ của chủ nhà.", as_of_ms=ANSWERED_MS)
REJECTED = replace(STAY, state="rejected", as_of_ms=ANSWERED_MS)
SLIPS: dict[str, Slip] = {
    "stay-saved": dossier_slip(PLACE, STAY, "vi"),
    "stay-sent-en": dossier_slip(PLACE, replace(STAY, state="sent", deadline=(START_MS + 5 * HOUR_MS, False)), "en"),
    "stay-accepted": dossier_slip(PLACE, ACCEPTED, "vi", copy=2),
    "stay-more": dossier_slip(PLACE, MORE, "vi"),
    "stay-rejected": dossier_slip(PLACE, REJECTED, "vi"),
    "report-saved": dossier_slip(PLACE, REPORT, "vi"),
    "report-sent-en": dossier_slip(PLACE, replace(REPORT_EN, state="sent"), "en"),
    "correction-saved": dossier_slip(PLACE, CORRECTION, "vi"),
    "correction-sent-en": dossier_slip(PLACE, replace(CORRECTION_EN, state="sent"), "en"),
    "code-saved": code_slip(PLACE, CODE, START_MS, "vi", state="saved", copy=2),
}
