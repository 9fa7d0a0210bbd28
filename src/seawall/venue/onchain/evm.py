"""The chain inside the process as wallets and tools ask a node: JSON-RPC 2.0, the methods that they need."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

BATCH: Final = 100
PARSE, REQUEST, METHOD, PARAMS, REVERTED = -32_700, -32_600, -32_601, -32_602, 3
Method = Callable[[Any, list[Any]], Any]

METHODS: Final[dict[str, Method]] = {
    "web3_clientVersion": lambda w3, _: w3.client_version,
    "net_version": lambda w3, _: str(w3.eth.chain_id),
    "eth_chainId": lambda w3, _: w3.eth.chain_id,
    "eth_blockNumber": lambda w3, _: w3.eth.block_number,
    "eth_gasPrice": lambda w3, _: w3.eth.gas_price,
    "eth_maxPriorityFeePerGas": lambda w3, _: w3.eth.max_priority_fee,
    "eth_accounts": lambda w3, _: list(w3.eth.accounts),
    "eth_getBalance": lambda w3, p: w3.eth.get_balance(_checked(w3, p[0]), *p[1:2]),
    "eth_getCode": lambda w3, p: w3.eth.get_code(_checked(w3, p[0]), *p[1:2]),
    "eth_getTransactionCount": lambda w3, p: w3.eth.get_transaction_count(_checked(w3, p[0]), *p[1:2]),
    "eth_call": lambda w3, p: w3.eth.call(_transaction(w3, p[0]), *p[1:2]),
    "eth_estimateGas": lambda w3, p: w3.eth.estimate_gas(_transaction(w3, p[0])),
    "eth_sendTransaction": lambda w3, p: w3.eth.send_transaction(_transaction(w3, p[0])),
    "eth_sendRawTransaction": lambda w3, p: w3.eth.send_raw_transaction(p[0]),
    "eth_getTransactionReceipt": lambda w3, p: w3.eth.get_transaction_receipt(p[0]),
    "eth_getTransactionByHash": lambda w3, p: w3.eth.get_transaction(p[0]),
    "eth_getBlockByNumber": lambda w3, p: w3.eth.get_block(p[0], bool(p[1]) if len(p) > 1 else False),
    "eth_getBlockByHash": lambda w3, p: w3.eth.get_block(p[0], bool(p[1]) if len(p) > 1 else False),
    "eth_getLogs": lambda w3, p: w3.eth.get_logs(_filter(w3, p[0])),
}


def answer(w3: Any, body: bytes) -> bytes:
    """The answer to one request or a batch of at most BATCH. Never raises."""
    try:
        asked = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        return msgspec.json.encode(_error(None, PARSE, str(error)))
    if isinstance(asked, list):
        if not 0 < len(asked) <= BATCH:
            return msgspec.json.encode(_error(None, REQUEST, f"1 to {BATCH} requests in a batch"))
        return msgspec.json.encode([_one(w3, one) for one in asked])
    return msgspec.json.encode(_one(w3, asked))


def _one(w3: Any, asked: Any) -> dict[str, Any]:
    from eth_tester.exceptions import TransactionFailed
    from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound

    if not isinstance(asked, dict) or not isinstance(asked.get("params", []), list):
        return _error(None, REQUEST, "expected an object with a list of params")
    identity, method = asked.get("id"), METHODS.get(str(asked.get("method")))
    if method is None:
        return _error(identity, METHOD, f"no method {str(asked.get('method'))[:64]!r}")
    try:
        found = plain(method(w3, asked.get("params", [])))
    except (TransactionNotFound, BlockNotFound):
        found = None
    except (ContractLogicError, TransactionFailed) as error:
        return _error(identity, REVERTED, "execution reverted", _data(error))
    except Exception as error:  # what a client has sent is no reason to end anything
        return _error(identity, PARAMS, f"{type(error).__name__}: {error}"[:400])
    return {"jsonrpc": "2.0", "id": identity, "result": found}


def _error(identity: Any, number: int, message: str, data: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": number, "message": message}
    return {"jsonrpc": "2.0", "id": identity, "error": error if data is None else error | {"data": data}}


def _data(error: Exception) -> str:
    """What a call reverted with."""
    found = getattr(error, "data", None) or (error.args[0] if error.args else b"")
    if isinstance(found, bytes):
        return "0x" + found.hex()
    from seawall.chain.client import refusal_in, selector

    number = refusal_in(error)
    return "0x" if number is None else f"0x{selector()}{number:064x}"


def plain(value: Any) -> Any:
    """A value of web3 as JSON-RPC writes it: whole numbers and bytes as hex."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value)


def _checked(w3: Any, address: Any) -> str:
    return str(w3.to_checksum_address(address))


def _transaction(w3: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """A transaction's fields with whole numbers as such. `input` is what newer clients call `data`."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name in ("from", "to") and value:
            made[name] = _checked(w3, value)
        elif name in ("data", "input"):
            made["data"] = value
        elif name in ("value", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "nonce"):
            made[name] = int(value, 16) if isinstance(value, str) else value
    made.setdefault("from", str(w3.eth.accounts[0]))
    return made


def _filter(w3: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(given)
    if isinstance(made.get("address"), str):
        made["address"] = _checked(w3, made["address"])
    elif made.get("address"):
        made["address"] = [_checked(w3, one) for one in made["address"]]
    return made
