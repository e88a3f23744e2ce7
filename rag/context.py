"""From ranked passages to what the reader is given: evidence sentences within a budget, numbered, ordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rag.evidence import PaperEvidence
from rag.order import Ordering, prompt_order
from rag.question import Kind, Question
from rag.types import Context, Evidence, NumberedPassage, ScoredPassage


@dataclass(frozen=True, slots=True)
class Shape:
    """How much evidence a kind of question takes."""

    sentences: int
    papers: int
    per_paper: int


SHAPES = {
    Kind.FACT: Shape(sentences=6, papers=4, per_paper=4),
    Kind.NUMBER: Shape(sentences=6, papers=4, per_paper=4),
    Kind.COMPARISON: Shape(sentences=6, papers=3, per_paper=3),
    Kind.LISTING: Shape(sentences=8, papers=8, per_paper=1),
}
# A listing names a paper only where its best sentence is at least this near to the best of all.
LISTING_SHARE = 0.25

Scored = tuple[ScoredPassage, Evidence]


def select(
    question: Question,
    ranked: Sequence[ScoredPassage],
    evidence: Mapping[str, PaperEvidence],
    *,
    papers: int,
    budget: int,
    count_tokens: Callable[[str], int],
    ordering: Ordering = "auto",
) -> Context:
    """Chooses evidence, numbers its papers by rank, and puts them in prompt order.

    The budget is spent best sentence first, before ordering, so that reordering never decides what
    is dropped.

    Args:
        question: The standalone question.
        ranked: Passages, best first.
        evidence: Scored sentences by paper id; a passage without them is passed over.
        papers: Most papers that may be used.
        budget: Tokens for all evidence, titles included.
        count_tokens: The reader's own tokenizer.
        ordering: See `rag.order`.
    """
    shape = SHAPES.get(question.kind, SHAPES[Kind.FACT])
    usable = [p for p in ranked if p.paper.id in evidence][: min(papers, max(shape.papers, 1) * 2)]
    chosen = _choose(usable, evidence, shape, min(papers, shape.papers))
    kept = _within(budget, chosen, count_tokens)
    ids = {passage.paper.id for passage, _ in kept}
    used = [passage for passage in usable if passage.paper.id in ids]
    positions = {p.paper.id: i for i, p in enumerate(prompt_order(used, ordering), start=1)}
    return Context(
        question.text,
        tuple(
            NumberedPassage(
                number,
                passage,
                tuple(sorted((e for p, e in kept if p is passage), key=lambda e: e.start)),
                positions[passage.paper.id],
            )
            for number, passage in enumerate(used, start=1)
        ),
    )


def _choose(
    usable: Sequence[ScoredPassage], evidence: Mapping[str, PaperEvidence], shape: Shape, papers: int
) -> list[Scored]:
    """Best sentences first, at most `per_paper` of one paper and `papers` papers."""
    pairs = [(p, e) for p in usable for e in evidence[p.paper.id].sentences]
    pairs.sort(key=lambda pair: (-pair[1].score, pair[0].rank, pair[1].start))
    taken: list[Scored] = []
    per_paper: dict[str, int] = {}
    for passage, sentence in pairs:
        key = passage.paper.id
        full = len(per_paper) >= papers and key not in per_paper
        if full or per_paper.get(key, 0) >= shape.per_paper:
            continue
        if shape.per_paper == 1 and taken and sentence.score < LISTING_SHARE * taken[0][1].score:
            continue
        per_paper[key] = per_paper.get(key, 0) + 1
        taken.append((passage, sentence))
        if len(taken) == shape.sentences:
            break
    return taken


def _within(budget: int, chosen: Sequence[Scored], count_tokens: Callable[[str], int]) -> list[Scored]:
    kept: list[Scored] = []
    titled: set[str] = set()
    left = budget
    for passage, sentence in chosen:
        cost = count_tokens(sentence.text) + 4
        if passage.paper.id not in titled:
            cost += count_tokens(passage.paper.title)
        # The best sentence is always kept: a budget too small for it would leave nothing to answer from.
        if cost > left and kept:
            continue
        left -= cost
        titled.add(passage.paper.id)
        kept.append((passage, sentence))
    return kept
