"""Conditions: how they are written, put into words, taken apart, and what they mean for a paper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import UsageError
from rag.facets import Facet, lookup_words, meets, same
from rag.filters import NONE, Filters, nothing_matches, parse
from rag.types import Paper


@pytest.mark.parametrize(
    ("conditions", "filters"),
    [
        (["year=2024"], Filters("2024", "2024")),
        (["year>=2023"], Filters("2023")),
        (["year<=2020"], Filters(until="2020")),
        (["year>2020"], Filters("2021")),
        (["year<2020"], Filters(until="2019")),
        (["date>=2024-05"], Filters("2024-05")),
        (["date>2024-12"], Filters("2025-01")),
        (["date<2024-03-01"], Filters(until="2024-02-29")),
        (["author=Smith"], Filters(authors=("Smith",))),
        (["venue=ICLR", "category=cs.CL"], Filters(venues=("ICLR",), categories=("cs.CL",))),
        (["year>=2018, year<=2020,author=Smith"], Filters("2018", "2020", ("Smith",))),
        (["author=Smith", "author=Jones"], Filters(authors=("Smith", "Jones"))),
        (["author=Bengio, Yoshua"], Filters(authors=("Bengio, Yoshua",))),
        (["year>=2018", "date>=2019-02"], Filters("2019-02")),
        ([" Author = Smith "], Filters(authors=("Smith",))),
        ([], NONE),
    ],
)
def test_conditions_are_read(conditions: list[str], filters: Filters) -> None:
    assert parse(conditions) == filters


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("autor=Smith", "Did you mean 'author'"),
        ("years=2020", "Did you mean 'year'"),
        ("year=2020,vanue=ICLR", "Did you mean 'venue'"),
        ("Smith", "not understood"),
        ("year=", "not understood"),
        ("=2020", "not understood"),
        ("year=20", "no year"),
        ("year=2020-05", "no year"),
        ("date=2020-13", "no date"),
        ("date=yesterday", "no date"),
        ("date=0000", "no date"),
        ("author>=Smith", "cannot be compared"),
    ],
)
def test_a_bad_condition_is_one_sentence_and_a_hint(condition: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse([condition])


def test_conditions_are_put_into_words() -> None:
    assert Filters("2024", authors=("Smith",)).describe() == "since 2024; by Smith"
    assert Filters("2018", "2020", venues=("ICLR", "NeurIPS")).describe() == "from 2018 to 2020; at ICLR or NeurIPS"
    assert Filters("2019", "2019", categories=("cs.CL",)).describe() == "in 2019; in cs.CL"
    assert Filters(until="2020-05").describe() == "until 2020-05"
    assert NONE.describe() == ""
    assert not NONE


def test_each_part_can_be_taken_away() -> None:
    filters = Filters("2018", "2020", ("Smith",), ("ICLR",))
    (dates, _), (author, words), (venue, _) = filters.parts()
    assert words == "by Smith"
    assert filters.without(dates) == Filters(authors=("Smith",), venues=("ICLR",))
    assert filters.without(author).without(venue) == Filters("2018", "2020")
    assert filters.holds(author) and not filters.without(author).holds(author)


def test_plain_values_and_back() -> None:
    filters = Filters("2018", None, ("Smith",), (), ("cs.CL",))
    assert filters.to_dict() == {"since": "2018", "authors": ["Smith"], "categories": ["cs.CL"]}
    assert Filters.from_dict(filters.to_dict()) == filters
    assert NONE.to_dict() == {}
    with pytest.raises(UsageError, match="Did you mean 'authors'"):
        Filters.from_dict({"author": ["Smith"]})


@pytest.mark.parametrize(
    ("facet", "asked", "value", "expected"),
    [
        ("author", "Bengio", "Yoshua Bengio", True),
        ("author", "Y. Bengio", "Yoshua Bengio", True),
        ("author", "Yoshua Bengio", "Y. Bengio", True),
        ("author", "Bengio, Yoshua", "Yoshua Bengio", True),
        ("author", "Samy Bengio", "Yoshua Bengio", False),
        ("author", "Yoshua Bengio", "Bengio", False),
        ("author", "yoshua", "Yoshua Bengio", False),
        ("author", "Müller", "Asa MULLER", True),
        ("author", "Soren Kierkegaard", "Søren Kierkegaard", True),
        ("author", "van der Maaten", "Laurens van der Maaten", True),
        ("author", "Maaten", "Laurens van der Maaten", True),
        ("author", "L. van der Maaten", "Laurens van der Maaten", True),
        ("author", "John B. Smith", "John A. Smith", False),
        ("author", "John Smith", "JA Smith", True),
        ("author", "John Smith", "Smith JA", True),
        ("author", "Smith", "Smith JA", True),
        ("author", "Smith JA", "John A. Smith", True),
        ("author", "John B. Smith", "Smith JA", False),
        ("author", "Jane Doe", "Smith JA", False),
        ("author", "van der Berg", "van der Berg J", True),
        ("author", "Berg", "van der Berg J", True),
        ("author", "John", "John Smith", False),
        ("author", "Smith", "John Smith Jr.", True),
        ("author", "Smith", "Jane Smithson", False),
        ("author", "Jean-Pierre Serre", "J.-P. Serre", True),
        ("author", "Smith", "John Smith et al.", True),
        ("author", "O'Brien", "Pat O’Brien", True),
        ("venue", "ICLR", "ICLR 2023 (poster)", True),
        ("venue", "iclr", "ICLR 2023", True),
        ("venue", "ICLR 2023", "ICLR 2023", True),
        ("venue", "ICLR 2022", "ICLR 2023", False),
        ("venue", "Nature", "Nature 521 (2015)", True),
        ("venue", "Nature", "Nature Communications", False),
        ("venue", "Nature", "NATURE COMMUNICATIONS", False),
        ("venue", "Nature Communications", "Nature Communications 12, 345", True),
        ("venue", "ACL", "Transactions of the ACL", True),
        ("category", "cs.CL", "cs.CL", True),
        ("category", "CS.cl", "cs.CL", True),
        ("category", "cs", "cs.CL", True),
        ("category", "cs", "css", False),
        ("category", "cs.CL", "cs.CV", False),
        ("category", "deep learning", "Deep Learning", True),
        ("author", "", "Smith", False),
    ],
)
def test_names_are_compared_as_people_mean_them(facet: Facet, asked: str, value: str, expected: bool) -> None:
    assert same(facet, asked, value) is expected


@given(st.sampled_from(["author", "venue", "category"]), st.text(max_size=20), st.text(max_size=20))
def test_what_is_the_same_is_looked_up_under_one_word(facet: Facet, asked: str, value: str) -> None:
    if same(facet, asked, value):
        assert set(lookup_words(facet, asked)) & set(lookup_words(facet, value))


@pytest.mark.parametrize(
    ("date", "filters", "kept"),
    [
        ("2024-05-03", Filters("2024"), True),
        ("2024-05-03", Filters("2024-05-04"), False),
        ("2024-05-03", Filters(until="2024-05"), True),
        ("2024", Filters("2024-05"), True),
        ("2024", Filters(until="2024-05"), True),
        ("2023-12", Filters("2024"), False),
        ("2025-01", Filters(until="2024"), False),
        (None, Filters("1900"), False),
        (None, Filters(until="2100"), False),
        (None, NONE, True),
        ("2020", Filters("2021", "2019"), False),
    ],
)
def test_a_date_is_inside_where_it_may_be(date: str | None, filters: Filters, kept: bool) -> None:
    assert meets(Paper("p", "T", "A.", date=date), filters) is kept


def test_what_is_said_where_nothing_matches() -> None:
    assert nothing_matches(Filters(authors=("Smith",)), [0], 90) == (
        "No paper by Smith in this collection; 90 papers without that filter."
    )
    told = nothing_matches(Filters("2024", authors=("Smith",)), [12, 3], 1)
    assert "since 2024: 12, by Smith: 3" in told
    assert "1 paper without any filter" in told
