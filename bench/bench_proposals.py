"""Time from a tick to proposals for 200 markets: bars, margins, stress states, and steps within the rails.

python bench/bench_proposals.py [--markets 200] [--looks 50]
"""

import argparse
import time

import numpy as np

from seawall.risk.bars import HOUR_MS, Bar
from seawall.risk.engine import RiskModel
from seawall.risk.measures import Market, next_value, wanted
from seawall.risk.model import default
from seawall.risk.publisher import LIFE_MS, Proposal, Report, domain, report_hash, sign_all
from seawall.risk.stress import NAMES, Signs, Stress
from seawall.signing import Key
from seawall.terms.parameter import MARKET
from seawall.units import RATE_ONE, Rate, UsdMicro

HOURS = 24 * 40  # of history before the first look
MINUTE_MS = 60_000
STATIC = {number: terms.value for number, terms in MARKET.items() if terms.rail is not None}


def world(markets: int, seed: int) -> tuple[RiskModel, np.ndarray]:
    """A model that has seen 40 days of every market; their last prices."""
    random, model = np.random.default_rng(seed), RiskModel(default())
    price = 100.0 * np.exp(random.standard_normal(markets))
    for hour in range(HOURS):
        move = 0.008 * random.standard_normal(markets)
        after, reach = price * np.exp(move), np.exp(0.004 * np.abs(random.standard_normal((2, markets))))
        high, low = np.maximum(price, after) * reach[0], np.minimum(price, after) / reach[1]
        for at in range(markets):
            bar = Bar(hour * HOUR_MS, float(price[at]), float(high[at]), float(low[at]), float(after[at]), 1e7)
            model.observe(f"M{at}", bar)
        price = after
        model.propose("M0")
    return model, price


def look(
    model: RiskModel, price: np.ndarray, states: list[Stress], now: int, random: np.random.Generator
) -> list[Proposal]:
    """One minute of every market, and what is proposed for it."""
    found = []
    for at, stress in enumerate(states):
        name, last = f"M{at}", float(price[at])
        after = last * float(np.exp(0.001 * random.standard_normal()))
        model.observe(name, Bar(now, last, max(last, after), min(last, after), after, 1e5, MINUTE_MS))
        price[at] = after
        margins = model.propose(name, now_ms=now)
        state = stress.see(Signs(1.0 + 6.0 * float(random.random()), 0.1, 0.01, 0.001, 0.0), now)
        market = Market(
            state, 10**6, UsdMicro(10**14), UsdMicro(10**12), margins.new_risk_rate, margins.maintenance_rate,
            Rate(RATE_ONE // 40),
        )  # fmt: skip
        for number, target in wanted(market, STATIC).items():
            value = next_value(number, target=target, live=STATIC[number], static=STATIC[number], age_ms=HOUR_MS)
            if value is not None:
                report = Report(
                    coin=name, parameter=MARKET[number].name, value=value, before=STATIC[number], state=NAMES[state],
                    model=margins.model_id, data=margins.data_hash, reasons=margins.reasons, time=now,
                )  # fmt: skip
                digest = report_hash(report)
                found.append(
                    Proposal(market=at, number=number, amount=value, serial=1, expires=now + LIFE_MS, report=digest)
                )
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--markets", type=int, default=200)
    words.add_argument("--looks", type=int, default=50)
    given = words.parse_args()
    model, price = world(given.markets, 1)
    states, random = [Stress() for _ in range(given.markets)], np.random.default_rng(2)
    took, signing, made = [], [], 0
    keys, where = (Key(bytes(31) + b"\x01"), Key(bytes(31) + b"\x02")), domain(421_614)
    for minute in range(given.looks):
        start, before = time.perf_counter(), time.process_time()
        found = look(model, price, states, HOURS * HOUR_MS + minute * MINUTE_MS, random)
        took.append((time.perf_counter() - start, time.process_time() - before))
        start = time.perf_counter()
        for proposal in found:
            sign_all(where, proposal, keys)
        signing.append((time.perf_counter() - start) / max(len(found), 1))
        made += len(found)
    wall, cpu = (1e3 * np.sort([one[which] for one in took]) for which in (0, 1))
    print(f"{given.markets} markets, {given.looks} looks, {made / given.looks:.0f} proposals a look")
    print(f"decided in ms: median {np.median(wall):.1f}, worst {wall[-1]:.1f}")
    print(f"  of CPU time: median {np.median(cpu):.1f}, worst {cpu[-1]:.1f}")
    print(f"two signatures of a proposal: {1e3 * np.median(signing):.2f} ms")


if __name__ == "__main__":
    main()
