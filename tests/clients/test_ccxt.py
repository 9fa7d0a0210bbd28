"""ccxt's `hyperliquid`, unchanged but for its addresses: unified methods, and what they make of the venue's answers."""

import time
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
from client_venue import FUNDS_USD, SPREAD, Venue, Wallet

BTC, ETH = "BTC/USDC:USDC", "ETH/USDC:USDC"
MINUTE_MS = 60_000
Ccxt = Any

METHODS = """
    fetch_status fetch_time fetch_currencies fetch_markets fetch_swap_markets fetch_spot_markets fetch_hip3_markets
    fetch_balance fetch_order_book fetch_tickers fetch_funding_rate fetch_funding_rates fetch_ohlcv fetch_trades
    fetch_canceled_and_closed_orders fetch_funding_rate_history fetch_open_orders fetch_closed_orders
    fetch_canceled_orders fetch_orders fetch_order fetch_my_trades fetch_my_liquidations fetch_position fetch_positions
    fetch_trading_fee
    fetch_ledger fetch_deposits fetch_withdrawals fetch_open_interests fetch_open_interest fetch_funding_history
    create_order create_orders create_twap_order create_vault create_sub_account cancel_order cancel_orders
    cancel_twap_order cancel_orders_for_symbols cancel_all_orders_after edit_order edit_orders
    set_margin_mode set_leverage add_margin reduce_margin transfer withdraw reserve_request_weight
    set_user_abstraction enable_user_dex_abstraction set_agent_abstraction approve_builder_fee
"""
"""Every method of ccxt's class that asks or tells the exchange something; each is called in this file."""


def exchange_of(venue: Venue, wallet: Wallet, **options: Any) -> Ccxt:
    terms = {
        "walletAddress": wallet.address,
        "privateKey": wallet.secret,
        "enableRateLimit": False,
        "urls": {"api": {"public": venue.url, "private": venue.url}},
        "options": options,
    }
    return ccxt.hyperliquid(terms)


@pytest.fixture
def exchange(venue: Venue) -> Iterator[Ccxt]:
    wallet = venue.wallet()
    made = exchange_of(venue, wallet)
    made.load_markets()
    yield made
    venue.clear(wallet)
    made.session.close()


def test_no_method_is_left_out() -> None:
    """The list above is what the class has, by the words that such methods begin with."""
    words = ("fetch_", "create_", "cancel_", "edit_", "set_", "add_", "reduce_", "enable_", "transfer", "withdraw")
    others = ("reserve_request_weight", "approve_builder_fee")
    local = ("create_order_request", "create_orders_request", "cancel_orders_request", "edit_orders_request")
    local += ("set_sandbox_mode", "set_ref")
    own = [name for name in vars(ccxt.hyperliquid) if name.startswith(words) or name in others]
    assert sorted(set(own) - set(local)) == sorted(METHODS.split())


def test_markets_are_loaded(exchange: Ccxt) -> None:
    assert sorted(exchange.markets) == [BTC, ETH]
    market = exchange.market(BTC)
    assert (market["swap"], market["active"], market["settle"]) == (True, True, "USDC")
    assert market["limits"]["leverage"]["max"] == 40
    assert exchange.fetch_currencies()["USDC"]["precision"] is not None
    assert [each["symbol"] for each in exchange.fetch_swap_markets()] == [BTC, ETH]
    assert (exchange.fetch_spot_markets(), exchange.fetch_hip3_markets()) == ([], [])
    assert len(exchange.fetch_markets()) == 2
    assert exchange.options["approvedBuilderFee"] is True


