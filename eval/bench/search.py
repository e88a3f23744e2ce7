"""Latency of search against its own parts, without the embedding of the query, over indexes of any size.

    python -m eval.bench.search --index DIR [--index DIR ...] --queries queries.jsonl --limit 200

For each index, in one run: the vector store alone and the term index alone as fusion asks them, fusion, and the whole
of search, one question each in turn. No question is asked twice: what one reads from the disk, or leaves in a cache,
never helps another part with the same question. Beside it, how long opening the index and the first question take.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.datasets import hashed
from eval.indexes import EmbeddedOnce
from rag import build
from rag.config import Config
from rag.filters import NONE

K = 10
# Asked before the clock runs, so that code and files are in memory as they are after the first minute.
WARM_UP = 20


def main() -> None:
    """Prints one JSON object an index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, action="append", required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=200, help="questions for each part")
    arguments = parser.parse_args()
    lines = arguments.queries.read_text(encoding="utf-8").splitlines()
    queries = sorted({json.loads(line)["text"] for line in lines}, key=hashed)
    for index in arguments.index:
        print(json.dumps(measure(Config.load({"index": index}), queries, arguments.limit)))  # a script


def measure(config: Config, queries: Sequence[str], limit: int) -> dict[str, Any]:
    """Median and 95th percentile of each part, in milliseconds."""
    opened = time.perf_counter()
    index = build.open_index(config)
    opened = _since(opened)
    embedder = EmbeddedOnce(build.build_embedder(config))
    pipeline = build.assemble(config, index, embedder, None)
    retriever = build.build_retriever(config, index, embedder)
    took: dict[str, list[float]] = {
        name: [] for name in ("vectors alone", "words alone", "their sum", "fusion", "search")
    }

    def bare(query: str) -> None:
        vectors = _milliseconds(lambda: index.vectors.query(embedder.embed_query(query), 2 * config.candidates))
        words = _milliseconds(lambda: index.terms.query(query, config.candidates))
        for name, value in zip(took, (vectors, words, vectors + words), strict=False):
            took[name].append(value)

    def fusion(query: str) -> None:
        took["fusion"].append(_milliseconds(lambda: retriever.retrieve(query, K)))

    def search(query: str) -> None:
        took["search"].append(_milliseconds(lambda: pipeline.search(query, K, NONE)))

    parts = (bare, fusion, search)
    asked = queries[: WARM_UP + len(parts) * limit]
    for query in asked:
        embedder.embed_query(query)
        embedder.query_tokens(query)
    search(asked[0])
    first = took["search"][0]
    for query in asked[1:WARM_UP]:
        pipeline.search(query, K, NONE)
    took["search"].clear()
    for number, query in enumerate(asked[WARM_UP:]):
        parts[number % len(parts)](query)
    told = {name: {"p50": round(_at(own, 50), 2), "p95": round(_at(own, 95), 2)} for name, own in took.items()}
    return {
        "papers": index.catalog.counts().papers,
        "queries": len(took["search"]),
        "open": round(opened, 1),
        "first search": round(first, 1),
        **told,
        "search / sum": round(_at(took["search"], 50) / _at(took["their sum"], 50), 2),
    }


def _milliseconds(part: Callable[[], Any]) -> float:
    start = time.perf_counter()
    part()
    return _since(start)


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1000


def _at(milliseconds: Sequence[float], percentile: float) -> float:
    return float(np.percentile(np.asarray(milliseconds), percentile))


if __name__ == "__main__":
    main()
