"""More published figures through the contracts' views: positions of Hyperliquid, tiers of Binance and dYdX.

The view that is asked is `health_after`: a bucket after a fill at a cost. Left out because a contract has no such
result: dYdX's maintenance fraction and cap of funding (numbers that are set here), and its notionals beyond 2^53.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from test_chain_accounts import USD, WHOLE, House, lots_of, micro

from seawall.chain import layout as at
from seawall.terms import command
from seawall.units import RATE_ONE, ceil_div

ONE, OTHER, THIRD = 0xABC, 0xDEF, 0xFED
LEVERAGE_MOST = 1_000
NOTIONAL_END = 2**53
Tier = tuple[int, int, int]  # lower bound in micro-USD, leverage, maintenance rate


class Market(House):
    """One market of a ClearingHouse whose every module is a puppet."""

    def __init__(self, tiers: list[Tier], *, base: int, lower: int = 0, upper: int = 0) -> None:
        super().__init__()
        self.put("steward", at.VENUE | at.POLICY, WHOLE, at.pack(at.POLICY_WORD, profit_weight=RATE_ONE))
        self.as_module("steward", "list_market", 0)
        words = at.tier_words(tiers)
        for k in range(1, len(words)):
            self.put("steward", at.tier_key(0, k), WHOLE, words[k])
        first = at.unpack(at.TIER_WORD, words[0])
        fields = {name: first[name] for name in ("next_lower", "rate", "leverage")}
        change = at.change(at.PRICE_WORD, **fields, status=command.ACTIVE, tiers=len(words))
        self.put("steward", at.market_key(at.PRICE, 0), *change)
        caps = {"leverage_cap": LEVERAGE_MOST, "isolated_cap": LEVERAGE_MOST}
        risk = at.change(at.RISK_WORD, base=base, oi_lower=lower, oi_upper=upper, **caps)
        self.put("steward", at.market_key(at.RISK, 0), *risk)

    def as_module(self, module: str, function: str, *args: Any) -> None:
        self.evm.send(self.house, function, *args, sender=self.modules[module])

    def price(self, price: int) -> None:
        self.put("hub", at.market_key(at.PRICE, 0), *at.change(at.PRICE_WORD, price=price))

    def index(self, index: int) -> None:
        self.put("funding", at.market_key(at.PRICE, 0), *at.change(at.PRICE_WORD, index=index))

    def after(self, size: int, cost: int, leverage: int, bucket: int = ONE) -> dict[str, int]:
        """Health of a bucket (an empty one, unless named) after `size` lots for `cost`."""
        found = self.evm.view(self.house, "health_after", bucket, 0, size, cost, 0, leverage)
        flat = found if len(found) > 1 else found[0]
        names = ("equity", "equity_initial", "maintenance", "initial", "notional")
        return dict(zip(names, flat, strict=False))

    def interest(self, lots: int) -> None:
        """Open interest of others."""
        if lots:
            for bucket in (OTHER, THIRD):
                self.as_module("vault", "open_account", bucket, at.CROSS_KIND)
            self.as_module("liquidation", "hand_over", OTHER, THIRD, 0, lots, 1)


def cases(shared: Path, family: str) -> list[dict[str, Any]]:
    path = shared / "vectors" / f"{family}.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the shared vectors")
    found: list[dict[str, Any]] = json.loads(path.read_text())["cases"]
    return found


# -- Hyperliquid


class Held:
    """A position of one tier and the money behind it, by what was published of its account."""

    def __init__(self, value: int, side: int, most: int, leverage: int, equity: int) -> None:
        self.lots, self.side, self.leverage = lots_of(value), side, leverage
        self.cost = side * value - equity
        self.market = Market([(0, most, ceil_div(RATE_ONE, 2 * most))], base=ceil_div(RATE_ONE, most))
        self.market.price(value // self.lots)

    def health(self) -> dict[str, int]:
        return self.market.after(self.side * self.lots, self.cost, self.leverage)

    def is_healthy_at(self, value: Fraction) -> bool:
        """Whether it is above maintenance when the position is worth so much."""
        self.market.price(max(1, round(value / self.lots)))
        health = self.health()
        return health["equity"] >= health["maintenance"]

    def flips_at(self, value: Fraction, tolerance: Fraction) -> bool:
        """Whether its liquidation begins there."""
        worse, better = (1 - self.side * tolerance), (1 + self.side * tolerance)
        return self.is_healthy_at(value * better) and not self.is_healthy_at(value * worse)


def held_of(given: dict[str, Any]) -> Held:
    value, side = micro(given["position_value"]), 1 if Fraction(given["szi"]) > 0 else -1
    most = int(given["max_leverage"])
    if given["mode"] == "isolated":
        equity = side * value + micro(given["raw_usd"])
    else:  # what other positions of the account require is not there for this one
        own = Fraction(value, 2 * most)
        equity = micro(given["cross_account_value"]) - micro(given["cross_maintenance_margin_used"]) + int(own)
    return Held(value, side, most, int(given["leverage"]), equity)


def test_margin_and_liquidation_price_of_real_positions(shared: Path) -> None:
    found = cases(shared, "hl_positions")
    assert len(found) >= 50
    prices = 0
    for one in found:
        given, expected = one["input"], one["expected"]
        held = held_of(given)
        health = held.health()
        if given["mode"] == "cross":
            assert 0 <= health["initial"] - micro(expected["margin_used"]) <= 2, one["id"]
        else:
            assert health["equity"] == micro(expected["margin_used"]), one["id"]
        if expected["liquidation_px"] is None:
            assert held.is_healthy_at(Fraction(0)), one["id"]
            continue
        value = Fraction(expected["liquidation_px"]) * abs(Fraction(given["szi"])) * USD
        tolerance = max(Fraction(1, 10**6), Fraction(5 * held.lots, int(value)))
        if value / held.lots < 2**40:
            assert held.flips_at(value, tolerance), one["id"]
            assert not held.flips_at(value * Fraction(101, 100), tolerance), "the comparison can fail"
            prices += 1
    assert prices >= 25


def test_margin_of_unified_accounts(shared: Path) -> None:
    for one in cases(shared, "hl_liq_unified_accounts"):
        health = held_of(one["input"]).health()
        assert 0 <= health["initial"] - micro(one["expected"]["margin_used"]) <= 2, one["id"]


def test_liquidation_prices_of_a_real_isolated_account(shared: Path) -> None:
    """Within the 1e-4 of the source, which read the margin a moment after the entry."""
    for one in cases(shared, "hl_isolated_real_2024"):
        given = one["input"]
        size, side = Fraction(given["size"]), 1 if given["side"] == "long" else -1
        value = round(Fraction(given["entry_px"]) * size * USD)
        most = int(given["max_leverage"])
        held = Held(value, side, most, int(given["leverage"]), micro(given["margin_at_entry"]))
        wanted = Fraction(one["expected"]["liquidation_px"]) * size * USD
        slack = Fraction(value, 10_000)  # of the entry's value: that is what the margin was read against
        assert held.is_healthy_at(wanted + side * slack), one["id"]
        assert not held.is_healthy_at(max(Fraction(0), wanted - side * slack)), one["id"]


# -- Binance


def test_maintenance_amounts_of_real_brackets(shared: Path) -> None:
    """Maintenance at the start, in the middle and just before the end of every bracket."""
    looked = 0
    for one in cases(shared, "binance_tiers"):
        rows = one["input"]["tiers"]
        tiers = [
            (micro(r["min_notional"]), int(Fraction(r["max_leverage"])), int(Fraction(r["mm_rate"]) * RATE_ONE))
            for r in rows
        ]
        amounts = [Fraction(text) for text in one["expected"]["maintenance_amounts"]]
        market = Market(tiers, base=RATE_ONE // 125)
        market.price(1)
        for row, amount in zip(rows, amounts, strict=True):
            start, end = micro(row["min_notional"]), micro(row["max_notional"])
            for notional in (max(1, start), (start + end) // 2, end - 1):
                if notional >= NOTIONAL_END:
                    continue
                exact = notional * Fraction(row["mm_rate"]) - amount * USD
                found = market.after(notional, notional, 1)["maintenance"]
                assert abs(found - exact) <= 1 + Fraction(1, 10**6) * amount * USD, (one["id"], row["tier"])
                looked += 1
    assert looked > 500


# -- dYdX


def ppm(text: str) -> int:
    return int(text) * RATE_ONE // 10**6


def test_dydx_margins_with_open_interest(shared: Path) -> None:
    """Initial margin exact where the rate is the base or all; between, within the millionth that dYdX cuts off."""
    looked = 0
    for one in cases(shared, "dydx_margin_tiers"):
        given, expected = one["input"], one["expected"]
        if "open_interest_lower_cap" not in given or (shape := shape_of(given)) is None:
            continue
        price, size, interest = shape
        base, whole = ppm(given["initial_margin_ppm"]), given.get("maintenance_fraction_ppm", "1000000")
        lower, upper = (int(given[f"open_interest_{end}_cap"]) for end in ("lower", "upper"))
        rate = base * int(whole) // 10**6
        market = Market([(0, LEVERAGE_MOST, rate)], base=base, lower=lower, upper=upper)
        market.price(price)
        market.interest(interest)
        health = market.after(size, size * price, LEVERAGE_MOST)
        notional = abs(size) * price
        exact = not lower < interest * price < upper
        slack = 0 if exact else 1 + ceil_div(notional * 13, 12 * 10**6)
        wanted = expected.get("initial_margin")
        if wanted is None:
            wanted = Fraction(notional * int(expected["adjusted_initial_margin_ppm"]), 10**6)
        assert 0 <= health["initial"] - Fraction(wanted) <= slack, one["id"]
        if "maintenance_margin" in expected:
            assert health["maintenance"] == int(expected["maintenance_margin"]), one["id"]
        looked += 1
    assert looked >= 15


def shape_of(given: dict[str, Any]) -> tuple[int, int, int] | None:
    """(price a lot, lots, open interest in lots); None beyond what a market here can hold."""
    if "price" in given:
        scale = int(given["price_exponent"]) + int(given["atomic_resolution"]) + 6
        price, lots = Fraction(given["price"]) * Fraction(10) ** scale, int(given["quantums"])
        if price.denominator != 1 or abs(lots) * price >= NOTIONAL_END:
            return None
        return int(price), lots, int(given["open_interest_quantums"])
    notional = int(given.get("notional", 10**6))
    return 1, notional, int(given["open_interest_notional"])


def test_dydx_net_collateral(shared: Path) -> None:
    """Quote balance, unsettled funding and position of a subaccount, after its updates."""
    for one in cases(shared, "dydx_net_collateral"):
        given = one["input"]
        assert net_collateral(given) == int(one["expected"]["net_collateral"]), one["id"]
        changed = given | {"usdc_quantums": str(int(given["usdc_quantums"]) + 1)}
        assert net_collateral(changed) == int(one["expected"]["net_collateral"]) + 1, "the comparison can fail"


def net_collateral(given: dict[str, Any]) -> int:
    market = Market([(0, LEVERAGE_MOST, RATE_ONE // 2_000)], base=RATE_ONE // 500)
    market.as_module("vault", "open_account", ONE, at.CROSS_KIND)
    price, cash = 1, int(given["usdc_quantums"]) + int(given["usdc_update"])
    if given["perpetuals"]:
        perpetual = given["perpetuals"][0]
        scale = int(perpetual["price_exponent"]) + int(perpetual["atomic_resolution"]) + 6
        price = int(Fraction(perpetual["price"]) * Fraction(10) ** scale)
    market.price(price)
    for position in given["positions"]:
        market.index(int(position["funding_index"]))
        market.as_module("liquidation", "hand_over", ONE, 0, 0, int(position["quantums"]), price)
        cash += int(position["quantums"]) * price  # what it cost, which is not in the quote balance
        market.index(int(given["perpetuals"][0]["funding_index"]))
    if cash < 0:
        market.as_module("pools", "claim", 0, ONE, cash, False)
    elif cash > 0:
        market.as_module("vault", "credit", ONE, cash)
    delta = sum(int(update["quantums_delta"]) for update in given["position_updates"])
    found = market.after(delta, 0, 0 if given["positions"] else LEVERAGE_MOST)
    return found["equity"]
