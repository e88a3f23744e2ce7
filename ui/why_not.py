"""Why a paper is not among the sources of an answer, as markup. The one place where the page calls `rag.explain`."""

from __future__ import annotations

from html import escape

from rag.explain import Explanation, explain, find_papers, nearest_titles
from rag.pipeline import Pipeline
from ui import texts
from ui.formulas import rendered


def look_up(pipeline: Pipeline, question: str, paper: str, k: int) -> str:
    """The explanation for the reader.

    Args:
        pipeline: What answered.
        question: As it was searched for.
        paper: Title, DOI, arXiv id or id, as the reader typed it.
        k: How many papers an answer reads.

    Raises:
        PaperchatError: The index cannot be read.
    """
    if not paper.strip():
        return _said(texts.WHY_NOT_EMPTY)
    found = find_papers(pipeline.index, paper)
    told = explain(pipeline, question, found[0].id, k) if found else None
    if told is None:
        near = "".join(f"<li>{escape(paper.title)}</li>" for paper in nearest_titles(pipeline.index, paper))
        return _said(texts.WHY_NOT_UNKNOWN) + (f"{_said(texts.WHY_NOT_NEAREST)}<ul>{near}</ul>" if near else "")
    return shown(told)


def shown(told: Explanation) -> str:
    """Title, the reason in a sentence, the ranks, and the sentence that comes nearest."""
    ranks = (("meaning", told.dense), ("words", told.lexical), ("final", told.final))
    row = "".join(
        f'<span class="pc-rank" title="{escape(texts.RANK_TITLES[name])}">{escape(name)} {escape(str(rank))}</span> '
        for name, rank in ranks
    )
    best = f"<p>{escape(texts.WHY_NOT_BEST)} <q>{rendered(told.best_sentence)}</q></p>" if told.best_sentence else ""
    return f"<p><b>{escape(told.paper.title)}</b></p>{_said(told.reason)}<p>{row}</p>{best}"


def _said(words: str) -> str:
    return f"<p>{escape(words)}</p>"
