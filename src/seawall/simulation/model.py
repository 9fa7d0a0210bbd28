"""The margin rule in exact fractions, written from docs/SPEC.md (sections 0 to 4 and 7) and from nothing else.

The referee of the simulator: it sees a `Picture` of what a command may touch and says what may happen. It shares no
code with what it judges; of the package it knows the numbers of terms/ only. Money is whole micro-USD; a fraction
becomes money by `ceil` or `floor`, each on the side that SPEC names.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor

from seawall.simulation import model_scenario
from seawall.simulation.model_scenario import fair
from seawall.terms import asset_parameter as asset_names
from seawall.terms import parameter as names

ONE = 12_000_000  # section 0: a Rate is in parts of this
FUNDING_UNIT = 10**6  # section 0: parts of a micro-USD in the funding index
HALF = ONE // 2

# the venue's scalars, by what they mean (places of the column `cell`)
VAULT, PENDING, BORROWED, RESERVE = 2, 3, 72, 73


@dataclass(slots=True)
class Position:
    """A position and the lots of its resting orders."""

    size: int = 0
    entry: int = 0  # signed entry notional
    index: int = 0  # funding index it has settled to
    leverage: int = 1
    bids: int = 0
    asks: int = 0
    advanced: int = 0  # unrealised profit that has left the bucket


@dataclass(slots=True)
class Stop:
    """An order that waits for the mark, or for the order it is attached to."""

    id: int
    market: int
    side: int  # 1 buys
    reduces: bool
    parent: int  # id of the resting order that it is attached to; 0: none
    is_armed: bool  # waits for the mark, not for its parent only


@dataclass(slots=True)
class Bucket:
    """What holds margin."""

    number: int
    kind: int
    owner: int
    market: int
    raw: int
    positions: dict[int, Position]
    is_liquidating: bool = False
    is_queued: bool = False
    holdings: dict[int, int] = field(default_factory=dict)  # lots by asset
    ranges: dict[tuple[int, int], tuple[int, int, int, int]] = field(default_factory=dict)  # by pool and token
    interest: int = 0  # on what it owes, not charged yet
    orders: int = 0  # of any kind
    stops: list[Stop] = field(default_factory=list)  # those of them that wait
    is_portfolio: bool = False  # in portfolio margin


@dataclass(slots=True)
class Market:
    """What everybody may know of a market."""

    mark: int
    index: int
    is_fresh: bool
    status: int
    price_max: int
    size_decimals: int
    funding_index: int
    open_interest: int
    breaker_time: int
    insurance: int
    entry_sum: int  # of all entry notionals: minus what losers have paid in beyond what winners took
    advanced: int
    tiers: list[tuple[int, int, int]]  # (lower notional, max leverage, base maintenance rate)
    params: list[int]

    def rates(self) -> list[int]:
        """Live maintenance rates: base x scale, rounded up, at most one half."""
        return [scaled(base, self.params[names.MAINTENANCE_SCALE]) for _, _, base in self.tiers]


@dataclass(slots=True)
class Asset:
    """What everybody may know of a collateral asset."""

    kind: int
    market: int  # whose index prices it
    redeemed: int  # whose index is its redemption value; -1: none
    total: int  # lots that buckets hold
    stable: int
    params: list[int]


@lru_cache(maxsize=1024)
def scaled(base: int, scale: int) -> int:
    """A base maintenance rate at a scale."""
    return min(ceil(base * Fraction(scale, ONE)), HALF)


@dataclass(slots=True)
class Picture:
    """All that a judgement may read."""

    now: int
    policy: list[int]  # the venue's parameters
    markets: dict[int, Market]
    assets: dict[int, Asset] = field(default_factory=dict)
    buckets: dict[int, Bucket] = field(default_factory=dict)  # those that the command may change, by number
    cells: list[int] = field(default_factory=list)  # the venue's scalars (ledger/state.py names them)
    masters: list[int] = field(default_factory=list)  # of every account
    shared: dict[str, int] = field(default_factory=dict)  # other figures a kind needs, by name

    def buckets_of(self, account: int) -> list[Bucket]:
        """The buckets in the picture that belong to an account."""
        return [bucket for bucket in self.buckets.values() if bucket.owner == account]


@dataclass(slots=True)
class Health:
    """The figures of sections 1 to 3 for one bucket, in micro-USD."""

    equity: int
    equity_initial: int
    maintenance: int
    end: int
    initial: int
    reserved: int
    notional: int
    unrealised: int  # positive unrealised pnl only


def maintenance_exact(market: Market, size: int) -> Fraction:
    """Each slice of notional pays the rate of the tier it lies in: the continuous form of the deductions."""
    notional, rates = abs(size) * market.mark, market.rates()
    total = Fraction(0)
    for k, (lower, _, _) in enumerate(market.tiers):
        if notional <= lower:
            break
        upper = market.tiers[k + 1][0] if k + 1 < len(market.tiers) else notional
        total += (min(notional, upper) - lower) * Fraction(rates[k], ONE)
    return total


def live_rate(market: Market) -> int:
    """Initial rate of the moment: linear to 1 between the two open-interest caps, at least the base; rounds up."""
    lower, upper = market.params[names.OPEN_INTEREST_LOWER], market.params[names.OPEN_INTEREST_UPPER]
    interest = market.open_interest * market.mark if upper else 0
    return _rate(market.tiers[0][1], market.params[names.INITIAL_LIVE], lower, upper, interest)


@lru_cache(maxsize=1024)
def _rate(leverage: int, least: int, lower: int, upper: int, interest: int) -> int:
    base = max(least, ceil(Fraction(ONE, leverage)))
    if upper == 0 or interest <= lower:
        return base
    if interest >= upper:
        return ONE
    return ceil(base + (ONE - base) * Fraction(interest - lower, upper - lower))


def initial_of(market: Market, size: int, leverage: int) -> int:
    """max(ceil(notional / effective leverage), ceil(notional x live rate))."""
    notional = abs(size) * market.mark
    if notional == 0:
        return 0
    allowed = next(most for lower, most, _ in reversed(market.tiers) if lower <= notional)
    effective = min(leverage, allowed, market.params[names.LEVERAGE_CAP])
    return max(ceil(Fraction(notional, effective)), ceil(Fraction(notional * live_rate(market), ONE)))


def reserved_of(market: Market, position: Position) -> int:
    """What the worse of all bids or all asks filled adds to the position's initial margin."""
    size = position.size
    worst = max(abs(size), abs(size + position.bids), abs(size - position.asks))
    if worst == abs(size):
        return 0
    return initial_of(market, worst, position.leverage) - initial_of(market, size, position.leverage)


