"""Who has sent what: the envelope of an action, its signature, and the rows that it becomes.

The address of a signature depends on which network it was made for, and any digest gives some address, so a signer is
looked up: as the configured network has it, then, where both are accepted, as the other has it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

import numpy as np

from seawall.engine.rows import ROW_TYPE, Rows
from seawall.signing import (
    Signature,
    action_hash,
    is_typed,
    l1_digest,
    recover,
    signature_of,
    stamp_of,
    user_digest,
)
from seawall.terms import code, command
from seawall.units import BadInput
from seawall.venue.exchange.words import MalformedError, RefusedError, UnknownSignerError, action_words, nonce_words
from seawall.venue.names import address_of, address_text
from seawall.venue.people import People
from seawall.venue.service import Service

FIELD: Final = {name: place for place, name in enumerate(command.ROW)}
FIELDS: Final = len(command.ROW)
KIND, SIGNER, NONCE, PART, ACCOUNT = (FIELD[name] for name in ("kind", "signer", "nonce", "time", "account"))
TIME_END: Final = 1 << 53
BURN: Final = {"kind": command.CANCEL_TWAP}  # a row that any trader may sign and that does nothing but use its nonce
DUPLICATE: Final = (code.NONCE_USED, code.NONCE_OLD, code.BAD_TIME)


class Call:
    """One signed action: by whom, for which account, and its rows."""

    def __init__(
        self, action: dict[str, Any], nonce: int, signer: int, account: int, address: bytes, signature: Signature
    ) -> None:
        self.action = action
        self.kind: str = action["type"]
        self.nonce = nonce
        self.signer = signer
        self.account = account  # whose state it changes: the signer's master, or its sub-account
        self.address = address  # who signed
        self.signature = signature
        self.parts = 0
        self._blank = [0] * FIELDS
        self._blank[SIGNER], self._blank[NONCE], self._blank[ACCOUNT] = signer, nonce, account

    def blank(self) -> list[int]:
        """The fields of a row for its account that says nothing yet."""
        return self._blank.copy()

    def part(self, kind: int, values: list[int]) -> list[int]:
        """Makes fields from `blank` the action's next part, of a kind."""
        values[KIND], values[PART] = kind, self.parts
        self.parts += 1
        return values

    def row(self, kind: int, **fields: int) -> list[int]:
        """A row of the action, its next part, for its account unless `account` is named."""
        values = self.blank()
        for name, value in fields.items():
            values[FIELD[name]] = value
        return self.part(kind, values)

    def burn(self) -> list[int]:
        """A row that uses the nonce and does nothing else."""
        return self.row(**BURN)

    def fail(self, number: int) -> None:
        """Raises RefusedError for a code that refuses the action as such; returns for any other."""
        if number in DUPLICATE:
            raise RefusedError(nonce_words(number, self.nonce))
        if number in (code.NOT_AUTHORISED, code.AGENT_EXPIRED, code.AGENT_SCOPE, code.UNKNOWN_ACCOUNT):
            raise RefusedError(action_words(number))


def rows_from(values: Sequence[Sequence[int]]) -> Rows:
    """Rows of a table of fields. A value beyond int64 is a malformed request."""
    try:
        return np.array(values, np.int64).view(ROW_TYPE).ravel()
    except OverflowError as error:
        raise MalformedError("a number is out of range") from error


def call_of(service: Service, body: Any) -> Call:
    """The call in a decoded request, its signature checked.

    Raises MalformedError for what is no request, RefusedError for a signer that is nobody or may not act for the vault.
    """
    if not isinstance(body, dict) or not isinstance(body.get("action"), dict):
        raise MalformedError("Failed to deserialize the JSON body into the target type: expected an action")
    action, nonce = body["action"], body.get("nonce")
    kind = action.get("type")
    if not isinstance(kind, str):
        raise MalformedError("Failed to deserialize the JSON body into the target type: expected action.type")
    if not is_time(nonce):
        raise MalformedError("Failed to deserialize the JSON body into the target type: expected a nonce in ms")
    expires, vault = body.get("expiresAfter"), body.get("vaultAddress")
    try:
        signature = signature_of(body.get("signature"))
        vault_address = address_of(vault, "vaultAddress") if vault is not None else None
        if expires is not None and not is_time(expires):
            raise BadInput("expiresAfter", "expected a time in ms")
        if is_typed(action):
            address = _user_signer(service, action, nonce, signature)
        else:
            address = _l1_signer(service, action, nonce, vault_address, expires, signature)
    except BadInput as error:
        raise MalformedError(f"Failed to deserialize the JSON body into the target type: {error}") from error
    if expires is not None and expires < service.clock():
        raise RefusedError(f"Action has expired: expiresAfter {expires}")
    signer, account = service.people.signer_of(address)
    if account < 0:
        raise UnknownSignerError(address)
    if vault_address is not None and not is_typed(action):
        account = _vault(service.people, account, vault_address)
    return Call(action, nonce, signer, account, address, signature)


def is_time(value: object) -> TypeGuard[int]:
    """Whether a value is a time in ms, or a nonce."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < TIME_END


def _user_signer(service: Service, action: Mapping[str, Any], nonce: int, signature: Any) -> bytes:
    """A wallet's own signature: its action says the network and repeats the nonce."""
    network = action.get("hyperliquidChain")
    if network not in ("Mainnet", "Testnet"):
        raise BadInput("hyperliquidChain", "expected Mainnet or Testnet")
    is_mainnet = network == "Mainnet"
    settings = service.config.network
    if not settings.accept_both and is_mainnet != (settings.name == "mainnet"):
        raise RefusedError(f"This venue takes signatures for {settings.name} only.")
    own = action.get(stamp_of(action))
    if own != nonce:
        raise RefusedError(f"Invalid nonce: the action was signed with {own}")
    return recover(user_digest(action, is_mainnet=is_mainnet), signature)


def _l1_signer(
    service: Service, action: Any, nonce: int, vault: bytes | None, expires: int | None, signature: Any
) -> bytes:
    """Who signed an L1 action: the known address of either network, else that of the configured one."""
    connection = action_hash(action, nonce, vault, expires)
    settings, people = service.config.network, service.people
    is_mainnet = settings.name == "mainnet"
    first = recover(l1_digest(connection, is_mainnet=is_mainnet), signature)
    if not settings.accept_both or people.signer_of(first)[1] >= 0:
        return first
    other = recover(l1_digest(connection, is_mainnet=not is_mainnet), signature)
    return other if people.signer_of(other)[1] >= 0 else first


def _vault(people: People, account: int, address: bytes) -> int:
    """The sub-account that the signer acts for."""
    sub = people.account_of(address)
    if sub < 0:
        raise RefusedError(f"Vault not registered: {address_text(address)}")
    if people.persons[sub].master != people.persons[account].master:
        raise RefusedError(f"Not authorized to act for {address_text(address)}")
    return sub
