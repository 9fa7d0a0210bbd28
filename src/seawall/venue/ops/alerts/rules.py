"""What the rules that are levels say of an account or the venue now: crossed, come back, or between the two.

A rule that has been told is told again only after its value has come back past the threshold by HYSTERESIS of it: a
value that trembles there is one alert.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, NamedTuple

from seawall.ledger import state
from seawall.tools.account_file import CROSS, Account, isolated_name
from seawall.tools.figures import percent
from seawall.units import FUNDING_ONE, UsdMicro, usd
from seawall.venue.decimals import rate_text, usd_text
from seawall.venue.ops.alerts.shapes import BadDebt, Distance, FundingRate, Insurance, MarginCall, MarginRatio, Rule
from seawall.venue.reads import Reads, Standing
from seawall.venue.rest.account import position_line
from seawall.venue.rest.terms import account_of, buckets_of
from seawall.venue.service import Service

HYSTERESIS: Final = Fraction(1, 20)
ACCOUNT_LEVELS: Final = (MarginCall, MarginRatio, Distance)
MARKET_LEVELS: Final = (FundingRate, Insurance, BadDebt)
LEVEL_NAMES: Final = {"initial": "initial margin", "liquidation_end": "liquidation end", "maintenance": "maintenance"}


class Found(NamedTuple):
    """A rule about one subject."""

    subject: str
    is_crossed: bool
    is_back: bool
    sentence: str


class Sight:
    """An account at one moment; what several rules ask is computed once."""

    def __init__(self, service: Service, reads: Reads, account: int) -> None:
        self.service = service
        self.account = account
        columns, listings = service.columns, service.universe.listings
        self.buckets: list[tuple[str, Standing]] = []
        for number in buckets_of(columns, account):
            market = columns["bucket_market"].item(number)
            name = CROSS if number == account else isolated_name(listings[market].coin)
            self.buckets.append((name, reads.standing(number)))
        self._reads = reads
        self._terms: Account | None = None

    def liquidation_end(self, maintenance: int) -> UsdMicro:
        return self._reads.liquidation_end(maintenance)

    @property
    def terms(self) -> Account:
        """The account as the margin core sees it."""
        if self._terms is None:
            self._terms = account_of(self.service.columns, self.service.universe, self.account)
        return self._terms


def account_levels(sight: Sight, rule: Rule) -> Iterator[Found]:
    """What a rule about an account says of each of its buckets or positions."""
    if isinstance(rule, MarginCall):
        for name, standing in sight.buckets:
            yield _margin_call(sight, rule, name, standing)
    elif isinstance(rule, MarginRatio):
        for name, standing in sight.buckets:
            yield _margin_ratio(rule, name, standing)
    elif isinstance(rule, Distance):
        yield from _distances(sight, rule)


def _margin_call(sight: Sight, rule: MarginCall, name: str, standing: Standing) -> Found:
    levels = {"initial": standing.initial, "maintenance": standing.maintenance}
    level = levels.get(rule.level, sight.liquidation_end(standing.maintenance))
    equity = standing.equity_initial if rule.level == "initial" else standing.equity
    sentence = f"{name}: equity of {usd_text(equity)} USD is below {LEVEL_NAMES[rule.level]} of {usd_text(level)} USD"
    return Found(name, equity < level, equity >= level * (1 + HYSTERESIS), sentence)


def _margin_ratio(rule: MarginRatio, name: str, standing: Standing) -> Found:
    limit, need = Fraction(rule.above), standing.maintenance
    if standing.equity <= 0:
        return Found(name, need > 0, need == 0, f"{name}: equity of {usd_text(standing.equity)} USD is gone")
    ratio = Fraction(need, standing.equity)
    sentence = f"{name}: margin ratio of {percent(ratio)} is above {percent(limit)}"
    return Found(name, ratio > limit, ratio <= limit * (1 - HYSTERESIS), sentence)


def _distances(sight: Sight, rule: Distance) -> Iterator[Found]:
    limit, universe = Fraction(rule.below), sight.service.universe
    for named in sight.terms.buckets:
        for position in named.bucket.positions:
            if not position.size or rule.coin not in (None, position.market):
                continue
            far, view = position_line(sight.terms, named.name, position, universe.coin(position.market))
            subject = f"{named.name} {position.market}"
            sentence = (
                f"{subject}: the mark of {view.mark} USD is {percent(far)} from the liquidation price"
                f" of {view.liquidation_price} USD"
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
