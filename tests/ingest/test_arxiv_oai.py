"""Answers of OAI-PMH archives in the forms arXiv, arXivRaw and oai_dc."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ingest.records import Record, Rejected
from ingest.sources import arxiv_oai
from ingest.sources.opened import open_stream
from rag.types import Paper

DATA = Path(__file__).parent / "data" / "arxiv_oai.xml"


def read(data: bytes) -> list[Record]:
    return list(arxiv_oai.read(open_stream(io.BytesIO(data), "oai.xml", 2025)))


def papers() -> list[Paper]:
    return [record for record in read(DATA.read_bytes()) if isinstance(record, Paper)]


def read_one(metadata: str, identifier: str = "oai:arXiv.org:2101.00001") -> Paper:
    (record,) = read(
        f"<OAI-PMH><GetRecord><record><header><identifier>{identifier}</identifier></header>"
        f"<metadata>{metadata}</metadata></record></GetRecord></OAI-PMH>".encode()
    )
    assert isinstance(record, Paper), record
    return record


def test_every_record_is_a_paper_or_told_with_its_place() -> None:
    records = read(DATA.read_bytes())
    assert len(papers()) == 4
    assert [record for record in records if isinstance(record, Rejected)] == [
        Rejected("oai.xml", "record 3", "deleted by its archive (oai:arXiv.org:0704.1001)"),
        Rejected("oai.xml", "record 4", "withdrawn by its authors or by arXiv"),
        Rejected("oai.xml", "record 7", "metadata in the form 'mods'; ask the archive for arXiv, arXivRaw or oai_dc"),
    ]


def test_the_form_arxiv() -> None:
    assert papers()[0] == Paper(
        id="1601.04794",
        title="Ranking rivers: a hydrology of search",
        abstract="Results flow downhill. We show that ~ 40% of them pool.",
        authors=("Karl von Ärger", "John A. Smith III", "Lei"),
        date="2016-01",  # of the id: `created` names the day of a later version
        venue="Proc. RIVERS 2016, 1--8",
        url="https://arxiv.org/abs/1601.04794",
        doi="10.5555/rivers.1",
        arxiv_id="1601.04794",
        categories=("cs.IR", "physics.flu-dyn"),
        source="oai.xml",
        extra={
            "comment": "8 pages",
            "updated": "2025-08-30",
            "license": "http://creativecommons.org/licenses/by/4.0/",
        },
    )


def test_the_form_raw_gives_the_first_day_and_the_last_version() -> None:
    paper = papers()[1]
    assert paper.date == "2007-04-07"
    assert paper.extra["arxiv_version"] == "2"
    assert paper.authors == ("The CAKE Collaboration", "E. Nowak", "J. Doe Jr.", "P. Q. Roe", "K. Obłój")
    assert paper.abstract == "We count the quarks in a slice of cake, á la mode."


def test_dublin_core_of_arxiv_and_of_another_archive() -> None:
    strings, tea = papers()[2:]
    assert (strings.id, strings.date, strings.doi) == ("hep-th/9901001", "1999-01-02", "10.5555/beans.7")
    assert strings.authors == ("Jürgen Müller", "Jane Doe")
    assert strings.abstract == "We remove beans from string theory."
    assert strings.extra["comment"] == "10 pages, no figures"
    assert (tea.title, tea.abstract, tea.venue) == ("宇宙の茶", "お茶の温度を測る。", "Tea Press")
    assert (tea.url, tea.arxiv_id, tea.date) == ("https://repo.example.edu/77", None, "2020")


@pytest.mark.parametrize(
    ("own", "created", "date"),
    [
        ("2101.00001", "2021-01-04", "2021-01-04"),
        ("2101.00001", "2020-12-31", "2020-12-31"),  # submitted in the old year, announced in the new
        ("2101.00001", "2023-07-01", "2021-01"),
        ("hep-th/9912001", "1999-12-01", "1999-12-01"),
        ("math/0001001", "2005-01-01", "2000-01"),
        ("2101.00001", "2007-04-999", "2007-04"),
        ("odd", "2007-04-02", "2007-04-02"),
        ("2101.00001", "", "2021-01"),
    ],
)
def test_the_date_is_never_later_than_the_id(own: str, created: str, date: str) -> None:
    paper = read_one(
        f"<arXiv><id>{own}</id><created>{created}</created><title>T</title><abstract>A.</abstract></arXiv>"
    )
    assert paper.date == date


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("A. One", ("A. One",)),
        ("A. One and B. Two", ("A. One", "B. Two")),
        ("A. One, B. Two, and C. Three", ("A. One", "B. Two", "C. Three")),
        ("A. One (MIT (Cambridge, MA) and CERN), B. Two", ("A. One", "B. Two")),
        ("A. One, Jr.,\n B. Two III", ("A. One Jr.", "B. Two III")),
        ("A. Brandt) B. Two", ("A. Brandt) B. Two",)),
        ("", ()),
    ],
)
def test_authors_of_a_line(line: str, names: tuple[str, ...]) -> None:
    paper = read_one(
        f"<arXivRaw><id>2101.00001</id><title>T</title><authors>{line}</authors><abstract>A.</abstract></arXivRaw>"
    )
    assert paper.authors == names


def test_a_refusal_is_told_and_an_empty_answer_is_not() -> None:
    answer = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error code="{}">{}</error></OAI-PMH>'
    assert read(answer.format("badArgument", "no such date").encode()) == [
        Rejected("oai.xml", "answer", "the archive answers: badArgument no such date")
    ]
    assert read(answer.format("noRecordsMatch", "").encode()) == []


def test_a_record_without_metadata_is_told() -> None:
    assert read(b"<ListRecords><record><header><identifier>oai:x:1</identifier></header></record></ListRecords>") == [
        Rejected("oai.xml", "record 1", "no metadata (oai:x:1)")
    ]


@pytest.mark.slow
def test_a_list_of_eight_million_authors_ends() -> None:
    data = "<arXivRaw><id>2101.00001</id><authors>" + "( " * 1_000_000 + " " * 2_000_000 + "</authors></arXivRaw>"
    (record,) = read(f"<ListRecords><record><metadata>{data}</metadata></record></ListRecords>".encode())
    assert isinstance(record, Rejected)
