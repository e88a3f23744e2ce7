"""Which sentences of the retrieved abstracts bear on the question.

A sentence is scored by a logistic model over ten features a reader would name: likeness in
meaning, word by word and as a whole, shared words by rarity, the paper's own rank, a number where
one is asked for, its place and length. Weights come from `eval/fit_evidence.py` on the arXiv training
and development questions; under cross-validation a gold sentence is among the first three of ten papers'
in 38 % and 81 % of them (docs/decisions/0014).
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
from rag.types import Chunk, Evidence, ScoredPassage

WEIGHTS = {
    "match": 6.32, "mean": 1.83, "coverage": 0.71, "coverage_with_title": -1.63, "paper": 8.88, "number_wanted": 1.14,
    "number": 0.20, "position": 0.86, "length": 1.18, "first": -0.44,
}  # fmt: skip
BIAS = -12.47
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
        asked: Its tokens.
        idf: Rarity of each of its terms in the collection.
        passages: With their fused scores in 0..1.
        sentences: Those of each paper.
        tokens: Those of each paper.
        interactions: The question's tokens against each paper's.
    """

    question: Question
    asked: Tokens
    idf: Mapping[str, float]
    passages: tuple[ScoredPassage, ...]
    sentences: tuple[Sentences, ...]
    tokens: tuple[Packed, ...]
    interactions: tuple[Interaction, ...]

    @property
    def matches(self) -> dict[str, float]:
        """How well each paper meets the question word by word, at most 1, by paper id."""
        return {p.paper.id: met.match for p, met in zip(self.passages, self.interactions, strict=True)}

    def among(self, paper_ids: Collection[str]) -> Look:
        """The same at these papers alone."""
        kept = [n for n, passage in enumerate(self.passages) if passage.paper.id in paper_ids]
        return Look(
            self.question,
            self.asked,
            self.idf,
            tuple(self.passages[n] for n in kept),
            tuple(self.sentences[n] for n in kept),
            tuple(self.tokens[n] for n in kept),
            tuple(self.interactions[n] for n in kept),
        )

    def means(self) -> list[NDArray[np.float32]]:
        """How alike the question and each sentence are as a whole, by paper."""
        return late.means(self.asked, self.tokens, [own.spans for own in self.sentences])


def features(look: Look) -> NDArray[np.float64]:
    """The features of every sentence of every paper, one after the other.

    Shape (sentences, features), columns in the order of `WEIGHTS`.
    """
    counts = [len(own.spans) for own in look.sentences]
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
        "paper": np.repeat([passage.score for passage in look.passages], counts),
        "number_wanted": number * look.question.wants_number,
        "number": number,
        "position": place / np.maximum(1, np.repeat(counts, counts) - 1),
        "length": np.minimum(spans[:, 1] - spans[:, 0], LONG_SENTENCE) / LONG_SENTENCE,
        "first": place == 0,
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
        asked, idf = self._embedder.query_tokens(question.text), self.idf(question.text)
        read, tokens = self._sentences(passages), self._tokens(passages)
        weight = late.weights(question.text, asked, idf)
        met = late.interactions(asked, weight, tokens, [own.spans for own in read])
        return Look(question, asked, idf, tuple(passages), tuple(read), tuple(tokens), tuple(met))

    def score(self, look: Look) -> dict[str, PaperEvidence]:
        """Evidence of each paper looked at, by paper id; papers without a sentence are left out."""
        scores = iter(probability(features(look)).tolist())
        found: dict[str, PaperEvidence] = {}
        for passage, own in zip(look.passages, look.sentences, strict=True):
            abstract = passage.paper.abstract
            spans = own.spans.tolist()
            scored = tuple(Evidence(start, end, abstract[start:end], next(scores)) for start, end in spans)
            if scored:
                found[passage.paper.id] = PaperEvidence(scored)
        return found

    def _sentences(self, passages: Sequence[ScoredPassage]) -> list[Sentences]:
        kept = self._catalog.sentences([passage.paper.id for passage in passages])
        return [kept.get(passage.paper.id) or sentences.of(passage.paper) for passage in passages]

    def _tokens(self, passages: Sequence[ScoredPassage]) -> list[Packed]:
        kept = self._catalog.tokens([passage.paper.id for passage in passages])
        missing = [Chunk(p.paper, 0, len(p.paper.abstract)) for p in passages if p.paper.id not in kept]
        if missing:
            _, tokens = self._embedder.embed_tokens([chunk.embedded_text for chunk in missing])
            made = late.of_papers(missing, tokens)
            kept = {**kept, **{key: late.packed(late.pack(own)) for key, own in made.items()}}
        return [kept[passage.paper.id] for passage in passages]

    def idf(self, text: str) -> dict[str, float]:
        """Rarity of the content terms of `text` in the collection (natural logarithm)."""
        papers = self._terms.count()
        rarity: dict[str, float] = {}
        for word in dict.fromkeys(words(searchable(text))):
            frequency = max((count for _, count in self._terms.document_frequency(word)), default=0)
            for term in terms(word):
                rarity[term] = math.log((papers + 1) / (frequency + 0.5))
        return rarity
