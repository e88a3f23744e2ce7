"""Chunk vectors in a Chroma collection, on disk or on a server. Records are the catalog's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from rag.adapters.chroma_folder import ChromaFolder
from rag.adapters.native import is_panic
from rag.config import without_password
from rag.errors import PaperIndexError
from rag.protocols import Vectors
from rag.types import Chunk

# Small parts, so that a question asked meanwhile waits for a part, not for a batch.
BATCH = 250
BATCH_READ = 2000
HNSW = {"space": "cosine"}
# A server that does not answer for so long is not waited for; Chroma's own client would for ever.
SERVER_SECONDS = 60.0


class ChromaStore:
    """A collection in cosine space, in a folder or on a Chroma server."""

    def __init__(self, collection: str, folder: Path, url: str = "") -> None:
        """Opens or creates the collection.

        Args:
            collection: Its name.
            folder: Where its files are, if no server holds it.
            url: Address of a Chroma server (`chroma run`), or empty.

        Raises:
            PaperIndexError: The files are damaged or cannot be written, or the server cannot be reached.
        """
        self._name = collection
        self._held: tuple[Any, Any] | None = None
        self._where = f"The Chroma server {without_password(url)}" if url else f"The vector store in {folder}"
        self._mend = (
            "Check that it runs ('chroma run --path FOLDER') and that the address is right"
            if url
            else "Check the disk and the permissions; if it is damaged, run 'paperchat reindex'"
        )
        with self._errors():
            self._client = _connect(url) if url else None
            self._folder = None if url else ChromaFolder.at(folder)
        with self._collection():
            pass

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Adds or replaces chunks by id."""
        for start in range(0, len(chunks), BATCH):
            part = chunks[start : start + BATCH]
            with self._collection() as collection:
                collection.upsert(
                    ids=[chunk.id for chunk in part],
                    embeddings=vectors[start : start + BATCH],
                    metadatas=[{"paper_id": chunk.paper.id} for chunk in part],
                )

    def delete(self, chunk_ids: Sequence[str]) -> None:
        """Removes chunks by id; unknown ids are ignored."""
        for start in range(0, len(chunk_ids), BATCH):
            with self._collection() as collection:
                collection.delete(ids=list(chunk_ids[start : start + BATCH]))

    def query(self, vector: Vectors, k: int) -> list[tuple[str, str, float]]:
        """The `k` nearest as (chunk id, paper id, cosine), best first."""
        if k < 1:
            return []
        with self._collection() as collection:
            # Fetching the metadata as well takes three times as long.
            found = collection.query(query_embeddings=[vector], n_results=k, include=["distances"])
        rows = zip(found["ids"][0], found["distances"][0], strict=True)
        return [(chunk_id, Chunk.paper_id(chunk_id), 1.0 - distance) for chunk_id, distance in rows]

    def similarities(self, vector: Vectors, chunk_ids: Sequence[str]) -> dict[str, float]:
        """Exact cosine of each of these chunks to `vector`; unknown ids are left out."""
        cosines: dict[str, float] = {}
        for ids, vectors in self._stored(chunk_ids):
            cosines.update(zip(ids, (vectors @ vector).tolist(), strict=True))
        return cosines

    def vectors(self, chunk_ids: Sequence[str]) -> dict[str, Vectors]:
        """The vector of each of these chunks, shape (dimension,); unknown ids are left out."""
        return {name: row for ids, vectors in self._stored(chunk_ids) for name, row in zip(ids, vectors, strict=True)}

    def _stored(self, chunk_ids: Sequence[str]) -> Iterator[tuple[Sequence[str], Vectors]]:
        if not chunk_ids:
            return
        with self._collection() as collection:
            if self._folder is not None:
                ids, vectors = self._folder.log.vectors(self._name, chunk_ids)
                if ids:
                    yield ids, vectors
                chunk_ids = list(set(chunk_ids).difference(ids))
            for start in range(0, len(chunk_ids), BATCH_READ):
                found = collection.get(ids=list(chunk_ids[start : start + BATCH_READ]), include=["embeddings"])
                if found["ids"]:
                    yield found["ids"], np.asarray(found["embeddings"], dtype=np.float32)

    def count(self) -> int:
        """Number of chunks."""
        with self._collection() as collection:
            return int(collection.count())

    def drop(self) -> None:
        """Removes the collection, from a server too."""
        with self._errors(), self._turn() as client:
            client.delete_collection(self._name)

    @contextmanager
    def _turn(self) -> Iterator[Any]:
        if self._folder is None:
            yield self._client
            return
        with self._folder.turn() as client:
            yield client

    @contextmanager
    def _collection(self) -> Iterator[Any]:
        with self._errors(), self._turn() as client:
            held = self._held
            if held is None or held[0] is not client:
                # No embedding function: the default one would fetch a model from a hub.
                found = client.get_or_create_collection(
                    self._name, embedding_function=None, configuration={"hnsw": dict(HNSW)}
                )
                if _names_code([found.configuration_json, found._model.serialized_schema]):
                    raise PaperIndexError(
                        f"{self._where} holds a collection {self._name!r} that another program made: it names a model "
                        "to be loaded with it, which paperchat does not do. Run 'paperchat reindex', or give another "
                        "--index folder or --chroma-url."
                    )
                held = self._held = client, found
            yield held[1]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except PaperIndexError:
            raise
        except BaseException as error:
            # Chroma raises its Rust core's own types, which share no base.
            if not (isinstance(error, Exception) or is_panic(error)):
                raise
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise PaperIndexError(f"{self._where} cannot be used ({reason}). {self._mend}.") from error


def _names_code(settings: Any) -> bool:
    """Do a collection's stored settings name an embedding function?

    Chroma's client would build it here, from whatever a server sends: a model that it fetches, with its code.
    """
    if isinstance(settings, list):
        return any(map(_names_code, settings))
    if not isinstance(settings, dict):
        return False
    named = settings.get("embedding_function")
    return (isinstance(named, dict) and "name" in named) or any(map(_names_code, settings.values()))


def _connect(url: str) -> Any:
    import chromadb
    from chromadb.config import Settings

    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise PaperIndexError(
            "The setting chroma_url holds a user name or a password, which Chroma's client does not send. Leave it out."
        )
    ssl = parts.scheme == "https"
    port = parts.port or (443 if ssl else 8000)
    client = chromadb.HttpClient(parts.hostname or "", port, ssl=ssl, settings=Settings(anonymized_telemetry=False))
    session = getattr(getattr(client, "_server", None), "_session", None)
    if session is not None:
        session.timeout = SERVER_SECONDS
    return client
