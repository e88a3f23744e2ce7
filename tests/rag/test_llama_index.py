"""Our parts in LlamaIndex's place: its own callers get nodes, an order and answers from them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.response.schema import Response
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.schema import MetadataMode, NodeWithScore, TextNode

from rag import build
from rag.config import Config
from rag.types import Paper
from tests.fakes import FakeGenerator, build_fake_pipeline

PAPERS = [
    Paper("whales", "Songs of Whales", "Humpback whales sing songs for many hours. Songs change every year."),
    Paper("lora", "LoRA", "Low-rank adaptation freezes the weights of a language model. It trains small matrices."),
    Paper("coral", "Coral reefs", "Reefs bleach in warm water. Fish leave the reefs."),
]
QUESTION = "What do humpback whales sing?"
SENTENCE = "Humpback whales sing songs for many hours [1]."


def engine(pieces: Any = SENTENCE) -> Any:
    return build.llama_index_chat_engine(Config(), build_fake_pipeline(PAPERS, pieces))


def test_the_retriever_gives_nodes_best_first_with_their_ranks() -> None:
    pipeline = build_fake_pipeline(PAPERS, None)
    nodes = build.llama_index_retriever(Config(k=2), pipeline).retrieve(QUESTION)
    ranked = pipeline.search(QUESTION, 2).ranked
    assert [node.metadata["paper_id"] for node in nodes] == [p.paper.id for p in ranked]
    assert [node.score for node in nodes] == [p.score for p in ranked]
    assert (nodes[0].metadata["rank"], nodes[0].metadata["dense_rank"]) == (1, 1)
    assert nodes[0].node.ref_doc_id == "whales"


def test_a_model_reads_the_title_and_no_other_metadata() -> None:
    node = build.llama_index_retriever(Config(k=1), build_fake_pipeline(PAPERS, None)).retrieve(QUESTION)[0]
    assert node.node.get_content(MetadataMode.LLM).startswith("title: Songs of Whales\n")
    assert "rank" not in node.node.get_content(MetadataMode.LLM)


@pytest.mark.enable_socket
def test_the_retriever_answers_an_event_loop_too() -> None:
    retriever = build.llama_index_retriever(Config(k=1), build_fake_pipeline(PAPERS, None))
    assert asyncio.run(retriever.aretrieve(QUESTION))[0].metadata["paper_id"] == "whales"


def test_a_llama_index_query_engine_runs_on_our_retriever_and_order() -> None:
    query_engine = RetrieverQueryEngine(
        retriever=build.llama_index_retriever(Config(k=3), build_fake_pipeline(PAPERS, None)),
        response_synthesizer=get_response_synthesizer(llm=MockLLM(), response_mode="compact"),
        node_postprocessors=[build.llama_index_reorder()],
    )
    response = query_engine.query(QUESTION)
    assert isinstance(response, Response)
    assert [node.metadata["rank"] for node in response.source_nodes] == [1, 3, 2]
    assert "Humpback whales sing" in str(response)


@pytest.mark.parametrize(
    ("count", "order"), [(1, [0]), (2, [0, 1]), (4, [0, 2, 3, 1]), (5, [0, 2, 4, 3, 1]), (6, [0, 2, 4, 5, 3, 1])]
)
@pytest.mark.parametrize("scored", [True, False])
def test_the_order_is_the_papers_for_every_number_with_and_without_scores(
    count: int, order: list[int], scored: bool
) -> None:
    nodes = [NodeWithScore(node=TextNode(text=str(n)), score=1 - n / 10 if scored else None) for n in range(count)]
    given = list(reversed(nodes)) if scored else nodes
    assert [int(node.text) for node in build.llama_index_reorder().postprocess_nodes(given)] == order


def test_chat_gives_the_checked_answer_with_what_it_cites() -> None:
    response = engine().chat(QUESTION)
    assert response.response == response.metadata["answer"]
    assert "Humpback whales sing songs for many hours. [1]" in response.response
    assert [(node.metadata["paper_id"], node.metadata["number"]) for node in response.source_nodes] == [("whales", 1)]


def test_what_is_not_supported_never_reaches_the_caller() -> None:
    chat = engine("Whales invented the printing press [1].")
    assert "printing press" not in chat.chat(QUESTION).response
    assert "printing press" not in "".join(chat.stream_chat(QUESTION).response_gen)


def test_a_stream_says_the_same_and_is_remembered() -> None:
    chat, same = engine(), engine()
    response = chat.stream_chat(QUESTION)
    assert "".join(response.response_gen) == same.chat(QUESTION).response == str(response)
    assert [node.metadata["paper_id"] for node in response.source_nodes] == ["whales"]
    assert [message.content for message in chat.chat_history] == [QUESTION, str(response)]


@pytest.mark.enable_socket
def test_an_event_loop_gets_the_same_stream() -> None:
    async def ask() -> str:
        response = await engine().astream_chat(QUESTION)
        return "".join([piece async for piece in response.async_response_gen()])

    assert asyncio.run(ask()) == engine().chat(QUESTION).response


@pytest.mark.enable_socket
def test_who_leaves_a_stream_frees_the_model() -> None:
    generator = FakeGenerator([SENTENCE, *["More words "] * 50], delay=0.01)

    async def ask() -> None:
        response = await engine(generator).astream_chat(QUESTION)
        pieces = response.async_response_gen()
        await anext(pieces)
        await response.achat_stream.aclose()

    asyncio.run(ask())
    assert generator.waiting() == 0
    assert generator.left + generator.cancelled == 1


def test_a_refusal_is_streamed_as_its_message() -> None:
    response = engine().stream_chat("Who won the football championship?")
    text = "".join(response.response_gen)
    assert "none" in text
    assert response.source_nodes == []


def test_a_conversation_goes_on_and_can_be_replaced_or_forgotten() -> None:
    chat = engine()
    chat.chat(QUESTION)
    assert chat.chat("Why do they?").metadata["standalone_question"] != "Why do they?"
    chat.chat("Why do they?", [ChatMessage(role="user", content="What is LoRA?"), ChatMessage(role="assistant", content="LoRA freezes weights [1].")])  # fmt: skip
    assert chat.chat_history[0].content == "What is LoRA?"
    chat.reset()
    assert chat.chat_history == []
    assert chat.chat("Why do they?").metadata["standalone_question"] == "Why do they?"
