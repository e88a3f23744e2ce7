"""The catalog's file, and which of its records meet the conditions of a filter: all of it decided in SQL."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rag import facets
from rag.errors import PaperIndexError
from rag.facets import FACETS, Facet
from rag.filters import Filters, first_day, last_day

# Pages of the file that a connection keeps, in KiB: a look-up's way through 140,000 ids fits.
PAGES_KIB = 16_384


class Selection:
    """Look-ups in the records, by thread-local connections. Agrees with `rag.facets.meets` in every case."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def named(self, facet: Facet, asked: str) -> list[str]:
        """The authors, venues or categories of some paper that `asked` names, as their sources wrote them."""
        under = json.dumps(facets.lookup_words(facet, asked))
        query = (
            "SELECT DISTINCT value FROM facet_words AS w WHERE facet = ? AND word IN (SELECT value FROM json_each(?)) "
            "AND EXISTS (SELECT 1 FROM facets AS f WHERE f.facet = w.facet AND f.value = w.value) ORDER BY value"
        )
        with self._errors():
            found = self._connection().execute(query, (facet, under))
            return [value for (value,) in found if facets.same(facet, asked, value)]

    def count(self, filters: Filters) -> int:
        """How many papers meet the conditions."""
        with self._errors():
            if not filters:
                return self._counted()[0]
            where, given = self._where(filters)
            query = f"SELECT count(*) FROM papers WHERE {where}"  # noqa: S608  # conditions of this module only
            return int(self._connection().execute(query, given).fetchone()[0])

    def matching(
        self, filters: Filters, among: Sequence[str] | None = None, *, oldest: bool = False, limit: int | None = None
    ) -> list[str]:
        """Ids of the papers that meet the conditions, newest first; those without a date last.

        Args:
            filters: The conditions.
            among: Only papers with one of these ids.
            oldest: Oldest first, papers without a date left out.
            limit: At most that many.
        """
        with self._errors():
            where, given = self._where(filters)
            if among is not None:
                where += " AND id IN (SELECT value FROM json_each(?))"
                given = (*given, json.dumps(list(among)))
            order = "first_day, id" if oldest else "coalesce(date, '') DESC, id"
            where += " AND first_day > ''" if oldest else ""
            query = f"SELECT id FROM papers WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608  # as above
            found = self._connection().execute(query, (*given, -1 if limit is None else limit))
            return [paper_id for (paper_id,) in found]

    def chunk_ids(self, paper_ids: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Each known paper with the ids of its current chunks."""
        found = self._select("SELECT id, chunk_ids FROM papers WHERE id", paper_ids)
        return [(paper_id, json.loads(ids)) for paper_id, ids in found]

    def years(self, filters: Filters) -> list[tuple[str, int]]:
        """How many of the papers that meet the conditions are of each year; empty text: without a date."""
        with self._errors():
            where, given = self._where(filters)
            year = "substr(first_day, 1, 4)"
            query = f"SELECT {year}, count(*) FROM papers WHERE {where} GROUP BY {year} ORDER BY {year}"  # noqa: S608
            return self._connection().execute(query, given).fetchall()

    def frequent(self, facet: Facet, filters: Filters, limit: int) -> list[tuple[str, int]]:
        """The most frequent authors, venues or categories of the papers that meet the conditions, with counts."""
        with self._errors():
            where, given = self._where(filters)
            within = f"AND id IN (SELECT id FROM papers WHERE {where})" if filters else ""  # noqa: S608
            query = (
                f"SELECT value, count(*) FROM facets WHERE facet = ? {within} "  # noqa: S608
                "GROUP BY value ORDER BY count(*) DESC, value LIMIT ?"
            )
            return self._connection().execute(query, (facet, *given, limit)).fetchall()

    def _counted(self) -> tuple[int, int, int]:
        """Papers, chunks and revision.

        Raises:
            ValueError: The one row of the counts is not there.
        """
        rows = self._connection().execute("SELECT papers, chunks, revision FROM counts").fetchall()
        if len(rows) != 1 or not all(isinstance(value, int) for value in rows[0]):
            raise ValueError("the counts are not as they were written")
        papers, chunks, revision = rows[0]
        return papers, chunks, revision

    def _where(self, filters: Filters) -> tuple[str, tuple[str, ...]]:
        """The conditions in SQL, with their values."""
        parts, given = ["1"], []
        if filters.since:
            parts.append("last_day >= ?")
            given.append(first_day(filters.since))
        if filters.until:
            parts.append("first_day > '' AND first_day <= ?")
            given.append(last_day(filters.until))
        for facet in FACETS:
            if wanted := facets.asked_for(filters, facet):
                parts.append(
                    "id IN (SELECT id FROM facets "  # noqa: S608
                    f"WHERE facet = '{facet}' AND value IN (SELECT value FROM json_each(?)))"
                )
                given.append(json.dumps([value for asked in wanted for value in self.named(facet, asked)]))
        return " AND ".join(parts), tuple(given)

    def _select(self, query: str, values: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """The rows whose column, the last word of `query`, is one of `values`."""
        # One parameter for all of them: the statement is the same for any number, and is prepared once.
        within = f"{query} IN (SELECT value FROM json_each(?))"  # noqa: S608  # statements of ours
        with self._errors():
            yield from self._connection().execute(within, (json.dumps([*values]),))

    def _connection(self) -> sqlite3.Connection:
        # One connection a thread: SQLite's own locking then keeps readers consistent.
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA cache_size=-{PAGES_KIB}")
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
        except (sqlite3.Error, ValueError) as error:
            if isinstance(error, sqlite3.OperationalError) and "decode" not in str(error):
                raise PaperIndexError(
                    f"The catalog {self._path} cannot be used ({error}). Check free disk space and permissions "
                    "with 'paperchat doctor'; nothing already ingested was changed."
                ) from error
            # What SQLite reads is not what was written, whichever line of ours notices first.
            raise PaperIndexError(
                f"The catalog {self._path} is damaged ({error}). Put back a copy of the index folder, or ingest your "
                "papers into a new --index folder."
            ) from error
