"""Papers that somebody pasted: told by content, and as plain text where they are in no format."""

from __future__ import annotations

import io

import pytest

from ingest.records import Rejected
from ingest.sources import PASTED, form_of, plain, read_stream
from ingest.sources.opened import open_stream
from rag.errors import SourceError
from rag.types import Paper

BIBTEX = "@article{a, title={On Things}, abstract={They are things.}}"
RIS = "TY  - JOUR\nTI  - On Things\nAB  - They are things.\nER  -\n"
JSONL = '{"title": "On Things", "abstract": "They are things."}'


def read(text: str) -> list[Paper | Rejected]:
    return list(read_stream(io.BytesIO(text.encode()), PASTED, form_of(text), 2025))


def papers(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(found.title, found.abstract, found.authors) for found in read(text) if isinstance(found, Paper)]


@pytest.mark.parametrize(("text", "form"), [(BIBTEX, "bibtex"), (RIS, "ris"), (JSONL, "jsonl")])
def test_a_known_format_is_known(text: str, form: str) -> None:
    assert form_of(text) == form
    assert papers(text) == [("On Things", "They are things.", ())]


def test_a_title_and_what_stands_below_it() -> None:
    text = "On Things\nThey are\nthings.\n\n\nOn Others\nThey are others.\n"
    assert papers(text) == [("On Things", "They are things.", ()), ("On Others", "They are others.", ())]


def test_an_empty_line_may_stand_between_title_and_abstract() -> None:
    assert papers("On Things\n\nThey are\nthings.\n\nOn Others\n\nThey are others.") == [
        ("On Things", "They are things.", ()),
        ("On Others", "They are others.", ()),
    ]


def test_labels_and_authors_are_read() -> None:
    expected = [("On Things", "They are things.", ("Ada One", "Bo de Two"))]
    assert papers("Title: On Things\nAuthors: Ada One, Bo de Two\nAbstract: They are things.") == expected
    assert papers("On Things\nAda One and Bo de Two\nAbstract\nThey are things.")[0][2] == ("Ada One", "Bo de Two")
    # A family name in front is no person of its own.
    for line in ("One, A., & Two, B.", "A. One, B. Two et al.", "A. One, B. Two"):
        assert papers(f"Title: On Things\nAuthors: {line}\nAbstract: They.")[0][2] == ("A. One", "B. Two")
    assert papers("On Things\nAda One, Bo Two and Cy Three\nThey are.")[0][2] == ("Ada One", "Bo Two", "Cy Three")
    assert papers("On Things\nThey are Things, Others\nand more.")[0][2] == ()


def test_a_title_alone_is_turned_away_with_its_line() -> None:
    found = read("On Things\nThey are things.\n\nOn Nothing\n")
    assert found[1:] == [Rejected(PASTED, "line 4", "a title without an abstract below it")]


def test_nothing_is_no_text_and_prose_in_a_file_is_still_no_paper() -> None:
    with pytest.raises(SourceError):
        form_of("  \n ")
    file = open_stream(io.BytesIO(b"Some words\nof no format."), "notes.txt", 2025)
    assert not plain.matches(file.head)
