"""A Chromium under policies, and what it says. A program for `test_chromium_policy.py`, not a test.

Arguments: a folder for the profile, and addresses to try (in an incognito window, as the kiosk's). Without addresses it
reads the browser's own list of policies. Answers with one JSON object.
"""

from __future__ import annotations

import json
import os
import re
import sys

from playwright.sync_api import Error, sync_playwright

LIST = """() => {
  const rows = [];
  const walk = (root) => {
    rows.push(...root.querySelectorAll('.policy.row'));
    for (const each of root.querySelectorAll('*')) if (each.shadowRoot) walk(each.shadowRoot);
  };
  walk(document);
  return rows.map((row) => row.innerText.trim().split(/\\s+/)).filter((words) => !words.includes('Not'));
}"""


def main() -> None:
    profile, *addresses = sys.argv[1:]
    with sync_playwright() as played:
        browser = played.chromium.launch_persistent_context(
            profile,
            executable_path=os.environ["CHROMIUM"],
            args=["--no-sandbox", "--headless=new", *(["--incognito"] if addresses else [])],
        )
        page, seen = browser.pages[0], {}
        for address in addresses:
            try:
                page.goto(address)
                seen[address] = "opened"
            except Error as error:
                seen[address] = " ".join(re.findall(r"net::(\w+)", error.message)[:1]) or error.message
        if not addresses:
            page.goto("chrome://policy")
            page.wait_for_function(f"() => ({LIST})().length > 0")
            seen = {words[0]: " ".join(words[1:]) for words in page.evaluate(LIST)}
        browser.close()
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
