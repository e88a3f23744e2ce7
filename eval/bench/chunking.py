"""What to embed of an abstract: whole, windows or sentences, with the title or without.

    python -m eval.bench.chunking BEIR_FOLDER [--split train]

Embeds the corpus of a BEIR folder in each way and prints nDCG@10 of the dense side alone and fused
with BM25 (convex combination, weights .5 and .6). SciFact takes about seven minutes on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import ir_measures
import numpy as np

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
    qrels, queries = _questions(arguments.folder, arguments.split)
    asked = np.stack([model.embed_query(text) for text in queries.values()])
    lexical = _lexical(papers, queries)
    print(f"{len(papers)} papers, {len(queries)} queries")
    for name, texts in _ways(model).items():
        dense = _best_by_paper(asked, papers, texts, model)
        scores = [_ndcg(qrels, queries, papers, dense)]
        for weight in WEIGHTS:
            scores.append(_ndcg(qrels, queries, papers, _fused(dense, lexical, papers, weight)))
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


def _lexical(papers: list[Paper], queries: dict[str, str]) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        index = build.open_stores(Path(folder), build.new_manifest(Config(), 384, "bench"))
        index.terms.upsert(papers)
        return [dict(index.terms.query(text, DEPTH)) for text in queries.values()]


def _fused(dense: Vectors, lexical: list[dict[str, float]], papers: list[Paper], weight: float) -> Vectors:
    fused = np.full_like(dense, -1.0)
    places = {paper.id: place for place, paper in enumerate(papers)}
    for row, scores in enumerate(lexical):
        found = {papers[i].id for i in np.argsort(-dense[row])[:DEPTH]} | scores.keys()
        both = fuse({i: float(dense[row, places[i]]) for i in found}, scores, weight)
        for paper_id, score in both.items():
            fused[row, places[paper_id]] = score
    return fused


def _ndcg(qrels: dict[str, dict[str, int]], queries: dict[str, str], papers: list[Paper], scores: Vectors) -> float:
    run = {
        query: {papers[i].id: float(scores[row, i]) for i in np.argsort(-scores[row], kind="stable")[:DEPTH]}
        for row, query in enumerate(queries)
    }
    measure = ir_measures.nDCG @ 10
    return float(ir_measures.calc_aggregate([measure], qrels, run)[measure])


def _questions(folder: Path, split: str) -> tuple[dict[str, dict[str, int]], dict[str, str]]:
    import json

    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, paper, grade = line.split("\t")
        qrels.setdefault(query, {})[paper] = int(grade)
    rows = map(json.loads, (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    return qrels, {row["_id"]: row["text"] for row in rows if row["_id"] in qrels}


if __name__ == "__main__":
    main()
