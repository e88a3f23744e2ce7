"""Answers out of the records, through the whole pipeline: exact, cited, and honest where there is nothing."""

from __future__ import annotations

import pytest

from rag.filters import NONE, Filters
from rag.pipeline import Pipeline
from rag.serialize import answer_to_dict
from rag.types import Answer, Paper, Verdict
from tests.fakes import FakeGenerator, build_fake_pipeline

PAPERS = [
    Paper("qlora", "QLoRA: Efficient Finetuning of Quantized LLMs", "We finetune quantized models. Memory falls.",
          ("Tim Dettmers", "Artidoro Pagnoni"), date="2023-05-23", venue="NeurIPS 2023", categories=("cs.LG",)),
    Paper("lora", "LoRA: Low-Rank Adaptation", "We adapt models by low-rank updates. Memory falls.",
          ("Edward Hu", "Yelong Shen"), date="2021-06-17", categories=("cs.CL", "cs.LG")),
    Paper("digest", "Sparse Updates for Everyone", "A digest about memory. It is sparse.", author_count=12,
          date="2024-10-08", kind="digest"),
    Paper("old", "Parsing Dutch", "We parse Dutch sentences. Trees are built.", ("Edward Hu",), date="1996"),
    Paper("undated", "Parsing Frisian", "We parse Frisian sentences.", organization="Fryske Akademy"),
]  # fmt: skip


@pytest.fixture(scope="module")
def generator() -> FakeGenerator:
    return FakeGenerator("The model says something.")


@pytest.fixture(scope="module")
def pipeline(generator: FakeGenerator) -> Pipeline:
    return build_fake_pipeline(PAPERS, generator)


def cited(answer: Answer) -> list[str]:
    return [passage.paper.id for passage in answer.cited]


@pytest.mark.parametrize(
    ("question", "text", "papers"),
    [
        ("How many papers are there?", "This collection holds 5 papers.", []),
        ("How many papers mention memory?", "3 of the 5 papers in this collection hold all words of “memory”", ["digest", "qlora", "lora"]),
        ("How many papers by Edward Hu are there?", "2 of the 5 papers in this collection are by Edward Hu", ["lora", "old"]),
        ("How many papers since 2023?", "2 of the 5 papers in this collection are since 2023", ["digest", "qlora"]),
        ("Which are the newest 2 papers?", "The newest 2 of 5 papers:", ["digest", "qlora"]),
        ("What are the newest papers on memory?", "3 papers holding all words of “memory”, newest first:", ["digest", "qlora", "lora"]),
        ("What is the oldest paper?", "oldest", ["old", "lora", "qlora", "digest"]),
        ("Who wrote QLoRA?", "by Tim Dettmers, Artidoro Pagnoni", ["qlora"]),
        ("Who wrote the LoRA paper?", "by Edward Hu, Yelong Shen", ["lora"]),
        ("Who are the authors of Sparse Updates for Everyone?", "the number of authors, 12, and no names", ["digest"]),
        ("How many authors has Sparse Updates for Everyone?", "12 authors", ["digest"]),
        ("How many authors does the QLoRA paper have?", "2 authors", ["qlora"]),
        ("Who wrote “Parsing Frisian”?", "its record names Fryske Akademy", ["undated"]),
        ("Who wrote the paper on Dutch trees?", "by Edward Hu", ["old"]),
        ("When was QLoRA published?", "dated 2023-05-23", ["qlora"]),
        ("When was “Parsing Frisian” published?", "its record gives no date", ["undated"]),
        ("Where was QLoRA published?", "its record names NeurIPS 2023", ["qlora"]),
        ("What years does the collection cover?", "4 papers from 1996 to 2024. 1 paper without a date.", []),
        ("How many papers per year?", "2024: 1, 2023: 1, 2021: 1, 1996: 1. 1 paper without a date.", []),
        ("Who are the most frequent authors?", "Edward Hu (2)", []),
        ("What are the most common categories?", "cs.LG (2), cs.CL (1)", []),
        ("How many papers has Edward Hu written?", "2 of the 5 papers in this collection are by Edward Hu", ["lora", "old"]),
        ("Which papers did Dr. Hu publish?", "2 papers by Hu, newest first:", ["lora", "old"]),
        ("Who are LoRA's authors?", "by Edward Hu, Yelong Shen", ["lora"]),
        ("papers by Edward Hu", "2 papers by Edward Hu, newest first:", ["lora", "old"]),
        ("Which papers are there since 2023?", "2 papers since 2023, newest first:", ["digest", "qlora"]),
    ],
)  # fmt: skip
def test_the_records_answer(
    question: str, text: str, papers: list[str], pipeline: Pipeline, generator: FakeGenerator
) -> None:
    answer = pipeline.ask(question)
    assert answer.mode == "quoted"
    assert text in answer.text
    assert cited(answer) == papers
    assert all(s.recorded and s.support.verdict is Verdict.SUPPORTED for s in answer.sentences)
    assert all(s.support.evidence.startswith("Record") for s in answer.sentences)
    assert generator.prompts == []


