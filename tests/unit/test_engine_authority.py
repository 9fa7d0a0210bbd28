"""Who may sign what, and that nothing signed acts twice."""

import random

import pytest

from desk import START, Desk
from seawall.engine import authority
from seawall.engine.nonces import AHEAD_MS, PAST_MS, find_nonce
from seawall.ledger import state
from seawall.terms import code, command
from seawall.terms.limits import ACTION_PARTS

TRADER, MOVER, BOTH = command.MAY_TRADE, command.MAY_TRANSFER, command.MAY_TRADE | command.MAY_TRANSFER
ROLES = (command.SEQUENCER, command.ORACLES, command.BRIDGE, command.RISK, command.GUARDIAN, command.ADMIN)

# written by hand, apart from the table in the code: who may sign each kind
OWNER_ONLY = (2, 3, 4, 11, 40, 41, 42, 74, 76, 78, 81)
TRADING = (15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27, 75, 79)
MOVING = (14,)
OF_ROLES = {
    command.SEQUENCER: (1, 30, 32, 33),
    command.ORACLES: (31,),
    command.BRIDGE: (1, 10, 12, 13, 73, 77, 80, 83),
    command.RISK: (50, 72),
    command.GUARDIAN: (51,),
    command.ADMIN: (43, 60, 61, 62, 63, 64, 65, 70, 71),
}


class Cast:
    """A master with a sub-account and agents of each scope, and a stranger."""

    def __init__(self) -> None:
        self.desk = desk = Desk()
        self.master, self.stranger = desk.account(), desk.account()
        self.sub, self.second = desk.sub(self.master), desk.sub(self.master)
        self.trader = self.agent(self.master, 1, TRADER)
        self.mover = self.agent(self.master, 2, MOVER)
        self.both = self.agent(self.master, 3, BOTH)
        self.of_sub = self.agent(self.sub, 4, BOTH)
        self.brief = self.agent(self.master, 5, BOTH, START + 1_000)
        self.gone = self.agent(self.master, 6, BOTH)
        desk.must(command.REVOKE_AGENT, account=self.master, address_0=9, address_2=6)

    def agent(self, account: int, number: int, scope: int, expires: int = 0) -> int:
        """Approves an agent; returns its signer."""
        fields = {"account": account, "address_0": 9, "address_2": number}
        self.desk.must(command.APPROVE_AGENT, amount=scope, expires=expires, **fields)
        return -1 - int(self.desk.cell[state.RESULT])

    def ask(self, kind: int, signer: int, account: int) -> int:
        return int(authority.authorise(self.desk.s, kind, signer, account))


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast()


@pytest.mark.parametrize("kind", sorted(command.FIELDS))
def test_every_kind_is_classified_for_risk(kind: int) -> None:
    assert (kind in authority.RISK_INCREASING) != (kind in authority.NO_RISK)
    why = authority.RISK_INCREASING.get(kind) or authority.NO_RISK[kind]
    assert len(why) > 5


def test_nothing_else_is_classified() -> None:
    assert set(authority.RISK_INCREASING) | set(authority.NO_RISK) == set(command.FIELDS)
    assert {kind for kind, right in enumerate(authority.RIGHTS) if right != authority.NOBODY} == set(command.FIELDS)


def test_the_lists_of_this_test_cover_every_kind() -> None:
    persons = {*OWNER_ONLY, *TRADING, *MOVING}
    roles = {kind for kinds in OF_ROLES.values() for kind in kinds}
    assert persons | roles == set(command.FIELDS)
    assert not persons & roles


@pytest.mark.parametrize("kind", sorted(command.FIELDS))
def test_who_may_sign(cast: Cast, kind: int) -> None:
    persons = kind in (*OWNER_ONLY, *TRADING, *MOVING)
    account = 0 if not persons and "account" not in command.FIELDS[kind] else cast.master
    no = code.NOT_AUTHORISED
    assert cast.ask(kind, cast.master, account) == (code.OK if persons else no)
    assert cast.ask(kind, cast.stranger, account) == no
    assert cast.ask(kind, cast.sub, account) == no
    for signer, kinds in ((cast.trader, TRADING), (cast.mover, MOVING), (cast.both, TRADING + MOVING)):
        expected = code.OK if kind in kinds else code.AGENT_SCOPE
        assert cast.ask(kind, signer, account) == (expected if persons else no)
    assert cast.ask(kind, cast.of_sub, account) == no
    assert cast.ask(kind, cast.gone, account) == no
    for role in ROLES:
        assert cast.ask(kind, role, account) == (code.OK if kind in OF_ROLES[role] else no)
    for unknown in (-1, -999, -(2**40), -(2**40) - 7, 4, 2**31):
        assert cast.ask(kind, unknown, account) == no


