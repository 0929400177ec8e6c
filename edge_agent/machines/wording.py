"""Every word a resident reads, Vietnamese and English side by side, by key. Decides no word's moment.

The words of payments, clock, printer and emergency are those of the domain reference, section 13.5, unchanged. A text
names its gaps in braces; `say` fills them. Amounts in words are Vietnamese in both languages: they are what the law
reads. No text names an internal of the station.
"""

from __future__ import annotations

from typing import Literal

Language = Literal["vi", "en"]

# The version is sealed with each consent. Other words are another version: the test that pins them says so.
CONSENT_VERSION = "fee-consent/1"

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
    "step": ("Bước {n}/{m}", "Step {n}/{m}"),
    "more": ("Xem tiếp", "Show more"),
    "hotline": ("Đường dây nóng", "Hotline"),
    "step.unit": ("Căn hộ", "Apartment"),
    "step.bills": ("Hóa đơn", "Bills"),
    "step.review": ("Kiểm tra", "Review"),
    "step.qr": ("Quét mã", "Scan"),
    "step.result": ("Kết quả", "Result"),
    "offline.banner": (
        "Đang mất mạng: hồ sơ được lưu an toàn và gửi khi có mạng.",
        "No network: your dossier is stored safely and sent when the network returns.",
    ),
    "offline.works": (
        "Vẫn dùng được: xem hóa đơn; thanh toán trong hạn mức cho phép.",
        "Still working: viewing bills; payments within the permitted limits.",
    ),
    "offline.reads": ("Vẫn dùng được: xem hóa đơn.", "Still working: viewing bills."),
    "clock": ("Máy đang đồng bộ giờ", "The clock is being set"),
    # idle and home
    "idle.touch": ("Chạm để bắt đầu", "Touch to begin"),
    "idle.now": ("Đang phục vụ", "Available now"),
    "idle.privacy": (
        "Máy tự xóa thông tin của bạn sau mỗi lượt dùng.",
        "Your information is erased after every visit.",
    ),
    "vietnamese": ("Tiếng Việt", "Tiếng Việt"),
    "english": ("English", "English"),
    "home.title": ("Bạn cần làm gì hôm nay?", "What would you like to do?"),
    "home.later": ("Các dịch vụ khác", "Other services"),
    "home.soon": ("Sắp có", "Coming soon"),
    "fee": ("Phí quản lý căn hộ", "Apartment management fee"),
    "fee.group": ("Hóa đơn", "Bills"),
    "fee.ready": ("Xem hóa đơn và thanh toán bằng mã QR", "See your bills and pay with a QR code"),
    "fee.read_only": ("Chỉ xem hóa đơn, chưa thanh toán được", "Viewing only, no payments now"),
    "fee.none": ("Tạm ngừng", "Not available now"),
    "help.tile": ("Gọi người hỗ trợ, hỏi cách dùng", "Call for assistance, learn how it works"),
    "card": ("Kiểm tra thẻ căn cước", "Check my ID card"),
    "card.group": ("Giấy tờ của bạn", "Your papers"),
    "card.ready": ("Xem chip trên thẻ còn đọc được không", "See whether the chip on your card can be read"),
    "card.none": ("Tạm ngừng", "Not available now"),
    "why.no_reader": ("đầu đọc thẻ chưa sẵn sàng", "the card reader is not ready"),
    "card.left": ("Hãy lấy thẻ còn trên đầu đọc.", "Please take the card from the reader."),
    "tile.dossier": ("Hồ sơ", "Dossiers"),
    "tile.search": ("Tra cứu", "Look up"),
    "tile.report": ("Phản ánh", "Report"),
    "tile.health": ("Sức khỏe", "Health"),
    "tile.finance": ("Tài chính – SIM", "Finance – SIM"),
    "tile.data": ("Báo sai dữ liệu", "Correct my data"),
    # unit
    "unit.title": ("Căn hộ của bạn số mấy?", "What is your apartment number?"),
    "unit.hint": (
        "Bấm liền chữ và số: A-12.05 thì bấm A1205.",
        "Letters and digits only: for A-12.05 press A1205.",
    ),
    "unit.scan": ("Hoặc quét mã trên giấy báo phí.", "Or scan the code on your fee notice."),
    "unit.field": ("Số căn hộ", "Apartment number"),
    "unit.erase": ("Xóa", "Erase"),
    "unit.clear": ("Xóa hết", "Clear"),
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
    "result.keep": ("Mã của bạn", "Your code"),
    "result.as_of": ("Kết quả lúc", "Result as of"),
    "result.another": ("Hóa đơn khác", "Another bill"),
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
    # refusals: why a payment is not offered
    "refused.title": ("Chưa thanh toán được tại đây", "This cannot be paid here now"),
    "refused.nothing": (
        "Chưa có khoản tiền nào được ghi nhận. Xin đừng chuyển khoản cho lần này.",
        "Nothing was recorded. Please do not transfer anything for this attempt.",
    ),
    "why.no_list": ("Chưa có danh sách hóa đơn của tòa nhà", "The building's bill list has not arrived"),
    "why.store": ("Máy chưa lưu được dữ liệu", "The station cannot store data now"),
    "why.clock": ("Máy đang đồng bộ giờ", "The clock is being set"),
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
        "Chạm Quay lại nếu nhầm. Chưa hiện mã QR thì chưa có khoản thanh toán nào.",
        "Touch Back after a mistake. Before the QR code is shown there is no payment.",
    ),
    "help.3": (
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
    # the card service
    "step.card_key": ("Mở chip", "Open the chip"),
    "step.card_wait": ("Đặt thẻ", "Card"),
    "step.card_shown": ("Kiểm tra", "Check"),
    "card_key.title": ("6 số cuối trên thẻ căn cước", "Last 6 digits of your ID number"),
    "card_key.hint": ("Sáu số này mở chip trên thẻ của bạn.", "These six digits open the chip on your card."),
    "card_key.scan": ("Hoặc quét mã QR in trên thẻ.", "Or scan the QR code printed on the card."),
    "card_key.not_a_card": (
        "Mã vừa quét không phải mã trên thẻ căn cước. Hãy quét lại, hoặc bấm 6 số.",
        "That is not the code of an ID card. Scan again, or press the six digits.",
    ),
    "card_key.field": ("Sáu số cuối", "Last six digits"),
    "card_key.next": ("Tiếp tục", "Continue"),
    "card_wait.title": ("Đặt thẻ lên đầu đọc", "Lay your card on the reader"),
    "card_wait.text": (
        "Lấy thẻ ra khỏi ví, đặt sát giữa đầu đọc và để yên.",
        "Take it out of your wallet, lay it in the middle of the reader and leave it there.",
    ),
    "card_wait.privacy": (
        "Máy chỉ hiện thông tin đã che, không lưu và không gửi đi.",
        "Only masked words are shown. Nothing is stored and nothing is sent.",
    ),
    "card_reading.title": ("Đang đọc thẻ…", "Reading the card…"),
    "card_reading.text": ("Hãy để yên thẻ trên đầu đọc.", "Please leave the card on the reader."),
    "card_shown.title": ("Chip trên thẻ đọc được", "The chip on your card can be read"),
    "card_shown.verified": (
        "Dữ liệu đúng như cơ quan cấp thẻ đã ký.",
        "The data are as the issuing authority signed them.",
    ),
    "doubt.no_anchors": (
        "Chưa kiểm chứng được chip: trạm chưa có chứng thư của cơ quan cấp thẻ.",
        "Chip authenticity not verified: the station has no certificate of the issuing authority.",
    ),
    "doubt.issuer": (
        "Chưa kiểm chứng được chip: chữ ký trên thẻ không thuộc cơ quan cấp mà trạm biết.",
        "Chip authenticity not verified: the card is not signed by an authority that the station knows.",
    ),
    "doubt.period": (
        "Chưa kiểm chứng được chip: chứng thư ký thẻ đã hết hạn hoặc không dùng cho việc này.",
        "Chip authenticity not verified: a certificate is out of date or not meant for this.",
    ),
    "doubt.algorithm": (
        "Chưa kiểm chứng được chip: trạm chưa đọc được kiểu chữ ký của thẻ.",
        "Chip authenticity not verified: the station does not know this kind of signature.",
    ),
    "doubt.unsigned": (
        "Chưa kiểm chứng được chip: thẻ không mang chữ ký của cơ quan cấp cho các thông tin này.",
        "Chip authenticity not verified: the card carries no issuer's signature over these data.",
    ),
    "doubt.unproven": (
        "Chưa kiểm chứng được chip: chip chưa chứng minh nó là bản gốc.",
        "Chip authenticity not verified: the chip has not proven that it is the original.",
    ),
    "card_shown.no_end": ("Không thời hạn", "No end date"),
    "card_lift": ("Hãy lấy thẻ đang nằm trên đầu đọc ra trước.", "First lift the card that lies on the reader."),
    "card_shown.expired": (
        "Thẻ đã hết hạn. Hãy làm thủ tục cấp đổi tại Công an.",
        "This card has expired. Please have it renewed by the police.",
    ),
    "card_shown.name": ("Họ tên", "Name"),
    "card_shown.number": ("Số định danh", "ID number"),
    "card_shown.birth": ("Năm sinh", "Year of birth"),
    "card_shown.expiry": ("Có giá trị đến", "Valid until"),
    "card_shown.right": ("Thông tin đúng", "This is right"),
    "card_shown.wrong": ("Thông tin sai", "Something is wrong"),
    "card_take": ("Hãy lấy thẻ của bạn.", "Please take your card."),
    "card_fault.title": ("Chưa đọc được thẻ", "The card could not be read"),
    "card_fault.again": ("Thử lại", "Try again"),
    "card_fault.nothing": (
        "Không có thông tin nào được lưu. Các dịch vụ khác vẫn dùng được.",
        "Nothing was stored. Other services still work.",
    ),
    "fault.no_card": ("Không thấy thẻ trên đầu đọc. Hãy đặt thẻ lại.", "No card is on the reader. Lay it down again."),
    "fault.two_cards": (
        "Có nhiều hơn một thẻ trên đầu đọc. Hãy chỉ để lại một thẻ.",
        "More than one card is on the reader. Leave only one.",
    ),
    "fault.wrong_can": (
        "Sáu số vừa nhập không mở được thẻ này. Hãy xem lại số in trên thẻ.",
        "These six digits do not open this card. Look at the number on the card again.",
    ),
    "fault.wrong_mrz": (
        "Các dòng in ở mặt sau không mở được thẻ này. Hãy xem lại.",
        "The printed lines do not open this card. Look at them again.",
    ),
    "fault.blocked": (
        "Thẻ tạm thời không nhận thêm lần thử. Hãy nhấc thẻ ra, chờ một phút rồi thử lại.",
        "The card takes no more attempts for now. Lift it, wait a minute and try again.",
    ),
    "fault.unsupported": (
        "Đây không phải thẻ căn cước gắn chip. Hãy kiểm tra xem bạn đã đặt đúng thẻ chưa.",
        "This is not an ID card with a chip. See whether it is the right card.",
    ),
    "fault.torn": (
        "Thẻ bị nhấc ra trước khi đọc xong. Hãy đặt lại và để yên.",
        "The card was moved before it was read. Lay it down again and leave it there.",
    ),
    "fault.mute": (
        "Thẻ không trả lời. Hãy bỏ bao thẻ và đặt lại sát giữa đầu đọc.",
        "The card does not answer. Take it out of its cover and lay it in the middle of the reader.",
    ),
    "fault.damaged": (
        "Chip trên thẻ trả lời không đúng. Hãy thử lại; nếu vẫn vậy, hãy hỏi Công an phường.",
        "The chip does not answer as it should. Try again; if it stays so, ask the ward police.",
    ),
    "fault.not_authentic": (
        "Dữ liệu trong chip không đúng như cơ quan cấp thẻ đã ký. Hãy mang thẻ đến Công an phường.",
        "The chip's data are not what the issuing authority signed. Take the card to the ward police.",
    ),
    "fault.copied": (
        "Chip không chứng minh được nó là bản gốc. Hãy thử lại; nếu vẫn vậy, hãy hỏi Công an phường.",
        "The chip could not prove that it is the original. Try again; if it stays so, ask the ward police.",
    ),
    "fault.foreign": (
        "Đây không phải thẻ căn cước Việt Nam.",
        "This is not a Vietnamese ID card.",
    ),
    "fault.too_slow": (
        "Đọc thẻ mất quá nhiều thời gian. Hãy đặt lại và để yên.",
        "Reading took too long. Lay the card down again and leave it there.",
    ),
    "fault.reader_lost": (
        "Đầu đọc thẻ đang gặp lỗi. Máy sẽ tự báo kỹ thuật.",
        "The card reader has a fault. The station reports it by itself.",
    ),
    "card_wrong.title": ("Báo sai thông tin trên thẻ", "Correct the data of your card"),
    "card_wrong.text": (
        "Máy không sửa được dữ liệu gốc. Bạn có ba cách:",
        "The station cannot change the source data. There are three ways:",
    ),
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


def say(language: Language, key: str, **gaps: object) -> str:
    """Give the text of a key in a language, gaps filled. Raises KeyError for a key that is not in the table."""
    text = TEXTS[key][0 if language == "vi" else 1]
    return text.format(**gaps) if gaps else text
