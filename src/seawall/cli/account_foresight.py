"""`seawall account foresight`: probability of liquidation, what drives it, what cures it."""

from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.options import Collateral, File, Json, Meta, Policy, Skip, SourceWords, Url, User, loaded

if TYPE_CHECKING:
    from seawall.cli.show import Sheet
    from seawall.tools.foresight import AccountForesight, BucketForesight


def foresight(
    *,
    file: File = None,
    data: Annotated[str | None, typer.Option("--data", help="Folder of candles: how these markets move.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="With --data: now, a date or time; else its end.")] = None,
    target: Annotated[str, typer.Option("--target", help="Probability within 24 hours that cures aim at.")] = "1%",
    fee: Annotated[str, typer.Option("--fee", help="Of a fill that reduces or hedges.")] = "0.045%",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the choice of paths.")] = 1,
    paths: Annotated[int, typer.Option("--paths", help="At most so many.")] = 4_096,
    meta: Meta = None,
    url: Url = None,
    user: User = None,
    skip_unknown: Skip = False,
    policy: Policy = "hyperliquid",
    collateral: Collateral = None,
    as_json: Json = False,
) -> None:
    """How likely a liquidation is within 1, 8 and 24 hours, because of which position, and the cheapest cure."""
    from seawall.cli import show
    from seawall.tools.figures import given_fraction, given_rate
    from seawall.tools.foresight import account_foresight, recent_bars

    account = loaded(SourceWords(file, meta, url, user, skip_unknown, policy, collateral))
    bars = recent_bars(tuple(account.places), data, None if at is None else _moment(at))
    report = account_foresight(
        account,
        bars,
        target=given_fraction(target, "target"),
        fee=given_rate(fee, "fee"),
        seed=seed,
        paths=paths,
    )
    show.emit(report, sheets=_sheets(report), notes=_notes(report), as_json=as_json)


def _moment(text: str) -> int:
    from seawall.lab.names import window_of

    return window_of(text).start_ms


def _sheets(report: "AccountForesight") -> "list[Sheet]":
    from seawall.cli.show import Sheet
    from seawall.tools.figures import percent
    from seawall.tools.foresight import HOUR_NAMES

    def row(name: str, one: "AccountForesight | BucketForesight", behind: str) -> tuple[str, ...]:
        when = "-" if one.expected_hours is None else f"{float(one.expected_hours):.1f} h"
        return (name, str(one.score), *(percent(one.probabilities[hours]) for hours in HOUR_NAMES), when, behind)

    rows = [row("account", report, "")]
    for bucket in report.buckets:
        behind = ", ".join(f"{one.coin} {percent(one.share, 0)}" for one in bucket.drivers[:3])
        rows.append(row(bucket.bucket, bucket, behind))
    columns = ("", "score", *(f"within {hours}" for hours in HOUR_NAMES), "mean time if so", "because of")
    return [Sheet(title=f"Probability of liquidation of {report.file}", columns=columns, rows=rows)]


def _notes(report: "AccountForesight") -> list[str]:
    notes = []
    for bucket in report.buckets:
        if bucket.is_liquidatable:
            notes.append(f"{bucket.bucket} is liquidatable now")
        notes += [f"{bucket.bucket}: {one.words}" for one in bucket.cures]
    notes.append(f"{report.paths:,} paths: {report.basis}. Score: 25 points are a factor of ten, 50 is 1 in 100 a day")
    return [*notes, *(f"warning: {text}" for text in report.warnings)]
