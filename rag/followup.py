"""Does a question go on from the conversation, and from what? Decided by what retrieval finds.

Words alone do not tell: "How big were the three sets?" leans on the turn before it, "How do the
elderly cope with touch screens?" does not, and neither has a pronoun. So the question is looked up
as it stands: one that the collection covers, in words the conversation did not have, stands alone.
One that leans is spelled out as plainly as retrieval allows: the first wording whose best paper is
one that the turn before rested on. A large enough language model may write it instead, checked.
"""

from __future__ import annotations

import logging
import math
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag import collection, prompt, rewrite
from rag.collection import About
from rag.errors import GenerationError
from rag.protocols import GenerationLimits, Generator, Retriever, TermIndex
from rag.question import SMALL_TALK
from rag.text import names, numbers, searchable, sentences, terms, words
from rag.types import Paper, ScoredPassage, Turn

log = logging.getLogger(__name__)

# A logistic model, fitted by eval/fit_followups.py.
WEIGHTS = {"words": 1.85, "definite": 0.61, "new": -3.18, "shared": 0.26, "covered": -2.05, "agrees": 2.38}
BIAS = 5.71
LEANS_AT = 0.5

DEPTH = 20
TURNS = 4
ANCHORS = 3
MAX_TERMS = 4.0
MAX_REWRITE_TOKENS = 64
# A rewritten question longer than this has become an answer.
MAX_GROWTH = 240

_DEFINITE = re.compile(
    r"\b(?:the|these|those|this|that) (?:\w+[- ]){0,2}\w+(?=\s*(?:[?.,]|$|\b(?:did|do|does|is|are|was|were|beat|in"
    r" there|fall|have|has|had|be|come|go|went|free|run|reach|point|compare|work)\b))",
    re.IGNORECASE,
)
# "What is LoRA?", "Are there papers on code generation?": whole questions, however short, if they say something new.
_WHOLE = re.compile(
    r"^\W*(?:what|who) (?:is|are) (?!the\b)(?:an? )?[\w-]+(?: [\w-]+){0,3}\W*$"
    r"|^\W*how (?:do|does) (?!the\b)(?:an? )?[\w-]+(?: [\w-]+){0,3} work\W*$"
    r"|^\W*(?:which|are there(?: any)?|is there any|any|list|show me|find) (?:the )?"
    r"(?:papers?|studies|works?|articles)\b.* (?:on|about|with|uses?|using|deals?)\b",
    re.IGNORECASE,
)
# What the records of a paper tell.
_RECORDED = (About.AUTHORS, About.AUTHOR_COUNT, About.DATE, About.VENUE)
_MARKER = re.compile(r"\s*\[(\d{1,3})\]")
_MARKED_END = re.compile(r"([.!?][\"'”’)]*)((?:\s*\[\d{1,3}\])+)")
_VERBS = "did|do|does|is|are|was|were|has|have|had|can|use|used|compare|need|take|find|found|report|reach|say|work"
# "The second one", "the latter?"; not "the first paper on attention".
_NTH = tuple(
    (re.compile(rf"\bthe (?:{word})(?: one| of (?:them|these|those))?(?=\s*(?:[?.,]|$|(?:{_VERBS})\b))", re.I), place)
    for word, place in (("first|former", 0), ("second|2nd", 1), ("third|3rd", 2), ("last|latter", -1))
)


@dataclass(frozen=True, slots=True)
class Rest:
    """What a turn rested on: the turns up to it, and the papers its answer cited, found again.

    `named`: the question says so itself, as in "the second one".
    """

    history: tuple[Turn, ...]
    papers: tuple[Paper, ...]
    named: bool = False

    @property
    def ids(self) -> frozenset[str]:
        """Ids of the papers."""
        return frozenset(paper.id for paper in self.papers)


