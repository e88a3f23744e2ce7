"""Leafing through the collection: search, years, order, pages."""

from __future__ import annotations

import json
from html import unescape

import pytest

from rag.types import Paper
from tests.fakes import FakeCatalog
from ui import shelf_markup, texts
from ui.shelf import Row, Shelf, ShelfKeeper, Wish, ordered_years, row

ROWS = [
    Row("a", "Zebra attention", "Ada One", "2024-05", "ACL"),
    Row("b", "apples and pears", "Bo Two", "2023", ""),
    Row("c", "Méthode", "", "", "ICML", digest=True),
    Row("d", "attention again", "Ada One et al.", "2021-01-01", "ACL"),
]


def ids(**wish: object) -> list[str]:
    return [found.id for found in Shelf(ROWS).page(Wish(**wish)).rows]  # type: ignore[arg-type]


def test_newest_first_and_every_word_must_be_there() -> None:
    assert ids() == ["a", "b", "d", "c"]
    assert ids(search="ATTENTION ada") == ["a", "d"]
    assert ids(search="icml") == ["c"]
    assert ids(search="attention pears") == []


def test_a_year_narrows_and_the_chart_still_shows_all_years() -> None:
    page = Shelf(ROWS).page(Wish(year="2024"))
    assert [found.id for found in page.rows] == ["a"]
    assert page.years == (("2021", 1), ("2023", 1), ("2024", 1))


def test_order_ignores_case_and_what_is_missing_comes_last() -> None:
    assert ids(sort="title", descending=False) == ["b", "d", "c", "a"]
    assert ids(sort="who", descending=False) == ["a", "d", "b", "c"]


def test_pages() -> None:
    shelf = Shelf(Row(f"{n:03}", f"Paper {n:03}", "", "2024", "") for n in range(120))
    last = shelf.page(Wish(sort="title", descending=False, page=99))
    assert (last.page, last.pages, last.total, len(last.rows)) == (2, 3, 120, 20)
    assert shelf.page(Wish(sort="title", descending=False, page=1)).rows[0].id == "050"


@pytest.mark.parametrize(
    "sent", [{}, {"sort": "id; DROP", "page": -1, "year": None}, {"page": "x", "sort": None}, {"search": None}]
)
def test_a_wish_that_makes_no_sense_is_as_at_the_start(sent: dict[str, object]) -> None:
    assert Wish.read(sent) == Wish()


def test_a_change_in_the_collection_is_seen() -> None:
    catalog, keeper = FakeCatalog(), ShelfKeeper()
    catalog.upsert([(Paper("a", "One", "x"), ())])
    assert len(keeper.shelf(catalog)) == 1
    first = keeper.shelf(catalog)
    assert keeper.shelf(catalog) is first
    catalog.delete(["a"])
    assert len(keeper.shelf(catalog)) == 0


def test_years_without_a_paper_keep_their_place() -> None:
    assert ordered_years([("2021", 2), ("2024", 1), ("n.d.", 5)]) == [
        ("2021", 2),
        ("2022", 0),
        ("2023", 0),
        ("2024", 1),
    ]
    assert shelf_markup.years_chart([("2024", 3)], "") == ""
    chart = shelf_markup.years_chart([("2021", 2), ("2024", 1)], "2024")
    assert chart.count('class="pc-year"') == 4
    assert 'aria-pressed="true" data-do="year" data-year="2024"' in chart


def test_the_table_knows_what_it_shows_and_escapes_it() -> None:
    wish = Wish(search='"><b>', sort="title", descending=False)
    evil = Row('"><i>', "<script>x</script>", "<b>", "2024", "<u>")
    html = shelf_markup.table(Shelf([evil]).page(Wish()), wish, {evil.id: "<img src=x onerror=1>"})
    for tag in ("<script", "<b>", "<u>", "<i>", "<img"):
        assert tag not in html
    assert json.loads(unescape(html.split('data-wish="')[1].split('"')[0]))["search"] == '"><b>'
    assert 'aria-sort="ascending"' in html


def test_nothing_there_and_nothing_found_say_so() -> None:
    empty = Shelf(()).page(Wish())
    assert texts.SHELF_EMPTY in shelf_markup.table(empty, Wish(), {})
    assert texts.SHELF_NOTHING in shelf_markup.table(empty, Wish(search="x"), {})


def test_a_row_names_the_first_author_or_the_organisation() -> None:
    assert row(Paper("a", "T", "", authors=("A", "B"))).who == "A et al."
    assert row(Paper("a", "T", "", organization="Lab")).who == "Lab"
    assert row(Paper("a", "", "")).title == "a"
