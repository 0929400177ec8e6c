"""The words that stand on every screen, and on those that every service shares. Decides no word's moment."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    # every screen
    "brand": ("Trạm công dân số", "Digital Citizen Station"),
    "simulated": ("MÔ PHỎNG", "SIMULATION"),
    "online": ("Có mạng", "Online"),
    "offline": ("Mất mạng", "No network"),
    "back": ("Quay lại", "Back"),
    "restart": ("Làm lại từ đầu", "Start over"),
    "end": ("Kết thúc", "Finish"),
    "help": ("Trợ giúp", "Help"),
    "bigger": ("Chữ to", "Large text"),
    "smaller": ("Chữ thường", "Normal text"),
    "lower": ("Đưa nút bấm xuống thấp", "Move the buttons down"),
    "higher": ("Nút bấm ở chỗ thường", "Buttons in their usual place"),
    "next": ("Tiếp tục", "Continue"),
    "skip": ("Bỏ qua", "Skip"),
    "step": ("Bước {n}/{m}", "Step {n}/{m}"),
    "more": ("Xem tiếp", "Show more"),
    "hotline": ("Đường dây nóng", "Hotline"),
    "offline.banner": (
        "Đang mất mạng: hồ sơ được lưu an toàn và gửi khi có mạng.",
        "No network: your dossier is stored safely and sent when the network returns.",
    ),
    "offline.still": ("Vẫn dùng được:", "Still working:"),
    "clock": ("Máy đang đồng bộ giờ", "The clock is being set"),
    # idle and home
    "idle.touch": ("Chạm để bắt đầu", "Touch to begin"),
    "idle.details": ("Xem chi tiết", "Details"),
    "idle.ready": ("Đang phục vụ", "Available now"),
    "idle.limited": ("Có hạn chế", "With limits"),
    "idle.none": ("Tạm ngừng", "Not available now"),
    "idle.privacy": (
        "Máy tự xóa thông tin của bạn sau mỗi lượt dùng.",
        "Your information is erased after every visit.",
    ),
    "vietnamese": ("Tiếng Việt", "Tiếng Việt"),
    "english": ("English", "English"),
    "home.title": ("Bạn cần làm gì hôm nay?", "What would you like to do?"),
    "home.soon": ("Sắp có", "Coming soon"),
    "offer.none": ("Tạm ngừng", "Not now"),
    "offer.limited": ("Hạn chế", "Limited"),
    "offer.offline": ("Lưu tại máy, gửi khi có mạng", "Saved here, sent when the network returns"),
    "group.title": ("Chọn việc bạn cần làm", "Choose what you need"),
    "card.left": ("Hãy lấy thẻ còn trên đầu đọc.", "Please take the card from the reader."),
    # results and slips, of every service
    "result.keep": ("Mã của bạn", "Your code"),
    "result.done": ("Xong", "Done"),
    "result.closes": ("Màn hình tự xóa sau", "The screen clears itself in"),
    "seconds": ("giây", "seconds"),
    "slip.none": ("Bạn có muốn in phiếu không?", "Would you like a printed slip?"),
    "slip.printing": ("Đang in phiếu…", "Printing the slip…"),
    "slip.confirmed": ("Phiếu đã in. Hãy lấy phiếu.", "The slip is printed. Please take it."),
    "slip.unknown": (
        "Phiếu đã gửi tới máy in. Nếu không thấy phiếu, hãy chụp lại mã.",
        "The slip was sent to the printer. If none comes out, photograph the code.",
    ),
    "slip.failed": (
        "Đã lưu. Mã của bạn: {code}. Máy chưa in được phiếu.",
        "Saved. Your code: {code}. The slip could not be printed.",
    ),
    "slip.paper_out": (
        "Máy hết giấy. Hãy chụp lại mã trên màn hình.",
        "Out of paper. Please photograph the code on the screen.",
    ),
    "slip.print": ("In phiếu", "Print a slip"),
    "slip.again": ("In lại", "Print again"),
    "result.photo": ("Nên chụp lại mã này bằng điện thoại.", "We suggest you photograph this code."),
    # why something is not offered
    "why.store": ("Máy chưa lưu được dữ liệu", "The station cannot store data now"),
    "why.clock": ("Máy đang đồng bộ giờ", "The clock is being set"),
    "why.no_reader": ("Đầu đọc thẻ chưa sẵn sàng", "The card reader is not ready"),
    "why.no_printer": ("Máy in chưa sẵn sàng hoặc hết giấy", "The printer is not ready or out of paper"),
    "why.no_scanner": ("Máy quét mã chưa sẵn sàng", "The code scanner is not ready"),
    "why.offline": ("Đang mất mạng", "No network now"),
    "why.storage": ("Bộ nhớ của máy đã đầy", "The station's memory is full"),
    "why.not_yet": ("Sắp có", "Coming soon"),
    "why.not_valid": ("Biểu mẫu này chưa đến ngày hoặc đã hết hạn dùng", "This form is not yet or no longer valid"),
    "why.no_connector": ("Trạm này chưa nối với VNeID", "This station has no link to VNeID yet"),
    # warning, help, out of service, recovered
    "warning.title": ("Bạn còn ở đây không?", "Are you still there?"),
    "warning.text": (
        "Máy sẽ xóa màn hình để giữ kín thông tin của bạn.",
        "The screen will be cleared to protect your information.",
    ),
    "warning.stay": ("Tôi cần thêm thời gian", "I need more time"),
    "help.title": ("Trợ giúp", "Help"),
    "help.how": ("Cách dùng", "How it works"),
    "help.1": ("Chạm vào ô lớn để chọn. Không cần vội.", "Touch a large box to choose. Take your time."),
    "help.2": (
        "Mỗi màn hình hỏi một điều. Nhầm thì chạm Quay lại.",
        "Each screen asks one thing. After a mistake touch Back.",
    ),
    "help.3": (
        "Xem lại tất cả rồi mới gửi hoặc quét mã trả tiền.",
        "You see everything again before you send it or pay.",
    ),
    "help.4": (
        "Xong việc, hãy giữ phiếu hoặc chụp lại mã trên màn hình.",
        "At the end keep the slip, or photograph the code.",
    ),
    "help.slip": (
        "Phiếu không ra? Chạm In lại trên màn hình kết quả, hoặc chụp lại mã: chỉ cần mã là đủ.",
        "No slip came out? Touch Print again on the result, or photograph the code: the code is enough.",
    ),
    "help.never": (
        "Máy không bao giờ hỏi mật khẩu, mã OTP hay số thẻ ngân hàng.",
        "The station never asks for a password, a one-time code or a bank card number.",
    ),
    "help.call": ("Gọi hỗ trợ", "Call for help"),
    "help.ward": ("Công an phường, xã nơi bạn ở", "The police of your ward or commune"),
    "help.vneid": ("Ứng dụng VNeID", "The VNeID app"),
    "help.data": ("Dữ liệu của bạn sai? Ba nơi sửa:", "Is your data wrong? Three places to correct it:"),
    "help.close": ("Đóng trợ giúp", "Close help"),
    "emergency": (
        "Khẩn cấp: gọi 113 (công an), 114 (cứu hỏa), 115 (cấp cứu)",
        "Emergency: call 113 (police), 114 (fire), 115 (ambulance)",
    ),
    "emergency.title": ("Khẩn cấp", "Emergency"),
    "emergency.113": ("Công an", "Police"),
    "emergency.114": ("Cứu hỏa", "Fire"),
    "emergency.115": ("Cấp cứu", "Ambulance"),
    "out.title": ("Máy tạm ngừng phục vụ", "Out of service"),
    "out.why": (
        "Máy chưa lưu được dữ liệu nên không nhận thanh toán.",
        "The station cannot store data and therefore takes no payments.",
    ),
    "out.nothing": (
        "Chưa có gì được ghi nhận. Xin đừng chuyển khoản.",
        "Nothing was recorded. Please do not transfer money.",
    ),
    "out.kept": (
        "Khoản thanh toán của bạn đã được lưu với mã này trước khi máy gặp lỗi. Hãy chụp lại mã.",
        "Your payment was saved under this code before the fault. Please photograph the code.",
    ),
    "out.nearest": ("Trạm gần nhất", "Nearest station"),
    "out.retry": ("Thử lại", "Try again"),
    "recovered.title": ("Máy vừa khởi động lại", "The station has just restarted"),
    "recovered.text": (
        (
            "Khoản thanh toán đang mở đã được lưu. Nếu bạn đã chuyển khoản, tiền được ghi nhận khi ngân hàng báo có. "
            "Không thanh toán lại trong 24 giờ."
        ),
        (
            "The open payment is saved. If you made the transfer, it counts when the bank reports the credit. "
            "Do not pay again within 24 hours."
        ),
    ),
    "recovered.confirmed": (
        "Khoản thanh toán của bạn đã được xác nhận trước khi máy khởi động lại. Bạn có thể in lại phiếu.",
        "Your payment was confirmed before the restart. You may print the slip again.",
    ),
    "recovered.saved": (
        "Thông tin bạn khai đã được lưu an toàn trước khi máy khởi động lại và sẽ tự gửi đi. Bạn không phải làm lại.",
        "What you submitted was saved before the restart and will be sent by itself. You need not do it again.",
    ),
    "recovered.sent": (
        "Thông tin bạn khai đã được gửi trước khi máy khởi động lại. Bạn không phải làm lại.",
        "What you submitted was sent before the restart. You need not do it again.",
    ),
}
