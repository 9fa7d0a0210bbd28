"""Shapes of the admin's port."""

from typing import Annotated, Any, Literal

import msgspec

from seawall.venue.rest.shape import Sequence, Shape, Time, says

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500, description="Why: kept, and shown beside changes.")]
Where = Annotated[str | None, says("The market; null or left out: the venue.", "BTC")]
Status = Literal["active", "reduce_only", "post_only", "cancel_only", "halted"]


class StatusOrder(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another status. Stricter at once; looser by one stage, with fresh prices, a minute after the last."""

    coin: Where = None
    status: Annotated[Status, says("The new one.", "reduce_only")]
    reason: Reason


class PlaceOrder(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A market, or the venue, that is halted or goes one stage looser."""

    coin: Where = None
    reason: Reason


class ParameterOrder(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter's new static value. What loosens waits a day unless the market was never opened."""

    coin: Where = None
    name: Annotated[str, says("Its name, as /v1 tells it.", "leverage_cap")]
    value: Annotated[int, says("In its unit.", 20, ge=-(2**53), le=2**53)]
    since: Annotated[int, says("From when, ms; 0: now.", 0, ge=0, le=2**53)] = 0
    reason: Reason


class ListOrder(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A market to list: the terms of a [[market]] of the configuration."""

    terms: Annotated[dict[str, Any], says("As in the configuration.", {"coin": "BTC", "price": 50000.0})]
    reason: Reason


class FeedOrder(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of prices that is not listened to, or again."""

    name: Annotated[str, says("Its name, as /v1/feeds tells it.", "generator-1")]
    is_paused: Annotated[bool, says("Whether it is not listened to.", True)]
    reason: Reason


class SnapshotOrder(Shape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A snapshot of the state, now."""

    reason: Reason


class CommandView(Shape, frozen=True, kw_only=True):
    """A command that an act became."""

    sequence: Sequence
    code: Annotated[int, says("Its result (terms/code.py); 0: accepted.", 0)]
    msg: Annotated[str, says("The result in words.", "accepted")]


class DoneView(Shape, frozen=True, kw_only=True):
    """An act that was done."""

    act: Annotated[int, says("Its number in the record.", 12)]
    outcome: Annotated[str, says("How it ended.", "accepted")]
    commands: tuple[CommandView, ...]


class ActView(Shape, frozen=True, kw_only=True):
    """An act as the record has it."""

    act: Annotated[int, says("Its number.", 12)]
    time: Time
    operator: Annotated[str, says("Whose token it was.", "admin")]
    host: Annotated[str, says("From which address.", "127.0.0.1")]
    what: Annotated[str, says("What was asked for.", "status")]
    details: Annotated[dict[str, Any], says("With which values.", {"status": "halted"})]
    reason: Reason
    outcome: Annotated[str, says("How it ended; empty: it was begun and nobody knows.", "accepted")]
    commands: tuple[CommandView, ...]


class ActsView(Shape, frozen=True, kw_only=True):
    """The record, newest first."""

    acts: tuple[ActView, ...]
