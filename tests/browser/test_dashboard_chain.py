"""A venue on a chain in a browser: a wallet whose money came through the vault trades, and takes money out; the audit
page tells how far the chain is, and that both sides agree."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")

from stage import picture, serious
from visit import Visit, agrees, until

from chain_process import OnChain
from seawall.chain.client import Client, connect
from seawall.chain.development import Development
from venue_rig import key, order_action, wire

pytestmark = pytest.mark.slow
BUYER, SELLER = 41, 42
PAYEE = "0x" + "77" * 20
READY_SECONDS = 600  # contracts are deployed first


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnChain]:
    """Two members with 10,000 USD each in the vault, the buyer with 2 ETH beside them; the seller's order rests."""
    made = OnChain(tmp_path_factory.mktemp("venue"), more='[[asset]]\ncoin = "ETH"\n')
    made.start()
    made.until(lambda _: True, READY_SECONDS)
    for number in (BUYER, SELLER):
        client = made.join(key(number), number, 10_000)
        made.approve(client)
        if number == BUYER:
            tester = Development(client, made.record, {})
            tester.give_asset(client.address, 0, 20_000)
            tester.deposit_asset(client, 0, 20_000)
    until(lambda: made.cash(key(BUYER)) > 10_000 and made.cash(key(SELLER)) == 10_000, 120)
    yield made
    made.kill()


@pytest.fixture
def member(browser: Browser, running: OnChain) -> Iterator[Visit]:
    """A visit of the buyer with its own wallet."""
    one = Visit(browser, running)
    one.wallet(BUYER.to_bytes(32, "big"))
    yield one
    one.close()


def shown(visit: Visit, name: str) -> Any:
    return visit.page.locator(f'[data-name="chain-{name}"]').get_attribute("data-value")


def test_the_chains_card_is_the_chains(member: Visit, running: OnChain) -> None:
    page = member.page
    before = running.chain()["trades"]
    price = str(round(float(running.info({"type": "allMids"})["ETH"])))
    told = running.act(key(SELLER), order_action(wire(False, price, "0.4", asset=1)))
    assert "resting" in told["response"]["data"]["statuses"][0], told
    member.trade("ETH", "buy", "0.4")
    found = running.until(lambda found: found["sent"] > before and not found["fault"])
    compared = found["compared"] or 0
    running.until(lambda found: (found["compared"] or 0) > compared and not found["gaps"])
    member.show("Audit")
    for name in ("trades", "sent", "withdrawals"):
        agrees(lambda one=name: shown(member, one), lambda one=name: str(running.chain()[one]))  # type: ignore[misc]
    assert int(shown(member, "block")) > 0
    agrees(lambda: shown(member, "held-ETH"), lambda: running.chain()["collateral"][0]["chain"])
    expect(page.get_by_role("button", name="Faucet")).to_have_count(0)  # money comes from the vault alone
    expect(page.get_by_text("Venue and chain agree.")).to_be_visible()
    expect(page.locator('[data-name="promises"].good')).to_be_visible()
    assert serious(page) == []
    page.get_by_role("region", name="Chain", exact=True).scroll_into_view_if_needed()
    picture(page, "chain")


def test_money_leaves_through_the_vault_by_the_wallets_own_signature(member: Visit, running: OnChain) -> None:
    page = member.page
    page.get_by_role("button", name="Withdraw or transfer").click()
    page.get_by_role("dialog").get_by_role("tab", name="Send", exact=True).click()
    page.get_by_label("Amount").fill("5")
    page.get_by_label("Address to pay").fill("0x" + key(SELLER).address.hex())
    page.get_by_role("dialog").get_by_role("button", name="Send", exact=True).click()
    expect(page.locator('[data-name="money-error"]')).to_be_visible()  # a chain keeps the accounts: no transfers
    page.get_by_role("dialog").get_by_role("tab", name="Withdraw", exact=True).click()
    page.get_by_label("Amount").fill("1000.25")
    page.get_by_label("Address to pay").fill(PAYEE)
    page.get_by_role("dialog").get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text(f"1000.25 USD are on their way to {PAYEE}")).to_be_visible()
    running.until(lambda found: found["withdrawals"] == 0)
    reader = Client(connect(running.rpc), None)
    token = reader.at("TestToken", running.record.addresses["TestToken"])
    assert reader.call(token, "balanceOf", reader.w3.to_checksum_address(PAYEE)) == 1_000_250_000
    compared = running.chain()["compared"]
    assert running.until(lambda found: found["compared"] > compared)["gaps"] == []


def test_collateral_leaves_through_the_vault_to_its_owners_wallet(member: Visit, running: OnChain) -> None:
    page = member.page
    member.show("Account")
    expect(page.locator('[data-name="vault"]')).to_contain_text(running.record.addresses["TestToken ETH"])
    expect(page.locator('[data-name="lots-ETH"]')).to_have_attribute("data-value", re.compile(r"^2\.?0?$"))
    page.get_by_role("button", name="Withdraw or buy collateral").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("tab")).to_have_text(["Withdraw", "Buy"])  # isolated buckets hold cash alone there
    dialog.get_by_label("Amount").fill("0.5")
    dialog.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.locator('[data-name="lots-ETH"]')).to_have_attribute("data-value", re.compile(r"^1\.5"))
    reader = Client(connect(running.rpc), None)
    token = reader.at("TestToken", running.record.addresses["TestToken ETH"])
    owner = reader.w3.to_checksum_address("0x" + key(BUYER).address.hex())
    until(lambda: reader.call(token, "balanceOf", owner) == 5 * 10**17, 60)
    assert serious(page) == []
