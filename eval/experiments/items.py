"""What an experiment asks: questions with accepted answers, gold passages, and passages given with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Measure = Literal["containment", "rouge_l", "label", "facts", "attribution"]
"""How an answer is scored; see `eval.experiments.scoring`."""

MEANINGS: Mapping[Measure, str] = {
    "containment": (
        "share of questions whose answer contains an accepted answer, both without case, punctuation and articles; "
        "only the first line the reader writes counts (as in lost-in-the-middle; the paper names its metric only "
        "'RAG accuracy')"
    ),
    "rouge_l": "ROUGE-L F1 of the answer against the nearest reference: long references are never contained whole",
    "label": "share of claims whose first verdict word (supports or refutes) is the right one",
    "facts": "share of the expected facts of which one wording stands in the answer",
    "attribution": "share of claims for which the quoted sentence comes from an abstract that holds evidence",
}  # fmt: skip
NAMES: Mapping[Measure, str] = {
    "containment": "Answers with an accepted answer", "rouge_l": "ROUGE-L F1", "label": "Right verdicts",
    "facts": "Expected facts", "attribution": "Quotes from a gold abstract",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text a reader may be given."""

    id: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        """Title and text, in which an answer is looked for."""
        return f"{self.title}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    Attributes:
        id: Of the question in its file.
        question: Its text; a claim where `label` is set.
        gold: Passages that hold the answer; never empty. The first is the one that experiments place.
        answers: Accepted answers, or long references.
        facts: Expected facts, each as its accepted wordings.
        label: `supports` or `refutes`, for a claim.
        given: Passages that come with the question, gold and distractors; empty where they are retrieved.
        related: Ids of passages that are neither gold nor fair distractors, as a claim's cited abstracts.
    """

    id: str
    question: str
    gold: tuple[Passage, ...]
    answers: tuple[str, ...] = ()
    facts: tuple[tuple[str, ...], ...] = ()
    label: str = ""
    given: tuple[Passage, ...] = ()
    related: frozenset[str] = frozenset()

    @property
    def gold_ids(self) -> frozenset[str]:
        """Ids of the gold passages."""
        return frozenset(passage.id for passage in self.gold)

    @property
    def wordings(self) -> tuple[str, ...]:
        """Everything whose presence in a passage means that the passage answers."""
        return (*self.answers, *(wording for fact in self.facts for wording in fact))


@dataclass(frozen=True, slots=True)
class Task:
    """A data set made ready.

    Attributes:
        name: As the reader of the report knows it.
        measure: How answers are scored.
        items: The questions.
        corpus: A BEIR corpus to retrieve from; `None`: the user's own index.
        note: What was left out, and what one must know.
    """

    name: str
    measure: Measure
    items: tuple[Item, ...]
    corpus: Path | None
    note: str = ""
