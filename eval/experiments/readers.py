"""Who answers: a language model over whole passages, or the best evidence sentence without any model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eval.experiments.items import Item, Measure, Passage
from eval.experiments.scoring import first_line
from eval.experiments.search import Search
from rag import question
from rag.protocols import GenerationLimits, Generator, Message
from rag.types import Chunk, ScoredPassage

QUOTES = "quotes"
INSTRUCTIONS: dict[Measure, str] = {
    "containment": "Answer the question from the documents. Give only the answer, in a few words.",
    "facts": "Answer the question from the documents. Give only the answer, in one sentence.",
    "rouge_l": "Answer the question from the documents, in one or two sentences.",
    "label": "Decide from the documents whether the claim is true. Answer with one word: SUPPORTS or REFUTES.",
}
CLOSED_BOOK: dict[Measure, str] = {
    "containment": "Answer the question. Give only the answer, in a few words.",
    "facts": "Answer the question. Give only the answer, in one sentence.",
    "rouge_l": "Answer the question in one or two sentences.",
    "label": "Decide whether the claim is true. Answer with one word: SUPPORTS or REFUTES.",
}
NEW_TOKENS: dict[Measure, int] = {"containment": 32, "facts": 32, "label": 32, "rouge_l": 64}
"""The paper's 32, and 64 where the references are sentences."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader wrote, and the passage it is quoted from (empty: not known)."""

    answer: str
    source: str = ""


class Reader(Protocol):
    """Answers a question from passages."""

    @property
    def name(self) -> str:
        """As shown in the report."""

    @property
    def device(self) -> str:
        """cpu, cuda or server."""

    @property
    def context_tokens(self) -> int | None:
        """Longest prompt plus answer; `None`: no limit."""

    @property
    def new_tokens(self) -> int:
        """Longest answer."""

    def tokens(self, item: Item, passages: Sequence[Passage]) -> int:
        """Length of the prompt."""

    def read(self, item: Item, passages: Sequence[Passage]) -> Reading:
        """The answer.

        Raises:
            GenerationError: The model failed.
        """


class ModelReader:
    """A language model: instruction, documents, question last (`[I, d1..dk, q]`); greedy where it runs here."""

    def __init__(
        self, generator: Generator, measure: Measure, *, new_tokens: int | None = None, instruction: str | None = None
    ) -> None:
        self._generator = generator
        self._measure = measure
        self._instruction = instruction or INSTRUCTIONS[measure]
        self.new_tokens = new_tokens or NEW_TOKENS[measure]
        self.name = generator.name
        self.device = generator.device
        self.context_tokens: int | None = generator.context_tokens

    def tokens(self, item: Item, passages: Sequence[Passage]) -> int:
        """Length of the prompt in the model's tokens, template included."""
        return self._generator.prompt_tokens(self.messages(item, passages))

    def read(self, item: Item, passages: Sequence[Passage]) -> Reading:
        """What the model writes; where only the first line counts, nothing is computed after it."""
        cancel = threading.Event()
        text = ""
        for piece in self._generator.stream(self.messages(item, passages), GenerationLimits(self.new_tokens), cancel):
            text += piece
            if self._measure in ("containment", "label") and "\n" in text.lstrip():
                cancel.set()
        return Reading(first_line(text) if self._measure == "containment" else text.strip())

    def messages(self, item: Item, passages: Sequence[Passage]) -> list[Message]:
        """The prompt."""
        asked = "Claim" if item.label else "Question"
        if not passages:
            return [
                {"role": "system", "content": CLOSED_BOOK[self._measure]},
                {"role": "user", "content": f"{asked}: {item.question}"},
            ]
        documents = "\n\n".join(_document(number, passage) for number, passage in enumerate(passages, start=1))
        return [
            {"role": "system", "content": self._instruction},
            {"role": "user", "content": f"{documents}\n\n{asked}: {item.question}"},
        ]


def _document(number: int, passage: Passage) -> str:
    title = f" (Title: {passage.title})" if passage.title else ""
    return f"Document {number}{title}: {passage.text}"


class QuoteReader:
    """No model: the sentence that the program's evidence scorer ranks first is the answer.

    It knows no order of passages and no length of context, so what it loses as passages are added is lost by
    ranking alone.
    """

    name = "quotes (best evidence sentence)"
    device = "cpu"
    context_tokens: int | None = None
    new_tokens = 0

    def __init__(self, search: Search) -> None:
        self._search = search
        self._scores: dict[str, dict[str, float]] = {}

    def tokens(self, item: Item, passages: Sequence[Passage]) -> int:
        """Nothing is prompted."""
        return 0

    def read(self, item: Item, passages: Sequence[Passage]) -> Reading:
        """The best sentence and the passage it stands in; nothing where there is no passage."""
        if not passages:
            return Reading("")
        if item.id not in self._scores:
            self._scores = {item.id: self._search.scores(item)}
        fused = self._scores[item.id]
        papers = self._search.papers(passages)
        scored = [
            ScoredPassage(Chunk(paper, 0, len(paper.abstract)), fused.get(paper.id, 0.0), rank)
            for rank, paper in enumerate(papers, start=1)
        ]
        found = self._search.evidence.of(question.read(item.question), scored)
        # Ties by id, so that no order of passages can show.
        best = max(found, key=lambda key: (found[key].best.score, key), default="")
        return Reading(found[best].best.text, best) if best else Reading("")
