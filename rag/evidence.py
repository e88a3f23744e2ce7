"""Which sentences of the retrieved abstracts bear on the question.

A sentence is scored by a logistic model over features a reader would name: likeness in meaning, word by
word and as a whole, shared words by rarity, how its paper was ranked, a number where one is asked for, its
place, its length, and what it does in the abstract. Weights come from `eval/fit_evidence.py` on the arXiv training
and development questions; under cross-validation a gold sentence is among the first three of ten papers'
in 42 % and 84 % of them (docs/decisions/0014).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag import late, sentences
from rag.late import Interaction, Tokens
from rag.protocols import Catalog, Embedder, TermIndex
from rag.question import Question
from rag.sentences import Sentences
from rag.text import searchable, terms, words
from rag.types import Chunk, Evidence, ScoredPassage

WEIGHTS = {
    "match": 3.58, "mean": 1.60, "coverage": 0.91, "coverage_with_title": -0.80, "paper": 6.74, "below_best": 2.57,
    "number_wanted": 0.95, "number": 0.23, "position": 0.87, "length": 0.66, "first": -0.61, "contribution": 0.54,
    "result": 0.12, "background": -0.31,
}  # fmt: skip
BIAS = -18.92
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
    """A question and some passages' papers, looked at word by word; everything in the passages' order.

    Attributes:
        question: The standalone question.
        idf: Rarity of each of its terms in the collection.
        passages: With their scores: fused ones, in 0..1, or those after reranking, in 1..2.
        sentences: Those of each paper.
        interactions: The question's tokens against each paper's.
    """

    question: Question
    idf: Mapping[str, float]
    passages: tuple[ScoredPassage, ...]
    sentences: tuple[Sentences, ...]
    interactions: tuple[Interaction, ...]

    @property
    def matches(self) -> dict[str, float]:
        """How well each paper meets the question word by word, at most 1, by paper id."""
        return {p.paper.id: met.match for p, met in zip(self.passages, self.interactions, strict=True)}

    def at(self, passages: Sequence[ScoredPassage]) -> Look:
        """The same at these passages alone, with their scores and in their order, as far as they were looked at."""
        places = {passage.paper.id: n for n, passage in enumerate(self.passages)}
        passages = [passage for passage in passages if passage.paper.id in places]
        kept = [places[passage.paper.id] for passage in passages]
        return Look(
            self.question,
            self.idf,
            tuple(passages),
            tuple(self.sentences[n] for n in kept),
            tuple(self.interactions[n] for n in kept),
        )


def features(look: Look) -> NDArray[np.float64]:
    """The features of every sentence of every paper, one after the other; passages have their reranked scores.

    Shape (sentences, features), columns in the order of `WEIGHTS`.
    """
    counts = [len(own.spans) for own in look.sentences]
    cues = np.array([cue for own in look.sentences for cue in own.cues], float).reshape(-1, 3)
    spans = np.array([span for own in look.sentences for span in own.spans]).reshape(-1, 2)
    place = np.concatenate([np.arange(0), *map(np.arange, counts)])
    number = np.array([has for own in look.sentences for has in own.numbers], float)
    held = _held(look.idf, [terms for own in look.sentences for terms in own.terms])
    titles = _held(look.idf, [own.title for own in look.sentences])
    rarity = np.array([*look.idf.values()])
    total = rarity.sum() or 1.0
    columns = {
        "match": _joined([met.sentences for met in look.interactions]),
        "mean": _joined([met.means for met in look.interactions]),
        "coverage": held @ rarity / total,
        "coverage_with_title": (held | np.repeat(titles, counts, axis=0)) @ rarity / total,
        "paper": np.repeat([passage.score for passage in look.passages], counts),
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

    def look(self, question: Question, passages: Sequence[ScoredPassage]) -> Look:
        """Looks at each passage's paper word by word."""
        idf = self.idf(question.text)
        read = tuple(sentences.of(passage.paper) for passage in passages)
        met = self.interactions(question, idf, passages, [own.spans for own in read])
        return Look(question, idf, tuple(passages), read, tuple(met))

    def interactions(
        self,
        question: Question,
        idf: Mapping[str, float],
        passages: Sequence[ScoredPassage],
        spans: Sequence[Sequence[tuple[int, int]]],
    ) -> list[Interaction]:
        """The question's tokens against those of each passage's paper.

        Args:
            question: The standalone question.
            idf: Rarity of its terms.
            passages: Whose papers.
            spans: The sentences of each.
        """
        asked = self._embedder.query_tokens(question.text)
        kept = self._tokens(passages)
        papers = [kept[passage.paper.id] for passage in passages]
        return late.interactions(asked, late.weights(question.text, asked, idf), papers, spans)

    def score(self, look: Look) -> dict[str, PaperEvidence]:
        """Evidence of each paper looked at, by paper id; papers without a sentence are left out."""
        scores = iter(probability(features(look)).tolist())
        found: dict[str, PaperEvidence] = {}
        for passage, own in zip(look.passages, look.sentences, strict=True):
            abstract = passage.paper.abstract
            scored = tuple(Evidence(start, end, abstract[start:end], next(scores)) for start, end in own.spans)
            if scored:
                found[passage.paper.id] = PaperEvidence(scored)
        return found

    def _tokens(self, passages: Sequence[ScoredPassage]) -> dict[str, Tokens]:
        found = self._catalog.tokens([passage.paper.id for passage in passages])
        missing = [Chunk(p.paper, 0, len(p.paper.abstract)) for p in passages if p.paper.id not in found]
        if missing:
            _, tokens = self._embedder.embed_tokens([chunk.embedded_text for chunk in missing])
            found |= late.of_papers(missing, tokens)
        return found

    def idf(self, text: str) -> dict[str, float]:
        """Rarity of the content terms of `text` in the collection (natural logarithm)."""
        papers = self._terms.count()
        rarity: dict[str, float] = {}
        for word in dict.fromkeys(words(searchable(text))):
            frequency = max((count for _, count in self._terms.document_frequency(word)), default=0)
            for term in terms(word):
                rarity[term] = math.log((papers + 1) / (frequency + 0.5))
        return rarity
