"""Papers, questions and pipelines for the tests of tuning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rag.build import assemble
from rag.config import Config
from rag.pipeline import Pipeline
from rag.tuning.prepare import MIX
from rag.types import Paper
from tests.fakes import FakeEmbedder, FakeGenerator, build_fake_index

PAPERS = (
    Paper(
        "wind",
        "Wind turbines",
        "Wind turbines lose power in ice. Heated blades recover 12% of the yearly energy. The trial ran in Norway.",
    ),
    Paper(
        "solar",
        "Solar panels",
        "Solar panels lose power in dust. A brush robot recovers 7% of the yearly energy. The trial ran in Chile.",
    ),
    Paper("bees", "Bees", "Bees dance to tell where flowers are. The dance encodes distance and direction."),
    Paper("tides", "Tides", "Tidal mills turn slowly. Their yearly energy is easy to foretell. Fish pass unharmed."),
)
FACT: dict[str, Any] = {
    "id": "q1",
    "kind": "fact",
    "question": "How much yearly energy do heated blades recover?",
    "history": [],
    "gold": ["wind"],
    "answer": [{"text": "Heating the blades wins back 12% of the energy.", "evidence": [["wind", 1]]}],
}
UNANSWERABLE = {**FACT, "id": "q2", "question": "What do heated blades cost in a year?", "answer": []}


def pipelines() -> dict[str, Pipeline]:
    """One for each retriever, over `PAPERS`."""
    index, generator = build_fake_index(PAPERS), FakeGenerator()
    return {use: assemble(Config(), index, FakeEmbedder(), generator, use) for use in MIX}


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    """A file of questions."""
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
