"""Limits of one network address over all its connections."""

import ipaddress
from typing import Final

from seawall.venue.config import Sockets

MINUTE: Final = 60.0
NET_BITS: Final = 64  # of IPv6: one customer has that many addresses


def host_of(address: str) -> str:
    """Whom limits count: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket, or a test
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), NET_BITS), strict=False))
    return str(found)


class Crowd:
    """Counts of connections, messages and posts by host. `now` is seconds of any steady clock."""

    def __init__(self, terms: Sockets) -> None:
        self.terms = terms
        self.total = 0
        self.connections: dict[str, int] = {}
        self.posts: dict[str, int] = {}
        self.messages: dict[str, tuple[float, int]] = {}  # since when, how many

    def enter(self, host: str) -> str:
        """Counts a connection; the limit that it would break, or nothing."""
        if self.total >= self.terms.connections:
            return "connections"
        if self.connections.get(host, 0) >= self.terms.connections_per_ip:
            return "connections_per_ip"
        self.total += 1
        self.connections[host] = self.connections.get(host, 0) + 1
        return ""

    def leave(self, host: str) -> None:
        """A connection that had entered is gone."""
        self.total -= 1
        _less(self.connections, host)

    def message(self, host: str, now: float) -> int:
        """Counts a message; how many the host has sent in this minute."""
        since, count = self.messages.get(host, (now, 0))
        if now - since >= MINUTE:
            since, count = now, 0
        self.messages[host] = (since, count + 1)
        return count + 1

    def post(self, host: str) -> bool:
        """Counts a post in flight; whether there was room for it."""
        if self.posts.get(host, 0) >= self.terms.posts:
            return False
        self.posts[host] = self.posts.get(host, 0) + 1
        return True

    def posted(self, host: str) -> None:
        """A post has been answered."""
        _less(self.posts, host)

    def forget(self, now: float) -> None:
        """Drops what is older than a minute."""
        for host, (since, _) in [*self.messages.items()]:
            if now - since >= MINUTE:
                del self.messages[host]


def _less(counts: dict[str, int], host: str) -> None:
    counts[host] -= 1
    if counts[host] == 0:
        del counts[host]
