"""Which sentences of the retrieved abstracts bear on the question.

A sentence is scored by a logistic model over features a reader would name: likeness in meaning, word by
word and as a whole, shared words by rarity, how its paper was ranked, a number where one is asked for, its
place, its length, and what it does in the abstract. Weights come from `eval/fit_evidence.py` on the arXiv training
and development questions; under cross-validation a gold sentence is among the first three of ten papers'
in 41 % and 94 % of them (docs/decisions/0019).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag import late, sentences
from rag.late import Interaction, Packed, Tokens
from rag.protocols import Catalog, Embedder, TermIndex
from rag.question import Question
from rag.sentences import Sentences
from rag.text import searchable, terms, words
from rag.types import Chunk, Evidence, Paper, ScoredPassage

WEIGHTS = {
    "match": 4.27, "mean": 1.71, "coverage": 0.73, "coverage_with_title": -2.53, "paper": 7.94, "below_best": 5.85,
    "number_wanted": 1.19, "number": 0.25, "position": 0.63, "length": 0.59, "first": -0.51, "contribution": 0.51,
    "result": 0.13, "background": -0.28,
}  # fmt: skip
BIAS = -20.96
LONG_SENTENCE = 400


@dataclass(frozen=True, slots=True)
class PaperEvidence:
    """Every sentence of one abstract, scored, in reading order; there is at least one."""

    sentences: tuple[Evidence, ...]

    @property
    def best(self) -> Evidence:
        """The sentence that bears most on the question."""
        return max(self.sentences, key=lambda evidence: evidence.score)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A question and some papers, looked at word by word; everything in the order of `scores`.

    Attributes:
        question: The standalone question.
        asked: Its tokens.
        idf: Rarity of each of its terms in the collection.
        scores: Of each paper by its id: fused, in 0..1, or after reranking, in 1..2.
        sentences: Those of each paper.
        tokens: Those of each paper.
        interactions: The question's tokens against each paper's.
    """

    question: Question
    asked: Tokens
    idf: Mapping[str, float]
    scores: Mapping[str, float]
    sentences: tuple[Sentences, ...]
    tokens: tuple[Packed, ...]
    interactions: tuple[Interaction, ...]

    @property
    def matches(self) -> dict[str, float]:
        """How well each paper meets the question word by word, at most 1, by paper id."""
        return {paper_id: met.match for paper_id, met in zip(self.scores, self.interactions, strict=True)}

    def share(self, among: Collection[str]) -> float:
        """The most of the question's terms, weighed by rarity, that one of these papers has; between 0 and 1."""
        rarity = np.array([*self.idf.values()])
        total = rarity.sum()
        own = [each for paper_id, each in zip(self.scores, self.sentences, strict=True) if paper_id in among]
        held = (_held(self.idf, [each.title, *each.terms]).any(axis=0) for each in own)
        return max((float(found @ rarity / total) for found in held), default=0.0) if total else 1.0

    def at(self, scores: Mapping[str, float]) -> Look:
        """The same at these papers alone, with these scores and in their order, as far as they were looked at."""
        places = {paper_id: n for n, paper_id in enumerate(self.scores)}
        known = {paper_id: score for paper_id, score in scores.items() if paper_id in places}
        kept = [places[paper_id] for paper_id in known]
        return Look(
            self.question,
            self.asked,
            self.idf,
            known,
            tuple(self.sentences[n] for n in kept),
            tuple(self.tokens[n] for n in kept),
            tuple(self.interactions[n] for n in kept),
        )

    def means(self) -> list[NDArray[np.float32]]:
        """How alike the question and each sentence are as a whole, by paper."""
        return late.means(self.asked, self.tokens, [own.spans for own in self.sentences])


def features(look: Look) -> NDArray[np.float64]:
    """The features of every sentence of every paper, one after the other; papers have their reranked scores.

    Shape (sentences, features), columns in the order of `WEIGHTS`.
    """
    counts = [len(own.spans) for own in look.sentences]
    cues = np.concatenate([np.zeros((0, 3)), *(own.cues for own in look.sentences)])
    spans = np.concatenate([np.zeros((0, 2), np.int32), *(own.spans for own in look.sentences)])
    place = np.concatenate([np.arange(0), *map(np.arange, counts)])
    number = np.concatenate([np.zeros(0), *(own.numbers for own in look.sentences)])
    held = _held(look.idf, [terms for own in look.sentences for terms in own.terms])
    titles = _held(look.idf, [own.title for own in look.sentences])
    rarity = np.array([*look.idf.values()])
    total = rarity.sum() or 1.0
    columns = {
        "match": _joined([met.sentences for met in look.interactions]),
        "mean": _joined(look.means()),
        "coverage": held @ rarity / total,
        "coverage_with_title": (held | np.repeat(titles, counts, axis=0)) @ rarity / total,
        "paper": np.repeat([*look.scores.values()], counts),
        "below_best": _joined([met.sentences - met.sentences.max(initial=-1) for met in look.interactions]),
        "number_wanted": number * look.question.wants_number,
        "number": number,
        "position": place / np.maximum(1, np.repeat(counts, counts) - 1),
        "length": np.minimum(spans[:, 1] - spans[:, 0], LONG_SENTENCE) / LONG_SENTENCE,
        "first": place == 0,
        "contribution": cues[:, 0],
        "result": cues[:, 1],
        "background": cues[:, 2],
    }
    return np.column_stack([columns[name] for name in WEIGHTS]).astype(np.float64)


