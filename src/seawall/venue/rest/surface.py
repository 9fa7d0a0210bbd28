"""The liquidation surface of an account: the nearest liquidating point along shocks of one market or of several."""

import asyncio
from typing import Annotated

from seawall.tools.figures import text_of
from seawall.tools.surface import account_surface, parsed_direction
from seawall.units import BadInput
from seawall.venue.names import address_text
from seawall.venue.rest.account_shapes import Address
from seawall.venue.rest.shape import Sequence, Shape, Time, says
from seawall.venue.rest.terms import account_by_rule
from seawall.venue.service import Service

DIRECTIONS_MOST = 16


class SurfacePointView(Shape, frozen=True, kw_only=True):
    """The first point along one direction at which one bucket is liquidated."""

    bucket: Annotated[str, says('"cross", or "isolated" and the coin.', "cross")]
    direction: Annotated[
        str, says("Which markets move how: a standard direction, or one that was asked for.", "BTC down")
    ]
    scale: Annotated[
        str | None,
        says(
            "What multiplies the moves of the direction; 0: liquidatable now; null: never that way.", "0.330782312925"
        ),
    ]
    moves: Annotated[
        dict[str, str],
        says(
            "Share by which each market moves up to the point; at scale 1 where there is none.",
            {"BTC": "-0.330782312925"},
        ),
    ]
    prices: Annotated[
        dict[str, str], says("Marks at the point. USD. Empty where there is none.", {"BTC": "33460.884353741497"})
    ]


class SurfaceView(Shape, frozen=True, kw_only=True):
    """Each market down and up alone, all of a bucket down and up together, and the directions that were asked for.

    Exact across tiers: the point is where equity equals maintenance with the tier of the notional there. In portfolio
    margin the first liquidating marks by the grid, looked for up to four times the mark. Within each bucket the nearest
    comes first.
    """

    address: Address
    time: Time
    sequence: Sequence
    points: tuple[SurfacePointView, ...]


async def surface_view(service: Service, account: int, directions: list[str]) -> SurfaceView:
    """The surface of an account, looked for in a thread. BadInput for a direction that is none, or a coin it lacks."""
    if len(directions) > DIRECTIONS_MOST:
        raise BadInput("direction", f"{len(directions)} directions, at most {DIRECTIONS_MOST}")
    terms, time, sequence = (
        account_by_rule(service.columns, service.universe, account),
        service.now,
        service.desk.sequence,
    )
    parsed = {text: parsed_direction(text) for text in directions}
    found = await asyncio.to_thread(account_surface, terms, parsed)
    return SurfaceView(
        address=address_text(service.people.persons[account].address),
        time=time,
        sequence=sequence,
        points=tuple(
            SurfacePointView(
                bucket=line.bucket,
                direction=line.direction,
                scale=None if line.scale is None else text_of(line.scale),
                moves={coin: text_of(move) for coin, move in line.moves.items()},
                prices={coin: text_of(price) for coin, price in line.prices_usd.items()},
            )
            for line in found.points
        ),
    )
