"""Which sentences of the retrieved abstracts bear on the question.

A sentence is scored by a logistic model over ten features a reader would name: likeness in
meaning, word by word and as a whole, shared words by rarity, the paper's own rank, a number where
one is asked for, its place and length. Weights come from `eval/fit_evidence.py` on the arXiv
development questions; the gold sentence is among the first three in 83 % of them under
cross-validation, against 57 % by cosine of the bare sentence (docs/decisions/0003 and 0006).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag import late
from rag.late import Tokens
from rag.protocols import Catalog, Embedder, TermIndex
from rag.question import Question
from rag.text import numbers, searchable, sentence_spans, terms, words
from rag.types import Chunk, Evidence, ScoredPassage

WEIGHTS = {
    "match": 2.04, "mean": 2.28, "coverage": 1.16, "coverage_with_title": 0.65, "paper": 7.08, "number_wanted": 0.67,
    "number": 1.05, "position": 1.02, "length": 1.61, "first": -1.41,
}  # fmt: skip
BIAS = -13.48
LONG_SENTENCE = 400


@dataclass(frozen=True, slots=True)
class PaperEvidence:
    """Every sentence of one abstract, scored, in reading order.

    `match` is how well the question's words are met anywhere in title and abstract (`rag.late`), at most 1.
    """

    sentences: tuple[Evidence, ...]
    match: float

    @property
    def best(self) -> Evidence:
        """The sentence that bears most on the question."""
        return max(self.sentences, key=lambda evidence: evidence.score)


def features(
    question: Question,
    idf: Mapping[str, float],
    passage: ScoredPassage,
    spans: Sequence[tuple[int, int]],
    place: int,
) -> dict[str, float]:
    """The features of one sentence that words alone give.

    Args:
        question: The standalone question.
        idf: Rarity of each of the question's terms in the collection.
        passage: The sentence's paper, with its fused score in 0..1.
        spans: All sentences of the abstract.
        place: Which of them.
    """
    start, end = spans[place]
    text = passage.paper.abstract[start:end]
    sentence, title = set(terms(text)), set(terms(passage.paper.title))
    total = sum(idf.values()) or 1.0
    has_number = bool(numbers(text))
    return {
        "coverage": sum(weight for term, weight in idf.items() if term in sentence) / total,
        "coverage_with_title": sum(w for term, w in idf.items() if term in sentence | title) / total,
        "paper": passage.score,
        "number_wanted": float(has_number and question.wants_number),
        "number": float(has_number),
        "position": place / max(1, len(spans) - 1),
        "length": min(len(text), LONG_SENTENCE) / LONG_SENTENCE,
        "first": float(place == 0),
    }


def probability(values: Mapping[str, float]) -> float:
    """The logistic model over all features of a sentence."""
    return 1 / (1 + math.exp(-(BIAS + sum(WEIGHTS[name] * value for name, value in values.items()))))


class EvidenceScorer:
    """Scores sentences by the token vectors that the index keeps; a paper without them costs a forward pass."""

    def __init__(self, embedder: Embedder, terms_index: TermIndex, catalog: Catalog) -> None:
        self._embedder = embedder
        self._terms = terms_index
        self._catalog = catalog

    def score(self, question: Question, passages: Sequence[ScoredPassage]) -> dict[str, PaperEvidence]:
        """Evidence of each passage's paper, by paper id."""
        found: dict[str, PaperEvidence] = {}
        for passage, match, sentences in self.all_features(question, passages):
            abstract = passage.paper.abstract
            scored = (Evidence(a, b, abstract[a:b], probability(values)) for (a, b), values in sentences)
            found[passage.paper.id] = PaperEvidence(tuple(scored), match)
        return found

    def all_features(
        self, question: Question, passages: Sequence[ScoredPassage]
    ) -> Iterator[tuple[ScoredPassage, float, list[tuple[tuple[int, int], dict[str, float]]]]]:
        """Each passage with its paper's match, and every sentence of the paper: its span and its features."""
        idf = self.idf(question.text)
        asked = self._embedder.query_tokens(question.text)
        weight = late.weights(question.text, asked, idf)
        tokens = self._tokens(passages)
        for passage in passages:
            interaction = late.Interaction(asked, weight, tokens[passage.paper.id])
            spans = sentence_spans(passage.paper.abstract)
            sentences = []
            for place, span in enumerate(spans):
                match, mean = interaction.sentence(*span)
                values = {"match": match, "mean": mean, **features(question, idf, passage, spans, place)}
                sentences.append((span, values))
            yield passage, interaction.score(), sentences

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
