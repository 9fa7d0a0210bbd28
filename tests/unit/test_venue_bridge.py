"""The bridge of one machine: deposits in one row of numbers however they come, withdrawals that end, and the faucet."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from seawall.engine.rows import rows_of
from seawall.ledger.state import DEPOSIT_SERIAL, VAULT
from seawall.terms import code, command
from seawall.terms.limits import AMOUNT_MAX
from seawall.terms.parameter import DAY_MS
from seawall.units import USD_ONE, BadInput
from seawall.venue import config
from seawall.venue.bridge import CreditError
from seawall.venue.config import MarketTerms, Traders
from seawall.venue.people import address_fields
from seawall.venue.residents import newest_nonce
from venue_floor import FakeClock, World, at_rest

QUIET = Traders(enabled=False)
BTC = MarketTerms(coin="BTC", price=100_000.0, insurance_usd=0, backstop_usd=0)
OWNERS = [bytes([number]) * 20 for number in range(1, 40)]


def play(folder: Path, script: Any, **sections: Any) -> None:
    async def run() -> None:
        given = {"market": (BTC,), "traders": QUIET, **sections}
        async with World(folder, FakeClock(), **given) as world:
            await script(world)

    asyncio.run(run())


def cash(world: World, account: int) -> int:
    return int(world.service.columns["bucket_raw"][account])


async def ask(world: World, account: int, amount: int) -> int:
    """A withdrawal, signed by its owner; its id."""
    fields = {"kind": command.WITHDRAW, "signer": account, "account": account, "amount": amount}
    nonce = newest_nonce(world.service.columns, account) + 1 if account else 1
    done = await world.service.submit(rows_of([{**fields, "nonce": max(nonce, world.service.now)}]))
    assert done.codes[0] == code.OK
    return int(done.made[0])


def test_deposits_that_come_together_are_numbered_without_gaps(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        bridge = world.floor.bridge
        wanted = [(OWNERS[k % 7], (k + 1) * USD_ONE) for k in range(600)]
        accounts = await asyncio.gather(*(bridge.credit(*each) for each in wanted))
        totals: dict[bytes, int] = {}
        for address, amount in wanted:
            totals[address] = totals.get(address, 0) + amount
        assert {address: cash(world, world.service.people.account_of(address)) for address in totals} == totals
        assert world.service.columns["cell"][DEPOSIT_SERIAL] == 600
        assert [world.service.people.persons[account].address for account in accounts] == [a for a, _ in wanted]

    play(tmp_path, script)


def test_a_refused_deposit_holds_up_nobody(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        bridge, agent = world.floor.bridge, b"\x77" * 20
        owner = await bridge.credit(OWNERS[0], USD_ONE)
        approve = {"kind": command.APPROVE_AGENT, "signer": owner, "account": owner, "nonce": world.service.now}
        done = await world.service.submit(rows_of([{**approve, "amount": 1, **address_fields(agent)}]))
        assert done.codes[0] == code.OK
        wanted = [(OWNERS[1], AMOUNT_MAX)] * 300 + [(agent, USD_ONE), (bytes(20), USD_ONE), (OWNERS[2], 3)]
        found = await asyncio.gather(*(bridge.credit(*each) for each in wanted), return_exceptions=True)
        good = [result for result in found[:300] if isinstance(result, int)]
        bad = [result for result in found[:300] if isinstance(result, CreditError)]
        assert len(good) == 255  # 256 x 2^53 and what is there already is more than 2^61
        assert len(good) + len(bad) == 300
        assert {error.code for error in bad} == {code.CASH_BOUND}
        assert [error.code for error in found[300:302]] == [code.AGENT_EXISTS, code.BAD_FIELD]
        assert cash(world, found[302]) == 3
        assert world.service.columns["cell"][DEPOSIT_SERIAL] == 1 + 255 + 1

    play(tmp_path, script)


@pytest.mark.parametrize("amount", [-1, AMOUNT_MAX + 1, 2**70])
def test_amounts_that_no_row_can_hold(tmp_path: Path, amount: int) -> None:
    async def script(world: World) -> None:
        with pytest.raises(CreditError):
            await world.floor.bridge.credit(OWNERS[0], amount)
        assert await world.floor.bridge.credit(OWNERS[0], 0) == world.service.people.account_of(OWNERS[0]) >= 0
        assert await world.floor.bridge.credit(OWNERS[0], 0) == world.service.people.account_of(OWNERS[0])

    play(tmp_path, script)


def test_an_account_that_somebody_makes_meanwhile_is_credited_all_the_same(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        credit = asyncio.ensure_future(world.floor.bridge.credit(OWNERS[0], 5))
        create = {"kind": command.CREATE_ACCOUNT, "signer": command.SEQUENCER, **address_fields(OWNERS[0])}
        made = await world.service.submit(rows_of([create]))
        assert cash(world, await credit) == 5
        assert sorted(made.codes.tolist()) == [code.OK]

    play(tmp_path, script)


def test_withdrawals_are_paid_after_a_while_and_only_once(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        account = await world.floor.bridge.credit(OWNERS[0], 100 * USD_ONE)
        first = await ask(world, account, 10 * USD_ONE)
        await world.pass_ms(3_000)
        second = await ask(world, account, 20 * USD_ONE)
        assert sorted(world.service.mirror.payees) == sorted([first, second])
        assert await world.floor.bridge.cancel([second]) == [code.OK]
        await world.pass_ms(1_900)
        assert list(world.service.mirror.payees) == [first]
        await world.pass_ms(200)
        assert not world.service.mirror.payees
        assert world.service.columns["cell"][VAULT] == 90 * USD_ONE
        assert await world.floor.bridge.finish([first]) == [code.UNKNOWN_WITHDRAWAL]
        await world.pass_ms(20_000)
        assert cash(world, account) == 90 * USD_ONE

    play(tmp_path, script)


def test_withdrawals_that_were_pending_are_paid_after_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        clock = FakeClock()
        async with World(tmp_path, clock, market=(BTC,), traders=QUIET) as world:
            account = await world.floor.bridge.credit(OWNERS[0], 100 * USD_ONE)
            await ask(world, account, 10 * USD_ONE)
            await world.pass_ms(4_000)
        async with World(tmp_path, clock, market=(BTC,), traders=QUIET) as world:
            assert len(world.service.mirror.payees) == 1
            await world.pass_ms(5_500)
            assert not world.service.mirror.payees

    asyncio.run(run())


def test_a_chain_pays_for_itself(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        account = await world.floor.bridge.credit(OWNERS[0], 100 * USD_ONE)
        await ask(world, account, 10 * USD_ONE)
        await world.pass_ms(60_000)
        assert len(world.service.mirror.payees) == 1
        with pytest.raises(BadInput, match="gives no play money"):
            await world.floor.faucet.give(OWNERS[0], 1)
        assert await world.floor.faucet.welcome(OWNERS[1]) == -1

    play(tmp_path, script, bridge=config.Bridge(local=False))


def test_the_faucet_welcomes_once(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        faucet = world.floor.faucet
        accounts = await asyncio.gather(*(faucet.welcome(OWNERS[k % 3]) for k in range(30)))
        assert len(set(accounts)) == 3
        assert [cash(world, account) for account in accounts[:3]] == [10_000 * USD_ONE] * 3
        assert await faucet.welcome(OWNERS[0]) == accounts[0]
        assert cash(world, accounts[0]) == 10_000 * USD_ONE
        assert world.service.columns["cell"][DEPOSIT_SERIAL] == 3
        assert await faucet.welcome(bytes(20)) == -1  # an address that the engine takes from nobody

    play(tmp_path, script)


def test_who_goes_away_does_not_take_the_welcome_of_another_with_him(tmp_path: Path) -> None:
    async def script(world: World) -> None:
        faucet = world.floor.faucet
        first = asyncio.ensure_future(faucet.welcome(OWNERS[0]))
        second = asyncio.ensure_future(faucet.welcome(OWNERS[0]))
        await asyncio.sleep(0)
        first.cancel()
        assert cash(world, await second) == 10_000 * USD_ONE

    play(tmp_path, script)


def test_the_faucets_limits(tmp_path: Path) -> None:
    limits = config.Faucet(automatic_usd=10, most_usd=100, day_usd=250, vault_usd=2_000, addresses=3)

    async def script(world: World) -> None:
        faucet = world.floor.faucet
        for usd, why in ((0, "outside"), (-5, "outside"), (101, "at most 100 at once"), (True, "whole number")):
            with pytest.raises(BadInput, match=why):
                await faucet.give(OWNERS[0], usd)
        given = await asyncio.gather(*(faucet.give(OWNERS[0], 100) for _ in range(4)), return_exceptions=True)
        assert [isinstance(result, BadInput) for result in given] == [False, False, True, True]
        world.clock.time += DAY_MS
        account = await faucet.give(OWNERS[0], 100)
        assert cash(world, account) == 300 * USD_ONE
        assert [await faucet.welcome(owner) >= 0 for owner in OWNERS[:5]] == [True, True, True, False, False]
        with pytest.raises(BadInput, match="takes no more"):
            await faucet.give(OWNERS[5], 1)
        await world.floor.bridge.credit(OWNERS[0], 1_660 * USD_ONE)
        assert world.service.columns["cell"][VAULT] == 1_980 * USD_ONE
        with pytest.raises(BadInput, match="it is dry"):
            await faucet.give(OWNERS[0], 21)
        await faucet.give(OWNERS[0], 20)
        with pytest.raises(BadInput, match="it is dry"):
            await faucet.give(OWNERS[0], 1)

    play(tmp_path, script, faucet=limits)


def test_a_failed_gift_does_not_count(tmp_path: Path) -> None:
    limits = config.Faucet(day_usd=100)

    async def script(world: World) -> None:
        faucet = world.floor.faucet
        with pytest.raises(CreditError):
            await faucet.give(bytes(20), 100)
        assert faucet._given[bytes(20)] == 0
        await at_rest(world.service)

    play(tmp_path, script, faucet=limits)


def test_residents_sign_with_nonces_that_nobody_has_used(tmp_path: Path) -> None:
    async def run() -> None:
        clock = FakeClock()
        for _ in range(3):  # the clock stands still: a restart finds nonces of the same ms and later ones used
            async with World(tmp_path, clock, market=(BTC,), traders=QUIET) as world:
                account = await world.floor.residents.bring("tester", 1, 0)
                for _ in range(3):
                    rows = [{"kind": command.CANCEL_ALL, "account": account, "market": -1}] * 2
                    assert (await world.floor.residents.submit(rows)).codes.tolist() == [code.OK, code.OK]

    asyncio.run(run())
