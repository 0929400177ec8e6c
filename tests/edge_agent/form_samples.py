"""Hand-made screens of a form: every branch of its templates, without a machine. Decides no expectation."""

from __future__ import annotations

from tests.edge_agent.screen_samples import CODE, REPORT, STAY, TIME_MS, Data, both, frame

FORM_WAY = ("who", "ask", "check", "done")
SHORT_WAY = ("ask", "check", "done")


def question(kind: str, vi: str, en: str, **changes: object) -> Data:
    return {
        "frame": frame(FORM_WAY, 2),
        "key": "guest_name.1",
        "kind": kind,
        "ask": both(vi, en),
        "label": both("Họ, chữ đệm và tên", "Full name"),
        "hint": None,
        "number": 3,
        "count": 9,
        "required": True,
        "typed": "",
        "shown": "",
        "choices": (),
        "fault": "",
        "facts": {},
        "person": 0,
        "persons": 0,
        "telex": True,
        "upper": False,
        "plane": "letters",
        "found": (),
        "skip": False,
        "most": 60,
        "editing": False,
        "trusted": True,
    } | changes


def choice(name: str, vi: str, en: str, *, chosen: bool = False) -> Data:
    return {"id": name, "words": both(vi, en), "chosen": chosen}


LODGING = (
    choice("home", "Nhà ở, căn hộ", "House or apartment", chosen=True),
    choice("hotel", "Khách sạn, nhà nghỉ", "Hotel or guest house"),
    choice("hospital", "Bệnh viện, cơ sở y tế", "Hospital"),
    choice("other", "Nơi khác", "Another place"),
)
MATTERS = (
    choice("theft", "Trộm cắp, cướp giật", "Theft or robbery"),
    choice("noise", "Ồn ào, gây rối trật tự", "Noise or disturbance"),
    choice("fight", "Đánh nhau, đe dọa", "Fighting or threats", chosen=True),
    choice("fire", "Nguy cơ cháy nổ", "Danger of fire"),
    choice("traffic", "Giao thông, đỗ xe", "Traffic or parking"),
    choice("fraud", "Lừa đảo qua mạng, điện thoại", "Fraud by telephone or internet"),
    choice("drugs", "Ma túy", "Drugs"),
    choice("other", "Việc khác", "Something else"),
)
WARDS = (
    {"code": "27097", "name": "Phường Bình Trưng"},
    {"code": "26905", "name": "Phường Bình Thạnh"},
    {"code": "26950", "name": "Phường Bình Lợi Trung"},
    {"code": "26911", "name": "Phường Bình Quới"},
    {"code": "27601", "name": "Xã Bình Hưng"},
    {"code": "27619", "name": "Xã Bình Lợi"},
)


def row(key: str, vi: str, en: str, value: str, **changes: object) -> Data:
    return {
        "key": key,
        "label": both(vi, en),
        "person": 0,
        "value": value,
        "masked": False,
        "fault": "",
        "source": "typed",
        "editable": True,
    } | changes


HOST = (
    row("host_name", "Họ, chữ đệm và tên", "Full name", "NGUYEN *** AN", source="chip", masked=True, editable=False),
    row("host_id", "Số định danh", "ID number", "079*****2345", source="chip", masked=True, editable=False),
    row("phone", "Số điện thoại", "Mobile number", "0912 *** 678", masked=True),
    row("lodging", "Loại nơi ở", "Kind of lodging", "Nhà ở, căn hộ"),
    row("arrival", "Ngày đến", "Day of arrival", "18/11/2026"),
)
GUESTS = (
    row("guest_name.1", "Họ, chữ đệm và tên", "Full name", "TRAN *** BINH", masked=True, person=1),
    row("guest_id.1", "Số định danh", "ID number", "001*****4321", masked=True, person=1),
    row("guest_name.2", "Họ, chữ đệm và tên", "Full name", "LE *** HOA", masked=True, person=2),
    row("guest_id.2", "Số định danh", "ID number", "", person=2),
)
WRONG = (
    row("phone", "Số điện thoại", "Mobile number", "0912 345", fault="wrong_length"),
    row("arrival", "Ngày đến", "Day of arrival", "31/02/2026", fault="bad_day"),
    row("host_name", "Họ, chữ đệm và tên", "Full name", "", fault="empty"),
)


def check(**changes: object) -> Data:
    return {
        "frame": frame(FORM_WAY, 3),
        "service": STAY,
        "rows": HOST + GUESTS,
        "faults": 0,
        "consent": both(
            "Tôi đã kiểm tra các thông tin trên và đồng ý gửi cho Công an phường để giải quyết thủ tục này.",
            "I have checked what stands here and agree that it is sent to the ward police for this procedure.",
        ),
        "agreed": False,
        "revealed": False,
        "office": both("Công an phường Bình Trưng", "Police of Bình Trưng ward"),
        "deadline": {"at_ms": TIME_MS + 3_600_000, "risk": False},
        "offline": False,
        "fee_dong": 0,
        "withheld": "",
    } | changes


