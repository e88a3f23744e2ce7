"""The index under evaluation, and its embedding model with every query embedded once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.datasets import Progress, hashed
from rag import build
from rag.config import Config
from rag.index import SCHEMA_VERSION, Index
from rag.late import Tokens
from rag.protocols import Embedder, Vectors


class EmbeddedOnce:
    """An embedding model whose query vectors are kept, so that no configuration pays for them twice."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, Vectors] = {}
        self._tokens: dict[str, Tokens] = {}
        self.name = embedder.name
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embeds documents; not kept."""
        return self._embedder.embed(texts)

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """Embeds documents with their tokens; not kept."""
        return self._embedder.embed_tokens(texts)

    def query_tokens(self, text: str) -> Tokens:
        """The tokens of one question, the first time."""
        if text not in self._tokens:
            self._tokens[text] = self._embedder.query_tokens(text)
        return self._tokens[text]

    def embed_query(self, text: str) -> Vectors:
        """Embeds one question, the first time."""
        if text not in self._vectors:
            self._vectors[text] = self._embedder.embed_query(text)
        return self._vectors[text]

    def embed_unmoved(self, text: str) -> Vectors:
        """Embeds one question as it is; the embedder keeps the last ones."""
        return self._embedder.embed_unmoved(text)

    def count_tokens(self, text: str) -> int:
        """Length in the model's own tokens."""
        return self._embedder.count_tokens(text)


@dataclass(frozen=True, slots=True)
class Collection:
    """An index with the model that built it, ready to search."""

    config: Config
    index: Index
    embedder: EmbeddedOnce


def open_collection(config: Config) -> Collection:
    """An index that exists, and its model.

    Raises:
        PaperIndexError: There is none, or another model built it.
        ModelError: The embedding model cannot be loaded.
    """
    index = build.open_index(config)
    return Collection(config, index, EmbeddedOnce(build.build_embedder(config)))


def ingested(corpus: Path, config: Config, bar: Callable[..., Any], *, fresh: bool = False) -> Collection:
    """The corpus in an index of its own under the cache folder; ingested once.

    The folder's name is made of the file's path, size and time, the embedding model and how abstracts
    are cut: whatever changes one of them gets a new index. An ingest that was cut short is taken up again.

    Args:
        corpus: A BEIR corpus, or any file that `paperchat ingest` reads.
        config: Settings.
        bar: Makes a progress bar over bytes, as tqdm does.
        fresh: Ingest again although it was done before.

    Raises:
        SourceError: The corpus cannot be read.
        PaperIndexError: The index cannot be written.
        ModelError: The embedding model cannot be loaded.
    """
    from ingest.pipeline import ingest
    from ingest.split import chunking_name

    embedder = build.build_embedder(config)
    chunking = chunking_name(embedder.max_tokens)
    folder = cache_folder(config.cache) / "indexes" / _key(corpus, embedder.name, f"{chunking}-{SCHEMA_VERSION}")
    own = replace(config, index=folder, chroma_url="")
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    index = build.create_index(own, lambda: embedder.dimension, lambda: chunking)
    complete = folder / "complete"
    if not complete.exists():
        with bar(desc="Ingesting", unit="B", unit_scale=True) as shown:

            def moved(done: int, total: int, papers: int) -> None:
                shown.total = total or None
                shown.set_postfix_str(f"{papers} papers", refresh=False)
                shown.update(done - shown.n)

            ingest([corpus], index, lambda: embedder, progress=moved)
        complete.touch()
    return Collection(own, index, EmbeddedOnce(embedder))


def cache_folder(cache: Path) -> Path:
    """Where evaluations keep what they would otherwise make again."""
    return cache / "eval"


def _key(corpus: Path, *parts: str) -> str:
    found = corpus.stat()
    identity = [str(corpus.resolve()), str(found.st_size), str(found.st_mtime_ns), str(SCHEMA_VERSION), *parts]
    return f"{corpus.resolve().parent.name}-{hashed(chr(0).join(identity))[:12]}"


def embed_queries(collection: Collection, queries: Mapping[str, str], progress: Progress) -> list[float]:
    """Embeds every query once; returns the milliseconds each took."""
    taken = []
    for text in progress("Embedding queries", filter(None, queries.values()), len(queries)):
        start = time.perf_counter()
        collection.embedder.embed_query(text)
        taken.append((time.perf_counter() - start) * 1000)
    return taken
