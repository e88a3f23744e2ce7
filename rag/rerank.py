"""Reranking by late interaction: a paper that meets every word of the question comes before one merely alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.config import Profile
from rag.evidence import EvidenceScorer, Look
from rag.question import Question
from rag.retrieve import min_max
from rag.types import Candidate

# Papers below this rank are not looked at word by word: they seldom hold the answer (docs/decisions/0006).
DEPTHS: Mapping[Profile, int] = {"best": 50, "fast": 10}
DEPTH = DEPTHS["best"]
MATCH_WEIGHT = 0.6


def rerank(candidates: Sequence[Candidate], matches: Mapping[str, float]) -> list[Candidate]:
    """Convex combination of fused score and match, for the papers in `matches`; the rest follow as they were."""
    looked_at = [c for c in candidates if c.paper_id in matches]
    rest = [c for c in candidates if c.paper_id not in matches]
    fused = min_max({c.paper_id: c.score for c in looked_at})
    match = min_max({c.paper_id: matches[c.paper_id] for c in looked_at})
    # Above 1, where the scores of the rest end.
    scores = {key: 1 + (1 - MATCH_WEIGHT) * fused[key] + MATCH_WEIGHT * match[key] for key in fused}
    best = sorted(looked_at, key=lambda c: (-scores[c.paper_id], c.rank))
    return [replace(c, score=scores[c.paper_id]) for c in best] + rest


@dataclass(slots=True)
class Reranking:
    """The reranker of one question.

    Attributes:
        evidence: Looks at papers.
        question: The standalone question.
        depth: How many papers it looks at.
        look: What it saw last; evidence is scored from it.
    """

    evidence: EvidenceScorer
    question: Question
    depth: int = DEPTH
    look: Look | None = None

    def __call__(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Looks at the first candidates and puts them into their order."""
        self.look = self.evidence.look(self.question, {c.paper_id: c.score for c in candidates[: self.depth]})
        return rerank(candidates, self.look.matches)
