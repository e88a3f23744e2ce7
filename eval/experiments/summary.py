"""Rows to figures: means with intervals, paired comparisons, and what may be said about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from eval.experiments.contexts import CLOSED_BOOK, GOLD_ALONE
from eval.experiments.runner import Row
from eval.stats import holm, interval, randomisation_test
from eval.svg import figures

SIGNIFICANT = 0.05
Place = tuple[str, int]
"""A condition: series and x."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over questions, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float
    n: int

    @property
    def told(self) -> str:
        """For a sentence."""
        return f"{figures(self.value, 2)} [{figures(self.low, 2)}, {figures(self.high, 2)}]"


@dataclass(frozen=True, slots=True)
class Condition:
    """One series at one x.

    Attributes:
        series: What is compared.
        x: Where.
        quality: Over the questions whose prompt fits; `None` where none does.
        recall: Share of contexts that hold a gold passage.
        precision: Share of passages that are gold, mean over contexts.
        given_gold: Quality where the context holds a gold passage.
        unfit: Prompts that were longer than the reader reads.
        tokens: Mean length of a prompt.
    """

    series: str
    x: int
    quality: Mean | None
    recall: Mean
    precision: Mean
    given_gold: Mean | None
    unfit: int
    tokens: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Quality of one condition less that of another, over the questions that both have.

    Attributes:
        first: The condition.
        second: What it is compared with.
        difference: Mean of the differences and its interval.
        p: Two-sided paired randomisation test.
        p_holm: The same after Holm's correction over all comparisons of the experiment.
    """

    first: Place
    second: Place
    difference: Mean
    p: float
    p_holm: float

    @property
    def is_better(self) -> bool:
        """Is the first better than the second by more than chance?"""
        return self.p_holm < SIGNIFICANT and self.difference.value > 0

    @property
    def is_worse(self) -> bool:
        """Is it worse by more than chance?"""
        return self.p_holm < SIGNIFICANT and self.difference.value < 0

    @property
    def told(self) -> str:
        """For a sentence."""
        low, high = (figures(value, 2, signed=True) for value in (self.difference.low, self.difference.high))
        p = f"p = {self.p_holm:.3f}" if self.p_holm >= 0.001 else "p < .001"
        return f"{figures(self.difference.value, 2, signed=True)} [{low}, {high}], {p}"


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that is said about a run.

    Attributes:
        rows: What was read.
        conditions: In the order of the plan, baselines left out.
        comparisons: See `Comparison`.
        gap: The gold passage alone against closed book: what a passage can do for this reader.
        baselines: Quality of closed book and of the gold passage alone.
        available: Questions that the data set holds.
    """

    rows: tuple[Row, ...]
    conditions: tuple[Condition, ...]
    comparisons: tuple[Comparison, ...]
    gap: Comparison | None
    baselines: Mapping[str, Mean]
    available: int

    def series(self) -> list[str]:
        """Names, in order."""
        return list(dict.fromkeys(condition.series for condition in self.conditions))

    def places(self, series: str | None = None) -> list[int]:
        """The x at which there is a quality, in order."""
        found = {c.x for c in self.conditions if c.quality and series in (None, c.series)}
        return sorted(found)

    def at(self, series: str, x: int) -> Condition | None:
        """A condition that has a quality."""
        return next((c for c in self.conditions if (c.series, c.x) == (series, x) and c.quality), None)

    def between(self, first: Place, second: Place) -> Comparison | None:
        """The comparison of two conditions, where it was made."""
        return next((c for c in self.comparisons if (c.first, c.second) == (first, second)), None)

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return {
            "conditions": [asdict(condition) for condition in self.conditions],
            "baselines": {name: asdict(found) for name, found in self.baselines.items()},
            "gold_alone_less_closed_book": asdict(self.gap) if self.gap else None,
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
        }


def mean(values: Sequence[float]) -> Mean:
    """Mean with its interval; there is at least one value."""
    low, high = interval(values)
    return Mean(sum(values) / len(values), low, high, len(values))


