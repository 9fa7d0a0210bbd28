"""Tables and notes of `seawall account`: reports to text for people."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from seawall.cli.show import Sheet, pairs
from seawall.tools.figures import exact_text, money, percent, price_text, text_of

if TYPE_CHECKING:
    from seawall.tools.advise import Advice, ModeFigures
    from seawall.tools.carry import BasisTrade, FundingCarry
    from seawall.tools.health import AccountHealth, BucketHealth
    from seawall.tools.leverage import LeverageTable, SideMove
    from seawall.tools.liq import AccountLiquidation
    from seawall.tools.size import SizeReport
    from seawall.tools.surface import AccountSurface
    from seawall.tools.trade_liq import InverseLiquidation, TradeLiquidation
    from seawall.tools.what_if import WhatIf


def usd(value: Fraction | None) -> str:
    return "-" if value is None else f"{money(value)} USD"


def move(value: Fraction | None) -> str:
    """A signed share as a percentage."""
    return "never" if value is None else f"{'+' if value > 0 else ''}{percent(value)}"


HEALTH_ROWS = (
    ("equity", "equity_usd"),
    ("cash", "cash_usd"),
    ("unrealised pnl", "unrealised_pnl_usd"),
    ("notional", "notional_usd"),
    ("initial margin used", "initial_margin_usd"),
    ("liquidation end", "liquidation_end_usd"),
    ("maintenance margin", "maintenance_margin_usd"),
    ("above maintenance", "above_maintenance_usd"),
    ("free for new risk", "free_usd"),
    ("must stay after a withdrawal", "withdrawal_floor_usd"),
    ("withdrawable", "withdrawable_usd"),
)


def health_sheets(report: "AccountHealth") -> list[Sheet]:
    """One column a bucket, and the account's own sums."""
    rows = [(label, *(money(getattr(b, name)) for b in report.buckets)) for label, name in HEALTH_ROWS]
    rows.append(("margin ratio (maintenance / equity)", *(percent(b.margin_ratio) for b in report.buckets)))
    rows.append(("leverage (notional / equity)", *(_times(b.leverage) for b in report.buckets)))
    rows.append(("level", *(b.level.value for b in report.buckets)))
    title = f"Health of {report.file}, USD"
    sums = [
        ("account value", usd(report.account_value_usd)),
        ("notional", usd(report.notional_usd)),
        ("maintenance margin", usd(report.maintenance_margin_usd)),
        ("withdrawable", usd(report.withdrawable_usd)),
        ("venue says: account value", usd(report.reported_account_value_usd)),
        ("venue says: cross maintenance", usd(report.reported_cross_maintenance_usd)),
        ("venue says: withdrawable", usd(report.reported_withdrawable_usd)),
    ]
    return [
        Sheet(title=title, columns=("USD", *(b.bucket for b in report.buckets)), rows=rows),
        pairs("Account", [row for row in sums if row[1] != "-"]),
    ]


def _times(value: Fraction | None) -> str:
    return "-" if value is None else f"{money(value)}x"


def health_notes(report: "AccountHealth") -> list[str]:
    """What each level means, and the warnings."""
    return [*(f"{b.bucket}: {_level(b)}" for b in report.buckets), *_warned(report.warnings)]


def _level(bucket: "BucketHealth") -> str:
    from seawall.tools.health import EXPLAINED

    return f"{bucket.level.value.upper()} - {EXPLAINED[bucket.level]}"


def _warned(warnings: Sequence[str]) -> list[str]:
    return [f"warning: {text}" for text in warnings]


