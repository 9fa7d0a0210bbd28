"""Accounts, sub-accounts, agents and the table of addresses."""

import random
from typing import Any

import pytest

from desk import START, Desk
from seawall.engine.addresses import find_address
from seawall.ledger import state
from seawall.terms import code, command
from seawall.terms.limits import AGENTS_PER_ACCOUNT, SUBACCOUNTS

BOTH = command.MAY_TRADE | command.MAY_TRANSFER
HIGH, WORD = 2**54 - 1, 2**53 - 1


def address(number: int) -> dict[str, int]:
    return {"address_0": 1, "address_1": 2, "address_2": number}


def approve(desk: Desk, account: int, number: int, scope: int = BOTH, expires: int = 0) -> int:
    """Approves an agent; returns its row."""
    desk.must(command.APPROVE_AGENT, account=account, amount=scope, expires=expires, **address(number))
    return int(desk.cell[state.RESULT])


def agents_of(desk: Desk, account: int) -> list[int]:
    rows, row = [], int(desk.columns["account_agent"][account])
    while row:
        rows.append(row)
        row = int(desk.columns["agent_next"][row])
    return rows


def test_an_account_is_its_cross_bucket() -> None:
    desk = Desk()
    [told] = desk.must(command.CREATE_ACCOUNT, **address(5))
    assert (told["bucket"], told["other"]) == (0, 0)
    second = desk.account()
    c = desk.columns
    assert second == 1
    assert [int(c[name][1]) for name in ("account_master", "bucket_owner", "bucket_kind")] == [1, 1, state.CROSS]
    assert c["account_address"][0].tolist() == [1, 2, 5]
    assert desk.cell[state.ACCOUNTS] == 2


@pytest.mark.parametrize("words", [(HIGH, WORD, WORD), (1, 0, 0), (0, 1, 0), (0, 0, 1), (HIGH, 0, 0), (0, WORD, 0)])
def test_addresses_within_their_words(words: tuple[int, int, int]) -> None:
    desk = Desk()
    fields = dict(zip(("address_0", "address_1", "address_2"), words, strict=True))
    desk.must(command.CREATE_ACCOUNT, **fields)
    desk.refused(code.ACCOUNT_EXISTS, command.CREATE_ACCOUNT, **fields)


@pytest.mark.parametrize(
    "words", [(HIGH + 1, 0, 0), (0, WORD + 1, 0), (0, 0, WORD + 1), (0, 0, 0), (-1, 0, 1), (1, 0, -1)]
)
@pytest.mark.parametrize("kind", [command.CREATE_ACCOUNT, command.APPROVE_AGENT, command.REVOKE_AGENT])
def test_addresses_outside_their_words(kind: int, words: tuple[int, int, int]) -> None:
    desk = Desk()
    account = desk.account()
    fields = dict(zip(("address_0", "address_1", "address_2"), words, strict=True))
    if kind != command.CREATE_ACCOUNT:
        fields["account"] = account
    if kind == command.APPROVE_AGENT:
        fields["amount"] = BOTH
    desk.refused(code.BAD_FIELD, kind, **fields)


def test_the_handler_itself_refuses_words_out_of_range() -> None:
    from seawall.engine.addresses import is_address

    assert not is_address(HIGH + 1, 0, 0)
    assert not is_address(0, WORD + 1, 0)
    assert not is_address(0, 0, WORD + 1)
    assert not is_address(-1, 1, 1)
    assert not is_address(0, 0, 0)
    assert is_address(HIGH, WORD, WORD)


@pytest.mark.parametrize("varies", range(3))
def test_every_word_of_an_address_counts(varies: int) -> None:
    desk = Desk()
    for number in range(200):
        words = [5, 5, 5]
        words[varies] = number
        fields = dict(zip(("address_0", "address_1", "address_2"), words, strict=True))
        desk.must(command.CREATE_ACCOUNT, **fields)
        assert find_address(desk.s, *words) == number + 1


def test_sub_accounts_up_to_their_limit() -> None:
    desk = Desk()
    master, other = desk.account(), desk.account()
    subs = [desk.sub(master) for _ in range(SUBACCOUNTS)]
    desk.refused(code.ACCOUNTS_FULL, command.CREATE_SUB, account=master)
    assert desk.sub(other) == subs[-1] + 1
    assert all(desk.columns["account_master"][sub] == master for sub in subs)
    assert not desk.columns["account_address"][subs].any()
    listed, following = [], int(desk.columns["account_sub"][master])
    while following:
        listed.append(following - 1)
        following = int(desk.columns["account_sub"][following - 1])
    assert sorted(listed) == subs


def test_a_sub_account_has_none_of_its_own() -> None:
    desk = Desk()
    master = desk.account()
    desk.refused(code.NOT_AUTHORISED, command.CREATE_SUB, account=desk.sub(master))


def test_the_table_of_accounts_fills() -> None:
    desk = Desk()
    masters = [desk.account() for _ in range(desk.capacity.accounts)]
    desk.refused(code.ACCOUNTS_FULL, command.CREATE_ACCOUNT, **address(1))
    desk.refused(code.ACCOUNTS_FULL, command.CREATE_SUB, account=masters[0])


