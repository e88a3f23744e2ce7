r"""Papers as BibTeX, and the keys that papers are cited by.

Text is escaped so that LaTeX sets it and `ingest` reads it as it was: `5%` as `5\%`, `a_b` as `a\_b`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from ingest.names import listed, split
from ingest.sources.json_fields import categories_of
from rag.text import STOPWORDS
from rag.types import Paper

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_ESCAPES = str.maketrans(
    {char: f"\\{char}" for char in "%&$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)
_SAFE_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_:.+/-]{0,60}")


def bibtex(papers: Iterable[Paper]) -> Iterator[str]:
    r"""One entry a paper: `@article` where it has a venue, `@misc` otherwise.

    Not carried: the id (a citation key takes its place), organisation, number of authors, comments, kind and
    `extra`; a semicolon in a category, which becomes a comma; braces in an address; `\`, `^`, `~` in a name.
    """
    for key, paper in citation_keys(papers):
        date = paper.date or ""
        fields = {
            # The inner braces keep the capitals.
            "title": f"{{{_escaped(paper.title)}}}" if paper.title else "",
            "author": " and ".join(map(_author, paper.authors)),
            "year": date[:4],
            "month": _MONTHS[int(date[5:7]) - 1] if date[5:] else "",
            "date": date if date[8:] else "",
            "journal": _escaped(paper.venue or ""),
            "doi": _plain(paper.doi),
            "eprint": paper.arxiv_id,
            "archiveprefix": "arXiv" if paper.arxiv_id else "",
            "pmid": paper.pubmed_id,
            "url": _plain(paper.url),
            "keywords": _keywords(paper.categories),
            "abstract": _escaped(paper.abstract),
        }
        kind = "article" if paper.venue else "misc"
        yield f"@{kind}{{{key},\n" + "".join(_line(name, text) for name, text in fields.items() if text) + "}\n\n"


def _line(name: str, text: str) -> str:
    # A month goes in as the macro that styles know, without braces.
    return f"  {name} = {text},\n" if name == "month" else f"  {name} = {{{text}}},\n"


def _escaped(text: str) -> str:
    # Two backquotes would open a quotation; a backslash at the end would be read with the brace after it.
    return text.translate(_ESCAPES).replace("``", "`{}`") + (" " if text.endswith("\\") else "")


def _plain(text: str | None) -> str:
    """An address or DOI goes in as it is, but for braces, which would end the field."""
    return (text or "").replace("{", "%7B").replace("}", "%7D")


def _keywords(categories: tuple[str, ...]) -> str:
    escaped = [_escaped(name.replace(";", ",")).strip() for name in categories]
    text = listed(escaped, categories_of)
    return "; ".join(escaped) if text.startswith('["') else text


def _author(author: str) -> str:
    name = split(author)
    return _escaped(name.family_first()) if name.given and " and " not in author else f"{{{_escaped(author)}}}"


# --- keys --------------------------------------------------------------------------------------


def citation_keys(papers: Iterable[Paper]) -> Iterator[tuple[str, Paper]]:
    """Each paper with a key of its own: the one it came with, or `vaswani2017attention`.

    A key that is taken gets a letter: b, c, … z, then numbers. Only the keys are held.
    """
    taken: dict[str, int] = {}
    for paper in papers:
        key = base = _key(paper)
        count = taken.get(base, 0)
        while key in taken:
            count += 1
            key = f"{base}{chr(ord('a') + count)}" if count < 26 else f"{base}-{count}"
        taken[base] = count
        taken.setdefault(key, 0)
        yield key, paper


def _key(paper: Paper) -> str:
    own = paper.extra.get("citation_key", "")
    if _SAFE_KEY.fullmatch(own):
        return own
    author = _ascii(split(paper.authors[0]).family) if paper.authors else ""
    words = [word for raw in re.findall(r"\w+", paper.title) if (word := _ascii(raw))]
    word = next((word for word in words if word not in STOPWORDS), "".join(words[:1]))
    return (author[:30] or "anon") + (paper.date or "")[:4] + word[:30]


def _ascii(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", text).lower())
