"""Milliseconds of candidate generation under filters of every size, against no filter, on any index.

    python -m eval.bench.filters --index DIR [--queries 50]

The vector of the query is made once and not timed. Filters are made from the index: its years, its most
frequent authors and categories; each line names the share of the papers that meets it.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from pathlib import Path

from rag import build
from rag.asked import read
from rag.config import Config
from rag.facets import Facet
from rag.filters import NONE, Filters
from rag.index import Index
from rag.narrowed import ONE_BY_ONE, Narrowed
from rag.protocols import Vectors

DEPTH = 100


def main() -> None:
    """Prints a line for each filter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=50)
    given = parser.parse_args()
    config = Config.load({"index": given.index})
    index, embedder = build.open_index(config), build.build_embedder(config)
    papers = index.catalog.counts().papers
    ids = random.Random(1).sample(index.catalog.matching(NONE), min(given.queries, papers))
    questions = [paper.title for paper, _ in index.catalog.get(ids).values()]
    vectors = [embedder.embed_query(question) for question in questions]
    print(f"{papers:,} papers, {len(questions)} queries; resolve, dense, words and sum in ms: p50 (p95)")
    for filters in [NONE, *_filters(index)]:
        times = [_timed(index, filters, text, vector) for text, vector in zip(questions, vectors, strict=True)]
        shown = "  ".join(_percentiles(column) for column in zip(*times, strict=True))
        total = _percentiles([sum(row) for row in times])
        count = index.catalog.count(filters)
        how = "-" if not filters else "one by one" if count <= ONE_BY_ONE else "fetched"
        print(f"{count:>8,} {count / papers:6.1%} {how:<10} {shown}  {total}  {filters.describe() or 'no filter'}")
    _reading(index, questions)


def _filters(index: Index) -> list[Filters]:
    years = [year for year, _ in index.catalog.years(NONE) if year]
    found = [Filters(year) for year in years[1:]] + [Filters(year, year) for year in years]
    fields: tuple[tuple[Facet, str], ...] = (("author", "authors"), ("category", "categories"))
    for facet, field in fields:
        named = index.catalog.frequent(facet, NONE, 3)
        found += [Filters.from_dict({field: [value]}) for value, _ in named]
    return sorted(found, key=index.catalog.count)


def _timed(index: Index, filters: Filters, text: str, vector: Vectors) -> tuple[float, float, float]:
    start = time.perf_counter()
    narrowed = Narrowed.to(index, filters)
    resolved = time.perf_counter()
    narrowed.dense(vector, 2 * DEPTH)
    dense = time.perf_counter()
    narrowed.lexical(text, DEPTH)
    return (resolved - start) * 1000, (dense - resolved) * 1000, (time.perf_counter() - dense) * 1000


def _percentiles(values: list[float] | tuple[float, ...]) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered):6.1f} ({ordered[int(0.95 * (len(ordered) - 1))]:6.1f})"


def _reading(index: Index, questions: list[str]) -> None:
    asked = [f"Which papers by Smith since 2015 are about {question}?" for question in questions]
    start = time.perf_counter()
    for question in asked:
        read(question, index)
    print(f"reading filters out of a question: {(time.perf_counter() - start) * 1000 / len(asked):.2f} ms")


if __name__ == "__main__":
    main()
