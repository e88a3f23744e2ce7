"""Hugging Face's Daily Papers as the site gives them: a saved page (HTML), or the answer of its API (JSON).

A page carries its papers as JSON in an attribute (`data-props`). Where it does not, its text is read as a page
saved as text is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ingest import normalize
from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources import daily_papers
from ingest.sources.daily_papers_page import PageTooDeep, embedded_json, page_lines
from ingest.sources.json_stream import Address, parsed, records
from ingest.sources.opened import Head, SourceFile
from rag.errors import SourceError

NAME = "daily-papers-web"

LONGEST_PAGE = 50_000_000

_HTML = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?>.*?-->)\s*)*+<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_PAGE = re.compile(r"(?:daily|trending)\s?papers|huggingface\.co/papers|hf\.co/papers", re.IGNORECASE)
_ENTRY = re.compile(r'"paper"\s*:\s*\{')
_LIST = "dailyPapers"


def matches(head: Head) -> bool:
    """A page that names Daily Papers, or JSON whose records hold a `paper`."""
    text = head.text
    if _start(text) in ("[", "{"):
        return f'"{_LIST}"' in text or (_ENTRY.search(text) is not None and '"summary"' in text)
    return _HTML.match(text) is not None and _PAGE.search(text) is not None


def _start(text: str) -> str:
    return text.lstrip("\ufeff \t\r\n")[:1]


def read(file: SourceFile) -> Records:
    """Papers of the page or the answer; an entry that is none is rejected with its number.

    Raises:
        SourceError: A page longer than any Daily Papers page.
    """
    if _start(file.head.text) in ("[", "{"):
        return _entries(file, file.head.text)
    return _page(file)


def _page(file: SourceFile) -> Records:
    page = file.binary.read(LONGEST_PAGE + 1)
    if len(page) > LONGEST_PAGE:
        raise SourceError(
            f"{file.name} is an HTML page over {LONGEST_PAGE // 1_000_000} MB, which no Daily Papers page is. "
            "Save the page alone, without what it links to."
        )
    text = page.decode(file.encoding, errors="replace")
    try:
        found = [json for json in embedded_json(text) if f'"{_LIST}"' in json or _ENTRY.search(json)]
        for json in found:
            yield from _entries(
                replace(file, binary=io.BytesIO(json.encode("utf-8", "replace")), encoding="utf-8"), json
            )
        if not found:
            yield from daily_papers.read_lines(page_lines(text), file)
    except PageTooDeep:
        yield Rejected(file.name, "page", "its elements are nested too deeply: no Daily Papers page, or a damaged one")


def _entries(file: SourceFile, text: str) -> Records:
    """Papers of the API's list, of the object that a page carries, or of one entry a line."""
    address: Address = (None,) if _start(text) == "[" else (_LIST, None) if f'"{_LIST}"' in text else ()
    for number, found in enumerate(records(file, address), start=1):
        where, data = f"entry {number}", found.problem or parsed(found.text)
        yield Rejected(file.name, where, data) if isinstance(data, str) else _record(data, where, file.name)


def _record(entry: Mapping[str, Any], where: str, source: str) -> Record:
    held = entry.get("paper")
    paper: Mapping[str, Any] = held if isinstance(held, Mapping) else entry

    def first(name: str) -> str:
        return next((value for value in (paper.get(name), entry.get(name)) if isinstance(value, str) and value), "")

    organization = entry.get("organization") or paper.get("organization")
    if isinstance(organization, Mapping):
        organization = organization.get("fullname") or organization.get("name")
    own, comments, upvotes = first("id")[:100], entry.get("numComments"), paper.get("upvotes")
    arxiv = normalize.arxiv(own)
    keywords = paper.get("ai_keywords")
    return make_record(
        source,
        where,
        title=first("title"),
        abstract=first("summary"),
        authors=_names(paper.get("authors")),
        organization=organization if isinstance(organization, str) else None,
        date=first("publishedAt"),
        url=None if arxiv or not own else f"https://huggingface.co/papers/{own}",
        arxiv_id=own if arxiv else None,
        categories=[word for word in keywords if isinstance(word, str)] if isinstance(keywords, list) else (),
        comments=comments if type(comments) is int and comments >= 0 else None,
        extra={
            "upvotes": str(upvotes) if type(upvotes) is int else "",
            "code": first("githubRepo"),
            "project_page": first("projectPage"),
        },
    )


def _names(authors: Any) -> list[str]:
    """Those whom the site shows: it hides a name that was found to be no author's."""
    people = [person for person in authors if isinstance(person, Mapping)] if isinstance(authors, list) else []
    return [
        name for person in people if isinstance(name := person.get("name"), str) and person.get("hidden") is not True
    ]
