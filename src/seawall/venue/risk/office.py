"""The risk engine inside the venue: looks at every market, decides, and proposes within the rails.

Every few seconds: five signs a market make its stress state, the model's two margins and that state make the values
wanted, and each goes the next step that the rails allow. In shadow mode nothing is sent; live, each is signed by the
keys of this process and goes through the same door as everybody's. When it stops, the engine lets live values decay.
"""

import asyncio
import logging
import math
import time
from collections import deque
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from seawall.book.grid import ASKS, BIDS
from seawall.engine.rows import rows_of
from seawall.engine.tiers import INITIAL_TO_MAINTENANCE
from seawall.ledger import state
from seawall.margin.certificate import LIVE
from seawall.risk.bars import Bar
from seawall.risk.engine import Proposal as Margins
from seawall.risk.engine import Rails, RiskModel
from seawall.risk.measures import Forced, Market, against_cascade, next_value, wanted
from seawall.risk.moves import prior_sigma, volatility
from seawall.risk.publisher import (
    ASSETS_FROM,
    LIFE_MS,
    Proposal,
    Report,
    check_proposal,
    domain,
    mask_of,
    report_hash,
    sign_all,
)
from seawall.risk.stress import NAMES, Signs, Stress
from seawall.signing import Key, Signature
from seawall.terms import code, command, parameter
from seawall.terms.parameter import MARKET
from seawall.units import RATE_ONE, BadInput, Rate, UsdMicro, ceil_div, floor_div
from seawall.venue.desk import BusyError, StoppedError
from seawall.venue.names import address_of
from seawall.venue.risk.cascades import books_of, clamps_of, foresee_cascades
from seawall.venue.risk.census import census
from seawall.venue.risk.collateral import CollateralDesk
from seawall.venue.risk.judged import Past, bar_of, old_bars
from seawall.venue.risk.memory import MINUTE_MS, Memory, Span
from seawall.venue.service import Service
from seawall.venue.universe import Listing
from seawall.venue.views.figures import LEVELS, Reader

Mode = Literal["off", "shadow", "live"]
RAILED: Final = tuple(number for number, terms in MARKET.items() if terms.rail is not None)
RANGE_MS: Final = 15 * MINUTE_MS
HOUR_MS: Final = 60 * MINUTE_MS
RANGE_OF_VOLATILITY: Final = 1.6 * 0.5  # range of a quarter of an hour of a walk, over the volatility of an hour
DEPTH_BAND: Final = 100  # of mid: one part in so many
DEPTH_KEEP: Final = 0.999  # of the usual depth, a look
DEPTH_LOOKS: Final = 60  # before it is known what is usual
CASCADES_MS: Final = MINUTE_MS  # between two forecasts of cascades
KEPT: Final = 500  # proposals that are shown
FIGURES: Final = (0, 4, 3)  # significant figures of prices: 20 levels reach further with fewer
log = logging.getLogger("seawall.risk")


