"""What a source yields, how a paper gets its id, and the report of an ingest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.text import searchable
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
    """What happened to every record read."""

    read: int
    new: int
    updated: int
    unchanged: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    papers_in_index: int
    chunks_in_index: int
    seconds: float


def title_id(title: str) -> str:
    """An id for a source that gives none: readable, and the same for every spelling of a title."""
    words = re.findall(r"[a-z0-9]+", searchable(title).lower())
    digest = hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]
    slug = ""
    for word in words:
        if len(slug) + len(word) > 40:
            break
        slug = f"{slug}-{word}" if slug else word
    return f"{slug}-{digest}" if slug else digest
