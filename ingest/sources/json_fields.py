"""Field names that JSON, CSV and Parquet records go by, and how their values are read."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ingest import normalize
from ingest.fields import make_record
from ingest.records import Record, Rejected
from ingest.sources.json_shapes import spelled_out
from ingest.sources.opened import SourceFile

# Names are compared in lower case without spaces, dashes and underscores: "Publication Year" is `publicationyear`.
FIELDS: dict[str, tuple[str, ...]] = {
    "id": ("id", "paperid", "corpusid"),
    "title": ("title", "papertitle", "articletitle", "documenttitle", "primarytitle", "name", "displayname", "ti"),
    "abstract": (
        "abstract", "abstracttext", "abstractnote", "paperabstract", "articleabstract", "abstracts", "description",
        "summary", "text", "digest", "ab",
    ),
    # Full names before initials, which Scopus and Web of Science give as well.
    "authors": (
        "authorfullnames", "af", "authors", "author", "authornames", "authorlist", "authorstring",
        "authorshipsauthordisplayname", "authorships", "creators", "creator", "au", "by",
    ),
    "author_count": ("numauthors", "authorcount"),
    "organization": ("organization", "organisation"),
    "date": (
        "date", "published", "publicationdate", "publishedat", "publicationyear", "pubdate", "datepublished",
        "coverdate", "issued", "firstpublicationdate", "year", "pubyear", "publishedyear", "pd", "py", "created",
    ),
    "venue": (
        "venue", "journal", "journalref", "booktitle", "containertitle", "journaltitle", "publicationtitle",
        "sourcetitle", "publication", "conference", "pubtitle", "journalname", "journalbook",
        "primarylocationsourcedisplayname", "conferencename", "so",
    ),
    "url": (
        "url", "link", "paperurl", "articleurl", "pdfurl", "pdflink", "landingpageurl", "primarylocationlandingpageurl",
        "externalurl", "doiurl",
    ),
    "doi": ("doi", "di", "digitalobjectidentifier"),
    "arxiv_id": ("arxivid", "arxiv", "arxivnumber", "eprint"),
    "pubmed_id": ("pubmedid", "pmid", "idspmid", "pm"),
    "categories": (
        "categories", "keywords", "keyword", "authorkeywords", "keywordsdisplayname", "subjects", "tags", "manualtags",
        "fieldsofstudy", "subject", "topics", "ieeeterms", "indexkeywords", "automatictags", "de",
    ),
    "comments": ("numcomments",),
    "kind": ("kind",),
    "extra": ("extra",),
    "keep_id": ("keepid",),
}  # fmt: skip
_KNOWN = {name: field for field, names in FIELDS.items() for name in names}
_ORDER = {name: place for names in FIELDS.values() for place, name in enumerate(names)}


def folded(name: str) -> str:
    """A column's name without what spellings differ in."""
    return _folded(name) if len(name) < 80 else _folded.__wrapped__(name)


@lru_cache(maxsize=4096)  # a table has the same names in every row
def _folded(name: str) -> str:
    return re.sub(r"[\s_\-./()]+", "", name).lower()


