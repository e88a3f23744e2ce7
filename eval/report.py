"""One self-contained HTML page for any evaluation: headings, text, tables, and plots with their numbers.

    report = Report("Position of the gold passage", "What was done.", facts=(("Model", "SmolLM2"),), sections=(
        Section("Accuracy", ("A paragraph.",), (Plot(...), Table(...))),
    ))
    write_html(report, folder / "report.html")

The page loads nothing (a content security policy forbids it), needs no script, follows the reader's light or
dark scheme, and prints. It is well-formed XML too, so that tests and other programs can read it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from eval.plots import Mark, Plot, Point, Series, draw
from eval.style import CSS
from eval.svg import figures
from rag.errors import UsageError

__all__ = [
    "Mark", "Number", "Plot", "Point", "Report", "Section", "Series", "Table",
    "html", "marked", "table_of", "write_html",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A cell with a figure.

    Attributes:
        value: The figure.
        low: Lower end of its interval, where it has one.
        high: Upper end.
        digits: Decimals.
        is_best: Marks the best of its column, or a difference for the better.
        is_worse: Marks a difference for the worse.
        signed: Shows a plus in front of what is above 0.
        note: A few words below the figure.
    """

    value: float
    low: float | None = None
    high: float | None = None
    digits: int = 3
    is_best: bool = False
    is_worse: bool = False
    signed: bool = False
    note: str = ""


Cell = str | Number | None
"""`None` is shown as a dash."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; the first cell of a row is its heading."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, paragraphs, and what they speak of."""

    heading: str
    text: tuple[str, ...] = ()
    parts: tuple[Table | Plot, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A page: what was measured in one sentence, the facts about it, and sections."""

    title: str
    lead: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    footer: str = ""


# A table longer than this is folded away beside its plot.
LONG = 16
# Columns of numbers with intervals that still fit beside a plot; more stand below it.
BESIDE = 2
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def html(report: Report) -> str:
    """The page."""
    facts = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in report.facts)
    sections = "".join(_section(section, number) for number, section in enumerate(report.sections))
    return (
        '<!DOCTYPE html>\n<html lang="en" xmlns="http://www.w3.org/1999/xhtml">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{_text(report.title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        f"<header><h1>{_text(report.title)}</h1>{_wrapped('p', _text(report.lead), 'lead')}"
        f"{_wrapped('dl', facts, 'facts')}</header>\n"
        f"{sections}{_wrapped('footer', _text(report.footer))}\n</main>\n</body>\n</html>\n"
    )


def write_html(report: Report, path: Path) -> None:
    """Writes the page.

    Raises:
        UsageError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html(report), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}). Check the --report folder.") from error


def marked(difference: float, *, is_told_apart: bool) -> Mark:
    """How a difference is marked: for the better, for the worse, or open."""
    if not is_told_apart or not difference:
        return "open"
    return "better" if difference > 0 else "worse"


def table_of(plot: Plot) -> Table:
    """The numbers of a plot: a row for each x, a column for each series."""
    places = list(dict.fromkeys(point.x for series in plot.series for point in series.points))
    found = [{point.x: point for point in series.points} for series in plot.series]
    rows = tuple(
        (
            place if isinstance(place, str) else f"{place:g}",
            *(_number(points[place], plot.digits, plot.signed) if place in points else None for points in found),
        )
        for place in places
    )
    first = plot.x_label if plot.kind not in ("bar", "dot") else ""
    return Table((first, *(series.name for series in plot.series)), rows)


def _number(point: Point, digits: int, signed: bool) -> Number:
    best, worse = point.mark == "better", point.mark == "worse"
    return Number(point.y, point.low, point.high, digits, is_best=best, is_worse=worse, signed=signed)


def _section(section: Section, number: int) -> str:
    text = "".join(f"<p>{_text(paragraph)}</p>" for paragraph in section.text)
    parts = "".join(
        _figure(part, f"plot-{number}-{place}")
        if isinstance(part, Plot)
        else f'<div class="scroll">{_table(part)}</div>'
        for place, part in enumerate(section.parts)
    )
    return f"<section><h2>{_text(section.heading)}</h2>{text}{parts}</section>\n"


def _figure(plot: Plot, name: str) -> str:
    numbers = table_of(plot)
    table = f'<div class="scroll">{_table(numbers)}</div>'
    if len(numbers.rows) > LONG:
        table = f"<details><summary>The numbers</summary>{table}</details>"
    caption = f"<figcaption>{_text(plot.title)}<p>{_text(plot.description)}</p></figcaption>"
    drawing = _CONTROL.sub("", draw(plot, name))
    layout = "pair" if len(plot.series) <= BESIDE else "stack"
    return f'<figure>{caption}<div class="{layout}"><div class="scroll">{drawing}</div>{table}</div></figure>'


def _table(table: Table) -> str:
    is_number = [any(isinstance(row[place], Number) for row in table.rows) for place in range(len(table.columns))]
    head = "".join(
        f'<th scope="col"{_class("number" if numeric else "")}>{_text(name)}</th>'
        for name, numeric in zip(table.columns, is_number, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(cell, place, is_number[place]) for place, cell in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    caption = _wrapped("caption", _text(table.caption))
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(cell: Cell, place: int, numeric: bool) -> str:
    if place == 0 and not isinstance(cell, Number):
        return f'<th scope="row">{_text(cell or "–")}</th>'
    if not isinstance(cell, Number):
        return f"<td{_class('number' if numeric else '')}>{_text('–' if cell is None else cell)}</td>"
    shown = _figures(cell.value, cell)
    interval = ""
    if cell.low is not None and cell.high is not None:
        interval = f'<span class="interval"> {_figures(cell.low, cell)} to {_figures(cell.high, cell)}</span>'
    if cell.note:
        interval += f'<span class="interval"> {_text(cell.note)}</span>'
    kind = "number best" if cell.is_best else "number worse" if cell.is_worse else "number"
    value = f"<b>{shown}</b>" if cell.is_best or cell.is_worse else shown
    return f"<td{_class(kind)}>{value}{interval}</td>"


def _figures(value: float, cell: Number) -> str:
    return figures(value, cell.digits, signed=cell.signed)


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _wrapped(tag: str, inside: str, name: str = "") -> str:
    return f"<{tag}{_class(name)}>{inside}</{tag}>" if inside else ""


def _text(text: str) -> str:
    """Escaped, without the characters that no XML may hold."""
    return escape(_CONTROL.sub("", text))
