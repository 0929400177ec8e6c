"""One fixed sample of everything that travels, full and least, and the files its bytes are kept in.

`REGENERATE_GOLDEN=1` writes the files anew; the difference is then a change of the format and is reviewed as one. All
keys and numbers here are made up; the private keys are counted bytes and protect nothing.
"""

from __future__ import annotations

import os
from dataclasses import MISSING, fields, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from device_profiles import records
from device_profiles.anchors import AnchorSet
from device_profiles.bills import Bill, BillSet
from device_profiles.catalogue import Catalogue, Choice, Consent, Field, Group, Paper, Service, Words
from device_profiles.messages import (
    Answer,
    Bundle,
    Claim,
    Desired,
    EnrolRequest,
    FleetKeys,
    Question,
    SignedSet,
    answer_encode,
)
from device_profiles.wire import Ack, Batch, Header, digest, genesis, record_encode
from provisioning.keys import SigningKey
from provisioning.sealing import SUITE_BASE, SUITE_HYBRID, OpeningKey

FOLDER = Path(__file__).parent
NOW_MS = 1_790_000_000_000
DEVICE, JOURNAL, TXN = bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48))
EPOCH = 3
STATION_KEY = SigningKey(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
FLEET_KEY = SigningKey(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
CURVE_KEY = SigningKey(ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256R1()))
OPENING = {suite: OpeningKey(suite, bytes(range(suite, suite + 32))) for suite in (SUITE_BASE, SUITE_HYBRID)}

RECORDS = {
    "journal.opened": {"reason": "mở lần đầu", "last_next": 41, "last_digest": bytes(32)},
    "station.started": {"version": "0.1.0", "boot": 7},
    "visit.ended": {"service": "fees.pay", "outcome": "finished", "seconds": 95, "language": "vi"},
    "payment.created": {
        "service": "fees.pay",
        "biller": "Ban quản trị Toà A",
        "building": "toa-a",
        "unit": "A-12.05",
        "period": "2026-10",
        "bill": bytes(range(8)),
        "owner": "NGUYEN *** AN",
        "amount": 1_250_000,
        "due": "2026-11-25",
        "payee_bin": "970436",
        "payee_account": "0011001234567",
        "payee_name": "BAN QUAN TRI TOA A",
        "reference": "7K3M9QX2TC",
        "code": "K0001-000123-7",
        "bills_version": 12,
        "bills_as_of_ms": NOW_MS - 3_600_000,
        "online": False,
        "consent": "vi-2026-01",
        "expires_ms": NOW_MS + 900_000,
    },
    "payment.state": {"state": "EXCEPTION", "reason": "AMOUNT_MISMATCH", "as_of_ms": NOW_MS},
    "dossier.created": {
        "service": "A8",
        "form": "stay_notice/1",
        "catalogue": 1,
        "code": "TAM-K0001-000042-2",
        "ward": "27097",
        "identity": "chip_read",
        "answers": (
            ["id_number", "079090123456", "chip"],
            ["name", "Nguyễn Văn Mẫu", "chip"],
            ["from_date", "2026-11-22", "typed"],
            ["guest_name.1", "Trần Thị Bình", "typed"],
        ),
        "consent": "stay-consent/1",
        "urgent": False,
        "deadline_ms": NOW_MS + 7_200_000,
        "language": "vi",
        "online": False,
    },
    "dossier.seen": {"state": "ACCEPTED", "official": "G01.899.909-261122-000017"},
    "technician.entry": {"result": "locked", "seconds": 300},
    "slip.result": {
        "job": bytes(range(48, 64)),
        "slip": "pending",
        "result": "unknown",
        "copy": 1,
        "detail": "giấy kẹt khi đang in",
    },
    "desired.result": {"rev": 12, "result": "refused", "reason": "hết hạn"},
    "set.result": {"name": "bills/toa-a", "version": 12, "result": "refused", "reason": "signature"},
    "device.state": {
        "port": "printer",
        "name": "máy in",
        "state": "online",
        "paper": "low",
        "detail": "gần hết giấy",
        "action": "clear",
        "identity": "04b8:0e15:X5ZF000001",
        "flapping": True,
    },
}

HEADER = Header(
    device=DEVICE,
    epoch=EPOCH,
    journal=JOURNAL,
    seq=41,
    prev=bytes(range(64, 96)),
    created_ms=NOW_MS,
    quality=2,
    key=40,
    boot=7,
    mono_ms=123_456,
    order=1,
    txn=TXN,
)
KEY_HEADER = Header(
    device=DEVICE,
    epoch=EPOCH,
    journal=JOURNAL,
    seq=0,
    prev=genesis(DEVICE, EPOCH, JOURNAL),
    created_ms=NOW_MS,
    quality=1,
    key=OPENING[SUITE_HYBRID].kid,
    suite=SUITE_HYBRID,
    boot=7,
    mono_ms=1,
    order=0,
)
RECORD = record_encode(HEADER.encode(), bytes(range(200)))
BATCH = Batch(
    device=DEVICE,
    epoch=EPOCH,
    journal=JOURNAL,
    first=41,
    before=HEADER.prev,
    head=digest(RECORD),
    time_ms=NOW_MS,
    quality=2,
    boot=7,
    mono_ms=123_999,
    status={
        0: "0.1.0",
        3: [],
        4: 88,
        5: [["printer", "máy in", "online", "full"]],
        9: 123,
        11: False,
        17: [{0: "printer", 1: NOW_MS - 60_000, 2: 2, 3: 63_999, 6: NOW_MS - 70_000, 10: 4, 13: 520, 16: NOW_MS}],
    },
    newest=41,
    ack_seen=(41, bytes(range(96, 128)), bytes(range(128, 144))),
    records=(RECORD,),
)
# As it was before a status told more of each peripheral (number 17).
FIRST_BATCH = replace(BATCH, status={key: value for key, value in BATCH.status.items() if key < 17})
MESSAGES = {
    "header": HEADER,
    "header-of-key-record": KEY_HEADER,
    "batch": BATCH,
    "ack": Ack(
        device=DEVICE,
        epoch=EPOCH,
        journal=JOURNAL,
        next=42,
        digest=digest(RECORD),
        durable_next=40,
        time_ms=NOW_MS + 1,
        lineage=bytes(range(128, 144)),
        batch_hash=bytes(range(144, 176)),
        verdict=0,
        retry_after_s=0,
        admit=100,
    ),
    "desired": Desired(
        device=DEVICE,
        rev=12,
        issued_ms=NOW_MS,
        not_after_ms=NOW_MS + 86_400_000,
        config={1: 60, 2: 500_000, 3: "Bảo trì"},
        sets=(["bills/toa-a", 12, 4321, bytes(range(32))],),
        jobs=([bytes(range(16)), "reprint", {1: "K0001-000123-7"}, NOW_MS, NOW_MS + 60_000],),
        keys_version=2,
        notices=(["Cắt nước ngày mai.", "No water tomorrow."],),
    ),
    "set": SignedSet(name="bills/toa-a", version=12, issued_ms=NOW_MS, not_after_ms=NOW_MS + 1, body=b"\xa0"),
    "question": Question(
        device=DEVICE,
        question=bytes(range(16)),
        kind="payment_state",
        fields={1: TXN},
        time_ms=NOW_MS,
        reply_key=OPENING[SUITE_BASE].public,
    ),
    "answer": Answer(device=DEVICE, question_hash=bytes(range(32)), as_of_ms=NOW_MS, sealed=bytes(range(64))),
    "claim": Claim(
        claim=bytes(range(16)),
        kind="card-swap",
        station="K0001",
        profile="sanh-chuan",
        technician="ktv.mau",
        not_before_ms=NOW_MS,
        not_after_ms=NOW_MS + 900_000,
        hardware=b"board-0001",
        old_device=DEVICE,
    ),
    "enrol": EnrolRequest(
        spki=STATION_KEY.spki,
        csr=bytes(range(100)),
        claim=bytes(range(100, 200)),
        nonce=bytes(range(16)),
        hardware=b"board-0001",
        time_ms=NOW_MS,
        software="0.1.0",
    ),
    "bundle": Bundle(
        device=DEVICE,
        request_hash=bytes(range(32)),
        certificate=bytes(range(100)),
        issuer=bytes(range(100, 200)),
        root_hash=bytes(range(32, 64)),
        keys=bytes(range(64)),
        broker_host="mqtt.example",
        broker_port=8883,
        face_url="https://fleet.example:8443",
        station="K0001",
        title="Sảnh toà A",
        address="1 Đường Mẫu, Phường Mẫu",
        building="toa-a",
        profile="sanh-chuan",
        epoch=EPOCH,
        rev_floor=11,
        time_ms=NOW_MS,
        counter_from=0,
        counter_to=5000,
    ),
    "keys": FleetKeys(
        version=2,
        issued_ms=NOW_MS,
        signing=([FLEET_KEY.kid, "ack", FLEET_KEY.spki, NOW_MS - 1, NOW_MS + 1],),
        sealing=tuple([key.kid, suite, key.public, NOW_MS - 1, NOW_MS + 1] for suite, key in OPENING.items()),
    ),
    "anchors": AnchorSet(version=3, certificates=(b"0\x82first", b"0\x82second")),
    "catalogue": Catalogue(
        version=4,
        groups=(Group("report", Words("Phản ánh", "Report"), "report"),),
        services=(
            Service(
                id="sample",
                code="A5",
                group="report",
                kind="form",
                icon="report",
                name=Words("Mẫu", "Sample"),
                help=Words("Một mẫu", "One sample"),
                form="sample/1",
                valid_from="2026-01-01",
                valid_to="2027-12-31",
                offline="queue",
                needs=("printer",),
                clock=True,
                identity="typed",
                consent=Consent("sample-consent/1", Words("Tôi đồng ý.", "I agree.")),
                fee_dong=15_000,
                deadline="stay_notice",
                urgent=("now", ("yes",)),
                slip="report",
                notice=Words("Không phải đường dây khẩn cấp.", "No emergency line."),
                emergency=True,
                channels=True,
                following=Words("Hãy giữ mã.", "Keep the code."),
                papers=(Paper("deed", Words("Giấy tờ nhà", "A deed"), "Luật Mẫu, Điều 1"),),
                fields=(
                    Field(
                        id="id_number",
                        kind="id_number",
                        ask=Words("Số căn cước?", "ID number?"),
                        label=Words("Số căn cước", "ID number"),
                        card="id_number",
                        masked=True,
                    ),
                    Field(
                        id="now",
                        kind="choice",
                        ask=Words("Đang xảy ra?", "Happening now?"),
                        label=Words("Thời điểm", "When"),
                        choices=(Choice("yes", Words("Có", "Yes")), Choice("no", Words("Không", "No"))),
                    ),
                    Field(
                        id="from_date",
                        kind="date",
                        ask=Words("Từ ngày nào?", "From when?"),
                        label=Words("Từ ngày", "From"),
                        least=-1,
                        most=30,
                        preset="today",
                    ),
                    Field(
                        id="to_date",
                        kind="date",
                        ask=Words("Đến ngày nào?", "Until when?"),
                        label=Words("Đến ngày", "Until"),
                        required=False,
                        most=29,
                        after="from_date",
                    ),
                    Field(
                        id="guests",
                        kind="number",
                        ask=Words("Mấy người?", "How many?"),
                        label=Words("Số người", "Persons"),
                        least=1,
                        most=4,
                    ),
                    Field(
                        id="guest_name",
                        kind="name",
                        ask=Words("Họ tên khách?", "Guest's name?"),
                        label=Words("Tên khách", "Guest"),
                        hint=Words("Như trên thẻ.", "As on the card."),
                        least=2,
                        most=60,
                        when=("now", ("yes", "no")),
                        per="guests",
                    ),
                ),
            ),
        ),
    ),
    "bills": BillSet(
        building="toa-a",
        title="Toà A, Khu Mẫu",
        payee_bin="970436",
        payee_account="0011001234567",
        payee_name="BAN QUAN TRI TOA A",
        as_of_ms=NOW_MS - 3_600_000,
        version=12,
        offline=True,
        bills=(
            Bill(bytes(range(8)), "A-12.05", "2026-10", 1_250_000, "2026-11-25", "NGUYEN *** AN"),
            Bill(bytes(range(1, 9)), "A-12.05", "2026-09", 1_150_000, "2026-10-25", "NGUYEN *** AN"),
            Bill(bytes(range(2, 10)), "Đ-01", "2026-10", 900_000, "2026-11-25", "TRAN *** BINH"),
        ),
    ),
}
# What earlier versions wrote, by file; it is never written again and stays readable for ever.
OLD_BODIES = {
    "body-device.state-1": (
        "device.state",
        {"port": "printer", "name": "máy in", "state": "online", "paper": "low", "detail": "gần hết giấy"},
    ),
}
# Which signed kind carries which sample; a header and a bill list travel inside others.
SIGNED = {
    f"kiosk/{name}/1": name
    for name in ("batch", "ack", "desired", "set", "question", "answer", "claim", "enrol", "bundle", "keys")
}
ANSWERS = {
    "payment_state": {"state": "EXCEPTION", "reason": "AMOUNT_MISMATCH"},
    "bill": {"status": "pending"},
    "dossier": {"state": "NEEDS_MORE", "official": "G01.899.909-261122-000017", "words": "Xin bổ sung địa chỉ."},
    "code": {
        "state": "ACCEPTED",
        "reason": "BILL_CLOSED",
        "matter": "dossier",
        "created_ms": NOW_MS,
    },
}


def payloads() -> dict[str, bytes]:
    """The bytes of every message, of every record body and of what is sealed in every answer."""
    return (
        {name: message.encode() for name, message in MESSAGES.items()}
        | {"record": RECORD}
        | {f"body-{kind}": records.pack(kind, values) for kind, values in RECORDS.items()}
        | {f"answer-{kind}": answer_encode(kind, values) for kind, values in ANSWERS.items()}
    )


def least(message: object) -> object:
    """The same message without its optional fields."""
    given = {each.name: getattr(message, each.name) for each in fields(message) if each.default is MISSING}
    return type(message)(**given)


def golden(name: str, data: bytes, *, once: bool = False) -> bytes:
    """The kept bytes under a name; where the flag is set `data` is written there first.

    `once`: bytes that are others each time (drawn nonces, P-256 signatures) and are never written over: what was
    signed and sealed before must open for ever.
    """
    path = FOLDER / f"{name}.hex"
    if os.environ.get("REGENERATE_GOLDEN") and not (once and path.exists()):
        text = data.hex()
        path.write_text("".join(f"{text[at : at + 96]}\n" for at in range(0, len(text), 96)), "ascii")
    return bytes.fromhex(path.read_text("ascii"))


def golden_text(name: str, text: str) -> str:
    """The same for a file that people read."""
    path = FOLDER / name
    if os.environ.get("REGENERATE_GOLDEN"):
        path.write_text(text, "utf-8")
    return path.read_text("utf-8")
