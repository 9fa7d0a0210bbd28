"""Collateral at a venue on a chain, as a user meets it: in by the vault, traded against, out by the API; once each."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("web3", reason="chains are an extra: pip install seawall[chain]")
pytest.importorskip("uvicorn", reason="the service is an extra: pip install seawall[venue]")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from venue import anvil

from chain_process import OnChain, running
from seawall.chain import layout as at
from seawall.chain.client import Client, Refused, connect
from seawall.chain.deploy import ASSET_FEED
from seawall.chain.development import Development, lend
from seawall.chain.keys import load_key, make_keystore
from seawall.chain.rebuild import verify
from seawall.signing import Key
from seawall.terms import code
from set_prices import Prices
from venue_process import MARKETS
from venue_rig import key, order_action, wire

ETHER = 10**18
LOTS = 10**4  # of an ether
ASSETS = '[[asset]]\ncoin = "ETH"\naccount_usd = 10_000\n'  # 2.5 ETH, at 4,000
PASSWORD = "of this test"


class Holding(OnChain):
    """A venue that takes ETH as collateral, and what its accounts hold of it on either side."""

    def __init__(
        self,
        folder: Path,
        target: str = "embedded",
        more: str = ASSETS,
        markets: Mapping[str, float] = MARKETS,
    ) -> None:
        super().__init__(folder, target, f"root_seconds = 2\n{more}", markets)

    def get(self, path: str) -> Any:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else {}
        finally:
            line.close()

    def here(self, owner: Key) -> float:
        """ETH of an owner's cross bucket at the venue."""
        found = self.get(f"/v1/accounts/0x{owner.address.hex()}/collateral").get("buckets", [])
        return sum(float(one["size"]) for bucket in found for one in bucket["holdings"])

    def there(self, client: Client) -> float:
        """ETH of an account in the vault."""
        vault = client.at("CollateralVault", self.record.addresses["CollateralVault"])
        return int(client.call(vault, "held", at.account(client.address), 0)) / LOTS

    def wallet(self, client: Client) -> float:
        token = client.at("TestToken", self.record.addresses["TestToken ETH"])
        return int(client.call(token, "balanceOf", client.address)) / ETHER

    def put_in(self, client: Client, ether: float) -> None:
        """Test tokens, and their deposit."""
        lend(client, client.address)
        tester = Development(client, self.record, {})
        tester.give_asset(client.address, 0, int(ether * LOTS))
        tester.deposit_asset(client, 0, int(ether * LOTS))

    def agrees(self) -> dict[str, Any]:
        """The next comparison, which has found nothing."""
        before = self.chain().get("compared") or 0
        found = self.until(lambda found: (found["compared"] or 0) > before)
        assert (found["gaps"], found["refused"], found["fault"]) == ([], {}, "")
        return found

    def until_here(self, owner: Key, ether: float) -> None:
        self.until(lambda _: self.here(owner) == ether)


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Holding]:
    with running(Holding(tmp_path)) as made:
        yield made


