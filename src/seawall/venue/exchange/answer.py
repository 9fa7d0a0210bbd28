"""From the bytes of a request to the answer of an action: every action type, known or not."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.exchange import collateral, money, orders
from seawall.venue.exchange.call import Call, call_of
from seawall.venue.exchange.orders import Handler
from seawall.venue.exchange.words import NOT_OFFERED, MalformedError, RefusedError, UnknownSignerError, err
from seawall.venue.service import Service

Act = Callable[[int, Mapping[str, Any]], str]
Welcome = Callable[[bytes], Awaitable[int]]
HANDLERS: Final[dict[str, Handler]] = {**orders.HANDLERS, **money.HANDLERS, **collateral.HANDLERS}
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


ON_CHAIN: Final = frozenset(
    (
        "usdSend",
        "sendAsset",
        "usdClassTransfer",
        "createSubAccount",
        "subAccountTransfer",
        "updateIsolatedMargin",
        "topUpIsolatedOnlyMargin",
        "movePosition",
        "automaticTopUp",
        "moveCollateral",
        "collectFees",
        "decreaseLiquidity",
        "moveRange",
        "vaultTransfer",
        "userPortfolioMargin",
    )
)
"""What a venue whose accounts are kept on a chain does not do: nobody but an account's owner moves its money there."""


async def answer(service: Service, body: Any, act: Act | None = None, welcome: Welcome | None = None) -> dict[str, Any]:
    """The answer to a decoded request. Raises MalformedError for what is no request, BusyError and StoppedError.

    `act` counts an account's action and tells why it may not act, or nothing (ops/gate.py). `welcome` may give an
    account to an address that shows itself for the first time (faucet.py).
    """
    try:
        try:
            call = call_of(service, body)
        except UnknownSignerError as stranger:
            if welcome is None or await welcome(stranger.address) < 0:
                raise
            call = call_of(service, body)
        if act is not None and (why := act(call.account, call.action)):
            raise RefusedError(why)
        if service.config.chain.target and not _is_settled(call):
            raise RefusedError(f"{NOT_OFFERED} {call.kind} of accounts that are kept on a chain.")
        handler = HANDLERS.get(call.kind)
        if handler is None:
            if call.kind in KNOWN:
                raise RefusedError(f"{NOT_OFFERED} {call.kind}.")
            raise MalformedError("Failed to deserialize the JSON body into the target type: unknown action type")
        return await handler(service, call)
    except RefusedError as refusal:
        return err(str(refusal))


def _is_settled(call: Call) -> bool:
    """Whether the chain follows an action: trades and withdrawals of cross accounts."""
    return call.kind not in ON_CHAIN and not (call.kind == "updateLeverage" and call.action.get("isCross") is False)


__all__ = ["BusyError", "MalformedError", "StoppedError", "answer"]
