"""Which questions are about the collection, and which only sound like it."""

from __future__ import annotations

import pytest

from rag import question
from rag.collection import About, Asked, read
from rag.question import Kind

ABOUT = [
    ("How many papers are there?", Asked(About.COUNT)),
    ("How many papers are in the collection?", Asked(About.COUNT)),
    ("how many papers do you have", Asked(About.COUNT)),
    ("How many articles does the collection hold?", Asked(About.COUNT)),
    ("What is the number of papers in this index?", Asked(About.COUNT)),
    ("How many papers are there on speech recognition?", Asked(About.COUNT, "speech recognition")),
    ("How many papers on RAG are there?", Asked(About.COUNT, "RAG")),
    ("How many papers mention BERT?", Asked(About.COUNT, "BERT")),
    ("How many papers deal with graph networks?", Asked(About.COUNT, "graph networks")),
    ("How many papers by Zorglub?", Asked(About.COUNT, who="Zorglub")),
    ("How many papers has Zorglub written?", Asked(About.COUNT, who="Zorglub")),
    ("Which are the newest papers?", Asked(About.NEWEST)),
    ("What are the latest papers on parsing?", Asked(About.NEWEST, "parsing")),
    ("Show me the 3 most recent papers about parsing", Asked(About.NEWEST, "parsing", number=3)),
    ("newest papers", Asked(About.NEWEST)),
    ("Which papers on parsing are the newest?", Asked(About.NEWEST, "parsing")),
    ("What is the oldest paper?", Asked(About.OLDEST)),
    ("List the five earliest papers in the collection.", Asked(About.OLDEST, number=5)),
    ("Who wrote the Transformer paper?", Asked(About.AUTHORS, title="the Transformer paper")),
    ("Who are the authors of “Attention Is All You Need”?", Asked(About.AUTHORS, title="“Attention Is All You Need”")),
    ("By whom was QLoRA written?", Asked(About.AUTHORS, title="QLoRA")),
    ("How many authors has QLoRA?", Asked(About.AUTHOR_COUNT, title="QLoRA")),
    ("How many authors does the QLoRA paper have?", Asked(About.AUTHOR_COUNT, title="the QLoRA paper")),
    ("How many people wrote the QLoRA paper?", Asked(About.AUTHOR_COUNT, title="the QLoRA paper")),
    ("How many authors has it? (about QLoRA)", Asked(About.AUTHOR_COUNT, title="QLoRA")),
    ("When was QLoRA published?", Asked(About.DATE, title="QLoRA")),
    ("In which year was the QLoRA paper published?", Asked(About.DATE, title="the QLoRA paper")),
    ("Where was QLoRA published?", Asked(About.VENUE, title="QLoRA")),
    ("In which journal was QLoRA published?", Asked(About.VENUE, title="QLoRA")),
    ("What years does the collection cover?", Asked(About.YEARS)),
    ("How many papers per year?", Asked(About.PER_YEAR)),
    ("papers per year", Asked(About.PER_YEAR)),
    ("How many papers on parsing per year?", Asked(About.PER_YEAR, "parsing")),
    ("Who are the most frequent authors?", Asked(About.FREQUENT, facet="author")),
    ("Which authors have the most papers?", Asked(About.FREQUENT, facet="author")),
    ("top 5 venues", Asked(About.FREQUENT, number=5, facet="venue")),
    ("What are the most common categories?", Asked(About.FREQUENT, facet="category")),
    ("Who has written the most papers?", Asked(About.FREQUENT, facet="author")),
    ("Which papers do you have?", Asked(About.LIST)),
    ("List all papers", Asked(About.LIST)),
    ("papers by Zorglub", Asked(About.LIST, who="Zorglub")),
]

OF_ABSTRACTS = [
    "How many parameters does GPT-3 have?",
    "How many layers does the model have?",
    "How many tokens was it trained on?",
    "How many papers did the authors review?",
    "How many studies were included in the meta-analysis?",
    "How many articles does the dataset contain?",
    "How many articles were collected for the corpus?",
    "How many papers are in the S2ORC corpus?",
    "How many papers on depression were reviewed?",
    "How many studies on sleep are in the meta-analysis?",
    "How many papers can the model read at once?",
    "How many abstracts did the annotators label?",
    "How many works of art are in the data set?",
    "How many authors did the survey interview?",
    "How many authors are needed to write a program?",
    "How many people took part in the study?",
    "How many people use the system?",
    "How many researchers answered the questionnaire?",
    "What are the newest methods for parsing?",
    "What is the latest version of the model?",
    "What are the latest advances in speech recognition?",
    "Which is the oldest galaxy?",
    "What is the most recent common ancestor?",
    "What are the most common errors of the parser?",
    "What are the most frequent words in the corpus?",
    "Which categories of errors are most frequent?",
    "What is the number of layers of the network?",
    "Who wrote the code?",
    "Who wrote about attention?",
    "Who published on graph networks?",
    "Who proposed attention?",
    "Who published an article suggesting that species descend from others?",
    "Who introduced the lottery ticket hypothesis?",
    "Who wrote papers on parsing?",
    "Who uses graph networks?",
    "When was the data collected?",
    "When was the first star formed?",
    "When was the model trained?",
    "When does training diverge?",
    "Where was the study carried out?",
    "Where are the neurons located?",
    "In which language was the corpus written?",
    "What year did the outbreak begin?",
    "What period does the data cover?",
    "Which years does the survey cover?",
    "What years does the dataset span?",
    "How large is the corpus?",
    "How big is the collection of images?",
    "How old is the universe?",
    "How old are the patients?",
    "Which papers deal with parsing?",
    "papers on parsing",
    "Which papers are there on parsing?",
    "List all methods",
    "Which authors disagree about scaling?",
    "Which venues use double-blind review?",
    "How many papers are accepted at ICLR each year?",
    "How many citations does a paper receive per year?",
    "How often are papers retracted?",
    "What does the paper say about its authors?",
    "Top 5 accuracy on ImageNet",
]


@pytest.mark.parametrize(("text", "asked"), ABOUT)
def test_a_question_about_the_collection_is_known(text: str, asked: Asked) -> None:
    found = read(text)
    assert found is not None
    assert (found.about, found.topic, found.title, found.who, found.number) == (
        asked.about, asked.topic, asked.title, asked.who, asked.number
    )  # fmt: skip
    if asked.facet:
        assert found.facet == asked.facet
    assert question.read(text).kind is Kind.COLLECTION


@pytest.mark.parametrize("text", [text for text in OF_ABSTRACTS if text != "Who wrote the code?"])
def test_a_question_to_the_abstracts_is_none(text: str) -> None:
    assert read(text) is None


def test_a_bare_word_for_papers_asks_for_a_list_only_under_filters() -> None:
    assert read("Which papers?", filtered=True) == Asked(About.LIST)
    assert read("papers", filtered=True) == Asked(About.LIST)
    assert read("papers") is None


def test_the_kind_can_be_told_again_where_the_records_have_no_answer() -> None:
    asked = question.read("Who wrote the code?")
    assert asked.kind is Kind.COLLECTION
    assert question.of_abstracts(asked).kind is Kind.FACT
