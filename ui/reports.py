"""Reports of `paperchat eval` as tables to be shown, whatever was measured.

The page may not import `eval`, so a report is read from its JSON file by shape: a measure is a dictionary with
`value` (and `low`, `high`, `n`), a table is a dictionary or a list of things that have measures. A new
evaluation is shown without a change here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from rag.errors import SourceError
from ui import texts

LARGEST = 30_000_000
LISTED = 200
MOST_ROWS, MOST_COLUMNS = 60, 14
DEEPEST = 4
# Values of each single question, and points of curves: the report's own page draws them.
_LEFT_OUT = frozenset(
    ("rows", "per_query", "queries", "settings", "recall_curve", "sweep", "risk_coverage", "curves", "reliability")
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, with its 95 % interval where it has one."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def is_share(self) -> bool:
        """Does all of it lie within 0..1?"""
        return all(0 <= end <= 1 for end in (self.value, self.low, self.high) if end is not None)


Cell = Figure | str | None


@dataclass(frozen=True, slots=True)
class FigureTable:
    """Rows under columns; the first cell of a row names it."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report: what it is of, facts about it, sentences it says, and its figures."""

    title: str
    facts: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    tables: tuple[FigureTable, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that may be a report; `name` is its path below the folder of reports."""

    name: str
    changed: str


def listed(folder: Path | None) -> list[Listed]:
    """JSON files below the folder, the latest first."""
    if folder is None or not folder.is_dir():
        return []
    found: list[tuple[float, str]] = []
    for path in folder.rglob("*.json"):
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file() and status.st_size <= LARGEST:
            found.append((status.st_mtime, path.relative_to(folder).as_posix()))
    latest = sorted(found, reverse=True)[:LISTED]
    return [Listed(name, datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M")) for when, name in latest]


def open_report(folder: Path | None, name: str) -> ReportView:
    """One of those that `listed` names.

    Raises:
        SourceError: It is not among them, or no report.
    """
    if folder is None or name not in {file.name for file in listed(folder)}:
        raise SourceError("This report is no longer there. Choose another.")
    try:
        return read((folder / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{name} cannot be read ({error}). Choose another report.") from error


def read(text: str) -> ReportView:
    """A report's JSON.

    Raises:
        SourceError: It is something else.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError("This is no JSON. Give the JSON file of a report that 'paperchat eval' wrote.") from error
    kind = _kind(data)
    if kind is None:
        raise SourceError("This is no report. Give the JSON file of a report that 'paperchat eval' wrote.")
    words = [line for name in ("verdicts", "notes") for line in data.get(name) or () if isinstance(line, str)]
    return ReportView(_title(kind, data), tuple(_facts(data)), tuple(words[:20]), tuple(_tables("", data, 0)))


def _kind(data: Any) -> str | None:
    if not isinstance(data, dict):
        return None
    for name in ("format", "experiment"):
        if isinstance(data.get(name), str):
            kind = str(data[name]).removeprefix("paperchat-").rstrip("-0123456789")
            return kind if name == "experiment" or str(data[name]).startswith("paperchat-") else None
    # The support check's report says no format.
    return "support" if {"auc", "by_kind", "false_accepts"} <= data.keys() else None


def _title(kind: str, data: Mapping[str, Any]) -> str:
    of = data.get("dataset", {}).get("name") if isinstance(data.get("dataset"), dict) else None
    of = of or next(
        (data[name] for name in ("data", "questions_file", "source") if isinstance(data.get(name), str)), ""
    )
    name = PurePath(str(of)).name
    title = texts.REPORT_KINDS.get(kind, kind.replace("-", " ").capitalize())
    return f"{title}: {name}" if name else title


def _facts(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, label in texts.REPORT_FACTS.items():
        value = data.get(name)
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            value = ", ".join(value)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            yield label, shown(value) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
    for name in ("dataset", "index"):
        for key in ("queries", "papers", "embedding_model"):
            inner = data.get(name)
            if isinstance(inner, dict) and isinstance(inner.get(key), str | int):
                yield (
                    key.replace("_", " ").capitalize(),
                    f"{inner[key]:,}" if isinstance(inner[key], int) else inner[key],
                )


def _tables(name: str, value: Any, depth: int) -> Iterator[FigureTable]:
    """The tables that stand in a value, from the outside in."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        yield from _matrix(name, [("", row) for row in value if isinstance(row, dict)])
        return
    if not isinstance(value, dict):
        return
    measures = {key: part for key, part in value.items() if _measure(part) is not None}
    if len(measures) >= 2 or (measures and len(measures) == len(value)):
        heads: tuple[str, ...] = ("", texts.REPORT_VALUE)
        rows: list[tuple[Cell, ...]] = [(key, _measure(part)) for key, part in measures.items()]
        if any(_count(part) for part in measures.values()):
            heads = (*heads, texts.REPORT_QUESTIONS)
            rows = [(*row, _count(part)) for row, part in zip(rows, measures.values(), strict=True)]
        yield FigureTable(_caption(name), heads, tuple(rows[:MOST_ROWS]))
    inside = {key: part for key, part in value.items() if key not in measures and key not in _LEFT_OUT}
    rowlike = {key: part for key, part in inside.items() if isinstance(part, dict) and _cells(part)}
    if depth and len(rowlike) >= 2 and len(rowlike) == len(inside):
        yield from _matrix(name, list(rowlike.items()))
        return
    for key, part in inside.items():
        yield from _tables(key, part, depth + 1)


def _matrix(name: str, named: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[FigureTable]:
    if not 0 < len(named) <= MOST_ROWS:
        return
    rows = [(key, _cells(row)) for key, row in named]
    columns = list(dict.fromkeys(column for _, cells in rows for column in cells))[:MOST_COLUMNS]
    if not any(isinstance(cells.get(column), Figure) for _, cells in rows for column in columns):
        return
    if not any(key for key, _ in rows):  # a list: its first words name the rows
        body = tuple(tuple(cells.get(column) for column in columns) for _, cells in rows)
        yield FigureTable(_caption(name), tuple(map(_caption, columns)), body)
        return
    body = tuple((key or "–", *(cells.get(column) for column in columns)) for key, cells in rows)
    yield FigureTable(_caption(name), ("", *map(_caption, columns)), body)


def _cells(row: Mapping[str, Any]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    ends = {"low", "high"} if {"low", "high", "difference"} <= row.keys() else set[str]()
    for key, value in row.items():
        if key in ends:
            continue
        if key == "difference" and ends:
            cells[key] = _measure({"value": value, "low": row["low"], "high": row["high"]})
        elif (found := _measure(value)) is not None:
            cells[key] = found
        elif isinstance(value, str):
            cells[key] = value
        elif _is_number(value):
            cells[key] = Figure(value)
        elif isinstance(value, list) and 0 < len(value) <= 3 and all(isinstance(v, str | int | float) for v in value):
            cells[key] = (" – " if key == "interval" else ", ").join(map(shown, value))
        elif key == "measures" and isinstance(value, dict):
            cells |= {inner: figure for inner, part in value.items() if (figure := _measure(part)) is not None}
        elif isinstance(value, dict) and value and all(_is_number(part) for part in value.values()):
            cells |= {f"{key} {inner}": Figure(part) for inner, part in value.items()}
    return cells


def _measure(value: Any) -> Figure | None:
    if not isinstance(value, dict) or not _is_number(value.get("value")):
        return None
    ends = (float(value[end]) if _is_number(value.get(end)) else None for end in ("low", "high"))
    return Figure(float(value["value"]), *ends)


def _count(value: Mapping[str, Any]) -> Cell:
    return Figure(value["n"]) if _is_number(value.get("n")) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _caption(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:] if words.islower() else words


def shown(value: Any) -> str:
    """A number as it is read, short; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e12:
        return f"{int(value):,}" if isinstance(value, int) or abs(value) >= 10 else f"{value:.2f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
