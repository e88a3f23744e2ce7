"""Latency of search against its own parts, without the embedding of the query, over indexes of any size.

    python -m eval.bench.search --index DIR [--index DIR ...] --queries queries.jsonl --limit 200

For each index, in one run: the vector store alone and the term index alone as fusion asks them, both summed,
fusion, and the whole of search. Each query is asked once before the clock runs, so that the files are in memory.
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
from eval.indexes import Collection, open_collection
from rag import build
from rag.config import Config
from rag.filters import NONE

K = 10


def main() -> None:
    """Prints one JSON object an index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, action="append", required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    lines = arguments.queries.read_text(encoding="utf-8").splitlines()
    queries = sorted((json.loads(line)["text"] for line in lines), key=hashed)[: arguments.limit]
    for index in arguments.index:
        print(json.dumps(measure(open_collection(Config.load({"index": index})), queries)))  # a script


def measure(collection: Collection, queries: Sequence[str]) -> dict[str, Any]:
    """Median and 95th percentile of each part, in milliseconds."""
    config, index, embedder = collection.config, collection.index, collection.embedder
    pipeline = build.assemble(config, index, embedder, None)
    retriever = build.build_retriever(config, index, embedder)

    def vectors(query: str) -> None:
        index.vectors.query(embedder.embed_query(query), 2 * config.candidates)

    def words(query: str) -> None:
        index.terms.query(query, config.candidates)

    def both(query: str) -> None:
        vectors(query)
        words(query)

    parts: dict[str, Callable[[str], Any]] = {
        "vectors alone": vectors,
        "words alone": words,
        "their sum": both,
        "fusion": lambda query: retriever.retrieve(query, K),
        "search": lambda query: pipeline.search(query, K, NONE),
    }
    for query in queries:
        pipeline.search(query, K, NONE)
    timed = {name: [_milliseconds(part, query) for query in queries] for name, part in parts.items()}
    told = {name: {"p50": round(_at(took, 50), 2), "p95": round(_at(took, 95), 2)} for name, took in timed.items()}
    ratio = _at(timed["search"], 50) / _at(timed["their sum"], 50)
    return {"papers": index.catalog.counts().papers, "queries": len(queries), **told, "search / sum": round(ratio, 2)}


def _milliseconds(part: Callable[[str], Any], query: str) -> float:
    start = time.perf_counter()
    part(query)
    return (time.perf_counter() - start) * 1000


def _at(milliseconds: Sequence[float], percentile: float) -> float:
    return float(np.percentile(np.asarray(milliseconds), percentile))


if __name__ == "__main__":
    main()
