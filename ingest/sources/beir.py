"""BEIR corpora: JSON lines with `_id`, `title` and `text`. The `_id` is the paper's id, whatever it looks like."""

from __future__ import annotations

from ingest.records import Records
from ingest.sources import json_records
from ingest.sources.json_stream import survey
from ingest.sources.opened import Head, SourceFile

NAME = "beir"


def matches(head: Head) -> bool:
    """The first line is a JSON object with `_id`."""
    first = head.first_line
    return (
        first.startswith("{") and '"_id"' in first and "_id" in survey(first).get((), {}) and json_records.matches(head)
    )


def read(file: SourceFile) -> Records:
    """One document a line; `record_from` keeps its `_id`."""
    return json_records.read(file)
