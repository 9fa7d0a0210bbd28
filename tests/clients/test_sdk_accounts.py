"""hyperliquid-python-sdk, unchanged: margin, money, agents and sub-accounts."""

from typing import Any

import pytest
from client_child import Child
from client_venue import FUNDS_USD, Venue
from sdk_trader import GTC, Trader

WELCOME_USD = 10_000  # what an address gets when it first shows itself, and sees before


def value(trader: Trader, address: str = "") -> float:
    summary = trader.ask("user_state", address or trader.wallet.address)["marginSummary"]
    return float(summary["accountValue"])


def test_what_an_account_has_before_it_trades(trader: Trader) -> None:
    state = trader.ask("user_state", trader.wallet.address)
    assert (state["assetPositions"], float(state["withdrawable"])) == ([], FUNDS_USD)
    assert {name: float(figure) for name, figure in state["marginSummary"].items()} == {
        "accountValue": FUNDS_USD,
        "totalNtlPos": 0,
        "totalRawUsd": FUNDS_USD,
        "totalMarginUsed": 0,
    }
    assert trader.ask("spot_user_state", trader.wallet.address)["balances"] == []
    stranger = trader.ask("user_state", f"0x{'77' * 20}")
    assert float(stranger["marginSummary"]["accountValue"]) == WELCOME_USD


def test_leverage_is_set_crosswise_and_isolated(trader: Trader) -> None:
    trader.is_ok("update_leverage", 21, "ETH")
    trader.status("market_open", "ETH", True, 2)
    leverage = trader.position("ETH")["leverage"]
    assert (leverage["type"], leverage["value"]) == ("cross", 21)
    trader.do("market_close", "ETH")
    trader.is_ok("update_leverage", 5, "ETH", is_cross=False)
    trader.status("market_open", "ETH", True, 2)
    position = trader.position("ETH")
    assert (position["leverage"]["type"], position["leverage"]["value"]) == ("isolated", 5)
    margin = float(position["marginUsed"])
    assert abs(margin - float(position["positionValue"]) / 5) < 0.01 * margin
    assert float(position["leverage"]["rawUsd"]) == pytest.approx(margin - float(position["positionValue"]), abs=0.01)
    trader.do("market_close", "ETH")
    assert trader.refusal("update_leverage", 1_000, "ETH") == "Invalid leverage value"


def test_isolated_margin_is_added_and_taken_back(trader: Trader) -> None:
    trader.is_ok("update_leverage", 10, "BTC", is_cross=False)
    trader.status("market_open", "BTC", False, 0.1)
    before = trader.position("BTC")
    trader.is_ok("update_isolated_margin", 300.5, "BTC")
    after = trader.position("BTC")
    assert float(after["marginUsed"]) - float(before["marginUsed"]) == pytest.approx(300.5, abs=2)
    assert float(after["liquidationPx"]) > float(before["liquidationPx"]) + 2_000
    trader.is_ok("update_isolated_margin", -300.0, "BTC")
    assert float(trader.position("BTC")["marginUsed"]) == pytest.approx(float(before["marginUsed"]) + 0.5, abs=2)
    assert trader.do("update_isolated_margin", -900.0, "BTC")["status"] == "err"
    trader.do("market_close", "BTC")
    assert trader.do("update_isolated_margin", 10.0, "BTC")["status"] == "err"


@pytest.mark.parametrize("name", [None, "bot"])
def test_an_agent_trades_and_moves_no_money(trader: Trader, sdk: Child, venue: Venue, name: str | None) -> None:
    told, secret = trader.do("approve_agent", name)
    assert told == {"status": "ok", "response": {"type": "default"}}
    agent = Trader(sdk, trader.wallet, secret=secret, account_address=trader.wallet.address)
    assert agent.signer != trader.signer
    oid = agent.rests("BTC", True, 0.1, venue.price("BTC", -0.05), GTC)
    assert [each["oid"] for each in trader.ask("open_orders", trader.wallet.address)] == [oid]
    assert trader.ask("user_role", agent.signer.lower()) == {"role": "agent", "data": {"user": trader.wallet.address}}
    agent.status("market_open", "ETH", True, 1)
    assert agent.status("market_close", "ETH")["filled"]["totalSz"] == "1.0"
    assert agent.status("cancel", "BTC", oid) == "success"
    agent.is_ok("update_leverage", 7, "ETH")
    was = value(trader)
    elsewhere = f"0x{'99' * 20}"
    # A wallet's own signature by an agent's key is that of a wallet that the venue does not know, or has no money.
    assert agent.do("withdraw_from_bridge", 10.0, elsewhere)["status"] == "err"
    assert agent.do("usd_transfer", 10.0, elsewhere)["status"] == "err"
    assert agent.do("usd_class_transfer", 10.0, False)["status"] == "err"
    assert agent.do("send_asset", elsewhere, "", "", "USDC", 10.0)["status"] == "err"
    assert agent.do("create_sub_account", "mine")["status"] == "err"
    assert agent.do("approve_agent", "another")[0]["status"] == "err"
    assert value(trader) == was
    agents = trader.ask("extra_agents", trader.wallet.address)
    assert [each["name"] for each in agents] == ([name] if name else [])
    if name:
        assert agents[0]["address"].lower() == agent.signer.lower()


