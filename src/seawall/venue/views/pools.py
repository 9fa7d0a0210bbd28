"""Pools of markets as Hyperliquid's vaults: an AMM and a backstop each, with an address that nobody can sign for."""

import functools
from typing import TYPE_CHECKING, Any, Final

from seawall.terms import parameter
from seawall.terms.limits import POOL_LOCKED
from seawall.units import USD_ONE, floor_div
from seawall.venue.decimals import usd_text
from seawall.venue.names import NOBODY as NO_ADDRESS
from seawall.venue.names import address_text, keyless_address
from seawall.venue.records import NOBODY, Entry

if TYPE_CHECKING:
    from seawall.venue.service import Service

NAMES: Final = ("AMM", "backstop")  # by ledger/markets.py AMM and BACKSTOP
KINDS: Final = ("amm pool", "backstop pool")  # of their addresses, as `vaultTransfer` knows them
DAY_MS: Final = 24 * 3_600_000
PERIODS: Final = ("day", "week", "month", "allTime")
Pool = tuple[int, int]  # market, AMM or BACKSTOP


@functools.cache
def pool_address(market: int, which: int) -> bytes:
    """The address of a pool."""
    return keyless_address(KINDS[which], market)


def pool_at(service: "Service", address: bytes) -> Pool | None:
    """The pool with an address; None when there is none."""
    for market in range(len(service.universe.listings)):
        for which in (0, 1):
            if pool_address(market, which) == address:
                return market, which
    return None


def pool_bucket(service: "Service", pool: Pool) -> int:
    """The bucket of a pool."""
    return service.mirror.pools_from + 2 * pool[0] + pool[1]


def pool_name(service: "Service", pool: Pool) -> str:
    """What a pool is called."""
    return f"{service.universe.listings[pool[0]].coin} {NAMES[pool[1]]}"


def shares_of(service: "Service", account: int) -> list[tuple[Pool, int, int]]:
    """(pool, shares, time of the last add) of an account."""
    found, columns = [], service.columns
    row = columns["account_share"].item(account) if account != NOBODY else 0
    while row != 0:  # at most one a pool
        number = columns["share_pool"].item(row) - service.mirror.pools_from
        found.append((divmod(number, 2), columns["share_amount"].item(row), columns["share_time"].item(row)))
        row = columns["share_next"].item(row)
    return found


def equity_of(service: "Service", pool: Pool, shares: int) -> int:
    """What shares would be paid if they left now, in micro-USD, rounded down; the lock apart."""
    leaves, _, total = service.lens.reader.pool(*pool)
    return floor_div(max(leaves, 0) * shares, total) if total else 0


def locked_until(service: "Service", pool: Pool, time: int) -> int:
    """When shares that joined last at a time may leave."""
    return time + int(service.columns["param"][pool[0], parameter.POOL_LOCK_MS])


def vault_equities(service: "Service", account: int) -> list[dict[str, Any]]:
    """`userVaultEquities`: the account's shares of pools."""
    return [
        {
            "vaultAddress": address_text(pool_address(*pool)),
            "equity": usd_text(equity_of(service, pool, shares)),
            "lockedUntilTimestamp": locked_until(service, pool, time),
        }
        for pool, shares, time in shares_of(service, account)
    ]


def vault_summaries(service: "Service") -> list[dict[str, Any]]:
    """`vaultSummaries`: every pool that anybody has a share of."""
    found = []
    for market in range(len(service.universe.listings)):
        for which in (0, 1):
            leaves, _, total = service.lens.reader.pool(market, which)
            if total:
                found.append(
                    {
                        "name": pool_name(service, (market, which)),
                        "vaultAddress": address_text(pool_address(market, which)),
                        "leader": address_text(NO_ADDRESS),
                        "tvl": usd_text(max(leaves, 0)),
                        "isClosed": not service.universe.is_open(service.columns, service.universe.listings[market]),
                        "relationship": {"type": "normal"},
                        "createTimeMillis": int(service.columns["market_opened"][market]),
                    }
                )
    return found


def vault_details(service: "Service", pool: Pool, account: int, entries: list[Entry]) -> dict[str, Any]:
    """`vaultDetails` of a pool for a client's account, with what history has of that account's money.

    A pool has no leader, no commission and no list of followers for everybody to see.
    """
    figures = service.lens.reader.buckets(pool_bucket(service, pool))[0]
    leaves, _, total = service.lens.reader.pool(*pool)
    free = max(0, min(figures.free, leaves - POOL_LOCKED)) if total else 0
    return {
        "name": pool_name(service, pool),
        "vaultAddress": address_text(pool_address(*pool)),
        "leader": address_text(NO_ADDRESS),
        "description": DESCRIPTIONS[pool[1]],
        "portfolio": empty_portfolio(),
        "apr": 0,
        "followerState": _follower(service, pool, account, entries),
        "leaderFraction": 0,
        "leaderCommission": 0,
        "followers": [],
        "maxDistributable": 0,
        "maxWithdrawable": free / USD_ONE,
        "isClosed": not service.universe.is_open(service.columns, service.universe.listings[pool[0]]),
        "relationship": {"type": "normal"},
        "allowDeposits": True,
        "alwaysCloseOnWithdraw": False,
    }


def _follower(service: "Service", pool: Pool, account: int, entries: list[Entry]) -> dict[str, Any] | None:
    """The account's own shares of a pool; None when it has none. Profit: equity less what it put in net."""
    mine = next((held for held in shares_of(service, account) if held[0] == pool), None)
    if mine is None:
        return None
    bucket = pool_bucket(service, pool)
    moved = [entry for entry in entries if entry.kind == "pool" and entry.other == bucket]
    equity = equity_of(service, pool, mine[1])
    profit = equity + sum(entry.amount for entry in moved)
    since = min((entry.time for entry in moved), default=mine[2])
    return {
        "user": address_text(service.people.persons[account].address),
        "vaultEquity": usd_text(equity),
        "pnl": usd_text(profit),
        "allTimePnl": usd_text(profit),
        "daysFollowing": (service.now - since) // DAY_MS,
        "vaultEntryTime": since,
        "lockupUntil": locked_until(service, pool, mine[2]),
    }


def empty_portfolio() -> list[tuple[str, dict[str, Any]]]:
    """A portfolio without history."""
    names = [*PERIODS, *(f"perp{name[0].upper()}{name[1:]}" for name in PERIODS)]
    return [(name, {"accountValueHistory": [], "pnlHistory": [], "vlm": "0.0"}) for name in names]


DESCRIPTIONS: Final = (
    "Quotes around the index price and trades with whoever takes its quotes.",
    "Takes positions in liquidation that the book cannot close in time.",
)
