"""Reranking by late interaction: a paper that meets every word of the question comes before one merely alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rag.config import Profile
from rag.retrieve import min_max
from rag.types import ScoredPassage

# Papers below this rank are not looked at word by word: they seldom hold the answer (docs/decisions/0006).
DEPTHS: Mapping[Profile, int] = {"best": 50, "fast": 10}
DEPTH = DEPTHS["best"]
MATCH_WEIGHT = 0.6


def rerank(passages: Sequence[ScoredPassage], matches: Mapping[str, float]) -> list[ScoredPassage]:
    """Convex combination of fused score and match, for the papers in `matches`; the rest follow as they were."""
    looked_at = [p for p in passages if p.paper.id in matches]
    rest = [p for p in passages if p.paper.id not in matches]
    fused = min_max({p.paper.id: p.score for p in looked_at})
    match = min_max({p.paper.id: matches[p.paper.id] for p in looked_at})
    # Above 1, where the scores of the rest end.
    scores = {key: 1 + (1 - MATCH_WEIGHT) * fused[key] + MATCH_WEIGHT * match[key] for key in fused}
    best = sorted(looked_at, key=lambda p: (-scores[p.paper.id], p.rank))
    ordered = [replace(p, score=scores[p.paper.id]) for p in best] + rest
    return [replace(p, rank=rank) for rank, p in enumerate(ordered, start=1)]
