"""Questions with their evidence: what a reader can be trained on.

A line of a question file is `{"id", "kind", "question", "history", "gold": [paper ids]}` and either
`"answer": [{"text", "evidence": [[paper id, sentence], ...]}, ...]` or, where nobody wrote an answer,
`"evidence": [[paper id, sentence], ...]`. Sentences count from 0 in `rag.injection.statement_spans`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.batch import turns
from rag.errors import UsageError
from rag.types import Turn

Place = tuple[str, int]
"""A sentence: paper id and its place in the abstract."""
EXAMPLE = '{"id": "1", "question": "...", "gold": ["id"], "answer": [{"text": "...", "evidence": [["id", 0]]}]}'


@dataclass(frozen=True, slots=True)
class Stated:
    """One sentence of a written answer and the sentences it rests on; without text these are the answer."""

    text: str
    evidence: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One question; without an answer it is unanswerable."""

    id: str
    kind: str
    question: str
    history: tuple[Turn, ...]
    gold: tuple[str, ...]
    answer: tuple[Stated, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """Every sentence that the answer rests on, once."""
        return tuple(dict.fromkeys(place for stated in self.answer for place in stated.evidence))


def read(path: Path) -> list[Item]:
    """The questions of a file, or of a data folder that `rag.tuning.datasets` knows.

    Raises:
        UsageError: It cannot be read, holds no question, or a line is not one to train on.
    """
    if path.is_dir():
        from rag.tuning import datasets

        items = datasets.read(path)
    else:
        items = [_item(number, path, row) for number, row in rows(path)]
    if not items:
        raise UsageError(f"{path} holds no question to train on. A line looks like {EXAMPLE}.")
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise UsageError(f"{path}: the id {item.id!r} is there twice. Give every question its own.")
        seen.add(item.id)
    return items


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Objects of a JSON lines file, with their lines.

    Raises:
        UsageError: It cannot be read, or a line is no object.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError("no object")
                    yield number, row
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except ValueError as error:  # undecodable text is one, too
        raise UsageError(f"{path} is not JSON lines ({error}). A line looks like {EXAMPLE}.") from error


def _item(number: int, path: Path, row: Mapping[str, Any]) -> Item:
    try:
        if "answer" in row:
            answer = tuple(Stated(str(said["text"]).strip(), _places(said["evidence"])) for said in row["answer"])
        else:
            answer = tuple(Stated("", (place,)) for place in _places(row.get("evidence") or []))
            if row.get("gold") and not answer:
                raise ValueError("gold papers without an answer or evidence")
        return Item(
            str(row.get("id", number)),
            str(row.get("kind", "question")),
            str(row["question"]),
            turns(row.get("history") or []),
            tuple(map(str, row.get("gold") or [])),
            answer,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path}, line {number}: not a question to train on ({type(error).__name__}: {error}). "
            f"A line looks like {EXAMPLE}."
        ) from error


def _places(value: Any) -> tuple[Place, ...]:
    return tuple((str(paper_id), int(sentence)) for paper_id, sentence in value)
