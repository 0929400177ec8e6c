"""The polkit rule for pcscd, run as JavaScript with polkit's own two names around it: whom it lets do what."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

SYSTEMD = Path(__file__).parents[2] / "systemd"
RULE = SYSTEMD / "polkit" / "50-kiosk-pcscd.rules"
PCSC, CARD = "org.debian.pcsc-lite.access_pcsc", "org.debian.pcsc-lite.access_card"
# polkit(8): addRule, and the results; the first rule that gives one decides.
POLKIT = """
const rules = [], polkit = {Result: {YES: "yes", NO: "no", NOT_HANDLED: null}, addRule: rule => rules.push(rule)};
%s
const asked = JSON.parse(process.argv[1]);
console.log(JSON.stringify(asked.map(([id, user]) => {
    for (const rule of rules) { const said = rule({id: id, lookup: () => ""}, {user: user}); if (said) return said; }
    return "default";
})));
"""


def decided(rule, *asked):
    node = compute_driver_executable()[0]  # the JavaScript engine that playwright brings
    done = subprocess.run([node, "-e", POLKIT % rule, json.dumps(asked)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_agents_user_may_reach_pcscd_and_cards_and_nothing_else():
    units = (SYSTEMD / "kiosk-agent.service").read_text("utf-8")
    (user,) = re.findall(r"(?m)^User=(\w+)$", units)
    rule = RULE.read_text("utf-8")
    assert decided(rule, (PCSC, user), (CARD, user)) == ["yes", "yes"]
    others = [(PCSC, "www-data"), (CARD, "kiosk-display"), ("org.freedesktop.login1.reboot", user), (PCSC + "x", user)]
    assert decided(rule, *others) == ["default"] * 4


@pytest.mark.parametrize(("right", "wrong"), [("kiosk", "kiosks"), (CARD, PCSC), ("YES", "NOT_HANDLED")])
def test_a_planted_bug_is_seen(right, wrong):
    rule = RULE.read_text("utf-8")
    assert f'"{right}"' in rule or f".{right}" in rule
    assert decided(rule.replace(right, wrong), (PCSC, "kiosk"), (CARD, "kiosk")) != ["yes", "yes"]
