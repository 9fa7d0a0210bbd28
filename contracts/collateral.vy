# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Collateral assets of the vault: terms, prices, what they count for, who holds them. src/seawall/ledger/valuation.py
@license Apache-2.0
@notice An asset counts at a weight and the oracle hub's price; one that can be redeemed at the lower of that and its
        redemption value, for maintenance never below a floor of the latter, and for nothing new once it trades
        further below it than its band. All values round down.
"""

import code
import limits
import margin
import reader
import units
import vault_cash
import words
from interfaces import IClearingHouse
from interfaces import ILending

uses: vault_cash

interface Hub:
    def asset_price(asset: uint256) -> (uint256, uint256, bool): view

HUB: public(immutable(address))
GOVERNOR: public(immutable(address))

ASSETS: constant(uint256) = 7  # the bucket's eighth bit says that it holds LP positions
MAX_ASSET_AGE: constant(uint256) = 3600
REDEMPTION: constant(uint256) = 1 << 16  # the hub's feeds of redemption values, beside those of the assets
BAND: constant(uint256) = 24
PRICE_MAX: constant(uint256) = 48
STABLE_COIN: constant(uint256) = 89
REDEEMED: constant(uint256) = 90
M24: constant(uint256) = 2**24 - 1

struct Asset:
    token: address
    unit: uint256  # of the token in one lot
    weight_initial: int256
    weight_maintenance: int256
    discount: int256  # of a liquidation
    start: int256  # lots above which the initial weight shrinks; 0: never
    cap: int256  # lots that the vault takes in all
    hour_cap: int256  # lots that may leave in an hour
    total: int256
    hour: uint256
    hour_out: int256
    stable: int256
    stable_time: uint256
    stable_per_s: int256  # furthest relative move of the stable price a second, in 1e-9

# an asset's prices now, in micro-USD a lot
struct Price:
    said: int256  # the oracle's
    market: int256  # the lower of that and the redemption value
    kept: int256  # for maintenance
    fresh: bool
    backs: bool  # new risk may rest on it

assets: public(HashMap[uint256, Asset])
asset_count: public(uint256)
held: public(HashMap[uint256, HashMap[uint256, int256]])  # account -> asset -> lots
buyers: public(HashMap[uint256, uint256])  # asset -> 1 + the market that prices it, whose backstop vault buys; 0: none
sorts: public(HashMap[uint256, uint256])  # redemption floor 24, peg band 24, greatest price 41, stable 1, redeemed 1

event AssetSet:
    asset: indexed(uint256)
    token: address

event SortSet:
    asset: indexed(uint256)
    sort: uint256

event BuyerSet:
    asset: indexed(uint256)
    market: uint256


@deploy
def __init__(hub: address, governor: address):
    HUB = hub
    GOVERNOR = governor


@external
def set_asset(
    asset: uint256,
    token: address,
    unit: uint256,
    weight_initial: int256,
    weight_maintenance: int256,
    discount: int256,
    start: int256,
    cap: int256,
    hour_cap: int256,
    stable_per_s: int256,
):
    """@notice The governor (a timelock) lists an asset, or changes its weights and caps; its token never changes."""
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    a: Asset = self.assets[asset]
    valid: bool = asset < ASSETS and token != empty(address) and token != vault_cash.USD and unit > 0
    valid = valid and (a.token == empty(address) or (a.token == token and a.unit == unit))
    valid = valid and 0 <= weight_initial and weight_initial <= weight_maintenance
    valid = valid and weight_maintenance <= limits.RATE_ONE - discount and discount >= 0 and start >= 0
    valid = valid and cap >= 0 and cap <= limits.AMOUNT_MAX and stable_per_s > 0 and stable_per_s <= 10**9
    if not valid:
        code.refuse(code.BAD_PARAMETER)
    a.token = token
    a.unit = unit
    a.weight_initial = weight_initial
    a.weight_maintenance = weight_maintenance
    a.discount = discount
    a.start = start
    a.cap = cap
    a.hour_cap = hour_cap
    a.stable_per_s = stable_per_s
    self.assets[asset] = a
    if asset >= self.asset_count:
        self.asset_count = asset + 1
    log AssetSet(asset=asset, token=token)


@external
def set_sort(asset: uint256, stable: bool, redeemed: bool, least: int256, band: int256, price_max: int256):
    """
    @notice The governor (a timelock) says of an asset whether it is worth USD by design, so sold first, and whether it can
            be redeemed: for what the hub's feed of its redemption value says.
    @param least Share of the redemption value below which maintenance does not price it, up to `price_max` a lot.
    @param band Share below its redemption value from which on it backs no new risk.
    """
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    valid: bool = asset < self.asset_count and 0 <= least and least <= limits.RATE_ONE and 1 <= band
    if not valid or band > limits.RATE_ONE or price_max < 1 or price_max > limits.PRICE_MAX:
        code.refuse(code.BAD_PARAMETER)
    sort: uint256 = convert(least, uint256) | (convert(band, uint256) << BAND) | (convert(price_max, uint256) << PRICE_MAX)
    if stable:
        sort = sort | (1 << STABLE_COIN)
    if redeemed:
        sort = sort | (1 << REDEEMED)
    self.sorts[asset] = sort
    log SortSet(asset=asset, sort=sort)


@external
def set_buyer(asset: uint256, market: uint256):
    """@notice The governor (a timelock) names the market that prices an asset, 1 + its number: its backstop vault buys; 0: none."""
    if msg.sender != GOVERNOR:
        code.refuse(code.NOT_AUTHORISED)
    if asset >= self.asset_count or market > 256:
        code.refuse(code.BAD_PARAMETER)
    self.buyers[asset] = market
    log BuyerSet(asset=asset, market=market)


@external
def move_stable(asset: uint256):
    """@notice Moves an asset's stable price toward the oracle by what the time since allows (pricing/stable.py)."""
    self.step_stable(asset)


