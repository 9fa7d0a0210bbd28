"""Which plug-in a kind of feed is: one of ours, or one that an installed package offers."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from seawall.units import BadInput
from seawall.venue.feeds.source import OpenSources

GROUP: Final = "seawall.feeds"  # of entry points
HERE: Final = "seawall.venue.feeds"
BUILT_IN: Final = {"generator": "generator", "replay": "replay", "hyperliquid": "hyperliquid", "ccxt": "exchanges"}


def plugin(kind: str) -> OpenSources:
    """The plug-in of a kind; its module is loaded now. BadInput for a kind that nobody offers."""
    if kind in BUILT_IN:
        opener: OpenSources = import_module(f"{HERE}.{BUILT_IN[kind]}").open_sources
        return opener
    offered = entry_points(group=GROUP)
    for entry in offered:
        if entry.name == kind:
            try:
                loaded: OpenSources = entry.load()
            except (ImportError, AttributeError) as error:
                raise BadInput("feed.kind", f"{kind!r} cannot be loaded: {error}") from error
            return loaded
    known = sorted({*BUILT_IN, *(entry.name for entry in offered)})
    raise BadInput("feed.kind", f"unknown {kind!r}: one of {', '.join(known)}")
