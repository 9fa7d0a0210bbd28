"""Rate limits: a bucket of weight for each IP address, and a count of actions for each account.

An address's bucket holds a minute's weight and fills evenly. An account may act once for each USD it has traded, and
`buffer` times before that; cancels go on longer; beyond its limit it may still act once in `limited_seconds`. What
accounts have used and traded is kept in memory and handed to the operations store (ops/store.py).
"""

import ipaddress
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from seawall.units import USD_ONE, BadInput, UsdMicro, floor_div
from seawall.venue import config
from seawall.venue.decimals import usd_text
from seawall.venue.records import NOBODY, News

MINUTE: Final = 60.0
ADDRESSES: Final = 65_536  # remembered; those that are full again are forgotten first
PREFIX_6: Final = 64  # bits of an IPv6 address that name one client
LEVEL, AT = 0, 1
USED, TRADED, NEXT = 0, 1, 2

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Usage(NamedTuple):
    """What an account has used of its limit."""

    traded: UsdMicro
    used: int
    cap: int


class Limits:
    """All limits of one venue. Not for two threads."""

    def __init__(self, terms: config.Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds. BadInput for an exempt network that is none."""
        self.terms = terms
        self.refused = 0  # requests, since the start
        self._clock = clock
        self._rate = terms.weight_a_minute / MINUTE
        self._full = float(terms.weight_a_minute)
        self._exempt = [_network(text) for text in terms.exempt]
        self._held: dict[str, list[float] | None] = {}  # None: not limited
        self._accounts: dict[int, list[int]] = {}
        self._changed: set[int] = set()

    def spend(self, address: str, weight: int) -> bool:
        """Takes `weight` from an IP address's bucket; False, taking nothing, when it does not hold that much."""
        held = self._held[address] if address in self._held else self._meet(address)
        if held is None:
            return True
        now = self._clock()
        level = min(self._full, held[LEVEL] + (now - held[AT]) * self._rate)
        held[AT] = now
        if level < weight:
            held[LEVEL] = level
            self.refused += 1
            return False
        held[LEVEL] = level - weight
        return True

    def charge(self, address: str, weight: int) -> None:
        """Takes weight for what was answered, below nothing if need be: the next request then waits."""
        held = self._held.get(address)
        if held is not None and weight > 0:
            held[LEVEL] = max(-self._full, held[LEVEL] - weight)

    def is_exempt(self, address: str) -> bool:
        """Whether a client is not limited."""
        return (self._held[address] if address in self._held else self._meet(address)) is None

    def act(self, account: int, address: str | None, count: int, *, is_cancel: bool) -> str:
        """Counts `count` actions of an account from an IP address; the empty text, or why not: Hyperliquid's words.

        None is the venue itself, which like exempt addresses is counted and never refused.
        """
        row = self._row(account)
        cap = self._cap(row[TRADED])
        most = min(cap + self.terms.cancel_extra, 2 * cap) if is_cancel else cap
        if row[USED] + count > most and address is not None and not self.is_exempt(address):
            now = int(self._clock() * 1_000)
            if count > 1 or now < row[NEXT]:
                self.refused += 1
                return (
                    f"Too many cumulative requests sent ({row[USED] + count} > {most}) for cumulative volume traded "
                    f"${usd_text(row[TRADED])}. Place taker orders to free up 1 request per USDC traded."
                )
            row[NEXT] = now + 1_000 * self.terms.limited_seconds
        row[USED] += count
        self._changed.add(account)
        return ""

    def usage(self, account: int) -> Usage:
        """An account's numbers, as `userRateLimit` tells them."""
        row = self._accounts.get(account, (0, 0, 0))
        return Usage(UsdMicro(row[TRADED]), row[USED], self._cap(row[TRADED]))

    def hear(self, news: News) -> None:
        """Counts what was traded."""
        for fill in news.fills:
            if fill.account != NOBODY:
                self._row(fill.account)[TRADED] += abs(fill.lots) * fill.price
                self._changed.add(fill.account)

    def load(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """(account, used, traded) as they were kept."""
        for account, used, traded in rows:
            self._accounts[account] = [used, traded, 0]

    def take_changed(self) -> list[tuple[int, int, int]]:
        """(account, used, traded) of all that changed since the last call."""
        changed, self._changed = sorted(self._changed), set()
        return [(account, self._accounts[account][USED], self._accounts[account][TRADED]) for account in changed]

    def _cap(self, traded: int) -> int:
        return self.terms.buffer + floor_div(traded, USD_ONE)

    def _row(self, account: int) -> list[int]:
        row = self._accounts.get(account)
        if row is None:
            row = self._accounts[account] = [0, 0, 0]
        return row

    def _meet(self, address: str) -> list[float] | None:
        """The bucket of an address that is not known yet."""
        if len(self._held) >= ADDRESSES:
            self._forget()
        held = None if self._is_free(address) else [self._full, self._clock()]
        group = _group(address)
        if held is not None and group != address:
            held = self._held.setdefault(group, held)
        self._held[address] = held
        return held

    def _is_free(self, address: str) -> bool:
        if not self.terms.enabled:
            return True
        host = _host(address)
        return host is not None and any(host in network for network in self._exempt)

    def _forget(self) -> None:
        """Drops the addresses that are full again; when that is not half of them, all: they begin anew."""
        now = self._clock()
        kept: dict[str, list[float] | None] = {
            address: held
            for address, held in self._held.items()
            if held is not None and held[LEVEL] + (now - held[AT]) * self._rate < self._full
        }
        self._held = kept if 2 * len(kept) < ADDRESSES else {}


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise BadInput("limits.exempt", f"{text!r} is no address or network") from error


def _host(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as such; None for a Unix socket and whatever else has none."""
    try:
        host = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (host.ipv4_mapped or host) if isinstance(host, ipaddress.IPv6Address) else host


def _group(address: str) -> str:
    """What tells clients apart: an IPv4 address, or the first half of an IPv6 one."""
    host = _host(address)
    if isinstance(host, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(host), PREFIX_6), strict=False))
    return address if host is None else str(host)
