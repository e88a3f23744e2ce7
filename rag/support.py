"""Does the abstract carry the sentence? Rules that see what is wrong, and a model of how well the rest fits.

A claim is compared with the one or two sentences of an abstract that hold most of it. Two trained models give the
probability that they carry it: one over features (`rag.support_model`), one that compares word by word
(`rag.support_comparison`). Rules (`rag.contrast`) have the last word where a
number, a name, a negation or a direction differs, because a language model's errors are of this kind.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rag.contrast import contradiction, folded, looseness
from rag.injection import statement_spans
from rag.protocols import Embedder, TokenEmbedder, TokenVectors
from rag.support_comparison import Thresholds
from rag.support_features import Array, coverage, features
from rag.support_model import SupportModel, load
from rag.support_reading import Reading, join, read
from rag.text import numbers, searchable, terms
from rag.types import NumberedPassage, Paper, Support, Verdict

# Fewer content words than this are a fragment, not a statement.
LEAST_TERMS = 3
# A sentence with no more new words than this says the question back.
ECHO_SHARE = 0.25
# Sentences of an abstract that are read closely: the rest shares too few words with the claim.
NEAR_SENTENCES = 6
# Abstracts that are read closely.
NEAR_PAPERS = 2
# A second sentence is added where it holds that much more of the claim.
GAIN = 0.08
CACHED_SENTENCES = 4096
_WORST_FIRST = (Verdict.UNSUPPORTED, Verdict.WEAK, Verdict.SUPPORTED)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict together with the passage it rests on."""

    support: Support
    number: int | None


@dataclass(frozen=True, slots=True)
class Scored:
    """What rules and model made of a claim and an abstract.

    Attributes:
        text: The sentences chosen.
        contradiction: What they say otherwise, in words; `None` if nothing.
        looseness: What they say less surely, likewise.
        features: Of the claim against them, with those of the rules.
        probability: That they carry it.
        claim: The claim as it was read.
        window: The sentences chosen, likewise.
    """

    text: str
    contradiction: str | None
    looseness: str | None
    features: dict[str, float]
    probability: float
    claim: Reading
    window: Reading


class SupportChecker:
    """Checks one sentence against the abstracts it may rest on. Safe to share between threads."""

    def __init__(self, embedder: Embedder) -> None:
        self._models = load()
        self._embedder: TokenEmbedder | None = None
        if isinstance(embedder, TokenEmbedder) and embedder.name == self._models.embedder:
            self._embedder = embedder
        self._lock = threading.Lock()
        self._readings: OrderedDict[str, Reading] = OrderedDict()

    @property
    def model(self) -> SupportModel:
        """The weights in use: those for token vectors where the embedder gives them."""
        return self._models.aligned if self._embedder else self._models.words

    @property
    def thresholds(self) -> Thresholds:
        """What a probability must reach."""
        return self._models.comparison.thresholds if self._embedder else self._models.words.thresholds

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
        return max(best, other, key=_rank)

    def check_text(self, claim: str, evidence: str, title: str = "") -> Support:
        """The verdict on a claim against a text, for use outside a conversation."""
        if problem := no_statement(claim):
            return Support(Verdict.UNSUPPORTED, 0.0, reason=problem)
        return self._judge(claim, Paper("evidence", title, evidence)) or _nothing()

    def score(self, claim: str, evidence: str, title: str = "") -> Scored | None:
        """Features and probability without rules; `None` where nothing of the text comes near."""
        return self._scored(claim, Paper("evidence", title, evidence))

    def _best(self, claim: str, passages: Sequence[NumberedPassage]) -> Judgement:
        said = read(claim)

        def held(passage: NumberedPassage) -> float:
            found = set(terms(f"{passage.paper.title} {passage.paper.abstract}"))
            return coverage(said, found, self._models.rarity)

        nearest = sorted(passages, key=held, reverse=True)[:NEAR_PAPERS]
        found = [(self._judge(claim, passage.paper), passage.number) for passage in nearest]
        judged = [Judgement(support, number) for support, number in found if support]
        return max(judged, key=_rank, default=Judgement(_nothing(), None))

    def _judge(self, claim: str, paper: Paper) -> Support | None:
        if quoted := _quoted(claim, paper):
            return Support(Verdict.SUPPORTED, 1.0, quoted, paper.id)
        scored = self._scored(claim, paper)
        if scored is None:
            return None
        verdict, reason = self._verdict(scored)
        return Support(verdict, scored.probability, scored.text, paper.id, reason)

    def _verdict(self, scored: Scored) -> tuple[Verdict, str]:
        """Rules can only lower what the model says; the probability knows of them already."""
        if scored.contradiction:
            return Verdict.UNSUPPORTED, scored.contradiction
        if scored.probability < self.thresholds.weak:
            return Verdict.UNSUPPORTED, "the abstract does not say this"
        if scored.looseness or scored.probability < self.thresholds.supported:
            return Verdict.WEAK, scored.looseness or "the abstract says something close"
        return Verdict.SUPPORTED, ""

    def _scored(self, claim: str, paper: Paper) -> Scored | None:
        spans = statement_spans(paper.abstract)
        said, title = read(claim), set(terms(paper.title))
        if not spans or not said.content:
            return None
        plain = [self._plain(paper.abstract[a:b]) for a, b in spans]
        rarity = self._models.rarity
        by_words = sorted(range(len(spans)), key=lambda i: -coverage(said, plain[i].terms() | title, rarity))
        near = sorted(by_words[:NEAR_SENTENCES])
        said, *closely = self._closely([claim, *(paper.abstract[slice(*spans[i])] for i in near)])
        chosen = _choose(said, closely, [rarity.of(said.stems[i]) for i in said.content])
        window = join([closely[i] for i in chosen])
        text = " ".join(paper.abstract[slice(*spans[near[i]])] for i in chosen)
        figures = {figure for reading in plain for _, figure in reading.figures} | set(numbers(paper.title))
        held = set[str]().union(*(reading.terms() for reading in plain)) | title
        values = features(said, window, held, figures, rarity, paper.title)
        problem = contradiction(claim, text, paper.title)
        loose = looseness(claim, text, paper.title, words_alone=self._embedder is None)
        values |= {"contradicted": float(bool(problem)), "less_sure": float(bool(loose))}
        odds = self.model.log_odds(values)
        if self._embedder:
            odds = self._models.comparison.combined(odds, said, window, contradicted=bool(problem))
        return Scored(text, problem, loose, values, 1 / (1 + math.exp(-odds)), said, window)

    def _plain(self, text: str) -> Reading:
        return self._recall(f"\0{text}") or self._remember(f"\0{text}", read(text))

    def _closely(self, texts: Sequence[str]) -> list[Reading]:
        """The texts read with token vectors, in one pass for those that are new."""
        if self._embedder is None:
            return [self._plain(text) for text in texts]
        found = {text: self._recall(text) for text in texts}
        new = [text for text, known in found.items() if known is None]
        vectors: list[TokenVectors] = self._embedder.read_tokens([searchable(text) for text in new])
        for text, tokens in zip(new, vectors, strict=True):
            found[text] = self._remember(text, read(text, tokens))
        return [reading for text in texts if (reading := found[text])]

    def _recall(self, key: str) -> Reading | None:
        with self._lock:
            if key in self._readings:
                self._readings.move_to_end(key)
            return self._readings.get(key)

    def _remember(self, key: str, reading: Reading) -> Reading:
        with self._lock:
            self._readings[key] = reading
            if len(self._readings) > CACHED_SENTENCES:
                self._readings.popitem(last=False)
        return reading