def funding_of(market: Market, position: Position) -> int:
    """What the position has earned since it settled; floored, for payer and receiver."""
    return floor(-position.size * Fraction(market.funding_index - position.index, FUNDING_UNIT))


def keeping_price(picture: Picture, asset: Asset) -> int:
    """Section 2: the lower of market and redemption, never below the floor of redemption."""
    market = picture.markets[asset.market]
    if asset.redeemed < 0:
        return market.index
    backed = picture.markets[asset.redeemed].index
    least = floor(Fraction(backed * asset.params[asset_names.REDEMPTION_FLOOR], ONE))
    return max(min(market.index, backed), min(least, market.price_max))


def kept(picture: Picture, asset: Asset, lots: int) -> int:
    """Section 2: worth for maintenance."""
    weight = asset.params[asset_names.WEIGHT_MAINTENANCE]
    return floor(lots * Fraction(keeping_price(picture, asset) * weight, ONE))


def counted(picture: Picture, asset: Asset, lots: int) -> int:
    """Section 2: worth for initial margin, of fresh prices within the band of its redemption value."""
    market, price = picture.markets[asset.market], picture.markets[asset.market].index
    if not market.is_fresh:
        return 0
    if asset.redeemed >= 0:
        other = picture.markets[asset.redeemed]
        band = Fraction(ONE - asset.params[asset_names.PEG_BAND], ONE)
        if not other.is_fresh or price < floor(other.index * band):
            return 0
        price = min(price, other.index)
    return floor(lots * Fraction(min(price, asset.stable) * _weight(asset), ONE))


