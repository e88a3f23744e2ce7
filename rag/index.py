"""The index: vectors, terms and records kept in step, with an identity that is checked.

The catalog is the truth. A write goes journal -> vectors -> terms -> catalog -> stale vectors ->
journal cleared; a reader resolves every hit through the catalog, so it sees a paper either as it
was or as it is, never in between. A write cut short is cleaned up by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import IndexBusyError, IndexMismatchError, IndexMissingError, PaperIndexError
from rag.protocols import Catalog, TermIndex, Vectors, VectorStore
from rag.types import Chunk, IndexIdentity, Paper

MANIFEST = "index.json"
LOCK = "write.lock"
SCHEMA_VERSION = 1

# Chroma needs about 12 kB a chunk (1.2 GB for 100,000); its first files about 20 MB.
BYTES_PER_PAPER = 20_000
BYTES_TO_START = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the index was built with."""

    embedding_model: str
    dimension: int
    schema: int = SCHEMA_VERSION


def read_manifest(folder: Path) -> Manifest:
    """The identity of the index in `folder`.

    Raises:
        IndexMissingError: No index there.
        IndexMismatchError: Written by another version of paperchat.
        PaperIndexError: The manifest cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise IndexMissingError(
            f"There is no index in {folder}. Run 'paperchat ingest PATH' with your papers, "
            "or 'paperchat ingest' alone for the sample papers."
        )
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(str(data["embedding_model"]), int(data["dimension"]), int(data["schema"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PaperIndexError(f"{path} is damaged ({error}). Ingest your papers into a new --index folder.") from error
    if manifest.schema != SCHEMA_VERSION:
        raise IndexMismatchError(
            f"The index in {folder} has format {manifest.schema}, this program writes {SCHEMA_VERSION}. "
            "Ingest your papers into a new --index folder."
        )
    return manifest


def check_model(folder: Path, manifest: Manifest, embedding_model: str) -> None:
    """Refuses to mix vectors of two models.

    Raises:
        IndexMismatchError: The index was built with another embedding model.
    """
    if manifest.embedding_model != embedding_model:
        raise IndexMismatchError(
            f"The index in {folder} was built with the embedding model {manifest.embedding_model!r}, "
            f"not {embedding_model!r}. Set embedding_model back, or ingest into a new --index folder."
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the identity so that a reader sees all of it or none."""
    data = {
        "embedding_model": manifest.embedding_model,
        "dimension": manifest.dimension,
        "schema": manifest.schema,
    }
    temporary = folder / f".{MANIFEST}.{os.getpid()}"
    temporary.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / MANIFEST)


class Index:
    """The three stores of one folder, written and read in step."""

    def __init__(
        self, folder: Path, manifest: Manifest, vectors: VectorStore, terms: TermIndex, catalog: Catalog
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.vectors = vectors
        self.terms = terms
        self.catalog = catalog

    def identity(self) -> IndexIdentity:
        """Model, version and counts as of now."""
        papers, chunks = self.catalog.counts()
        manifest = self.manifest
        version = f"{manifest.schema}-{manifest.embedding_model}-{papers}-{chunks}"
        return IndexIdentity(version, manifest.embedding_model, manifest.dimension, papers, chunks)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the folder's write lock and cleans up after a write that was cut short.

        Raises:
            IndexBusyError: Another process is writing.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexBusyError(
                f"Another ingest is writing to {self.folder}. Wait for it to finish and try again."
            ) from error
        except OSError as error:
            raise PaperIndexError(
                f"The index folder {self.folder} cannot be written ({error.strerror}). "
                "Check its permissions or give another --index folder."
            ) from error
        try:
            with _write_errors(self.folder):
                self._recover()
                yield
        finally:
            lock.release()

    def upsert(self, rows: Sequence[tuple[Paper, tuple[Chunk, ...]]], vectors: Vectors) -> None:
        """Adds or replaces papers; `vectors` has one row a chunk, in order. Call within `writing`."""
        ids = [paper.id for paper, _ in rows]
        chunks = [chunk for _, paper_chunks in rows for chunk in paper_chunks]
        self._check_space(len(rows))
        self.catalog.begin(ids)
        self.vectors.upsert(chunks, vectors)
        self.terms.upsert([paper for paper, _ in rows])
        self.catalog.upsert(rows)
        self.vectors.delete(ids, keep=frozenset(chunk.id for chunk in chunks))
        self.catalog.end()

    def delete(self, paper_ids: Sequence[str]) -> int:
        """Removes papers; unknown ids are ignored. Returns how many were there. Call within `writing`."""
        known = list(self.catalog.hashes(paper_ids))
        if known:
            self.catalog.begin(known)
            self.catalog.delete(known)
            self._drop(known)
            self.catalog.end()
        return len(known)

    def _drop(self, paper_ids: Sequence[str]) -> None:
        self.vectors.delete(paper_ids)
        self.terms.delete(paper_ids)

    def _recover(self) -> None:
        unfinished = self.catalog.pending()
        if not unfinished:
            return
        records = self.catalog.get(unfinished)
        chunk_ids = frozenset(chunk.id for _, chunks in records.values() for chunk in chunks)
        self.vectors.delete(unfinished, keep=chunk_ids)
        self.terms.delete([paper_id for paper_id in unfinished if paper_id not in records])
        self.terms.upsert([paper for paper, _ in records.values()])
        self.catalog.end()

    def _check_space(self, papers: int) -> None:
        needed = BYTES_TO_START + BYTES_PER_PAPER * papers
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise PaperIndexError(
                f"The disk of {self.folder} has {free / 1e6:.0f} MB free and the next step needs "
                f"{needed / 1e6:.0f} MB. Free some space or give an --index folder on another disk; "
                "papers already ingested are safe."
            )


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    """Turns whatever the stores' native cores raise into one sentence."""
    try:
        yield
    except (PaperIndexError, KeyboardInterrupt):
        raise
    except Exception as error:  # Chroma, tantivy and SQLite share no base class
        if type(error).__module__.startswith(("chromadb", "sqlite3")) or isinstance(error, OSError | ValueError):
            raise PaperIndexError(
                f"Writing to the index in {folder} failed ({error}). Check free disk space and permissions; "
                "run the same command again to go on, nothing is lost."
            ) from error
        raise
