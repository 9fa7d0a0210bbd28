"""What the hub counts, for metrics. Plain integers that only grow; gauges are read from the hub."""

from collections import Counter


class Counters:
    """Counts since the hub was made."""

    def __init__(self) -> None:
        self.opened = 0  # connections accepted
        self.refused: Counter[str] = Counter()  # connections refused, by limit
        self.cut: Counter[str] = Counter()  # connections that the venue ended, by reason
        self.requests: Counter[str] = Counter()  # messages of clients, by method
        self.errors = 0  # requests answered by an error
        self.faults = 0  # of the venue's own: told in the log
        self.frames = 0  # sent
        self.bytes = 0
        self.dropped = 0  # frames of market data that slow readers did not get
        self.resynced = 0  # streams that a slow reader was brought up to date with
        self.published = 0  # messages made, whoever gets them
