"""300 written pairs of records (tests/ingest/data/duplicates.jsonl): the same paper, or near twins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingest.records import Rejected
from ingest.resolve import Resolver
from ingest.sources.json_fields import record_from
from ingest.sources.opened import Head, SourceFile
from rag.types import Paper
from tests.fakes import FakeCatalog, whole

PAIRS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "duplicates.jsonl").read_text(encoding="utf-8").splitlines()
]


def paper(record: dict[str, Any], source: str) -> Paper:
    file = SourceFile(source, Head(b"", ""), None, "utf-8", 2025)  # type: ignore[arg-type]
    found = record_from(record, "line 1", file)
    assert not isinstance(found, Rejected), found
    return found


def papers_after(first: dict[str, Any], second: dict[str, Any], *, one_run: bool) -> int:
    catalog = FakeCatalog()
    resolver = Resolver(catalog)
    for record in (paper(first, "a.jsonl"), paper(second, "b.jsonl")):
        (decision,) = resolver.decide([record])
        if decision.paper is not None and not one_run:
            catalog.upsert([(decision.paper, whole(decision.paper))], {decision.paper.id: decision.keys})
            resolver = Resolver(catalog)
        elif decision.paper is not None:
            catalog.rows[decision.paper.id] = (decision.paper, ())
    return len(catalog.rows)


def judged(one_run: bool) -> dict[bool, list[str]]:
    wrong: dict[bool, list[str]] = {True: [], False: []}
    for pair in PAIRS:
        if (papers_after(pair["a"], pair["b"], one_run=one_run) == 1) != pair["same"]:
            wrong[pair["same"]].append(f"{pair['id']} {pair['why']}")
    return wrong


def test_pairs_merge_as_a_librarian_would_merge_them() -> None:
    wrong = judged(one_run=False)
    same = sum(pair["same"] for pair in PAIRS)
    recall = 1 - len(wrong[True]) / same
    precision = (same - len(wrong[True])) / (same - len(wrong[True]) + len(wrong[False]))
    assert precision >= 0.97, wrong[False]
    assert recall >= 0.9, wrong[True]


def test_one_run_and_two_runs_agree() -> None:
    assert judged(one_run=True) == judged(one_run=False)


def test_the_order_of_two_records_does_not_matter_to_what_they_are() -> None:
    for pair in PAIRS:
        there = papers_after(pair["a"], pair["b"], one_run=False)
        back = papers_after(pair["b"], pair["a"], one_run=False)
        assert there == back, pair["id"]
