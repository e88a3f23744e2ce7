"""Rebuilds an index from its own records: another embedding model, another layout, another place for vectors.

The new stores grow beside the old ones, which answer questions until the last record is in; then the
manifest changes to the new ones in one step. A rebuild cut short goes on where it stopped.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.batches import batches
from ingest.identity import keys
from ingest.pipeline import WRITE_BATCH, Progress
from ingest.split import chunking_name, embed_papers
from rag import build
from rag.config import Config
from rag.errors import PaperIndexError
from rag.index import Index, Manifest, check_schema, locked, read_manifest, write_errors, write_manifest
from rag.protocols import Catalog, Embedder
from rag.serialize import content_hash
from rag.types import Paper

UNFINISHED = "reindex.json"


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a rebuild did."""

    papers: int
    chunks: int
    embedding_model: str
    seconds: float


def reindex(config: Config, embedder: Callable[[], Embedder], progress: Progress) -> Reindexed:
    """Builds the index of `config` anew from its records.

    Args:
        config: Settings; the embedding model and the Chroma server are those of the new index.
        embedder: Gives the embedding model.
        progress: Told records done and in all.

    Raises:
        IndexMissingError: There is no index.
        IndexBusyError: Another process is writing.
        PaperIndexError: The new stores cannot be written; the old index stays as it was.
    """
    start = time.perf_counter()
    folder = config.index
    check_schema(folder, read_manifest(folder))
    with locked(folder), write_errors(folder):
        old = read_manifest(folder)
        model = embedder()
        new = _manifest(config, model, old)
        (folder / new.stores).mkdir(exist_ok=True)
        index = build.open_stores(folder, new)
        catalog = build.open_catalog(config)
        index.recover()
        total, done = catalog.counts().papers, 0
        for batch in batches(catalog.papers(), WRITE_BATCH):
            _write(batch, catalog.keys_of([paper.id for paper in batch]), index, model)
            done += len(batch)
            progress(done, total, done)
        _drop_deleted(index, catalog)
        write_manifest(folder, new)
        (folder / UNFINISHED).unlink(missing_ok=True)
        build.remove_stores(folder, old)
        _sweep(folder, new)
        held = index.catalog.counts()
    return Reindexed(held.papers, held.chunks, new.embedding_model, time.perf_counter() - start)


def _drop_deleted(index: Index, old: Catalog) -> None:
    """Papers that were deleted after a rebuild cut short had written them."""
    for batch in batches(index.catalog.papers(), WRITE_BATCH):
        ids = [paper.id for paper in batch]
        kept = old.hashes(ids)
        index.delete([paper_id for paper_id in ids if paper_id not in kept])


def _sweep(folder: Path, current: Manifest) -> None:
    """Stores that an earlier rebuild left when it was killed between its last two steps."""
    for path in folder.glob("stores-*"):
        if path.is_dir() and path.name != current.stores:
            shutil.rmtree(path, ignore_errors=True)


def _manifest(config: Config, model: Embedder, old: Manifest) -> Manifest:
    """The identity to build; that of a rebuild cut short where it is the same."""
    wanted = build.new_manifest(config, model.dimension, chunking_name(model.max_tokens))
    begun = _begun(config.index)
    # Killed right after the switch, the rebuild's note names the stores that answer questions now.
    if begun is not None and begun.stores != old.stores:
        same = [getattr(begun, name) == getattr(wanted, name) for name in _DECIDES]
        if all(same):
            return begun
        build.remove_stores(config.index, begun)
    write_manifest(config.index, wanted, UNFINISHED)
    return wanted


_DECIDES = ("embedding_model", "dimension", "chunking", "chroma_url", "schema")


def _begun(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder, UNFINISHED)
    except PaperIndexError:
        return None


def _write(batch: Sequence[Paper], led: dict[str, list[str]], index: Index, model: Embedder) -> None:
    known = index.catalog.hashes([paper.id for paper in batch])
    missing = [paper for paper in batch if known.get(paper.id) != content_hash(paper)]
    if missing:
        made = embed_papers(missing, model)
        found_by = {p.id: [*keys(p), *led.get(p.id, ())] for p in missing}
        index.upsert(made.rows, made.vectors, found_by, tokens=made.tokens)
