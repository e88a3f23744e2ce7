"""One deterministic fake for each protocol of `rag.protocols`: in memory, no model, no disk."""

from __future__ import annotations

import math
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ingest.split import Embedded
from rag import facets, sentences
from rag.build import assemble
from rag.config import Config
from rag.errors import GenerationError
from rag.facets import Facet
from rag.filters import NONE, Filters
from rag.index import Index, Manifest
from rag.late import Packed, Tokens, empty, of_papers, pack, packed, unit
from rag.pipeline import Pipeline
from rag.protocols import UNTUNED, Counts, GenerationLimits, Message, Reranker, Unfinished, Vectors
from rag.sentences import Sentences
from rag.serialize import content_hash
from rag.text import sentence_spans, terms, words, words_at
from rag.turns import FairQueue
from rag.types import Chunk, Paper, ScoredPassage


class FakeEmbedder:
    """Hashed bag of stemmed words: texts that share words are near, texts that share none are orthogonal."""

    name = "fake-bag-of-words"
    dimension = 1024
    max_tokens = 256

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return np.array([self._vector(text) for text in texts], np.float32).reshape(len(texts), self.dimension)

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        return self.embed(texts), [self.query_tokens(text) for text in texts]

    def embed_query(self, text: str) -> Vectors:
        return self._vector(text)

    def embed_unmoved(self, text: str) -> Vectors:
        return self._vector(text)

    def query_tokens(self, text: str) -> Tokens:
        spans = [(start, text[start:end]) for start, end in words_at(text) if terms(text[start:end])]
        if not spans:
            return empty(64)
        rows = [np.random.default_rng(zlib.crc32(terms(word)[0].encode())).normal(size=64) for _, word in spans]
        return Tokens(unit(np.array(rows, np.float32)), np.array([start for start, _ in spans], np.int32))

    def count_tokens(self, text: str) -> int:
        return len(words(text))

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self.dimension, np.float32)
        for term, count in Counter(terms(text)).items():
            # Place 0 is for texts without a word: they are near nothing but each other.
            vector[1 + zlib.crc32(term.encode()) % (self.dimension - 1)] += math.sqrt(count)
        if not vector.any():
            vector[0] = 1.0
        return vector / np.float32(np.linalg.norm(vector))