@pytest.mark.parametrize(
    ("question", "reason", "message"),
    [
        ("How many papers by Zorglub?", "no_match", "No author “Zorglub” in this collection; 5 papers without"),
        ("papers by Zorglub", "no_match", "No author “Zorglub”"),
        ("Who wrote the BERT paper?", "no_match", "No paper of this collection has a title with all words of “BERT”"),
        ("papers by Edward Hu since 2022", "no_match", "by Edward Hu: 2"),
        ("Which papers from 2019 deal with memory?", "no_match", "No paper in 2019 in this collection; 5 papers"),
        ("What are the newest papers on zebras?", "not_covered", "No paper holds all words of “zebras”"),
    ],
)
def test_where_there_is_nothing_that_is_said(question: str, reason: str, message: str, pipeline: Pipeline) -> None:
    answer = pipeline.ask(question)
    assert answer.refusal is not None
    assert (answer.mode, answer.refusal.reason) == ("refused", reason)
    assert message in answer.text


def test_no_date_in_any_record_is_no_newest_paper() -> None:
    answer = build_fake_pipeline([PAPERS[4]]).ask("Which are the newest papers?")
    assert answer.refusal is not None and answer.refusal.reason == "not_stated"


def test_a_question_that_names_no_paper_goes_to_the_abstracts(pipeline: Pipeline) -> None:
    answer = pipeline.ask("Who wrote the code?")
    assert not any(sentence.recorded for sentence in answer.sentences)
    assert answer.refusal is None or answer.refusal.reason in ("not_covered", "off_topic")


def test_an_empty_index_still_says_that_it_is_empty() -> None:
    answer = build_fake_pipeline([]).ask("How many papers are there?")
    assert answer.refusal is not None and answer.refusal.reason == "empty_index"


def test_a_long_list_is_cut_and_says_so() -> None:
    many = [
        Paper(f"p{n:03}", f"Title {n}", "Memory.", ("Ann Lee",), date=f"2020-01-{n % 28 + 1:02}") for n in range(60)
    ]
    answer = build_fake_pipeline(many).ask("How many papers by Ann Lee?")
    assert len(answer.cited) == 5
    assert "And 55 more." in answer.text
    assert len(build_fake_pipeline(many).ask("Show the newest 100 papers").cited) == 50


def test_filters_are_read_shown_and_kept_out_of_what_is_looked_for(pipeline: Pipeline) -> None:
    answer = pipeline.ask("Which papers since 2022 save memory?")
    assert answer.filters == Filters("2022")
    assert answer.standalone_question == "Which papers since 2022 save memory?"
    assert {passage.paper.id for passage in answer.retrieved} == {"qlora", "digest"}
    assert answer_to_dict(answer)["filters"] == {"since": "2022"}
    assert pipeline.search("Which papers since 2022 save memory?", 5).question.text == "Which papers save memory?"


def test_given_filters_hold_exactly(pipeline: Pipeline) -> None:
    question = "Which papers since 2022 save memory?"
    assert pipeline.ask(question, filters=NONE).filters == NONE
    assert len(pipeline.search(question, 9, NONE).ranked) > 2
    found = pipeline.search(question, 9, Filters(authors=("Hu",)))
    assert {passage.paper.id for passage in found.ranked} == {"lora", "old"}
    # What the reader took away is no part of the filter, and stays in the question.
    assert found.question.text == question
    assert pipeline.search(question, 9, Filters("2022")).question.text == "Which papers save memory?"
