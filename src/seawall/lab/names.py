"""Names: which underlying a venue's symbol means, and what an interval, a date or an event is called."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from seawall.units import BadInput

DAY_MS: Final = 86_400_000
QUOTES: Final = ("USDTM", "USDT", "USDC", "FDUSD", "BUSD", "USD")
PREFIXED_QUOTES: Final = ("FDUSD", "BUSD")  # BNBUSD is BNB in USD: they count after three letters or more
AS_IF_PREFIXED: Final = ("SHIBUSD",)  # SHIB in USD, not SHI in BUSD, also as 1000SHIBUSD and kSHIBUSD
WRAPPERS: Final = frozenset({"SWAP", "PERP", "PERPETUAL", "SPOT", "FUTURES", "PF", "PI", "LINEAR"})
ALIASES: Final = {"XBT": "BTC", "XDG": "DOGE"}
MULTIPLIERS: Final = (("1000000", 1e6), ("100000", 1e5), ("10000", 1e4), ("1000", 1e3), ("1M", 1e6), ("k", 1e3))

EVENTS: Final = {
    "covid": "2020-03-12..2020-03-13",
    "may-2021": "2021-05-19..2021-05-19",
    "luna": "2022-05-09..2022-05-12",
    "ftx": "2022-11-08..2022-11-09",
    "august-2024": "2024-08-05..2024-08-05",
    "october-2025": "2025-10-10..2025-10-11",
}


def underlying(symbol: str) -> str:
    """BTCUSDT, BTC-USDT-SWAP, BTCUSD_PERP, BTC/USDT:USDT, BTC-USD, XBTUSD, PF_XBTUSD -> BTC. 1000PEPEUSDT -> 1000PEPE.

    A dated contract keeps its date (BTCUSD_251226 -> BTC-251226): it is another instrument.
    """
    text = symbol.strip()
    if ":" in text:
        left, _, right = text.partition(":")
        text = left if "/" in left else right
    text = text.removesuffix(".P")
    head = "k" if re.match(r"k[A-Z]{2}", text) else ""
    parts = [part for part in re.split(r"[-_/ ]", text.upper()) if part and part not in WRAPPERS]
    parts = parts or [text.upper()]
    if not text:
        raise BadInput("symbol", "empty: it names no underlying")
    dates = [part for part in parts[1:] if re.fullmatch(r"\d{6}|\d{8}", part)]
    base = parts[0].removesuffix("PERP") or parts[0]
    if not set(parts[1:]) & {*QUOTES, "TUSD", "USDE", "EUR", "DAI"}:
        base = _without_quote(base)
    base = head + base[1:] if head else base
    base = ALIASES.get(base, base)
    return f"{base}-{dates[0]}" if dates else base


def _without_quote(text: str) -> str:
    for quote in QUOTES:
        least = 3 if quote in PREFIXED_QUOTES else 1
        if quote in PREFIXED_QUOTES and text.endswith(AS_IF_PREFIXED):
            continue
        if text.endswith(quote) and len(text) >= len(quote) + least:
            return text[: -len(quote)]
    return text


def unit_of(base: str) -> tuple[str, float]:
    """The coin and how many of it one unit holds: 1000PEPE and kPEPE -> (PEPE, 1000), 1INCH -> (1INCH, 1)."""
    for prefix, count in MULTIPLIERS:
        rest = base.removeprefix(prefix)
        if rest != base and re.match(r"[A-Z]{3}", rest):
            return rest, count
    return base, 1.0


def interval_from(text: str) -> int:
    """1s, 5m, 1h, 1d -> milliseconds."""
    found = re.fullmatch(r"(\d{1,4})\s*(ms|s|m|min|h|d)", text.strip().lower())
    if not found or int(found[1]) == 0:
        raise BadInput("interval", f"{text!r} is not an interval such as 1s, 5m or 1h")
    unit = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": DAY_MS}[found[2]]
    return int(found[1]) * unit


def interval_text(interval_ms: int) -> str:
    """300000 -> 5m."""
    for unit, size in (("d", DAY_MS), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if interval_ms % size == 0:
            return f"{interval_ms // size}{unit}"
    return f"{interval_ms}ms"


@dataclass(frozen=True)
class Window:
    """What was asked for: [start_ms, end_ms) and its name."""

    name: str
    start_ms: int
    end_ms: int


def window_of(event: str, days: float | None = None) -> Window:
    """A date, a time (24 hours from it), `FROM..TO` (dates count whole, times to the instant) or a name such as ftx.

    `days`, when given, is the length from the start. Raises BadInput for anything else.
    """
    text = EVENTS.get(event.strip().lower(), event.strip())
    if days is not None and not 0 < days <= 3650:
        raise BadInput("days", f"{days} is outside 0..3650")
    first, dots, last = text.partition("..")
    if not dots and (dated := re.fullmatch(r"[A-Za-z][\w-]*?-(\d{4}-\d{2}-\d{2})", text)):
        first = dated[1]
    start, _ = _instant(first, event)
    end = _instant(last, event)[1] if dots else start + DAY_MS
    if days is not None:
        end = start + round(days * DAY_MS)
    if end <= start:
        raise BadInput("event", f"{event!r} ends before it starts")
    return Window(event.strip(), start, end)


def _instant(text: str, event: str) -> tuple[int, int]:
    """A moment as (start, end) in ms: a day ends a day later, a time at itself."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        known = ", ".join(sorted(EVENTS))
        why = f"{event!r} is not a date (2025-10-10), a range (2021-05-19..2021-05-20) or one of {known}"
        raise BadInput("event", why) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    whole_day = len(text.strip()) <= 10
    try:
        end = moment + timedelta(days=1) if whole_day else moment
        return round(moment.timestamp() * 1000), round(end.timestamp() * 1000)
    except OverflowError:
        raise BadInput("event", f"{event!r} is beyond the calendar") from None
