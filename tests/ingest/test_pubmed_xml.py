"""PubMed's XML: structured abstracts, inline markup, dates in every spelling, books, retractions."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ingest.records import Record, Rejected
from ingest.sources import pubmed_xml
from ingest.sources.opened import open_stream
from rag.types import Paper

DATA = Path(__file__).parent / "data" / "pubmed.xml"


def read(data: bytes) -> list[Record]:
    return list(pubmed_xml.read(open_stream(io.BytesIO(data), "pubmed.xml", 2025)))


def papers() -> list[Paper]:
    return [record for record in read(DATA.read_bytes()) if isinstance(record, Paper)]


def read_one(article: str, beside: str = "") -> Paper:
    (record,) = read(
        f"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article>{article}</Article>{beside}"
        "</MedlineCitation></PubmedArticle></PubmedArticleSet>".encode()
    )
    assert isinstance(record, Paper), record
    return record


def test_every_article_is_a_paper_or_told_with_its_pubmed_id() -> None:
    records = read(DATA.read_bytes())
    assert [paper.pubmed_id for paper in papers()] == ["99000001", "99000002", "99000005", "99000006"]
    assert [record for record in records if isinstance(record, Rejected)] == [
        Rejected("pubmed.xml", "PMID 99000003", "no abstract"),
        Rejected("pubmed.xml", "PMID 99000004", "retracted"),
    ]


def test_all_that_an_article_says() -> None:
    assert papers()[0] == Paper(
        id="10.5555/jim.2024.7",
        title="Effect of Camellia tea on CO₂ and 10⁶ cells: a randomised trial",
        abstract=(
            "BACKGROUND: Tea > coffee? Levels of TNF-α differ α little. "
            "METHODS: We poured 120 cups. Each held m². Nobody spilled."
        ),
        authors=("Zofia Ł Łukaszewicz", "ML King Jr", "TEA Study Group"),
        date="2024-02-09",
        venue="Journal of Invented Medicine",
        url="https://pubmed.ncbi.nlm.nih.gov/99000001/",
        doi="10.5555/jim.2024.7",
        pubmed_id="99000001",
        categories=("Tea", "infusion"),
        source="pubmed.xml",
        extra={"pmc": "PMC9900001"},
    )


def test_a_translated_title_loses_its_brackets_and_keeps_the_original() -> None:
    paper = papers()[1]
    assert paper.title == "Tides and sleep in sailors"
    assert paper.extra == {"vernacular_title": "Mareas y sueño en marineros.", "language": "spa"}
    assert (paper.date, paper.doi) == ("1998-12", "10.5555/rev.2")


def test_the_original_title_and_an_abstract_from_elsewhere_where_there_are_no_others() -> None:
    paper = papers()[2]
    assert (paper.title, paper.abstract, paper.venue) == ("茶与睡眠", "Tea affects sleep.", "中华茶学杂志")
    assert (paper.id, paper.date) == ("pmid:99000005", "2001")


def test_a_chapter_of_a_book() -> None:
    paper = papers()[3]
    assert (paper.title, paper.venue, paper.date) == ("Hay fever", "A Book of Fevers", "2019-07-04")
    assert paper.authors == ("Hatschi Nies",)  # not the book's editors


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ("<CollectiveName>Tea Office, Bergen</CollectiveName>", "Tea Office, Bergen"),
        ("<LastName>Lund</LastName><ForeName>Bo</ForeName><Suffix>Jr</Suffix>", "Bo Lund Jr"),
    ],
)
def test_the_comma_of_a_group_turns_nothing_around(author: str, shown: str) -> None:
    article = f"<AuthorList><Author>{author}</Author></AuthorList><Abstract><AbstractText>A.</AbstractText></Abstract>"
    assert read_one(article).authors == (shown,)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("<Year>2020</Year><Month>Mar</Month><Day>5</Day>", "2020-03-05"),
        ("<Year>2020</Year><Month>3</Month><Day>5</Day>", "2020-03-05"),
        ("<Year>2020</Year><Month>12</Month>", "2020-12"),
        ("<Year>2020</Year><Season>Winter</Season>", "2020"),
        ("<MedlineDate>2020 Jan-Feb</MedlineDate>", "2020-01"),
        ("<MedlineDate>Summer 1976-1977</MedlineDate>", "1976"),
        ("<Year>2020</Year><Month>Feb</Month><Day>31</Day>", "2020-02"),
        ("<Year>soon</Year>", None),
        ("", None),
    ],
)
def test_dates_of_an_issue(date: str, expected: str | None) -> None:
    paper = read_one(
        f"<Journal><JournalIssue><PubDate>{date}</PubDate></JournalIssue></Journal>"
        "<ArticleTitle>T</ArticleTitle><Abstract><AbstractText>A.</AbstractText></Abstract>"
    )
    assert paper.date == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("A plain title.", "A plain title"),
        ("To be continued...", "To be continued..."),
        ("[A translated title.]", "A translated title"),
        ("[Part] of a title.", "[Part] of a title"),
        ("Why?", "Why?"),
        ("<i>E. coli</i> in H<sub>2</sub>O.", "E. coli in H₂O"),
    ],
)
def test_titles(title: str, expected: str) -> None:
    paper = read_one(f"<ArticleTitle>{title}</ArticleTitle><Abstract><AbstractText>A.</AbstractText></Abstract>")
    assert paper.title == expected


def test_an_article_with_nothing_in_it_is_told_by_its_number() -> None:
    assert read(b"<PubmedArticleSet><PubmedArticle/><PubmedBookArticle/></PubmedArticleSet>") == [
        Rejected("pubmed.xml", "record 1", "nothing in it that describes an article"),
        Rejected("pubmed.xml", "record 2", "nothing in it that describes an article"),
    ]


def test_an_identifier_as_long_as_a_book_takes_no_time() -> None:
    paper = read_one(
        "<ArticleTitle>T</ArticleTitle><Abstract><AbstractText>A.</AbstractText></Abstract>"
        f"<ELocationID EIdType='doi'>{'10.' * 1_000_000}</ELocationID>"
    )
    assert paper.doi is None
