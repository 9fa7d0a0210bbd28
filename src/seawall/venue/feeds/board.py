"""What each source said last of each market, in the engine's units, until the sequencer takes it to the log.

Nothing is judged here: a price that is no price goes to the engine as 0, which says nothing, and one that is far off as
what it is. The engine's quorum, age, step and deviation limits decide (SPEC section 6); `state` names what they see.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from seawall.terms import parameter
from seawall.terms.command import PERP
from seawall.units import RATE_ONE, BadInput, fraction_from, half_even_div
from seawall.venue.clock import Clock
from seawall.venue.feeds.source import Quote
from seawall.venue.universe import Listing, Universe

FROZEN_MS: Final = 60_000  # the same price for this long, while it is said again and again
TEXT_MAX: Final = 40  # characters of a price that is shown
PPM: Final = 1_000_000


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """One source of the engine: an origin of index prices, or of a perp's."""

    number: int  # in every market, by the order of the configuration
    kind: str
    name: str
    is_perp: bool
    weight: int
    coins: frozenset[str]

    @property
    def size(self) -> int:
        """Its weight as SET_SOURCE takes it."""
        return self.weight + (PERP if self.is_perp else 0)


class Said(msgspec.Struct, kw_only=True):
    """The last price of a voice for a coin."""

    voice: Voice
    coin: str
    price: int = 0  # micro-USD per lot; 0: it said nothing that is a price
    text: str = ""
    time: int = 0  # of publication
    changed: int = 0  # when another price was heard
    is_new: bool = False  # not in the log yet
    problem: str = ""  # with the last thing heard
    refused: int = 0  # result code of its last row


class Board:
    """All of it."""

    def __init__(self, universe: Universe, clock: Clock) -> None:
        self.universe = universe
        self.clock = clock
        self._said: dict[tuple[int, str], Said] = {}

    def put(self, voice: Voice, quote: Quote) -> None:
        """Notes a quote. One older than the last is not looked at; a time ahead of ours counts as now."""
        now = self.clock.now()
        said = self._said.get((voice.number, quote.coin))
        if said is None:
            if quote.coin not in voice.coins:
                return
            said = self._said[voice.number, quote.coin] = Said(voice=voice, coin=quote.coin)
        listing = self.universe.by_coin.get(quote.coin)
        time = min(quote.time, now)
        if listing is None or time < said.time:
            return
        try:
            price, said.problem = price_of(quote, listing), ""
        except BadInput as error:
            price, said.problem = 0, error.why
        said.text = str(quote.price)[:TEXT_MAX]
        if price != said.price or said.time == 0:
            said.changed = now
        said.price, said.time, said.is_new = price, time, True

    def new(self) -> Iterator[tuple[Said, Listing]]:
        """What is not in the log yet, with its market."""
        for said in self._said.values():
            listing = self.universe.by_coin.get(said.coin)
            if said.is_new and listing is not None:
                yield said, listing

    def of_voice(self, voice: Voice) -> dict[str, Said]:
        """What a voice said last, by coin; nothing for a coin that it has never quoted."""
        found = {coin: self._said.get((voice.number, coin)) for coin in sorted(voice.coins)}
        return {coin: said for coin, said in found.items() if said is not None}


def price_of(quote: Quote, listing: Listing) -> int:
    """Micro-USD per lot, nearest (ties to even): exact wherever the market has the decimals.

    BadInput for what is no number, for nothing or less, and for a price that the market cannot represent.
    """
    exact = fraction_from(quote.price, "price")
    if exact <= 0:
        raise BadInput("price", "not positive")
    power = listing.price_decimals
    scaled = exact * 10**power
    price = half_even_div(scaled.numerator, scaled.denominator)
    if not 1 <= price <= listing.price_max:
        raise BadInput("price", f"beyond what the market can represent, {listing.price_text(listing.price_max)}")
    return price


def has_voice(columns: Any, voice: Voice, listing: Listing) -> bool:
    """Whether the engine has given this voice a weight in a market, for what it speaks for."""
    weight = int(columns["source_weight"][listing.number, voice.number])
    return weight != 0 and (weight >= PERP) == voice.is_perp


def deviation_ppm(columns: Any, said: Said, listing: Listing) -> int | None:
    """How far its price is from the index, in parts per million; None while one of them is missing."""
    index = int(columns["market_oracle"][listing.number])
    if index == 0 or said.price == 0:
        return None
    return half_even_div((said.price - index) * PPM, index)


def state_of(columns: Any, said: Said | None, voice: Voice, listing: Listing, now: int) -> str:
    """In one word: ok, unused, silent, absurd, stale, divergent, frozen, refused."""
    if not has_voice(columns, voice, listing):
        return "unused"  # the admin has given it no weight
    if said is None:
        return "silent"
    if said.price == 0:
        return "absurd"
    if now - said.time > int(columns["param"][listing.number, parameter.ORACLE_AGE_MS]):
        return "stale"
    far = deviation_ppm(columns, said, listing)
    most = int(columns["param"][listing.number, parameter.ORACLE_DEVIATION])
    if far is not None and abs(far) * RATE_ONE > most * PPM:
        return "divergent"
    if said.refused:
        return "refused"
    return "frozen" if now - said.changed > FROZEN_MS else "ok"
