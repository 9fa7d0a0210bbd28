"""Signed proposals: one value of one market, its report's hash, a serial and an expiry, signed as EIP-712 typed data.

The type is that of the contract RiskOracle, so the same signatures move the rails of the engine and those of the chain.
A report is canonical JSON that says in words why, which model spoke and from which data; its Keccak-256 is signed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from seawall.signing import Domain, Key, Signature, Types, keccak_256, recover, typed_digest
from seawall.terms.asset_parameter import ASSET
from seawall.terms.limits import MARKETS
from seawall.terms.parameter import MARKET, PROPOSAL_LIFE_MS
from seawall.units import BadInput

PRIMARY: Final = "Proposal"
FIELDS: Final[Types] = (
    ("market", "uint256"),
    ("number", "uint256"),
    ("amount", "int256"),
    ("serial", "uint256"),
    ("expires", "uint256"),
    ("report", "bytes32"),
)
LIFE_MS: Final = 60_000  # of a proposal: what is not taken within a minute was meant for another market
SIGNERS_MOST: Final = 16
ASSETS_FROM: Final = MARKETS + 1  # a collateral asset is signed as this market + its number


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Why. `reasons` are words, the weightiest first; `data` is the hash of all bars that the model has read."""

    coin: str
    parameter: str
    value: int
    before: int
    state: str
    model: str
    data: str
    reasons: tuple[str, ...]
    time: int


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed. `expires` in ms for an engine of ours, in seconds on a chain: whoever makes it knows."""

    market: int
    number: int
    amount: int
    serial: int
    expires: int
    report: bytes


def domain(chain_id: int, contract: bytes = bytes(20)) -> Domain:
    """Where proposals count: a venue (no contract), or the RiskOracle of a chain."""
    return Domain(name="Seawall", version="1", chain_id=chain_id, contract=contract)


def report_hash(report: Report) -> bytes:
    """Keccak-256 of the report as JSON, fields in their order."""
    return keccak_256(msgspec.json.encode(report))


def check_proposal(proposal: Proposal, now_ms: int) -> Proposal:
    """The proposal itself, or BadInput: a parameter without rails, or an expiry that is past or a day away."""
    terms = (ASSET if proposal.market >= ASSETS_FROM else MARKET).get(proposal.number)
    if terms is None or terms.rail is None:
        raise BadInput("number", f"parameter {proposal.number} has no rails")
    if not now_ms <= proposal.expires <= now_ms + PROPOSAL_LIFE_MS:
        raise BadInput("expires", "past, or more than a day away")
    return proposal


def digest_of(where: Domain, proposal: Proposal) -> bytes:
    """What each signer signs. BadInput for a number that its type does not hold."""
    return typed_digest(where, PRIMARY, FIELDS, msgspec.structs.asdict(proposal))


def sign_all(where: Domain, proposal: Proposal, keys: Sequence[Key]) -> tuple[Signature, ...]:
    """A signature of each key, in their order."""
    digest = digest_of(where, proposal)
    return tuple(key.sign(digest) for key in keys)


def mask_of(where: Domain, proposal: Proposal, signed: Sequence[Signature], signers: Mapping[bytes, int]) -> int:
    """A bit for each known signer that has signed; strangers and repetitions count for nothing.

    `signers` is address -> number, 0..15. BadInput for more signatures than there can be signers.
    """
    if len(signed) > SIGNERS_MOST:
        raise BadInput("signatures", f"{len(signed)}, at most {SIGNERS_MOST}")
    digest, mask = digest_of(where, proposal), 0
    for one in signed:
        try:
            number = signers.get(recover(digest, one))
        except BadInput:  # no key can have made it: it counts for nothing
            continue
        if number is not None:
            mask |= 1 << number
    return mask
