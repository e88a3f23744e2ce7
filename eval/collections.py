"""The collections that the development questions were written over, drawn again from the arXiv dump."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.answers import read_jsonl
from rag.errors import SourceError

QUESTIONS = Path(__file__).parent / "questions"
ARXIV_PAPERS = 2000
NLP_PAPERS = 110
FOLLOWUPS_PAPERS = 3100
TRAIN_PAPERS = 7000
NLP_WORDS = ("pre-train", "pretrain", "fine-tun", "transfer learning", "multi-task", "language model")


def arxiv_dev(dump: Path) -> list[dict[str, Any]]:
    """The 2,000 abstracts under `eval/questions/arxiv_dev.jsonl`: first by hash, so of every field and year."""
    return _first_by_hash(_records(dump), "", ARXIV_PAPERS)


def nlp_dev(dump: Path) -> list[dict[str, Any]]:
    """The 110 abstracts under `eval/questions/nlp_dev.jsonl`: one narrow field, where papers are alike."""
    narrow = (
        record
        for record in _records(dump)
        if record["venue"] == "arXiv cs.CL"
        and record["year"] in (2017, 2018)
        and any(word in (record["title"] + record["text"]).lower() for word in NLP_WORDS)
    )
    return _first_by_hash(narrow, "x", NLP_PAPERS)


def followups_dev(dump: Path) -> list[dict[str, Any]]:
    """The 3,100 abstracts under `eval/questions/followups_dev.jsonl`: of every field, drawn apart from `arxiv_dev`."""
    return _first_by_hash(_records(dump), "followups", FOLLOWUPS_PAPERS)


def arxiv_train(dump: Path) -> list[dict[str, Any]]:
    """7,000 abstracts for `eval/questions/arxiv_train.jsonl`: those it is about, and others by hash."""
    asked = {paper_id for row in read_jsonl(QUESTIONS / "arxiv_train.jsonl") for paper_id in row["gold"]}
    held = {paper_id for row in read_jsonl(QUESTIONS / "arxiv_dev.jsonl") for paper_id in row["gold"]}
    found = [record for record in _records(dump) if record["_id"] not in held]
    others = (record for record in found if record["_id"] not in asked)
    return [
        *(record for record in found if record["_id"] in asked),
        *_first_by_hash(others, "train", TRAIN_PAPERS - len(asked)),
    ]


def write(records: list[dict[str, Any]], path: Path) -> None:
    """Writes a collection as a BEIR corpus that `paperchat ingest` reads."""
    with path.open("w", encoding="utf-8") as lines:
        for record in records:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")


def _records(dump: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(dump, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)
    except OSError as error:
        raise SourceError(
            f"The arXiv dump {dump} cannot be read ({error}). Give the path of corpus.jsonl.gz."
        ) from error


def _first_by_hash(records: Iterator[dict[str, Any]], salt: str, count: int) -> list[dict[str, Any]]:
    def key(record: dict[str, Any]) -> str:
        return hashlib.sha1((salt + record["_id"]).encode(), usedforsecurity=False).hexdigest()

    return sorted(records, key=key)[:count]
