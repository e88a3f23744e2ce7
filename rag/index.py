"""The index: vectors, terms and records kept in step, with an identity that is checked.

The catalog is the truth. A write goes journal -> vectors -> terms -> catalog -> stale vectors ->
journal cleared; a reader resolves every hit through the catalog, so it sees a paper either as it
was or as it is, never in between. A write cut short is cleaned up by the next one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.errors import IndexBusyError, IndexMismatchError, IndexMissingError, PaperIndexError
from rag.files import whole_text
from rag.late import Tokens
from rag.protocols import Catalog, TermIndex, Vectors, VectorStore
from rag.types import Chunk, IndexIdentity, Paper

MANIFEST = "index.json"
LOCK = "write.lock"
SCHEMA_VERSION = 3

# Chroma needs about 12 kB a chunk (1.2 GB for 100,000); its first files about 20 MB.
BYTES_PER_PAPER = 20_000
BYTES_TO_START = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the index was built with, and where its stores are.

    Attributes:
        embedding_model: Name of the model.
        dimension: Of its vectors.
        chunking: How abstracts were cut; chunks of two kinds do not mix.
        stores: Subfolder of the stores. A rebuild fills a new one and then changes this name, in one step.
        chroma_url: Address of the Chroma server that holds the vectors; empty: the subfolder does.
        collection: Name of the Chroma collection.
        schema: Version of the layout.
    """

    embedding_model: str
    dimension: int
    chunking: str = ""
    stores: str = ""
    chroma_url: str = ""
    collection: str = "chunks"
    schema: int = SCHEMA_VERSION


