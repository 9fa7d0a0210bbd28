"""Where the operator's key and the deployment of a venue come from: its folder, or a development chain on the spot."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from seawall.chain.client import ChainFault, Client, connect
from seawall.chain.deploy import Deployer, Deployment, begin, load_record, open_markets, save
from seawall.chain.development import lend, lenders
from seawall.chain.keys import load_key, make_keystore, read_password
from seawall.chain.reporter import Reporter
from seawall.chain.settings import Settings
from seawall.units import BadInput
from seawall.venue.config import Chain

EMBEDDED: Final = "embedded"
HOME: Final = "chain"  # a folder in the venue's
COINS: Final = 10**21  # for the operator's gas, from an account of a development chain


def open_chain(terms: Chain) -> Any:
    """A connection. BadInput for a target that is none or does not answer."""
    try:
        return connect(None if terms.target == EMBEDDED else terms.target)
    except ChainFault as fault:
        raise BadInput("chain.target", str(fault)) from fault


def open_deployment(
    w3: Any, terms: Chain, folder: Path, settings: Callable[[], Settings], prices: dict[int, int], tell: Any
) -> tuple[Client, Deployment]:
    """The operator's client and the deployment, which is made where there is none and the chain is a development one.

    BadInput when the record's contracts are not on this chain, or nothing may be deployed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    client = Client(w3, _key(w3, terms, folder), tell)
    path = Path(terms.deployment) if terms.deployment else folder / "deployment.json"
    if path.is_file():
        record = load_record(path)
        if record.is_done and not client.ask(lambda: w3.eth.get_code(record.addresses["Exchange"])):
            raise BadInput(
                "chain", f"the contracts of {path} are not on this chain: an embedded one ends with its process"
            )
    elif not lenders(client):
        raise BadInput("chain.deployment", "no record: `seawall chain deploy` makes one")
    else:
        record = begin(client, settings())
        save(record, path)
    if not record.is_done:
        record = Deployer(client, record, path, tell).run()
    if record.settings.operator != client.address:
        raise BadInput("chain.keystore", f"the operator of {path} is {record.settings.operator}")
    _open(client, record, prices)
    return client, record


def _open(client: Client, record: Deployment, prices: dict[int, int]) -> None:
    """Opens the markets of a deployment of our own with the venue's prices."""
    if client.address != record.settings.admin or not prices:
        return
    Reporter(client, record, {client.address: bytes(client.account.key)}).report_lots(prices)  # type: ignore[union-attr]
    open_markets(client, record, lambda _: None)


def _key(w3: Any, terms: Chain, folder: Path) -> bytes:
    """The operator's key: of the configured keystore, or one made in the folder for a development chain."""
    if terms.keystore:
        return load_key(Path(terms.keystore), read_password(Path(terms.password_file) if terms.password_file else None))
    keystore, password = folder / "operator.json", folder / "operator.password"
    if not keystore.is_file():
        if not lenders(Client(w3, None)):
            raise BadInput("chain.keystore", "needed: this is no development chain with accounts of its own")
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        make_keystore(keystore, read_password(password))
    key = load_key(keystore, read_password(password))
    lend(Client(w3, key), Client(w3, key).address, COINS)
    return key
