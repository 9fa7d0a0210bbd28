"""A small venue made by real commands, for tests of what clients see: two markets, people with keys, orders by name."""

from seawall.engine.rows import rows_of
from seawall.ledger import state
from seawall.terms import code, command, parameter
from seawall.units import RATE_ONE
from seawall.venue.names import name_pair, pair_of
from seawall.venue.people import SPOT_NAME, address_fields
from venue_double import Double

START = 1_760_000_400_000  # an hour's start, UTC
USD = 1_000_000
BTC, DOGE = 0, 1
TIERS = {BTC: ((0, 40), (150_000_000 * USD, 20)), DOGE: ((0, 10),)}
DECIMALS = {BTC: 3, DOGE: 0}
PRICE = {BTC: 60_000 * 10**3, DOGE: 100_000}  # micro-USD per lot: 60,000 USD a BTC, 0.1 USD a DOGE


class Scene(Double):
    """BTC at 60,000 and DOGE at 0.1 USD, without fees on DOGE; every command must be accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.nonce = START
        self.deposits = 0
        self.do(command.TICK, command.SEQUENCER, time=START)
        for market, coin in ((BTC, "BTC"), (DOGE, "DOGE")):
            self._list(market, coin)
        outage = {"other": parameter.OUTAGE_MS, "price": parameter.DAY_MS}
        self.do(command.SET_PARAMETER, command.ADMIN, market=-1, **outage)
        for market in (BTC, DOGE):
            for status in (command.CANCELLING, command.POSTING, command.ACTIVE):
                self.do(command.SET_STATUS, command.ADMIN, market=market, flags=status)

    def _list(self, market: int, coin: str) -> None:
        high, low = name_pair(coin, "coin")
        names = {"client_high": high, "client_low": low}
        self.do(command.LIST_MARKET, command.ADMIN, market=market, other=DECIMALS[market], price=2**33, **names)
        for tier, (lower, leverage) in enumerate(TIERS[market]):
            rate = RATE_ONE // (2 * leverage)
            self.do(command.SET_TIER, command.ADMIN, market=market, other=tier, amount=lower, size=leverage, price=rate)
        fees = {parameter.TAKER_FEE: 0, parameter.MAKER_FEE: 0} if market == DOGE else {}
        caps = {
            parameter.OPEN_INTEREST_CAP: 2**40,
            parameter.POSITION_CAP: 2**40,
            parameter.ORACLE_QUORUM: 1,
            parameter.ORACLE_AGE_MS: 60_000,
        }
        for which, value in {**caps, **fees, parameter.IMPACT_NOTIONAL: 100 * USD}.items():
            self.do(command.SET_PARAMETER, command.ADMIN, market=market, other=which, price=value)
        self.do(command.SET_SOURCE, command.ADMIN, market=market, other=0, size=1)
        self.price(market, PRICE[market])

    def row(self, kind: int, signer: int, **fields: int) -> dict[str, int]:
        """A row, with the next nonce when a person signs it."""
        if signer > command.SEQUENCER:
            self.nonce += 1
            fields["nonce"] = self.nonce
        return {"kind": kind, "signer": signer, **fields}

    def do(self, kind: int, signer: int, **fields: int) -> int:
        """One command that must be accepted; returns its code."""
        found = self.attempt(kind, signer, **fields)
        assert found == code.OK, f"{kind} {fields}: {code.TEXT[found]}"
        return found

    def attempt(self, kind: int, signer: int, **fields: int) -> int:
        """The code of one command."""
        return int(self.apply(rows_of([self.row(kind, signer, **fields)]))[0])

    def price(self, market: int, price: int) -> None:
        """A new index, and a mark that follows it."""
        self.do(command.ORACLE, command.ORACLES, market=market, other=0, price=price, time=self.now)

    def pass_time(self, ms: int) -> None:
        """The clock moves on; prices stay fresh."""
        self.do(command.TICK, command.SEQUENCER, time=self.now + ms)
        for market in (BTC, DOGE):
            self.price(market, int(self.columns["market_oracle"][market]))

    def hours(self, count: int) -> None:
        """So many hours with premium samples and funding."""
        for _ in range(count):
            for _ in range(4):
                self.pass_time(15 * 60_000)
                for market in (BTC, DOGE):
                    self.attempt(command.FUNDING, command.SEQUENCER, market=market)

    def person(self, dollars: int = 0, key: int = 0) -> int:
        """A new owner with USD; its address is its account's number + 1 or `key`."""
        account = int(self.columns["cell"][state.ACCOUNTS])
        address = (key or account + 1).to_bytes(20, "big")
        self.do(command.CREATE_ACCOUNT, command.SEQUENCER, **address_fields(address))
        if dollars:
            self.deposit(account, dollars)
        return account

    def deposit(self, account: int, dollars: int) -> None:
        self.deposits += 1
        amount = dollars * USD
        self.do(command.DEPOSIT, command.BRIDGE, account=account, amount=amount, reference=self.deposits)

    def sub(self, master: int, name: str = SPOT_NAME) -> int:
        """A sub-account; by default the hidden one of USD outside margin."""
        account = int(self.columns["cell"][state.ACCOUNTS])
        high, low = name_pair(name, "name")
        self.do(command.CREATE_SUB, master, account=master, client_high=high, client_low=low)
        return account

    def order(
        self, account: int, market: int, side: int, price: int, size: int, flags: int = 0, cloid: int = 0, **more: int
    ) -> int:
        """An order of `side` * size lots; returns the engine's id of what rests, 0 for nothing."""
        high, low = pair_of(cloid)
        flags |= command.SELL if side < 0 else 0
        fields = {"account": account, "market": market, "flags": flags, "price": price, "size": size, **more}
        before = self.mirror.orders.last
        self.do(command.PLACE, account, client_high=high, client_low=low, **fields)
        placed = self.mirror.orders.by_oid.get(before + 1)
        return placed.engine if placed is not None else 0

    def trade(self, buyer: int, seller: int, market: int, price: int, size: int) -> None:
        """The seller rests, the buyer takes."""
        self.order(seller, market, -1, price, size)
        self.order(buyer, market, 1, price, size, command.IOC)
