"""Questions with one known answer, made from a collection that nobody has judged.

A known-item question is one whose asker has a certain paper in mind (Azzopardi, de Rijke and Balog,
SIGIR 2007). Four kinds, from easy to hard:

    title      the paper's title, which is in the index: an upper bound
    sentence   the abstract's most distinctive sentence, which is in the index: an upper bound
    held-out   the same sentence, taken out of the paper in a copy of the index made for it
    model      a question that a language model wrote about that sentence in words of its own

Copied words favour whatever matches words, so the first three say which configuration loses papers, not how well
people's questions are answered.
"""

from __future__ import annotations

import heapq
import json
import logging
import math
import threading
from dataclasses import dataclass
from pathlib import Path

from eval.datasets import Dataset, Progress, hashed
from rag.errors import UsageError
from rag.files import whole_text
from rag.index import Index
from rag.protocols import GenerationLimits, Generator, TermIndex
from rag.text import sentences, terms, words
from rag.types import Paper

log = logging.getLogger(__name__)

SHORTEST, LONGEST = 6, 45
"""Words of a sentence that may stand as a question."""
COPIED = 0.5
QUESTION_TOKENS = 48
# A paper for which the model writes nothing usable is passed over; so many are tried for each question.
TRIES = 4
KINDS = ("title", "sentence", "held-out", "model")
_RELEVANT = "The one relevant paper is the one it comes from. Compare configurations by such questions with care."
NOTES = {
    "title": "Known-item questions: titles. The index holds them, so the figures are upper bounds. " + _RELEVANT,
    "sentence": (
        "Known-item questions: sentences copied from the abstracts. The index holds them, so the figures are upper "
        "bounds, and they favour matching by words. " + _RELEVANT
    ),
    "held-out": (
        "Known-item questions: sentences taken out of the abstracts, in a copy of the index without them. They favour "
        "matching by words, as a sentence repeats the words of those around it. " + _RELEVANT
    ),
    "model": (
        "Known-item questions written by {model} about one sentence of a paper each, kept where they end as questions, "
        "copy at most half of the sentence's words and take less than half of theirs from the title ({kept} of {tried} "
        "were). Nobody has checked them, and other papers may answer them too."
    ),
}
PROMPT = (
    "Write one short question that a researcher could ask and that this sentence answers. Use words of your own; "
    "do not mention the sentence or the paper.\n\nPaper: {title}\nSentence: {sentence}\n\nQuestion:"
)


@dataclass(frozen=True, slots=True)
class Item:
    """A paper and the words that are to lead back to it."""

    paper: Paper
    text: str


def known_items(
    index: Index, count: int, progress: Progress, kind: str = "sentence", generator: Generator | None = None
) -> Dataset:
    """`count` questions over the papers of an index, drawn by hash of their ids: always the same ones.

    Args:
        index: The collection.
        count: How many; fewer where the collection is smaller.
        progress: See `Progress`.
        kind: One of `KINDS`. Questions `held-out` belong to the collection that `held_out_corpus` writes.
        generator: Writes the questions of the kind `model`.

    Raises:
        UsageError: The index holds no paper, or none makes such a question.
        GenerationError: The model failed.
    """
    papers = heapq.nsmallest(count * TRIES, index.catalog.papers(), key=lambda paper: hashed(paper.id))
    if not papers:
        raise UsageError(f"The index in {index.folder} is empty. Run 'paperchat ingest PATH' with your papers first.")
    doing = f"Asking {generator.name}" if generator else "Choosing questions"
    items: list[Item] = []
    tried = 0
    # How many papers a model needs for `count` usable questions is not known before.
    for paper in progress(doing, papers, 0 if generator else min(count, len(papers))):
        if len(items) == count:
            break
        tried += 1
        if text := _question(paper, index.terms, kind, generator):
            items.append(Item(paper, text))
    log.info("%d usable questions about %d papers", len(items), tried)
    if not items:
        remedy = "name a larger model with --model" if generator else "--questions title"
        raise UsageError(
            f"{tried} papers made no usable question of the kind {kind!r}. Try --questions sentence, or {remedy}."
        )
    note = NOTES[kind].format(model=generator.name if generator else "", kept=len(items), tried=tried)
    return _dataset(index, items, note)


