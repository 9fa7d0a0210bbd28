"""The pages Account, Risk and Audit in a browser, with a demo key: what they show is what the API says, and what the
Audit page proves is proven."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from stage import PHONE, WIDE, Prices, chromium, complaints_of, picture, serious, told, venue

from venue_process import MARKETS, Process

pytestmark = pytest.mark.slow
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
    process.kill()


@pytest.fixture(scope="module")
def page(running: Process) -> Iterator[Page]:
    """A visit with a demo key that is long BTC and short ETH."""
    with chromium() as browser:
        context = browser.new_context(viewport=WIDE, color_scheme="dark")  # type: ignore[arg-type]
        one = context.new_page()
        one.set_default_timeout(WAIT_MS)
        one.goto(running.url)
        one.get_by_role("banner").get_by_role("button", name="Connect").click()
        one.get_by_role("button", name="Demo key").click()
        expect(one.locator(".summary")).to_be_visible()
        trade(one, "BTC", "buy", "0.3")
        trade(one, "ETH", "sell", "1.5")
        yield one
        context.close()


@pytest.fixture(scope="module")
def address(page: Page) -> str:
    return str(page.locator(".who").get_attribute("title"))


@pytest.fixture(scope="module")
def errors(page: Page) -> list[str]:
    return complaints_of(page)


def trade(page: Page, coin: str, side: str, size: str) -> None:
    page.locator(".market-name").click()
    page.get_by_label("Search markets").fill(coin)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Buy / Long" if side == "buy" else "Sell / Short").click()
    page.get_by_label(f"Size in {coin}").fill(size)
    page.locator(f"button[type=submit].{side}").click()
    expect(page.locator(f'[data-position="{coin}"]')).to_be_visible()


def number(page: Page, name: str) -> Any:
    return page.locator(f'[data-name="{name}"]').first.get_attribute("data-value")


def agrees(shown: Callable[[], Any], wanted: Callable[[], Any]) -> None:
    """Both come to say the same: the page asks every few seconds, and figures move meanwhile."""
    for _ in range(80):
        before, seen, after = wanted(), shown(), wanted()
        if seen in (before, after):
            return
        time.sleep(0.15)
    raise AssertionError(f"the page shows {seen}, the API says {after}")


def show(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name).click()
    expect(page.locator("h1")).to_have_text(name)


def test_the_account_page_says_what_the_api_says(page: Page, running: Process, address: str, errors: list[str]) -> None:
    show(page, "Account")
    expect(page.locator(".plane .point").first).to_be_attached()

    def cross() -> Any:
        return told(running, f"/accounts/{address}")["buckets"][0]

    for field in ("equity", "free", "floor", "withdrawable", "maintenance", "liquidation_end", "margin_ratio"):
        agrees(lambda name=field: number(page, f"cross-{name}"), lambda name=field: cross()[name])  # type: ignore[misc]

    def down() -> Any:
        points = told(running, f"/accounts/{address}/surface")["points"]
        return next(point["scale"] for point in points if point["direction"] == "BTC down")

    agrees(lambda: number(page, "surface-BTC down"), down)
    page.get_by_label("Move of marks in percent").fill("-50")
    expect(page.get_by_text("below zero")).to_be_visible()
    assert serious(page) == []
    picture(page, "account")
    assert errors == []


def test_the_owner_sets_and_removes_an_alert(page: Page, errors: list[str]) -> None:
    show(page, "Account")
    page.get_by_role("button", name="Show my alerts").click()
    expect(page.locator('[data-name="alerts"]')).to_contain_text("None is set.")
    page.get_by_label("Target, an Apprise URL").fill("tgram://123456789:abcdefghijklmnopqrstuvwxyz_ABCDEFGHI/12315544/")
    page.get_by_label("When").select_option("margin_ratio")
    page.get_by_role("button", name="Set the alert").click()
    expect(page.locator('[data-name="alerts"]')).to_contain_text("Margin ratio rises above 0.7")
    expect(page.locator('[data-name="alerts"]')).not_to_contain_text("abcdefghij")  # the target is told to nobody
    page.get_by_role("button", name="Remove").click()
    expect(page.locator('[data-name="alerts"]')).to_contain_text("None is set.")
    assert serious(page) == []
    assert errors == []


def test_the_risk_page_says_what_the_api_says(page: Page, running: Process, errors: list[str]) -> None:
    show(page, "Risk")
    expect(page.locator(".uplot-box canvas")).to_be_visible()
    expect(page.locator("[data-market]")).to_have_count(len(MARKETS))

    def insurance() -> Any:
        return next(one["insurance"] for one in told(running, "/funds")["funds"] if one["coin"] == "ETH")

    agrees(lambda: number(page, "fund-insurance"), insurance)
    expect(page.get_by_text("most leverage new risk may take").first).to_be_visible()
    expect(page.get_by_text("oracle_quorum").first).to_be_visible()
    page.get_by_label("Only those that the risk engine may move").check()
    railed = [one["name"] for one in told(running, "/markets/ETH/parameters")["parameters"] if one["is_railed"]]
    expect(page.locator("section[aria-label='Parameters of ETH'] tbody tr")).to_have_count(len(railed))
    assert serious(page) == []
    picture(page, "risk")
    assert errors == []


def test_the_audit_page_proves_the_account(page: Page, running: Process, address: str, errors: list[str]) -> None:
    show(page, "Audit")
    expect(page.locator('[data-name="promises"]')).to_have_text("All 39 hold.")
    expect(page.locator('[data-name="books-add-up"].good')).to_be_visible()
    expect(page.locator('[data-name="ledger-adds-up"].good')).to_be_visible()
    expect(page.locator('[data-name="inclusion"] .good')).to_contain_text("Proven")
    agrees(
        lambda: page.locator('[data-name="root"]').text_content(),
        lambda: told(running, f"/accounts/{address}/inclusion")["tree"]["root"],
    )
    with page.expect_response("**/v1/proofs") as heard:
        pass
    expect(page.locator('[data-name="journal-head"]')).to_have_text(heard.value.json()["journal_head"])
    assert serious(page) == []
    picture(page, "audit")
    assert errors == []


def test_a_proof_that_was_tampered_with_is_refused(page: Page, running: Process, address: str) -> None:
    """The venue is not believed: one micro-USD less, and the page says so."""
    true = told(running, f"/accounts/{address}/inclusion")
    true["leaves"][0]["equity"] = str(int(true["leaves"][0]["equity"]) - 1)
    page.route("**/inclusion", lambda route: route.fulfill(json=true))
    expect(page.locator('[data-name="inclusion"] .bad')).to_contain_text("Not proven")
    page.unroute("**/inclusion")


def test_a_liquidation_is_told_line_by_line(page: Page, running: Process, address: str, prices: Prices) -> None:
    show(page, "Account")
    floor = prices.now["BTC"] * 0.6
    while prices.now["BTC"] > floor and not receipts(running, address):
        prices.now["BTC"] *= 0.985
        page.wait_for_timeout(500)
    expect(page.locator(".receipt")).to_have_count(1, timeout=60_000)
    for _ in range(100):
        if receipts(running, address)[0]["ended"] is not None:
            break
        page.wait_for_timeout(200)
    receipt = receipts(running, address)[0]
    expect(page.locator(".receipt .steps li")).to_have_count(len(receipt["steps"]))
    assert number(page, "receipt-equity") == receipt["equity"]
    assert number(page, "receipt-maintenance") == receipt["maintenance"]
    for step in receipt["steps"]:
        expect(page.locator(".receipt .steps")).to_contain_text(step["text"])
    assert serious(page) == []
    page.locator(".receipt").scroll_into_view_if_needed()
    picture(page, "receipt")


def receipts(running: Process, address: str) -> Any:
    return told(running, f"/accounts/{address}/liquidations")["receipts"]


def test_a_crash_is_replayed_and_shown(page: Page, running: Process, errors: list[str]) -> None:
    show(page, "Lab")
    page.get_by_label("Accounts").fill("400")
    page.get_by_label("Markets").fill("3")
    page.get_by_label("Hyperliquid").check()
    page.get_by_label("Drift").uncheck()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator('[data-run="running"]')).to_be_visible()
    expect(page.locator('[data-name="figures"]')).to_be_visible(timeout=400_000)
    replay = told(running, "/lab/runs/1/replay")
    assert list(replay["rules"]) == ["static", "hyperliquid", "dydx", "seawall"]
    for rule, figures in replay["rules"].items():
        cell = page.locator(f'[data-figure="{rule}-liquidated_accounts"]')
        expect(cell).to_have_attribute("data-value", str(figures["liquidated_accounts"]))
    expect(page.locator(".uplot-box canvas")).to_have_count(7)
    before = page.locator("output").text_content()
    page.get_by_label("Time of the replay").fill("500")
    assert page.locator("output").text_content() != before
    with page.expect_download() as saved:
        page.get_by_role("link", name="JSON").click()
    assert json.loads(Path(saved.value.path()).read_text("utf-8"))["schema"] == "seawall.replay/2"
    page.get_by_label("Time of the replay").fill("1000")
    assert serious(page) == []
    picture(page, "lab")
    assert errors == []


def test_every_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for name in ("Trade", "Account", "Risk", "Lab", "Audit"):
        show(page, name)
        page.wait_for_timeout(500)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{name} is {width} px wide"
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
