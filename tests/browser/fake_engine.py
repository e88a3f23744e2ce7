"""An engine without models: scripted answers, word by word, at a chosen pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.pipeline import Options
from rag.config import Config
from rag.errors import GenerationError, SourceError
from rag.filters import NONE, Filters
from rag.index import Index
from rag.types import (
    Answer,
    Checked,
    Chunk,
    Context,
    Draft,
    Event,
    Evidence,
    Finished,
    IndexIdentity,
    NumberedPassage,
    Paper,
    Queued,
    Refusal,
    Retrieved,
    ScoredPassage,
    Sentence,
    Support,
    Timings,
    Verdict,
)
from tests.fakes import FakeCatalog, FakeEmbedder, build_fake_index
from ui.engine import Parts

HOSTILE = (
    '<script>window.hacked=1</script> <img src=http://evil.test/a.png onerror="window.hacked=2"> '
    "[x](http://evil.test) ![](http://evil.test/x.png) $\\alpha$ $$x^2$$ `code` **bold** {{value}} ${value} [0, 1) [12]"
)

MINFERENCE = Paper(
    id="2407.02490",
    title="MInference 1.0: Accelerating Pre-filling for Long-Context LLMs via Dynamic Sparse Attention",
    abstract=(
        "The computational challenges of Large Language Model (LLM) inference remain a significant barrier to their "
        "widespread deployment, especially as prompt lengths continue to increase. Due to the quadratic complexity of "
        "the attention computation, it takes 30 minutes for an 8B LLM to process a prompt of 1M tokens on a single "
        "A100 GPU. We introduce MInference, a sparse calculation method designed to accelerate pre-filling of "
        "long-sequence processing. Evaluations show that MInference reduces inference latency by up to 10x for "
        "pre-filling on an A100, while maintaining accuracy."
    ),
    authors=("Huiqiang Jiang", "Yucheng Li", "Chengruidong Zhang", "Qianhui Wu", "Xufang Luo"),
    date="2024-07-02",
    venue="NeurIPS",
    url="https://arxiv.org/abs/2407.02490",
    arxiv_id="2407.02490",
)
SPARSE = Paper(
    id="2410.00001",
    title="Block-Sparse Kernels for Long Prompts",
    abstract=(
        "Long prompts make attention the bottleneck of serving. We write block-sparse kernels that skip most of the "
        "attention matrix. On [0, 1) normalised scores the kernels keep 98% of the mass."
    ),
    author_count=7,
    organization="Example Lab",
    date="2024-10-01",
)
DIGESTED = Paper(
    id="digest-3",
    title="Serving Long-Context Models: A Survey",
    abstract="A survey of ways to serve long-context models. It groups them into caching, sparsity and batching.",
    author_count=12,
    date="2025-01",
    kind="digest",
)
EVIL = Paper(id="evil", title=HOSTILE, abstract=HOSTILE, authors=(HOSTILE,), url="javascript:alert(1)", venue=HOSTILE)
OTHERS = tuple(
    Paper(
        id=f"other-{n}",
        title=f"Another paper about serving, part {n}",
        abstract="It serves.",
        date="2023-05-01",
    )
    for n in range(1, 6)
)

COLLECTION = (
    *(MINFERENCE, SPARSE, DIGESTED, EVIL),
    *OTHERS,
    *(
        Paper(
            id=f"shelf-{n:03}",
            title=f"Paper number {n:03} on the shelf",
            abstract=f"It is the paper with the number {n}.",
            authors=(f"Author {n % 7}",),
            date=f"{2015 + n % 9}-0{1 + n % 9}-11",
            venue="ACL" if n % 2 else "ICML",
        )
        for n in range(120)
    ),
)


def scored(paper: Paper, rank: int) -> ScoredPassage:
    chunk = Chunk(paper, 0, len(paper.abstract))
    return ScoredPassage(chunk, 1 / rank, rank, dense_rank=rank, lexical_rank=rank + 2 if rank < 3 else None)


def evidence(paper: Paper, start_words: str) -> Evidence:
    start = paper.abstract.index(start_words)
    stop = paper.abstract.find(". ", start)
    end = len(paper.abstract) if stop < 0 else stop + 1
    return Evidence(start, end, paper.abstract[start:end], 0.9)


def supported(paper: Paper, start_words: str, verdict: Verdict = Verdict.SUPPORTED, score: float = 0.93) -> Support:
    return Support(verdict, score, evidence(paper, start_words).text, paper.id)


CONTEXT_PAPERS = (
    (MINFERENCE, ("We introduce MInference", "Evaluations show")),
    (SPARSE, ("We write block-sparse",)),
    (DIGESTED, ("It groups them",)),
)


def context_for(question: str, papers: Sequence[tuple[Paper, Sequence[str]]] = CONTEXT_PAPERS) -> Context:
    passages = tuple(
        NumberedPassage(n, scored(paper, n), tuple(evidence(paper, words) for words in starts), n)
        for n, (paper, starts) in enumerate(papers, 1)
    )
    return Context(question, passages)


@dataclass(frozen=True)
class Script:
    """What the fake answers to one question."""

    sentences: tuple[Sentence, ...] = ()
    mode: str = "generated"
    refusal: Refusal | None = None
    standalone: str | None = None
    papers: Sequence[tuple[Paper, Sequence[str]]] = CONTEXT_PAPERS
    error: str | None = None
    ahead: int = 0
    filters: Filters = NONE


FIRST = Sentence(
    "MInference speeds up the pre-filling of long prompts.",
    (1,),
    supported(MINFERENCE, "We introduce MInference"),
)
SECOND = Sentence("It reduces the latency by up to 10x on an A100.", (1,), supported(MINFERENCE, "Evaluations show"))
THIRD = Sentence(
    "Block-sparse kernels work on [0, 1) scores in the same way [12].",
    (2, 3),
    supported(SPARSE, "We write block-sparse", Verdict.WEAK, 0.55),
)
FALSE = Sentence(
    "It also halves the memory.",
    (1,),
    Support(Verdict.UNSUPPORTED, 0.08, "", None, "no sentence says anything of memory"),
)
UNHEARD = Sentence(
    "Kernels are things that people write for machines.", (), Support(Verdict.UNSUPPORTED, 0.1, "", None, "off topic")
)
QUOTE = Sentence(evidence(SPARSE, "We write block-sparse").text, (2,), supported(SPARSE, "We write block-sparse"), True)

SCRIPTS = {
    "What does MInference speed up?": Script((FIRST, SECOND, THIRD, FALSE)),
    "And how much faster is it?": Script((SECOND,), standalone="How much faster is MInference on an A100?"),
    "What is fast since 2024 at NeurIPS?": Script((FIRST,), filters=Filters(since="2024", venues=("NeurIPS",))),
    "Quote something": Script((UNHEARD, QUOTE), mode="quoted"),
    "What is the capital of France?": Script(
        mode="refused",
        papers=(),
        refusal=Refusal(
            "off_topic",
            "None of the papers here is about that. Ask about long-context models, attention or serving.",
            (MINFERENCE, SPARSE, DIGESTED),
        ),
    ),
    "Fail, please": Script(error="The model stopped answering. Start paperchat again."),
    "Tell me everything": Script(
        tuple(Sentence(f"Sentence number {n} of a very long answer.", (1,), FIRST.support) for n in range(200)),
        ahead=2,
    ),
    HOSTILE: Script(
        (Sentence(HOSTILE, (1, 12), supported(EVIL, "<script>")),),
        papers=((EVIL, ("<script>",)),),
    ),
}


@dataclass(frozen=True)
class Status:
    stage: str
    ready: bool
    error: str | None = None
    papers: int = 90
    chunks: int = 120
    embedding_model: str = "all-MiniLM-L6-v2"
    model: str = "SmolLM2-135M-Instruct"
    device: str = "CPU"
    samples: bool = False


@dataclass(frozen=True)
class Rejected:
    source: str
    where: str
    reason: str


@dataclass(frozen=True)
class Report:
    read: int
    new: int
    updated: int
    unchanged: int
    duplicates: int
    rejected: tuple[Rejected, ...]
    rejected_count: int
    papers_in_index: int
    chunks_in_index: int
    seconds: float


@dataclass
class FakeEngine:
    """Answers from `SCRIPTS`; every attribute may be changed by a test while the page is open."""

    word_seconds: float = 0.03
    loading_seconds: float = 0.0
    papers: int = 90
    histories: list[list[tuple[str, str]]] = field(default_factory=list)
    filters: list[Filters] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    words: int = 0
    finished: threading.Event = field(default_factory=threading.Event)
    uploaded: list[Path] = field(default_factory=list)
    read: list[tuple[str | None, str]] = field(default_factory=list)
    error: str | None = None
    folder: Path = Path("never-written")
    _index: Index | None = None
    _begun: float | None = None

    def start(self) -> None:
        self._begun = self._begun or time.monotonic()

    def _ready(self) -> bool:
        return self._begun is not None and time.monotonic() - self._begun >= self.loading_seconds

    def status(self) -> Status:
        ready = self._ready()
        return Status("Ready" if ready else "Loading the language model…", ready, self.error, self.papers)

    def pipeline(self) -> FakeEngine:
        while not self._ready():
            time.sleep(0.05)
        return self

    @property
    def ready(self) -> bool:
        return self._ready()

    @property
    def failed(self) -> bool:
        return self.error is not None

    @property
    def index(self) -> Index:
        self._index = self._index or build_fake_index(COLLECTION, self.folder)
        return self._index

    def parts(self) -> Parts:
        """For other settings than the page's own: a real pipeline over the collection, without a model."""
        return Parts(Config(), self.index, FakeEmbedder(), None)

    def catalog(self) -> FakeCatalog:
        assert isinstance(self.index.catalog, FakeCatalog)
        return self.index.catalog

    def delete(self, paper_ids: Sequence[str]) -> int:
        deleted = self.index.delete(paper_ids)
        self.papers -= deleted
        return deleted

    def suggestions(self) -> tuple[str, ...]:
        return ("What does MInference speed up?", "What is the capital of France?", "Tell me everything")

    def ingest(self, paths: Sequence[Path], progress: Callable[[int, int, int], None], options: Options) -> Report:
        self.read += [(options.form, path.read_text(encoding="utf-8")) for path in paths]
        if any(path.suffix == ".bad" for path in paths):
            raise SourceError("notes.bad holds no paper. Give a BibTeX, JSON or text file.")
        for done in range(4):
            progress(done, 4, done)
            time.sleep(0.1)
        self.uploaded.extend(paths)
        self.papers += 3
        rejected = Rejected(str(paths[0]), "line 7", "<b>no title</b>")
        return Report(4, 3, 0, 0, 0, (rejected,), 1, self.papers, 123, 0.4)

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        cancel: threading.Event | None = None,
        filters: Filters | None = None,
    ) -> Iterator[Event]:
        cancel = cancel or threading.Event()
        self.cancelled.clear()
        self.finished.clear()
        self.words = 0
        self.histories.append(list(history))
        script = SCRIPTS.get(question, Script((FIRST,)))
        filters = script.filters if filters is None else filters
        self.filters.append(filters)
        context = context_for(question, script.papers)
        retrieved = tuple(p.passage for p in context.passages) + tuple(
            scored(paper, n) for n, paper in enumerate(OTHERS, len(context.passages) + 1)
        )
        standalone = script.standalone or question
        time.sleep(5 * self.word_seconds)
        yield Retrieved(standalone, retrieved, context, filters)
        if script.ahead:
            yield Queued(script.ahead)
            time.sleep(0.4)
        if script.error:
            raise GenerationError(script.error)
        shown: list[Sentence] = []
        for sentence in script.sentences:
            yield from self._write(sentence.text, cancel)
            if cancel.is_set():
                break
            shown.append(sentence)
            yield Checked(sentence, shown=sentence.support.verdict is not Verdict.UNSUPPORTED)
        self.finished.set()
        answer = _answer(question, standalone, script, context, retrieved, shown, cancel.is_set())
        yield Finished(replace(answer, filters=filters))

    def _write(self, text: str, cancel: threading.Event) -> Iterator[Event]:
        written = ""
        for word in text.split(" "):
            time.sleep(self.word_seconds)
            if cancel.is_set():
                self.cancelled.set()
                return
            self.words += 1
            written = f"{written} {word}".strip()
            yield Draft(written)


def _answer(
    question: str,
    standalone: str,
    script: Script,
    context: Context,
    retrieved: tuple[ScoredPassage, ...],
    sentences: Sequence[Sentence],
    stopped: bool,
) -> Answer:
    unsupported = tuple(s for s in sentences if s.support.verdict is Verdict.UNSUPPORTED)
    return Answer(
        id="a1",
        question=question,
        standalone_question=standalone,
        mode=script.mode,  # type: ignore[arg-type]
        sentences=tuple(s for s in sentences if s not in unsupported),
        context=context,
        retrieved=retrieved,
        refusal=script.refusal,
        withheld=unsupported,
        timings=Timings(12.0, None if script.refusal else 420.0, 1900.0, 300, 60),
        model="SmolLM2-135M-Instruct",
        index=IndexIdentity("1", "all-MiniLM-L6-v2", 384, 90, 120),
        stopped=stopped,
    )
