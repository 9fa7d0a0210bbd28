"""Mango v4: account health over tokens, open spot orders and perpetuals, for each of the venue's three health levels.

Amounts are native units of a token, prices are quote native per token native, weights are ratios. The program computes
in binary fixed point (2^-48); here every value is an exact rational, so a result differs from the program's by its
rounding only. Source: `health/cache.rs` and `state/bank.rs`.

Init guards new risk, Maint decides when liquidation starts, LiquidationEnd where it stops: Init <= LiquidationEnd <=
Maint for an account, as long as the weights are ordered that way.
"""

from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from typing import Final

import msgspec

from seawall.units import BadInput

ZERO: Final = Fraction(0)


class HealthLevel(Enum):
    """Which weights and prices value the account."""

    INIT = "init"  # init weights scaled by the bank's totals, the worse of oracle and stable price
    LIQUIDATION_END = "liquidation_end"  # init weights not scaled, oracle price
    MAINT = "maint"  # maintenance weights, oracle price


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """Oracle price and stable price (the slowly moving one)."""

    oracle: Fraction
    stable: Fraction

    def asset(self, level: HealthLevel) -> Fraction:
        """Price of something owned: the lower one for Init."""
        return min(self.oracle, self.stable) if level is HealthLevel.INIT else self.oracle

    def liability(self, level: HealthLevel) -> Fraction:
        """Price of something owed: the higher one for Init."""
        return max(self.oracle, self.stable) if level is HealthLevel.INIT else self.oracle


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """Asset weights (at most 1) and liability weights (at least 1) for opening and for keeping a position."""

    init_asset: Fraction
    init_liability: Fraction
    maint_asset: Fraction
    maint_liability: Fraction

    def asset(self, level: HealthLevel) -> Fraction:
        """Unscaled weight of something owned."""
        return self.maint_asset if level is HealthLevel.MAINT else self.init_asset

    def liability(self, level: HealthLevel) -> Fraction:
        """Unscaled weight of something owed."""
        return self.maint_liability if level is HealthLevel.MAINT else self.init_liability


class Bank(msgspec.Struct, frozen=True, kw_only=True):
    """All deposits and borrows of a token, and the values from which its init weights scale; None: they do not."""

    deposits: Fraction = ZERO
    borrows: Fraction = ZERO
    potential_spot_deposits: Fraction = ZERO
    deposit_scale_start: Fraction | None = None
    borrow_scale_start: Fraction | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token of the account: its balance (negative: borrowed), prices, weights and bank."""

    balance: Fraction
    prices: Prices
    weights: Weights
    bank: Bank = Bank()

    def asset_weight(self, level: HealthLevel) -> Fraction:
        """Weight of a balance owned. For Init it shrinks once all deposits are worth more than the bank's start."""
        weight = self.weights.asset(level)
        start = self.bank.deposit_scale_start
        if level is not HealthLevel.INIT or start is None:
            return weight
        value = (self.bank.deposits + self.bank.potential_spot_deposits) * self.prices.liability(level)
        return weight if value <= start else weight * start / value

    def liability_weight(self, level: HealthLevel) -> Fraction:
        """Weight of a balance owed. For Init it grows once all borrows are worth more than the bank's start.

        BadInput for a start of 0, where the program's weight has no bound.
        """
        weight = self.weights.liability(level)
        start = self.bank.borrow_scale_start
        if level is not HealthLevel.INIT or start is None:
            return weight
        value = self.bank.borrows * self.prices.liability(level)
        if value <= start:
            return weight
        if start == 0:
            raise BadInput("borrow_scale_start", "0 makes the liability weight infinite")
        return weight * value / start

    def contribution(self, amount: Fraction, level: HealthLevel) -> Fraction:
        """Health an amount of the token adds (negative: takes), in quote native."""
        if amount < 0:
            return amount * self.liability_weight(level) * self.prices.liability(level)
        return amount * self.asset_weight(level) * self.prices.asset(level)


class SpotOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens reserved by an account's open orders in one spot market, and the limits known for their prices.

    `lowest_ask` (quote a base) bounds what the reserved base can become, `highest_bid_inverse` (base a quote) what the
    reserved quote can; None: not known, the oracle price stands alone.
    """

    base: int  # index of the token in the account
    quote: int
    reserved_base: Fraction
    reserved_quote: Fraction
    lowest_ask: Fraction | None = None
    highest_bid_inverse: Fraction | None = None


class PerpWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of a perpetual's base position, and of what a position that is worth something counts for."""

    base: Weights
    init_overall_asset: Fraction
    maint_overall_asset: Fraction

    def overall(self, level: HealthLevel) -> Fraction:
        """Weight of a positive perpetual contribution."""
        return self.maint_overall_asset if level is HealthLevel.MAINT else self.init_overall_asset


class PerpPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual position and its open orders, in base lots; `quote` is native of the token it settles in."""

    settle: int  # index of the settlement token in the account
    base_lots: int
    base_lot_size: int
    quote: Fraction
    bids_base_lots: int
    asks_base_lots: int
    prices: Prices
    weights: PerpWeights

    def unweighted(self, level: HealthLevel) -> Fraction:
        """Quote that counts: the worse of all bids filling and all asks filling, before the overall weight."""
        bids = self._filled(self.bids_base_lots, self.prices.liability(level), level)
        asks = self._filled(-self.asks_base_lots, self.prices.asset(level), level)
        return self.quote + min(bids, asks)

    def contribution(self, level: HealthLevel) -> Fraction:
        """What the position adds to the balance of its settlement token; a gain counts by the overall weight."""
        value = self.unweighted(level)
        return value * self.weights.overall(level) if value > 0 else value

    def _filled(self, order_lots: int, order_price: Fraction, level: HealthLevel) -> Fraction:
        net = (self.base_lots + order_lots) * self.base_lot_size
        if net < 0:
            value = net * self.weights.base.liability(level) * self.prices.liability(level)
        else:
            value = net * self.weights.base.asset(level) * self.prices.asset(level)
        return value - order_lots * self.base_lot_size * order_price


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an account's health depends on."""

    tokens: tuple[Token, ...]
    spot: tuple[SpotOrders, ...] = ()
    perps: tuple[PerpPosition, ...] = ()


def health(account: Account, level: HealthLevel) -> Fraction:
    """Health of an account in quote native: tokens with their perpetual results, and the worse side of open orders.

    Exact. BadInput where a market names a token the account has not, or a price is not positive.
    """
    _check(account)
    balances = [token.balance for token in account.tokens]
    for perp in account.perps:
        balances[perp.settle] += perp.contribution(level)
    reserved = _max_reserved(account, level)
    total = sum(
        (token.contribution(balance, level) for token, balance in zip(account.tokens, balances, strict=True)), ZERO
    )
    for orders in account.spot:
        sides = (
            (orders.base, reserved_as_base(account, orders, level)),
            (orders.quote, reserved_as_quote(account, orders, level)),
        )
        total += min(
            _reserved_health(account.tokens[index], balances[index] + reserved[index], amount, level)
            for index, amount in sides
        )
    return total


def init_health(account: Account) -> Fraction:
    """Health that must not become negative by taking risk."""
    return health(account, HealthLevel.INIT)


def maint_health(account: Account) -> Fraction:
    """Health below 0 at which liquidation starts."""
    return health(account, HealthLevel.MAINT)


def liquidation_end_health(account: Account) -> Fraction:
    """Health at which a liquidation under way stops: 0 or more."""
    return health(account, HealthLevel.LIQUIDATION_END)


def is_liquidatable(account: Account) -> bool:
    """Whether liquidation may start: maintenance health is below 0."""
    return maint_health(account) < 0


def may_leave_liquidation(account: Account) -> bool:
    """Whether a liquidation under way ends: liquidation-end health is 0 or more."""
    return liquidation_end_health(account) >= 0


def reserved_as_base(account: Account, orders: SpotOrders, level: HealthLevel) -> Fraction:
    """Base tokens there are when all reserved quote becomes base, at the oracle or the highest bid, the lesser one."""
    base, quote = account.tokens[orders.base], account.tokens[orders.quote]
    converted = orders.reserved_quote * quote.prices.asset(level) / base.prices.liability(level)
    if orders.highest_bid_inverse is not None:
        converted = min(converted, orders.reserved_quote * orders.highest_bid_inverse)
    return orders.reserved_base + converted


def reserved_as_quote(account: Account, orders: SpotOrders, level: HealthLevel) -> Fraction:
    """Quote tokens there are when all reserved base becomes quote, at the oracle or the lowest ask, the lesser one."""
    base, quote = account.tokens[orders.base], account.tokens[orders.quote]
    converted = orders.reserved_base * base.prices.asset(level) / quote.prices.liability(level)
    if orders.lowest_ask is not None:
        converted = min(converted, orders.reserved_base * orders.lowest_ask)
    return orders.reserved_quote + converted


def _max_reserved(account: Account, level: HealthLevel) -> Sequence[Fraction]:
    """For each token, the most that open orders of all its markets can turn into it."""
    most = [ZERO] * len(account.tokens)
    for orders in account.spot:
        most[orders.base] += reserved_as_base(account, orders, level)
        most[orders.quote] += reserved_as_quote(account, orders, level)
    return most


def _reserved_health(token: Token, most: Fraction, amount: Fraction, level: HealthLevel) -> Fraction:
    """Health of `amount` of a token arriving last, where `most` is the balance with everything that can arrive.

    What only repays a borrow counts with the liability's weight and price, what is left as an asset.
    """
    asset_part = max(ZERO, min(most, amount))
    repaid = (amount - asset_part) * token.liability_weight(level) * token.prices.liability(level)
    return asset_part * token.asset_weight(level) * token.prices.asset(level) + repaid


def _check(account: Account) -> None:
    count = len(account.tokens)
    named = [index for orders in account.spot for index in (orders.base, orders.quote)]
    named += [perp.settle for perp in account.perps]
    if any(not 0 <= index < count for index in named):
        raise BadInput("tokens", f"a market names a token outside 0..{count - 1}")
    prices = [token.prices for token in account.tokens] + [perp.prices for perp in account.perps]
    if any(price.oracle <= 0 or price.stable <= 0 for price in prices):
        raise BadInput("prices", "expected positive prices")