def liquidation_sheet(report: "AccountLiquidation") -> Sheet:
    """Ours beside the venue's."""
    fee = report.closing_fee
    charged = () if fee == 0 else (f"with fee {exact_text(fee)}",)
    columns = ("position", "size", "mark", "liquidation price", "move", *charged, "venue says", "difference", "bucket")
    rows = []
    for line in report.positions:
        extra = () if fee == 0 else (price_text(line.with_closing_fee_usd),)
        same = "same" if line.agrees_with_venue else _difference(line.difference_usd)
        rows.append(
            (
                f"{line.coin} {line.side.value}",
                exact_text(line.size),
                price_text(line.mark_usd),
                price_text(line.liquidation_price_usd),
                "NOW" if line.is_liquidatable_now else move(line.move_to_liquidation),
                *extra,
                price_text(line.reported_price_usd),
                same,
                line.bucket,
            )
        )
    return Sheet(title=f"Liquidation prices of {report.file}, USD", columns=columns, rows=rows)


def _difference(value: Fraction | None) -> str:
    return "-" if value is None else text_of(value, 8 if abs(value) < 1 else 2)


def liquidation_notes(report: "AccountLiquidation") -> list[str]:
    return _warned(report.warnings)


def trade_liquidation_sheet(report: "TradeLiquidation") -> Sheet:
    """Both answers of one trade."""
    rows = [
        ("position", f"{report.side.value} {exact_text(report.size)} at {price_text(report.entry_usd)}"),
        ("notional", usd(report.notional_usd)),
        ("margin posted", usd(report.margin_usd)),
        ("maintenance at entry", f"{usd(report.maintenance_at_entry_usd)} ({percent(report.maintenance_rate, 4)})"),
        ("liquidation price, maintenance on entry notional (bybit)", price_text(report.on_entry_notional_usd)),
        ("liquidation price, maintenance on mark notional", price_text(report.on_mark_notional_usd)),
        ("  move from entry", move(report.move_to_liquidation)),
        ("  maintenance there", usd(report.maintenance_at_liquidation_usd)),
        ("bankruptcy price (margin gone)", price_text(report.bankruptcy_price_usd)),
    ]
    if report.closing_fee:
        fee = exact_text(report.closing_fee)
        rows.insert(8, (f"  with a closing fee of {fee}", price_text(report.on_mark_with_fee_usd)))
    return pairs("Liquidation price of an isolated position", rows)


def inverse_sheet(report: "InverseLiquidation") -> Sheet:
    """A coin-margined position."""
    coin = report.coin
    position = f"{report.side.value} {abs(report.contracts)} x {exact_text(report.face_usd)} USD"
    rows = [
        ("position", f"{position} at {price_text(report.entry_usd)}"),
        ("mark", price_text(report.mark_usd)),
        ("collateral", f"{text_of(report.collateral_coin, 8)} {coin}"),
        ("equity", f"{text_of(report.equity_coin, 8)} {coin}"),
        ("maintenance", f"{text_of(report.maintenance_coin, 8)} {coin}"),
        ("liquidation price", price_text(report.liquidation_price_usd)),
        ("  move from mark", move(report.move_to_liquidation)),
        ("bankruptcy price", price_text(report.bankruptcy_price_usd)),
    ]
    if report.closing_fee:
        rows.insert(
            7, (f"  with a closing fee of {exact_text(report.closing_fee)}", price_text(report.with_closing_fee_usd))
        )
    return pairs(f"Inverse contract, margined in {coin}", rows)


def surface_sheet(report: "AccountSurface") -> Sheet:
    """Nearest first within each bucket."""
    rows = []
    for line in report.points:
        reached = line.scale is not None
        moves = (
            ", ".join(f"{coin} {move(share)}" for coin, share in line.moves.items()) if reached else "never liquidates"
        )
        prices = ", ".join(f"{coin} {price_text(value)}" for coin, value in line.prices_usd.items())
        rows.append((line.direction, line.bucket, moves, prices or "-"))
    columns = ("direction", "bucket", "moves to the point", "prices there")
    return Sheet(title=f"Liquidation surface of {report.file}", columns=columns, rows=rows)