def analyse(rows: Sequence[Row], pairs: Iterable[tuple[Place, Place]], available: int) -> Analysis:
    """Figures of every condition, and of these pairs of conditions."""
    grouped: dict[Place, list[Row]] = {}
    for row in rows:
        grouped.setdefault((row.series, row.x), []).append(row)
    found = {place: {row.item: row.quality for row in group if row.fits} for place, group in grouped.items()}
    wanted = [(a, b) for a, b in pairs if found.get(a, {}).keys() & found.get(b, {}).keys()]
    compared = _compared(found, wanted)
    floor, ceiling = (CLOSED_BOOK, 0), (GOLD_ALONE, 1)
    gap = _compared(found, [(ceiling, floor)]) if found.get(floor) and found.get(ceiling) else []
    return Analysis(
        rows=tuple(rows),
        conditions=tuple(_condition(place, group) for place, group in grouped.items() if place not in (floor, ceiling)),
        comparisons=tuple(compared),
        gap=gap[0] if gap else None,
        baselines={place[0]: mean(list(found[place].values())) for place in (floor, ceiling) if found.get(place)},
        available=available,
    )


def _condition(place: Place, rows: Sequence[Row]) -> Condition:
    read = [row for row in rows if row.fits]
    with_gold = [row.quality for row in read if row.gold_places]
    return Condition(
        series=place[0],
        x=place[1],
        quality=mean([row.quality for row in read]) if read else None,
        recall=mean([float(bool(row.gold_places)) for row in rows]),
        precision=mean([len(row.gold_places) / max(1, len(row.passages)) for row in rows]),
        given_gold=mean(with_gold) if with_gold else None,
        unfit=len(rows) - len(read),
        tokens=sum(row.tokens for row in rows) / len(rows),
    )


def _compared(found: Mapping[Place, Mapping[str, float]], pairs: Sequence[tuple[Place, Place]]) -> list[Comparison]:
    wanted = []
    for first, second in pairs:
        shared = [item for item in found[first] if item in found[second]]
        a, b = ([found[place][item] for item in shared] for place in (first, second))
        wanted.append((first, second, a, b))
    return corrected(wanted)


def corrected(wanted: Sequence[tuple[Place, Place, Sequence[float], Sequence[float]]]) -> list[Comparison]:
    """Paired tests, Holm's correction over all of them.

    Args:
        wanted: For each the two conditions' names and their values, question by question in one order.
    """
    tested = [
        (first, second, mean([x - y for x, y in zip(a, b, strict=True)]), randomisation_test(a, b))
        for first, second, a, b in wanted
    ]
    p_holm = holm([p for *_, p in tested])
    return [Comparison(*one, p) for one, p in zip(tested, p_holm, strict=True)]


# --- in words -----------------------------------------------------------------------------------


def reader_told(analysis: Analysis, reader: str) -> str:
    """What a passage can do for this reader at all, which bounds every effect of context."""
    if analysis.gap is None:
        return ""
    floor, ceiling = analysis.baselines[CLOSED_BOOK], analysis.baselines[GOLD_ALONE]
    told = (
        f"{reader} scores {floor.told} without a passage and {ceiling.told} with the gold passage alone "
        f"({analysis.gap.told})."
    )
    if analysis.gap.is_better:
        return told
    return (
        f"{told} That could be chance: nothing here shows that it uses a passage even when it is the right one. "
        f"{analysis.gap.difference.n:,} questions are too few, or this reader is too weak, for statements on contexts."
    )


def widest(comparisons: Iterable[Comparison]) -> Comparison:
    """The comparison whose interval is widest, so that it tells least; there is at least one."""
    return max(comparisons, key=lambda c: c.difference.high - c.difference.low)


def undecided(analysis: Analysis, comparison: Comparison) -> str:
    """Why a difference could not be told from chance: no change at all, too few questions, or too weak a reader.

    An interval shrinks with the root of the number of questions. Questions are enough where half of it is below half
    of what a passage gives the reader; a reader is too small where all the questions there are would not be enough.
    """
    low, high = comparison.difference.low, comparison.difference.high
    half, n = (high - low) / 2, comparison.difference.n
    if not half and not comparison.difference.value:
        return "No answer changed its score between these two."
    # The smallest p that signs of n differences can give, after Holm's correction.
    if len(analysis.comparisons) * 2.0 ** (1 - n) >= SIGNIFICANT:
        return f"{n:,} questions are too few: no difference over them could pass the test."
    told = f"With {n:,} questions, differences below about {half:.2f} cannot be told from chance."
    if analysis.gap is None or not analysis.gap.is_better:
        return told
    room = analysis.gap.difference.value
    told += f" The right passage gives this reader {room:.2f}"
    if half <= room / 2:
        return f"{told}, so an effect of half of that would probably have shown."
    needed = math.ceil(n * (2 * half / room) ** 2)
    if needed <= analysis.available:
        return f"{told}: about {needed:,} questions (--limit) would show half of that."
    return (
        f"{told}; to show half of that would take about {needed:,} questions, and there are {analysis.available:,}. "
        "This reader is too small for them: take a larger one (--model)."
    )
