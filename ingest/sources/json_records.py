"""JSON lines with common field names: one record a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ingest.records import Record, Records, Rejected
from ingest.sources.json_fields import FIELDS, folded, record_from
from ingest.sources.json_stream import parsed
from ingest.sources.opened import Head, SourceFile

NAME = "jsonl"
_TELLING = {*FIELDS["title"], *FIELDS["abstract"]}


def matches(head: Head) -> bool:
    """The first line begins a JSON object that names a title or a text."""
    first = head.first_line
    names = (part for part in first.split('"')[1::2][:400])
    return first.startswith("{") and len(first) > 2 and any(folded(name) in _TELLING for name in names)


def read(file: SourceFile) -> Records:
    """One record a line; a line that is no paper is rejected with its number."""
    return read_objects(file, record_from)


def read_objects(file: SourceFile, make: Callable[[dict[str, Any], str, SourceFile], Record]) -> Records:
    """What `make` says of each line's object; a line that holds none is rejected with its number."""
    for number, line in file.lines():
        if line.strip():
            data, where = parsed(line, strict=True), f"line {number}"
            yield Rejected(file.name, where, data) if isinstance(data, str) else make(data, where, file)