def no_statement(claim: str, question: str = "", titles: Sequence[str] = ()) -> str | None:
    """Why a sentence says nothing that could be checked, in words; `None` if it does say something."""
    said = set(terms(claim))
    if len(said) < LEAST_TERMS or all(term[0].isdigit() for term in said):
        return "it is too short to be checked"
    if claim.rstrip().endswith((":", "?")):
        return "it is a heading or a question"
    if any(said <= set(terms(title)) for title in titles):
        return "it only repeats a title"
    new = said - set(terms(question))
    if question and len(new) <= ECHO_SHARE * len(said) and not set(numbers(claim)) - set(numbers(question)):
        return "it only says the question back"
    return None


def _choose(claim: Reading, sentences: Sequence[Reading], rarity: Sequence[float]) -> list[int]:
    """The sentence that holds most of the claim, and a second one where it adds much; in reading order."""
    weights = np.maximum(np.array(rarity), 1.0)
    weights /= weights.sum()
    held = [_held(claim, sentence) for sentence in sentences]
    best = int(np.argmax([float(h @ weights) for h in held]))
    gains = [float((np.maximum(held[best], h) - held[best]) @ weights) for h in held]
    second = int(np.argmax(gains))
    return sorted({best, second}) if gains[second] > GAIN else [best]


def _held(claim: Reading, sentence: Reading) -> Array:
    """How far the sentence has each content word of the claim, 0..1."""
    own = sentence.terms()
    exact = np.array([claim.stems[i] in own for i in claim.content], float)
    if claim.vectors is None or sentence.vectors is None or not sentence.content:
        return exact
    likeness = (claim.vectors[list(claim.content)] @ sentence.vectors[list(sentence.content)].T).max(axis=1)
    held: Array = np.maximum(exact, np.clip((likeness - 0.3) / 0.5, 0.0, 0.9))
    return held


def _quoted(claim: str, paper: Paper) -> str:
    """The sentence, or two neighbouring ones, that hold the claim word for word; empty if none do."""
    spans = statement_spans(paper.abstract)
    wanted = f" {folded(claim).rstrip('.')} "
    for size in (1, 2):
        for first in range(len(spans) - size + 1):
            text = paper.abstract[spans[first][0] : spans[first + size - 1][1]]
            if any(paper.abstract[a[1] : b[0]].strip() for a, b in pairwise(spans[first : first + size])):
                continue  # what lies between is no statement
            if wanted in f" {folded(text).replace('. ', ' ').rstrip('.')} " and not _left_out(claim, text):
                return text
    return ""


def _left_out(claim: str, text: str) -> bool:
    """Does a quotation leave out a negation or a hedge that governs it?"""
    said, held = read(claim).cues, read(text).cues
    return any(held[cue] - said[cue] for cue in ("negated", "hedged"))


def _rank(judgement: Judgement) -> tuple[int, float]:
    """The better verdict first: what a rule speaks against may still be likely."""
    return _WORST_FIRST.index(judgement.support.verdict), judgement.support.score


def _nothing() -> Support:
    return Support(Verdict.UNSUPPORTED, 0.0, reason="no abstract says this")
