"""How a deployment stands: markets, pools, funds and the vault, from the ClearingHouse's words."""

from typing import Any, Final

from seawall.chain import layout as at
from seawall.chain.client import Client
from seawall.chain.deploy import Deployment

STATUSES: Final = ("unlisted", "active", "reduce-only", "post-only", "cancel-only", "halted", "closed", "delisting")


def status_of(client: Client, record: Deployment) -> dict[str, Any]:
    """Plain values, amounts in micro-USD, prices in micro-USD per lot, sizes in lots."""
    house = client.at("ClearingHouse", record.addresses["ClearingHouse"])
    money = at.unpack(at.MONEY_WORD, client.call(house, "word_of", at.VENUE | at.MONEY))
    policy = at.unpack(at.POLICY_WORD, client.call(house, "word_of", at.VENUE | at.POLICY))
    exchange = client.at("Exchange", record.addresses["Exchange"])
    lending = client.at("Lending", record.addresses["Lending"])
    return {
        "chain_id": client.chain_id,
        "block": int(client.w3.eth.block_number),
        "status": STATUSES[policy["status"]],
        "silent": bool(client.call(exchange, "is_silent")),
        "vault": money["vault"],
        "pending": money["pending"],
        "bad_debt": money["debt"],
        "borrowed": int(client.call(lending, "lent")[3]),
        "reserve": int(client.call(lending, "reserve")),
        "markets": [
            _market(client, house, number, market.name) for number, market in enumerate(record.settings.markets)
        ],
        "assets": [_asset(client, record, number) for number in range(len(record.settings.assets))],
        "lp_pools": [_lp_pool(client, record, number) for number in range(len(record.settings.lp_pools))],
    }


def _asset(client: Client, record: Deployment, number: int) -> dict[str, Any]:
    """A collateral token: its price, what of it counts for initial margin (0 while stale), lots held and the cap."""
    vault = client.at("CollateralVault", record.addresses["CollateralVault"])
    _, price, low = client.call(vault, "counted", number)
    said = client.call(vault, "assets", number)
    return {
        "name": record.settings.assets[number].name,
        "price": int(price),
        "fresh": int(low) > 0,
        "total": int(said[at.ASSET_TOTAL]),
        "cap": int(said[6]),
    }


def _lp_pool(client: Client, record: Deployment, number: int) -> dict[str, Any]:
    """A pool of Uniswap: whether it takes positions, liquidity held and the cap."""
    lp = client.at("LPCollateral", record.addresses["LPCollateral"])
    said = client.call(lp, "pools", number)
    return {
        "tokens": "/".join(record.settings.lp_pools[number].tokens),
        "fee": int(said[3]),
        "open": bool(said[-1]),
        "liquidity": int(client.call(lp, "liquidity_in", number)),
        "cap": int(said[11]),
    }


def _market(client: Client, house: Any, number: int, name: str) -> dict[str, Any]:
    words: dict[str, int] = {}
    for sort, fields in at.MARKET_WORDS.items():
        words.update(at.unpack(fields, client.call(house, "word_of", at.market_key(sort, number))))
    found: dict[str, Any] = {"name": name, "status": STATUSES[words["status"]], "fresh": bool(words["fresh"])}
    for field in ("price", "time", "open", "insurance", "short", "shares_amm", "shares_backstop"):
        found[field] = words[field]
    fund = at.unpack(at.FUND_WORD, client.call(house, "word_of", at.market_key(at.FUND, number)))
    return {**found, "fees": fund["fees"]}
