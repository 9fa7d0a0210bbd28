"""Whose request it is: typed data `SeawallAlerts`, which a wallet shows in words, signed by the owner.

An agent may not: what trades for an account should not be able to silence its alarms.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from seawall.signing import Domain, Types, recover, signature_of, typed_digest
from seawall.terms.parameter import DAY_MS
from seawall.units import BadInput
from seawall.venue.names import address_of
from seawall.venue.ops.alerts.shapes import AlertsRequest
from seawall.venue.people import People
from seawall.venue.rest.errors import ApiError

PRIMARY: Final = "SeawallAlerts"
FIELDS: Final[Types] = (
    ("network", "string"),
    ("account", "address"),
    ("action", "string"),
    ("payload", "string"),
    ("nonce", "uint64"),
)
OLD_MS: Final = 2 * DAY_MS  # a nonce may be so much before the venue's time
AHEAD_MS: Final = DAY_MS
Recover = Callable[[Mapping[str, Any], int, Mapping[str, Any]], bytes]  # message, chain id, signature -> address


def domain_of(chain_id: int) -> Domain:
    """The EIP-712 domain of requests made in a wallet that is on a chain."""
    return Domain(name="Seawall", version="1", chain_id=chain_id)


def recovered(message: Mapping[str, Any], chain_id: int, signature: Mapping[str, Any]) -> bytes:
    """The address that signed. BadInput for a signature that no key can have made."""
    return recover(typed_digest(domain_of(chain_id), PRIMARY, FIELDS, message), signature_of(signature))


def account_asked(people: People, now: int, network: str, request: AlertsRequest) -> int:
    """The account a request is about. ApiError `bad_signature` unless its owner signed it for this network, lately."""
    account = people.account_of(address_of(request.account, "account"))
    if account < 0:
        raise ApiError("unknown_account")
    if request.network != network:
        raise ApiError("bad_signature", f"this venue is {network}")
    if not now - OLD_MS <= request.nonce <= now + AHEAD_MS:
        raise ApiError("bad_signature", f"the nonce {request.nonce} is not within two days before and one after {now}")
    message = {
        "network": request.network,
        "account": people.persons[account].address,
        "action": request.action,
        "payload": request.payload,
        "nonce": request.nonce,
    }
    try:
        signer = recovered(message, request.chain_id, request.signature)
    except BadInput as error:
        raise ApiError("bad_signature", error.why) from error
    if people.account_of(signer) != people.persons[account].master:
        raise ApiError("bad_signature", "it is not the account owner's")
    return account