def kept_range(picture: Picture, pool: Asset, liquidity: tuple[int, int, int, int]) -> int:
    """Section 11: fair value at the index, less the haircut."""
    value = fair(liquidity, picture.markets[pool.market].index)
    return floor(value * Fraction(pool.params[asset_names.WEIGHT_MAINTENANCE], ONE))


def counted_range(picture: Picture, pool: Asset, liquidity: tuple[int, int, int, int]) -> int:
    """Section 11: the worst of a scan of prices up to SCAN away, which is at its low end."""
    market = picture.markets[pool.market]
    if not market.is_fresh:
        return 0
    price = floor(min(market.index, pool.stable) * Fraction(ONE - pool.params[asset_names.SCAN], ONE))
    return floor(fair(liquidity, price) * Fraction(_weight(pool), ONE))


def _weight(asset: Asset) -> int:
    """Initial weight, shrunk with what the venue holds."""
    weight = min(asset.params[asset_names.WEIGHT_INITIAL], asset.params[asset_names.WEIGHT_MAINTENANCE])
    start = asset.params[asset_names.SUPPLY_START]
    return floor(Fraction(weight * start, asset.total)) if start and asset.total > start else weight


def worth_of(picture: Picture, bucket: Bucket) -> tuple[int, int]:
    """Worth of all that a bucket holds, for maintenance and for initial margin."""
    held = [(picture.assets[number], lots) for number, lots in bucket.holdings.items()]
    ranges = [(picture.assets[pool], liquidity) for (pool, _), liquidity in bucket.ranges.items()]
    worth = sum(kept(picture, *one) for one in held) + sum(kept_range(picture, *one) for one in ranges)
    return worth, sum(counted(picture, *one) for one in held) + sum(counted_range(picture, *one) for one in ranges)


def health(picture: Picture, bucket: Bucket) -> Health:
    """Every figure of a bucket at the present marks."""
    equity, maintenance, initials, reserved, notional, unrealised, weighted = bucket.raw, Fraction(0), 0, 0, 0, 0, 0
    weight = Fraction(picture.policy[names.PROFIT_WEIGHT], ONE)
    for number, position in bucket.positions.items():
        market = picture.markets[number]
        value = position.size * market.mark
        equity += value + funding_of(market, position)
        maintenance += maintenance_exact(market, position.size)
        notional += abs(value)
        initials += initial_of(market, position.size, position.leverage)
        reserved += reserved_of(market, position)
        profit = max(0, value - position.entry)
        unrealised += profit
        weighted += floor(profit * weight)
    cap = picture.policy[names.PROFIT_CAP]
    profitable = weighted if cap < 0 else min(cap, weighted)
    worth, backing = worth_of(picture, bucket)
    equity += worth
    whole = ceil(maintenance)
    if bucket.is_portfolio:
        whole = portfolio_maintenance(picture, bucket)
        initials = ceil(whole * Fraction(picture.policy[names.PORTFOLIO_FACTOR], ONE))
    end = ceil(whole * (1 + Fraction(picture.policy[names.EXIT_BUFFER], ONE)))
    initial = max(initials, end) + reserved
    counts = equity - worth + backing - unrealised + profitable
    return Health(equity, counts, whole, end, initial, reserved, notional, unrealised)


def is_below_maintenance(picture: Picture, bucket: Bucket) -> bool:
    """Whether a bucket's equity is below its maintenance margin at the present marks."""
    equity, maintenance = bucket.raw + worth_of(picture, bucket)[0], Fraction(0)
    for number, position in bucket.positions.items():
        market = picture.markets[number]
        equity += position.size * market.mark + funding_of(market, position)
        maintenance += maintenance_exact(market, position.size)
    return equity < (portfolio_maintenance(picture, bucket) if bucket.is_portfolio else ceil(maintenance))


