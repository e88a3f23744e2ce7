"""Answers to show and to keep, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rag.types import (
    Answer,
    Chunk,
    Context,
    Evidence,
    IndexIdentity,
    NumberedPassage,
    Paper,
    Refusal,
    ScoredPassage,
    Sentence,
    Support,
    Timings,
    Verdict,
)

FAST = Paper(
    "p1",
    "MInference: Pre-filling by Sparse Attention",
    "It takes 30 minutes on [0, 1). MInference with FlashAttention is 10x faster & exact. See [12] for x_[i].",
    authors=("Ada One", "Bo Two"),
    date="2024-07-02",
    venue="NeurIPS",
    doi="10.1/fast",
    extra={"arxiv_version": "2"},
)
KERNELS = Paper("p2", "BlockKern: Kernels for Long Prompts", "BlockKern skips most of the matrix.", date="2023")
UNREAD = Paper("p3", "Another Paper", "It was found and not read.", date="2022-01")


def scored(paper: Paper, rank: int) -> ScoredPassage:
    """A passage that is the whole abstract."""
    return ScoredPassage(Chunk(paper, 0, len(paper.abstract)), 1 / rank, rank, dense_rank=rank, lexical_rank=None)


def numbered(paper: Paper, number: int, text: str) -> NumberedPassage:
    """A source with one sentence of evidence."""
    start = paper.abstract.index(text)
    return NumberedPassage(number, scored(paper, number), (Evidence(start, start + len(text), text, 0.9),), 3 - number)


def answer(**changes: Any) -> Answer:
    """Two sentences over two sources, one quoted, one withheld; a third paper was found and not read."""
    first, second = FAST.abstract[31:84], KERNELS.abstract
    support = Support(Verdict.SUPPORTED, 0.93, first, "p1")
    passages = (numbered(FAST, 1, first), numbered(KERNELS, 2, second))
    value = Answer(
        id="a1",
        question="How fast is it?",
        standalone_question="How fast is pre-filling?",
        mode="generated",
        sentences=(
            Sentence("It is ten times faster.", (1,), support),
            Sentence(second, (2,), Support(Verdict.WEAK, 0.5, second, "p2"), quoted=True, lead="BlockKern"),
        ),
        context=Context("How fast is pre-filling?", passages),
        retrieved=(passages[0].passage, passages[1].passage, scored(UNREAD, 3)),
        refusal=None,
        withheld=(Sentence("It is free.", (), Support(Verdict.UNSUPPORTED, 0.1, reason="nobody says so")),),
        timings=Timings(12.0, 420.0, 1900.0, 300, 60),
        model="SmolLM2",
        index=IndexIdentity("2-m-3-3-7", "m", 384, 3, 3),
    )
    return replace(value, **changes)


def refused() -> Answer:
    """A refusal that names a paper that was not read."""
    return answer(
        mode="refused",
        sentences=(),
        withheld=(),
        context=Context("How fast is pre-filling?", ()),
        refusal=Refusal("off_topic", "Nothing here is about that.", (UNREAD,)),
    )
