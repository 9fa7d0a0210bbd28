"""Prices by signed reports: keys of this process sign one report over all markets, and the hub takes it."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from seawall.chain import orders
from seawall.chain.client import Client
from seawall.chain.deploy import Deployment

FEED_ONE: Final = 10**18
MICRO: Final = 10**6


class Reporter:
    """`reporters` are the keys that sign, at least a quorum of the deployment's."""

    def __init__(self, client: Client, record: Deployment, reporters: Mapping[str, bytes]) -> None:
        self.client, self.record, self.reporters = client, record, dict(reporters)
        self.domain = bytes(client.call(self.contract("SignedOracle"), "domain_separator"))
        self.stamp: int | None = None  # ms, of the last report; the oracle passes over what is not later

    def contract(self, name: str) -> Any:
        return self.client.at(name, self.record.addresses[name])

    def now_ms(self) -> int:
        """The time of the latest block."""
        return int(self.client.ask(lambda: self.client.w3.eth.get_block("latest"))["timestamp"]) * 1000

    def report(self, prices: Mapping[int, Fraction | int]) -> list[int]:
        """Signs prices (USD a unit, by feed), submits them and brings the hub up to date; a status a feed.

        A report is stamped later than the one before, in the same block's second too, so that each counts. An asset
        whose feed has the id of a market's moves with it.
        """
        numbers = sorted(prices)
        feeds = [self.record.feed_id(number) for number in numbers]
        said = [int(Fraction(prices[number]) * FEED_ONE) for number in numbers]
        stamp = self.stamp = self._stamp(feeds)
        reports = []
        for key in self.reporters.values():
            digest = orders.report_digest(self.domain, stamp, feeds, said)
            reports.append((stamp, said, orders.sign(key, digest)))
        self.client.send(self.contract("SignedOracle"), "submit", feeds, reports)
        others = [feed for feed in self.record.asset_feeds() if feed not in prices]
        numbers += [feed for feed in others if self.record.feed_id(feed) in feeds]
        statuses = self.client.call(self.contract("OracleHub"), "update", numbers)
        self.client.send(self.contract("OracleHub"), "update", numbers)
        return [int(status) for status in statuses]

    def _stamp(self, feeds: list[bytes]) -> int:
        """ms of the latest block, or what is just after the oracle's times where that is not later than they are."""
        now = self.now_ms()
        if self.stamp is not None and now > self.stamp:
            return now
        oracle = self.contract("SignedOracle")
        return max(now, *(1 + int(self.client.call(oracle, "price_of", feed)[2]) for feed in feeds))

    def report_lots(self, prices: Mapping[int, int]) -> list[int]:
        """`report` of prices in micro-USD per lot, exactly; by feed, so of assets as well."""
        scale = {feed: 10 ** self.record.size_decimals(feed) for feed in prices}
        return self.report({feed: Fraction(price * scale[feed], MICRO) for feed, price in prices.items()})
