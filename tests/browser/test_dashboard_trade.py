"""The trade page in a browser, against a venue as a user runs it: a wallet connects, trades, sets stops, moves margin,
is liquidated, and loses its connection. What the page shows is what the API says."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from stage import PHONE, WIDE, Prices, Wallet, chromium, complaints_of, picture, serious, told, venue

from venue_process import MARKETS, Process

pytestmark = pytest.mark.slow
SECRET = bytes([7]) * 32
SIZE = "0.02"
WAIT_MS = 30_000
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def prices() -> Iterator[Prices]:
    with Prices(MARKETS) as line:
        yield line


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, prices: Prices) -> Iterator[Process]:
    process = venue(tmp_path_factory.mktemp("venue"), prices)
    process.start()
    yield process
    if process.process is not None:
        process.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all tests of this file, in their order: a visit of one trader."""
    context = browser.new_context(viewport=WIDE, color_scheme="dark")  # type: ignore[arg-type]
    one = context.new_page()
    one.set_default_timeout(WAIT_MS)
    yield one
    context.close()


@pytest.fixture(scope="module")
def wallet(page: Page) -> Wallet:
    return Wallet(page, SECRET)


@pytest.fixture(scope="module")
def errors(page: Page) -> list[str]:
    return complaints_of(page)


def number(page: Page, name: str) -> Any:
    """The whole number behind one on the page."""
    return page.locator(f'[data-name="{name}"]').first.get_attribute("data-value")


def agree(page: Page, process: Process, address: str) -> None:
    """The figures of the account and of its positions on the page are the API's, of some moment between two reads."""
    fields = ("free", "used", "maintenance")
    for _ in range(40):
        before = told(process, f"/accounts/{address}")
        shown = {name: number(page, f"account-{name}") for name in ("equity", *fields)}
        cross = next(one for one in before["buckets"] if one["bucket"] == "cross")
        wanted = {"equity": before["equity"], **{name: cross[name] for name in fields}}
        if shown == wanted:
            return
        time.sleep(0.1)
    raise AssertionError(f"the page shows {shown}, the API says {wanted}")


def test_a_wallet_connects_and_approves_an_agent_once(
    page: Page, running: Process, wallet: Wallet, errors: list[str]
) -> None:
    page.goto(running.url)
    expect(page.locator(".link.live")).to_be_visible()
    page.get_by_role("banner").get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Test wallet").click()
    expect(page.locator(".summary")).to_be_visible()
    page.get_by_role("button", name="Enable trading").click()
    expect(page.get_by_role("button", name="Buy BTC")).to_be_visible()
    assert [data["primaryType"] for data in wallet.signed] == ["HyperliquidTransaction:ApproveAgent"]
    assert wallet.signed[0]["domain"]["chainId"] == 42161  # the wallet's own chain
    assert "EIP712Domain" in wallet.signed[0]["types"]
    assert errors == []


def test_the_faucet_gives_and_the_page_says_what_the_api_says(page: Page, running: Process, wallet: Wallet) -> None:
    before = float(told(running, f"/accounts/{wallet.address}")["equity"])
    page.get_by_role("button", name="Faucet").click()
    expect(page.get_by_text("The faucet gave 10000.0 USD")).to_be_visible()
    assert float(told(running, f"/accounts/{wallet.address}")["equity"]) == before + 10_000
    agree(page, running, wallet.address)


def test_an_order_is_previewed_placed_and_filled(page: Page, running: Process, wallet: Wallet) -> None:
    page.get_by_label("Size in BTC").fill(SIZE)
    expect(page.locator('[data-name="after-used"]')).to_be_visible()
    used = float(number(page, "after-used"))
    assert used == pytest.approx(2_000 / 20, rel=0.05)  # 0.02 BTC of about 100,000 at 20x
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.locator('[data-position="BTC"]')).to_be_visible()
    page.get_by_role("tab", name="Fills").click()
    expect(page.locator('[data-name="fill-size"]').first).to_be_visible()
    fill = running.info({"type": "userFills", "user": wallet.address})[0]
    assert number(page, "fill-price") == fill["px"]
    page.get_by_role("tab", name="Positions").click()
    position = told(running, f"/accounts/{wallet.address}/positions")["positions"][0]
    assert (position["coin"], position["size"], position["side"]) == ("BTC", SIZE, "long")
    assert number(page, "entry_price") == position["entry_price"]
    agree(page, running, wallet.address)
    assert len(wallet.signed) == 1  # the agent signed, not the wallet


def test_stops_are_set_drawn_and_dragged(page: Page, running: Process, wallet: Wallet) -> None:
    page.get_by_role("button", name="TP/SL: BTC").click()
    page.get_by_label("Take profit").fill("103000")
    page.get_by_label("Stop loss").fill("99000")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".plot")).to_have_attribute("data-lines", re.compile("TP.*SL|SL.*TP"))
    asked = {"type": "frontendOpenOrders", "user": wallet.address}
    stops = {one["orderType"]: one for one in running.info(asked)}
    assert {name: float(one["triggerPx"]) for name, one in stops.items()} == {
        "Take Profit Market": 103_000.0,
        "Stop Market": 99_000.0,
    }
    drag(page, 99_000.0, 98_000.0)
    for _ in range(50):
        moved = next(one for one in running.info(asked) if one["orderType"] == "Stop Market")
        if float(moved["triggerPx"]) != 99_000.0:
            break
        page.wait_for_timeout(100)
    assert float(moved["triggerPx"]) == pytest.approx(98_000, rel=0.005)
    assert moved["oid"] != 0


