"""Plots as SVG text: small pure functions, no library, no script.

Colours are the CSS variables `--series-0` ... of the page that holds the plot (`eval.style`), so one
drawing serves light, dark and print. Series differ in marker and dash as well as in colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.style import COLOURS
from eval.svg import MARKED, WIDTH, figures, marker, picture, plain, scale, text, tick_label, ticks, ticks_within

Kind = Literal["line", "curve", "scatter", "bar", "dot"]
Mark = Literal["", "better", "worse", "open"]


@dataclass(frozen=True, slots=True)
class Point:
    """A value, with its interval where there is one.

    Attributes:
        x: Place on the horizontal axis; the category in `bar` and `dot` plots.
        y: The value.
        low: Lower end of its interval.
        high: Upper end.
        mark: Of a difference in a `dot` plot: for the better, for the worse, or could be chance (`open`).
    """

    x: float | str
    y: float
    low: float | None = None
    high: float | None = None
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Series:
    """Points that belong together, in order."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """What is to be seen.

    Attributes:
        title: What the plot shows, as a heading.
        description: The same for those who do not see it: what to read off.
        series: One colour each.
        kind: `line` (markers and error bars), `curve` (many points, no markers), `scatter`, `bar` and `dot`
            (categories from top to bottom, values from left to right).
        x_label: Quantity and unit.
        y_label: Quantity and unit; in `bar` and `dot` plots the quantity of the values.
        log_x: Logarithmic horizontal axis, in `dot` plots too; everything on it is above 0. Bars have none.
        from_zero: The value axis holds 0, as it always does in `bar` and `dot` plots that are not logarithmic.
        digits: Decimals of the values in `bar` and `dot` plots and in the table beside.
        signed: Values above 0 get a plus: they are differences.
    """

    title: str
    description: str
    series: tuple[Series, ...]
    kind: Kind = "line"
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    from_zero: bool = False
    digits: int = 3
    signed: bool = False


LEFT, RIGHT = 52, 16
HEIGHT = 260
LINE = 20
"""Height of a line of text."""
LETTER = 6.7
"""Width of a letter of the label size, roughly."""
DODGE = 5
"""Error bars of several series at one x stand so far apart."""
TICKS = 12
"""So many different x are each named on the axis."""
DASHES = ("none", "7 4", "2 3", "9 3 2 3", "12 4", "4 2")


def draw(plot: Plot, name: str) -> str:
    """The plot as an `svg` element; `name` makes its ids unique in the page."""
    kinds: dict[Kind, Callable[[Plot, str], str]] = {
        "line": line_plot, "curve": curve, "scatter": scatter, "bar": bar_plot, "dot": dot_plot,
    }  # fmt: skip
    return kinds[plot.kind](plot, name)


def line_plot(plot: Plot, name: str) -> str:
    """Lines through markers, with error bars where points have intervals."""
    return _over_x(plot, name, lines=True, markers=True)


def curve(plot: Plot, name: str) -> str:
    """Lines alone, for many points; intervals become a band."""
    return _over_x(plot, name, lines=True, markers=False)


def scatter(plot: Plot, name: str) -> str:
    """Markers alone."""
    return _over_x(plot, name, lines=False, markers=True)


def bar_plot(plot: Plot, name: str) -> str:
    """Horizontal bars from zero with intervals, a group a category."""
    return _by_category(plot, name, bars=True)


def dot_plot(plot: Plot, name: str) -> str:
    """Markers with intervals and a line at zero, for differences."""
    return _by_category(plot, name, bars=False)


# --- over a quantity ----------------------------------------------------------------------------


def _over_x(plot: Plot, name: str, *, lines: bool, markers: bool) -> str:
    points = [point for series in plot.series for point in _finite(series)]
    if not points:
        return _empty(plot, name)
    places = [float(point.x) for point in points]
    legend, top = _legend(plot.series, lines)
    top += LINE + 8
    bottom = top + HEIGHT
    x = scale(min(places), max(places), LEFT + 14, WIDTH - RIGHT - 14, log=plot.log_x)
    low, high, y_ticks = _range(points, from_zero=plot.from_zero)
    y = scale(low, high, bottom, top)
    distinct = sorted(set(places))
    x_ticks = distinct if len(distinct) <= TICKS else ticks_within(min(places), max(places), log=plot.log_x)
    parts = [legend, text(LEFT - 40, top - 12, plot.y_label, "axis"), *_grid(y, y_ticks, bottom)]
    parts += [text(x(t), bottom + 18, plain(t), "tick", "middle") for t in x_ticks]
    parts.append(text(WIDTH - RIGHT, bottom + 38, plot.x_label, "axis", "end"))
    for number, series in enumerate(plot.series):
        has_bars = markers and any(p.low is not None for p in series.points)
        shift = (number - (len(plot.series) - 1) / 2) * DODGE if has_bars and len(plot.series) > 1 else 0.0
        parts.append(_drawn(series, number, lambda v, s=shift: x(v) + s, y, lines=lines, markers=markers))  # type: ignore[misc]
    return _picture(plot, name, bottom + 46, parts)


def _drawn(
    series: Series,
    number: int,
    x: Callable[[float], float],
    y: Callable[[float], float],
    *,
    lines: bool,
    markers: bool,
) -> str:
    points = _finite(series)
    parts = []
    spans = [(x(float(p.x)), p.low, p.high) for p in points if p.low is not None and p.high is not None]
    if markers:
        parts += [
            f'<path class="error" d="M{px:.1f} {y(low):.1f}V{y(high):.1f}m-3 0h6M{px - 3:.1f} {y(low):.1f}h6"/>'
            for px, low, high in spans
        ]
    elif len(spans) > 1:
        there = [f"{px:.1f},{y(high):.1f}" for px, _, high in spans]
        back = [f"{px:.1f},{y(low):.1f}" for px, low, _ in reversed(spans)]
        parts.append(f'<polygon class="band" points="{" ".join(there + back)}"/>')
    if lines and points:
        path = " ".join(f"{x(float(p.x)):.1f},{y(p.y):.1f}" for p in points)
        parts.append(f'<polyline class="line" stroke-dasharray="{DASHES[number % len(DASHES)]}" points="{path}"/>')
    if markers:
        parts += [marker(number, x(float(p.x)), y(p.y)) for p in points]
    return f'<g class="series-{number % COLOURS}">{"".join(parts)}</g>'


def _legend(series: Sequence[Series], lines: bool) -> tuple[str, float]:
    """Markers with names, in as many rows as they need, and the height of them."""
    if len(series) < 2:
        return "", 0.0
    parts, x, y = [], LEFT - 40.0, 12.0
    for number, one in enumerate(series):
        width = 34 + LETTER * len(one.name) + 14
        if x + width > WIDTH and x > LEFT:
            x, y = LEFT - 40.0, y + LINE
        dash = DASHES[number % len(DASHES)]
        stroke = f'<path class="line" stroke-dasharray="{dash}" d="M{x:.1f} {y - 4:.1f}h26"/>' if lines else ""
        parts.append(f'<g class="series-{number % COLOURS}">{stroke}{marker(number, x + 13, y - 4)}</g>')
        parts.append(text(x + 34, y, one.name, "name"))
        x += width
    return "".join(parts), y + 8


# --- by category --------------------------------------------------------------------------------


def _by_category(plot: Plot, name: str, *, bars: bool) -> str:
    points = [point for series in plot.series for point in _finite(series)]
    if not points:
        return _empty(plot, name)
    grouped = len(plot.series) > 1
    categories = list(dict.fromkeys(str(point.x) for point in points))
    labels = [series.name for series in plot.series] if grouped else categories
    left = min(250.0, 14 + LETTER * max(len(label) for label in labels))
    right = 18 + LETTER * max(len(_shown(point, plot)) for point in points)
    log = plot.log_x and not bars
    low, high, values = _log_range(points) if log else _range(points, from_zero=True)
    x = scale(low, high, left, WIDTH - right, log=log)
    top = 26.0
    parts, y = [], top
    rows: list[str] = []
    for category in categories:
        if grouped:
            rows.append(text(0, y + 14, category, "group"))
            y += LINE + 2
        for number, series in enumerate(plot.series):
            for point in _finite(series):
                if str(point.x) == category:
                    label = series.name if grouped else category
                    rows.append(_row(point, number, label, x, y, _shown(point, plot), left, bars))
                    y += LINE + 4
        y += 8 if grouped else 2
    parts += [f'<path class="grid" d="M{x(t):.1f} {top:.1f}V{y:.1f}"/>' for t in values]
    parts += [text(x(t), y + 16, plain(t) if log else tick_label(t, values), "tick", "middle") for t in values]
    parts += [f'<path class="zero" d="M{x(low if log else 0):.1f} {top:.1f}V{y:.1f}"/>']
    parts += [text(left, 14, plot.y_label, "axis")]
    return _picture(plot, name, y + 26, parts + rows)


def _row(
    point: Point,
    number: int,
    label: str,
    x: Callable[[float], float],
    y: float,
    value: str,
    left: float,
    bars: bool,
) -> str:
    middle = y + 10
    fits = int((left - 14) / LETTER)
    shown = label if len(label) <= fits else label[: fits - 1] + "…"
    parts = [text(left - 8, middle + 4, shown, "name", "end")]
    parts.append(text(WIDTH, middle + 4, value, "value", "end"))
    if bars:
        start, end = sorted((x(0), x(point.y)))
        parts.append(
            f'<rect class="bar" x="{start:.1f}" y="{y + 2:.1f}" width="{end - start:.1f}" height="16" rx="1.5"/>'
        )
    if point.low is not None and point.high is not None:
        a, b = x(point.low), x(point.high)
        parts.append(f'<path class="error" d="M{a:.1f} {middle}H{b:.1f}m0 -4v8M{a:.1f} {middle - 4}v8"/>')
    if not bars:
        parts.append(marker(MARKED.get(point.mark, number), x(point.y), middle))
    kind = f"{point.mark}-point" if point.mark else f"series-{number % COLOURS}"
    return f'<g class="{kind}">{"".join(parts)}</g>'


# --- parts --------------------------------------------------------------------------------------


def _shown(point: Point, plot: Plot) -> str:
    return figures(point.y, plot.digits, signed=plot.signed)


def _log_range(points: Sequence[Point]) -> tuple[float, float, list[float]]:
    """Powers of ten around everything, and they are the ticks."""
    values = [v for p in points for v in (p.y, p.low, p.high) if v is not None]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    found = [10.0**power for power in range(low, max(high, low + 1) + 1)]
    return found[0], found[-1], found


def _range(points: Sequence[Point], *, from_zero: bool) -> tuple[float, float, list[float]]:
    """Ends of the value axis, which are its first and last tick, and its ticks."""
    values = [v for p in points for v in (p.y, p.low, p.high) if v is not None]
    if from_zero:
        values.append(0.0)
    found = ticks(min(values), max(values))
    return found[0], found[-1], found


def _grid(y: Callable[[float], float], values: Sequence[float], bottom: float) -> list[str]:
    lines = [f'<path class="grid" d="M{LEFT} {y(t):.1f}H{WIDTH - RIGHT}"/>' for t in values]
    labels = [text(LEFT - 8, y(t) + 4, tick_label(t, values), "tick", "end") for t in values]
    return [*lines, *labels, f'<path class="zero" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>']


def _finite(series: Series) -> list[Point]:
    return [point for point in series.points if math.isfinite(point.y)]


def _empty(plot: Plot, name: str) -> str:
    return _picture(plot, name, 60, [text(WIDTH / 2, 34, "No values", "axis", "middle")])


def _picture(plot: Plot, name: str, height: float, parts: Sequence[str]) -> str:
    return picture(plot.title, plot.description, name, height, parts)
