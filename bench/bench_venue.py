"""A whole venue under load: `seawall up` on one core, its clients on the other. Signatures, HTTP, a durable journal.

Signed orders one a request; in actions of 40; latency at half the bar's rate; clearinghouseState; each with the
server's CPU time, so that a busy machine shows. Orders rest, fill and are cancelled like those of makers and takers.
"""

import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import harness

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from seawall.signing import Key  # noqa: E402
from seawall.venue.names import address_text  # noqa: E402
from venue_process import Process, signed  # noqa: E402

WALLETS, CONNECTIONS, SEED = 64, 32, 7
ORDERS, BATCHES, READS, PACED = 20_000, 600, 30_000, 10_000
BATCH, RATE = 40, 1_000
CORES = sorted(os.sched_getaffinity(0))


class Flow:
    """Draws signed requests: 60 % resting orders, 30 % taking ones, 10 % cancels by client id of one's own."""

    def __init__(self, middle: int, first_nonce: int) -> None:
        self.dice, self.middle, self.nonce = random.Random(SEED), middle, first_nonce
        self.keys = [Key((7_000 + number).to_bytes(32, "big")) for number in range(WALLETS)]
        self.resting: list[tuple[Key, str]] = []

    def order(self, key: Key) -> dict[str, Any]:
        self.nonce += 1
        is_buy, takes = self.dice.random() < 0.5, self.dice.random() < 0.33
        away = self.dice.randrange(1, 200)
        price = self.middle + (away if is_buy == takes else -away) * 2
        kind = {"limit": {"tif": "Ioc" if takes else "Gtc"}}
        cloid = f"0x{self.nonce:032x}"
        if not takes:
            self.resting.append((key, cloid))
        return {"a": 0, "b": is_buy, "p": str(price), "s": "0.0015", "r": False, "t": kind, "c": cloid}

    def single(self) -> dict[str, Any]:
        if self.dice.random() < 0.1 and self.resting:
            key, cloid = self.resting.pop(self.dice.randrange(len(self.resting)))
            self.nonce += 1
            return signed(key, {"type": "cancelByCloid", "cancels": [{"asset": 0, "cloid": cloid}]}, self.nonce)
        key = self.dice.choice(self.keys)
        return signed(key, {"type": "order", "orders": [self.order(key)], "grouping": "na"}, self.nonce)

    def batch(self) -> dict[str, Any]:
        key = self.dice.choice(self.keys)
        return signed(
            key, {"type": "order", "orders": [self.order(key) for _ in range(BATCH)], "grouping": "na"}, self.nonce
        )


def frame(path: str, body: Any) -> bytes:
    data = json.dumps(body, separators=(",", ":")).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: venue\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def play(venue: Process, folder: Path, frames: list[bytes], rate: float = 0) -> dict[str, Any]:
    """Sends requests from the other core; what the client saw, and the server's CPU seconds."""
    path = folder / "requests"
    path.write_bytes(b"".join(struct.pack("<I", len(one)) + one for one in frames))
    assert venue.process is not None
    before = cpu_of(venue.process.pid)
    worker = [
        sys.executable,
        str(ROOT / "bench" / "venue_load.py"),
        str(path),
        str(CONNECTIONS),
        str(rate),
        str(venue.port),
    ]
    done = subprocess.run(["taskset", "-c", str(CORES[-1]), *worker], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the client failed: {done.stderr[-2_000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return {**told, "cpu": cpu_of(venue.process.pid) - before, "rate": told["answered"] / told["seconds"]}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venue = Process(folder, capacity="venue")
        venue.start()
        assert venue.process is not None
        os.sched_setaffinity(venue.process.pid, {CORES[0]})
        try:
            figures = measure(venue, folder)
        finally:
            venue.kill(15)
    harness.write("venue", figures)


def measure(venue: Process, folder: Path) -> list[harness.Figure]:
    flow = Flow(round(float(venue.info({"type": "allMids"})["BTC"])), int(time.time() * 1_000) - 10_000_000)
    for key in flow.keys:
        venue.info({"type": "clearinghouseState", "user": address_text(key.address)})  # the faucet welcomes it
    play(venue, folder, [frame("/exchange", flow.single()) for _ in range(2_000)])
    single = play(venue, folder, [frame("/exchange", flow.single()) for _ in range(ORDERS)])
    paced = play(venue, folder, [frame("/exchange", flow.single()) for _ in range(PACED)], RATE)
    batch = play(venue, folder, [frame("/exchange", flow.batch()) for _ in range(BATCHES)])
    users = [address_text(key.address) for key in flow.keys]
    asked = [frame("/info", {"type": "clearinghouseState", "user": flow.dice.choice(users)}) for _ in range(READS)]
    read = play(venue, folder, asked)
    for told, what in ((single, "orders"), (batch, "batches"), (read, "reads")):
        print(f"{what}: {told['wrong']} refused {told['example']}, {told['ms']} ms at 50, 99, 99.9 %", flush=True)
    Figure = harness.Figure
    return [
        Figure("signed orders a second, one a request", single["rate"], 2_000, "higher"),
        Figure("the same a second of the server's CPU", ORDERS / single["cpu"], None, "higher"),
        Figure("p50 at 1,000 a second, ms", paced["ms"][0], None, "lower"),
        Figure("p99 at 1,000 a second, ms", paced["ms"][1], 50, "lower"),
        Figure("orders a second in actions of 40", BATCH * batch["rate"], 20_000, "higher"),
        Figure("the same a second of the server's CPU", BATCH * BATCHES / batch["cpu"], None, "higher"),
        Figure("clearinghouseState a second", read["rate"], 5_000, "higher"),
        Figure("the same a second of the server's CPU", READS / read["cpu"], None, "higher"),
    ]


if __name__ == "__main__":
    main()
