"""Rankings as TREC run files: `query Q0 document rank score tag`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from rag.errors import UsageError
from rag.files import whole_text

Ranking = Iterable[tuple[str, float]]
"""Document ids with scores, best first."""


def write_run(path: Path, rankings: Iterable[tuple[str, Ranking]], tag: str) -> None:
    """Writes a run: a ranking a query id; nine digits, so that scores that differ in trec_eval still do.

    Raises:
        UsageError: The file cannot be written.
    """
    tag = "_".join(tag.split()) or "run"
    write_rows(
        path,
        (
            (query, "Q0", document, str(rank), f"{score:.9g}", tag)
            for query, ranking in rankings
            for rank, (document, score) in enumerate(ranking, start=1)
        ),
    )


def write_rows(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    """Writes columns; the file appears under its name only when it is complete.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        with whole_text(path) as lines:
            for row in rows:
                # A tab parts columns only where a space would part an id.
                gap = "\t" if any(" " in column for column in row) else " "
                lines.write(gap.join(row) + "\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Check the folder.") from error


def descending(documents: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Scores under which trec_eval ranks `documents` in the order given.

    A system's own order is what its users see; where it does not follow from the scores in single
    precision (ties it broke, a reranked head above a tail on another scale), a score is lowered to the
    next value below its predecessor's.
    """
    lowered: dict[str, float] = {}
    previous = np.float32(np.inf)
    for document, score in documents:
        value = min(np.float32(score), np.nextafter(previous, np.float32(-np.inf)))
        lowered[document] = float(value)
        previous = value
    return lowered
