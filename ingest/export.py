"""Papers of the index in formats that other programs read, and `ingest` reads back.

What a format cannot carry is said at its writer. All are streams: a piece of text after the other.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ingest.export_bibtex import bibtex, citation_keys
from ingest.names import listed, split, whole
from ingest.sources.csl_json import keywords_of
from ingest.sources.delimited import FORMULA_BEGINS
from ingest.sources.json_fields import authors_of, categories_of
from ingest.sources.ris import NOTE
from rag.serialize import paper_to_dict
from rag.types import Paper


def jsonl(papers: Iterable[Paper]) -> Iterator[str]:
    """JSON lines with every field; only the file a paper was read from is left out."""
    for paper in papers:
        record = paper_to_dict(paper)
        record.pop("source", None)
        if "comments" in record:  # a number here, but the authors' remarks in other JSON lines
            record["num_comments"] = record.pop("comments")
        record["authors"] = [whole(name) for name in paper.authors]
        yield json.dumps(_filled(record), ensure_ascii=False) + "\n"


def _filled(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value not in (None, "", [], {}) or name == "title"}


_COLUMNS = (
    *("id", "title", "abstract", "authors", "date", "venue", "url", "doi", "arxiv_id", "pubmed_id", "categories"),
    *("organization", "num_authors", "num_comments", "kind"),
)


def csv_table(papers: Iterable[Paper]) -> Iterator[str]:
    """A table with a header; several authors or categories in one cell are parted by semicolons.

    Not carried: `extra` and `keep_id`.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for paper in papers:
        writer.writerow("" if cell is None else _harmless(cell) for cell in _cells(paper))
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would run as a formula begins with an apostrophe, which reading it takes away."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip("'").startswith(FORMULA_BEGINS) else cell


def _cells(paper: Paper) -> tuple[object, ...]:
    authors = listed([whole(name) for name in paper.authors], authors_of)
    return (
        *(paper.id, paper.title, paper.abstract, authors, paper.date, paper.venue, paper.url, paper.doi),
        *(paper.arxiv_id, paper.pubmed_id, listed(list(paper.categories), categories_of), paper.organization),
        *(paper.author_count, paper.comments, paper.kind if paper.kind == "digest" else ""),
    )


def csl_json(papers: Iterable[Paper]) -> Iterator[str]:
    """A list of CSL-JSON items, as Zotero and Pandoc read it.

    Not carried: organisation, number of authors, comments, kind, `extra`; the id becomes a citation key.
    """
    before = "[\n"
    for key, paper in citation_keys(papers):
        yield before + json.dumps(_csl_item(key, paper), ensure_ascii=False)
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def _csl_item(key: str, paper: Paper) -> dict[str, Any]:
    keyword, categories = "; ".join(paper.categories), list(paper.categories)
    item = {
        "id": key,
        "type": "article-journal" if paper.venue and paper.doi else "article",
        "title": paper.title,
        "author": [_csl_name(name) for name in paper.authors],
        "issued": {"date-parts": [[int(part) for part in paper.date.split("-")]]} if paper.date else None,
        "container-title": paper.venue,
        "DOI": paper.doi,
        "URL": paper.url,
        "PMID": paper.pubmed_id,
        "number": f"arXiv:{arxiv_of(paper)}" if paper.arxiv_id else None,
        "keyword": keyword,
        # Where a category holds what parts them; `custom` is CSL's place for what others do not read.
        "custom": {"categories": categories} if categories and keywords_of(keyword) != categories else None,
        "abstract": paper.abstract,
    }
    return _filled(item)


def _csl_name(author: str) -> dict[str, str]:
    name = split(author)
    if not name.given:
        return {"literal": whole(author)}
    return {key: part for key, part in zip(("family", "given", "suffix"), name, strict=True) if part}


def arxiv_of(paper: Paper) -> str:
    """The arXiv id with its version, where it is known."""
    version = paper.extra.get("arxiv_version", "")
    return f"{paper.arxiv_id}v{version}" if version.isdecimal() else str(paper.arxiv_id)


def ris(papers: Iterable[Paper], notes: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Iterator[str]:
    """RIS records, one tag a line; `notes` by paper id are written as notes of ours, which `ingest` passes over.

    Not carried: the id, organisation, number of authors, comments, kind, `extra`, a semicolon inside a name
    or category, and two categories that differ in nothing else.
    """
    for key, paper in citation_keys(papers):
        lines: list[tuple[str, str | None]] = [("TY", "JOUR" if paper.venue else "GEN"), ("ID", key)]
        lines += [("TI", paper.title)]
        lines += [("AU", _ris_name(name)) for name in paper.authors]
        if paper.date:
            lines += [("PY", paper.date[:4]), ("DA", "/".join([*paper.date.split("-"), "", ""][:3]) + "/")]
        lines += [("T2", paper.venue), ("DO", paper.doi), ("UR", paper.url)]
        lines += [("N1", f"arXiv:{arxiv_of(paper)}")] if paper.arxiv_id else []
        lines += [("N1", f"{NOTE} {' '.join(note.split())}") for note in notes.get(paper.id, ())]
        lines += [("U1", f"{paper.pubmed_id}[PMID]")] if paper.pubmed_id else []
        lines += [("KW", category) for category in paper.categories]
        lines += [("AB", paper.abstract)]
        yield "".join(f"{tag}  - {text}\n" for tag, text in lines if text) + "ER  - \n\n"


def _ris_name(author: str) -> str:
    """RIS has the suffix last: `King, Martin Luther, Jr.`."""
    name = split(author)
    return ", ".join(filter(None, (name.family, name.given, name.suffix))) if name.given else whole(author)


def markdown(papers: Iterable[Paper]) -> Iterator[str]:
    """A list of references to be read by people; nothing reads it back."""
    for paper in papers:
        authors = ", ".join(paper.authors[:6]) + (" et al." if len(paper.authors) > 6 else "")
        parts = [authors or paper.organization or "", f"({paper.date[:4]})" if paper.date else ""]
        title = _escaped(paper.title or paper.id)
        parts.append(f"[{title}]({paper.url.replace(')', '%29')})." if paper.url else f"{title}.")
        parts.append(f"*{_escaped(paper.venue)}*." if paper.venue else "")
        parts.append(f"doi:{_escaped(paper.doi)}" if paper.doi else "")
        parts[0] = _escaped(parts[0])
        yield "- " + " ".join(filter(None, parts)) + "\n"


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_[]<>|" else char for char in text)


FORMATS: dict[str, Callable[[Iterable[Paper]], Iterator[str]]] = {
    "jsonl": jsonl,
    "csv": csv_table,
    "bibtex": bibtex,
    "ris": ris,
    "csl-json": csl_json,
    "markdown": markdown,
}
