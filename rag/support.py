"""Does the abstract carry the sentence? A first honest check: words, numbers, names, direction, negation.

It is built to be strict: a true sentence may be withheld, an untrue one should not pass. Meaning
alone is not trusted, because a wrong number or a swapped name hardly moves an embedding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rag.protocols import Embedder
from rag.text import STOPWORDS, names, numbers, searchable, sentence_spans, stem, terms, words
from rag.types import NumberedPassage, Paper, Support, Verdict

SUPPORTED_AT = 0.88
WEAK_AT = 0.6
# Share of a claim's content words that its evidence must hold.
COVERAGE_AT = 0.8
# Neighbouring sentences are read together: a result often follows the sentence that names its subject.
WINDOW = 2
# Fewer content words than this are a fragment, not a statement.
LEAST_TERMS = 3
# A sentence with no more new words than this says the question back.
ECHO_SHARE = 0.25

_NEGATORS = frozenset("not no never without cannot neither nor fails fail failed hardly lack lacks none unable".split())
_HEDGES = frozenset("may might could possibly potentially suggests suggest likely appears seems perhaps".split())
_OPPOSITES = (
    ("increase increases increased increasing rise rises grow grows higher more larger greater",
     "decrease decreases decreased decreasing reduce reduces reduced reducing reduction drop drops fall falls"
     " lower fewer less smaller decline declines"),
    ("improve improves improved improving improvement better best outperform outperforms outperformed superior"
     " exceeds surpass surpasses enhance enhances",
     "degrade degrades degraded worse worst underperform underperforms inferior harm harms hurt hurts worsen"),
    ("faster accelerate accelerates accelerated speeds", "slower slow slows slowed"),
    ("supports confirm confirms agree", "contradict contradicts refute refutes disagree"),
    ("benefit benefits helpful beneficial effective", "harmful detrimental ineffective useless"),
)  # fmt: skip
_ORDINALS = frozenset("first second third fourth fifth last former latter".split())
_PRONOUNS = frozenset("it they this these those he she its their".split())
_SIDES = tuple((frozenset(a.split()), frozenset(b.split())) for a, b in _OPPOSITES)
_COMPARING = frozenset(
    "than outperform outperforms outperformed outperforming exceeds surpasses surpassed beats over versus".split()
)


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
    spans = sentence_spans(paper.abstract)
    for size in range(1, WINDOW + 1):
        for first in range(len(spans) - size + 1):
            start, end = spans[first][0], spans[first + size - 1][1]
            yield Passage(number, paper, paper.abstract[start:end])


def _verdict(claim: str, window: Passage, cosine: float) -> Judgement:
    def judgement(verdict: Verdict, score: float, reason: str = "") -> Judgement:
        return Judgement(Support(verdict, score, window.text, window.paper.id, reason), window.number)

    if f" {_folded(claim).rstrip('.')} " in f" {_folded(window.text).replace('. ', ' ').rstrip('.')} ":
        return judgement(Verdict.SUPPORTED, 1.0)
    coverage = _coverage(claim, window)
    score = max(0.0, min(1.0, 0.65 * coverage + 0.35 * max(0.0, cosine)))
    if problem := contradiction(claim, window.text, window.paper.title):
        return judgement(Verdict.UNSUPPORTED, min(score, 0.3) * 0.5, problem)
    if score < WEAK_AT or coverage < 0.5:
        return judgement(Verdict.UNSUPPORTED, score * 0.5, "the abstract does not say this")
    if _unclear_subject(claim, window.text):
        return judgement(Verdict.WEAK, min(score, SUPPORTED_AT - 0.01), "it is unclear what the sentence is about")
    if score < SUPPORTED_AT or coverage < COVERAGE_AT or _drops_hedge(claim, window.text):
        return judgement(Verdict.WEAK, min(score, SUPPORTED_AT - 0.01), "the abstract says something close")
    return judgement(Verdict.SUPPORTED, score)


def contradiction(claim: str, evidence: str, title: str = "") -> str | None:
    """What in the claim the evidence does not have or says otherwise, in words; `None` if nothing."""
    held = set(numbers(evidence)) | set(numbers(title))
    if missing := [n for n in numbers(claim) if n not in held]:
        return f"the abstract does not give the number {missing[0]}"
    if unattached := _misplaced_number(claim, evidence):
        return f"the abstract gives {unattached} for something else"
    known = _folded(f"{title} {evidence}")
    if unknown := [name for name in names(claim) if _folded(name) not in known]:
        return f"the abstract does not name {unknown[0]}"
    if _negations(claim) % 2 != _negations(evidence) % 2 and _negations(claim) != _negations_near(claim, evidence):
        return "one of the two is negated"
    if _ordinals(claim) - _ordinals(evidence):
        return "the abstract counts differently"
    if _opposed(claim, evidence):
        return "the abstract says the opposite direction"
    if _swapped(claim, evidence):
        return "the sides of the comparison are swapped"
    return None


def _coverage(claim: str, window: Passage) -> float:
    """Share of the claim's content terms found in the sentence or its title, by length of the term."""
    wanted = list(dict.fromkeys(terms(claim)))
    held = set(terms(window.text)) | set(terms(window.paper.title))
    weight = {term: min(len(term), 8) for term in wanted}
    total = sum(weight.values())
    return sum(weight[term] for term in wanted if term in held) / total if total else 0.0


