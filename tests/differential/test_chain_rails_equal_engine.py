"""The rails of the steward are those of the engine: same proposals and clock, same codes, live values and tiers."""

import random
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyrevm", reason="the EVM of these tests is an extra: pip install seawall[dev]")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from chain_twins import START, puppet
from evm import DEPLOYER, Evm, create_address

from seawall.chain import layout as at
from seawall.chain.permits import PERMITS
from seawall.chain.stack import MODULES, specs
from seawall.engine.policy import RAILED
from seawall.engine.rows import rows_of
from seawall.engine.venue import Venue
from seawall.margin.certificate import LIVE
from seawall.terms import code, command, parameter
from seawall.units import RATE_ONE

ORACLE = "0x" + "0a" * 20
TIERS = [(0, 40, RATE_ONE // 100), (10**12, 20, RATE_ONE // 60), (10**13, 10, RATE_ONE // 30)]
STATIC = {"open_interest_cap": 10**9, "position_cap": 10**8, "oracle_age_ms": 3_600_000, "oracle_quorum": 1}


class Rails:
    """One market in both."""

    def __init__(self, seed: int) -> None:
        self.rng, self.now, self.serial = random.Random(seed), START, 0
        self.venue = Venue()
        self.evm = Evm(START // 1000)
        modules = {name: puppet(name) for name in MODULES}
        modules["lending"] = create_address(DEPLOYER, self.evm.nonce() + 1)
        modules["steward"] = create_address(DEPLOYER, self.evm.nonce() + 2)
        permits = [(modules[m], sort, mask) for m, sort, mask in PERMITS if m in modules]
        self.house = self.evm.deploy("ClearingHouse", tuple(modules[m] for m in MODULES), permits)
        self.evm.deploy("Lending", self.house.address, modules["liquidation"])
        people = (DEPLOYER, DEPLOYER, DEPLOYER, ORACLE, DEPLOYER)
        self.steward = self.evm.deploy("RiskSteward", self.house.address, *people)
        table = list(specs().items())
        for part in (table[:30], table[30:]):
            self.evm.send(self.steward, "describe", [n for n, _ in part], [row for _, row in part])
        self.engine(kind=command.TICK, signer=command.SEQUENCER, time=self.now)
        self.admin(kind=command.SET_PARAMETER, market=-1, other=parameter.OUTAGE_MS, price=parameter.DAY_MS)
        self.admin(kind=command.LIST_MARKET, market=0, other=0, price=2**33)
        self.evm.send(self.steward, "list_market", 0, 2**33)
        for k, (lower, leverage, rate) in enumerate(TIERS):
            self.admin(kind=command.SET_TIER, market=0, other=k, amount=lower, size=leverage, price=rate)
            self.evm.send(self.steward, "set_tier", 0, k, lower, leverage, rate)
        numbers = {spec.name: number for number, spec in parameter.MARKET.items()}
        for name, value in STATIC.items():
            self.admin(kind=command.SET_PARAMETER, market=0, other=numbers[name], price=value)
            if name != "oracle_quorum":
                self.evm.send(self.steward, "set_parameter", 0, numbers[name], value)
        self.admin(kind=command.SET_SOURCE, market=0, other=0, size=1)
        self.price()
        for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
            self.admin(kind=command.SET_STATUS, market=0, flags=status)
            self.evm.send(self.steward, "set_status", 0, status)
        self.propose(parameter.LEVERAGE_CAP, 1000, self.now + 60_000)

    def engine(self, **fields: int) -> int:
        return int(self.venue.apply(rows_of([fields])).codes[0])

    def admin(self, **fields: int) -> None:
        found = self.engine(signer=command.ADMIN, **fields)
        assert found == code.OK, (fields, found)

    def price(self) -> None:
        fields = {"market": 0, "other": 0, "price": 10**6, "time": self.now}
        assert self.engine(kind=command.ORACLE, signer=command.ORACLES, **fields) == code.OK
        change = at.change(at.PRICE_WORD, price=10**6, time=self.now, fresh=1)
        self.evm.send(self.house, "put", at.market_key(at.PRICE, 0), *change, sender=puppet("hub"))

    def pass_time(self, ms: int) -> None:
        self.now += ms
        assert self.engine(kind=command.TICK, signer=command.SEQUENCER, time=self.now) == code.OK
        self.evm.set_time(self.now // 1000)
        found = self.evm.code(self.steward, "advance", 0)
        assert found in (code.OK, code.NOT_DUE)

    def propose(self, number: int, value: int, expires: int) -> int:
        self.serial += self.rng.choice((1, 1, 1, 0))
        fields = {"market": 0, "other": number, "price": value, "reference": self.serial, "expires": expires}
        wanted = self.engine(kind=command.PROPOSE, signer=command.RISK, amount=3, **fields)
        args = (0, number, value, self.serial, expires // 1000)
        found = self.evm.code(self.steward, "propose", *args, sender=ORACLE)
        assert found == wanted, f"{parameter.MARKET[number].name} {value}: chain {found}, engine {wanted}"
        return wanted

    def value(self, number: int) -> int:
        """Aims at the present value, one step and one more, the static value and the ends of the range."""
        live = int(self.venue.columns["param"][0, number])
        spec = parameter.MARKET[number]
        assert spec.rail is not None
        steps = (0, 1, -1, spec.rail.up, -spec.rail.down, spec.rail.up + 1, -spec.rail.down - 1)
        near = [live + step for step in steps]
        static = int(self.venue.columns["param_static"][0, number])
        return max(-(2**53), min(2**53, self.rng.choice([*near, static, spec.low, spec.high, spec.high + 1])))

    def step(self) -> int:
        draw = self.rng.random()
        found = -1
        if draw < 0.6:
            number = self.rng.choice(RAILED)
            if number in (parameter.OPEN_INTEREST_LOWER, parameter.OPEN_INTEREST_UPPER) and self.rng.random() < 0.7:
                value = self.rng.choice((0, 10**9, 10**12, 10**13))
            elif number == parameter.BREAKER:
                value = self.rng.randrange(0, 4)
            elif number == parameter.MAINTENANCE_SCALE:
                value = RATE_ONE * self.rng.choice((100, 101, 104, 110, 125, 150)) // 100
            else:
                value = self.value(number)
            off = self.rng.choice((60_000, 60_000, -1_000, parameter.DAY_MS, parameter.DAY_MS + 1_000))
            found = self.propose(number, value, self.now + off)
        else:
            self.pass_time(self.rng.choice((1_000, 30_000, 60_000, 60_000, 300_000, 600_000, 3_600_000, 72_000_000)))
        self.compare()
        return found

    def compare(self) -> None:
        c = self.venue.columns
        for number in RAILED:
            live = int(self.evm.view(self.steward, "live_value", 0, number))
            assert live == c["param"][0, number], f"{parameter.MARKET[number].name}: {live}, {c['param'][0, number]}"
        keys = [at.market_key(at.PRICE, 0), at.tier_key(0, 1), at.tier_key(0, 2)]
        price, *tiers = self.evm.view(self.house, "words_of", keys)
        rates = [at.unpack(at.PRICE_WORD, price)["rate"]]
        rates += [at.unpack(at.TIER_WORD, word)["rate"] for word in tiers]
        assert rates == [int(rate) for rate in c["tier_rate"][LIVE, :3]]
        for k, word in enumerate(tiers, 1):
            exact = (int(c["tier_high"][LIVE, k]) << 20) + int(c["tier_low"][LIVE, k])
            assert at.unpack(at.TIER_WORD, word)["deduction"] == exact


@pytest.mark.parametrize("seed", range(4))
def test_proposals_and_silence(seed: int) -> None:
    world = Rails(seed)
    accepted = sum(world.step() == code.OK for _ in range(400))
    assert accepted > 20
