"""How the shapes of `/v1` are written: msgspec structs whose every field says in a sentence what it is.

USD, sizes and prices are decimal text, exact to the engine's unit; shares and ratios decimal text of at most 12 digits;
times milliseconds since the epoch. The sentences and examples are the OpenAPI document's.
"""

from typing import Annotated, Any

import msgspec

from seawall.venue.names import address_text


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A shape of `/v1`."""


def says(sentence: str, example: Any = None, **bounds: Any) -> msgspec.Meta:
    """What a field is, with one example."""
    examples = None if example is None else [example]
    return msgspec.Meta(description=sentence, examples=examples, **bounds)


EXAMPLE_ADDRESS = address_text(bytes.fromhex("0000000000000000000000000000000000000abc"))
EXAMPLE_TIME = 1_760_000_400_000

Time = Annotated[int, says("Milliseconds since the epoch, by the venue's clock.", EXAMPLE_TIME)]
Sequence = Annotated[int, says("Number of the command in the log, from 1.", 12_345)]
Coin = Annotated[str, says("Name of the market.", "BTC")]