def columns_of(names: list[str], columns: Mapping[str, str]) -> dict[str, list[str]]:
    """Which of a record's own names hold each field, the likeliest first.

    Args:
        names: The record's own names.
        columns: Field to name, as the user gives it; it goes before what is recognised.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        if (field := _KNOWN.get(folded(name))) is not None:
            found.setdefault(field, []).append(name)
    for fields in found.values():
        fields.sort(key=lambda name: _ORDER[folded(name)])
    for field, name in columns.items():
        if name in names:
            found[field] = [name, *(other for other in found.get(field, []) if other != name)]
    return found


def record_from(
    data: Mapping[str, Any], where: str, file: SourceFile, *, own_id: str | None = None, keep_id: bool = False
) -> Record:
    """A paper from one record of any names and shapes.

    Args:
        data: The record.
        where: Where in the file.
        file: The file; its `columns` go before recognised names.
        own_id: The id where the format says which it is; a BEIR `_id` is recognised and kept.
        keep_id: See `make_record`.
    """
    if data.get("is_retracted") in (True, "True", "true", "TRUE"):  # OpenAlex
        return Rejected(file.name, where, "retracted")
    data = spelled_out(data)
    held = columns_of([name for name in data if isinstance(name, str)], file.columns)

    def every(field: str) -> list[Any]:
        values = (data[name] for name in held.get(field, ()))
        return [value for value in values if value not in (None, "", [], {}) and value == value]  # noqa: PLR0124  # NaN

    def first(field: str) -> Any:
        return next(iter(every(field)), None)

    abstract = _paragraphs(first("abstract")) or _inverted(data.get("abstract_inverted_index"))
    identifiers = _identifiers(data)
    beir_id = text_of(data.get("_id"))
    given = own_id if own_id is not None else beir_id or text_of(first("id")) or None
    # Part of the arXiv snapshot: its day is that of the last correction, its id says when the paper came.
    snapshot = given if given and "update_date" in data and normalize.arxiv(given) else ""
    date = _best_date([_date(value) for value in every("date")])
    if date is None and snapshot:
        date = normalize.arxiv_date(snapshot, text_of(data.get("update_date")))
    known = {name for names in held.values() for name in names} | {"_id", "abstract_inverted_index", "metadata"}
    record = make_record(
        file.name,
        where,
        title=text_of(first("title")),
        abstract=abstract,
        own_id=given,
        keep_id=keep_id or bool(beir_id) or first("keep_id") is True,
        authors=authors_of(first("authors")),
        author_count=_whole(first("author_count")),
        organization=text_of(first("organization")),
        date=date,
        venue=text_of(first("venue")),
        url=text_of(first("url")),
        doi=text_of(first("doi")) or identifiers.get("doi"),
        arxiv_id=text_of(first("arxiv_id")) or snapshot or identifiers.get("arxiv"),
        pubmed_id=text_of(first("pubmed_id")) or identifiers.get("pubmed"),
        categories=categories_of(first("categories")),
        comments=_whole(first("comments")),
        kind="digest" if first("kind") == "digest" or ("digest" in data and "abstract" not in data) else "abstract",
        extra={
            **{name: _plain(value) for name, value in data.items() if name not in known and _plain(value)},
            **_extra(first("extra")),
        },
    )
    if isinstance(record, Rejected) and record.reason == "no abstract" and not held.get("abstract"):
        looked = ", ".join(sorted(str(name) for name in data)[:8])
        return Rejected(file.name, where, f"no abstract; the fields are {looked}"[:200])
    return record


def text_of(value: Any, deepest: int = 6) -> str:
    """A value as text: of a list the first, of an object its name or value, unless these lie too deep."""
    if isinstance(value, bool) or value is None or not deepest:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        # A whole number may be too large for a float.
        return str(int(value)) if isinstance(value, int) or value.is_integer() else str(value)
    if isinstance(value, list | tuple):
        if all(isinstance(part, str) for part in value):
            return " ".join(filter(None, value))
        return text_of(value[0], deepest - 1)
    if isinstance(value, Mapping):
        names = ("name", "display_name", "value", "text", "raw", "title")
        return next((text_of(value[name], deepest - 1) for name in names if value.get(name)), "")
    return ""


def _paragraphs(value: Any) -> str:
    """An abstract; CORD-19 and S2ORC give one object a paragraph."""
    parts = [part.get("text") for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []
    texts = [part for part in parts if isinstance(part, str)]
    return " ".join(texts) if texts and len(texts) == len(value) else text_of(value)


def names_of(value: Any, separators: tuple[str, ...] = (";", " and ", "|", "\n")) -> list[str]:
    """Names from a list, from objects with a name, or from one text with separators."""
    if isinstance(value, str):
        if value.startswith("[") and value.endswith("]"):
            value = _parsed(value)
        else:
            separator = next((s for s in separators if s in value), None)
            return [part.strip() for part in value.split(separator)] if separator else [value.strip()]
    if isinstance(value, Mapping) and not _name(value):  # Europe PMC's {"author": […]}, OpenReview's {"value": […]}
        value = next((held for held in value.values() if isinstance(held, list)), None)
    elif isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list | tuple):
        return []
    names = [_name(part) for part in value]
    return [name for name in names if name.strip()]


_INITIALS = re.compile(r"(?:[^\W\d_a-z]\.?[\s-]?){1,4}")
_AND = re.compile(r",? (?:and|&) ")
_ET_AL = re.compile(r",? (?:et\.? al\.?|and others)$", re.IGNORECASE)
_NUMBER = re.compile(r"\s?\(\d{5,}\)")  # Scopus adds its number of the author


def authors_of(value: Any) -> list[str]:
    """Names as `names_of`, and of one text with commas: `Doe J, Roe A`, `Doe, J., & Roe, A.`, `A B, C D and E F`."""
    if not isinstance(value, str) or value.startswith("[") or any(mark in value for mark in ";|\n"):
        return [_ET_AL.sub("", _NUMBER.sub("", name)) for name in names_of(value)]
    line = _ET_AL.sub("", " ".join(_NUMBER.sub("", value).split()))
    pieces = [part.strip(" ,") for part in _AND.split(line)]
    if len(pieces) > 2:  # BibTeX
        return pieces
    # "A One, B Two and C Three", but "One, Ann and Two, Bo Bea".
    return [*_by_commas(pieces[0], full_names="," not in pieces[-1] or len(pieces) == 1), *pieces[1:]]


def _by_commas(text: str, *, full_names: bool) -> list[str]:
    parts = [part for raw in text.split(",") if (part := raw.strip())]
    firsts = parts[1::2]
    if len(parts) > 3 and len(parts) % 2 == 0 and all(map(_INITIALS.fullmatch, firsts)):
        return [f"{last}, {first}" for last, first in zip(parts[::2], firsts, strict=True)]
    many = full_names and len(parts) > 1 and all(" " in part for part in parts)
    # "van der Berg, John Paul" is one name.
    return parts if many and (len(parts) > 2 or not text[:1].islower()) else [text]


_CLASS = (
    r"(?:(?:astro|hep|cond|gr|math|nucl|quant|q|cs|stat|eess|econ|physics|nlin|patt|solv|chao|alg|cmp)"
    r"(?:-[a-z]{2,4})?(?:\.[A-Za-z-]{2,20})?)"
)
_CLASSES = re.compile(rf"{_CLASS}(?: {_CLASS})+")


def categories_of(value: Any) -> list[str]:
    """Keywords; a space separates arXiv's classes (`cs.CL cs.LG`) only, `deep learning` is one."""
    if isinstance(value, str) and _CLASSES.fullmatch(value):
        return value.split()
    return names_of(value, separators=(";", ",", "|"))


