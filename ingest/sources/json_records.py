"""JSON lines with common field names: one record a line."""

from __future__ import annotations

import json

from ingest.records import Record, Records, Rejected
from ingest.sources.json_fields import FIELDS, folded, record_from
from ingest.sources.opened import Head, SourceFile

NAME = "jsonl"
_TELLING = {*FIELDS["title"], *FIELDS["abstract"]}


def matches(head: Head) -> bool:
    """The first line begins a JSON object that names a title or a text."""
    first = head.text.lstrip("\ufeff \t\r\n").partition("\n")[0]
    names = (part for part in first.split('"')[1::2][:400])
    return first.startswith("{") and len(first) > 2 and any(folded(name) in _TELLING for name in names)


def read(file: SourceFile) -> Records:
    """One record a line; a line that is no paper is rejected with its number."""
    for number, line in file.lines():
        if line.strip():
            yield _record(line, f"line {number}", file)


def _record(line: str, where: str, file: SourceFile) -> Record:
    data = parse_object(line)
    if isinstance(data, str):
        return Rejected(file.name, where, data)
    return record_from(data, where, file)


def parse_object(line: str) -> dict[str, object] | str:
    """The JSON object of a line, or what is wrong with it."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not valid JSON ({error})"[:200]
    return data if isinstance(data, dict) else "not a JSON object"
