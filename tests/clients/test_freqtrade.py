"""freqtrade in live mode, unchanged: it opens a trade, puts its stop-loss on the exchange, and is stopped out there."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from client_environments import HERE, python_of
from client_venue import Venue, Wallet

pytestmark = pytest.mark.slow  # its environment alone takes minutes

PAIR = "ETH/USDC:USDC"
PATIENCE = 240
BEFORE = 4_000


class Bot:
    """`freqtrade trade` as a process, and what its database says of its trades."""

    def __init__(self, folder: Path, venue: Venue, wallet: Wallet) -> None:
        self.database = folder / "trades.sqlite"
        self.log = folder / "log"
        config = folder / "config.json"
        config.write_text(json.dumps(settings(venue, wallet)))
        program = python_of("freqtrade").parent / "freqtrade"
        places = ["--config", str(config), "--userdir", str(folder), "--db-url", f"sqlite:///{self.database}"]
        strategy = ["--strategy", "BuyAtOnce", "--strategy-path", str(HERE / "children")]
        with self.log.open("wb") as log:
            command = [str(program), "trade", *places, *strategy]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)

    def trades(self) -> list[dict[str, Any]]:
        try:
            line = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        except sqlite3.OperationalError:
            return []
        line.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in line.execute("select * from trades")]
        except sqlite3.OperationalError:
            return []
        finally:
            line.close()

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def settings(venue: Venue, wallet: Wallet) -> dict[str, Any]:
    """A live configuration whose addresses alone are not Hyperliquid's."""
    prices = {"use_order_book": True, "order_book_top": 1, "price_side": "other"}
    urls = {"urls": {"api": {"public": venue.url, "private": venue.url, "ws": {"public": venue.ws_url}}}}
    return {
        "dry_run": False,
        "initial_state": "running",
        "trading_mode": "futures",
        "margin_mode": "isolated",
        "stake_currency": "USDC",
        "stake_amount": 1_000,
        "max_open_trades": 1,
        "entry_pricing": prices,
        "exit_pricing": prices,
        "exchange": {
            "name": "hyperliquid",
            "walletAddress": wallet.address,
            "privateKey": wallet.secret,
            "ccxt_config": urls,
            "pair_whitelist": [PAIR],
        },
        "pairlists": [{"method": "StaticPairList"}],
        "minimal_roi": {"0": 10},
        "internals": {"process_throttle_secs": 2},
    }


@pytest.fixture
def bot(venue: Venue, tmp_path: Path) -> Iterator[tuple[Bot, Wallet]]:
    wallet = venue.wallet()
    made = Bot(tmp_path, venue, wallet)
    yield made, wallet
    made.end()
    venue.move("ETH", BEFORE)


def wait_for(bot: Bot, what: Any) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := what()):
        assert bot.process.poll() is None, bot.log.read_text()[-4_000:]
        assert time.monotonic() < end, bot.log.read_text()[-4_000:]
        time.sleep(0.5)
    return found


def test_it_opens_a_trade_and_is_stopped_out(bot: tuple[Bot, Wallet], venue: Venue) -> None:
    process, wallet = bot
    user = wallet.address

    def stop() -> Any:
        orders = venue.info("frontendOpenOrders", user=user)
        return next((order for order in orders if order["isTrigger"] and order["reduceOnly"]), None)

    order = wait_for(process, stop)
    (held,) = venue.info("clearinghouseState", user=user)["assetPositions"]
    position = held["position"]
    assert (position["leverage"]["type"], position["leverage"]["value"]) == ("isolated", 3)
    assert (order["side"], order["sz"]) == ("A", position["szi"])
    assert float(order["triggerPx"]) == pytest.approx(float(position["entryPx"]) * 0.98, rel=0.001)  # 6 % of 3x
    (trade,) = process.trades()
    assert (trade["pair"], trade["is_open"], trade["leverage"]) == (PAIR, 1, 3.0)
    venue.move("ETH", 3_880)
    closed = wait_for(process, lambda: [each for each in process.trades() if not each["is_open"]])
    assert closed[0]["exit_reason"] == "stoploss_on_exchange"
    (fill,) = [each for each in venue.info("userFills", user=user) if each["oid"] == order["oid"]]
    assert closed[0]["close_rate"] == pytest.approx(float(fill["px"]))
    assert " - ERROR - " not in process.log.read_text()
