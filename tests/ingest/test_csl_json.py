"""CSL-JSON as Zotero writes it: names in parts, dates in three shapes, identifiers in notes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import csl_json
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

DATA = sample("csl.json")
ITEM = {"id": "key2020", "type": "article", "title": "T", "abstract": "A.", "issued": {"date-parts": [[2020]]}}


def test_items_and_rejected_ones() -> None:
    papers, rejected = parted(read(csl_json, DATA))
    assert [paper.id for paper in papers] == ["10.5555/moss.1", "2410.05983", "kite-talk-a36eb6e0"]
    assert rejected == [("entry noAbstract2020", "no abstract")]


def test_every_field() -> None:
    moss, lamps, talk = parted(read(csl_json, DATA))[0]
    assert moss.authors == (
        *("Tove Lindqvist", "Xi Wang", "Ludwig van Beethoven", "Martin Luther King Jr.", "Moss Consortium"),
    )
    assert (moss.date, moss.venue, moss.url) == (
        "2021-03-07",
        "Journal of Slow Things",
        "https://doi.org/10.5555/moss.1",
    )
    assert (moss.doi, moss.pubmed_id, moss.arxiv_id) == ("10.5555/moss.1", "31111111", None)
    assert moss.categories == ("moss", "time keeping")
    assert moss.extra == {
        **{
            "type": "article-journal",
            "ISSN": "1234-5678",
            "issue": "2",
            "language": "en",
            "page": "1-9",
            "volume": "4",
        },
        "citation_key": "lindqvistMoss2021",
    }
    assert (lamps.arxiv_id, lamps.authors, lamps.date) == ("2410.05983", ("王小明",), "2024")
    assert (talk.venue, talk.date, talk.authors) == ("KITECON 9", "2019-06-01", ())
    assert not any(paper.keep_id for paper in (moss, lamps, talk))


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ({"literal": "Moss Office, Bergen"}, "Moss Office, Bergen"),
        ({"family": "Lund", "given": "Bo", "suffix": "Jr."}, "Bo Lund Jr."),
        ("Lund, Bo", "Bo Lund"),
    ],
)
def test_the_comma_of_a_group_turns_nothing_around(author: Any, shown: str) -> None:
    (paper,), _ = parted(read(csl_json, json.dumps([{**ITEM, "author": [author]}]).encode()))
    assert paper.authors == (shown,)


@pytest.mark.parametrize(
    ("issued", "date"),
    [
        ({"date-parts": [[2020, 2, 3]]}, "2020-02-03"),
        ({"date-parts": [["2020", "2"]]}, "2020-02"),
        ({"date-parts": [[2020, 2, 3], [2020, 2, 5]]}, "2020-02-03"),
        ({"date-parts": [[]], "literal": "Spring 2020"}, None),
        ({"raw": "2020/02/03"}, "2020-02-03"),
        ({"literal": "3 Feb 2020"}, "2020-02-03"),
        ("2020", "2020"),
        (None, None),
        ([2020], "2020"),
    ],
)
def test_dates(issued: Any, date: str | None) -> None:
    (paper,), _ = parted(read(csl_json, json.dumps([{**ITEM, "issued": issued}]).encode()))
    assert paper.date == date


@pytest.mark.parametrize(
    "fields",
    [
        {"note": "arXiv:2410.05983v2 [cs]\nPMID: 123"},
        {"number": "arXiv:2410.05983", "PMID": 123},
        {"URL": "http://arxiv.org/abs/2410.05983v1", "PMID": "123"},
        {"DOI": "10.48550/arXiv.2410.05983", "note": "tex.thing: x\nPMID: 123"},
    ],
)
def test_where_identifiers_stand(fields: dict[str, Any]) -> None:
    (paper,), _ = parted(read(csl_json, json.dumps([{**ITEM, **fields}]).encode()))
    assert (paper.arxiv_id, paper.pubmed_id, paper.doi) == ("2410.05983", "123", None)


def test_a_citation_key_is_no_id() -> None:
    one, other = parted(read(csl_json, json.dumps([ITEM, {**ITEM, "id": "other", "citation-key": "best"}]).encode()))[0]
    assert one.id == other.id
    assert (one.extra["citation_key"], other.extra["citation_key"]) == ("key2020", "best")


def test_it_is_told_from_other_json() -> None:
    assert matches(csl_json, DATA)
    assert matches(csl_json, b"\xef\xbb\xbf" + json.dumps([ITEM]).encode())
    assert matches(csl_json, json.dumps([{"type": "book", "title": "T", "author": [{"family": "F"}]}]).encode())
    assert not matches(csl_json, json.dumps([{"type": "x", "title": "T", "abstract": "A."}]).encode())
    assert not matches(csl_json, json.dumps({"items": [ITEM]}).encode())
    assert not matches(csl_json, json.dumps([{"title": "T", "issued": "2020"}]).encode())


def test_a_gzip_file_holds_the_same() -> None:
    assert is_same_packed(csl_json, DATA)


def test_the_first_paper_is_there_before_the_file_ends() -> None:
    assert first_of_endless(csl_json, Endless(b"[", lambda number: json.dumps(ITEM).encode() + b",\n")).title == "T"


@given(damaged(DATA) | st.binary(min_size=1, max_size=300).filter(bytes.strip))
@pytest.mark.slow
def test_no_bytes_end_it(data: bytes) -> None:
    survives(csl_json, data)


_SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["family", "literal", "date-parts", "x"]), inner)
    ),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from([*ITEM, "author", "DOI", "URL", "note", "number", "keyword", "custom", "PMID"]), _SHAPES
    )
)
@pytest.mark.slow
def test_fields_of_any_shape(item: dict[str, Any]) -> None:
    assert len(read(csl_json, json.dumps([item]).encode())) == 1
