"""Dense and lexical retrieval, fused by a convex combination of normalised scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.filters import NONE, Filters
from rag.index import Index
from rag.narrowed import Narrowed
from rag.protocols import Embedder, Vectors
from rag.types import Chunk, ScoredPassage

RetrieverName = Literal["hybrid", "dense", "lexical"]

# Looks at an index that an ingest is changing at the same time.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper that at least one retriever returned, by its best chunk."""

    chunk_id: str
    similarity: float
    lexical: float
    dense_rank: int | None
    lexical_rank: int | None


def min_max(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores scaled to 0..1; all 1 where they do not differ."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {key: (score - low) / (high - low) if high > low else 1.0 for key, score in scores.items()}


def fuse(
    dense: Mapping[str, float], lexical: Mapping[str, float], dense_weight: float, highest: float
) -> dict[str, float]:
    """Convex combination of normalised scores (Bruch et al., arXiv 2210.11934, for its form).

    Cosines are scaled to 0..1 among the candidates. A BM25 score counts as its share of the highest that the
    question's words allow, not of the best candidate's: where the question is worded far from every abstract, the best
    match of words is still a poor one, and meaning decides (docs/decisions/0006).

    Args:
        dense: Cosine by paper id, for every candidate.
        lexical: BM25 score by paper id; a candidate that is missing here has none of the words.
        dense_weight: Weight of `dense` in 0..1.
        highest: BM25 score that no document exceeds for the question.
    """
    meaning = min_max(dense)
    wording = {key: min(1.0, lexical.get(key, 0.0) / highest) if highest > 0 else 0.0 for key in dense}
    return {key: dense_weight * meaning[key] + (1 - dense_weight) * wording[key] for key in dense}


class HybridRetriever:
    """Both retrievers side by side over one index; one passage a paper."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        *,
        candidates: int = 100,
        dense_weight: float = 0.5,
        use: RetrieverName = "hybrid",
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._depth = candidates
        self._weight = {"hybrid": dense_weight, "dense": 1.0, "lexical": 0.0}[use]
        self._use = use

    @property
    def depth(self) -> int:
        """Papers each retriever hands to fusion."""
        return self._depth

    def retrieve(self, question: str, k: int, filters: Filters = NONE) -> list[ScoredPassage]:
        """At most `k` passages, best first; equal scores in the order of paper ids."""
        return self.ranked(question, max(k, self._depth), filters, k)

    def ranked(self, question: str, depth: int, filters: Filters = NONE, k: int | None = None) -> list[ScoredPassage]:
        """What either retriever returned at this depth, fused; the first `k` of it where `k` is given."""
        vector = self._embedder.embed_query(question)
        highest = self._index.terms.highest(question)
        for _ in range(ATTEMPTS):
            found = self._candidates(question, vector, depth, filters)
            fused = fuse(
                {key: c.similarity for key, c in found.items()},
                {key: c.lexical for key, c in found.items()},
                self._weight,
                highest,
            )
            best = sorted(found, key=lambda key: (-fused[key], key))[:k]
            # Only what is returned is read whole: a record takes longer to read than to rank.
            chunks = {chunk.id: chunk for _, own in self._index.catalog.get(best).values() for chunk in own}
            held = [key for key in best if found[key].chunk_id in chunks]
            if len(held) == len(best):
                break
            # An ingest replaced a record since its chunks were ranked: the paper is still there, look again.
        return [_passage(chunks[found[key].chunk_id], found[key], fused[key], n) for n, key in enumerate(held, start=1)]

    def _candidates(self, question: str, vector: Vectors, depth: int, filters: Filters) -> dict[str, Candidate]:
        narrowed = Narrowed.to(self._index, filters)
        if not narrowed.size:
            return {}
        # Twice the depth: several chunks of one paper collapse into one candidate.
        dense = narrowed.dense(vector, 2 * depth) if self._use != "lexical" else []
        lexical = dict(narrowed.lexical(question, depth)) if self._use != "dense" else {}
        ids = list(dict.fromkeys([*(paper_id for _, paper_id, _ in dense), *lexical]))
        chunks = dict(self._index.catalog.chunk_ids(ids))
        cosines = {chunk_id: cosine for chunk_id, _, cosine in dense}
        # Papers found by words only, and papers whose chunks were replaced between the two look-ups.
        unscored = (own for own in chunks.values() if not any(chunk_id in cosines for chunk_id in own))
        cosines |= self._index.vectors.similarities(vector, [chunk_id for own in unscored for chunk_id in own])
        return _candidates({key: chunks[key] for key in ids if key in chunks}, cosines, dense, lexical)


def _candidates(
    chunks: Mapping[str, Sequence[str]],
    cosines: Mapping[str, float],
    dense: Sequence[tuple[str, str, float]],
    lexical: Mapping[str, float],
) -> dict[str, Candidate]:
    dense_ranks: dict[str, int] = {}
    for _, paper_id, _ in dense:
        if paper_id in chunks:
            dense_ranks.setdefault(paper_id, len(dense_ranks) + 1)
    known = (paper_id for paper_id in lexical if paper_id in chunks)
    lexical_ranks = {paper_id: rank for rank, paper_id in enumerate(known, start=1)}
    found: dict[str, Candidate] = {}
    for paper_id, own in chunks.items():
        # A chunk the catalog does not know is half of an unfinished write: not there for readers.
        scored = [(cosines[chunk_id], chunk_id) for chunk_id in own if chunk_id in cosines]
        if not scored:
            continue
        similarity, chunk_id = max(scored, key=lambda pair: pair[0])
        found[paper_id] = Candidate(
            chunk_id,
            similarity,
            lexical.get(paper_id, 0.0),
            dense_ranks.get(paper_id),
            lexical_ranks.get(paper_id),
        )
    return found


def _passage(chunk: Chunk, candidate: Candidate, score: float, rank: int) -> ScoredPassage:
    return ScoredPassage(
        chunk=chunk,
        score=score,
        rank=rank,
        dense_rank=candidate.dense_rank,
        lexical_rank=candidate.lexical_rank,
        fused_rank=rank,
        similarity=candidate.similarity,
    )
