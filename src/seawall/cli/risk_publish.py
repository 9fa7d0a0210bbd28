"""`seawall risk publish`: a risk engine outside the venue that it proposes to."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

CHAIN: int = 421_614


def publish(
    *,
    url: Annotated[str, typer.Option("--url", help="The venue.")] = "http://127.0.0.1:3001",
    keystore: Annotated[
        list[Path] | None, typer.Option("--keystore", help="Encrypted key of a risk signer (repeatable).")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="Password of the keystores, else it is asked for.")
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="A trained model; else the one in the package.")] = None,
    chain_id: Annotated[int, typer.Option("--chain-id", help="risk.chain_id of the venue.")] = CHAIN,
    seconds: Annotated[float, typer.Option("--seconds", min=1.0, help="Between two looks.")] = 10.0,
    looks: Annotated[int, typer.Option("--looks", min=0, help="End after so many; 0: never.")] = 0,
) -> None:
    """Propose margins, caps and breaker states to a venue from outside, signed with your keys.

    The venue must run `risk.mode = "live"` with your addresses among `risk.signers`. Exit code 2 when it does not
    answer at the first look; later silences are told and waited out.
    """
    from seawall.chain.keys import load_key, read_password
    from seawall.risk.engine import RiskModel
    from seawall.risk.model import default, load
    from seawall.signing import Key
    from seawall.tools.publish import Publisher
    from seawall.units import BadInput

    if not keystore:
        raise BadInput("keystore", "at least one key signs: give --keystore")
    password = read_password(password_file)
    keys = tuple(Key(load_key(path, password)) for path in keystore)
    engine = RiskModel(default() if model is None else load(model))
    publisher, count = Publisher(url, keys, engine, chain_id=chain_id), 0
    while True:  # until interrupted, or so many looks
        try:
            for one in publisher.look():
                change = f"{one.coin} {one.parameter} {one.before} -> {one.value}"
                sys.stdout.write(f"{change}: {one.outcome} ({'; '.join(one.reasons)})\n")
        except BadInput as error:
            if count == 0:
                raise
            sys.stderr.write(f"{error}\n")
        sys.stdout.flush()
        count += 1
        if count == looks:
            return
        time.sleep(seconds)
