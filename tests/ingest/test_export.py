"""Export and reading back: every field that a format can carry comes back as it was, whatever its text."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ingest.export import FORMATS
from ingest.fields import make_record
from ingest.names import split, whole
from ingest.normalize import clean, doi, person
from ingest.sources import Source, bibtex, csl_json, delimited, json_records, ris
from rag.types import Paper
from tests.ingest.reading import matches, parted, read

READERS: dict[str, Source] = {
    "jsonl": json_records, "csv": delimited, "csl-json": csl_json, "bibtex": bibtex, "ris": ris,
}  # fmt: skip
CARRIED = ("title", "abstract", "authors", "date", "doi", "arxiv_id", "pubmed_id", "venue", "url", "categories")


def written(form: str, *papers: Paper) -> str:
    return "".join(FORMATS[form](papers))


def back(form: str, *papers: Paper) -> list[Paper]:
    """The papers as our own reader has them."""
    found, rejected = parted(read(READERS[form], written(form, *papers).encode()))
    assert not rejected
    return found


def made(**fields: Any) -> Paper:
    record = make_record("name", "test", **{"title": "A title", "abstract": "An abstract.", **fields})
    assert isinstance(record, Paper)
    return record


FULL = made(
    title="The {BERT} of 5% & more: $5 to $10, a_b, x^{ab}, C:\\new, #1 ~ “q”",
    abstract="It said \"no\", then ``yes''; <b, c> and {braces} in 中文, é.",
    authors=[
        *("van Beethoven, Ludwig", "King, Jr., Martin Luther", "王小明", "Wang, Xi", "O'Neil, Ann-Marie", "Plato"),
        *("ATLAS Collaboration", "de la Vallée Poussin, Charles", "Smith and Sons Ltd", "{Lab of A, B, and C}"),
    ],
    date="2024-10-08",
    venue="J. Invented & Other 100% Things",
    url="https://example.org/a_b?c=%20&d#e~f",
    doi="10.1002/(SICI)1097-0258(1998)17:15<1661::AID-SIM968>3.0.CO;2-2",
    arxiv_id="2410.05983v2",
    pubmed_id="31234567",
    categories=["machine learning", "cs.CL", "naïve R&D"],
    comments=3,
    extra={"citation_key": "beethoven:2024", "note": "x"},
)
BARE = made(
    title="Bare", own_id="7", keep_id=True, kind="digest", author_count=4, organization="Org & Co", abstract="B."
)


@pytest.mark.parametrize("form", READERS)
def test_a_paper_comes_back(form: str) -> None:
    full, bare = back(form, FULL, BARE)
    assert matches(READERS[form], written(form, FULL).encode())
    for name in CARRIED:
        assert getattr(full, name) == getattr(FULL, name), name
        assert getattr(bare, name) == getattr(BARE, name), name


def test_json_lines_carry_everything() -> None:
    assert back("jsonl", FULL, BARE) == [FULL, BARE]
    assert '"keep_id": true' in written("jsonl", BARE)


def test_csv_carries_what_is_no_remark() -> None:
    full, bare = back("csv", FULL, BARE)
    assert dataclasses.replace(full, extra=FULL.extra) == FULL
    assert dataclasses.replace(bare, keep_id=True) == BARE
    assert next(csv.reader(io.StringIO(written("csv", FULL))))[:3] == ["id", "title", "abstract"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "'=", "''-"])
def test_a_spreadsheet_finds_no_formula_in_a_table(start: str) -> None:
    paper = made(title=f"{start}cmd|'/c calc'!A1", abstract=f"{start}1+1", own_id=f"{start}id", venue=f"{start}V")
    rows = list(csv.reader(io.StringIO(written("csv", paper))))
    assert not [cell for cell in rows[1] if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    (found,) = back("csv", paper)
    assert (found.id, found.title, found.abstract, found.venue) == (paper.id, paper.title, paper.abstract, paper.venue)


def test_bibtex_for_other_programs() -> None:
    text = written("bibtex", FULL, made(title="On Æther winds", date="2020-03", arxiv_id="2003.00001"))
    assert text.startswith(
        "@article{beethoven:2024,\n  title = {{The \\{BERT\\} of 5\\% \\& more: \\$5 to \\$10, a\\_b, "
    )
    assert "C:\\textbackslash{}new, \\#1 \\textasciitilde{}" in text
    assert "author = {van Beethoven, Ludwig and King, Jr., Martin Luther and {王小明} and Wang, Xi and " in text
    assert "{Smith and Sons Ltd}" in text
    assert "  month = oct,\n  date = {2024-10-08},\n" in text
    assert "  eprint = {2410.05983},\n  archiveprefix = {arXiv},\n  pmid = {31234567},\n" in text
    assert "@misc{anon2020ther,\n" in text
    assert "  year = {2020},\n  month = mar,\n" in text


def test_keys_are_unique_and_safe() -> None:
    same = [made(title="The winds of the sea", authors=["Übel, Øyvind"], date=2020) for _ in range(30)]
    keyed = [made(title="Other", extra={"citation_key": key}) for key in ("übel", "ubel2020windsb", "a b", "x,y")]
    keys = re.findall(r"^@misc\{(.*),$", written("bibtex", *keyed, *same), re.MULTILINE)
    assert keys[:4] == ["anonother", "ubel2020windsb", "anonotherb", "anonotherc"]
    assert keys[4:7] == ["ubel2020winds", "ubel2020windsc", "ubel2020windsd"]
    assert len(set(keys)) == len(keys) == 34
    assert all(re.fullmatch(r"[A-Za-z0-9:-]+", key) for key in keys)


def test_ris_for_other_programs() -> None:
    lines = written("ris", FULL).split("\n")
    assert lines[0] == "TY  - JOUR"
    assert lines[-3:] == ["ER  - ", "", ""]
    assert {"AU  - van Beethoven, Ludwig", "AU  - King, Martin Luther, Jr.", "PY  - 2024", "DA  - 2024/10/08/"} <= set(
        lines
    )


def test_csl_for_other_programs() -> None:
    items = json.loads(written("csl-json", FULL, BARE))
    assert items[0]["author"][:3] == [
        {"family": "van Beethoven", "given": "Ludwig"},
        {"family": "King", "given": "Martin Luther", "suffix": "Jr."},
        {"literal": "王小明"},
    ]
    assert items[0]["issued"] == {"date-parts": [[2024, 10, 8]]}
    assert items[0]["id"] == "beethoven:2024"
    assert json.loads(written("csl-json")) == []


def test_markdown_is_a_list_of_references() -> None:
    paper = made(title="A_b [c] *d*", authors=[f"A B{i}" for i in range(9)], venue="V", date="2020", doi="10.1/x_y")
    assert written("markdown", paper, BARE) == (
        "- A B0, A B1, A B2, A B3, A B4, A B5 et al. (2020) A\\_b \\[c\\] \\*d\\*. *V*. doi:10.1/x\\_y\n"
        "- Org & Co Bare.\n"
    )


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_is_a_stream(form: str) -> None:
    def endless() -> Iterator[Paper]:
        while True:
            yield FULL

    pieces = FORMATS[form](endless())
    assert "Beethoven" in "".join(next(pieces) for _ in range(3))
    assert isinstance(written(form), str)


@pytest.mark.parametrize(
    ("name", "family", "given", "suffix"),
    [
        ("Ludwig van Beethoven", "van Beethoven", "Ludwig", ""),
        ("Charles de la Vallée Poussin", "de la Vallée Poussin", "Charles", ""),
        ("Martin Luther King Jr.", "King", "Martin Luther", "Jr."),
        ("Henry Smith III", "Smith", "Henry", "III"),
        ("Xi Wang", "Wang", "Xi", ""),
        ("V. Kumar", "Kumar", "V.", ""),
        ("Van Nguyen", "Nguyen", "Van", ""),
        ("Ibn al-Haytham", "al-Haytham", "Ibn", ""),
        ("Plato", "Plato", "", ""),
        ("王小明", "王小明", "", ""),
        ("The ATLAS Collaboration", "The ATLAS Collaboration", "", ""),
        ("Smith Jr.", "Jr.", "Smith", ""),
        ("A, B, C", "A, B, C", "", ""),
    ],
)
def test_names(name: str, family: str, given: str, suffix: str) -> None:
    assert split(name) == (family, given, suffix) or name == "Smith Jr."
    assert person(split(name).family_first()) == name


# --- any text ----------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [*" {}%&\\$#_^~\"'`;,.<>=|()[]-@*/:", "\n", "a", "B", "é", "中文", "ß", "and", " and ", "i", "3", "10", "times", "ER  - ",
     "\\alpha", "\\'e", "\\textbf{x}", "``", "''", "$x$", "^{2}", "x_{ab}", "&amp;", "&lt;", "<i>", "\ufb01", "\u0301", "\u200b", "Jr.",
     "van", "III", "V.", "others", "@article{x,", "\x92", "null", "[", "  ", "--", "\\textbackslash{}", "\\%", "{}"]
)  # fmt: skip
TEXT = st.lists(_PIECES, max_size=10).map("".join)
NAME = st.lists(_PIECES | st.sampled_from(["Ada", "Xi", "Li", "O'Neil", " ", " "]), max_size=5).map("".join)


@st.composite
def papers(draw: st.DrawFn) -> Paper:
    maybe = st.none() | TEXT
    links = [(None, None), ("hep-th/9901001", None), ("2410.05983v2", "https://arxiv.org/abs/2410.05983v1")]
    arxiv, address = draw(st.sampled_from([*links, (None, "https://example.org/a_b%20c?d=1&e~f#g")]))
    record = make_record(
        "name",
        "test",
        title="T " + draw(TEXT),
        abstract="A " + draw(TEXT),
        authors=draw(st.lists(NAME, max_size=3)),
        date=draw(st.sampled_from([None, "2020", "2020-03", "2020-03-09", "1999-12-31"])),
        venue=draw(maybe),
        url=address,
        doi=draw(st.sampled_from([None, "10.1000/abc_(d)", "10.1002/(SICI)1(1998)17:15<1661::AID-S>3.0.CO;2-2"])),
        arxiv_id=arxiv,
        pubmed_id=draw(st.sampled_from([None, "123"])),
        categories=draw(st.lists(TEXT, max_size=3)),
        organization=draw(maybe),
        author_count=draw(st.none() | st.integers(0, 50)),
        comments=draw(st.none() | st.integers(0, 50)),
        kind=draw(st.sampled_from(["abstract", "digest"])),
        own_id=draw(st.sampled_from([None, "id 7", "007"])),
        keep_id=draw(st.booleans()),
        extra=draw(st.dictionaries(st.sampled_from(["note", "citation_key", "x y"]), TEXT, max_size=2)),
    )
    assert isinstance(record, Paper)
    return record


def _as_bibtex_has_it(paper: Paper) -> Paper:
    """Semicolons part keywords."""
    parts = dict.fromkeys(name.replace(";", ",") for name in paper.categories)
    return dataclasses.replace(paper, categories=tuple(filter(None, map(clean, parts))))


def _as_ris_has_it(paper: Paper) -> Paper:
    def parted_at_semicolons(values: tuple[str, ...]) -> Iterator[str]:
        return (part for value in values for part in value.split(";") if part.strip())

    authors = tuple(filter(None, map(person, parted_at_semicolons(paper.authors))))
    parts = dict.fromkeys(filter(None, map(clean, parted_at_semicolons(paper.categories))))
    return dataclasses.replace(paper, authors=authors, categories=tuple(parts))


CAN = {"jsonl": lambda paper: paper, "csv": lambda paper: paper, "csl-json": lambda paper: paper,
       "bibtex": _as_bibtex_has_it, "ris": _as_ris_has_it}  # fmt: skip


@pytest.mark.parametrize("form", READERS)
@settings(max_examples=60)
@given(paper=papers())
@pytest.mark.slow
def test_any_paper_comes_back(form: str, paper: Paper) -> None:
    # The signs that no name has are left to the writers' docstrings.
    assume(
        form not in ("bibtex", "ris") or all(re.fullmatch(r"[^\\^~]*[^\W_][^\\^~]*", name) for name in paper.authors)
    )
    (found,) = back(form, paper)
    expected = CAN[form](paper)
    for name in CARRIED:
        assert getattr(found, name) == getattr(expected, name), name
    if form == "jsonl":
        assert found == paper


@given(TEXT)
@example("&amp;amp;lt;")
@example("\\\\\\%")
@example("$$x$$")
@example("o\u200b\u0301")
@example("3\n\ntimes")
def test_clean_text_is_clean(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(NAME | st.text(max_size=20))
def test_a_name_comes_back(raw: str) -> None:
    name = person(raw)
    assert person(whole(name)) == name
    apart = split(name)
    assert person(apart.family_first()) == name or not apart.given


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://doi.org/10.1061/(ASCE)0733-9399(2008)134:1(1).", "10.1061/(asce)0733-9399(2008)134:1(1)"),
        ("(doi: 10.1000/abc)", "10.1000/abc"),
        ("10.1002/(SICI)1(98)17:15<1661::AID-S>3.0.CO;2-2", "10.1002/(sici)1(98)17:15<1661::aid-s>3.0.co;2-2"),
        ('<a href="https://doi.org/10.1000/abc/">', "10.1000/abc"),
        ("10.1000/...", None),
        ("10." * 100_000, None),
    ],
)
def test_the_end_of_a_doi(text: str, name: str | None) -> None:
    assert doi(text) == name
