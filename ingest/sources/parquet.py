"""Parquet, as data sets are published: one row a paper, columns by their usual names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ingest.records import Records, Rejected
from ingest.sources.json_fields import columns_of, record_from
from ingest.sources.opened import MAX_LINE, MAX_RATIO, RATIO_FROM, Head, SourceFile
from rag.errors import SourceError

NAME = "parquet"

# A dictionary lets a small file hold the same huge text in every row; few rows at a time bound what that costs,
# and 100,000 abstracts are read in a second all the same.
ROWS = 4
# Columns that share their values hold each once, but all of them in every batch.
ROWS_SHARED = 4096
# Of a table with more columns than these only the known ones are read.
MANY_COLUMNS = 40
_NESTED = {"abstract_inverted_index", "descriptions", "externalIds", "ids", "metadata", "primary_location", "titles"}
_ABSTRACTS = {"abstract_inverted_index", "descriptions", "metadata"}


def matches(head: Head) -> bool:
    """Parquet's mark."""
    return head.data.startswith(b"PAR1")


def read(file: SourceFile) -> Records:
    """One record a row, numbered from 1; a damaged row group is rejected once and the next one read.

    Raises:
        SourceError: The file is damaged, or no column is known to hold abstracts.
    """
    import pyarrow.parquet as pq

    with file.seekable() as spool:
        size = spool.seek(0, 2)
        spool.seek(0)
        try:
            # Without a buffer size whole column chunks are loaded, and `pre_buffer` keeps them.
            table = pq.ParquetFile(spool, pre_buffer=False, buffer_size=1 << 20)
            schema = table.schema_arrow
            names = _columns([(field.name, field.type) for field in schema], file)
        except _errors() as error:
            raise SourceError(
                f"{file.name} is a damaged Parquet file ({_first_line(error)}). Fetch it or write it again."
            ) from error
        for number, row in _rows(table, names, size, file.name):
            where = f"row {number}"
            yield Rejected(file.name, where, row) if isinstance(row, str) else record_from(row, where, file)


def _errors() -> tuple[type[Exception], ...]:
    """What pyarrow raises where bytes are not what they should be."""
    import pyarrow as pa

    return pa.ArrowException, OSError, ValueError, OverflowError, MemoryError, LookupError, TypeError


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:150].rstrip(".")


def _columns(fields: list[tuple[str, Any]], file: SourceFile) -> list[str]:
    """Which columns to read."""
    from pyarrow import types

    names = [name for name, _ in fields]
    held = columns_of(names, file.columns)
    if missing := [name for name in file.columns.values() if name not in names]:
        told = f"no column {missing[0]!r}"
    elif "abstract" not in held and not _ABSTRACTS & set(names):
        told = "no column known to hold abstracts"
    else:
        known = {name for columns in held.values() for name in columns} | _NESTED | {"_id"}
        lists = (types.is_list, types.is_large_list, types.is_fixed_size_list)
        return [
            name
            for name, kind in fields
            # Numbers in a list are an embedding, often the larger part of the file.
            if not (any(is_list(kind) for is_list in lists) and types.is_floating(kind.value_type))
            and (name in known or len(names) <= MANY_COLUMNS)
        ]
    listed = ", ".join(name[:60] for name in names[:30])
    raise SourceError(
        f"{file.name} has {told}; its columns are: {listed}. "
        "Say which column holds what: --columns title=...,abstract=...".replace("\n", " ")
    )


def _rows(table: Any, names: list[str], size: int, file_name: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Rows with their number, the reason in place of one that cannot be read."""
    from pyarrow import types

    shared = [name for name in names if types.is_dictionary(table.schema_arrow.field(name).type)]
    parts = [(ROWS, [name for name in names if name not in shared]), (ROWS_SHARED, shared)]
    first, unpacked = 1, 0
    for group in range(table.num_row_groups):
        number = first
        try:
            batches = [table.iter_batches(rows, [group], part, use_threads=False) for rows, part in parts if part]
            for cells in zip(*map(_cells, batches), strict=True):
                unpacked += sum(bytes_new for bytes_new, _ in cells)
                if unpacked > max(RATIO_FROM, MAX_RATIO * size):
                    raise SourceError(
                        f"{file_name} unpacks to more than {MAX_RATIO} times its size, which no text does. "
                        "Write it anew as JSON lines if you trust it, and ingest these."
                    )
                yield number, _joined([found for _, found in cells])
                number += 1
        except _errors() as error:
            yield number, f"this part of the file is damaged ({_first_line(error)})"
        first = max(number, first + max(0, table.metadata.row_group(group).num_rows))


def _cells(batches: Iterable[Any]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each row's cells, with the size of what was unpacked for it."""
    for batch in batches:
        new = sum(column.nbytes for column in batch.columns if not hasattr(column, "dictionary"))
        for row in range(batch.num_rows):
            yield new if row == 0 else 0, _row(batch, row)


def _joined(parts: list[dict[str, Any] | str]) -> dict[str, Any] | str:
    row: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, str):
            return part
        row |= part
    return row


def _row(batch: Any, row: int) -> dict[str, Any] | str:
    found: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        cell = column[row]
        cell = getattr(cell, "value", cell) if hasattr(cell, "dictionary") else cell
        raw = cell.as_buffer() if hasattr(cell, "as_buffer") else None
        if raw is not None and raw.size > MAX_LINE:
            return f"{name[:60]} is longer than {MAX_LINE:,} characters: not the record of an abstract"
        found[name] = _plain(cell) if raw is None else raw.to_pybytes().decode("utf-8", "surrogateescape")
    return found


def _plain(cell: Any) -> Any:
    import pyarrow as pa

    try:
        return dict(cell.as_py() or ()) if isinstance(cell, pa.MapScalar) else cell.as_py()
    except (ValueError, OverflowError, pa.ArrowException):  # a day out of the calendar, a name that is not text
        return None
