"""Questions with one known answer, made from a collection that nobody has judged.

A known-item question is one whose asker has a certain paper in mind (Azzopardi, de Rijke and Balog,
SIGIR 2007). Here it is the abstract's most distinctive sentence, or the title where no sentence will do;
or, where a language model is able, a question it wrote about that sentence in words of its own. A copied
sentence favours whatever matches words, so its figures say which configuration loses papers, not how well
people's questions are answered.
"""

from __future__ import annotations

import heapq
import logging
import math
import threading
from dataclasses import dataclass

from eval.datasets import Dataset, Progress, hashed
from rag.errors import UsageError
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
COPIED_NOTE = (
    "Known-item questions copied from the collection: the one relevant paper is the one the sentence or title "
    "comes from. They favour matching by words; compare configurations by them with care."
)
WRITTEN_NOTE = (
    "Known-item questions written by {model} about one sentence of a paper each, kept where they copy at most half "
    "of its words ({kept} of {tried} were). Nobody has checked them, and other papers may answer them too."
)
PROMPT = (
    "Write one short question that a researcher could ask and that this sentence answers. Use words of your own; "
    "do not mention the sentence or the paper.\n\nPaper: {title}\nSentence: {sentence}\n\nQuestion:"
)


@dataclass(frozen=True, slots=True)
class Item:
    """A paper and the words that are to lead back to it."""

    paper: Paper
    text: str


def known_items(index: Index, count: int, progress: Progress, generator: Generator | None = None) -> Dataset:
    """`count` questions over the papers of an index, drawn by hash of their ids: always the same ones.

    Args:
        index: The collection.
        count: How many; fewer where the collection is smaller.
        progress: See `Progress`.
        generator: Writes the questions; `None` copies sentences.

    Raises:
        UsageError: The index holds no paper, or the model wrote no usable question.
        GenerationError: The model failed.
    """
    wanted = count if generator is None else count * TRIES
    papers = heapq.nsmallest(wanted, index.catalog.papers(), key=lambda paper: hashed(paper.id))
    if not papers:
        raise UsageError(f"The index in {index.folder} is empty. Run 'paperchat ingest PATH' with your papers first.")
    if generator is None:
        items = [Item(p, distinctive(p, index.terms)) for p in progress("Choosing sentences", papers, len(papers))]
        return _dataset(index, items, COPIED_NOTE)
    items, tried = [], 0
    for paper in progress(f"Asking {generator.name}", papers, len(papers)):
        if len(items) == count:
            break
        tried += 1
        sentence = distinctive(paper, index.terms)
        question = write_question(generator, paper, sentence)
        if is_usable(question, sentence, paper):
            items.append(Item(paper, question))
    log.info("%s wrote %d usable questions about %d papers", generator.name, len(items), tried)
    if not items:
        raise UsageError(
            f"{generator.name} wrote no usable question about {tried} papers. "
            "Leave --write-questions out, or name a larger model with --model."
        )
    return _dataset(index, items, WRITTEN_NOTE.format(model=generator.name, kept=len(items), tried=tried))


def distinctive(paper: Paper, term_index: TermIndex) -> str:
    """The sentence whose terms are the rarest in the collection on average; the title where there is none.

    Sentences of fewer than `SHORTEST` or more than `LONGEST` words are passed over. Of equals, the first.
    """
    fit = [text for text in sentences(paper.abstract) if SHORTEST <= len(words(text)) <= LONGEST]
    if not fit:
        return paper.title or paper.abstract[:300]
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
    """Is it a question, about this paper, that copies at most half of the sentence's words?"""
    asked, source = set(terms(question)), set(terms(sentence))
    is_question = question.endswith("?") and len(words(question)) >= SHORTEST - 1
    is_about = bool(asked & set(terms(f"{paper.title} {paper.abstract}")))
    return is_question and is_about and copied(asked, source) <= COPIED


def copied(asked: set[str], source: set[str]) -> float:
    """Share of the sentence's terms that the question repeats, 0..1."""
    return len(asked & source) / len(source) if source else 0.0


def _dataset(index: Index, items: list[Item], note: str) -> Dataset:
    return Dataset(
        name=f"known items of {index.folder}",
        split="",
        queries={f"known-{item.paper.id}": item.text for item in items},
        qrels={f"known-{item.paper.id}": {item.paper.id: 1} for item in items},
        corpus=None,
        note=note,
    )
