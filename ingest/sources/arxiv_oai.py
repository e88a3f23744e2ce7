"""Answers of an OAI-PMH archive: arXiv's own formats (`arXiv`, `arXivRaw`), and `oai_dc` from any archive."""

from __future__ import annotations

import re

from ingest import normalize
from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.arxiv_atom import is_withdrawn
from ingest.sources.opened import Head, SourceFile
from ingest.sources.xml_records import read_elements, root_name
from ingest.sources.xml_text import Element, brief, each, said, text_of

NAME = "arxiv-oai"

_SUFFIX = re.compile(r"^(jr|sr|[ivx]{1,4})\.?$", re.IGNORECASE)


def matches(head: Head) -> bool:
    """An OAI-PMH answer, or the list in it."""
    return root_name(head) in ("OAI-PMH", "ListRecords", "GetRecord")


def read(file: SourceFile) -> Records:
    """Papers of the answer; deleted and withdrawn ones are rejected. Where it goes on elsewhere is not followed."""

    def record(element: Element, number: int) -> Record | None:
        if element.tag.endswith("error"):
            return _refusal(element, file.name)
        return _record(element, f"record {number}", file.name)

    return read_elements(file, ("record", "error"), record)


def _refusal(error: Element, source: str) -> Rejected | None:
    code = error.get("code") or ""
    if code == "noRecordsMatch" or (error.getparent() is not None and not error.getparent().tag.endswith("OAI-PMH")):
        return None
    return Rejected(source, "answer", f"the archive answers: {code} {normalize.clean(text_of(error))}"[:200].strip())


def _record(record: Element, where: str, source: str) -> Record:
    identifier = brief(record, "header", "identifier")
    if any(header.get("status") == "deleted" for header in each(record, "header")):
        return Rejected(source, where, f"deleted by its archive ({identifier})"[:200])
    for metadata in each(record, "metadata"):
        for data in metadata.iterchildren("{*}*"):
            name = data.tag.rpartition("}")[2]
            if name in ("arXiv", "arXivRaw", "arXivOld"):
                return _arxiv(data, where, source)
            if name == "dc":
                return _dublin_core(data, identifier, where, source)
            reason = f"metadata in the form {name[:40]!r}; ask the archive for arXiv, arXivRaw or oai_dc"
            return Rejected(source, where, reason)
    return Rejected(source, where, f"no metadata ({identifier})"[:200])


def _arxiv(data: Element, where: str, source: str) -> Record:
    comment, abstract, own = said(data, "comments"), said(data, "abstract"), brief(data, "id")
    if is_withdrawn(comment, abstract):
        return Rejected(source, where, "withdrawn by its authors or by arXiv")
    versions = each(data, "version")
    latest = versions[-1].get("version") or "" if versions else ""
    authors = [
        " ".join(said(author, part) for part in ("forenames", "keyname", "suffix"))
        for author in each(data, "authors", "author")
    ]
    created = brief(versions[0], "date") if versions else brief(data, "created")
    return make_record(
        source,
        where,
        title=said(data, "title"),
        abstract=abstract,
        authors=authors or names_in(said(data, "authors")),
        date=normalize.arxiv_date(own, created),
        venue=said(data, "journal-ref"),
        doi=next(iter(brief(data, "doi").split()), None),
        arxiv_id=own + latest if re.fullmatch(r"v\d+", latest) else own,
        categories=said(data, "categories").split(),
        extra={"comment": comment, "updated": brief(data, "updated"), "license": said(data, "license")},
    )


def _dublin_core(data: Element, identifier: str, where: str, source: str) -> Record:
    described = [text_of(element) for element in each(data, "description")]
    comment = next((text for text in described if text.startswith("Comment:")), "")
    # arXiv gives comments as further descriptions; other archives the abstract in several languages.
    abstract = next((text for text in described if text and not text.startswith("Comment:")), "")
    if is_withdrawn(comment, abstract):
        return Rejected(source, where, "withdrawn by its authors or by arXiv")
    named = [text_of(element)[:300] for element in each(data, "identifier")]
    dates = sorted(filter(None, (normalize.date(text_of(element)) for element in each(data, "date"))))
    is_arxiv = identifier.lower().startswith("oai:arxiv.org:")
    return make_record(
        source,
        where,
        title=said(data, "title"),
        abstract=abstract,
        authors=[text_of(element) for element in each(data, "creator")],
        date=next(iter(dates), None),
        venue=None if is_arxiv else said(data, "source") or said(data, "publisher"),
        url=None if is_arxiv else next((name for name in named if name.startswith(("http://", "https://"))), None),
        doi=next((name for name in named if normalize.doi(name)), None),
        arxiv_id=identifier.rpartition(":")[2] if is_arxiv else None,
        categories=[text_of(element) for element in each(data, "subject")],
        extra={"comment": comment.removeprefix("Comment:"), "oai_identifier": identifier},
    )


def names_in(text: str) -> list[str]:
    """Authors of a line like `A. Doe (1), B. Roe, Jr. and the C Collaboration ((1) Somewhere)`."""
    kept, depth = [], 0
    for char in " ".join(text.split()):
        depth += char == "("
        if depth == 0:
            kept.append(char)
        depth = max(0, depth - (char == ")"))
    names: list[str] = []
    for part in re.split(", ?| and | ?: ", "".join(kept)):
        name = part.strip().removeprefix("and ")
        if names and _SUFFIX.match(name):
            names[-1] += f" {name}"
        elif name:
            names.append(name)
    return names
