"""A resident's chip card at a lobby station, all of it real but the card: browser, agent, pcscd, fleet, and back.

The station is a shipped lobby model: a PC/SC reader, a serial scanner (which is not plugged in here), a printer on the
network. What was read from the card is then looked for in every byte that was written anywhere.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from edge_agent.drivers.reader.virtual_chip import persona
from tests.journeys.test_payment import FLAGS, SIZES, shot, touch
from tests.twins.pcscd import Pcscd
from tests.twins.printer import PrinterTwin

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.journey
ROOT = Path(__file__).parents[2]
CARD = ROOT / "tests" / "twins" / "vpcd_card.py"
SEED = 7
PERSON = persona(SEED)
PATIENCE_MS = 60_000


class Lobby:
    def __init__(self, rig, page: Page, pcscd: Pcscd) -> None:
        self.rig, self.page, self.pcscd = rig, page, pcscd
        self._there = False

    def lay(self, **manner: object) -> None:
        """Always the same card: a new one would have another issuer."""
        if not self._there:
            self.pcscd.insert_program(0, sys.executable, CARD, json.dumps({"seed": SEED, "manner": manner}))
            self._there = True
            return
        self.pcscd.tell(0, "manner", manner)
        self.pcscd.tell(0, "insert")

    def lift(self) -> None:
        self.pcscd.tell(0, "remove")

    def at(self, place: str) -> None:
        self.page.locator(f".screen.{place}").wait_for(timeout=PATIENCE_MS)

    def digits(self, digits: str) -> None:
        self.at("card_key")
        for digit in digits:
            touch(self.page, "key", digit)
        touch(self.page, "next")

    def tile(self):
        return self.page.locator('[data-action="service"][data-value="id_card_check"]')

    def word(self, port: str) -> str:
        """The newest state of a device that the fleet has opened."""
        rows = self.rig.ask("SELECT peripherals FROM station_state")
        devices = json.loads(rows[0][0]) if rows and rows[0][0] else {}
        return next((each["state"] for name, each in devices.items() if name.startswith(f"{port}/")), "")


@pytest.fixture
def lobby(rig):
    pcscd = Pcscd().start()
    with PrinterTwin() as printer, sync_playwright() as playwright:
        found = rig(1, profile="lobby-80mm", printer_address=f"127.0.0.1:{printer.port}")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport=dict(zip(("width", "height"), SIZES["portrait"], strict=True)))
        page.set_default_timeout(PATIENCE_MS)
        page.goto(found.stage.lobbies[0].url)
        yield Lobby(found, page, pcscd)
        browser.close()
    pcscd.close()


def begin(lobby: Lobby) -> None:
    lobby.at("idle")
    touch(lobby.page, "start", "vi")
    lobby.at("home")
    touch(lobby.page, "group", "lookup")
    lobby.at("group")
    expect(lobby.tile()).to_be_enabled()
    touch(lobby.page, "service", "id_card_check")


def provision(lobby: Lobby, certificate: bytes, folder: Path) -> None:
    """What operations do, once, with the issuer's certificate."""
    (folder / "csca.cer").write_bytes(certificate)
    desk = lobby.rig.stage.desk
    command = [sys.executable, "-m", "fleet_server", "anchors", desk, folder / "csca.cer"]
    subprocess.run([*command, "--set-key", desk.parent / "offline" / "set.pem"], cwd=ROOT, check=True)
    in_force = "SELECT sets FROM station_state"
    lobby.rig.until(lambda: "anchors" in str(lobby.rig.ask(in_force)), 60.0, "the certificates in force at the station")


def test_a_card_is_read_masked_verified_when_it_can_be_and_leaves_no_trace(lobby, tmp_path):
    page, number = lobby.page, PERSON.id_number
    screen = page.locator(".screen")
    begin(lobby)
    lobby.digits("000000" if PERSON.can != "000000" else "111111")
    lobby.at("card_wait")
    lobby.lay()
    lobby.at("card_fault")
    expect(screen).to_contain_text("Sáu số vừa nhập không mở được thẻ này")
    touch(page, "again")
    lobby.digits(PERSON.can)
    lobby.at("card_shown")
    shot(page, "card-1-not-verified")
    expect(screen).to_contain_text(f"{number[:3]}*****{number[-4:]}")
    expect(screen).to_contain_text("Chưa kiểm chứng được chip")
    touch(page, "end")
    lobby.at("idle")
    expect(screen).to_contain_text("Hãy lấy thẻ")
    facts = lobby.pcscd.tell(0, "facts")
    lobby.lift()
    expect(screen).not_to_contain_text("Hãy lấy thẻ")

    provision(lobby, bytes.fromhex(facts["anchor"]), tmp_path)
    begin(lobby)
    lobby.digits(PERSON.can)
    lobby.lay()
    lobby.at("card_shown")
    expect(screen).to_contain_text("Dữ liệu đúng như cơ quan cấp thẻ đã ký")
    shot(page, "card-2-verified")
    touch(page, "end")
    lobby.lift()

    begin(lobby)
    lobby.digits(PERSON.can)
    lobby.lay(torn_after=9)
    lobby.at("card_fault")
    expect(screen).to_contain_text("Thẻ bị nhấc ra trước khi đọc xong")
    touch(page, "end")
    lobby.at("idle")
    lobby.rig.settle()
    lobby.rig.close()
    words = [number, number[3:], PERSON.can, PERSON.name, PERSON.residence]
    words += [facts["mrz"][:30], facts["mrz"][60:].strip("<")]
    files = [path for path in lobby.rig.stage.folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    found = [(path.name, word) for path in files for word in words if word.encode() in path.read_bytes()]
    assert found == []


def test_a_reader_that_goes_takes_its_service_along_and_brings_it_back(lobby):
    page = lobby.page
    lobby.at("idle")
    lobby.rig.until(lambda: lobby.word("reader") == "online", 60.0, "the reader at the fleet")
    lobby.rig.until(lambda: lobby.word("scanner") == "noDevice", 60.0, "the scanner that is not there, at the fleet")
    touch(page, "start", "vi")
    lobby.at("home")
    touch(page, "group", "lookup")
    lobby.at("group")
    expect(lobby.tile()).to_be_enabled()
    lobby.pcscd.strike(signal.SIGKILL)
    expect(lobby.tile()).to_be_disabled()
    expect(lobby.tile()).to_contain_text("Đầu đọc thẻ chưa sẵn sàng")
    expect(page.locator('[data-action="service"][data-value="code_lookup"]')).to_be_enabled()
    shot(page, "card-4-withdrawn")
    lobby.rig.until(lambda: lobby.word("reader") not in ("online", ""), 60.0, "the loss at the fleet")
    lobby.pcscd.start()
    expect(lobby.tile()).to_be_enabled()
    lobby.rig.until(lambda: lobby.word("reader") == "online", 60.0, "the return at the fleet")
    touch(page, "service", "id_card_check")
    lobby.digits(PERSON.can)
    lobby.lay()
    lobby.at("card_shown")
