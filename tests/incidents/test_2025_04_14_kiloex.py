"""KiloEx: a forwarder that anybody could call reached a function that only checked for the forwarder.

Every privileged command is refused to every signer but its role.
"""

from guard import fails_without

from seawall.terms import code, command
from venue_world import World

ROLES = {
    command.TICK: command.SEQUENCER,
    command.ORACLE: command.ORACLES,
    command.FUNDING: command.SEQUENCER,
    command.LIQUIDATE: command.SEQUENCER,
    command.DEPOSIT: command.BRIDGE,
    command.FINISH_WITHDRAWAL: command.BRIDGE,
    command.CANCEL_WITHDRAWAL: command.BRIDGE,
    command.PROPOSE: command.RISK,
    command.GUARD: command.GUARDIAN,
    command.LIST_MARKET: command.ADMIN,
    command.SET_TIER: command.ADMIN,
    command.SET_PARAMETER: command.ADMIN,
    command.SET_STATUS: command.ADMIN,
    command.SET_SOURCE: command.ADMIN,
    command.DELIST: command.ADMIN,
    command.INSURANCE_REMOVE: command.ADMIN,
}


def scenario() -> None:
    world = World(markets=1)
    account = world.account(1_000)
    address = {"address_0": 1, "address_1": 2, "address_2": 3}
    agent = {"signer": account, "account": account, "amount": command.MAY_TRADE | command.MAY_TRANSFER}
    world.must(kind=command.APPROVE_AGENT, **agent, **address)
    signers = [account, -2, -1, *sorted(set(ROLES.values()))]
    for kind, role in ROLES.items():
        for signer in signers:
            if signer != role:
                done = world.do(kind=kind, signer=signer)
                assert done.codes[0] in (code.NOT_AUTHORISED, code.UNKNOWN_AGENT, code.AGENT_SCOPE), (kind, signer)
    for kind in (command.WITHDRAW, command.APPROVE_AGENT, command.CREATE_SUB):  # an agent never takes money out
        done = world.do(kind=kind, signer=-2, account=account)
        assert done.codes[0] in (code.NOT_AUTHORISED, code.AGENT_SCOPE, code.UNKNOWN_AGENT)


def test_every_privileged_command_asks_for_its_role() -> None:
    scenario()


def test_it_fails_without_the_guard() -> None:
    old = "    if allowed != code.OK:\n        return int(allowed)\n"
    new = "    if allowed != code.OK and c.kind < command.TICK:\n        return int(allowed)\n"
    assert fails_without("engine/apply.py", old, new, scenario)
