"""`seawall account health`: every bucket at the three levels, and the account as a whole."""

from fractions import Fraction

import msgspec

from seawall.margin.health import Health, Level, health, withdrawable
from seawall.terms.conditions import MarginPolicy
from seawall.tools.account_file import CROSS, Account
from seawall.tools.figures import money
from seawall.tools.scales import usd_of
from seawall.units import Side, share

EXPLAINED = {
    Level.FREE: "equity covers initial margin: new risk is allowed",
    Level.BELOW_INITIAL: "initial margin is short: only orders that reduce risk are accepted",
    Level.BELOW_LIQUIDATION_END: "a running liquidation would continue; a new one does not start",
    Level.LIQUIDATABLE: "equity is below maintenance: it is being liquidated",
    Level.BANKRUPT: "equity is negative: the loss is larger than the collateral",
}


class BucketHealth(msgspec.Struct, frozen=True, kw_only=True):
    """USD throughout; ratios are shares of one, None where there is nothing to divide by."""

    bucket: str
    level: Level
    is_liquidatable: bool
    equity_usd: Fraction
    cash_usd: Fraction
    unrealised_pnl_usd: Fraction
    notional_usd: Fraction
    initial_margin_usd: Fraction
    liquidation_end_usd: Fraction
    maintenance_margin_usd: Fraction
    withdrawal_floor_usd: Fraction
    free_usd: Fraction
    withdrawable_usd: Fraction
    above_maintenance_usd: Fraction
    margin_ratio: Fraction | None  # maintenance / equity: liquidation at 1
    leverage: Fraction | None  # notional / equity
    positions: int


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Health of all buckets. `reported_*` are the file's own figures, None where it has none."""

    file: str
    account_value_usd: Fraction
    notional_usd: Fraction
    initial_margin_usd: Fraction
    maintenance_margin_usd: Fraction
    withdrawable_usd: Fraction
    worst_level: Level
    buckets: tuple[BucketHealth, ...]
    reported_account_value_usd: Fraction | None
    reported_cross_maintenance_usd: Fraction | None
    reported_withdrawable_usd: Fraction | None
    warnings: tuple[str, ...]


def bucket_health(name: str, state: Health, policy: MarginPolicy, positions: int) -> BucketHealth:
    """A core Health in USD, with the withdrawal floor and the ratios traders watch."""
    floor = max(state.initial, share(state.notional, policy.withdrawal_floor, Side.UP) + state.reserved)
    solvent = state.equity > 0
    return BucketHealth(
        bucket=name,
        level=state.level,
        is_liquidatable=state.is_liquidatable,
        equity_usd=usd_of(state.equity),
        cash_usd=usd_of(state.cash),
        unrealised_pnl_usd=usd_of(state.unrealised),
        notional_usd=usd_of(state.notional),
        initial_margin_usd=usd_of(state.initial),
        liquidation_end_usd=usd_of(state.liquidation_end),
        maintenance_margin_usd=usd_of(state.maintenance),
        withdrawal_floor_usd=usd_of(floor),
        free_usd=usd_of(state.free),
        withdrawable_usd=usd_of(withdrawable(state, policy)),
        above_maintenance_usd=usd_of(state.equity - state.maintenance),
        margin_ratio=Fraction(state.maintenance, state.equity) if solvent else None,
        leverage=Fraction(state.notional, state.equity) if solvent else None,
        positions=positions,
    )


def account_health(account: Account) -> AccountHealth:
    """Health of every bucket of the account; the worst level leads."""
    conditions = account.conditions
    buckets = tuple(
        bucket_health(
            named.name, health(named.bucket, conditions), account.policy, positions=len(named.bucket.positions)
        )
        for named in account.buckets
    )
    wire = account.wire
    order = list(Level)
    told = None if wire.total is None else wire.total.account_value
    free = next(b.withdrawable_usd for b in buckets if b.bucket == CROSS)
    return AccountHealth(
        file=account.file,
        account_value_usd=sum((b.equity_usd for b in buckets), Fraction(0)),
        notional_usd=sum((b.notional_usd for b in buckets), Fraction(0)),
        initial_margin_usd=sum((b.initial_margin_usd for b in buckets), Fraction(0)),
        maintenance_margin_usd=sum((b.maintenance_margin_usd for b in buckets), Fraction(0)),
        withdrawable_usd=free,
        worst_level=max((b.level for b in buckets), key=order.index),
        buckets=buckets,
        reported_account_value_usd=None if told is None else usd_of(told),
        reported_cross_maintenance_usd=None if wire.cross_maintenance is None else usd_of(wire.cross_maintenance),
        reported_withdrawable_usd=None if wire.withdrawable is None else usd_of(wire.withdrawable),
        warnings=(*account.warnings, *_orders_warning(wire.withdrawable, free)),
    )


def _orders_warning(reported: int | None, computed: Fraction) -> list[str]:
    """A lower reported amount means resting orders, which `clearinghouseState` does not show."""
    if reported is None or computed - usd_of(reported) <= Fraction(1, 10**4):
        return []
    lower = money(computed - usd_of(reported))
    return [f"the venue reports {lower} USD less withdrawable: margin of resting orders, which the file does not show"]