def read_manifest(folder: Path, name: str = MANIFEST) -> Manifest:
    """The identity of the index in `folder`, whatever version wrote it.

    Args:
        folder: Of the index.
        name: Of the file; a rebuild notes the identity of what it builds under another.

    Raises:
        IndexMissingError: No index there.
        PaperIndexError: The manifest cannot be read.
    """
    path = folder / name
    if not path.is_file():
        raise IndexMissingError(
            f"There is no index in {folder}. Run 'paperchat ingest PATH' with your papers, "
            "or 'paperchat ingest' alone for the sample papers."
        )
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            embedding_model=str(data["embedding_model"]),
            dimension=int(data["dimension"]),
            chunking=str(data.get("chunking", "")),
            stores=_plain_name(data.get("stores", "")),
            chroma_url=str(data.get("chroma_url", "")),
            collection=str(data.get("collection", "chunks")),
            schema=int(data["schema"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PaperIndexError(f"{path} is damaged ({error}). Ingest your papers into a new --index folder.") from error


def _plain_name(name: object) -> str:
    # The manifest may come from elsewhere: it must not lead out of its folder.
    if not isinstance(name, str) or name in (".", "..") or "/" in name or "\\" in name:
        raise ValueError(f"{name!r} is no folder name")
    return name


def check_manifest(folder: Path, manifest: Manifest, embedding_model: str) -> None:
    """Refuses what this program, with these settings, would read or extend wrongly.

    Raises:
        IndexMismatchError: Another version or another embedding model built the index.
    """
    check_schema(folder, manifest)
    rebuild = f"Run 'paperchat reindex --index {folder}' to rebuild it from its own records"
    if manifest.schema < SCHEMA_VERSION:
        raise IndexMismatchError(
            f"The index in {folder} has format {manifest.schema}, this program writes {SCHEMA_VERSION}. {rebuild}."
        )
    if manifest.embedding_model != embedding_model:
        raise IndexMismatchError(
            f"The index in {folder} was built with the embedding model {manifest.embedding_model!r}, "
            f"not {embedding_model!r}. {rebuild} with the new model, or set embedding_model back."
        )


def check_schema(folder: Path, manifest: Manifest) -> None:
    """Refuses the index of a later version, which this one could neither read nor rebuild.

    Raises:
        IndexMismatchError: A later version built it.
    """
    if manifest.schema > SCHEMA_VERSION:
        raise IndexMismatchError(
            f"The index in {folder} has format {manifest.schema}, this program knows {SCHEMA_VERSION}. "
            "Update paperchat, or ingest your papers into a new --index folder."
        )


def check_chunking(folder: Path, manifest: Manifest, chunking: str) -> None:
    """Refuses to add chunks of another kind.

    Raises:
        IndexMismatchError: The index was cut in another way.
    """
    if manifest.chunking != chunking:
        raise IndexMismatchError(
            f"The abstracts in {folder} were cut as {manifest.chunking!r}, this program cuts them as {chunking!r}. "
            f"Run 'paperchat reindex --index {folder}' to rebuild it from its own records."
        )


def write_manifest(folder: Path, manifest: Manifest, name: str = MANIFEST) -> None:
    """Writes the identity so that a reader sees all of it or none, also after a power cut."""
    with whole_text(folder / name, durable=True) as file:
        file.write(json.dumps(asdict(manifest), indent=1) + "\n")


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
        """Model, version and counts as of now; the version changes with every change of a record."""
        counts, manifest = self.catalog.counts(), self.manifest
        version = f"{manifest.schema}-{manifest.embedding_model}-{counts.papers}-{counts.chunks}-{counts.revision}"
        return IndexIdentity(version, manifest.embedding_model, manifest.dimension, counts.papers, counts.chunks)

    def check(self) -> None:
        """Refuses an index whose vectors are not all there: questions would silently miss papers.

        Raises:
            PaperIndexError: There are fewer than the records say.
        """
        url = self.manifest.chroma_url
        where = f"The Chroma server {url}" if url else f"The vector store of {self.folder}"
        check_count(self.vectors.count, lambda: self.catalog.counts().chunks, where)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the folder's write lock and cleans up after a write that was cut short.

        Raises:
            IndexBusyError: Another process is writing.
        """
        with locked(self.folder), write_errors(self.folder):
            self.recover()
            yield

    def upsert(
        self,
        rows: Sequence[tuple[Paper, tuple[Chunk, ...]]],
        vectors: Vectors,
        keys: Mapping[str, Sequence[str]] | None = None,
        absorbed: Mapping[str, str] | None = None,
        tokens: Mapping[str, Tokens] | None = None,
    ) -> None:
        """Adds or replaces papers. Call within `writing`.

        Args:
            rows: Papers with their chunks.
            vectors: One row a chunk, in order.
            keys: What else finds each paper again, by paper id.
            absorbed: Papers that turned out to be one of `rows`: id to the id that takes their place.
                They are gone in the moment in which the others are there.
            tokens: Their token vectors, by paper id; a paper without costs a forward pass when it is looked at.
        """
        ids = [paper.id for paper, _ in rows]
        absorbed = {loser: winner for loser, winner in (absorbed or {}).items() if loser not in ids}
        chunks = [chunk for _, paper_chunks in rows for chunk in paper_chunks]
        new = {chunk.id for chunk in chunks}
        stale = [chunk_id for chunk_id in self._chunk_ids([*ids, *absorbed]) if chunk_id not in new]
        self._check_space(len(rows))
        self.catalog.begin([*ids, *absorbed], [*new, *stale])
        self.vectors.upsert(chunks, vectors)
        self.terms.upsert([paper for paper, _ in rows])
        self.catalog.upsert(rows, keys, absorbed, tokens)
        self.vectors.delete(stale)
        if absorbed:
            self.terms.delete(list(absorbed))
        self.catalog.end()

    def delete(self, paper_ids: Sequence[str]) -> int:
        """Removes papers; unknown ids are ignored. Returns how many were there. Call within `writing`."""
        known = list(self.catalog.hashes(paper_ids))
        if known:
            chunk_ids = self._chunk_ids(known)
            self.catalog.begin(known, chunk_ids)
            self.catalog.delete(known)
            self.vectors.delete(chunk_ids)
            self.terms.delete(known)
            self.catalog.end()
        return len(known)

    def _chunk_ids(self, paper_ids: Sequence[str]) -> list[str]:
        return [chunk.id for _, chunks in self.catalog.get(paper_ids).values() for chunk in chunks]

    def recover(self) -> None:
        """Cleans up after a write that was cut short. Call while the folder is locked."""
        unfinished = self.catalog.pending()
        if not unfinished.paper_ids:
            return
        records = self.catalog.get(unfinished.paper_ids)
        current = {chunk.id for _, chunks in records.values() for chunk in chunks}
        self.vectors.delete([chunk_id for chunk_id in unfinished.chunk_ids if chunk_id not in current])
        self.terms.delete([paper_id for paper_id in unfinished.paper_ids if paper_id not in records])
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


def check_count(held: Callable[[], int], recorded: Callable[[], int], where: str) -> None:
    """Compares what a store holds with the records.

    More is no harm: a write puts a store's part in before the record, a deletion takes it out after it.

    Raises:
        PaperIndexError: The store holds less.
    """
    for _ in range(2):  # papers may be deleted between the one count and the other
        wanted = recorded()
        found = held()
        if found >= wanted:
            return
    raise PaperIndexError(
        f"{where} holds {found:,} of {wanted:,} entries. Run 'paperchat reindex' to make it again from the records, or "
        "give back what it was started with."
    )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder's write lock.

    Raises:
        IndexBusyError: Another process is writing.
        PaperIndexError: The folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise IndexBusyError(f"Another ingest is writing to {folder}. Wait for it to finish and try again.") from error
    except OSError as error:
        raise PaperIndexError(
            f"The index folder {folder} cannot be written ({error.strerror}). "
            "Check its permissions or give another --index folder."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def write_errors(folder: Path) -> Iterator[None]:
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