class FollowUps:
    """Turns a follow-up into a question that stands alone."""

    def __init__(self, retriever: Retriever, terms_index: TermIndex, writer: Generator | None = None) -> None:
        """Args are the parts of a pipeline; `writer` is a model that is able to rewrite, if there is one."""
        self._retriever = retriever
        self._terms = terms_index
        self._writer = writer

    def standalone(self, question: str, history: Sequence[Turn], cancel: threading.Event | None = None) -> str:
        """The question with what it refers to spelled out; unchanged where it stands alone.

        Args:
            question: What the user typed.
            history: Earlier turns, oldest first.
            cancel: Stops a model that is rewriting.
        """
        question = " ".join(question.split())
        # A courtesy between two questions is no turn to go on from.
        turns = [(asked, told) for asked, told in history if asked.strip() and not SMALL_TALK.match(asked)][-TURNS:]
        if not turns or SMALL_TALK.match(question):
            return question
        if self._writer is not None:
            written = self._write(question, turns, cancel or threading.Event())
            if written:
                return written
        return self._by_rules(question, turns)

    def _by_rules(self, question: str, turns: Sequence[Turn]) -> str:
        if stands_alone(question, turns):
            return question
        rest = self.rest(question, turns)
        if rest.papers and (of_record := _of_record(question, rest.papers[0])):
            return of_record
        bare = self._retriever.retrieve(question, DEPTH)
        if not rest.named and probability(self.signs(question, rest, bare)) < LEANS_AT:
            return question
        if not rest.papers:
            return rewrite.spelled_out(question, rest.history)
        wording = question
        for wording in wordings(question, rest):
            first = self._retriever.retrieve(wording, 1)
            if first and first[0].paper.id in rest.ids:
                break
        return wording

    def signs(self, question: str, rest: Rest, bare: Sequence[ScoredPassage]) -> dict[str, float]:
        """What speaks for and against a follow-up; see `WEIGHTS`.

        Args:
            question: What the user typed.
            rest: What it would go on from.
            bare: What retrieval finds for the question as typed.
        """
        said = set(terms(" ".join(part for turn in rest.history for part in turn)))
        rarity = self._rarity(question)
        new = {term: weight for term, weight in rarity.items() if term not in said}
        ranks = [rank for rank, passage in enumerate(bare, start=1) if passage.paper.id in rest.ids]
        return {
            "words": float(rewrite.needs_history(question)),
            "definite": float(bool(_DEFINITE.search(question))),
            "new": min(MAX_TERMS, sum(new.values())),
            "shared": min(MAX_TERMS, sum(weight for term, weight in rarity.items() if term in said)),
            "covered": max((passage.similarity or 0.0 for passage in bare), default=0.0),
            "agrees": 1 / ranks[0] if ranks else 0.0,
        }

    def _rarity(self, text: str) -> dict[str, float]:
        """Rarity of each content term in 0..1: 1 occurs nowhere, 0 everywhere."""
        papers = self._terms.count()
        most = math.log(2 * papers + 2)
        rarity: dict[str, float] = {}
        for word in dict.fromkeys(words(searchable(text))):
            frequency = max((count for _, count in self._terms.document_frequency(word)), default=0)
            for term in terms(word):
                rarity[term] = math.log((papers + 1) / (frequency + 0.5)) / most
        return rarity

    def rest(self, question: str, turns: Sequence[Turn]) -> Rest:
        """What the question would go on from."""
        last = self._turn(question, turns)
        history = tuple(turns[: last + 1])
        asked, told = history[-1]
        cited = _cited(told)
        if (one := _named(question, cited)) is not None:
            # "The second one": from here on the turn is that sentence.
            return Rest(((one, one),), self._found(one), named=True)
        if len(cited) > 1:
            papers = [paper for text in list(cited.values())[:ANCHORS] for paper in self._found(text)]
        else:
            # "Does it handle mixed hardware?" and its answer do not name what they are about: the turn before does.
            before = " ".join(history[-2]) if len(history) > 1 and rewrite.needs_history(asked) else ""
            papers = [paper for text in cited.values() for paper in self._found(f"{before} {asked} {text}")]
        return Rest(history, tuple(dict.fromkeys(papers)))

    def _found(self, text: str) -> tuple[Paper, ...]:
        return tuple(passage.paper for passage in self._retriever.retrieve(text, 1))

    def _turn(self, question: str, turns: Sequence[Turn]) -> int:
        """The turn that shares most with the question; the last one where none shares more."""
        # A word that no paper has ("back to ...") tells nothing about papers.
        rarity = {term: weight for term, weight in self._rarity(question).items() if weight < 1}
        shared = [sum(rarity.get(term, 0) for term in set(terms(f"{asked} {told}"))) for asked, told in turns]
        return max(range(len(turns)), key=lambda i: (shared[i], i))

    def _write(self, question: str, turns: Sequence[Turn], cancel: threading.Event) -> str:
        """The model's wording, or nothing where it cannot be trusted."""
        assert self._writer is not None
        pieces = self._writer.stream(prompt.rewriting(question, turns), GenerationLimits(MAX_REWRITE_TOKENS), cancel)
        try:
            written = "".join(pieces)
        except GenerationError as error:
            log.warning("The question was rewritten by rules: %s", error)
            return ""
        written = _unwrapped(written)
        return written if not cancel.is_set() and is_faithful(written, question, turns) else ""


