"""The whole flow of a question on one screen: stand alone, retrieve, weigh evidence, refuse or write, check."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rag import about, asked, collection, prompt, question, reasoning, refuse
from rag import context as contexts
from rag.about import Told
from rag.asked import Asked
from rag.citations import SentenceStream, extract, is_ended
from rag.config import BUNDLED, Config
from rag.errors import UsageError
from rag.evidence import EvidenceScorer, PaperEvidence
from rag.filters import NONE, Filters
from rag.followup import FollowUps
from rag.index import Index
from rag.protocols import Embedder, GenerationLimits, Generator, Retriever
from rag.question import Kind, Question
from rag.rerank import DEPTHS, Reranking
from rag.support import SupportChecker
from rag.text import terms
from rag.types import (
    Answer,
    Checked,
    Context,
    Draft,
    Event,
    Finished,
    IndexIdentity,
    Mode,
    Queued,
    Refusal,
    Retrieved,
    ScoredPassage,
    Sentence,
    Support,
    Timings,
    Turn,
    Verdict,
)

log = logging.getLogger(__name__)

MAX_QUESTION = 4000
# Papers whose sentences may be evidence.
EVIDENCE_PAPERS = 10
# Papers that an answer tells as retrieved.
RETRIEVED = 20
NO_MODEL = "none (quoting only)"
# A small model only gets worse after this.
MAX_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class Search:
    """Ranked passages with the evidence that put them there."""

    question: Question
    ranked: tuple[ScoredPassage, ...]
    evidence: dict[str, PaperEvidence]
    filters: Filters = NONE
    coverage: float = 0.0
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Clock:
    start: float = field(default_factory=time.perf_counter)
    retrieved: float = 0.0
    first: float | None = None
    prompt_tokens: int = 0
    new_tokens: int = 0

    def elapsed(self) -> float:
        return (time.perf_counter() - self.start) * 1000

    def timings(self) -> Timings:
        return Timings(self.retrieved, self.first, self.elapsed(), self.prompt_tokens, self.new_tokens)


class Pipeline:
    """Answers questions over one index. Safe to share between threads."""

    def __init__(
        self,
        config: Config,
        index: Index,
        embedder: Embedder,
        retriever: Retriever,
        generator: Generator | None,
    ) -> None:
        self._config = config
        self.index = index
        # Public, for rag.explain.
        self.depth = DEPTHS[config.profile]
        self.embedder = embedder
        self.retriever = retriever
        self._generator = generator
        self.evidence = EvidenceScorer(embedder, index.terms, index.catalog)
        self._checker = SupportChecker(embedder)
        # The bundled model is too small to write the question that stands alone (docs/decisions/0011).
        able = config.rewrite == "model" or (config.rewrite == "auto" and config.model != BUNDLED)
        # Nor does it write of several papers: it says one thing of one, and that first.
        self._able_of = frozenset(Kind) if config.model != BUNDLED else frozenset(Kind) - {Kind.LISTING, Kind.OVERVIEW}
        self._followups = FollowUps(retriever, index.terms, generator if able else None)

    @property
    def model(self) -> str:
        """Name of the language model."""
        return self._generator.name if self._generator else NO_MODEL

    def search(self, text: str, k: int, filters: Filters | None = None) -> Search:
        """Retrieves, weighs the evidence of the first papers and reranks them.

        Args:
            text: The question.
            k: At most that many papers.
            filters: Conditions that papers must meet; `None`: those the question names.

        Raises:
            UsageError: The question is empty or longer than anyone would read.
        """
        return self._search(asked.read(_checked_question(text), self.index, filters), k)

    def refusal(self, found: Search, identity: IndexIdentity) -> Refusal | None:
        """Why what was found does not answer the question, or nothing."""
        return refuse.decide(
            found.question,
            found.ranked,
            found.evidence,
            found.coverage,
            identity,
            self._config.refuse_below,
            found.unknown,
        )

    def _search(self, read: Asked, k: int, *, goes_on: bool = False) -> Search:
        """`goes_on`: what stands there was put together from a conversation."""
        if read.question.kind is Kind.COLLECTION:  # asked of the abstracts after all
            read = replace(read, question=question.of_abstracts(read.question))
        reranker = Reranking(self.evidence, read.question, self.depth)
        ranked = self.retriever.retrieve(read.question.text, max(k, EVIDENCE_PAPERS), read.filters, reranker)
        evidence = self.evidence.score(reranker.look, ranked[:EVIDENCE_PAPERS]) if reranker.look else {}
        first = {passage.paper.id for passage in ranked[: refuse.MET_IN]}
        met = reranker.look.share(first) if reranker.look and not goes_on else 1.0
        near = [passage.paper for passage in ranked[:EVIDENCE_PAPERS]]
        unknown = refuse.unknown_names(read.question.text, self.index.terms, near)
        likeness = self._likeness(read.question.text, ranked)
        covered = refuse.coverage(read.question, likeness, evidence, met, unknown=bool(unknown))
        return Search(read.question, tuple(ranked[:k]), evidence, read.filters, covered, unknown)

    def _likeness(self, text: str, ranked: Sequence[ScoredPassage]) -> float:
        """Cosine of the question, as it was said, to the nearest of what was found; 0 where that is nothing."""
        if not ranked:
            return 0.0
        said = self.embedder.embed_unmoved(text)
        return max(self.index.vectors.similarities(said, [p.chunk.id for p in ranked]).values(), default=0.0)

    def ask(
        self,
        text: str,
        history: Sequence[Turn] = (),
        cancel: threading.Event | None = None,
        filters: Filters | None = None,
    ) -> Answer:
        """The finished answer."""
        for event in self.stream(text, history, cancel, filters):
            if isinstance(event, Finished):
                return event.answer
        raise AssertionError("the stream always ends with Finished")

    def stream(
        self,
        text: str,
        history: Sequence[Turn] = (),
        cancel: threading.Event | None = None,
        filters: Filters | None = None,
    ) -> Iterator[Event]:
        """Answers a question, step by step.

        Args:
            text: What the user typed.
            history: Earlier turns, oldest first.
            cancel: Set it to stop the computation; the stream then ends with what is checked so far.
            filters: Conditions that papers must meet; `None`: those the question names.

        Raises:
            UsageError: The question is empty or too long.
            GenerationError: The model failed.
        """
        cancel = cancel or threading.Event()
        clock = _Clock()
        alone = self.standalone(text, history, cancel)
        identity = self.index.identity()
        read = asked.read(alone, self.index, filters)
        told = self._told(read, identity)
        if told is not None:
            found, refusal, context = (
                Search(read.question, told.passages, {}, read.filters),
                told.refusal,
                told.context(alone),
            )
        else:
            found = self._search(read, max(RETRIEVED, self._config.k), goes_on=alone != text.strip())
            refusal = self.refusal(found, identity)
            context = Context(alone, ()) if refusal else self.context(found)
        clock.retrieved = clock.elapsed()
        yield Retrieved(alone, found.ranked, context, read.filters)

        shown: list[Sentence] = []
        withheld: list[Sentence] = []
        if refusal is None and told is None and self._writes(found.question.kind):
            for event in self._write(context, cancel, clock):
                if isinstance(event, Checked):
                    (shown if event.shown else withheld).append(event.sentence)
                yield event
        if refusal is None and not cancel.is_set():
            for sentence in told.sentences if told else list(self._quotes(found, context, shown)):
                shown.append(sentence)
                yield Checked(sentence, shown=True)
        if clock.first is None:
            clock.first = clock.elapsed()
        yield Finished(
            Answer(
                id=uuid.uuid4().hex,
                question=text,
                standalone_question=alone,
                mode=_mode(refusal, shown),
                sentences=tuple(shown),
                context=context,
                retrieved=found.ranked,
                refusal=refusal,
                withheld=tuple(withheld),
                timings=clock.timings(),
                model=self.model,
                index=identity,
                stopped=cancel.is_set(),
                filters=read.filters,
                coverage=found.coverage,
            )
        )

    def _writes(self, kind: Kind) -> bool:
        return self._generator is not None and kind in self._able_of

    def _told(self, read: Asked, identity: IndexIdentity) -> Told | None:
        """What the records say, where they are asked or where no paper meets the conditions."""
        if read.question.kind is Kind.SMALL_TALK or not identity.papers:
            return None
        if refusal := asked.nothing_meets(read.filters, self.index):
            return Told(refusal=refusal)
        wanted = collection.read(read.question.text, filtered=bool(read.filters))
        return about.answer(wanted, read.filters, self.index) if wanted else None

    def standalone(self, text: str, history: Sequence[Turn], cancel: threading.Event | None = None) -> str:
        """The question with what it refers to in the conversation spelled out.

        Raises:
            UsageError: The question is empty or too long.
        """
        return self._followups.standalone(_checked_question(text), history, cancel or threading.Event())

    def context(self, found: Search) -> Context:
        """The evidence that is handed to the reader."""
        budget, count = contexts.tokens(found.question.kind, self._config.evidence_tokens), _words
        if self._generator is not None:
            count = self._generator.count_tokens
            frame = self._generator.prompt_tokens(
                prompt.messages(Context(found.question.text, ()), 0, self._generator.style)
            )
            room = self._generator.context_tokens - self._config.max_new_tokens - frame
            budget = max(0, min(budget, room))
        return contexts.select(
            found.question,
            found.ranked,
            found.evidence,
            papers=self._config.k,
            budget=budget,
            count_tokens=count,
            ordering=self._config.ordering,
        )

    def _write(self, context: Context, cancel: threading.Event, clock: _Clock) -> Iterator[Event]:
        """Streams the model's sentences, each checked as it is finished."""
        assert self._generator is not None
        messages = prompt.messages(context, self._config.sentences_read, self._generator.style)
        clock.prompt_tokens = self._generator.prompt_tokens(messages)
        if ahead := self._generator.waiting():
            yield Queued(ahead)
        style = self._generator.style
        limits = GenerationLimits(self._config.max_new_tokens + style.extra_tokens)
        sentences = SentenceStream()
        seen: set[str] = set()
        pieces = self._generator.stream(messages, limits, cancel)
        if style.reasoning:  # is not for the reader of the answer
            pieces = reasoning.answer_only(pieces)
        written: list[str] = []
        try:
            for piece in pieces:
                clock.first = clock.first or clock.elapsed()
                written.append(piece)
                for raw in sentences.feed(piece):
                    yield from self._check(raw, context, seen)
                    if len(seen) >= MAX_SENTENCES:
                        return
                yield Draft(sentences.draft)
        finally:
            _close(pieces)
            # Pieces are words or more, not tokens.
            clock.new_tokens = self._generator.count_tokens("".join(written))
        # What a stop or the limit on tokens cut off in the middle is no sentence.
        for raw in () if cancel.is_set() else sentences.finish():
            if len(seen) < MAX_SENTENCES and is_ended(raw):
                yield from self._check(raw, context, seen)

    def _check(self, raw: str, context: Context, seen: set[str]) -> Iterator[Event]:
        text, cited = extract(raw, context.by_number())
        key = " ".join(terms(text))
        if not text or key in seen:
            return
        seen.add(key)
        judgement = self._checker.check(text, context.passages, cited, context.question)
        verdict, number = judgement.support.verdict, judgement.number
        numbers = () if number is None or verdict is Verdict.UNSUPPORTED else (number,)
        passes = verdict is Verdict.SUPPORTED or (verdict is Verdict.WEAK and self._config.support == "lenient")
        yield Checked(Sentence(text, numbers, judgement.support), shown=passes)

    def _quotes(self, found: Search, context: Context, shown: Sequence[Sentence]) -> Iterator[Sentence]:
        """The best evidence sentences that no shown sentence rests on, verbatim."""
        covered = " ".join(sentence.support.evidence for sentence in shown)
        named: set[int] = set()
        for passage, evidence in contexts.quotable(found.question.kind, context):
            if evidence.text in covered:
                continue
            lead = "" if passage.number in named else contexts.lead(found.question.kind, passage)
            named.add(passage.number)
            support = Support(Verdict.SUPPORTED, 1.0, evidence.text, passage.paper.id)
            yield Sentence(evidence.text, (passage.number,), support, quoted=True, lead=lead)


def _checked_question(text: str) -> str:
    text = text.strip()
    if not text:
        raise UsageError("The question is empty. Type one.")
    if len(text) > MAX_QUESTION:
        raise UsageError(
            f"The question has {len(text):,} characters; at most {MAX_QUESTION:,} are read. Ask it more briefly."
        )
    return text


def _words(text: str) -> int:
    return len(text.split())


def _mode(refusal: Refusal | None, shown: Sequence[Sentence]) -> Mode:
    if refusal is not None:
        return "refused"
    return "quoted" if shown and all(sentence.quoted or sentence.recorded for sentence in shown) else "generated"


def _close(pieces: Iterator[str]) -> None:
    # A generator that is closed runs its `finally` and so frees the model at once.
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
