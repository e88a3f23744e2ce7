"""Files to index, in three strands that overlap: read and resolve, embed, write.

Embedding is what takes the time; the next batch is read and the last one written while it runs. A
batch is written through the index's journal, so a run that is killed is finished by the next one.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ingest.ahead import ahead
from ingest.batches import batches
from ingest.inputs import Input, expand, whole
from ingest.memory import release_memory
from ingest.records import IngestReport, Rejected
from ingest.report import RejectedReport
from ingest.resolve import Decision, Resolver
from ingest.shards import Premade, check_shards
from ingest.split import Embedded, embed_papers, joined
from rag.errors import SourceError, UsageError
from rag.index import Index
from rag.protocols import Embedder
from rag.types import Paper

log = logging.getLogger(__name__)

Progress = Callable[[int, int, int], None]
"""Called with bytes read, bytes in all (0: unknown), and papers done."""

READ_BATCH = 256
# Large enough that texts of like length meet in a batch, and that a commit of three stores pays.
WRITE_BATCH = 512
READ_AHEAD = 2
# Progress is told after so many records that are no papers as well: a file may hold nothing else.
REJECTED_BETWEEN = 2000
SAMPLES = Path(__file__).parent / "samples" / "digests.jsonl"


@dataclass(frozen=True, slots=True)
class Options:
    """How to read.

    Attributes:
        form: Format of the files; `None` tells it by content.
        columns: Which column or field holds what, where its name does not tell.
        rejected: Where rejected records are written, one JSON object a line; `None`: nowhere.
    """

    form: str | None = None
    columns: Mapping[str, str] | None = None
    rejected: Path | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    decisions: tuple[Decision, ...]
    bytes_read: int
    records: int


def ingest(
    paths: Sequence[Path | str],
    index: Index,
    embedder: Callable[[], Embedder],
    *,
    options: Options = Options(),  # frozen
    progress: Progress = lambda done, total, papers: None,
) -> IngestReport:
    """Reads every input and brings the index up to date.

    Args:
        paths: Files, folders, patterns, addresses, or `-` for standard input.
        index: Where to write.
        embedder: Gives the embedding model; called only when something must be embedded, so that an
            unchanged ingest never loads it.
        options: How to read.
        progress: See `Progress`.

    Raises:
        SourceError: No input could be read, or none holds a paper.
        IndexBusyError: Another ingest is writing.
        PaperIndexError: The index could not be written; what was written before stays.
    """
    inputs = expand(paths)
    for source in inputs:
        if source.is_shards:
            check_shards(Path(source.name), index.manifest)
    if options.rejected is not None and whole(options.rejected) in {source.name for source in inputs}:
        raise UsageError(f"{options.rejected} is to be read. Give another file for the report with --rejected.")
    with index.writing(), RejectedReport(options.rejected) as report:
        return _Run(inputs, index, embedder, options, progress, report).run()


class _Run:
    """One ingest: its counts, and the three strands."""

    def __init__(
        self,
        inputs: Sequence[Input],
        index: Index,
        embedder: Callable[[], Embedder],
        options: Options,
        progress: Progress,
        report: RejectedReport,
    ) -> None:
        self._inputs = inputs
        self._index = index
        self._embedder = embedder
        self._options = options
        self._progress = progress
        self._report = report
        self._total = 0 if any(source.size is None for source in inputs) else sum(s.size or 0 for s in inputs)
        self._bytes_read = 0
        self._counts: Counter[str] = Counter()
        self._failure: SourceError | None = None
        self._written = self._done = 0
        self._embedding = 0.0
        self._resolver = Resolver(index.catalog)
        self._premade = Premade()

    def run(self) -> IngestReport:
        """All of it."""
        start = time.perf_counter()
        # One batch is written while the next is embedded; a failed write ends the run at the next one.
        with ThreadPoolExecutor(1, "ingest-write") as writer, ahead(self._batches(), READ_AHEAD) as batches:
            writing: Future[None] | None = None
            for batch in batches:
                made = self._embed(batch)
                if writing is not None:
                    writing.result()
                writing = writer.submit(self._write, batch, made)
            if writing is not None:
                writing.result()
        self._progress(self._total, self._total, self._done)
        counts, held, seconds = self._counts, self._index.catalog.counts(), time.perf_counter() - start
        log.info("ingested %s in %.1f s, %.1f s of it embedding", dict(counts), seconds, self._embedding)
        return IngestReport(
            read=counts["read"],
            new=counts["new"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            duplicates=counts["duplicates"],
            rejected=tuple(self._report.first),
            rejected_count=self._report.count,
            papers_in_index=held.papers,
            chunks_in_index=held.chunks,
            seconds=seconds,
            embedding_seconds=self._embedding,
        )

    # --- read ahead ----------------------------------------------------------------------------

    def _batches(self) -> Iterator[_Batch]:
        """What is to be written, resolved, in batches; a run without a change yields them empty."""
        waiting: dict[str, Decision] = {}
        records = 0
        for part in batches(self._papers(), READ_BATCH):
            records += len(part)
            for record, decision in zip(part, self._resolver.decide(part), strict=True):
                self._counts[decision.outcome] += 1
                if decision.paper is None:
                    self._premade.drop(record)
                    continue
                joined = decision
                for earlier in (decision.paper.id, *decision.absorbed):
                    joined = _joined(waiting.pop(earlier, None), joined)
                waiting[decision.paper.id] = joined
            if len(waiting) >= WRITE_BATCH or not waiting:
                yield _Batch(tuple(waiting.values()), self._bytes_read, records)
                waiting, records = {}, 0
        if waiting:
            yield _Batch(tuple(waiting.values()), self._bytes_read, records)
        if self._failure is not None:
            raise self._failure

    def _papers(self) -> Iterator[Paper]:
        """Ends early with `_failure` set, so that what came before it is still written."""
        before = 0
        for source in self._inputs:
            found = 0
            try:
                for record in source.read(self._options.form, self._options.columns, self._at(before), self._premade):
                    found += 1
                    self._counts["read"] += 1
                    if isinstance(record, Rejected):
                        self._report.add(record)
                        if self._report.count % REJECTED_BETWEEN == 0:  # who waits may want to stop
                            self._progress(self._written, self._total, self._done)
                    else:
                        yield record
            except SourceError as error:
                # One bad file among many is reported and passed over; alone it is the user's error.
                if len(self._inputs) == 1:
                    self._failure = error
                    return
                self._report.add(Rejected(source.name, "file", str(error)))
            else:
                if found == 0 and len(self._inputs) == 1:
                    self._failure = SourceError(f"{source.name} holds no paper. Check that it is the file you meant.")
                    return
            before += source.size or 0
            self._bytes_read = before
        if self._counts["read"] == 0:
            reason = self._report.first[0].reason if self._report.first else ""
            self._failure = SourceError(f"None of the {len(self._inputs)} files holds a paper. {reason}")

    def _at(self, before: int) -> Callable[[int], None]:
        def moved(done: int) -> None:
            self._bytes_read = before + done

        return moved

    # --- embed ---------------------------------------------------------------------------------

    def _embed(self, batch: _Batch) -> Embedded | None:
        papers = [decision.paper for decision in batch.decisions if decision.paper is not None]
        made = [premade for paper in papers if (premade := self._premade.take(paper)) is not None]
        come = {paper.id for one in made for paper, _ in one.rows}
        if missing := [paper for paper in papers if paper.id not in come]:
            start = time.perf_counter()
            made.append(embed_papers(missing, self._embedder()))
            self._embedding += time.perf_counter() - start
        return joined(made) if made else None

    # --- write ---------------------------------------------------------------------------------

    def _write(self, batch: _Batch, made: Embedded | None) -> None:
        if made is not None:
            keys = {d.paper.id: d.keys for d in batch.decisions if d.paper is not None}
            absorbed = {gone: d.paper.id for d in batch.decisions if d.paper is not None for gone in d.absorbed}
            self._index.upsert(made.rows, made.vectors, keys, absorbed, made.tokens)
            self._resolver.written(batch.decisions)
            release_memory()
        self._written, self._done = batch.bytes_read, self._done + batch.records
        self._progress(batch.bytes_read, self._total, self._done)


def _joined(earlier: Decision | None, decision: Decision) -> Decision:
    """The later decision on a paper of one batch, with what an earlier one on it, or on one it absorbed, found."""
    if earlier is None:
        return decision
    keys = dict.fromkeys([*earlier.keys, *decision.keys])
    absorbed = dict.fromkeys([*earlier.absorbed, *decision.absorbed])
    return Decision(decision.outcome, decision.paper, tuple(keys), tuple(absorbed))