def test_an_agent_is_approved_changed_and_revoked() -> None:
    desk = Desk()
    account = desk.account()
    agent = approve(desk, account, 9, command.MAY_TRADE, START + 10)
    c = desk.columns
    assert find_address(desk.s, 1, 2, 9) == -agent
    assert (c["agent_scope"][agent], c["agent_expires"][agent]) == (command.MAY_TRADE, START + 10)
    assert approve(desk, account, 9, command.MAY_TRANSFER, START + 99) == agent
    assert (c["agent_scope"][agent], c["agent_expires"][agent]) == (command.MAY_TRANSFER, START + 99)
    assert agents_of(desk, account) == [agent]
    desk.must(command.REVOKE_AGENT, account=account, **address(9))
    assert find_address(desk.s, 1, 2, 9) == 0
    assert agents_of(desk, account) == []
    desk.refused(code.UNKNOWN_AGENT, command.REVOKE_AGENT, account=account, **address(9))


@pytest.mark.parametrize(
    ("scope", "expires", "expected"),
    [
        (0, 0, code.BAD_FIELD),
        (4, 0, code.BAD_FIELD),
        (-1, 0, code.BAD_FIELD),
        (1, START, code.BAD_TIME),
        (1, START - 1, code.BAD_TIME),
    ],
)
def test_an_approval_out_of_range(scope: int, expires: int, expected: int) -> None:
    desk = Desk()
    account = desk.account()
    desk.refused(expected, command.APPROVE_AGENT, account=account, amount=scope, expires=expires, **address(9))


@pytest.mark.parametrize(("scope", "expires"), [(1, START + 1), (2, 0), (3, 2**53)])
def test_an_approval_within_range(scope: int, expires: int) -> None:
    desk = Desk()
    approve(desk, desk.account(), 9, scope, expires)


def test_an_address_serves_one() -> None:
    desk = Desk()
    first, second = desk.account(), desk.account()
    approve(desk, first, 9)
    desk.refused(code.AGENT_EXISTS, command.APPROVE_AGENT, account=second, amount=BOTH, **address(9))
    own = {"address_0": 7, "address_2": 2}
    desk.refused(code.AGENT_EXISTS, command.APPROVE_AGENT, account=first, amount=BOTH, **own)
    desk.refused(code.AGENT_EXISTS, command.CREATE_ACCOUNT, signer=command.BRIDGE, **address(9))
    desk.refused(code.UNKNOWN_AGENT, command.REVOKE_AGENT, account=second, **address(9))
    desk.refused(code.UNKNOWN_AGENT, command.REVOKE_AGENT, account=second, **own)


def test_naming_a_stranger_an_agent_does_not_keep_them_out() -> None:
    desk = Desk()
    attacker = desk.account()
    agent = approve(desk, attacker, 9)
    approve(desk, attacker, 10)
    desk.must(command.CREATE_ACCOUNT, **address(9))
    assert find_address(desk.s, 1, 2, 9) == 2
    assert agents_of(desk, attacker) == [find_address(desk.s, 1, 2, 10) * -1]
    assert desk.columns["agent_scope"][agent] == 0


def test_agents_up_to_their_limit() -> None:
    desk = Desk()
    account = desk.account()
    rows = [approve(desk, account, 10 + i) for i in range(AGENTS_PER_ACCOUNT)]
    desk.refused(code.AGENTS_FULL, command.APPROVE_AGENT, account=account, amount=1, **address(99))
    approve(desk, account, 10, 1, START + 5)
    desk.must(command.REVOKE_AGENT, account=account, **address(12))
    assert approve(desk, account, 99) == rows[2]
    assert sorted(agents_of(desk, account)) == rows


def test_the_table_of_agents_fills() -> None:
    desk = Desk()
    accounts = [desk.account() for _ in range(desk.capacity.agents // AGENTS_PER_ACCOUNT + 1)]
    for number in range(desk.capacity.agents):
        approve(desk, accounts[number // AGENTS_PER_ACCOUNT], 1_000 + number)
    desk.refused(code.AGENTS_FULL, command.APPROVE_AGENT, account=accounts[-1], amount=1, **address(5))
    desk.must(command.REVOKE_AGENT, account=accounts[3], **address(1_000 + 3 * AGENTS_PER_ACCOUNT))
    approve(desk, accounts[-1], 5)


@pytest.mark.parametrize("salt", [0, 1, 2**31 + 12345, 2**62])
def test_the_table_of_addresses_equals_a_dictionary(salt: int) -> None:
    desk = Desk()
    desk.cell[state.HASH_SALT] = salt
    draw = random.Random(salt)
    accounts = [desk.account() for _ in range(12)]
    known: dict[int, int] = {}
    for _ in range(600):
        account, number = draw.choice(accounts), draw.randrange(120)
        fields: dict[str, Any] = {"account": account, **address(number)}
        if draw.random() < 0.55:
            got = desk.do(command.APPROVE_AGENT, amount=draw.randrange(1, 4), **fields)
            if known.get(number, account) != account:
                assert got == code.AGENT_EXISTS
            elif (number not in known and list(known.values()).count(account) == AGENTS_PER_ACCOUNT) or (
                number not in known and len(known) == desk.capacity.agents
            ):
                assert got == code.AGENTS_FULL
            else:
                assert got == code.OK
                known[number] = account
        else:
            got = desk.do(command.REVOKE_AGENT, **fields)
            assert got == (code.OK if known.get(number) == account else code.UNKNOWN_AGENT)
            if got == code.OK:
                del known[number]
        assert int((desk.columns["address_place"] != 0).sum()) == len(known) + len(accounts)
    for number in range(120):
        row = -find_address(desk.s, 1, 2, number)
        assert (row > 0) == (number in known)
        if row > 0:
            assert desk.columns["agent_account"][row] == known[number]
