"""The words on slips that stand on no screen. Decides no word's moment."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    # slips
    "paper.station": ("Trạm {station}", "Station {station}"),
    "paper.code": ("Mã tạm", "Provisional code"),
    "paper.date": ("Ngày", "Date"),
    "paper.service": ("Dịch vụ", "Service"),
    "paper.owner": ("Chủ hộ", "Owner"),
    "paper.unit": ("Căn hộ", "Apartment"),
    "paper.period": ("Kỳ phí", "Period"),
    "paper.payee": ("Đơn vị nhận", "Payee"),
    "paper.amount": ("Số tiền", "Amount"),
    "paper.memo": ("Nội dung", "Memo"),
    "paper.as_of": ("Xác nhận lúc", "Confirmed at"),
    "paper.pending.next": (
        (
            "Tiền chỉ được ghi nhận khi ngân hàng báo có. Không thanh toán lại hóa đơn này trong 24 giờ. "
            "Giữ phiếu này để hỏi kết quả tại máy hoặc Ban quản lý tòa nhà."
        ),
        (
            "The payment counts only when the bank reports the credit. Do not pay this bill again within 24 hours. "
            "Keep this slip to ask for the result at the station or the building management."
        ),
    ),
    "paper.confirmed.next": (
        "Ngân hàng đã báo có. Hóa đơn GTGT do Ban quản lý tòa nhà gửi riêng.",
        "The bank has reported the credit. The building management sends the VAT invoice.",
    ),
    "paper.exception.next": (
        "Xin đừng chuyển lại. Hãy mang phiếu này hỏi Ban quản lý tòa nhà.",
        "Please do not pay again. Ask the building management with this slip.",
    ),
    # dossiers, reports, corrections
    "paper.office": ("Nơi nhận", "Goes to"),
    "paper.answered": ("Trả lời lúc", "Answered at"),
    "paper.told": ("Nơi nhận viết", "The office writes"),
    "paper.saved.next": (
        "Máy tự gửi khi có mạng, bạn không phải làm lại. Giữ phiếu này: hỏi kết quả bằng mã ở trên.",
        "The station sends it by itself; do not do it again. Keep this slip: ask about it with the code above.",
    ),
    "paper.sent.next": (
        "Đã gửi đi, nơi nhận chưa xác nhận. Giữ phiếu này: hỏi kết quả bằng mã ở trên.",
        "It was sent; the office has not confirmed it. Keep this slip: ask about it with the code above.",
    ),
    "paper.accepted.next": (
        "Nơi nhận đã tiếp nhận. Giữ phiếu này: hỏi kết quả bằng mã ở trên.",
        "The office has taken it over. Keep this slip: ask about it with the code above.",
    ),
    "paper.more.next": (
        "Nơi nhận cần bạn bổ sung. Hãy mang phiếu này đến nơi nhận hoặc gọi đường dây nóng.",
        "The office needs more. Go there with this slip, or call the hotline.",
    ),
    "paper.rejected.next": (
        "Nơi nhận không tiếp nhận. Hãy mang phiếu này đến nơi nhận để hỏi lý do.",
        "The office did not take it. Go there with this slip and ask for the reason.",
    ),
    "paper.emergency": (
        "Đây không phải đường dây khẩn cấp. Có nguy hiểm: gọi ngay 113.",
        "This is not an emergency line. In danger call 113 at once.",
    ),
    # The three channels and the steps in the app: announced by the police of Ho Chi Minh City in October 2025.
    "paper.correct": ("Ba cách sửa dữ liệu sai", "Three ways to correct wrong data"),
    "paper.correct.ward": (
        "1. Đến Công an phường, xã, đặc khu nơi bạn ở. Nhớ mang thẻ và giấy tờ chứng minh.",
        "1. Go to your ward police with your card and papers that prove it.",
    ),
    "paper.correct.hotline": ("2. Gọi đường dây nóng {hotline}.", "2. Call the hotline {hotline}."),
    "paper.correct.vneid": (
        (
            "3. Ứng dụng VNeID: Cài đặt > Phản ánh khó khăn, vướng mắc > Tạo phản ánh. Ghi điều sai và điều đúng, "
            "chụp giấy tờ chứng minh, rồi gửi."
        ),
        (
            "3. The VNeID app: Cài đặt > Phản ánh khó khăn, vướng mắc > Tạo phản ánh. Write what is wrong and right, "
            "add proof, send."
        ),
    ),
    # the foot of every slip
    "paper.channels": (
        "Dữ liệu sai: Công an phường, xã; đường dây nóng {hotline}; ứng dụng VNeID.",
        "Wrong data: ward police; hotline {hotline}; the VNeID app.",
    ),
    "paper.legal": (
        "Phiếu này không thay thế hóa đơn GTGT hoặc giấy tiếp nhận hồ sơ.",
        "This slip replaces no VAT invoice and no acknowledgement of a dossier.",
    ),
    "paper.photo": ("Giấy nhiệt phai màu: nên chụp lại.", "Thermal paper fades: take a photo."),
    "paper.copy": ("BẢN IN LẠI LẦN {n}", "REPRINT NO. {n}"),
}
