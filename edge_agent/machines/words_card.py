"""The words of everything that has to do with the chip card and its reader. Decides no word's moment."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    # the card service
    "step.card_key": ("Mở chip", "Chip"),
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
    "card_fault.type": ("Tự nhập thông tin", "Type it instead"),
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
    "card_wrong.report": ("Báo sai ngay tại máy này", "Report it here and now"),
}
