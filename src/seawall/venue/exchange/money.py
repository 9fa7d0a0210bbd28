"""Actions that move money or change whose it is: sends, withdrawals, sub-accounts, isolated margin, pools, agents."""

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from seawall.engine.rows import Rows, rows_of
from seawall.ledger.markets import AMM, BACKSTOP
from seawall.margin.trigger_state import SLOTS_USED
from seawall.terms import code, command
from seawall.units import USD_ONE, BadInput, ceil_div
from seawall.venue.decimals import USD_DECIMALS, units_of
from seawall.venue.desk import Outcome
from seawall.venue.exchange.call import Call, is_time, rows_from
from seawall.venue.exchange.orders import Handler, plain_answer
from seawall.venue.exchange.words import NOT_OFFERED, MalformedError, RefusedError, action_words, ok
from seawall.venue.names import address_of, address_text, name_pair
from seawall.venue.people import SPOT_NAME, address_fields
from seawall.venue.service import Service
from seawall.venue.views.pools import pool_at

USDC: Final = "USDC"
VALID_UNTIL: Final = re.compile(r"^(.*?) ?valid_until (\d{1,16})$")
SUBACCOUNT: Final = re.compile(r"^(\S+) subaccount:(\S+)$")
POOL_FLAGS: Final = {AMM: command.AMM, BACKSTOP: command.BACKSTOP}
LITTLE: Final = (
    "approveBuilderFee",
    "setReferrer",
    "registerReferrer",
    "setDisplayName",
    "evmUserModify",
    "agentEnableDexAbstraction",
    "noop",
    "reserveRequestWeight",
)
"""Accepted, and without effect here: there are no builders' fees, referrals, names or other chains."""
DISABLED: Final = ("disabled", "i", "default", False)


def usd_of(text: Any, field: str) -> int:
    """Micro-USD of decimal text. RefusedError when it is not positive or too fine."""
    try:
        micro = units_of(text, USD_DECIMALS, field)
    except BadInput as error:
        raise RefusedError(str(error)) from error
    if micro <= 0:
        raise RefusedError("Invalid amount")
    return micro


def address_in(action: Mapping[str, Any], name: str) -> bytes:
    """An address of an action. MalformedError for anything else."""
    try:
        return address_of(action.get(name), name)
    except BadInput as error:
        raise MalformedError(str(error)) from error


def own_master(call: Call) -> int:
    """The account of an owner who signed itself. RefusedError for an agent."""
    if call.signer < 0:
        raise RefusedError("Must be signed by the account's own wallet.")
    return call.signer


async def usd_send(service: Service, call: Call) -> dict[str, Any]:
    """`usdSend`: from the signer's margin account to another owner's."""
    own_master(call)
    destination, amount = address_in(call.action, "destination"), usd_of(call.action.get("amount"), "amount")
    return await send(service, call, destination, amount)


async def send(service: Service, call: Call, destination: bytes, amount: int) -> dict[str, Any]:
    """A transfer to an address; an account is made for one that has none."""
    target = service.people.account_of(destination)
    if target == call.signer:
        raise RefusedError("Cannot self-transfer.")
    if target >= 0:
        row = call.row(command.TRANSFER, other=target, amount=amount)
        done = await service.submit(rows_from([row]))
        return _sent(call, int(done.codes[0]))
    fresh = {"kind": command.CREATE_ACCOUNT, "signer": command.BRIDGE, **address_fields(destination)}

    def then(done: Outcome) -> Rows | None:
        if done.codes[0] != code.OK:
            return None
        return rows_from([call.row(command.TRANSFER, other=int(done.made[0]), amount=amount)])

    done = await service.submit(rows_of([fresh]), then)
    return _sent(call, int(done.codes[-1]))


def _sent(call: Call, number: int) -> dict[str, Any]:
    if number == code.WITHDRAWABLE:
        raise RefusedError("Insufficient balance for token transfer")
    return plain_answer(call, number)


async def withdraw(service: Service, call: Call) -> dict[str, Any]:
    """`withdraw3`: frozen now, paid to `destination` by the bridge."""
    own_master(call)
    destination, amount = address_in(call.action, "destination"), usd_of(call.action.get("amount"), "amount")
    if service.witness is not None:
        service.witness(call)
    row = call.row(command.WITHDRAW, amount=amount, **address_fields(destination))
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


