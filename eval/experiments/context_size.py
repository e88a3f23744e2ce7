"""Answer quality, recall and precision against the number of passages: the inverted U (Jin et al., section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from eval.experiments.contexts import GOLD_ALONE, Trial, baselines
from eval.experiments.experiment import Experiment, Findings, Options, Plan, most_passages, sizes, uses_given
from eval.experiments.items import Item, Task
from eval.experiments.lines import line_plot, number
from eval.experiments.search import Search, candidates, names
from eval.experiments.summary import Analysis, Condition, Mean, Place, undecided
from eval.report import Number, Plot, Point, Series, Table

GRID = (1, 2, 3, 5, 8, 12, 20, 30, 40)
RETRIEVER = "hybrid"
X_LABEL = "passages in the prompt (logarithmic)"


def plan(
    task: Task,
    items: Sequence[Item],
    search: Search,
    options: Options,
    shown: Callable[[Iterable[Item]], Iterable[Item]],
) -> Plan:
    """The k best passages for each k, in score order."""
    retrievers = names(",".join(options.sources) or RETRIEVER)
    given = uses_given(task, options)
    grid = sizes(options, GRID, most_passages(task, search, options))
    trials: list[Trial] = []
    for item in shown(items):
        trials += baselines(item)
        for use in retrievers:
            ranked = candidates(search, item, use, grid[-1], given=given)
            trials += [Trial(item, use, k, tuple(ranked[:k])) for k in grid if k <= len(ranked)]
    where = "the passages given with each question" if given else f"all {search.size:,} passages of the collection"
    return Plan(tuple(trials), (f"Passages are retrieved from {where} and read in score order.",))


def pairs(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    """The largest k against every smaller one, and each k between against the smallest."""
    wanted: list[tuple[Place, Place]] = []
    for series in dict.fromkeys(name for name, _ in places):
        ks = sorted(k for name, k in places if name == series)
        wanted += [((series, ks[-1]), (series, k)) for k in ks[:-1]]
        wanted += [((series, k), (series, ks[0])) for k in ks[1:-1]]
    return wanted


def findings(analysis: Analysis, quality: str) -> Findings:
    """Does quality rise and fall again?"""
    verdicts = tuple(_verdict(analysis, series) for series in analysis.series() if len(analysis.places(series)) > 1)
    plot = line_plot(
        analysis,
        f"{quality} by number of passages",
        f"{GOLD_ALONE.capitalize()} is what this reader can do at best.",
        X_LABEL,
        quality,
        log_x=True,
    )
    more = [_recall(analysis, name, quality) for name in analysis.series()]
    return Findings(verdicts, plot, (*more, _table(analysis)))


def _verdict(analysis: Analysis, series: str) -> str:
    ks = analysis.places(series)
    small, large = ks[0], ks[-1]
    best = max(ks, key=lambda k: (_value(analysis, series, k), -k))
    told = f"With {series} retrieval, quality is highest at {_passages(best)} ({_value(analysis, series, best):.2f})"
    shape = [k for k in ks[1:-1] if _rises(analysis, series, k, small) and _falls(analysis, series, large, k)]
    falls = [k for k in ks[:-1] if _falls(analysis, series, large, k)]
    rises = [k for k in ks[1:] if _rises(analysis, series, k, small)]
    if shape:
        turn = f"it rises from {small} to {shape[0]} and falls again to {large}"
        return f"{told}: {turn}, both by more than chance: an inverted U."
    if falls:
        fall = analysis.between((series, large), (series, falls[-1]))
        assert fall is not None
        also = "" if rises else f" A rise from {_passages(small)} is not shown."
        return f"{told}. More passages hurt: {large} against {falls[-1]} {fall.told}.{also}"
    compared = analysis.between((series, large), (series, best if best != large else small))
    assert compared is not None
    change = f"{_passages(large)} against {compared.second[1]}: {compared.told}."
    if rises:
        return f"{told}. It rises with the number of passages; no fall is shown. {change}"
    return f"{told}, but no rise or fall is shown. {change} {undecided(analysis, compared)}"


def _passages(k: int) -> str:
    return f"{k} passage{'' if k == 1 else 's'}"


def _value(analysis: Analysis, series: str, k: int) -> float:
    found = analysis.at(series, k)
    assert found is not None
    assert found.quality is not None
    return found.quality.value


def _rises(analysis: Analysis, series: str, k: int, small: int) -> bool:
    # The largest k against the smallest is the one pair that was compared the other way round.
    found = analysis.between((series, k), (series, small))
    return found is not None and found.is_better


def _falls(analysis: Analysis, series: str, large: int, k: int) -> bool:
    found = analysis.between((series, large), (series, k))
    return found is not None and found.is_worse


def _points(analysis: Analysis, series: str, of: Callable[[Condition], Mean | None]) -> tuple[Point, ...]:
    conditions = [c for c in analysis.conditions if c.series == series]
    return tuple(Point(c.x, m.value, m.low, m.high) for c in conditions if (m := of(c)) is not None)


def _recall(analysis: Analysis, series: str, quality: str) -> Plot:
    return Plot(
        title=f"Recall, precision and quality: {series}",
        description=(
            "Recall@k: share of questions with a gold passage among the k. Precision@k: share of the k that is gold. "
            "A gap that opens between recall and quality is evidence that was found and not used."
        ),
        series=(
            Series("recall@k", _points(analysis, series, lambda c: c.recall)),
            Series("precision@k", _points(analysis, series, lambda c: c.precision)),
            Series(quality, _points(analysis, series, lambda c: c.quality)),
        ),
        x_label=X_LABEL,
        y_label="mean over questions",
        log_x=True,
        from_zero=True,
    )


def _table(analysis: Analysis) -> Table:
    rows = tuple(
        (
            f"{c.series}, {c.x}",
            number(c.quality) if c.quality else None,
            number(c.given_gold) if c.given_gold else None,
            Number(c.given_gold.n, digits=0) if c.given_gold else None,
            Number(c.tokens, digits=0),
        )
        for c in analysis.conditions
    )
    columns = ("Retriever, k", "Quality", "Quality where a gold passage is there", "Questions there", "Prompt tokens")
    return Table(columns, rows, "Quality in all, and where retrieval is not to blame")


EXPERIMENT = Experiment(
    name="context-size",
    title="Quality and number of passages",
    question="Does the answer get better with every passage that is retrieved, or worse again after some?",
    x_label="passages",
    plan=plan,
    pairs=pairs,
    findings=findings,
)
