"""Who may call what: every function that changes something and is not everybody's, by everybody else."""

from typing import Any

import pytest
from evm import DEPLOYER, Evm, Refused, Reverted, create_address

from seawall.chain.permits import PERMITS
from seawall.chain.settings import Settings, example
from seawall.chain.stack import ORDER, WRITERS, arguments, planned, specs
from seawall.terms import code

STRANGER = "0x" + "5a" * 20
ADMIN, GUARDIAN, OPERATOR = ("0x" + f"{n:02x}" * 20 for n in (0xA1, 0xA2, 0xA3))
OPEN = {  # what anybody may call, with the reason
    ("ClearingHouse", "settle"): "what is owed already is paid",
    ("Exchange", "approve_agent"): "the caller's own",
    ("Exchange", "cancel"): "the caller's own orders",
    ("Exchange", "cancel_below"): "the caller's own orders",
    ("Exchange", "trade"): "the caller's own account",
    ("Exchange", "request"): "the caller's own account",
    ("Exchange", "execute"): "a request that is due",
    ("Exchange", "withdraw_request"): "the caller's own",
    ("Exchange", "settle"): "the operator; anybody when the venue is silent",
    ("Liquidation", "liquidate"): "an unhealthy bucket",
    ("Liquidation", "liquidate_with"): "an unhealthy bucket",
    ("Deleveraging", "share_out"): "a loss that waits",
    ("FundingClock", "sample"): "when due",
    ("SignedOracle", "submit"): "with signatures",
    ("OracleHub", "update"): "what the adapters say",
    ("RiskSteward", "advance"): "when due",
    ("RiskOracle", "publish"): "with signatures",
    ("Timelock", "execute"): "what was announced",
    ("Pools", "insure"): "the caller's own cash",
    **{
        ("AccountDesk", name): "the caller's own account"
        for name in (
            "create_sub",
            "transfer",
            "isolated_margin",
            "set_top_up",
            "set_leverage",
            "move_position",
            "set_portfolio",
            "end_portfolio",
        )
    },
    **{
        ("CollateralVault", name): "the caller's own tokens, or what is due"
        for name in (
            "deposit",
            "deposit_with_permit",
            "deposit_with_permit2",
            "withdraw",
            "withdraw_for",
            "claim",
            "deposit_asset",
            "withdraw_asset",
            "buy_collateral",
            "move_stable",
            "dispute",
        )
    },
}
OPEN |= {
    ("LPCollateral", name): "the caller's own position" for name in ("sync", "collect", "decrease", "move", "withdraw")
}
OPEN |= {("Lending", name): "what is so, or due, already" for name in ("charge", "renew", "refresh")}
OPEN |= {("LPCollateral", "unwind"): "a position of an unhealthy account"}
OPERATORS = (
    ("Exchange", "beat"),
    ("StateRoots", "post"),
    ("CollateralVault", "withdraw_by_action"),
    ("CollateralVault", "pay_asset"),
    ("CollateralVault", "settle_sale"),
)


class Stack:
    """Everything deployed, with an account for each role."""

    def __init__(self) -> None:
        self.evm = Evm()
        token = self.evm.deploy("TestToken", 6)
        self.where = planned(DEPLOYER, self.evm.nonce())
        settings = self.settings()
        for name in ORDER:
            made = self.evm.deploy(name, *arguments(name, self.where, settings, token.address))
            assert made.address.lower() == self.where[name].lower(), name
        self.contracts = self.evm.contracts

    def settings(self) -> Settings:
        import msgspec

        people = {"admin": ADMIN, "guardian": GUARDIAN, "operator": OPERATOR}
        signers = {"reporters": [ADMIN], "risk_signers": [ADMIN], "timelock_s": 86_400}
        return msgspec.structs.replace(example(), permit2="0x" + "00" * 20, **people, **signers)


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack()


def changing() -> list[tuple[str, str]]:
    from seawall.chain.artifacts import artifact

    return [
        (name, entry["name"])
        for name in ORDER
        for entry in artifact(name).abi
        if entry["type"] == "function" and entry["stateMutability"] in ("nonpayable", "payable")
    ]


def sample(kind: str) -> Any:
    """A value of a type that is as harmless as can be."""
    if kind.endswith("[]"):
        return []
    if kind.startswith("("):
        return tuple(sample(part) for part in split(kind[1:-1]))
    if kind == "address":
        return STRANGER
    if kind == "string":
        return ""
    if kind.startswith("bytes"):
        return bytes(int(kind[5:])) if kind != "bytes" else b""
    return False if kind == "bool" else 1


def split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


@pytest.mark.parametrize(("contract", "function"), changing())
def test_a_stranger_is_refused(stack: Stack, contract: str, function: str) -> None:
    if (contract, function) in OPEN:
        assert OPEN[(contract, function)]
        return
    made = stack.contracts[contract]
    args = tuple(sample(kind) for kind in made.functions[function].inputs)
    for sender in (STRANGER, OPERATOR, *([GUARDIAN] if not guardians(contract, function) else [])):
        if sender == OPERATOR and (contract, function) in OPERATORS:
            continue
        before = stack.evm.evm.snapshot()
        with pytest.raises((Refused, Reverted)) as refused:
            stack.evm.send(made, function, *args, sender=sender)
        stack.evm.evm.revert(before)
        if isinstance(refused.value, Refused):
            wanted = (code.NOT_AUTHORISED, code.BAD_FIELD, code.NOT_DUE)
            assert refused.value.code in wanted, f"{contract}.{function}: {refused.value.code}"


def guardians(contract: str, function: str) -> bool:
    """What the guardian may call: it only ever tightens."""
    own = {
        "RiskSteward": ("guard",),
        "RiskOracle": ("remove_signer", "disable", "stop"),
        "OracleHub": ("stop",),
        "CollateralVault": ("pause", "dispute"),
        "LPCollateral": ("close",),
        "Timelock": ("cancel",),
    }
    return function in own.get(contract, ())


def test_the_guardian_never_loosens(stack: Stack) -> None:
    evm, contracts = stack.evm, stack.contracts
    table = list(specs().items())
    for first in range(0, len(table), 17):
        part = table[first : first + 17]
        evm.send(contracts["RiskSteward"], "describe", [n for n, _ in part], [row for _, row in part], sender=ADMIN)
    evm.send(contracts["RiskSteward"], "set_status", 256, 1, sender=ADMIN)
    evm.send(contracts["RiskSteward"], "guard", 256, 5, sender=GUARDIAN)
    for status in (1, 2, 3, 4, 5):
        assert evm.code(contracts["RiskSteward"], "guard", 256, status, sender=GUARDIAN) == code.NOT_TIGHTENING
    for name, function, args in (
        ("RiskOracle", "stop", (False,)),
        ("OracleHub", "stop", (0, False)),
        ("CollateralVault", "pause", (False,)),
    ):
        assert evm.code(contracts[name], function, *args, sender=GUARDIAN) == code.NOT_AUTHORISED


def test_modules_write_their_own_fields_only(stack: Stack) -> None:
    """Each module's `put` of every sort of word, with a bit that is not its own."""
    evm, house = stack.evm, stack.contracts["ClearingHouse"]
    allowed = {(module, sort): mask for module, sort, mask in PERMITS}
    for sort in {sort for _, sort, _ in PERMITS}:
        for module, contract in WRITERS.items():
            mask = allowed.get((module, sort), 0)
            found = evm.view(house, "writable", stack.where[contract], sort)
            assert found == mask, (module, hex(sort))


def test_addresses_follow_from_the_deployer() -> None:
    assert create_address(DEPLOYER, 0) != create_address(DEPLOYER, 1)
