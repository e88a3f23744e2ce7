"""What stands behind the chat page: models that load in the background, the index, and ingest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ingest.pipeline import SAMPLES, Options, Progress
from ingest.records import IngestReport
from rag import build
from rag.config import Config, without_password
from rag.errors import IndexMissingError, ModelError, PaperchatError
from rag.index import MANIFEST, Index
from rag.pipeline import Pipeline
from rag.protocols import Catalog, Embedder, Generator
from ui.examples import SCANNED_PAPERS, answerable, suggest
from ui.library import Library

log = logging.getLogger(__name__)

Identity = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the page's status line shows."""

    stage: str
    ready: bool
    error: str | None
    papers: int
    chunks: int
    embedding_model: str
    model: str
    device: str
    samples: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """What pipelines with other settings are made from."""

    config: Config
    index: Index
    embedder: Embedder
    generator: Generator | None


class Engine:
    """Loads once, in a thread of its own; shared by everyone who has the page open."""

    def __init__(self, config: Config, *, samples: bool = False, generate: bool = True) -> None:
        """`samples` fills an index that does not exist yet with the sample papers; `generate=False` only quotes."""
        self._config = config
        self._fill = samples
        self._generate = generate
        self._stage = "Starting"
        self._error: PaperchatError | None = None
        self._pipeline: Pipeline | None = None
        self._quoting: Pipeline | None = None
        self._embedder: Embedder | None = None
        self._generator: Generator | None = None
        self._suggested: tuple[int, tuple[str, ...]] | None = None
        self._loaded = threading.Event()
        self._ingesting = threading.Lock()
        self._opening = threading.Lock()
        self._opened: Identity = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins loading and returns at once; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._load, name="load", daemon=True)
            self._thread.start()

    def status(self) -> EngineStatus:
        """Where loading stands and what the index holds."""
        papers, chunks, samples = self._holdings()
        return EngineStatus(
            stage=self._stage,
            ready=self._pipeline is not None,
            error=str(self._error) if self._error else None,
            papers=papers,
            chunks=chunks,
            embedding_model=build.embedding_name(self._config),
            model=self._generator.name if self._generator else without_password(self._config.model),
            device=self._generator.device if self._generator else self._config.device,
            samples=samples,
        )

    @property
    def ready(self) -> bool:
        """Is everything loaded?"""
        return self._pipeline is not None

    @property
    def failed(self) -> bool:
        """Could something not be loaded?"""
        return self._error is not None

    def pipeline(self, *, generate: bool = True) -> Pipeline:
        """The pipeline, once it is loaded; with `generate=False` one that only quotes.

        An index that was rebuilt meanwhile ('paperchat reindex') is taken over.

        Raises:
            PaperchatError: Loading failed, or the rebuilt index does not fit the models.
        """
        self._loaded.wait()
        if self._error is not None:
            raise self._error
        if _identity(self._config) not in (self._opened, None):
            self._reopen()
        assert self._pipeline is not None
        assert self._quoting is not None
        return self._pipeline if generate else self._quoting

    def ingest(self, paths: Sequence[Path], progress: Progress, options: Options = Options()) -> IngestReport:  # noqa: B008  # frozen
        """Adds files to the index the page searches; new papers can be asked about when it returns.

        Raises:
            PaperchatError: A file holds no paper, or the index cannot be written.
        """
        pipeline = self.pipeline()
        assert self._embedder is not None
        with self._ingesting:
            return Library(self._config, pipeline.index, self._ready_embedder).ingest(
                paths, options=options, progress=progress
            )

    def parts(self) -> Parts:
        """Models and index, once they are loaded.

        Raises:
            PaperchatError: Loading failed.
        """
        return Parts(self._config, self.pipeline().index, self._ready_embedder(), self._generator)

    def suggestions(self) -> tuple[str, ...]:
        """Example questions drawn from the collection's own papers, once retrieval has answered them."""
        try:
            catalog = self.catalog()
            revision = catalog.counts().revision
            if self._suggested is None or self._suggested[0] != revision:
                found = suggest(list(islice(catalog.papers(), SCANNED_PAPERS)))
                self._suggested = revision, answerable(self.pipeline(), found)
            return self._suggested[1]
        except PaperchatError:
            return ()

    def catalog(self) -> Catalog:
        """The records.

        Raises:
            IndexMissingError: There is no index yet.
        """
        return build.open_catalog(self._config)

    def delete(self, paper_ids: Sequence[str]) -> int:
        """Removes papers from every store. Returns how many were there.

        Raises:
            PaperchatError: The index cannot be written.
        """
        index = self.pipeline().index
        with self._ingesting, index.writing():
            return index.delete(paper_ids)

    def _ready_embedder(self) -> Embedder:
        assert self._embedder is not None
        return self._embedder

    def _load(self) -> None:
        try:
            self._set_stage("Loading the embedding model")
            self._embedder = build.build_embedder(self._config)
            found = _identity(self._config)
            index = self._open_index()
            if self._generate:
                self._set_stage("Loading the language model")
                self._generator = build.build_generator(self._config)
            self._assemble(index)
            self._opened = found or _identity(self._config)
            self._set_stage("Ready")
        except PaperchatError as error:
            self._error = error
            self._set_stage("Failed")
        except Exception as error:  # the thread's last surface: whatever it is, the page must say so
            log.exception("loading failed")
            self._error = ModelError(
                f"Loading failed ({type(error).__name__}: {error}). Run 'paperchat doctor' to see what is missing."
            )
            self._set_stage("Failed")
        finally:
            self._loaded.set()

    def _reopen(self) -> None:
        with self._opening:
            found = _identity(self._config)
            if found not in (self._opened, None):
                log.warning("the index was rebuilt; opening it again")
                self._assemble(build.open_index(self._config))
                self._opened = found

    def _assemble(self, index: Index) -> None:
        self._quoting = build.assemble(self._config, index, self._ready_embedder(), None)
        self._pipeline = build.assemble(self._config, index, self._ready_embedder(), self._generator)

    def _open_index(self) -> Index:
        self._set_stage("Opening the index")
        try:
            return build.open_index(self._config)
        except IndexMissingError:
            library = Library(self._config, embedder=self._ready_embedder)
            if self._fill:
                self._set_stage("Reading the sample papers")
                library.ingest([SAMPLES])
            return library.index

    def _set_stage(self, stage: str) -> None:
        log.info(stage)
        self._stage = stage

    def _holdings(self) -> tuple[int, int, bool]:
        try:
            catalog = build.open_catalog(self._config)
            counts = catalog.counts()
            newest = next(catalog.papers(), None)
        except PaperchatError:
            return 0, 0, False
        return counts.papers, counts.chunks, newest is not None and newest.kind == "digest"


def _identity(config: Config) -> Identity:
    """Changes when the index of the settings becomes another one; `None`: there is none."""
    try:
        found = (config.index / MANIFEST).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