def seawall(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seawall", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})


def member(venue: Holding, folder: Path) -> tuple[Client, Key]:
    """A wallet made, and 2 ETH deposited, from the command line."""
    keystore, password = folder / "me.json", folder / "pw"
    password.touch(mode=0o600)
    password.write_text(PASSWORD + "\n")
    make_keystore(keystore, PASSWORD)
    where = ("--rpc", venue.rpc, "--deployment", str(venue.folder / "data" / "chain" / "deployment.json"))
    keys = ("--keystore", str(keystore), "--password-file", str(password))
    for words, why in ((("2", "--asset", "DOGE"), "no collateral"), (("0.00001", "--asset", "ETH"), "finer than")):
        told = seawall("chain", "deposit", *words, *where, *keys)
        assert told.returncode == 2
        assert why in told.stderr
    told = seawall("chain", "deposit", "2", "--asset", "ETH", *where, *keys)
    assert told.returncode == 0, told.stderr
    assert "2 ETH in the account of" in told.stdout
    secret = load_key(keystore, PASSWORD)
    return Client(connect(venue.rpc), secret), Key(secret)


def trade(venue: Holding, buyer: Key, seller: Key) -> None:
    """One who has nothing but ETH buys: its fee is owed, and nothing is charged for that."""
    price = f"{round(float(venue.info({'type': 'allMids'})['ETH']))}"
    told = venue.act(seller, order_action(wire(False, price, "1", asset=1)))
    assert "resting" in told["response"]["data"]["statuses"][0], told
    told = venue.act(buyer, order_action(wire(True, price, "1", asset=1)))
    assert "filled" in told["response"]["data"]["statuses"][0], told
    venue.until(lambda found: found["trades"] == found["sent"] == 1)


@pytest.mark.slow
def test_a_token_comes_in_backs_a_trade_and_leaves(venue: Holding, tmp_path: Path) -> None:
    venue.until(lambda _: True, 300)
    client, buyer = member(venue, tmp_path)
    seller = key(42)
    venue.approve(venue.join(seller, 42, 10_000))
    venue.until_here(buyer, 2.0)
    venue.until(lambda _: venue.cash(seller) == 10_000)
    trade(venue, buyer, seller)
    rooted = venue.agrees()["epoch"]
    found = venue.until(lambda found: found["epoch"] >= rooted + 2)
    assert found["collateral"] == [
        {"coin": "ETH", "asset": 0, "token": venue.record.addresses["TestToken ETH"], "venue": "2.0", "chain": "2.0"}
    ]
    hub = client.at("OracleHub", venue.record.addresses["OracleHub"])
    index = float(venue.get("/v1/assets")["assets"][0]["index"])
    said = int(client.call(hub, "last", ASSET_FEED)[0]) * LOTS / 10**6
    assert abs(said - index) < index / 100
    told = venue.act(buyer, {"type": "withdrawCollateral", "collateral": 0, "size": "1.99"})
    assert "Insufficient" in told["response"], told
    told = venue.act(buyer, {"type": "moveCollateral", "collateral": 0, "size": "1"})
    assert "does not offer" in told["response"]
    vault = client.at("CollateralVault", venue.record.addresses["CollateralVault"])
    with pytest.raises(Refused) as refused:
        client.send(vault, "withdraw_asset", 0, 0, 5_000, client.address)
    assert refused.value.code == code.NOT_AUTHORISED
    told = venue.act(buyer, {"type": "withdrawCollateral", "collateral": 0, "size": "0.5"})
    assert told["status"] == "ok", told
    assert venue.here(buyer) == 1.5, "frozen at once"
    venue.until(lambda found: venue.wallet(client) == 0.5 and found["withdrawals"] == 0)
    assert venue.there(client) == 1.5
    venue.agrees()
    over(venue, client, buyer)
    verdict = verify(client, venue.record)
    assert verdict.is_whole, verdict.differences


def over(venue: Holding, client: Client, owner: Key) -> None:
    """What would pass the cap of an owner comes back to him, in tokens."""
    venue.put_in(client, 1.5)
    venue.until(lambda found: venue.wallet(client) == 2.0 and found["withdrawals"] == 0)
    assert (venue.here(owner), venue.there(client)) == (1.5, 1.5)
    venue.put_in(client, 1.0)
    venue.until_here(owner, 2.5)
    venue.agrees()


@pytest.mark.slow
def test_whatever_is_cut_off_a_deposit_counts_once_and_a_payout_is_paid_once(tmp_path: Path) -> None:
    with anvil() as url:
        venue = Holding(tmp_path, url)
        owner = key(41)
        try:
            venue.start()
            venue.until(lambda _: True, 300)
            client = Client(connect(url), (41).to_bytes(32, "big"))
            venue.put_in(client, 2.0)
            assert venue.there(client) == 2.0
            venue.until(lambda found: found["unapproved"] == [client.address.lower()])
            assert venue.here(owner) == 0, "only once the venue may settle what it backs"
            venue.approve(client)
            venue.kill()  # seen, and not credited, or just so
            venue.start()
            venue.until_here(owner, 2.0)
            venue.agrees()
            told = venue.act(owner, {"type": "withdrawCollateral", "collateral": 0, "size": "0.75"})
            assert told["status"] == "ok", told
            venue.kill()  # frozen, and not paid, or just so
            venue.start()
            venue.until(lambda found: venue.wallet(client) == 0.75 and found["withdrawals"] == 0, 300)
            venue.agrees()
            venue.kill()
            venue.start()
            venue.until(lambda _: True, 300)
            venue.agrees()
            assert (venue.here(owner), venue.there(client), venue.wallet(client)) == (1.25, 1.25, 0.75)
            verdict = verify(client, venue.record)
            assert verdict.is_whole, verdict.differences
        finally:
            if venue.process is not None:
                venue.kill()


def feed(prices: Prices) -> str:
    return f'[[feed]]\nkind = "hyperliquid"\noptions = {{ url = "{prices.url}" }}\n'


def fall(venue: Holding, prices: Prices, target: float) -> None:
    """Takes ETH down to a price, more slowly than the engine's limit of 5 % a second."""
    while prices.now["ETH"] > target:
        prices.now["ETH"] = max(target, prices.now["ETH"] * 0.97)
        time.sleep(0.8)
    venue.until(lambda _: float(venue.get("/v1/assets")["assets"][0]["index"]) <= target * 1.001)


@pytest.mark.slow
def test_what_is_bought_from_a_liquidation_changes_hands_on_both_sides(tmp_path: Path) -> None:
    """2 ETH back 3,000 USD borrowed; at 1,600 they keep less than that, and a member buys some at 5 % off.

    The venue is killed as the sale is made: when it is back the sale is settled once.
    """
    with Prices(MARKETS) as prices, anvil() as url:
        venue = Holding(tmp_path, url, ASSETS + feed(prices))
        owner, buyer = key(41), key(42)
        try:
            venue.start()
            venue.until(lambda _: True, 300)
            client, other = Client(connect(venue.rpc), (41).to_bytes(32, "big")), venue.join(buyer, 42, 20_000)
            venue.put_in(client, 2.0)
            for one in (client, other):
                venue.approve(one)
            venue.until_here(owner, 2.0)
            venue.until(lambda _: venue.cash(buyer) == 20_000)
            told = venue.act(owner, {"type": "withdraw3", "destination": client.address, "amount": "3000"})
            assert told["status"] == "ok", told
            venue.until(lambda found: found["withdrawals"] == 0)
            venue.agrees()
            bid = {"type": "buyCollateral", "collateral": 0, "size": "0.5", "price": "1600", "bucket": 0}
            assert venue.act(buyer, bid)["status"] == "err", "nothing is for sale"
            fall(venue, prices, 1_600.0)
            said = [venue.act(buyer, {**bid, "bucket": bucket})["status"] for bucket in range(3)]
            assert sorted(said) == ["err", "err", "ok"], said
            venue.kill()
            venue.start()
            venue.until(lambda _: True, 300)
            assert (venue.here(owner), venue.here(buyer)) == (1.5, 0.5)
            found = venue.until(lambda _: venue.there(other) == 0.5)
            assert (found["sales"], found["sales_refused"], venue.there(client)) == (1, {}, 1.5)
            rooted = venue.agrees()["epoch"]
            venue.until(lambda found: found["epoch"] > rooted)
            verdict = verify(client, venue.record)
            assert verdict.is_whole, verdict.differences
        finally:
            if venue.process is not None:
                venue.kill()


@pytest.mark.slow
def test_what_can_be_redeemed_counts_the_same_on_both_sides(tmp_path: Path) -> None:
    """To the micro-USD, at its price, at the lower redemption value, and off its peg, where it backs nothing new."""
    coins = {"SOL": 200.0, "HYPE": 199.0}
    with Prices(coins) as prices:
        more = f'[[asset]]\ncoin = "HYPE"\nkind = "stable"\nredeemed = "SOL"\n{feed(prices)}'
        venue = Holding(tmp_path, "embedded", more, coins)
        owner = key(41)
        try:
            venue.start()
            venue.until(lambda _: True, 300)
            client = Client(connect(venue.rpc), (41).to_bytes(32, "big"))
            lend(client, client.address)
            tester = Development(client, venue.record, {})
            tester.give_asset(client.address, 0, 1_000)  # 10 units
            tester.deposit_asset(client, 0, 1_000)
            venue.approve(client)
            venue.until_here(owner, 10.0)
            venue.until(lambda _: counted(venue, client) == ((1_592.0, 1_791.0),) * 2)
            prices.now["HYPE"] = 202.0
            venue.until(lambda _: counted(venue, client)[0][1] == counted(venue, client)[1][1] == 1_800.0)
            prices.now["HYPE"] = 194.0
            venue.until(lambda _: counted(venue, client) == ((0.0, 1_746.0),) * 2)
            venue.agrees()
        finally:
            if venue.process is not None:
                venue.kill()


def counted(venue: Holding, client: Client) -> tuple[tuple[float, float], tuple[float, float]]:
    """USD that an account's collateral counts for initial margin and for maintenance: here, and there."""
    (bucket,) = venue.get(f"/v1/accounts/{client.address}/collateral")["buckets"]
    vault = client.at("CollateralVault", venue.record.addresses["CollateralVault"])
    initial, maintenance = client.call(vault, "worth", at.account(client.address))
    here = float(bucket["value_initial"]), float(bucket["value_maintenance"])
    return here, (int(initial) / 10**6, int(maintenance) / 10**6)


@pytest.mark.slow
def test_pools_of_positions_are_refused_at_the_start(tmp_path: Path) -> None:
    made = OnChain(tmp_path, more='[[asset]]\ncoin = "ETH"\n[[asset]]\ncoin = "ETH"\nkind = "pool"\n')
    told = seawall("up", "--config", str(made.file))
    assert told.returncode == 2
    assert "positions of a pool are not followed" in told.stderr