@pytest.mark.parametrize("kind", TRADING)
def test_a_master_and_its_agents_act_for_sub_accounts(cast: Cast, kind: int) -> None:
    for signer in (cast.master, cast.trader, cast.both, cast.of_sub):
        assert cast.ask(kind, signer, cast.sub) == code.OK
    assert cast.ask(kind, cast.of_sub, cast.second) == code.NOT_AUTHORISED
    assert cast.ask(kind, cast.sub, cast.sub) == code.NOT_AUTHORISED
    assert cast.ask(kind, cast.stranger, cast.sub) == code.NOT_AUTHORISED


@pytest.mark.parametrize("kind", OWNER_ONLY)
def test_no_agent_takes_value_out_or_names_agents(cast: Cast, kind: int) -> None:
    for account in (cast.master, cast.sub):
        assert cast.ask(kind, cast.both, account) == code.AGENT_SCOPE
    assert cast.ask(kind, cast.of_sub, cast.sub) == code.AGENT_SCOPE
    assert cast.ask(kind, cast.master, cast.sub) == code.OK


@pytest.mark.parametrize("kind", [kind for kind, fields in command.FIELDS.items() if "account" in fields])
def test_an_account_that_is_not_there(cast: Cast, kind: int) -> None:
    right = authority.RIGHTS[kind]
    signer = cast.master if right > 0 else right
    assert cast.ask(kind, signer, 4) == code.UNKNOWN_ACCOUNT
    assert cast.ask(kind, signer, -1) == code.UNKNOWN_ACCOUNT
    assert cast.ask(kind, cast.sub, 4) == cast.ask(kind, -999, 4) == code.NOT_AUTHORISED
    assert cast.ask(kind, signer, 3 if right < 0 else cast.second) == code.OK


def test_an_agent_until_it_expires() -> None:
    cast = Cast()
    for late, expected in ((999, code.OK), (1_000, code.AGENT_EXPIRED), (1_001, code.AGENT_EXPIRED)):
        cast.desk.cell[state.NOW] = START + late
        assert cast.ask(command.PLACE, cast.brief, cast.master) == expected
    assert cast.ask(command.WITHDRAW, cast.brief, cast.master) == code.AGENT_EXPIRED
    assert cast.ask(command.PLACE, cast.brief, cast.stranger) == code.NOT_AUTHORISED


# nonces


def use(desk: Desk, nonce: int, signer: int = 0) -> int:
    """The code of a harmless command with this nonce: OK, or the nonce's."""
    got = desk.do(command.SET_TOP_UP, account=0, market=0, amount=-1, signer=signer, nonce=nonce)
    assert got in (code.OK, code.NONCE_OLD, code.NONCE_USED, code.BAD_TIME)
    return got


@pytest.mark.parametrize(
    ("nonce", "expected"),
    [
        (START - PAST_MS, code.NONCE_OLD),
        (START - PAST_MS + 1, code.OK),
        (START + AHEAD_MS, code.OK),
        (START + AHEAD_MS + 1, code.BAD_TIME),
        (0, code.NONCE_OLD),
        (-1, code.BAD_FIELD),
    ],
)
def test_the_window_of_nonces(nonce: int, expected: int) -> None:
    desk = Desk()
    desk.account()
    assert desk.do(command.SET_TOP_UP, account=0, market=0, amount=-1, signer=0, nonce=nonce) == expected


def test_a_nonce_serves_once_in_any_order_and_for_each_signer_apart() -> None:
    desk = Desk()
    desk.account()
    desk.account()
    for nonce in (START, START + 5, START - 5, START + 1):
        assert use(desk, nonce) == code.OK
        assert use(desk, nonce) == code.NONCE_USED
        other = {"account": 1, "market": 0, "amount": -1, "signer": 1}
        assert desk.do(command.SET_TOP_UP, nonce=nonce, **other) == code.OK
        assert desk.do(command.SET_TOP_UP, nonce=nonce, **other) == code.NONCE_USED


