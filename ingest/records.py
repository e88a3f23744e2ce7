"""What a source yields, and the report of an ingest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rag.types import Paper


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be used: in which source, where in it, and why."""

    source: str
    where: str
    reason: str


Record = Paper | Rejected
Records = Iterator[Record]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What happened to every record read.

    `rejected` holds the first `LISTED`; `rejected_count` counts all, and the report file holds all.
    """

    read: int
    new: int
    updated: int
    unchanged: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    rejected_count: int
    papers_in_index: int
    chunks_in_index: int
    seconds: float
    embedding_seconds: float = 0.0


LISTED = 1000
STANDARD_INPUT_NAME = "standard input"
"""The source of what was piped in; any number of tables have come by this name."""
