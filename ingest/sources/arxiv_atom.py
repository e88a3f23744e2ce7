"""Feeds of the arXiv API, and of arXiv's news: Atom, one entry a paper."""

from __future__ import annotations

import re

from ingest import normalize
from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.opened import Head, SourceFile
from ingest.sources.xml_records import read_elements, root_name
from ingest.sources.xml_text import Element, brief, each, said

NAME = "arxiv-atom"

# A withdrawn paper keeps its page; the notice stands in its comment or in place of the abstract.
_WITHDRAWN = re.compile(
    r"^\W*(?:(?:arxiv admin note|comments?):\s*)?(?:th(?:is|e) )?"
    r"(?:(?:paper|article|submission|manuscript|preprint|work|version) (?:(?:has|have) been|was|is(?: being)?) )?"
    r"withdrawn\b",
    re.IGNORECASE,
)
# The news feeds put it before the abstract.
_ANNOUNCED = re.compile(r"^\s*arXiv:\S+\s+Announce Type:\s*[\w-]+\s+(?:Abstract:\s*)?")


def matches(head: Head) -> bool:
    """An Atom feed, or one entry of it, that speaks of arXiv."""
    return root_name(head) in ("feed", "entry") and "http://www.w3.org/2005/Atom" in head.text and "arxiv" in head.text


def read(file: SourceFile) -> Records:
    """Papers of the feed; a withdrawn paper and arXiv's own error entries are rejected."""
    return read_elements(file, ("entry",), lambda entry, number: _record(entry, f"entry {number}", file.name))


def _record(entry: Element, where: str, source: str) -> Record:
    own = re.sub(r"^oai:arxiv\.org:", "arXiv:", brief(entry, "id"), flags=re.IGNORECASE)
    abstract, comment = _ANNOUNCED.sub("", said(entry, "summary")), said(entry, "comment")
    if "/api/errors" in own:
        return Rejected(source, where, f"arXiv answers: {normalize.clean(abstract) or 'error'}"[:200])
    if is_withdrawn(comment, abstract):
        return Rejected(source, where, "withdrawn by its authors or by arXiv")
    links = [link.get("href") for link in each(entry, "link") if link.get("rel", "alternate") == "alternate"]
    categories = [*each(entry, "primary_category"), *each(entry, "category")]
    arxiv = normalize.arxiv(own)
    return make_record(
        source,
        where,
        title=said(entry, "title"),
        abstract=abstract,
        authors=[said(author, "name") for author in each(entry, "author")] or said(entry, "creator").split(","),
        date=brief(entry, "published") or brief(entry, "updated"),
        venue=said(entry, "journal_ref"),
        # An arXiv paper's address follows from its id, without the version that the link names.
        url=None if arxiv else (next(filter(None, links), None) or own)[:2000],
        doi=brief(entry, "doi"),
        arxiv_id=own if arxiv else None,
        categories=[category.get("term") or "" for category in categories],
        extra={"comment": comment, "updated": brief(entry, "updated")[:10]},
    )


def is_withdrawn(comment: str, abstract: str) -> bool:
    """Does arXiv say that the paper was taken back?"""
    return any(_WITHDRAWN.match(text) is not None for text in (comment, abstract))
