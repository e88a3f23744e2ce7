"""The index together with the embedding model that writes it, opened when first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from ingest.pipeline import Progress, check_paths, ingest
from ingest.records import IngestReport
from rag import build
from rag.config import Config
from rag.index import Index
from rag.protocols import Embedder


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
        return self._index or build.create_index(self._config, lambda: self._embedder.dimension)

    def ingest(
        self,
        paths: Sequence[Path],
        *,
        form: str | None = None,
        progress: Progress = lambda done, total: None,
    ) -> IngestReport:
        """See `ingest.pipeline.ingest`; paths are looked at before an index is made for them."""
        check_paths(paths)
        return ingest(paths, self.index, lambda: self._embedder, form=form, progress=progress)
