"""Dense and lexical retrieval, fused by a convex combination of normalised scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from rag.filters import NONE, Filters
from rag.index import Index
from rag.narrowed import Narrowed
from rag.protocols import Embedder, Reranker, Vectors
from rag.types import Candidate, Chunk, ScoredPassage

RetrieverName = Literal["hybrid", "dense", "lexical"]

# Looks at an index that an ingest is changing at the same time.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Found:
    """The papers that at least one retriever returned, everything by paper id.

    Attributes:
        chunks: Each one's best chunk.
        similarities: Cosine of that chunk.
        lexical: BM25; papers without any of the words are left out.
        dense_ranks: Place by meaning, of those found by it.
        lexical_ranks: Place by words, likewise.
    """

    chunks: dict[str, str]
    similarities: dict[str, float]
    lexical: dict[str, float]
    dense_ranks: dict[str, int]
    lexical_ranks: dict[str, int]


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

    def retrieve(
        self, question: str, k: int, filters: Filters = NONE, reranker: Reranker | None = None
    ) -> list[ScoredPassage]:
        """At most `k` passages, best first; equal scores in the order of paper ids."""
        return self.ranked(question, max(k, self._depth), filters, k, reranker)

    def ranked(
        self,
        question: str,
        depth: int,
        filters: Filters = NONE,
        k: int | None = None,
        reranker: Reranker | None = None,
    ) -> list[ScoredPassage]:
        """What either retriever returned at this depth, fused and reranked; the first `k` of it where `k` is given."""
        vector = self._embedder.embed_query(question)
        highest = self._index.terms.highest(question)
        depth = max(depth, reranker.depth if reranker else 0)
        for attempt in range(ATTEMPTS):
            # A record that is to be shown says anyway what is not as recorded, and that happens during a write only:
            # then all that was found is checked, which takes as long as a third of the search.
            found = self._found(question, vector, depth, filters, checked=attempt > 0)
            best = self._fused(found, highest, None if k is None else depth)
            best = (reranker(best) if reranker else best)[:k]
            # Only what is returned is read whole: a record takes longer to read than to rank.
            records = self._index.catalog.get([candidate.paper_id for candidate in best])
            chunks = {chunk.id: chunk for _, own in records.values() for chunk in own}
            held = [candidate for candidate in best if candidate.chunk_id in chunks]
            if len(held) == len(best):
                break
            # An ingest replaced a record since its chunks were ranked: the paper is still there, look again.
        return [_passage(c, chunks[c.chunk_id], rank) for rank, c in enumerate(held, start=1)]

    def _fused(self, found: _Found, highest: float, limit: int | None) -> list[Candidate]:
        scores = fuse(found.similarities, found.lexical, self._weight, highest)
        order = sorted(scores, key=lambda key: (-scores[key], key))[:limit]
        return [
            Candidate(
                paper_id,
                found.chunks[paper_id],
                scores[paper_id],
                rank,
                found.similarities[paper_id],
                found.dense_ranks.get(paper_id),
                found.lexical_ranks.get(paper_id),
            )
            for rank, paper_id in enumerate(order, start=1)
        ]

    def _found(self, question: str, vector: Vectors, depth: int, filters: Filters, *, checked: bool) -> _Found:
        narrowed = Narrowed.to(self._index, filters)
        if not narrowed.size:
            return _Found({}, {}, {}, {}, {})
        # Twice the depth: several chunks of one paper collapse into one candidate.
        dense = narrowed.dense(vector, 2 * depth) if self._use != "lexical" else []
        lexical = dict(narrowed.lexical(question, depth)) if self._use != "dense" else {}
        near = dict.fromkeys(paper_id for _, paper_id, _ in dense)
        asked = [*near, *lexical] if checked else [paper_id for paper_id in lexical if paper_id not in near]
        recorded = dict(self._index.catalog.chunk_ids(asked))
        if checked:  # what the catalog does not know is half of an unfinished write: not there for readers
            current = {chunk_id for own in recorded.values() for chunk_id in own}
            dense = [hit for hit in dense if hit[0] in current]
            near = {paper_id: None for paper_id in near if paper_id in recorded}
        scored: dict[str, tuple[float, str]] = {}
        for chunk_id, paper_id, cosine in dense:
            scored.setdefault(paper_id, (cosine, chunk_id))
        # Papers found by words only, and papers whose chunks were replaced between the two look-ups.
        far = {paper_id: own for paper_id, own in recorded.items() if paper_id not in scored}
        cosines = self._index.vectors.similarities(vector, [chunk_id for own in far.values() for chunk_id in own])
        for paper_id, own in far.items():
            if pairs := [(cosines[chunk_id], chunk_id) for chunk_id in own if chunk_id in cosines]:
                scored[paper_id] = max(pairs, key=lambda pair: pair[0])
        return _Found(
            {paper_id: chunk_id for paper_id, (_, chunk_id) in scored.items()},
            {paper_id: cosine for paper_id, (cosine, _) in scored.items()},
            lexical,
            _ranks(near),
            _ranks(paper_id for paper_id in lexical if paper_id in near or paper_id in recorded),
        )


def _ranks(papers: Iterable[str]) -> dict[str, int]:
    return {paper_id: rank for rank, paper_id in enumerate(papers, start=1)}


def _passage(candidate: Candidate, chunk: Chunk, rank: int) -> ScoredPassage:
    return ScoredPassage(
        chunk=chunk,
        score=candidate.score,
        rank=rank,
        dense_rank=candidate.dense_rank,
        lexical_rank=candidate.lexical_rank,
        fused_rank=candidate.rank,
        similarity=candidate.similarity,
    )