def test_usd_is_sent_to_another_owner(trader: Trader) -> None:
    other = f"0x{'a1' * 19}01"
    trader.is_ok("usd_transfer", 12.5, other)
    assert (value(trader), value(trader, other)) == (FUNDS_USD - 12.5, 12.5)
    assert trader.refusal("usd_transfer", 10.0**9, other) == "Insufficient balance for token transfer"
    (update,) = [each["delta"] for each in _updates(trader) if each["delta"]["type"] == "internalTransfer"]
    assert (update["usdc"], update["destination"]) == ("12.5", other)
    assert trader.refusal("usd_transfer", 1.0, trader.wallet.address) == "Cannot self-transfer."


def test_usd_is_withdrawn(trader: Trader) -> None:
    trader.is_ok("withdraw_from_bridge", 1_000.0, trader.wallet.address)
    assert value(trader) == FUNDS_USD - 1_000
    (update,) = [each["delta"] for each in _updates(trader) if each["delta"]["type"] == "withdraw"]
    assert float(update["usdc"]) == 1_000
    words = trader.refusal("withdraw_from_bridge", 10.0**9, trader.wallet.address)
    assert words.startswith("Insufficient balance for withdrawal")


def test_usd_goes_out_of_margin_and_back(trader: Trader) -> None:
    trader.is_ok("usd_class_transfer", 250.0, False)
    assert value(trader) == FUNDS_USD - 250
    (balance,) = trader.ask("spot_user_state", trader.wallet.address)["balances"]
    assert (balance["coin"], float(balance["total"])) == ("USDC", 250)
    trader.is_ok("usd_class_transfer", 100.0, True)
    trader.is_ok("send_asset", trader.wallet.address, "spot", "", "USDC", 150.0)
    assert value(trader) == FUNDS_USD


def test_a_sub_account_trades_on_its_own_money(trader: Trader, sdk: Child, venue: Venue) -> None:
    told = trader.do("create_sub_account", "second")
    assert told["status"] == "ok", told
    address = told["response"]["data"]
    assert (told["response"]["type"], len(address)) == ("createSubAccount", 42)
    trader.is_ok("sub_account_transfer", address, True, 5_000_000_000)
    (sub,) = trader.ask("query_sub_accounts", trader.wallet.address)
    assert (sub["name"], sub["subAccountUser"], sub["master"]) == ("second", address, trader.wallet.address)
    assert float(sub["clearinghouseState"]["marginSummary"]["accountValue"]) == 5_000
    assert trader.ask("user_role", address) == {"role": "subAccount", "data": {"master": trader.wallet.address}}
    within = Trader(sdk, trader.wallet, vault_address=address)
    oid = within.rests("BTC", True, 0.01, venue.price("BTC", -0.05), GTC)
    assert trader.ask("open_orders", trader.wallet.address) == []
    assert [each["oid"] for each in within.ask("open_orders", address)] == [oid]
    assert within.status("cancel", "BTC", oid) == "success"
    within.status("market_open", "ETH", True, 1)
    assert within.status("market_close", "ETH")["filled"]["totalSz"] == "1.0"
    stranger = Trader(sdk, venue.wallet(), vault_address=address)
    assert stranger.refusal("order", "BTC", True, 0.01, venue.price("BTC", -0.05), GTC).startswith("Not authorized")
    trader.is_ok("sub_account_transfer", address, False, 4_000_000_000)
    assert 900 < value(trader, address) < 1_000
    assert within.refusal("usd_class_transfer", 100.0, False).endswith("does not offer spot balances of sub-accounts.")


def _updates(trader: Trader) -> Any:
    return trader.ask("user_non_funding_ledger_updates", trader.wallet.address, 0)
