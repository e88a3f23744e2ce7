"""Score order, the paper's order, reversed and shuffled, at several numbers of passages (Jin et al., section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from eval.experiments.contexts import ORDERS, PAPERS_ORDER, SCORE_ORDER, SHUFFLED, Trial, baselines, generator, ordered
from eval.experiments.experiment import Experiment, Findings, Options, Plan, most_passages, sizes, uses_given
from eval.experiments.items import Item, Task
from eval.experiments.lines import against_first, line_plot
from eval.experiments.search import Search, candidates, only
from eval.experiments.summary import Analysis, undecided

GRID = (5, 10, 20)
RETRIEVER = "hybrid"
ARRANGED = (*ORDERS, SHUFFLED)


def plan(
    task: Task,
    items: Sequence[Item],
    search: Search,
    options: Options,
    shown: Callable[[Iterable[Item]], Iterable[Item]],
) -> Plan:
    """The same k passages in four orders."""
    use = only(",".join(options.sources) or RETRIEVER)
    given = uses_given(task, options)
    grid = sizes(options, GRID, most_passages(task, search, options))
    trials: list[Trial] = []
    for item in shown(items):
        trials += baselines(item)
        ranked = candidates(search, item, use, grid[-1], given=given)
        for k in (k for k in grid if k <= len(ranked)):
            for order in ARRANGED:
                rng = generator(options.seed, item.id, order, k)
                trials.append(Trial(item, order, k, ordered(ranked[:k], order, rng)))
    where = "the passages given with each question" if given else f"all {search.size:,} passages of the collection"
    return Plan(tuple(trials), (f"The {use} retriever ranks {where}; only the order of its first k changes.",))


def findings(analysis: Analysis, quality: str) -> Findings:
    """Does an order help?"""
    plot = line_plot(
        analysis,
        f"{quality} by order of the passages",
        "The same passages at each k, arranged differently.",
        "passages in the prompt (k)",
        quality,
    )
    return Findings(_verdicts(analysis), plot)


def _verdicts(analysis: Analysis) -> tuple[str, ...]:
    told = []
    for k in analysis.places(SCORE_ORDER)[-1:]:
        for order in ARRANGED[1:]:
            found = analysis.between((order, k), (SCORE_ORDER, k))
            if found is None:
                continue
            what = f"At {k} passages, {order} against {SCORE_ORDER}: {found.told}."
            if found.is_better or found.is_worse:
                better = "better" if found.is_better else "worse"
                told.append(f"{what} It is {better} by more than chance.")
            else:
                told.append(f"{what} That could be chance.")
    paper = [c for c in analysis.comparisons if c.first[0] == PAPERS_ORDER]
    if paper and not any(c.is_better or c.is_worse for c in paper):
        widest = max(paper, key=lambda c: c.first[1])
        told.append(f"The paper's order makes no difference that these questions show. {undecided(analysis, widest)}")
    return tuple(told)


EXPERIMENT = Experiment(
    name="order",
    title="Order of the passages",
    question="The same passages: does it matter in which order they stand, and does the paper's order help?",
    x_label="passages (k)",
    plan=plan,
    pairs=against_first,
    findings=findings,
)
