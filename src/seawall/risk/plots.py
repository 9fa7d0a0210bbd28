"""Plots as SVG text: lines over time and labelled points. No script, colours from the page's style sheet."""

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from math import ceil, floor, isfinite, log10
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 900, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 12, 40
DOT: Final = 6.0  # radius of a point of ours
LETTER, LINE = 6.8, 11.0  # what a letter of a label takes, at most
PLACES: Final = tuple(  # of a label's foot from its point, nearest first
    (dx, dy, anchor)
    for reach in (0.0, 14.0, 28.0, 42.0)
    for dx, dy, anchor in (
        (8.0, 4.0 - reach, "start"),
        (-8.0, 4.0 - reach, "end"),
        (8.0, 4.0 + reach, "start"),
        (-8.0, 4.0 + reach, "end"),
        (0.0, -9.0 - reach, "middle"),
        (0.0, 18.0 + reach, "middle"),
    )
)
Box = tuple[float, float, float, float]  # left, top, right, bottom
COLOURS: Final = ("#1f6f8b", "#c8553d", "#588b4a", "#8d5ba6", "#b08900", "#5b6770", "#d16ba5", "#3b6fb5")


@dataclass(frozen=True, eq=False)
class Line:
    """One line: x rising, y with NaN where it breaks. `is_area` fills it down to the axis."""

    name: str
    x: Floats
    y: Floats
    is_area: bool = False


@dataclass(frozen=True)
class Point:
    """A labelled point; `is_ours` draws it larger."""

    name: str
    x: float
    y: float
    is_ours: bool = False


@dataclass(frozen=True)
class Scale:
    """From values to pixels, linear or logarithmic."""

    low: float
    high: float
    first: float
    last: float
    is_log: bool = False

    def at(self, value: float) -> float:
        low, high, here = (log10(v) if self.is_log else v for v in (self.low, self.high, max(value, self.floor)))
        return self.first + (here - low) / (high - low) * (self.last - self.first)

    @property
    def floor(self) -> float:
        return self.low if self.is_log else -1e300

    def ticks(self) -> list[float]:
        """Round values inside, about five."""
        if self.is_log:
            powers = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
            found = [m * 10.0**p for p in powers for m in (1, 2, 5) if self.low <= m * 10.0**p <= self.high]
            return found if len(found) <= 9 else found[::2]
        raw = (self.high - self.low) / 5
        size = 10.0 ** floor(log10(raw))
        step = next(m * size for m in (1, 2, 5, 10) if m * size >= raw)
        first = ceil(self.low / step) * step
        return [first + k * step for k in range(int((self.high - first) / step + 1e-9) + 1)]


def over_time(lines: list[Line], *, title: str, percent: bool = True, level: float | None = None) -> str:
    """Lines over UTC seconds; `level` draws a dashed line across. y begins at 0."""
    xs = np.concatenate([line.x for line in lines])
    ys = np.concatenate([line.y for line in lines])
    top = float(np.nanmax(ys)) if np.isfinite(ys).any() else 1.0
    across = Scale(float(xs.min()), max(float(xs.max()), float(xs.min()) + 1.0), LEFT, WIDTH - RIGHT)
    up = Scale(0.0, max(top, level or 0.0, 1e-9) * 1.08, HEIGHT - BOTTOM, TOP)
    parts = [_axis_y(up, percent), _axis_time(across)]
    if level is not None:
        parts.append(_dash(up.at(level)))
    for place, line in enumerate(lines):
        colour = COLOURS[place % len(COLOURS)]
        path = _path(line, across, up)
        if line.is_area:
            parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-opacity=".45" stroke-width="1"/>')
        else:
            parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
    return _svg(title, parts) + _legend([line.name for line in lines])


def scatter(points: list[Point], *, title: str, x_title: str, y_title: str, percent_y: bool) -> str:
    """Labelled points, x linear, y logarithmic. A label stands where it covers no point and no other label."""
    xs, ys = [point.x for point in points], [max(point.y, 1e-5) for point in points]
    pad = 0.08 * (max(xs) - min(xs) or 1.0)
    across = Scale(min(xs) - pad, max(xs) + 2 * pad, LEFT, WIDTH - RIGHT)
    up = Scale(min(ys) / 1.25, max(ys) * 1.25, HEIGHT - BOTTOM, TOP, is_log=True)
    parts = [_axis_y(up, percent_y)]
    parts += [
        _text(across.at(tick), HEIGHT - BOTTOM + 16, f"{tick:.2f}", "middle")
        for tick in across.ticks()
        if tick <= across.high
    ]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x_title, "middle"))
    parts.append(_text(LEFT + 6, TOP + 10, y_title, "start"))
    spots = [(across.at(point.x), up.at(y)) for point, y in zip(points, ys, strict=True)]
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in spots]
    for point, (here, there) in zip(points, spots, strict=True):
        colour = COLOURS[1] if point.is_ours else COLOURS[0]
        size = DOT if point.is_ours else 4
        parts.append(f'<circle cx="{here:.1f}" cy="{there:.1f}" r="{size}" fill="{colour}"/>')
        if point.name:
            x, y, anchor, box = _label_place(here, there, point.name, taken)
            taken.append(box)
            parts.append(_text(x, y, point.name, anchor))
    return _svg(title, parts)


def _label_place(x: float, y: float, name: str, taken: list[Box]) -> tuple[float, float, str, Box]:
    """(x, y, anchor, box) of a point's label: the first place around it inside the frame that covers least."""
    width = LETTER * len(name)
    tried: list[tuple[int, int, tuple[float, float, str, Box]]] = []
    for dx, dy, anchor in PLACES:
        left = x + dx - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        box = (left, y + dy - LINE, left + width, y + dy)
        outside = box[0] < LEFT or box[2] > WIDTH or box[1] < 0 or box[3] > HEIGHT - BOTTOM
        covers = sum(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)
        tried.append((covers + 100 * outside, len(tried), (x + dx, y + dy, anchor, box)))
    return min(tried)[2]


def _svg(title: str, parts: list[str]) -> str:
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">{body}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _dash(y: float) -> str:
    ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-dasharray="5 4"/>'


def _axis_y(scale: Scale, percent: bool) -> str:
    parts = []
    for tick in scale.ticks():
        y = scale.at(tick)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" '
            f'stroke-opacity=".15"/>'
        )
        parts.append(_text(LEFT - 8, y + 4, f"{tick * 100:.3g} %" if percent else f"{tick:.3g}", "end"))
    return "".join(parts)


def _axis_time(scale: Scale) -> str:
    days = (scale.high - scale.low) / 86_400
    form = "%Y-%m" if days > 120 else "%m-%d"
    parts = []
    for k in range(7):
        moment = scale.low + (scale.high - scale.low) * k / 6
        text = datetime.fromtimestamp(moment, UTC).strftime(form)
        anchor = "start" if k == 0 else ("end" if k == 6 else "middle")
        parts.append(_text(scale.at(moment), HEIGHT - BOTTOM + 18, text, anchor))
    return "".join(parts)


def _path(line: Line, across: Scale, up: Scale) -> str:
    words, pen = [], "M"
    for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True):
        if not isfinite(y):
            pen = "M"
            continue
        words.append(f"{pen}{across.at(x):.1f} {up.at(y):.1f}")
        pen = "L"
    return "".join(words)


def _legend(names: list[str]) -> str:
    items = "".join(
        f'<span><svg width="12" height="12"><rect width="12" height="12" fill="{COLOURS[k % len(COLOURS)]}"/></svg> '
        f"{escape(name)}</span> "
        for k, name in enumerate(names)
    )
    return f'<p class="legend">{items}</p>'
