"""Reports of `paperchat eval` as markup. Pure functions, as in `ui.render`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ui import texts
from ui.reports import Cell, Figure, FigureTable, Listed, ReportView, shown

# Of the drawn interval, in units of its own picture.
WIDTH, MIDDLE, HEIGHT = 100, 7, 14


def listing(files: Sequence[Listed], folder: str) -> str:
    """The reports in the folder, and the way to one that lies elsewhere."""
    rows = "".join(
        f'<li><button type="button" data-do="report" data-name="{escape(file.name)}"><span>{escape(file.name)}</span> '
        f'<span class="pc-map-small">{escape(file.changed)}</span></button></li>'
        for file in files
    )
    none = texts.REPORTS_NONE.format(folder=folder) if folder else texts.REPORTS_NO_FOLDER
    found = f'<ul class="pc-report-list">{rows}</ul>' if rows else f'<p class="pc-quiet">{escape(none)}</p>'
    return (
        f'{found}<label class="pc-file"><span>{escape(texts.REPORT_FILE)}</span> '
        f'<input type="file" id="pc-report-file" name="report" accept=".json,application/json"></label>'
    )


def report(view: ReportView) -> str:
    """A report's figures."""
    facts = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in view.facts)
    words = "".join(f"<li>{escape(line)}</li>" for line in view.words)
    said = f'<ul class="pc-report-words">{words}</ul>' if words else ""
    tables = "".join(map(_table, view.tables)) or f'<p class="pc-quiet">{escape(texts.REPORT_EMPTY)}</p>'
    return (
        f'<article class="pc-report-view" tabindex="-1"><h3>{escape(view.title)}</h3>'
        f"{f'<dl>{facts}</dl>' if facts else ''}{said}{tables}</article>"
    )


def _table(table: FigureTable) -> str:
    numeric = [any(isinstance(row[place], Figure) for row in table.rows) for place in range(len(table.columns))]
    drawn = [_is_drawn(table, place) for place in range(len(table.columns))]
    heads = "".join(
        f'<th scope="col"{_class(number)}>{escape(name)}</th>' + ("<td></td>" if bar else "")
        for name, number, bar in zip(table.columns, numeric, drawn, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(_cell(cell, place, numeric[place], drawn[place]) for place, cell in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="pc-scroll" tabindex="0" role="region" aria-label="{escape(table.caption or _label(table))}">'
        f'<table class="pc-figures"><caption>{escape(table.caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _label(table: FigureTable) -> str:
    return ", ".join(filter(None, table.columns)) or texts.REPORT_VALUE


def _is_drawn(table: FigureTable, place: int) -> bool:
    """Is this the one column of shares with intervals, which a picture makes comparable?"""
    if len(table.columns) > 3 or place != 1:
        return False
    cells = [row[place] for row in table.rows]
    return any(isinstance(cell, Figure) and cell.low is not None and cell.is_share for cell in cells)


def _cell(cell: Cell, place: int, numeric: bool, drawn: bool) -> str:
    if place == 0 and not isinstance(cell, Figure):
        return f'<th scope="row">{escape(cell or "–")}</th>'
    if not isinstance(cell, Figure):
        return f"<td{_class(numeric)}>{escape('–' if cell is None else cell)}</td>{'<td></td>' if drawn else ''}"
    ends = ""
    if cell.low is not None and cell.high is not None:
        ends = f' <span class="pc-interval">{escape(texts.between(shown(cell.low), shown(cell.high)))}</span>'
    return f"<td{_class(True)}>{escape(shown(cell.value))}{ends}</td>{f'<td>{_bar(cell)}</td>' if drawn else ''}"


def _bar(figure: Figure) -> str:
    """The value as a dot on the line from 0 to 1, its interval as a stroke."""
    if not figure.is_share:
        return ""
    low, high = (figure.value if end is None else end for end in (figure.low, figure.high))
    return (
        f'<svg class="pc-interval-bar" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="pc-axis" d="M0 {MIDDLE}H{WIDTH}"></path>'
        f'<path class="pc-span" d="M{low * WIDTH:.1f} {MIDDLE}H{high * WIDTH:.1f}"></path>'
        f'<path class="pc-point" d="M{figure.value * WIDTH:.1f} {MIDDLE}h0"></path></svg>'
    )


def _class(numeric: bool) -> str:
    return ' class="pc-number-cell"' if numeric else ""
