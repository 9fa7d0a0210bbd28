"""A real venue for the dashboard to look at: `seawall up` with 50 markets whose sources speak 20 times a second, and
whose sequencer steps and streams tell as often; simulated traders quote and take in all of them."""

import os
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from dashboard_stage import COINS, PER_SECOND, price_of  # noqa: E402
from venue_process import Process  # noqa: E402


class Venue(Process):
    """A process of its own below a folder that goes with it."""

    def __init__(self) -> None:
        self._room = tempfile.TemporaryDirectory(prefix="seawall-dashboard-")
        step = 1_000 // PER_SECOND
        more = f"[sockets]\nbook_ms = {step}\ncontext_ms = {step}\ncandle_ms = {step}\n"
        more += f'[sequencer]\ninterval_ms = {step}\n[[feed]]\nkind = "generator"\n'
        more += f"options = {{ sources = 1, perp = false, interval_ms = {step} }}\n"
        markets = {coin: price_of(number) for number, coin in enumerate(COINS)}
        super().__init__(Path(self._room.name), traders=True, capacity="venue", more=more, markets=markets)

    def __enter__(self) -> "Venue":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill(signal.SIGKILL)
        self._room.cleanup()

    def cpu(self) -> float:
        """CPU seconds that the venue has used."""
        assert self.process is not None
        fields = (Path("/proc") / str(self.process.pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
