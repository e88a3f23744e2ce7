"""JSON in other shapes than lines: where the records lie, damage inside and between them, and hostile files."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources import json_array, json_stream
from ingest.sources.json_stream import records
from ingest.sources.opened import open_stream
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

PAPER = {"id": "p", "title": "A title", "abstract": "An abstract."}
FILES = ["papers_array.json", "openalex.json", "crossref.json", "semantic_scholar.json"]


def dump(value: Any, **options: Any) -> bytes:
    return json.dumps(value, **options).encode()


def test_an_array_with_damage_in_its_records() -> None:
    papers, rejected = parted(read(json_array, sample("papers_array.json")))
    assert [paper.id for paper in papers] == ["a1", "a3", "a7"]
    assert [where for where, _ in rejected] == [f"record {number}" for number in (2, 3, 4, 6, 7, 8, 9)]
    told = [reason for _, reason in rejected]
    assert told[0] == "no abstract"
    assert told[1] == told[2] == told[6] == "not a JSON object"
    assert told[3].startswith("holds bytes that are not text")
    assert told[4].startswith("not valid JSON (Invalid \\escape")
    assert told[5].startswith("not valid JSON (Exceeds the limit")
    assert papers[0].authors == ("Tove Lindqvist", "Xi Wang")
    assert (papers[0].date, papers[0].venue) == ("2021", "Journal of Slow Things")
    assert papers[1].abstract == "The scraper left a line end inside."
    assert (papers[1].date, papers[2].categories) == (None, ("deep learning",))


def test_open_alex() -> None:
    (paper,), rejected = parted(read(json_array, sample("openalex.json")))
    assert paper.id == "https://openalex.org/W1"
    assert (paper.title, paper.abstract) == ("Lichen on signal boxes", "Lichen grows on boxes; we count Lichen")
    assert paper.authors == ("Ngozi Adeyemi", "Bo Lund")
    assert (paper.date, paper.venue, paper.categories) == ("2019-05-02", "Annals of Lichen", ("Lichen",))
    assert (paper.doi, paper.pubmed_id) == ("10.5555/lichen.1", "31234567")
    assert [where for where, _ in rejected] == ["record 2"]


def test_crossref() -> None:
    papers, rejected = parted(read(json_array, sample("crossref.json")))
    assert papers[0].title == "Kites & boats: a survey"
    assert papers[0].abstract == "Kites pull small boats at 10³ newtons & more."
    assert papers[0].authors == ("Wanda van Rijn", "Kite Consortium")
    assert (papers[0].date, papers[0].venue) == ("2022-03", "Sailing Letters")
    assert papers[0].doi == papers[0].id == "10.5555/kites.(2022)1"
    assert (papers[1].title, papers[1].date) == ("", "2020")
    assert rejected == [("record 2", "no abstract; the fields are DOI, issued, title, type")]


def test_semantic_scholar() -> None:
    (paper,), rejected = parted(read(json_array, sample("semantic_scholar.json")))
    assert (paper.id, paper.arxiv_id, paper.pubmed_id) == ("f00d", "2401.01234", "30000001")
    assert (paper.authors, paper.date, paper.venue) == (("Imre Kovács", "S. Okafor"), "2024-01-05", "Owl Studies")
    assert rejected == [("record 2", "no abstract"), ("record 3", "not a JSON object")]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ([PAPER], ["p"]),
        ({"papers": [PAPER, PAPER]}, ["p", "p"]),
        ({"title": "My collection", "year": 2020, "papers": [PAPER]}, ["p"]),
        ({"title": "My collection", "description": "Of papers.", "papers": [PAPER]}, ["p"]),
        ({"hits": {"total": 1, "hits": [{"_id": 1, "_source": PAPER}]}}, ["p"]),
        ({"response": {"numFound": 1, "docs": [PAPER]}}, ["p"]),
        ({"message": PAPER, "status": "ok"}, ["p"]),
        ({"data": [{"contexts": [], "citedPaper": PAPER}]}, ["p"]),
        ({"one": {"title": "T", "abstract": "A."}, "two": {"title": "U", "abstract": "B."}}, ["one", "two"]),
        ({"papers": {"one": {"title": "T", "abstract": "A."}}}, ["one"]),
        ({"0": {"title": "T", "abstract": "A."}, "1": PAPER}, ["t-e3b98a4d", "p"]),
        ({**PAPER, "references": [{"title": "Other", "abstract": "B."}]}, ["p"]),
        ({**PAPER, "authors": [{"name": "A B"}], "citations": [{"title": "Other"}]}, ["p"]),
        ([{"Titel": "T", "abstract": "A."}], []),
        ([], []),
    ],
)
def test_where_the_records_lie(value: Any, ids: list[str]) -> None:
    data = dump(value, indent=2)
    assert matches(json_array, data)
    found = parted(read(json_array, data))[0]
    assert [paper.id if not paper.id.startswith("t-") else "t-e3b98a4d" for paper in found] == ids
    assert parted(read(json_array, dump(value)))[0] == found


def test_data_cite() -> None:
    attributes = {
        "doi": "10.5555/D.1",
        "titles": [{"title": "A data set"}],
        "creators": [{"name": "Lund, Bo", "nameType": "Personal"}],
        "descriptions": [
            {"description": "How it was made.", "descriptionType": "Methods"},
            {"description": "What it holds.", "descriptionType": "Abstract"},
        ],
        "publicationYear": 2018,
    }
    (paper,) = parted(read(json_array, dump({"data": [{"id": "10.5555/d.1", "attributes": attributes}]})))[0]
    assert (paper.title, paper.abstract, paper.authors) == ("A data set", "What it holds.", ("Bo Lund",))
    assert (paper.doi, paper.date) == ("10.5555/d.1", "2018")


@pytest.mark.parametrize("around", ["attributes", "metadata", "_source"])
def test_what_holds_every_record_names_none(around: str) -> None:
    texts = [{"title": f"Paper {number}", "abstract": "An abstract."} for number in range(2)]
    papers = parted(read(json_array, dump([{around: text} for text in texts])))[0]
    assert [paper.id.rpartition("-")[0] for paper in papers] == ["paper-0", "paper-1"]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"authorList": {"author": [{"fullName": "Lund B", "firstName": "Bo", "lastName": "Lund"}]}}, ("Bo Lund",)),
        ({"authors": {"value": ["Bo Lund", "Ada Poe"]}}, ("Bo Lund", "Ada Poe")),  # OpenReview
        ({"author": {"name": "Bo Lund", "affiliation": ["A University"]}}, ("Bo Lund",)),
        (
            {"authors": [{"first": "Bo", "middle": ["J.", "K."], "last": "Lund", "suffix": "Jr."}]},
            ("Bo J. K. Lund Jr.",),
        ),
        ({"authors": [{"first": "Bo", "middle": [], "last": "Lund", "suffix": ""}]}, ("Bo Lund",)),
        ({"creators": [{"name": "Roof Office, Bergen", "nameType": "Organizational"}]}, ("Roof Office, Bergen",)),
        ({"creators": [{"name": "Lund, Bo", "nameType": "Personal"}]}, ("Bo Lund",)),
        ({"author": [{"name": "Roof Office, Bergen", "sequence": "first"}]}, ("Roof Office, Bergen",)),  # Crossref
        ({"authorList": {"author": [{"collectiveName": "Roof Office, Bergen"}]}}, ("Roof Office, Bergen",)),
        ({"authors": [{"name": "Lund, Bo"}]}, ("Bo Lund",)),
    ],
)
def test_authors_in_objects(fields: dict[str, Any], shown: tuple[str, ...]) -> None:
    (paper,) = parted(read(json_array, dump([{**PAPER, **fields}])))[0]
    assert paper.authors == shown


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"abstract": [{"text": "One."}, {"text": "Two."}]}, "One. Two."),  # CORD-19
        ({"abstract": [{"text": "One."}, {"no": "text"}]}, "One."),
        ({"abstract": ["One.", "Two."]}, "One. Two."),
        ({"abstract": "<h4>Aims</h4>H<inf>2</inf>O.<ul><li>One</li><li>Two</li></ul>"}, "Aims H2O. One Two"),
    ],
)
def test_abstracts_in_pieces(fields: dict[str, Any], shown: str) -> None:
    assert parted(read(json_array, dump([{**PAPER, **fields}])))[0][0].abstract == shown


def test_the_first_day_of_several_is_the_papers() -> None:
    paper = {**PAPER, "pubYear": "2020", "firstPublicationDate": "2019-01-03"}  # Europe PMC
    assert parted(read(json_array, dump([paper])))[0][0].date == "2019-01-03"
    assert parted(read(json_array, dump([{**PAPER, "pubYear": "2020"}])))[0][0].date == "2020"


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ({"update_date": "2008-11-26"}, "2007-04"),
        ({"update_date": "2007-04-05"}, "2007-04-05"),
        ({"update_date": "2008-11-26", "published": "2007-04-02"}, "2007-04-02"),
    ],
)
def test_a_part_of_the_arxiv_snapshot_is_told_by_its_ids(fields: dict[str, str], date: str) -> None:
    (paper,) = parted(read(json_array, dump([{**PAPER, "id": "0704.0001", **fields}])))[0]
    assert (paper.id, paper.arxiv_id, paper.date) == ("0704.0001", "0704.0001", date)


def test_an_id_that_looks_like_arxivs_is_none_by_itself() -> None:
    (paper,) = parted(read(json_array, dump([{**PAPER, "id": "0704.0001"}])))[0]
    assert (paper.id, paper.arxiv_id, paper.date) == ("0704.0001", None, None)


def test_a_retracted_paper_is_told() -> None:
    papers, rejected = parted(read(json_array, dump([{**PAPER, "is_retracted": told} for told in (True, False)])))
    assert len(papers) == 1
    assert rejected == [("record 1", "retracted")]


def test_objects_one_after_the_other() -> None:
    data = b"\n".join(dump({**PAPER, "id": str(number)}, indent=2) for number in range(3))
    assert matches(json_array, data)
    assert [paper.id for paper in parted(read(json_array, data))[0]] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "data",
    [
        dump(PAPER) + b"\n" + dump(PAPER),
        dump({"name": "T", "summary": "A.", "journal": {"title": "J"}}),
        dump(PAPER),
        dump(PAPER)[:40] + b"\n" + dump(PAPER),
        b'{"name": "a-package", "description": "No paper."}',
        b'{"cells": [{"source": ["x"]}]}',
        b'["a", "b"]',
        b"[1, 2]",
        b"milk\n",
        b"[link](address)\n",
    ],
)
def test_what_is_left_to_other_formats(data: bytes) -> None:
    assert not matches(json_array, data)


def test_columns_the_user_names() -> None:
    data = dump({"info": {"a": 1}, "rows": [{"Titel": "T", "Text": "A."}]})
    (paper,) = parted(read(json_array, data, {"title": "Titel", "abstract": "Text"}))[0]
    assert (paper.title, paper.abstract) == ("T", "A.")


@pytest.mark.parametrize(
    "value",
    [
        {"title": {"0": "T", "1": "U"}, "abstract": {"0": "A.", "1": "B."}},
        {"title": ["T", "U"], "abstract": ["A.", "B."]},
    ],
)
def test_a_data_frame_by_columns_is_told(value: Any) -> None:
    with pytest.raises(SourceError, match=r"name holds a list for each column .*orient='records'"):
        read(json_array, dump(value, indent=1))


@pytest.mark.parametrize(
    ("data", "ids", "problems"),
    [
        (b'[{"id": "a", "title": "T", "abstract": "A."}, {"id": "b", "ti', ["a"], ["record 2: the file ends before"]),
        (b'[{"id": "a", "title": "T", "abstract": "A."},', ["a"], ["record 2: the file ends before"]),
        (
            b'[{"id": "a", "title": "T", "abstract": "A."}}, {"id": "b", "title": "U", "abstract": "B."}]',
            ["a", "b"],
            ["record 2: a bracket too many"],
        ),
        (
            b'[{"id": "a", "title": "T", "abstract": "A."} oh no {"id": "b", "title": "U", "abstract": "B."}]',
            ["a", "b"],
            ["record 2: not a JSON object"],
        ),
        (
            b'[{"title" "T"},' + b" " * 70_000 + b'{"id": "b", "abstract": "B.\xff"}, {"id": "c", "abstract": "C."}]',
            ["c"],
            ["record 1: not valid JSON", "record 2: holds bytes that are not text"],
        ),
    ],
)
def test_damage_is_told_at_its_record(data: bytes, ids: list[str], problems: list[str]) -> None:
    papers, rejected = parted(read(json_array, data))
    assert [paper.id for paper in papers] == ids
    assert all(f"{where}: {reason}".startswith(told) for (where, reason), told in zip(rejected, problems, strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings(encoding: str) -> None:
    data = json.dumps([{**PAPER, "title": "Füße – “naïve”"}], ensure_ascii=False).encode(encoding)
    assert matches(json_array, data)
    assert parted(read(json_array, data))[0][0].title == "Füße – “naïve”"


def test_utf_16_cut_in_the_middle_of_a_character() -> None:
    data = json.dumps([PAPER, PAPER]).encode("utf-16")[:-1]
    papers, rejected = parted(read(json_array, data))
    assert len(papers) == 2
    assert rejected[-1][1].startswith("the file ends before its JSON does")


@pytest.mark.parametrize("name", FILES)
def test_a_gzip_file_holds_the_same(name: str) -> None:
    assert is_same_packed(json_array, sample(name))


@pytest.mark.parametrize("begin", [b"[", b'{"meta": {"n": 1}, "results": [', b""])
def test_the_first_paper_is_there_before_the_file_ends(begin: bytes) -> None:
    endless = Endless(begin, lambda number: dump({**PAPER, "id": str(number)}, indent=1) + (b"," if begin else b"\n"))
    assert first_of_endless(json_array, endless).id == "0"


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("name", FILES)
def test_where_a_block_ends_makes_no_difference(name: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(json_array, sample(name))
    monkeypatch.setattr(json_stream, "_BLOCK", block)
    assert read(json_array, sample(name)) == whole


HOSTILE = [
    (b"[", b"[", b"", "the file ends"),
    (b"", b'{"a":', b"", "the file ends"),
    (b'[{"title": "', b"x", b'"}]', "longer than 4,000,000 characters"),
    (b'[{"title": "', b'\\"', b"", "the file ends"),
    (b'[{"year": ', b"9", b"}]", "longer than 4,000,000 characters"),
    (b'["', b"x", b'"]', "not a JSON object"),
    (b'{"', b"k", b"", "the file ends"),
    (b'[{"a": ', b"[", b"}]", "the file ends"),
]


@pytest.mark.parametrize(("begin", "middle", "end", "reason"), HOSTILE)
@pytest.mark.slow
def test_a_hostile_file_takes_little_memory_and_time_in_its_size(
    begin: bytes, middle: bytes, end: bytes, reason: str
) -> None:
    took = []
    for size in (600_000, 4_800_000):
        data = begin + middle * (size // len(middle) ** 2) + end
        start = time.process_time()
        rejected = parted(read(json_array, data))[1]
        took.append(time.process_time() - start)
    assert [told.startswith(reason) for _, told in rejected] == [True]
    assert took[1] < 8 * 5 * took[0] + 1
    tracemalloc.start()
    read(json_array, begin + middle * (5_000_000 // len(middle) ** 3) + end)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000


def test_deep_nesting_and_long_numbers_inside_a_record_cost_that_record() -> None:
    deep, number = b'{"title": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", b'{"year": ' + b"9" * 2_000_000 + b"}"
    papers, rejected = parted(read(json_array, b"[" + b",".join((deep, number, dump(PAPER))) + b"]"))
    assert [paper.id for paper in papers] == ["p"]
    assert [reason[:14] for _, reason in rejected] == ["not valid JSON"] * 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(max_size=6), _JSON, max_size=4), max_size=4), st.sampled_from([None, 1]))
@pytest.mark.slow
def test_every_object_of_a_list_is_found_as_it_is(values: list[dict[str, Any]], indent: int | None) -> None:
    file = open_stream(io.BytesIO(json.dumps(values, indent=indent, ensure_ascii=True).encode()), "name", 2025)
    found = list(records(file, (None,)))
    assert [json.dumps(json.loads(each.text)) for each in found] == [json.dumps(value) for value in values]
    assert not any(each.problem for each in found)


@given(st.sampled_from(FILES).flatmap(lambda name: damaged(sample(name))) | st.binary(min_size=1).filter(bytes.strip))
@pytest.mark.slow
def test_no_bytes_end_it(data: bytes) -> None:
    survives(json_array, data)
