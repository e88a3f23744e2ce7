"""The configurations that an evaluation compares, each as one function from a query to a ranking."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.datasets import Progress
from eval.indexes import Collection
from eval.trec import Run
from rag import build
from rag.errors import UsageError
from rag.trec import descending
from rag.types import ScoredPassage

Ranking = list[tuple[str, float]]
"""Paper ids with scores, best first."""

Search = Callable[[str, int], Ranking]
"""A query and how many papers are wanted."""

MEANINGS = {
    "lexical": "BM25 over titles and abstracts",
    "dense": "cosine of embeddings, the best chunk of a paper",
    "rrf": "reciprocal rank fusion (k = 60) of lexical and dense",
    "hybrid": "the program's own fusion, before papers are reranked by their evidence",
    "full": "what the command paperchat search does",
}
BASELINE = "rrf"
RRF_K = 60
# Chunks looked up for each paper wanted: several chunks of one paper collapse into one.
CHUNKS = 2


def names(given: str) -> list[str]:
    """Names of configurations out of a comma-separated list; empty for an empty one.

    Raises:
        UsageError: One is unknown.
    """
    chosen = list(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    for name in chosen:
        if name not in MEANINGS:
            raise UsageError(f"Unknown configuration {name!r}. Choose from {', '.join(MEANINGS)}.")
    return chosen


def searches(collection: Collection) -> dict[str, Search]:
    """Every built-in configuration over one collection."""
    index, embedder, config = collection.index, collection.embedder, collection.config

    def lexical(query: str, k: int) -> Ranking:
        return index.terms.query(query, k)

    def dense(query: str, k: int) -> Ranking:
        best: dict[str, float] = {}
        for _, paper_id, cosine in index.vectors.query(embedder.embed_query(query), CHUNKS * k):
            best.setdefault(paper_id, cosine)
        return list(best.items())[:k]

    def rrf(query: str, k: int) -> Ranking:
        return reciprocal_rank_fusion([lexical(query, k), dense(query, k)])[:k]

    fusion = build.build_retriever(config, index, embedder)
    pipeline = build.assemble(config, index, embedder, None)
    return {
        "lexical": lexical,
        "dense": dense,
        "rrf": rrf,
        "hybrid": lambda query, k: _ranking(fusion.retrieve(query, k)),
        "full": lambda query, k: _ranking(pipeline.search(query, k).ranked),
    }


def reciprocal_rank_fusion(rankings: Iterable[Ranking], k: int = RRF_K) -> Ranking:
    """Sum of 1 / (k + rank) over the rankings (Cormack, Clarke and Büttcher, SIGIR 2009); ties by id."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, (paper_id, _) in enumerate(ranking, start=1):
            scores[paper_id] = scores.get(paper_id, 0.0) + 1 / (k + rank)
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))


def _ranking(passages: Iterable[ScoredPassage]) -> Ranking:
    return [(passage.paper.id, passage.score) for passage in passages]


@dataclass(frozen=True)
class System:
    """One configuration, run: what it found and how long each query took (empty: not known)."""

    name: str
    meaning: str
    run: Run
    milliseconds: Sequence[float] = ()


def run_system(name: str, search: Search, queries: Mapping[str, str], depth: int, progress: Progress) -> System:
    """Asks every query, one at a time; the first is asked once before the clock runs.

    Args:
        name: Of the configuration.
        search: The configuration.
        queries: Text by id; a query without text has no results.
        depth: Papers wanted.
        progress: See `Progress`.
    """
    found: Run = {}
    milliseconds = []
    if first := next(filter(None, queries.values()), None):
        search(first, depth)
    for query, text in progress(f"Searching: {name}", queries.items(), len(queries)):
        if text:
            start = time.perf_counter()
            ranking = search(text, depth)
            milliseconds.append((time.perf_counter() - start) * 1000)
            found[query] = descending(ranking)
    return System(name, MEANINGS.get(name, ""), found, milliseconds)


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    median, p95 = np.percentile(np.asarray(milliseconds, dtype=np.float64), [50, 95])
    return {"median": round(float(median), 2), "p95": round(float(p95), 2)}
