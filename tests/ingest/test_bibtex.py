"""BibTeX: LaTeX in its fields, and the many ways in which people break it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from ingest.latex import address, plain
from ingest.normalize import clean
from ingest.sources import bibtex
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

BIB = sample("sample.bib")


def entry(fields: str, key: str = "key") -> bytes:
    return f"@article{{{key}, title = {{A title}}, abstract = {{A text.}}, {fields}}}\n".encode()


def test_an_article_is_read_to_its_last_field() -> None:
    paper = parted(read(bibtex, BIB))[0][0]
    assert paper.title == r"The BERT of Lichens: Über x_{i} and \frac{a}{b} in the Žďár sky"
    assert paper.abstract == (
        "We study roofs and walls, 25% of them wet (about ~5 a day); “damp” is O(n²) at 20 °C & higher. "
        "Mail me@homex. @handle says {so}."
    )
    assert paper.authors == ("Liesel Brandt", "Žofia Müller", "Hans Ørsted Jr.", "Lichen and Moss Group, Inc.")
    assert (paper.date, paper.venue) == ("2020-03-15", "Journal of Sleep and Lichens")
    assert (paper.id, paper.doi) == ("10.5555/jsl_2020.12", "10.5555/jsl_2020.12")
    assert (paper.url, paper.pubmed_id) == ("https://example.org/a_b", "31000001")
    assert paper.categories == ("lichens", "roofs, walls", "damp")
    assert dict(paper.extra) == {
        "citation_key": "brandt:2020",
        "type": "article",
        "volume": "12",
        "pages": "101--109",
    }


def test_every_entry_is_a_paper_or_has_a_reason_and_a_place() -> None:
    papers, rejected = parted(read(bibtex, BIB))
    assert [paper.extra.get("citation_key") for paper in papers] == [
        "brandt:2020",
        "after2018",
        "paren1990",
        "smith john 2001",
        None,
        "split",
    ]
    assert rejected == [
        ("entry noabstract, line 26", "no abstract"),
        ("entry open2018, line 28", "a brace is not closed before the next entry"),
        ("entry nocomma, line 45", "not BibTeX (no comma between two fields)"),
        ("entry cut, line 58", "a brace is not closed before the end of the file"),
    ]


def test_quotation_marks_parentheses_and_joined_parts() -> None:
    _, quoted, parentheses, spaces, no_key, _ = parted(read(bibtex, BIB))[0]
    assert quoted.title == 'After the "broken" entry'
    assert quoted.abstract == "Quotation marks, # signs, and parts. Θερμοκρασία."
    assert quoted.authors == ("Kenji Ito", "小明 王")
    assert (quoted.arxiv_id, quoted.categories) == ("1801.00001", ("cs.CL",))
    assert (quoted.date, quoted.extra["note"]) == ("2018-01", "A second note")
    assert (parentheses.title, parentheses.abstract) == ("In parentheses :)", "A (small) text.")
    assert parentheses.venue == "Proc. of Books"
    assert (spaces.arxiv_id, spaces.date) == ("cs/0101001", "2001")
    assert (no_key.id, no_key.date, no_key.venue) == ("pmid:31000009", "2015-07-01", "Unknown æon")


def test_a_citation_key_is_no_identity() -> None:
    one, other = parted(read(bibtex, entry("", "a") + entry("", "b")))[0]
    assert one.id == other.id


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ("year = 2020", "2020"),
        ('year = "2020", month = may', "2020-05"),
        ("year = {2020}, month = {March}, day = 4", "2020-03-04"),
        ("year = 2020, month = 3, day = 4", "2020-03-04"),
        ("year = 2020, month = {03}", "2020-03"),
        ('year = 2020, month = "4~" # apr', "2020-04-04"),
        ("date = {2020-02}", "2020-02"),
        ("date = {unknown}, year = {c. 1850}", "1850"),
        ("year = {in press}", None),
        ("month = may", None),
    ],
)
def test_dates(fields: str, date: str | None) -> None:
    assert parted(read(bibtex, entry(fields)))[0][0].date == date


@pytest.mark.parametrize(
    ("fields", "arxiv_id"),
    [
        ("eprint = {1706.03762v5}, archiveprefix = {arXiv}", "1706.03762"),
        ("eprint = {hep-th/9901001}, eprinttype = {arxiv}", "hep-th/9901001"),
        ("eprint = {1706.03762}", "1706.03762"),
        ("eprint = {1706.03762}, eprinttype = {hal}", None),
        ("journal = {arXiv preprint arXiv:1706.03762}", "1706.03762"),
        ("url = {http://arxiv.org/pdf/1706.03762v1}", "1706.03762"),
        ("arxivid = {1706.03762}", "1706.03762"),
        ("journal = {CoRR}, volume = {abs/1706.03762}", "1706.03762"),
        ("doi = {10.48550/arXiv.1706.03762}", "1706.03762"),
        ("volume = {1706.03762}", None),
    ],
)
def test_preprints(fields: str, arxiv_id: str | None) -> None:
    assert parted(read(bibtex, entry(fields)))[0][0].arxiv_id == arxiv_id


@pytest.mark.parametrize(
    ("author", "names"),
    [
        (r"Knuth, Donald E. and {van der} Waerden, B. L.", ("Donald E. Knuth", "B. L. van der Waerden")),
        ("{World Health Organization} and Sanders Peter", ("World Health Organization", "Sanders Peter")),
        ("{Barnes and Noble} and others", ("Barnes and Noble",)),
        ("A. Anderson\n   and\n   B. Brand", ("A. Anderson", "B. Brand")),
        (r"G{\"o}del, Kurt and {\'E}cole and Erd{\H o}s, P\'al and \AA{}ngstr\"om", ("Kurt Gödel", "École", "Pál Erdős", "Ångström")),
        ("H.~J. {van Langevelde} and {de~la~Cruz}, J.~A.", ("H. J. van Langevelde", "J. A. de la Cruz")),
        (r"Mu\~noz, J. and Nu{\~n}ez, A.", ("J. Muñoz", "A. Nuñez")),
        ("", ()),
    ],
)  # fmt: skip
def test_authors(author: str, names: tuple[str, ...]) -> None:
    assert parted(read(bibtex, entry(f"author = {{{author}}}")))[0][0].authors == names


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"A {\em small} \textbf{and \emph{nested}} thing", "A small and nested thing"),
        (r"caf{\'e} \'{e}t\'e na\"{\i}ve \c{c} {\ss} \o{}re", "café été naïve ç ß øre"),
        (r"$\alpha$-helix, $E=mc^{2}$ and \$5", "α-helix, E=mc² and $5"),
        (r"\{a, b\} 50\% a\_b C\# R\&D", "{a, b} 50% a_b C# R&D"),
        (r"10\,000 words\\ Fig.~3 \textendash{} it\textquoteright s", "10 000 words Fig. 3 – it’s"),
        ("{{Two Braces}} and `` not closed", "Two Braces and `` not closed"),
        ("温度 {Θ}ερμο", "温度 Θερμο"),
        (r"{\ensuremath{\pm}}0.7 {\texttimes} 10 {\textbar}z{\textbar} {\textcopyright} 2019", "±0.7 × 10 |z| © 2019"),
        (r"{\ensuremath{\Lambda}}CDM at {\ensuremath{<}}5", "ΛCDM at <5"),
        (
            r"See \url{https://x.org/a}~\cite[p.~3]{doe} and \href{https://x.org}{words}\footnote{no}.",
            "See https://x.org/a and words.",
        ),
    ],
)
def test_latex_is_read(written: str, shown: str) -> None:
    assert clean(plain(written)) == shown
    assert parted(read(bibtex, entry("").replace(b"A text.", written.encode())))[0][0].abstract == shown


def test_addresses_lose_what_latex_needs() -> None:
    assert address(r"\url{https://x.org/a\_b\%20c\#d{\textasciitilde}e}") == "https://x.org/a_b%20c#d~e"


def test_gzip_and_line_ends_make_no_difference() -> None:
    assert is_same_packed(bibtex, BIB)
    for end in (b"\r\n", b"\r"):
        assert read(bibtex, BIB.replace(b"\n", end)) == read(bibtex, BIB)
    assert read(bibtex, b"\xef\xbb\xbf" + BIB.partition(b"\n")[2])[0].title == read(bibtex, BIB)[0].title  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "is_bibtex"),
    [
        ("% a comment\n\n  @ARTICLE{x,\n", True),
        ("@string{a = {b}}", True),
        ("@article\n{x,", True),
        ("@inproceedings (x,", True),
        ("@media (max-width: 3px) {}", False),
        ("@pytest.mark(x, y)\n@dataclass(frozen=True)", False),
        ("Write to me@article{x, y}.", False),
        ("TY  - JOUR\nTI  - @article{x,\n", False),
    ],
)
def test_the_format_is_told_by_an_entry(text: str, is_bibtex: bool) -> None:
    assert matches(bibtex, text.encode()) is is_bibtex


def test_a_place_can_be_printed_whatever_the_key_is() -> None:
    data = entry("note={" + "é" * 70_000 + "}") + b"@misc{late\n\xff\xfe, title = {T}}"
    assert read(bibtex, data)[1].where == "entry late ??, line 2"  # type: ignore[union-attr]


def test_a_file_without_an_entry_is_refused() -> None:
    with pytest.raises(SourceError, match=r"holds no BibTeX entry .* Check"):
        read(bibtex, b"Nothing of the kind.\n")


def test_macros_cannot_grow_without_bound() -> None:
    strings = '@string{a0 = "ha "}\n' + "".join(f"@string{{a{n} = a{n - 1} # a{n - 1}}}\n" for n in range(1, 60))
    papers, _ = parted(read(bibtex, strings.encode() + entry("journal = a3, note = a50")))
    assert papers[0].venue == "ha ha ha ha ha ha ha ha"
    assert len(papers[0].extra["note"]) < 600


HEAD = "@article{k, title={T}, abstract={A}, "


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("@article{k,\n" * 50_000, 50_000),
        (HEAD + "x={" + "{}" * 100_000 + "}}", 1),
        (HEAD + "x={" + "{" * 100_000 + "}" * 100_000 + "}}", 1),
        (HEAD + 'x="' + "{}" * 100_000 + '"}', 1),
        (HEAD + "x={" + "y" * MAX_LINE + "}}\n" + entry("").decode(), 2),
        (HEAD + "x={" + "\n" * 200_000 + "}}" + entry("").decode(), 2),
        (HEAD + "a={}" * 100_000 + "}", 1),
        (HEAD + "author={" + "a and " * 200_000 + "}}", 1),
        (HEAD + "x=" + "a # " * 200_000 + "a}", 1),
        ("@article{k, title={T}, abstract={" + "$ \\a " * 30_000 + "}}", 1),
        ("@article{k, title={T}, abstract={" + "\\emph" * 30_000 + "`` " * 10_000 + "}}", 1),
    ],
    ids=["open", "braces", "deep", "quoted", "long", "lines", "commas", "authors", "parts", "math", "commands"],
)
@pytest.mark.slow
def test_a_hostile_file_ends_soon(body: str, count: int) -> None:
    start = time.process_time()  # not of the clock: other work may go on beside
    records = read(bibtex, body.encode())
    assert time.process_time() - start < 3
    assert len(records) == count


def test_the_first_paper_comes_before_the_file_is_read() -> None:
    endless = Endless(b"", lambda n: entry(f"year = {1900 + n % 100}"))
    assert first_of_endless(bibtex, endless).date == "1900"


@given(damaged(BIB))
@pytest.mark.slow
def test_damage_never_breaks_out(data: bytes) -> None:
    survives(bibtex, data)