def _question(paper: Paper, term_index: TermIndex, kind: str, generator: Generator | None) -> str:
    """The question that this paper makes; empty where it makes none."""
    if kind == "title":
        return paper.title
    sentence = distinctive(paper, term_index)
    if kind == "held-out":
        return sentence if sentence and len(sentences(paper.abstract)) > 1 else ""
    if kind == "model":
        assert generator is not None
        source = sentence or paper.title
        question = write_question(generator, paper, source)
        return question if is_usable(question, source, paper) else ""
    return sentence or paper.title or paper.abstract[:300]


def held_out_corpus(index: Index, dataset: Dataset, folder: Path) -> Path:
    """The collection as a BEIR corpus, each question's sentence taken out of its paper.

    Raises:
        UsageError: It cannot be written.
    """
    asked = {paper_id: dataset.queries[query] for query, judged in dataset.qrels.items() for paper_id in judged}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_text(folder / "corpus.jsonl") as lines:
            for paper in index.catalog.papers():
                text = " ".join(s for s in sentences(paper.abstract) if s != asked.get(paper.id))
                row = {"_id": paper.id, "title": paper.title, "text": text}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}). Check the --cache folder.") from error
    return folder / "corpus.jsonl"


def distinctive(paper: Paper, term_index: TermIndex) -> str:
    """The sentence whose terms are the rarest in the collection on average; empty where there is none.

    Sentences of fewer than `SHORTEST` or more than `LONGEST` words are passed over. Of equals, the first.
    """
    fit = [text for text in sentences(paper.abstract) if SHORTEST <= len(words(text)) <= LONGEST]
    if not fit:
        return ""
    rarity = [_rarity(text, term_index) for text in fit]
    return fit[rarity.index(max(rarity))]


def _rarity(sentence: str, term_index: TermIndex) -> float:
    """Mean inverse document frequency of its terms."""
    frequencies = [count for _, count in term_index.document_frequency(sentence)]
    papers = term_index.count()
    return sum(math.log((papers + 1) / (count + 0.5)) for count in frequencies) / max(1, len(frequencies))


def write_question(generator: Generator, paper: Paper, sentence: str) -> str:
    """What the model makes of the sentence: its first line, without quotation marks."""
    messages = [{"role": "user", "content": PROMPT.format(title=paper.title, sentence=sentence)}]
    written = "".join(generator.stream(messages, GenerationLimits(QUESTION_TOKENS), threading.Event())).strip()
    first = next((line.strip() for line in written.splitlines() if line.strip()), "")
    first = first.removeprefix("Question:").strip().strip("\"'“”")
    end = first.find("?")
    return first[: end + 1] if end >= 0 else first


def is_usable(question: str, sentence: str, paper: Paper) -> bool:
    """Is it a question, about this paper, in words that are mostly neither the sentence's nor the title's?"""
    asked, source, title = (set(terms(text)) for text in (question, sentence, paper.title))
    is_question = question.endswith("?") and len(words(question)) >= SHORTEST - 1
    is_about = bool(asked & set(terms(f"{paper.title} {paper.abstract}")))
    return is_question and is_about and copied(asked, source) <= COPIED and copied(title, asked) < COPIED


def copied(by: set[str], source: set[str]) -> float:
    """Share of the terms of `source` that are also in `by`, 0..1."""
    return len(by & source) / len(source) if source else 0.0


def _dataset(index: Index, items: list[Item], note: str) -> Dataset:
    return Dataset(
        name=f"known items of {index.folder}",
        split="",
        queries={f"known-{item.paper.id}": item.text for item in items},
        qrels={f"known-{item.paper.id}": {item.paper.id: 1} for item in items},
        corpus=None,
        note=note,
    )
