"""Hand-made screens: every branch of every template, without a machine. Decides no expectation.

What stands here is the contract between the machine's data and the templates. All persons and numbers are invented.
"""

from __future__ import annotations

from typing import Any

Data = dict[str, Any]
TIME_MS = 1_795_000_000_000  # 18 November 2026, 18:06 in Vietnam
CODE = "TAM-K0001-000042-2"


def both(vi: str, en: str) -> Data:
    return {"vi": vi, "en": en}


def offer(name: str, icon: str, vi: str, en: str, state: str = "ready", why: str = "") -> Data:
    return {"id": name, "name": both(vi, en), "icon": icon, "state": state, "why": why}


STAY = both("Thông báo lưu trú", "Stay notice")
REPORT = both("Phản ánh với Công an", "Report to the police")
OFFERS = (
    offer("fee", "building", "Phí quản lý căn hộ", "Apartment management fee"),
    offer("report_police", "police", **REPORT),
    offer("stay_notice", "house", **STAY),
    offer("data_wrong", "data", "Báo sai dữ liệu", "My data is wrong"),
    offer("card", "idcard", "Kiểm tra thẻ căn cước", "Check my ID card"),
)
CUT = (
    offer("fee", "building", "Phí quản lý căn hộ", "Apartment management fee", "limited", "contact"),
    offer("report_police", "police", "Phản ánh với Công an", "Report to the police", "limited", "offline"),
    offer("stay_notice", "house", "Thông báo lưu trú", "Stay notice", "limited", "offline"),
    offer("data_wrong", "data", "Báo sai dữ liệu", "My data is wrong", "limited", "offline"),
    offer("card", "idcard", "Kiểm tra thẻ căn cước", "Check my ID card", "none", "no_reader"),
)
MANY = tuple(
    offer(f"service{at}", icon, vi, en, state, why)
    for at, (icon, vi, en, state, why) in enumerate(
        (
            ("building", "Phí quản lý căn hộ", "Management fee", "ready", ""),
            ("electric", "Tiền điện", "Electricity", "ready", ""),
            ("water", "Tiền nước", "Water", "ready", ""),
            ("internet", "Internet", "Internet", "ready", ""),
            ("school", "Học phí", "Tuition", "ready", ""),
            ("insurance", "Bảo hiểm y tế", "Health insurance", "ready", ""),
            ("police", "Phản ánh với Công an", "Report to the police", "ready", ""),
            ("news", "Thông tin an ninh trật tự", "Police bulletins", "ready", ""),
            ("person", "Cảnh sát khu vực", "My beat officer", "ready", ""),
            ("house", "Thông báo lưu trú", "Stay notice", "limited", "offline"),
            ("travel", "Khai báo tạm vắng", "Absence", "limited", "offline"),
            ("dossier", "Nộp hồ sơ", "Submit a dossier", "limited", "offline"),
            ("certificate", "Khai sinh, khai tử", "Civil status", "ready", ""),
            ("search", "Tra cứu thủ tục", "Procedures", "ready", ""),
            ("clock", "Tiến độ hồ sơ", "Progress of a dossier", "none", "offline"),
            ("doctor", "Đăng ký khám bệnh", "Health-check booking", "none", "offline"),
            ("video", "Khám bệnh từ xa", "Telemedicine", "none", "no_connector"),
            ("bank", "Mở tài khoản, thẻ", "Account, card", "ready", ""),
            ("money", "Vay tiêu dùng", "Loan", "ready", ""),
            ("sim", "Định danh, mua SIM", "SIM", "ready", ""),
            ("idcard", "Kiểm tra thẻ căn cước", "Check my ID card", "none", "no_reader"),
            ("vneid", "Kích hoạt VNeID", "VNeID activation", "ready", ""),
            ("data", "Báo sai dữ liệu", "My data is wrong", "ready", ""),
            ("place", "Công an phường, xã", "Ward police", "ready", ""),
        )
    )
)
GROUPS = (
    offer("dossier", "dossier", "Hồ sơ", "Dossiers"),
    offer("search", "search", "Tra cứu", "Look up", "none", "not_yet"),
    offer("bills", "bill", "Hóa đơn", "Bills"),
    offer("report", "report", "Phản ánh", "Report"),
    offer("health", "health", "Sức khỏe", "Health", "none", "not_yet"),
    offer("finance", "finance", "Tài chính – SIM", "Finance – SIM", "none", "not_yet"),
    offer("data", "data", "Báo sai dữ liệu", "Correct my data"),
    offer("help", "help", "Trợ giúp", "Help"),
)
GROUPS_CUT = (
    offer("dossier", "dossier", "Hồ sơ", "Dossiers", "limited", "offline"),
    offer("search", "search", "Tra cứu", "Look up", "none", "not_yet"),
    offer("bills", "bill", "Hóa đơn", "Bills", "limited", "contact"),
    offer("report", "report", "Phản ánh", "Report", "limited", "offline"),
    offer("health", "health", "Sức khỏe", "Health", "none", "storage"),
    offer("finance", "finance", "Tài chính – SIM", "Finance – SIM", "none", "not_yet"),
    offer("data", "data", "Báo sai dữ liệu", "Correct my data", "none", "no_reader"),
    offer("help", "help", "Trợ giúp", "Help"),
)


