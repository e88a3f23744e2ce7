"""Two readers of the same contexts side by side: who answers better, and whom does a change of context move more.

The paper's claim about tuning (Jin et al., section 5) is of the second kind: that a tuned reader's curve is flatter.
That is a difference of differences, tested over questions like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.experiments.contexts import BASELINES, Trial
from eval.experiments.items import Item
from eval.experiments.lines import number
from eval.experiments.runner import RESULTS, Row, saved
from eval.experiments.summary import Comparison, Mean, Place, corrected, mean
from eval.report import Plot, Point, Section, Series, Table
from rag.errors import UsageError

# What may differ between the two runs; with anything else different the contexts or the scores are others.
READER = ("reader", "model", "adapter")


@dataclass(frozen=True, slots=True)
class Effect:
    """What one change of the context does to each of two readers.

    Attributes:
        first: The condition.
        second: What it is compared with.
        ours: Quality at `first` less that at `second`, of this reader.
        theirs: The same of the other one.
        difference: `ours` less `theirs`, question by question; p in it is of this difference.
    """

    first: Place
    second: Place
    ours: Mean
    theirs: Mean
    difference: Comparison


@dataclass(frozen=True, slots=True)
class Beside:
    """Another reader's run of the same experiment.

    Attributes:
        reader: This run's.
        other: Its reader.
        questions: That both runs read.
        ours: Quality of this reader at each place, over what both read.
        theirs: Quality of the other.
        levels: This reader less the other at each place.
        effects: See `Effect`.
    """

    reader: str
    other: str
    questions: int
    ours: Mapping[Place, Mean]
    theirs: Mapping[Place, Mean]
    levels: tuple[Comparison, ...]
    effects: tuple[Effect, ...]

    def as_dict(self) -> dict[str, object]:
        """For the JSON file."""
        return {
            "reader": self.reader,
            "other": self.other,
            "questions": self.questions,
            "conditions": [
                {"series": series, "x": x, "ours": asdict(self.ours[series, x]), "theirs": asdict(found)}
                for (series, x), found in self.theirs.items()
            ],
            "levels": [asdict(one) for one in self.levels],
            "effects": [asdict(one) for one in self.effects],
        }

    def verdicts(self) -> tuple[str, ...]:
        """In words."""
        return (self._levels_told(), *self._effects_told())

    def _levels_told(self) -> str:
        better, worse = (sum(getattr(one, name) for one in self.levels) for name in ("is_better", "is_worse"))
        told = f"Over {self.questions:,} questions that both read, {self.reader} against {self.other}"
        if not better and not worse:
            return f"{told}: no condition differs by more than chance."
        return f"{told}: better in {better}, worse in {worse} of {len(self.levels)} conditions by more than chance."

    def _effects_told(self) -> tuple[str, ...]:
        if not self.effects:
            return ()
        apart = [one for one in self.effects if one.difference.is_better or one.difference.is_worse]
        if not apart:
            widest = max(self.effects, key=lambda one: one.difference.difference.high - one.difference.difference.low)
            half = (widest.difference.difference.high - widest.difference.difference.low) / 2
            return (
                "No change of the context moves one of them more than the other by more than chance; differences below "
                f"about {half:.2f} could not have been told.",
            )
        return tuple(
            f"{pair_told(one.first, one.second)}: {self.reader} {one.ours.told}, {self.other} {one.theirs.told}; "
            f"the difference is {one.difference.told}."
            for one in apart
        )


def pair_told(first: Place, second: Place) -> str:
    """A change of context in words: what both conditions share is said once."""
    if first[0] == second[0]:
        return f"{first[0]}, from {second[1]} to {first[1]}"
    return f"from {second[0]} to {first[0]}, at {first[1]}"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run to be compared with: its reader, and what it read, by key of the trial."""

    reader: str
    rows: Mapping[str, Row]

    def read_of(self, items: Sequence[Item]) -> list[Item]:
        """Those that it read."""
        read = {row.item for row in self.rows.values()}
        return [item for item in items if item.id in read]


