"""What stands behind the chat page: models that load in the background, the index, and ingest."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ingest.pipeline import SAMPLES, Options, Progress
from ingest.records import IngestReport
from rag import build
from rag.config import Config
from rag.errors import IndexMissingError, ModelError, PaperchatError
from rag.index import Index
from rag.pipeline import Pipeline
from rag.protocols import Embedder, Generator
from rag.text import STOPWORDS, names, numbers, sentences, words
from rag.types import Paper
from ui.library import Library

log = logging.getLogger(__name__)

SUGGESTIONS = 4
SCANNED_PAPERS = 400
# Words of a title that name no topic in a collection about language models.
EVERYWHERE = frozenset("large language model models learning approach based towards".split())


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
        self._loaded = threading.Event()
        self._ingesting = threading.Lock()
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
            model=self._generator.name if self._generator else self._config.model,
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

        Raises:
            PaperchatError: Loading failed.
        """
        self._loaded.wait()
        if self._error is not None:
            raise self._error
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

    def suggestions(self) -> tuple[str, ...]:
        """Example questions drawn from the collection's own papers."""
        try:
            return suggest(list(build.open_catalog(self._config).papers())[:SCANNED_PAPERS])
        except PaperchatError:
            return ()

    def _ready_embedder(self) -> Embedder:
        assert self._embedder is not None
        return self._embedder

    def _load(self) -> None:
        try:
            self._set_stage("Loading the embedding model")
            self._embedder = build.build_embedder(self._config)
            index = self._open_index()
            if self._generate:
                self._set_stage("Loading the language model")
                self._generator = build.build_generator(self._config)
            self._quoting = build.assemble(self._config, index, self._embedder, None)
            self._pipeline = build.assemble(self._config, index, self._embedder, self._generator)
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


def suggest(papers: Sequence[Paper]) -> tuple[str, ...]:
    """Questions that the collection's own abstracts answer: on a figure, on two methods, on its main topic."""
    named = [(head, paper) for paper in papers if (head := _method(paper.title))]
    measured = [head for head, paper in named if _has_gain(head, paper.abstract)]
    others = [head for head, _ in named if head not in measured]
    questions = [f"By how much does {head} improve results?" for head in measured[:2]]
    questions += [f"What is {head} and which problem does it address?" for head in others[:1]]
    if topic := _topic([paper.title for paper in papers]):
        questions.append(f"Which papers deal with {topic}?")
    return tuple(questions[:SUGGESTIONS])


def _method(title: str) -> str | None:
    """The method a title of the form "Name: what it does" begins with."""
    head, colon, _ = title.partition(":")
    return head.strip() if colon and names(head) and len(head.split()) == 1 else None


def _has_gain(method: str, abstract: str) -> bool:
    return any(method in s and any(n.endswith(("%", "x")) for n in numbers(s)) for s in sentences(abstract))


def _topic(titles: Sequence[str]) -> str | None:
    """The pair of neighbouring content words that most titles share."""
    pairs: Counter[str] = Counter()
    for title in titles:
        found = [word.lower() for word in words(title)]
        plain = [word if word not in STOPWORDS | EVERYWHERE else "" for word in found]
        pairs.update({f"{a} {b}" for a, b in pairwise(plain) if len(a) > 3 and len(b) > 3})
    return next((pair for pair, count in pairs.most_common() if count > 1), None)
