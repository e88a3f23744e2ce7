"""The index together with the embedding model that writes it, opened when first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ingest.inputs import expand
from ingest.pipeline import Options, Progress, ingest
from ingest.records import IngestReport
from ingest.reindex import Reindexed, reindex
from ingest.split import chunking_name
from rag import build
from rag.config import Config
from rag.index import Index, check_chunking
from rag.protocols import Embedder

REJECTED = "rejected.jsonl"


class Library:
    """What ingest needs, from settings; parts that are loaded already can be handed in."""

    def __init__(
        self,
        config: Config,
        index: Index | None = None,
        embedder: Callable[[], Embedder] | None = None,
    ) -> None:
        self._config = config
        self._index = index
        self._load_embedder = embedder or (lambda: build.build_embedder(config))

    @cached_property
    def _embedder(self) -> Embedder:
        return self._load_embedder()

    @cached_property
    def index(self) -> Index:
        """The index, created where there is none."""
        return self._index or build.create_index(
            self._config, lambda: self._embedder.dimension, lambda: chunking_name(self._embedder.max_tokens)
        )

    def ingest(
        self,
        paths: Sequence[Path | str],
        *,
        options: Options = Options(),  # noqa: B008  # frozen
        progress: Progress = lambda done, total, papers: None,
    ) -> IngestReport:
        """See `ingest.pipeline.ingest`; paths are looked at before an index is made for them.

        Rejected records go to `rejected.jsonl` in the index folder, where `options` does not say.
        """
        expand(paths)
        index = self.index
        if options.rejected is None:
            options = replace(options, rejected=index.folder / REJECTED)
        return ingest(paths, index, self._checked_embedder, options=options, progress=progress)

    def _checked_embedder(self) -> Embedder:
        check_chunking(self.index.folder, self.index.manifest, chunking_name(self._embedder.max_tokens))
        return self._embedder

    def reindex(self, progress: Progress = lambda done, total, papers: None) -> Reindexed:
        """See `ingest.reindex.reindex`."""
        return reindex(self._config, lambda: self._embedder, progress)
