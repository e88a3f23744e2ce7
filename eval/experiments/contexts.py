"""Which passages a reader is given, and in which order. Pure functions; what is random is seeded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from eval.experiments.items import Item, Passage
from eval.experiments.scoring import holds_answer
from rag.order import reorder

T = TypeVar("T")

CLOSED_BOOK, GOLD_ALONE = BASELINES = ("closed book", "gold passage alone")

SHUFFLED = "shuffled"
SCORE_ORDER, PAPERS_ORDER, REVERSED = "score order", "the paper's order", "reversed"
ORDERS: dict[str, Callable[[Sequence[Passage]], list[Passage]]] = {
    SCORE_ORDER: list,
    PAPERS_ORDER: reorder,
    REVERSED: lambda ranked: list(reversed(ranked)),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One question with one context.

    Attributes:
        item: The question.
        series: What is compared, as a line in the plot.
        x: Place on the horizontal axis: number of passages, or the gold passage's place.
        passages: In the order in which the reader gets them.
    """

    item: Item
    series: str
    x: int
    passages: tuple[Passage, ...]

    @property
    def key(self) -> str:
        """Names question, condition and context, by what they say: other words are another trial."""
        read = "\0".join((self.item.question, *(f"{p.id}\1{p.title}\1{p.text}" for p in self.passages)))
        return f"{self.item.id}|{self.series}|{self.x}|{sha256(read.encode()).hexdigest()[:12]}"


def baselines(item: Item) -> list[Trial]:
    """Without any passage, and with nothing but the gold one: floor and ceiling of what a context can do."""
    return [Trial(item, CLOSED_BOOK, 0, ()), Trial(item, GOLD_ALONE, 1, item.gold[:1])]


def ordered(ranked: Sequence[Passage], order: str, rng: random.Random) -> tuple[Passage, ...]:
    """`ranked` (best first) in one of the `ORDERS`, or shuffled."""
    return tuple(shuffled(ranked, rng) if order == SHUFFLED else ORDERS[order](ranked))


def generator(seed: int, *parts: object) -> random.Random:
    """A random generator that depends on these parts alone, not on what ran before it."""
    return random.Random("\0".join(map(str, (seed, *parts))))


def shuffled(values: Iterable[T], rng: random.Random) -> list[T]:
    """A copy in random order."""
    copy = list(values)
    rng.shuffle(copy)
    return copy


def negatives(item: Item, ranked: Iterable[Passage], count: int) -> list[Passage]:
    """The first `count` of `ranked` that are not gold and do not hold an answer string; fewer where there are fewer."""
    chosen: list[Passage] = []
    seen = {*item.gold_ids, *item.related}
    for passage in ranked:
        if len(chosen) >= count:
            break
        if passage.id not in seen and not holds_answer(passage, item):
            seen.add(passage.id)
            chosen.append(passage)
    return chosen


def algorithm_1(item: Item, hardest: Sequence[Passage], size: int, rng: random.Random) -> tuple[Passage, ...] | None:
    """Algorithm 1 of Jin et al. (appendix C): one gold passage and the `size` - 1 hardest negatives, shuffled.

    Args:
        item: The question; its first gold passage is used.
        hardest: Its `negatives`, hardest first.
        size: Passages wanted (K).
        rng: Decides the order.

    Returns:
        The context, or `None` where there are not enough negatives.
    """
    if len(hardest) < size - 1:
        return None
    return tuple(shuffled([item.gold[0], *hardest[: size - 1]], rng))


def with_gold_at(gold: Passage, distractors: Sequence[Passage], place: int) -> tuple[Passage, ...]:
    """Distractors in their order, the gold passage put in at `place`, counted from 1."""
    return (*distractors[: place - 1], gold, *distractors[place - 1 :])


def spread(size: int, count: int = 5) -> list[int]:
    """`count` places from 1 to `size`, first and last among them: for 20 and 5 those of lost-in-the-middle."""
    if size <= count:
        return list(range(1, size + 1))
    return sorted({1, size, *(round(size * step / (count - 1)) for step in range(1, count - 1))})