async def class_transfer(service: Service, call: Call) -> dict[str, Any]:
    """`usdClassTransfer`: between an owner's margin account and what it holds outside margin."""
    own_master(call)
    text, to_perp = call.action.get("amount"), call.action.get("toPerp")
    if not isinstance(text, str) or not isinstance(to_perp, bool):
        raise MalformedError("expected amount and toPerp")
    if SUBACCOUNT.match(text):
        raise RefusedError(f"{NOT_OFFERED} spot balances of sub-accounts.")
    return await between_classes(service, call, usd_of(text, "amount"), to_perp=to_perp)


async def between_classes(service: Service, call: Call, amount: int, *, to_perp: bool) -> dict[str, Any]:
    """USD into margin, or out of it into the hidden account, which is made when it is first needed."""
    spot = service.people.persons[call.signer].spot
    if spot >= 0:
        giver, taker = (spot, call.signer) if to_perp else (call.signer, spot)
        done = await service.submit(rows_from([call.row(command.TRANSFER, account=giver, other=taker, amount=amount)]))
        return _sent(call, int(done.codes[0]))
    if to_perp:
        await service.submit(rows_from([call.burn()]))
        raise RefusedError("Insufficient balance for token transfer")
    high, low = name_pair(SPOT_NAME, "name")

    def then(done: Outcome) -> Rows | None:
        if done.codes[0] != code.OK:
            return None
        return rows_from([call.row(command.TRANSFER, other=int(done.made[0]), amount=amount)])

    row = call.row(command.CREATE_SUB, account=call.signer, client_high=high, client_low=low)
    done = await service.submit(rows_from([row]), then)
    return _sent(call, int(done.codes[-1]))


async def send_asset(service: Service, call: Call) -> dict[str, Any]:
    """`sendAsset` of USDC: between own margin and spot, or from margin to another owner's margin."""
    own_master(call)
    action = call.action
    token = str(action.get("token", "")).partition(":")[0]
    source, target = action.get("sourceDex"), action.get("destinationDex")
    if token != USDC or source not in ("", "spot") or target not in ("", "spot") or action.get("fromSubAccount"):
        raise RefusedError(f"{NOT_OFFERED} this transfer.")
    destination, amount = address_in(action, "destination"), usd_of(action.get("amount"), "amount")
    if destination == call.address and source != target:
        return await between_classes(service, call, amount, to_perp=target == "")
    if source == "" and target == "":
        return await send(service, call, destination, amount)
    raise RefusedError(f"{NOT_OFFERED} this transfer.")


async def create_sub(service: Service, call: Call) -> dict[str, Any]:
    """`createSubAccount`: answers its address."""
    name = call.action.get("name")
    if not isinstance(name, str):
        raise MalformedError("expected name")
    if name == SPOT_NAME or not name:
        raise RefusedError("Invalid sub-account name")
    try:
        high, low = name_pair(name, "name")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    row = call.row(command.CREATE_SUB, account=own_master(call), client_high=high, client_low=low)
    done = await service.submit(rows_from([row]))
    plain_answer(call, int(done.codes[0]))
    return ok("createSubAccount", address_text(service.people.persons[int(done.made[0])].address))


async def sub_transfer(service: Service, call: Call) -> dict[str, Any]:
    """`subAccountTransfer`: USD between an owner and one of its sub-accounts."""
    action, master = call.action, own_master(call)
    amount, is_deposit = action.get("usd"), action.get("isDeposit")
    if not is_time(amount) or not isinstance(is_deposit, bool):
        raise MalformedError("expected isDeposit and usd")
    sub = service.people.account_of(address_in(action, "subAccountUser"))
    if sub < 0 or service.people.persons[sub].master != master or sub == master:
        raise RefusedError("Sub-account does not exist.")
    giver, taker = (master, sub) if is_deposit else (sub, master)
    done = await service.submit(rows_from([call.row(command.TRANSFER, account=giver, other=taker, amount=amount)]))
    return _sent(call, int(done.codes[0]))