def test_the_parts_of_an_action_share_a_nonce_and_each_acts_once() -> None:
    desk = Desk()
    desk.account()
    fields = {"account": 0, "market": 0, "amount": -1, "signer": 0, "nonce": START}
    for part, expected in (
        (1, code.OK),
        (0, code.NONCE_USED),
        (1, code.NONCE_USED),
        (2, code.OK),
        (2, code.NONCE_USED),
        (7, code.OK),
        (6, code.NONCE_USED),
        (ACTION_PARTS - 1, code.OK),
        (ACTION_PARTS, code.BAD_TIME),
    ):
        assert desk.do(command.SET_TOP_UP, **fields, time=part) == expected
    assert desk.do(command.SET_TOP_UP, **{**fields, "nonce": START + 1}, time=ACTION_PARTS) == code.BAD_TIME
    assert desk.cell[state.NONCE_COUNT] == 1


def test_a_refused_part_is_used_up_and_the_later_ones_go_on() -> None:
    desk = Desk()
    desk.account(1)
    desk.must(command.WITHDRAW, account=0, amount=1, nonce=START)
    desk.refused(code.WITHDRAWABLE, command.WITHDRAW, account=0, amount=2**40, nonce=START, time=1)
    desk.refused(code.NONCE_USED, command.WITHDRAW, account=0, amount=1, nonce=START, time=1)
    desk.must(command.WITHDRAW, account=0, amount=1, nonce=START, time=2)


def test_a_refused_command_burns_its_nonce_and_nothing_else() -> None:
    desk = Desk()
    desk.account()
    desk.refused(code.WITHDRAWABLE, command.WITHDRAW, account=0, amount=1, nonce=START)
    desk.refused(code.NONCE_USED, command.WITHDRAW, account=0, amount=1, nonce=START)


def test_who_may_not_sign_burns_nothing() -> None:
    desk = Desk()
    desk.account()
    desk.account()
    desk.refused(code.NOT_AUTHORISED, command.WITHDRAW, account=0, amount=1, signer=1, nonce=START)
    assert desk.cell[state.NONCE_COUNT] == 0


def test_a_role_has_no_nonce() -> None:
    desk = Desk()
    desk.account()
    desk.refused(code.BAD_FIELD, command.DEPOSIT, account=0, amount=1, reference=1, nonce=1)
    desk.must(command.DEPOSIT, account=0, amount=1, reference=1, nonce=0)


def test_one_that_falls_out_of_the_ring_raises_the_floor() -> None:
    desk = Desk()
    desk.account()
    room = desk.capacity.nonces
    for i in range(room):
        assert use(desk, START + 2 * i) == code.OK
    assert desk.columns["nonce_floor"][0] == 0
    assert use(desk, START + 2 * room) == code.OK
    assert desk.columns["nonce_floor"][0] == START
    assert use(desk, START) == code.NONCE_OLD
    assert use(desk, START + 1) == code.OK
    assert desk.columns["nonce_floor"][0] == START + 2
    assert desk.cell[state.NONCE_COUNT] == room


def test_an_old_nonce_that_falls_out_late_never_lowers_the_floor() -> None:
    desk = Desk()
    desk.account()
    desk.account()
    assert use(desk, START + 100) == code.OK
    assert use(desk, START - 100) == code.OK
    for i in range(desk.capacity.nonces):
        got = desk.do(command.SET_TOP_UP, account=1, market=0, amount=-1, signer=1, nonce=START + i)
        assert got == code.OK
    assert desk.columns["nonce_floor"][0] == START + 100


