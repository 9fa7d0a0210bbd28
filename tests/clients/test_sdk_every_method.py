"""hyperliquid-python-sdk, unchanged: every public method of Info and Exchange, so that none is left out.

Those of the other files are named here; the rest are called. What the venue offers answers in its shape, what it does
not offer says so, and nothing is an error of HTTP.
"""

import time
from typing import Any, Final

import pytest
from client_child import Child
from client_venue import Venue
from sdk_trader import GTC, Trader

OTHER: Final = f"0x{'b2' * 20}"
HOUR: Final = 3_600_000
ELSEWHERE: Final = (
    "subscribe unsubscribe disconnect_websocket set_perp_meta name_to_asset "  # of its own, or in test_sdk_socket.py
    "user_state spot_user_state open_orders frontend_open_orders all_mids user_fills user_fills_by_time meta spot_meta "
    "l2_snapshot query_order_by_oid query_order_by_cloid query_sub_accounts historical_orders user_role extra_agents "
    "user_non_funding_ledger_updates "
    "set_expires_after order bulk_orders modify_order bulk_modify_orders_new market_open market_close cancel "
    "cancel_by_cloid bulk_cancel bulk_cancel_by_cloid schedule_cancel update_leverage update_isolated_margin "
    "create_sub_account usd_class_transfer send_asset sub_account_transfer usd_transfer withdraw_from_bridge "
    "approve_agent"
)
"""Methods that the other files of the SDK call, most of them through others of its methods."""

NONE: Final[dict[str, tuple[tuple[Any, ...], Any]]] = {
    "perp_dexs": ((), [None]),
    "user_staking_delegations": (("user",), []),
    "user_staking_rewards": (("user",), []),
    "delegator_history": (("user",), []),
    "query_user_to_multi_sig_signers": (("user",), None),
    "query_user_dex_abstraction_state": (("user",), False),
    "query_user_abstraction_state": (("user",), "disabled"),
    "user_vault_equities": (("user",), []),
    "user_twap_slice_fills": (("user",), []),
    "user_funding_history": (("user", 0), []),
}
"""Info methods whose answer is "none" for a wallet that has done nothing; "user" stands for it."""

FIELDS: Final[dict[str, tuple[tuple[Any, ...], set[str]]]] = {
    "user_fees": (("user",), {"dailyUserVlm", "feeSchedule", "userCrossRate", "userAddRate", "activeReferralDiscount"}),
    "user_staking_summary": (("user",), {"delegated", "undelegated", "totalPendingWithdrawal", "nPendingWithdrawals"}),
    "query_referral_state": (
        ("user",),
        {"referredBy", "cumVlm", "unclaimedRewards", "claimedRewards", "builderRewards"},
    ),
    "query_perp_deploy_auction_status": (
        (),
        {"startTimeSeconds", "durationSeconds", "startGas", "currentGas", "endGas"},
    ),
    "query_spot_deploy_auction_status": (("user",), {"states", "gasAuction"}),
    "user_rate_limit": (("user",), {"cumVlm", "nRequestsUsed", "nRequestsCap"}),
}
"""Info methods that answer an object, and fields that it has."""

ACCEPTED: Final[dict[str, tuple[Any, ...]]] = {
    "set_referrer": ("ASDFASDF",),
    "approve_builder_fee": (OTHER, "0.001%"),
    "use_big_blocks": (True,),
    "agent_enable_dex_abstraction": (),
    "agent_set_abstraction": ("i",),
    "user_set_abstraction": ("user", "disabled"),
    "user_dex_abstraction": ("user", False),
}
"""Actions that are taken and change nothing here."""

REFUSED: Final[dict[str, tuple[Any, ...]]] = {
    "sub_account_spot_transfer": (OTHER, True, "USDC:0x0", 1.0),
    "vault_usd_transfer": (OTHER, True, 1_000_000),
    "spot_transfer": (1.0, OTHER, "PURR:0xc4bf3f870c0e9465323c0b6ed28096c2"),
    "token_delegate": (OTHER, 100, False),
    "convert_to_multi_sig_user": ([OTHER], 1),
    "multi_sig": (OTHER, {"type": "noop"}, [], "now"),
    "spot_deploy_register_token": ("TEST", 2, 8, 1_000, "Test"),
    "spot_deploy_user_genesis": (1, [[OTHER, "1"]], [[1, "1"]]),
    "spot_deploy_enable_freeze_privilege": (1,),
    "spot_deploy_freeze_user": (1, OTHER, True),
    "spot_deploy_revoke_freeze_privilege": (1,),
    "spot_deploy_enable_quote_token": (1,),
    "spot_deploy_token_action_inner": ("enableQuoteToken", 1),
    "spot_deploy_genesis": (1, "1000", True),
    "spot_deploy_register_spot": (1, 0),
    "spot_deploy_register_hyperliquidity": (1, 1.0, 1.0, 2, None),
    "spot_deploy_set_deployer_trading_fee_share": (1, "1%"),
    "perp_deploy_register_asset": ("test", None, "test:A", 2, "10.0", 10, False, None),
    "perp_deploy_set_oracle": ("test", {"test:A": "1.0"}, [], {}),
    "c_signer_unjail_self": (),
    "c_signer_jail_self": (),
    "c_signer_inner": ("jailSelf",),
    "c_validator_register": ("1.2.3.4", "n", "d", False, 5, OTHER, False, 1),
    "c_validator_change_profile": (None, None, None, False, None, None, None),
    "c_validator_unregister": (),
    "gossip_priority_bid": (0, "1.2.3.4", 100),
}
"""Actions of what this venue has not: they are refused by name."""


