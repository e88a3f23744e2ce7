"""PubMed's XML, as its web site, E-utilities and baseline files give it: articles and book chapters."""

from __future__ import annotations

from ingest import normalize
from ingest.fields import make_record
from ingest.records import Record, Records, Rejected
from ingest.sources.opened import Head, SourceFile
from ingest.sources.xml_records import read_elements, root_name
from ingest.sources.xml_text import Element, brief, each, said, text_of

NAME = "pubmed-xml"

_KINDS = ("PubmedArticle", "PubmedBookArticle")


def matches(head: Head) -> bool:
    """A set of PubMed's articles, or one of them."""
    return root_name(head) in (*_KINDS, "PubmedArticleSet", "PubmedBookArticleSet")


def read(file: SourceFile) -> Records:
    """Papers of the set; one without an abstract, or retracted, is rejected with its PubMed id."""

    def record(element: Element, number: int) -> Record:
        is_book = element.tag.endswith("PubmedBookArticle")
        data = each(element, "BookDocument" if is_book else "MedlineCitation")
        if not data:
            return Rejected(file.name, f"record {number}", "nothing in it that describes an article")
        pubmed_id = brief(data[0], "PMID")
        where = f"PMID {pubmed_id}" if pubmed_id.isdecimal() else f"record {number}"
        article = data[0] if is_book else next(iter(each(data[0], "Article")), data[0])
        return _record(element, data[0], article, pubmed_id, where, file.name)

    return read_elements(file, _KINDS, record)


def _record(element: Element, data: Element, article: Element, pubmed_id: str, where: str, source: str) -> Record:
    if any(
        text_of(kind) == "Retracted Publication" for kind in each(article, "PublicationTypeList", "PublicationType")
    ):
        return Rejected(source, where, "retracted")
    title, vernacular = _title(article), said(article, "VernacularTitle")
    language = said(article, "Language")
    ids = _identifiers(element, data, article)
    return make_record(
        source,
        where,
        title=title or vernacular or said(article, "Book", "BookTitle"),
        abstract=_abstract(article) or _other_abstract(data),
        authors=_authors(article),
        date=_date(article),
        venue=said(article, "Journal", "Title") or said(article, "Journal", "ISOAbbreviation")
        or said(article, "Book", "BookTitle") or said(data, "MedlineJournalInfo", "MedlineTA"),
        url=f"https://pubmed.ncbi.nlm.nih.gov/{pubmed_id}/" if pubmed_id.isdecimal() else None,
        doi=ids.get("doi"),
        pubmed_id=pubmed_id or ids.get("pubmed"),
        categories=[
            text_of(name)
            for path in (("MeshHeadingList", "MeshHeading", "DescriptorName"), ("KeywordList", "Keyword"))
            for name in each(data, *path)
        ],
        extra={
            "pmc": ids.get("pmc", ""),
            "vernacular_title": vernacular if title else "",
            "language": "" if language == "eng" else language,
        },
    )  # fmt: skip


def _title(article: Element) -> str:
    """Without the square brackets of a translated title and the full stop that PubMed puts after every title."""
    title = said(article, "ArticleTitle")
    if title.startswith("[") and title.rstrip(".").endswith("]"):
        title = title.rstrip(".")[1:-1]
    if title.lower() in ("not available", "in process citation"):
        return ""
    return title if title.endswith("..") else title.removesuffix(".")


def _abstract(holder: Element) -> str:
    parts = []
    for part in each(holder, "Abstract", "AbstractText"):
        label, text = (part.get("Label") or "").strip(), text_of(part)
        if text:
            parts.append(text if label.upper() in ("", "UNLABELLED") else f"{label.rstrip(':')}: {text}")
    return " ".join(parts)


def _other_abstract(data: Element) -> str:
    """For an article that has only a translated or plain-language abstract: the English one before any other."""
    others = sorted(each(data, "OtherAbstract"), key=lambda other: other.get("Language", "eng") != "eng")
    return " ".join(text_of(part) for part in each(others[0], "AbstractText")) if others else ""


def _authors(article: Element) -> list[str]:
    people = [
        person
        for path in (("AuthorList",), ("Book", "AuthorList"))
        for group in each(article, *path)
        if group.get("Type") != "editors"
        for person in each(group, "Author")
        if person.get("ValidYN") != "N"
    ]
    return [
        normalize.group(said(person, "CollectiveName"))
        or " ".join(
            (said(person, "ForeName") or said(person, "Initials"), said(person, "LastName"), said(person, "Suffix"))
        )
        for person in people
    ]


def _date(article: Element) -> str:
    """The day it appeared online, where known; else the issue's or the book's date."""
    for path in (
        ("ArticleDate",),
        ("Journal", "JournalIssue", "PubDate"),
        ("ContributionDate",),
        ("Book", "PubDate"),
    ):
        for date in each(article, *path):
            parts = [part for name in ("Year", "Month", "Day") if (part := brief(date, name))]
            if (
                found := "-".join(part.zfill(2) for part in parts)
                if brief(date, "Year")
                else brief(date, "MedlineDate")
            ):
                return found
    return ""


def _identifiers(element: Element, data: Element, article: Element) -> dict[str, str]:
    """The article's own: those of its references stand elsewhere."""
    found: dict[str, str] = {}
    for path in (("PubmedData", "ArticleIdList"), ("PubmedBookData", "ArticleIdList")):
        for identifier in each(element, *path, "ArticleId"):
            found.setdefault(identifier.get("IdType") or "", text_of(identifier)[:300])
    for identifier in each(data, "ArticleIdList", "ArticleId"):
        found.setdefault(identifier.get("IdType") or "", text_of(identifier)[:300])
    for place in each(article, "ELocationID"):
        if place.get("ValidYN") != "N":
            found.setdefault(place.get("EIdType") or "", text_of(place)[:300])
    return found
