"""An account of the venue as the margin core and the trader tools see it, made from the columns.

The tools answer about accounts read from a file; the same answers about an account here need the same record. Every
number is the engine's: live tiers, live initial rate, open interest, funding, the venue's policy.
"""

from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from seawall.ledger import state
from seawall.margin.certificate import LIVE
from seawall.margin.collateral import span_worth
from seawall.margin.trigger_kernels import PORTFOLIO
from seawall.terms import asset_parameter, parameter
from seawall.terms.asset import Asset, Holding, Span
from seawall.terms.bucket import Bucket, BucketKind, MarginMode, Position
from seawall.terms.conditions import MarginPolicy
from seawall.terms.grid import FactorShock, MarketRisk, ScenarioGrid
from seawall.terms.limits import SPLIT_BITS
from seawall.terms.market import Mark, Market, Tier
from seawall.tools.account_file import CROSS, Account, NamedBucket, Place, isolated_name
from seawall.tools.scales import Scale
from seawall.tools.wire import WireAccount
from seawall.units import RATE_ONE, BadInput, FundingIndex, Lots, Price, Rate, Side, UsdMicro, ceil_div, share
from seawall.venue.universe import Listing, Universe


def account_of(columns: Any, universe: Universe, account: int, coins: tuple[str, ...] = ()) -> Account:
    """All buckets of an account, with the markets that they and `coins` need.

    BadInput for a coin that no market has, or that has no price yet.
    """
    return account_with(columns, universe, f"account {account}", buckets_of(columns, account), coins)


def account_with(
    columns: Any, universe: Universe, title: str, numbers: list[int], coins: tuple[str, ...] = ()
) -> Account:
    """These buckets, an owner's or a pool's, as an account of that title; else as `account_of`."""
    assets: dict[str, Asset] = {}
    buckets, needed = [], {coin: universe.coin(coin) for coin in coins}
    for number in numbers:
        bucket = bucket_of(columns, universe, number)
        name = CROSS
        if columns["bucket_kind"].item(number) == state.ISOLATED:
            name = isolated_name(universe.listings[columns["bucket_market"].item(number)].coin)
        buckets.append(NamedBucket(name=name, bucket=bucket))
        needed |= {position.market: universe.by_coin[position.market] for position in bucket.positions}
        own = assets_of(columns, universe, number)
        assets |= own
        curved = (asset.underlying for asset in own.values() if asset.span is not None)
        needed |= {coin: universe.by_coin[coin] for coin in curved if coin is not None}
    places = {coin: place_of(columns, listing) for coin, listing in needed.items()}
    silent = WireAccount(file=title, holdings=(), total=None, cross=None, cross_maintenance=None, withdrawable=None)
    return Account(
        file=silent.file,
        buckets=tuple(buckets),
        places=places,
        policy=policy_of(columns),
        wire=silent,
        terms=None,
        assets=assets,
    )


def account_by_rule(columns: Any, universe: Universe, account: int, coins: tuple[str, ...] = ()) -> Account:
    """`account_of` with what its rule of margin needs: in portfolio margin the grid, and the markets that collateral
    moves with.

    BadInput as `account_of`.
    """
    own = account_of(columns, universe, account, coins)
    linked = {asset.underlying for asset in own.assets.values() if asset.underlying is not None}
    held = account_of(columns, universe, account, (*coins, *sorted(linked - {*coins})))
    if columns["bucket_mode"].item(account) != PORTFOLIO:
        return held
    return replace(held, grid=grid_of(columns, universe, tuple(held.places)))


def grid_of(columns: Any, universe: Universe, coins: tuple[str, ...]) -> ScenarioGrid:
    """The venue's scenario grid over these markets, as it is live. BadInput where it has no row at all."""
    venue = columns["param"][len(columns["market_price"])].tolist()
    moves = [(venue[parameter.GRID_MOVE + k], venue[parameter.GRID_CREDIT + k]) for k in range(parameter.GRID_SHOCKS)]
    shares = [venue[parameter.GRID_SHARE + k] for k in range(parameter.GRID_SHARES)]
    if not any(move for move, _ in moves) and not any(shares):
        raise BadInput("grid", "the venue's scenario grid is empty")
    risks = {}
    for coin in coins:
        values = columns["param"][universe.by_coin[coin].number].tolist()
        risks[coin] = MarketRisk(
            beta=Rate(values[parameter.GRID_BETA]),
            own=Rate(values[parameter.GRID_OWN]),
            basis=Rate(values[parameter.GRID_BASIS]),
            floor=Rate(values[parameter.GRID_FLOOR]),
            concentration_start=values[parameter.CONCENTRATION_START],
            concentration=Rate(values[parameter.CONCENTRATION]),
        )
    return ScenarioGrid(
        version="live",
        factor_shocks=tuple(FactorShock(Rate(move), Rate(credit)) for move, credit in moves if move),
        own_shares=tuple(Rate(part) for part in shares if part),
        risks=risks,
        portfolio_factor=Rate(max(venue[parameter.PORTFOLIO_FACTOR], RATE_ONE + venue[parameter.EXIT_BUFFER])),
    )


