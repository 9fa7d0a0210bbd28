"""A venue as a process whose accounts a chain keeps, and wallets that speak to both."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from seawall.chain.client import Client, connect
from seawall.chain.deploy import Deployment, load_record
from seawall.chain.development import Development, lend
from seawall.signing import Key
from venue_process import MARKETS, Process, signed

USD = 10**6
Venue = TypeVar("Venue", bound=Process)


@contextmanager
def running(made: Venue) -> Iterator[Venue]:
    """A venue while it is up; it is gone afterwards."""
    try:
        made.start()
        yield made
    finally:
        if made.process is not None:
            made.kill()


class OnChain(Process):
    """A venue on a chain inside its process, and wallets that speak to both."""

    def __init__(
        self, folder: Path, target: str = "embedded", more: str = "", markets: Mapping[str, float] = MARKETS
    ) -> None:
        chain = f'[chain]\ntarget = "{target}"\ncompare_seconds = 1\n{more}'
        super().__init__(folder, more=chain, markets=markets)
        self.target = target

    @property
    def rpc(self) -> str:
        return f"{self.url}/evm" if self.target == "embedded" else self.target

    @property
    def record(self) -> Deployment:
        return load_record(self.folder / "data" / "chain" / "deployment.json")

    def chain(self) -> dict[str, Any]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request("GET", "/v1/chain")
            answer = line.getresponse()
            found = json.loads(answer.read())
            return found if answer.status == 200 else {}
        finally:
            line.close()

    def until(self, is_so: Callable[[dict[str, Any]], bool], seconds: float = 120) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.chain()
            if found and is_so(found):
                return found
            time.sleep(0.2)
        raise AssertionError(f"not within {seconds} s: {found}, {self.log.read_text()[-2_000:]}")

    def join(self, wallet: Key, number: int, usd: int) -> Client:
        """Test money, a deposit, and the approval of the venue's key."""
        client = Client(connect(self.rpc), number.to_bytes(32, "big"))
        lend(client, client.address)
        assert bytes.fromhex(client.address[2:]) == wallet.address
        record = self.record
        money = Development(client, record, {})
        money.give(client.address, usd * USD)
        money.deposit(client, usd * USD)
        return client

    def approve(self, client: Client) -> None:
        exchange = client.at("Exchange", self.record.addresses["Exchange"])
        client.send(exchange, "approve_agent", self.chain()["operator"], 2**40)

    def cash(self, wallet: Key) -> float:
        state = self.info({"type": "clearinghouseState", "user": "0x" + wallet.address.hex()})
        return float(state["marginSummary"]["accountValue"])

    def act(self, wallet: Key, action: dict[str, Any]) -> Any:
        return self.post("/exchange", signed(wallet, action, int(time.time() * 1000)))