def test_the_state_of_the_venue(exchange: Ccxt) -> None:
    assert exchange.fetch_status()["status"] == "ok"
    assert abs(exchange.fetch_time() - time.time_ns() // 1_000_000) < 30_000


def test_prices(exchange: Ccxt, venue: Venue) -> None:
    book = exchange.fetch_order_book(BTC)
    assert book["bids"][0][0] < book["asks"][0][0]
    tickers = exchange.fetch_tickers()
    assert sorted(tickers) == [BTC, ETH]
    assert tickers[BTC]["bid"] < tickers[BTC]["last"] < tickers[BTC]["ask"]
    rates = exchange.fetch_funding_rates()
    assert abs(rates[BTC]["fundingRate"]) < 0.01
    rate = exchange.fetch_funding_rate(BTC)
    assert rate["indexPrice"] == pytest.approx(venue.price("BTC"), rel=0.001)
    assert exchange.fetch_open_interest(BTC)["openInterestAmount"] >= 0
    assert sorted(exchange.fetch_open_interests()) == [BTC, ETH]
    now = exchange.milliseconds()
    rows = exchange.fetch_ohlcv(BTC, "1m", since=now - 3 * MINUTE_MS)
    assert 1 <= len(rows) <= 4
    assert all(low <= close <= high for _, _, high, low, close, _ in rows)
    assert len(exchange.fetch_ohlcv(BTC, "1m", limit=1)) == 1
    history = exchange.fetch_funding_rate_history(BTC, since=now - 60 * MINUTE_MS)
    assert all(step["symbol"] == BTC for step in history)


def test_a_limit_order_from_placing_to_cancelling(exchange: Ccxt, venue: Venue) -> None:
    price = venue.price("BTC", -0.05)
    order = exchange.create_order(BTC, "limit", "buy", 0.02, price)
    found = exchange.fetch_order(order["id"], BTC)
    assert {name: found[name] for name in ("status", "side", "type", "amount", "filled", "price", "timeInForce")} == {
        "status": "open",
        "side": "buy",
        "type": "limit",
        "amount": 0.02,
        "filled": 0.0,
        "price": price,
        "timeInForce": "GTC",
    }
    assert [each["id"] for each in exchange.fetch_open_orders(BTC)] == [order["id"]]
    assert exchange.fetch_open_orders(ETH) == []
    new = exchange.edit_order(order["id"], BTC, "limit", "buy", 0.03, price - 10)
    (rests,) = exchange.fetch_open_orders()
    assert (rests["id"], rests["amount"], rests["price"]) == (new["id"], 0.03, price - 10)
    exchange.cancel_order(new["id"], BTC)
    assert exchange.fetch_open_orders() == []
    assert exchange.fetch_order(new["id"], BTC)["status"] == "canceled"
    assert new["id"] in [each["id"] for each in exchange.fetch_canceled_orders(BTC)]
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order(new["id"], BTC)
    with pytest.raises(ccxt.OrderNotFound):
        exchange.fetch_order("999999999", BTC)


def test_orders_by_client_id_and_of_every_force(exchange: Ccxt, venue: Venue) -> None:
    price, name = venue.price("BTC", -0.05), f"0x{'ab' * 16}"
    order = exchange.create_order(BTC, "limit", "buy", 0.01, price, {"clientOrderId": name})
    assert order["clientOrderId"] == name
    assert exchange.fetch_order(None, BTC, {"clientOrderId": name})["id"] == order["id"]
    exchange.cancel_order(None, BTC, {"clientOrderId": name})
    patient = exchange.create_order(BTC, "limit", "buy", 0.01, price, {"postOnly": True})
    assert exchange.fetch_order(patient["id"], BTC)["postOnly"] is True
    exchange.cancel_order(patient["id"], BTC)
    with pytest.raises(ccxt.InvalidOrder, match="immediately match"):
        exchange.create_order(BTC, "limit", "buy", 0.01, price, {"timeInForce": "IOC"})
    with pytest.raises(ccxt.InvalidOrder, match="Post only order would have immediately matched"):
        exchange.create_order(BTC, "limit", "buy", 0.01, venue.price("BTC", 0.01), {"postOnly": True})
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(BTC, "limit", "buy", 500, price)
    with pytest.raises(ccxt.InvalidOrder, match="minimum value"):
        exchange.create_order(BTC, "limit", "buy", 0.00005, price)


def test_many_orders_at_once(exchange: Ccxt, venue: Venue) -> None:
    price = venue.price("ETH", -0.05)
    wanted = [{"symbol": ETH, "type": "limit", "side": "buy", "amount": 1, "price": price - n} for n in range(4)]
    first, second, third, fourth = (order["id"] for order in exchange.create_orders(wanted))
    assert len(exchange.fetch_open_orders(ETH)) == 4
    (changed,) = exchange.edit_orders([{**wanted[0], "id": first, "amount": 2}])
    exchange.cancel_orders([second, third], ETH)
    exchange.cancel_orders_for_symbols([{"id": fourth, "symbol": ETH}])
    assert [(each["id"], each["amount"]) for each in exchange.fetch_open_orders()] == [(changed["id"], 2.0)]


def test_market_orders_positions_and_trades(exchange: Ccxt, venue: Venue) -> None:
    mark = venue.price("BTC")
    opened = exchange.create_order(BTC, "market", "buy", 0.2, mark)
    assert opened["average"] == pytest.approx(mark * (1 + SPREAD), rel=0.001)
    position = exchange.fetch_position(BTC)
    expected = ("long", 0.2, opened["average"], "cross", 20)
    assert tuple(position[name] for name in ("side", "contracts", "entryPrice", "marginMode", "leverage")) == expected
    assert position["notional"] == pytest.approx(0.2 * mark, rel=0.001)
    assert position["initialMargin"] == pytest.approx(0.01 * mark, rel=0.001)
    balance = exchange.fetch_balance()["USDC"]
    assert balance["used"] == pytest.approx(position["initialMargin"], rel=0.001)
    assert balance["total"] == pytest.approx(FUNDS_USD, rel=0.001)
    closed = exchange.create_order(BTC, "market", "sell", 0.2, mark, {"reduceOnly": True})
    assert exchange.fetch_positions() == []
    trades = exchange.fetch_my_trades(BTC)
    assert [(each["order"], each["side"], each["amount"], each["takerOrMaker"]) for each in trades] == [
        (opened["id"], "buy", 0.2, "taker"),
        (closed["id"], "sell", 0.2, "taker"),
    ]
    assert trades[0]["fee"]["cost"] == pytest.approx(0.2 * opened["average"] * 0.00045, rel=1e-4)
    assert [each["id"] for each in exchange.fetch_closed_orders(BTC)] == [opened["id"], closed["id"]]
    order = exchange.fetch_order(opened["id"], BTC)
    assert (order["status"], order["filled"], order["remaining"]) == ("closed", 0.2, 0.0)
    assert len(exchange.fetch_my_trades(BTC, since=trades[1]["timestamp"])) == 1
    assert len(exchange.fetch_trades(BTC)) == 2
    everybody = exchange.fetch_trades(BTC, params={"user": venue.maker.address})
    assert {each["takerOrMaker"] for each in everybody} == {"maker"}
    assert len(exchange.fetch_orders(BTC)) == len(exchange.fetch_canceled_and_closed_orders(BTC)) == 2
    assert exchange.fetch_my_liquidations() == []
    assert exchange.fetch_funding_history(BTC) == []


def test_stops_of_every_kind(exchange: Ccxt, venue: Venue) -> None:
    mark, below, above = (venue.price("BTC", off) for off in (0, -0.04, 0.04))
    exchange.create_order(BTC, "market", "buy", 0.1, mark)
    reduces = {"reduceOnly": True}
    stop = exchange.create_order(BTC, "market", "sell", 0.1, mark, {"stopLossPrice": below, **reduces})
    take = exchange.create_order(BTC, "market", "sell", 0.1, mark, {"takeProfitPrice": above, **reduces})
    limit = exchange.create_order(BTC, "limit", "sell", 0.1, below - 500, {"triggerPrice": below, **reduces})
    waits = {each["id"]: each for each in exchange.fetch_open_orders(BTC)}
    assert (waits[stop["id"]]["stopLossPrice"], waits[stop["id"]]["type"]) == (below, "market")
    assert waits[take["id"]]["takeProfitPrice"] == above
    assert (waits[limit["id"]]["triggerPrice"], waits[limit["id"]]["price"]) == (below, below - 500)
    assert all(each["reduceOnly"] for each in waits.values())
    exchange.cancel_orders(list(waits), BTC)
    both = {"stopLoss": {"triggerPrice": below}, "takeProfit": {"triggerPrice": above}}
    parent = exchange.create_order(BTC, "limit", "buy", 0.1, venue.price("BTC", -0.02), both)
    (rests,) = exchange.fetch_open_orders(BTC)
    assert (rests["id"], len(rests["info"]["children"])) == (parent["id"], 2)
    exchange.cancel_order(parent["id"], BTC)
    exchange.create_order(BTC, "limit", "buy", 0.1, mark, {**both, "grouping": "positionTpsl"})
    assert [each["info"]["isPositionTpsl"] for each in exchange.fetch_open_orders(BTC)] == [True, True]
    exchange.create_order(BTC, "market", "sell", 0.1, mark, reduces)
    assert exchange.fetch_open_orders(BTC) == []


def test_leverage_and_margin(exchange: Ccxt, venue: Venue) -> None:
    mark = venue.price("ETH")
    exchange.set_leverage(7, ETH)
    exchange.create_order(ETH, "market", "sell", 5, mark)
    position = exchange.fetch_position(ETH)
    assert (position["side"], position["leverage"], position["marginMode"]) == ("short", 7, "cross")
    exchange.create_order(ETH, "market", "buy", 5, mark, {"reduceOnly": True})
    exchange.set_margin_mode("isolated", ETH, {"leverage": 5})
    exchange.create_order(ETH, "market", "buy", 5, mark)
    before = exchange.fetch_position(ETH)
    assert (before["marginMode"], before["leverage"]) == ("isolated", 5)
    exchange.add_margin(ETH, 500)
    after = exchange.fetch_position(ETH)
    assert after["initialMargin"] - before["initialMargin"] == pytest.approx(500, abs=5)
    assert after["liquidationPrice"] < before["liquidationPrice"]
    exchange.reduce_margin(ETH, 400)
    assert exchange.fetch_position(ETH)["initialMargin"] == pytest.approx(before["initialMargin"] + 100, abs=5)
    exchange.create_order(ETH, "market", "sell", 5, mark, {"reduceOnly": True})


def test_money_in_and_out(exchange: Ccxt) -> None:
    exchange.transfer("USDC", 60, "swap", "spot")
    assert exchange.fetch_balance({"type": "spot"})["USDC"]["total"] == 60
    exchange.transfer("USDC", 60, "spot", "swap")
    exchange.withdraw("USDC", 100, exchange.walletAddress)
    assert exchange.fetch_balance()["USDC"]["total"] == FUNDS_USD - 100
    (deposit,), (withdrawal,) = exchange.fetch_deposits(), exchange.fetch_withdrawals()
    assert (deposit["amount"], withdrawal["amount"]) == (FUNDS_USD, 100)
    assert len(exchange.fetch_ledger()) >= 2
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.withdraw("USDC", 10**9, exchange.walletAddress)
    fee = exchange.fetch_trading_fee(BTC)
    assert (fee["maker"], fee["taker"]) == (0.00015, 0.00045)


def test_a_sub_account(exchange: Ccxt, venue: Venue) -> None:
    address = exchange.create_sub_account("ccxt")["response"]["data"]
    exchange.transfer("USDC", 2_000, "main", address)
    assert exchange.fetch_balance({"user": address})["USDC"]["total"] == 2_000
    price = venue.price("BTC", -0.05)
    order = exchange.create_order(BTC, "limit", "buy", 0.01, price, {"vaultAddress": address})
    assert [each["id"] for each in exchange.fetch_open_orders(BTC, params={"user": address})] == [order["id"]]
    exchange.set_leverage(5, ETH, {"vaultAddress": address})
    exchange.cancel_order(order["id"], BTC, {"vaultAddress": address})
    exchange.transfer("USDC", 1_500, address, "main")
    assert exchange.fetch_balance({"user": address})["USDC"]["total"] == 500


def test_time_weighted_orders_and_a_dead_mans_switch(exchange: Ccxt) -> None:
    twap = exchange.create_twap_order(BTC, "buy", 1, 10 * MINUTE_MS)
    exchange.cancel_twap_order(twap["id"], BTC)
    assert exchange.cancel_all_orders_after(10_000)["status"] == "ok"
    with pytest.raises(ccxt.ExchangeError, match="5 seconds"):
        exchange.cancel_all_orders_after(0)


def test_what_changes_nothing_and_what_is_not_offered(exchange: Ccxt) -> None:
    for told in (
        exchange.set_user_abstraction("disabled"),
        exchange.enable_user_dex_abstraction(False),
        exchange.set_agent_abstraction("i"),
        exchange.reserve_request_weight(10),
        exchange.approve_builder_fee(f"0x{'01' * 20}", "0.01%"),
    ):
        assert told["status"] == "ok"
    with pytest.raises(ccxt.ExchangeError, match="This venue does not offer createVault"):
        exchange.create_vault("name", "words", 100)


def test_it_signs_for_the_test_network_too(venue: Venue) -> None:
    """At any URL ccxt signs for mainnet, unless it is told that this is a sandbox."""
    wallet = venue.wallet()
    exchange = exchange_of(venue, wallet, sandboxMode=True)
    order = exchange.create_order(BTC, "limit", "buy", 0.02, venue.price("BTC", -0.05))
    assert [one["id"] for one in exchange.fetch_open_orders(BTC)] == [order["id"]]
    exchange.cancel_order(order["id"], BTC)
    assert exchange.fetch_open_orders(BTC) == []
    assert exchange.fetch_order(order["id"], BTC)["status"] == "canceled"
    exchange.withdraw("USDC", 10, wallet.address)
    (withdrawal,) = exchange.fetch_withdrawals()
    assert withdrawal["amount"] == 10
    exchange.session.close()
