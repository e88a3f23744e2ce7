"""The candidates of each retriever among the papers that meet the conditions: exactly their own ranking.

Few papers are compared one by one (exact cosine; BM25 within the set). Many are taken out of the ordinary
ranking, fetched deeper until there are enough. Either way a paper that does not meet the conditions never
takes the place of one that does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from rag.filters import Filters
from rag.index import Index
from rag.protocols import Vectors

# Up to here the papers are compared one by one, beyond it fetched deeper (eval/bench/filters.py).
ONE_BY_ONE = 2000
# How much deeper than their share of the collection asks for, and how much deeper still at each new attempt.
SPARE, DEEPER = 1.3, 3

DenseHit = tuple[str, str, float]
Hit = TypeVar("Hit")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """One set of conditions over one index, resolved.

    Attributes:
        ids: The papers that meet them, where they are few; else `None`.
        size: How many there are.
    """

    index: Index
    filters: Filters
    ids: tuple[str, ...] | None
    size: int

    @classmethod
    def to(cls, index: Index, filters: Filters, few: int = ONE_BY_ONE) -> Narrowed:
        """Resolves the conditions in the records."""
        if not filters:
            return cls(index, filters, None, index.catalog.counts().papers)
        ids = tuple(index.catalog.matching(filters, limit=few + 1))
        if len(ids) <= few:
            return cls(index, filters, ids, len(ids))
        return cls(index, filters, None, index.catalog.count(filters))

    def dense(self, vector: Vectors, k: int) -> list[DenseHit]:
        """The `k` nearest chunks as (chunk id, paper id, cosine), best first."""
        if not self.filters:
            return self.index.vectors.query(vector, k)
        if self.ids is not None:
            return self._compared(vector, k)
        chunks = self.index.vectors.count()
        return self._fetched(lambda depth: self.index.vectors.query(vector, depth), lambda hit: hit[1], k, chunks)

    def lexical(self, text: str, k: int) -> list[tuple[str, float]]:
        """The `k` best papers as (paper id, BM25), best first."""
        terms = self.index.terms
        if not self.filters:
            return terms.query(text, k)
        if self.ids is not None:
            return terms.query(text, k, self.ids)
        return self._fetched(lambda depth: terms.query(text, depth), lambda hit: hit[0], k, terms.count())

    def _compared(self, vector: Vectors, k: int) -> list[DenseHit]:
        owner = {chunk: paper for paper, chunks in self.index.catalog.chunk_ids(self.ids or ()) for chunk in chunks}
        cosines = self.index.vectors.similarities(vector, list(owner))
        best = sorted(cosines, key=lambda chunk: (-cosines[chunk], chunk))[:k]
        return [(chunk, owner[chunk], cosines[chunk]) for chunk in best]

    def _fetched(
        self, fetch: Callable[[int], Sequence[Hit]], paper: Callable[[Hit], str], k: int, most: int
    ) -> list[Hit]:
        share = self.size / max(1, self.index.catalog.counts().papers)
        depth = ceil(SPARE * k / max(share, 1e-6))
        while True:
            hits = fetch(min(depth, most))
            known = set(self.index.catalog.matching(self.filters, [paper(hit) for hit in hits]))
            kept = [hit for hit in hits if paper(hit) in known]
            if len(kept) >= k or len(hits) < depth:
                return kept[:k]
            depth *= DEEPER
