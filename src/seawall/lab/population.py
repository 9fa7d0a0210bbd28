"""Synthetic accounts, drawn from a seed: distributions and their reasons are in docs/lab/population.md.

Integers come out: lots, micro-USD, leverages. In every market the sizes sum to zero exactly, and every bucket
starts with equity at or above its initial requirement.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from seawall.lab.history import Floats, History
from seawall.lab.listing import static_market, to_prices
from seawall.terms import limits
from seawall.terms.market import Market
from seawall.units import BadInput

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DIRECTIONAL: Final = 0
HEDGER: Final = 1
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Who trades. Every default has its reason in docs/lab/population.md."""

    accounts: int = 100_000
    open_interest_of_volume: float = 0.4  # one-sided open interest over a usual day's volume
    long_share: float = 0.58  # of directional positions by count; in USD both sides are equal
    extra_positions: float = 0.8  # positions per directional account: 1 + Poisson(this)
    isolated_accounts: float = 0.20  # accounts whose positions are all isolated
    mixed_accounts: float = 0.10  # accounts where each position is isolated with probability 1/2
    hedger_accounts: float = 0.06  # delta-neutral cross accounts: two opposite legs of equal notional
    hedged_interest: float = 0.20  # share of open interest that hedgers hold, at most
    hedger_markets: int = 6  # they trade the most liquid ones
    wealth_tail: float = 1.2  # Pareto exponent of an account's notional
    position_share_max: float = 0.02  # of one side of a market's open interest
    leverages: tuple[int, ...] = (1, 2, 3, 5, 10, 15, 20, 25, 40)
    leverage_weights: tuple[float, ...] = (0.03, 0.08, 0.16, 0.32, 0.23, 0.03, 0.09, 0.03, 0.03)
    whale_share: float = 0.015  # the largest accounts, by notional, that do not go above `whale_leverage`
    whale_leverage: int = 8
    entry_dispersion: float = 0.03  # standard deviation of ln(entry / price)
    cross_cushion: float = 0.5  # median of equity / initial - 1 in cross buckets (log-normal)
    cross_cushion_sigma: float = 0.65
    isolated_cushion: float = 0.15  # mean of equity / initial - 1 in isolated buckets (exponential)


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """Buckets in CSR form: positions of bucket a are rows offsets[a] to offsets[a + 1], by rising market."""

    markets: tuple[Market, ...]
    accounts: int  # drawn; a few of them may have ended without a position
    price: Ints  # [S] micro-USD per lot at which the population was drawn
    offsets: npt.NDArray[np.int32]  # [A + 1]
    market: npt.NDArray[np.uint16]  # [P]
    size: Ints  # [P] lots, signed, never 0
    entry_notional: Ints  # [P] micro-USD, signed like size
    leverage: npt.NDArray[np.int32]  # [P]
    raw_usd: Ints  # [A] micro-USD
    isolated: Flags  # [A]
    owner: npt.NDArray[np.int32]  # [A] rising; buckets of one owner stand together, the cross one first
    hedger: Flags  # [A]

    @property
    def buckets(self) -> int:
        return len(self.raw_usd)

    @property
    def positions(self) -> int:
        return len(self.size)

    def open_interest(self) -> Ints:
        """[S] lots held long, which equal those held short."""
        return _sum_by(self.market, np.maximum(self.size, 0), len(self.markets))


@dataclass(eq=False, kw_only=True)
class _Draft:
    """Positions while they are drawn, one row each; notionals in USD."""

    owner: Ints
    market: Ints
    sign: Ints
    notional: Floats
    hedge: Flags

    def keep(self, rows: Flags) -> "_Draft":
        cut = {name: getattr(self, name)[rows] for name in ("owner", "market", "sign", "notional", "hedge")}
        return _Draft(**cut)


