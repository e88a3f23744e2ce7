"""The records in SQLite: what a paper is, which chunks it has, and the journal of an unfinished write."""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from rag import facets, late, sentences
from rag.adapters.selection import Selection
from rag.facets import FACETS
from rag.late import Packed, Tokens
from rag.protocols import Counts, Unfinished
from rag.sentences import Sentences
from rag.serialize import content_hash, paper_from_dict, paper_to_dict
from rag.types import Chunk, Paper

log = logging.getLogger(__name__)

# `hash` is that of the content, a dash, and a checksum of `record` and `spans` as they stand here: SQLite itself
# does not notice letters that change on the disk. Older rows have none, and older token vectors neither.
# `keys` leads from whatever identifies a paper (DOI, arXiv id, title) to its id; `counts` has one row,
# kept in the same transaction as the records, so that a question never counts a million rows. `facets` says
# which papers have an author, a venue or a category, `facet_words` under which words each is looked up.
SCHEMA = """
CREATE TABLE IF NOT EXISTS papers (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL, date TEXT, first_day TEXT NOT NULL, last_day TEXT NOT NULL,
    title TEXT NOT NULL, chunk_ids TEXT NOT NULL, record TEXT NOT NULL, spans TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS papers_by_date ON papers (coalesce(date, '') DESC, id);
CREATE TABLE IF NOT EXISTS facets (facet TEXT, value TEXT, id TEXT, PRIMARY KEY (facet, value, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS facets_by_id ON facets (id);
CREATE TABLE IF NOT EXISTS facet_words (
    facet TEXT, word TEXT, value TEXT, PRIMARY KEY (facet, word, value)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS papers_by_hash ON papers (id, hash);
CREATE TABLE IF NOT EXISTS keys (key TEXT, id TEXT, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_id ON keys (id);
CREATE TABLE IF NOT EXISTS tokens (id TEXT PRIMARY KEY, vectors BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pending (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending_chunks (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (papers INTEGER NOT NULL, chunks INTEGER NOT NULL, revision INTEGER NOT NULL);
"""
# What can be made again of a record but takes time. The catalog of an earlier version has none yet.
SENTENCES = "CREATE TABLE IF NOT EXISTS sentences (id TEXT PRIMARY KEY, held BLOB NOT NULL);"
TABLES = "SELECT name FROM sqlite_master"
BY_DAYS = "CREATE INDEX papers_by_days ON papers (first_day, last_day, id, date);"
# A catalog of format 1 has records but neither counts nor days: it can only be read and rebuilt.
FIRST_COUNTS = "INSERT INTO counts SELECT count(*), coalesce(sum(json_array_length(spans)), 0), 0 FROM papers;"
# Tables of what is made of a record.
MADE = ("facets", "tokens", "sentences")
PAGE = 500

T = TypeVar("T")


