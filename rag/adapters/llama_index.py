"""Retriever, order and pipeline as LlamaIndex's own classes, so that they can take the place of its parts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.chat_engine.types import AgentChatResponse, BaseChatEngine, StreamingAgentChatResponse
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from rag.order import Ordering, prompt_order
from rag.pipeline import Pipeline
from rag.serialize import answer_to_dict
from rag.types import Answer, Checked, Finished, ScoredPassage, Turn, marked


class PaperchatRetriever(BaseRetriever):  # type: ignore[misc]  # LlamaIndex is followed by no type checker here
    """Hybrid retrieval with reranking by evidence; one node a paper, best first."""

    def __init__(self, pipeline: Pipeline, k: int) -> None:
        super().__init__()
        self._pipeline = pipeline
        self._k = k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [to_node(passage) for passage in self._pipeline.search(query_bundle.query_str, self._k).ranked]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        # LlamaIndex's own default would hold up the event loop.
        return await asyncio.to_thread(self._retrieve, query_bundle)


class PaperchatReorder(BaseNodePostprocessor):  # type: ignore[misc]
    """The order of nodes in the prompt: by default the paper's, best at both ends, for every number of nodes.

    Nodes are ranked by score where all have one, else taken as best first. LlamaIndex's `LongContextReorder`
    mirrors the order for an even number and puts a node without a score in the middle.
    """

    ordering: Ordering = "reorder"

    @classmethod
    def class_name(cls) -> str:
        """Name under which LlamaIndex serialises it."""
        return "PaperchatReorder"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        ranked = list(nodes)
        if all(node.score is not None for node in nodes):
            ranked.sort(key=lambda node: -node.score)
        return prompt_order(ranked, self.ordering)


class PaperchatChatEngine(BaseChatEngine):  # type: ignore[misc]
    """Checked and cited answers; streams whole sentences, each after its check.

    The answer as JSON is in `metadata`, the cited passages are `source_nodes`. One engine is one
    conversation; the pipeline behind it may be shared.
    """

    def __init__(self, pipeline: Pipeline, chat_history: Sequence[ChatMessage] = ()) -> None:
        self._pipeline = pipeline
        self._history = list(chat_history)

    @property
    def chat_history(self) -> list[ChatMessage]:
        """Everything said so far."""
        return self._history

    def reset(self) -> None:
        """Forgets the conversation."""
        self._history = []

    def chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """The finished answer; `chat_history` takes the place of what was said so far."""
        answer = self._pipeline.ask(message, self._turns(chat_history))
        self._remember(message, answer)
        return AgentChatResponse(
            response=answer.text, source_nodes=cited_nodes(answer), metadata=answer_to_dict(answer)
        )

    async def achat(self, message: str, chat_history: list[ChatMessage] | None = None) -> AgentChatResponse:
        """The same without holding up the event loop."""
        return await asyncio.to_thread(self.chat, message, chat_history)

    def stream_chat(self, message: str, chat_history: list[ChatMessage] | None = None) -> StreamingAgentChatResponse:
        """The answer sentence by sentence; `source_nodes` are there when it has ended."""
        response = StreamingAgentChatResponse(is_writing_to_memory=False)
        response.chat_stream = self._written(message, self._turns(chat_history), response, threading.Event())
        return response

    async def astream_chat(
        self, message: str, chat_history: list[ChatMessage] | None = None
    ) -> StreamingAgentChatResponse:
        """The same for an event loop."""
        response = StreamingAgentChatResponse(is_writing_to_memory=False)
        response.achat_stream = self._awritten(message, self._turns(chat_history), response)
        return response

    def _turns(self, given: list[ChatMessage] | None) -> list[Turn]:
        if given is not None:
            self._history = list(given)
        return to_turns(self._history)

    def _remember(self, message: str, answer: Answer) -> None:
        self._history += [
            ChatMessage(role=MessageRole.USER, content=message),
            ChatMessage(role=MessageRole.ASSISTANT, content=answer.text),
        ]

    def _written(
        self, message: str, turns: Sequence[Turn], response: StreamingAgentChatResponse, cancel: threading.Event
    ) -> Iterator[ChatResponse]:
        said = ""
        for event in self._pipeline.stream(message, turns, cancel):
            delta = ""
            if isinstance(event, Checked) and event.shown:
                between = "\n" if event.sentence.quoted else " "
                delta = (between if said else "") + marked(event.sentence)
            elif isinstance(event, Finished):
                delta = event.answer.text if event.answer.refusal else ""
                response.source_nodes = cited_nodes(event.answer)
                self._remember(message, event.answer)
            if delta:
                said += delta
                yield ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=said), delta=delta)

    async def _awritten(
        self, message: str, turns: Sequence[Turn], response: StreamingAgentChatResponse
    ) -> AsyncIterator[ChatResponse]:
        cancel = threading.Event()
        pieces = self._written(message, turns, response, cancel)
        try:
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
        finally:
            cancel.set()
            with suppress(ValueError):  # a thread is still in it: `cancel` ends it
                pieces.close()  # type: ignore[attr-defined]


def to_node(passage: ScoredPassage) -> NodeWithScore:
    """A passage as a node: its text, and in the metadata its paper and the ranks that led to it.

    Only the title is put in front of the text that a model reads.
    """
    paper = passage.paper
    metadata: dict[str, Any] = {
        "title": paper.title,
        "paper_id": paper.id,
        "authors": ", ".join(paper.authors),
        "date": paper.date,
        "venue": paper.venue,
        "url": paper.url,
        "rank": passage.rank,
        "dense_rank": passage.dense_rank,
        "lexical_rank": passage.lexical_rank,
        "fused_rank": passage.fused_rank,
        "similarity": passage.similarity,
    }
    hidden = [key for key in metadata if key != "title"]
    node = TextNode(
        id_=passage.chunk.id,
        text=passage.chunk.text,
        start_char_idx=passage.chunk.start,
        end_char_idx=passage.chunk.end,
        metadata=metadata,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=hidden,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=paper.id)},
    )
    return NodeWithScore(node=node, score=passage.score)


def cited_nodes(answer: Answer) -> list[NodeWithScore]:
    """What the answer cites, by number."""
    nodes = [to_node(numbered.passage) for numbered in answer.cited]
    for node, numbered in zip(nodes, answer.cited, strict=True):
        node.node.metadata["number"] = numbered.number
        node.node.excluded_llm_metadata_keys.append("number")
    return nodes


def to_turns(messages: Sequence[ChatMessage]) -> list[Turn]:
    """User and assistant messages in pairs; instructions, tool calls and questions without answer are left out."""
    turns: list[Turn] = []
    asked: str | None = None
    for message in messages:
        if message.role == MessageRole.USER:
            asked = message.content or ""
        elif message.role == MessageRole.ASSISTANT and asked is not None:
            turns.append((asked, message.content or ""))
            asked = None
    return turns