class FakeVectorStore:
    """A dictionary of vectors, searched by exact cosine."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, Vectors]] = {}

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        for chunk, vector in zip(chunks, vectors, strict=True):
            self.rows[chunk.id] = (chunk.paper.id, vector)

    def delete(self, chunk_ids: Sequence[str]) -> None:
        for chunk_id in chunk_ids:
            self.rows.pop(chunk_id, None)

    def query(self, vector: Vectors, k: int) -> list[tuple[str, str, float]]:
        scored = [(chunk_id, paper_id, float(row @ vector)) for chunk_id, (paper_id, row) in self.rows.items()]
        return sorted(scored, key=lambda hit: (-hit[2], hit[0]))[:k]

    def similarities(self, vector: Vectors, chunk_ids: Sequence[str]) -> dict[str, float]:
        return {c: float(self.rows[c][1] @ vector) for c in chunk_ids if c in self.rows}

    def vectors(self, chunk_ids: Sequence[str]) -> dict[str, Vectors]:
        return {c: self.rows[c][1] for c in chunk_ids if c in self.rows}

    def count(self) -> int:
        return len(self.rows)


class FakeTermIndex:
    """BM25 as in Robertson and Zaragoza, over stemmed words."""

    K1, B = 1.2, 0.75

    def __init__(self) -> None:
        self.documents: dict[str, Counter[str]] = {}
        self.titles: dict[str, set[str]] = {}

    def upsert(self, papers: Sequence[Paper]) -> None:
        for paper in papers:
            self.documents[paper.id] = Counter(terms(f"{paper.title} {paper.abstract}"))
            self.titles[paper.id] = set(terms(paper.title))

    def delete(self, paper_ids: Sequence[str]) -> None:
        for paper_id in paper_ids:
            self.documents.pop(paper_id, None)
            self.titles.pop(paper_id, None)

    def holding(self, text: str, *, title: bool = False) -> list[str]:
        wanted = set(terms(text))
        held: Mapping[str, Iterable[str]] = self.titles if title else self.documents
        return sorted(i for i, document in held.items() if wanted and wanted <= set(document))

    def query(self, text: str, k: int, among: Sequence[str] | None = None) -> list[tuple[str, float]]:
        wanted = self.documents if among is None else {*among}
        frequencies = self.document_frequency(text)
        mean = sum(d.total() for d in self.documents.values()) / (len(self.documents) or 1)
        scores = {i: self._score(frequencies, mean, d) for i, d in self.documents.items() if i in wanted}
        best = sorted((s for s in scores.items() if s[1] > 0), key=lambda hit: (-hit[1], hit[0]))
        return best[: max(k, 0)]

    def document_frequency(self, text: str) -> list[tuple[str, int]]:
        return [(t, sum(t in document for document in self.documents.values())) for t in dict.fromkeys(terms(text))]

    def highest(self, text: str) -> float:
        papers, held = len(self.documents), [n for _, n in self.document_frequency(text) if n]
        return (self.K1 + 1) * sum(math.log(1 + (papers - n + 0.5) / (n + 0.5)) for n in held)

    def count(self) -> int:
        return len(self.documents)

    def _score(self, frequencies: Sequence[tuple[str, int]], mean: float, document: Counter[str]) -> float:
        norm = self.K1 * (1 - self.B + self.B * document.total() / (mean or 1))
        total = 0.0
        for term, frequency in frequencies:
            idf = math.log(1 + (len(self.documents) - frequency + 0.5) / (frequency + 0.5))
            total += idf * document[term] * (self.K1 + 1) / (document[term] + norm)
        return total


class FakeCatalog:
    """Records in a dictionary, newest first, with a journal."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Paper, tuple[Chunk, ...]]] = {}
        self.keys: dict[str, set[str]] = {}
        self.vectors: dict[str, Tokens] = {}
        self.revision = 0
        self.journal: dict[str, None] = {}
        self.chunk_journal: dict[str, None] = {}

    def get(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, tuple[Chunk, ...]]]:
        return {paper_id: self.rows[paper_id] for paper_id in paper_ids if paper_id in self.rows}

    def tokens(self, paper_ids: Sequence[str]) -> dict[str, Packed]:
        return {paper_id: packed(pack(self.vectors[paper_id])) for paper_id in paper_ids if paper_id in self.vectors}

    def sentences(self, paper_ids: Sequence[str]) -> dict[str, Sentences]:
        return {paper_id: sentences.of(paper) for paper_id, (paper, _) in self.get(paper_ids).items()}

    def find(self, keys: Sequence[str]) -> dict[str, list[str]]:
        return {key: sorted(self.keys[key]) for key in keys if self.keys.get(key)}

    def hashes(self, paper_ids: Sequence[str]) -> dict[str, str]:
        return {paper_id: content_hash(paper) for paper_id, (paper, _) in self.get(paper_ids).items()}

    def papers(self) -> Iterator[Paper]:
        by_id = sorted((paper for paper, _ in self.rows.values()), key=lambda paper: paper.id)
        yield from sorted(by_id, key=lambda paper: paper.date or "", reverse=True)

    def named(self, facet: Facet, asked: str) -> list[str]:
        found = {v for paper, _ in self.rows.values() for v in facets.values(paper, facet)}
        return sorted(value for value in found if facets.same(facet, asked, value))

    def count(self, filters: Filters) -> int:
        return len(self.matching(filters))

    def matching(
        self, filters: Filters, among: Sequence[str] | None = None, *, oldest: bool = False, limit: int | None = None
    ) -> list[str]:
        found = [p for p in self.papers() if facets.meets(p, filters) and (among is None or p.id in set(among))]
        if oldest:
            found = sorted((p for p in found if p.date), key=lambda p: (facets.days(p)[0], p.id))
        return [paper.id for paper in found][:limit]

    def chunk_ids(self, paper_ids: Sequence[str]) -> list[tuple[str, list[str]]]:
        return [(i, [chunk.id for chunk in chunks]) for i, (_, chunks) in self.get(paper_ids).items()]

    def years(self, filters: Filters) -> list[tuple[str, int]]:
        found = Counter((paper.date or "")[:4] for paper in self.papers() if facets.meets(paper, filters))
        return sorted(found.items())

    def frequent(self, facet: Facet, filters: Filters, limit: int) -> list[tuple[str, int]]:
        kept = (paper for paper in self.papers() if facets.meets(paper, filters))
        found = Counter(value for paper in kept for value in facets.values(paper, facet))
        return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]

    def keys_of(self, paper_ids: Sequence[str]) -> dict[str, list[str]]:
        wanted = {i: sorted(key for key, holders in self.keys.items() if i in holders) for i in paper_ids}
        return {paper_id: keys for paper_id, keys in wanted.items() if keys}

    def upsert(
        self,
        rows: Iterable[tuple[Paper, tuple[Chunk, ...]]],
        keys: Mapping[str, Sequence[str]] | None = None,
        absorbed: Mapping[str, str] | None = None,
        tokens: Mapping[str, Tokens] | None = None,
    ) -> None:
        rows = list(rows)
        for gone in [*(absorbed or {}), *(paper.id for paper, _ in rows)]:
            self.vectors.pop(gone, None)
        self.vectors.update(tokens or {})
        for loser, winner in (absorbed or {}).items():
            self.rows.pop(loser, None)
            for holders in self.keys.values():
                if loser in holders:
                    holders.remove(loser)
                    holders.add(winner)
        self.rows.update({paper.id: (paper, chunks) for paper, chunks in rows})
        for paper_id, own in (keys or {}).items():
            for key in own:
                self.keys.setdefault(key, set()).add(paper_id)
        self.revision += 1

    def delete(self, paper_ids: Sequence[str]) -> None:
        for paper_id in paper_ids:
            self.rows.pop(paper_id, None)
            self.vectors.pop(paper_id, None)
            for holders in self.keys.values():
                holders.discard(paper_id)
        self.revision += 1

    def counts(self) -> Counts:
        return Counts(len(self.rows), sum(len(chunks) for _, chunks in self.rows.values()), self.revision)

    def begin(self, paper_ids: Sequence[str], chunk_ids: Sequence[str]) -> None:
        self.journal |= dict.fromkeys(paper_ids)
        self.chunk_journal |= dict.fromkeys(chunk_ids)

    def end(self) -> None:
        self.journal.clear()
        self.chunk_journal.clear()

    def pending(self) -> Unfinished:
        return Unfinished(sorted(self.journal), sorted(self.chunk_journal))


