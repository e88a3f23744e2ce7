"""The collection's table and its years as a chart. Pure functions, as in `ui.render`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape

from ui import texts
from ui.formulas import rendered
from ui.shelf import PAGE, Page, Row, Wish, ordered_years

BAR_WIDTH, BAR_GAP, HEIGHT = 26, 4, 64
MAX_YEARS = 60


def controls() -> str:
    """List or map, the search field, and what applies to chosen papers; stands still while the table changes."""
    views = "".join(
        f'<button type="button" data-do="view" data-view="{view}" '
        f'aria-pressed="{"true" if view == "list" else "false"}">{escape(words)}</button>'
        for view, words in texts.VIEWS
    )
    return (
        f'<div class="pc-shelf-controls"><div class="pc-segments" role="group" '
        f'aria-label="{escape(texts.VIEWS_LABEL)}">{views}</div>'
        f'<input type="search" id="pc-shelf-find" maxlength="200" autocomplete="off" '
        f'aria-label="{escape(texts.SHELF_FIND)}" placeholder="{escape(texts.SHELF_FIND)}">'
        f'<button type="button" class="pc-tool pc-danger" data-do="delete-papers" disabled '
        f'data-ask="{escape(texts.DELETE_PAPERS_ASK)}">{escape(texts.DELETE_PAPERS)}</button></div>'
    )


def table(page: Page, wish: Wish, abstracts: Mapping[str, str]) -> str:
    """One page of the collection, the years above it, and the way to other pages.

    `data-wish` says to the page's script what is shown, so that it can ask for a variation of it.
    """
    state = json.dumps(
        {"search": wish.search, "sort": wish.sort, "descending": wish.descending, "page": page.page, "year": wish.year}
    )
    if not page.total:
        words = texts.SHELF_NOTHING if wish.search or wish.year else texts.SHELF_EMPTY
        body = f'<p class="pc-shelf-none" role="status">{escape(words)}</p>'
    else:
        heads = "".join(_head(name, words, wish) for name, words in texts.SHELF_COLUMNS)
        rows = "".join(_row(row, abstracts.get(row.id, "")) for row in page.rows)
        body = (
            f'<table class="pc-papers-table"><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>'
            f"{_pager(page)}"
        )
    return f'<div class="pc-shelf" data-wish="{escape(state)}">{years_chart(page.years, wish.year)}{body}</div>'


def years_chart(years: Sequence[tuple[str, int]], chosen: str) -> str:
    """How many papers there are a year; a bar chooses its year, the chosen one lets go of it."""
    bars = ordered_years(years)[-MAX_YEARS:]
    if len(bars) < 2:
        return ""
    most = max(count for _, count in bars)
    step = BAR_WIDTH + BAR_GAP
    every = -(-len(bars) // 15)  # labels must not run into each other
    drawn = "".join(
        _bar(year, count, most, place * step, chosen == year, place % every == 0)
        for place, (year, count) in enumerate(bars)
    )
    width = len(bars) * step
    return (
        f'<svg class="pc-years" viewBox="0 0 {width} {HEIGHT + 18}" role="group" '
        f'aria-label="{escape(texts.YEARS)}" style="max-width:{width / 16:g}rem">{drawn}</svg>'
    )


def _bar(year: str, count: int, most: int, x: int, chosen: bool, labelled: bool) -> str:
    height = round(HEIGHT * count / most) if count else 0
    label = escape(texts.in_year(year, count))
    text = f'<text x="{x + BAR_WIDTH / 2}" y="{HEIGHT + 13}" text-anchor="middle">{year}</text>' if labelled else ""
    # The whole height takes the click; a small bar would be hard to hit.
    return (
        f'<g class="pc-year" role="button" tabindex="0" aria-pressed="{"true" if chosen else "false"}" '
        f'data-do="year" data-year="{year}" aria-label="{label}"><title>{label}</title>'
        f'<rect class="pc-year-room" x="{x}" y="0" width="{BAR_WIDTH}" height="{HEIGHT}"></rect>'
        f'<rect x="{x}" y="{HEIGHT - max(height, 1 if count else 0)}" width="{BAR_WIDTH}" '
        f'height="{max(height, 1 if count else 0)}" rx="2"></rect>{text}</g>'
    )


def _head(name: str, words: str, wish: Wish) -> str:
    order, mark = "none", ""
    if wish.sort == name:
        order, mark = ("descending", " ↓") if wish.descending else ("ascending", " ↑")
    return (
        f'<th scope="col" aria-sort="{order}"><button type="button" data-do="sort" data-sort="{name}">'
        f'{escape(words)}<span aria-hidden="true">{mark}</span></button></th>'
    )


def _row(row: Row, abstract: str) -> str:
    key, title = escape(row.id), rendered(row.title)
    why = escape(texts.DIGEST_TITLE)
    badge = (
        f' <span class="pc-badge pc-digest" title="{why}">{escape(texts.DIGEST_HEADING)}</span>' if row.digest else ""
    )
    text = rendered(abstract) if abstract.strip() else escape(texts.NO_ABSTRACT)
    return (
        f'<tr><td><input type="checkbox" class="pc-pick" value="{key}" '
        f'aria-label="{escape(texts.choose(row.title))}"></td>'
        f'<td class="pc-when">{escape(row.date)}</td><td><details><summary>{title}{badge}</summary>'
        f'<p class="pc-abstract">{text}</p><button type="button" class="pc-tool" data-do="about" '
        f'data-text="{escape(texts.ABOUT_QUESTION.format(title=row.title))}">{escape(texts.ASK_ABOUT)}</button></details></td>'
        f"<td>{escape(row.who)}</td><td>{escape(row.venue)}</td></tr>"
    )


def _pager(page: Page) -> str:
    first = page.page * PAGE + 1
    back = " disabled" if page.page == 0 else ""
    on = " disabled" if page.page + 1 >= page.pages else ""
    words = escape(texts.shown(first, first + len(page.rows) - 1, page.total))
    return (
        f'<div class="pc-pager"><button type="button" class="pc-tool" data-do="page" data-page="{page.page - 1}"{back}>'
        f'{escape(texts.PAGE_BACK)}</button><span role="status">{words}</span>'
        f'<button type="button" class="pc-tool" data-do="page" data-page="{page.page + 1}"{on}>'
        f"{escape(texts.PAGE_ON)}</button></div>"
    )