def size_sheet(report: "SizeReport") -> Sheet:
    """A position size and what it needs."""
    rows = [
        ("size", f"{exact_text(report.size)} {report.coin} (limited by {report.limited_by})"),
        ("notional", usd(report.notional_usd)),
        ("risk budget", usd(report.risk_budget_usd)),
        ("loss at the stop, fees included", f"{usd(report.loss_at_stop_usd)} ({percent(report.loss_at_stop_share)})"),
        ("  of which fees", usd(report.fees_usd)),
        ("stop", f"{price_text(report.stop_usd)} ({move(report.stop_move)})"),
        ("margin needed", f"{usd(report.margin_needed_usd)} at {report.leverage}x"),
        ("notional / equity", _times(report.effective_leverage)),
        ("liquidation price, isolated", price_text(report.liquidation_price_isolated_usd)),
        ("liquidation price, cross with all equity", price_text(report.liquidation_price_cross_usd)),
    ]
    return pairs(f"Size of a {report.side.value} {report.coin} at {price_text(report.entry_usd)}", rows)


def leverage_sheet(report: "LeverageTable") -> Sheet:
    """The guide's table and the moves that liquidate beside it."""
    rows = [
        (
            f"{row.leverage}x",
            usd(row.margin_usd),
            usd(row.position_usd),
            percent(row.move_that_loses_margin),
            percent(row.maintenance_rate, 3),
            _side_move(row.long),
            _side_move(row.short),
            "yes" if row.is_allowed else "no",
        )
        for row in report.rows
    ]
    columns = ("leverage", "margin", "position", "loses the margin", "maintenance", "long liquidates",
               "short liquidates", "allowed")  # fmt: skip
    funding = f"funding {percent(report.funding_rate_hour, 6)} an hour for {report.hours} h"
    return Sheet(
        title=f"Leverage and adverse moves (fee {percent(report.fee, 4)} a fill, {funding})", columns=columns, rows=rows
    )


def _side_move(side: "SideMove") -> str:
    return "at once" if side.is_liquidatable_at_once else move(side.move_that_liquidates)


def carry_sheet(report: "FundingCarry") -> Sheet:
    """Funding of one position."""
    rows = [
        ("position", f"{report.side.value}, {usd(report.notional_usd)}"),
        ("rate", f"{percent(report.rate, 6)} every {report.interval_hours} h"),
        ("  an hour", percent(report.rate_per_hour, 6)),
        ("  8 hours", percent(report.rate_per_8_hours, 6)),
        ("  a year, not compounded", percent(report.rate_per_year)),
        ("payments", f"{report.payments} in {report.hours} h"),
        ("funding (negative: paid)", f"{usd(report.funding_usd)} ({percent(report.funding_share, 4)} of notional)"),
        ("  a day", usd(report.funding_per_day_usd)),
        ("fees, in and out", usd(report.trading_fees_usd)),
        ("net", usd(report.net_usd)),
    ]
    return pairs("Carry of a perpetual position", rows)


def _days(value: Fraction | None) -> str:
    return "never" if value is None else f"{money(value)} days"


def basis_sheet(report: "BasisTrade") -> Sheet:
    """A basis trade."""
    rows = [
        ("trade", f"{report.spot_side.value} spot at {price_text(report.spot_usd)},"
                  f" {report.perp_side.value} perp at {price_text(report.perp_usd)}, size {exact_text(report.size)}"),
        ("basis (perp over spot)", percent(report.basis_share, 4)),
        ("funding rate an hour", percent(report.rate_per_hour, 6)),
        ("funding a day", usd(report.funding_per_day_usd)),
        ("fees, four fills", f"{usd(report.fees_usd)} (spot {money(report.spot_fees_usd)},"
                             f" perp {money(report.perp_fees_usd)})"),
        ("break-even by funding alone", _days(report.break_even_days)),
        ("break-even if the prices meet", _days(report.break_even_days_if_prices_meet)),
        (f"funding in {report.hours} h ({report.payments} payments)", usd(report.funding_usd)),
        ("net, basis unchanged", usd(report.net_usd)),
        ("net, prices meet", usd(report.net_if_prices_meet_usd)),
        ("capital tied up", usd(report.capital_usd)),
        ("annualised on notional", percent(report.annualised_on_notional)),
        ("annualised on capital", percent(report.annualised_on_capital)),
    ]  # fmt: skip
    return pairs("Basis trade", rows)


