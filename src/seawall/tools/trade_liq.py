"""`seawall account liq --entry ...`: the liquidation price of one described trade, linear or inverse."""

from fractions import Fraction

import msgspec

from seawall.margin import inverse
from seawall.margin.liquidation_price import solve_linear
from seawall.margin.requirement import initial_of, maintenance, maintenance_numerator
from seawall.presets import bybit
from seawall.terms import limits
from seawall.terms.market import Mark, Market, market, tier_of
from seawall.tools.figures import given_positive, given_rate, given_usd, money
from seawall.tools.liq import exact_ratio
from seawall.tools.plan import TRADE_COIN, Direction, MarketWords, direction, tier_rows
from seawall.tools.scales import usd_of
from seawall.units import RATE_ONE, USD_ONE, BadInput, Lots, Price, Rate, UsdMicro, ceil_div, fraction_from


class TradeWords(msgspec.Struct, frozen=True, kw_only=True):
    """A trade as the command line said it; the fee is read already."""

    coin: str | None
    side: str
    size: str
    entry: str
    leverage: int
    margin: str | None
    closing_fee: Rate


class TradeLiquidation(msgspec.Struct, frozen=True, kw_only=True):
    """One isolated trade, both ways of measuring maintenance. Prices in USD, moves as signed shares of the entry."""

    side: Direction
    size: Fraction
    entry_usd: Fraction
    leverage: int
    maintenance_rate: Fraction
    notional_usd: Fraction
    margin_usd: Fraction
    maintenance_at_entry_usd: Fraction
    on_entry_notional_usd: Fraction | None
    on_mark_notional_usd: Fraction | None
    on_mark_notional_exact: str | None
    on_mark_with_fee_usd: Fraction | None
    maintenance_at_liquidation_usd: Fraction | None
    bankruptcy_price_usd: Fraction | None
    move_to_liquidation: Fraction | None
    closing_fee: Fraction
    is_liquidatable_now: bool
    why: str


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A trade with exact numbers of any fineness: no lot size is needed to price its liquidation."""

    market: Market
    side: Direction
    size: Fraction
    entry: Fraction
    leverage: int

    @property
    def signed(self) -> Fraction:
        return self.size * self.side.sign

    @property
    def value(self) -> Fraction:
        """Notional at entry in micro-USD."""
        return self.size * self.entry * USD_ONE

    @property
    def amount(self) -> UsdMicro:
        """Notional at entry, rounded up to a whole micro-USD."""
        return UsdMicro(ceil_div(self.value.numerator, self.value.denominator))

    @property
    def initial(self) -> UsdMicro:
        """Initial margin, rounded up: that of one lot which is worth the notional."""
        whole = Mark(mark=Price(self.amount), oracle=Price(self.amount))
        return initial_of(self.market, whole, Lots(1), self.leverage)


def described(
    words: MarketWords, *, coin: str, side: Direction, size: Fraction, entry: Fraction, leverage: int
) -> Described:
    """A checked Described. BadInput for a leverage its market does not allow and for an absurd notional."""
    if not 1 <= leverage <= limits.LEVERAGE_MAX:
        raise BadInput("leverage", f"{leverage} is outside 1..{limits.LEVERAGE_MAX}")
    terms = market(coin, size_decimals=0, tiers=tier_rows(words, leverage))
    if leverage > terms.max_leverage:
        raise BadInput("leverage", f"{leverage} is above the market's maximum of {terms.max_leverage}")
    trade = Described(market=terms, side=side, size=size, entry=entry, leverage=leverage)
    if trade.amount > limits.NOTIONAL_MAX:
        raise BadInput("size", "absurd: its notional is beyond 2^53 micro-USD (9.007 billion USD)")
    return trade


def trade_liquidation(
    trade: Described, margin: UsdMicro | None = None, closing_fee: Rate = Rate(0)
) -> TradeLiquidation:
    """Liquidation price of a described trade, isolated, with maintenance on the mark's notional and on the entry's.

    `margin` is what is posted; None: notional / leverage, rounded up. The entry-notional answer is that of
    the `bybit` preset for the tier at entry.
    """
    posted = trade.initial if margin is None else margin
    tiers, signed = trade.market.tiers, trade.signed
    fixed = posted - signed * trade.entry * USD_ONE
    at = solve_linear(size=signed, fixed=fixed, tiers=tiers)
    charged = solve_linear(size=signed, fixed=fixed, tiers=tiers, closing_fee=closing_fee) if closing_fee else None
    mark = None if at is None else usd_of(at)
    needed = maintenance([maintenance_numerator(tiers, trade.amount)])
    tier = tier_of(tiers, trade.amount)
    on_entry = None
    if posted:
        times = trade.value / posted
        on_entry = bybit.liquidation_price(size=signed, entry=trade.entry, leverage=times, rate=tier.maintenance)
    return TradeLiquidation(
        side=trade.side,
        size=trade.size,
        entry_usd=trade.entry,
        leverage=trade.leverage,
        maintenance_rate=Fraction(tier.maintenance, RATE_ONE),
        notional_usd=usd_of(trade.value),
        margin_usd=usd_of(posted),
        maintenance_at_entry_usd=usd_of(needed),
        on_entry_notional_usd=on_entry,
        on_mark_notional_usd=mark,
        on_mark_notional_exact=exact_ratio(mark),
        on_mark_with_fee_usd=None if charged is None else usd_of(charged),
        maintenance_at_liquidation_usd=None if mark is None else usd_of(posted) + signed * (mark - trade.entry),
        bankruptcy_price_usd=_positive(trade.entry - usd_of(posted) / signed),
        move_to_liquidation=None if mark is None else mark / trade.entry - 1,
        closing_fee=Fraction(closing_fee, RATE_ONE),
        is_liquidatable_now=posted < needed,
        why=_why(trade.side, mark, on_entry),
    )


def _positive(value: Fraction) -> Fraction | None:
    return value if value > 0 else None


def _why(side: Direction, on_mark: Fraction | None, on_entry: Fraction | None) -> str:
    if on_mark is None:
        return "No price liquidates this position: its margin covers everything that the mark can take."
    word, drift, room = ("falls", "shrinks", "later") if side is Direction.LONG else ("rises", "grows", "sooner")
    gap = "" if on_entry is None else f" ({money(abs(on_mark - on_entry))} USD apart)"
    return (
        f"Both answers are where the margin left equals maintenance. Fixed on the entry notional, maintenance stays"
        f" what it was at entry; on the mark notional it {drift} as the price {word}, so liquidation comes {room}{gap}."
        f" Venues differ: Bybit fixes it at entry, Hyperliquid, Binance and Seawall measure it at the mark."
    )


class InverseLiquidation(msgspec.Struct, frozen=True, kw_only=True):
    """An inverse contract: prices in USD a coin, margin in the coin."""

    coin: str
    side: Direction
    contracts: int
    face_usd: Fraction
    entry_usd: Fraction
    mark_usd: Fraction
    collateral_coin: Fraction
    equity_coin: Fraction
    maintenance_coin: Fraction
    liquidation_price_usd: Fraction | None
    liquidation_price_exact: str | None
    with_closing_fee_usd: Fraction | None
    bankruptcy_price_usd: Fraction | None
    move_to_liquidation: Fraction | None
    closing_fee: Fraction
    is_liquidatable_now: bool
    why: str


def inverse_liquidation(
    position: inverse.InversePosition,
    terms: inverse.InverseTerms,
    *,
    coin: str,
    mark: Fraction | None = None,
    closing_fee: Rate = Rate(0),
) -> InverseLiquidation:
    """Liquidation price of a coin-margined position; `mark` defaults to the entry price."""
    inverse.check_inverse(position)
    now = position.entry if mark is None else mark
    price = inverse.liquidation_price(position, terms)
    equity, needed = inverse.equity(position, now), inverse.maintenance(position, terms, now)
    is_long = position.contracts > 0
    none = "A short with this much coin is never liquidated: its collateral gains what the contract loses."
    found = "Equity and maintenance are both straight lines in 1 / mark: the price is exact, no approximation is made."
    return InverseLiquidation(
        coin=coin,
        side=Direction.LONG if is_long else Direction.SHORT,
        contracts=position.contracts,
        face_usd=position.face,
        entry_usd=position.entry,
        mark_usd=now,
        collateral_coin=position.collateral,
        equity_coin=equity,
        maintenance_coin=needed,
        liquidation_price_usd=price,
        liquidation_price_exact=exact_ratio(price),
        with_closing_fee_usd=inverse.liquidation_price(position, terms, closing_fee) if closing_fee else None,
        bankruptcy_price_usd=inverse.bankruptcy_price(position),
        move_to_liquidation=None if price is None else price / now - 1,
        closing_fee=Fraction(closing_fee, RATE_ONE),
        is_liquidatable_now=equity < needed,
        why=none if price is None else found,
    )


def whole_contracts(text: str, side: Direction) -> int:
    """A number of contracts with the sign of its side."""
    value = fraction_from(text, "size")
    if value.denominator != 1 or not 0 < value < 2**53:
        raise BadInput("size", f"{text} is not a whole number of contracts within 1..2^53")
    return side.sign * int(value)


def trade_from(words: TradeWords, market_words: MarketWords) -> TradeLiquidation:
    """The linear answer to the words of a trade."""
    trade = described(
        market_words,
        coin=words.coin or TRADE_COIN,
        side=direction(words.side),
        size=given_positive(words.size, "size"),
        entry=given_positive(words.entry, "entry"),
        leverage=words.leverage,
    )
    margin = None if words.margin is None else given_usd(words.margin, "margin")
    return trade_liquidation(trade, margin, words.closing_fee)


def inverse_terms(tiers: str | None, held: str | None, max_leverage: int | None, tiers_by: str) -> inverse.InverseTerms:
    """Maintenance tiers of an inverse market; their bounds are coin or USD as `tiers_by` says."""
    if tiers_by not in ("coin", "contract"):
        raise BadInput("tiers-by", f"expected coin or contract, got {tiers_by!r}")
    basis = inverse.TierBasis(tiers_by)
    rate = None if held is None else given_rate(held, "maintenance")
    if tiers is not None and (rate is not None or max_leverage is not None):
        raise BadInput("market", "described twice: --tiers and --maintenance/--max-leverage")
    rows = tier_rows(MarketWords(maintenance=rate, max_leverage=max_leverage, tiers=tiers), 1)
    unit = inverse.COIN_ONE // 10**6 if basis is inverse.TierBasis.COIN else 1
    scaled = [(UsdMicro(row[0] * unit), *row[1:]) for row in rows]
    built = market("inverse", size_decimals=0, tiers=scaled)
    return inverse.InverseTerms(tiers=built.tiers, basis=basis)


def inverse_from(words: TradeWords, terms: inverse.InverseTerms, *, face: str, mark: str | None) -> InverseLiquidation:
    """The inverse answer to the words of a trade; collateral is `margin`, or notional / leverage in coin."""
    side = direction(words.side)
    contracts = whole_contracts(words.size, side)
    entry, each = given_positive(words.entry, "entry"), given_positive(face, "face")
    if words.leverage < 1:
        raise BadInput("leverage", f"{words.leverage} is below 1")
    posted = abs(contracts) * each / entry / words.leverage
    if words.margin is not None:
        posted = fraction_from(words.margin, "margin")
        if posted < 0:
            raise BadInput("margin", f"{words.margin} is negative")
    position = inverse.InversePosition(contracts=contracts, face=each, entry=entry, collateral=posted)
    return inverse_liquidation(
        position,
        terms,
        coin=words.coin or "coin",
        mark=None if mark is None else given_positive(mark, "mark"),
        closing_fee=words.closing_fee,
    )
