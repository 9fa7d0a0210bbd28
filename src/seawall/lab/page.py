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
    price,
    share,
    text_of,
    value_of,
    verdict,
)

Document = dict[str, Any]

BOOK: Final = (
    ("price", "Book, mark and index", "The shaded band is the range of the book; the mark decides who is liquidated."),
    ("marketFlow", "Liquidations", "Longs closed by selling below zero, shorts closed by buying above."),
    ("impact", "Price impact of what was taken", "How far taken orders held the book from the recorded price."),
    ("depth", "Depth", "USD resting within 1 % of mid on one side."),
)
VENUE: Final = (
    ("flow", "Notional liquidated", "All markets: longs closed below zero, shorts closed above."),
    ("count", "Buckets liquidated", "Counted once, at their first forced close."),
    ("total", "Notional liquidated, running total", "All markets, one line per rule set."),
    ("adl", "Auto-deleveraged, running total", "Notional closed against winners."),
    ("margin", "Margin required", "Least initial margin of the positions still open."),
    ("interest", "Open interest", "One side, at the mark. Liquidated positions pass to makers, the vault and winners."),
    ("fund", "Insurance funds", "Of all markets: fed by liquidation fees, drained by deficits."),
    ("paid", "Insurance used, running total", "Deficits that the funds covered."),
    ("vault", "Backstop vaults", "What they are worth at the mark, with what they took over."),
    ("debt", "Bad debt, running total", "Deficits the funds did not cover."),
    ("waiting", "Buckets waiting", "Below maintenance while pace, gate or an empty book hold their orders back."),
)
ONE_SET: Final = ("price", "marketFlow", "impact", "depth", "flow", "count")


