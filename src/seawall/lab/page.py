"""One self-contained HTML page from a replay document: nothing is fetched, every text is escaped.

Words, cards and tables are in the HTML itself and read without scripts; plots are drawn by report.js with uPlot from
the document embedded as JSON.
"""

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final

from seawall.lab.report import encode
from seawall.lab.words import (
    FIGURES,
    LIMITS,
    MODELLED,
    TERMS,
    Figure,
    amount,
    counted,
    few,
    gap,
    minute,
    share,
    text_of,
    usd_per_unit,
    verdict,
)

Document = dict[str, Any]

BOOK: Final = (
    ("price", "Perp, mark and index", "The shaded band is the traded range; the mark decides who is liquidated."),
    ("marketFlow", "Liquidations", "Longs closed by selling below zero, shorts closed by buying above."),
    ("impact", "Price impact of our own liquidations", "How far forced orders held the perp from its recorded price."),
    ("depth", "Depth", "USD resting within 1 % of mid on one side."),
)
VENUE: Final = (
    ("flow", "Notional liquidated", "All markets: longs closed below zero, shorts closed above."),
    ("count", "Buckets liquidated", "Counted once, at their first forced order."),
    ("total", "Notional liquidated, running total", "All markets, one line per mark rule."),
    ("waiting", "Buckets waiting", "Below maintenance while the gate or an empty book holds their orders back."),
    ("interest", "Open interest", "One side, at the mark. Liquidated positions pass to the market maker."),
    ("fund", "Insurance fund", "Fed by liquidation fees, drained by deficits."),
    ("paid", "Insurance paid, running total", "Deficits of closed buckets that the fund covered."),
    ("debt", "Bad debt, running total", "Deficits the fund could not cover."),
)


def page(document: Document) -> str:
    """The page of a document made by `report.document`."""
    main = next(rule for rule in document["rules"] if rule["rule"] == document["main"])
    static = files("seawall.lab") / "static"
    parts = {name: (static / name).read_text(encoding="utf-8") for name in STATIC}
    shell = Template(parts["report.html"])
    return shell.substitute(
        title=escape(document["title"]),
        style=parts["uPlot.min.css"] + parts["report.css"],
        licence=parts["uPlot.LICENSE"].replace("*/", "* /"),
        uplot=parts["uPlot.iife.min.js"],
        script=parts["report.js"],
        data=embedded(document),
        facts=_facts(document),
        verdict=escape(verdict(document, main)),
        command=escape(document["command"]),
        cards=_cards(document, main),
        compare=_compare(document),
        rules=_rules(document),
        controls=_controls(document, main),
        book=_figures(BOOK, "market"),
        venue=_figures(VENUE, "rule"),
        markets=_markets(document, main),
        population=_population(document),
        policy=_policy(document),
        modelled=_list(MODELLED),
        limits=_list(LIMITS),
        terms="".join(f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in TERMS),
        notes=_list(document["source"]["notes"]),
        schema=escape(document["schema"]),
    )


STATIC: Final = ("report.html", "report.css", "report.js", "uPlot.min.css", "uPlot.iife.min.js", "uPlot.LICENSE")


def embedded(document: Document) -> str:
    """JSON that is safe inside a script element: no tag or comment can begin in it."""
    return encode(document).strip().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _list(items: Any) -> str:
    return "".join(f"<li>{escape(item)}</li>" for item in items)


