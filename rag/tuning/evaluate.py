"""Held-out examples answered and checked sentence by sentence, as a reader of the answers would have it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rag import prompt, reasoning
from rag.citations import SentenceStream, extract, is_ended
from rag.contrast import folded
from rag.pipeline import MAX_SENTENCES
from rag.protocols import GenerationLimits, Generator
from rag.support import SupportChecker
from rag.text import terms
from rag.tuning.examples import Example
from rag.types import Context, Verdict

Bar = Callable[[Iterable[Example]], Iterable[Example]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over the held-out examples; shares in 0..1.

    Attributes:
        examples: How many were answered.
        answered: With at least one sentence.
        verbatim: Of sentences: word for word in a passage that was handed out.
        supported: Of sentences: the check finds them carried.
        cited: Of sentences: they cite something that was handed out.
        cites_gold: Of citations: of a passage that answers.
        right: Of answers: a supported sentence that rests on a passage that answers.
        seconds: A median answer takes.
    """

    examples: int
    answered: float
    verbatim: float
    supported: float
    cited: float
    cites_gold: float
    right: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Written:
    """One sentence that was written for an example."""

    text: str
    verbatim: bool
    supported: bool
    cited: tuple[int, ...]
    rests_on: int | None


def sentences(
    generator: Generator, checker: SupportChecker, context: Context, new_tokens: int
) -> tuple[list[Written], str]:
    """What the model writes over a context, checked; and its own words.

    Raises:
        GenerationError: The model failed.
    """
    lines = sum(len(passage.evidence) for passage in context.passages)
    told = prompt.messages(context, lines, generator.style)
    cancel = threading.Event()
    pieces: Iterable[str] = generator.stream(told, GenerationLimits(new_tokens), cancel)
    if generator.style.reasoning:
        pieces = reasoning.answer_only(pieces)
    text = "".join(pieces)
    stream = SentenceStream()
    found: list[Written] = []
    for raw in [*stream.feed(text), *(s for s in stream.finish() if is_ended(s))][:MAX_SENTENCES]:
        claim, cited = extract(raw, context.by_number())
        if terms(claim):
            judged = checker.check(claim, context.passages, cited, context.question)
            supported = judged.support.verdict is Verdict.SUPPORTED
            found.append(Written(claim, _verbatim(claim, context), supported, cited, judged.number))
    return found, text


def is_right(found: Sequence[Written], example: Example) -> bool:
    """Does a supported sentence rest on a passage that answers; or is nothing said where none does?"""
    if not example.gold:
        return not any(s.supported for s in found)
    return any(s.supported and s.rests_on in example.gold for s in found)


def measure(
    examples: Sequence[Example], generator: Generator, checker: SupportChecker, new_tokens: int, bar: Bar = iter
) -> tuple[Measured, dict[str, str]]:
    """Answers every example.

    Returns:
        The measures, and what was written by id of the example.

    Raises:
        GenerationError: The model failed.
    """
    written: list[Written] = []
    golden, right, answered, taken, texts = [], [], [], [], {}
    for example in bar(examples):
        start = time.perf_counter()
        found, text = sentences(generator, checker, example.context, new_tokens)
        taken.append(time.perf_counter() - start)
        written += found
        texts[example.id] = text
        answered.append(bool(found))
        if example.gold:
            golden += [number in example.gold for sentence in found for number in sentence.cited]
            right.append(is_right(found, example))
    return (
        Measured(
            len(examples),
            _share(answered),
            _share([s.verbatim for s in written]),
            _share([s.supported for s in written]),
            _share([bool(s.cited) for s in written]),
            _share(golden),
            _share(right),
            sorted(taken)[len(taken) // 2] if taken else 0.0,
        ),
        texts,
    )


def _verbatim(claim: str, context: Context) -> bool:
    said = folded(claim).rstrip(".")
    return any(said in folded(e.text) for passage in context.passages for e in passage.evidence)


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
