"""Why this paper, why not that one: where one paper stands for one question at every stage, and for what.

A pure reading of the public parts of a pipeline; nothing here scores. Ranks are exact as far as the
stores can tell: by words always, by meaning down to `DENSE_LIMIT` chunks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rag.index import Index
from rag.pipeline import Pipeline
from rag.protocols import Vectors
from rag.question import read
from rag.retrieve import HybridRetriever
from rag.text import searchable, terms, words
from rag.types import Paper, ScoredPassage

# Beyond this an approximate index is no longer asked: the rank is then told as "> so many".
DENSE_LIMIT = 10_000
FIRST_DEPTH = 400
NEAREST = 3
SHOWN_WORDS = 4
# Titles compared with the words given; the words may be common ones.
LOOKED_AT = 200
_ADDRESS = re.compile(
    r"^(?:https?://)?(?:(?:dx\.)?doi\.org/|(?:www\.)?arxiv\.org/(?:abs|pdf)/)|^(?:doi|arxiv|pmid):\s*|\.pdf$", re.I
)
_VERSION = re.compile(r"v\d{1,2}$")


@dataclass(frozen=True, slots=True)
class Word:
    """A content word of the question.

    Attributes:
        word: As asked.
        stem: As compared.
        idf: Rarity in the collection, natural logarithm.
        title: Does the title have it?
        abstract: Does the abstract?
    """

    word: str
    stem: str
    idf: float
    title: bool
    abstract: bool

    @property
    def found(self) -> bool:
        """Does the paper have it?"""
        return self.title or self.abstract


@dataclass(frozen=True, slots=True)
class Rank:
    """A place, counted from 1; `exact` is false where all that is known is that it is behind `rank`."""

    rank: int | None
    exact: bool = True

    def __str__(self) -> str:
        """The place as a reader says it: 3, >200, or none."""
        if self.rank is None:
            return "none"
        return f"{'' if self.exact else '>'}{self.rank}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a paper stands for a question.

    Attributes:
        question: As searched.
        paper: The paper.
        k: How many papers the reader would have been shown.
        dense: Place by meaning among all papers.
        lexical: Place by words; `None` as rank where it has none of the words.
        fused: Place among the candidates of both retrievers.
        final: Place after reranking by evidence.
        similarity: Cosine between question and best chunk.
        lexical_score: BM25, 0 where it has none of the words.
        fused_score: As fusion gave it; `None` for a paper that was no candidate.
        final_score: Of the last stage; `None` likewise.
        words: Every content word of the question.
        best_sentence: The sentence that meets most of the question's words, with the title's help.
        sentence_match: How well, at most 1 (`rag.late`).
        chunk: Characters of the abstract that its best chunk spans.
        reason: One sentence for the reader.
    """

    question: str
    paper: Paper
    k: int
    dense: Rank
    lexical: Rank
    fused: Rank
    final: Rank
    similarity: float
    lexical_score: float
    fused_score: float | None
    final_score: float | None
    words: tuple[Word, ...]
    best_sentence: str
    sentence_match: float
    chunk: tuple[int, int]
    reason: str = ""


def explain(pipeline: Pipeline, question: str, paper_id: str, k: int) -> Explanation | None:
    """Where the paper stands; nothing where the index does not hold it.

    Args:
        pipeline: As it searches.
        question: What is looked for.
        paper_id: Of a paper in the index; `find_papers` leads from other names to it.
        k: How many papers count as shown.
    """
    record = pipeline.index.catalog.get([paper_id]).get(paper_id)
    if record is None:
        return None
    paper, chunks = record
    vector = pipeline.embedder.embed_query(question)
    cosines = pipeline.index.vectors.similarities(vector, [chunk.id for chunk in chunks])
    best = max(chunks, key=lambda chunk: cosines.get(chunk.id, -1.0))
    similarity = cosines.get(best.id, -1.0)
    lexical, lexical_score = _lexical(pipeline.index, question, paper_id)
    fused, final = _ranked(pipeline, question, paper_id)
    sentence, match = _nearest_sentence(pipeline, question, paper)
    told = Explanation(
        question=question,
        paper=paper,
        k=k,
        dense=_dense(pipeline.index, vector, paper_id, similarity),
        lexical=lexical,
        fused=fused[0],
        final=final[0],
        similarity=similarity,
        lexical_score=lexical_score,
        fused_score=fused[1],
        final_score=final[1],
        words=_words(pipeline.evidence.idf(question), question, paper),
        best_sentence=sentence,
        sentence_match=match,
        chunk=(best.start, best.end),
    )
    return replace(told, reason=_reason(told))


Placed = tuple[Rank, float | None]


def _ranked(pipeline: Pipeline, question: str, paper_id: str) -> tuple[Placed, Placed]:
    """Place and score after fusion, and after reranking."""
    retriever = pipeline.retriever
    depth = max(pipeline.depth, retriever.depth) if isinstance(retriever, HybridRetriever) else pipeline.depth
    every = (
        retriever.ranked(question, depth)
        if isinstance(retriever, HybridRetriever)
        else retriever.retrieve(question, depth)
    )
    fused = _place(every, paper_id)
    final = _place(pipeline.search(question, depth).ranked, paper_id)
    # Reranking looks at the first papers only; behind them the order of fusion stays.
    return fused, final if final[0].exact or not fused[0].exact else fused


def _place(passages: Sequence[ScoredPassage], paper_id: str) -> Placed:
    for rank, passage in enumerate(passages, start=1):
        if passage.paper.id == paper_id:
            return Rank(rank), passage.score
    return Rank(len(passages), exact=False), None


