"""`webData2`: what a trading page shows of an account and the markets, in one answer."""

from typing import TYPE_CHECKING, Any

from seawall.venue.decimals import usd_text
from seawall.venue.names import address_text
from seawall.venue.views import account as accounts
from seawall.venue.views import market, orders, people, pools
from seawall.venue.views.twaps import running_twaps

if TYPE_CHECKING:
    from seawall.venue.service import Service


def web_data(service: "Service", account: int, address: bytes, paid_in: str) -> dict[str, Any]:
    """`webData2` of an account; `paid_in` is ledger.py's."""
    agent = people.api_wallet(service, account)
    shares = pools.shares_of(service, account)
    return {
        "clearinghouseState": accounts.clearinghouse_state(service, account),
        "leadingVaults": [],
        "totalVaultEquity": usd_text(sum(pools.equity_of(service, pool, held) for pool, held, _ in shares)),
        "openOrders": orders.frontend_open_orders(service, account),
        "agentAddress": None if agent is None else address_text(agent.address),
        "agentValidUntil": None if agent is None else agent.expires or people.NEVER,
        "cumLedger": paid_in,
        "meta": market.meta(service),
        "assetCtxs": market.asset_contexts(service),
        "serverTime": service.now,
        "isVault": False,
        "user": address_text(address),
        "twapStates": running_twaps(service, account),
        "spotState": accounts.spot_state(service, account),
        "spotAssetCtxs": [],
        "perpsAtOpenInterestCap": market.at_open_interest_cap(service),
    }
