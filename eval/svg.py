"""The parts that plots are drawn from: text, markers, scales, ticks, the picture around them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise

WIDTH = 640
"""Of every picture, in its own units; the page scales it."""
MARKED = {"better": 2, "worse": 4, "open": 0}
"""Shapes of differences, as `marker` numbers them: upwards, downwards, a circle (which the page draws hollow)."""


def picture(title: str, description: str, name: str, height: float, parts: Sequence[str]) -> str:
    """The `svg` element, with a title and a description for those who do not see it; `name` makes its ids unique."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    """A piece of text of one of the style sheet's kinds; nothing for no words."""
    if not words:
        return ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def marker(number: int, x: float, y: float) -> str:
    """The shape of a series, around a point: no two of the first six are alike without colour."""
    shapes = (
        "m-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0z",
        "m-4 -4h8v8h-8z",
        "m0 -5l5 8.6h-10z",
        "m0 -5.4l5.4 5.4l-5.4 5.4l-5.4 -5.4z",
        "m0 5l5 -8.6h-10z",
        "m-1.7 -5h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3v-3.4h3.3z",
    )
    return f'<path class="marker" d="M{x:.1f} {y:.1f}{shapes[number % len(shapes)]}"/>'


def scale(low: float, high: float, start: float, end: float, *, log: bool = False) -> Callable[[float], float]:
    """Maps values to places; values that do not differ go to the middle.

    Raises:
        ValueError: A logarithmic scale is to begin at 0 or below.
    """
    if log and low <= 0:
        raise ValueError(f"a logarithmic axis cannot show {low}")
    of: Callable[[float], float] = math.log if log else float
    width = of(high) - of(low)
    return lambda value: start + (of(value) - of(low)) / width * (end - start) if width else (start + end) / 2


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values that cover `low` to `high`, in steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def ticks_within(low: float, high: float, *, log: bool = False) -> list[float]:
    """Round values from `low` to `high`; on a logarithmic axis 1, 2 and 5 times the powers of ten."""
    if not log:
        return [tick for tick in ticks(low, high, 8) if low <= tick <= high]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [factor * 10.0**power for power in powers for factor in (1, 2, 5) if low <= factor * 10.0**power <= high]


def figures(value: float, digits: int, *, signed: bool = False) -> str:
    """A number with its decimals, with a true minus, and nought without a sign."""
    shown = f"{value:{'+' if signed else ''},.{digits}f}"
    return shown.replace("-", "−") if float(shown.replace(",", "")) else shown.lstrip("+-")


def tick_label(value: float, all_of_them: Sequence[float]) -> str:
    """A tick with as many decimals as the step between ticks has."""
    step = min((b - a for a, b in pairwise(all_of_them)), default=1.0)
    return figures(value, max(0, -math.floor(math.log10(step) + 1e-9)))


def plain(value: float) -> str:
    """A number as short as it is."""
    return f"{value:,.0f}" if value.is_integer() else f"{value:g}"
