"""The risk page in a browser, of a venue with days of history: what it shows is what the API says. Its trade page is
looked at in both themes and at phone width: with candles to show it is as users see it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from stage import PHONE, TOKEN, Prices, order_admin, picture, serious, told, venue, with_past
from visit import Visit, agrees, until

from seawall.venue.ops.tokens import VARIABLE
from venue_process import MARKETS, Process

pytestmark = pytest.mark.slow
HOURS = 130


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, prices: Prices) -> Iterator[Process]:
    process = venue(tmp_path_factory.mktemp("venue"), prices)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, TOKEN)
        with_past(process, HOURS)
        until(lambda: told(process, "/risk/history/BTC")["present"] is not None, 90)
        yield process
        process.kill()


def test_funds_parameters_and_insurance_are_the_apis(holder: Visit) -> None:
    page, running = holder.page, holder.running
    holder.show("Risk")
    expect(page.locator(".uplot-box canvas").first).to_be_visible()
    expect(page.locator("[data-market]")).to_have_count(len(MARKETS))

    def insurance() -> Any:
        return next(one["insurance"] for one in told(running, "/funds")["funds"] if one["coin"] == "ETH")

    agrees(lambda: holder.number("fund-insurance"), insurance)
    expect(page.get_by_text("most leverage new risk may take").first).to_be_visible()
    expect(page.get_by_text("oracle_quorum").first).to_be_visible()
    page.get_by_label("Only those that the risk engine may move").check()
    railed = [one["name"] for one in told(running, "/markets/ETH/parameters")["parameters"] if one["is_railed"]]
    expect(page.locator("section[aria-label='Parameters of ETH'] tbody tr")).to_have_count(len(railed))
    assert float(holder.number("liquidations-at-risk")) >= 0
    assert float(holder.number("value-at-risk")) >= 0
    expect(page.get_by_role("region", name="Scenarios").locator("tbody tr")).to_have_count(10)
    expect(page.get_by_role("region", name="Sources", exact=True).locator("tbody tr")).to_have_count(2)
    assert serious(page) == []
    page.evaluate("scrollTo(0, 0)")
    picture(page, "risk")


def test_a_change_of_policy_shows_with_its_reason(visit: Visit) -> None:
    order_admin(visit.running, "parameter", coin="BTC", name="leverage_cap", value=25, reason="calmer is better")
    page = visit.arrive().page
    visit.show("Risk")
    changes = page.get_by_role("region", name="History of policy")
    expect(changes.get_by_text("calmer is better").first).to_be_visible()
    parameters = page.get_by_role("region", name="Parameters").locator("tbody tr")
    expect(parameters.filter(has_text="leverage_cap").first).to_contain_text("25 times")


def test_forecasts_stand_beside_static_margins_and_what_happened(visit: Visit) -> None:
    page, running = visit.arrive().page, visit.running
    visit.show("Risk")
    page.locator('[data-market="BTC"] button').click()
    expect(page.get_by_label("Margins and realised moves of BTC by hour").locator("canvas")).to_be_visible()
    past = told(running, "/risk/history/BTC")
    assert past["coverage"]["hours"] >= HOURS - 20
    assert page.locator('[data-name="past-hours"]').get_attribute("data-value") == str(past["coverage"]["hours"])
    for name in ("new_risk", "open_positions", "static_initial", "static_maintenance"):
        assert visit.number(f"past-{name}") == past["coverage"][name]
    expect(page.get_by_text("shadow: proposals are shown, not sent")).to_be_visible()
    expect(page.get_by_text("of these hours were counted from history")).to_be_visible()
    expect(page.locator('[data-name="past-last-data"]')).not_to_have_text("none yet")
    (market,) = (one for one in told(running, "/risk")["markets"] if one["coin"] == "BTC")
    assert visit.number("coverage-BTC") == market["coverage"]
    assert serious(page) == []
    page.get_by_role("region", name="Margins of BTC and what then happened").scroll_into_view_if_needed()
    picture(page, "risk-past")


def test_the_whole_queue_is_paged_and_names_the_own_place(trader: Visit) -> None:
    trader.trade("BTC", "sell", "0.3")
    page, running = trader.page, trader.running
    trader.show("Risk")
    page.get_by_role("tab", name="Shorts").click()
    rows = page.locator('[data-name="queue"] tbody tr')

    def places() -> Any:
        return [row.get_attribute("data-place") for row in rows.all()]

    def wanted(start: int) -> Any:
        told_ = told(running, f"/markets/BTC/queue?side=short&start={start}&limit=10")
        return [str(one["place"]) for one in told_["positions"]]

    agrees(places, lambda: wanted(0))
    total = told(running, "/markets/BTC/queue?side=short")["total"]
    if total > 10:
        page.get_by_role("button", name="After").click()
        agrees(places, lambda: wanted(10))
        page.get_by_role("button", name="Before").click()
    place = next(
        one["place"]
        for one in told(running, "/markets/BTC/queue?side=short&limit=500")["positions"]
        if one["address"] == trader.address
    )
    for _ in range((place - 1) // 10):
        page.get_by_role("button", name="After").click()
    expect(page.locator('[data-name="queue"] tr.chosen')).to_contain_text(f"{trader.address} (own)")


def test_liquidations_at_price_are_the_exposures(holder: Visit) -> None:
    page = holder.page
    holder.show("Risk")
    plot = page.get_by_label("Liquidations of ETH by move of the mark")
    expect(plot.locator("canvas")).to_be_visible()
    rows = page.get_by_role("region", name="Cascades").locator("tbody tr")
    expect(rows).to_have_count(len(told(holder.running, "/risk/exposure/ETH")["cascades"]))
    expect(page.get_by_role("heading", name="Depth of ETH")).to_be_visible()


def test_the_trade_page_shuts_nobody_out(trader: Visit) -> None:
    page = trader.page
    trader.trade("ETH", "sell", "6")
    trader.trade("BTC", "buy", "1.2")
    page.get_by_role("button", name="1h").click()
    mark = trader.mark("BTC")
    page.get_by_role("button", name="TP/SL: BTC").click()
    page.get_by_label("Take profit").fill(str(round(mark * 1.02)))
    page.get_by_label("Stop loss").fill(str(round(mark * 0.985)))
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_label("Size in BTC").fill("0.35")
    expect(page.locator('[data-name="after-hours_24"]')).to_be_visible()
    for theme in ("dark", "light"):
        if page.locator(f'html[data-theme="{theme}"]').count() == 0:
            page.get_by_role("button", name="Switch to").click()
        assert serious(page) == []
        picture(page, f"trade-{theme}")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert serious(page) == []
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"the page is {width} px wide on a phone"
    picture(page, "trade-phone")
