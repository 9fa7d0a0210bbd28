"""Orders that wait for the mark as they go with others (SPEC section 8): with a parent that filled nothing, and with
the position that they reduce. A bucket is empty only when they are gone too.
"""

from seawall.simulation.model import Bucket, Picture
from seawall.simulation.model_book import Unclear, tidy
from seawall.terms.limits import SWEPT_PER_COMMAND


def sweep(p: Picture) -> None:
    """Stops that reduce go with the position they reduce, unless a parent that rests may still fill for them."""
    swept = 0
    for bucket in list(p.buckets.values()):
        gone = [
            stop
            for stop in bucket.stops
            if stop.parent == 0 and stop.reduces and _held(bucket, stop.market, stop.side) <= 0
        ]
        for stop in gone:
            drop_stop(bucket, stop.id)
        for market in sorted({stop.market for stop in gone}):
            tidy(p, bucket, market)
        swept += len(gone) + (len(gone) > 0)
    if swept > SWEPT_PER_COMMAND:
        raise Unclear  # the rest goes in later commands


def drop_stop(bucket: Bucket, identity: int) -> None:
    """One waiting order less."""
    left = [stop for stop in bucket.stops if stop.id != identity]
    bucket.orders -= len(bucket.stops) - len(left)
    bucket.stops = left


def _held(bucket: Bucket, market: int, side: int) -> int:
    """Lots that a trade on `side` would reduce."""
    return -side * bucket.positions[market].size if market in bucket.positions else 0
