"""Chunk vectors in a Chroma collection on disk. Chroma holds vectors and ids; records are the catalog's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import PaperIndexError
from rag.protocols import Vectors
from rag.types import Chunk

COLLECTION = "chunks"
BATCH = 2000


class ChromaStore:
    """A persistent collection in cosine space."""

    def __init__(self, folder: Path) -> None:
        """Opens or creates the collection in `folder`.

        Raises:
            PaperIndexError: The files are damaged or cannot be written.
        """
        import chromadb
        from chromadb.config import Settings

        try:
            client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
            # No embedding function: the default one would fetch a model from a hub.
            self._collection: Any = client.get_or_create_collection(
                COLLECTION, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        except Exception as error:  # Chroma raises its Rust core's own types, which share no base
            raise PaperIndexError(
                f"The vector store in {folder} cannot be opened ({error}). "
                "Check the disk and the permissions; if it is damaged, ingest into a new --index folder."
            ) from error

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Adds or replaces chunks by id."""
        for start in range(0, len(chunks), BATCH):
            part = chunks[start : start + BATCH]
            self._collection.upsert(
                ids=[chunk.id for chunk in part],
                embeddings=vectors[start : start + BATCH],
                metadatas=[{"paper_id": chunk.paper.id} for chunk in part],
            )

    def delete(self, paper_ids: Sequence[str], keep: frozenset[str] = frozenset()) -> None:
        """Removes every chunk of these papers except the ids in `keep`."""
        if not paper_ids:
            return
        found = self._collection.get(where={"paper_id": {"$in": list(paper_ids)}}, include=[])["ids"]
        gone = [chunk_id for chunk_id in found if chunk_id not in keep]
        for start in range(0, len(gone), BATCH):
            self._collection.delete(ids=gone[start : start + BATCH])

    def query(self, vector: Vectors, k: int) -> list[tuple[str, str, float]]:
        """The `k` nearest as (chunk id, paper id, cosine), best first."""
        k = min(k, self.count())
        if k < 1:
            return []
        found = self._collection.query(query_embeddings=[vector], n_results=k, include=["distances", "metadatas"])
        rows = zip(found["ids"][0], found["metadatas"][0], found["distances"][0], strict=True)
        return [(chunk_id, meta["paper_id"], 1.0 - distance) for chunk_id, meta, distance in rows]

    def similarities(self, vector: Vectors, chunk_ids: Sequence[str]) -> dict[str, float]:
        """Exact cosine of each of these chunks to `vector`; unknown ids are left out."""
        if not chunk_ids:
            return {}
        found = self._collection.get(ids=list(chunk_ids), include=["embeddings"])
        cosines = np.asarray(found["embeddings"], dtype=np.float32) @ vector
        return dict(zip(found["ids"], cosines.tolist(), strict=True))

    def count(self) -> int:
        """Number of chunks."""
        return int(self._collection.count())
