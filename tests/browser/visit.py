"""A visit of one trader in a browser: a context of its own, an account of its own, and a console that stays silent."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, Response, expect
from stage import WIDE, Wallet, complaints_of, told

from venue_process import Process

WAIT_MS = 30_000
CUT = "ERR_CONNECTION_REFUSED"  # what the browser itself says of a venue that is gone
TRIES, PAUSE_SECONDS = 80, 0.15
expect.set_options(timeout=WAIT_MS)


class Visit:
    """`page` is at the venue; `errors` is what its console complained of so far."""

    def __init__(self, browser: Browser, running: Process) -> None:
        self.running = running
        self.context = browser.new_context(viewport=WIDE, color_scheme="dark")  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.errors = complaints_of(self.page)
        self.address = ""
        self.refused: list[str] = []  # what was asked that the venue refused
        self.page.on("response", self._heard)

    def _heard(self, answer: Response) -> None:
        if answer.status >= 400:
            self.refused.append(f"{answer.status} {answer.url} {answer.request.post_data}")

    def close(self) -> None:
        """Ends it. The console must have stayed silent, but for a connection that was cut."""
        self.context.close()
        assert [text for text in self.errors if CUT not in text] == [], self.refused

    def arrive(self) -> "Visit":
        """At the trade page, with the venue's stream alive."""
        self.page.goto(self.running.url)
        expect(self.page.locator(".link.live")).to_be_visible()
        return self

    def demo(self) -> "Visit":
        """With a key that the browser makes, and the money that an address gets that shows itself."""
        self.arrive()
        self.page.get_by_role("banner").get_by_role("button", name="Connect").click()
        self.page.get_by_role("button", name="Demo key").click()
        return self._known()

    def wallet(self, secret: bytes) -> Wallet:
        """With a wallet that announces itself and has approved an agent."""
        wallet = Wallet(self.page, secret)
        self.arrive()
        self.page.get_by_role("banner").get_by_role("button", name="Connect").click()
        self.page.get_by_role("button", name="Test wallet").click()
        self._known()
        self.page.get_by_role("button", name="Enable trading").click()
        expect(self.page.get_by_role("button", name="Buy BTC")).to_be_visible()
        return wallet

    def _known(self) -> "Visit":
        expect(self.page.locator(".summary")).to_be_visible()
        self.address = str(self.page.locator(".who").get_attribute("title"))
        return self

    def show(self, name: str) -> None:
        """Another page by its name."""
        self.page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(self.page.locator("h1")).to_have_text(name)

    def choose(self, coin: str) -> None:
        """Another market on the trade page."""
        self.page.locator(".market-name").click()
        self.page.get_by_label("Search markets").fill(coin)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".market-name")).to_contain_text(coin)

    def trade(self, coin: str, side: str, size: str) -> None:
        """A market order that is filled."""
        self.choose(coin)
        self.page.get_by_role("button", name="Buy / Long" if side == "buy" else "Sell / Short").click()
        self.page.get_by_label(f"Size in {coin}").fill(size)
        self.page.locator(f"button[type=submit].{side}").click()
        expect(self.page.locator(f'[data-position="{coin}"]')).to_be_visible()

    def number(self, name: str) -> Any:
        """The whole number behind one on the page."""
        return self.page.locator(f'[data-name="{name}"]').first.get_attribute("data-value")

    def told(self, path: str = "") -> Any:
        """What /v1 says of the account."""
        return told(self.running, f"/accounts/{self.address}{path}")

    def position(self, coin: str) -> Any:
        """What /v1 says of a position; None without one."""
        return next((one for one in self.told("/positions")["positions"] if one["coin"] == coin), None)

    def orders(self) -> Any:
        """Open orders as the wire has them."""
        return self.running.info({"type": "frontendOpenOrders", "user": self.address})

    def mark(self, coin: str) -> float:
        return float(told(self.running, f"/markets/{coin}")["mark"])

    def agree(self) -> None:
        """The figures of the account on the page are the API's, of some moment between two reads."""
        fields = ("free", "used", "maintenance")

        def shown() -> Any:
            return {name: self.number(f"account-{name}") for name in ("equity", *fields)}

        def wanted() -> Any:
            view = self.told()
            cross = next(one for one in view["buckets"] if one["bucket"] == "cross")
            return {"equity": view["equity"], **{name: cross[name] for name in fields}}

        agrees(shown, wanted)


def agrees(shown: Callable[[], Any], wanted: Callable[[], Any]) -> None:
    """Both come to say the same: the page asks every few seconds, and figures move meanwhile."""
    for _ in range(TRIES):
        before, seen, after = wanted(), shown(), wanted()
        if seen in (before, after):
            return
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"the page shows {seen}, the API says {after}")


def until(is_so: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What `is_so` answers once that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = is_so()
        if found:
            return found
        time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"not within {seconds} s")
