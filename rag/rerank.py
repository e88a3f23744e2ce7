"""Reranking by evidence: a paper with a sentence that answers comes before one that is merely alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rag.evidence import PaperEvidence
from rag.types import ScoredPassage

# Papers below this rank are not looked at sentence by sentence: their sentences cost time and
# seldom hold the answer.
DEPTH = 10
EVIDENCE_WEIGHT = 1.0


def rerank(passages: Sequence[ScoredPassage], evidence: Mapping[str, PaperEvidence]) -> list[ScoredPassage]:
    """Fused score plus the cosine of the best sentence, for the papers in `evidence`; the rest follow."""
    looked_at = [p for p in passages if p.paper.id in evidence]
    rest = [p for p in passages if p.paper.id not in evidence]
    scores = {p.paper.id: p.score + EVIDENCE_WEIGHT * evidence[p.paper.id].cosine for p in looked_at}
    best = sorted(looked_at, key=lambda p: (-scores[p.paper.id], p.rank))
    ordered = [replace(p, score=scores[p.paper.id]) for p in best] + rest
    return [replace(p, rank=rank) for rank, p in enumerate(ordered, start=1)]