@external
@view
@reentrant
def worth(bucket: uint256) -> (int256, int256):
    """@notice What a bucket's collateral counts for initial margin and for maintenance, each rounded down."""
    initial: int256 = 0
    maintenance: int256 = 0
    for asset: uint256 in range(self.asset_count, bound=ASSETS):
        lots: int256 = self.held[bucket][asset]
        if lots != 0:
            p: Price = self.price_of(asset)
            maintenance += units.rate_down(lots * p.kept, self.assets[asset].weight_maintenance)
            initial += self.counted_at(asset, lots, p)
    return initial, maintenance


@external
@view
@reentrant
def worth_maintenance(bucket: uint256) -> int256:
    maintenance: int256 = 0
    for asset: uint256 in range(self.asset_count, bound=ASSETS):
        lots: int256 = self.held[bucket][asset]
        if lots != 0:
            maintenance += units.rate_down(lots * self.price_of(asset).kept, self.assets[asset].weight_maintenance)
    return maintenance


@external
@view
@reentrant
def worth_of(bucket: uint256, asset: uint256) -> int256:
    """@notice What a bucket's balance of one asset counts for maintenance."""
    return units.rate_down(self.held[bucket][asset] * self.price_of(asset).kept, self.assets[asset].weight_maintenance)


@external
@view
@reentrant
def terms_of(asset: uint256) -> (address, uint256, int256):
    """@notice An asset's token, how much of it is a lot, and its weight for maintenance."""
    return self.assets[asset].token, self.assets[asset].unit, self.assets[asset].weight_maintenance


@external
@view
@reentrant
def counted(asset: uint256) -> (uint256, uint256, uint256):
    """@notice An asset's unit, its price a lot, and the lower of that and its stable price; 0 when it backs nothing new."""
    p: Price = self.price_of(asset)
    low: int256 = 0
    if p.backs:
        low = min(p.market, self.stable_of(asset, p.said))
    return self.assets[asset].unit, convert(p.kept, uint256), convert(low, uint256)


@external
@view
def lots_for_sale(account: uint256, asset: uint256) -> int256:
    """@notice What of an asset anybody may buy of an account once it is in liquidation and its turn has come."""
    return self.lots_to_sell(
        account, asset, staticcall IClearingHouse(vault_cash.HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)
    )


