"""Raw fields, as any source gives them, to a `Paper`: the one place where a record is judged usable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from ingest import normalize
from ingest.identity import derived_id
from ingest.records import Record, Rejected
from rag.types import Paper, PaperKind

# Longer than any abstract; a whole text in the field of an abstract is told, not cut.
LONGEST = 200_000
LONGEST_TITLE = 3_000
MOST_AUTHORS = 20_000
# What a reader of a format takes of a record's keywords.
MOST_KEYWORDS = 1000
# What databases and data frames write where there is none.
_NO_TEXT = re.compile(
    r"\W*(?:no abstract(?: (?:is )?available)?|abstract (?:is )?(?:not available|unavailable)|not available"
    r"|n/?a|nan|none|null)\W*",
    re.IGNORECASE,
)
# "Nan" and "Null" are names of people; what a data frame writes has one spelling.
_NO_NAME = re.compile(
    r"\W*(?:no author name available|no authors? listed|et al|n/a|(?-i:nan|None|null))\W*", re.IGNORECASE
)


def make_record(  # one straight list of fields
    source: str,
    where: str,
    *,
    title: str | None,
    abstract: str | None,
    own_id: str | None = None,
    keep_id: bool = False,
    authors: Iterable[str] = (),
    author_count: int | None = None,
    organization: str | None = None,
    date: str | int | float | None = None,
    venue: str | None = None,
    url: str | None = None,
    doi: str | None = None,
    arxiv_id: str | None = None,
    pubmed_id: str | int | None = None,
    categories: Iterable[str] = (),
    comments: int | None = None,
    kind: PaperKind = "abstract",
    extra: Mapping[str, str] | None = None,
) -> Record:
    """A paper, or the reason why these fields make none.

    Everything is raw: LaTeX, HTML tags, `Last, First`, `https://doi.org/…`, dates in any common spelling.

    Args:
        source: The file or address, as the report names it.
        where: Where in it: `line 12`, `entry smith2020`, `record 3`.
        title: May be empty where there is an identifier.
        abstract: Must not be empty.
        own_id: The source's own id of the record (a JSON or CSV `id`); not a citation key.
        keep_id: The own id is the paper's whole identity, as in a BEIR corpus: two records with
            different ids are two papers, whatever else they share.
        authors: Names in order.
        author_count: Number of authors, where the source gives no names.
        organization: Named in place of authors.
        date: Any spelling of a date, as exact as the source has it.
        venue: Journal, conference or archive.
        url: Link to the paper; an identifier in it is used where none is given.
        doi: With or without resolver.
        arxiv_id: With or without version.
        pubmed_id: With or without prefix.
        categories: Keywords or subject classes.
        comments: Number of comments on the source's page.
        kind: `digest` where `abstract` is our own summary.
        extra: Whatever else the source says.
    """

    def reject(reason: str) -> Rejected:
        return Rejected(source, where, reason)

    title, abstract = normalize.clean(title or ""), normalize.clean(abstract or "")
    if not abstract or _NO_TEXT.fullmatch(abstract):
        return reject("no abstract")
    if len(abstract) > LONGEST:
        return reject(f"{len(abstract)} characters long: not an abstract")
    if len(title) > LONGEST_TITLE:
        return reject(f"{len(title)} characters in the title: not a paper")
    listed = list(islice(authors, MOST_AUTHORS + 1))
    if len(listed) > MOST_AUTHORS:
        return reject(f"more than {MOST_AUTHORS} authors: not a paper")
    names = tuple(name for raw in listed if (name := normalize.person(raw)) and not _NO_NAME.fullmatch(name))
    doi, arxiv = normalize.doi(doi) or normalize.doi(url), normalize.arxiv(arxiv_id)
    if arxiv is None and (from_doi := normalize.arxiv(doi)):
        arxiv = from_doi
    if arxiv is None and url and "arxiv.org" in url:
        arxiv = normalize.arxiv(url)
    if doi and doi.startswith("10.48550/arxiv."):
        doi = None  # another spelling of the arXiv id
    details = {key: text for key, value in (extra or {}).items() if (text := normalize.clean(str(value)))}
    if arxiv and arxiv[1]:
        details["arxiv_version"] = str(arxiv[1])
    paper = Paper(
        id="",
        title=title,
        abstract=abstract,
        authors=names,
        author_count=author_count if author_count is None or author_count >= 0 else None,
        organization=normalize.clean(organization or "") or None,
        date=normalize.date(date),
        venue=normalize.clean(venue or "") or None,
        url=_web_address(url) or (f"https://arxiv.org/abs/{arxiv[0]}" if arxiv else None),
        doi=doi,
        arxiv_id=arxiv[0] if arxiv else None,
        pubmed_id=normalize.pubmed(pubmed_id),
        categories=tuple(dict.fromkeys(name for raw in categories if (name := normalize.clean(raw)))),
        comments=comments,
        kind=kind,
        source=source,
        extra=details,
        keep_id=keep_id and own_id is not None,
    )
    # No id needs a control character, but whoever prints it to a terminal would obey it.
    paper_id = "".join(char for char in own_id or "" if char.isprintable()).strip() or derived_id(paper)
    if not paper_id:
        return reject("neither a title nor an identifier")
    paper = replace(paper, id=paper_id)
    if not _is_writable(paper):
        return reject("holds bytes that are not text (half of a character, or not UTF-8)")
    return paper


def _web_address(url: str | None) -> str | None:
    """Web addresses only: a `javascript:` or `file:` link is not one."""
    url = (url or "").strip()
    if not url.lower().startswith(("http://", "https://")) or not all(
        char.isprintable() and not char.isspace() for char in url
    ):
        return None
    return url[:2000]


def _is_writable(paper: Paper) -> bool:
    """No lone surrogate (which no store can hold) in any field."""
    texts = [paper.id, paper.title, paper.abstract, *paper.authors, *paper.categories, *paper.extra.values()]
    texts += [value for value in (paper.organization, paper.venue, paper.url, paper.doi) if value]
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError:
        return False
    return True
