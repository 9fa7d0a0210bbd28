"""`seawall account surface`: how far markets may move, alone or together, before a bucket is liquidated."""

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from seawall.margin.surface import SurfacePoint, nearest, standard_directions
from seawall.terms.bucket import Bucket
from seawall.terms.conditions import Conditions
from seawall.tools.account_file import Account, NamedBucket
from seawall.tools.figures import given_fraction
from seawall.tools.liq import is_straight
from seawall.units import RATE_ONE, BadInput, Rate, Side, rate

MOVE_MAX = 1_000  # a shock beyond 1,000 times the price is a slip of the keyboard


class SurfaceLine(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest liquidating point of one bucket along one direction; None where there is none."""

    bucket: str
    direction: str
    scale: Fraction | None  # multiplies the moves of the direction
    moves: dict[str, Fraction]  # signed share of the mark at the point; at scale 1 where there is no point
    prices_usd: dict[str, Fraction]


class AccountSurface(msgspec.Struct, frozen=True, kw_only=True):
    """The surface of every bucket that holds positions, nearest first within each."""

    file: str
    points: tuple[SurfaceLine, ...]
    warnings: tuple[str, ...]


def parsed_direction(text: str) -> dict[str, Rate]:
    """ "BTC=-1,ETH=-0.5" or "BTC=-10%": relative moves at scale 1. BadInput for a coin given twice or no move."""
    moves: dict[str, Rate] = {}
    for part in text.split(","):
        coin, sign, amount = part.strip().partition("=")
        if not coin or not sign:
            raise BadInput("direction", f"expected COIN=MOVE, got {part.strip()!r}")
        if coin in moves:
            raise BadInput("direction", f"{coin} is given twice")
        value = given_fraction(amount, f"direction.{coin}")
        if abs(value) > MOVE_MAX:
            raise BadInput(f"direction.{coin}", f"{amount} is beyond {MOVE_MAX} times the price")
        moves[coin] = rate(value, Side.DOWN, f"direction.{coin}")
    if not any(moves.values()):
        raise BadInput("direction", "no market moves")
    return moves


def account_surface(account: Account, directions: Mapping[str, Mapping[str, Rate]]) -> AccountSurface:
    """Along each market down and up, all together, and along `directions` (name -> moves) where the bucket has them.

    A direction must name markets that the account holds.
    """
    for name, moves in directions.items():
        for coin in moves:
            if coin not in account.places:
                raise BadInput(f"direction {name!r}", f"the account holds no {coin}", account.file)
    lines: list[SurfaceLine] = []
    for named in account.buckets:
        if named.bucket.positions:
            lines += _bucket_surface(account, named, directions)
    return AccountSurface(file=account.file, points=tuple(lines), warnings=account.warnings)


def _bucket_surface(
    account: Account, named: NamedBucket, directions: Mapping[str, Mapping[str, Rate]]
) -> list[SurfaceLine]:
    conditions = _own_conditions(named.bucket, account.conditions)
    chosen = dict(standard_directions(named.bucket, conditions))
    for name, asked in directions.items():
        own = {coin: move for coin, move in asked.items() if coin in conditions.markets}
        if any(own.values()):
            chosen[name] = own
    lines = []
    for name, moves in chosen.items():
        point = _nearest(account, named.bucket, conditions, moves)
        scale = None if point is None else point.scale
        reach = Fraction(1) if scale is None else scale
        moved = {coin: Fraction(move, RATE_ONE) * reach for coin, move in moves.items()}
        prices = {} if point is None else point.prices
        lines.append(
            SurfaceLine(
                bucket=named.name,
                direction=name,
                scale=scale,
                moves=moved,
                prices_usd={coin: account.place(coin).scale.price_usd(price) for coin, price in prices.items()},
            )
        )
    return sorted(lines, key=_distance)


def _nearest(
    account: Account, bucket: Bucket, conditions: Conditions, moves: Mapping[str, Rate]
) -> SurfacePoint | None:
    """The first liquidating point: exact by the tiers, to a unit of the marks in portfolio margin and with liquidity
    positions (risk/reach.py)."""
    if is_straight(bucket, conditions):
        return nearest(bucket, conditions, moves)
    from seawall.risk.reach import reach

    found = reach(bucket, conditions, moves, account.grid)
    return None if found is None else SurfacePoint(found.scale, {n: Fraction(p) for n, p in found.under.items()})


def _distance(line: SurfaceLine) -> tuple[bool, Fraction]:
    """Nearest first by the largest move; directions without a point last."""
    return line.scale is None, max(abs(move) for move in line.moves.values())


def _own_conditions(bucket: Bucket, conditions: Conditions) -> Conditions:
    assets = {holding.asset: conditions.asset(holding.asset) for holding in bucket.collateral}
    linked = [asset.underlying for asset in assets.values() if asset.underlying is not None]
    held = dict.fromkeys([*(position.market for position in bucket.positions), *linked])
    return Conditions(
        markets={name: conditions.market(name) for name in held},
        marks={name: conditions.mark(name) for name in held},
        assets=assets,
        policy=conditions.policy,
    )
