"""Which records are the same paper, and what becomes of two that are.

Identity is by DOI, arXiv id (versions folded) or PubMed id; failing these by title, where authors and
abstracts agree. A preprint and its published version share no identifier, so a title may join them.
Measured on 300 written pairs: docs/decisions/0005.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from functools import lru_cache

from ingest.records import STANDARD_INPUT_NAME
from rag.text import searchable, terms
from rag.types import Paper

# Registrants whose DOIs name preprints: bioRxiv/medRxiv, arXiv, Research Square, ChemRxiv, OSF, SSRN,
# Preprints.org, TechRxiv, Authorea, Zenodo, F1000-style archives and EarthArXiv.
PREPRINT_DOIS = (
    "10.5281/", "10.48550/", "10.21203/", "10.26434/", "10.31234/", "10.31219/", "10.31235/", "10.2139/",
    "10.20944/", "10.36227/", "10.22541/", "10.31223/", "10.64898/",
)  # fmt: skip
_PREPRINT_VENUE = re.compile(r"\b(arxiv|biorxiv|medrxiv|chemrxiv|psyarxiv|ssrn|preprint|research square|osf)\b", re.I)

# Titles that many papers bear; they identify nothing by themselves.
_GENERIC = re.compile(
    r"^(editorial|introduction|preface|foreword|erratum|errata|corrigendum|correction|reply|response|comment(ary)?"
    r"|abstracts?|conclusions?|discussion|summary|index|contents|in this issue|letters?( to the editor)?|news|obituary"
    r"|book reviews?|review|overview|acknowledge?ments?|guest editorial|editors? (note|choice)|from the editors?)\b"
)
SHORT_TITLE_WORDS = 4
ALIKE = 0.5
RETITLED = 0.6
NOT_UNLIKE = 0.15
ENOUGH_TERMS = 12


def title_id(title: str) -> str:
    """An id for a source that gives none: readable, and the same for every spelling of a title."""
    key = " ".join(re.findall(r"[^\W_]+", searchable(title).lower()))
    if not key:
        return ""
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    slug = ""
    for word in re.findall(r"[a-z0-9]+", key):
        if len(slug) + len(word) > 40:
            break
        slug = f"{slug}-{word}" if slug else word
    return f"{slug}-{digest}" if slug else digest


@lru_cache(maxsize=8192)
def title_words(title: str) -> tuple[str, ...]:
    """Words of a title without what spellings differ in: case, accents, LaTeX, Greek letters, British or American."""
    folded = _LATEX_COMMAND.sub("", searchable(title)).lower().replace("&", " and ")
    if not folded.isascii():
        folded = "".join(_greek(char) for char in folded)
    return tuple(_AMERICAN.sub(_american, word) for word in re.findall(r"[^\W_]+", folded))


def title_key(title: str) -> str:
    """The same without spaces: "Re-wiring" and "Rewiring" are one word."""
    return "".join(title_words(title))


_LATEX_COMMAND = re.compile(r"\\[A-Za-z]+")
_AMERICAN = re.compile(
    r"ae|oe|our(?=s?$|ed$|ing$|al)|(?<=[a-z]{2})is(?=e$|es$|ed$|ing$|ation)|lys(?=e$|es$|ed$|ing$)|ll(?=ed$|ing$)|[tb]re(?=s?$)"
)
_SPELLED = {"ae": "e", "oe": "e", "our": "or", "is": "iz", "lys": "lyz", "ll": "l", "tre": "ter", "bre": "ber"}


def _american(match: re.Match[str]) -> str:
    return _SPELLED[match[0]]


def _greek(char: str) -> str:
    name = unicodedata.name(char, "").replace("LAMDA", "LAMBDA") if "\u0370" <= char <= "\u03ff" else ""
    return name.rsplit(" ", 1)[-1].lower() if name.startswith("GREEK SMALL LETTER") else char


def derived_id(paper: Paper) -> str:
    """The id of a paper whose source gives none; empty where nothing identifies it."""
    if paper.arxiv_id:
        return paper.arxiv_id
    if paper.doi:
        return paper.doi
    if paper.pubmed_id:
        return f"pmid:{paper.pubmed_id}"
    return title_id(paper.title)


def keys(paper: Paper) -> tuple[str, ...]:
    """What other records of this paper can be found by; every match is then judged by `same_paper`."""
    if paper.keep_id:
        return (f"id:{paper.id}",)
    found = [f"id:{paper.id}"]
    found += [f"{kind}:{value}" for kind, value in sorted(every_identifier(paper))]
    if title := title_key(paper.title):
        found.append(f"title:{_digest(title)}")
    if len(paper.authors) > 1:
        found.append(f"authors:{_digest(' '.join(sorted(map(_surname, paper.authors))))}")
    return tuple(found)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _surname(name: str) -> str:
    # The last word: "Smith J" has lost its initial by then, and first names come and go between formats.
    parts = [part for part in _name_words(name) if not _SUFFIX.match(part)]
    return parts[-1] if parts else ""


_SUFFIX = re.compile(r"^(jr|sr|i{2,3}|iv)$")


def identifiers(paper: Paper) -> dict[str, str]:
    """The identifiers that the world knows the paper by."""
    doi = _DOI_VERSION.sub("", paper.doi) if paper.doi else None
    known = {"doi": doi, "arxiv": paper.arxiv_id, "pmid": paper.pubmed_id}
    return {kind: value for kind, value in known.items() if value}


def every_identifier(paper: Paper) -> set[tuple[str, str]]:
    """The same, with the DOIs that a merge has put aside."""
    aside = [paper.extra.get(name) for name in (PREPRINT_DOI, OTHER_DOI)]
    return {*identifiers(paper).items(), *(("doi", _DOI_VERSION.sub("", doi)) for doi in aside if doi)}


PREPRINT_DOI, OTHER_DOI = "preprint_doi", "other_doi"

# Preprint servers and open-review journals number the versions of one article.
_DOI_VERSION = re.compile(r"(?:[./-]v\d{1,2}|(?<=^10\.7554/elife\.\d{5})\.\d|(?<=^10\.7554/elife\.\d{6})\.\d)$")


def same_paper(a: Paper, b: Paper) -> bool:
    """Do these two records, which share a key, describe one paper?"""
    if a.keep_id or b.keep_id:
        return a.keep_id and b.keep_id and a.id == b.id and _second_witness(a, b)
    if every_identifier(a) & every_identifier(b):
        return not _strangers(a, b)
    if a.id == b.id and a.id not in (title_id(a.title), title_id(b.title)):
        return _second_witness(a, b)
    if contradict(a, b):
        return False
    return _agree(a, b) if _titles_agree(a, b) else _is_retitled(a, b)


def _titles_agree(a: Paper, b: Paper) -> bool:
    return bool(a.title) and title_key(a.title) == title_key(b.title)


def only_by_id(a: Paper, b: Paper) -> bool:
    """Do they share an id of their source's own and nothing else? Within one run that is two rows, not a correction."""
    if a.keep_id or b.keep_id or every_identifier(a) & every_identifier(b):
        return False
    return a.id == b.id and not _titles_agree(a, b) and _likeness(a.abstract, b.abstract) < ALIKE