def filled_in(trader: Trader, values: tuple[Any, ...]) -> list[Any]:
    words = {"user": trader.wallet.address, "now": time.time_ns() // 1_000_000}
    return [words.get(value, value) if isinstance(value, str) else value for value in values]


def test_no_public_method_is_left_out(sdk: Child, trader: Trader) -> None:
    found = {*sdk.call("make", "methods", trader.name), *sdk.call("make", "methods", f"{trader.name}.info")}
    here = {
        "meta_and_asset_ctxs",
        "spot_meta_and_asset_ctxs",
        "funding_history",
        "candles_snapshot",
        "portfolio",
        "noop",
    }
    tables = {*NONE, *FIELDS, *ACCEPTED, *REFUSED}
    assert found - {"DEFAULT_SLIPPAGE"} == {*ELSEWHERE.split()} | here | tables


@pytest.mark.parametrize("method", NONE)
def test_a_question_of_what_there_is_not(trader: Trader, method: str) -> None:
    values, expected = NONE[method]
    assert trader.ask(method, *filled_in(trader, values)) == expected


@pytest.mark.parametrize("method", FIELDS)
def test_a_question_that_is_answered_by_an_object(trader: Trader, method: str) -> None:
    values, fields = FIELDS[method]
    told = trader.ask(method, *filled_in(trader, values))
    assert fields <= set(told), told


@pytest.mark.parametrize("method", ACCEPTED)
def test_an_action_that_changes_nothing_here(trader: Trader, method: str) -> None:
    trader.is_ok(method, *filled_in(trader, ACCEPTED[method]))


@pytest.mark.parametrize("method", REFUSED)
def test_an_action_that_is_not_offered(trader: Trader, method: str) -> None:
    words = trader.refusal(method, *filled_in(trader, REFUSED[method]))
    assert words.startswith(("This venue does not offer", "Vault not registered")), words


def test_a_nonce_is_used_up_by_noop(trader: Trader) -> None:
    nonce = time.time_ns() // 1_000_000
    trader.is_ok("noop", nonce)
    assert trader.refusal("noop", nonce) == f"Invalid nonce: duplicate nonce {nonce}"


def test_markets_and_their_past(trader: Trader) -> None:
    meta, contexts = trader.ask("meta_and_asset_ctxs")
    assert [market["name"] for market in meta["universe"]] == ["BTC", "ETH"]
    fields = {
        "dayNtlVlm",
        "funding",
        "impactPxs",
        "markPx",
        "midPx",
        "openInterest",
        "oraclePx",
        "premium",
        "prevDayPx",
    }
    assert all(fields <= set(context) for context in contexts)
    now = time.time_ns() // 1_000_000
    candles = trader.ask("candles_snapshot", "BTC", "1m", now - HOUR, now)
    assert candles
    assert set(candles[-1]) == {"t", "T", "s", "i", "o", "c", "h", "l", "v", "n"}
    history = trader.ask("funding_history", "BTC", now - HOUR, now)
    assert all(set(step) == {"coin", "fundingRate", "premium", "time"} for step in history)


def test_there_is_no_spot_market_and_one_token(trader: Trader) -> None:
    meta, contexts = trader.ask("spot_meta_and_asset_ctxs")
    assert (meta["universe"], [token["name"] for token in meta["tokens"]], contexts) == ([], ["USDC"], [])
    assert meta == trader.ask("spot_meta")


def test_the_portfolio_of_an_account(trader: Trader) -> None:
    spans = dict(trader.ask("portfolio", trader.wallet.address))
    assert set(spans) == {"day", "week", "month", "allTime", "perpDay", "perpWeek", "perpMonth", "perpAllTime"}
    assert set(spans["day"]) == {"accountValueHistory", "pnlHistory", "vlm"}


def test_a_priority_fee_changes_nothing(trader: Trader, venue: Venue) -> None:
    order = {"coin": "BTC", "is_buy": True, "sz": 0.1, "limit_px": venue.price("BTC", -0.05), "order_type": GTC}
    (status,) = trader.statuses("bulk_orders", [{**order, "reduce_only": False}], grouping={"p": 1_000})
    assert "resting" in status


def test_builders_may_ask_and_are_paid_nothing(trader: Trader, venue: Venue) -> None:
    builder = {"b": OTHER, "f": 10}
    oid = trader.rests("BTC", True, 0.1, venue.price("BTC", -0.05), GTC, builder=builder)
    assert trader.status("cancel", "BTC", oid) == "success"
