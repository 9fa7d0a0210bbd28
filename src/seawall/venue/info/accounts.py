"""Questions about an account: margin, positions, who is who."""

from typing import Any, Final

from seawall.venue.info.fields import Asked
from seawall.venue.records import NOBODY
from seawall.venue.views import account as views
from seawall.venue.views import ledger, people, pools, web
from seawall.venue.views.portfolio import portfolio

DAYS: Final = 15  # of volumes in `userFees`
ENTRIES: Final = 10_000


async def clearinghouse_state(asked: Asked) -> Any:
    """An account's margin and positions; of a pool's address, the pool's."""
    asked.one_dex()
    service, address = asked.service, asked.address()
    account = views.account_at(service, address)
    if account == NOBODY and (pool := pools.pool_at(service, address)) is not None:
        return views.pool_state(service, pools.pool_bucket(service, pool))
    if not service.lens.funding.knows(account):
        await service.lens.know(service, account)
    return views.clearinghouse_state(service, account)


def spot_state(asked: Asked) -> Any:
    """USD outside margin."""
    return views.spot_state(asked.service, asked.account())


def active_asset_data(asked: Asked) -> Any:
    """What an account may do in a market."""
    return views.active_asset_data(asked.service, asked.account(), asked.address(), asked.listing())


async def sub_accounts(asked: Asked) -> Any:
    """Sub-accounts with their states."""
    account = await _known_family(asked)
    return people.sub_accounts(asked.service, account)


async def sub_accounts_2(asked: Asked) -> Any:
    """The same by dex."""
    account = await _known_family(asked)
    return people.sub_accounts_2(asked.service, account)


async def _known_family(asked: Asked) -> int:
    service, account = asked.service, asked.account()
    if account != NOBODY:
        for sub in service.people.subs_of(account):
            await service.lens.know(service, sub)
    return account


def user_role(asked: Asked) -> Any:
    """What an address is."""
    return people.user_role(asked.service, asked.address())


def extra_agents(asked: Asked) -> Any:
    """Agents with a name."""
    return people.extra_agents(asked.service, asked.account())


async def user_fees(asked: Asked) -> Any:
    """Rates and volumes."""
    account = asked.account()
    volumes = await asked.service.history.volumes(account, DAYS)
    return people.user_fees(asked.service, volumes)


def user_rate_limit(asked: Asked) -> Any:
    """Actions used and allowed."""
    return people.user_rate_limit(asked.service, asked.account())


def referral(asked: Asked) -> Any:
    """Who referred whom: nobody."""
    return people.referral(asked.service, asked.account())


async def value_history(asked: Asked) -> Any:
    """Value and profit over time."""
    return await portfolio(asked.service, asked.account())


def vault_equities(asked: Asked) -> Any:
    """Shares of pools."""
    return pools.vault_equities(asked.service, asked.account())


async def vault_details(asked: Asked) -> Any:
    """A pool, and the client's part of it; null for an address that is none."""
    service = asked.service
    pool = pools.pool_at(service, asked.address("vaultAddress"))
    if pool is None:
        return None
    account = asked.account() if asked.request.get("user") is not None else NOBODY
    entries = [] if account == NOBODY else await service.history.entries(account, 0, service.now, ENTRIES)
    return pools.vault_details(service, pool, account, entries)


def transfer_check(asked: Asked) -> Any:
    """Whether a transfer to an address would meet an account."""
    asked.address("source")
    known = asked.account() != NOBODY
    return {"fee": "0.0", "isSanctioned": False, "userExists": known, "userHasSentTx": known}


async def web_data(asked: Asked) -> Any:
    """What a trading page shows, in one answer."""
    service, account = asked.service, asked.account()
    await service.lens.ready(service)
    await service.lens.know(service, account)
    entries = [] if account == NOBODY else await service.history.entries(account, 0, service.now, ENTRIES)
    return web.web_data(service, account, asked.address(), ledger.paid_in(entries))