def _facts(document: Document) -> str:
    source, people = document["source"], document["population"]
    where = f"Generated market, preset {source['event']}" if source["kind"] == "generator" else "Recorded candles"
    begins, ends = _moment(source["from_ms"]), _moment(source["to_ms"])
    facts = [
        where,
        f"{begins} to {ends} UTC",
        f"{source['bars']:,} bars of {_span(source['interval_ms'])}",
        f"{counted(len(source['symbols']))}: {few(source['symbols'])}",
        f"{people['accounts']:,} synthetic accounts, seed {people['seed']}",
    ]
    return escape(" · ".join(facts))


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _span(ms: int) -> str:
    for unit, size in (("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms} ms"


def _cards(document: Document, main: Document) -> str:
    head, people = main["headline"], document["population"]
    interest, busiest = share(head["notional_of_open_interest_ppm"]), minute(head["busiest_bar_ms"])
    of_fund = f"of {amount(head['insurance_opening'])} at the start"
    cards = [
        ("Accounts liquidated", f"{head['accounts_liquidated']:,}", f"of {people['accounts']:,}"),
        (
            "Share of accounts",
            share(head["accounts_liquidated_ppm"]),
            f"{head['buckets_closed_out']:,} buckets closed out",
        ),
        ("Notional liquidated", amount(head["notional"]), f"{interest} of open interest, busiest {busiest} UTC"),
        ("Bad debt", amount(head["bad_debt"]), f"{amount(head['deficit_open_at_end'])} more still open at the end"),
        ("Insurance paid", amount(head["insurance_paid"]), of_fund),
    ]
    if head["worst_price_gap_ppm"] is None:
        cards.append(("Widest own impact", gap(head["worst_own_impact_ppm"]), "no independent index in this history"))
    else:
        mark = f"the mark stood {gap(head['worst_mark_gap_ppm'])} at most"
        cards.append(("Widest price gap", gap(head["worst_price_gap_ppm"]), f"perp against index; {mark}"))
    rows = [
        f'<li><span class="name">{escape(name)}</span><span class="value">{escape(value)}</span>'
        f'<span class="note">{escape(note)}</span></li>'
        for name, value, note in cards
    ]
    return "".join(rows)


def _compare(document: Document) -> str:
    rules, base = document["rules"], document["rules"][0]
    heads = "".join(f'<th scope="col"{_main(document, rule)}>{escape(rule["title"])}</th>' for rule in rules)
    rows = []
    for figure in FIGURES:
        cells = [
            f"<td{_main(document, rule)}>{escape(text_of(figure, rule['headline'][figure.key]))}"
            f"{_delta(figure, rule, base)}</td>"
            for rule in rules
        ]
        rows.append(f'<tr><th scope="row">{escape(figure.name)}</th>{"".join(cells)}</tr>')
    caption = "The same accounts and the same prices under each rule. Differences are against the first column."
    return (
        f"<caption>{escape(caption)}</caption><thead><tr><th scope='col'>Figure</th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody>"
    )


def _main(document: Document, rule: Document) -> str:
    return ' class="main"' if rule["rule"] == document["main"] and len(document["rules"]) > 1 else ""


def _delta(figure: Figure, rule: Document, base: Document) -> str:
    """Change against the first rule, coloured and worded where less is better."""
    before, after = base["headline"][figure.key], rule["headline"][figure.key]
    if rule is base or not figure.is_compared or before is None or after is None or before == after:
        return ""
    if before == 0:
        return f'<span class="delta bad">{escape("+" + text_of(figure, after))}</span>'
    change = (after - before) / abs(before)
    tone = "" if abs(change) < 0.0005 else (" good" if change < 0 else " bad")
    words = f"{change * 100:+.1f} %" if abs(change) < 10 else f"×{after / before:.1f}"
    return f'<span class="delta{tone}">{escape(words)}</span>'


def _rules(document: Document) -> str:
    return "".join(
        f'<div style="--swatch: var(--rule-{place})"><dt>{escape(rule["title"])}</dt>'
        f"<dd>{escape(rule['description'])}</dd></div>"
        for place, rule in enumerate(document["rules"])
    )


def _controls(document: Document, main: Document) -> str:
    first = max(range(len(main["markets"])), key=lambda place: _interest_in(main["markets"][place]))
    markets = "".join(f"<option>{escape(market['symbol'])}</option>" for market in document["markets"])
    rules = "".join(f"<option>{escape(rule['title'])}</option>" for rule in document["rules"])
    return (
        f'<label for="market">Market <select id="market" data-first="{first}">{markets}</select></label>'
        f'<label for="rule">Mark rule <select id="rule">{rules}</select></label>'
    )


def _interest_in(market: Document) -> tuple[int, int]:
    """Markets that fell furthest from their index are shown first, then those with most liquidations."""
    return abs(market["worst_price_gap_ppm"] or 0), market["longs_closed"] + market["shorts_closed"]


def _figures(plots: Any, says: str) -> str:
    shown = []
    for name, title, caption in plots:
        one_rule = name not in ("total", "waiting", "interest", "fund", "paid", "debt")
        whose = f' · <span data-says="{says}"></span>' if one_rule else ""
        shown.append(
            f'<figure><h3 id="h-{name}">{escape(title)}{whose}</h3><figcaption>{escape(caption)}</figcaption>'
            f'<div class="plot" data-plot="{name}" role="img" aria-labelledby="h-{name}"></div></figure>'
        )
    return "".join(shown)


def _markets(document: Document, main: Document) -> str:
    names = (
        "Market", "Max leverage", "Open interest", "Low against start", "Widest gap to index", "Longs closed",
        "Shorts closed", "Lost to index", "Own impact", "Least depth", "Bad debt",
    )  # fmt: skip
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = []
    for facts, own in zip(document["markets"], main["markets"], strict=True):
        low = usd_per_unit(facts["lowest"], facts["size_decimals"])
        fall = gap(round((facts["lowest"] / facts["first"] - 1) * 1e6))
        cells = (
            f"{facts['tiers'][0]['max_leverage']}x",
            amount(facts["open_interest"]),
            f"{fall} to {low}",
            gap(own["worst_price_gap_ppm"]),
            amount(own["longs_closed"]),
            amount(own["shorts_closed"]),
            amount(own["lost_to_index"]),
            gap(own["worst_own_impact_ppm"]),
            amount(facts["least_depth"]),
            amount(own["bad_debt"]),
        )
        body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(facts["symbol"])}</th>{body}</tr>')
    caption = f"Under the rule “{main['title']}”. A gap is perp over index, less one, where it was widest."
    return f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"


def _population(document: Document) -> str:
    people = document["population"]
    total = sum(people["notional_by_leverage"].values()) or 1
    heavy = sum(value for level, value in people["notional_by_leverage"].items() if int(level) >= 10)
    facts = [
        f"{people['accounts']:,} accounts hold {people['buckets']:,} buckets and {people['positions']:,} positions",
        f"{people['isolated_buckets']:,} buckets are isolated, {people['hedger_buckets']:,} belong to hedgers",
        f"open interest {amount(people['open_interest'])} on each side, equity {amount(people['equity'])}",
        f"{heavy / total:.0%} of notional was opened at a leverage of 10 or more",
        f"seed {people['seed']}; distributions and their reasons are in docs/lab/population.md",
    ]
    return _list(facts)


def _policy(document: Document) -> str:
    policy = document["policy"]
    facts = [
        f"the clamped mark stays within {_rate(policy['clamp_band'])} of the index",
        f"the gate holds forced orders back beyond {_rate(policy['gate'])} from the index",
        f"liquidation ends at maintenance plus {_rate(policy['exit_buffer'])}",
        f"fee {_rate(policy['fee'])} of what is closed, to the insurance fund, never from what is not there",
        f"positions up to {amount(policy['dust_usd'])} close whole",
        f"the book ends {_rate(policy['book_reach'])} from the recorded price; half of what is taken is back after "
        f"{policy['refill_half_life_ms'] / 1000:g} s",
        f"the fund starts with {_rate(policy['insurance_share'])} of the opening open interest",
    ]
    return _list(facts)


def _rate(value: int) -> str:
    return f"{value * 100 / 12_000_000:g} %"
