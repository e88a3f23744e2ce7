"""The records in SQLite: what a paper is, which chunks it has, and the journal of an unfinished write."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag.errors import PaperIndexError
from rag.serialize import content_hash, paper_from_dict, paper_to_dict
from rag.types import Chunk, Paper

SCHEMA = """
CREATE TABLE IF NOT EXISTS papers (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL, date TEXT, title TEXT NOT NULL, record TEXT NOT NULL,
    spans TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS papers_by_date ON papers (date DESC, id);
CREATE TABLE IF NOT EXISTS pending (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
# SQLite's limit on parameters in one statement is 32,766; this leaves room.
BATCH = 10_000


class SqliteCatalog:
    """Records by id. A paper that is not here does not exist, whatever the other stores hold."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file.

        Raises:
            PaperIndexError: The file is damaged or cannot be opened.
        """
        self._path = path
        self._local = threading.local()
        with self._errors():
            self._connection().executescript(SCHEMA)

    def get(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, tuple[Chunk, ...]]]:
        """Records with their chunks, in the order asked for; unknown ids are left out."""
        found: dict[str, tuple[Paper, tuple[Chunk, ...]]] = {}
        for row in self._select("id, record, spans", paper_ids):
            paper = paper_from_dict(json.loads(row[1]))
            found[row[0]] = paper, tuple(Chunk(paper, start, end) for start, end in json.loads(row[2]))
        return {paper_id: found[paper_id] for paper_id in paper_ids if paper_id in found}

    def hashes(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Content hash of each known paper."""
        return {row[0]: row[1] for row in self._select("id, hash", paper_ids)}

    def papers(self) -> Iterator[Paper]:
        """Every record, newest first."""
        with self._errors():
            for (record,) in self._connection().execute("SELECT record FROM papers ORDER BY date DESC, id"):
                yield paper_from_dict(json.loads(record))

    def upsert(self, rows: Iterable[tuple[Paper, tuple[Chunk, ...]]]) -> None:
        """Adds or replaces records and clears them from the journal, in one transaction."""
        with self._transaction() as connection:
            for paper, chunks in rows:
                spans = json.dumps([(chunk.start, chunk.end) for chunk in chunks])
                record = json.dumps(paper_to_dict(paper), ensure_ascii=False)
                values = (paper.id, content_hash(paper), paper.date, paper.title, record, spans)
                connection.execute("INSERT OR REPLACE INTO papers VALUES (?, ?, ?, ?, ?, ?)", values)

    def delete(self, paper_ids: Sequence[str]) -> None:
        """Removes records in one transaction."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM papers WHERE id = ?", [(i,) for i in paper_ids])

    def counts(self) -> tuple[int, int]:
        """Papers and chunks."""
        with self._errors():
            query = "SELECT count(*), coalesce(sum(json_array_length(spans)), 0) FROM papers"
            papers, chunks = self._connection().execute(query).fetchone()
        return papers, chunks

    def begin(self, paper_ids: Sequence[str]) -> None:
        """Notes papers whose write begins, so that a write cut short is found and cleaned up."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO pending VALUES (?)", [(i,) for i in paper_ids])

    def end(self) -> None:
        """Clears the journal: everything noted is written or rolled back in every store."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM pending")

    def pending(self) -> list[str]:
        """Papers of a write that was cut short."""
        with self._errors():
            return [row[0] for row in self._connection().execute("SELECT id FROM pending ORDER BY id")]

    def _select(self, columns: str, paper_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        with self._errors():
            for start in range(0, len(paper_ids), BATCH):
                part = paper_ids[start : start + BATCH]
                marks = ",".join("?" * len(part))
                yield from self._connection().execute(
                    f"SELECT {columns} FROM papers WHERE id IN ({marks})",  # noqa: S608  # columns are our own
                    tuple(part),
                )

    def _connection(self) -> sqlite3.Connection:
        # One connection a thread: SQLite's own locking then keeps readers consistent.
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=10)
            connection.execute("PRAGMA journal_mode=WAL")
            self._local.connection = connection
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors(), self._connection() as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise PaperIndexError(
                f"The catalog {self._path} cannot be used ({error}). Check free disk space and permissions "
                "with 'paperchat doctor'; nothing already ingested was changed."
            ) from error
