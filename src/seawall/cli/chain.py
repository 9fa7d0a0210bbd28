"""`seawall chain`: compile, deploy, look after and verify the contracts on any EVM chain."""

import json
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from seawall.units import BadInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from seawall.chain.client import Client
    from seawall.chain.deploy import Deployment
    from seawall.chain.development import Development

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The margin rule on an EVM chain, by contracts.")

Rpc = Annotated[str | None, typer.Option("--rpc", help="The RPC's http address. Without it: a chain in this process.")]
Record = Annotated[Path, typer.Option("--deployment", help="The record of the deployment (JSON).")]
Keystore = Annotated[Path | None, typer.Option("--keystore", help="An encrypted keystore; its password is asked for.")]
PasswordFile = Annotated[Path | None, typer.Option("--password-file", help="A file of mode 600 with the password.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DEFAULT_RECORD: Final = Path("deployment.json")
EXIT_FAULT: Final = 1
APPROVED_UNTIL: Final = 2**40  # s: until it is taken back
TESTER_KEY: Final = (1).to_bytes(32, "big")  # the first funded account of a chain in this process


@app.command("compile")
def compile_(
    sources: Annotated[Path, typer.Argument(help="The folder of the Vyper sources.")] = Path("contracts"),
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the artifacts are of these sources.")
    ] = False,
    json_: Json = False,
) -> None:
    """Compile the contracts into the package's artifacts (needs Vyper; users never do).

    Exit code 0: all are current; 1 with --check: some are not; 2: refused.
    """
    from seawall.chain.artifacts import artifact, names
    from seawall.chain.compile import compile_all, is_current

    if check:
        stale = [name for name in names() if not is_current(artifact(name), sources.resolve())]
        _print({"stale": stale}, json_, "current" if not stale else f"not of these sources: {', '.join(stale)}")
        raise typer.Exit(EXIT_FAULT if stale else 0)
    made = compile_all(sources.resolve(), _tell)
    _print({"contracts": {one.name: one.size for one in made}}, json_, f"{len(made)} contracts")


@app.command()
def deploy(
    settings: Annotated[
        Path | None, typer.Option("--settings", help="Settings (JSON); without: a development venue.")
    ] = None,
    rpc: Rpc = None,
    deployment: Record = DEFAULT_RECORD,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be where; send nothing.")] = False,
    json_: Json = False,
) -> None:
    """Deploy every contract and set its numbers, markets and pools; a run that was cut off goes on where it stopped."""
    import msgspec

    from seawall.chain.deploy import Deployer, begin, load_record, save
    from seawall.chain.settings import example, load

    client = _client(rpc, keystore, password_file)
    if deployment.is_file() and rpc is not None:
        record = load_record(deployment)
    else:
        wanted = (
            load(settings) if settings is not None else msgspec.structs.replace(example(), timelock_s=0, permit2="")
        )
        record = begin(client, wanted)
    if dry_run:
        _print({"chain_id": record.chain_id, "addresses": record.addresses}, json_, _table(record.addresses))
        return
    target = deployment if rpc is not None else None
    save(record, target)
    record = _done(lambda: Deployer(client, record, target, _tell).run())
    text = f"{_table(record.addresses)}\n{record.gas:,} gas in {len(record.steps)} steps; "
    text += f"record: {deployment}" if target else "a chain in this process: gone with it"
    _print(msgspec.to_builtins(record), json_, text)


@app.command()
def status(rpc: Rpc = None, deployment: Record = DEFAULT_RECORD, json_: Json = False) -> None:
    """Say how markets, pools, insurance and the vault stand."""
    from seawall.chain.status import status_of

    record = _record(deployment)
    found = _done(lambda: status_of(_client(rpc, None, None), record))
    lines = [f"block {found['block']}, vault {found['vault']:,} micro-USD, {found['pending']:,} pending"]
    for market in found["markets"]:
        fresh = "fresh" if market["fresh"] else "STALE"
        ends = f"open {market['open']:,} lots, insurance {market['insurance']:,}, fees {market['fees']:,} micro-USD"
        lines.append(f"{market['name']}: {market['status']}, price {market['price']:,} {fresh}, {ends}")
    for asset in found["assets"]:
        fresh = "fresh" if asset["fresh"] else "STALE"
        held = f"{asset['total']:,} of {asset['cap']:,} lots"
        lines.append(f"collateral {asset['name']}: price {asset['price']:,} {fresh}, {held}")
    for pool in found["lp_pools"]:
        held = f"liquidity {pool['liquidity']:,} of {pool['cap']:,}"
        lines.append(f"positions of {pool['tokens']} {pool['fee']}: {'open' if pool['open'] else 'CLOSED'}, {held}")
    _print(found, json_, "\n".join(lines))


@app.command()
def keeper(
    rpc: Rpc = None,
    deployment: Record = DEFAULT_RECORD,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    every: Annotated[float, typer.Option("--every", help="Seconds between passes; 0: one pass.")] = 0.0,
    json_: Json = False,
) -> None:
    """Bring prices, funding and ramps up to date and liquidate who is due. Anybody may run one."""
    import msgspec

    from seawall.chain.keeper import Keeper

    record = _record(deployment)
    service = Keeper(_client(rpc, keystore, password_file), record, _tell)
    while True:
        done = _done(service.run_once)
        text = f"{len(done.liquidated)} units of liquidation, {len(done.waiting)} wait, {len(done.faults)} faults"
        _print(msgspec.to_builtins(done), json_, text)
        if every <= 0:
            raise typer.Exit(EXIT_FAULT if done.faults else 0)
        time.sleep(every)


@app.command()
def settle(
    fills: Annotated[Path, typer.Argument(help="Fills of the venue (JSON lines), numbered from 1.")],
    state: Annotated[Path, typer.Option("--state", help="Where it is kept what is settled.")] = Path("settlement.json"),
    rpc: Rpc = None,
    deployment: Record = DEFAULT_RECORD,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    depth: Annotated[int, typer.Option("--depth", help="Blocks until a batch is final.")] = 5,
    json_: Json = False,
) -> None:
    """Settle the venue's fills against their owners' signed orders, each exactly once, and wait for depth."""
    from seawall.chain.fills_file import read_fills
    from seawall.chain.settlement import Settlement

    record = _record(deployment)
    known = read_fills(fills)
    client = _client(rpc, keystore, password_file)
    service = Settlement(client, record, state, lambda n: [f for f in known if f.number > n], depth, _tell)
    while _done(service.run_once):
        pass
    kept = service.state
    found = {"final": kept.final, "sent": kept.last, "refused": kept.refused}
    _print(found, json_, f"fills up to {kept.last} sent, up to {kept.final} final, {len(kept.refused)} refused")


@app.command()
def verify(rpc: Rpc = None, deployment: Record = DEFAULT_RECORD, json_: Json = False) -> None:
    """Rebuild every balance from the chain's events and compare.

    Exit code 0: all agree; 1: they do not; 2: refused.
    """
    import msgspec

    from seawall.chain.rebuild import verify as rebuilt

    record = _record(deployment)
    verdict = _done(lambda: rebuilt(_client(rpc, None, None), record))
    lines = [
        f"{verdict.events:,} events, {verdict.buckets} buckets, {verdict.positions} positions at block {verdict.block}"
    ]
    lines += [f"{one.what}: events say {one.rebuilt:,}, the chain {one.found:,}" for one in verdict.differences]
    lines.append("every balance agrees" if verdict.is_whole else f"{len(verdict.differences)} differences")
    _print({**msgspec.to_builtins(verdict), "whole": verdict.is_whole}, json_, "\n".join(lines))
    if not verdict.is_whole:
        raise typer.Exit(EXIT_FAULT)


@app.command()
def price(
    prices: Annotated[list[str], typer.Argument(help="NAME=USD, one or more.")],
    rpc: Rpc = None,
    deployment: Record = DEFAULT_RECORD,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    json_: Json = False,
) -> None:
    """Report prices as a reporter of the signed oracle, and bring the hub up to date."""
    from seawall.chain.development import Development
    from seawall.units import fraction_from

    record = _record(deployment)
    client = _client(rpc, keystore, password_file)
    names = {market.name: number for number, market in enumerate(record.settings.markets)}
    said: dict[int, Fraction | int] = {}
    for one in prices:
        name, _, text = one.partition("=")
        if name not in names:
            raise BadInput("price", f"no market {name!r}: one of {', '.join(names)}")
        said[names[name]] = fraction_from(text, name)
    assert client.account is not None
    venue = Development(client, record, {client.address: bytes(client.account.key)})
    statuses = _done(lambda: venue.report(said))
    _print({"statuses": statuses}, json_, "fresh" if not any(statuses) else f"not taken: {statuses}")


@app.command()
def deposit(
    amount: Annotated[str, typer.Argument(help="Of USD, at most six decimals; of another asset, whole lots.")],
    asset: Annotated[str, typer.Option("--asset", help="A collateral asset by its name.")] = "USD",
    rpc: Rpc = None,
    deployment: Record = DEFAULT_RECORD,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    json_: Json = False,
) -> None:
    """Deposit into your own account, and let the venue's key sign there what you have traded on the venue.

    A test token is minted first, and a development chain lends coins for gas; of a real collateral token it takes what
    your wallet has.
    """
    from seawall.chain.development import Development, lend

    record = _record(deployment)
    client = _client(rpc, keystore, password_file)
    put_in = _depositor(record, asset, amount)

    def act() -> None:
        lend(client, client.address)
        tester = Development(client, record, {})
        put_in(tester, client)
        client.send(tester.contract("Exchange"), "approve_agent", record.settings.operator, APPROVED_UNTIL)

    _done(act)
    found = {"address": client.address, "asset": asset, "amount": amount, "approved": record.settings.operator}
    _print(found, json_, f"{amount} {asset} in the account of {client.address}")


def _depositor(record: "Deployment", asset: str, amount: str) -> "Callable[[Development, Client], None]":
    """What puts an amount of an asset into a client's account. BadInput for an asset or an amount that is none."""
    from seawall.chain.deploy import token_of
    from seawall.units import lots, usd

    names = [terms.name for terms in record.settings.assets]
    if asset == "USD":
        money = _positive(usd(amount), amount)

        def pay(tester: "Development", client: "Client") -> None:
            tester.give(client.address, money)
            tester.deposit(client, money)

        return pay
    if asset not in names:
        raise BadInput("asset", f"no collateral {asset!r}: one of {', '.join(['USD', *names])}")
    number = names.index(asset)
    size = _positive(lots(amount, record.settings.assets[number].size_decimals, "amount"), amount)

    def put_in(tester: "Development", client: "Client") -> None:
        if token_of(asset) in record.addresses:
            tester.give_asset(client.address, number, size)
        tester.deposit_asset(client, number, size)

    return put_in


def _positive(value: int, text: str) -> int:
    if value <= 0:
        raise BadInput("amount", f"{text!r} is no amount to deposit")
    return value


@app.command()
def key(
    keystore: Annotated[Path, typer.Argument(help="Where the new keystore goes.")],
    password_file: PasswordFile = None,
    json_: Json = False,
) -> None:
    """Make a new key in an encrypted keystore and print its address."""
    from seawall.chain.keys import make_keystore, read_password

    address = make_keystore(keystore, read_password(password_file))
    _print({"address": address}, json_, address)


def _client(rpc: str | None, keystore: Path | None, password_file: Path | None) -> "Client":
    from seawall.chain.client import ChainFault, Client, connect
    from seawall.chain.keys import load_key, read_password

    try:
        w3 = connect(rpc)
    except ChainFault as fault:
        raise BadInput("rpc", str(fault)) from fault
    secret = TESTER_KEY if rpc is None else None
    if keystore is not None:
        secret = load_key(keystore, read_password(password_file))
    return Client(w3, secret, _tell)


def _record(path: Path) -> "Deployment":
    from seawall.chain.deploy import load_record

    return load_record(path)


def _done(act: Any) -> Any:
    """What an action gives; a fault of the chain or a refusal ends the command in one line."""
    from seawall.chain.client import ChainFault, Refused

    try:
        return act()
    except (ChainFault, Refused) as fault:
        sys.stderr.write(f"error: {fault}\n")
        raise typer.Exit(EXIT_FAULT) from fault


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


def _table(addresses: dict[str, str]) -> str:
    return "\n".join(f"{name:<24}{address}" for name, address in addresses.items())


def _print(value: Any, as_json: bool, text: str) -> None:
    print(json.dumps(value, indent=1, default=str) if as_json else text)
