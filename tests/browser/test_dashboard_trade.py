"""The trade page in a browser, against a venue as a user runs it. What it shows is what the API says."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from stage import order_admin, told
from visit import Visit, until

pytestmark = pytest.mark.slow
SECRET = bytes([7]) * 32
SIZE = "0.02"


def test_a_wallet_connects_approves_an_agent_once_and_keeps_its_key(visit: Visit) -> None:
    wallet = visit.wallet(SECRET)
    assert visit.address == wallet.address
    assert [data["primaryType"] for data in wallet.signed] == ["HyperliquidTransaction:ApproveAgent"]
    assert wallet.signed[0]["domain"]["chainId"] == 42161  # the wallet's own chain
    assert "EIP712Domain" in wallet.signed[0]["types"]
    visit.trade("BTC", "buy", SIZE)
    assert len(wallet.signed) == 1  # the agent signed, not the wallet
    visit.page.reload()
    expect(visit.page.locator('[data-position="BTC"]')).to_be_visible()  # connected again by itself
    kept = visit.page.evaluate("JSON.stringify(localStorage)")
    assert SECRET.hex() not in json.loads(json.dumps(kept))


def test_the_faucet_gives_and_the_page_says_what_the_api_says(trader: Visit) -> None:
    before = float(trader.told()["equity"])
    trader.page.get_by_role("button", name="Faucet").click()
    expect(trader.page.get_by_text("The faucet gave 10000.0 USD")).to_be_visible()
    assert float(trader.told()["equity"]) == before + 10_000
    trader.agree()


def test_an_order_is_previewed_placed_and_filled(trader: Visit) -> None:
    page = trader.page
    page.get_by_label("Size in BTC").fill(SIZE)
    expect(page.locator('[data-name="after-used"]')).to_be_visible()
    used = float(trader.number("after-used"))
    assert used == pytest.approx(0.02 * trader.mark("BTC") / 20, rel=0.05)
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.locator('[data-position="BTC"]')).to_be_visible()
    page.get_by_role("tab", name="Fills").click()
    expect(page.locator('[data-name="fill-size"]').first).to_be_visible()
    fill = trader.running.info({"type": "userFills", "user": trader.address})[0]
    assert trader.number("fill-price") == fill["px"]
    page.get_by_role("tab", name="Positions").click()
    position = trader.position("BTC")
    assert (position["size"], position["side"]) == (SIZE, "long")
    assert trader.number("entry_price") == position["entry_price"]
    trader.agree()


def test_the_preview_tells_liquidation_fees_and_funding_to_come(trader: Visit) -> None:
    """Every figure of "If filled" is that of what-if and its foresight, asked for the same order."""
    page = trader.page
    page.get_by_role("tab", name="Limit").click()
    price = round(trader.mark("BTC"))
    page.get_by_label("Price", exact=True).fill(str(price))
    page.get_by_label("Size in BTC").fill("1.5")
    expect(page.locator('[data-name="after-hours_24"]')).to_be_visible()
    order = {"coin": "BTC", "side": "buy", "size": "1.5", "price": str(price), "leverage": 20, "margin_mode": "cross"}
    path = f"/v1/accounts/{trader.address}/what-if"
    asked = trader.running.post(path, {"order": order})
    counted = trader.running.post(f"{path}/foresight", {"order": order})["after"]["buckets"][0]["probabilities"]
    assert float(trader.number("fee")) == float(asked["fee"]) > 0
    for hours in ("hour_1", "hours_8", "hours_24"):
        assert float(trader.number(f"after-{hours}")) == pytest.approx(float(counted[hours]), abs=0.02)
        shown, wanted = trader.number(f"funding-{hours}"), asked["after"]["positions"][0]["funding_ahead"][hours]
        assert float(shown) == pytest.approx(float(wanted), rel=0.5, abs=0.5)
    assert float(counted["hour_1"]) <= float(counted["hours_8"]) <= float(counted["hours_24"]) > 0
    assert trader.number("before-hours_24") == "0.0"
    page.get_by_label("Size in BTC").fill("40")
    expect(page.locator(".reasons li").first).to_contain_text("exceeds equity")


def test_leverage_ends_at_the_live_cap_and_says_why(trader: Visit) -> None:
    page = trader.page
    market = told(trader.running, "/markets/BTC")
    slider = page.get_by_role("slider", name="Leverage")
    expect(slider).to_have_attribute("max", str(market["max_leverage"]))
    expect(page.locator(".margin .why")).to_contain_text("tier")
    slider.fill("7")
    page.get_by_role("button", name="Set cross 7× now").click()
    expect(page.get_by_text("BTC: 7×, cross")).to_be_visible()
    asked = {"type": "activeAssetData", "user": trader.address, "coin": "BTC"}
    assert trader.running.info(asked)["leverage"] == {"type": "cross", "value": 7}
    page.get_by_role("button", name="Isolated", exact=True).click()
    page.get_by_role("button", name="Set isolated 7× now").click()
    expect(page.get_by_text("BTC: 7×, isolated")).to_be_visible()
    assert trader.running.info(asked)["leverage"]["type"] == "isolated"
    trader.trade("BTC", "buy", SIZE)
    assert trader.position("BTC")["bucket"] == "isolated BTC"


def test_the_cap_follows_the_operator(trader: Visit) -> None:
    order_admin(trader.running, "parameter", coin="ETH", name="leverage_cap", value=12, reason="a test")
    trader.choose("ETH")
    slider = trader.page.get_by_role("slider", name="Leverage")
    expect(slider).to_have_attribute("max", "12")
    expect(trader.page.locator(".margin .why")).to_contain_text("The operator's cap")


def order_of(trader: Visit, kind: str) -> Any:
    """The one open order, once it is there; its kind is `kind`."""
    (found,) = until(trader.orders)
    assert found["orderType"] == kind
    return found


def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)


def cancel_all(trader: Visit) -> None:
    trader.page.get_by_role("tab", name="Orders").click()
    trader.page.get_by_role("button", name=re.compile("^Cancel order")).first.click()
    expect(trader.page.get_by_text("No open orders.")).to_be_visible()
    until(lambda: not trader.orders())


@pytest.mark.parametrize(("choice", "tif"), [("Gtc", "Gtc"), ("Alo", "Alo")])
def test_a_limit_order_rests_and_is_cancelled(trader: Visit, choice: str, tif: str) -> None:
    page = trader.page
    page.get_by_role("tab", name="Limit").click()
    fill(page, Price=str(round(trader.mark("BTC") * 0.9)))
    page.get_by_label("Time in force").select_option(choice)
    page.get_by_label("Size in BTC").fill(SIZE)
    page.get_by_role("button", name="Buy BTC").click()
    found = order_of(trader, "Limit")
    assert (found["tif"], found["sz"], found["side"]) == (tif, SIZE, "B")
    other = round(trader.mark("BTC") * 0.88)
    page.get_by_role("tab", name="Orders").click()
    trader.choose("ETH")  # an order is changed wherever one looks
    page.get_by_role("button", name="Change order").click()
    fill(page, **{"New price": str(other)})
    page.keyboard.press("Enter")
    until(lambda: float(order_of(trader, "Limit")["limitPx"]) == other)
    expect(page.get_by_role("dialog")).to_have_count(0)
    cancel_all(trader)


def test_an_order_that_may_not_rest_is_refused_in_words(trader: Visit) -> None:
    page = trader.page
    page.get_by_role("tab", name="Limit").click()
    fill(page, Price=str(round(trader.mark("BTC") * 0.9)))
    page.get_by_label("Time in force").select_option("Ioc")
    page.get_by_label("Size in BTC").fill(SIZE)
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.locator(".messages .bad")).to_contain_text("could not immediately match")
    assert trader.orders() == []


@pytest.mark.parametrize("kind", ["Stop", "TP"])
@pytest.mark.parametrize("is_limit", [False, True])
def test_stops_and_take_profits_wait_for_their_trigger(trader: Visit, kind: str, is_limit: bool) -> None:
    page = trader.page
    page.get_by_role("tab", name=kind, exact=True).click()
    at = round(trader.mark("BTC") * (1.1 if kind == "Stop" else 0.9))
    fill(page, Trigger=str(at))
    if is_limit:
        page.get_by_label("Limit order once triggered").check()
        fill(page, Price=str(at + 100))
    page.get_by_label("Size in BTC").fill(SIZE)
    page.get_by_role("button", name="Buy BTC").click()
    word = {"Stop": "Stop", "TP": "Take Profit"}[kind]
    found = order_of(trader, f"{word} {'Limit' if is_limit else 'Market'}")
    assert float(found["triggerPx"]) == at
    assert not is_limit or float(found["limitPx"]) == at + 100
    cancel_all(trader)


def test_a_trailing_stop_follows_a_position(holder: Visit) -> None:
    page = holder.page
    holder.choose("BTC")
    page.get_by_role("tab", name="Trail").click()
    page.get_by_role("button", name="Sell / Short").click()
    fill(page, Distance="900")
    page.get_by_label("Size in BTC").fill("0.05")
    page.get_by_role("button", name="Sell BTC").click()
    (found,) = until(holder.orders)
    assert (found["reduceOnly"], found["isTrigger"]) == (True, True)
    cancel_all(holder)


def test_a_twap_runs_and_is_stopped(trader: Visit) -> None:
    page = trader.page
    page.get_by_role("tab", name="TWAP").first.click()
    fill(page, Duration="10")
    page.get_by_label("Size in BTC").fill("0.2")
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.get_by_text(re.compile("TWAP .* runs for 10 minutes"))).to_be_visible()
    page.locator(".tables").get_by_role("tab", name="TWAP").click()
    page.get_by_role("button", name=re.compile("^Stop TWAP")).click()
    expect(page.get_by_text("No TWAP runs.")).to_be_visible()


def test_an_order_brings_its_own_stops(trader: Visit) -> None:
    page = trader.page
    mark = trader.mark("BTC")
    page.get_by_label("TP / SL").check()
    fill(page, TP=str(round(mark * 1.05)), SL=str(round(mark * 0.97)))
    page.get_by_label("Size in BTC").fill(SIZE)
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.locator('[data-position="BTC"]')).to_be_visible()
    kinds = until(lambda: len(found := trader.orders()) == 2 and found)
    assert sorted(one["orderType"] for one in kinds) == ["Stop Market", "Take Profit Market"]


def test_reduce_only_never_opens_and_a_share_fills_the_size(holder: Visit) -> None:
    page = holder.page
    holder.choose("BTC")
    page.get_by_label("Reduce-only").check()
    page.get_by_role("button", name="Sell / Short").click()
    page.get_by_role("button", name="50%").click()
    assert page.get_by_label("Size in BTC").input_value() == "0.02500"
    page.get_by_role("button", name="Sell BTC").click()
    until(lambda: holder.position("BTC")["size"] == "0.025")
    page.get_by_role("button", name="Buy / Long").click()
    page.get_by_label("Size in BTC").fill("0.01")
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.locator(".messages .bad")).to_contain_text(re.compile("reduce", re.IGNORECASE))
    page.get_by_role("button", name="Close: BTC").click()
    expect(page.locator('[data-position="BTC"]')).to_have_count(0)


def test_stops_are_set_drawn_and_dragged(trader: Visit) -> None:
    page = trader.page
    trader.trade("BTC", "buy", SIZE)
    mark = trader.mark("BTC")
    take, stop = round(mark * 1.03), round(mark * 0.99)
    page.get_by_role("button", name="TP/SL: BTC").click()
    fill(page, **{"Take profit": str(take), "Stop loss": str(stop)})
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".plot")).to_have_attribute("data-lines", re.compile("TP.*SL|SL.*TP"))
    expect(page.locator(".plot")).to_have_attribute("data-lines", re.compile(r"Long 0\.02"))
    stops = {one["orderType"]: float(one["triggerPx"]) for one in until(trader.orders)}
    assert stops == {"Take Profit Market": take, "Stop Market": stop}

    def at(kind: str) -> float:
        return next(float(one["triggerPx"]) for one in trader.orders() if one["orderType"] == kind)

    drag(page, stop, mark * 0.98)
    until(lambda: at("Stop Market") != stop)
    assert at("Stop Market") == pytest.approx(mark * 0.98, rel=0.005)
    drag(page, take, mark * 1.02)
    until(lambda: at("Take Profit Market") != take)
    assert at("Take Profit Market") == pytest.approx(mark * 1.02, rel=0.005)


def test_a_resting_order_is_dragged_and_the_liquidation_line_is_drawn(trader: Visit) -> None:
    page = trader.page
    trader.trade("BTC", "buy", "1.5")
    expect(page.locator(".plot")).to_have_attribute("data-lines", re.compile("Liq"))
    mark = trader.mark("BTC")
    page.get_by_role("tab", name="Limit").click()
    fill(page, Price=str(round(mark * 0.985)))
    page.get_by_label("Size in BTC").fill("0.01")
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.locator(".plot")).to_have_attribute("data-lines", re.compile(r"Buy 0\.01"))
    before = float(order_of(trader, "Limit")["limitPx"])
    drag(page, before, mark * 0.98)
    until(lambda: float(order_of(trader, "Limit")["limitPx"]) != before)
    assert float(order_of(trader, "Limit")["limitPx"]) == pytest.approx(mark * 0.98, rel=0.005)


def drag(page: Page, old: float, new: float) -> None:
    """Moves a line of the chart from one price to another, with the mouse."""
    find = "([a, b]) => [window.seawallChart.y(a), window.seawallChart.y(b)]"
    where = until(lambda: all(found := page.evaluate(find, [old, new])) and found)
    box = page.locator(".plot").bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 3
    page.mouse.move(x, box["y"] + where[0])
    page.mouse.down()
    page.mouse.move(x, box["y"] + where[1], steps=8)
    page.mouse.up()


def test_a_position_moves_to_isolated_and_back_and_its_margin_is_changed(trader: Visit) -> None:
    page = trader.page
    trader.trade("BTC", "buy", SIZE)
    page.get_by_role("button", name="To isolated: BTC").click()
    page.get_by_role("dialog").get_by_label("Margin").fill("150")
    page.get_by_role("button", name="Move the position").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Margin ±: BTC")).to_be_visible()
    before = trader.position("BTC")
    assert before["bucket"] == "isolated BTC"
    added = change_margin(trader, "Add", "100")
    assert float(added["liquidation_price"]) < float(before["liquidation_price"]) - 4_000
    removed = change_margin(trader, "Remove", "40")
    assert float(removed["liquidation_price"]) > float(added["liquidation_price"]) + 1_500
    expect(page.locator('[data-position="BTC"] [data-name="liquidation_price"]')).to_have_attribute(
        "data-value", removed["liquidation_price"]
    )
    page.get_by_role("button", name="To cross: BTC").click()
    page.get_by_role("button", name="Move the position").click()
    until(lambda: trader.position("BTC")["bucket"] == "cross")


def change_margin(trader: Visit, deed: str, usd: str) -> Any:
    """Puts isolated margin in or takes it out through the dialog; the position after."""
    trader.page.get_by_role("button", name="Margin ±: BTC").click()
    trader.page.get_by_label("Amount").fill(usd)
    trader.page.get_by_role("button", name=deed).click()
    expect(trader.page.get_by_text(f"{deed.removesuffix('e')}ed {usd} USD")).to_be_visible()
    return trader.position("BTC")


def test_the_keyboard_is_enough_to_choose_a_market_and_place_an_order(trader: Visit) -> None:
    page = trader.page
    page.locator(".market-name").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search markets")).to_be_focused()
    page.keyboard.type("eth")
    page.keyboard.press("Enter")
    expect(page.locator(".market-name")).to_contain_text("ETH")
    page.get_by_label("Size in ETH").focus()
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    expect(page.locator('[data-position="ETH"]')).to_be_visible()
    page.get_by_role("tab", name="Positions").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Orders")).to_have_attribute("aria-selected", "true")
    for tab in ("Fills", "Funding", "Ledger"):
        page.locator(".tables").get_by_role("tab", name=tab).click()
        expect(page.locator(".tables [role=tabpanel]")).not_to_be_empty()
    expect(page.locator('[data-name="moved-deposit"]').first).to_be_visible()