@external
@view
def offer(account: uint256, asset: uint256) -> (uint256, int256, int256, int256):
    """
    @notice Of an asset of an account in liquidation: the vault that buys it (0: none), lots for sale, the price of one, and
            its rank: the higher, the sooner.
    """
    h: IClearingHouse.Health = staticcall IClearingHouse(vault_cash.HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)
    lots: int256 = self.lots_to_sell(account, asset, h)
    return self.pool_of(asset), lots, self.sale_price(asset, self.price_of(asset)), self.rank_of(asset)


@internal
def hold(account: uint256, asset: uint256, lots: int256):
    """@notice Changes a holding, and whether the account has any. Its interest is charged before."""
    self.step_stable(asset)
    extcall ILending(vault_cash.LENDING).charge(account)
    before: int256 = self.held[account][asset]
    after: int256 = before + lots
    assert after >= 0
    self.held[account][asset] = after
    if (before == 0) != (after == 0):
        bit: uint256 = 1 << (words.ASSETS_SHIFT + asset)
        extcall IClearingHouse(vault_cash.HOUSE).put(words.BUCKET | account, bit, bit if after != 0 else 0)
        extcall ILending(vault_cash.LENDING).renew(account)


@internal
@view
def price_of(asset: uint256) -> Price:
    """@notice The prices of an asset. What is stale counts for maintenance only."""
    p: Price = empty(Price)
    p.said, p.fresh = self.told(asset)
    p.market = p.said
    p.kept = p.said
    p.backs = p.fresh
    sort: uint256 = self.sorts[asset]
    if (sort >> REDEEMED) & 1 == 1:
        value: int256 = 0
        fresh: bool = False
        value, fresh = self.told(REDEMPTION + asset)
        p.fresh = p.fresh and fresh
        band: int256 = convert((sort >> BAND) & M24, int256)
        p.backs = p.fresh and p.said >= units.rate_down(value, limits.RATE_ONE - band)
        p.market = min(p.said, value)
        least: int256 = units.rate_down(value, convert(sort & M24, int256))
        p.kept = max(p.market, min(least, convert((sort >> PRICE_MAX) & margin.M41, int256)))
    return p


@internal
@view
def told(feed: uint256) -> (int256, bool):
    """@notice What the hub says of an asset, or of a redemption value: micro-USD a lot, and whether it is fresh."""
    price: uint256 = 0
    time: uint256 = 0
    ok: bool = False
    price, time, ok = staticcall Hub(HUB).asset_price(feed)
    return convert(price, int256), ok and block.timestamp * 1000 <= time + MAX_ASSET_AGE * 1000


@internal
@view
def counted_at(asset: uint256, lots: int256, p: Price) -> int256:
    """@notice What lots count for initial margin."""
    if not p.backs:
        return 0
    return units.rate_down(lots * min(p.market, self.stable_of(asset, p.said)), self.initial_weight(asset))


@internal
@view
def initial_weight(asset: uint256) -> int256:
    """@notice Weight for initial margin: shrunk once the vault holds more than `start`."""
    weight: int256 = self.assets[asset].weight_initial
    start: int256 = self.assets[asset].start
    if start == 0 or self.assets[asset].total <= start:
        return weight
    return weight * start // self.assets[asset].total


@internal
@view
def lost_by(account: uint256, asset: uint256, lots: int256) -> int256:
    """@notice What the account loses of its initial margin without these lots of its own."""
    p: Price = self.price_of(asset)
    mine: int256 = self.held[account][asset]
    return self.counted_at(asset, mine, p) - self.counted_at(asset, mine - lots, p)


@internal
@view
def lots_to_sell(account: uint256, asset: uint256, h: IClearingHouse.Health) -> int256:
    """
    @notice Lots that pay the USD the account owes, or lift it to liquidation end, whichever is less; all if need be. A
            sale never costs equity: the discount is within what the maintenance weight leaves out.
    """
    debt: int256 = self.debt_of(account)
    p: Price = self.price_of(asset)
    price: int256 = self.sale_price(asset, p)
    if debt <= 0 or price <= 0 or not p.fresh:
        return 0
    held: int256 = self.held[account][asset]
    lots: int256 = min(held, units.ceil_div(debt, price))
    gain: int256 = held * price - units.rate_down(held * p.kept, self.assets[asset].weight_maintenance)
    need: int256 = margin.end_of(reader.one(vault_cash.HOUSE, words.VENUE | words.POLICY), h.maintenance) - h.equity
    if gain > need and need > 0:
        lots = min(lots, units.ceil_div(held * need, gain) + 1)
    return lots


