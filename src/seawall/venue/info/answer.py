"""POST /info: finds who answers a question by its type.

Answers show durable facts alone: each waits until what has been applied is on disk.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from seawall.units import BadInput
from seawall.venue.info import absent, accounts, markets, trades
from seawall.venue.info.fields import Asked

if TYPE_CHECKING:
    from seawall.venue.service import Service

TYPE_SHOWN: Final = 40  # characters of an unknown type that an error repeats

ANSWERS: Final[dict[str, Callable[[Asked], Any]]] = {
    **dict.fromkeys(absent.OF_THE_VENUE, absent.of_the_venue),
    **dict.fromkeys(absent.OF_AN_ACCOUNT, absent.of_an_account),
    "activeAssetData": accounts.active_asset_data,
    "allMids": markets.all_mids,
    "allPerpMetas": markets.all_metas,
    "candleSnapshot": markets.candles,
    "clearinghouseState": accounts.clearinghouse_state,
    "exchangeStatus": markets.exchange_status,
    "extraAgents": accounts.extra_agents,
    "frontendOpenOrders": trades.frontend_open_orders,
    "fundingHistory": markets.funding_history,
    "historicalOrders": trades.historical_orders,
    "l2Book": markets.l2_book,
    "marginTable": markets.margin_table,
    "maxMarketOrderNtls": markets.greatest_orders,
    "meta": markets.meta,
    "metaAndAssetCtxs": markets.meta_and_contexts,
    "openOrders": trades.open_orders,
    "orderStatus": trades.order_status,
    "perpDexStatus": markets.dex_status,
    "perpsAtOpenInterestCap": markets.at_open_interest_cap,
    "portfolio": accounts.value_history,
    "preTransferCheck": accounts.transfer_check,
    "predictedFundings": markets.predicted_fundings,
    "recentTrades": markets.trades,
    "referral": accounts.referral,
    "spotClearinghouseState": accounts.spot_state,
    "subAccounts": accounts.sub_accounts,
    "subAccounts2": accounts.sub_accounts_2,
    "tokenDetails": absent.token_details,
    "twapHistory": trades.twap_history,
    "userFees": accounts.user_fees,
    "userFills": trades.user_fills,
    "userFillsByTime": trades.user_fills_by_time,
    "userFunding": trades.user_funding,
    "userNonFundingLedgerUpdates": trades.ledger_updates,
    "userRateLimit": accounts.user_rate_limit,
    "userRole": accounts.user_role,
    "userTwapSliceFills": trades.slice_fills,
    "userTwapSliceFillsByTime": trades.slice_fills_by_time,
    "userVaultEquities": accounts.vault_equities,
    "vaultDetails": accounts.vault_details,
    "vaultSummaries": markets.vault_summaries,
    "webData2": accounts.web_data,
}


async def answer(service: "Service", request: object) -> object:
    """What a question, decoded JSON, is answered with, for msgspec to encode. BadInput when it is not understood."""
    if not isinstance(request, dict):
        raise BadInput("request", "expected an object")
    kind = request.get("type")
    found = ANSWERS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise BadInput("type", f"unknown type {str(kind)[:TYPE_SHOWN]!r}")
    await service.desk.settled()
    made: Any = found(Asked(service, request))
    return await made if inspect.isawaitable(made) else made