class FakeRetriever:
    """Gives back the passages it was made with."""

    def __init__(self, passages: Sequence[ScoredPassage]) -> None:
        self.passages = list(passages)
        self.asked: list[tuple[str, int]] = []

    def retrieve(
        self, question: str, k: int, filters: Filters = NONE, reranker: Reranker | None = None
    ) -> list[ScoredPassage]:
        self.asked.append((question, k))
        return [passage for passage in self.passages if facets.meets(passage.paper, filters)][:k]


class FakeGenerator:
    """Says what it was told to say.

    Attributes:
        pieces: What every answer consists of, piece by piece.
        delay: Seconds before each piece; a set `cancel` cuts it short.
        fail_after: Fails once that many pieces are out; `None` never fails.
        prompts: The messages of every answer that was begun.
        cancelled: Answers that ended because `cancel` was set.
        left: Answers whose reader went away before they were written.
    """

    name = "fake-model"
    device = "cpu"
    style = UNTUNED

    def __init__(
        self,
        pieces: str | Sequence[str] = (),
        *,
        delay: float = 0.0,
        fail_after: int | None = None,
        context_tokens: int = 2048,
    ) -> None:
        self.pieces = [pieces] if isinstance(pieces, str) else list(pieces)
        self.delay = delay
        self.fail_after = fail_after
        self.context_tokens = context_tokens
        self.prompts: list[list[Message]] = []
        self.limits: list[GenerationLimits] = []
        self.cancelled = 0
        self.left = 0
        self.queue = FairQueue()
        self.streams: list[Iterator[str]] = []

    def count_tokens(self, text: str) -> int:
        return len(words(text))

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        return sum(self.count_tokens(message["content"]) + 4 for message in messages)

    def waiting(self) -> int:
        return self.queue.waiting()

    def stream(self, messages: Sequence[Message], limits: GenerationLimits, cancel: threading.Event) -> Iterator[str]:
        # Held here, so that only a reader that closes what it leaves frees the model.
        self.streams.append(self._stream(messages, limits, cancel))
        return self.streams[-1]

    def _stream(self, messages: Sequence[Message], limits: GenerationLimits, cancel: threading.Event) -> Iterator[str]:
        with self.queue.turn(cancel) as mine:
            if mine:
                self.prompts.append(list(messages))
                self.limits.append(limits)
                try:
                    yield from self._written(cancel)
                except GeneratorExit:
                    self.left += 1
                    raise
            else:
                self.cancelled += 1

    def _written(self, cancel: threading.Event) -> Iterator[str]:
        for written, piece in enumerate(self.pieces):
            if self.fail_after is not None and written >= self.fail_after:
                raise GenerationError("The model failed while writing. Ask again.")
            if cancel.is_set() or (self.delay and cancel.wait(self.delay)):
                self.cancelled += 1
                return
            yield piece


