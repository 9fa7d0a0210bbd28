"""The account page in a browser, with a demo key: every figure is the API's; alerts, and money that leaves."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from stage import picture, serious, told
from visit import Visit, agrees, until

from seawall.tools.publish import asked

pytestmark = pytest.mark.slow
SECRET = bytes([9]) * 32
OTHER = "0x" + "ab" * 20
WAY = "0x00000000000000000000000000000000000000aa"


def test_margin_surface_and_exposures_are_the_apis(trader: Visit) -> None:
    holder, page = trader, trader.page
    trader.trade("BTC", "buy", "0.3")
    trader.trade("ETH", "sell", "1.5")
    holder.show("Account")
    expect(page.locator(".plane .point").first).to_be_attached()

    def cross() -> Any:
        return holder.told()["buckets"][0]

    for field in ("equity", "free", "floor", "withdrawable", "maintenance", "liquidation_end", "margin_ratio"):
        agrees(lambda name=field: holder.number(f"cross-{name}"), lambda name=field: cross()[name])  # type: ignore[misc]
    expect(page.locator(".gauge line")).to_have_count(3)

    def down() -> Any:
        points = holder.told("/surface")["points"]
        return next(point["scale"] for point in points if point["direction"] == "BTC down")

    agrees(lambda: holder.number("surface-BTC down"), down)

    def delta() -> Any:
        return f"-{holder.position('ETH')['value']}"

    agrees(lambda: holder.number("delta-ETH"), delta)
    assert (holder.number("delta-coins-BTC"), holder.number("delta-coins-ETH")) == ("0.3", "-1.5")
    expect(page.get_by_role("region", name="Exposures").locator("tbody tr td:last-child")).to_have_text(["0", "0", "0"])
    page.get_by_label("Move of marks in percent").fill("-50")
    expect(page.get_by_text("below zero")).to_be_visible()
    assert serious(page) == []
    picture(page, "account")


def test_foresight_cures_and_places_in_the_queue_are_the_apis(trader: Visit) -> None:
    page = trader.page
    trader.trade("BTC", "buy", "1.7")
    trader.show("Account")

    def probability() -> Any:
        return trader.told("/foresight")["buckets"][0]["probabilities"]["hours_24"]

    agrees(lambda: trader.number("cross-hours_24"), probability)
    expect(page.locator(".cures li").first).to_be_visible()

    def place() -> Any:
        (rank,) = trader.told("/ranks")["ranks"]
        return str(rank["place"])

    agrees(lambda: trader.number("rank-BTC"), place)
    assert serious(page) == []


@pytest.mark.parametrize("kind", ["margin_ratio", "liquidation_chance"])
def test_the_owner_sets_and_removes_an_alert(trader: Visit, kind: str) -> None:
    page = trader.page
    trader.show("Account")
    page.get_by_role("button", name="Show my alerts").click()
    expect(page.locator('[data-name="alerts"]')).to_contain_text("None is set.")
    page.get_by_label("Target, an Apprise URL").fill("tgram://123456789:abcdefghijklmnopqrstuvwxyz_ABCDEFGHI/12315544/")
    page.get_by_label("When").select_option(kind)
    page.get_by_role("button", name="Set the alert").click()
    expect(page.locator('[data-name="alerts"]')).to_contain_text("rises above 0.")
    expect(page.locator('[data-name="alerts"]')).not_to_contain_text("abcdefghij")  # the target is told to nobody
    page.get_by_role("button", name="Remove").click()
    expect(page.locator('[data-name="alerts"]')).to_contain_text("None is set.")
    assert serious(page) == []


def money(visit: Visit, way: str) -> None:
    """Opens the forms at one of the ways."""
    visit.page.get_by_role("button", name="Withdraw or transfer").click()
    visit.page.get_by_role("dialog").get_by_role("tab", name=way, exact=True).click()


def test_money_is_withdrawn_and_what_is_refused_says_why(trader: Visit) -> None:
    page = trader.page
    money(trader, "Withdraw")
    expect(page.get_by_label("Address to pay")).to_have_value(trader.address)
    agrees(lambda: trader.number("money-withdrawable"), lambda: trader.told()["withdrawable"])
    page.get_by_label("Amount").fill("250")
    expect(page.locator('[data-name="money-free-after"]')).to_have_attribute("data-value", re.compile(r"^9750\.?"))
    assert serious(page) == []
    picture(page, "money")
    page.get_by_label("Address to pay").fill("nobody")
    page.get_by_role("dialog").get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.locator('[data-name="money-error"]')).to_have_text("An address has 0x and 40 hex digits.")
    page.get_by_label("Address to pay").fill(WAY)
    page.get_by_label("Amount").fill("90000")
    expect(page.locator(".reasons li")).to_contain_text("may leave the cross account")
    page.get_by_role("dialog").get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.locator('[data-name="money-error"]')).to_contain_text("Insufficient balance for withdrawal")
    page.get_by_label("Amount").fill("250")
    page.get_by_role("dialog").get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text(f"250 USD are on their way to {WAY}")).to_be_visible()
    until(lambda: float(trader.told()["equity"]) == 9_750)
    page.locator(".tables").get_by_role("tab", name="Ledger").click()
    expect(page.locator('[data-name="moved-withdraw"]')).to_have_attribute("data-value", re.compile(r"^-?250(\.0)?$"))


def test_a_wallet_sends_money_and_signs_it_itself(visit: Visit) -> None:
    wallet = visit.wallet(SECRET)
    page = visit.page
    before = float(visit.told()["equity"])
    money(visit, "Send")
    page.get_by_label("Amount").fill("120.5")
    page.get_by_label("Address to pay").fill(OTHER)
    expect(page.get_by_text("Your wallet signs this")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text(f"120.5 USD were sent to {OTHER}")).to_be_visible()
    assert wallet.signed[-1]["primaryType"] == "HyperliquidTransaction:UsdSend"
    assert wallet.signed[-1]["message"]["destination"] == OTHER
    assert float(visit.told()["equity"]) == before - 120.5
    assert float(told(visit.running, f"/accounts/{OTHER}")["equity"]) >= 120.5


def test_money_goes_out_of_margin_and_back(trader: Visit) -> None:
    page = trader.page
    trader.show("Account")
    money(trader, "Into margin")
    page.get_by_label("Amount").fill("5")
    page.get_by_role("button", name="Put into margin").click()
    expect(page.locator('[data-name="money-error"]')).to_contain_text("Insufficient balance")
    page.get_by_role("dialog").get_by_role("tab", name="Out of margin").click()
    page.get_by_label("Amount").fill("1000")
    page.get_by_role("button", name="Take out of margin").click()
    expect(page.get_by_text("1000 USD are outside margin now")).to_be_visible()
    assert float(trader.told()["outside_margin"]) == 1_000
    money(trader, "Into margin")
    page.get_by_label("Amount").fill("400")
    page.get_by_role("button", name="Put into margin").click()
    expect(page.get_by_text("400 USD are in margin now")).to_be_visible()
    assert (float(trader.told()["outside_margin"]), float(trader.told()["equity"])) == (600, 9_400)


def test_one_who_only_looks_moves_nothing(trader: Visit) -> None:
    page, address = trader.page, trader.address
    page.locator(".who").click()
    page.get_by_label("Address to look at").fill(address)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".who")).to_contain_text("Looking at")
    expect(page.locator(".summary")).to_be_visible()
    expect(page.get_by_role("button", name="Withdraw or transfer")).to_have_count(0)
    expect(page.get_by_role("button", name="Connect to trade")).to_be_visible()


def test_the_owner_switches_portfolio_margin_and_hears_why_not(visit: Visit) -> None:
    wallet = visit.wallet(bytes([10]) * 32)
    page, mode, why = visit.page, visit.page.locator('[data-name="cross-mode"]'), "portfolio-error"
    visit.trade("BTC", "buy", "0.1")
    visit.show("Account")
    money(visit, "Out of margin")
    page.get_by_label("Amount").fill("1000")
    page.get_by_role("button", name="Take out of margin").click()
    expect(page.get_by_text("1000 USD are outside margin now")).to_be_visible()
    expect(mode).to_have_attribute("data-value", "tiered")
    page.get_by_role("button", name="Use portfolio margin").click()  # 9,000 USD; the venue asks for 10,000
    expect(page.locator(f'[data-name="{why}"]')).to_have_text("Portfolio margin is not open to this account now.")
    assert wallet.signed[-1]["primaryType"] == "HyperliquidTransaction:UserPortfolioMargin"
    assert wallet.signed[-1]["message"]["user"] == visit.address
    assert wallet.signed[-1]["message"]["enabled"] is True
    assert serious(page) == []
    asked(visit.running.url, "/v1/faucet", {"address": visit.address, "usd": 5_000})
    page.get_by_role("button", name="Use portfolio margin").click()
    expect(page.get_by_text("Cross is in portfolio margin now")).to_be_visible()
    expect(mode).to_have_attribute("data-value", "portfolio")
    expect(page.locator(f'[data-name="{why}"]')).to_have_count(0)
    assert visit.told()["buckets"][0]["mode"] == "portfolio"
    agrees(lambda: visit.number("cross-maintenance"), lambda: visit.told()["buckets"][0]["maintenance"])
    assert serious(page) == []
    picture(page, "portfolio")
    page.get_by_role("button", name="Back to tiers").click()
    expect(page.get_by_text("Cross is margined by tiers now")).to_be_visible()
    assert wallet.signed[-1]["message"]["enabled"] is False
    expect(mode).to_have_attribute("data-value", "tiered")
    expect(page.locator(f'[data-name="{why}"]')).to_have_count(0)
