"""A venue for tests of the service: small, on a temporary folder, one market open, its clock in the test's hand."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from seawall.engine.rows import rows_of
from seawall.signing import Key, action_hash, is_typed, l1_digest, signature_fields, stamp_of, user_digest
from seawall.terms import command, parameter
from seawall.units import RATE_ONE
from seawall.venue.config import Config, Data, Faucet, Network, Traders
from seawall.venue.exchange.answer import answer
from seawall.venue.names import name_pair, words_of
from seawall.venue.service import Service

START = 1_760_000_400_000
USD = 1_000_000
Result = TypeVar("Result")


class Rig:
    """A service and a clock. Wallets are `Key`s; `act` signs as the SDK does and answers what a client would read."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        data = Data(folder=str(folder), capacity="small")
        sections = {
            "network": Network(),
            "faucet": Faucet(enabled=False),
            "traders": Traders(enabled=False),
            **sections,
        }
        self.now = START
        self.service = Service(Config(data=data, **sections), lambda: self.now)
        self.nonces = START
        self.deposits = 0

    async def start(self) -> None:
        self.service.open()
        self.service.start()

    async def rows(self, *rows: dict[str, int]) -> list[int]:
        """Applies rows as they are; their codes."""
        return (await self.service.submit(rows_of(rows))).codes.tolist()

    async def list_market(self, coin: str = "BTC", decimals: int = 3, price: int = 50_000_000, **more: int) -> int:
        """A market with 20x, no fees, one source; prices in micro-USD per lot. Returns its number."""
        market = len(self.service.universe.listings)
        admin = {"signer": command.ADMIN, "market": market}
        high, low = name_pair(coin, "coin")
        parameters = {
            parameter.OPEN_INTEREST_CAP: 2**40,
            parameter.POSITION_CAP: 2**40,
            parameter.ORACLE_QUORUM: 1,
            parameter.TAKER_FEE: more.get("taker_fee", 0),
            parameter.MAKER_FEE: more.get("maker_fee", 0),
        }
        codes = await self.rows(
            {
                "kind": command.LIST_MARKET,
                **admin,
                "other": decimals,
                "price": 2**31,
                "client_high": high,
                "client_low": low,
            },
            {"kind": command.SET_TIER, **admin, "size": 20, "price": RATE_ONE // 40},
            *(
                {"kind": command.SET_PARAMETER, **admin, "other": one, "price": value}
                for one, value in parameters.items()
            ),
            {"kind": command.SET_SOURCE, **admin, "size": 1},
        )
        assert not any(codes), codes
        await self.price(market, price)
        statuses = (command.CANCELLING, command.POSTING, command.ACTIVE)
        assert not any(await self.rows(*({"kind": command.SET_STATUS, **admin, "flags": one} for one in statuses)))
        return market

    async def price(self, market: int, price: int) -> None:
        """A fresh price, a second later."""
        self.now += 1_000
        row = {"kind": command.ORACLE, "signer": command.ORACLES, "market": market, "price": price, "time": self.now}
        assert await self.rows(row) == [0]

    async def move(self, market: int, price: int) -> None:
        """The price walks to another, 4 % a second, as the guards of the index let it."""
        now = int(self.service.columns["market_oracle"][market])
        while now != price:
            far = now * 4 // 100
            now = price if abs(price - now) <= far else (now + (far if price > now else -far)) // 1_000 * 1_000
            await self.price(market, now)

    async def fund(self, key: Key, usd: int) -> int:
        """An account for a wallet, with money; its number."""
        account = self.service.people.account_of(key.address)
        if account < 0:
            words = words_of(key.address)
            row = {"kind": command.CREATE_ACCOUNT, "signer": command.BRIDGE}
            row |= {"address_0": words[0], "address_1": words[1], "address_2": words[2]}
            assert await self.rows(row) == [0]
            account = self.service.people.account_of(key.address)
        if usd:
            self.deposits += 1
            row = {"kind": command.DEPOSIT, "signer": command.BRIDGE, "account": account, "amount": usd * USD}
            assert await self.rows({**row, "reference": self.deposits}) == [0]
        return account

    def request(self, key: Key, action: dict[str, Any], **envelope: Any) -> dict[str, Any]:
        """A signed request: `nonce`, `vaultAddress`, `expiresAfter`, `is_mainnet` as given."""
        self.nonces += 1
        is_mainnet, nonce = envelope.pop("is_mainnet", False), envelope.pop("nonce", self.nonces)
        vault, expires = envelope.get("vaultAddress"), envelope.get("expiresAfter")
        if is_typed(action):
            network = {"hyperliquidChain": "Mainnet" if is_mainnet else "Testnet", "signatureChainId": "0x66eee"}
            action = {**action, **network, stamp_of(action): nonce}
            digest = user_digest(action, is_mainnet=is_mainnet)
        else:
            address = bytes.fromhex(vault.removeprefix("0x")) if vault else None
            digest = l1_digest(action_hash(action, nonce, address, expires), is_mainnet=is_mainnet)
        return {"action": action, "nonce": nonce, "signature": signature_fields(key.sign(digest)), **envelope}

    async def act(self, key: Key, action: dict[str, Any], **envelope: Any) -> dict[str, Any]:
        """Signs and sends an action."""
        return await answer(self.service, self.request(key, action, **envelope))

    async def order(self, key: Key, buy: bool, price: str, size: str, **more: Any) -> Any:
        """One order's status."""
        told = await self.act(key, order_action(wire(buy, price, size, **more)))
        return told["response"]["data"]["statuses"][0] if told["status"] == "ok" else told["response"]


def wire(buy: bool, price: str, size: str, **more: Any) -> dict[str, Any]:
    """An order on the wire: `asset`, `tif`, `reduce`, `trigger`, `cloid`."""
    kind = more.get("trigger") or {"limit": {"tif": more.get("tif", "Gtc")}}
    kind = {"trigger": kind} if "tpsl" in kind else kind
    made = {"a": more.get("asset", 0), "b": buy, "p": price, "s": size, "r": more.get("reduce", False), "t": kind}
    return {**made, "c": more["cloid"]} if "cloid" in more else made


def order_action(*wires: dict[str, Any], grouping: str = "na") -> dict[str, Any]:
    return {"type": "order", "orders": list(wires), "grouping": grouping}


def key(number: int) -> Key:
    """The wallet of a number."""
    return Key(number.to_bytes(32, "big"))


def run(folder: Path, scenario: Callable[[Rig], Awaitable[Result]], **sections: Any) -> Result:
    """Plays a scenario on a fresh rig and stops it."""

    async def play() -> Result:
        rig = Rig(folder, **sections)
        await rig.start()
        try:
            return await scenario(rig)
        finally:
            await rig.service.stop()

    return asyncio.run(play())
