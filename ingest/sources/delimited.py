"""Tables with a header row, parted by commas, tabs, semicolons or bars: spreadsheets and exports of databases.

Columns are known by their names (Scopus, Web of Science, Zotero, IEEE Xplore, OpenAlex and others). A quote that is
never closed costs its own row only: the lines it swallowed are read again.
"""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from ingest import normalize
from ingest.records import Record, Records, Rejected
from ingest.sources.json_fields import columns_of, folded, record_from
from ingest.sources.json_stream import parsed
from ingest.sources.opened import MAX_LINE, Head, SourceFile
from rag.errors import SourceError

NAME = "csv"
DELIMITERS = ",\t;|"
# Before its header an export may say what it is ("sep=;", "About the data: …").
PREAMBLE_LINES = 6
# Cells of no known use, such as lists of cited references, are left out where they are longer.
LONGEST_EXTRA = 1000
# An unclosed quote may cost a reading of `MAX_LINE` characters; when that many, and those for each that was used,
# have been read again, a table is given up.
SPARE, REREAD = 4 * MAX_LINE, 4
LINE_COST = 64  # what a line takes in memory beside its characters
# A spreadsheet takes a cell with one of these in front for a formula; `ingest.export` puts an apostrophe before it.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
_INVERTED = "abstract_inverted_index"
# Tags of Web of Science that mean another thing elsewhere: keywords it made up, and the day of the export.
_WOS_ONLY = {"ID": "Keywords Plus", "DA": "Date of Export"}
_LIMIT = threading.RLock()


def matches(head: Head) -> bool:
    """A line near the beginning names a column of abstracts and another one."""
    if head.start[:1] in tuple("{[<@%"):
        return False
    lines = [line for line in re.split(r"\r\n?|\n", head.text) if line.strip()]
    return any(_columns(line, {})[2] > 1 for line in lines[:PREAMBLE_LINES])


def read(file: SourceFile) -> Records:
    """One record a row, with the number of its first line.

    Raises:
        SourceError: No column is known to hold abstracts, or one that the user names is missing.
    """
    lines = file.lines()
    delimiter, names = _header((line for _, line in lines if line.strip()), file)
    held = columns_of(names, file.columns)
    known = {name for columns in held.values() for name in columns} | {_INVERTED}
    for number, row in _rows(_Lines(lines), delimiter, len(names)):
        if isinstance(row, str):
            yield Rejected(file.name, f"line {number}", row)
        # Joined exports repeat the header; Markdown underlines it.
        elif _named(row) != names and any(cell.strip("-: \t\n") for cell in row):
            yield _record(names, known, row, f"line {number}", file)


def _header(lines: Iterator[str], file: SourceFile) -> tuple[str, list[str]]:
    """Reads up to the header: its delimiter and its names."""
    first: list[str] = []
    for line in islice(lines, PREAMBLE_LINES):
        delimiter, names, known = _columns(line, file.columns)
        first = first or [name for name in names if name]
        missing = [name for field, name in file.columns.items() if name not in names]
        if known and all(columns_of(names, {}).get(f) for f, name in file.columns.items() if name in missing):
            return delimiter, names
    listed = " ".join(", ".join(name[:40] for name in first[:20]).encode("utf-8", "replace").decode().split())
    raise SourceError(
        f"{file.name} has no column known to hold abstracts, or not the columns you named; its first line names: "
        f"{listed}. Say which column holds what: --columns title=...,abstract=..."
    )


def _columns(line: str, columns: Mapping[str, str]) -> tuple[str, list[str], int]:
    """Of a line as a header: delimiter, names, and how many of them are known; 0 without an abstract's."""
    best: tuple[str, list[str], int] = (",", [], 0)
    for delimiter in DELIMITERS:
        try:
            names = _named(_parse([line], delimiter) or [])
        except csv.Error:
            continue
        held = columns_of(names, columns)
        known = len({*held, "abstract"}) if "abstract" in held or _INVERTED in names else 0
        if (known, len(names)) > (best[2], len(best[1])):
            best = delimiter, names, known
    return best


def _named(row: list[str]) -> list[str]:
    names = [cell.strip().lstrip("\ufeff") for cell in row]
    return [_WOS_ONLY.get(name, name) for name in names] if {"PT", "TI", "UT"} <= set(names) else names


