"""`seawall risk insurance`: what a running venue stands to lose, against what its funds hold."""

from typing import Annotated, Any

import typer

from seawall.cli.options import Json


def insurance(
    *,
    url: Annotated[str, typer.Option("--url", help="The venue.")] = "http://127.0.0.1:3001",
    as_json: Json = False,
) -> None:
    """Liquidations- and value-at-risk of a day, and insurance against the two largest groups' losses (cover-2)."""
    from seawall.cli import show
    from seawall.tools.publish import asked

    told = asked(url, "/v1/risk/insurance")
    show.emit(told, sheets=_sheets(told), as_json=as_json)


def _sheets(told: dict[str, Any]) -> "list[Any]":
    from seawall.cli.show import Sheet, pairs

    rows = [
        ("buckets with positions", str(told["accounts"])),
        ("liquidations-at-risk, 95 %, a day", f"{told['liquidations_at_risk']} USD"),
        ("value-at-risk, 95 %, a day", f"{told['value_at_risk']} USD"),
        ("cover-2: what insurance should hold", f"{told['need']} USD"),
        ("what the funds hold", f"{told['insurance']} USD"),
        ("held over needed", told["ratio"] or "-"),
    ]
    columns = ("scenario", "all losses, USD", "two largest, USD", "who")
    lines = [
        (one["name"], one["total"], one["cover"], ", ".join(each["address"][:10] for each in one["groups"]) or "-")
        for one in told["scenarios"]
    ]
    return [pairs("Risk of the venue", rows), Sheet(title="Worst scenarios", columns=columns, rows=lines)]