@pytest.mark.parametrize("seed", range(3))
def test_nonces_equal_a_model(seed: int) -> None:
    """Against a list and a dictionary: several signers, a moving clock, nonces that come again and out of order."""
    desk = Desk()
    draw = random.Random(seed)
    desk.cell[state.HASH_SALT] = draw.randrange(2**62)
    people = [desk.account() for _ in range(5)]
    ring: dict[tuple[int, int], int] = {}
    floor = dict.fromkeys(people, 0)
    for step in range(4_000):
        if step % 200 == 199:
            desk.pass_time(draw.choice([1, 1_000, PAST_MS // 4]))
        person = draw.choice(people)
        edges = (desk.now - PAST_MS, desk.now - PAST_MS + 1, desk.now + AHEAD_MS, desk.now + AHEAD_MS + 1)
        nonce = draw.choice([desk.now + draw.randrange(-400, 400)] * 8 + [*edges, floor[person], floor[person] + 1])
        if ring and draw.random() < 0.1:
            person, nonce = draw.choice(list(ring))
        part = draw.choice((0, 0, 0, 1, 2, 3))
        expected = code.OK
        if nonce <= floor[person] or nonce <= desk.now - PAST_MS:
            expected = code.NONCE_OLD
        elif nonce > desk.now + AHEAD_MS:
            expected = code.BAD_TIME
        elif part <= ring.get((person, nonce), -1):
            expected = code.NONCE_USED
        fields = {"account": person, "market": 0, "amount": -1, "signer": person, "time": part}
        assert desk.do(command.SET_TOP_UP, nonce=nonce, **fields) == expected
        if expected == code.OK:
            if (person, nonce) not in ring and len(ring) == desk.capacity.nonces:
                old, gone = next(iter(ring))
                del ring[old, gone]
                floor[old] = max(floor[old], gone)
            ring[person, nonce] = part
    assert len(ring) == desk.cell[state.NONCE_COUNT] == (desk.columns["nonce_place"] != 0).sum()
    assert all(find_nonce(desk.s, person, nonce) >= 0 for person, nonce in ring)
    assert floor == {person: desk.columns["nonce_floor"][person] for person in people}


def test_an_agent_approved_again_can_not_be_replayed() -> None:
    """Revoked and approved again, perhaps on another row: what it once signed stays used up."""
    cast = Cast()
    desk = cast.desk
    fields = {"account": cast.master, "market": 0, "amount": -1}
    for nonce in (START + 50, START + 70, START + 60):
        desk.must(command.SET_TOP_UP, signer=cast.both, nonce=nonce, **fields)
    desk.must(command.REVOKE_AGENT, account=cast.master, address_0=9, address_2=3)
    cast.agent(cast.sub, 77, TRADER)  # takes the freed row
    again = cast.agent(cast.master, 3, BOTH)
    assert again != cast.both
    for nonce in (START + 50, START + 60, START + 70):
        desk.refused(code.NONCE_OLD, command.SET_TOP_UP, signer=again, nonce=nonce, **fields)
    desk.must(command.SET_TOP_UP, signer=again, nonce=START + 71, **fields)


def test_an_agent_of_a_sub_account_that_becomes_the_masters_can_not_be_replayed() -> None:
    cast = Cast()
    desk = cast.desk
    fields = {"account": cast.sub, "market": 0, "amount": -1}
    desk.must(command.SET_TOP_UP, signer=cast.of_sub, nonce=START + 50, **fields)
    desk.must(command.REVOKE_AGENT, account=cast.sub, address_0=9, address_2=4)
    cast.agent(cast.stranger, 78, TRADER)  # takes the freed row
    again = cast.agent(cast.master, 4, BOTH)
    desk.refused(code.NONCE_OLD, command.SET_TOP_UP, signer=again, nonce=START + 50, **fields)


def test_a_row_given_to_another_agent_keeps_its_floor() -> None:
    cast = Cast()
    desk = cast.desk
    row = -1 - cast.both
    index = desk.capacity.accounts + row
    desk.columns["nonce_floor"][index] = START + 500
    desk.must(command.REVOKE_AGENT, account=cast.master, address_0=9, address_2=3)
    fields = {"account": cast.stranger, "address_0": 9, "address_2": 88}
    desk.must(command.APPROVE_AGENT, amount=BOTH, **fields)
    assert desk.cell[state.RESULT] == row
    assert desk.columns["nonce_floor"][index] == START + 500


def test_a_used_nonce_of_a_freed_row_is_still_used() -> None:
    cast = Cast()
    desk = cast.desk
    fields = {"account": cast.master, "market": 0, "amount": -1}
    desk.must(command.SET_TOP_UP, signer=cast.both, nonce=START + 50, **fields)
    desk.must(command.REVOKE_AGENT, account=cast.master, address_0=9, address_2=3)
    new = cast.agent(cast.master, 99, BOTH)
    assert new == cast.both
    desk.refused(code.NONCE_OLD, command.SET_TOP_UP, signer=new, nonce=START + 50, **fields)