class _Lines(Iterator[str]):
    """Lines that can be given back, with a bound on those of one row."""

    def __init__(self, source: Iterator[tuple[int, str]]) -> None:
        self._source = source
        self._again: list[tuple[int, str]] = []
        self.taken: list[tuple[int, str]] = []
        self.spare = SPARE
        self._size = 0

    def __next__(self) -> str:
        number, line = self._again.pop() if self._again else next(self._source)
        self.taken.append((number, line))
        self._size += len(line) + LINE_COST
        if len(line) >= MAX_LINE or (self._size > MAX_LINE and len(self.taken) > 1):
            raise csv.Error(f"longer than {MAX_LINE} characters")
        return line

    def start(self) -> None:
        """A new row begins at the next line that is not empty."""
        self.spare += REREAD * self._size
        self.taken, self._size = [], 0
        line: tuple[int, str] | None = (0, "\n")
        while line and line[1] == "\n":
            line = self._again.pop() if self._again else next(self._source, None)
        if line:
            self._again.append(line)

    def back_to_second(self) -> None:
        """Keeps the first line of the row; the others will come again."""
        self._again.extend(reversed(self.taken[1:]))
        self.spare -= self._size
        self._size = len(self.taken[0][1])


def _rows(lines: _Lines, delimiter: str, width: int) -> Iterator[tuple[int, list[str] | str]]:
    """Rows with the number of their first line; the reason in place of one that cannot be read."""
    torn = False
    while True:
        lines.start()
        row: list[str] | str
        try:
            row = _parse(lines, delimiter, strict=True) or []
        except csv.Error as error:
            row = f"not a row of a table ({error})"
        if not lines.taken:
            return
        number, line = lines.taken[0]
        several = len(lines.taken) > 1
        # Tables with tabs are often written without quoting: there a quote is a quote.
        raw = delimiter == "\t" and line.count("\t") == width - 1
        if raw and (isinstance(row, str) or (several and all(x.count("\t") == width - 1 for _, x in lines.taken))):
            row = line.rstrip("\n").split("\t")
            lines.back_to_second()
        elif several and (isinstance(row, str) or len(row) > width):
            row = "a quotation mark opens in this row and is not closed"
            lines.back_to_second()
        elif isinstance(row, str) and not row.endswith("unexpected end of data)") and len(line) < MAX_LINE:
            row = _parse([line], delimiter) or []
            if len(row) != width:
                row = "a quotation mark in the wrong place: inside a cell it is written twice"
        if not isinstance(row, str):
            while len(row) > width and not row[-1].strip():
                row.pop()
            if len(row) > width or (torn and 0 < len(row) < width):
                row = f"{len(row)} cells under {width} column names"
        if row:
            # What follows a broken row may be the rest of it, and look like a short row.
            torn = isinstance(row, str)
            yield number, row
        if lines.spare < 0:
            yield number, "too many quotation marks are not closed; the rest of the file was not read"
            return


def _parse(lines: Iterable[str], delimiter: str, strict: bool = False) -> list[str] | None:
    """The next row; `None` at the end. The size limit belongs to the process: it is put back at once."""
    with _LIMIT:
        before = csv.field_size_limit(MAX_LINE)
        try:
            return next(csv.reader(lines, delimiter=delimiter, strict=strict, skipinitialspace=True), None)
        finally:
            csv.field_size_limit(before)


def _record(names: list[str], known: set[str], row: list[str], where: str, file: SourceFile) -> Record:
    data: dict[str, object] = {}
    for name, cell in zip(names, row, strict=False):
        if name and not data.get(name) and (name in known or 0 < len(cell) <= LONGEST_EXTRA):
            guarded = cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_BEGINS)
            data[name] = cell[1:] if guarded else cell
    for name in (_INVERTED, "extra", "Extra"):
        cell = str(data.get(name, ""))
        if cell.startswith("{") and isinstance(value := parsed(cell, strict=True), dict):
            data[name] = value
        elif folded(name) == "extra" and cell:  # Zotero keeps identifiers there
            if arxiv := normalize.arxiv(cell):
                data.setdefault("arxiv_id", f"{arxiv[0]}v{arxiv[1]}" if arxiv[1] else arxiv[0])
            if pubmed := re.search(r"PMID: *(\d+)", cell):
                data.setdefault("pmid", pubmed[1])
    return record_from(data, where, file)
