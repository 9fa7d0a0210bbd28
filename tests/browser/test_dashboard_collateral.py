"""Collateral in a browser: every figure is the API's; deposited, moved, collected, withdrawn by the page's own key."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from stage import TOKEN, Prices, picture, serious, told, venue
from visit import Visit, agrees, until

from seawall.venue.ops.tokens import VARIABLE
from venue_process import Process

pytestmark = pytest.mark.slow
ASSETS = """
[risk]
mode = "shadow"
[[asset]]
coin = "ETH"
[[asset]]
coin = "ETH"
kind = "pool"
weight_maintenance = 0.8
weight_initial = 0.7
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, prices: Prices) -> Iterator[Process]:
    process = venue(tmp_path_factory.mktemp("venue"), prices, more=ASSETS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, TOKEN)
        process.start()
        yield process
        if process.process is not None:
            process.kill()


def deposit(visit: Visit, asset: str, amount: str, lower: str = "", upper: str = "") -> None:
    """By the faucet's form."""
    page = visit.page
    page.get_by_role("button", name="Deposit, withdraw or move collateral").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Asset").select_option(label=asset)
    dialog.get_by_label("Amount").fill(amount)
    if lower:
        dialog.get_by_label("Lower end").fill(lower)
        dialog.get_by_label("Upper end").fill(upper)
    dialog.get_by_role("button", name="Deposit", exact=True).click()
    expect(dialog).to_have_count(0)


def bucket(visit: Visit) -> Any:
    (one,) = visit.told("/collateral")["buckets"]
    return one


def position(visit: Visit) -> Any:
    return next(one["range"] for one in bucket(visit)["holdings"] if one["range"])


def test_collateral_is_deposited_shown_lent_against_and_withdrawn(trader: Visit) -> None:
    page = trader.page
    trader.show("Account")
    expect(page.get_by_text("Cash alone backs this account.")).to_be_visible()
    deposit(trader, "ETH", "2")
    expect(page.locator('[data-name="lots-ETH"]')).to_have_attribute("data-value", re.compile(r"^2\.?0?$"))
    agrees(lambda: trader.number("maintenance-0"), lambda: bucket(trader)["holdings"][0]["value_maintenance"])
    agrees(lambda: trader.number("weight-0"), lambda: told(trader.running, "/assets")["assets"][0]["weight_initial"])
    page.get_by_role("button", name="Withdraw or transfer").click()
    page.get_by_label("Amount").fill("12000")
    page.get_by_role("dialog").get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.locator('[data-name="borrowed-cross"]')).to_have_attribute("data-value", re.compile(r"^2000"))
    page.get_by_role("button", name="Deposit, withdraw or move collateral").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Withdraw").click()
    dialog.get_by_label("Amount").fill("2")
    dialog.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.locator('[data-name="collateral-error"]')).to_contain_text("Insufficient balance for withdrawal")
    dialog.get_by_label("Amount").fill("0.5")
    assert serious(page) == []
    dialog.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.locator('[data-name="lots-ETH"]')).to_have_attribute("data-value", re.compile(r"^1\.5"))


def test_a_position_is_shown_moved_decreased_collected_and_withdrawn(trader: Visit, prices: Prices) -> None:
    page = trader.page
    trader.show("Account")
    deposit(trader, "ETH pool position", "8000", "3000", "5300")
    panel = page.locator(".range-panel")
    expect(panel).to_have_count(1)
    token = position(trader)["token"]
    for field in ("fair_value", "delta", "gamma"):
        agrees(lambda name=field: trader.number(f"{name}-{token}"), lambda name=field: position(trader)[name])  # type: ignore[misc]
    assert 7_000 < float(position(trader)["fair_value"]) < 9_000
    for price in (4_040.0, 3_990.0, 4_000.0):
        prices.now["ETH"] = price
        until(lambda aim=price: abs(float(told(trader.running, "/assets")["assets"][0]["index"]) - aim) < 1)  # type: ignore[misc]
    until(lambda: float(position(trader)["fees"]) > 0)
    agrees(lambda: trader.number(f"fees-{token}"), lambda: position(trader)["fees"])
    panel.get_by_role("button", name="Collect fees").click()
    until(lambda: float(trader.told(f"/ranges/1/{token}")["fees_collected"]) > 0)
    expect(page.locator(f'[data-name="advice-{token}"]')).to_contain_text("Advice")
    panel.get_by_role("button", name="As advised").click()
    panel.get_by_role("button", name="Move range").click()
    advised = trader.told(f"/ranges/1/{token}")["advice"]
    until(lambda: float(position(trader)["lower"]) == pytest.approx(float(advised["lower"]), rel=0.05))
    before = int(position(trader)["liquidity"])
    panel.get_by_label(f"Part of {token} to take out").fill("0.25")
    panel.get_by_role("button", name="Take out").click()
    until(lambda: int(position(trader)["liquidity"]) == pytest.approx(before * 0.75, abs=2))
    panel.get_by_label(f"New lower end of {token}").fill("5000")
    panel.get_by_label(f"New upper end of {token}").fill("4000")
    panel.get_by_role("button", name="Move range").click()
    expect(page.locator(f'[data-name="range-error-{token}"]')).to_contain_text("lower")
    assert serious(page) == []
    panel.scroll_into_view_if_needed()
    picture(page, "collateral")
    panel.get_by_role("button", name="Withdraw position").click()
    expect(panel).to_have_count(0)


def test_a_wallet_signs_typed_data_that_says_what_is_done(visit: Visit) -> None:
    wallet, page = visit.wallet(bytes([21]) * 32), visit.page
    visit.show("Account")
    deposit(visit, "ETH", "1")
    page.get_by_role("button", name="Deposit, withdraw or move collateral").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Withdraw").click()
    dialog.get_by_label("Amount").fill("0.25")
    dialog.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.locator('[data-name="lots-ETH"]')).to_have_attribute("data-value", re.compile(r"^0\.75"))
    shown = wallet.signed[-1]
    assert shown["primaryType"] == "HyperliquidTransaction:WithdrawCollateral"
    assert (shown["message"]["collateral"], shown["message"]["size"]) == (0, "0.25")


def test_a_sub_account_is_made_and_given_money(trader: Visit) -> None:
    page = trader.page
    trader.show("Account")
    page.get_by_label("Name of the new sub-account").fill("hedge")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("region", name="Sub-accounts").get_by_text("hedge").first).to_be_visible()
    page.get_by_label("Amount to transfer").fill("125.5")
    page.get_by_role("button", name="Transfer", exact=True).click()
    expect(page.locator('[data-name="sub-hedge"]')).to_have_attribute("data-value", re.compile(r"^125\.5"))
    page.get_by_label("Way of the transfer").select_option("out")
    page.get_by_label("Amount to transfer").fill("9999")
    page.get_by_role("button", name="Transfer", exact=True).click()
    expect(page.locator('[data-name="sub-error"]')).to_contain_text("Insufficient balance")
    assert serious(page) == []
    until(lambda: float(trader.told()["equity"]) == pytest.approx(9_874.5))


def test_the_risk_page_says_what_collateral_may_back(trader: Visit) -> None:
    trader.show("Risk")
    region = trader.page.get_by_role("region", name="Collateral weights").first
    expect(region).to_be_visible()
    live = told(trader.running, "/risk/collateral")["assets"][0]["value"]
    assert float(trader.number("live-0")) == pytest.approx(live / 1e9)
    assert serious(trader.page) == []
