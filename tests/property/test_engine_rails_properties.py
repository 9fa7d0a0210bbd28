"""A risk engine with a quorum of signers and bad intentions: what it can not do, by rules written down here again.

`Attack` sends random and extreme proposals at random times; after every step `Watch` compares the record with the rails
as the tables state them, in plain Python, sharing nothing with the engine but those tables. Each guard is then taken
out, one at a time, and some attack must be seen (`test_every_guard_is_needed`).
"""

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from office_world import DAY, HOUR, INTERPRETED, MINUTE, VENUE, Office
from seawall.engine import parameters, policy, rails, statuses, tiers
from seawall.ledger import state
from seawall.ledger.health import equity_and_maintenance
from seawall.terms import code, command, parameter
from seawall.terms.command import ACTIVE, CANCELLING, HALTED, POSTING, REDUCING
from seawall.terms.limits import NOTIONAL_MAX
from seawall.units import RATE_ONE

SCALE, BREAKER, UPPER = parameter.MAINTENANCE_SCALE, parameter.BREAKER, parameter.OPEN_INTEREST_UPPER
RAILED = {number: spec for number, spec in parameter.MARKET.items() if spec.rail is not None}
PLAIN = [number for number in RAILED if number not in (SCALE, BREAKER)]
LEGAL = {(0, 1), (0, 2), (1, 2), (1, 0), (2, 3), (3, 0), (3, 1), (3, 2)}
AT_ONCE = {(0, 1), (0, 2), (1, 2), (3, 2)}
TIERS = ((0, 20, 300_000), (10**10, 10, 900_000))  # the second leaves room for 10/9 of its maintenance
NOTICE = HOUR
MINUTE_STEP = RATE_ONE // 20 // 60
SILENCE = 600_000


def order(number: int, value: int) -> int:
    """A value as its strictness compares: no open-interest cap is looser than any."""
    return NOTIONAL_MAX + 1 if number == UPPER and value == 0 else value


def looser(number: int, value: int, than: int) -> bool:
    rail = RAILED[number].rail
    assert rail is not None
    gap = order(number, value) - order(number, than)
    return gap < 0 if rail.tighter_is_up else gap > 0


def maintenance(size: int, price: int, scale: Fraction) -> Fraction:
    """Maintenance of a position as the area under the base rates, times a scale."""
    notional, total = abs(size) * price, Fraction(0)
    for k, (lower, _, rate) in enumerate(TIERS):
        upper = TIERS[k + 1][0] if k + 1 < len(TIERS) else notional
        total += max(0, min(notional, upper) - lower) * Fraction(rate, RATE_ONE)
    return total * scale