def usual_day_volume(history: History) -> Floats:
    """[S] USD a day: the median live bar's volume times bars per day, so that a crash does not count as usual."""
    bars = DAY_MS / history.interval_ms
    usual = np.zeros(history.markets)
    for column in range(history.markets):
        live = history.live[:, column]
        if bool(live.any()):
            volumes = history.volume_usd[live, column]
            usual[column] = max(float(np.median(volumes)), 0.25 * float(volumes.mean())) * bars
    return usual


def populate_for(history: History, seed: int, mix: Mix | None = None) -> Population:
    """A population that meets `history` at its first bar: prices, liquidity ranks and open interest from it.

    A market that does not begin in time lists at its first live price and starts without positions.
    """
    chosen = mix or Mix()
    volume = usual_day_volume(history)
    rank = np.empty(history.markets, dtype=np.int64)
    rank[np.argsort(-volume, kind="stable")] = np.arange(history.markets)
    starts, highest = _start_prices(history)
    markets = tuple(
        static_market(symbol, float(starts[k]), int(rank[k]), price_max_usd=4.0 * float(highest[k]))
        for k, symbol in enumerate(history.symbols)
    )
    interest = np.where(history.begins_in_time, volume * chosen.open_interest_of_volume, 0.0)
    made = populate(markets, starts, interest, seed, chosen)
    if not made.positions:
        what = f"{chosen.accounts} in {len(markets)} markets leave none with both a long and a short"
        raise BadInput("accounts", f"{what}: take more accounts or fewer markets")
    return made


def _start_prices(history: History) -> tuple[Floats, Floats]:
    starts, highest = np.empty(history.markets), np.empty(history.markets)
    for column, symbol in enumerate(history.symbols):
        live = np.flatnonzero(history.live[:, column])
        if not len(live):
            raise BadInput(f"{symbol}.live", "no live bar", history.name)
        starts[column] = history.open[live[0], column]
        highest[column] = max(history.high[live, column].max(), history.index_high[live, column].max())
    return starts, highest


def populate(
    markets: tuple[Market, ...], prices_usd: Floats, interest_usd: Floats, seed: int, mix: Mix | None = None
) -> Population:
    """Draw a population whose one-sided open interest is about `interest_usd` ([S], USD; 0 leaves a market empty).

    The same arguments give the same accounts. Raises BadInput for a mix that is not one.
    """
    chosen = mix or Mix()
    _check(chosen, markets, interest_usd)
    rng = np.random.Generator(np.random.PCG64(seed))
    price = to_prices(prices_usd, markets)
    draft = _draw(rng, chosen, interest_usd)
    draft = _two_sided(draft, len(markets))
    draft.notional = _scaled(draft, interest_usd, chosen)
    size = _balanced(draft, price, markets)
    draft, size = draft.keep(size != 0), size[size != 0]
    return _settled(rng, chosen, draft, size=size, price=price, markets=markets)


def _check(mix: Mix, markets: tuple[Market, ...], interest_usd: Floats) -> None:
    if not 1 <= len(markets) <= limits.MARKETS:
        raise BadInput("markets", f"{len(markets)} markets, expected 1 to {limits.MARKETS}")
    if mix.accounts < 2 or mix.accounts > 20_000_000:
        raise BadInput("accounts", f"{mix.accounts} is outside 2..20,000,000")
    if interest_usd.shape != (len(markets),) or not bool(np.all(np.isfinite(interest_usd) & (interest_usd >= 0))):
        raise BadInput("interest_usd", "expected one finite amount >= 0 per market")
    if not bool((interest_usd > 0).any()):
        raise BadInput("interest_usd", "no market has open interest")
    shares = ("long_share", "isolated_accounts", "mixed_accounts", "hedger_accounts", "hedged_interest", "whale_share")
    for name in shares:
        if not 0 <= getattr(mix, name) <= 1:
            raise BadInput(name, f"{getattr(mix, name)} is outside 0..1")
    if mix.isolated_accounts + mix.mixed_accounts + mix.hedger_accounts > 1:
        raise BadInput("isolated_accounts", "shares of accounts add up to more than 1")
    positive = ("open_interest_of_volume", "wealth_tail", "cross_cushion", "position_share_max", "hedger_markets")
    for name in positive:
        if not getattr(mix, name) > 0:
            raise BadInput(name, f"{getattr(mix, name)} is not above 0")
    for name in ("extra_positions", "entry_dispersion", "cross_cushion_sigma", "isolated_cushion"):
        if not 0 <= getattr(mix, name) <= 20:
            raise BadInput(name, f"{getattr(mix, name)} is outside 0..20")
    weights = mix.leverage_weights
    if len(mix.leverages) != len(weights) or not weights or min(weights) < 0 or sum(weights) <= 0:
        raise BadInput("leverage_weights", "expected one weight >= 0 per leverage")
    if min(mix.leverages) < 1 or max(mix.leverages) > limits.LEVERAGE_MAX or mix.whale_leverage < 1:
        raise BadInput("leverages", f"outside 1..{limits.LEVERAGE_MAX}")