def portfolio_maintenance(picture: Picture, bucket: Bucket) -> int:
    """Section 3, portfolio mode: what a bucket has in each market, through the grid."""
    assets, markets = picture.assets, picture.markets
    places = {n: asset.redeemed if asset.redeemed >= 0 else asset.market for n, asset in assets.items()}
    names = {*bucket.positions, *(places[n] for n in bucket.holdings), *(assets[n].market for n, _ in bucket.ranges)}
    book = {n: model_scenario.Exposure(markets[n].mark, markets[n].params) for n in names}
    for number, position in bucket.positions.items():
        book[number].perp += position.size * markets[number].mark
    for number, lots in bucket.holdings.items():
        book[places[number]].spot += kept(picture, assets[number], lots)
    for (pool, _), liquidity in bucket.ranges.items():
        book[assets[pool].market].ranges.append(liquidity)
    return model_scenario.maintenance(picture.policy, list(book.values()))


def adds_risk(before: Health, after: Health) -> bool:
    """Section 4, second half: whether a change that ends below initial margin must be refused."""
    if after.maintenance > before.maintenance:
        return True
    if after.reserved > before.reserved and after.initial > before.initial:
        return True
    if before.maintenance == 0 and after.maintenance == 0:
        return after.equity < before.equity
    if after.maintenance == 0:
        return False
    if before.equity <= 0 and after.equity >= before.equity:
        return False
    return after.equity * before.maintenance < before.equity * after.maintenance


def may_become(before: Health, after: Health) -> bool:
    """Section 4: a command that changes a bucket is accepted iff this holds."""
    return after.equity_initial >= after.initial or not adds_risk(before, after)


def payable(picture: Picture, number: int, position: Position) -> int:
    """Unrealised profit of a position that may be outside its bucket: what losers paid in and insurance can spend."""
    market = picture.markets[number]
    profit = position.size * market.mark - position.entry
    pool = max(0, -market.entry_sum) + market.insurance
    return max(0, min(profit, pool - (market.advanced - position.advanced)))


def withdrawable(picture: Picture, bucket: Bucket) -> int:
    """Section 4: what may leave a bucket, less the profit that nobody has paid in; nothing on a stale price."""
    if not is_priced(picture, bucket):
        return 0
    room = max(0, margin_room(picture, bucket))
    if not bucket.holdings and not bucket.ranges:
        return room
    own = cash_of(bucket) - bucket.interest
    own += sum(funding_of(picture.markets[number], position) for number, position in bucket.positions.items())
    return min(room, max(0, own) + borrow_room(picture))


def margin_room(picture: Picture, bucket: Bucket) -> int:
    """What a bucket has beyond all that it must keep; negative: short of it."""
    now, (worth, backing) = health(picture, bucket), worth_of(picture, bucket)
    profit = now.unrealised - (now.equity - now.equity_initial - (worth - backing))
    paid = sum(payable(picture, number, position) for number, position in bucket.positions.items())
    return now.equity_initial - max(0, profit - paid) - bucket.interest - kept_back(picture, now)


def kept_back(picture: Picture, now: Health) -> int:
    """Initial margin, or the withdrawal floor if that is more."""
    share = Fraction(picture.policy[names.WITHDRAWAL_FLOOR], ONE)
    return max(now.initial, ceil(now.notional * share) + now.reserved)


def borrow_room(picture: Picture) -> int:
    """Section 2: USD that may still be lent: a share of all that is in the vault or lent, less what is lent."""
    lent = picture.cells[BORROWED]
    everything = max(0, picture.cells[VAULT] - picture.cells[PENDING] + lent)
    return max(0, floor(everything * Fraction(picture.policy[names.BORROW_MOST], ONE)) - lent)


def is_priced(picture: Picture, bucket: Bucket) -> bool:
    """Whether every position of the bucket is in a market with a fresh price, and all that it holds has one."""
    for number in (*bucket.holdings, *(pool for pool, _ in bucket.ranges)):
        asset = picture.assets[number]
        if not all(picture.markets[n].is_fresh for n in (asset.market, asset.redeemed) if n >= 0):
            return False
    return all(picture.markets[number].is_fresh for number, held in bucket.positions.items() if held.size != 0)


def cash_of(bucket: Bucket) -> int:
    """USD without unrealised pnl."""
    return bucket.raw + sum(position.entry for position in bucket.positions.values())


