"""The pages Audit and Lab in a browser: what the Audit page proves is proven, and a crash is replayed and shown."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect
from stage import picture, serious, told
from visit import Visit, agrees, until

from seawall.engine.invariants import FULL

pytestmark = pytest.mark.slow


def test_the_audit_page_proves_the_account(holder: Visit) -> None:
    page = holder.page
    holder.show("Audit")
    expect(page.locator('[data-name="promises"]')).to_have_text(f"All {len(FULL)} hold.")
    expect(page.locator('[data-name="books-add-up"].good')).to_be_visible()
    expect(page.locator('[data-name="ledger-adds-up"].good')).to_be_visible()
    expect(page.locator('[data-name="inclusion"] .good')).to_contain_text("Proven")
    agrees(
        lambda: page.locator('[data-name="root"]').text_content(),
        lambda: holder.told("/inclusion")["tree"]["root"],
    )
    with page.expect_response("**/v1/proofs") as heard:
        pass
    expect(page.locator('[data-name="journal-head"]')).to_have_text(heard.value.json()["journal_head"])
    assert serious(page) == []
    picture(page, "audit")


def test_a_proof_that_was_tampered_with_is_refused(holder: Visit) -> None:
    """The venue is not believed: one micro-USD less, and the page says so."""
    until(lambda: bool(holder.told("/inclusion")["leaves"]))  # the tree of a test before lacks a new account
    true = holder.told("/inclusion")
    true["leaves"][0]["equity"] = str(int(true["leaves"][0]["equity"]) - 1)
    holder.page.route("**/inclusion", lambda route: route.fulfill(json=true))
    holder.show("Audit")
    expect(holder.page.locator('[data-name="inclusion"] .bad')).to_contain_text("Not proven")


def test_a_crash_is_replayed_and_shown(visit: Visit) -> None:
    page = visit.arrive().page
    visit.show("Lab")
    page.get_by_label("Accounts").fill("400")
    page.get_by_label("Markets").fill("3")
    page.get_by_label("Hyperliquid").check()
    page.get_by_label("Drift").uncheck()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator('[data-run="running"]')).to_be_visible()
    expect(page.locator('[data-name="figures"]')).to_be_visible(timeout=400_000)
    replay = told(visit.running, "/lab/runs/1/replay")
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
