"""The values a question passes through, from `Paper` to `Answer`.

Every value is frozen and holds the one before it, so provenance cannot be lost on the way:

    Paper -> Chunk -> ScoredPassage -> Context (NumberedPassage, Evidence) -> Answer (Sentence, Support)

Standard library only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from rag.filters import NONE, Filters

PaperKind = Literal["abstract", "digest"]
Mode = Literal["generated", "quoted", "refused"]
Turn = tuple[str, str]
"""One exchange of a conversation: what the user asked, what the assistant answered."""

_MARKER_LIKE = re.compile(r"\[(\d{1,3}(?:\s?[,;]\s?\d{1,3})*)\]")

NO_EXTRA: Mapping[str, str] = MappingProxyType({})


class Verdict(StrEnum):
    """How far the cited abstract carries a sentence."""

    SUPPORTED = "supported"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Paper:
    """One scientific paper as its source described it.

    Attributes:
        id: Stable identifier; the source's own where it has one.
        title: Readable title (LaTeX debris resolved).
        abstract: Readable abstract. Spans elsewhere index into this text.
        authors: Names in order, empty where the source gives only a number.
        author_count: Number of authors, where known.
        organization: Named in place of authors by some sources.
        date: ISO date, `yyyy`, `yyyy-mm` or `yyyy-mm-dd`.
        kind: `digest` where `abstract` holds our own summary, not the authors' words.
        source: The file or address it was read from.
        extra: Whatever else the source said, as text.
        keep_id: `id` is the paper's whole identity (BEIR corpora): never merged with one of another id.
    """

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    author_count: int | None = None
    organization: str | None = None
    date: str | None = None
    venue: str | None = None
    url: str | None = None
    doi: str | None = None
    arxiv_id: str | None = None
    pubmed_id: str | None = None
    categories: tuple[str, ...] = ()
    comments: int | None = None
    kind: PaperKind = "abstract"
    source: str = ""
    extra: Mapping[str, str] = field(default_factory=lambda: NO_EXTRA, hash=False)
    keep_id: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a paper's abstract, in characters: `paper.abstract[start:end]`."""

    paper: Paper
    start: int
    end: int

    @property
    def id(self) -> str:
        """Derived from paper, span, title and text (all that is embedded), so that a second ingest gives the same."""
        text_hash = hashlib.sha256(f"{self.paper.title}\0{self.text}".encode()).hexdigest()[:12]
        return f"{self.paper.id}:{self.start}-{self.end}:{text_hash}"

    @staticmethod
    def paper_id(chunk_id: str) -> str:
        """The paper's id, out of a chunk's."""
        return chunk_id.rsplit(":", 2)[0]

    @property
    def text(self) -> str:
        """The chunk's own words."""
        return self.paper.abstract[self.start : self.end]

    @property
    def embedded_text(self) -> str:
        """What the embedding model reads: the title in front, as BEIR scores are measured."""
        return f"{self.paper.title}. {self.text}"

    @property
    def embedded_at(self) -> int:
        """Where in `embedded_text` the chunk's own words begin."""
        return len(self.paper.title) + 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper in the order of fusion, by its best chunk; its record is not read yet.

    Attributes:
        score: Of the stage that ordered it last.
        rank: Place after fusion.
        similarity: Cosine of its best chunk.
        dense_rank: Place by meaning, if it was found by it.
        lexical_rank: Place by words, likewise.
    """

    paper_id: str
    chunk_id: str
    score: float
    rank: int
    similarity: float
    dense_rank: int | None
    lexical_rank: int | None


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A chunk that a retrieval stage put in its place; a list of them is best first.

    Ranks count from 1 and are `None` where a stage did not return the paper. `score` is the score
    of the last stage and comparable only within one result list; `similarity` is the cosine
    between question and chunk, comparable everywhere.
    """

    chunk: Chunk
    score: float
    rank: int
    dense_rank: int | None = None
    lexical_rank: int | None = None
    fused_rank: int | None = None
    similarity: float | None = None

    @property
    def paper(self) -> Paper:
        """The paper the passage belongs to."""
        return self.chunk.paper


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence of an abstract (`start`, `end` in characters) and how well it bears on the question."""

    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class NumberedPassage:
    """A passage with the number a citation uses, its chosen evidence, and its place in the prompt.

    `number` never depends on `prompt_position`; both count from 1.
    """

    number: int
    passage: ScoredPassage
    evidence: tuple[Evidence, ...]
    prompt_position: int

    @property
    def paper(self) -> Paper:
        """The paper the number stands for."""
        return self.passage.paper


@dataclass(frozen=True, slots=True)
class Context:
    """What the reader is given: the question that stands alone, and numbered passages by number."""

    question: str
    passages: tuple[NumberedPassage, ...]

    def by_number(self) -> dict[int, NumberedPassage]:
        """Numbers that were handed out, with their passages."""
        return {passage.number: passage for passage in self.passages}

    def in_prompt_order(self) -> tuple[NumberedPassage, ...]:
        """Passages in the order in which the model reads them."""
        return tuple(sorted(self.passages, key=lambda passage: passage.prompt_position))


@dataclass(frozen=True, slots=True)
class Support:
    """Does the evidence carry the sentence? `score` in 0..1, high is supported."""

    verdict: Verdict
    score: float
    evidence: str = ""
    paper_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer, without its markers, and the numbers it cites.

    `quoted` sentences are an abstract's own; `lead` is the title put in front of one where the reader
    must see at once which paper speaks (listings and comparisons). A `recorded` sentence is told from the
    records (counts, dates, authors), not from an abstract; what it rests on is its support's evidence.
    """

    text: str
    citations: tuple[int, ...]
    support: Support
    quoted: bool = False
    lead: str = ""
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no answer was given, in words for the reader, and the nearest papers (may be empty)."""

    reason: Literal["empty_index", "off_topic", "not_covered", "not_stated", "small_talk", "no_match"]
    message: str
    nearest: tuple[Paper, ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds since the question arrived; `None` where the stage did not run."""

    retrieve_ms: float
    first_token_ms: float | None
    total_ms: float
    prompt_tokens: int = 0
    new_tokens: int = 0