def whole(paper: Paper) -> tuple[Chunk, ...]:
    """The abstract as one chunk."""
    return (Chunk(paper, 0, len(paper.abstract)),)


def by_sentence(paper: Paper) -> tuple[Chunk, ...]:
    """A chunk for each sentence."""
    return tuple(Chunk(paper, start, end) for start, end in sentence_spans(paper.abstract))


def embedded(chunks: Iterable[Chunk], embedder: FakeEmbedder | None = None) -> Vectors:
    """Vectors of chunks, their titles in front, as an ingest makes them."""
    return (embedder or FakeEmbedder()).embed([chunk.embedded_text for chunk in chunks])


def embedded_papers(rows: Sequence[tuple[Paper, tuple[Chunk, ...]]]) -> Embedded:
    """Papers with their chunks, embedded."""
    chunks = [chunk for _, own in rows for chunk in own]
    vectors, tokens = FakeEmbedder().embed_tokens([chunk.embedded_text for chunk in chunks])
    return Embedded(list(rows), vectors, of_papers(chunks, tokens))


def build_fake_index(papers: Sequence[Paper] = (), folder: Path | None = None) -> Index:
    """An index in memory that holds `papers`; `folder` is only used for the write lock."""
    manifest = Manifest(FakeEmbedder.name, FakeEmbedder.dimension)
    index = Index(folder or Path.cwd(), manifest, FakeVectorStore(), FakeTermIndex(), FakeCatalog())
    if papers:
        rows = [(paper, whole(paper)) for paper in papers]
        index.upsert(rows, embedded(chunk for _, chunks in rows for chunk in chunks))
    return index


def build_fake_pipeline(
    papers: Sequence[Paper],
    pieces: str | Sequence[str] | FakeGenerator | None = "",
    **config: Any,
) -> Pipeline:
    """A pipeline over `papers` whose model writes `pieces`; with `None` there is no model."""
    generator = pieces if isinstance(pieces, FakeGenerator) or pieces is None else FakeGenerator(pieces)
    return assemble(Config(**config), build_fake_index(papers), FakeEmbedder(), generator)
