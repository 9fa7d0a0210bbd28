"""Words and number formats of the report page: what figures are called and what they mean."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

NOTHING: Final = "–"


class Figure(NamedTuple):
    """A row of the comparison: a key of a rule's headline, its name, its unit (count, usd, ppm or gap)."""

    key: str
    name: str
    unit: str
    is_compared: bool = True  # whether less is better


FIGURES: Final = (
    Figure("accounts_liquidated", "Accounts liquidated", "count"),
    Figure("buckets_closed_out", "Buckets closed out", "count"),
    Figure("notional", "Notional liquidated", "usd"),
    Figure("unnecessary_buckets", "Unnecessary: buckets", "count"),
    Figure("unnecessary_notional", "Unnecessary: notional", "usd"),
    Figure("unnecessary_notional_ppm", "Unnecessary: share of notional", "ppm", False),
    Figure("lost_to_index", "Lost to index by those closed", "usd"),
    Figure("bad_debt", "Bad debt", "usd"),
    Figure("insurance_paid", "Insurance paid", "usd"),
    Figure("deficit_open_at_end", "Deficit still open at the end", "usd", False),
    Figure("worst_price_gap_ppm", "Widest gap, perp to index", "gap", False),
    Figure("worst_mark_gap_ppm", "Widest gap, mark to index", "gap", False),
    Figure("worst_own_impact_ppm", "Widest own impact", "gap", False),
)

NAMES_MAX: Final = 20  # in one line

MODELLED: Final = (
    "Equity and maintenance of every bucket in exact integers: static tiers, cross and isolated, funding included.",
    "Liquidation by stages: the largest-maintenance position first, closed as far as needed to stand 2 % above "
    "maintenance, whole when that is not enough or the rest would be dust.",
    "Forced orders walk a linear book of the depth given for that bar; they move the perp, and the book refills.",
    "A bar is walked through both extremes before its close, all markets together: low, high, close when prices rise, "
    "high, low, close when they fall. Bars of up to five seconds are their close.",
    "Insurance pays the deficit of a bucket once all its positions are closed; what it can not pay is bad debt.",
    "After every bar sizes sum to zero in every market, and cash, maker, fund and funding dust, less"
    " bad debt, keep their sum to the millionth of a dollar.",
)
LIMITS: Final = (
    "Recorded prices already contain the liquidations of that day; ours come on top. Rules are compared, the day is "
    "not re-enacted.",
    "Accounts are synthetic. Nobody adds margin, closes by choice, opens or arbitrages while the history runs.",
    "Forced orders fill as far as book and gate let them, past the bankruptcy price too: that makes deficits.",
    "No backstop vault, no auto-deleveraging and no loss sharing: what insurance lacks stays visible as bad debt.",
    "The index is not moved by our orders. Where a history has no independent source, the perp stands for it and no "
    "mark protection is claimed.",
    "All markets reach their extremes of a bar at once, which is harder on long-only accounts than the day was.",
    "Depth is recorded where a source exists and estimated from volume elsewhere; the notes below say which.",
)
TERMS: Final = (
    ("Bucket", "What holds margin: a cross account with all its positions, or one isolated position."),
    ("Liquidated", "A forced order of the bucket has filled, in part or whole. Closed out: none of it is left."),
    (
        "Unnecessary",
        "The bucket, had nobody touched it, would never have fallen below maintenance over this whole history when "
        "marked at the index. That a price came back later does not count.",
    ),
    ("Lost to index", "How much worse than the index forced orders filled, added up; paid by those being closed."),
    ("Bad debt", "Deficit of closed buckets beyond the insurance fund: owed to the other side and held by nobody."),
    ("Deficit still open", "Negative equity at the index of buckets that have not been closed when the history ends."),
    ("Own impact", "The distance between the perp with our forced orders in it and its recorded price."),
    ("Margin ratio", "Equity over maintenance, of open buckets; liquidation begins below 1."),
)


def text_of(figure: Figure, value: int | None) -> str:
    """A headline value in the figure's unit."""
    if value is None:
        return NOTHING
    if figure.unit == "usd":
        return amount(value)
    if figure.unit == "ppm":
        return share(value)
    return gap(value) if figure.unit == "gap" else f"{value:,}"


def amount(micro: int | None) -> str:
    """Micro-USD for people: $1.23bn, four digits at most."""
    if micro is None:
        return NOTHING
    value, sign = abs(micro) / 1e6, "-" if micro < 0 else ""
    for unit, word in ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= unit * 0.99995:
            return f"{sign}${float(f'{value / unit:.4g}'):g}{word}"
    return f"{sign}${float(f'{value:.4g}'):g}"


def share(ppm: int | None) -> str:
    """Parts per million as a percentage."""
    return NOTHING if ppm is None else f"{ppm / 1e4:.1f} %"


def gap(ppm: int | None) -> str:
    """Signed parts per million as a percentage."""
    return NOTHING if ppm is None else (f"{ppm / 1e4:+.1f} %" if ppm else "0 %")


def minute(ms: int) -> str:
    """Time of day, UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M")


def usd_per_unit(price: int, size_decimals: int) -> str:
    """A price in micro-USD per lot as USD per unit of the base asset, five digits."""
    return f"${float(f'{price * 10.0**size_decimals / 1e6:.5g}'):,.10g}"


def verdict(document: dict[str, Any], main: dict[str, Any]) -> str:
    """The finding in two sentences."""
    head, people = main["headline"], document["population"]
    found = (
        f"Under “{main['title'].lower()}”, {head['accounts_liquidated']:,} of {people['accounts']:,} accounts were "
        f"liquidated for {amount(head['notional'])}, {share(head['notional_of_open_interest_ppm'])} of open interest, "
        f"leaving {amount(head['bad_debt'])} of bad debt."
    )
    last = next((rule for rule in document["rules"] if rule["rule"] == "last"), None)
    if last is None or last is main or head["unnecessary_buckets"] is None:
        return found
    other = last["headline"]
    return (
        f"{found} Marking at the last price instead, {other['accounts_liquidated']:,} accounts lose "
        f"{amount(other['notional'])}: {share(other['unnecessary_notional_ppm'])} of it without the index ever "
        f"reaching their liquidation price, against {share(head['unnecessary_notional_ppm'])}; forced orders fill "
        f"{amount(other['lost_to_index'])} worse than the index, against {amount(head['lost_to_index'])}."
    )


def counted(markets: int) -> str:
    """1 -> 1 market, 2 -> 2 markets."""
    return f"{markets:,} market{'s' if markets != 1 else ''}"


def few(names: Sequence[str]) -> str:
    """The first NAMES_MAX by name, the others by number."""
    rest = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {rest} more" if rest > 0 else "")
