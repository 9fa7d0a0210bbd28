"""From the bytes of a request to the answer of an action: every action type, known or not."""

from typing import Any, Final

from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.exchange import money, orders
from seawall.venue.exchange.call import call_of
from seawall.venue.exchange.orders import Handler
from seawall.venue.exchange.words import NOT_OFFERED, MalformedError, RefusedError, err
from seawall.venue.service import Service

HANDLERS: Final[dict[str, Handler]] = {**orders.HANDLERS, **money.HANDLERS}
KNOWN: Final = (
    "spotSend",
    "subAccountSpotTransfer",
    "subAccountModify",
    "createVault",
    "vaultModify",
    "vaultDistribute",
    "tokenDelegate",
    "cDeposit",
    "cWithdraw",
    "claimRewards",
    "convertToMultiSigUser",
    "multiSig",
    "spotDeploy",
    "perpDeploy",
    "CSignerAction",
    "CValidatorAction",
    "gossipPriorityBid",
    "borrowLend",
    "agentSendAsset",
    "sendToEvmWithData",
    "linkStakingUser",
    "spotUser",
    "userOutcome",
    "hip3LiquidatorTransfer",
    "finalizeEvmContract",
    "stakingLinkDisableTradingUser",
    "validatorL1Stream",
    "authorizeAqav2Role",
    "activateOutcomeDeployer",
)
"""Action types of Hyperliquid that this venue does not offer: they are refused by name."""


async def answer(service: Service, body: Any) -> dict[str, Any]:
    """The answer to a decoded request. Raises MalformedError for what is no request, BusyError and StoppedError."""
    try:
        call = call_of(service, body)
        handler = HANDLERS.get(call.kind)
        if handler is None:
            if call.kind in KNOWN:
                raise RefusedError(f"{NOT_OFFERED} {call.kind}.")
            raise MalformedError("Failed to deserialize the JSON body into the target type: unknown action type")
        return await handler(service, call)
    except RefusedError as refusal:
        return err(str(refusal))


__all__ = ["BusyError", "MalformedError", "StoppedError", "answer"]
