"""The real page of 5 November 2025."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.sources import read_file
from rag.types import Paper

pytestmark = pytest.mark.real

PAGE = Path(__file__).parents[2].parent / "shared" / "data" / "daily_papers" / "page_2025-11-05.txt"


@pytest.fixture(scope="module")
def papers() -> dict[str, Paper]:
    if not PAGE.is_file():
        pytest.skip(f"{PAGE} is not here")
    records = list(read_file(PAGE, None, lambda done: None))
    assert len(records) == 90
    found = [record for record in records if isinstance(record, Paper)]
    assert len(found) == 90
    return {paper.title: paper for paper in found}


def named(papers: dict[str, Paper], start: str) -> Paper:
    (paper,) = [paper for title, paper in papers.items() if title.startswith(start)]
    return paper


def test_ninety_papers_with_ids_of_their_own(papers: dict[str, Paper]) -> None:
    assert len({paper.id for paper in papers.values()}) == 90


def test_first_and_last(papers: dict[str, Paper]) -> None:
    titles = list(papers)
    assert titles[0] == "Long-Context LLMs Meet RAG: Overcoming Challenges for Long Inputs in RAG"
    assert titles[-1] == (
        "ULLME: A Unified Framework for Large Language Model Embeddings with Generation-Augmented Learning"
    )


@pytest.mark.parametrize(
    ("title", "date", "comments", "authors", "organization"),
    [
        ("Long-Context LLMs Meet RAG", "2024-10-08", 0, 4, None),
        ("AMFT", "2025-08-09", 2, 3, None),
        ("Implicit Reward as the Bridge", "2025-06-15", 0, 10, None),
        ("A Paradigm Shift in Machine Translation", "2023-09-20", 3, 4, None),
        ("LiST: Lite Prompted Self-training", "2021-10-12", 0, 6, None),
        ("JudgeLM", "2023-10-26", 6, 3, None),
        ("Aligning Language Models with Observational Data", "2025-05-30", 0, 1, None),
        ("Fine-tuning Done Right in Model Editing", "2025-09-26", 2, None, "UCAS"),
    ],
)
def test_what_the_page_says_about_a_paper(
    papers: dict[str, Paper], title: str, date: str, comments: int, authors: int | None, organization: str | None
) -> None:
    paper = named(papers, title)
    assert (paper.date, paper.comments) == (date, comments)
    assert (paper.author_count, paper.organization) == (authors, organization)


def test_only_one_paper_names_an_organisation(papers: dict[str, Paper]) -> None:
    assert [paper.organization for paper in papers.values() if paper.organization] == ["UCAS"]
    assert sum(paper.author_count is None for paper in papers.values()) == 1


def test_no_date_lies_after_the_page_s_own(papers: dict[str, Paper]) -> None:
    assert max(paper.date or "" for paper in papers.values()) <= "2025-11-05"


def test_latex_in_titles_and_abstracts_is_resolved(papers: dict[str, Paper]) -> None:
    assert "S²FT: Efficient, Scalable and Generalizable LLM Fine-tuning by Structured Sparsity" in papers
    assert "25%" in named(papers, "Implicit Reward as the Bridge").abstract
    assert not [paper.title for paper in papers.values() if re.search(r"\\[%a-zA-Z]", paper.abstract)]


def test_no_furniture_and_no_neighbour_in_any_abstract(papers: dict[str, Paper]) -> None:
    for paper in papers.values():
        assert len(paper.abstract) > 1000, paper.title
        for word in ("email inbox", "Subscribe", "byAK", "Daily Papers", "•", "·", "\n"):
            assert word not in paper.abstract, paper.title
        assert not re.search(r"\d+ authors?$", paper.abstract), paper.title
        assert not [title for title in papers if title in paper.abstract], paper.title


def test_abstracts_begin_and_end_where_they_should(papers: dict[str, Paper]) -> None:
    paper = named(papers, "Long-Context LLMs Meet RAG")
    assert paper.abstract.startswith("Retrieval-augmented generation (RAG) empowers large language models")
    assert paper.abstract.endswith("including data distribution, retriever selection, and training context length.")
