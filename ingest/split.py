"""Abstract to chunks: one chunk where the abstract fits the embedding model, sentence windows where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rag.late import Tokens, of_papers
from rag.protocols import Embedder, Vectors
from rag.types import Chunk, Paper


def chunking_name(max_tokens: int) -> str:
    """Names how abstracts are cut, for the index's identity."""
    return f"abstract-{max_tokens}"


class AbstractSplitter:
    """LlamaIndex's SentenceSplitter over spans, so that a chunk's place in its abstract is known."""

    def __init__(self, count_tokens: Callable[[str], int], max_tokens: int) -> None:
        self._count = count_tokens
        self._limit = max_tokens

    def split(self, paper: Paper) -> tuple[Chunk, ...]:
        """Chunks in reading order; together they cover every character but white space."""
        room = self._limit - self._count(paper.title) - 2
        if self._count(paper.abstract) <= room:
            return (Chunk(paper, 0, len(paper.abstract)),)
        return tuple(Chunk(paper, start, end) for start, end in self._windows(paper.abstract, max(room, 64)))

    def _windows(self, text: str, tokens: int) -> list[tuple[int, int]]:
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.core.schema import Document

        splitter = SentenceSplitter(
            chunk_size=tokens,
            # Without overlap the chunks follow each other, so that each is found again by its text even
            # where a sentence occurs twice.
            chunk_overlap=0,
            tokenizer=lambda part: [0] * self._count(part),
            include_metadata=False,
            include_prev_next_rel=False,
        )
        spans: list[tuple[int, int]] = []
        place = 0
        for node in splitter.get_nodes_from_documents([Document(text=text)]):
            start = text.find(node.get_content(), place)
            if start < 0:  # the splitter changed the text: keep it whole rather than lose some
                return [(0, len(text))]
            place = start + len(node.get_content())
            spans.append((start, place))
        return spans


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Papers ready to be written.

    Attributes:
        rows: Each paper with its chunks.
        vectors: One row a chunk, in order.
        tokens: The token vectors of each paper, by its id.
    """

    rows: list[tuple[Paper, tuple[Chunk, ...]]]
    vectors: Vectors
    tokens: dict[str, Tokens]


def embed_papers(papers: Sequence[Paper], model: Embedder) -> Embedded:
    """Cuts and embeds papers."""
    splitter = AbstractSplitter(model.count_tokens, model.max_tokens)
    rows = [(paper, splitter.split(paper)) for paper in papers]
    chunks = [chunk for _, own in rows for chunk in own]
    vectors, tokens = model.embed_tokens([chunk.embedded_text for chunk in chunks])
    return Embedded(rows, vectors, of_papers(chunks, tokens))


def joined(parts: Sequence[Embedded]) -> Embedded:
    """Several lots as one; there is at least one."""
    return Embedded(
        [row for part in parts for row in part.rows],
        np.concatenate([part.vectors for part in parts]),
        {key: tokens for part in parts for key, tokens in part.tokens.items()},
    )