async def approve_agent(service: Service, call: Call) -> dict[str, Any]:
    """`approveAgent`: in the place of the agent of the same name. A name may end in "valid_until <ms>"."""
    master, address = own_master(call), address_in(call.action, "agentAddress")
    given = call.action.get("agentName") or ""
    if not isinstance(given, str):
        raise MalformedError("expected agentName")
    if address in service.people.by_address:
        raise RefusedError(action_words(code.AGENT_EXISTS))
    until = VALID_UNTIL.match(given)
    name, expires = (until[1], int(until[2])) if until else (given, 0)
    try:
        high, low = name_pair(name, "agentName")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    rows = [
        call.row(command.REVOKE_AGENT, account=master, **address_fields(old.address))
        for old in service.people.persons[master].agents.values()
        if old.name == name and old.address != address
    ]
    fields = {**address_fields(address), "amount": command.MAY_TRADE, "expires": expires}
    rows.append(call.row(command.APPROVE_AGENT, account=master, client_high=high, client_low=low, **fields))
    done = await service.submit(rows_from(rows))
    number = int(done.codes[-1])
    if number == code.BAD_TIME and expires:
        raise RefusedError("Agent expiry is not in the future.")
    return plain_answer(call, number)


async def leverage(service: Service, call: Call) -> dict[str, Any]:
    """`updateLeverage`."""
    action = call.action
    wanted, is_cross = action.get("leverage"), action.get("isCross")
    if not is_time(wanted) or not isinstance(is_cross, bool):
        raise MalformedError("expected asset, isCross and leverage")
    flags = 0 if is_cross else command.ISOLATED
    row = call.row(command.SET_LEVERAGE, market=_market(service, action.get("asset")), size=wanted, flags=flags)
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


async def isolated_margin(service: Service, call: Call) -> dict[str, Any]:
    """`updateIsolatedMargin`: `ntli` micro-USD into an isolated position, negative out of it."""
    amount = call.action.get("ntli")
    if not isinstance(amount, int) or isinstance(amount, bool) or abs(amount) >= 1 << 53:
        raise MalformedError("expected ntli")
    market = _market(service, call.action.get("asset"))
    done = await service.submit(rows_from([call.row(command.ISOLATED_MARGIN, market=market, amount=amount)]))
    number = int(done.codes[0])
    if number == code.WITHDRAWABLE:
        raise RefusedError("Insufficient margin to update isolated margin")
    return plain_answer(call, number)


async def isolated_leverage(service: Service, call: Call) -> dict[str, Any]:
    """`topUpIsolatedOnlyMargin`: the margin that brings an isolated position to a leverage, in or out."""
    market = _market(service, call.action.get("asset"))
    try:
        wanted = units_of(call.action.get("leverage"), USD_DECIMALS, "leverage")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    columns = service.columns
    bucket = _isolated_bucket(columns, call.account, market)
    if bucket < 0 or wanted <= 0:
        raise RefusedError(action_words(code.NOT_ISOLATED))
    slot = int(columns["bucket_first"][bucket])
    notional = abs(int(columns["slot_size"][slot])) * int(columns["market_price"][market])
    equity = int(columns["bucket_raw"][bucket]) + int(columns["slot_size"][slot]) * int(columns["market_price"][market])
    amount = ceil_div(notional * USD_ONE, wanted) - equity
    row = call.row(command.ISOLATED_MARGIN, market=market, amount=amount)
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


def _isolated_bucket(columns: Any, account: int, market: int) -> int:
    """The account's isolated bucket of a market; -1 for none."""
    bucket = int(columns["account_isolated"][account]) - 1
    while bucket >= 0 and columns["bucket_market"][bucket] != market:  # at most ISOLATED_PER_ACCOUNT
        bucket = int(columns["bucket_next"][bucket]) - 1
    return bucket


async def move_position(service: Service, call: Call) -> dict[str, Any]:
    """`movePosition` (ours): {asset, isCross, margin}: a whole position between cross and isolated."""
    action = call.action
    if not isinstance(action.get("isCross"), bool):
        raise MalformedError("expected asset, isCross and margin")
    amount = 0 if action["isCross"] else usd_of(action.get("margin"), "margin")
    flags = 0 if action["isCross"] else command.ISOLATED
    market = _market(service, action.get("asset"))
    done = await service.submit(rows_from([call.row(command.MOVE_POSITION, market=market, flags=flags, amount=amount)]))
    return plain_answer(call, int(done.codes[0]))


async def top_up(service: Service, call: Call) -> dict[str, Any]:
    """`automaticTopUp` (ours): {asset, floor}: USD of cross cash that top-ups leave alone; null switches them off."""
    floor = call.action.get("floor")
    try:
        amount = -1 if floor is None else units_of(floor, USD_DECIMALS, "floor")
    except BadInput as error:
        raise RefusedError(str(error)) from error
    market = _market(service, call.action.get("asset"))
    done = await service.submit(rows_from([call.row(command.SET_TOP_UP, market=market, amount=amount)]))
    return plain_answer(call, int(done.codes[0]))