def _folded(text: str) -> str:
    return re.sub(r"[^a-z0-9%.]+", " ", searchable(text).lower()).strip()


def _misplaced_number(claim: str, evidence: str) -> str | None:
    """A number whose neighbours in the claim share nothing with its neighbours in the evidence."""
    around = _neighbours(evidence)
    for number, near in _neighbours(claim).items():
        if near and number in around and around[number] and not near & around[number]:
            return number
    return None


def _neighbours(text: str, reach: int = 6) -> dict[str, set[str]]:
    tokens = words(searchable(text))
    found: dict[str, set[str]] = {}
    for i, token in enumerate(tokens):
        for number in numbers(token) if token[0].isdigit() else []:
            near = " ".join(tokens[max(0, i - reach) : i] + tokens[i + 1 : i + 1 + reach])
            found.setdefault(number, set()).update(t for t in terms(near) if not t[0].isdigit())
    return found


def _negations(text: str) -> int:
    lowered = [word.lower() for word in words(text)]
    return sum(word in _NEGATORS or word.endswith(("n't", "n’t")) for word in lowered)


def _negations_near(claim: str, evidence: str) -> int:
    """Negations of the evidence that stand near words of the claim; others do not concern it."""
    wanted = {stem(word) for word in words(claim)}
    tokens = [word.lower() for word in words(evidence)]
    count = 0
    for i, token in enumerate(tokens):
        if token in _NEGATORS or token.endswith(("n't", "n’t")):
            count += any(stem(near) in wanted for near in tokens[i + 1 : i + 4])
    return count


def _opposed(claim: str, evidence: str) -> bool:
    said = {word.lower() for word in words(claim)}
    held = {word.lower() for word in words(evidence)}
    for plus, minus in _SIDES:
        for mine, theirs in ((plus, minus), (minus, plus)):
            if said & mine and not said & theirs and held & theirs and not held & mine:
                return True
    return False


def _ordinals(text: str) -> set[tuple[str, str]]:
    """Ordinals with the word they count: "the second demonstration"."""
    tokens = [word.lower() for word in words(text)]
    return {(a, stem(b)) for a, b in pairwise(tokens) if a in _ORDINALS and b not in STOPWORDS}


def _swapped(claim: str, evidence: str) -> bool:
    """Two names compared in one order in the claim and in the other in the evidence."""
    if not _COMPARING & {word.lower() for word in words(claim)}:
        return False
    mine = list(dict.fromkeys(name.lower() for name in names(claim)))
    theirs = list(dict.fromkeys(name.lower() for name in names(evidence)))
    shared = [name for name in mine if name in theirs]
    return len(shared) >= 2 and shared != [name for name in theirs if name in shared]


def _unclear_subject(claim: str, evidence: str) -> bool:
    """Does the claim begin with a pronoun that the evidence does not begin with?"""
    first, other = (words(text)[0].lower() if words(text) else "" for text in (claim, evidence))
    return first in _PRONOUNS and first != other


def _drops_hedge(claim: str, evidence: str) -> bool:
    said = {word.lower() for word in words(claim)}
    held = {word.lower() for word in words(evidence)}
    return bool(held & _HEDGES) and not said & _HEDGES
