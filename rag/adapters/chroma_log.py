"""What Chroma's database says, read beside Chroma: how far it has come, and the vectors in its log.

The log holds every vector as it was written, and is kept (docs/decisions/0005). Chroma's own look-up by id asks its
graph, its log and its metadata in turn, and takes five to ten times as long.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from rag.protocols import Vectors

# Asked for apart: SQLite looks up one end at once, and reads the whole log for both together.
ENDS = "SELECT (SELECT min(seq_id) FROM embeddings_queue), (SELECT max(seq_id) FROM embeddings_queue)"
DONE = "SELECT segment_id, seq_id FROM max_seq_id ORDER BY segment_id"
# The metadata say at which place of the log each chunk was written last. SQLite keeps the order of cross joins.
WRITTEN = """
SELECT asked.value, log.vector FROM collections
CROSS JOIN segments ON segments.collection = collections.id AND segments.scope = 'METADATA'
CROSS JOIN json_each(?) AS asked
CROSS JOIN embeddings AS held ON held.segment_id = segments.id AND held.embedding_id = asked.value
CROSS JOIN embeddings_queue AS log ON log.seq_id = held.seq_id AND log.id = asked.value
WHERE collections.name = ? AND log.encoding = 'FLOAT32'
"""
PATIENCE_S = 120.0

State = tuple[Any, ...] | None


class ChromaLog:
    """One connection that is kept open: a new one would read the whole schema first.

    To be used while Chroma does not write: SQLite cannot lock out another copy of itself in the same process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: int | None = None
        self._state: State = None

    def state(self) -> State:
        """What every write changes: the ends of the log, and how far it has been worked in."""
        try:
            connection = self._opened()
            # Grows with every write of anybody else, and is cheaper to ask for.
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._state = (*connection.execute(ENDS).fetchone(), *connection.execute(DONE))
                self._version = version
        except (OSError, sqlite3.OperationalError):  # no file or no table yet: nothing written
            return None
        return self._state

    def vectors(self, collection: str, ids: Sequence[str]) -> tuple[list[str], Vectors]:
        """Those of the chunks that the log still holds, with their vectors, shape (chunks, dimension)."""
        try:
            rows = self._opened().execute(WRITTEN, (json.dumps([*ids]), collection)).fetchall()
        except (OSError, sqlite3.Error):  # Chroma then finds them, or says what is wrong
            rows = []
        vectors = np.frombuffer(b"".join(vector for _, vector in rows), "<f4")
        return [chunk_id for chunk_id, _ in rows], vectors.reshape(len(rows), -1) if rows else vectors.reshape(0, 0)

    def _opened(self) -> sqlite3.Connection:
        found = self._path.stat()
        file = found.st_dev, found.st_ino
        if self._connection is None or file != self._file:
            if self._connection is not None:
                self._connection.close()
            address = f"file:{quote(str(self._path))}?mode=ro"
            # Whoever has its turn uses it, in whatever thread.
            self._connection = sqlite3.connect(address, uri=True, timeout=PATIENCE_S, check_same_thread=False)
            self._file, self._version = file, None
        return self._connection
