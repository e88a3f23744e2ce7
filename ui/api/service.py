"""What the endpoints share: the engine, the lines in front of it, the numbers, and how it all ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.pipeline import Options, Progress
from ingest.records import IngestReport
from rag.config import Config
from rag.errors import PaperchatError
from rag.pipeline import Pipeline
from ui.api.admission import Admission
from ui.api.answering import Work
from ui.api.auth import Keys, load_keys
from ui.api.errors import ApiError
from ui.api.metrics import Gauge, Metrics

# One writes while the next one's papers are looked for; a server batches by itself.
PARALLEL_LOCAL = 2
PARALLEL_SERVER = 32
PARALLEL_SEARCHES = 2
# After a signal, answers being written get this long to finish before they are cut short.
GRACE_SECONDS = 10


class ServingEngine(Protocol):
    """What of `ui.engine.Engine` is used here; tests give another."""

    @property
    def ready(self) -> bool:
        """Is everything loaded?"""

    @property
    def failed(self) -> bool:
        """Could something not be loaded?"""

    def pipeline(self, *, generate: bool = True) -> Pipeline:
        """The pipeline; without a language model where `generate` is false."""

    def ingest(self, paths: Sequence[Path], progress: Progress, options: Options = ...) -> IngestReport:
        """Adds files to the index."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost."""

    seconds: float
    upload_bytes: int
    per_minute: int


class Service:
    """Lives as long as the server. Make it in the event loop's thread."""

    def __init__(self, engine: ServingEngine, config: Config, keys: Keys | None = None) -> None:
        remote = config.model.startswith(("http://", "https://"))
        self.engine = engine
        self.config = config
        self.keys = load_keys(config) if keys is None else keys
        self.limits = Limits(config.api_seconds, config.api_upload_mb * 1_000_000, config.api_per_minute)
        parallel = config.api_parallel or (PARALLEL_SERVER if remote else PARALLEL_LOCAL)
        self.answers = Admission(parallel, config.api_waiting)
        self.searches = Admission(PARALLEL_SEARCHES, config.api_waiting)
        self.ingests = Admission(1, 0)
        self.metrics = Metrics(self._gauges())
        self.works: set[Work] = set()
        self.stopping = threading.Event()

    def pipeline(self, *, generate: bool = True) -> Pipeline:
        """The pipeline.

        Raises:
            ApiError: It is not loaded, or cannot be (503).
        """
        if self.engine.failed:
            raise ApiError(503, "The server could not load its models or its index. Ask whoever runs it.", "not_ready")
        if not self.engine.ready:
            raise ApiError(503, "The models are still loading. Try again in a few seconds.", "loading", retry_after=3)
        return self.engine.pipeline(generate=generate)

    async def shut_down(self, grace: float = GRACE_SECONDS) -> None:
        """Sends away what waits, lets answers being written finish, and after `grace` seconds cuts them short."""
        self.stopping.set()
        for line in (self.answers, self.searches, self.ingests):
            line.close()
        asyncio.get_running_loop().call_later(grace, self._cut_short)

    def _cut_short(self) -> None:
        for work in list(self.works):
            work.stop()

    def _gauges(self) -> list[Gauge]:
        def papers() -> float | None:
            try:
                return float(self.engine.pipeline().index.catalog.counts().papers) if self.engine.ready else None
            except PaperchatError:  # all other numbers are wanted most when the index fails
                return None

        return [
            Gauge("paperchat_ready", "1 where questions can be answered.", lambda: float(self.engine.ready)),
            Gauge("paperchat_papers", "Papers in the index.", papers),
            Gauge("paperchat_answers_waiting", "Questions in line.", lambda: float(self.answers.waiting)),
            Gauge("paperchat_answers_running", "Questions at work.", lambda: float(self.answers.running)),
            Gauge("paperchat_searches_waiting", "Searches in line.", lambda: float(self.searches.waiting)),
            Gauge("paperchat_searches_running", "Searches at work.", lambda: float(self.searches.running)),
        ]