def page(document: Document) -> str:
    """The page of a document made by `report.document`. It is about the rule set named last."""
    main = document["sets"][-1]
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
        configured=_table(document, "rules", "Each rule set with its own margin levels."),
        equal=_table(document, "rules_at_equal_margin", _margins(document)),
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
    where = f"Generated market, preset {document['event']}" if source["kind"] == "generator" else "Recorded candles"
    begins, ends = _moment(source["from_ms"]), _moment(source["to_ms"])
    facts = [
        where,
        f"{begins} to {ends} UTC",
        f"{source['bars']:,} bars of {_span(source['interval_ms'])}",
        f"{counted(len(document['markets']))}: {few(document['markets'])}",
        f"{people['accounts']:,} synthetic accounts, seed {document['seed']}",
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
    own, people = document["rules"][main["rule"]], document["population"]
    undue = own["unnecessary_liquidations"]
    least = max(people["accounts"], 1)
    cards = [
        (
            "Accounts liquidated",
            f"{own['liquidated_accounts']:,}",
            f"{share(own['liquidated_accounts'], least)} of all",
        ),
        ("Notional liquidated", amount(own["liquidated_notional_usd"]), f"{own['fully_closed_accounts']:,} in full"),
        (
            "Unnecessary",
            "–" if undue is None else f"{undue:,}",
            "no independent index in this history" if undue is None else "buckets the index never reached",
        ),
        ("Bad debt", amount(own["bad_debt_usd"]), f"{amount(own['insurance_used_usd'])} paid by insurance"),
        (
            "Auto-deleveraged",
            amount(own["adl_notional_usd"]),
            f"{own['fairness']['adl_accounts']:,} accounts, {amount(own['adl_overshoot_usd'])} beyond need",
        ),
        ("Margin required", amount(own["average_margin_usd"]), "mean over the bars"),
    ]
    rows = [
        f'<li><span class="name">{escape(name)}</span><span class="value">{escape(value)}</span>'
        f'<span class="note">{escape(note)}</span></li>'
        for name, value, note in cards
    ]
    return "".join(rows)


def _margins(document: Document) -> str:
    """What equal margin means here."""
    base = document["sets"][0]
    rate = document["rules"][base["rule"]]["opening_margin_rate"]
    return f"Levels scaled until each set asks the margin of {base['title']}: {rate * 100:.2f} % of what is opened."


def _table(document: Document, part: str, caption: str) -> str:
    sets, figures = document["sets"], document[part]
    heads = "".join(f'<th scope="col"{_main(document, one)}>{escape(one["title"])}</th>' for one in sets)
    rows, base = [], figures[sets[0]["rule"]]
    for figure in FIGURES:
        cells = []
        for one in sets:
            own = figures[one["rule"]]
            delta = "" if own is base else _delta(figure, own, base)
            cells.append(f"<td{_main(document, one)}>{escape(text_of(figure, value_of(figure, own)))}{delta}</td>")
        rows.append(f'<tr><th scope="row">{escape(figure.name)}</th>{"".join(cells)}</tr>')
    words = f"{caption} Differences are against the first column."
    return (
        f"<caption>{escape(words)}</caption><thead><tr><th scope='col'>Figure</th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody>"
    )


def _main(document: Document, one: Document) -> str:
    return ' class="main"' if one is document["sets"][-1] and len(document["sets"]) > 1 else ""


def _delta(figure: Figure, own: Document, base: Document) -> str:
    """Change against the first rule set, coloured and worded where less is better."""
    before, after = value_of(figure, base), value_of(figure, own)
    if not figure.is_compared or before is None or after is None or before == after:
        return ""
    if before <= 0:
        tone = "bad" if after > before else "good"
        return f'<span class="delta {tone}">{escape(text_of(figure, after - before))}</span>'
    change = (after - before) / before
    tone = "" if abs(change) < 0.0005 else (" good" if change < 0 else " bad")
    words = f"{change * 100:+.1f} %" if abs(change) < 10 else f"×{after / before:.1f}"
    return f'<span class="delta{tone}">{escape(words)}</span>'


def _rules(document: Document) -> str:
    return "".join(
        f'<div style="--swatch: var(--rule-{place})"><dt>{escape(one["title"])}</dt>'
        f"<dd>{escape(one['description'])}</dd></div>"
        for place, one in enumerate(document["sets"])
    )


def _controls(document: Document, main: Document) -> str:
    first = max(range(len(main["markets"])), key=lambda place: _closed_in(main["markets"][place]))
    markets = "".join(f"<option>{escape(symbol)}</option>" for symbol in document["markets"])
    rules = "".join(f"<option>{escape(one['title'])}</option>" for one in document["sets"])
    margins = "<option>As configured</option><option>At equal margin</option>"
    return (
        f'<label for="market">Market <select id="market" data-first="{first}">{markets}</select></label>'
        f'<label for="rule">Rule set <select id="rule">{rules}</select></label>'
        f'<label for="margin">The whole venue <select id="margin">{margins}</select></label>'
    )


def _closed_in(market: Document) -> int:
    return int(market["longs_closed_usd"] + market["shorts_closed_usd"])


def _figures(plots: Any, says: str) -> str:
    shown = []
    for name, title, caption in plots:
        whose = f' · <span data-says="{says}"></span>' if name in ONE_SET else ""
        shown.append(
            f'<figure><h3 id="h-{name}">{escape(title)}{whose}</h3><figcaption>{escape(caption)}</figcaption>'
            f'<div class="plot" data-plot="{name}" role="img" aria-labelledby="h-{name}"></div></figure>'
        )
    return "".join(shown)


def _markets(document: Document, main: Document) -> str:
    names = (
        "Market", "Open interest", "Low against start", "Widest gap of mark to index", "Longs closed",
        "Shorts closed", "Own impact", "Least depth",
    )  # fmt: skip
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = []
    for facts, own in zip(document["world"], main["markets"], strict=True):
        fall = gap(round((facts["lowest"] / facts["first"] - 1) * 1e6))
        cells = (
            amount(facts["open_interest_usd"]),
            f"{fall} to {price(facts['lowest'])}",
            gap(own["worst_mark_gap_ppm"]),
            amount(own["longs_closed_usd"]),
            amount(own["shorts_closed_usd"]),
            gap(own["worst_own_impact_ppm"]),
            amount(facts["least_depth_usd"]),
        )
        body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(facts["symbol"])}</th>{body}</tr>')
    caption = f"Under {main['title']}, as configured. A gap is one price over the other, less one, where it was widest."
    return f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"


def _population(document: Document) -> str:
    people = document["population"]
    levels = people["notional_usd_by_leverage"]
    heavy = sum(value for level, value in levels.items() if int(level) >= 10)
    facts = [
        f"{people['accounts']:,} accounts hold {people['buckets']:,} buckets and {people['positions']:,} positions",
        f"{people['isolated_buckets']:,} buckets are isolated, {people['hedger_buckets']:,} belong to hedgers",
        f"open interest {amount(people['open_interest_usd'])} on each side, equity {amount(people['equity_usd'])}",
        f"{share(heavy, sum(levels.values()))} of notional was asked for at a leverage of 10 or more",
        f"seed {document['seed']}; distributions and their reasons are in docs/lab/population.md",
    ]
    return _list(facts)


def _policy(document: Document) -> str:
    policy = document["policy"]
    facts = [
        f"the book reaches {policy['book_reach'] * 100:g} % from its centre; half of what is taken is back after "
        f"{policy['refill_half_life_ms'] / 1000:g} s",
        f"a market's insurance fund opens with {policy['insurance_share'] * 100:g} % of its open interest, its "
        f"backstop vault, where a rule set has one, with {policy['backstop_share'] * 100:g} %",
        f"{policy['traders_share'] * 100:g} % of positions a minute trade {policy['traded_share'] * 100:g} % of theirs",
        f"{policy['makers']} makers take the other side of the opening",
    ]
    return _list(facts)