def _draw(rng: np.random.Generator, mix: Mix, interest: Floats) -> _Draft:
    """Owners 0..h-1 are hedgers; the rest draw 1 + Poisson markets by the square root of open interest."""
    wealth = rng.pareto(mix.wealth_tail, mix.accounts) + 1.0
    hedgers = int(mix.hedger_accounts * mix.accounts) if np.count_nonzero(interest) >= 2 else 0
    counts = 1 + rng.poisson(mix.extra_positions, mix.accounts - hedgers)
    counts = np.minimum(counts, limits.POSITIONS_PER_BUCKET)
    owner = np.repeat(np.arange(hedgers, mix.accounts), counts)
    crowd = np.sqrt(interest)  # small markets have smaller positions, not only fewer
    chance = np.cumsum(crowd / crowd.sum())
    market = np.minimum(np.searchsorted(chance, rng.random(len(owner)), side="right"), len(interest) - 1)
    key = np.unique(owner * len(interest) + market)  # a market drawn twice by one owner counts once
    owner, market = key // len(interest), key % len(interest)
    sign = np.where(rng.random(len(owner)) < mix.long_share, 1, -1)
    notional = wealth[owner] * rng.lognormal(0.0, 0.5, len(owner))
    loose = _Draft(owner=owner, market=market, sign=sign, notional=notional, hedge=np.zeros(len(owner), dtype=bool))
    return _joined(_hedges(rng, mix, interest, wealth[:hedgers]), loose)


def _hedges(rng: np.random.Generator, mix: Mix, interest: Floats, wealth: Floats) -> _Draft:
    """Two opposite legs of equal notional in two different liquid markets."""
    liquid = np.argsort(-interest, kind="stable")[: mix.hedger_markets]
    liquid = liquid[interest[liquid] > 0]
    count = len(wealth)
    first = rng.integers(0, max(len(liquid), 1), count)
    second = (first + rng.integers(1, max(len(liquid), 2), count)) % max(len(liquid), 1)
    long_leg = np.where(rng.random(count) < 0.5, 1, -1)
    owner = np.repeat(np.arange(count), 2)
    legs = np.stack((first, second), axis=1).reshape(-1)
    return _Draft(
        owner=owner,
        market=liquid[legs] if count else legs,
        sign=np.stack((long_leg, -long_leg), axis=1).reshape(-1),
        notional=np.repeat(wealth, 2),
        hedge=np.ones(2 * count, dtype=bool),
    )


def _joined(first: _Draft, second: _Draft) -> _Draft:
    names = ("owner", "market", "sign", "notional", "hedge")
    return _Draft(**{name: np.concatenate((getattr(first, name), getattr(second, name))) for name in names})


def _sum_by(market: npt.NDArray[np.integer], values: Ints, count: int) -> Ints:
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, market, values)
    return total


