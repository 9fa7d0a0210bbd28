"""A venue as a process of its own, as a user runs it: `seawall up` on free ports, killed and started again at will."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seawall.signing import USER_SIGNED, Key, action_hash, l1_digest, signature_fields, user_digest

MARKETS = {"BTC": 100_000.0, "ETH": 4_000.0}
READY_SECONDS = 600  # a machine that compiles the engine first


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Process:
    """`start` and `kill` as often as wanted; the folder stays."""

    def __init__(
        self,
        folder: Path,
        *,
        traders: bool = False,
        capacity: str = "small",
        more: str = "",
        markets: Mapping[str, float] = MARKETS,
        late: bool = False,
    ) -> None:
        """`markets` are coins with about their prices, `more` is further configuration.

        `late`: its clock begins a few seconds before a whole minute (late_venue.py).
        """
        self.program = [str(Path(__file__).parent / "late_venue.py")] if late else ["-m", "seawall"]
        self.folder = folder
        self.markets = markets
        self.port, self.admin = free_port(), free_port()
        self.file = folder / "venue.toml"
        listed = "\n".join(f'[[market]]\ncoin = "{coin}"\nprice = {price}' for coin, price in markets.items())
        self.file.write_text(
            f'[data]\nfolder = "{folder / "data"}"\ncapacity = "{capacity}"\n'
            f"[server]\nport = {self.port}\nadmin_port = {self.admin}\n"
            f"[traders]\nenabled = {str(traders).lower()}\n{listed}\n{more}\n"
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts and waits until markets are open."""
        with self.log.open("ab") as log:
            command = [sys.executable, *self.program, "up", "--config", str(self.file)]
            self.process = subprocess.Popen(command, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"the venue ended with {self.process.returncode}: {self.log.read_text()[-2_000:]}")
            try:
                if len(self.info({"type": "allMids"})) == len(self.markets):
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready after {READY_SECONDS} s: {self.log.read_text()[-2_000:]}")

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Ends it and waits; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process = None
        return code

    def post(self, path: str, body: Any) -> Any:
        """One request; what its body says."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            answer = line.getresponse()
            data = answer.read()
            assert answer.status == 200, data
            return json.loads(data)
        finally:
            line.close()

    def info(self, body: Any) -> Any:
        return self.post("/info", body)


def signed(key: Key, action: dict[str, Any], nonce: int, *, is_mainnet: bool = False) -> dict[str, Any]:
    """A signed request as the SDK sends it."""
    if action["type"] in USER_SIGNED:
        network = {"hyperliquidChain": "Mainnet" if is_mainnet else "Testnet", "signatureChainId": "0x66eee"}
        names = [name for name, _ in USER_SIGNED[action["type"]][1]]
        action = {**action, **network, ("time" if "time" in names else "nonce"): nonce}
        digest = user_digest(action, is_mainnet=is_mainnet)
    else:
        digest = l1_digest(action_hash(action, nonce, None, None), is_mainnet=is_mainnet)
    return {"action": action, "nonce": nonce, "signature": signature_fields(key.sign(digest))}
