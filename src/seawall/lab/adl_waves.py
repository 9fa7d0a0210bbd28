"""The auto-deleveraging of 2025-10-10, wave by wave, through the engine's own policies.

The published study (Chitra et al., github.com/pluriholonomic/autodeleveraging-analysis) says for each wave what the
losers' deficits needed, what the venue took from winners, and all profit that winners had. A world of the same need
and capacity is opened for each: one market, winners of uneven size whose profits add up to the capacity, one loser
whose position at its bankruptcy price needs exactly the need. Then the price moves, `LIQUIDATE` runs, and what the ADL
events took is compared.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from seawall.engine.rows import Rows, rows_of
from seawall.engine.venue import Venue
from seawall.lab.history import Ints
from seawall.lab.listing import opening_fields
from seawall.lab.opening import Feed, blank, listing_rows, must
from seawall.lab.series import field
from seawall.liquidation.rules import STATIC
from seawall.terms import command, event, parameter
from seawall.terms.limits import NOTIONAL_MAX
from seawall.terms.market import market
from seawall.units import BadInput, Price, UsdMicro

WAVES: Final = "adl_2025_10_10_policy_per_wave_metrics.csv.zst"
POLICIES: Final = {
    "queue": parameter.QUEUE,
    "pro_rata": parameter.PRO_RATA,
    "risk_aware_pro_rata": parameter.RISK_AWARE_PRO_RATA,
    "least_harm": parameter.LEAST_HARM,
}
START_MS: Final = 1_760_130_000_000
MAKER, LOSER, FIRST_WINNER = 0, 1, 2
WINNERS: Final = 128
ENTRY, MARK = 10_000, 12_000  # micro-USD per lot: winners gain 2,000 a lot
LEVERAGE: Final = 10  # of the loser: bankrupt at 11,000, so that a winner closed there gives 1,000 a lot
GIVEN, GAINED = 1_000, 2_000
STEPS_MAX: Final = 64
USD: Final = 1e6


@dataclass(frozen=True, kw_only=True)
class Wave:
    """A wave as published, USD."""

    number: int
    needed: float
    capacity: float  # profit of all winners
    taken: float  # by the venue
    overshoot: float  # of the venue
    pro_rata_share: float  # largest share of a winner's profit that the study's pro rata takes


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a policy of ours took."""

    usd: float
    overshoot: float  # beyond what the loser's deficit needed
    largest_share: float  # of a winner's profit
    accounts: int


def published(folder: Path) -> list[Wave]:
    """The waves of the study in a data folder. BadInput when its table is not there or cannot be read."""
    path = folder / WAVES
    if not path.is_file():
        raise BadInput("data", f"no {WAVES}", str(folder))
    try:
        import pyarrow as arrow
    except ImportError:
        raise BadInput("data", "needs pyarrow: pip install 'seawall[data]'", WAVES) from None
    try:
        with arrow.input_stream(str(path), compression="zstd") as stream:
            rows = list(csv.DictReader(io.StringIO(stream.read().decode("utf-8"))))
        return [_wave(row) for row in rows]
    except (OSError, KeyError, ValueError) as error:
        raise BadInput("data", f"cannot be read: {error}", WAVES) from None


def _wave(row: dict[str, str]) -> Wave:
    return Wave(
        number=int(row["wave"]),
        needed=float(row["budget_needed"]),
        capacity=float(row["total_cap"]),
        taken=float(row["budget_prod"]),
        overshoot=float(row["overshoot_prod"]),
        pro_rata_share=float(row["max_pct_pr"]),
    )


def deleverage(needed: float, capacity: float, policy: int, seed: int) -> Taken:
    """Runs one wave under a policy; `needed` and `capacity` in USD."""
    lots = round(needed * USD / GIVEN)
    sizes = winner_sizes(round(capacity * USD / GAINED), seed)
    if not 0 < lots <= sizes.sum():
        raise BadInput("wave", f"{needed:,.2f} USD cannot be taken from {capacity:,.2f}")
    feed = _opened(lots, sizes, policy, seed)
    price = blank(1, command.ORACLE, command.ORACLES)
    price["price"], price["time"] = MARK, START_MS
    must(feed, price, "wave: price")
    step = blank(1, command.LIQUIDATE, command.SEQUENCER)
    step["size"] = 64
    taken: list[Ints] = []
    for _ in range(STEPS_MAX):
        events = feed.apply(step.copy()).events
        taken.append(events[field(events, "kind") == event.ADL])
        if (field(events, "kind") == event.LIQUIDATION_END).any():
            break
    rows = np.concatenate(taken)
    return _measured(rows, sizes, lots * GIVEN)


def _measured(rows: Ints, sizes: Ints, needed: int) -> Taken:
    closed, given = field(rows, "size"), MARK - field(rows, "price")
    per_winner = np.bincount(field(rows, "other") - FIRST_WINNER, weights=closed * given, minlength=len(sizes))
    total = int((closed * given).sum())
    return Taken(
        usd=total / USD,
        overshoot=(total - needed) / USD,
        largest_share=float((per_winner / (sizes * GAINED)).max()),
        accounts=int((per_winner > 0).sum()),
    )


