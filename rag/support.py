"""Does the abstract carry the sentence? A first honest check: words, numbers, names, direction, negation.

It is built to be strict: a true sentence may be withheld, an untrue one should not pass. Meaning
alone is not trusted, because a wrong number or a swapped name hardly moves an embedding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.contrast import contradiction, folded, looseness
from rag.injection import statement_spans
from rag.protocols import Embedder
from rag.text import numbers, terms
from rag.types import NumberedPassage, Paper, Support, Verdict

SUPPORTED_AT = 0.88
WEAK_AT = 0.6
# Neighbouring sentences are read together: a result often follows the sentence that names its subject.
WINDOW = 2
# Fewer content words than this are a fragment, not a statement.
LEAST_TERMS = 3
# A sentence with no more new words than this says the question back.
ECHO_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Passage:
    """One or two neighbouring sentences of an abstract that may carry a claim."""

    number: int
    paper: Paper
    text: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict together with the passage it rests on."""

    support: Support
    number: int | None


class SupportChecker:
    """Checks one sentence against the abstracts it may rest on."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def check(
        self, claim: str, passages: Sequence[NumberedPassage], cited: Collection[int] = (), question: str = ""
    ) -> Judgement:
        """The best verdict that any of the passages gives.

        Args:
            claim: A sentence without markers.
            passages: Everything that was handed out.
            question: What was asked; a sentence that only says it back is no answer.
            cited: Numbers the sentence names. They are tried first; where they do not carry the
                claim but another passage does, the judgement names that one instead.
        """
        if problem := no_statement(claim, question, [p.paper.title for p in passages]):
            return Judgement(Support(Verdict.UNSUPPORTED, 0.0, reason=problem), None)
        best = self._best(claim, [p for p in passages if p.number in cited])
        if best.support.verdict is Verdict.SUPPORTED:
            return best
        other = self._best(claim, [p for p in passages if p.number not in cited])
        return max(best, other, key=lambda judgement: judgement.support.score)

    def check_text(self, claim: str, evidence: str) -> Support:
        """The verdict on a claim against a text, for use outside a conversation."""
        if problem := no_statement(claim):
            return Support(Verdict.UNSUPPORTED, 0.0, reason=problem)
        paper = Paper("evidence", "", evidence)
        return self._judge(claim, list(_windows(0, paper))).support

    def _best(self, claim: str, passages: Sequence[NumberedPassage]) -> Judgement:
        return self._judge(claim, [window for p in passages for window in _windows(p.number, p.paper)])

    def _judge(self, claim: str, windows: Sequence[Passage]) -> Judgement:
        nothing = Judgement(Support(Verdict.UNSUPPORTED, 0.0, reason="no abstract says this"), None)
        # Words first: only the few windows that share enough of them are worth embedding.
        near = sorted(windows, key=lambda w: -_coverage(claim, w))[:4]
        near = [window for window in near if _coverage(claim, window) >= 0.3]
        if not near:
            return nothing
        vectors = self._embedder.embed([claim, *(window.text for window in near)])
        cosines = (vectors[1:] @ vectors[0]).tolist()
        judged = [_verdict(claim, window, cosine) for window, cosine in zip(near, cosines, strict=True)]
        return max(judged, key=lambda judgement: judgement.support.score, default=nothing)


def no_statement(claim: str, question: str = "", titles: Sequence[str] = ()) -> str | None:
    """Why a sentence says nothing that could be checked, in words; `None` if it does say something."""
    said = set(terms(claim))
    if len({term for term in said if not term[0].isdigit()}) < LEAST_TERMS:
        return "it is too short to be checked"
    if claim.rstrip().endswith((":", "?")):
        return "it is a heading or a question"
    if any(said <= set(terms(title)) for title in titles):
        return "it only repeats a title"
    new = said - set(terms(question))
    if question and len(new) <= ECHO_SHARE * len(said) and not set(numbers(claim)) - set(numbers(question)):
        return "it only says the question back"
    return None


def _windows(number: int, paper: Paper) -> Iterator[Passage]:
    spans = statement_spans(paper.abstract)
    for size in range(1, WINDOW + 1):
        for first in range(len(spans) - size + 1):
            start, end = spans[first][0], spans[first + size - 1][1]
            if any(paper.abstract[a[1] : b[0]].strip() for a, b in pairwise(spans[first : first + size])):
                continue  # what lies between is no statement
            yield Passage(number, paper, paper.abstract[start:end])


def _verdict(claim: str, window: Passage, cosine: float) -> Judgement:
    def judgement(verdict: Verdict, score: float, reason: str = "") -> Judgement:
        return Judgement(Support(verdict, score, window.text, window.paper.id, reason), window.number)

    if f" {folded(claim).rstrip('.')} " in f" {folded(window.text).replace('. ', ' ').rstrip('.')} ":
        return judgement(Verdict.SUPPORTED, 1.0)
    coverage = _coverage(claim, window)
    score = max(0.0, min(1.0, 0.65 * coverage + 0.35 * max(0.0, cosine)))
    if problem := contradiction(claim, window.text, window.paper.title):
        return judgement(Verdict.UNSUPPORTED, min(score, 0.3) * 0.5, problem)
    if score < WEAK_AT or coverage < 0.5:
        return judgement(Verdict.UNSUPPORTED, score * 0.5, "the abstract does not say this")
    if reason := looseness(claim, window.text, window.paper.title):
        return judgement(Verdict.WEAK, min(score, SUPPORTED_AT - 0.01), reason)
    if score < SUPPORTED_AT:
        return judgement(Verdict.WEAK, score, "the abstract says something close")
    return judgement(Verdict.SUPPORTED, score)


def _coverage(claim: str, window: Passage) -> float:
    """Share of the claim's content terms found in the sentence or its title, by length of the term."""
    wanted = list(dict.fromkeys(terms(claim)))
    held = set(terms(window.text)) | set(terms(window.paper.title))
    weight = {term: min(len(term), 8) for term in wanted}
    total = sum(weight.values())
    return sum(weight[term] for term in wanted if term in held) / total if total else 0.0
