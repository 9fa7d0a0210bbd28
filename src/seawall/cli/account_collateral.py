"""`seawall account collateral`: what an account holds beside USD at a venue, and its owner's signed changes of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seawall.cli.options import Json

if TYPE_CHECKING:
    from seawall.cli.show import Sheet

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Collateral other than USD at a venue: shown, and changed by actions that its owner signs.",
)
Url = Annotated[str, typer.Option("--url", help="The venue.")]
Keystore = Annotated[Path, typer.Option("--keystore", help="The owner's encrypted key; its password is asked for.")]
Password = Annotated[Path | None, typer.Option("--password-file", help="Password of the keystore.")]
Network = Annotated[Literal["testnet", "mainnet"], typer.Option("--network", help="network.name of the venue.")]
Sub = Annotated[str | None, typer.Option("--sub", help="Act for this sub-account of the owner.")]
Asset = Annotated[int, typer.Option("--asset", min=0, help="Number of the asset or pool in /v1/assets.")]
Token = Annotated[str | None, typer.Option("--token", help="Number of a liquidity position.")]
Position = Annotated[str, typer.Option("--token", help="Number of the liquidity position.")]
Size = Annotated[str | None, typer.Option("--size", help="Units of the coin, of any other asset.")]
HERE = "http://127.0.0.1:3001"


@app.command()
def show(
    *,
    user: Annotated[str, typer.Option("--user", help="Address of the account.")],
    url: Url = HERE,
    as_json: Json = False,
) -> None:
    """Balances, liquidity positions, USD borrowed and interest due, bucket by bucket."""
    from seawall.cli import show as shown
    from seawall.tools.owner import collateral_of

    told = collateral_of(url, user)
    shown.emit(told, sheets=_sheets(told), notes=[f"USD costs {told['borrow_rate_hour']} an hour"], as_json=as_json)


@app.command()
def withdraw(
    *,
    asset: Asset,
    keystore: Keystore,
    size: Size = None,
    token: Token = None,
    url: Url = HERE,
    password_file: Password = None,
    network: Network = "testnet",
    sub: Sub = None,
) -> None:
    """Lots, or a position with its fees, out of cross to the owner."""
    _act(url, keystore, password_file, network, sub, "withdrawCollateral", collateral=asset, size=size, token=token)


@app.command()
def move(
    *,
    asset: Asset,
    keystore: Keystore,
    market: Annotated[int, typer.Option("--market", min=0, help="Number of the market whose isolated bucket it is.")],
    to: Annotated[Literal["isolated", "cross"], typer.Option("--to", help="Where it goes.")],
    size: Size = None,
    token: Token = None,
    url: Url = HERE,
    password_file: Password = None,
    network: Network = "testnet",
    sub: Sub = None,
) -> None:
    """Between cross and an isolated bucket: a position is attached to the one that it is to back."""
    fields = {"collateral": asset, "size": size, "token": token, "asset": market, "isCross": to == "cross"}
    _act(url, keystore, password_file, network, sub, "moveCollateral", **fields)


@app.command()
def collect(
    *,
    asset: Asset,
    keystore: Keystore,
    token: Position,
    url: Url = HERE,
    password_file: Password = None,
    network: Network = "testnet",
    sub: Sub = None,
) -> None:
    """Fees of a position to the bucket that holds it."""
    _act(url, keystore, password_file, network, sub, "collectFees", collateral=asset, token=token)


@app.command()
def decrease(
    *,
    asset: Asset,
    keystore: Keystore,
    token: Position,
    part: Annotated[str, typer.Option("--part", help="Of the liquidity, more than 0 and less than 1.")],
    url: Url = HERE,
    password_file: Password = None,
    network: Network = "testnet",
    sub: Sub = None,
) -> None:
    """A part of a position's liquidity, and its fees, to its bucket as USD and lots."""
    fields = {"collateral": asset, "token": token, "part": part}
    _act(url, keystore, password_file, network, sub, "decreaseLiquidity", **fields)


@app.command()
def reshape(
    *,
    asset: Asset,
    keystore: Keystore,
    token: Position,
    lower: Annotated[str, typer.Option("--lower", help="Lower end of the new range, a price.")],
    upper: Annotated[str, typer.Option("--upper", help="Upper end.")],
    url: Url = HERE,
    password_file: Password = None,
    network: Network = "testnet",
    sub: Sub = None,
) -> None:
    """A position to another range in one step while it backs what it backs; what does not fit stays as collateral."""
    fields = {"collateral": asset, "token": token, "lower": lower, "upper": upper}
    _act(url, keystore, password_file, network, sub, "moveRange", **fields)


def _act(
    url: str, keystore: Path, password_file: Path | None, network: str, sub: str | None, kind: str, **fields: Any
) -> None:
    from seawall.chain.keys import load_key, read_password
    from seawall.signing import Key
    from seawall.tools.owner import Owner

    key = Key(load_key(keystore, read_password(password_file)))
    Owner(url, key, is_mainnet=network == "mainnet").act(kind, sub=sub, **fields)
    typer.echo(f"{kind}: done")


def _sheets(told: dict[str, Any]) -> "list[Sheet]":
    from seawall.cli.show import Sheet

    columns = ("bucket", "asset", "kind", "coin", "held", "maintenance", "initial", "position")
    rows: list[tuple[str, ...]] = []
    for bucket in told["buckets"]:
        for one in bucket["holdings"]:
            where = one["range"]
            text = "" if where is None else f"{where['token']}: {where['lower']} .. {where['upper']}"
            held = one["size"] if where is None else f"{where['fair_value']} USD, fees {where['fees']}"
            values = (one["value_maintenance"], one["value_initial"], text)
            rows.append((bucket["bucket"], str(one["asset"]), one["kind"], one["coin"], held, *values))
        owed = f"owes {bucket['borrowed']} USD"
        rows.append((bucket["bucket"], "", "", "USD", owed, bucket["value_maintenance"], bucket["value_initial"], ""))
    return [Sheet(title=f"Collateral of {told['address']}", columns=columns, rows=rows)]
