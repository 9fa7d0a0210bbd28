"""kill -9 under load: whatever a client had an answer for is there after the restart, and the log replays to the same.

Clients place, cancel and move money over HTTP while the process dies at a random moment. Afterwards every answered
order is looked up by its oid, every answered cancel is gone, every answered transfer has arrived, once; and the whole
journal replays, batch by batch, to the results it recorded.
"""

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from seawall.journal.disk import Folder
from seawall.journal.replay import replay_log
from seawall.journal.scan import segment_files
from seawall.signing import Key
from seawall.venue.names import address_text
from venue_process import Process, signed

CLIENTS = 4
SINK = address_text(b"\xaa" * 20)


class Client(threading.Thread):
    """One wallet that trades until the venue is gone. Everything in its lists was answered."""

    def __init__(self, venue: Process, number: int, nonce: int) -> None:
        super().__init__(daemon=True)
        self.venue, self.key, self.nonce = venue, Key((1_000 + number).to_bytes(32, "big")), nonce
        self.dice = random.Random(number + nonce)
        self.open: dict[int, str] = {}  # oid -> client id
        self.gone: set[int] = set()
        self.doubtful: set[int] = set()  # asked to cancel, not answered
        self.sent = 0
        self.last_sent: Any = None  # the request of the last transfer that was answered
        self.is_over = False

    def run(self) -> None:
        try:
            while not self.is_over:
                self.step()
        except (OSError, AssertionError, ValueError):
            return  # the venue is gone
        except Exception as error:  # whatever a broken connection makes of itself
            if "Remote" not in type(error).__name__ and "Incomplete" not in type(error).__name__:
                raise

    def step(self) -> None:
        self.nonce += 1
        draw = self.dice.random()
        if draw < 0.6 or not self.open:
            cloid = f"0x{self.nonce:032x}"
            size = f"0.{self.dice.randrange(1_000, 9_000):05d}"
            price = str(95_000 + self.dice.randrange(0, 900))
            order = {"a": 0, "b": True, "p": price, "s": size, "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": cloid}
            told = self.ask({"type": "order", "orders": [order], "grouping": "na"})
            status = told["response"]["data"]["statuses"][0]
            if "resting" in status:
                self.open[status["resting"]["oid"]] = cloid
        elif draw < 0.85:
            oid = self.dice.choice([*self.open])
            self.doubtful.add(oid)
            told = self.ask({"type": "cancel", "cancels": [{"a": 0, "o": oid}]})
            assert told["response"]["data"]["statuses"] == ["success"]
            self.doubtful.discard(oid)
            del self.open[oid]
            self.gone.add(oid)
        else:
            request = signed(self.key, {"type": "usdSend", "destination": SINK, "amount": "0.000001"}, self.nonce)
            if self.venue.post("/exchange", request)["status"] == "ok":
                self.sent, self.last_sent = self.sent + 1, request

    def ask(self, action: dict[str, Any]) -> Any:
        return self.venue.post("/exchange", signed(self.key, action, self.nonce))


def balance(venue: Process) -> int:
    """Micro-USD of the sink."""
    state = venue.info({"type": "clearinghouseState", "user": SINK})
    whole, _, part = state["marginSummary"]["accountValue"].partition(".")
    return int(whole) * 10**6 + int(part.ljust(6, "0")[:6])


def check(venue: Process, clients: list[Client], sink: int) -> None:
    for client in clients:
        user = address_text(client.key.address)
        live = {order["oid"]: order for order in venue.info({"type": "frontendOpenOrders", "user": user})}
        for oid, cloid in client.open.items():
            if oid in client.doubtful:
                continue
            assert oid in live, f"order {oid} of {user} was acknowledged and is not there"
            assert live[oid]["cloid"] == cloid
        for oid in client.gone:
            assert oid not in live
            status = venue.info({"type": "orderStatus", "user": user, "oid": oid})
            assert status["order"]["status"] == "canceled"
        if client.last_sent:
            told = venue.post("/exchange", client.last_sent)
            assert told["response"].startswith("Invalid nonce"), "a nonce that was used before the kill is used still"
    arrived = balance(venue) - sink
    sent = sum(client.sent for client in clients)
    assert sent <= arrived <= sent + len(clients), "acknowledged transfers, and at most one unanswered a client"


def life(venue: Process, seconds: float, turn: int) -> tuple[list[Client], int]:
    """One life of a venue that runs, ended in the middle of things; its clients and what the sink had before."""
    sink = balance(venue)
    clients = [Client(venue, number, int(time.time() * 1_000) + turn) for number in range(CLIENTS)]
    for client in clients:
        venue.info({"type": "clearinghouseState", "user": address_text(client.key.address)})  # the faucet welcomes it
        client.start()
    time.sleep(seconds)
    venue.kill()
    for client in clients:
        client.is_over = True
        client.join(20)
    return clients, sink


def wipe(venue: Process, clients: list[Client]) -> None:
    """Orders of this life go, so that the small tables of the test never fill."""
    for client in clients:
        live = venue.info({"type": "openOrders", "user": address_text(client.key.address)})
        for start in range(0, len(live), 100):
            client.nonce += 1
            cancels = [{"a": 0, "o": order["oid"]} for order in live[start : start + 100]]
            client.ask({"type": "cancel", "cancels": cancels})


def kill_often(folder: Path, kills: int) -> None:
    venue, dice, acknowledged = Process(folder), random.Random(kills), 0
    venue.start()
    try:
        for turn in range(kills):
            clients, sink = life(venue, dice.uniform(0.05, 1.2), turn)
            venue.start()
            check(venue, clients, sink)
            wipe(venue, clients)
            acknowledged += sum(len(client.open) + len(client.gone) + client.sent for client in clients)
    finally:
        if venue.process is not None:
            venue.kill()
    assert acknowledged > 5 * kills
    disk = Folder(folder / "data" / "journal")
    done = replay_log(disk, segment_files(disk))
    assert done.lost is None or done.lost.last < done.lost.first  # no whole record is ever lost
    print(f"{kills} kills, {acknowledged} acknowledged, {done.commands} commands replay to the same results")


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    kill_often(tmp_path, 2)


@pytest.mark.slow
def test_kill_9_a_hundred_times(tmp_path: Path) -> None:
    kill_often(tmp_path, 100)


def test_an_orderly_stop_keeps_a_snapshot_and_exits_with_0(tmp_path: Path) -> None:
    import signal

    venue = Process(tmp_path, traders=True)
    venue.start()
    time.sleep(1)
    assert venue.kill(signal.SIGTERM) == 0
    names = [path.name for path in (tmp_path / "data" / "journal").iterdir()]
    assert any(name.startswith("snapshot-") for name in names)
    venue.start()
    assert venue.kill(signal.SIGINT) == 0
    assert "Traceback" not in venue.log.read_text()
