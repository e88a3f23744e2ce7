"""Does a faster search find the same? What it finds is written to a file, and compared with what another version found.

    python -m eval.bench.same --index DIR --data shared/data/scifact --split train --output before.json
    python -m eval.bench.same --index DIR --data shared/data/scifact --split train --against before.json

Chroma replays the end of its log into a new graph each time it is opened, and that graph may find other neighbours.
So the nearest chunks are written as well, and the second run ranks the same ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from eval import datasets
from eval.indexes import Collection, open_collection
from rag import build
from rag.config import Config
from rag.filters import NONE

K = 20
# Scores are float32 sums, whose order may change.
NOISE = 1e-5

Found = dict[str, dict[str, Any]]


def main() -> None:
    """Prints how many questions have other papers or other evidence, and by how much scores differ at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--data", required=True, help="a BEIR folder")
    parser.add_argument("--split", default="train")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    config = Config.load({"index": given.index})
    dataset = datasets.load(given.data, given.split, config.cache, lambda _, items, __: iter(items), corpus=False)
    before: Found = json.loads(given.against.read_text(encoding="utf-8")) if given.against else {}
    now = search(open_collection(config), dict(dataset.queries), before)
    if given.output:
        given.output.write_text(json.dumps(now), encoding="utf-8")
    if given.against:
        told = compare(before, now)
        print(json.dumps(told))  # a script
        other = told["other papers"] + told["other sentences"]
        sys.exit(other > 0 or max(told["papers' scores differ by"], told["sentences' scores differ by"]) > NOISE)


def search(collection: Collection, queries: dict[str, str], before: Found) -> Found:
    """The first papers with their scores, and the evidence, by question."""
    index = collection.index
    pipeline = build.assemble(collection.config, index, collection.embedder, None)
    nearest = index.vectors.query
    found: Found = {}
    for key, text in queries.items():
        vector, depth = collection.embedder.embed_query(text), 2 * collection.config.candidates
        hits = before[key]["hits"] if key in before else nearest(vector, depth)
        index.vectors.query = lambda vector, k, hits=hits: [tuple(hit) for hit in hits[:k]]  # type: ignore[method-assign, misc]
        search = pipeline.search(text, K, NONE)
        found[key] = {
            "hits": hits,
            "papers": {passage.paper.id: passage.score for passage in search.ranked},
            "sentences": {
                f"{paper_id}:{e.start}-{e.end}": e.score
                for paper_id, own in search.evidence.items()
                for e in own.sentences
            },
        }
    return found


def compare(before: Found, now: Found) -> dict[str, Any]:
    """Counts of questions, and the largest difference of a score."""
    pairs = [(before[key], own) for key, own in now.items()]
    return {
        "questions": len(pairs),
        "other papers": sum(list(old["papers"]) != list(own["papers"]) for old, own in pairs),
        "other sentences": sum(old["sentences"].keys() != own["sentences"].keys() for old, own in pairs),
        "papers' scores differ by": _furthest(pairs, "papers"),
        "sentences' scores differ by": _furthest(pairs, "sentences"),
    }


def _furthest(pairs: list[tuple[dict[str, Any], dict[str, Any]]], part: str) -> float:
    shared = [(old[part][key], score) for old, own in pairs for key, score in own[part].items() if key in old[part]]
    return max((abs(score - other) for score, other in shared), default=0.0)


if __name__ == "__main__":
    main()