class Look(NamedTuple):
    """What the last look at a market found."""

    signs: Signs
    margins: Margins | None
    volatility: float
    depth: UsdMicro


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal and what became of it."""

    proposal: Proposal
    report: Report
    mask: int
    outcome: str


class Watched:
    """What the office keeps of one market."""

    def __init__(self) -> None:
        self.stress = Stress()
        self.interest: deque[tuple[int, int]] = deque()  # (time, lots) of the last hour
        self.usual_depth = 0.0
        self.looks = 0
        self.last_minute = -1  # start of the last minute that the model was told
        self.sigma = 0.0  # volatility of an hour, as of sigma_ms
        self.sigma_ms = -1
        self.look: Look | None = None
        self.forced: Forced | None = None  # what the move that the model allows for would force


class RiskOffice:
    """`run` it as a task in the venue's loop. `mode` may be changed at any time: that is the switch."""

    def __init__(self, service: Service, memory: Memory, keys: tuple[Key, ...], model: RiskModel) -> None:
        """`keys` sign what this process proposes. BadInput for signers of the configuration that are no addresses."""
        terms = service.config.risk
        self.service, self.memory, self.keys, self.model = service, memory, keys, model
        self.mode: Mode = terms.mode
        self.domain = domain(terms.chain_id)
        named = terms.signers or tuple("0x" + key.address.hex() for key in keys)
        self.signers = {address_of(text, "risk.signers"): number for number, text in enumerate(named)}
        if len(self.signers) != len(named) or len(named) > 16:
            raise BadInput("risk.signers", "expected at most 16 different addresses")
        self.watched: dict[int, Watched] = {}
        self.made: deque[Made] = deque(maxlen=KEPT)
        self.collateral = CollateralDesk(self)
        self.past = Past()
        self.looked_ms: int | None = None
        self.cascades_ms: int | None = None  # when cascades were last foreseen
        self.took_ms = 0

    async def run(self) -> None:
        """Looks until cancelled. A look that fails is logged; the engine's rails do not depend on it."""
        await self.memory.load()
        await self.recall()
        while True:  # until cancelled
            await asyncio.sleep(self.service.config.risk.seconds)
            if self.mode == "off":
                continue
            try:
                await self.look()
            except (BusyError, StoppedError):
                log.info("a look was not heard: the venue is busy or stopping")
            except Exception:  # one look that failed must not end all that come
                log.exception("a look at the markets failed")

    async def recall(self) -> None:
        """Tells the model the hours of history, one at a time in a thread: others have the loop meanwhile.

        Nobody else may ask the model until the first look (`looked_ms`).
        """
        for listing, bar in old_bars(self.memory, tuple(self.service.universe.listings), self.service.now):
            await asyncio.to_thread(self._hear, listing, bar, is_replayed=True)

    def _hear(self, listing: Listing, bar: Bar, *, is_replayed: bool) -> None:
        """Gives the model a bar, and keeps what it says of the hour that this ends."""
        self.model.observe(listing.coin, bar)
        live = self.service.columns["param"].item(listing.number, parameter.INITIAL_LIVE)
        self.past.note(
            listing.coin, self.model.judged(listing.coin), self.rails(listing), live, is_replayed=is_replayed
        )

    async def look(self) -> None:
        """One look at all markets, and what is proposed for it."""
        await self.service.desk.settled()
        start = time.perf_counter()
        proposals = self.decide()
        self.took_ms = round(1_000 * (time.perf_counter() - start))
        self.looked_ms = self.service.now
        if self.mode == "live" and self.keys:
            await self._send(proposals)
        else:
            for proposal, report in proposals:
                self.made.append(
                    Made(
                        proposal=proposal,
                        report=report,
                        mask=0,
                        outcome="shadow" if self.mode == "shadow" else "unsigned",
                    )
                )
        await self.collateral.look()
        if self.cascades_ms is None or self.service.now - self.cascades_ms >= CASCADES_MS:
            await self.service.desk.settled()
            await self.foresee()

    async def foresee(self) -> None:
        """Cascades anew, of the move as large as the margin for new risk of each market's last look."""
        found, moves = census(self.service), {}
        for number, watched in self.watched.items():
            watched.forced = None
            if watched.look is not None and watched.look.margins is not None:
                moves[number] = watched.look.margins.new_risk_rate / RATE_ONE
        if not moves:
            return
        self.cascades_ms = self.service.now
        if found is not None:
            books, clamps = books_of(self.service, found), clamps_of(self.service, found)
            told = await asyncio.to_thread(foresee_cascades, found, books, clamps, moves)
            for number, forced in told.items():
                self.watched[number].forced = forced

    def decide(self) -> list[tuple[Proposal, Report]]:
        """What is to be proposed now, market by market. Reads, and remembers what it saw; sends nothing."""
        columns, found = self.service.columns, []
        for listing in self.service.universe.listings:
            number = listing.number
            is_running = command.ACTIVE <= columns["market_status"].item(number) < command.HALTED
            if not is_running or not columns["market_price"].item(number):
                continue
            watched = self.watched.setdefault(number, Watched())
            watched.look = self._see(listing, watched)
            found += self._plan(listing, watched)
        return found

    def _see(self, listing: Listing, watched: Watched) -> Look:
        columns, now, number = self.service.columns, self.service.now, listing.number
        self.memory.see(number)
        known = self.memory.of(number)
        self._tell(listing, watched)
        depth = self._depth(listing)
        lots, mark = columns["market_open"].item(number), columns["market_price"].item(number)
        sigma = self._volatility(listing, watched)
        least = self.service.config.risk.interest_least_usd * 10**6
        most = _interest_most(watched, now, lots)
        of = max(most * mark, least, 1)  # a handful of positions that close are no flight
        signs = Signs(
            range=_range(known.since(now - RANGE_MS)) / (RANGE_OF_VOLATILITY * sigma),
            depth_lost=_depth_lost(watched, float(depth)),
            open_interest_lost=(most - lots) * mark / of,
            gap=self._gap(listing),
            liquidated=sum(one.forced for one in known.since(now - HOUR_MS)) / of,
        )
        live = columns["param"].item(number, parameter.BREAKER)
        if self.mode == "live" and live != watched.stress.state:
            watched.stress.follow(live, now)  # a guardian, or silence
        watched.stress.see(signs, now)
        return Look(signs, self._margins(listing), sigma, depth)

    def _volatility(self, listing: Listing, watched: Watched) -> float:
        """Of an hour, measured again once a minute."""
        now, number = self.service.now, listing.number
        if watched.sigma_ms < 0 or now - watched.sigma_ms >= MINUTE_MS:
            prior = prior_sigma(int(self.service.columns["base_leverage"].item(number, 0)))
            bars = self.memory.bars((number,), (listing.coin,))
            watched.sigma, watched.sigma_ms = float(volatility(bars, np.array([prior]))[-1, 0]), now
        return watched.sigma

    def _tell(self, listing: Listing, watched: Watched) -> None:
        """Gives the model the minutes that are over."""
        for one in list(self.memory.of(listing.number).minutes)[:-1]:
            if one.start > watched.last_minute:
                self._hear(listing, bar_of(listing, one, MINUTE_MS), is_replayed=False)
                watched.last_minute = one.start

    def _margins(self, listing: Listing) -> Margins | None:
        if listing.coin not in self.model.markets:
            return None
        return self.model.propose(listing.coin, self.rails(listing), self.service.now)

    def rails(self, listing: Listing) -> Rails:
        """With the static rates of the policy of now, of the first tier."""
        columns, number = self.service.columns, listing.number
        most, rate = columns["base_leverage"].item(number, 0), columns["base_rate"].item(number, 0)
        initial = Rate(max(columns["param_static"].item(number, parameter.INITIAL_LIVE), ceil_div(RATE_ONE, most)))
        return Rails(static_new_risk=initial, static_maintenance=Rate(rate))

    def _depth(self, listing: Listing) -> UsdMicro:
        """Resting within 1 % of mid on the thinner side, of the levels that are shown."""
        reader, quote = self.service.lens.reader, self.service.lens.reader.quote(listing.number)
        if not quote.bid or not quote.ask:
            return UsdMicro(0)
        reach = floor_div(quote.bid + quote.ask, 2 * DEPTH_BAND)
        sides = ((4 * listing.number + BIDS, quote.bid), (4 * listing.number + ASKS, quote.ask))
        return UsdMicro(min(_resting(reader, row, best, reach) for row, best in sides))

    def _gap(self, listing: Listing) -> float:
        quote = self.service.lens.reader.quote(listing.number)
        if not quote.oracle or not quote.bid or not quote.ask:
            return math.nan
        return abs((quote.bid + quote.ask) / (2 * quote.oracle) - 1.0)

    def _plan(self, listing: Listing, watched: Watched) -> list[tuple[Proposal, Report]]:
        """The next steps of one market."""
        columns, now, number = self.service.columns, self.service.now, listing.number
        look, stress = watched.look, watched.stress
        assert look is not None
        live, static = columns["param"][number].tolist(), columns["param_static"][number].tolist()
        since = columns["param_time"][number].tolist()
        market = Market(
            state=stress.state,
            open_interest=columns["market_open"].item(number),
            open_notional=UsdMicro(columns["market_open"].item(number) * columns["market_price"].item(number)),
            depth=look.depth,
            new_risk=Rate(0) if look.margins is None else look.margins.new_risk_rate,
            maintenance=Rate(0) if look.margins is None else look.margins.maintenance_rate,
            static_maintenance=Rate(columns["base_rate"].item(number, 0)),
            forced=watched.forced,
        )
        because = against_cascade(market)
        found = []
        heading = max(columns["market_ramp_next"].item(number), columns["market_ramp_target"].item(number))
        for which, target in wanted(market, {one: static[one] for one in RAILED}).items():
            before = heading if which == parameter.MAINTENANCE_SCALE else live[which]
            value = next_value(which, target=target, live=before, static=static[which], age_ms=now - since[which])
            if value is not None and (which != parameter.MAINTENANCE_SCALE or self._may_head(number, value, before)):
                why = (watched.forced.words,) if watched.forced and which in because else ()
                found.append(self._made(listing, watched, which, value, before, why))
        return found

    def _may_head(self, number: int, value: int, heading: int) -> bool:
        """Maintenance is announced in steps that are worth it, one announcement at a time, under the market's cap."""
        columns = self.service.columns
        cap = _scale_cap(columns, number)
        waits = columns["market_ramp_from"].item(number) != 0
        is_worth = abs(value - heading) * 50 >= heading
        return value <= cap and is_worth and not (value > heading and waits)

    def _made(
        self, listing: Listing, watched: Watched, which: int, value: int, before: int, because: tuple[str, ...] = ()
    ) -> tuple[Proposal, Report]:
        margins, now = watched.look.margins if watched.look else None, self.service.now
        reasons = (*because, *watched.stress.reasons, *(margins.reasons if margins else ()))
        report = Report(
            coin=listing.coin,
            parameter=MARKET[which].name,
            value=value,
            before=before,
            state=NAMES[watched.stress.state],
            model=self.model.model_id,
            data=margins.data_hash if margins else "",
            reasons=reasons or (f"{MARKET[which].name} follows the model and a {NAMES[watched.stress.state]} market",),
            time=now,
        )
        proposal = Proposal(
            market=listing.number,
            number=which,
            amount=value,
            serial=0,
            expires=now + LIFE_MS,
            report=report_hash(report),
        )
        return proposal, report

    async def _send(self, proposals: list[tuple[Proposal, Report]]) -> None:
        """Signs and submits, all as one batch; with nothing to say, that it is alive."""
        serial = self.service.columns["cell"].item(state.RISK_SERIAL)
        signed = []
        for place, (proposal, report) in enumerate(proposals or self._sign_of_life()):
            numbered = msgspec.structs.replace(proposal, serial=serial + 1 + place)
            mask = mask_of(self.domain, numbered, sign_all(self.domain, numbered, self.keys), self.signers)
            signed.append((numbered, report, mask))
        if signed:
            await self.submit(signed)

    def _sign_of_life(self) -> list[tuple[Proposal, Report]]:
        for listing in self.service.universe.listings:
            watched = self.watched.get(listing.number)
            if watched is not None and watched.look is not None:
                now = self.service.columns["param"].item(listing.number, parameter.BREAKER)
                return [self._made(listing, watched, parameter.BREAKER, now, now)]
        return []

    async def publish(self, proposal: Proposal, signed: tuple[Signature, ...], report: Report) -> Made:
        """Brings a proposal with its signatures to the engine, anybody's. BadInput for one that is none."""
        check_proposal(proposal, self.service.now)
        if proposal.report != report_hash(report):
            raise BadInput("report", "its hash is not the one that was signed")
        mask = mask_of(self.domain, proposal, signed, self.signers)
        return (await self.submit([(proposal, report, mask)]))[0]

    async def submit(self, signed: list[tuple[Proposal, Report, int]]) -> list[Made]:
        """Rows to the engine; what became of each is kept, unless it only said that somebody is alive."""
        done = await self.service.submit(rows_of([_row(proposal, mask) for proposal, _, mask in signed]))
        found = []
        for (proposal, report, mask), result in zip(signed, done.codes.tolist(), strict=True):
            outcome = "accepted" if result == code.OK else f"refused: {code.TEXT[result]}"
            found.append(Made(proposal=proposal, report=report, mask=mask, outcome=outcome))
        self.made.extend(one for one in found if one.report.before != one.report.value)
        return found


