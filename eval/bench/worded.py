"""How questions worded far from their abstracts fare: the right paper, and the sentence that answers.

    paperchat eval dev-collection train --dump CORPUS.jsonl.gz --output train.jsonl
    paperchat ingest train.jsonl --index TRAIN
    python -m eval.bench.worded eval/questions/arxiv_far_check.jsonl --index TRAIN --output now.jsonl [--beside OTHER]

Each question of the file has one gold paper and names the sentences that answer, by their place in the abstract. Every
question's measures are written; beside those of another version, the mean difference and its 95 % interval are given.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from eval.answers import read_jsonl
from eval.stats import interval
from rag import build
from rag.config import Config
from rag.injection import statement_spans
from rag.pipeline import Pipeline

DEPTH = 10
SENTENCES = 3


def main() -> None:
    """Prints means with their intervals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--beside", type=Path, help="the output of another version")
    given = parser.parse_args()
    pipeline = build.build_pipeline(Config.load({"index": given.index}), generate=False)
    rows = [measures(pipeline, row) for row in read_jsonl(given.questions)]
    given.output.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    _tell(f"{len(rows)} questions", rows)
    if given.beside:
        before = {row["id"]: row for row in read_jsonl(given.beside)}
        pairs = [(before[row["id"]], row) for row in rows if row["id"] in before]
        differences = [{name: new[name] - old[name] for name in new if name != "id"} for old, new in pairs]
        _tell(f"against {given.beside}, {len(pairs)} questions", differences)


def measures(pipeline: Pipeline, row: dict[str, Any]) -> dict[str, Any]:
    """Of one question: nDCG@10, right paper first and among five, answering sentence among three, refused."""
    found = pipeline.search(row["question"], DEPTH)
    ids = [passage.paper.id for passage in found.ranked]
    gold = row["gold"][0]
    place = ids.index(gold) if gold in ids else DEPTH
    best = sorted(
        (
            (-sentence.score, paper_id, sentence.start)
            for paper_id, own in found.evidence.items()
            for sentence in own.sentences
        )
    )[:SENTENCES]
    starts = set()
    if place < DEPTH:
        spans = statement_spans(found.ranked[place].paper.abstract)
        starts = {spans[n][0] for paper_id, n in row["evidence"] if paper_id == gold and n < len(spans)}
    return {
        "id": row["id"],
        "nDCG@10": 1 / math.log2(place + 2) if place < DEPTH else 0.0,
        "first": float(place == 0),
        "among five": float(place < 5),
        f"answering sentence among {SENTENCES}": float(any(p == gold and start in starts for _, p, start in best)),
        "refused": float(pipeline.refusal(found, pipeline.index.identity()) is not None),
    }


def _tell(title: str, rows: list[dict[str, Any]]) -> None:
    print(title)
    for name in rows[0] if rows else ():
        if name != "id":
            values = [row[name] for row in rows]
            low, high = interval(values)
            print(f"  {name:32} {sum(values) / len(values):+.3f} [{low:+.3f}, {high:+.3f}]")


if __name__ == "__main__":
    main()
