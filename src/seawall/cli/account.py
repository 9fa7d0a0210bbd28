"""`seawall account`: the margin core asked about one account. The commands about one trade are in account_trade.py."""

from typing import Annotated

import typer

from seawall.cli import account_collateral, account_foresight, account_lp, account_portfolio, account_trade
from seawall.cli.options import (
    Collateral,
    Fee,
    File,
    Json,
    Meta,
    Policy,
    Skip,
    SourceWords,
    Url,
    User,
    loaded,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Health, liquidation prices and what-ifs of an account (clearinghouseState) or of a described trade.",
)


@app.command()
def health(
    *,
    file: File = None,
    meta: Meta = None,
    url: Url = None,
    user: User = None,
    skip_unknown: Skip = False,
    policy: Policy = "hyperliquid",
    collateral: Collateral = None,
    as_json: Json = False,
) -> None:
    """Equity, margin and what is free: every bucket and the whole account."""
    from seawall.cli import account_tables, show
    from seawall.tools.health import account_health

    account = loaded(SourceWords(file, meta, url, user, skip_unknown, policy, collateral))
    report = account_health(account)
    show.emit(
        report,
        sheets=account_tables.health_sheets(report),
        notes=account_tables.health_notes(report),
        as_json=as_json,
    )


@app.command()
def surface(
    *,
    file: File = None,
    direction: Annotated[
        list[str] | None, typer.Option("--direction", help="A joint move, e.g. BTC=-1,ETH=-0.5 (repeatable).")
    ] = None,
    meta: Meta = None,
    url: Url = None,
    user: User = None,
    skip_unknown: Skip = False,
    policy: Policy = "hyperliquid",
    collateral: Collateral = None,
    as_json: Json = False,
) -> None:
    """The nearest liquidating point along moves of one market, of all, and of your own directions."""
    from seawall.cli import account_tables, show
    from seawall.tools.surface import account_surface, parsed_direction

    directions = {text: parsed_direction(text) for text in direction or []}
    account = loaded(SourceWords(file, meta, url, user, skip_unknown, policy, collateral))
    report = account_surface(account, directions)
    show.emit(report, sheets=[account_tables.surface_sheet(report)], notes=report.warnings, as_json=as_json)


@app.command(name="what-if")
def what_if(
    *,
    file: File = None,
    coin: Annotated[str | None, typer.Option("--coin", help="The traded market.")] = None,
    side: Annotated[str, typer.Option("--side", help="long (buy) or short (sell).")] = "long",
    size: Annotated[str | None, typer.Option("--size", help="Size of the trade in the coin.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Price of the trade; the mark when not given.")] = None,
    leverage: Annotated[int | None, typer.Option("--leverage", help="Of a new position.")] = None,
    mode: Annotated[str, typer.Option("--mode", help="auto, cross or isolated.")] = "auto",
    max_leverage: Annotated[int | None, typer.Option("--max-leverage", help="Of a market the file lacks.")] = None,
    fee: Fee = "0",
    move: Annotated[list[str] | None, typer.Option("--move", help="COIN=-10% (repeatable).")] = None,
    price: Annotated[list[str] | None, typer.Option("--price", help="COIN=50000 (repeatable).")] = None,
    meta: Meta = None,
    url: Url = None,
    user: User = None,
    skip_unknown: Skip = False,
    policy: Policy = "hyperliquid",
    collateral: Collateral = None,
    as_json: Json = False,
) -> None:
    """Health and liquidation prices after a trade, after price moves, or after both (trade first)."""
    from seawall.cli import account_tables, show
    from seawall.tools.what_if import extra_of, parsed_moves, trade_from
    from seawall.tools.what_if import what_if as evaluate

    moves = parsed_moves(move or [], price or [])
    trade = trade_from(
        coin=coin, side=side, size=size, price=at, leverage=leverage, mode=mode, fee=fee, max_leverage=max_leverage
    )
    words = SourceWords(file, meta, url, user, skip_unknown, policy, collateral)
    report = evaluate(loaded(words, extra_of(trade)), trade, moves)
    show.emit(
        report,
        sheets=account_tables.what_if_sheets(report),
        notes=account_tables.what_if_notes(report),
        as_json=as_json,
    )


app.command(name="liq")(account_trade.liq)
app.command(name="size")(account_trade.size)
app.command(name="leverage")(account_trade.leverage)
app.command(name="carry")(account_trade.carry)
app.command(name="advise")(account_trade.advise)
app.command(name="foresight")(account_foresight.foresight)
app.command(name="lp")(account_lp.lp)
app.command(name="portfolio")(account_portfolio.portfolio)
app.add_typer(account_collateral.app, name="collateral")