def probability(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic model over the features of sentences, shape (sentences,)."""
    likely: NDArray[np.float64] = 1 / (1 + np.exp(-(BIAS + values @ np.array([*WEIGHTS.values()]))))
    return likely


def _held(idf: Mapping[str, float], texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the question's terms each of the texts holds, shape (texts, terms)."""
    wanted = [f" {term} " for term in idf]
    return np.array([[term in text for term in wanted] for text in texts], bool).reshape(len(texts), len(wanted))


def _joined(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(0, np.float32), *parts])


class EvidenceScorer:
    """Scores sentences by the token vectors that the index keeps; a paper without them costs a forward pass."""

    def __init__(self, embedder: Embedder, terms_index: TermIndex, catalog: Catalog) -> None:
        self._embedder = embedder
        self._terms = terms_index
        self._catalog = catalog

    def look(self, question: Question, fused: Mapping[str, float], papers: Mapping[str, Paper] | None = None) -> Look:
        """Looks at papers word by word.

        Args:
            question: The standalone question.
            fused: Their scores in 0..1 by paper id; those that are gone from the index meanwhile are left out.
            papers: The papers, where they are at hand; they need not be in the index.
        """
        kept, tokens = self._catalog.sentences([*fused]), self._catalog.tokens([*fused])
        if papers is None and (lacking := [key for key in fused if key not in kept or key not in tokens]):
            papers = {key: paper for key, (paper, _) in self._catalog.get(lacking).items()}
        kept |= {key: sentences.of(paper) for key, paper in (papers or {}).items()}
        tokens |= self._made([paper for key, paper in (papers or {}).items() if key not in tokens])
        found = [key for key in fused if key in kept and key in tokens]
        read, held = tuple(kept[key] for key in found), tuple(tokens[key] for key in found)
        asked, idf = self._embedder.query_tokens(question.text), self.idf(question.text)
        weight = late.weights(question.text, asked, idf)
        met = late.interactions(asked, weight, held, [own.spans for own in read])
        return Look(question, asked, idf, {key: fused[key] for key in found}, read, held, tuple(met))

    def score(self, look: Look, passages: Sequence[ScoredPassage]) -> dict[str, PaperEvidence]:
        """Evidence of those passages' papers that were looked at, by id; papers without a sentence are left out."""
        papers = {passage.paper.id: passage.paper for passage in passages}
        look = look.at({passage.paper.id: passage.score for passage in passages})
        scores = iter(probability(features(look)).tolist())
        found: dict[str, PaperEvidence] = {}
        for paper_id, own in zip(look.scores, look.sentences, strict=True):
            abstract, spans = papers[paper_id].abstract, own.spans.tolist()
            scored = tuple(Evidence(start, end, abstract[start:end], next(scores)) for start, end in spans)
            if scored:
                found[paper_id] = PaperEvidence(scored)
        return found

    def of(self, question: Question, passages: Sequence[ScoredPassage]) -> dict[str, PaperEvidence]:
        """Evidence of passages, whose papers need not be in the index, by paper id."""
        papers = {passage.paper.id: passage.paper for passage in passages}
        return self.score(self.look(question, {p.paper.id: p.score for p in passages}, papers), passages)

    def _made(self, papers: Sequence[Paper]) -> dict[str, Packed]:
        """Tokens that no index keeps, at the price of a forward pass."""
        if not papers:
            return {}
        chunks = [Chunk(paper, 0, len(paper.abstract)) for paper in papers]
        _, tokens = self._embedder.embed_tokens([chunk.embedded_text for chunk in chunks])
        return {key: late.packed(late.pack(own)) for key, own in late.of_papers(chunks, tokens).items()}

    def idf(self, text: str) -> dict[str, float]:
        """Rarity of the content terms of `text` in the collection (natural logarithm)."""
        papers = self._terms.count()
        rarity: dict[str, float] = {}
        for word in dict.fromkeys(words(searchable(text))):
            frequency = max((count for _, count in self._terms.document_frequency(word)), default=0)
            for term in terms(word):
                rarity[term] = math.log((papers + 1) / (frequency + 0.5))
        return rarity
