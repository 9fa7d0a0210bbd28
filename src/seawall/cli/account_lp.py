"""`seawall account lp`: a position of concentrated liquidity and the perp beside it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from seawall.cli.options import Json, required

if TYPE_CHECKING:
    from seawall.tools.lp import LpReport

NOTE = "amounts at the price given, never a pool's spot; uncollected fees count for nothing in initial margin"


def lp(
    *,
    liquidity: Annotated[str | None, typer.Option("--liquidity", help="L of the position, as the pool has it.")] = None,
    tick_lower: Annotated[int | None, typer.Option("--tick-lower", help="Its lower tick.")] = None,
    tick_upper: Annotated[int | None, typer.Option("--tick-upper", help="Its upper tick.")] = None,
    price: Annotated[str | None, typer.Option("--price", help="Price of the base in USD now (an oracle's).")] = None,
    entry: Annotated[str | None, typer.Option("--entry", help="Price when it was opened; now when not given.")] = None,
    fees: Annotated[str, typer.Option("--fees", help="USD of fees earned so far.")] = "0",
    fees_day: Annotated[str, typer.Option("--fees-per-day", help="USD of fees expected a day.")] = "0",
    perp: Annotated[str, typer.Option("--perp", help="Size of the perp held; negative: short.")] = "0",
    perp_entry: Annotated[str | None, typer.Option("--perp-entry", help="Its entry price; --entry by default.")] = None,
    volatility: Annotated[str | None, typer.Option("--volatility", help="Of a day, e.g. 4%: asks for advice.")] = None,
    days: Annotated[int, typer.Option("--days", help="Horizon of the advice.")] = 7,
    base_decimals: Annotated[int, typer.Option("--base-decimals", help="Of the base token.")] = 18,
    quote_decimals: Annotated[int, typer.Option("--quote-decimals", help="Of the USD token.")] = 6,
    base_first: Annotated[
        bool, typer.Option("--base-first/--quote-first", help="Whether the base is the pool's token0.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Worth, delta, gamma, loss against holding, break-evens, and a range and hedge to move to."""
    from seawall.cli import show
    from seawall.margin.lp import Pair
    from seawall.tools.figures import given_fraction, given_positive
    from seawall.tools.lp import LpTerms, lp_report
    from seawall.units import BadInput

    if not required(liquidity, "liquidity").isdigit():
        raise BadInput("liquidity", "expected a whole number")
    if tick_lower is None or tick_upper is None:
        raise BadInput("tick-lower", "both ticks are needed")
    now = given_positive(required(price, "price"), "price")
    pair = Pair(base_is_token0=base_first, base_decimals=base_decimals, quote_decimals=quote_decimals, size_decimals=0)
    report = lp_report(
        LpTerms(
            pair=pair,
            tick_lower=tick_lower,
            tick_upper=tick_upper,
            liquidity=int(required(liquidity, "liquidity")),
            price=now,
            entry=now if entry is None else given_positive(entry, "entry"),
            fees_usd=given_fraction(fees, "fees"),
            fees_day_usd=given_fraction(fees_day, "fees-per-day"),
            perp=given_fraction(perp, "perp"),
            perp_entry=None if perp_entry is None else given_positive(perp_entry, "perp-entry"),
            volatility_day=None if volatility is None else given_fraction(volatility, "volatility"),
            days=days,
        )
    )
    show.emit(report, sheets=[_sheet(report)], notes=[NOTE], as_json=as_json)


def _sheet(report: "LpReport") -> Any:
    from seawall.cli import show
    from seawall.tools.figures import text_of

    def usd(value: Any) -> str:
        return "none in reach" if value is None else text_of(value, 2)

    def size(value: Any) -> str:
        return "" if value is None else text_of(value, 6)

    rows: list[tuple[str, ...]] = [
        ("price", usd(report.price)),
        ("range", f"{usd(report.lower)} .. {usd(report.upper)}" + ("" if report.in_range else " (outside)")),
        ("base, quote", f"{size(report.base)}, {usd(report.quote)}"),
        ("value", usd(report.value_usd)),
        ("delta", f"{size(report.delta)} ({usd(report.delta_usd)} USD)"),
        ("gamma", f"{text_of(report.gamma, 9)} a USD; a move of 1 % costs {text_of(-report.gamma_1pct_usd, 4)}"),
        (),
        ("held instead", usd(report.hold_value_usd)),
        ("impermanent loss", usd(report.impermanent_loss_usd)),
        ("fees", usd(report.fees_usd)),
        ("net of holding", usd(report.net_of_holding_usd)),
        ("ahead of holding between", f"{usd(report.break_even_lower)} and {usd(report.break_even_upper)}"),
        (),
        ("perp held", size(report.perp)),
        ("net delta", size(report.net_delta)),
        ("perp that hedges", size(report.hedge)),
        ("position, fees and perp", usd(report.hedged_pnl_usd)),
        ("not at a loss between", f"{usd(report.hedged_lower)} and {usd(report.hedged_upper)}"),
    ]
    if report.days_of_fees_to_break_even is not None:
        rows.insert(11, ("days of fees to break even", text_of(report.days_of_fees_to_break_even, 1)))
    if report.advice is not None:
        rows += [
            (),
            ("advised range", f"{usd(report.advice.lower)} .. {usd(report.advice.upper)}"),
            ("its ticks", f"{report.advice.tick_lower} .. {report.advice.tick_upper}"),
            ("perp that hedges there", size(report.advice.hedge)),
        ]
    return show.pairs("Liquidity position", rows)
