"""The seams. Each has its real implementations in `rag.adapters` and one fake in `tests.fakes`."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rag.facets import Facet
from rag.filters import NONE, Filters
from rag.late import Packed, Tokens
from rag.sentences import Sentences
from rag.types import Candidate, Chunk, Paper, ScoredPassage

Vectors = NDArray[np.float32]
"""Shape (texts, dimension), rows of unit length."""

Message = Mapping[str, str]
"""A chat message: `role` (system, user or assistant) and `content`."""


class Embedder(Protocol):
    """Turns text into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies model and pooling; an index built under another name is refused."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embeds documents. Shape (len(texts), dimension), in the order given."""

    def embed_tokens(self, texts: Sequence[str]) -> tuple[Vectors, list[Tokens]]:
        """As `embed`, with the content tokens of each text from the same pass; texts too long are cut."""

    def embed_query(self, text: str) -> Vectors:
        """Embeds one question to search with. Shape (dimension,)."""

    def embed_unmoved(self, text: str) -> Vectors:
        """Embeds one question as the model gives it, where `embed_query` moves it nearer to what answers it.

        Its likeness to an abstract tells better whether the abstract is about the same thing (docs/decisions/0019).
        """

    def query_tokens(self, text: str) -> Tokens:
        """The content tokens of one question, comparable to those of documents."""

    def count_tokens(self, text: str) -> int:
        """Length of `text` in this model's own tokens, without special tokens."""

    @property
    def max_tokens(self) -> int:
        """Longest text the model reads, in tokens, without special tokens."""


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """A text as a model reads it, token by token.

    Attributes:
        spans: First and last character (exclusive) of each token in the text.
        vectors: Shape (tokens, dimension), rows of unit length.
        pooled: The text's own vector as `Embedder.embed` gives it, shape (dimension,).
    """

    spans: tuple[tuple[int, int], ...]
    vectors: Vectors
    pooled: Vectors


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that also tells the tokens of a text apart."""

    @property
    def name(self) -> str:
        """As in `Embedder`."""

    def read_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Every token in its context, and the whole, in one pass; in the order given."""


