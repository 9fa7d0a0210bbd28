"""Gauges of the parts beside the engine: history, the price sources, the websocket."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from typing import Protocol

from seawall.venue.feeds.feeds import SourceStatus
from seawall.venue.service import Service

Label = tuple[str, ...]
Gauge = tuple[str, str, Label, Mapping[Label, float]]  # name, help, labels, values by their labels
NONE: Label = ()


class SocketCounters(Protocol):
    """What a websocket hub has counted since it was made."""

    opened: int
    refused: Counter[str]
    cut: Counter[str]
    errors: int
    faults: int
    frames: int
    bytes: int
    dropped: int
    resynced: int


class Sockets(Protocol):
    """A websocket hub."""

    @property
    def counters(self) -> SocketCounters:
        """What it has counted."""

    @property
    def readers(self) -> Sized:
        """Connections."""

    @property
    def topics(self) -> Sized:
        """Streams that somebody reads."""


def history_gauges(service: Service) -> Callable[[], Iterator[Gauge]]:
    """How far history is behind, and whether it has stopped."""

    def read() -> Iterator[Gauge]:
        history = service.history
        yield "history_up", "0: history has stopped.", NONE, {NONE: float(history.fault is None)}
        yield "history_waiting_records", "Told and not written yet.", NONE, {NONE: history.waiting}
        yield "history_written_records", "Written since the start.", NONE, {NONE: history.written}

    return read


def feed_gauges(status: Callable[[], Sequence[SourceStatus]]) -> Callable[[], Iterator[Gauge]]:
    """How old each source's prices are, and how it fares."""

    def read() -> Iterator[Gauge]:
        told = status()
        pairs = [(source, coin) for source in told for coin in source.coins]
        ages: dict[Label, float] = {(s.name, c.coin): c.age_ms / 1_000 for s, c in pairs if c.age_ms is not None}
        yield "feed_age_seconds", "Age of a source's last price.", ("source", "coin"), ages
        good: dict[Label, float] = {(s.name, c.coin): float(s.is_running and c.state == "ok") for s, c in pairs}
        yield "feed_ok", "1: the source runs and its price is sound.", ("source", "coin"), good
        restarts: dict[Label, float] = {(s.name,): float(s.restarts) for s in told}
        yield "feed_restarts", "How often a source began again.", ("source",), restarts

    return read


def socket_gauges(hub: Sockets) -> Callable[[], Iterator[Gauge]]:
    """Connections, streams, and what was sent."""

    def read() -> Iterator[Gauge]:
        counted = hub.counters
        numbers: dict[str, tuple[str, float]] = {
            "ws_connections": ("Open now.", len(hub.readers)),
            "ws_streams": ("Read by somebody.", len(hub.topics)),
            "ws_opened": ("Connections accepted.", counted.opened),
            "ws_frames": ("Frames sent.", counted.frames),
            "ws_bytes": ("Bytes sent.", counted.bytes),
            "ws_dropped_frames": ("Market data that slow readers did not get.", counted.dropped),
            "ws_resynced": ("Streams that a slow reader was brought up to date with.", counted.resynced),
            "ws_errors": ("Requests answered by an error.", counted.errors),
            "ws_faults": ("Failures of the venue's own.", counted.faults),
        }
        for name, (words, value) in numbers.items():
            yield name, words, NONE, {NONE: value}
        for name, words, by_reason in (
            ("ws_cut", "Connections that the venue ended.", counted.cut),
            ("ws_refused", "Connections that were refused.", counted.refused),
        ):
            yield name, words, ("reason",), {(reason,): float(count) for reason, count in sorted(by_reason.items())}

    return read
