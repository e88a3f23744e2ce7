"""Why a paper is not among the sources of an answer. The one place where the page calls `rag.explain`."""

from __future__ import annotations

import importlib
import importlib.util
from html import escape
from typing import Any

from rag.pipeline import Pipeline
from ui import texts


def available() -> bool:
    """Can the program say it?"""
    return importlib.util.find_spec("rag.explain") is not None


def why_not(pipeline: Pipeline, question: str, paper: str) -> str:
    """The explanation as markup.

    Args:
        pipeline: What answered.
        question: The question as it was searched for.
        paper: Title, DOI or id, as the reader typed it.

    Raises:
        PaperchatError: There is no such paper, or the index cannot be read.
    """
    if not paper.strip():
        return f"<p>{escape(texts.WHY_NOT_EMPTY)}</p>"
    explain: Any = importlib.import_module("rag.explain")
    lines = explain.why_not(pipeline, question, paper)
    return "".join(f"<p>{escape(str(line))}</p>" for line in ([lines] if isinstance(lines, str) else lines))
