"""Options that several `seawall account` commands share, and how they become an account or a market."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from seawall.units import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seawall.tools.account_file import Account, Extra
    from seawall.tools.plan import MarketWords

File = Annotated[str | None, typer.Argument(metavar="[FILE]", help="clearinghouseState JSON; - reads standard input.")]
Meta = Annotated[str | None, typer.Option("--meta", help="A file with meta: universe and marginTables.")]
Url = Annotated[str | None, typer.Option("--url", help="Instead of FILE: a server that answers POST /info.")]
User = Annotated[str | None, typer.Option("--user", help="With --url: the address, 0x and 40 digits.")]
Skip = Annotated[bool, typer.Option("--skip-unknown", help="Leave out coins that meta does not list.")]
Policy = Annotated[str, typer.Option("--policy", help="Venue policy: hyperliquid or seawall.")]
Collateral = Annotated[str | None, typer.Option("--collateral", help="USD behind the cross bucket, not in the file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON with exact decimal strings.")]

Coin = Annotated[str | None, typer.Option("--coin", help="The market; with --meta its tiers and lot are looked up.")]
Side = Annotated[str, typer.Option("--side", help="long or short.")]
Entry = Annotated[str | None, typer.Option("--entry", help="Entry price in USD.")]
Size = Annotated[str | None, typer.Option("--size", help="Size in the coin (contracts when --inverse).")]
Leverage = Annotated[int, typer.Option("--leverage", help="Position value / margin.")]
Maintenance = Annotated[str | None, typer.Option("--maintenance", help="Maintenance rate, e.g. 0.005 or 0.5%.")]
MaxLeverage = Annotated[int | None, typer.Option("--max-leverage", help="Maintenance is 1 / (2 x this).")]
Tiers = Annotated[str | None, typer.Option("--tiers", help="LOWER:MAX_LEVERAGE[:MAINTENANCE],...")]
Fee = Annotated[str, typer.Option("--fee", help="Fee of a fill, e.g. 0.00045 or 0.045%.")]


class SourceWords(NamedTuple):
    """Where the account is, as the command line said it."""

    file: str | None
    meta: str | None
    url: str | None
    user: str | None
    skip_unknown: bool
    policy: str
    collateral: str | None


def loaded(words: SourceWords, extra: "Mapping[str, Extra] | None" = None) -> "Account":
    """The account that the source options name."""
    from seawall.tools.account_file import load
    from seawall.tools.figures import given_usd
    from seawall.units import UsdMicro

    return load(
        words.file,
        meta_path=words.meta,
        url=words.url,
        user=words.user,
        policy=words.policy,
        skip_unknown=words.skip_unknown,
        extra=extra,
        collateral=UsdMicro(0) if words.collateral is None else given_usd(words.collateral, "collateral"),
    )


def market_words(
    *,
    coin: str | None,
    maintenance: str | None,
    max_leverage: int | None,
    tiers: str | None,
    meta: str | None,
    default_max_leverage: int | None = None,
) -> "MarketWords":
    """The market that the trade options describe; at most one of the ways may be used."""
    from seawall.tools.figures import given_rate
    from seawall.tools.plan import MarketWords, terms_from

    ways = [name for name, given in (("--tiers", tiers), ("--meta", meta)) if given is not None]
    if maintenance is not None or max_leverage is not None:
        ways.append("--maintenance/--max-leverage")
    if len(ways) > 1:
        raise BadInput("market", f"described twice: {' and '.join(ways)}")
    return MarketWords(
        maintenance=None if maintenance is None else given_rate(maintenance, "maintenance"),
        max_leverage=max_leverage if ways else default_max_leverage,
        tiers=tiers,
        terms=None if meta is None else terms_from(meta, coin),
    )


def required(value: str | None, name: str) -> str:
    """The value of an option that this use of the command needs."""
    if value is None:
        raise BadInput(name, f"missing: give --{name}")
    return value


def refuse_trade_words(given: "Mapping[str, object]") -> None:
    """Words of a described trade have no place beside an account: none is dropped in silence."""
    for name, value in given.items():
        if value is not None:
            raise BadInput(name, "belongs to a described trade: give that or an account, not both")
