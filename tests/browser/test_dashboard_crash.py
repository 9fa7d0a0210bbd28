"""Crashes that liquidate, in a browser: on the trade page, and line by line in the receipt. Each has its own coin."""

from typing import Any

import pytest
from playwright.sync_api import expect
from stage import Prices, picture, serious
from visit import Visit, agrees, until

pytestmark = pytest.mark.slow


def fall(visit: Visit, prices: Prices, coin: str, target: float) -> None:
    """Takes a price down, below the engine's limit of 5 % a second, until a position is gone or the target reached."""
    while prices.now[coin] > target and visit.position(coin) is not None:
        prices.now[coin] = max(target, prices.now[coin] * 0.99)
        visit.page.wait_for_timeout(500)


def test_a_crash_liquidates_an_isolated_position_and_the_page_tells(trader: Visit, prices: Prices) -> None:
    page = trader.page
    page.get_by_role("button", name="Isolated", exact=True).click()
    trader.trade("BTC", "buy", "0.02")
    fall(trader, prices, "BTC", float(trader.position("BTC")["liquidation_price"]) * 0.93)
    expect(page.locator('[data-position="BTC"]')).to_have_count(0, timeout=60_000)
    page.get_by_role("tab", name="Fills").click()
    expect(page.get_by_text("liquidation", exact=True).first).to_be_visible()
    receipts = trader.told("/liquidations")["receipts"]
    assert receipts[0]["bucket"] == "isolated BTC"
    trader.agree()


def test_a_liquidation_is_told_line_by_line(trader: Visit, prices: Prices) -> None:
    page = trader.page
    trader.trade("ETH", "buy", "40")
    trader.show("Account")
    fall(trader, prices, "ETH", prices.now["ETH"] * 0.8)
    expect(page.locator(".receipt").first).to_be_visible(timeout=60_000)

    def receipts() -> Any:
        return trader.told("/liquidations")["receipts"]

    until(lambda: all(one["ended"] is not None for one in receipts()), 60)
    agrees(lambda: page.locator(".receipt").count(), lambda: len(receipts()))
    agrees(lambda: page.locator(".receipt .steps li").count(), lambda: sum(len(one["steps"]) for one in receipts()))
    newest = receipts()[0]
    assert trader.number("receipt-equity") == newest["equity"]
    assert trader.number("receipt-maintenance") == newest["maintenance"]
    for step in newest["steps"]:
        expect(page.locator(".receipt .steps").first).to_contain_text(step["text"])
    assert serious(page) == []
    page.locator(".receipt").first.scroll_into_view_if_needed()
    picture(page, "receipt")
