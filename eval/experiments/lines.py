"""Plots and comparisons that several experiments draw alike."""

from __future__ import annotations

from collections.abc import Sequence

from eval.experiments.contexts import GOLD_ALONE
from eval.experiments.summary import Analysis, Mean, Place
from eval.report import Number, Plot, Point, Series


def against_first(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    """At each x, every series against the first of all."""
    first = places[0][0] if places else ""
    bases = {x for series, x in places if series == first}
    return [((series, x), (first, x)) for series, x in places if series != first and x in bases]


def number(found: Mean, *, signed: bool = False) -> Number:
    """A mean with its interval, for a table."""
    return Number(found.value, found.low, found.high, signed=signed)


def line_plot(
    analysis: Analysis, title: str, description: str, x_label: str, y_label: str, *, log_x: bool = False
) -> Plot:
    """Quality of each series over x with intervals, and the gold passage alone as a level line."""
    lines = [
        Series(
            name,
            tuple(
                Point(c.x, c.quality.value, c.quality.low, c.quality.high)
                for c in analysis.conditions
                if c.series == name and c.quality
            ),
        )
        for name in analysis.series()
    ]
    level = analysis.baselines.get(GOLD_ALONE)
    ends = dict.fromkeys((analysis.places()[0], analysis.places()[-1])) if analysis.places() else ()
    if level is not None and ends:
        lines.append(Series(GOLD_ALONE, tuple(Point(x, level.value) for x in ends)))
    return Plot(
        title=title,
        description=f"{description} Means over questions with 95 % intervals.",
        series=tuple(lines),
        x_label=x_label,
        y_label=y_label,
        log_x=log_x,
        from_zero=True,
    )