def probability(signs: Mapping[str, float]) -> float:
    """Of a follow-up, by the logistic model."""
    return 1 / (1 + math.exp(-(BIAS + sum(WEIGHTS[name] * value for name, value in signs.items()))))


def stands_alone(question: str, turns: Sequence[Turn]) -> bool:
    """Does the form of a question say that it goes on from nothing, and its words that it changes the subject?"""
    if collection.read(question) is not None:
        return True
    if not _WHOLE.match(question) or rewrite.needs_reference(question) or _DEFINITE.search(question):
        return False
    said = set(terms(" ".join(part for turn in turns for part in turn)))
    return any(term not in said for term in terms(question))


def wordings(question: str, rest: Rest) -> Iterator[str]:
    """Ways to spell out a follow-up, the plainest first."""
    yield rewrite.spelled_out(question, rest.history)
    yield rewrite.with_topic(question, rest.history)
    yield _of_paper(question, rest.papers[0])


def _of_paper(question: str, paper: Paper) -> str:
    return rewrite.about(rewrite.without_lead(question), [f"“{paper.title}”"])


def _of_record(question: str, paper: Paper) -> str:
    """`question` asked of the paper, where it asks what the paper's record tells ("When was it published?")."""
    wording = _of_paper(question, paper)
    asked = collection.read(wording)
    return wording if asked and asked.about in _RECORDED and paper.title in asked.title else ""


def is_faithful(written: str, question: str, turns: Sequence[Turn]) -> bool:
    """Is it one question that keeps the names and numbers of the one asked and adds none of its own?"""
    if not terms(written) or "\n" in written or len(written) > len(question) + MAX_GROWTH:
        return False
    said = " ".join([question, *(part for turn in turns for part in turn)])
    marks, kept, known = _marks(written), _marks(question), _marks(said)
    return kept <= marks <= known


def _marks(text: str) -> set[str]:
    """Names and numbers, which a rewriting must neither lose nor invent."""
    return {name.lower().removesuffix("'s") for name in names(text)} | set(numbers(text))


def _unwrapped(written: str) -> str:
    written = written.strip()
    written = re.sub(r"^(?:standalone |rewritten )?question\s*:\s*", "", written, flags=re.IGNORECASE)
    return written.strip().strip("\"“”'").strip()


def _cited(told: str) -> dict[int, str]:
    """What an answer says of each number it cites, without markers, in order of first mention."""
    said: dict[int, list[str]] = {}
    for line in told.splitlines():
        # A marker behind the full stop belongs to the sentence before it.
        for sentence in sentences(_MARKED_END.sub(r"\2\1", line)):
            for number in _MARKER.findall(sentence):
                said.setdefault(int(number), []).append(_MARKER.sub("", sentence))
    return {number: " ".join(texts) for number, texts in said.items()}


def _named(question: str, cited: Mapping[int, str]) -> str | None:
    """What the answer said of the one that "the second one" means."""
    if len(cited) < 2:
        return None
    for pattern, place in _NTH:
        if pattern.search(question) and place < len(cited):
            return list(cited.values())[place]
    return None
