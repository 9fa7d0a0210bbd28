"""`seawall up` whose clock, once the engine is ready, begins a few seconds before a whole minute.

What hears of minutes that are over hears of one at once; nothing jumps while the venue runs.
"""

import sys
from typing import TYPE_CHECKING

from seawall.cli import up
from seawall.cli.main import main
from seawall.venue import clock

if TYPE_CHECKING:
    from seawall.venue.service import Service

MINUTE_MS = 60_000
BEFORE_MS = 8_000  # to open the markets, and for a first price


class LateClock(clock.WallClock):
    """The machine's time and `late_ms`."""

    late_ms = 0

    def now(self) -> int:
        return super().now() + self.late_ms


def start() -> int:
    """The command line of `seawall`, with the clock and the preparation replaced."""
    prepare = up._prepare

    def prepared(service: "Service") -> None:
        prepare(service)
        LateClock.late_ms = (-BEFORE_MS - clock.WallClock().now()) % MINUTE_MS

    vars(up)["_prepare"] = prepared
    vars(clock)["WallClock"] = LateClock
    return main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(start())
