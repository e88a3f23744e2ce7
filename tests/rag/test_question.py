"""What kind of answer a question wants is told from its words."""

from __future__ import annotations

import pytest

from rag.question import Kind, read


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi", Kind.SMALL_TALK),
        ("Hello there!", Kind.SMALL_TALK),
        ("thanks a lot", Kind.SMALL_TALK),
        ("How are you?", Kind.SMALL_TALK),
        ("What can you do?", Kind.SMALL_TALK),
        ("???", Kind.SMALL_TALK),
        ("", Kind.SMALL_TALK),
        ("Which papers are about pruning?", Kind.LISTING),
        ("List methods for retrieval", Kind.LISTING),
        ("Are there any studies on coral reefs?", Kind.LISTING),
        ("What benchmarks exist for reasoning?", Kind.LISTING),
        ("Give me an overview of sparse attention", Kind.OVERVIEW),
        ("Summarize the work on hard negatives", Kind.OVERVIEW),
        ("Can you summarise MInference?", Kind.OVERVIEW),
        ("What is known about hallucination in small models?", Kind.OVERVIEW),
        ("Tell me about retrieval evaluation", Kind.OVERVIEW),
        ("What has been tried to make agents cheaper?", Kind.OVERVIEW),
        ("What are the main approaches to pruning?", Kind.OVERVIEW),
        ("How do researchers measure faithfulness?", Kind.OVERVIEW),
        ("What's new in retrieval-augmented generation?", Kind.OVERVIEW),
        ("Bring me up to speed on speculative decoding", Kind.OVERVIEW),
        ("Walk me through work on embodied agents", Kind.OVERVIEW),
        ("What approaches are there to compress the KV cache?", Kind.OVERVIEW),
        ("How has long-context modelling developed?", Kind.OVERVIEW),
        ("Review of augmented reality on phones", Kind.OVERVIEW),
        ("How is safety of agents handled across the papers?", Kind.OVERVIEW),
        ("How do people perceive robots?", Kind.FACT),
        ("What do people usually pack tighter?", Kind.FACT),
        ("Why do the usual ways of hiding names fail?", Kind.FACT),
        ("Which papers compare RLHF versus DPO?", Kind.LISTING),
        ("I am looking for papers about pruning", Kind.LISTING),
        ("Is there any work on pruning?", Kind.LISTING),
        ("Which works deal with pruning?", Kind.LISTING),
        ("papers where robots learn from people", Kind.LISTING),
        ("Everything on adversarial pictures, please", Kind.LISTING),
        ("I need all studies about safe driving", Kind.LISTING),
        ("Show all works on tracking objects", Kind.LISTING),
        ("What do you have on graphics cards?", Kind.LISTING),
        ("Who wrote about proof assistants?", Kind.LISTING),
        ("Which authors make networks smaller?", Kind.LISTING),
        ("What works best for pruning?", Kind.FACT),
        ("Which works better on long inputs, sparse attention or a cache?", Kind.COMPARISON),
        ("Everything fails when the cache is full; why?", Kind.FACT),
        ("What do you have to change to train it?", Kind.FACT),
        ("What is temporal difference learning?", Kind.FACT),
        ("What makes language models hallucinate?", Kind.FACT),
        ("Thank you so much", Kind.SMALL_TALK),
        ("Got it", Kind.SMALL_TALK),
        ("Which model is the state of the art on GSM8K?", Kind.FACT),
        ("What did people at CERN find?", Kind.FACT),
        ("How does MInference summarize attention?", Kind.FACT),
        ("Compare SFT and RL", Kind.COMPARISON),
        ("How does SFT differ from RL?", Kind.COMPARISON),
        ("MInference versus FlashAttention", Kind.COMPARISON),
        ("How does DPO stack up against PPO?", Kind.COMPARISON),
        ("Is LoRA or full fine-tuning better for small data?", Kind.COMPARISON),
        ("Which is faster, speculative decoding or early exit?", Kind.COMPARISON),
        ("Should I use BM25 or dense retrieval for legal text?", Kind.COMPARISON),
        ("What sets mixtures of experts apart from dense models?", Kind.COMPARISON),
        ("What is the advantage of RoPE over ALiBi?", Kind.COMPARISON),
        ("Pros and cons of sparse attention against linear attention", Kind.COMPARISON),
        ("Which variables set one cluster apart from the rest?", Kind.FACT),
        ("Where are the benefits of blending methods when sums are spread over machines?", Kind.FACT),
        ("Does learning get better, worse or stay the same?", Kind.FACT),
        ("How much faster is MInference?", Kind.NUMBER),
        ("How many patients were enrolled?", Kind.NUMBER),
        ("What percentage of patients recovered?", Kind.NUMBER),
        ("What is the accuracy of the detector?", Kind.NUMBER),
        ("What's the BLEU score on WMT14?", Kind.NUMBER),
        ("What F1 does the parser reach?", Kind.NUMBER),
        ("How old were the participants on average?", Kind.NUMBER),
        ("What map-building program do robots use?", Kind.FACT),
        ("What is retrieval-augmented generation?", Kind.FACT),
        ("Why do hard negatives hurt?", Kind.FACT),
        ("Help desk chatbots evaluation", Kind.FACT),
        ("Great Barrier Reef coral decline", Kind.FACT),
        ("検索拡張生成とは何ですか", Kind.FACT),
    ],
)
def test_kinds(text: str, kind: Kind) -> None:
    assert read(text).kind is kind


@pytest.mark.parametrize("text", ["Hi, what is RAG?", "Hello, what does LoRA save?", "Cool, and what is LoRA?"])
def test_a_greeting_before_a_question_does_not_hide_it(text: str) -> None:
    assert read(text).kind is not Kind.SMALL_TALK


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("How many patients were enrolled?", True),
        ("What is MInference, and how much faster is it?", True),
        ("By how much does latency drop?", True),
        ("What is LoRA?", False),
        ("Does the study of memory in rodents explain how many cells are needed?", False),
    ],
)
def test_a_number_is_wanted_where_the_question_opens_with_one(text: str, wanted: bool) -> None:
    assert read(text).wants_number is wanted


def test_a_share_is_told_from_a_count() -> None:
    assert read("What percentage of patients recovered?").wants_percentage
    assert not read("How many patients recovered?").wants_percentage


def test_what_is_counted() -> None:
    assert read("How many labelled tweets were collected?").counted >= {"tweet"}
    assert read("How many GPUs?").counted == {"gpus"} or read("How many GPUs?").counted == {"gpu"}
    assert read("How much faster is it?").counted == frozenset()