def drag(page: Page, old: float, new: float) -> None:
    """Moves a line of the chart from one price to another, with the mouse."""
    where = page.evaluate("([a, b]) => [window.seawallChart.y(a), window.seawallChart.y(b)]", [old, new])
    box = page.locator(".plot").bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 3
    page.mouse.move(x, box["y"] + where[0])
    page.mouse.down()
    page.mouse.move(x, box["y"] + where[1], steps=8)
    page.mouse.up()


def test_a_position_moves_to_isolated_and_its_margin_is_changed(page: Page, running: Process, wallet: Wallet) -> None:
    page.get_by_role("tab", name="Orders").click()
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_text("No open orders.")).to_be_visible()
    page.get_by_role("tab", name="Positions").click()
    page.get_by_role("button", name="To isolated: BTC").click()
    page.get_by_role("dialog").get_by_label("Margin").fill("150")
    page.get_by_role("button", name="Move the position").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Margin ±: BTC")).to_be_visible()
    before = told(running, f"/accounts/{wallet.address}/positions")["positions"][0]
    assert before["bucket"] == "isolated BTC"
    added = change_margin(page, running, wallet, "Add", "100")
    assert float(added["liquidation_price"]) < float(before["liquidation_price"]) - 4_000
    removed = change_margin(page, running, wallet, "Remove", "40")
    assert float(removed["liquidation_price"]) > float(added["liquidation_price"]) + 1_500
    expect(page.locator('[data-position="BTC"] [data-name="liquidation_price"]')).to_have_attribute(
        "data-value", removed["liquidation_price"]
    )


def change_margin(page: Page, running: Process, wallet: Wallet, deed: str, usd: str) -> Any:
    """Puts isolated margin in or takes it out through the dialog; the position after."""
    page.get_by_role("button", name="Margin ±: BTC").click()
    page.get_by_label("Amount").fill(usd)
    page.get_by_role("button", name=deed).click()
    expect(page.get_by_text(f"{deed.removesuffix('e')}ed {usd} USD")).to_be_visible()
    return told(running, f"/accounts/{wallet.address}/positions")["positions"][0]


def test_a_restart_of_the_venue_loses_no_place(page: Page, running: Process, wallet: Wallet) -> None:
    page.get_by_role("tab", name="Limit").click()
    page.get_by_label("Price", exact=True).fill("90000")
    running.kill()
    expect(page.locator(".banner")).to_be_visible()
    expect(page.locator('[data-position="BTC"]')).to_be_visible()  # as it was
    running.start()
    expect(page.locator(".link.live")).to_be_visible(timeout=60_000)
    expect(page.locator(".banner")).to_have_count(0)
    assert page.get_by_label("Price", exact=True).input_value() == "90000"
    agree(page, running, wallet.address)
    page.get_by_role("tab", name="Market").click()


def test_a_crash_liquidates_and_the_page_tells(page: Page, running: Process, wallet: Wallet, prices: Prices) -> None:
    held = told(running, f"/accounts/{wallet.address}/positions")["positions"][0]
    target = float(held["liquidation_price"]) * 0.99
    while prices.now["BTC"] > target:  # below the engine's limit of 5 % a second
        prices.now["BTC"] = max(target, prices.now["BTC"] * 0.99)
        page.wait_for_timeout(500)
    expect(page.locator('[data-position="BTC"]')).to_have_count(0, timeout=60_000)
    page.get_by_role("tab", name="Fills").click()
    expect(page.get_by_text("liquidation", exact=True).first).to_be_visible()
    receipts = told(running, f"/accounts/{wallet.address}/liquidations")["receipts"]
    assert receipts[0]["bucket"] == "isolated BTC"
    agree(page, running, wallet.address)


def test_no_one_is_shut_out(page: Page) -> None:
    page.get_by_role("tab", name="Positions").click()
    page.get_by_label("Size in BTC").fill(SIZE)
    page.get_by_role("button", name="Buy BTC").click()
    expect(page.locator('[data-position="BTC"]')).to_be_visible()
    page.get_by_label("Size in BTC").fill(SIZE)
    expect(page.locator('[data-name="after-used"]')).to_be_visible()
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        if page.locator(f'html[data-theme="{theme}"]').count() == 0:
            page.get_by_role("button", name="Switch to").click()
        assert serious(page) == []
        picture(page, f"trade-{theme}")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert serious(page) == []
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"the page is {width} px wide on a phone"
    picture(page, "trade-phone")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def test_the_keyboard_is_enough_to_choose_a_market_and_place_an_order(page: Page) -> None:
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
    page.keyboard.press("ArrowLeft")


def test_the_console_stayed_silent(errors: list[str]) -> None:
    """But for what the browser itself says of a connection that was cut."""
    assert [text for text in errors if "ERR_CONNECTION_REFUSED" not in text] == []


def test_nothing_was_kept_of_the_wallets_key(page: Page) -> None:
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert SECRET.hex() not in json.loads(json.dumps(kept))


def test_the_address_of_the_page_is_the_only_host(browser: Browser, running: Process) -> None:
    context = browser.new_context()
    one = context.new_page()
    hosts: set[str] = set()
    one.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    one.goto(running.url)
    one.wait_for_selector(".ladder")
    assert hosts == {running.url.split("/")[2]}
    context.close()
