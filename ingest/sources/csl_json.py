"""CSL-JSON, as Zotero, Mendeley, Paperpile and Pandoc write it: a list of items with citation keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ingest import normalize
from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.json_fields import names_of, text_of
from ingest.sources.json_stream import parsed, records, survey
from ingest.sources.opened import Head, SourceFile

NAME = "csl-json"

_USED = {
    *("id", "citation-key", "title", "abstract", "author", "issued", "container-title", "DOI", "URL", "PMID"),
    *("keyword", "note", "number", "custom", "accessed", "source", "shortTitle", "title-short"),
}
_NOTED = re.compile(r"\b(arxiv|pmid|doi)\s*[:=]\s*(\S+)", re.IGNORECASE)


def matches(head: Head) -> bool:
    """A list whose objects have a type and what only a bibliography gives with it."""
    if not head.start.startswith("["):
        return False
    seen = survey(head.text)
    item, author = seen.get((None,), {}), seen.get((None, "author", None), {})
    return "type" in item and bool({"issued", "container-title"} & item.keys() or {"family", "literal"} & author.keys())


def read(file: SourceFile) -> Records:
    """One item a paper; an item without an abstract is rejected under its citation key."""
    for number, found in enumerate(records(file, (None,)), start=1):
        data = found.problem or parsed(found.text)
        if isinstance(data, str):
            yield Rejected(file.name, f"record {number}", data)
        else:
            yield _record(data, number, file.name)


def _record(item: Mapping[str, Any], number: int, source: str) -> Record:
    key = text_of(item.get("citation-key")) or text_of(item.get("id"))
    where = f"entry {key}" if re.fullmatch(r"[^\s/]{1,60}", key) else f"record {number}"
    noted = {name.lower(): value for name, value in _NOTED.findall(text_of(item.get("note"))[:10_000])}
    number_of, address = text_of(item.get("number")), text_of(item.get("URL"))
    arxiv = next((said for said in (number_of, address) if "arxiv" in said.lower()), None)
    rest = {
        name: text_of(value) for name, value in item.items() if name not in _USED and not isinstance(value, list | dict)
    }
    return make_record(
        source,
        where,
        title=text_of(item.get("title")),
        abstract=text_of(item.get("abstract")),
        authors=_names(item.get("author")),
        date=_date(item.get("issued")),
        venue=text_of(item.get("container-title")) or text_of(item.get("event-title")),
        url=address,
        doi=text_of(item.get("DOI")) or noted.get("doi"),
        arxiv_id=arxiv or noted.get("arxiv"),
        pubmed_id=text_of(item.get("PMID")) or noted.get("pmid"),
        categories=_keywords(item),
        extra={**rest, "citation_key": key},
    )


def _names(authors: Any) -> list[str]:
    """`{"given": "Ludwig", "non-dropping-particle": "van", "family": "Beethoven"}` as it is read aloud."""
    names = []
    for author in authors if isinstance(authors, list) else ():
        if not isinstance(author, Mapping):
            names.append(text_of(author))
            continue
        order = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
        spelled = " ".join(filter(None, (text_of(author.get(part)) for part in order)))
        names.append(spelled or normalize.group(text_of(author.get("literal"))) or text_of(author))
    return names


def _date(issued: Any) -> str | None:
    if not isinstance(issued, Mapping):
        return text_of(issued)
    parts = issued.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list):
        return "-".join(text_of(part).zfill(2) for part in parts[0][:3] if text_of(part))
    return next((text_of(issued[name]) for name in ("literal", "raw", "season") if issued.get(name)), None)


def _keywords(item: Mapping[str, Any]) -> list[str]:
    custom = item.get("custom")  # ours, where the one text of `keyword` cannot keep them apart
    if isinstance(custom, Mapping) and isinstance(custom.get("categories"), list):
        return names_of(custom["categories"])
    return keywords_of(item.get("keyword"))


def keywords_of(keyword: Any) -> list[str]:
    """CSL's one text of keywords, parted by semicolons, or by commas where it has none."""
    return names_of(keyword, separators=(";", ","))