class VectorStore(Protocol):
    """Chunk vectors on disk, found by cosine similarity."""

    def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Adds or replaces chunks by id."""

    def delete(self, chunk_ids: Sequence[str]) -> None:
        """Removes chunks by id; unknown ids are ignored."""

    def query(self, vector: Vectors, k: int) -> list[tuple[str, str, float]]:
        """The `k` nearest as (chunk id, paper id, cosine), best first."""

    def similarities(self, vector: Vectors, chunk_ids: Sequence[str]) -> dict[str, float]:
        """Exact cosine of each of these chunks to `vector`; unknown ids are left out."""

    def vectors(self, chunk_ids: Sequence[str]) -> dict[str, Vectors]:
        """The vector of each of these chunks, shape (dimension,); unknown ids are left out."""

    def count(self) -> int:
        """Number of chunks."""


class TermIndex(Protocol):
    """BM25 over title and abstract, incremental, on disk."""

    def upsert(self, papers: Sequence[Paper]) -> None:
        """Adds or replaces papers by id; visible to readers when it returns."""

    def delete(self, paper_ids: Sequence[str]) -> None:
        """Removes papers."""

    def query(self, text: str, k: int, among: Sequence[str] | None = None) -> list[tuple[str, float]]:
        """The `k` best as (paper id, BM25 score), best first; of the papers `among` only. Any text is a valid query."""

    def holding(self, text: str, *, title: bool = False) -> list[str]:
        """Ids of all papers whose title or abstract (or `title`) holds every term of `text`, in any order."""

    def document_frequency(self, text: str) -> list[tuple[str, int]]:
        """Terms of `text` as indexed, with the number of papers that hold each."""

    def highest(self, text: str) -> float:
        """The BM25 score that no document exceeds for `text`: every term it has in the collection, without end."""

    def count(self) -> int:
        """Number of papers."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Size of a catalog; `revision` grows with every change of a record."""

    papers: int
    chunks: int
    revision: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a write that was cut short had set out to write or to replace."""

    paper_ids: list[str]
    chunk_ids: list[str]


class Catalog(Protocol):
    """The records, and the truth about what is in the index: what it lacks does not exist.

    What "meets the conditions" of a filter means is `rag.facets.meets`.
    """

    def named(self, facet: Facet, asked: str) -> list[str]:
        """The authors, venues or categories of some paper that `asked` names, as their sources wrote them."""

    def count(self, filters: Filters) -> int:
        """How many papers meet the conditions."""

    def matching(
        self, filters: Filters, among: Sequence[str] | None = None, *, oldest: bool = False, limit: int | None = None
    ) -> list[str]:
        """Ids of the papers (of those `among`) that meet the conditions, newest first, undated ones last.

        With `oldest` they come oldest first and papers without a date are left out.
        """

    def chunk_ids(self, paper_ids: Sequence[str]) -> list[tuple[str, list[str]]]:
        """Each known paper with the ids of its current chunks."""

    def years(self, filters: Filters) -> list[tuple[str, int]]:
        """How many of the papers that meet the conditions are of each year; empty text: without a date."""

    def frequent(self, facet: Facet, filters: Filters, limit: int) -> list[tuple[str, int]]:
        """The most frequent authors, venues or categories of the papers that meet the conditions, with counts."""

    def get(self, paper_ids: Sequence[str]) -> dict[str, tuple[Paper, tuple[Chunk, ...]]]:
        """Records with their current chunks; unknown ids are left out."""

    def tokens(self, paper_ids: Sequence[str]) -> dict[str, Packed]:
        """Token vectors of papers; those that were written without are left out."""

    def sentences(self, paper_ids: Sequence[str]) -> dict[str, Sentences]:
        """What papers' sentences hold; those that an earlier version wrote are left out."""

    def find(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """Ids of the papers that have each key (`doi:…`, `title:…`); keys of no paper are left out."""

    def hashes(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Content hash of each known paper."""

    def papers(self) -> Iterator[Paper]:
        """Every record, newest first."""

    def keys_of(self, paper_ids: Sequence[str]) -> dict[str, list[str]]:
        """The keys that lead to each paper."""

    def upsert(
        self,
        rows: Iterable[tuple[Paper, tuple[Chunk, ...]]],
        keys: Mapping[str, Sequence[str]] | None = None,
        absorbed: Mapping[str, str] | None = None,
        tokens: Mapping[str, Tokens] | None = None,
    ) -> None:
        """Adds or replaces records with their token vectors and adds `keys` by paper id, in one transaction.

        In the same transaction the papers that are the keys of `absorbed` go, and what led to each
        leads to its value from then on.
        """

    def delete(self, paper_ids: Sequence[str]) -> None:
        """Removes records and their keys in one transaction."""

    def counts(self) -> Counts:
        """Papers, chunks and revision, without counting."""

    def begin(self, paper_ids: Sequence[str], chunk_ids: Sequence[str]) -> None:
        """Journals papers and chunks whose write begins."""

    def end(self) -> None:
        """Clears the journal."""

    def pending(self) -> Unfinished:
        """What a write that was cut short had begun."""


class Reranker(Protocol):
    """Puts candidates into another order before their records are read."""

    @property
    def depth(self) -> int:
        """How many of the first it looks at."""

    def __call__(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The same ones, best first."""


class Retriever(Protocol):
    """Finds passages for a question."""

    def retrieve(
        self, question: str, k: int, filters: Filters = NONE, reranker: Reranker | None = None
    ) -> list[ScoredPassage]:
        """At most `k` passages, one a paper, best first, of papers that meet the conditions."""


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """How a model wants its prompt; a tuned one reads what it was trained on and nothing else.

    Attributes:
        example: A worked example comes first.
        template: The model's chat template is put around the messages; else they are plain text.
        reasoning: The model first writes which passages matter (`rag.reasoning`).
    """

    example: bool = True
    template: bool = True
    reasoning: bool = False

    @property
    def extra_tokens(self) -> int:
        """What is written before the answer, at most."""
        return REASONING_TOKENS if self.reasoning else 0


# A line of reasoning names every passage; five of them take about this many tokens.
REASONING_TOKENS = 120
UNTUNED = PromptStyle()


@dataclass(frozen=True, slots=True)
class GenerationLimits:
    """How long an answer may get, in tokens."""

    max_new_tokens: int = 160


class QuestionFit(Protocol):
    """An embedding model whose reading of questions is being fitted; abstracts are read as before."""

    def parameters(self) -> Sequence[Any]:
        """Tensors that are fitted."""

    def train(self, mode: bool) -> None:
        """With dropout or without."""

    def read(self, questions: Sequence[str]) -> tuple[Any, list[Any]]:
        """Tensors of unit length, with gradients: (questions, dimension), and (tokens, token dimensions) for each."""

    def save(self, path: Path) -> None:
        """Writes what was fitted."""


class Trainable(Protocol):
    """A language model in this process, open for training."""

    @property
    def name(self) -> str:
        """Model name as shown to the reader."""

    @property
    def device(self) -> str:
        """Where it runs: cpu or cuda."""

    @property
    def style(self) -> PromptStyle:
        """The prompts it is trained for."""

    @property
    def model(self) -> Any:
        """The transformers model."""

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The prompt in tokens, exactly as it is read when answering."""

    def encode_answer(self, text: str) -> list[int]:
        """The tokens to be written for `text` to be the whole answer, the end included."""


class Generator(Protocol):
    """Writes text. One instance is shared by all users; it serves them in the order they came."""

    @property
    def name(self) -> str:
        """Model name as shown to the reader."""

    @property
    def device(self) -> str:
        """Where it runs: cpu, cuda or server."""

    @property
    def style(self) -> PromptStyle:
        """How it wants its prompt."""

    @property
    def context_tokens(self) -> int:
        """Longest prompt plus answer, in tokens."""

    def count_tokens(self, text: str) -> int:
        """Length of `text` in this model's own tokens."""

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Length of the prompt that these messages make, template included."""

    def waiting(self) -> int:
        """Answers being written or queued before one that would start now."""

    def stream(self, messages: Sequence[Message], limits: GenerationLimits, cancel: threading.Event) -> Iterator[str]:
        """Yields pieces of text as they are written; ends within a token or two of `cancel`.

        Raises:
            GenerationError: The model failed; it is free again for the next caller.
        """