def _strangers(a: Paper, b: Paper) -> bool:
    """Nothing but the identifier in common: chapters under the DOI of their book are papers of their own."""
    return (
        "digest" not in (a.kind, b.kind)
        and _authors_agree(a, b) is False
        and not _titles_agree(a, b)
        and _likeness(a.abstract, b.abstract) < NOT_UNLIKE
    )


def _second_witness(a: Paper, b: Paper) -> bool:
    """Two tables may both count their rows from 1: an id of the source's own is not enough alone."""
    if a.source == b.source and a.source != STANDARD_INPUT_NAME:
        return True
    return _titles_agree(a, b) or _likeness(a.abstract, b.abstract) >= ALIKE


def _is_retitled(a: Paper, b: Paper) -> bool:
    """A preprint and its published version under a lightly revised title, by the same authors."""
    if is_published(a) == is_published(b) or len(a.authors) != len(b.authors) or "digest" in (a.kind, b.kind):
        return False
    ours, theirs = set(terms(a.title)), set(terms(b.title))
    if len(ours & theirs) < RETITLED * len(ours | theirs) or _numbered(a.title) != _numbered(b.title):
        return False
    return _likeness(a.abstract, b.abstract) >= ALIKE


def _numbered(title: str) -> list[str]:
    """What tells the parts of a series apart."""
    return re.findall(r"\d+|\b[ivx]+\b", title.lower())


def other_id(paper: Paper) -> str:
    """An id for a paper whose own is another paper's already; the same on every run."""
    witness = f"{paper.title}\0{paper.authors}\0{paper.abstract[:200]}"
    return f"{paper.id}-{hashlib.sha256(witness.encode()).hexdigest()[:8]}"