def _row(proposal: Proposal, mask: int) -> dict[str, int]:
    what = {"kind": command.PROPOSE, "market": proposal.market, "other": proposal.number}
    if proposal.market >= ASSETS_FROM:
        what = {"kind": command.PROPOSE_ASSET, "other": proposal.market - ASSETS_FROM, "size": proposal.number}
    return {
        **what,
        "signer": command.RISK,
        "price": proposal.amount,
        "amount": mask,
        "reference": proposal.serial,
        "expires": proposal.expires,
    }


def _scale_cap(columns: Any, market: int) -> int:
    """The greatest maintenance scale that every tier's leverage leaves room for, as engine/tiers.py has it."""
    cap = MARKET[parameter.MAINTENANCE_SCALE].high
    over, of = INITIAL_TO_MAINTENANCE
    for k in range(columns["tier_count"].item(2 * market + LIVE)):
        most = floor_div(of * RATE_ONE, over * columns["base_leverage"].item(market, k))
        cap = min(cap, floor_div(most * RATE_ONE, columns["base_rate"].item(market, k)))
    return max(cap, RATE_ONE)


def _resting(reader: Reader, row: int, best: int, reach: int) -> int:
    """Micro-USD on one side of a book no further than `reach` from its best price; prices joined where it is long."""
    total = 0
    for figures in FIGURES:
        levels = reader.book(row, figures, 1)
        near = [(px, size) for px, size, _ in levels if abs(px - best) <= reach]
        total = sum(px * size for px, size in near)
        if len(near) < LEVELS:
            break
    return total


def _range(spans: list[Span]) -> float:
    """Log of the highest over the lowest mark."""
    if not spans:
        return math.nan
    return math.log(max(one.high for one in spans) / min(one.low for one in spans))


def _depth_lost(watched: Watched, depth: float) -> float:
    """Share of the usual depth that is gone; NaN until it is known what is usual."""
    watched.looks += 1
    keep = DEPTH_KEEP if watched.looks > DEPTH_LOOKS else 1.0 - 1.0 / watched.looks
    before, watched.usual_depth = watched.usual_depth, keep * watched.usual_depth + (1.0 - keep) * depth
    if watched.looks <= DEPTH_LOOKS or before <= 0.0:
        return math.nan
    return max(0.0, 1.0 - depth / before)


def _interest_most(watched: Watched, now: int, lots: int) -> int:
    """The hour's greatest open interest, lots."""
    watched.interest.append((now, lots))
    while watched.interest[0][0] < now - HOUR_MS:
        watched.interest.popleft()
    return max(one for _, one in watched.interest)
