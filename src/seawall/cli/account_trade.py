"""`seawall account liq | size | leverage | carry | advise`: commands that also answer for a trade given by numbers."""

from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.options import (
    Coin,
    Collateral,
    Entry,
    Fee,
    File,
    Json,
    Leverage,
    Maintenance,
    MaxLeverage,
    Meta,
    Policy,
    Side,
    Size,
    Skip,
    SourceWords,
    Tiers,
    Url,
    User,
    loaded,
    market_words,
    refuse_trade_words,
    required,
)

if TYPE_CHECKING:
    from seawall.margin.inverse import InverseTerms
    from seawall.tools.plan import MarketWords
    from seawall.tools.trade_liq import TradeWords
    from seawall.units import Rate

DEFAULT_MAX_LEVERAGE = 40  # of the market that the leverage table describes unless told otherwise


def liq(
    *,
    file: File = None,
    meta: Meta = None,
    url: Url = None,
    user: User = None,
    skip_unknown: Skip = False,
    policy: Policy = "hyperliquid",
    collateral: Collateral = None,
    fee: Fee = "0",
    coin: Coin = None,
    side: Side = "long",
    entry: Entry = None,
    size: Size = None,
    leverage: Leverage = 10,
    margin: Annotated[str | None, typer.Option("--margin", help="USD (coin when --inverse) posted.")] = None,
    maintenance: Maintenance = None,
    max_leverage: MaxLeverage = None,
    tiers: Tiers = None,
    inverse: Annotated[bool, typer.Option("--inverse", help="Coin-margined: --size counts contracts.")] = False,
    face: Annotated[str, typer.Option("--face", help="With --inverse: USD a contract.")] = "1",
    mark: Annotated[str | None, typer.Option("--mark", help="With --inverse: price now.")] = None,
    tiers_by: Annotated[str, typer.Option("--tiers-by", help="With --inverse: coin or contract notional.")] = "coin",
    as_json: Json = False,
) -> None:
    """Liquidation prices: of an account (FILE or --url), or of a trade (--entry --size --leverage)."""
    from seawall.tools.figures import given_rate
    from seawall.tools.trade_liq import TradeWords, inverse_terms

    closing_fee = given_rate(fee, "fee")
    if file is not None or url is not None:
        words = {"maintenance": maintenance, "max-leverage": max_leverage, "tiers": tiers, "mark": mark}
        refuse_trade_words({"entry": entry, "size": size, "margin": margin, **words})
    if inverse and file is not None:
        _show_inverse_file(file, closing_fee, as_json=as_json)
        return
    if file is not None or url is not None or entry is None:
        account = SourceWords(file, meta, url, user, skip_unknown, policy, collateral)
        _show_account(account, closing_fee, coin, as_json=as_json)
        return
    trade = TradeWords(
        coin=coin,
        side=side,
        size=required(size, "size"),
        entry=entry,
        leverage=leverage,
        margin=margin,
        closing_fee=closing_fee,
    )
    if inverse:
        terms = inverse_terms(tiers, maintenance, max_leverage, tiers_by)
        _show_inverse(trade, terms, face=face, mark=mark, as_json=as_json)
        return
    market = market_words(coin=coin, maintenance=maintenance, max_leverage=max_leverage, tiers=tiers, meta=meta)
    _show_linear(trade, market, as_json=as_json)


def _show_account(words: SourceWords, closing_fee: "Rate", coin: str | None, *, as_json: bool) -> None:
    from seawall.cli import account_tables, show
    from seawall.tools.liq import account_liquidation, only

    found = account_liquidation(loaded(words), closing_fee)
    found = found if coin is None else only(found, coin)
    sheet, notes = account_tables.liquidation_sheet(found), account_tables.liquidation_notes(found)
    show.emit(found, sheets=[sheet], notes=notes, as_json=as_json)


def _show_inverse_file(file: str, closing_fee: "Rate", *, as_json: bool) -> None:
    from seawall.cli import account_tables, show
    from seawall.tools.inverse_file import load_inverse

    found = load_inverse(file, closing_fee)
    show.emit(found, sheets=[account_tables.inverse_sheet(each) for each in found.positions], as_json=as_json)


def _show_inverse(trade: "TradeWords", terms: "InverseTerms", *, face: str, mark: str | None, as_json: bool) -> None:
    from seawall.cli import account_tables, show
    from seawall.tools.trade_liq import inverse_from

    found = inverse_from(trade, terms, face=face, mark=mark)
    show.emit(found, sheets=[account_tables.inverse_sheet(found)], notes=[found.why], as_json=as_json)