def leave(picture: Picture, bucket: Bucket, amount: int) -> None:
    """Takes cash out: funding settles first; what goes beyond cash is an advance on profit."""
    settle(picture, bucket)
    charge(picture, bucket)
    bucket.raw -= amount
    owed = max(0, -cash_of(bucket))
    if owed == 0 and not any(position.advanced for position in bucket.positions.values()):
        return
    for number, position in bucket.positions.items():
        part = min(owed, payable(picture, number, position))
        picture.markets[number].advanced += part - position.advanced
        position.advanced, owed = part, owed - part


def charge(picture: Picture, bucket: Bucket) -> None:
    """Interest is paid before anything leaves."""
    bucket.raw -= bucket.interest
    picture.cells[RESERVE] += bucket.interest
    bucket.interest = 0


def add_lots(picture: Picture, bucket: Bucket, asset: int, lots: int) -> None:
    """Signed lots of an asset come into a bucket; interest is paid first."""
    charge(picture, bucket)
    bucket.holdings[asset] = bucket.holdings.get(asset, 0) + lots
    picture.assets[asset].total += lots
    if bucket.holdings[asset] == 0:
        del bucket.holdings[asset]


def units_of(liquidity: tuple[int, int, int, int]) -> int:
    """What a position of liquidity counts for in caps: the most it can be worth."""
    amount, low, high, scale = liquidity
    return floor(Fraction(amount * (high - low), 1 << scale))


def add_range(picture: Picture, bucket: Bucket, key: tuple[int, int], liquidity: tuple[int, int, int, int]) -> None:
    """A position of liquidity comes into a bucket; interest is paid first."""
    charge(picture, bucket)
    bucket.ranges[key] = liquidity
    picture.assets[key[0]].total += units_of(liquidity)


def drop_range(picture: Picture, bucket: Bucket, key: tuple[int, int]) -> None:
    """One goes out of it."""
    charge(picture, bucket)
    picture.assets[key[0]].total -= units_of(bucket.ranges.pop(key))


def add_cash(picture: Picture, bucket: Bucket, amount: int) -> None:
    """Brings cash in: advances are repaid first."""
    bucket.raw += amount
    if amount > 0:
        repay(picture, bucket)


def repay(picture: Picture, bucket: Bucket) -> None:
    """Advances fall to what the bucket's cash is short of, and end with their position."""
    owed = max(0, -cash_of(bucket))
    for number, position in bucket.positions.items():
        kept = min(owed, position.advanced) if position.size != 0 else 0
        picture.markets[number].advanced -= position.advanced - kept
        position.advanced, owed = kept, owed - kept


def settle(picture: Picture, bucket: Bucket) -> None:
    """Pays every position's funding into the bucket's cash."""
    for number in bucket.positions:
        settle_one(picture, bucket, number)


def settle_one(picture: Picture, bucket: Bucket, number: int) -> None:
    """Pays one position's funding into the bucket's cash."""
    position, market = bucket.positions[number], picture.markets[number]
    bucket.raw += funding_of(market, position)
    position.index = market.funding_index


def copy_bucket(bucket: Bucket) -> Bucket:
    """An independent copy, to be changed."""
    positions = {number: replace(p) for number, p in bucket.positions.items()}
    stops = [replace(stop) for stop in bucket.stops]
    copy = replace(bucket, positions=positions, stops=stops)
    copy.holdings, copy.ranges = dict(bucket.holdings), dict(bucket.ranges)
    return copy


def copy_picture(picture: Picture) -> Picture:
    """An independent copy of what a command may change."""
    return replace(
        picture,
        markets={number: replace(market) for number, market in picture.markets.items()},
        assets={number: replace(asset) for number, asset in picture.assets.items()},
        buckets={number: copy_bucket(bucket) for number, bucket in picture.buckets.items()},
        cells=list(picture.cells),
        shared=dict(picture.shared),
    )


def fill(bucket: Bucket, number: int, size: int, price: int, fee: int) -> None:
    """Section 1: a trade of signed `size` at `price`. The position's funding is settled, and it exists."""
    position = bucket.positions[number]
    before, after = position.size, position.size + size
    bucket.raw -= size * price + fee
    if before * size >= 0:
        position.entry += size * price
    elif after == 0:
        position.entry = 0
    elif before * after > 0:
        position.entry = floor(Fraction(position.entry * abs(after), abs(before)))
    else:
        position.entry = after * price
    position.size = after
