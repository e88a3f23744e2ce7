"""`paperchat search QUERY --explain PAPER`: where one paper stands for a query, and why."""

from __future__ import annotations

from typing import cast, get_args

from rag import build
from rag.config import Config
from rag.errors import UsageError
from rag.explain import Explanation, explain, explanation_to_dict, find_papers, nearest_titles
from rag.index import Index
from rag.retrieve import RetrieverName
from ui.printing import print_json, say


def run(config: Config, query: str, name: str, k: int, retriever: str, as_json: bool) -> None:
    """Prints one paper's ranks, scores, words and best sentence.

    Raises:
        UsageError: No query, or no paper of that name in the index.
    """
    if not query.strip() or not name.strip():
        raise UsageError("--explain needs a query and a paper. Give both.")
    if retriever not in get_args(RetrieverName):
        raise UsageError(f"Unknown retriever {retriever!r}. Choose one of {', '.join(get_args(RetrieverName))}.")
    pipeline = build.build_pipeline(config, generate=False, use=cast(RetrieverName, retriever))
    found = find_papers(pipeline.index, name)
    told = explain(pipeline, query, found[0].id, k) if found else None
    if told is None:
        raise UsageError(_unknown(pipeline.index, name))
    if as_json:
        print_json(explanation_to_dict(told))
        return
    for line in _lines(told):
        say(line)
    for other in found[1:3]:
        say(f"(also of that name: {other.title} [{other.id}])")


def _unknown(index: Index, name: str) -> str:
    nearest = "; ".join(f"“{paper.title}” ({paper.id})" for paper in nearest_titles(index, name))
    near = f" Nearest titles: {nearest}." if nearest else ""
    return f"The index holds no paper {name!r}, so no question can find it.{near} Ingest it, or give another name."


def _lines(told: Explanation) -> list[str]:
    sign = {(True, True): "title, abstract", (True, False): "title", (False, True): "abstract", (False, False): "–"}
    scores = [
        ("meaning", told.dense, f"cosine {told.similarity:.3f}"),
        ("words", told.lexical, f"BM25 {told.lexical_score:.2f}"),
        ("fused", told.fused, "no candidate" if told.fused_score is None else f"score {told.fused_score:.3f}"),
        ("final", told.final, "no candidate" if told.final_score is None else f"score {told.final_score:.3f}"),
    ]
    start, end = told.chunk
    return [
        f"{told.paper.title}  [{told.paper.id}]",
        told.reason,
        "",
        *(f"  {stage:<8} {rank!s:>7}  {score}" for stage, rank, score in scores),
        "",
        *(f"  {word.word:<20} idf {word.idf:>5.2f}  {sign[word.title, word.abstract]}" for word in told.words),
        "",
        f"  best sentence (match {told.sentence_match:.3f}): {told.best_sentence}",
        f"  best chunk: characters {start} to {end} of {len(told.paper.abstract)}",
    ]
