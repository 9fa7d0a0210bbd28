"""The risk model at work: bars of many markets in, proposals of two margins out, inside the rails, each with reasons.

One pass an hour: when an hour of a market is whole its state takes it, the margins of the hour before are judged by it,
and new ones are decided once all markets have spoken (or the next hour begins). Within an hour the margin for new risk
may rise at once; the governed one waits for the hour. Without a model, or before a market has a day of history, margins
come from filtered historical simulation; with less than that, or old data, from the static rates of the rails.
"""

import hashlib
import math
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from seawall.risk import governor
from seawall.risk.bars import HOUR_MS, Bar, Hour, unsound
from seawall.risk.carry import Carry
from seawall.risk.conditions import Alarm, Conditions, Effect, effect
from seawall.risk.factors import Correlations, FactorModel
from seawall.risk.features import FEATURES, PRIOR_OVER_BASE, absorb, base_of, common, describe, filtered, yearly
from seawall.risk.liquidity import Liquidity
from seawall.risk.liquidity import forecast as liquidity_ahead
from seawall.risk.model import Tail, TailModel
from seawall.risk.state import (
    BAD_VOLUME,
    COUNT,
    FLAGS,
    FROZEN,
    JUMPED,
    LAST_RETURN,
    LATE,
    RANGES,
    RUN,
    TIME,
    UP,
    VOLUMES,
    WIDTH,
)
from seawall.units import RATE_ONE, BadInput, Rate

Floats = npt.NDArray[np.float64]

MODEL_HOURS: Final = 24  # of history before a trained model speaks
FILTERED_HOURS: Final = 12  # before filtered historical simulation does
STALE_HOURS: Final = 24  # without a usable bar: back to the static rates
MARKETS_MAX: Final = 1_000
CARRY_HOURS: Final = 8.0  # of funding that new risk pays for ahead
USUAL_RANGE: Final = 6  # place of the two weeks' mean range among RANGES


class Source(StrEnum):
    """Where a proposal's margins come from, best first."""

    MODEL = "model"
    FILTERED = "filtered historical simulation"
    STATIC = "static"


