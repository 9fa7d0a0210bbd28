"""What a forced closing may do to a bucket, in fractions, from SPEC section 9: bankruptcy price, fee, and how much."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from seawall.simulation.model import (
    ONE,
    Bucket,
    Health,
    Market,
    Picture,
    copy_bucket,
    health,
    maintenance_exact,
    portfolio_maintenance,
)
from seawall.terms import parameter as names


@dataclass(slots=True)
class Closing:
    """A position to be closed and the bucket around it, funding settled."""

    picture: Picture
    bucket: Bucket
    number: int
    market: Market
    side: int  # of the closing trade: -1 sells a long
    held: int  # lots, positive
    now: Health
    rest: Fraction  # maintenance of the other positions, before the ceiling
    end_rate: Fraction  # 1 + exit buffer

    def maintenance(self, lots: int) -> int:
        """Maintenance of the bucket once `lots` are closed."""
        if self.bucket.is_portfolio:
            after = copy_bucket(self.bucket)
            after.positions[self.number].size += self.side * lots
            return portfolio_maintenance(self.picture, after)
        return ceil(self.rest + maintenance_exact(self.market, self.held - lots))

    def end(self, lots: int) -> int:
        """Liquidation end once `lots` are closed."""
        return ceil(self.maintenance(lots) * self.end_rate)

    def equity_left(self, lots: int) -> int:
        """`equity_after = ceil(equity * MM_after / MM)`: what closing at the bankruptcy price leaves."""
        if self.now.maintenance == 0:
            return 0
        return ceil(Fraction(self.now.equity * self.maintenance(lots), self.now.maintenance))

    def bankruptcy_price(self, lots: int) -> int:
        """The whole price a lot at which closing leaves `equity_left`, rounded for the bucket, within 1..price_max."""
        given_up = self.now.equity - self.equity_left(lots)
        worth = lots * self.market.mark
        exact = Fraction(worth - given_up, lots) if self.side < 0 else Fraction(worth + given_up, lots)
        price = ceil(exact) if self.side < 0 else floor(exact)
        return max(1, min(price, self.market.price_max))

    def slippage(self, lots: int, value: int) -> int:
        """What closing `lots` for `value` loses against the mark."""
        return self.side * (value - lots * self.market.mark)

    def fee(self, lots: int, value: int) -> int:
        """`min(rate * notional, what the fill left above the bankruptcy value)`, never from what is not there."""
        full = ceil(value * Fraction(self.market.params[names.LIQUIDATION_FEE], ONE))
        spare = self.now.equity - self.slippage(lots, value) - max(0, self.equity_left(lots))
        return max(0, min(full, spare))

    def is_enough(self, lots: int, value: int) -> bool:
        """Whether `lots` for `value` and the full fee reach liquidation end."""
        full = ceil(value * Fraction(self.market.params[names.LIQUIDATION_FEE], ONE))
        return self.now.equity - self.slippage(lots, value) - full >= self.end(lots)


def closing_of(picture: Picture, bucket: Bucket, number: int) -> Closing:
    """The position of a bucket in a market as something to be closed."""
    size = bucket.positions[number].size
    rest = sum(
        (maintenance_exact(picture.markets[n], held.size) for n, held in bucket.positions.items() if n != number),
        Fraction(0),
    )
    return Closing(
        picture=picture,
        bucket=bucket,
        number=number,
        market=picture.markets[number],
        side=-1 if size > 0 else 1,
        held=abs(size),
        now=health(picture, bucket),
        rest=rest,
        end_rate=1 + Fraction(picture.policy[names.EXIT_BUFFER], ONE),
    )


def is_low(picture: Picture, now: Health) -> bool:
    """Whether equity is below the share of maintenance at which the backstop comes before the book."""
    return now.equity < Fraction(picture.policy[names.BACKSTOP_RATIO], ONE) * now.maintenance


def gate_limit(market: Market, side: int) -> int | None:
    """The furthest price from the index that a forced order may take; None: anywhere."""
    gate = market.params[names.GATE]
    if gate >= ONE:
        return None
    reach = floor(market.index * Fraction(gate, ONE))
    return market.index - reach if side < 0 else market.index + reach


def worst_price(picture: Picture, bucket: Bucket, number: int, lots: int) -> int:
    """The limit of a forced order for `lots`: bankruptcy price and gate, whichever is nearer the market."""
    closing = closing_of(picture, bucket, number)
    prices = [closing.bankruptcy_price(lots)]
    if closing.now.equity < 0:
        prices.append(closing.bankruptcy_price(1))
    gate = gate_limit(closing.market, closing.side)
    if gate is not None:
        prices.append(gate)
    return max(prices) if closing.side < 0 else min(prices)


def is_as_covered(before: Health, after: Health) -> bool:
    """Whether equity per unit of maintenance has not fallen (a debt: has not grown)."""
    if before.equity <= 0 or after.maintenance == 0:
        return after.equity >= min(0, before.equity)
    return after.equity * before.maintenance >= before.equity * after.maintenance
