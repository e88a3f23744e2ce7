"""The gold passage at each of several places among distractors (Liu et al., "Lost in the Middle", TACL 2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from eval.experiments.contexts import Trial, baselines, negatives, spread, with_gold_at
from eval.experiments.experiment import Experiment, Findings, Options, Plan, uses_given
from eval.experiments.items import Item, Passage, Task
from eval.experiments.lines import line_plot
from eval.experiments.search import Search, only
from eval.experiments.summary import Analysis, Place, undecided, widest
from rag.errors import UsageError

SERIES = "gold passage moved"
RETRIEVER = "hybrid"


def plan(
    task: Task,
    items: Sequence[Item],
    search: Search,
    options: Options,
    shown: Callable[[Iterable[Item]], Iterable[Item]],
) -> Plan:
    """The same distractors in the same order, the gold passage at each place in turn."""
    size = options.documents
    if size < 2:
        raise UsageError("--documents is the gold passage and its distractors together: at least 2.")
    places = sorted(set(options.sizes or spread(size)))
    if places[0] < 1 or places[-1] > size:
        raise UsageError(f"--places counts from 1 to the {size} passages of a context. Correct it.")
    use = only(",".join(options.sources) or RETRIEVER)
    given = uses_given(task, options)
    trials: list[Trial] = []
    short = 0
    for item in shown(items):
        distractors = _distractors(item, size - 1, use, search, given=given)
        if len(distractors) < size - 1:
            short += 1
            continue
        trials += baselines(item)
        trials += [Trial(item, SERIES, place, with_gold_at(item.gold[0], distractors, place)) for place in places]
    if not trials:
        raise UsageError(f"No question has {size - 1} distractors. Give a smaller --documents.")
    source = "given with each question" if given else f"the {use} retriever's best that hold no accepted answer"
    notes = [f"{size} passages in each context; the distractors are {source}, in the same order for every place."]
    if short:
        notes.append(f"{short:,} questions are left out: they have fewer than {size - 1} distractors.")
    return Plan(tuple(trials), tuple(notes))


def _distractors(item: Item, count: int, use: str, search: Search, *, given: bool) -> list[Passage]:
    if given:
        return [passage for passage in item.given if passage.id not in item.gold_ids][:count]
    return negatives(item, search.ranked(item, use, 2 * count + 30), count)


def pairs(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    """Every place against the one in the middle."""
    xs = sorted(x for _, x in places)
    return [((SERIES, x), (SERIES, xs[len(xs) // 2])) for x in xs if x != xs[len(xs) // 2]]


def findings(analysis: Analysis, quality: str) -> Findings:
    """Is the gold passage found as well in the middle as at the ends?"""
    plot = line_plot(
        analysis,
        f"{quality} by place of the gold passage",
        "The same passages each time; place 1 comes first, the last place stands next to the question.",
        "place of the gold passage",
        quality,
    )
    verdict = _verdict(analysis)
    return Findings((verdict,) if verdict else (), plot)


def _verdict(analysis: Analysis) -> str:
    xs = analysis.places(SERIES)
    if len(xs) < 3:
        return ""
    middle = xs[len(xs) // 2]
    first, last = (analysis.between((SERIES, x), (SERIES, middle)) for x in (xs[0], xs[-1]))
    if first is None or last is None:
        return ""
    told = f"Gold first against gold at place {middle}: {first.told}; gold last: {last.told}."
    if first.is_better and last.is_better:
        return f"{told} Both ends are read better than the middle: lost in the middle, as published."
    if first.is_better or last.is_better:
        end = "beginning" if first.is_better else "end"
        return f"{told} Only the {end} of the prompt is read better than the middle."
    if first.is_worse or last.is_worse:
        return f"{told} The middle is not read worse than the ends."
    return f"{told} Neither differs from the middle by more than chance. {undecided(analysis, widest((first, last)))}"


EXPERIMENT = Experiment(
    name="position",
    title="Place of the gold passage",
    question="Is an answer found wherever its passage stands in the prompt, or lost in the middle?",
    x_label="place",
    plan=plan,
    pairs=pairs,
    findings=findings,
)
