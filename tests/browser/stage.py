"""A real venue with prices that a test sets (set_prices.py), and a real browser in front of it."""

import contextlib
import json
import math
import os
import random
import shutil
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from seawall.risk.moves import HOUR_MS
from seawall.signing import Domain, Key, Signature, signature_fields, typed_digest
from set_prices import Prices
from venue_process import MARKETS, Process

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TOKEN = "a-token-of-the-admin"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def browser_path() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return found


def venue(folder: Path, prices: Prices, *, traders: bool = True, more: str = "") -> Process:
    """A venue that listens to `prices` alone; not started."""
    feed = f'[[feed]]\nkind = "hyperliquid"\noptions = {{ url = "{prices.url}" }}\n'
    return Process(folder, traders=traders, more=feed + more)


def told(process: Process, path: str) -> Any:
    """What /v1 says."""
    with urllib.request.urlopen(f"{process.url}/v1{path}", timeout=10) as answer:
        return json.load(answer)


def order_admin(process: Process, path: str, **body: Any) -> Any:
    """What the admin's port answers to an order of an operator."""
    asked = urllib.request.Request(f"http://127.0.0.1:{process.admin}/admin/{path}", json.dumps(body).encode())
    asked.add_header("authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def with_past(process: Process, hours: int) -> None:
    """Starts a venue whose history knows its markets for so many hours, walking by about half a percent an hour."""
    process.start()
    process.kill(signal.SIGTERM)
    base = sqlite3.connect(next((process.folder / "data").rglob("history.sqlite")))
    drawn = random.Random(7)
    with contextlib.closing(base), base:
        rows = base.execute("select number, time, coin, size_decimals from seawall_listings").fetchall()
        base.execute("update seawall_listings set time = time - ?", (hours * HOUR_MS,))
        for market, listed, coin, decimals in rows:
            start, price = listed - listed % HOUR_MS, MARKETS[coin] * 10.0 ** (6 - decimals)
            for back in range(1, hours):
                before = price * math.exp(drawn.gauss(0.0, 0.005))
                high, low = 1.002 * max(before, price), 0.998 * min(before, price)
                traded = (drawn.randrange(100_000, 900_000), 10**12, 50)
                bar = (*map(round, (before, high, low, price)), *traded)
                base.execute(
                    "insert into seawall_candles values (?, '1h', ?, ?, ?, ?, ?, ?, ?, ?)",
                    (market, start - back * HOUR_MS, *bar),
                )
                price = before
    process.start()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    path = browser_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


OPTIONAL = (
    "/foresight",
    "/v1/risk",
    "/v1/risk/insurance",
    "/v1/risk/collateral",
    "/v1/risk/proposals?limit=50",
    "/v1/chain",
)


def complaints_of(page: Page) -> list[str]:
    """What the page's console says of errors from now on. That a venue lacks an optional part is none."""
    found: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        is_absent = "404" in message.text and message.location["url"].endswith(OPTIONAL)
        if message.type == "error" and not is_absent:
            found.append(f"{message.text} {message.location['url']}")

    page.on("console", heard)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


AXE = Path(__file__).resolve().parents[2] / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"


def serious(page: Page) -> list[str]:
    """What axe finds that shuts people out: serious and critical findings, each with its elements."""
    if not AXE.exists():
        pytest.skip("axe-core is not there: run `npm ci` in dashboard/")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'][:5])}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def picture(page: Page, name: str) -> None:
    """Keeps a picture of the page where SEAWALL_PICTURES says; the documentation's were made so."""
    folder = os.environ.get("SEAWALL_PICTURES")
    if folder:
        expect(page.locator(".messages p")).to_have_count(0)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


WALLET = """
(() => {
  const icon = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>';
  const info = { uuid: '350670db-19fa-4704-a166-e52e178b59d2', name: 'Test wallet', icon, rdns: 'test.wallet' };
  const request = async ({ method, params }) => {
    if (method === 'eth_requestAccounts' || method === 'eth_accounts') return [await window.walletAddress()];
    if (method === 'eth_chainId') return '0xa4b1';
    if (method === 'eth_signTypedData_v4') return window.walletSign(params[0], params[1]);
    throw new Error('unknown method ' + method);
  };
  const detail = Object.freeze({ info, provider: { request } });
  const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  window.addEventListener('eip6963:requestProvider', announce);
  announce();
})();
"""


class Wallet:
    """A wallet beside the page: it announces itself (EIP-6963) and signs what it is shown, by our own typed data."""

    def __init__(self, page: Page, secret: bytes) -> None:
        self.key = Key(secret)
        self.address = "0x" + self.key.address.hex()
        self.signed: list[dict[str, Any]] = []
        page.expose_function("walletAddress", lambda: self.address)
        page.expose_function("walletSign", self.sign)
        page.add_init_script(WALLET)

    def sign(self, address: str, text: str) -> str:
        assert address == self.address
        data = json.loads(text)
        self.signed.append(data)
        shown = data["domain"]
        contract = bytes.fromhex(shown["verifyingContract"][2:])
        domain = Domain(name=shown["name"], version=shown["version"], chain_id=shown["chainId"], contract=contract)
        fields = [(field["name"], field["type"]) for field in data["types"][data["primaryType"]]]
        return hex_of(self.key.sign(typed_digest(domain, data["primaryType"], fields, data["message"])))


def hex_of(signature: Signature) -> str:
    """r, s, v as a wallet gives them: 65 bytes."""
    parts = signature_fields(signature)
    return f"{parts['r']}{parts['s'][2:]}{parts['v']:02x}"
