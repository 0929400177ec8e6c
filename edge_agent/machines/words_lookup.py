"""The words of the look-up by code, and of what the fleet says of one."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "step.code_ask": ("Nhập mã", "Code"),
    "step.code_told": ("Kết quả", "Result"),
    "code_ask.title": ("Mã trên phiếu của bạn?", "The code on your slip?"),
    "code_ask.field": ("Mã trên phiếu", "Code on the slip"),
    "code_ask.hint": (
        "Chỉ bấm các chữ số. TAM-K đã có sẵn.",
        "Press the digits only. TAM-K stands there already.",
    ),
    "code_ask.scan": (
        "Hoặc đưa mã vuông trên phiếu vào máy quét.",
        "Or hold the square code of the slip before the scanner.",
    ),
    "code_ask.next": ("Tra cứu", "Look up"),
    "code_ask.bad_check": (
        "Có một chữ số chưa đúng. Hãy so lại với mã trên phiếu.",
        "One of the digits is not right. Compare them with the code on the slip.",
    ),
    "code_ask.malformed": (
        "Đây không phải mã trên phiếu của trạm. Mã bắt đầu bằng TAM-K.",
        "That is not the code of a station's slip. The code begins with TAM-K.",
    ),
    "code_ask.official_code": (
        "Đây là mã chính thức của cơ quan tiếp nhận. Hãy tra mã này trên Cổng Dịch vụ công.",
        "That is the office's own code. Look it up on the public service portal.",
    ),
    "code_ask.unknown_code": (
        "Trung tâm chưa có mã này. Phiếu làm lúc mất mạng có thể chưa gửi đến: hãy thử lại sau, hoặc gọi {hotline}.",
        "The centre does not know this code. A slip made without a network comes later: try again, or call {hotline}.",
    ),
    "code_ask.no_answer": (
        "Chưa hỏi được trung tâm. Mã bạn nhập vẫn còn đây, hãy thử lại sau ít phút.",
        "The centre did not answer. What you typed is still here: please try again in a few minutes.",
    ),
    "code_checking.title": ("Đang hỏi trung tâm…", "Asking the centre…"),
    "code_checking.text": ("Chỉ vài giây.", "A few seconds only."),
    "code_told.code": ("Mã đã tra", "The code"),
    "code_told.made": ("Làm lúc", "Made at"),
    "code_told.other": ("Tra mã khác", "Another code"),
    "code_told.no_name": (
        "Chỉ có mã thì máy chỉ cho biết kết quả, không cho biết tên và nội dung.",
        "By the code alone the station tells the state: no name, no content.",
    ),
    "code_told.awaiting": (
        "Tiền chỉ được ghi nhận khi ngân hàng báo có. Không thanh toán lại trong 24 giờ.",
        "The payment counts only when the bank reports the credit. Do not pay again within 24 hours.",
    ),
    "code_told.confirmed": ("Khoản thanh toán này đã được xác nhận.", "This payment is confirmed."),
    "code_told.exception": (
        "Khoản này đang được kiểm tra. Hãy giữ phiếu và chờ thông báo.",
        "This payment is under review. Keep the slip and wait to be told.",
    ),
    "code_told.sent": (
        "Đã gửi đến nơi nhận và đang chờ tiếp nhận.",
        "It was sent to the office and awaits acceptance.",
    ),
    "code_told.accepted": ("Nơi nhận đã tiếp nhận.", "The office has accepted it."),
    "code_told.more": (
        "Nơi nhận cần bổ sung. Hãy mang theo mã này đến Công an phường.",
        "The office needs more. Please take this code to the ward police.",
    ),
    "code_told.rejected": (
        "Nơi nhận không tiếp nhận. Hãy mang theo mã này hỏi Công an phường.",
        "The office did not accept it. Please ask the ward police with this code.",
    ),
}
