"""A venue in a process of its own, to be killed: trades on a folder without end, prints what was acknowledged."""

import asyncio
import random
import sys
from pathlib import Path

from seawall.ledger.state import DEPOSIT_SERIAL
from seawall.terms import command
from venue_rig import Rig, key

PRICE = 50_000_000
PEOPLE = range(1, 6)


async def trade(folder: Path) -> None:
    rig = Rig(folder)
    await rig.start()
    rig.now = max(rig.now, rig.service.now) + 1_000
    rig.deposits = int(rig.service.columns["cell"][DEPOSIT_SERIAL])
    dice = random.Random(rig.service.desk.sequence)
    if not rig.service.universe.listings:
        await rig.list_market(taker_fee=6_000)
    accounts = [await rig.fund(key(number), 10_000) for number in PEOPLE]
    await rig.price(0, PRICE)
    if rig.deposits > len(PEOPLE):
        await rig.service.desk.snapshot(rig.service.history.flush)
    while True:  # until killed
        rig.nonces = rig.now
        rows = [order(dice, rig, account) for account in accounts for _ in range(3)]
        codes = [code for told in await asyncio.gather(*(rig.rows(row) for row in rows)) for code in told]
        assert 0 in codes
        await rig.price(0, PRICE + dice.randint(-5, 5) * 100_000)
        print(rig.service.desk.sequence, flush=True)


def order(dice: random.Random, rig: Rig, account: int) -> dict[str, int]:
    rig.nonces += 1
    return {
        "kind": command.PLACE,
        "signer": account,
        "account": account,
        "nonce": rig.nonces,
        "flags": dice.choice((0, command.SELL)),
        "price": PRICE + dice.randint(-9, 9) * 100_000,
        "size": dice.randint(1, 5),
    }


asyncio.run(trade(Path(sys.argv[1])))