class Rails(NamedTuple):
    """The bounds of both rates and the static values they fall back to. Parts of RATE_ONE."""

    new_risk_floor: Rate = Rate(RATE_ONE // 200)
    new_risk_ceiling: Rate = Rate(RATE_ONE)
    maintenance_floor: Rate = Rate(RATE_ONE // 400)
    maintenance_ceiling: Rate = Rate(RATE_ONE)
    static_new_risk: Rate = Rate(RATE_ONE // 20)
    static_maintenance: Rate = Rate(RATE_ONE // 40)


class Policy(NamedTuple):
    """How margins become rates. `maintenance_share` of the open margin is maintenance: about .65 where a bucket is
    closed at once, up to .95 where it is closed in steps. New risk asks at least `initial_over` x maintenance.
    """

    maintenance_share: float = 0.8
    initial_over: float = 1.2


class Proposal(NamedTuple):
    """Two rates (parts of RATE_ONE, rounded up, inside the rails) and why. `data_hash` is one of all bars taken."""

    market: str
    new_risk_rate: Rate
    maintenance_rate: Rate
    reasons: tuple[str, ...]
    model_id: str
    data_hash: str
    state: Source


class Judgement(NamedTuple):
    """An hour that is over: the margins set before it and the worst move within it, fractions of the price.

    Margins are 0 before there were any, `move` is NaN where none could be measured: then nothing was judged.
    """

    start_ms: int
    new_risk: float
    open_positions: float
    move: float

    @property
    def is_judged(self) -> bool:
        return self.new_risk > 0.0 and math.isfinite(self.move)


class _Market:
    """What is known of one market beside its rows."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.hour = Hour()
        self.digest = hashlib.blake2b(digest_size=16)
        self.refused = ""  # why the last bar was not taken
        self.pending_ms = -1  # the whole hour that waits for its decision
        self.vector = np.zeros(FEATURES)
        self.worst = math.nan  # the fast forecast
        self.source = Source.STATIC
        self.carry: Carry | None = None  # until a funding rate is observed
        self.effect: Effect = effect(Conditions())
        self.judged: Judgement | None = None


class RiskModel:
    """Forecasts and margins of all markets of a venue. Bars of a market come in order, of any length up to an hour."""

    def __init__(
        self,
        model: TailModel | None = None,
        *,
        settings: governor.Settings | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.model = model
        self.settings = settings or governor.Settings()
        self.policy = policy or Policy()
        self._markets: dict[str, _Market] = {}
        self._rows: Floats = np.zeros((16, WIDTH))
        self._margins: Floats = np.zeros((16, governor.WIDTH))
        self._waiting_ms = -1  # the hour for which decisions wait
        self._joint = FactorModel()
        self._returns: Floats = np.full(16, np.nan)  # of the hour that is ending, market by market

    @property
    def markets(self) -> tuple[str, ...]:
        return tuple(self._markets)

    @property
    def model_id(self) -> str:
        return self.model.model_id if self.model is not None else "filtered-historical-simulation"

    def observe(self, market: str, bar: Bar) -> str:
        """Takes a bar; returns why it was not used, or an empty text. A refused bar changes no forecast."""
        known = self._markets.get(market) or self._enter(market)
        why = unsound(bar)
        if not why and bar.time_ms + bar.span_ms <= known.hour.end_ms:
            why = "a bar is not later than the one before"
        known.refused = why
        if why:
            return why
        known.digest.update(repr(tuple(bar)).encode())
        if known.hour.start_ms >= 0 and bar.time_ms >= known.hour.start_ms + HOUR_MS and not known.hour.is_whole:
            self._close(known)  # an hour whose last bars are missing
        known.hour.add(bar)
        if known.hour.is_whole:
            self._close(known)
        return ""

    def observe_funding(self, market: str, rate_hour: float) -> str:
        """Takes the funding rate of an hour; returns why it was not used, or an empty text."""
        known = self._known(market)
        known.carry = known.carry or Carry()
        return known.carry.observe(rate_hour)

    def observe_conditions(self, market: str, seen: Conditions) -> Alarm:
        """Takes what chain and oracles say now of `market`; returns what that alone asks of the breaker."""
        self._known(market).effect = effect(seen)
        return self._known(market).effect.alarm

    def propose(self, market: str, rails: Rails | None = None, now_ms: int | None = None) -> Proposal:
        """Rates for `market` now. Never NaN, never outside the rails; BadInput for a market that was never observed.

        `now_ms` tells how old the data are; without it they count as fresh.
        """
        known = self._known(market)
        self._decide_all()
        rails = rails or Rails()
        row, margins = self._rows[known.place], self._margins[known.place]
        reasons: list[str] = []
        missing = max(float(row[RUN]), self._age(row, known, now_ms))
        source = self._source(known, missing, reasons)
        if source is Source.STATIC:
            fast = opened = 0.0
        else:
            fast, opened = self._fast_now(known, reasons), float(margins[governor.OPEN])
            if missing >= 1.0:
                fast *= math.sqrt(1.0 + min(missing, STALE_HOURS))
                reasons.append(f"widened for {missing:.0f} h without a usable bar")
            fast = self._burdened(known, fast, reasons)
        self._quality(known, row, reasons)
        maintenance = self.policy.maintenance_share * opened
        new_risk = max(fast, self.policy.initial_over * maintenance)
        if source is Source.STATIC:
            burdened = self._burdened(known, rails.static_new_risk / RATE_ONE, reasons)
            new_rate, open_rate = _rate(burdened), rails.static_maintenance
        else:
            new_rate, open_rate = _rate(new_risk), _rate(maintenance)
        return Proposal(
            market,
            _within(new_rate, rails.new_risk_floor, rails.new_risk_ceiling, "new risk", reasons),
            _within(open_rate, rails.maintenance_floor, rails.maintenance_ceiling, "maintenance", reasons),
            tuple(reasons),
            self.model_id,
            known.digest.copy().hexdigest(),
            source,
        )

    def forecast(self, market: str) -> Tail:
        """The forecast after the last whole hour, uncalibrated; NaN before there is one."""
        known = self._known(market)
        self._decide_all()
        if known.source is Source.MODEL and self.model is not None:
            return self.model.forecast(known.vector)
        return Tail(known.worst, known.worst, known.worst, known.worst)

    def margins(self, market: str) -> tuple[float, float]:
        """Calibrated margins for the present hour, as fractions: for new risk, under open positions; 0 before any."""
        known = self._known(market)
        self._decide_all()
        row = self._margins[known.place]
        return float(row[governor.FAST]), float(row[governor.OPEN])

    def judged(self, market: str) -> Judgement | None:
        """The last hour that was whole, against the margins set before it; None before there is one."""
        return self._known(market).judged

    def source(self, market: str) -> Source:
        """Where the margins of the present hour come from, as far as history goes; old data are `propose`'s to see."""
        known = self._known(market)
        self._decide_all()
        return Source.STATIC if self._margins[known.place, governor.MARGIN_COUNT] == 0.0 else known.source

    def last_ms(self, market: str) -> int:
        """End of the newest bar that was taken; -1 before there is one."""
        return self._known(market).hour.end_ms

    def liquidity(self, market: str, depth_usd: float | None = None) -> Liquidity:
        """Liquidity of the next hour; `depth_usd` is what rests within 1 % of mid on the thinner side, when known."""
        known = self._known(market)
        self._decide_all()
        row = self._rows[known.place]
        ahead = known.worst / PRIOR_OVER_BASE
        return liquidity_ahead(
            volume_usd_hour=float(row[VOLUMES + 3]),
            range_hour=max(ahead, float(base_of(row))) if math.isfinite(ahead) else math.nan,
            usual_range=float(row[RANGES + USUAL_RANGE]),
            depth_usd=depth_usd,
        )

    def correlations(self) -> Correlations:
        """How the markets moved together before the last hour, in the order of `markets`. BadInput without one."""
        return self._joint.correlations()

    def features(self, market: str) -> Floats:
        """The feature vector [FEATURES] of the last decision."""
        known = self._known(market)
        self._decide_all()
        return known.vector.copy()

    def _known(self, market: str) -> _Market:
        if market not in self._markets:
            raise BadInput("market", f"never observed: {market[:40]!r}")
        return self._markets[market]

    def _enter(self, market: str) -> _Market:
        place = len(self._markets)
        if place >= MARKETS_MAX:
            raise BadInput("market", f"at most {MARKETS_MAX} markets")
        if place == len(self._rows):
            self._rows = np.vstack((self._rows, np.zeros_like(self._rows)))
            self._margins = np.vstack((self._margins, np.zeros_like(self._margins)))
            self._returns = np.append(self._returns, np.full_like(self._returns, np.nan))
        self._markets[market] = _Market(place)
        self._joint.add(market)
        return self._markets[market]

    def _close(self, known: _Market) -> None:
        """An hour is over: its market takes it and the margins set before are judged by it."""
        bar = known.hour.bar()
        if bar.time_ms > self._waiting_ms:
            self._decide_all()
            self._joint.update(self._returns[: len(self._markets)])
            self._returns[:] = np.nan
        row = self._rows[known.place]
        move = absorb(row, bar.time_ms, bar.high, bar.low, bar.close, bar.volume_usd)
        margins = self._margins[known.place]
        known.judged = Judgement(bar.time_ms, float(margins[governor.FAST]), float(margins[governor.OPEN]), float(move))
        governor.settle(margins, move, row[COUNT], self.settings)
        self._returns[known.place] = row[LAST_RETURN] if np.isfinite(row[UP]) else np.nan
        known.pending_ms = bar.time_ms
        self._waiting_ms = max(self._waiting_ms, bar.time_ms)

    def _decide_all(self) -> None:
        """Decides what waits, from all states as they stand."""
        waiting = [known for known in self._markets.values() if known.pending_ms >= 0]
        if not waiting:
            return
        factor = self._factor()
        for known in waiting:
            self._decide(known, factor)
            known.pending_ms = -1

    def _factor(self) -> Floats:
        factor = np.zeros(2)
        count = len(self._markets)
        times = self._rows[:count, TIME]
        common(self._rows[:count], (times == times.max()) & (self._rows[:count, COUNT] > 0), factor)
        return factor

    def _decide(self, known: _Market, factor: Floats) -> None:
        row, margins = self._rows[known.place], self._margins[known.place]
        if row[COUNT] < FILTERED_HOURS:
            return
        describe(row, factor, known.vector)
        if self.model is not None and row[COUNT] >= MODEL_HOURS:
            known.worst, slow = (float(self.model.bulk(known.vector[None, :], head)[0]) for head in ("worst", "slow"))
            known.source = Source.MODEL
        else:
            known.worst = slow = float(filtered(row))
            known.source = Source.FILTERED
        if margins[governor.MARGIN_COUNT] == 0.0:
            self._begin(known.place)
        governor.decide(margins, known.pending_ms, known.worst, slow, yearly(row), self.settings)

    def _begin(self, place: int) -> None:
        """A new listing starts from the calibration of its liquidity class."""
        count = len(self._markets)
        governor.begin(self._margins[:count], place, self._rows[:count, COUNT], self._rows[:count, VOLUMES + 3])

    def _age(self, row: Floats, known: _Market, now_ms: int | None) -> float:
        """Hours since the end of the newest bar, whole hours only; 0 for an unknown time."""
        if now_ms is None or row[COUNT] == 0.0:
            return 0.0
        return max(float((now_ms - max(known.hour.end_ms, int(row[TIME]) + HOUR_MS)) // HOUR_MS), 0.0)

    def _source(self, known: _Market, missing: float, reasons: list[str]) -> Source:
        if self._margins[known.place, governor.MARGIN_COUNT] == 0.0:
            reasons.append(f"fewer than {FILTERED_HOURS} hours of history: static rates")
            return Source.STATIC
        if missing > STALE_HOURS:
            reasons.append(f"{missing:.0f} h without a usable bar: static rates")
            return Source.STATIC
        if known.source is Source.FILTERED:
            why = "no model" if self.model is None else f"fewer than {MODEL_HOURS} hours of history"
            reasons.append(f"{why}: filtered historical simulation")
        return known.source

    def _fast_now(self, known: _Market, reasons: list[str]) -> float:
        """The margin for new risk: that of the last whole hour, or what the hour so far asks, whichever is more."""
        margins = self._margins[known.place]
        closed = float(margins[governor.FAST])
        if known.hour.is_whole or known.hour.start_ms < 0:
            return closed
        row, bar = self._rows[known.place].copy(), known.hour.bar()
        absorb(row, bar.time_ms, bar.high, bar.low, bar.close, bar.volume_usd)
        vector = np.zeros(FEATURES)
        describe(row, self._factor(), vector)
        if known.source is Source.MODEL and self.model is not None:
            raw = float(self.model.bulk(vector[None, :])[0])
        else:
            raw = float(filtered(row))
        ahead = min(raw * math.exp(margins[governor.THETA_FAST]), self.settings.ceiling)
        if ahead > closed:
            reasons.append(f"raised {ahead / closed:.2f}x by the hour so far")
        return max(closed, ahead)

    def _burdened(self, known: _Market, margin: float, reasons: list[str]) -> float:
        """A margin for new risk with what chain, oracles and funding add."""
        reasons.extend(known.effect.reasons)
        carried = known.carry.over(CARRY_HOURS) if known.carry is not None else 0.0
        if carried > 0.1 * margin:
            reasons.append(f"funding may take {carried:.2%} in {CARRY_HOURS:.0f} h")
        return min(known.effect.on(margin) + carried, 1.0)

    def _quality(self, known: _Market, row: Floats, reasons: list[str]) -> None:
        """Says what is wrong with the data."""
        if known.refused:
            reasons.append(f"last bar refused: {known.refused}")
        flags = int(row[FLAGS])
        words = {
            FROZEN: "the price stands still",
            JUMPED: "a price out of reach of the one before is held back",
            BAD_VOLUME: "volume is missing or negative",
            LATE: "a bar came late",
        }
        reasons.extend(word for flag, word in words.items() if flags & flag)


def _rate(fraction: float) -> Rate:
    """A fraction of the price as a rate, rounded up."""
    return Rate(math.ceil(min(fraction, 1.0) * RATE_ONE))


def _within(rate: Rate, floor: Rate, ceiling: Rate, name: str, reasons: list[str]) -> Rate:
    if rate < floor:
        reasons.append(f"{name} held at the floor of the rails")
        return floor
    if rate > ceiling:
        reasons.append(f"{name} held at the ceiling of the rails")
        return ceiling
    return rate
