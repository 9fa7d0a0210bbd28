"""Words for the engine's numbers, and questions about markets that several views ask."""

from typing import Any, Final

from seawall.ledger import state
from seawall.terms import command, parameter

STATUSES: Final = {
    command.UNLISTED: "unlisted",
    command.ACTIVE: "active",
    command.REDUCING: "reduce_only",
    command.POSTING: "post_only",
    command.CANCELLING: "cancel_only",
    command.HALTED: "halted",
    command.CLOSED: "closed",
    command.DELISTING: "delisting",
}
BREAKERS: Final = {
    parameter.NORMAL: "normal",
    parameter.SOFT: "soft",
    parameter.HARD: "hard",
    parameter.RECOVERY: "recovery",
}
SIGNERS: Final = {
    command.SEQUENCER: "sequencer",
    command.ORACLES: "oracles",
    command.BRIDGE: "bridge",
    command.RISK: "risk",
    command.GUARDIAN: "guardian",
    command.ADMIN: "admin",
}


def status_of(columns: Any, market: int) -> int:
    """The tighter of the market's status and the venue's; UNLISTED stays so."""
    status = int(columns["market_status"].item(market))
    return status if status == command.UNLISTED else max(status, columns["cell"].item(state.VENUE_STATUS))


def is_fresh(columns: Any, market: int) -> bool:
    """Whether the market's index had its quorum and is young enough."""
    age = columns["cell"].item(state.NOW) - columns["market_oracle_time"].item(market)
    is_young = age <= columns["param"].item(market, parameter.ORACLE_AGE_MS)
    return bool(columns["market_fresh"].item(market)) and is_young
