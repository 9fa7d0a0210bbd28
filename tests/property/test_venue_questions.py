"""Whatever JSON is put to /info, it is answered or refused by name; nothing else comes out."""

import asyncio
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.units import BadInput
from seawall.venue.info.answer import ANSWERS, answer
from venue_scene import BTC, Scene

FIELDS = ("user", "coin", "oid", "startTime", "endTime", "aggregateByTime", "req", "dex", "nSigFigs", "mantissa")
FIELDS += ("id", "vaultAddress", "source", "tokenId", "interval")
NUMBERS = st.integers() | st.floats(allow_nan=False) | st.sampled_from([0, 1, -1, 2**53, 2**63, 2**64])
WORDS = st.text(max_size=5) | st.sampled_from(["BTC", "DOGE", "1m", "0x" + "0" * 39 + "1", "0x" + "1" * 32, ""])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | WORDS, inner, max_size=4),
    max_leaves=6,
)
SCENE = Scene()
TRADERS = (SCENE.person(10_000), SCENE.person(10_000))
SCENE.trade(*TRADERS, BTC, 60_000_000, 10)


@given(st.sampled_from(sorted(ANSWERS)), st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
@example("l2Book", {"coin": "BTC", "nSigFigs": 5.0})
@example("candleSnapshot", {"req": {"coin": "BTC", "interval": "1m", "startTime": 0, "endTime": 2**53}})
def test_every_question_is_answered_or_refused(kind: str, fields: dict[str, Any]) -> None:
    assert reply({"type": kind, **fields})


@given(VALUES)
def test_what_is_no_question_is_refused(request: Any) -> None:
    assert reply(request) in (b"request", b"type")


def reply(request: Any) -> bytes:
    """What goes out, or the field that is refused."""
    try:
        return msgspec.json.encode(asyncio.run(answer(SCENE, request)))  # type: ignore[arg-type]
    except BadInput as refusal:
        return refusal.field.encode()