class SqliteCatalog(Selection):
    """Records by id. A paper that is not here does not exist, whatever the other stores hold."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file.

        Raises:
            PaperIndexError: The file is damaged or cannot be opened.
        """
        super().__init__(path)
        with self._errors():
            connection = self._connection()
            tables = {name for (name,) in connection.execute(TABLES)}
            # A reader of an index in a folder that it may not write to finds everything made.
            if "counts" not in tables:
                days = "" if "papers" in tables else BY_DAYS
                connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {SENTENCES} {days} {FIRST_COUNTS}; COMMIT;")
            elif "sentences" not in tables:
                with suppress(sqlite3.OperationalError):
                    connection.execute(SENTENCES)
                tables = {name for (name,) in connection.execute(TABLES)}
            self._keeps_sentences = "counts" not in tables or "sentences" in tables

    def get(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, tuple[Chunk, ...]]]:
        """Records with their chunks, in the order asked for; unknown ids are left out."""
        found: dict[str, tuple[Paper, tuple[Chunk, ...]]] = {}
        with self._errors():
            for paper_id, *row in self._select("SELECT id, record, spans, hash FROM papers WHERE id", paper_ids):
                paper = _paper(paper_id, *row)
                found[paper_id] = paper, tuple(Chunk(paper, start, end) for start, end in json.loads(row[1]))
        return {paper_id: found[paper_id] for paper_id in paper_ids if paper_id in found}

    def tokens(self, paper_ids: Sequence[str]) -> dict[str, Packed]:
        """Token vectors by paper id; papers that were written without, or whose vectors are damaged, are left out."""
        return self._made("SELECT id, vectors FROM tokens WHERE id", paper_ids, lambda d: late.packed(_checked(d)))

    def sentences(self, paper_ids: Sequence[str]) -> dict[str, Sentences]:
        """Sentences by paper id; those that are damaged, or that other rules read, are left out."""
        if not self._keeps_sentences:
            return {}
        found = self._made("SELECT id, held FROM sentences WHERE id", paper_ids, lambda d: sentences.unpack(_whole(d)))
        return {paper_id: own for paper_id, own in found.items() if own is not None}

    def _made(self, query: str, paper_ids: Sequence[str], read: Callable[[bytes], T]) -> dict[str, T]:
        """What was made of records, as far as it is not damaged: it can be made again."""
        found: dict[str, T] = {}
        for paper_id, data in self._select(query, paper_ids):
            try:
                found[paper_id] = read(data)
            except ValueError as error:
                log.warning("what is kept of %s is damaged (%s)", paper_id, error)
        return found

    def find(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """Ids of the papers that have each key, in order; keys of no paper are left out."""
        found: dict[str, list[str]] = {}
        for key, paper_id in self._select("SELECT key, id FROM keys WHERE key", keys):
            found.setdefault(key, []).append(paper_id)
        return found

    def keys_of(self, paper_ids: Sequence[str]) -> dict[str, list[str]]:
        """The keys that lead to each paper."""
        found: dict[str, list[str]] = {}
        for paper_id, key in self._select("SELECT id, key FROM keys WHERE id", paper_ids):
            found.setdefault(paper_id, []).append(key)
        return found

    def hashes(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Content hash of each known paper."""
        found = self._select("SELECT id, hash FROM papers WHERE id", paper_ids)
        return {paper_id: value.partition("-")[0] for paper_id, value in found}

    def papers(self) -> Iterator[Paper]:
        """Every record, newest first, read page by page so that no writer has to wait for the reader."""
        with self._errors():
            last: tuple[str, str] | None = None
            while True:
                query = "SELECT coalesce(date, ''), id, record, spans, hash FROM papers "
                after: tuple[Any, ...] = ()
                if last is not None:
                    query += "WHERE coalesce(date, '') < ? OR (coalesce(date, '') = ? AND id > ?) "
                    after = (last[0], last[0], last[1])
                query += "ORDER BY coalesce(date, '') DESC, id LIMIT ?"
                rows = self._connection().execute(query, (*after, PAGE)).fetchall()
                for _, paper_id, *row in rows:
                    yield _paper(paper_id, *row)
                if len(rows) < PAGE:
                    return
                last = rows[-1][0], rows[-1][1]

    def upsert(
        self,
        rows: Iterable[tuple[Paper, tuple[Chunk, ...]]],
        keys: Mapping[str, Sequence[str]] | None = None,
        absorbed: Mapping[str, str] | None = None,
        tokens: Mapping[str, Tokens] | None = None,
    ) -> None:
        """Adds or replaces records, adds `keys` by paper id, and lets papers go into others, in one transaction."""
        rows = list({paper.id: (paper, chunks) for paper, chunks in rows}.values())
        absorbed = absorbed or {}
        with self._transaction() as connection:
            ids = [paper.id for paper, _ in rows]
            gone = self._count(connection, [*ids, *absorbed])
            for loser, winner in absorbed.items():
                moved = "INSERT OR IGNORE INTO keys SELECT key, ? FROM keys WHERE id = ?"
                connection.execute(moved, (winner, loser))
            _remove(connection, ("papers", "keys", *MADE), absorbed)
            _remove(connection, MADE, ids)
            connection.executemany("INSERT OR REPLACE INTO papers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, rows))
            _write_facets(connection, [paper for paper, _ in rows])
            kept = [(key, _summed(late.pack(tokens[key]))) for key in ids if tokens and key in tokens]
            connection.executemany("INSERT INTO tokens VALUES (?, ?)", kept)
            kept = [(paper.id, _summed(sentences.pack(sentences.of(paper)))) for paper, _ in rows]
            connection.executemany("INSERT INTO sentences VALUES (?, ?)", kept)
            pairs = [(key, paper_id) for paper_id, own in (keys or {}).items() for key in own]
            connection.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", pairs)
            came = len(rows), sum(len(chunks) for _, chunks in rows)
            self._recount(connection, came[0] - gone[0], came[1] - gone[1])

    def delete(self, paper_ids: Sequence[str]) -> None:
        """Removes records and their keys in one transaction."""
        with self._transaction() as connection:
            gone = self._count(connection, paper_ids)
            _remove(connection, ("papers", "keys", *MADE), paper_ids)
            self._recount(connection, -gone[0], -gone[1])

    def counts(self) -> Counts:
        """Papers, chunks, and how often the records were changed."""
        with self._errors():
            return Counts(*self._counted())

    def begin(self, paper_ids: Sequence[str], chunk_ids: Sequence[str]) -> None:
        """Notes papers and chunks whose write begins, so that a write cut short is found and cleaned up."""
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO pending VALUES (?)", [(i,) for i in paper_ids])
            connection.executemany("INSERT OR IGNORE INTO pending_chunks VALUES (?)", [(i,) for i in chunk_ids])

    def end(self) -> None:
        """Clears the journal: everything noted is written or rolled back in every store."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM pending")
            connection.execute("DELETE FROM pending_chunks")

    def pending(self) -> Unfinished:
        """Papers and chunks of a write that was cut short."""
        with self._errors():
            connection = self._connection()
            papers = [row[0] for row in connection.execute("SELECT id FROM pending ORDER BY id")]
            chunks = [row[0] for row in connection.execute("SELECT id FROM pending_chunks ORDER BY id")]
            return Unfinished(papers, chunks)

    def _count(self, connection: sqlite3.Connection, paper_ids: Sequence[str]) -> tuple[int, int]:
        query = (
            "SELECT count(*), coalesce(sum(json_array_length(spans)), 0) FROM papers "
            "WHERE id IN (SELECT value FROM json_each(?))"
        )
        papers, chunks = connection.execute(query, (json.dumps([*paper_ids]),)).fetchone()
        return papers, chunks

    def _recount(self, connection: sqlite3.Connection, papers: int, chunks: int) -> None:
        query = "UPDATE counts SET papers = papers + ?, chunks = chunks + ?, revision = revision + 1"
        connection.execute(query, (papers, chunks))


def _row(row: tuple[Paper, tuple[Chunk, ...]]) -> tuple[Any, ...]:
    paper, chunks = row
    spans = json.dumps([(chunk.start, chunk.end) for chunk in chunks])
    ids = json.dumps([chunk.id for chunk in chunks], ensure_ascii=False)
    record = json.dumps(paper_to_dict(paper), ensure_ascii=False)
    hashed = f"{content_hash(paper)}-{_checksum(record, spans)}"
    return paper.id, hashed, paper.date, *facets.days(paper), paper.title, ids, record, spans


def _paper(paper_id: str, record: str, spans: str, hashed: str) -> Paper:
    """The record of a row.

    Raises:
        ValueError: The row is not as it was written.
    """
    _, _, checksum = hashed.partition("-")
    if checksum and checksum != _checksum(record, spans):
        raise ValueError(f"the record of {paper_id} is not as it was written")
    try:
        return paper_from_dict(json.loads(record))
    except (KeyError, TypeError, AttributeError) as error:  # an older row
        raise ValueError(f"the record of {paper_id} is not as it was written") from error


def _checksum(record: str, spans: str) -> str:
    return f"{zlib.crc32(f'{record}{spans}'.encode()):08x}"


def _summed(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


def _whole(data: bytes) -> bytes:
    """What `_summed` was given.

    Raises:
        ValueError: The bytes are not as they were written.
    """
    if zlib.crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
        raise ValueError("the checksum is another")
    return data[:-4]


def _checked(data: bytes) -> bytes:
    """Token vectors without their checksum; what does not fit it is older, or too long for `late.packed`."""
    try:
        return _whole(data)
    except ValueError:
        return data


def _write_facets(connection: sqlite3.Connection, papers: Sequence[Paper]) -> None:
    had = [(facet, value, paper.id) for paper in papers for facet in FACETS for value in facets.values(paper, facet)]
    names = {(facet, value) for facet, value, _ in had}
    under = [(facet, word, value) for facet, value in names for word in facets.lookup_words(facet, value)]
    connection.executemany("INSERT OR IGNORE INTO facets VALUES (?, ?, ?)", had)
    connection.executemany("INSERT OR IGNORE INTO facet_words VALUES (?, ?, ?)", under)


def _remove(connection: sqlite3.Connection, tables: Sequence[str], paper_ids: Iterable[str]) -> None:
    given = [(paper_id,) for paper_id in paper_ids]
    for table in tables:
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", given)  # noqa: S608  # names of this module only
