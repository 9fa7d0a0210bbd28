"""Health of a bucket at three levels, what may be withdrawn, and which changes are allowed (SPEC sections 1, 3, 4)."""

from enum import Enum

import msgspec

from seawall.margin import collateral, requirement
from seawall.terms.bucket import Bucket, Position
from seawall.terms.conditions import Conditions, MarginPolicy
from seawall.units import Side, UsdMicro, notional, pending_funding, share, signed_notional


class Level(Enum):
    """Where equity stands, best first."""

    FREE = "free"  # equity_initial >= initial: may take more risk
    BELOW_INITIAL = "below_initial"  # may only reduce risk
    BELOW_LIQUIDATION_END = "below_liquidation_end"  # a running liquidation continues
    LIQUIDATABLE = "liquidatable"  # equity < maintenance
    BANKRUPT = "bankrupt"  # equity < 0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """All in micro-USD. `equity` is the one that maintenance is compared with."""

    cash: UsdMicro  # USD without unrealised pnl
    unrealised: UsdMicro
    profit: UsdMicro  # sum of the positive unrealised pnls
    pending_funding: UsdMicro  # earned and not settled; negative when owed
    equity: UsdMicro
    equity_initial: UsdMicro
    notional: UsdMicro
    maintenance: UsdMicro
    liquidation_end: UsdMicro
    reserved: UsdMicro
    initial: UsdMicro  # includes reserved

    @property
    def free(self) -> UsdMicro:
        """What new risk may use; negative when initial margin is short."""
        return UsdMicro(self.equity_initial - self.initial)

    @property
    def is_liquidatable(self) -> bool:
        return self.equity < self.maintenance

    @property
    def level(self) -> Level:
        if self.equity < 0:
            return Level.BANKRUPT
        if self.is_liquidatable:
            return Level.LIQUIDATABLE
        if self.equity < self.liquidation_end:
            return Level.BELOW_LIQUIDATION_END
        return Level.FREE if self.free >= 0 else Level.BELOW_INITIAL


def unrealised_of(position: Position, conditions: Conditions) -> UsdMicro:
    """Unrealised pnl at mark, funding apart."""
    mark = conditions.mark(position.market).mark
    return UsdMicro(signed_notional(position.size, mark) - position.entry_notional)


def funding_of(position: Position, conditions: Conditions) -> UsdMicro:
    """Funding earned since the position last settled; rounds down."""
    return pending_funding(position.size, conditions.mark(position.market).funding_index, position.funding_index)


def equity_maintenance(bucket: Bucket, conditions: Conditions) -> UsdMicro:
    """raw_usd + sum(size x mark + pending funding) + collateral at its maintenance value."""
    marked = sum(signed_notional(p.size, conditions.mark(p.market).mark) for p in bucket.positions)
    funding = sum(funding_of(p, conditions) for p in bucket.positions)
    held = sum(collateral.value_maintenance(conditions.asset(h.asset), h.balance) for h in bucket.collateral)
    return UsdMicro(bucket.raw_usd + marked + funding + held)


def counted_profit(profits: list[UsdMicro], policy: MarginPolicy) -> UsdMicro:
    """Positive unrealised pnl that counts for initial margin: weighted a position (down), capped a bucket."""
    weighted = sum(share(profit, policy.profit_weight, Side.DOWN) for profit in profits)
    return UsdMicro(weighted if policy.profit_cap is None else min(policy.profit_cap, weighted))


def maintenance_of(bucket: Bucket, conditions: Conditions) -> UsdMicro:
    """Tiered maintenance of the bucket: one ceil for the sum."""
    return requirement.maintenance(
        requirement.position_maintenance_numerator(conditions.market(p.market), conditions.mark(p.market).mark, p.size)
        for p in bucket.positions
    )


def health(bucket: Bucket, conditions: Conditions) -> Health:
    """Health of a bucket under tiered margin. Equity rounds down, requirements up, each once.

    Raises BadInput for a market, price or asset that `conditions` does not know. Bounds are not re-checked here:
    `terms.conditions.check_bucket` does so where state is written.
    """
    policy = conditions.policy
    positions = bucket.positions
    pnls = [unrealised_of(p, conditions) for p in positions]
    profits = [UsdMicro(max(0, pnl)) for pnl in pnls]
    equity = equity_maintenance(bucket, conditions)
    initial_value, maintenance_value = UsdMicro(0), UsdMicro(0)
    for holding in bucket.collateral:
        asset = conditions.asset(holding.asset)
        initial_value = UsdMicro(initial_value + collateral.value_initial(asset, holding.balance))
        maintenance_value = UsdMicro(maintenance_value + collateral.value_maintenance(asset, holding.balance))
    uncounted = sum(profits) - counted_profit(profits, policy)
    maintenance = maintenance_of(bucket, conditions)
    end = requirement.liquidation_end(maintenance, policy.exit_buffer)
    reserved, initials = UsdMicro(0), UsdMicro(0)
    for position in positions:
        market, mark = conditions.market(position.market), conditions.mark(position.market)
        reserved = UsdMicro(reserved + requirement.reserved_of(market, mark, position))
        initials = UsdMicro(initials + requirement.initial_of(market, mark, position.size, position.leverage))
    return Health(
        cash=UsdMicro(bucket.raw_usd + sum(p.entry_notional for p in positions)),
        unrealised=UsdMicro(sum(pnls)),
        profit=UsdMicro(sum(profits)),
        pending_funding=UsdMicro(sum(funding_of(p, conditions) for p in positions)),
        equity=equity,
        equity_initial=UsdMicro(equity - maintenance_value + initial_value - uncounted),
        notional=UsdMicro(sum(notional(p.size, conditions.mark(p.market).mark) for p in positions)),
        maintenance=maintenance,
        liquidation_end=end,
        reserved=reserved,
        initial=UsdMicro(max(initials, end) + reserved),
    )


def withdrawable(state: Health, policy: MarginPolicy, profit_pool: UsdMicro | None = None) -> UsdMicro:
    """USD that may leave the bucket: what exceeds initial margin and the withdrawal floor. Rounds down, never negative.

    `profit_pool` is what losers have paid in plus spendable insurance of the markets concerned; unrealised profit
    above it may not leave (SPEC section 4). None: the caller checks the pool elsewhere.
    """
    floor = share(state.notional, policy.withdrawal_floor, Side.UP) + state.reserved
    room = state.equity_initial - max(state.initial, floor)
    unpaid = 0 if profit_pool is None else max(0, state.profit - profit_pool)
    return UsdMicro(max(0, room - unpaid))


def accepts(before: Health, after: Health) -> bool:
    """May a command take a bucket from `before` to `after`? Enough initial margin, or no risk added (SPEC section 4).

    Ratios are compared by cross-multiplying: nothing is rounded.
    """
    if after.free >= 0:
        return True
    return not _adds_risk(before, after)


def _adds_risk(before: Health, after: Health) -> bool:
    if after.maintenance > before.maintenance:
        return True
    if after.reserved > before.reserved and after.initial > before.initial:
        return True  # resting orders are risk too: an empty bucket may not promise what it cannot hold
    if after.equity >= before.equity and (before.equity <= 0 or after.maintenance == 0):
        return False
    if after.maintenance == 0:
        return before.maintenance == 0  # nothing closed, yet equity fell: value left without margin for it
    return after.equity * before.maintenance < before.equity * after.maintenance
