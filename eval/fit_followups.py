"""Fits the weights of `rag/followup.py` on development questions and prints them.

    python -m eval.fit_followups --followups INDEX --arxiv INDEX --nlp INDEX

Follow-ups are those of the three development sets (of `followups_dev.jsonl` the dev half only). Changes
of subject are its `switch` questions, and the other sets' single questions put behind another question of
the same set, which is answered with a sentence of the paper found for it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eval.answers import read_jsonl
from eval.fit_evidence import Example, fit
from rag import build
from rag.config import Config
from rag.followup import DEPTH, WEIGHTS, FollowUps
from rag.protocols import Retriever
from rag.types import Turn

QUESTIONS = Path(__file__).parent / "questions"
FOLDS = 10


def main() -> None:
    """Prints the weights and how often they tell right under cross-validation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("followups", "arxiv", "nlp"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    examples = [e for name in ("followups", "arxiv", "nlp") for e in collect(name, getattr(given, name))]
    right = []
    for fold in range(FOLDS):
        weights = fit([e for i, (e, _) in enumerate(examples) if i % FOLDS != fold])
        for example, text in examples[fold::FOLDS]:
            leans = bool(example.features[0] @ weights[:-1] + weights[-1] > 0)
            right.append((bool(example.gold[0]), leans == bool(example.gold[0]), text))
    fitted = fit([example for example, _ in examples])
    result = {
        "questions": len(examples),
        "follow-ups told": round(float(np.mean([ok for follows, ok, _ in right if follows])), 3),
        "changes of subject told": round(float(np.mean([ok for follows, ok, _ in right if not follows])), 3),
        "weights": dict(zip(WEIGHTS, fitted[:-1].round(2).tolist(), strict=True)),
        "bias": round(float(fitted[-1]), 2),
        "wrong": [f"{'follow-up' if follows else 'switch'}: {text}" for follows, ok, text in right if not ok],
    }
    print(json.dumps(result, indent=1, ensure_ascii=False))  # noqa: T201  # a script for people to run


def collect(name: str, index: Path) -> Iterator[tuple[Example, str]]:
    """Signs of every development question of one collection, and whether it is a follow-up."""
    config = Config.load({"index": index})
    opened, embedder = build.open_index(config), build.build_embedder(config)
    retriever = build.build_retriever(config, opened, embedder)
    followups = FollowUps(retriever, opened.terms)
    for question, history, follows in _asked(read_jsonl(QUESTIONS / f"{name}_dev.jsonl"), retriever):
        rest = followups.rest(question, history)
        signs = followups.signs(question, rest, retriever.retrieve(question, DEPTH))
        yield Example(np.array([[signs[sign] for sign in WEIGHTS]]), np.array([float(follows)])), question


def _asked(rows: list[dict[str, Any]], retriever: Retriever) -> Iterator[tuple[str, list[Turn], bool]]:
    single = [row for row in rows if not row["history"]]
    for before, row in zip([*single[1:], *single[:1]], single, strict=True):
        paper = retriever.retrieve(before["question"], 1)[0].paper
        yield row["question"], [(before["question"], f"{paper.abstract.rsplit('. ', 1)[-1]} [1]")], False
    for row in rows:
        if row["history"] and row.get("half") != "check":
            yield row["question"], [(asked, told) for asked, told in row["history"]], row["kind"] == "followup"


if __name__ == "__main__":
    main()