def _dense(index: Index, vector: Vectors, paper_id: str, similarity: float) -> Rank:
    """One more than the papers with a nearer chunk; deeper and deeper until the paper comes up."""
    chunks = min(index.vectors.count(), DENSE_LIMIT)
    ahead: dict[str, None] = {}
    depth = 0
    while depth < chunks:
        depth = min(chunks, max(FIRST_DEPTH, depth * 5))
        hits = index.vectors.query(vector, depth)
        ids = list(dict.fromkeys(found for _, found, _ in hits))
        known = index.catalog.hashes(ids)
        ahead = dict.fromkeys(found for found in ids if found in known)
        if paper_id in ahead:
            return Rank(list(ahead).index(paper_id) + 1)
        if hits and hits[-1][2] < similarity:  # an approximate search passed it over
            nearer = {found for _, found, cosine in hits if cosine > similarity and found in known}
            return Rank(len(nearer) + 1)
    return Rank(len(ahead), exact=False)


def _lexical(index: Index, question: str, paper_id: str) -> tuple[Rank, float]:
    for rank, (found, score) in enumerate(index.terms.query(question, index.terms.count()), start=1):
        if found == paper_id:
            return Rank(rank), score
    return Rank(None), 0.0


def _words(idf: Mapping[str, float], question: str, paper: Paper) -> tuple[Word, ...]:
    title, abstract = set(terms(paper.title)), set(terms(paper.abstract))
    asked = {stem: word for word in reversed(words(searchable(question))) for stem in terms(word)}
    return tuple(Word(asked[s], s, weight, s in title, s in abstract) for s, weight in idf.items() if s in asked)


def _nearest_sentence(pipeline: Pipeline, question: str, paper: Paper) -> tuple[str, float]:
    look = pipeline.evidence.look(read(question), {paper.id: 0.0}, {paper.id: paper})
    matches, means, spans = look.interactions[0].sentences, look.means()[0], look.sentences[0].spans
    if not len(spans):
        return "", 0.0
    # Where the title has every word asked for, all sentences match alike: then the meaning of the whole decides.
    best = int((matches + means).argmax())
    start, end = spans[best]
    return paper.abstract[start:end], float(matches[best])


def _reason(told: Explanation) -> str:
    """Why it is, or is not, among the first `k`."""
    if told.final.exact and told.final.rank is not None and told.final.rank <= told.k:
        return f"It is number {told.final} of the first {told.k}: {_by_meaning(told)}, {_by_words(told)}."
    stage = f"it comes out {_nth(told.final)}" if told.final.exact else "neither retriever put it forward"
    return f"It is not among the first {told.k}: {_by_meaning(told)}, {_by_words(told)}; {stage}."


def _by_meaning(told: Explanation) -> str:
    return f"by meaning {_nth(told.dense)} (cosine {told.similarity:.2f})"


def _by_words(told: Explanation) -> str:
    if not told.words:
        return "and the question has no word to look for"
    found = sorted((word for word in told.words if word.found), key=lambda word: -word.idf)
    if not found:
        return f"by words nowhere (none of {len(told.words)} words occurs)"
    named = ", ".join(f"“{word.word}”" for word in found[:SHOWN_WORDS])
    if len(found) == len(told.words):
        which = "all words occur" if len(found) > 1 else f"{named} occurs"
    else:
        only = f"only {named}" if len(found) <= SHOWN_WORDS else f"{named} and {len(found) - SHOWN_WORDS} more"
        which = f"{only} of {len(told.words)} words {'occurs' if len(found) == 1 else 'occur'}"
    return f"by words {_nth(told.lexical)} ({which})"


def _nth(rank: Rank) -> str:
    if rank.rank is None:
        return "nowhere"
    if not rank.exact:
        return f"behind the first {rank.rank}"
    ending = "th" if rank.rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank.rank % 10, "th")
    return f"{rank.rank}{ending}"


def find_papers(index: Index, name: str) -> list[Paper]:
    """The papers that an id, a DOI, an arXiv or PubMed id, or words of the title lead to, likeliest first."""
    name = " ".join(name.split())
    bare = _ADDRESS.sub("", name).strip()
    ids = [name, bare]
    keys = [f"{kind}:{bare.lower()}" for kind in ("doi", "arxiv", "pmid", "id")]
    keys += [f"arxiv:{_VERSION.sub('', bare)}", f"id:{name}"]
    ids += [found for held in index.catalog.find(keys).values() for found in held]
    if exact := [paper for paper, _ in index.catalog.get(list(dict.fromkeys(ids))).values()]:
        return exact
    wanted = set(terms(name))
    alike = [p for p in nearest_titles(index, name, LOOKED_AT) if wanted and wanted <= set(terms(p.title))]
    # The title that has least beside the words is meant.
    return sorted(alike, key=lambda paper: len(set(terms(paper.title)) - wanted))


def nearest_titles(index: Index, name: str, count: int = NEAREST) -> list[Paper]:
    """Papers whose titles share most words with `name`."""
    hits = [paper_id for paper_id, _ in index.terms.query(name, LOOKED_AT)]
    papers = [paper for paper, _ in index.catalog.get(hits).values()]
    wanted = set(terms(name))
    return sorted(papers, key=lambda paper: -len(wanted & set(terms(paper.title))))[:count]


def explanation_to_dict(told: Explanation) -> dict[str, Any]:
    """An explanation as JSON: ranks as `{"rank", "exact"}`, the paper by id and title."""
    plain = {name: getattr(told, name) for name in Explanation.__dataclass_fields__ if name != "paper"}
    for name in ("dense", "lexical", "fused", "final"):
        plain[name] = asdict(plain[name])
    plain["words"] = [asdict(word) for word in told.words]
    return {"paper_id": told.paper.id, "title": told.paper.title, **plain, "chunk": list(told.chunk)}
