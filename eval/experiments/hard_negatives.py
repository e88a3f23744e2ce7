"""One gold passage among negatives from different retrievers (Jin et al., section 3.3, appendix C, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from eval.experiments.contexts import Trial, algorithm_1, baselines, generator, negatives
from eval.experiments.experiment import Experiment, Findings, Options, Plan, sizes
from eval.experiments.items import Item, Passage, Task
from eval.experiments.lines import against_first, line_plot
from eval.experiments.search import RANDOM, Search, names
from eval.experiments.summary import Analysis, Comparison, undecided, widest

GRID = (5, 10, 20)
SOURCES = "random,bm25,dense,hybrid"
# Gold passages and passages that hold the answer are passed over: so many more are asked for.
SPARE = 30


def plan(
    task: Task,
    items: Sequence[Item],
    search: Search,
    options: Options,
    shown: Callable[[Iterable[Item]], Iterable[Item]],
) -> Plan:
    """For each source and K one context, shuffled."""
    sources = names(",".join(options.sources) or SOURCES, with_random=True)
    grid = sizes(options, GRID, search.size)
    trials: list[Trial] = []
    short = dict.fromkeys(sources, 0)
    for item in shown(items):
        trials += baselines(item)
        for source in sources:
            hardest = _hardest(item, source, grid[-1] - 1, search, options.seed)
            for size in grid:
                context = algorithm_1(item, hardest, size, generator(options.seed, item.id, source, size))
                if context is None:
                    short[source] += 1
                else:
                    trials.append(Trial(item, source, size, context))
    notes = [
        f"Of {search.size:,} passages. Negatives are not gold and hold no accepted answer; one gold passage is put "
        "among them and all are shuffled (Algorithm 1)."
    ]
    notes += [
        f"{count:,} contexts could not be made: {source} found too few negatives."
        for source, count in short.items()
        if count
    ]
    return Plan(tuple(trials), tuple(notes))


def _hardest(item: Item, source: str, count: int, search: Search, seed: int) -> list[Passage]:
    if source == RANDOM:
        return negatives(item, search.at_random(generator(seed, item.id, RANDOM)), count)
    depth = count + SPARE
    while True:
        ranked = search.ranked(item, source, depth)
        found = negatives(item, ranked, count)
        if len(found) >= count or len(ranked) < depth:
            return found
        depth *= 2


def findings(analysis: Analysis, quality: str) -> Findings:
    """Do passages that look relevant hurt more than random ones?"""
    plot = line_plot(
        analysis,
        f"{quality} by source of the negatives",
        "One gold passage is in every context; only what surrounds it changes.",
        "passages in the prompt (K)",
        quality,
    )
    return Findings(_verdicts(analysis), plot)


def _verdicts(analysis: Analysis) -> tuple[str, ...]:
    series = analysis.series()
    if not series or not analysis.places(series[0]):
        return ()
    easy, largest = series[0], analysis.places(series[0])[-1]
    told: list[str] = []
    open_ones: list[Comparison] = []
    for hard in series[1:]:
        found = analysis.between((hard, largest), (easy, largest))
        if found is None:
            continue
        what = f"At {largest} passages, {hard} negatives against {easy} ones: {found.told}."
        if found.is_worse:
            told.append(f"{what} Passages that look relevant and are not hurt this reader more.")
        elif found.is_better:
            told.append(f"{what} They hurt less, contrary to the paper.")
        else:
            told.append(f"{what} That could be chance.")
            open_ones.append(found)
    if open_ones:
        told.append(undecided(analysis, widest(open_ones)))
    return tuple(told)


EXPERIMENT = Experiment(
    name="hard-negatives",
    title="Hard negatives",
    question="With the gold passage always there: do negatives that a retriever ranks high hurt more than random ones?",
    x_label="passages (K)",
    plan=plan,
    pairs=against_first,
    findings=findings,
)