def _name(part: Any) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, list | tuple):  # arXiv's [last, first, suffix]
        last, first, *suffix = [*map(str, part), "", ""][:3]
        return " ".join(filter(None, [first, last, *suffix]))
    if not isinstance(part, Mapping):
        return ""
    if isinstance(part.get("author"), Mapping):  # OpenAlex
        part = part["author"]
    family = part.get("family") or part.get("last") or part.get("lastName") or part.get("surname")
    given = part.get("given") or part.get("first") or part.get("firstName") or part.get("forename")
    if family:
        middle = text_of(part.get("middle"))  # CORD-19
        return " ".join(str(p) for p in (given, middle, family, part.get("suffix")) if p)
    name = next((str(part[k]) for k in _NAMES if part.get(k)), "")
    # DataCite's organisations, Crossref's and Europe PMC's groups: a comma in one does not turn it around.
    is_group = part.get("nameType") == "Organizational" or "sequence" in part or "collectiveName" in part
    return normalize.group(name) if is_group else name


_NAMES = ("name", "display_name", "fullname", "literal", "full_name", "fullName", "collectiveName")


def _parsed(text: str) -> Any:
    """A list written as text, as data frames save them: JSON's or Python's."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if len(text) < 100_000 and text[1:2] in "[{":  # records and pairs, as pandas writes them
            with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
                return ast.literal_eval(text)
        inner = text[1:-1]
        return [part.strip().strip("'\"") for part in re.split(r"['\"]\s*,\s*['\"]", inner) if part.strip()]


def _identifiers(data: Mapping[str, Any]) -> dict[str, str]:
    """Semantic Scholar's `externalIds` and OpenAlex' `ids`."""
    nested = data.get("externalIds") or data.get("external_ids") or data.get("ids")
    if not isinstance(nested, Mapping):
        return {}
    names = {"doi": "doi", "arxiv": "arxiv", "pubmed": "pubmed", "pmid": "pubmed"}
    return {names[k.lower()]: str(v) for k, v in nested.items() if isinstance(k, str) and k.lower() in names and v}


def _inverted(index: Any) -> str:
    """OpenAlex gives an abstract as the places of each of its words."""
    if not isinstance(index, Mapping):
        return ""
    places = [(p, str(word)) for word, at in index.items() if isinstance(at, list) for p in at if isinstance(p, int)]
    return " ".join(word for _, word in sorted(places))


def _date(value: Any) -> str | int | float | None:
    if isinstance(value, Mapping):  # Crossref's and CSL's {"date-parts": [[2021, 3]]}
        value = next((value[k] for k in ("date-parts", "date-time", "raw", "literal", "value") if value.get(k)), None)
        value = value[0] if isinstance(value, list) and value else value
    if isinstance(value, list | tuple):
        value = "-".join(f"{part:02}" if isinstance(part, int) else str(part) for part in value[:3])
    return value if isinstance(value, str | int | float) else str(value) if value is not None else None


def _best_date(values: list[str | int | float | None]) -> str | int | float | None:
    """The first that holds a year; Web of Science gives `JAN 15` in one column and the year in another."""
    dated = next((value for value in values if normalize.date(value)), None)
    if dated is not None and values[0] is not dated and normalize.date(whole := f"{values[0]} {dated}"):
        return whole
    return dated


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 7:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _extra(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}
