"""What holds on every page of the dashboard: phone width, the keyboard, one host, and a venue that comes back."""

import pytest
from playwright.sync_api import Page, expect
from stage import PHONE, serious
from visit import Visit

pytestmark = pytest.mark.slow
PAGES = ("Trade", "Account", "Risk", "Lab", "Audit")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_fits_a_phone_and_shuts_nobody_out(holder: Visit, theme: str) -> None:
    page = holder.page
    if theme == "light":
        page.get_by_role("button", name="Switch to light").click()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for name in PAGES:
        holder.show(name)
        page.wait_for_timeout(1_000)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], f"{name} is {width} px wide"
        assert serious(page) == [], name


def test_every_page_says_what_is_missing_without_an_account(visit: Visit) -> None:
    page = visit.arrive().page
    expect(page.get_by_text("Connect, or look at an address, to see positions and orders.")).to_be_visible()
    visit.show("Account")
    expect(page.get_by_text("every account is public here")).to_be_visible()
    visit.show("Audit")
    expect(page.get_by_text("Connect, or look at an address, to prove it.")).to_be_visible()
    for name in PAGES:
        visit.show(name)
        assert serious(page) == [], name


def test_all_that_is_pressed_is_reached_by_tab(trader: Visit) -> None:
    """Tab goes through every button, link and field that is shown, and comes round."""
    page = trader.page
    for name in PAGES:
        trader.show(name)
        page.wait_for_timeout(1_000)
        page.evaluate("document.activeElement.blur(); window.reached = new Set()")
        for _ in range(wanted(page) + 40):
            page.keyboard.press("Tab")
            page.evaluate("window.reached.add(document.activeElement)")
        missed = page.evaluate(
            "[...document.querySelectorAll(window.pressed)].filter((one) => one.checkVisibility() && !one.disabled"
            " && one.tabIndex >= 0 && !window.reached.has(one)).map((one) => one.outerHTML.slice(0, 120))"
        )
        assert missed == [], f"{name}: {missed[:3]}"


def wanted(page: Page) -> int:
    """How many elements there are to press or to fill."""
    page.evaluate("window.pressed = 'button, a[href], input, select, summary, [tabindex]'")
    return int(page.evaluate("document.querySelectorAll(window.pressed).length"))


def test_the_address_of_the_page_is_the_only_host(visit: Visit) -> None:
    hosts: set[str] = set()
    visit.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    visit.arrive()
    visit.page.wait_for_selector(".ladder")
    assert hosts == {visit.running.url.split("/")[2]}


def test_a_restart_of_the_venue_loses_no_place(trader: Visit) -> None:
    page, running = trader.page, trader.running
    trader.trade("BTC", "buy", "0.02")
    page.get_by_role("tab", name="Limit").click()
    page.get_by_label("Price", exact=True).fill("90000")
    running.kill()
    expect(page.locator(".banner")).to_be_visible()
    expect(page.locator('[data-position="BTC"]')).to_be_visible()  # as it was
    running.start()
    expect(page.locator(".link.live")).to_be_visible(timeout=60_000)
    expect(page.locator(".banner")).to_have_count(0)
    assert page.get_by_label("Price", exact=True).input_value() == "90000"
    trader.agree()
