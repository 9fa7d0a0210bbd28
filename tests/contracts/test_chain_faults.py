"""A chain that re-organises, an RPC that drops, delays and duplicates: every fill is there once, nothing is lost."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

import pytest
from test_chain_end_to_end import signed
from venue import ANVIL_KEY, World, anvil, connect, time

from seawall.chain import layout as at
from seawall.chain.client import ChainFault, Client
from seawall.chain.rebuild import verify
from seawall.chain.settlement import Fill, Settlement

pytestmark = pytest.mark.slow


def fills(world: World, buyer: Client, seller: Client, count: int) -> list[Fill]:
    return [
        Fill(
            number=n,
            taker=signed(world, buyer, buys=True, lots=10, nonce=n),
            maker=signed(world, seller, buys=False, lots=10, nonce=n),
            lots=10,
            price=100_000,
        )
        for n in range(1, count + 1)
    ]


def size_of(world: World, wallet: Client) -> int:
    word = world.word(at.position_key(at.account(wallet.address), 0))
    return at.unpack(at.POSITION_WORD, word)["size"] if word else 0


def test_a_re_organisation_of_five_blocks(tmp_path: Path) -> None:
    """The chain forgets the last five blocks with a batch in them: it is sent again, and counted once."""
    with anvil() as url:
        world = World(connect(url), ANVIL_KEY)
        buyer, seller = world.wallet(1_000), world.wallet(1_000)
        left = fills(world, buyer, seller, 4)
        known: list[Fill] = left[:2]
        after = lambda n: [fill for fill in known if fill.number > n]  # noqa: E731
        service = Settlement(world.client, world.record, tmp_path / "s.json", after, depth=5)
        snapshot = world.w3.provider.make_request("evm_snapshot", [])["result"]
        assert service.run_once() == 2
        for _ in range(4):
            world.pass_time(1)
        assert size_of(world, buyer) == 20
        assert service.state.final == 0
        world.w3.provider.make_request("evm_revert", [snapshot])
        assert size_of(world, buyer) == 0
        known += left[2:]
        again = Settlement(Client(world.w3, ANVIL_KEY), world.record, tmp_path / "s.json", after, depth=5)
        while again.run_once():
            pass
        assert size_of(world, buyer) == 40
        for _ in range(6):
            world.pass_time(1)
        again.confirm()
        assert (again.state.final, again.state.sent, again.state.refused) == (4, [], {})
        assert verify(world.client, world.record).is_whole


@contextmanager
def flaky(url: str, seed: int) -> Iterator[str]:
    """A proxy before an RPC that loses requests and answers, sends some twice, and holds some back."""
    rng, lock = Random(seed), threading.Lock()

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                draw = rng.random()
            if draw < 0.05:
                self.connection.close()  # the request is lost
                return
            answer = self.forward(body)
            if draw < 0.10:
                self.connection.close()  # the answer is lost
                return
            if draw < 0.15:
                self.forward(body)
            if draw < 0.20:
                time.sleep(0.1)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def forward(self, body: bytes) -> bytes:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as found:
                return bytes(found.read())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_rpc_that_drops_delays_and_duplicates(tmp_path: Path) -> None:
    with anvil() as url:
        world = World(connect(url), ANVIL_KEY)
        buyer, seller = world.wallet(1_000), world.wallet(1_000)
        known = fills(world, buyer, seller, 30)
        with flaky(url, 5) as bad:
            client = Client(connect(bad), ANVIL_KEY)
            done = 0
            for _ in range(20):
                after = lambda n: [f for f in known[: 3 + n] if f.number > n]  # noqa: E731
                service = Settlement(client, world.record, tmp_path / "s.json", after, depth=3)
                try:
                    while service.run_once():
                        pass
                except (ChainFault, ValueError, json.JSONDecodeError):
                    client = Client(connect(bad), ANVIL_KEY)
                done = service.state.last
                if done == 30:
                    break
        assert done == 30
        assert (size_of(world, buyer), size_of(world, seller)) == (300, -300)
        assert verify(world.client, world.record).is_whole


def test_a_wrong_chain_is_refused() -> None:
    from seawall.chain.deploy import Deployer
    from seawall.units import BadInput

    with anvil("--chain-id", "777") as url:
        world = World(connect(url), ANVIL_KEY)
        world.record.chain_id = 31337
        with pytest.raises(BadInput, match="777"):
            Deployer(world.client, world.record, None, lambda _: None)
