"""What the four experiments have in common: options, and the parts that each of them brings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.experiments.contexts import Trial
from eval.experiments.items import Item, Task
from eval.experiments.search import Search
from eval.experiments.summary import Analysis, Place
from eval.report import Plot, Table
from rag.errors import UsageError


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of an experiment; the rest is in `Config`.

    Attributes:
        data: Folder or file.
        report: Folder to write.
        split: Judgements of a BEIR folder.
        limit: At most so many questions; `None`: as many as 20 minutes allow.
        sizes: Numbers of passages, or places of the gold passage; `None`: the experiment's own.
        sources: Retrievers to compare, or to take negatives from; empty: the experiment's own.
        pool: Retrieve from all passages of the data set although passages are given with each question.
        documents: Passages in a context where the gold passage moves.
        reader: `model` or `quotes`.
        new_tokens: Longest answer; `None`: the paper's 32, and 64 for long references.
        instruction: In place of the reader's own.
        seed: Of the sample and of everything shuffled.
        fresh: Begin again although there are results of an earlier run.
        beside: Report folder of another reader's run, to be shown beside this one.
    """

    data: Path
    report: Path
    split: str | None = None
    limit: int | None = None
    sizes: tuple[int, ...] | None = None
    sources: tuple[str, ...] = ()
    pool: bool = False
    documents: int = 20
    reader: str = "model"
    new_tokens: int | None = None
    instruction: str | None = None
    seed: int = 0
    fresh: bool = False
    beside: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Contexts to be read, and what could not be made of the data."""

    trials: tuple[Trial, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What an experiment makes of its figures: sentences, the plot to look at first, and more."""

    verdicts: tuple[str, ...]
    plot: Plot
    more: tuple[Table | Plot, ...] = ()


@dataclass(frozen=True, slots=True)
class Experiment:
    """One of the paper's experiments.

    Attributes:
        name: The command.
        title: Of the report.
        question: What it asks.
        x_label: Of the horizontal axis.
        plan: Contexts for these items.
        pairs: Which conditions are compared, out of series and x.
        findings: What the figures say.
    """

    name: str
    title: str
    question: str
    x_label: str
    plan: Callable[[Task, Sequence[Item], Search, Options, Callable[[Iterable[Item]], Iterable[Item]]], Plan]
    pairs: Callable[[Sequence[Place]], list[tuple[Place, Place]]]
    findings: Callable[[Analysis, str], Findings]


def sizes(options: Options, default: Sequence[int], most: int) -> list[int]:
    """The numbers of passages, up to what the data allow.

    Raises:
        UsageError: One is below 1, or above `most`.
    """
    if options.sizes is None:
        return [size for size in default if size <= most] or [most]
    chosen = sorted(set(options.sizes))
    if not chosen or chosen[0] < 1:
        raise UsageError("Numbers of passages start at 1, as in --k 1,5,20.")
    if chosen[-1] > most:
        raise UsageError(f"--k {chosen[-1]} is more than the {most} passages there are. Name smaller numbers.")
    return chosen


def most_passages(task: Task, search: Search, options: Options) -> int:
    """How many passages a question can be given."""
    if uses_given(task, options):
        return min(len(item.given) for item in task.items)
    return search.size


def uses_given(task: Task, options: Options) -> bool:
    """Are contexts made of the passages that come with each question?"""
    return not options.pool and all(len(item.given) > len(item.gold) for item in task.items)