def buckets_of(columns: Any, account: int) -> list[int]:
    """The cross bucket of an account, then its isolated ones."""
    found, following = [account], columns["account_isolated"].item(account)
    while following != 0:  # at most ISOLATED_PER_ACCOUNT
        found.append(following - 1)
        following = columns["bucket_next"].item(following - 1)
    return found


def slots_of(columns: Any, bucket: int) -> list[int]:
    """The slots of a bucket: one for each market in which it has a position or orders."""
    found, slot = [], columns["bucket_first"].item(bucket)
    while slot != 0:  # at most POSITIONS_PER_BUCKET
        found.append(slot)
        slot = columns["slot_sibling"].item(slot)
    return found


def bucket_of(columns: Any, universe: Universe, number: int) -> Bucket:
    """One bucket. The leverage of a position is the chosen one within the market's live cap, as margin counts it."""
    positions = []
    for slot in slots_of(columns, number):
        market = columns["slot_market"].item(slot)
        cap = columns["param"].item(market, parameter.LEVERAGE_CAP)
        positions.append(
            Position(
                market=universe.listings[market].coin,
                size=Lots(columns["slot_size"].item(slot)),
                entry_notional=UsdMicro(columns["slot_entry"].item(slot)),
                leverage=min(columns["slot_leverage"].item(slot), cap),
                funding_index=FundingIndex(columns["slot_index"].item(slot)),
                bids=Lots(columns["slot_bids"].item(slot)),
                asks=Lots(columns["slot_asks"].item(slot)),
            )
        )
    is_isolated = columns["bucket_kind"].item(number) == state.ISOLATED
    kind = BucketKind.ISOLATED if is_isolated else BucketKind.CROSS
    held = tuple(
        Holding(name_of(columns, row), Lots(1 if is_range(columns, row) else columns["holding_lots"].item(row)))
        for row in holdings_of(columns, number)
    )
    raw = UsdMicro(columns["bucket_raw"].item(number))
    mode = MarginMode.PORTFOLIO if columns["bucket_mode"].item(number) == PORTFOLIO else MarginMode.TIERED
    return Bucket(kind=kind, raw_usd=raw, positions=tuple(positions), collateral=held, mode=mode)


def holdings_of(columns: Any, bucket: int) -> list[int]:
    """The rows of a bucket's collateral other than USD."""
    found, row = [], columns["bucket_holding"].item(bucket)
    while row != 0:  # at most HOLDINGS_PER_BUCKET
        found.append(row)
        row = columns["holding_next"].item(row)
    return found


def is_range(columns: Any, row: int) -> bool:
    """Whether a holding is a liquidity position."""
    return bool(columns["asset_kind"].item(columns["holding_asset"].item(row)) == asset_parameter.POOL)


def name_of(columns: Any, row: int) -> str:
    """What a holding is called among an account's assets: its number, of a liquidity position with its token."""
    asset = columns["holding_asset"].item(row)
    return f"{asset}:{columns['holding_token'].item(row)}" if is_range(columns, row) else str(asset)


