"""The records filtered in SQL: every look-up agrees with what the conditions mean for one paper."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.catalog import SqliteCatalog
from rag.facets import FACETS, meets, values
from rag.filters import Filters
from rag.protocols import Catalog
from rag.types import Chunk, Paper
from tests.fakes import FakeCatalog

NAMES = ["Yoshua Bengio", "Y. Bengio", "Samy Bengio", "Laurens van der Maaten", "Åsa Müller", "JA Smith", "Wei Wang"]
VENUES = ["ICLR 2023", "ICLR 2024", "Nature", "Nature Communications", "Transactions of the ACL"]
CLASSES = ["cs.CL", "cs.CV", "math.GT", "Deep Learning"]
DATES = st.none() | st.sampled_from(["2019", "2019-05", "2019-05-20", "2020", "2021-02-28", "2024-12-31"])
RECORDS = st.lists(
    st.builds(
        lambda authors, venue, classes, date: (tuple(authors), venue, tuple(classes), date),
        st.lists(st.sampled_from(NAMES), max_size=3),
        st.none() | st.sampled_from(VENUES),
        st.lists(st.sampled_from(CLASSES), max_size=2),
        DATES,
    ),
    max_size=12,
)
FILTERS = st.builds(
    Filters,
    DATES,
    DATES,
    st.lists(st.sampled_from(["Bengio", "Yoshua Bengio", "Maaten", "muller", "Nobody"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(["ICLR", "Nature", "ICLR 2023", "ACL"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(["cs", "cs.CL", "deep learning"]), max_size=2).map(tuple),
)
Record = tuple[tuple[str, ...], str | None, tuple[str, ...], str | None]


def papers(records: list[Record]) -> list[Paper]:
    return [
        Paper(f"p{n:02}", f"T{n}", "A.", authors=a, venue=v, categories=c, date=d)
        for n, (a, v, c, d) in enumerate(records)
    ]


def filled(catalog: Catalog, found: list[Paper]) -> Catalog:
    catalog.upsert([(paper, (Chunk(paper, 0, 2),)) for paper in found])
    return catalog


def check(catalog: Catalog, found: list[Paper], filters: Filters) -> None:
    kept = [paper for paper in found if meets(paper, filters)]
    newest = sorted(kept, key=lambda p: p.id)
    newest.sort(key=lambda p: p.date or "", reverse=True)
    assert catalog.count(filters) == len(kept)
    assert catalog.matching(filters) == [p.id for p in newest]
    assert catalog.matching(filters, limit=2) == [p.id for p in newest][:2]
    some = [p.id for p in found][::2]
    assert catalog.matching(filters, some) == [p.id for p in newest if p.id in some]
    oldest = catalog.matching(filters, oldest=True)
    assert set(oldest) == {p.id for p in kept if p.date}
    firsts = [next(p.date for p in found if p.id == i) or "" for i in oldest]
    assert [date[:4] for date in firsts] == sorted(date[:4] for date in firsts)
    assert dict(catalog.years(filters)) == Counter((p.date or "")[:4] for p in kept)
    for facet in FACETS:
        counted = Counter(value for p in kept for value in values(p, facet))
        assert catalog.frequent(facet, filters, 3) == sorted(counted.items(), key=lambda c: (-c[1], c[0]))[:3]


@given(RECORDS, FILTERS)
def test_sql_means_what_the_conditions_mean(records: list[Record], filters: Filters) -> None:
    found = papers(records)
    check(filled(SqliteCatalog(Path(":memory:")), found), found, filters)


@given(RECORDS, FILTERS)
def test_the_fake_means_the_same(records: list[Record], filters: Filters) -> None:
    found = papers(records)
    check(filled(FakeCatalog(), found), found, filters)


def test_a_changed_or_deleted_paper_leaves_nothing_behind(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "papers.sqlite")
    old = papers([(("Yoshua Bengio",), "Nature", ("cs.CL",), "2020"), (("Wei Wang",), None, (), None)])
    filled(catalog, old)
    new = papers([(("Samy Bengio",), None, ("cs.CV",), "2021")])
    filled(catalog, new)
    check(catalog, [*new, old[1]], Filters(authors=("Bengio",)))
    assert catalog.named("author", "Y. Bengio") == []
    assert catalog.named("venue", "Nature") == []
    assert catalog.named("author", "bengio") == ["Samy Bengio"]
    catalog.upsert([], absorbed={"p01": "p00"})
    assert catalog.named("author", "Wei Wang") == []
    catalog.delete(["p00"])
    assert catalog.named("author", "Bengio") == []
    assert catalog.frequent("author", Filters(), 5) == []


def test_the_chunks_of_a_paper_are_those_it_has_now(tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "papers.sqlite")
    paper = Paper("a:b/1", "T", "One. Two.")
    catalog.upsert([(paper, (Chunk(paper, 0, 4), Chunk(paper, 5, 9)))])
    assert catalog.chunk_ids(["a:b/1", "nobody"]) == [("a:b/1", [Chunk(paper, 0, 4).id, Chunk(paper, 5, 9).id])]
    assert {Chunk.paper_id(chunk) for _, chunks in catalog.chunk_ids(["a:b/1"]) for chunk in chunks} == {"a:b/1"}


@pytest.mark.parametrize("asked", ["", "%", "'", '"', "Bengio' OR 1=1 --", "\x00", "ß" * 1000])
def test_any_text_is_a_valid_name(asked: str, tmp_path: Path) -> None:
    catalog = SqliteCatalog(tmp_path / "papers.sqlite")
    filled(catalog, papers([(("Yoshua Bengio",), "Nature", ("cs.CL",), "2020")]))
    assert catalog.named("author", asked) == []
    assert catalog.count(Filters(authors=(asked,))) == 0
