"""What the rules that are levels say of an account or the venue now: crossed, come back, or between the two.

A rule that has been told is told again only after its value has come back past the threshold by HYSTERESIS of it: a
value that trembles there is one alert.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, Final, NamedTuple

from seawall.ledger import state
from seawall.margin.requirement import liquidation_end
from seawall.tools.account_file import CROSS, isolated_name
from seawall.tools.figures import percent, text_of
from seawall.tools.foresight import BucketForesight
from seawall.units import FUNDING_ONE, UsdMicro, price_fraction, usd
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.ops.alerts.shapes import (
    BadDebt,
    Distance,
    FundingRate,
    Insurance,
    LiquidationChance,
    MarginCall,
    MarginRatio,
    Rule,
)
from seawall.venue.rest.terms import policy_of
from seawall.venue.service import Service
from seawall.venue.views.figures import BucketFigures
from seawall.venue.views.liquidation import liquidation_ratio

HYSTERESIS: Final = Fraction(1, 20)
PRICE_DIGITS: Final = 6  # decimals of a liquidation price in a sentence
ACCOUNT_LEVELS: Final = (MarginCall, MarginRatio, Distance, LiquidationChance)
MARKET_LEVELS: Final = (FundingRate, Insurance, BadDebt)
LEVEL_NAMES: Final = {"initial": "initial margin", "liquidation_end": "liquidation end", "maintenance": "maintenance"}


class Found(NamedTuple):
    """A rule about one subject."""

    subject: str
    is_crossed: bool
    is_back: bool
    sentence: str


class Sight:
    """An account at one moment, as the engine measures it."""

    def __init__(self, service: Service, account: int, chances: Sequence[BucketForesight] | None = None) -> None:
        self.chances = chances
        listings = service.universe.listings
        self.listings = listings
        self.exit_buffer = policy_of(service.columns).exit_buffer
        self.buckets: list[tuple[str, BucketFigures]] = [
            (CROSS if one.market < 0 else isolated_name(listings[one.market].coin), one)
            for one in service.lens.reader.account(account)
        ]
        self.liquidation = partial(liquidation_ratio, service.columns, service.universe)


def account_levels(sight: Sight, rule: Rule) -> Iterator[Found]:
    """What a rule about an account says of each of its buckets or positions."""
    if isinstance(rule, MarginCall):
        for name, found in sight.buckets:
            yield _margin_call(sight, rule, name, found)
    elif isinstance(rule, MarginRatio):
        for name, found in sight.buckets:
            yield _margin_ratio(rule, name, found)
    elif isinstance(rule, Distance):
        yield from _distances(sight, rule)
    elif isinstance(rule, LiquidationChance):
        yield from _chances(sight, rule)


def _margin_call(sight: Sight, rule: MarginCall, name: str, bucket: BucketFigures) -> Found:
    end = liquidation_end(UsdMicro(bucket.maintenance), sight.exit_buffer)
    levels = {"initial": bucket.initial, "liquidation_end": end, "maintenance": bucket.maintenance}
    level = levels[rule.level]
    equity = bucket.equity_initial if rule.level == "initial" else bucket.equity
    sentence = f"{name}: equity of {usd_text(equity)} USD is below {LEVEL_NAMES[rule.level]} of {usd_text(level)} USD"
    return Found(name, equity < level, equity >= level * (1 + HYSTERESIS), sentence)


def _margin_ratio(rule: MarginRatio, name: str, bucket: BucketFigures) -> Found:
    limit, need = Fraction(rule.above), bucket.maintenance
    if bucket.equity <= 0:
        return Found(name, need > 0, need == 0, f"{name}: equity of {usd_text(bucket.equity)} USD is gone")
    ratio = Fraction(need, bucket.equity)
    sentence = f"{name}: margin ratio of {percent(ratio)} is above {percent(limit)}"
    return Found(name, ratio > limit, ratio <= limit * (1 - HYSTERESIS), sentence)


def _chances(sight: Sight, rule: LiquidationChance) -> Iterator[Found]:
    """Not counted yet: nothing is crossed and nothing has come back."""
    limit = Fraction(rule.above)
    if sight.chances is None:
        for name, _ in sight.buckets:
            yield Found(name, False, False, "")
        return
    for one in sight.chances:
        found = one.probabilities[f"{rule.hours}h"]
        behind = f", most of it {one.drivers[0].coin}" if one.drivers else ""
        cure = f"; {one.cures[0].words}" if one.cures else ""
        sentence = f"{one.bucket}: {percent(found)} likely to be liquidated within {rule.hours} h{behind}{cure}"
        yield Found(one.bucket, found > limit, found <= limit * (1 - HYSTERESIS), sentence)


def _distances(sight: Sight, rule: Distance) -> Iterator[Found]:
    limit = Fraction(rule.below)
    for name, bucket in sight.buckets:
        for position in bucket.positions:
            listing = sight.listings[position.market]
            if rule.coin not in (None, listing.coin):
                continue
            subject, point = f"{name} {listing.coin}", sight.liquidation(bucket, position)
            if point is None:
                yield Found(subject, False, True, "")
                continue
            price = Fraction(*point)
            far = abs(price / position.mark - 1)
            sentence = (
                f"{subject}: the mark of {listing.price_text(position.mark)} USD is {percent(far)} from the"
                f" liquidation price of {text_of(price_fraction(price, listing.size_decimals), PRICE_DIGITS)} USD"
            )
            yield Found(subject, far < limit, far >= limit * (1 + HYSTERESIS), sentence)


def market_levels(service: Service, rule: Rule) -> Iterator[Found]:
    """What a rule about markets or the venue says of each of them."""
    columns: Any = service.columns
    if isinstance(rule, BadDebt):
        debt, limit = UsdMicro(-columns["cell"].item(state.BAD_DEBT)), usd(rule.above)
        sentence = f"bad debt of {usd_text(debt)} USD is above {usd_text(limit)} USD"
        yield Found("venue", debt > limit, debt <= limit * (1 - HYSTERESIS), sentence)
        return
    for listing in service.universe.listings:
        if not isinstance(rule, FundingRate | Insurance) or rule.coin not in (None, listing.coin):
            continue
        if isinstance(rule, Insurance):
            fund, limit = UsdMicro(columns["market_insurance"].item(listing.number)), usd(rule.below)
            sentence = f"{listing.coin}: the insurance fund of {usd_text(fund)} USD is below {usd_text(limit)} USD"
            yield Found(listing.coin, fund < limit, fund >= limit * (1 + HYSTERESIS), sentence)
        else:
            paid, share = columns["market_funding_rate"].item(listing.number), Fraction(rule.above)
            rate = Fraction(abs(paid), FUNDING_ONE)
            who = "longs pay" if paid > 0 else "shorts pay"
            sentence = f"{listing.coin}: funding of {rate_text(paid, FUNDING_ONE)} an hour, {who}"
            yield Found(listing.coin, rate > share, rate <= share * (1 - HYSTERESIS), sentence)