def end(state: str, **changes: object) -> Data:
    return {
        "frame": frame(FORM_WAY, 4),
        "service": STAY,
        "slip_layout": "dossier",
        "state": state,
        "code": CODE,
        "official": "",
        "office": both("Công an phường Bình Trưng", "Police of Bình Trưng ward"),
        "following": both(
            "Công an phường xem thông báo. Bạn không phải đến trụ sở.",
            "The ward police read the notice. You need not go to the station.",
        ),
        "deadline": None,
        "channels": False,
        "emergency": False,
        "words": "",
        "slip": "confirmed",
        "may_print": True,
        "as_of_ms": None,
        "seconds": 18,
        "until_s": 20.0,
    } | changes


PERSON = (
    {"label": both("Họ, chữ đệm và tên", "Full name"), "value": "NGUYEN *** ANH"},
    {"label": both("Số định danh", "ID number"), "value": "079*****2345"},
    {"label": both("Ngày sinh", "Date of birth"), "value": "**/**/1990"},
    {"label": both("Nơi thường trú", "Residence"), "value": "*** Phường Bình Trưng"},
)
WAYS_IN = tuple(
    {"way": way, "state": state, "why": why}
    for way, state, why in (
        ("card", "ready", ""),
        ("code", "none", "no_scanner"),
        ("type", "ready", ""),
        ("vneid", "none", "no_connector"),
    )
)
FRAMES: dict[str, tuple[str, Data]] = {
    "notice": (
        "notice",
        {
            "frame": frame(FORM_WAY, 1),
            "service": STAY,
            "icon": "house",
            "text": both(
                "Thông báo trước 23 giờ của ngày đầu tiên. Khách đến sau 23 giờ: trước 8 giờ sáng hôm sau.",
                "Give notice before 23:00 of the first day; for an arrival after 23:00, before 8:00 the next day.",
            ),
            "emergency": False,
        },
    ),
    "notice_emergency": (
        "notice",
        {
            "frame": frame(SHORT_WAY, 1),
            "service": REPORT,
            "icon": "police",
            "text": both(
                "Phản ánh tại đây được Công an phường xem trong ngày làm việc.",
                "Reports made here are read by the ward police on working days.",
            ),
            "emergency": True,
        },
    ),
    "identify": (
        "identify",
        {"frame": frame(FORM_WAY, 1), "service": STAY, "ways": WAYS_IN, "optional": False},
    ),
    "identify_optional": (
        "identify",
        {"frame": frame(FORM_WAY, 1), "service": REPORT, "ways": WAYS_IN, "optional": True},
    ),
    "code_wait": ("code_wait", {"frame": frame(FORM_WAY, 1), "wrong": False}),
    "code_wait_wrong": ("code_wait", {"frame": frame(FORM_WAY, 1), "wrong": True}),
    "who": (
        "who",
        {
            "frame": frame(FORM_WAY, 1),
            "rows": PERSON,
            "level": "chip_verified",
            "doubt": "",
            "lies": True,
            "revealed": False,
        },
    ),
    "who_claimed": (
        "who",
        {
            "frame": frame(FORM_WAY, 1),
            "rows": PERSON[:3],
            "level": "claimed",
            "doubt": "",
            "lies": False,
            "revealed": True,
        },
    ),
    "who_doubt": (
        "who",
        {
            "frame": frame(FORM_WAY, 1),
            "rows": PERSON,
            "level": "chip_read",
            "doubt": "no_anchors",
            "lies": False,
            "revealed": False,
        },
    ),
    "who_read": (
        "who",
        {
            "frame": frame(FORM_WAY, 1),
            "rows": PERSON,
            "level": "chip_read",
            "doubt": "",
            "lies": False,
            "revealed": False,
        },
    ),
    "ask_choice": (
        "ask",
        question("choice", "Khách ở lại nơi nào?", "Where does the guest stay?", choices=LODGING),
    ),
    "ask_choice_two": (
        "ask",
        question("choice", "Bạn là chủ nhà phải không?", "Are you the host?", choices=LODGING[:2], fault="empty"),
    ),
    "ask_choice_many": (
        "ask",
        question(
            "choice",
            "Bạn muốn phản ánh việc gì?",
            "What do you want to report?",
            choices=MATTERS,
            hint=both("Chọn việc gần đúng nhất.", "Choose what comes closest."),
        ),
    ),
    "ask_name": (
        "ask",
        question(
            "name",
            "Họ tên của khách là gì?",
            "What is the guest's name?",
            typed="Trần Thị Ánh Ngu",
            shown="Trần Thị Ánh Ngu",
            person=2,
            persons=3,
            hint=both("Viết như trên giấy tờ của khách.", "As it stands on the guest's papers."),
        ),
    ),
    "ask_name_bad": (
        "ask",
        question(
            "name",
            "Họ tên của khách là gì?",
            "What is the guest's name?",
            typed="Tr@n",
            shown="Tr@n",
            fault="bad_letter",
            telex=False,
            upper=True,
            editing=True,
        ),
    ),
    "ask_text": (
        "ask",
        question(
            "text",
            "Việc xảy ra ở đâu?",
            "Where did it happen?",
            required=False,
            skip=True,
            plane="digits",
            typed="12/5 Đồng Văn Cống",
            shown="12/5 Đồng Văn Cống",
        ),
    ),
    "ask_signs": ("ask", question("text", "Việc xảy ra ở đâu?", "Where did it happen?", plane="signs")),
    "ask_lines": (
        "ask",
        question(
            "lines",
            "Hãy kể ngắn gọn việc đã xảy ra.",
            "Please tell briefly what happened.",
            typed="Khoảng 22 giờ tối qua có nhóm thanh niên tụ tập dưới sảnh B, mở loa lớn và đánh nhau. " * 2,
            shown="",
            most=1000,
            label=both("Nội dung", "What happened"),
        ),
    ),
    "ask_ward": (
        "ask",
        question(
            "ward",
            "Khách thường trú ở phường, xã nào?",
            "In which ward is the guest registered?",
            typed="Binh",
            shown="Binh",
            found=WARDS,
            label=both("Phường, xã", "Ward"),
        ),
    ),
    "ask_ward_empty": (
        "ask",
        question(
            "ward",
            "Khách thường trú ở phường, xã nào?",
            "In which ward is the guest registered?",
            label=both("Phường, xã", "Ward"),
        ),
    ),
    "ask_ward_none": (
        "ask",
        question(
            "ward",
            "Khách thường trú ở phường, xã nào?",
            "In which ward is the guest registered?",
            typed="Xyz",
            shown="",
        ),
    ),
    "ask_phone": (
        "ask",
        question(
            "phone",
            "Số điện thoại của bạn?",
            "Your mobile number?",
            typed="0912345",
            shown="0912 345",
            label=both("Số điện thoại", "Mobile number"),
            fault="wrong_length",
        ),
    ),
    "ask_id": (
        "ask",
        question(
            "id_number",
            "Số định danh của khách?",
            "The guest's ID number?",
            typed="079190012",
            shown="079 190 012",
            label=both("12 số trên thẻ căn cước", "12 digits of the ID card"),
            person=1,
            persons=2,
        ),
    ),
    "ask_number": (
        "ask",
        question(
            "number",
            "Có mấy khách ở lại?",
            "How many guests stay?",
            label=both("Số khách", "Guests"),
            hint=both("Nhiều nhất 5 người trong một lần thông báo.", "At most 5 in one notice."),
        ),
    ),
    "ask_date": (
        "ask",
        question(
            "date", "Khách đến ngày nào?", "On which day does the guest arrive?", typed="1811", shown="18/11/____"
        ),
    ),
    "ask_date_bad": (
        "ask",
        question(
            "date", "Khách đến ngày nào?", "On which day does the guest arrive?", typed="31022026", fault="bad_day"
        ),
    ),
    "ask_time": ("ask", question("time", "Việc xảy ra lúc mấy giờ?", "At what time?", typed="22", skip=True)),
    "form_review": ("form_review", check()),
    "form_review_faults": (
        "form_review",
        check(rows=WRONG + GUESTS, faults=3, frame=frame(FORM_WAY, 3, simulated=True)),
    ),
    "form_review_offline": (
        "form_review",
        check(
            offline=True,
            agreed=True,
            revealed=True,
            frame=frame(FORM_WAY, 3, online=False),
            deadline={"at_ms": TIME_MS, "risk": True},
            fee_dong=7_000,
        ),
    ),
    "form_review_plain": (
        "form_review",
        check(
            service=REPORT,
            consent=None,
            office=None,
            deadline=None,
            fee_dong=None,
            rows=(row("matter", "Việc phản ánh", "Matter", "Ồn ào, gây rối trật tự"), row("where", "Nơi", "Place", "")),
        ),
    ),
    "form_result_saved": (
        "form_result",
        end(
            "saved",
            deadline={"at_ms": TIME_MS, "risk": True},
            channels=True,
            slip="paper_out",
            frame=frame(FORM_WAY, 4, online=False),
        ),
    ),
    "form_result_sent": ("form_result", end("sent")),
    "form_result_accepted": (
        "form_result",
        end("accepted", official="G01.899.909-261118-000017", as_of_ms=TIME_MS, slip="none"),
    ),
    "form_result_more": ("form_result", end("more", slip="failed", office=None, following=None)),
    "form_result_rejected": ("form_result", end("rejected", slip="unknown", channels=True)),
    "form_result_printing": (
        "form_result",
        {
            key: value
            for key, value in end("saved", slip="printing", may_print=False).items()
            if key not in ("seconds", "until_s")
        },
    ),
    "form_result_no_printer": ("form_result", end("saved", slip="none", may_print=False)),
}
