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
from rag.injection import statement_spans
from rag.late import Interaction, Tokens
from rag.protocols import Catalog, Embedder, TermIndex
from rag.question import Question
from rag.text import numbers, searchable, terms, words
from rag.types import Chunk, Evidence, ScoredPassage

WEIGHTS = {
    "match": 2.04, "mean": 2.28, "coverage": 1.16, "coverage_with_title": 0.65, "paper": 7.08, "number_wanted": 0.67,
    "number": 1.05, "position": 1.02, "length": 1.61, "first": -1.41,
}  # fmt: skip
BIAS = -13.48
LONG_SENTENCE = 400


@dataclass(frozen=True, slots=True)
class PaperEvidence:
    """Every sentence of one abstract, scored, in reading order; there is at least one."""

    sentences: tuple[Evidence, ...]

    @property
    def best(self) -> Evidence:
        """The sentence that bears most on the question."""
        return max(self.sentences, key=lambda evidence: evidence.score)


def features(
    question: Question,
    idf: Mapping[str, float],
    passage: ScoredPassage,
    title: set[str],
    spans: Sequence[tuple[int, int]],
    place: int,
) -> dict[str, float]:
    """The features of one sentence that words alone give.

    Args:
        question: The standalone question.
        idf: Rarity of each of the question's terms in the collection.
        passage: The sentence's paper, with its fused score in 0..1.
        title: Content terms of its title.
        spans: All sentences of the abstract.
        place: Which of them.
    """
    start, end = spans[place]
    text = passage.paper.abstract[start:end]
    sentence = set(terms(text))
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

    def interactions(self, question: Question, passages: Sequence[ScoredPassage]) -> dict[str, Interaction]:
        """The question's tokens against those of each passage's paper, by paper id."""
        asked = self._embedder.query_tokens(question.text)
        weight = late.weights(question.text, asked, self.idf(question.text))
        return {key: Interaction(asked, weight, tokens) for key, tokens in self._tokens(passages).items()}

    def matches(self, passages: Sequence[ScoredPassage], interactions: Mapping[str, Interaction]) -> dict[str, float]:
        """How well each passage's paper meets the question word by word, at most 1, by paper id."""
        papers = [passage.paper for passage in passages]
        return {paper.id: interactions[paper.id].match(statement_spans(paper.abstract)) for paper in papers}

    def score(
        self, question: Question, passages: Sequence[ScoredPassage], interactions: Mapping[str, Interaction]
    ) -> dict[str, PaperEvidence]:
        """Evidence of each passage's paper, by paper id; papers without a sentence are left out."""
        found: dict[str, PaperEvidence] = {}
        idf = self.idf(question.text)
        for passage in passages:
            abstract = passage.paper.abstract
            scored = tuple(
                Evidence(start, end, abstract[start:end], probability(values))
                for (start, end), values in self.features(question, idf, passage, interactions[passage.paper.id])
            )
            if scored:
                found[passage.paper.id] = PaperEvidence(scored)
        return found

    def features(
        self, question: Question, idf: Mapping[str, float], passage: ScoredPassage, interaction: Interaction
    ) -> Iterator[tuple[tuple[int, int], dict[str, float]]]:
        """Every sentence of a passage's paper: its span and its features."""
        title = set(terms(passage.paper.title))
        spans = statement_spans(passage.paper.abstract)
        for place, span in enumerate(spans):
            match, mean = interaction.sentence(*span)
            yield span, {"match": match, "mean": mean, **features(question, idf, passage, title, spans, place)}

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