@dataclass(frozen=True, slots=True)
class IndexIdentity:
    """What an index was built with; compared before it is searched."""

    version: str
    embedding_model: str
    dimension: int
    papers: int
    chunks: int


@dataclass(frozen=True)
class Answer:
    """Everything about one answer: enough to show it, to check it and to reproduce it.

    `coverage` is how well the collection covers the question (`rag.refuse`).
    """

    id: str
    question: str
    standalone_question: str
    mode: Mode
    sentences: tuple[Sentence, ...]
    context: Context
    retrieved: tuple[ScoredPassage, ...]
    refusal: Refusal | None
    withheld: tuple[Sentence, ...]
    timings: Timings
    model: str
    index: IndexIdentity
    stopped: bool = False
    filters: Filters = NONE
    coverage: float = 0.0

    @cached_property
    def text(self) -> str:
        """The answer with its `[n]` markers, or the words of the refusal."""
        if self.refusal is not None:
            return self.refusal.message
        if any(sentence.recorded for sentence in self.sentences):
            return "\n".join(map(marked, self.sentences))
        written = " ".join(marked(sentence) for sentence in self.sentences if not sentence.quoted)
        quoted = [marked(sentence) for sentence in self.sentences if sentence.quoted]
        return "\n".join([written, *quoted] if written else quoted)

    @cached_property
    def cited(self) -> tuple[NumberedPassage, ...]:
        """Passages that a shown sentence cites, by number."""
        numbers = {number for sentence in self.sentences for number in sentence.citations}
        return tuple(p for p in self.context.passages if p.number in numbers)


def marked(sentence: Sentence) -> str:
    """The sentence followed by its markers; a quoted one in quotation marks.

    Brackets of its own that look like markers ("as in [2]") get another shape: they point into the abstract's
    reference list, not into ours.
    """
    text = f"“{sentence.text}”" if sentence.quoted else sentence.text
    markers = "".join(f"[{number}]" for number in sentence.citations)
    text = f"{sentence.lead}: {text}" if sentence.lead else text
    text = _MARKER_LIKE.sub(r"［\1］", text)
    return f"{text} {markers}" if markers else text


# What `Pipeline.stream` yields, in this order: Retrieved, (Queued | Draft | Checked)*, Finished.


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Retrieval is done; the sources can be shown while the model writes."""

    standalone_question: str
    retrieved: tuple[ScoredPassage, ...]
    context: Context
    filters: Filters = NONE


@dataclass(frozen=True, slots=True)
class Queued:
    """Another answer is being written; `ahead` of them come first."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Draft:
    """The sentence being written, so far and unchecked. Show it as a draft or not at all."""

    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence is finished and has its verdict; it replaces the draft.

    Where `shown` is false the sentence is withheld: it must not appear as part of the answer.
    """

    sentence: Sentence
    shown: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """The whole answer; always the last event."""

    answer: Answer


Event = Retrieved | Queued | Draft | Checked | Finished
