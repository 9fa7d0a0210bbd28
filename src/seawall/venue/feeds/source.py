"""What a source of prices is to the venue. A plug-in is a function that makes sources of its options.

    def open_sources(scene: Scene, options: Mapping[str, Any]) -> Sequence[Source]: ...

A package of its own offers one under the entry point group `seawall.feeds`; its name is then a `kind` of a [[feed]].
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from seawall.units import BadInput
from seawall.venue.clock import Clock


class Quote(NamedTuple):
    """A price that somebody published."""

    coin: str  # as the venue names its market
    price: str | Fraction  # USD per unit, exact: decimal text, or the fraction that several of them give
    time: int  # ms since the epoch: of publication where the source tells it, else when it was heard
    is_perp: bool = False  # of another venue's perp, which speaks for the mark only


Put = Callable[[Quote], None]


class Source(Protocol):
    """One independent origin of prices: at most one voice in the index and one in the mark of each market."""

    name: str
    index: frozenset[str]  # coins whose underlying it quotes
    perp: frozenset[str]  # coins whose perp it quotes

    async def run(self, put: Put) -> None:
        """Quotes for ever. Returns or raises when it cannot go on: it is then run again after a while."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What a plug-in may know of the venue."""

    coins: tuple[str, ...]  # of its markets
    prices: Mapping[str, float]  # USD per unit: the last index, else what the configuration says
    clock: Clock


OpenSources = Callable[[Scene, Mapping[str, Any]], Sequence[Source]]
Options = TypeVar("Options", bound=msgspec.Struct)


def options_of(kind: str, form: type[Options], options: Mapping[str, Any]) -> Options:
    """A plug-in's options as its own record. BadInput naming the option that is not understood."""
    try:
        return msgspec.convert(dict(options), form, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"feed {kind}: options", str(error)) from error


def chosen_coins(kind: str, asked: Sequence[str], scene: Scene) -> tuple[str, ...]:
    """The coins asked for, all of the venue's when none are. BadInput for one that is no market's."""
    for coin in asked:
        if coin not in scene.coins:
            raise BadInput(f"feed {kind}: coins", f"{coin!r} is no market: there are {', '.join(scene.coins)}")
    return tuple(dict.fromkeys(asked)) or scene.coins
