"""The words of the management fee: apartment, bills, review, QR code, result, refusals. Decides no word's moment.

The words of payments are those of the domain reference, section 13.5, unchanged. Amounts in words are Vietnamese in
both languages: they are what the law reads.
"""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "step.unit": ("Căn hộ", "Apartment"),
    "step.bills": ("Hóa đơn", "Bills"),
    "step.review": ("Kiểm tra", "Review"),
    "step.qr": ("Quét mã", "Scan"),
    "step.result": ("Kết quả", "Result"),
    "fee": ("Phí quản lý căn hộ", "Apartment management fee"),
    # unit
    "unit.title": ("Căn hộ của bạn số mấy?", "What is your apartment number?"),
    "unit.hint": (
        "Bấm liền chữ và số: A-12.05 thì bấm A1205.",
        "Letters and digits only: for A-12.05 press A1205.",
    ),
    "unit.scan": ("Hoặc quét mã trên giấy báo phí.", "Or scan the code on your fee notice."),
    "unit.field": ("Số căn hộ", "Apartment number"),
    "unit.next": ("Xem hóa đơn", "Show my bills"),
    "unit.not_a_unit": (
        "Mã vừa quét không phải mã căn hộ. Hãy quét giấy báo phí, hoặc bấm số căn hộ.",
        "That is not an apartment code. Scan your fee notice, or press the number.",
    ),
    # bills
    "bills.title": ("Hóa đơn của căn hộ {unit}", "Bills of apartment {unit}"),
    "bills.period": ("Kỳ phí tháng {period}", "Fee for {period}"),
    "bills.owner": ("Chủ hộ", "Owner"),
    "bills.due": ("Hạn nộp", "Due"),
    "bills.in_words": ("Bằng chữ", "In words (Vietnamese)"),
    "bills.as_of": (
        "Theo danh sách của Ban quản lý lúc {time}.",
        "From the building management's list of {time}.",
    ),
    "bills.pay": ("Thanh toán", "Pay"),
    "none.title": ("Không có hóa đơn cho căn hộ {unit}", "No bills for apartment {unit}"),
    "none.why": (
        "Có thể phí đã được nộp, hoặc số căn hộ chưa đúng.",
        "The fee may have been paid already, or the number may be wrong.",
    ),
    "none.check": ("Kiểm tra số căn hộ và thử lại.", "Check the apartment number and try again."),
    "none.ask": (
        "Nếu số đã đúng, hãy hỏi Ban quản lý tòa nhà.",
        "If the number is right, ask the building management.",
    ),
    "none.again": ("Nhập lại số căn hộ", "Enter the number again"),
    # review
    "review.title": ("Kiểm tra trước khi thanh toán", "Check before you pay"),
    "review.unit": ("Căn hộ", "Apartment"),
    "review.period": ("Kỳ phí", "Period"),
    "review.payee": ("Đơn vị nhận tiền", "Payee"),
    "review.account": ("Tài khoản nhận", "Payee's account"),
    "review.amount": ("Số tiền", "Amount"),
    "consent": (
        (
            "Tôi đã kiểm tra căn hộ, kỳ phí, số tiền và đơn vị nhận tiền. Tôi đồng ý để trạm lưu thông tin của lần "
            "thanh toán này và gửi cho Ban quản lý tòa nhà đối chiếu."
        ),
        (
            "I have checked the apartment, period, amount and payee. I agree that the station stores the details of "
            "this payment and sends them to the building management for matching."
        ),
    ),
    "consent.first": ("Hãy chạm vào ô đồng ý để tiếp tục.", "Touch the box above to continue."),
    "review.next": ("Hiện mã QR", "Show the QR code"),
    "checking.title": ("Đang kiểm tra hóa đơn…", "Checking the bill…"),
    "checking.text": ("Chỉ vài giây. Xin chờ một chút.", "A few seconds only. Please wait."),
    "qr.offline": (
        (
            "Máy đang mất mạng nên chưa thể xác nhận ngay. Tiền chỉ được ghi nhận khi ngân hàng báo có. "
            "Không thanh toán lại hóa đơn này trong 24 giờ."
        ),
        (
            "The station is offline and cannot confirm now. The payment counts only when the bank reports the credit. "
            "Do not pay this bill again within 24 hours."
        ),
    ),
    # QR
    "qr.title": ("Quét mã bằng ứng dụng ngân hàng", "Scan with your banking app"),
    "qr.1": ("Mở ứng dụng ngân hàng, chọn Quét QR.", "Open your banking app and choose Scan QR."),
    "qr.2": ("Kiểm tra tên người nhận và số tiền.", "Check the payee's name and the amount."),
    "qr.3": ("Chuyển khoản, giữ nguyên nội dung.", "Make the transfer; leave the memo unchanged."),
    "qr.memo": ("Nội dung", "Memo"),
    "qr.left": ("Mã còn hiệu lực", "Time left"),
    "qr.done": ("Tôi đã chuyển khoản", "I have made the transfer"),
    "qr.cancel": ("Đóng mã", "Close the code"),
    "qr.waiting": ("Đang chờ ngân hàng báo có…", "Waiting for the bank's notice…"),
    # result
    "state.awaiting": ("CHỜ XÁC NHẬN – CHƯA PHẢI BIÊN LAI", "AWAITING CONFIRMATION – NOT A RECEIPT"),
    "state.confirmed": ("ĐÃ XÁC NHẬN THANH TOÁN", "PAYMENT CONFIRMED"),
    "state.exception": ("CẦN KIỂM TRA – vui lòng giữ phiếu này", "UNDER REVIEW – please keep this slip"),
    "result.awaiting": (
        "Khoản thanh toán đã được lưu. Tiền chỉ được ghi nhận khi ngân hàng báo có.",
        "The payment is saved. It counts only when the bank reports the credit.",
    ),
    "result.awaiting.online": (
        "Máy đang hỏi kết quả. Bạn có thể chờ hoặc ra về với mã này.",
        "The station is asking for the result. You may wait, or leave with this code.",
    ),
    "result.awaiting.next": (
        "Không thanh toán lại hóa đơn này trong 24 giờ.",
        "Do not pay this bill again within 24 hours.",
    ),
    "result.closed": (
        "Mã QR đã đóng. Nếu bạn chưa chuyển khoản, bạn không phải làm gì. Nếu đã chuyển, hãy giữ mã này.",
        "The QR code is closed. If you did not transfer, nothing needs to be done. If you did, keep this code.",
    ),
    "result.confirmed": (
        "Ngân hàng đã báo có. Hóa đơn này đã được thanh toán.",
        "The bank has reported the credit. This bill is paid.",
    ),
    "result.exception": (
        "Khoản tiền cần được kiểm tra. Xin đừng chuyển lại. Hãy giữ mã này và hỏi Ban quản lý tòa nhà.",
        "The payment must be looked into. Please do not pay again. Keep this code and ask the building management.",
    ),
    "result.invoice": (
        "Hóa đơn GTGT do Ban quản lý tòa nhà gửi riêng.",
        "The building management sends the VAT invoice separately.",
    ),
    "result.as_of": ("Kết quả lúc", "Result as of"),
    "result.another": ("Hóa đơn khác", "Another bill"),
    # refusals: why a payment is not offered
    "refused.title": ("Chưa thanh toán được tại đây", "This cannot be paid here now"),
    "refused.nothing": (
        "Chưa có khoản tiền nào được ghi nhận. Xin đừng chuyển khoản cho lần này.",
        "Nothing was recorded. Please do not transfer anything for this attempt.",
    ),
    "why.no_list": ("Chưa có danh sách hóa đơn", "The bill list has not arrived"),
    "why.policy": ("Chỉ thanh toán được khi có mạng", "Payable only when the network is back"),
    "why.contact": (
        "Máy mất liên lạc với trung tâm quá lâu; chờ có mạng",
        "Out of contact with the centre too long; wait for the network",
    ),
    "why.stale": (
        "Danh sách hóa đơn quá cũ để thanh toán khi mất mạng",
        "The bill list is too old for a payment without network",
    ),
    "why.exposure": (
        "Máy đã đạt hạn mức chờ xác nhận; chờ có mạng",
        "The station's limit of unconfirmed payments is reached; wait for the network",
    ),
    "why.amount_offline": (
        "Số tiền vượt hạn mức khi mất mạng ({limit})",
        "Over the limit without network ({limit})",
    ),
    "why.amount": (
        "Số tiền vượt hạn mức của máy ({limit}); hãy nộp tại Ban quản lý",
        "Over this station's limit ({limit}); pay at the management office",
    ),
    "why.past_due": (
        "Đã quá hạn nộp: chỉ thanh toán được khi có mạng",
        "Past due: payable only when the network is back",
    ),
    "why.open": (
        "Hóa đơn này đang chờ xác nhận. Không thanh toán lại trong 24 giờ",
        "This bill is awaiting confirmation. Do not pay again within 24 hours",
    ),
    "why.paid": ("Hóa đơn này đã được thanh toán", "This bill has been paid"),
    "why.review": (
        "Hóa đơn này đang được kiểm tra; hãy hỏi Ban quản lý",
        "This bill is under review; ask the building management",
    ),
    "why.changed": (
        "Danh sách hóa đơn vừa được cập nhật; hãy xem lại hóa đơn",
        "The bill list has just been updated; please look at the bill again",
    ),
    "why.codes": ("Máy tạm hết mã; chờ có mạng", "The station has no codes left; wait for the network"),
    "why.faulty": (
        "Dữ liệu hóa đơn chưa đúng; hãy hỏi Ban quản lý",
        "The bill's data are faulty; ask the building management",
    ),
}