def assets_of(columns: Any, universe: Universe, bucket: int) -> dict[str, Asset]:
    """The terms and prices of what a bucket holds, as margin values it now.

    A liquidity position is one lot of an asset of its own, priced at its fair value and, as the stable price, at the
    least of its scan; it moves along its curve with the mark, where there is one. In portfolio margin an asset moves
    with the market of what it is redeemed for, where there is one.
    """
    found, is_by_grid = {}, columns["bucket_mode"].item(bucket) == PORTFOLIO
    for row in holdings_of(columns, bucket):
        asset = columns["holding_asset"].item(row)
        values = columns["asset_param"][asset].tolist()
        market, redeemed = columns["asset_market"].item(asset), columns["asset_redeemed"].item(asset) - 1
        feeds = [number for number in (market, redeemed) if number >= 0]
        moves_with = redeemed if is_by_grid and redeemed >= 0 else market
        is_fresh = all(is_young(columns, number) for number in feeds)
        kept = values[asset_parameter.WEIGHT_MAINTENANCE]
        oracle, stable = columns["market_oracle"].item(market), columns["asset_stable"].item(asset)
        span: Span | None = None
        underlying: str | None = universe.listings[moves_with].coin
        if is_range(columns, row):
            names = ("holding_lots", "holding_low", "holding_high", "holding_scale")
            liquidity, low, high, scale = (columns[name].item(row) for name in names)
            worst = Price(share(min(oracle, stable), Rate(RATE_ONE - values[asset_parameter.SCAN]), Side.DOWN))
            span = Span(liquidity=liquidity, low=low, high=high, scale=scale, price=Price(oracle), worst=worst)
            oracle, stable = span_worth(span, oracle), span_worth(span, worst)
            if columns["market_price"].item(market) == 0:
                span, underlying = None, None
        found[name_of(columns, row)] = Asset(
            name=name_of(columns, row),
            size_decimals=universe.listings[market].size_decimals,
            oracle=Price(oracle),
            stable=Price(stable),
            weight_initial=Rate(min(kept, values[asset_parameter.WEIGHT_INITIAL]) if is_fresh else 0),
            weight_maintenance=Rate(kept),
            supply_start=Lots(values[asset_parameter.SUPPLY_START]),
            supply_total=Lots(columns["asset_total"].item(asset)),
            redemption=Price(columns["market_oracle"].item(redeemed)) if redeemed >= 0 else None,
            redemption_floor=Rate(values[asset_parameter.REDEMPTION_FLOOR]),
            price_max=Price(columns["market_price_max"].item(market)),
            peg_band=Rate(values[asset_parameter.PEG_BAND]),
            liquidation_discount=Rate(values[asset_parameter.DISCOUNT]),
            underlying=underlying,
            span=span,
        )
    return found


def is_young(columns: Any, market: int) -> bool:
    """Whether the market's index is fresh by the venue's clock."""
    age = columns["cell"].item(state.NOW) - columns["market_oracle_time"].item(market)
    return bool(columns["market_fresh"].item(market)) and age <= columns["param"].item(market, parameter.ORACLE_AGE_MS)


def place_of(columns: Any, listing: Listing) -> Place:
    """A market with its live terms, its mark and its scale. BadInput before it has a price and tiers."""
    number = listing.number
    price = columns["market_price"].item(number)
    if price == 0 or columns["tier_count"].item(2 * number + LIVE) == 0:
        raise BadInput("coin", f"{listing.coin} has no price yet")
    mark = Mark(
        mark=Price(price),
        oracle=Price(columns["market_oracle"].item(number)),
        funding_index=FundingIndex(columns["market_index"].item(number)),
        open_interest=UsdMicro(columns["market_open"].item(number) * price),
    )
    return Place(market=market_of(columns, listing), mark=mark, scale=Scale(Fraction(10) ** listing.size_decimals))


def market_of(columns: Any, listing: Listing) -> Market:
    """The live terms of a market: maintenance as it is scaled now, leverage as it was listed."""
    number, row = listing.number, 2 * listing.number + LIVE
    tiers = []
    for k in range(columns["tier_count"].item(row)):
        high, low = columns["tier_high"].item(row, k), columns["tier_low"].item(row, k)
        tiers.append(
            Tier(
                lower=UsdMicro(columns["tier_lower"].item(row, k)),
                max_leverage=columns["base_leverage"].item(number, k),
                maintenance=Rate(columns["tier_rate"].item(row, k)),
                deduction=(high << SPLIT_BITS) + low,
            )
        )
    values = columns["param"][number].tolist()
    return Market(
        name=listing.coin,
        size_decimals=listing.size_decimals,
        price_max=Price(listing.price_max),
        tiers=tuple(tiers),
        initial_live=Rate(max(values[parameter.INITIAL_LIVE], ceil_div(RATE_ONE, tiers[0].max_leverage))),
        open_interest_lower=UsdMicro(values[parameter.OPEN_INTEREST_LOWER]),
        open_interest_upper=UsdMicro(values[parameter.OPEN_INTEREST_UPPER]),
    )


def policy_of(columns: Any) -> MarginPolicy:
    """The venue's margin policy."""
    values = columns["param"][len(columns["market_price"])].tolist()
    cap = values[parameter.PROFIT_CAP]
    return MarginPolicy(
        exit_buffer=Rate(values[parameter.EXIT_BUFFER]),
        withdrawal_floor=Rate(values[parameter.WITHDRAWAL_FLOOR]),
        profit_weight=Rate(values[parameter.PROFIT_WEIGHT]),
        profit_cap=None if cap < 0 else UsdMicro(cap),
    )
