"""Retrieval for the experiments: the program's own index over a data set's passages, opened when it is needed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from eval import indexes
from eval.experiments.contexts import shuffled
from eval.experiments.items import Item, Passage, Task
from eval.indexes import Collection
from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.evidence import EvidenceScorer
from rag.pipeline import MAX_QUESTION
from rag.retrieve import HybridRetriever, RetrieverName, fuse
from rag.types import Paper

RETRIEVERS: dict[str, RetrieverName] = {"hybrid": "hybrid", "dense": "dense", "bm25": "lexical", "lexical": "lexical"}
RANDOM = "random"


def names(given: str, *, with_random: bool = False) -> list[str]:
    """Names of retrievers out of a comma-separated list, `bm25` for `lexical`.

    Raises:
        UsageError: One is unknown, or there is none.
    """
    allowed = [*([RANDOM] if with_random else []), "bm25", "dense", "hybrid"]
    chosen = list(dict.fromkeys("bm25" if n == "lexical" else n for n in map(str.strip, given.split(",")) if n))
    unknown = [name for name in chosen if name not in allowed]
    if unknown or not chosen:
        raise UsageError(f"Unknown retriever {(unknown or [given])[0]!r}. Choose from {', '.join(allowed)}.")
    return chosen


def only(given: str) -> str:
    """The one retriever that is named.

    Raises:
        UsageError: It is unknown, or there are several.
    """
    chosen = names(given)
    if len(chosen) > 1:
        raise UsageError(f"--retriever names {len(chosen)} retrievers ({', '.join(chosen)}). Name one.")
    return chosen[0]


class Search:
    """Ranks the passages of one task. Nothing is loaded before something is asked."""

    def __init__(self, task: Task, config: Config, own: Callable[[], Collection]) -> None:
        self._task = task
        self._config = config
        self._own = own
        self._retrievers: dict[RetrieverName, HybridRetriever] = {}

    @cached_property
    def collection(self) -> Collection:
        """The index and its embedding model.

        Raises:
            PaperIndexError: It cannot be opened or written.
            ModelError: The embedding model cannot be loaded.
        """
        if self._task.corpus is None:
            return self._own()
        from tqdm import tqdm

        bar: Callable[..., Any] = tqdm
        return indexes.ingested(self._task.corpus, self._config, bar)

    @cached_property
    def evidence(self) -> EvidenceScorer:
        """Scores sentences as the program does when it answers."""
        index = self.collection.index
        return EvidenceScorer(self.collection.embedder, index.terms, index.catalog)

    @cached_property
    def _ids(self) -> list[str]:
        return sorted(paper.id for paper in self.collection.index.catalog.papers())

    @property
    def size(self) -> int:
        """Passages that can be retrieved."""
        return self.collection.index.catalog.counts().papers

    def ranked(self, item: Item, use: str, k: int) -> list[Passage]:
        """The `k` best passages for a question by one retriever, best first."""
        found = self._retriever(use).retrieve(_asked(item), k)
        return [_passage(passage.paper) for passage in found]

    def ranked_given(self, item: Item, use: str) -> list[Passage]:
        """The item's given passages as the retriever ranks them among themselves; equal scores by id.

        They keep their own text: the index holds a cleaned copy.
        """
        at, asked = self.collection, _asked(item)
        records = at.index.catalog.get([passage.id for passage in item.given])
        chunks = {paper_id: [chunk.id for chunk in found] for paper_id, (_, found) in records.items()}
        vector = at.embedder.embed_query(asked)
        cosines = at.index.vectors.similarities(vector, [chunk for found in chunks.values() for chunk in found])
        dense = {key: max((cosines[c] for c in found if c in cosines), default=-1.0) for key, found in chunks.items()}
        weight = {"hybrid": self._config.dense_weight, "dense": 1.0, "lexical": 0.0}[RETRIEVERS[use]]
        fused = fuse(dense, dict(at.index.terms.query(asked, self.size)), weight, at.index.terms.highest(asked))
        return sorted(item.given, key=lambda passage: (-fused.get(passage.id, -1.0), passage.id))

    def papers(self, passages: Sequence[Passage]) -> list[Paper]:
        """The index's own copies, which its token vectors belong to; a passage it does not hold as it is."""
        held = self.collection.index.catalog.get([passage.id for passage in passages])
        return [held[p.id][0] if p.id in held else Paper(p.id, p.title, p.text) for p in passages]

    def at_random(self, rng: random.Random) -> Iterable[Passage]:
        """Every passage, in random order."""
        for paper_id in shuffled(self._ids, rng):
            paper, _ = self.collection.index.catalog.get([paper_id])[paper_id]
            yield _passage(paper)

    def scores(self, item: Item) -> dict[str, float]:
        """The program's fused score of each candidate, by id."""
        found = self._retriever("hybrid").retrieve(_asked(item), self._config.candidates)
        return {passage.paper.id: passage.score for passage in found}

    def _retriever(self, use: str) -> HybridRetriever:
        name = RETRIEVERS[use]
        if name not in self._retrievers:
            at = self.collection
            self._retrievers[name] = build.build_retriever(at.config, at.index, at.embedder, name)
        return self._retrievers[name]


def _asked(item: Item) -> str:
    return item.question.strip()[:MAX_QUESTION]


def _passage(paper: Paper) -> Passage:
    return Passage(paper.id, paper.title, paper.abstract)


def candidates(search: Search, item: Item, use: str, k: int, *, given: bool) -> Sequence[Passage]:
    """The `k` best, of the passages given with the question or of the whole pool."""
    return search.ranked_given(item, use)[:k] if given else search.ranked(item, use, k)