def _side_counts(draft: _Draft, count: int) -> tuple[Ints, Ints]:
    """Directional longs and shorts per market, by count."""
    loose = ~draft.hedge
    longs = np.bincount(draft.market[loose & (draft.sign > 0)], minlength=count)
    return longs, np.bincount(draft.market[loose & (draft.sign < 0)], minlength=count)


def _two_sided(draft: _Draft, count: int) -> _Draft:
    """Every market gets a directional long and short: one-sided ones alternate; with one position they stay empty."""
    longs, shorts = _side_counts(draft, count)
    lonely = ((longs == 0) | (shorts == 0)) & (longs + shorts >= 2)
    for column in np.flatnonzero(lonely):
        rows = np.flatnonzero(~draft.hedge & (draft.market == column))
        draft.sign[rows] = np.where(np.arange(len(rows)) % 2 == 0, 1, -1)
    longs, shorts = _side_counts(draft, count)
    empty = (longs == 0) | (shorts == 0)
    orphans = np.unique(draft.owner[draft.hedge & empty[draft.market]])
    return draft.keep(~empty[draft.market] & ~(draft.hedge & np.isin(draft.owner, orphans)))


def _scaled(draft: _Draft, interest: Floats, mix: Mix) -> Floats:
    """Notionals in USD: hedgers by one common factor, then each directional side to what is left of the interest."""
    amount = draft.notional.copy()
    count = len(interest)
    held = np.zeros((2, count))
    if bool(draft.hedge.any()):
        for side, sign in enumerate((1, -1)):
            rows = draft.hedge & (draft.sign == sign)
            held[side] = np.bincount(draft.market[rows], weights=amount[rows], minlength=count)
        used = held.max(axis=0) > 0
        factor = float(np.min(mix.hedged_interest * interest[used] / held.max(axis=0)[used]))
        amount[draft.hedge] *= factor
        held *= factor
    for side, sign in enumerate((1, -1)):
        rows = np.flatnonzero(~draft.hedge & (draft.sign == sign))
        target = interest - held[side]
        amount[rows] = _to_target(draft.market[rows], amount[rows], target, mix.position_share_max)
    return amount


def _to_target(market: Ints, amount: Floats, target: Floats, share_max: float) -> Floats:
    """Scale to `target` per market while no position exceeds its share of it (or 4 times the average)."""
    count = len(target)
    number = np.bincount(market, minlength=count)
    cap = target * np.maximum(share_max, 4.0 / np.maximum(number, 1))
    for _ in range(8):
        total = np.bincount(market, weights=amount, minlength=count)
        factor = target / np.where(total > 0, total, 1.0)
        amount = np.minimum(amount * factor[market], cap[market])
    return amount


def _balanced(draft: _Draft, price: Ints, markets: tuple[Market, ...]) -> Ints:
    """Signed lots that sum to zero per market: directional positions of the heavier side give up the excess."""
    size_max = np.array([item.size_max for item in markets])
    lots = np.rint(draft.notional * 1e6 / price[draft.market]).astype(np.int64)
    size = draft.sign * np.clip(lots, 1, size_max[draft.market])
    net = _sum_by(draft.market, size, len(markets))
    order = np.lexsort((-np.abs(size), draft.market))
    order = order[~draft.hedge[order]]
    starts = np.searchsorted(draft.market[order], np.arange(len(markets) + 1))
    for column in np.flatnonzero(net):
        rows = order[starts[column] : starts[column + 1]]
        _take_off(size, rows[np.sign(size[rows]) == np.sign(net[column])], int(net[column]))
    left = _sum_by(draft.market, size, len(markets))
    for column in np.flatnonzero(left):  # hedgers outweigh the directional side: the market closes
        size[draft.market == column] = 0
    return size


