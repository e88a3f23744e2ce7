"""MEDLINE tags, as PubMed saves them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from ingest.sources import medline
from ingest.sources.opened import MAX_LINE
from rag.errors import SourceError
from tests.ingest.reading import (
    Endless,
    damaged,
    first_of_endless,
    is_same_packed,
    matches,
    parted,
    read,
    sample,
    survives,
)

NBIB = sample("sample.nbib")


def record(*lines: str) -> bytes:
    return "\n".join(["PMID- 7", "TI  - A title", "AB  - A text.", *lines, "", ""]).encode()


def test_an_article_is_read_to_its_last_field() -> None:
    paper = parted(read(medline, NBIB))[0][0]
    assert paper.title == "Sleep in people who count lichens: a cohort study of β-waves."
    assert paper.abstract == (
        "BACKGROUND: Counting may cause sleep. METHODS: We asked 40 people. RESULTS: 25% slept & <10% counted on."
    )
    assert paper.authors == ("Liesel M Brandt", "Žofia Müller")  # FAU, not AU
    assert (paper.date, paper.venue) == ("2020-03", "Journal of sleep and lichens")
    assert (paper.id, paper.doi, paper.pubmed_id) == ("10.5555/sleep.2020.12", "10.5555/sleep.2020.12", "31000001")
    assert paper.categories == ("counting", "lichens", "Lichens", "Sleep")
    assert paper.extra["pmcid"] == "PMC7000001"
    assert paper.extra["type"] == "Journal Article; Observational Study"


def test_every_record_is_a_paper_or_has_a_reason_and_a_place() -> None:
    papers, rejected = parted(read(medline, NBIB))
    assert [paper.pubmed_id for paper in papers] == ["31000001", "31000003", "31000004", "31000005"]
    assert rejected == [
        ("record 2, line 38", "no abstract"),
        ("record 5, line 61", "neither a title nor an identifier"),
    ]


def test_what_is_missing_is_taken_from_elsewhere() -> None:
    _, initials, group, chapter = parted(read(medline, NBIB))[0]
    assert initials.abstract == "Only initials are known here. A blank line does not end the text."
    assert initials.authors == ("Ito K", "O'Neil P Jr")
    assert (initials.venue, initials.date, initials.doi) == ("Wall Res", "1987", "10.5555/wall.1")
    assert (initials.id, initials.title) == ("2001.00001", "[Damp walls: 壁の湿気].")
    assert (group.authors, group.organization, group.date) == ((), "Lichen Study Group", None)
    assert (chapter.title, chapter.abstract) == ("A chapter, as PMC writes it", "The last record ends with the file.")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Smith, John A Jr", "John A Smith Jr"),
        ("Smith, John A 3rd", "John A Smith 3rd"),
        ("Smith, John A", "John A Smith"),
        ("Smith, Junior", "Junior Smith"),
        ("van der Berg, Jan II", "Jan van der Berg II"),
    ],
)
def test_what_stands_behind_a_name_stays_there(name: str, shown: str) -> None:
    assert parted(read(medline, record(f"FAU - {name}")))[0][0].authors == (shown,)


def test_a_retracted_paper_is_told_and_the_notice_of_it_kept() -> None:
    papers, rejected = parted(read(medline, record("PT  - Journal Article", "PT  - Retracted Publication")))
    assert (papers, rejected) == ([], [("record 1, line 1", "retracted")])
    assert len(parted(read(medline, record("PT  - Retraction of Publication")))[0]) == 1


@pytest.mark.parametrize(
    ("lines", "date"),
    [
        (["DP  - 2020 Jan 5"], "2020-01-05"),
        (["DP  - 2019 Dec-2020 Jan"], "2019-12"),
        (["DP  - 2020 Winter"], "2020"),
        (["DEP - 20200229"], "2020-02-29"),
        (["DP  - soon"], None),
    ],
)
def test_dates(lines: list[str], date: str | None) -> None:
    assert parted(read(medline, record(*lines)))[0][0].date == date


def test_line_ends_gzip_and_missing_blank_lines_make_no_difference() -> None:
    assert is_same_packed(medline, NBIB)
    for end in (b"\r\n", b"\r"):
        assert read(medline, NBIB.replace(b"\n", end)) == read(medline, NBIB)
    assert read(medline, b"\xef\xbb\xbf" + NBIB.lstrip())[0] == read(medline, NBIB)[0]
    tight = NBIB.replace(b"\n\nPMID", b"\nPMID").replace(b"\n\nPMC", b"\nPMC")
    assert [paper.pubmed_id for paper in parted(read(medline, tight))[0]][:3] == ["31000001", "31000003", "31000004"]


@pytest.mark.parametrize(
    ("text", "is_medline"),
    [
        ("\n\nPMID- 1\nTI  - x\n", True),
        ("PMC - PMC1\nPMID- 1\n", True),
        ("PMID- none\nTI  - x\n", False),
        ("PMID: 12345\nTitle: x\n", False),
        ("TY  - JOUR\nTI  - x\nER  - \n", False),
        ("PMID,Title,Abstract\n", False),
    ],
)
def test_the_format_is_told_by_its_first_record(text: str, is_medline: bool) -> None:
    assert matches(medline, text.encode()) is is_medline


def test_a_file_without_a_record_is_refused() -> None:
    with pytest.raises(SourceError, match=r"holds no MEDLINE record .* Check"):
        read(medline, b"Nothing of the kind.\n")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("PMID- 1\nAB  - a\n" + "      x\n" * 100_000, 1),
        ("PMID- 1\n" + "AB  - x\n" * 100_000, 1),
        ("PMID- 1\nAB  - " + "x" * MAX_LINE + "\n" + record().decode(), 2),
        ("PMID- 1\n\n" * 30_000, 30_000),
        ("PMID- 1\nAB  - x\n" + "FAU - y\n" * 40_000, 1),
    ],
    ids=["lines", "tags", "long line", "records", "authors"],
)
@pytest.mark.slow
def test_a_hostile_file_ends_soon(body: str, count: int) -> None:
    start = time.process_time()  # not of the clock: other work may go on beside
    records = read(medline, body.encode())
    assert time.process_time() - start < 3
    assert len(records) == count


def test_the_first_paper_comes_before_the_file_is_read() -> None:
    endless = Endless(b"", lambda n: record(f"DP  - {1900 + n % 100}"))
    assert first_of_endless(medline, endless).date == "1900"


@given(damaged(NBIB))
@pytest.mark.slow
def test_damage_never_breaks_out(data: bytes) -> None:
    survives(medline, data)
