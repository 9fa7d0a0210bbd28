"""Real Hyperliquid accounts put into the contracts' words: the views give the figures that were published."""

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "differential"))

from chain_twins import MODULES, START, puppet
from evm import Evm

from seawall.chain import layout as at
from seawall.chain.permits import PERMITS
from seawall.terms import command
from seawall.units import RATE_ONE, ceil_div

USD = 10**6
OWNER = 0xABC
PRICE_END = 2**40
WHOLE = 2**256 - 1
POSITIONS = 16  # of a bucket on chain


def micro(text: str) -> int:
    """USD of decimal text in micro-USD; what JSON's floats have added beyond six decimals is rounded away."""
    return round(Fraction(text) * USD)


def lots_of(value: int) -> int:
    """Lots in which a position's value is a whole price a lot that fits."""
    return next(lots for lots in range(1, 100_000) if value % lots == 0 and value // lots < PRICE_END)


class House:
    """The ClearingHouse alone, every module played by a puppet."""

    def __init__(self) -> None:
        self.evm = Evm(START // 1000)
        self.modules = {name: puppet(name) for name in MODULES}
        permits = [(self.modules[name], sort, mask) for name, sort, mask in PERMITS if name in self.modules]
        self.house = self.evm.deploy("ClearingHouse", tuple(self.modules.values()), permits)

    def put(self, module: str, key: int, mask: int, fields: int) -> None:
        self.evm.send(self.house, "put", key, mask, fields, sender=self.modules[module])


class Account:
    """One case: a market a position, at its value; cash such that raw_usd is as published."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.chain = House()
        self.positions = [(m, p) for m, p in enumerate(given["positions"])]
        self.chain.put("steward", at.VENUE | at.POLICY, WHOLE, at.pack(at.POLICY_WORD, status=command.ACTIVE))
        for market, position in self.positions:
            self.list_market(market, position)
        self.isolated = [(m, p) for m, p in self.positions if p["mode"] == "isolated"]
        self.cross = [(m, p) for m, p in self.positions if p["mode"] == "cross"]
        self.fill(OWNER, self.cross, micro(given["cross_total_raw_usd"]))
        for market, position in self.isolated:
            self.fill(at.isolated_of(OWNER, market), [(market, position)], micro(position["rawUsd"]))

    def as_module(self, module: str, function: str, *args: Any) -> None:
        self.chain.evm.send(self.chain.house, function, *args, sender=self.chain.modules[module])

    def list_market(self, market: int, position: dict[str, Any]) -> None:
        value = micro(position["positionValue"])
        leverage = int(position["maxLeverage"])
        self.as_module("steward", "list_market", market)
        first = at.unpack(at.TIER_WORD, at.tier_words([(0, leverage, ceil_div(RATE_ONE, 2 * leverage))])[0])
        fields = {"price": value // lots_of(value), "time": START, "fresh": 1, "status": command.ACTIVE, "tiers": 1}
        fields |= {name: first[name] for name in ("next_lower", "rate", "leverage")}
        of_hub = ("price", "time", "fresh")
        for module in ("hub", "steward"):
            own = {name: value for name, value in fields.items() if (name in of_hub) == (module == "hub")}
            self.chain.put(module, at.market_key(at.PRICE, market), *at.change(at.PRICE_WORD, **own))
        risk = {"base": ceil_div(RATE_ONE, leverage), "leverage_cap": 1_000, "isolated_cap": 1_000, "age": 3_600_000}
        self.chain.put("steward", at.market_key(at.RISK, market), *at.change(at.RISK_WORD, **risk))

    def fill(self, bucket: int, positions: list[tuple[int, dict[str, Any]]], raw: int) -> None:
        values = [micro(p["positionValue"]) * (1 if Fraction(p["szi"]) > 0 else -1) for _, p in positions]
        self.as_module("vault", "open_account", bucket, at.ISOLATED_KIND if bucket != OWNER else at.CROSS_KIND)
        if raw + sum(values) > 0:
            self.as_module("vault", "credit", bucket, raw + sum(values))
        for (market, position), value in zip(positions, values, strict=True):
            lots = lots_of(abs(value))
            size = lots if value > 0 else -lots
            self.chain.evm.send(
                self.chain.house,
                "hand_over",
                bucket,
                0,
                market,
                size,
                abs(value) // lots,
                sender=self.chain.modules["liquidation"],
            )
            key, chosen = at.position_key(bucket, market), int(position["leverage"])
            self.chain.put("desk", key, *at.change(at.POSITION_WORD, leverage=chosen))

    def health(self, bucket: int) -> dict[str, int]:
        found = self.chain.evm.view(self.chain.house, "health_after", bucket, at.NO_MARKET, 0, 0, 0, 0)
        names = ("equity", "equity_initial", "maintenance", "initial", "notional")
        flat = found if len(found) > 1 else found[0]
        return dict(zip(names, flat, strict=False))


def cases(shared: Path) -> list[dict[str, Any]]:
    path = shared / "vectors" / "hl_accounts.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the shared vectors")
    every: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return [one for one in every if len(one["input"]["positions"]) <= POSITIONS]


def test_the_views_give_the_published_figures(shared: Path) -> None:
    """Equity, notional and raw_usd exactly; maintenance and margin within the venue's truncation, 1e-6 a position."""
    found = cases(shared)
    assert len(found) >= 7, "one case of eight has more positions than a bucket holds on chain"
    for one in found:
        account, expected = Account(one["input"]), one["expected"]
        many = len(account.positions)
        health = account.health(OWNER)
        assert health["equity"] == micro(expected["cross_account_value"]), one["id"]
        assert health["notional"] == micro(expected["cross_total_ntl_pos"]), one["id"]
        if expected["cross_maintenance_margin_used"] is not None:
            assert 0 <= health["maintenance"] - micro(expected["cross_maintenance_margin_used"]) <= many + 1, one["id"]
        assert 0 <= health["initial"] - micro(expected["cross_total_margin_used"]) <= many + 1, one["id"]
        own = [account.health(at.isolated_of(OWNER, market)) for market, _ in account.isolated]
        total = health["equity"] + sum(bucket["equity"] for bucket in own)
        assert total == micro(expected["account_value"]), one["id"]
        assert health["notional"] + sum(b["notional"] for b in own) == micro(expected["total_ntl_pos"]), one["id"]


def test_a_changed_case_misses(shared: Path) -> None:
    """The comparison can fail: a position's value a cent higher."""
    one = cases(shared)[0]
    changed = dict(one["input"]["positions"][0])
    changed["positionValue"] = f"{(micro(one['input']['positions'][0]['positionValue']) + 10_000) / USD:.6f}"
    given = one["input"] | {"positions": [changed, *one["input"]["positions"][1:]]}
    assert Account(given).health(OWNER)["equity"] != micro(one["expected"]["cross_account_value"])