def _show_linear(trade: "TradeWords", words: "MarketWords", *, as_json: bool) -> None:
    from seawall.cli import account_tables, show
    from seawall.tools.trade_liq import trade_from

    found = trade_from(trade, words)
    show.emit(found, sheets=[account_tables.trade_liquidation_sheet(found)], notes=[found.why], as_json=as_json)


def size(
    *,
    equity: Annotated[str | None, typer.Option("--equity", help="USD of the account; or give --account FILE.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="clearinghouseState: its cross equity.")] = None,
    risk: Annotated[str, typer.Option("--risk", help="Share of equity lost at the stop, e.g. 1%.")] = "1%",
    entry: Entry = None,
    stop: Annotated[str | None, typer.Option("--stop", help="Stop price in USD.")] = None,
    side: Side = "long",
    leverage: Leverage = 10,
    fee: Fee = "0.00045",
    lot: Annotated[str | None, typer.Option("--lot", help="Smallest size step; from meta, else 0.00001.")] = None,
    coin: Coin = None,
    maintenance: Maintenance = None,
    max_leverage: MaxLeverage = None,
    tiers: Tiers = None,
    meta: Meta = None,
    as_json: Json = False,
) -> None:
    """Position size for a risk budget: what a stop may cost, fees included, rounded down to whole lots."""
    from seawall.cli import account_tables, show
    from seawall.tools import size as sizes
    from seawall.tools.figures import given_rate
    from seawall.tools.plan import TRADE_COIN, direction

    words = market_words(
        coin=coin,
        maintenance=maintenance,
        max_leverage=max_leverage,
        tiers=tiers,
        meta=meta,
        default_max_leverage=DEFAULT_MAX_LEVERAGE,
    )
    budget = sizes.budget_from(
        equity=sizes.equity_from(equity, account, meta),
        risk=risk,
        entry=required(entry, "entry"),
        stop=required(stop, "stop"),
        leverage=leverage,
        fee=given_rate(fee, "fee"),
        lot=lot,
        words=words,
    )
    report = sizes.position_size(words, budget, coin=coin or TRADE_COIN, side=direction(side))
    notes = [f"warning: {text}" for text in report.warnings]
    show.emit(report, sheets=[account_tables.size_sheet(report)], notes=notes, as_json=as_json)


def leverage(
    *,
    leverages: Annotated[str, typer.Option("--leverages", help="Comma-separated.")] = "2,5,10,25,40",
    margin: Annotated[str, typer.Option("--margin", help="USD posted.")] = "1000",
    entry: Annotated[str, typer.Option("--entry", help="Entry price in USD.")] = "50000",
    fee: Fee = "0",
    rate: Annotated[str, typer.Option("--rate", help="Funding rate an interval; positive: longs pay.")] = "0",
    interval: Annotated[int, typer.Option("--interval", help="Hours between payments: 1, 4 or 8.")] = 8,
    hours: Annotated[int, typer.Option("--hours", help="Hours of funding before the move.")] = 0,
    coin: Coin = None,
    maintenance: Maintenance = None,
    max_leverage: MaxLeverage = None,
    tiers: Tiers = None,
    meta: Meta = None,
    as_json: Json = False,
) -> None:
    """Leverage -> margin -> the adverse move that loses the margin, and the one that liquidates."""
    from seawall.cli import account_tables, show
    from seawall.tools import leverage as table
    from seawall.tools.carry import funding_terms
    from seawall.tools.figures import given_fraction, given_positive, given_rate, given_usd, whole_list

    words = market_words(
        coin=coin,
        maintenance=maintenance,
        max_leverage=max_leverage,
        tiers=tiers,
        meta=meta,
        default_max_leverage=DEFAULT_MAX_LEVERAGE,
    )
    assumed = table.Assumed(
        margin=given_usd(margin, "margin"),
        entry=given_positive(entry, "entry"),
        fee=given_rate(fee, "fee"),
        funding=funding_terms(given_fraction(rate, "rate"), interval),
        hours=hours,
    )
    report = table.leverage_table(words, assumed, whole_list(leverages, "leverages"))
    notes = ["moves are shares of the entry price; the first ignores fees, funding and maintenance"]
    show.emit(report, sheets=[account_tables.leverage_sheet(report)], notes=notes, as_json=as_json)


def carry(
    *,
    rate: Annotated[
        str | None, typer.Option("--rate", help="Funding rate an interval, e.g. 0.01%; + longs pay.")
    ] = None,
    interval: Annotated[int, typer.Option("--interval", help="Hours between payments: 1, 4 or 8.")] = 8,
    hours: Annotated[int | None, typer.Option("--hours", help="Holding time in hours.")] = None,
    days: Annotated[int | None, typer.Option("--days", help="Holding time in days.")] = None,
    side: Side = "long",
    notional: Annotated[str | None, typer.Option("--notional", help="USD of the perpetual position.")] = None,
    fee: Fee = "0.00045",
    spot: Annotated[str | None, typer.Option("--spot", help="Spot price: asks about a basis trade.")] = None,
    perp: Annotated[str | None, typer.Option("--perp", help="Perpetual's price, with --spot.")] = None,
    size: Size = None,
    spot_fee: Annotated[str, typer.Option("--spot-fee", help="Fee of a spot fill.")] = "0.0007",
    leverage: Leverage = 1,
    as_json: Json = False,
) -> None:
    """Funding paid or earned over a holding time; with --spot and --perp, when a basis trade breaks even."""
    from seawall.cli import account_tables, show
    from seawall.tools import carry as carried
    from seawall.tools.figures import given_fraction, given_positive, given_rate, given_usd
    from seawall.tools.plan import direction

    terms = carried.funding_terms(given_fraction(required(rate, "rate"), "rate"), interval)
    held = carried.holding_hours(hours, days)
    if spot is None:
        amount = given_usd(required(notional, "notional"), "notional")
        plain = carried.funding_carry(
            terms, side=direction(side), notional=amount, hours=held, fee=given_rate(fee, "fee")
        )
        show.emit(plain, sheets=[account_tables.carry_sheet(plain)], notes=[carried.TIMING], as_json=as_json)
        return
    legs = carried.BasisTerms(
        size=given_positive(required(size, "size"), "size"),
        spot=given_positive(spot, "spot"),
        perp=given_positive(required(perp, "perp"), "perp"),
        spot_fee=given_rate(spot_fee, "spot-fee"),
        perp_fee=given_rate(fee, "fee"),
        leverage=leverage,
    )
    basis = carried.basis_trade(terms, legs, hours=held)
    show.emit(basis, sheets=[account_tables.basis_sheet(basis)], notes=[carried.TIMING], as_json=as_json)


def advise(
    *,
    file: File = None,
    kind: Annotated[
        str, typer.Option("--kind", help="hedged, basis, correlated, experimental, scalp or single.")
    ] = "single",
    equity: Annotated[str | None, typer.Option("--equity", help="Instead of FILE: USD of the account.")] = None,
    leg: Annotated[
        list[str] | None, typer.Option("--leg", help="With --equity: COIN=SIZE@PRICE:MAX_LEVERAGE (repeatable).")
    ] = None,
    coin: Coin = None,
    side: Side = "long",
    size: Size = None,
    entry: Entry = None,
    leverage: Leverage = 10,
    max_leverage: MaxLeverage = None,
    fee: Fee = "0",
    spot: Annotated[str | None, typer.Option("--spot", help="Spot of the coin held as collateral.")] = None,
    spot_weight: Annotated[str, typer.Option("--spot-weight", help="How much of it counts; 0: none.")] = "0.9",
    meta: Meta = None,
    url: Url = None,
    user: User = None,
    skip_unknown: Skip = False,
    policy: Policy = "hyperliquid",
    collateral: Collateral = None,
    as_json: Json = False,
) -> None:
    """Cross or isolated for a trade: both worked out on this account, and the reason."""
    from seawall.cli import account_tables, show
    from seawall.tools import advise as advised
    from seawall.tools.what_if import extra_of, trade_from
    from seawall.units import BadInput

    chosen = advised.kind_from(kind)
    trade = trade_from(
        coin=required(coin, "coin"),
        side=side,
        size=required(size, "size"),
        price=entry,
        leverage=leverage,
        mode="auto",
        fee=fee,
        max_leverage=max_leverage,
    )
    assert trade is not None
    held = advised.spot_from(spot, spot_weight, chosen, trade)
    trade = advised.with_spot_sizes(trade, held)
    if equity is not None and (file is not None or url is not None):
        raise BadInput("equity", "give an account or --equity, not both")
    if equity is None:
        words = SourceWords(file, meta, url, user, skip_unknown, policy, collateral)
        account = loaded(words, extra_of(trade))
    else:
        account = advised.numbers_account(equity, leg or [])
    report = advised.advise(account, trade, chosen, held)
    notes = [f"advice: {report.recommended.value.upper()}. {report.reason}"]
    notes += [f"warning: {text}" for text in report.warnings]
    show.emit(report, sheets=[account_tables.advice_sheet(report)], notes=notes, as_json=as_json)
