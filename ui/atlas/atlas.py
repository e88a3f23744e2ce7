"""The map as a value, and how it is made out of an index."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rag.index import Index
from rag.protocols import Vectors
from rag.types import Paper
from ui.atlas import topics as grouping
from ui.atlas.layout import components, place
from ui.shelf import who

# What is drawn; of a larger collection a sample is. Fewer than the least make no map.
MOST, LEAST = 4000, 5
# Coordinates are whole numbers from 0 to this.
SCALE = 1000

_COLUMNS = {"ids": str, "titles": str, "who": str, "dates": str, "across": int, "down": int, "topic": int}

Told = Callable[[str, float], None]
"""Told what is being done (`read`, `place`, `name`) and the share of the whole that is done, 0..1."""


@dataclass(frozen=True, slots=True)
class Atlas:
    """Where papers stand and what they are about; the columns are in step.

    Attributes:
        total: Papers in the collection; more than are drawn where there are many.
        ids: Of the papers that are drawn.
        titles: Theirs.
        who: First author or organisation.
        dates: As the sources gave them; may be empty.
        across: Left to right, 0..`SCALE`.
        down: Top to bottom, 0..`SCALE`.
        topic: Number of each paper's topic; 0 is the largest.
        topics: The terms that set each topic apart, the most telling first.
    """

    total: int
    ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    across: tuple[int, ...] = ()
    down: tuple[int, ...] = ()
    topic: tuple[int, ...] = ()
    topics: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Atlas:
        """What `as_dict` gave.

        Raises:
            ValueError: It is something else.
        """
        try:
            columns: dict[str, Any] = {name: tuple(map(kind, values[name])) for name, kind in _COLUMNS.items()}
            found = cls(int(values["total"]), topics=tuple(tuple(map(str, t)) for t in values["topics"]), **columns)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a map: {error!r}") from error
        if len({len(column) for column in columns.values()}) != 1 or any(
            not 0 <= topic < len(found.topics) for topic in found.topic
        ):
            raise ValueError("not a map: its columns are not in step")
        return found


def make(index: Index, told: Told = lambda doing, share: None) -> Atlas:
    """The map of a collection, or of a sample of it that is the same as long as its papers are.

    Raises:
        PaperIndexError: The vectors cannot be read.
    """
    told("read", 0.0)
    total = index.catalog.counts().papers
    papers = _sample(index)
    vectors = _paper_vectors(index, papers)
    papers = [paper for paper in papers if paper.id in vectors]
    if len(papers) < LEAST:
        return Atlas(total)
    told("place", 0.1)
    reduced = components(np.stack([vectors[paper.id] for paper in papers]))
    plane = place(reduced, lambda share: told("place", 0.1 + 0.7 * share))
    told("name", 0.8)
    labels = grouping.topics(reduced)
    names = grouping.names([f"{paper.title}. {paper.abstract}" for paper in papers], labels)
    across, down = (np.rint(plane * SCALE).astype(int)[:, axis].tolist() for axis in (0, 1))
    return Atlas(
        total,
        tuple(paper.id for paper in papers),
        tuple(paper.title or paper.id for paper in papers),
        tuple(who(paper) for paper in papers),
        tuple(paper.date or "" for paper in papers),
        tuple(across),
        tuple(down),
        tuple(labels.tolist()),
        tuple(names),
    )


def _sample(index: Index) -> list[Paper]:
    """All papers, or those whose ids hash lowest: a few new ones change the sample by a few only."""
    papers = list(index.catalog.papers())
    if len(papers) > MOST:
        papers = sorted(papers, key=lambda paper: (zlib.crc32(paper.id.encode()), paper.id))[:MOST]
    return sorted(papers, key=lambda paper: paper.id)


def _paper_vectors(index: Index, papers: Sequence[Paper]) -> dict[str, Vectors]:
    """The mean of each paper's chunk vectors; papers without any are left out."""
    chunks = dict(index.catalog.chunk_ids([paper.id for paper in papers]))
    vectors = index.vectors.vectors([chunk_id for own in chunks.values() for chunk_id in own])
    found = {paper_id: [vectors[c] for c in own if c in vectors] for paper_id, own in chunks.items()}
    return {paper_id: np.mean(own, axis=0) for paper_id, own in found.items() if own}
