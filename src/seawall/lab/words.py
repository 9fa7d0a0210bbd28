"""Words and number formats of the report page: what figures are called and what they mean."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

NOTHING: Final = "–"


class Figure(NamedTuple):
    """A row of the comparison: a key of a rule set's figures, its name, its unit (count, usd, part, bps or seconds)."""

    key: str
    name: str
    unit: str
    is_compared: bool = True  # whether less is better


FIGURES: Final = (
    Figure("liquidated_accounts", "Accounts liquidated", "count"),
    Figure("fully_closed_accounts", "Accounts closed in full", "count"),
    Figure("unnecessary_liquidations", "Unnecessary liquidations", "count"),
    Figure("liquidated_notional_usd", "Notional liquidated", "usd"),
    Figure("bad_debt_usd", "Bad debt", "usd"),
    Figure("insurance_used_usd", "Insurance used", "usd"),
    Figure("backstop_notional_usd", "Taken by the backstop", "usd", False),
    Figure("backstop_result_usd", "Result of the backstop", "usd", False),
    Figure("adl_notional_usd", "Auto-deleveraged", "usd"),
    Figure("adl_overshoot_usd", "Auto-deleveraged beyond need", "usd"),
    Figure("adl_accounts", "Winners closed", "count"),
    Figure("adl_largest_share", "Largest share of one winner", "part", False),
    Figure("adl_gini", "Gini coefficient of their shares", "part", False),
    Figure("impact_bps", "Impact of forced orders", "bps"),
    Figure("breach_to_flat_s", "Breach to flat", "seconds"),
    Figure("average_margin_usd", "Margin required, mean", "usd"),
)

NAMES_MAX: Final = 20  # in one line

MODELLED: Final = (
    "Every order, fill, price, liquidation and deleveraging is a command of the venue engine; equity and maintenance "
    "are its exact integers.",
    "Accounts open the population's positions as far as the rule set's margin lets them, against makers.",
    "At each point of a bar makers quote nine levels a side with the depth of that bar; what forced orders and traders "
    "take moves the book, and it refills.",
    "A bar is walked through both extremes before its close, all markets together: low, high, close when prices rise, "
    "high, low, close when they fall. Bars of up to five seconds are their close.",
    "After every point liquidations run in waves, each followed by the marks that the book then gives.",
    "A few accounts trade all the time, the same ones under every rule set.",
)
LIMITS: Final = (
    "Recorded prices already contain the liquidations of that day; ours come on top. Rules are compared, the day is "
    "not re-enacted.",
    "Accounts are synthetic. But for the few that trade, nobody adds margin, closes by choice or arbitrages.",
    "Trading fees are zero under every rule set; liquidation fees are each set's own.",
    "The index is not moved by our orders. Where a history has no independent source, the perp stands for it and no "
    "mark protection is claimed.",
    "All markets reach their extremes of a bar at once, which is harder on long-only accounts than the day was.",
    "Depth is recorded where a source exists and estimated from volume elsewhere; the notes below say which.",
)
TERMS: Final = (
    ("Bucket", "What holds margin: a cross account with all its positions, or one isolated position."),
    ("Liquidated", "A forced order, a take by the backstop or a deleveraging against the account has happened."),
    (
        "Unnecessary",
        "The bucket, had nobody touched it, would never have fallen below maintenance over this whole history when "
        "marked at the index. That a price came back later does not count.",
    ),
    ("Equal margin", "Levels are scaled until every rule set asks the same initial margin of what is opened."),
    ("Bad debt", "Deficit of closed buckets beyond insurance: shared among winners or held by nobody."),
    ("Backstop", "A vault that takes positions over, with what margin is left. Its result is profit and loss of that."),
    ("Beyond need", "Of what winners gave by being closed, what the loser still held in the end."),
    ("Impact", "How far forced orders filled from the mark before them, by notional, against the account."),
    ("Own impact", "The distance of the book from its recorded price, made by what was taken from it."),
    ("Margin required", "Least initial margin of all open positions: capital that the rules tie up."),
)


def value_of(figure: Figure, figures: dict[str, Any]) -> float | None:
    """The figure's value among those of a rule set, fairness included."""
    value: float | None = {**figures["fairness"], **figures}[figure.key]
    return value


def text_of(figure: Figure, value: float | None) -> str:
    """A value in the figure's unit."""
    if value is None:
        return NOTHING
    if figure.unit == "usd":
        return amount(value)
    if figure.unit == "part":
        return f"{value:.3f}"
    return f"{value:,.0f}" if figure.unit == "count" else f"{value:,.4g} {'bps' if figure.unit == 'bps' else 's'}"


def amount(usd: float | None) -> str:
    """USD for people: $1.23bn, four digits at most."""
    if usd is None:
        return NOTHING
    value, sign = abs(usd), "-" if usd < 0 else ""
    for unit, word in ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= unit * 0.99995:
            return f"{sign}${float(f'{value / unit:.4g}'):g}{word}"
    return f"{sign}${float(f'{value:.4g}'):g}"


def share(part: float, whole: float) -> str:
    """A part of a whole as a percentage."""
    return f"{100 * part / whole:.1f} %" if whole else NOTHING


def gap(ppm: int | None) -> str:
    """Signed parts per million as a percentage."""
    return NOTHING if ppm is None else (f"{ppm / 1e4:+.1f} %" if ppm else "0 %")


def price(usd: float) -> str:
    """USD per unit, five digits."""
    return f"${float(f'{usd:.5g}'):,.10g}"


def verdict(document: dict[str, Any], main: dict[str, Any]) -> str:
    """The finding in a few sentences: the last rule set, then against the first at equal margin."""
    people, own = document["population"], document["rules"][main["rule"]]
    found = (
        f"Under {main['title']}, {own['liquidated_accounts']:,} of {people['accounts']:,} accounts were liquidated for "
        f"{amount(own['liquidated_notional_usd'])}, leaving {amount(own['bad_debt_usd'])} of bad debt."
    )
    base = document["sets"][0]
    if base is main:
        return found
    ours, theirs = (document["rules_at_equal_margin"][one["rule"]] for one in (main, base))
    parts = [
        f"{ours['liquidated_accounts']:,} accounts against {theirs['liquidated_accounts']:,}",
        f"{amount(ours['insurance_used_usd'])} of insurance against {amount(theirs['insurance_used_usd'])}",
        f"{amount(ours['adl_notional_usd'])} taken from winners against {amount(theirs['adl_notional_usd'])}",
    ]
    if ours["unnecessary_liquidations"] is not None:
        parts.insert(
            1,
            f"{ours['unnecessary_liquidations']:,} buckets closed though the index never went there against "
            f"{theirs['unnecessary_liquidations']:,}",
        )
    return f"{found} At the margin of {base['title']}: {', '.join(parts)}."


def counted(markets: int) -> str:
    """1 -> 1 market, 2 -> 2 markets."""
    return f"{markets:,} market{'s' if markets != 1 else ''}"


def few(names: Sequence[str]) -> str:
    """The first NAMES_MAX by name, the others by number."""
    rest = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")