async def vault_transfer(service: Service, call: Call) -> dict[str, Any]:
    """`vaultTransfer`: USD into a market's pool, or the shares that are worth that much out of it."""
    own_master(call)
    action = call.action
    vault, amount, is_deposit = address_in(action, "vaultAddress"), action.get("usd"), action.get("isDeposit")
    if not is_time(amount) or not isinstance(is_deposit, bool):
        raise MalformedError("expected isDeposit and usd")
    pool = pool_at(service, vault)
    if pool is None:
        raise RefusedError(f"Vault not registered: {address_text(vault)}")
    market, which = pool
    if is_deposit:
        row = call.row(command.POOL_ADD, market=market, flags=POOL_FLAGS[which], amount=amount)
    else:
        shares = _shares_worth(service.columns, call.account, market, which, amount)
        row = call.row(command.POOL_REMOVE, market=market, flags=POOL_FLAGS[which], size=shares)
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


def _shares_worth(columns: Any, account: int, market: int, which: int, amount: int) -> int:
    """Shares of a pool that are worth at least `amount`, at most all that the account has; by the pool's equity now."""
    pool = len(columns["bucket_raw"]) - 2 * (len(columns["market_price"]) - market) + which
    total = int(columns["market_shares_amm" if which == AMM else "market_shares_backstop"][market])
    rows = np.flatnonzero((columns["share_pool"] == pool) & (columns["share_account"] == account))
    own = int(columns["share_amount"][rows].sum())
    slots = np.flatnonzero(columns["slot_owner"][: int(columns["count"][SLOTS_USED])] == pool).tolist()
    equity = int(columns["bucket_raw"][pool])
    equity += sum(int(columns["slot_size"][slot]) * int(columns["market_price"][market]) for slot in slots)
    if equity <= 0 or total == 0:
        return own
    return min(own, ceil_div(amount * total, equity))


async def portfolio_margin(service: Service, call: Call) -> dict[str, Any]:
    """`userPortfolioMargin`: the owner's cross bucket, or a sub-account's, goes into portfolio margin or out of it."""
    master = own_master(call)
    account = service.people.account_of(address_in(call.action, "user"))
    if account < 0 or service.people.persons[account].master != master:
        raise RefusedError(action_words(code.NOT_AUTHORISED))
    row = call.row(command.SET_PORTFOLIO, account=account, flags=command.PORTFOLIO if call.action["enabled"] else 0)
    done = await service.submit(rows_from([row]))
    return plain_answer(call, int(done.codes[0]))


async def abstraction(service: Service, call: Call) -> dict[str, Any]:
    """`userSetAbstraction` and its kin: only the plain kind of account is offered."""
    value = call.action.get("abstraction", call.action.get("enabled"))
    await service.submit(rows_from([call.burn()]))
    if value not in DISABLED:
        raise RefusedError(f"{NOT_OFFERED} this kind of account.")
    return ok()


async def little(service: Service, call: Call) -> dict[str, Any]:
    """An action that is accepted and changes nothing here."""
    done = await service.submit(rows_from([call.burn()]))
    call.fail(int(done.codes[0]))
    return ok()


def _market(service: Service, asset: Any) -> int:
    try:
        return service.universe.asset(asset).number
    except BadInput as error:
        raise RefusedError(str(error)) from error


HANDLERS: Final[dict[str, Handler]] = {
    "usdSend": usd_send,
    "withdraw3": withdraw,
    "usdClassTransfer": class_transfer,
    "sendAsset": send_asset,
    "createSubAccount": create_sub,
    "subAccountTransfer": sub_transfer,
    "approveAgent": approve_agent,
    "updateLeverage": leverage,
    "updateIsolatedMargin": isolated_margin,
    "topUpIsolatedOnlyMargin": isolated_leverage,
    "movePosition": move_position,
    "automaticTopUp": top_up,
    "vaultTransfer": vault_transfer,
    "userSetAbstraction": abstraction,
    "agentSetAbstraction": abstraction,
    "userDexAbstraction": abstraction,
    "userPortfolioMargin": portfolio_margin,
    **dict.fromkeys(LITTLE, little),
}