def winner_sizes(lots: int, seed: int) -> Ints:
    """Lots of each winner, uneven as accounts are, exact in sum."""
    weights = np.random.Generator(np.random.PCG64(seed)).lognormal(0.0, 1.5, WINNERS)
    edges = np.floor(np.cumsum(weights) / weights.sum() * lots).astype(np.int64)
    edges[-1] = lots
    sizes: Ints = np.maximum(np.diff(edges, prepend=0), 1)
    return sizes


def _opened(lots: int, sizes: Ints, policy: int, seed: int) -> Feed:
    """A venue with one market in which the winners are long, the loser short, the maker on the other side."""
    feed = Feed(Venue(), START_MS)
    tick = blank(1, command.TICK, command.SEQUENCER)
    tick["time"] = START_MS
    must(feed, tick, "wave: clock")
    terms = market("WAVE", size_decimals=0, tiers=((UsdMicro(0), LEVERAGE),), price_max=Price(2 * MARK))
    venue = {**STATIC.venue, parameter.ADL_POLICY: policy, parameter.MARK_RULE: parameter.MARK_INDEX}
    own = {**STATIC.market, parameter.CLAIM_CAP: 0, parameter.LIQUIDATION_FEE: 0}
    must(feed, listing_rows((terms,), venue, own), "wave: market")
    price = blank(1, command.ORACLE, command.ORACLES)
    price["price"], price["time"] = ENTRY, START_MS
    must(feed, price, "wave: price")
    must(feed, rows_of(opening_fields(0)), "wave: status")
    _fund(feed, lots, sizes, seed)
    must(feed, _trades(lots, sizes), "wave: positions")
    return feed


def _fund(feed: Feed, lots: int, sizes: Ints, seed: int) -> None:
    """Creates the accounts; the loser pays in its margin to the unit, winners stand at leverages of 1 to 9."""
    count = FIRST_WINNER + len(sizes)
    rows = blank(count, command.CREATE_ACCOUNT, command.SEQUENCER)
    rows["address_0"], rows["address_2"] = 1, np.arange(1, count + 1)
    must(feed, rows, "wave: accounts")
    leverage = np.random.Generator(np.random.PCG64([seed, 1])).integers(1, LEVERAGE, len(sizes))
    rows = blank(count, command.DEPOSIT, command.BRIDGE)
    rows["account"], rows["reference"] = np.arange(count), np.arange(1, count + 1)
    rows["amount"][MAKER] = NOTIONAL_MAX
    rows["amount"][LOSER] = lots * ENTRY // LEVERAGE
    rows["amount"][FIRST_WINNER:] = sizes * ENTRY // leverage + 1
    must(feed, rows, "wave: deposits")
    rows = blank(count, command.SET_LEVERAGE, np.arange(count))
    rows["account"], rows["size"] = np.arange(count), LEVERAGE
    must(feed, rows, "wave: leverage")


def _trades(lots: int, sizes: Ints) -> Rows:
    """The maker sells to each winner, and buys from the loser, what each needs."""
    signed = np.concatenate(([-lots], sizes))
    taker = np.arange(len(signed)) + LOSER
    rows = blank(2 * len(signed), command.PLACE, MAKER)
    rows["signer"][1::2] = taker
    rows["account"], rows["price"], rows["size"] = rows["signer"], ENTRY, np.repeat(np.abs(signed), 2)
    rows["flags"][::2] = np.where(signed > 0, command.SELL, 0)
    rows["flags"][1::2] = np.where(signed > 0, 0, command.SELL) | command.IOC
    return rows


def compared(waves: list[Wave], seed: int = 1) -> dict[str, Any]:
    """Every wave under every policy beside what was published, ready for JSON."""
    shown: list[dict[str, Any]] = []
    for wave in waves:
        ours = {name: deleverage(wave.needed, wave.capacity, policy, seed) for name, policy in POLICIES.items()}
        shown.append(
            {
                "wave": wave.number,
                "needed_usd": round(wave.needed, 6),
                "capacity_usd": round(wave.capacity, 6),
                "published": {
                    "taken_usd": round(wave.taken, 6),
                    "overshoot_usd": round(wave.overshoot, 6),
                    "pro_rata_largest_share": wave.pro_rata_share,
                },
                "policies": {
                    name: {
                        "taken_usd": round(one.usd, 6),
                        "overshoot_usd": round(one.overshoot, 6),
                        "largest_share": one.largest_share,
                        "accounts": one.accounts,
                    }
                    for name, one in ours.items()
                },
            }
        )
    return {
        "schema": "seawall.adl/1",
        "waves": shown,
        "needed_usd": round(sum(wave.needed for wave in waves), 2),
        "published_taken_usd": round(sum(wave.taken for wave in waves), 2),
        "published_overshoot_usd": round(sum(wave.overshoot for wave in waves), 2),
        "overshoot_usd": {
            name: round(sum(one["policies"][name]["overshoot_usd"] for one in shown), 2) for name in POLICIES
        },
        "taken_usd": {name: round(sum(one["policies"][name]["taken_usd"] for one in shown), 2) for name in POLICIES},
    }