def earlier(folder: Path, settings: Mapping[str, Any], trials: Sequence[Trial]) -> Earlier:
    """The run in a report folder, checked before anything is read for its sake.

    Args:
        folder: Report folder.
        settings: Of the run that it will be compared with, as in its results.
        trials: What that one reads.

    Raises:
        UsageError: There is no such run, it is of other data or settings, or shares no context with this one.
    """
    path = folder / RESULTS
    if not path.is_file():
        raise UsageError(f"There are no results in {folder}. Give --beside the report folder of an earlier run.")
    found = saved(path, "Give --beside the report folder of an earlier run.")
    before = found.settings
    changed = sorted(key for key in {*before, *settings} if key not in READER and before.get(key) != settings.get(key))
    if changed:
        raise UsageError(
            f"The run in {folder} is of other settings ({', '.join(changed)}). Run both with the same data and options."
        )
    if all(before.get(key) == settings.get(key) for key in READER):
        raise UsageError(f"The run in {folder} is by the same reader. Give --adapter or --model another one.")
    rows = {row.key: row for row in found.rows if row.fits}
    if not any(trial.key in rows for trial in trials if trial.series not in BASELINES):
        raise UsageError(f"The run in {folder} has no context of this one. Run both with the same --k and --seed.")
    return Earlier(str(before["reader"]), rows)


Pairs = Callable[[Sequence[Place]], Sequence[tuple[Place, Place]]]
"""Which conditions an experiment compares."""


def beside(rows: Sequence[Row], reader: str, other: Earlier, pairs: Pairs) -> Beside:
    """Compares a run with an earlier one by another reader, over what both read."""
    shared = [row for row in rows if row.fits and row.key in other.rows]
    return _compared(shared, [other.rows[row.key] for row in shared], reader, other.reader, pairs)


Values = dict[Place, dict[str, float]]


def _compared(
    ours: Sequence[Row],
    theirs: Sequence[Row],
    reader: str,
    other: str,
    pairs: Pairs,
) -> Beside:
    mine, its = _values(ours), _values(theirs)
    places = list(mine)
    moving = [place for place in places if place[0] not in BASELINES]
    levels = corrected([(place, place, list(mine[place].values()), list(its[place].values())) for place in places])
    moves = []
    for first, second in pairs(moving):
        shared = [item for item in mine[first] if item in mine[second]]
        if shared:
            a, b = ([found[first][item] - found[second][item] for item in shared] for found in (mine, its))
            moves.append((first, second, a, b))
    effects = tuple(
        Effect(first, second, mean(a), mean(b), tested)
        for (first, second, a, b), tested in zip(moves, corrected(moves), strict=True)
    )
    return Beside(
        reader=reader,
        other=other,
        questions=len({row.item for row in ours}),
        ours={place: mean(list(mine[place].values())) for place in places},
        theirs={place: mean(list(its[place].values())) for place in places},
        levels=tuple(levels),
        effects=effects,
    )


def _values(rows: Sequence[Row]) -> Values:
    found: Values = {}
    for row in rows:
        found.setdefault((row.series, row.x), {})[row.item] = row.quality
    return found


def section(found: Beside, quality: str, x_label: str, *, log_x: bool = False) -> Section:
    """Both readers in one plot and their differences in two tables."""
    lines = []
    for name, values in ((found.reader, found.ours), (found.other, found.theirs)):
        for series in dict.fromkeys(series for series, _ in values if series not in BASELINES):
            points = tuple(Point(x, m.value, m.low, m.high) for (own, x), m in values.items() if own == series)
            lines.append(Series(f"{series}, {name}", points))
    plot = Plot(
        title=f"{quality}: two readers of the same contexts",
        description="Means over the questions that both read, with 95 % intervals.",
        series=tuple(lines),
        x_label=x_label,
        y_label=quality,
        log_x=log_x,
        from_zero=True,
    )
    levels = tuple(
        (f"{one.first[0]}, {one.first[1]}", number(found.ours[one.first]), number(found.theirs[one.first]), one.told)
        for one in found.levels
    )
    moves = tuple(
        (
            pair_told(one.first, one.second),
            number(one.ours, signed=True),
            number(one.theirs, signed=True),
            one.difference.told,
        )
        for one in found.effects
    )
    told = "p is Holm's over the rows of its table."
    parts: list[Plot | Table] = [
        plot,
        Table(("Condition", found.reader, found.other, "Difference"), levels, f"Who answers better. {told}"),
    ]
    if moves:
        columns = ("Change of context", found.reader, found.other, "Difference of the two")
        parts.append(Table(columns, moves, f"Whom the context moves more. {told}"))
    return Section(f"Beside {found.other}", found.verdicts(), tuple(parts))
