"""Files to index: skip what is known, embed the rest in batches, write, resume where it was cut short."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from ingest.records import IngestReport, Record, Rejected
from ingest.sources import read_file
from ingest.split import AbstractSplitter, embedded_text
from rag.errors import SourceError
from rag.index import Index
from rag.protocols import Embedder
from rag.serialize import content_hash
from rag.types import Paper

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with bytes read so far and bytes in all."""

WRITE_BATCH = 128
SAMPLES = Path(__file__).parent / "samples" / "digests.jsonl"


def ingest(
    paths: Sequence[Path],
    index: Index,
    embedder: Callable[[], Embedder],
    *,
    form: str | None = None,
    progress: Progress = lambda done, total: None,
) -> IngestReport:
    """Reads every file and brings the index up to date.

    Args:
        paths: Files or folders.
        index: Where to write.
        embedder: Gives the embedding model; called only when something must be embedded, so that an
            unchanged ingest never loads it.
        form: Format of the files; `None` tells it by content.
        progress: See `Progress`.

    Raises:
        SourceError: No file could be read, or none holds a paper.
        IndexBusyError: Another ingest is writing.
        PaperIndexError: The index could not be written; what was written before stays.
    """
    start = time.perf_counter()
    files = _expand(paths)
    counts: Counter[str] = Counter()
    rejected: list[Rejected] = []
    seen: dict[str, str] = {}
    with index.writing():
        for batch in _batches(_papers(files, form, progress, rejected, counts), WRITE_BATCH):
            _write(batch, index, embedder, counts, seen)
    papers, chunks = index.catalog.counts()
    log.info("ingested %s from %d files in %.1f s", dict(counts), len(files), time.perf_counter() - start)
    return IngestReport(
        read=counts["read"],
        new=counts["new"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        duplicates=counts["duplicates"],
        rejected=tuple(rejected),
        papers_in_index=papers,
        chunks_in_index=chunks,
        seconds=time.perf_counter() - start,
    )


def check_paths(paths: Sequence[Path]) -> None:
    """Refuses paths that lead nowhere.

    Raises:
        SourceError: A path does not exist, or is a folder without a file.
    """
    _expand(paths)


def _expand(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            if not inside:
                raise SourceError(f"The folder {path} holds no file. Give a folder with paper files.")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise SourceError(f"{path} does not exist. Check the path.")
    return files


def _papers(
    files: Sequence[Path],
    form: str | None,
    progress: Progress,
    rejected: list[Rejected],
    counts: Counter[str],
) -> Iterator[Paper]:
    total = sum(path.stat().st_size for path in files)
    before = 0
    for path in files:
        found = 0
        try:
            for record in _counted(path, form, before, total, progress):
                found += 1
                counts["read"] += 1
                if isinstance(record, Rejected):
                    rejected.append(record)
                else:
                    yield record
        except SourceError as error:
            # One bad file among many is reported and passed over; alone it is the user's error.
            if len(files) == 1:
                raise
            rejected.append(Rejected(str(path), "file", str(error)))
        else:
            if found == 0 and len(files) == 1:
                raise SourceError(f"{path} holds no paper. Check that it is the file you meant.")
        before += path.stat().st_size
    if counts["read"] == 0:
        raise SourceError(f"None of the {len(files)} files holds a paper. {rejected[0].reason if rejected else ''}")


def _counted(path: Path, form: str | None, before: int, total: int, progress: Progress) -> Iterator[Record]:
    yield from read_file(path, form, lambda done: progress(before + done, total))


def _write(
    batch: Sequence[Paper],
    index: Index,
    embedder: Callable[[], Embedder],
    counts: Counter[str],
    seen: dict[str, str],
) -> None:
    papers: dict[str, Paper] = {}
    for paper in batch:
        # An abstract takes the place of our own digest, also where both come in one ingest.
        if paper.id in seen and not (paper.kind == "abstract" and seen[paper.id] == "digest"):
            counts["duplicates"] += 1
            continue
        counts["duplicates"] += paper.id in papers
        papers[paper.id] = paper
        seen[paper.id] = paper.kind
    known = index.catalog.get(list(papers))
    changed: list[Paper] = []
    for paper_id, paper in papers.items():
        outcome = _outcome(paper, known[paper_id][0] if paper_id in known else None)
        counts[outcome] += 1
        if outcome in ("new", "updated"):
            changed.append(paper)
    if changed:
        model = embedder()
        splitter = AbstractSplitter(model.count_tokens, model.max_tokens)
        rows = [(paper, splitter.split(paper)) for paper in changed]
        texts = [embedded_text(chunk) for _, chunks in rows for chunk in chunks]
        index.upsert(rows, model.embed(texts))


def _outcome(paper: Paper, known: Paper | None) -> str:
    if known is None:
        return "new"
    if content_hash(paper) == content_hash(known):
        return "unchanged"
    # Our digest of a paper never takes the place of its abstract.
    return "duplicates" if paper.kind == "digest" and known.kind == "abstract" else "updated"


def _batches(papers: Iterator[Paper], size: int) -> Iterator[list[Paper]]:
    while batch := list(islice(papers, size)):
        yield batch
