"""The arXiv snapshot: versions, wrapped lines, accents, and lines that are no paper."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import arxiv_snapshot
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

DATA = sample("arxiv_snapshot.jsonl")


def line(**fields: Any) -> bytes:
    record = {"id": "2410.00001", "submitter": "S", "title": "T", "report-no": None, "abstract": "A.", **fields}
    return json.dumps(record).encode() + b"\n"


def test_papers_and_rejected_lines() -> None:
    papers, rejected = parted(read(arxiv_snapshot, DATA))
    assert [paper.id for paper in papers] == ["2410.05983", "hep-th/9901001", "1512.00567"]
    assert [where for where, _ in rejected] == ["line 3", "line 4", "line 5"]
    assert rejected[0][1] == "withdrawn by its authors or by arXiv"
    assert rejected[1][1].startswith("not valid JSON")
    assert rejected[2][1] == "no abstract"


def test_every_field() -> None:
    paper = parted(read(arxiv_snapshot, DATA))[0][0]
    assert paper.title == "Tidal combs in the rings of small moons"
    assert paper.abstract == (
        "We count the gaps that a small moon leaves in a ring of 10⁴ grains, and find that 25% of them close again."
    )
    assert paper.authors == ("Ilse Vantongeren", "András Bölcskei", "José Núñez Jr")
    assert paper.date == "2024-10-08"
    assert paper.venue == "J. Invented Astron. 12, 7 (2025)"
    assert (paper.doi, paper.arxiv_id) == ("10.5555/jia.12.7", "2410.05983")
    assert paper.url == "https://arxiv.org/abs/2410.05983"
    assert paper.categories == ("astro-ph.EP", "physics.comp-ph")
    assert not paper.keep_id
    assert paper.extra == {
        "comment": "24 pages, 5 figures; v2: typos",
        "report_number": "JIA-24-01",
        "license": "http://creativecommons.org/licenses/by/4.0/",
        "updated": "2025-03-04",
        "arxiv_version": "2",
    }


def test_old_ids_and_authors_in_one_text() -> None:
    paper = parted(read(arxiv_snapshot, DATA))[0][1]
    assert paper.authors == ("Q. Marlowe", "The Lantern Collaboration")
    assert (paper.arxiv_id, paper.date) == ("hep-th/9901001", "1999-01-01")


def test_without_versions_the_day_of_the_update_is_the_date() -> None:
    paper = parted(read(arxiv_snapshot, DATA))[0][2]
    assert paper.date == "2015-12-11"
    assert paper.authors == ("ATLAS Lamp Group", "O. de la Cruz")
    assert "arxiv_version" not in paper.extra


def test_it_is_told_from_other_json_lines() -> None:
    assert matches(arxiv_snapshot, DATA)
    assert matches(arxiv_snapshot, b"\xef\xbb\xbf" + DATA)
    # A collaboration's authors fill the beginning; what comes after them is not seen.
    authors = [["Surname" + str(i), "Given", ""] for i in range(5000)]
    assert matches(arxiv_snapshot, line(authors_parsed=authors))
    assert not matches(arxiv_snapshot, b'{"id": "1", "title": "T", "abstract": "A."}\n')
    assert not matches(arxiv_snapshot, b'{"_id": "1", "title": "T", "text": "A."}\n')


def test_a_gzip_file_holds_the_same() -> None:
    assert is_same_packed(arxiv_snapshot, DATA)


def test_the_first_paper_is_there_before_the_file_ends() -> None:
    endless = Endless(b"", lambda number: line(id=f"2410.{number:05}"))
    assert first_of_endless(arxiv_snapshot, endless).id == "2410.00000"


@pytest.mark.parametrize(
    "fields",
    [
        {"versions": 7, "authors_parsed": "none", "categories": ["cs.CL"]},
        {"versions": [None, {"version": 3, "created": {}}], "authors_parsed": [[], [None], "x", 4]},
        {"versions": [{"created": None}], "authors_parsed": [[["deep"], {}, 1]], "doi": " ", "id": 2410.00001},
        {"id": "not an arXiv id", "comments": ["a", 1], "update_date": False},
    ],
)
def test_fields_of_other_shapes_are_left_out(fields: dict[str, Any]) -> None:
    (paper,), rejected = parted(read(arxiv_snapshot, line(**fields)))
    assert (paper.title, paper.abstract) == ("T", "A.")
    assert not rejected


@given(damaged(DATA) | st.binary(min_size=1, max_size=300).filter(bytes.strip))
@pytest.mark.slow
def test_no_bytes_end_it(data: bytes) -> None:
    survives(arxiv_snapshot, data)
