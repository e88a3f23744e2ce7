"""JSON lines: BEIR corpora (`_id`, `title`, `text`), our digests, and records with common field names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ingest.records import Record, Records, Rejected, title_id
from rag.text import readable
from rag.types import Paper

if TYPE_CHECKING:
    from ingest.sources import SourceFile

NAME = "jsonl"

_FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("_id", "id", "paper_id"),
    "title": ("title", "name"),
    "abstract": ("abstract", "text", "summary", "digest"),
    "authors": ("authors", "author"),
    "author_count": ("num_authors", "author_count"),
    "organization": ("organization", "organisation"),
    "date": ("date", "published", "publication_date", "year"),
    "venue": ("venue", "journal", "journal_ref", "booktitle"),
    "url": ("url", "link"),
    "doi": ("doi", "DOI"),
    "arxiv_id": ("arxiv_id", "arxiv"),
    "categories": ("categories", "keywords"),
    "comments": ("num_comments",),
}
_KNOWN = frozenset(name for names in _FIELDS.values() for name in names)


def matches(head: str) -> bool:
    """The first line begins a JSON object that names a title or a text."""
    first = head.lstrip().partition("\n")[0]
    return first.startswith("{") and any(f'"{key}"' in first for key in ("title", *_FIELDS["abstract"]))


def read(file: SourceFile) -> Records:
    """One record a line; a line that is no paper is rejected with its number."""
    for number, line in enumerate(iter(file.text.readline, ""), start=1):
        if line.strip():
            yield _record(line, f"line {number}", file)


def _record(line: str, where: str, file: SourceFile) -> Record:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Rejected(str(file.path), where, f"not valid JSON ({error})"[:200])
    if not isinstance(data, dict):
        return Rejected(str(file.path), where, "not a JSON object")
    title, abstract = _text(data, "title"), _text(data, "abstract")
    if not abstract:
        return Rejected(str(file.path), where, "no abstract (looked for abstract, text, summary, digest)")
    if _has_half_character(line, data):
        return Rejected(str(file.path), where, "holds half of a character (a lone surrogate)")
    given_id = _first(data, "id")
    if given_id is None and not title:
        return Rejected(str(file.path), where, "neither an id nor a title")
    return Paper(
        id=title_id(title) if given_id is None else str(given_id),
        title=title,
        abstract=abstract,
        authors=_names(_first(data, "authors")),
        author_count=_whole(_first(data, "author_count")),
        organization=_text(data, "organization") or None,
        date=str(_first(data, "date"))[:10] if _first(data, "date") else None,
        venue=_text(data, "venue") or None,
        url=_text(data, "url") or None,
        doi=_text(data, "doi") or None,
        arxiv_id=_text(data, "arxiv_id") or None,
        categories=_names(_first(data, "categories"), separators=" "),
        comments=_whole(_first(data, "comments")),
        kind="digest" if "digest" in data and "abstract" not in data else "abstract",
        source=str(file.path),
        extra={k: str(v) for k, v in data.items() if k not in _KNOWN and isinstance(v, str | int | float)},
    )


def _has_half_character(line: str, data: dict[str, Any]) -> bool:
    """JSON can spell half of a surrogate pair, which no store can hold."""
    if "\\ud" not in line.lower():
        return False
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _first(data: Mapping[str, Any], field: str) -> Any:
    return next((data[name] for name in _FIELDS[field] if data.get(name) not in (None, "")), None)


def _text(data: Mapping[str, Any], field: str) -> str:
    value = _first(data, field)
    return readable(value) if isinstance(value, str) else ""


def _names(value: Any, separators: str = ";") -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(separators) if separators in value else value.split(" and ")
    if not isinstance(value, list):
        return ()
    parts = [part.get("name", "") if isinstance(part, dict) else str(part) for part in value]
    return tuple(readable(part) for part in parts if part.strip())


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