def frame(way: tuple[str, ...] = (), step: int = 0, **changes: object) -> Data:
    return {
        "station": "K0001",
        "title": "Chung cư Đảo Kim Cương, sảnh A",
        "address": "Phường Bình Trưng, TP. Hồ Chí Minh",
        "hotline": "0693187111",
        "simulated": False,
        "online": True,
        "trusted": True,
        "steps": way,
        "step": step,
        "offers": OFFERS,
        "limits": {"amount": 9_999_999, "amount_offline": 500_000},
        "time_ms": None,
        "in_visit": True,
        "low": False,
    } | changes


def helped(entry: Data, vi: str, en: str) -> Data:
    return entry | {"help": both(vi, en)}


SERVICES = (
    helped(
        OFFERS[2],
        "Báo khách ngủ lại dưới 30 ngày. Không mất phí.",
        "Tell the police of a guest who stays under 30 days. No fee.",
    ),
    helped(
        offer("stay_long", "dossier", "Đăng ký tạm trú", "Temporary residence", "none", "not_yet"),
        "Ở từ 30 ngày trở lên ngoài nơi thường trú.",
        "Living 30 days or more away from your permanent residence.",
    ),
    helped(
        offer("absence", "travel", "Khai báo tạm vắng", "Declaration of absence", "limited", "offline"),
        "Vắng nhà dài ngày.",
        "Being away for long.",
    ),
    helped(
        offer("card", "idcard", "Kiểm tra thẻ căn cước", "Check my ID card", "none", "no_reader"),
        "Xem chip trên thẻ còn đọc được không.",
        "See whether the chip on your card can be read.",
    ),
)


DEVICES = (
    {"port": "reader", "name": "reader-contactless", "state": "online", "action": "", "detail": ""},
    {"port": "scanner", "name": "scanner-serial", "state": "noDevice", "action": "maintenance", "detail": "USB"},
    {"port": "printer", "name": "printer-network-80mm", "state": "online", "action": "clear", "detail": "low"},
)
TECHNICIAN = {
    "station": "K0001",
    "device": "3f9a1c77e2b04d10",
    "version": "0.5.0",
    "boot": 12,
    "online": True,
    "journal_next": 4711,
    "acked_next": 4709,
    "storage_full": False,
    "devices": DEVICES,
    "clock": 3,
    "profile": "lobby-80mm",
}

_NO_VISIT = {"in_visit": False}
_IDLE = {"out": False, "notice": "", "card_left": False}
FRAMES: dict[str, tuple[str, Data]] = {
    "idle": ("idle", {"frame": frame(time_ms=TIME_MS, **_NO_VISIT)} | _IDLE),
    "idle_many": ("idle", {"frame": frame(time_ms=TIME_MS, offers=MANY, simulated=True, **_NO_VISIT)} | _IDLE),
    "idle_cut": (
        "idle",
        {"frame": frame(online=False, trusted=False, offers=CUT, **_NO_VISIT)} | _IDLE | {"card_left": True},
    ),
    "idle_out": ("idle", {"frame": frame(time_ms=TIME_MS, **_NO_VISIT)} | _IDLE | {"out": True}),
    "idle_notice": (
        "idle",
        {"frame": frame(time_ms=TIME_MS, **_NO_VISIT)} | _IDLE | {"out": True, "notice": "Bảo trì đến 15:00."},
    ),
    "home": ("home", {"frame": frame(), "groups": GROUPS}),
    "home_cut": ("home", {"frame": frame(online=False, offers=CUT, simulated=True), "groups": GROUPS_CUT}),
    "group": (
        "group",
        {"frame": frame(simulated=True), "group": both("Hồ sơ", "Dossiers"), "services": SERVICES},
    ),
    "group_one": ("group", {"frame": frame(), "group": both("Phản ánh", "Report"), "services": SERVICES[:1]}),
    "group_many": (
        "group",
        {"frame": frame(online=False), "group": both("Hồ sơ", "Dossiers"), "services": SERVICES * 2},
    ),
    "recovered_saved": (
        "recovered",
        {"frame": frame(**_NO_VISIT), "code": CODE, "state": "saved", "slip": "none", "may_print": True, "seconds": 60},
    ),
    "recovered_awaiting": (
        "recovered",
        {
            "frame": frame(**_NO_VISIT),
            "code": CODE,
            "state": "awaiting",
            "slip": "failed",
            "may_print": True,
            "seconds": 60,
        },
    ),
    "technician": (
        "technician",
        {"frame": frame(**_NO_VISIT), "typed_count": 4, "wrong": False, "set": True},
    ),
    "technician_wrong": (
        "technician",
        {"frame": frame(**_NO_VISIT), "typed_count": 0, "wrong": True, "set": True},
    ),
    "technician_locked": (
        "technician",
        {"frame": frame(**_NO_VISIT), "typed_count": 0, "wrong": True, "seconds": 290, "until_s": 300.0, "set": True},
    ),
    "technician_page": ("technician_page", {"frame": frame(**_NO_VISIT)} | TECHNICIAN),
    "technician_page_full": (
        "technician_page",
        {"frame": frame(**_NO_VISIT)} | TECHNICIAN | {"storage_full": True, "devices": (), "online": False},
    ),
}
