"""Conditions: everything outside a bucket that its margin depends on, at one instant, and the bounds of both."""

import msgspec

from seawall.terms import limits
from seawall.terms.asset import Asset, check_asset
from seawall.terms.bucket import Bucket, BucketKind, Position
from seawall.terms.market import Mark, Market
from seawall.units import RATE_ONE, BadInput, Rate, UsdMicro, notional


class MarginPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Venue-wide margin parameters (SPEC sections 1, 3, 4). The defaults are Seawall's."""

    exit_buffer: Rate = Rate(RATE_ONE // 50)  # liquidation ends at maintenance x (1 + this); 0 is Hyperliquid's
    withdrawal_floor: Rate = Rate(RATE_ONE // 10)  # share of notional that must stay after a withdrawal
    profit_weight: Rate = Rate(RATE_ONE)  # of positive unrealised pnl counted for initial margin
    profit_cap: UsdMicro | None = None  # most that may count per bucket; None: no cap


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """Markets, their marks, collateral assets and the venue's policy."""

    markets: dict[str, Market]
    marks: dict[str, Mark]
    assets: dict[str, Asset] = {}
    policy: MarginPolicy = MarginPolicy()

    def market(self, name: str) -> Market:
        if name not in self.markets:
            raise BadInput("market", f"unknown market {name!r}")
        return self.markets[name]

    def mark(self, name: str) -> Mark:
        if name not in self.marks:
            raise BadInput("mark", f"no price for market {name!r}")
        return self.marks[name]

    def asset(self, name: str) -> Asset:
        if name not in self.assets:
            raise BadInput("asset", f"unknown collateral asset {name!r}")
        return self.assets[name]


def check_policy(policy: MarginPolicy) -> MarginPolicy:
    """The policy itself, or BadInput naming the parameter that is out of bounds."""
    rates = {
        "exit_buffer": policy.exit_buffer,
        "withdrawal_floor": policy.withdrawal_floor,
        "profit_weight": policy.profit_weight,
    }
    for name, rate in rates.items():
        if not 0 <= rate <= RATE_ONE:
            raise BadInput(f"policy.{name}", f"{rate} is outside 0..RATE_ONE")
    if policy.profit_cap is not None and policy.profit_cap < 0:
        raise BadInput("policy.profit_cap", "must not be negative")
    return policy


def check_bucket(bucket: Bucket, conditions: Conditions) -> Bucket:
    """The bucket itself when it and the conditions it touches are within the bounds; BadInput otherwise."""
    check_policy(conditions.policy)
    if abs(bucket.raw_usd) > limits.RAW_USD_MAX:
        raise BadInput("raw_usd", f"{bucket.raw_usd} is beyond 2^61 micro-USD")
    names = [position.market for position in bucket.positions]
    if len(names) > limits.POSITIONS_PER_BUCKET:
        raise BadInput("positions", f"{len(names)} positions, at most {limits.POSITIONS_PER_BUCKET}")
    if len(set(names)) != len(names):
        raise BadInput("positions", "two positions in one market")
    if bucket.kind is BucketKind.ISOLATED and len(names) > 1:
        raise BadInput("positions", "an isolated bucket holds one position")
    for position in bucket.positions:
        _check_position(position, conditions)
    if len(bucket.collateral) > limits.ASSETS_PER_BUCKET:
        raise BadInput("collateral", f"{len(bucket.collateral)} assets, at most {limits.ASSETS_PER_BUCKET}")
    for holding in bucket.collateral:
        check_asset(conditions.asset(holding.asset))
        if not 0 <= holding.balance <= limits.BALANCE_MAX:
            raise BadInput(f"collateral.{holding.asset}", f"balance {holding.balance} is outside 0..2^61 lots")
    return bucket


def _check_position(position: Position, conditions: Conditions) -> None:
    market, mark = conditions.market(position.market), conditions.mark(position.market)
    field = f"positions.{position.market}"
    for name, price in (("mark", mark.mark), ("oracle", mark.oracle)):
        if not 1 <= price <= market.price_max:
            raise BadInput(f"marks.{position.market}.{name}", f"price {price} is outside 1..{market.price_max}")
    if mark.open_interest < 0:
        raise BadInput(f"marks.{position.market}.open_interest", "must not be negative")
    if abs(mark.funding_index) > limits.FUNDING_INDEX_MAX or abs(position.funding_index) > limits.FUNDING_INDEX_MAX:
        raise BadInput(f"{field}.funding_index", "beyond 2^62")
    if position.bids < 0 or position.asks < 0:
        raise BadInput(f"{field}.bids", "resting sizes must not be negative")
    worst = max(abs(position.size), abs(position.size + position.bids), abs(position.size - position.asks))
    if worst > market.size_max:
        raise BadInput(f"{field}.size", f"{worst} lots is beyond the market's {market.size_max}")
    if not 1 <= position.leverage <= limits.LEVERAGE_MAX:
        raise BadInput(f"{field}.leverage", f"{position.leverage} is outside 1..{limits.LEVERAGE_MAX}")
    if abs(position.entry_notional) > limits.NOTIONAL_MAX:
        raise BadInput(f"{field}.entry_notional", "beyond 2^53 micro-USD")
    assert notional(position.size, mark.mark) <= limits.NOTIONAL_MAX
