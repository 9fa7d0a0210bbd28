"""`seawall account portfolio`: an owner's cross bucket into portfolio margin at a venue, or out of it."""

from typing import Annotated, Literal

import typer

from seawall.cli.account_collateral import HERE, Keystore, Network, Password, Sub, Url


def portfolio(
    *,
    to: Annotated[Literal["portfolio", "tiers"], typer.Option("--to", help="The rule that is to hold.")],
    keystore: Keystore,
    url: Url = HERE,
    password_file: Password = None,
    network: Network = "testnet",
    sub: Sub = None,
) -> None:
    """Portfolio margin for cross (the worst scenario of the whole bucket), or the tiers again. The owner signs."""
    from seawall.chain.keys import load_key, read_password
    from seawall.signing import Key
    from seawall.tools.owner import Owner

    key = Key(load_key(keystore, read_password(password_file)))
    Owner(url, key, is_mainnet=network == "mainnet").set_portfolio(enabled=to == "portfolio", sub=sub)
    typer.echo(f"cross is margined by {'its worst scenario' if to == 'portfolio' else 'tiers'} now")
