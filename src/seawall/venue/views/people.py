"""Who is who in Hyperliquid's shapes: roles, sub-accounts, agents, fees, limits of actions."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from seawall.terms import parameter
from seawall.units import RATE_ONE, floor_div
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.names import address_text
from seawall.venue.people import Agent
from seawall.venue.records import NOBODY
from seawall.venue.views.account import account_at, clearinghouse_state, spot_state
from seawall.venue.views.pools import pool_at

if TYPE_CHECKING:
    from seawall.venue.history.volumes import Volume
    from seawall.venue.service import Service

NEVER: Final = 2**53 - 1  # until when an agent without an end is valid
NONE: Final = "0.0"
SECOND_MS: Final = 1_000


def user_role(service: "Service", address: bytes) -> dict[str, Any]:
    """`userRole`: missing, user, agent, subAccount or vault."""
    account = account_at(service, address)
    persons = service.people.persons
    if account != NOBODY:
        master = persons[account].master
        if master == account:
            return {"role": "user"}
        return {"role": "subAccount", "data": {"master": address_text(persons[master].address)}}
    agent = service.people.agents.get(address)
    if agent is not None and is_valid(agent, service.now):
        return {"role": "agent", "data": {"user": address_text(persons[agent.account].address)}}
    return {"role": "vault" if pool_at(service, address) is not None else "missing"}


def is_valid(agent: Agent, now: int) -> bool:
    """Whether an agent's approval has not ended."""
    return agent.expires == 0 or now < agent.expires


def sub_accounts(service: "Service", account: int) -> list[dict[str, Any]] | None:
    """`subAccounts` of an owner, with their states; None for none."""
    found = [
        {
            **_sub(service, sub),
            "clearinghouseState": clearinghouse_state(service, sub),
            "spotState": spot_state(service, sub),
        }
        for sub in _subs(service, account)
    ]
    return found or None


def sub_accounts_2(service: "Service", account: int) -> list[dict[str, Any]] | None:
    """`subAccounts2`: the same by dex."""
    found = [
        {
            **_sub(service, sub),
            "dexToClearinghouseState": [("", clearinghouse_state(service, sub))],
            "spotState": spot_state(service, sub),
        }
        for sub in _subs(service, account)
    ]
    return found or None


def _subs(service: "Service", account: int) -> list[int]:
    return service.people.subs_of(account) if account != NOBODY else []


def _sub(service: "Service", sub: int) -> dict[str, Any]:
    persons = service.people.persons
    person = persons[sub]
    return {
        "name": person.name or f"sub-account {sub}",
        "subAccountUser": address_text(person.address),
        "master": address_text(persons[person.master].address),
    }


def agents_of(service: "Service", account: int) -> list[Agent]:
    """Valid agents of an account."""
    if account == NOBODY:
        return []
    return [agent for agent in service.people.persons[account].agents.values() if is_valid(agent, service.now)]


def extra_agents(service: "Service", account: int) -> list[dict[str, Any]]:
    """`extraAgents`: those with a name. The one without is the API wallet of `webData2`."""
    return [
        {"name": agent.name, "address": address_text(agent.address), "validUntil": agent.expires or NEVER}
        for agent in agents_of(service, account)
        if agent.name
    ]


def api_wallet(service: "Service", account: int) -> Agent | None:
    """The agent without a name that was approved last."""
    unnamed = [agent for agent in agents_of(service, account) if not agent.name]
    return unnamed[-1] if unnamed else None


def fee_rates(service: "Service") -> tuple[str, str]:
    """(taker, maker) rates as shares: the highest of any market's, for clients know one rate only."""
    count = max(len(service.universe.listings), 1)
    params = service.columns["param"][:count]
    taker, maker = (int(params[:, which].max()) for which in (parameter.TAKER_FEE, parameter.MAKER_FEE))
    return rate_text(taker, RATE_ONE), rate_text(maker, RATE_ONE)


def user_fees(service: "Service", volumes: list["Volume"]) -> dict[str, Any]:
    """`userFees`: the same rates for everybody; volumes by day, oldest first."""
    taker, maker = fee_rates(service)
    return {
        "dailyUserVlm": [
            {
                "date": datetime.fromtimestamp(floor_div(one.day, SECOND_MS), UTC).date().isoformat(),
                "userCross": usd_text(one.taker),
                "userAdd": usd_text(one.maker),
                "exchange": usd_text(one.venue),
            }
            for one in sorted(volumes, key=_day)
        ],
        "feeSchedule": {
            "cross": taker,
            "add": maker,
            "spotCross": NONE,
            "spotAdd": NONE,
            "tiers": {"vip": [], "mm": []},
            "referralDiscount": NONE,
            "stakingDiscountTiers": [],
        },
        "userCrossRate": taker,
        "userAddRate": maker,
        "userSpotCrossRate": NONE,
        "userSpotAddRate": NONE,
        "activeReferralDiscount": NONE,
        "trial": None,
        "feeTrialEscrow": NONE,
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": {"bpsOfMaxSupply": NONE, "discount": NONE},
    }


def user_rate_limit(service: "Service", account: int) -> dict[str, Any]:
    """`userRateLimit`: actions used and allowed."""
    traded, used, cap = service.lens.usage(account)
    return {"cumVlm": usd_text(traded), "nRequestsUsed": used, "nRequestsCap": cap, "nRequestsSurplus": 0}


def referral(service: "Service", account: int) -> dict[str, Any]:
    """`referral`: nobody refers anybody here."""
    return {
        "referredBy": None,
        "cumVlm": usd_text(service.lens.usage(account)[0]),
        "unclaimedRewards": NONE,
        "claimedRewards": NONE,
        "builderRewards": NONE,
        "referrerState": {"stage": "needToCreateCode"},
        "rewardHistory": [],
        "tokenToState": [],
    }


def _day(volume: "Volume") -> int:
    day: int = volume.day
    return day
