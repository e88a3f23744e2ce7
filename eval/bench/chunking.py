"""What to embed of an abstract: whole, windows or sentences, with the title or without.

    python -m eval.bench.chunking BEIR_FOLDER [--split train]

Embeds the corpus of a BEIR folder in each way and prints nDCG@10 of the dense side alone and fused
with BM25 (convex combination, weights .5 and .6). SciFact takes about seven minutes on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from eval import datasets, metrics
from eval.datasets import Dataset
from eval.retrieval import progress
from ingest.inputs import expand
from ingest.records import Rejected
from ingest.split import AbstractSplitter
from rag import build
from rag.config import Config
from rag.protocols import Embedder, Vectors
from rag.retrieve import fuse
from rag.text import sentence_spans
from rag.types import Paper

DEPTH = 100
PART = 2048
WEIGHTS = (0.5, 0.6)
Texts = Callable[[Paper], Iterable[str]]


def main() -> None:
    """Embeds, scores, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="train")
    arguments = parser.parse_args()
    config = Config()
    model = build.build_embedder(config)
    (source,) = expand([arguments.folder])
    papers = [p for p in source.read(None, None, lambda done: None) if not isinstance(p, Rejected)]
    dataset = datasets.load(str(arguments.folder), arguments.split, config.cache, progress)
    queries = dataset.queries
    asked = np.stack([model.embed_query(text) for text in queries.values()])
    lexical = _lexical(papers, queries)
    print(f"{len(papers)} papers, {len(queries)} queries")
    for name, texts in _ways(model).items():
        dense = _best_by_paper(asked, papers, texts, model)
        scores = [_ndcg(dataset, papers, dense)]
        for weight in WEIGHTS:
            scores.append(_ndcg(dataset, papers, _fused(dense, lexical, papers, weight)))
        print(f"{name:<28}" + "  ".join(f"{score:.4f}" for score in scores), flush=True)


def _ways(model: Embedder) -> dict[str, Texts]:
    splitter = AbstractSplitter(model.count_tokens, model.max_tokens)
    return {
        "whole, title": lambda p: [f"{p.title}. {p.abstract}"],
        "whole": lambda p: [p.abstract],
        "windows, title": lambda p: [f"{p.title}. {chunk.text}" for chunk in splitter.split(p)],
        "sentences, title": lambda p: [f"{p.title}. {p.abstract[a:b]}" for a, b in sentence_spans(p.abstract)],
        "sentences": lambda p: [p.abstract[a:b] for a, b in sentence_spans(p.abstract)],
    }


def _best_by_paper(asked: Vectors, papers: list[Paper], texts: Texts, model: Embedder) -> Vectors:
    """Cosine of the best text of each paper. Shape (queries, papers)."""
    own = [list(texts(paper)) or [paper.title] for paper in papers]
    flat = [text for part in own for text in part]
    vectors = np.concatenate([model.embed(flat[start : start + PART]) for start in range(0, len(flat), PART)])
    starts = np.cumsum([0, *(len(part) for part in own[:-1])])
    return np.stack([np.maximum.reduceat(vectors @ query, starts) for query in asked])


def _lexical(papers: list[Paper], queries: Mapping[str, str]) -> list[dict[str, float]]:
    """BM25 as a share of the highest possible, by paper id, for each query."""
    with tempfile.TemporaryDirectory() as folder:
        index = build.open_stores(Path(folder), build.new_manifest(Config(), 384, "bench"))
        index.terms.upsert(papers)
        return [
            {key: score / (index.terms.highest(text) or 1.0) for key, score in index.terms.query(text, DEPTH)}
            for text in queries.values()
        ]


def _fused(dense: Vectors, lexical: list[dict[str, float]], papers: list[Paper], weight: float) -> Vectors:
    fused = np.full_like(dense, -1.0)
    places = {paper.id: place for place, paper in enumerate(papers)}
    for row, scores in enumerate(lexical):
        found = {papers[i].id for i in np.argsort(-dense[row])[:DEPTH]} | scores.keys()
        both = fuse({i: float(dense[row, places[i]]) for i in found}, scores, weight, 1.0)
        for paper_id, score in both.items():
            fused[row, places[paper_id]] = score
    return fused


def _ndcg(dataset: Dataset, papers: list[Paper], scores: Vectors) -> float:
    run = {
        query: {papers[i].id: float(scores[row, i]) for i in np.argsort(-scores[row], kind="stable")[:DEPTH]}
        for row, query in enumerate(dataset.queries)
    }
    return metrics.evaluate(run, dataset.qrels, metrics.parse(["nDCG@10"])).mean("nDCG@10")


if __name__ == "__main__":
    main()
