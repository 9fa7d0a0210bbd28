"""The contracts' events as plain values, in the order in which they happened."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from seawall.chain.artifacts import artifact

STEP: Final = 5_000  # blocks asked for at once
BIAS: Final = 2**63


class Happened(msgspec.Struct, frozen=True):
    """One event of one contract."""

    contract: str
    name: str
    block: int
    place: int
    values: dict[str, Any]


def fill_of(values: dict[str, Any]) -> dict[str, int]:
    """The parts of a Filled event: market, size (signed for the taker), price, both fees."""
    detail = values["detail"]
    return {
        "market": detail & 255,
        "size": (detail >> 8 & 2**64 - 1) - BIAS,
        "price": detail >> 72 & 2**41 - 1,
        "fee": detail >> 113 & 2**62 - 1,
        "maker_fee": (detail >> 175 & 2**64 - 1) - BIAS,
    }


def read(w3: Any, addresses: dict[str, str], first: int, last: int) -> Iterator[Happened]:
    """Every event of these contracts (name -> address) from block `first` to `last`."""
    decoders: dict[tuple[str, str], tuple[str, Any]] = {}
    for name, address in addresses.items():
        contract = w3.eth.contract(address=address, abi=artifact(name).abi)
        for event in contract.events:
            topic = "0x" + bytes(event.topic and bytes.fromhex(event.topic[2:])).hex()
            decoders[(address.lower(), topic)] = (name, event)
    for start in range(first, last + 1, STEP):
        query = {"fromBlock": start, "toBlock": min(last, start + STEP - 1), "address": list(addresses.values())}
        for log in w3.eth.get_logs(query):
            found = decoders.get((log["address"].lower(), log["topics"][0].to_0x_hex()))
            if found is not None:
                name, event = found
                made = event.process_log(log)
                yield Happened(name, made["event"], log["blockNumber"], log["logIndex"], dict(made["args"]))


def logs_of(contract: Any, name: str, receipt: Any) -> list[dict[str, Any]]:
    """The values of every event of a name that a contract has told in one transaction."""
    from web3.logs import DISCARD

    return [dict(made["args"]) for made in contract.events[name]().process_receipt(receipt, errors=DISCARD)]