def _take_off(size: Ints, rows: Ints, excess: int) -> None:
    """Shrink `rows` (largest first, all of the sign of `excess`) until they have given `excess` lots."""
    sign = 1 if excess > 0 else -1
    held = np.abs(size[rows])
    fair = np.minimum(held * abs(excess) // max(int(held.sum()), 1), held)
    rest = abs(excess) - int(fair.sum())
    room = held - fair
    before = np.cumsum(room) - room
    size[rows] -= sign * (fair + np.clip(rest - before, 0, room))


def _settled(
    rng: np.random.Generator, mix: Mix, draft: _Draft, *, size: Ints, price: Ints, markets: tuple[Market, ...]
) -> Population:
    """Leverage, margin mode, entry prices and cash; then buckets in order of owner, cross first, by rising market."""
    notional = np.abs(size) * price[draft.market]
    leverage = _leverages(rng, mix, draft, notional, markets)
    entry = np.exp(mix.entry_dispersion * rng.standard_normal(len(size)) - 0.5 * mix.entry_dispersion**2)
    entry_notional = np.sign(size) * np.maximum(np.rint(notional * entry).astype(np.int64), 1)
    alone = _isolated(rng, mix, draft)
    key = draft.owner * (len(markets) + 1) + np.where(alone, draft.market + 1, 0)
    order = np.lexsort((draft.market, key))
    buckets, start = np.unique(key[order], return_index=True)
    offsets = np.append(start, len(order)).astype(np.int32)
    isolated = buckets % (len(markets) + 1) != 0
    initial = -(-notional // leverage)
    needed = np.add.reduceat(initial[order], start)
    cushion = np.where(
        isolated,
        rng.exponential(mix.isolated_cushion, len(buckets)),
        mix.cross_cushion * rng.lognormal(0.0, mix.cross_cushion_sigma, len(buckets)),
    )
    equity = needed + np.ceil(needed * np.minimum(cushion, 100.0)).astype(np.int64)
    value = (size * price[draft.market])[order]
    return Population(
        markets=markets,
        accounts=mix.accounts,
        price=price,
        offsets=offsets,
        market=draft.market[order].astype(np.uint16),
        size=size[order],
        entry_notional=entry_notional[order],
        leverage=leverage[order].astype(np.int32),
        raw_usd=equity - np.add.reduceat(value, start),
        isolated=isolated,
        owner=(buckets // (len(markets) + 1)).astype(np.int32),
        hedger=draft.hedge[order][start],
    )


def _leverages(rng: np.random.Generator, mix: Mix, draft: _Draft, notional: Ints, markets: tuple[Market, ...]) -> Ints:
    """What the trader set: drawn, at most the market's maximum at that notional, lower for the largest owners."""
    weights = np.array(mix.leverage_weights)
    drawn = rng.choice(np.array(mix.leverages, dtype=np.int64), len(notional), p=weights / weights.sum())
    allowed = np.empty(len(notional), dtype=np.int64)
    for column, item in enumerate(markets):
        rows = np.flatnonzero(draft.market == column)
        lowers = np.array([tier.lower for tier in item.tiers])
        tier = np.searchsorted(lowers, notional[rows], side="right") - 1
        allowed[rows] = np.array([tier.max_leverage for tier in item.tiers])[tier]
    total = np.bincount(draft.owner, weights=notional.astype(np.float64), minlength=mix.accounts)
    whales = total >= np.quantile(total, 1.0 - mix.whale_share)
    allowed = np.where(whales[draft.owner], np.minimum(allowed, mix.whale_leverage), allowed)
    chosen: Ints = np.minimum(drawn, allowed)
    return chosen


def _isolated(rng: np.random.Generator, mix: Mix, draft: _Draft) -> Flags:
    """Hedgers are cross. Other owners: all isolated, each position with probability 1/2, or all cross."""
    style = rng.random(mix.accounts)
    share = 1.0 - mix.hedger_accounts
    alone = style < mix.isolated_accounts / max(share, 1e-9)
    mixed = ~alone & (style < (mix.isolated_accounts + mix.mixed_accounts) / max(share, 1e-9))
    coin = rng.random(len(draft.owner)) < 0.5
    return ~draft.hedge & (alone[draft.owner] | (mixed[draft.owner] & coin))