@internal
@view
def debt_of(account: uint256) -> int256:
    """@notice USD that an account is short of, funding and interest counted; not above 0: it owes none."""
    cash: int256 = 0
    pending: int256 = 0
    rest: int256 = 0
    leaves: int256 = 0
    cash, pending, rest, leaves = staticcall IClearingHouse(vault_cash.HOUSE).cash_of(account, max_value(uint256))
    return staticcall ILending(vault_cash.LENDING).interest_of(account) - cash - pending


@internal
@view
def check_sale(account: uint256, asset: uint256, lots: int256, cost: int256):
    """
    @notice Refuses what is no sale of a venue's that lives: of an account that owes USD and is below its initial margin,
            for no more than it owes and a lot, between the price and that less twice the discount: both move meanwhile.
    """
    h: IClearingHouse.Health = staticcall IClearingHouse(vault_cash.HOUSE).health_after(account, max_value(uint256), 0, 0, 0, 0)
    if h.equity_initial >= h.initial:
        code.refuse(code.NOT_DUE)
    p: Price = self.price_of(asset)
    if not p.fresh:
        code.refuse(code.STALE_PRICE)
    if lots <= 0 or lots > self.held[account][asset]:
        code.refuse(code.BAD_SIZE)
    if cost > lots * p.kept or cost < units.rate_down(lots * p.kept, limits.RATE_ONE - 2 * self.assets[asset].discount):
        code.refuse(code.BAD_PRICE)
    if cost > self.debt_of(account) + p.kept:
        code.refuse(code.BAD_AMOUNT)


@internal
@view
def rank_of(asset: uint256) -> int256:
    """@notice The higher, the sooner it is sold: stable coins first, then by least haircut."""
    first: int256 = 2 * limits.RATE_ONE if (self.sorts[asset] >> STABLE_COIN) & 1 == 1 else 0
    return first + self.assets[asset].weight_maintenance


@internal
@view
def pool_of(asset: uint256) -> uint256:
    """@notice The backstop vault that buys an asset; 0: none."""
    market: uint256 = self.buyers[asset]
    return 0 if market == 0 else words.pool_of(market - 1, words.BACKSTOP)


@internal
@view
def goes_later(account: uint256, asset: uint256) -> bool:
    """@notice Whether the account holds another asset that can be sold and is sold sooner, or as soon and comes first."""
    own: int256 = self.rank_of(asset)
    for other: uint256 in range(self.asset_count, bound=ASSETS):
        if other != asset and self.held[account][other] != 0 and self.price_of(other).fresh:
            rank: int256 = self.rank_of(other)
            if rank > own or (rank == own and other < asset):
                return True
    return False


@internal
@view
def sale_price(asset: uint256, p: Price) -> int256:
    """@notice What who takes a lot from a liquidation pays: the price for maintenance less the discount, rounded up."""
    return units.rate_up(p.kept, limits.RATE_ONE - self.assets[asset].discount)


@internal
@view
def stable_of(asset: uint256, price: int256) -> int256:
    """@notice The stable price at this moment."""
    time: uint256 = self.assets[asset].stable_time
    if time == 0:
        return price
    stable: int256 = self.assets[asset].stable
    elapsed: int256 = convert((block.timestamp - time) * 1000, int256)
    reach: int256 = stable * self.assets[asset].stable_per_s * elapsed // 10**12
    return min(max(price, stable - reach), stable + reach)


@internal
def step_stable(asset: uint256):
    """@notice Time too short for one unit of movement is kept for the next step."""
    price: int256 = 0
    fresh: bool = False
    price, fresh = self.told(asset)
    if not fresh or price == 0:
        return
    stable: int256 = self.assets[asset].stable
    moved: int256 = self.stable_of(asset, price)
    if self.assets[asset].stable_time == 0 or moved != stable or moved == price:
        self.assets[asset].stable = moved
        self.assets[asset].stable_time = block.timestamp