def contradict(a: Paper, b: Paper) -> bool:
    """Two identifiers of one kind name two papers, unless one is a preprint's and the other a journal's."""
    ours, theirs = identifiers(a), identifiers(b)
    for kind in ours.keys() & theirs.keys():
        if ours[kind] == theirs[kind]:
            continue
        if kind != "doi" or is_preprint_doi(ours[kind]) == is_preprint_doi(theirs[kind]):
            return True
    return False


def is_preprint_doi(doi: str) -> bool:
    """Does this DOI belong to a preprint server?"""
    return doi.startswith(PREPRINT_DOIS) or _BIORXIV.match(doi) is not None


# Cold Spring Harbor's journals share the registrant of its preprint servers: 10.1101/gr.… is Genome Research.
_BIORXIV = re.compile(r"^10\.1101/\d")


def _agree(a: Paper, b: Paper) -> bool:
    """Equal titles: do authors and abstracts let them be one paper?"""
    authors = _authors_agree(a, b)
    if authors is False:
        return False
    if "digest" in (a.kind, b.kind):
        return True  # our own words are never like the authors'
    alike = _likeness(a.abstract, b.abstract)
    # "Re-wiring" is two words and "Rewiring" one: the shorter count decides, for both alike.
    said = min(title_words(a.title), title_words(b.title), key=len)
    weak = len(said) < SHORT_TITLE_WORDS or _GENERIC.match(" ".join(said)) is not None
    return alike >= (ALIKE if weak or authors is None else NOT_UNLIKE)


def _authors_agree(a: Paper, b: Paper) -> bool | None:
    """Do the first authors share a name? `None` where one record has no names."""
    if not a.authors or not b.authors:
        return None
    ours, theirs = a.authors[0], b.authors[0]
    return ours == theirs or not set(_name_words(ours)).isdisjoint(_name_words(theirs))


def _name_words(name: str) -> list[str]:
    folded = re.findall(r"[^\W\d_]+", searchable(name).lower())
    if folded and folded[0] >= "\u2e80":  # Chinese, Japanese, Korean: with or without a space between the names
        return ["".join(folded)]
    # Initials agree with too many; a name of one letter is all a name can be.
    return [part for part in folded if len(part) > 1] or folded


def _likeness(a: str, b: str) -> float:
    """Shared content terms of the shorter abstract, in 0..1; 1 where one is too short to tell."""
    ours, theirs = set(terms(a)), set(terms(b))
    fewer = min(len(ours), len(theirs))
    if fewer < ENOUGH_TERMS:
        return 1.0 if ours & theirs or fewer == 0 else 0.0
    return len(ours & theirs) / fewer


# --- merging -----------------------------------------------------------------------------------


def is_published(paper: Paper) -> bool:
    """Has it appeared beyond a preprint server?"""
    if paper.doi:
        return not is_preprint_doi(paper.doi)
    return bool(paper.pubmed_id) or bool(paper.venue and not _PREPRINT_VENUE.search(paper.venue))


def outranks(a: Paper, b: Paper) -> bool | None:
    """Is `a` the better record of the paper? `None` where neither is."""
    for ours, theirs in (
        (a.kind == "abstract", b.kind == "abstract"),
        (is_published(a), is_published(b)),
        (_version(a), _version(b)),
    ):
        if ours is not None and theirs is not None and ours != theirs:
            return ours > theirs
    return None


def _version(paper: Paper) -> int | None:
    text = paper.extra.get("arxiv_version", "")
    return int(text) if text.isdecimal() else None


def merge(better: Paper, other: Paper, paper_id: str) -> Paper:
    """One record: the better one's fields, and the other's where the better one has none.

    Of two DOIs a paper keeps the journal's, with the preprint's under `extra["preprint_doi"]`.
    """
    fields = {
        name: getattr(better, name) if getattr(better, name) not in (None, "", ()) else getattr(other, name)
        for name in Paper.__dataclass_fields__
        if name not in ("id", "extra", "kind", "abstract", "keep_id", "source")
    }
    extra = {**other.extra, **better.extra}
    dois = [p.doi for p in (better, other) if p.doi]
    fields["doi"] = next((doi for doi in dois if not is_preprint_doi(doi)), dois[0] if dois else None)
    for doi in dois:
        if doi != fields["doi"]:
            # The first one stays, so that a second reading changes nothing.
            extra.setdefault(PREPRINT_DOI if is_preprint_doi(doi) else OTHER_DOI, doi)
    # The table that the id is from: a row of the other table under the same number is another paper.
    source = other.source if other.id == paper_id != better.id else better.source
    keep_id = better.keep_id or other.keep_id
    return replace(better, **fields, id=paper_id, extra=extra, keep_id=keep_id, source=source)
