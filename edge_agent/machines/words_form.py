"""The words of the services that ask questions: who, the questions, review, result. Decides no word's moment.

The words of states and deadlines are those of the domain reference, section 13.5, unchanged. What a question asks is
the catalogue's; how an answer fails is said here, with what to do about it.
"""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "step.who": ("Bạn là ai", "About you"),
    "step.ask": ("Trả lời", "Questions"),
    "step.check": ("Kiểm tra", "Check"),
    "step.done": ("Kết quả", "Result"),
    # who
    "identify.title": ("Bạn muốn dùng cách nào?", "Which way suits you?"),
    "identify.optional": ("Bạn có muốn nêu tên không?", "Do you want to give your name?"),
    "identify.text": (
        "Máy cần biết bạn là ai để làm: {service}.",
        "For this the station must know who you are: {service}.",
    ),
    "identify.privacy": (
        "Máy chỉ lấy những gì thủ tục này cần, và che bớt trên màn hình.",
        "Only what this service needs is taken, and it is shown masked.",
    ),
    "identify.skip": ("Không nêu tên", "Without my name"),
    "way.card": ("Đặt thẻ căn cước", "Lay down my ID card"),
    "way.card.text": ("Nhanh nhất: không phải gõ tên.", "Fastest: no typing of names."),
    "way.code": ("Quét mã QR trên thẻ", "Scan the QR code of my card"),
    "way.code.text": ("Đưa mã in trên thẻ vào máy quét.", "Hold the printed code to the scanner."),
    "way.type": ("Tự nhập", "Type it myself"),
    "way.type.text": ("Bấm họ tên và số định danh.", "Enter name and ID number."),
    "way.vneid": ("Ứng dụng VNeID", "The VNeID app"),
    "way.vneid.text": ("Đăng nhập bằng điện thoại.", "Log in with your phone."),
    "code_wait.title": ("Đưa mã QR trên thẻ vào máy quét", "Hold your card's QR code to the scanner"),
    "code_wait.text": ("Quay mã về phía máy quét và giữ yên thẻ.", "Turn the code to the scanner and hold it still."),
    "code_wait.where": (
        "Thẻ cấp trước tháng 7/2024: mã ở mặt trước. Thẻ mới hơn: mã ở mặt sau.",
        "Cards from before July 2024 have it on the front, newer ones on the back.",
    ),
    "code_wait.wrong": (
        "Mã vừa quét không phải mã trên thẻ căn cước. Hãy quét lại.",
        "That is not the code of an ID card. Scan again.",
    ),
    "who.title": ("Thông tin này có đúng không?", "Is this right?"),
    "who.claimed": (
        "Lấy từ mã QR in trên thẻ, chưa kiểm chứng bằng chip.",
        "Taken from the printed QR code; not verified with the chip.",
    ),
    "who.chip_read": ("Lấy từ chip trên thẻ, chưa kiểm chứng.", "Taken from the chip of the card; not verified."),
    "reveal": ("Hiện số 3 giây", "Show for 3 seconds"),
    "revealed": ("Đang hiện…", "Showing…"),
    # the questions
    "ask.count": ("Câu {n}/{m}", "Question {n}/{m}"),
    "ask.person": ("Người thứ {n}/{m}", "Person {n} of {m}"),
    "ask.optional": ("Không bắt buộc", "Optional"),
    "ask.done": ("Về phần kiểm tra", "Back to the check"),
    "key.erase": ("Xóa", "Erase"),
    "key.clear": ("Xóa hết", "Clear"),
    "key.space": ("Dấu cách", "Space"),
    "key.upper": ("Chữ hoa", "Capitals"),
    "key.digits": ("123", "123"),
    "key.letters": ("ABC", "ABC"),
    "key.digits.name": ("Số và dấu câu", "Digits and signs"),
    "key.letters.name": ("Chữ cái", "Letters"),
    "telex.on": ("Telex: bật", "Telex: on"),
    "telex.off": ("Telex: tắt", "Telex: off"),
    "telex.help": (
        "aa→â  aw→ă  ee→ê  oo→ô  ow→ơ  uw→ư  dd→đ · dấu: s f r x j",
        "aa→â  aw→ă  ee→ê  oo→ô  ow→ơ  uw→ư  dd→đ · tones: s f r x j",
    ),
    "quick.yesterday": ("Hôm qua", "Yesterday"),
    "quick.today": ("Hôm nay", "Today"),
    "quick.tomorrow": ("Ngày mai", "Tomorrow"),
    "quick.now": ("Bây giờ", "Now"),
    "slot.day": ("ngày", "day"),
    "slot.month": ("tháng", "month"),
    "slot.year": ("năm", "year"),
    "slot.hour": ("giờ", "hour"),
    "slot.minute": ("phút", "minute"),
    "ward.search": ("Bấm vài chữ đầu rồi chọn bên dưới.", "Type a few letters, then choose."),
    "ward.none": (
        "Không có phường, xã nào tên như vậy. Hãy bấm ít chữ hơn.",
        "No ward has such a name. Try fewer letters.",
    ),
    # how an answer fails, and what to do
    "fault.empty": ("Hãy trả lời câu này.", "Please answer this question."),
    "fault.too_short": ("Còn ngắn quá. Hãy viết thêm.", "This is too short. Please write a little more."),
    "fault.too_long": ("Dài quá. Hãy bỏ bớt vài chữ.", "This is too long. Please shorten it."),
    "fault.too_small": ("Số này nhỏ quá. Hãy xem lại.", "This number is too small. Please check it."),
    "fault.too_large": ("Số này lớn quá. Hãy xem lại.", "This number is too large. Please check it."),
    "fault.not_digits": ("Ở đây chỉ có chữ số.", "Digits only, please."),
    "fault.not_12_digits": (
        "Số định danh có đúng 12 chữ số. Hãy đếm lại.",
        "An ID number has exactly 12 digits. Please count again.",
    ),
    "fault.old_9_digit_number": (
        "Đây là số CMND cũ 9 số. Hãy bấm 12 số in trên thẻ căn cước.",
        "That is an old number of 9 digits. Enter the 12 digits of the ID card.",
    ),
    "fault.placeholder": (
        "Số này không phải số định danh. Hãy xem lại số in trên thẻ.",
        "That is not an ID number. Look at the number on the card again.",
    ),
    "fault.century_not_reached": (
        "Chữ số thứ tư chưa đúng. Hãy xem lại số, hoặc dùng thẻ.",
        "The fourth digit cannot be right. Check the number, or use the card.",
    ),
    "fault.birth_year_in_future": (
        "Số này ứng với năm sinh chưa đến. Hãy xem lại số, hoặc dùng thẻ.",
        "This number tells a year of birth to come. Check it, or use the card.",
    ),
    "fault.not_mobile": ("Hãy bấm số điện thoại di động.", "Please enter a mobile number."),
    "fault.missing_leading_zero": ("Hãy bấm thêm số 0 ở đầu.", "Please add the 0 at the beginning."),
    "fault.old_11_digit_number": (
        "Đây là số cũ 11 số. Hãy bấm số mới 10 số.",
        "That is an old number of 11 digits. Enter the new one of 10.",
    ),
    "fault.wrong_length": (
        "Số di động có 10 chữ số. Hãy đếm lại.",
        "A mobile number has 10 digits. Please count again.",
    ),
    "fault.not_assigned": (
        "Không có đầu số nào như vậy. Hãy xem lại số.",
        "No number begins like that. Please check it.",
    ),
    "fault.bad_day": (
        "Không có ngày này. Hãy xem lại ngày, tháng, năm.",
        "There is no such day. Check day, month, year.",
    ),
    "fault.too_early": ("Ngày này sớm quá. Hãy xem lại.", "This day is too early. Please check it."),
    "fault.too_late": ("Ngày này muộn quá. Hãy xem lại.", "This day is too late. Please check it."),
    "fault.bad_time": ("Không có giờ này. Giờ từ 00:00 đến 23:59.", "No such time. Between 00:00 and 23:59, please."),
    "fault.unknown_choice": ("Hãy chọn một trong các ô.", "Please choose one of the boxes."),
    "fault.unknown_ward": ("Hãy chọn phường, xã trong danh sách.", "Please choose a ward from the list."),
    "fault.bad_letter": (
        "Có chữ hoặc dấu không dùng trong tên. Hãy xóa chữ đó.",
        "One of these signs is not used in names. Please erase it.",
    ),
    "fault.card_number": (
        "Trông như số thẻ ngân hàng. Xin đừng nhập số thẻ tại đây.",
        "This looks like a bank card number. Please never enter one here.",
    ),
    # review
    "form_review.title": ("Kiểm tra trước khi gửi", "Check before you send"),
    "form_review.faults": ("Còn {n} chỗ cần sửa, đã đánh dấu bên dưới.", "To be mended: {n}, marked below."),
    "form_review.person": ("Người thứ {n}", "Person {n}"),
    "form_review.edit": ("Sửa", "Edit"),
    "form_review.empty": ("Chưa trả lời", "Not answered"),
    "form_review.from_card": ("từ thẻ", "from the card"),
    "form_review.office": ("Nơi nhận", "Goes to"),
    "form_review.fee": ("Lệ phí", "Fee"),
    "form_review.free": ("Không mất phí", "No fee"),
    "form_review.send": ("Gửi", "Send"),
    "form_review.save": ("Lưu, gửi sau", "Save, send later"),
    "deadline": ("Hạn chót", "Due"),
    "deadline.risk": (
        ("Thủ tục này có hạn {time}. Nếu máy chưa gửi kịp, hãy báo Công an phường, gọi {hotline} hoặc dùng VNeID."),
        (
            "This procedure is due at {time}. If the station cannot send in time, tell the ward police, call {hotline} "
            "or use VNeID."
        ),
    ),
    # result
    "state.saved": ("ĐÃ LƯU TẠI MÁY – CHƯA GỬI", "SAVED AT THE STATION – NOT SENT"),
    "state.sent": ("ĐÃ GỬI – CHỜ TIẾP NHẬN", "SENT – AWAITING ACCEPTANCE"),
    "state.accepted": ("ĐÃ TIẾP NHẬN", "ACCEPTED"),
    "slip.waiting": ("Đang gửi… Phiếu sẽ in ngay sau đó.", "Sending… The slip follows at once."),
    "state.more": ("CẦN BỔ SUNG", "MORE IS NEEDED"),
    "state.rejected": ("KHÔNG ĐƯỢC TIẾP NHẬN", "NOT ACCEPTED"),
    "form_result.saved": (
        "Đã lưu an toàn tại máy. Máy tự gửi khi có mạng, bạn không phải làm lại.",
        "Safely saved here. The station sends it by itself; you need not do it again.",
    ),
    "form_result.sent": (
        "Đã gửi đi. Nơi nhận chưa xác nhận là đã tiếp nhận.",
        "It was sent. The receiving office has not confirmed it yet.",
    ),
    "form_result.accepted": ("Nơi nhận đã tiếp nhận.", "The receiving office has taken it over."),
    "form_result.more": (
        "Nơi nhận cần thêm thông tin. Hãy liên hệ nơi nhận với mã này.",
        "The receiving office needs more. Please contact it with this code.",
    ),
    "form_result.rejected": (
        "Nơi nhận không tiếp nhận. Hãy liên hệ nơi nhận với mã này để biết lý do.",
        "The receiving office did not take it. Please ask it for the reason, with this code.",
    ),
    "form_result.official": ("Mã chính thức", "Official code"),
    "form_result.another": ("Làm việc khác", "Something else"),
    # the technician
    "technician.title": ("Dành cho kỹ thuật viên", "For technicians"),
    "technician.text": ("Nhập mã PIN. Mỗi lần mở đều được ghi lại.", "Enter the PIN. Every entry is recorded."),
    "technician.pin": ("Mã PIN", "PIN"),
    "technician.open": ("Mở", "Open"),
    "technician.unset": (
        "Trạm này chưa có mã PIN. Trung tâm đặt mã từ xa.",
        "This station has no PIN yet. The centre sets it.",
    ),
    "technician.wrong": ("Mã PIN chưa đúng.", "That is not the PIN."),
    "technician.locked": ("Nhập sai nhiều lần. Thử lại sau:", "Too many wrong entries. Try again in:"),
    "technician.station": ("Trạm", "Station"),
    "technician.device": ("Thiết bị", "Device"),
    "technician.version": ("Phiên bản", "Version"),
    "technician.boot": ("Lần khởi động", "Boot"),
    "technician.profile": ("Cấu hình", "Profile"),
    "technician.network": ("Mạng", "Network"),
    "technician.clock": ("Đồng hồ", "Clock"),
    "technician.clock.0": ("chưa biết giờ", "unknown"),
    "technician.clock.1": ("không sớm hơn lần trước", "not before the last known time"),
    "technician.clock.2": ("theo NTP", "by NTP"),
    "technician.clock.3": ("theo giờ có ký của trung tâm", "by the centre's signed time"),
    "technician.records": ("Bản ghi tiếp theo / trung tâm đã nhận đến", "Next record / the centre has up to"),
    "technician.storage": ("Bộ nhớ", "Storage"),
    "technician.full": ("ĐẦY", "FULL"),
    "technician.room": ("Còn chỗ", "Has room"),
    "technician.devices": ("Thiết bị ngoại vi", "Peripherals"),
    "technician.none": ("Không có thiết bị nào.", "There are none."),
}
