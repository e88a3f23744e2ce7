"""Tables: exports of databases and spreadsheets, and what goes wrong in them."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given

from ingest.sources import delimited
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

CSV, TSV = sample("sample.csv"), sample("sample.tsv")


def test_a_scopus_table_is_read_to_its_last_field() -> None:
    papers, _ = parted(read(delimited, CSV))
    first, second = papers[:2]
    assert first.title == 'Lichens, roofs and the "urban" rain'
    assert first.abstract == (
        'We count lichens on roofs, walls and gates. A second line says that "rain" matters; commas, too.'
    )
    assert first.authors == ("Liesel Brandt", "Chidi Okafor")
    assert (first.date, first.venue, first.doi) == ("2021", "Journal of Roof Ecology", "10.5555/jre.2021.17")
    assert (first.id, first.url) == ("10.5555/jre.2021.17", "https://www.scopus.com/record/1")
    assert first.categories == ("lichens", "urban rain")
    assert first.extra["EID"] == "2-s2.0-1"
    assert (second.title, second.authors) == ("Déjà-vu: β-sheets & 蛋白质 folding", ("Žofia Müller", "小明 王"))
    assert second.abstract == "Θερμοκρασία alters β-sheets; naïve models fail. 蛋白质折叠。"
    assert (second.date, second.venue) == ("2019-03", "Πρακτικά")


def test_every_row_is_a_paper_or_has_a_reason_and_a_place() -> None:
    papers, rejected = parted(read(delimited, CSV))
    assert [paper.doi or paper.title for paper in papers] == [
        "10.5555/jre.2021.17",
        "10.5555/abc.1",
        "10.5555/after",
        "10.5555/sloppy",
        "10.5555/no.title",
        "Authors parted by commas",
    ]
    assert rejected == [
        ("line 5", "no abstract"),
        ("line 6", "15 cells under 12 column names"),
        ("line 9", "a quotation mark opens in this row and is not closed"),
        ("line 15", "neither a title nor an identifier"),
    ]
    assert papers[-1].authors == ("Doe A.", "Roe B.C.", "Poe D.")
    assert papers[-1].categories == ("deep learning", "trees")
    assert papers[-1].abstract == "Three people wrote <this>."
    assert papers[-2].url is None  # javascript:


def test_web_of_science_writes_quotation_marks_as_they_are() -> None:
    papers, rejected = parted(read(delimited, TSV))
    assert [paper.title for paper in papers] == [
        '"Smart" bricks in old walls',
        '"Open quotation mark in a title',
        'The 5" pipe and the 7" pipe',
    ]
    assert [paper.date for paper in papers] == ["2020-03-15", "2018-01", "2017"]
    first = papers[0]
    assert first.authors == ("Rosalind Vance", "Kenji Ito")
    assert (first.id, first.pubmed_id, first.categories) == ("10.5555/bl.3", "31000001", ("bricks", "walls"))
    assert first.extra["Keywords Plus"] == "DEEP LEARNING; MODEL"  # its column is called ID
    assert rejected == [
        ("line 5", "no abstract; the fields are AU, PT"),
        ("line 6", "16 cells under 14 column names"),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Publication Type,Authors,Article Title,Source Title,Abstract,Publication Year,DOI,UT (Unique WOS ID)",
        '"Key","Item Type","Publication Year","Author","Title","Publication Title","DOI","Url","Abstract Note","Date"',
        "PMID,Title,Authors,Citation,Journal/Book,Publication Year,DOI,Abstract",
        "id,title,publication_year,primary_location.source.display_name,authorships.author.display_name,abstract",
        '"Document Title",Authors,"Publication Title","Publication Year","Abstract","DOI","PDF Link","Author Keywords"',
        "Rank\tPublication ID\tDOI\tTitle\tAbstract\tSource title\tPubYear\tAuthors",
        "PT\tAU\tAF\tTI\tSO\tAB\tPY\tUT",
        "title;abstract",
        "Abstract|Title|Year",
        "\ttitle\tabstract",
        "sep=;\nTitle;Abstract;Year",
        '"About the data: exported on 1 May, see the terms"\nTitle,Abstract,Year',
        "doi,abstract,sep",
        "| title | abstract |\n| :--- | --- |",
        "\ufeffTITLE,ABSTRACT",
    ],
)
def test_a_header_of_a_known_export_is_recognised(header: str) -> None:
    assert matches(delimited, header.encode())
    names = next(name for name in header.splitlines() if "bstract" in name.lower() or "AB" in name)
    delimiter = max(",\t;|", key=names.count)
    row = delimiter.join(f"A {name.lower()} 10.5555/x" for name in names.replace('"', "").split(delimiter))
    (paper,), rejected = parted(read(delimited, f"{header}\r\n{row}\r\n".encode()))
    assert paper.abstract.lower().startswith(("a abstract", "a  abstract", "a ab"))
    assert not rejected


@pytest.mark.parametrize(
    "text",
    [
        "Title, and then an abstract follows; nothing here is a table.\nMore prose, and more.\n",
        "milk\nbread\napples\n",
        "name,price\nA,B\n",
        "title\nAbstract\n",
        "Abstract\n\nWe study tables, titles, and abstracts.\n",
        '{"title": "A", "abstract": "B"}\n',
        "<title>,<abstract>\n",
        "@article{title,\n abstract = {x}}\n",
        "TY  - JOUR\nTI  - title, abstract\n",
    ],
)
def test_prose_and_other_formats_are_no_tables(text: str) -> None:
    assert not matches(delimited, text.encode())


def test_columns_that_the_user_names_go_first() -> None:
    data = "Nom;Résumé;Texte;Title\nUn titre;Le résumé.;Autre;\nDeux;Le deuxième.;Autre;X\n".encode()
    assert not matches(delimited, data)
    papers, rejected = parted(read(delimited, data, {"title": "Nom", "abstract": "Résumé"}))
    assert [(paper.title, paper.abstract) for paper in papers] == [("Un titre", "Le résumé."), ("Deux", "Le deuxième.")]
    assert not rejected


@pytest.mark.parametrize("columns", [{}, {"abstract": "Summary"}, {"title": "Nom"}])
def test_a_table_without_a_known_column_names_its_columns(columns: dict[str, str]) -> None:
    with pytest.raises(SourceError) as error:
        read(delimited, "Nom;Résumé\nUn;Deux\n".encode(), columns)
    assert "Nom, Résumé" in str(error.value)
    assert "--columns title=...,abstract=..." in str(error.value)


def test_a_column_that_is_not_there_is_told() -> None:
    with pytest.raises(SourceError, match="DOI, abstract"):
        read(delimited, b"DOI,abstract\n10.1/x,Text\n", {"title": "Titel"})


def test_windows_letters_and_utf_16_are_read() -> None:
    text = "Title;Abstract\nÜber Möglichkeiten;Ein “Satz” – naïf.\n"
    expected = read(delimited, text.encode())
    assert expected[0].title == "Über Möglichkeiten"  # type: ignore[union-attr]
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        assert read(delimited, text.encode(encoding)) == expected
    (paper,), rejected = parted(read(delimited, text.encode("utf-16") + b"\x00\xd8x"))
    assert (paper.title, rejected) == ("Über Möglichkeiten", [("line 3", "no abstract; the fields are Title")])


def test_gzip_and_line_ends_make_no_difference() -> None:
    assert is_same_packed(delimited, CSV)
    assert is_same_packed(delimited, TSV)
    for end in (b"\n", b"\r"):
        assert read(delimited, CSV.replace(b"\r\n", end)) == read(delimited, CSV)


def test_zotero_keeps_identifiers_in_a_note() -> None:
    table = 'Title,Abstract Note,Extra\nA,B,"arXiv:2401.01234v2 [cs]\nPMID: 123 PMCID: PMC9"\n'
    (paper,), _ = parted(read(delimited, table.encode()))
    assert (paper.id, paper.arxiv_id, paper.pubmed_id) == ("2401.01234", "2401.01234", "123")


def test_a_table_of_the_arxiv_snapshot_has_the_papers_own_months() -> None:
    table = (
        "id,submitter,authors,title,abstract,versions,update_date\n"
        "0704.0001,P,\"C. Balázs, E. L. Berger and P. Nadolsky\",A,B,\"[{'version': 'v1'}]\",2008-11-26\n"
    )
    (paper,), _ = parted(read(delimited, table.encode()))
    assert (paper.id, paper.arxiv_id, paper.date) == ("0704.0001", "0704.0001", "2007-04")
    assert paper.authors == ("C. Balázs", "E. L. Berger", "P. Nadolsky")


def test_a_number_of_another_kind_beside_a_day_of_change_is_no_arxiv_id() -> None:
    (paper,), _ = parted(read(delimited, b"id,title,abstract,update_date\n17,A,B,2008-11-26\n"))
    assert (paper.id, paper.arxiv_id, paper.date) == ("17", None, None)


def test_openalex_gives_the_places_of_words() -> None:
    table = 'display_name,abstract_inverted_index\nA,"{""walls"": [2], ""We"": [0], ""paint"": [1]}"\n'
    assert matches(delimited, table.encode())
    (paper,), _ = parted(read(delimited, table.encode()))
    assert paper.abstract == "We paint walls"


def test_long_lists_of_references_are_left_out() -> None:
    table = f"Title,Abstract,Cited References,Issue\nA,B,{'x ' * 900},4\n"
    (paper,), _ = parted(read(delimited, table.encode()))
    assert dict(paper.extra) == {"Issue": "4"}


def test_an_open_quotation_mark_costs_its_own_row_only() -> None:
    rows = [f'"Title {n}","Abstract {n}, a text"' for n in range(3000)]
    rows[10] = '"Title 10","Abstract'
    rows[20] = '"Title 20"," of two\nlines'
    rows[-1] = '"Title 2999","The file ends here'
    papers, rejected = parted(read(delimited, "\n".join(["title,abstract", *rows]).encode()))
    assert len(papers) == 2997
    assert [where for where, _ in rejected] == ["line 12", "line 22", "line 23", "line 3002"]
    assert all(paper.abstract.endswith("a text") for paper in papers)


def test_the_size_limit_of_the_process_is_as_before() -> None:
    before = csv.field_size_limit()
    (record,) = read(delimited, f"title,abstract\nA,{'word ' * 60_000}\n".encode())
    assert "299999 characters long" in record.reason  # type: ignore[union-attr]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ('x","a\n' * 700_000, 6),  # every line keeps the quotation open
        ('a,"b' + "\n" * 1_000_000, 1),
        ('"' * MAX_LINE * 2, 1),
        ("a," * MAX_LINE + "\n" + "a,b\n", 2),
        ((" \t" * 50_000 + "x,y\n") * 5, 5),
    ],
    ids=["quotes", "lines", "quote marks", "long line", "spaces"],
)
@pytest.mark.slow
def test_a_hostile_table_ends_soon(body: str, count: int) -> None:
    start = time.process_time()  # not of the clock: other work may go on beside
    assert len(read(delimited, ("title,abstract\n" + body).encode())) == count
    assert time.process_time() - start < 3


def test_the_first_paper_comes_before_the_file_is_read() -> None:
    endless = Endless(b"title,abstract\n", lambda n: b'"Title %d","Abstract, %d"\r\n' % (n, n))
    assert first_of_endless(delimited, endless).title == "Title 0"


@given(damaged(CSV) | damaged(TSV))
@pytest.mark.slow
def test_damage_never_breaks_out(data: bytes) -> None:
    survives(delimited, data)


@given(damaged("Title;Abstract\nÜ;“B”\n".encode("utf-16")))
def test_damage_to_utf_16_never_breaks_out(data: bytes) -> None:
    survives(delimited, data)


def test_what_the_writer_of_python_writes_is_read_back() -> None:
    cells = ['A "b" c', "d,e", "f\ng", "h;i|j", "  k", "'", '""']
    for delimiter in ",;\t|":
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=delimiter)
        writer.writerow(["title", "abstract"])
        writer.writerows([f"{a} title", f"{b} abstract"] for a in cells for b in cells)
        papers, rejected = parted(read(delimited, out.getvalue().encode()))
        expected = [(" ".join(f"{a} title".split()), " ".join(f"{b} abstract".split())) for a in cells for b in cells]
        assert [(paper.title, paper.abstract) for paper in papers] == expected
        assert not rejected
