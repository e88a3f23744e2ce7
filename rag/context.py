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
    """How much evidence a kind of question takes, and how much of it an answer quotes.

    Attributes:
        sentences: Most evidence sentences.
        papers: Most papers.
        per_paper: Most sentences of one paper.
        quotes: Most sentences quoted.
        by_turns: Papers give a sentence each in turn, so that every side is heard.
        room: Times the usual budget that the evidence may take.
        near: Share of the best paper's score, after reranking, that a paper has to have.
    """

    sentences: int
    papers: int
    per_paper: int
    quotes: int
    by_turns: bool = False
    room: int = 1
    near: float = 0.0


# Four quotes hold .86 of the asked facts on the arXiv and .82 on the NLP development questions, three
# .85 and .68, five .92 and .84 (docs/decisions/0003); nobody reads ten.
SHAPES = {
    Kind.FACT: Shape(sentences=6, papers=4, per_paper=4, quotes=4),
    Kind.NUMBER: Shape(sentences=6, papers=4, per_paper=4, quotes=4),
    Kind.COMPARISON: Shape(sentences=6, papers=2, per_paper=3, quotes=6, by_turns=True),
    # Three sentences where one paper is asked about by name; with several papers each says its first.
    Kind.OVERVIEW: Shape(sentences=6, papers=6, per_paper=3, quotes=6, by_turns=True, room=2, near=0.76),
    Kind.LISTING: Shape(sentences=10, papers=10, per_paper=1, quotes=10, by_turns=True, room=3, near=0.76),
}
# An evidence sentence this far below the best one is not quoted: it is probably about something else.
# One of another paper than the best has to come nearer.
QUOTE_SHARE = 0.1
QUOTE_SHARE_ELSEWHERE = 0.5

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


def tokens(kind: Kind, budget: int) -> int:
    """Tokens of evidence that a question of this kind may take where others take `budget`."""
    return budget * SHAPES.get(kind, SHAPES[Kind.FACT]).room


def quotable(kind: Kind, context: Context) -> list[tuple[NumberedPassage, Evidence]]:
    """The sentences an answer of this kind quotes: best first, or by turns of its papers."""
    shape = SHAPES.get(kind, SHAPES[Kind.FACT])
    pairs = [(passage, e) for passage in context.passages for e in passage.evidence]
    pairs.sort(key=lambda pair: -pair[1].score)
    if not pairs:
        return []
    if shape.by_turns:
        turns = {id(e): turn for p in context.passages for turn, e in enumerate(_best_first(p.evidence))}
        pairs.sort(key=lambda pair: (turns[id(pair[1])], pair[0].number))
        chosen = pairs[: shape.quotes]
        return sorted(chosen, key=lambda pair: (pair[0].number, pair[1].start))
    first, best = pairs[0]
    shares = ((p, e, QUOTE_SHARE if p is first else QUOTE_SHARE_ELSEWHERE) for p, e in pairs)
    return [(p, e) for p, e, share in shares if e.score >= share * best.score][: shape.quotes]


def lead(kind: Kind, passage: NumberedPassage) -> str:
    """The title, for kinds of question where the reader must see which paper speaks."""
    return passage.paper.title if SHAPES.get(kind, SHAPES[Kind.FACT]).by_turns else ""


def _best_first(evidence: Sequence[Evidence]) -> list[Evidence]:
    return sorted(evidence, key=lambda e: -e.score)


def _choose(
    usable: Sequence[ScoredPassage], evidence: Mapping[str, PaperEvidence], shape: Shape, papers: int
) -> list[Scored]:
    """Best sentences first, at most `per_paper` of one paper and `papers` papers."""
    if shape.by_turns:
        return _by_turns(usable[:papers], evidence, shape)
    pairs = [(p, e) for p in usable for e in evidence[p.paper.id].sentences]
    pairs.sort(key=lambda pair: (-pair[1].score, pair[0].rank, pair[1].start))
    taken: list[Scored] = []
    per_paper: dict[str, int] = {}
    for passage, sentence in pairs:
        key = passage.paper.id
        full = len(per_paper) >= papers and key not in per_paper
        if full or per_paper.get(key, 0) >= shape.per_paper:
            continue
        per_paper[key] = per_paper.get(key, 0) + 1
        taken.append((passage, sentence))
        if len(taken) == shape.sentences:
            break
    return taken


def _by_turns(usable: Sequence[ScoredPassage], evidence: Mapping[str, PaperEvidence], shape: Shape) -> list[Scored]:
    """Every paper's best sentence, then every paper's second best."""
    best = max((p.score for p in usable), default=0.0)
    usable = [p for p in usable if p.score >= shape.near * best]
    turns = [(turn, p, e) for p in usable for turn, e in enumerate(_best_first(evidence[p.paper.id].sentences))]
    turns.sort(key=lambda entry: (entry[0], entry[1].rank))
    return [(p, e) for turn, p, e in turns if turn < shape.per_paper][: shape.sentences]


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
