"""RIS: what reference managers and publishers write, and what people do to it by hand."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from ingest.sources import ris
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

RIS = sample("sample.ris")


def record(*lines: str) -> bytes:
    return "\n".join(["TY  - JOUR", "TI  - A title", "AB  - A text.", *lines, "ER  - ", ""]).encode()


def test_a_journal_article_is_read_to_its_last_field() -> None:
    paper = parted(read(ris, RIS))[0][0]
    assert paper.title == "Moss between the paving stones"
    assert paper.abstract == (
        "Moss grows where shoes do not go. We measured forty streets and found that IL - 6 of them had none."
    )
    assert paper.authors == ("Liesel Brandt", "Žofia Müller Jr.")
    assert (paper.date, paper.venue) == ("2021-03-05", "Journal of Street Ecology")
    assert (paper.id, paper.doi) == ("10.5555/jse.2021.4", "10.5555/jse.2021.4")
    assert paper.url == "https://example.org/moss"
    assert paper.categories == ("moss", "pavements", "cities", "rain")
    assert dict(paper.extra) == {"type": "JOUR", "volume": "4", "issue": "2", "pages": "11-19"}


def test_every_record_is_a_paper_or_has_a_reason_and_a_place() -> None:
    papers, rejected = parted(read(ris, RIS))
    assert [paper.title for paper in papers] == [
        "Moss between the paving stones",
        "Attention to small birds & 鳥",
        "The end of this record is missing",
        "Its first line is missing",
        "One space before the hyphen",
        "The file ends here",
    ]
    assert rejected == [
        ("record 3, line 39", "no abstract"),
        ("record 5, line 51", "neither a title nor an identifier"),
    ]


def test_a_preprint_is_known_by_its_address_or_its_number() -> None:
    papers, _ = parted(read(ris, RIS))
    assert (papers[1].id, papers[1].extra["arxiv_version"]) == ("2401.01234", "2")
    assert papers[1].url == "http://arxiv.org/abs/2401.01234v2"
    assert papers[1].abstract == "Θ-waves in finches; naïve listeners hear less."
    assert (papers[1].authors, papers[1].date) == (("小明 王",), "2024-01")
    assert papers[1].extra["reference_id"] == "finch24"
    assert papers[2].arxiv_id == "1912.00001"
    assert papers[2].abstract == "Background: It just stops. Results: It is read."
    assert papers[2].authors == ("Chidi Okafor", "Kenji Ito")
    assert papers[3].pubmed_id == "31000002"
    assert papers[3].url is None  # neither file: nor javascript:


@pytest.mark.parametrize(
    ("lines", "arxiv_id", "pubmed_id", "doi"),
    [
        (["M1  - arXiv:1706.03762"], "1706.03762", None, None),
        (["JO  - arXiv preprint arXiv:1706.03762v5"], "1706.03762", None, None),
        (["DB  - arXiv.org", "AN  - hep-th/9901001"], "hep-th/9901001", None, None),
        (["DO  - 10.48550/arXiv.1706.03762"], "1706.03762", None, None),
        (["AN  - 2020.12345"], None, None, None),
        (["DB  - PubMed", "AN  - 31000002"], None, "31000002", None),
        (["DB  - Other", "AN  - 31000002"], None, None, None),
        (["UR  - https://pubmed.ncbi.nlm.nih.gov/31000002/"], None, "31000002", None),
        (["UR  - https://doi.org/10.5555/A_b"], None, None, "10.5555/a_b"),
        (["M3  - Article", "N1  - doi: 10.5555/n1"], None, None, "10.5555/n1"),
    ],
)
def test_identifiers_are_found_where_programs_put_them(
    lines: list[str], arxiv_id: str | None, pubmed_id: str | None, doi: str | None
) -> None:
    (paper,), _ = parted(read(ris, record(*lines)))
    assert (paper.arxiv_id, paper.pubmed_id, paper.doi) == (arxiv_id, pubmed_id, doi)


@pytest.mark.parametrize(
    ("lines", "date"),
    [
        (["PY  - 2020"], "2020"),
        (["PY  - 2020", "DA  - 2020/03/05/"], "2020-03-05"),
        (["PY  - 2020", "Y1  - 2020/03//Spring", "Y2  - 2024/01/01"], "2020-03"),
        (["PY  - 2020", "DA  - 2024/03/05"], "2020"),
        (["PY  - 2020/12/31/"], "2020-12-31"),
        (["DA  - Mar 5"], None),
    ],
)
def test_the_date_is_as_exact_as_any_field_tells(lines: list[str], date: str | None) -> None:
    assert parted(read(ris, record(*lines)))[0][0].date == date


def test_the_full_name_of_a_journal_goes_first() -> None:
    assert (
        parted(read(ris, record("JA  - J. F. N.", "JF  - Journal of Full Names")))[0][0].venue
        == "Journal of Full Names"
    )


def test_gzip_and_line_ends_make_no_difference() -> None:
    assert is_same_packed(ris, RIS)
    for end in (b"\r\n", b"\r"):
        assert read(ris, RIS.replace(b"\n", end)) == read(ris, RIS)
    assert read(ris, RIS.decode("utf-8-sig").encode("utf-16")) == read(ris, RIS)


@pytest.mark.parametrize(
    ("text", "is_ris"),
    [
        ("TY  - JOUR\nTI  - x", True),
        ("TY - JOUR\nTI - x", True),
        ("\n\nDatabase: X\n\nTY  -\nER  -\n", True),
        ("TYPE - of text\nthat is not RIS", False),
        ("TY  - begins this line\nand nothing follows", False),
        ("PMID- 1\nTI  - x\n", False),
        ("\u2003\n", False),
        ("@article{TY  - x}", False),
    ],
)
def test_the_format_is_told_by_its_first_record(text: str, is_ris: bool) -> None:
    assert matches(ris, text.encode()) is is_ris


def test_a_file_without_a_record_is_refused() -> None:
    with pytest.raises(SourceError, match=r"holds no RIS record .* Check"):
        read(ris, b"Nothing of the kind.\n")


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("TY  - JOUR\nAB  - a\n" + "x\n" * 200_000, 1),
        ("TY  - JOUR\nAB  - a\n" + "KW  - x\n" * 20_000, 1),
        ("TY  - JOUR\nAB  - " + "x" * MAX_LINE + "\nER  - \n" + record().decode(), 2),
        ("TY  - JOUR\n" * 30_000, 30_000),
        ("TY  - JOUR\nAB  - y\nAU  - " + "; x" * 500_000 + "\nER  - \n", 1),
    ],
    ids=["lines", "tags", "long line", "records", "authors"],
)
@pytest.mark.slow
def test_a_hostile_file_ends_soon(body: str, count: int) -> None:
    start = time.process_time()  # not of the clock: other work may go on beside
    records = read(ris, body.encode())
    assert time.process_time() - start < 3
    assert len(records) == count


def test_the_first_paper_comes_before_the_file_is_read() -> None:
    endless = Endless(b"", lambda n: record(f"PY  - {1900 + n % 100}"))
    assert first_of_endless(ris, endless).date == "1900"


@given(damaged(RIS))
@pytest.mark.slow
def test_damage_never_breaks_out(data: bytes) -> None:
    survives(ris, data)


def test_our_own_notes_say_nothing_of_the_paper() -> None:
    notes = ("N1  - paperchat: Question: What does arXiv:2401.00001 say of doi:10.5555/other?", "N1  - Seen in May.")
    (paper,) = parted(read(ris, record(*notes)))[0]
    assert (paper.arxiv_id, paper.doi) == (None, None)