class Watch:
    """What may be true of a market's live values, given all that has been seen of it."""

    def __init__(self, office: Office, market: int) -> None:
        self.office, self.market = office, market
        self.before = self.values()
        self.static = {number: office.static(number, market) for number in RAILED}
        self.changed = dict.fromkeys(RAILED, -(10**15))
        self.announced: list[tuple[int, int]] = []
        self.scales = [(office.now - DAY - HOUR, self.before[SCALE])]
        self.minute = office.now // MINUTE

    def values(self) -> dict[int, int]:
        return {number: self.office.live(number, self.market) for number in RAILED}

    def accepted(self, number: int, value: int) -> None:
        if number == SCALE:
            self.announced.append((self.office.now, value))

    def check(self) -> None:
        now, values = self.office.now, self.values()
        for number, value in values.items():
            spec = RAILED[number]
            assert spec.low <= value <= spec.high, f"{spec.name} left its range"
            if value != self.before[number]:
                self.check_change(number, self.before[number], value)
                self.changed[number] = now
        assert values[UPPER] == 0 or values[parameter.OPEN_INTEREST_LOWER] <= values[UPPER]
        self.check_tiers(values[SCALE])
        self.scales.append((now, values[SCALE]))
        self.before, self.minute = values, now // MINUTE

    def check_change(self, number: int, old: int, new: int) -> None:
        now, rail = self.office.now, RAILED[number].rail
        assert rail is not None
        if number == SCALE:
            self.check_ramp(old, new)
        elif number == BREAKER:
            assert (old, new) in LEGAL
            assert (old, new) in AT_ONCE or now - self.changed[number] >= rail.delay_ms
        else:
            gap = order(number, new) - order(number, old)
            assert -rail.down <= gap <= rail.up, f"a step of {gap}"
            assert not looser(number, new, self.static[number]), "looser than the admin allows"
            assert not looser(number, new, old) or now - self.changed[number] >= rail.delay_ms

    def check_ramp(self, old: int, new: int) -> None:
        now = self.office.now
        if new > old:
            assert new - old <= MINUTE_STEP, "faster than a minute's step"
            assert now // MINUTE > self.minute, "twice in a minute"
            known = [target for time, target in self.announced if now - time >= NOTICE]
            assert new <= max(known, default=RATE_ONE), "without notice"
            lows = [scale for time, scale in self.scales if time > now - DAY]
            lows += [scale for time, scale in self.scales if time <= now - DAY][-1:]
            assert 2 * new <= 3 * min(lows), "above the ceiling over the lowest of 24 hours"
        else:
            assert old - new <= MINUTE_STEP * (now // MINUTE - self.minute), "down too fast"

    def check_tiers(self, scale: int) -> None:
        columns = self.office.columns
        for k, (_, leverage, rate) in enumerate(TIERS):
            live, fence = (int(columns["tier_rate"][2 * self.market + table, k]) for table in (0, 1))
            assert live == -(-rate * scale // RATE_ONE)
            assert live <= fence
            assert 6 * live * leverage <= 5 * RATE_ONE, "initial margin is below 1.2 x maintenance"


class Attack:
    """An office with two open markets, buckets of every distance from liquidation, and a risk engine gone bad."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.is_ramping = self.rng.random() < 0.5  # speaks often and wants maintenance up; otherwise anything
        self.office = office = Office(0)
        for market in range(2):
            office.must(command.LIST_MARKET, market=market, price=2**33)
            for k, (lower, leverage, rate) in enumerate(TIERS):
                office.must(command.SET_TIER, market=market, other=k, amount=lower, size=leverage, price=rate)
            office.must(**office.set(parameter.LEVERAGE_CAP, 50, market))
            office.must(**office.set(parameter.ISOLATED_LEVERAGE_CAP, 40, market))
            office.must(**office.set(parameter.OPEN_INTEREST_CAP, 10**9, market))
            office.must(**office.set(parameter.OPEN_INTEREST_LOWER, 10**9, market))
            if self.rng.random() < 0.5:
                office.must(**office.set(UPPER, 10**12, market))
            office.open_market(market)
        self.buckets = [self.bucket(number) for number in range(12)]
        self.watches = [Watch(office, market) for market in range(2)]

    def bucket(self, number: int) -> tuple[int, int, Fraction]:
        """A position with equity of 1 to 1.5 x its static maintenance: (bucket, size, that ratio)."""
        size, price = self.rng.choice((-1, 1)) * self.rng.randrange(1, 1_000), 100 * 10**6
        need = maintenance(size, price, Fraction(1))
        equity = int(need * Fraction(self.rng.randrange(1_000, 1_500), 1_000)) + 1
        self.office.add_position(number, number % 2, size, equity - size * price, 1)
        return number, size, Fraction(equity) / need

    def value(self, number: int, market: int) -> int:
        spec, live, static = RAILED[number], self.office.live(number, market), self.office.static(number, market)
        near = live + self.rng.choice((-1, 1)) * self.rng.choice((0, 1, 5, 6, 7, RATE_ONE // 50, RATE_ONE // 20))
        wild = self.rng.choice((spec.low - 1, spec.low, spec.high, spec.high + 1, static, static - 1, static + 1, 0))
        return self.rng.choice((near, wild, self.rng.randrange(spec.low, spec.high + 1)))

    def act(self) -> None:
        rng = self.rng
        if rng.random() < (0.3 if self.is_ramping else 0.55):
            market = rng.randrange(2)
            number = SCALE if self.is_ramping and rng.random() < 0.5 else rng.choice([*RAILED, SCALE, BREAKER])
            value = self.value(number, market)
            if self.is_ramping and rng.random() < 0.99:
                is_first = not self.watches[market].announced
                value = 12_050_000 if is_first else rng.choice((18_000_000, 13_333_333, 13_333_334))
                value = value if number == SCALE else self.office.live(number, market)
            self.propose(number, value, market)
        elif self.is_ramping:
            self.office.tick(rng.choice((0, 1, MINUTE - 1, MINUTE, MINUTE, MINUTE, 2 * MINUTE)))
        else:
            self.office.tick(rng.choice((0, 1, 999, MINUTE - 1, MINUTE, 5 * MINUTE, HOUR // 2, HOUR - 1, HOUR)))
        for watch in self.watches:
            watch.check()
        self.check_buckets()

    def propose(self, number: int, value: int, market: int) -> None:
        """A proposal, sometimes badly signed, old or expired."""
        office, rng = self.office, self.rng
        signers = rng.choice((0b11, 0b1010, 0b11, 0b1, 0, 0b10 << 20)) if rng.random() < 0.2 else 0b110
        reference = int(office.columns["cell"][state.RISK_SERIAL]) + rng.choice((1,) * 12 + (5, 0, -1))
        life = rng.choice((0, 1_000, DAY, -1, DAY + 1)) if rng.random() < 0.2 else 1_000
        fields = office.propose(
            number, value, market, amount=signers, reference=max(0, reference), expires=office.now + life
        )
        serial = int(office.columns["cell"][state.RISK_SERIAL])
        if office.do(**fields) == code.OK:
            assert bin(signers & 0xFFFF).count("1") >= 2, "too few signers"
            assert 0 <= life <= DAY, "expired, or an approval that does not expire"
            assert fields["reference"] > serial, "not newer"
            self.watches[market].accepted(number, value)

    def check_buckets(self) -> None:
        """Nobody healthy at the static tiers is liquidatable before the ramp has come as far as its equity reaches."""
        for number, size, ratio in self.buckets:
            equity, needed = equity_and_maintenance(self.office.s, number)
            scale = Fraction(self.office.live(SCALE, number % 2), RATE_ONE)
            assert abs(size) > 0
            if ratio >= scale * (1 + Fraction(1, 10**6)):
                assert equity >= needed, f"healthy at {float(ratio)}, scale {float(scale)}"

    def silence(self) -> int:
        """Hours of ticks until every live value is the static one."""
        for hours in range(80):
            if all(watch.values() == watch.static for watch in self.watches):
                return hours
            self.office.tick(HOUR)
            for watch in self.watches:
                watch.check()
        raise AssertionError(f"still away from static: {[watch.values() for watch in self.watches]}")


def run(seed: int, steps: int) -> Attack:
    attack = Attack(seed)
    for _ in range(steps):
        attack.act()
    return attack


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_a_captured_risk_engine_stays_within_its_rails(seed: int) -> None:
    attack = run(seed, 200)
    assert attack.silence() <= 62  # the slowest: initial_live by 2 % an hour, and one leverage step of 5 an hour


def test_the_ramp_is_reached_by_the_attacks() -> None:
    """The property above would be empty if no attack ever moved maintenance."""
    watches = [watch for seed in range(6) for watch in run(seed, 700).watches]
    assert max(scale for watch in watches for _, scale in watch.scales) > RATE_ONE * 21 // 20


KINDS = (command.GUARD, command.GUARD, command.SET_STATUS, command.SET_PARAMETER, command.PROPOSE, command.SET_SOURCE)


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_the_guardian_alone_loosens_nothing(seed: int) -> None:
    """Only statuses move, only down the list; every other durable byte but their times stays."""
    rng = random.Random(seed)
    office = Office(2)
    office.open_market(0)
    untouched = ("market_status", "market_status_time", "market_reopen", "cell")
    names = [name for name, _, _ in state.columns(office.capacity)]
    durable = [name for name in names[: names.index(state.SCRATCH)] if name not in untouched]
    before = {name: office.columns[name].tobytes() for name in durable}
    cells = office.columns["cell"].copy()
    for _ in range(60):
        kind = rng.choice(KINDS)
        market, flags = rng.choice((0, 1, VENUE)), rng.randrange(0, 9)
        status = office.columns["market_status"].tolist()
        venue = int(office.columns["cell"][state.VENUE_STATUS])
        fields = {"market": market, "signer": command.GUARDIAN}
        if kind in (command.GUARD, command.SET_STATUS):
            fields["flags"] = flags
        else:
            fields |= {"other": rng.randrange(24), "price": rng.randrange(100)}
        got = office.do(kind, **fields)
        assert kind == command.GUARD or got != code.OK
        after = office.columns["market_status"].tolist()
        for market_before, market_after in zip(status, after, strict=True):
            assert market_after == market_before or (ACTIVE <= market_before < market_after <= HALTED)
        assert venue <= int(office.columns["cell"][state.VENUE_STATUS]) <= HALTED
        office.columns["cell"][state.NOW] += rng.choice((0, MINUTE))
    assert {name: office.columns[name].tobytes() for name in durable} == before
    moved = office.columns["cell"].copy()
    for cell in (state.NOW, state.VENUE_STATUS, state.VENUE_STATUS_TIME, state.EVENTS_USED):
        moved[cell] = cells[cell]
    assert (moved == cells).all()


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_the_admin_loosens_nothing_within_a_day(seed: int) -> None:
    """Any sequence of the admin's commands: a value that protects is no looser than it was a day ago, or announced."""
    rng = random.Random(seed)
    office = Office(1)
    office.open_market(0)
    guarded = {n: s for n, s in parameter.MARKET.items() if s.at_once in (parameter.UP, parameter.DOWN)}
    history: dict[int, list[tuple[int, int]]] = {n: [(office.now, office.live(n))] for n in guarded}
    announced: dict[int, list[tuple[int, int, int]]] = {n: [] for n in guarded}
    for _ in range(80):
        number = rng.choice(list(guarded))
        spec = guarded[number]
        value = rng.choice((spec.low, spec.high, office.live(number) - 1, office.live(number) + 1))
        start = rng.choice((0, office.now + DAY - 1, office.now + DAY, office.now + 2 * DAY))
        if office.do(**office.set(number, value), expires=start) == code.OK:
            announced[number].append((office.now, start, value))
        office.tick(rng.choice((0, HOUR, DAY // 2, DAY)))
        for n, guard in guarded.items():
            live, last = office.live(n), history[n][-1][1]
            gap = order(n, live) - order(n, last)
            if gap * guard.at_once < 0:
                notices = [a for a, s, v in announced[n] if v == live and s - a >= DAY and s <= office.now]
                assert notices, f"{guard.name} went from {last} to {live} without notice"
            history[n].append((office.now, live))


def let(value: Any) -> Callable[..., Any]:
    return lambda *_: value


def forgetful_announce(s: Any, market: int, target: int) -> None:
    """Targets without notice."""
    s.market_ramp_target[market] = target


def hasty_ramp(s: Any, market: int, _minute: int) -> None:
    """Scales without a speed."""
    if s.market_ramp_from[market] != 0 and s.cell[state.NOW] >= s.market_ramp_from[market]:
        s.market_ramp_target[market] = s.market_ramp_next[market]
        s.market_ramp_from[market] = 0
    if s.market_ramp_target[market] != s.param[market, SCALE]:
        tiers.set_scale(s, market, s.market_ramp_target[market])


def attack_all() -> None:
    for seed in range(12):
        run(seed, 1_500).silence()


GUARDS = {
    "signers": (rails, "popcount", let(16)),
    "range": (rails, "in_range", let(True)),
    "static is the loosest": (rails, "is_looser", let(False)),
    "order of caps": (rails, "fits", let(True)),
    "step": (rails, "_is_step", let(True)),
    "delay": (rails, "RAIL_DELAY", (0,) * parameter.WIDTH),
    "life of a proposal": (rails, "PROPOSAL_LIFE_MS", 2 * DAY),
    "breaker's transitions": (rails, "may_change", let(True)),
    "notice": (rails, "_announce", forgetful_announce),
    "own notice of each rise": (rails, "_may_announce", let(True)),
    "leverage caps the scale": (rails, "scale_cap", let(18_000_000)),
    "speed": (rails, "_ramp", hasty_ramp),
    "step of a minute": (rails, "STEPS_AN_HOUR", 30),
    "no cap is the loosest cap": (policy, "comparable", lambda _, value: value),
    "decay": (rails, "_decay_market", let(None)),
    "decay of the breaker": (rails, "step_back", let(None)),
}


@pytest.mark.skipif(not INTERPRETED, reason="guards are taken out of uncompiled code")
@pytest.mark.parametrize("name", list(GUARDS))
def test_every_guard_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, stand_in = GUARDS[name]
    assert hasattr(module, attribute)
    monkeypatch.setattr(module, attribute, stand_in)
    with pytest.raises((AssertionError, IndexError, OverflowError)):
        attack_all()


@pytest.mark.skipif(not INTERPRETED, reason="guards are taken out of uncompiled code")
def test_the_ceiling_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the range as wide as the ceiling the first binds; with a lower ceiling only the second does."""
    lower = RATE_ONE * 21 // 20

    def highest() -> int:
        office = Office(1)
        office.must(**office.set(parameter.RAMP_CEILING, lower, VENUE))
        office.open_market()
        office.must(**office.propose(SCALE, 18_000_000))
        top = 0
        for _ in range(240):
            office.must(**office.propose(parameter.LEVERAGE_CAP, office.live(parameter.LEVERAGE_CAP)))
            office.tick(MINUTE)
            top = max(top, office.live(SCALE))
        return top

    assert highest() == lower
    monkeypatch.setattr(rails, "ceiling_of", let(18_000_000))
    assert highest() > lower


@pytest.mark.skipif(not INTERPRETED, reason="guards are taken out of uncompiled code")
@pytest.mark.parametrize("attribute", ["needs_no_notice", "ADMIN_DELAY_MS"])
def test_the_admins_delay_is_needed(attribute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, attribute, 0 if attribute == "ADMIN_DELAY_MS" else let(True))
    with pytest.raises(AssertionError, match="without notice"):
        test_the_admin_loosens_nothing_within_a_day.hypothesis.inner_test(7)


@pytest.mark.skipif(not INTERPRETED, reason="guards are taken out of uncompiled code")
def test_the_stages_of_reopening_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(1)
    office.open_market()
    office.must(command.SET_STATUS, flags=HALTED)
    office.refused(code.NOT_DUE, command.SET_STATUS, flags=ACTIVE)
    for stage in (CANCELLING, POSTING, REDUCING):
        assert stage != ACTIVE
    monkeypatch.setattr(statuses, "may_loosen", let(code.OK))
    office.must(command.SET_STATUS, flags=ACTIVE)