WHAT_IF_ROWS = (
    ("account value", "account_value_usd"),
    ("notional", "notional_usd"),
    ("initial margin used", "initial_margin_usd"),
    ("maintenance margin", "maintenance_margin_usd"),
    ("withdrawable", "withdrawable_usd"),
)


def what_if_sheets(report: "WhatIf") -> list[Sheet]:
    """The account, its buckets and its liquidation prices, before and after."""
    rows = []
    for label, name in WHAT_IF_ROWS:
        old, new = getattr(report.before, name), getattr(report.after, name)
        rows.append((label, money(old), money(new), money(new - old)))
    names = dict.fromkeys(b.bucket for state in (report.before, report.after) for b in state.buckets)
    for name in names:
        old_bucket = next((b for b in report.before.buckets if b.bucket == name), None)
        new_bucket = next((b for b in report.after.buckets if b.bucket == name), None)
        rows.append((f"{name}: level", _word(old_bucket), _word(new_bucket), ""))
        rows.append((f"{name}: margin ratio", _ratio(old_bucket), _ratio(new_bucket), ""))
    prices = [
        (
            f"{line.coin} ({line.bucket})",
            exact_text(line.size_before),
            exact_text(line.size_after),
            price_text(line.mark_before_usd),
            price_text(line.mark_after_usd),
            price_text(line.liquidation_before_usd),
            price_text(line.liquidation_after_usd),
        )
        for line in report.prices
    ]
    columns = ("position", "size before", "after", "mark before", "after", "liquidation before", "after")
    return [
        Sheet(title=f"What if: {report.file}, USD", columns=("", "before", "after", "change"), rows=rows),
        Sheet(title="Liquidation prices, USD", columns=columns, rows=prices),
    ]


def _word(bucket: "BucketHealth | None") -> str:
    return "-" if bucket is None else bucket.level.value


def _ratio(bucket: "BucketHealth | None") -> str:
    return "-" if bucket is None else percent(bucket.margin_ratio)


def what_if_notes(report: "WhatIf") -> list[str]:
    """Whether the venue would take the trade, and why not."""
    notes = []
    if report.is_accepted is not None:
        notes.append("accepted: the margin rules allow this trade" if report.is_accepted else "REJECTED:")
        notes += [f"  {reason}" for reason in report.reasons]
    return [*notes, *_warned(report.warnings)]


def advice_sheet(report: "Advice") -> Sheet:
    """Both modes side by side."""
    rows = [(label, *(_advised(mode, name) for mode in (report.cross, report.isolated))) for label, name in ADVICE_ROWS]
    return Sheet(title=f"{report.kind.value}: {report.trade}", columns=("", "cross", "isolated"), rows=rows)


ADVICE_ROWS = (
    ("margin rules accept it", "is_accepted"),
    ("liquidation price of the trade", "liquidation_price_usd"),
    ("  move from its price", "move_to_liquidation"),
    ("all markets down: first liquidation", "common_fall_to_liquidation"),
    ("all markets up: first liquidation", "common_rise_to_liquidation"),
    ("equity at risk with the trade", "at_risk_usd"),
    ("  of the account", "at_risk_share"),
    ("positions liquidated together", "positions_together"),
    ("initial margin of the account", "initial_margin_usd"),
    ("free for new risk after", "free_usd"),
)


def _advised(mode: "ModeFigures", name: str) -> str:
    value = getattr(mode, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if "move" in name or "common" in name:
        return move(value)
    if name == "at_risk_share":
        return percent(value)
    return price_text(value) if "price" in name else usd(value)
