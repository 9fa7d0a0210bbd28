"""A listed token turns out to be worthless, or is minted without end: what the venue can lose is its cap.

After Mango (2022) and the many money markets that let one thin token back everything they held: whoever controls the
supply and the price of a token can borrow at most what the caps of venue and owner let it back, at the weight of what
the venue already holds.
"""

from guard import fails_without

from seawall.ledger import state
from seawall.terms import command
from seawall.units import RATE_ONE
from vault_world import DOLLAR, PRICE, Vault

JUNK = 0
CAP, OWNERS = 1_000, 400  # lots of 100 USD as the oracle has it


def scenario() -> None:
    vault = Vault()
    vault.index(DOLLAR, PRICE)
    half = RATE_ONE // 2
    vault.asset(JUNK, DOLLAR, weight_maintenance=half, weight_initial=half, supply_cap=CAP, account_cap=OWNERS)
    vault.account(10_000_000)  # what the others have
    out = 0
    for number in range(5):  # the attacker deposits all it can, through many accounts and sub-accounts, and borrows
        attacker = vault.account()
        subs = [int(vault.must(kind=command.CREATE_SUB, signer=attacker, account=attacker).made[0]) for _ in range(2)]
        for account in (attacker, *subs):
            for _ in range(3):
                vault.give(account, JUNK, OWNERS // 2)
            able = vault.may_leave(account)
            assert number < 3 or able == 0
            if able:
                vault.must(kind=command.WITHDRAW, signer=attacker, account=account, amount=able)
                out += able
        assert sum(vault.holding(account, JUNK) for account in (attacker, *subs)) <= OWNERS
    assert vault.venue.columns["asset_total"][JUNK] <= CAP
    assert 0 < out <= CAP * PRICE // 2
    vault.sound()
    vault.move(DOLLAR, 1)  # the truth
    vault.settle()
    for bucket in range(int(vault.cell(state.ACCOUNTS))):
        lots = vault.holding(bucket, JUNK)
        if lots and vault.venue.columns["bucket_liquidating"][bucket]:
            buyer = vault.account(1)
            buy = {"account": buyer, "other": JUNK, "reference": bucket, "size": lots, "price": 1}
            vault.must(kind=command.BUY_ASSET, signer=buyer, **buy)
    vault.settle()
    assert -vault.cell(state.BAD_DEBT) <= CAP * PRICE // 2
    vault.sound()


def test_a_worthless_token_costs_at_most_its_cap() -> None:
    scenario()


def test_it_fails_without_the_caps() -> None:
    old = "    if s.asset_total[asset] + lots > most:\n        return False\n"
    owner = (
        "    if held_by_owner(s, account, asset) + lots > s.asset_param[asset, ACCOUNT_CAP]:\n        return False\n"
    )
    assert fails_without("engine/collateral.py", old, "", scenario)
    assert fails_without("engine/collateral.py", owner, "    if lots < 0:\n        return False\n", scenario)
