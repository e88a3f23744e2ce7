"""Feeds of the arXiv API: the file of odd entries, whole and entry by entry."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ingest.records import Record, Rejected
from ingest.sources import arxiv_atom
from ingest.sources.opened import open_stream
from rag.types import Paper

DATA = Path(__file__).parent / "data" / "arxiv_atom.xml"
FEED = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">{}</feed>'


def read(data: bytes) -> list[Record]:
    return list(arxiv_atom.read(open_stream(io.BytesIO(data), "feed.xml", 2025)))


def read_entry(inside: str) -> Record:
    (record,) = read(FEED.format(f"<entry>{inside}</entry>").encode())
    return record


def test_every_entry_is_a_paper_or_told_with_its_place() -> None:
    records = read(DATA.read_bytes())
    assert [record.arxiv_id for record in records if isinstance(record, Paper)] == [
        "2410.05983",
        "math/0309136",
        "2301.00003",
        "2505.01234",
    ]
    assert [record for record in records if isinstance(record, Rejected)] == [
        Rejected("feed.xml", "entry 3", "withdrawn by its authors or by arXiv"),
        Rejected("feed.xml", "entry 5", "no abstract"),
        Rejected("feed.xml", "entry 6", "arXiv answers: incorrect id format for nonsense"),
    ]


def test_all_that_an_entry_says() -> None:
    assert read(DATA.read_bytes())[0] == Paper(
        id="2410.05983",
        title="Tidal Memory: Recalling Long Documents by α-Waves",
        abstract=(
            "We study how a reader recalls long documents. Recall grows by 12% & costs fall < 3 cents. "
            "Schrödinger's cat was not harmed."
        ),
        authors=("Zoë Ångström", "王小明", "José M. Núñez Jr."),
        date="2024-10-08",
        venue="J. Inv. Res. 12 (2025) 1-19",
        url="https://arxiv.org/abs/2410.05983",
        doi="10.5555/jir.2025.0042",
        arxiv_id="2410.05983",
        categories=("cs.IR", "cs.CL"),
        source="feed.xml",
        extra={"comment": "12 pages, 3 figures", "updated": "2024-11-02", "arxiv_version": "2"},
    )


def test_cdata_and_an_old_id() -> None:
    paper = read(DATA.read_bytes())[1]
    assert isinstance(paper, Paper)
    assert (paper.id, paper.title) == ("math/0309136", "On <knots> & their shadows")
    assert paper.abstract == "Every knot casts a shadow; we count x<y of them, up to n²."


def test_a_news_feed_gives_the_abstract_without_its_announcement() -> None:
    paper = read(DATA.read_bytes())[6]
    assert isinstance(paper, Paper)
    assert paper.abstract == "The news feed puts a line before the abstract."
    assert paper.authors == ("Ana Uno", "Ben Due")
    assert (paper.arxiv_id, paper.extra["arxiv_version"]) == ("2505.01234", "1")


@pytest.mark.parametrize(
    ("comment", "abstract"),
    [
        ("Withdrawn", "We prove it."),
        ("This paper has been withdrawn by the authors", "We prove it."),
        ("arXiv admin note: submission has been withdrawn by arXiv administrators", "We prove it."),
        ("", "The manuscript was withdrawn because of an error in Section 2."),
    ],
)
def test_a_withdrawn_paper_is_no_evidence(comment: str, abstract: str) -> None:
    record = read_entry(f"<title>T</title><summary>{abstract}</summary><arxiv:comment>{comment}</arxiv:comment>")
    assert record == Rejected("feed.xml", "entry 1", "withdrawn by its authors or by arXiv")


@pytest.mark.parametrize(
    ("comment", "abstract"),
    [
        ("The first version was withdrawn from a workshop", "Withdrawal symptoms are studied."),
        ("", "This paper studies how money is withdrawn."),
    ],
)
def test_a_paper_about_withdrawing_stays(comment: str, abstract: str) -> None:
    record = read_entry(f"<title>T</title><summary>{abstract}</summary><arxiv:comment>{comment}</arxiv:comment>")
    assert isinstance(record, Paper)


def test_an_entry_from_elsewhere_keeps_its_link() -> None:
    paper = read_entry(
        "<id>urn:uuid:1</id><title>T</title><summary>A.</summary>"
        '<link rel="self" href="https://example.org/feed"/><link href="https://example.org/paper"/>'
    )
    assert isinstance(paper, Paper)
    assert (paper.arxiv_id, paper.url) == (None, "https://example.org/paper")


def test_an_entry_with_nothing_to_go_by_is_rejected() -> None:
    assert read_entry("<summary>An abstract.</summary>") == Rejected(
        "feed.xml", "entry 1", "neither a title nor an identifier"
    )


def test_a_feed_without_results_has_no_papers() -> None:
    assert read(FEED.format("<title>ArXiv Query</title>").encode()) == []
