"""Source cards: a paper with its evidence highlighted inside its abstract. Pure functions, as in `ui.render`."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from urllib.parse import urlsplit

from rag.types import Context, NumberedPassage, Paper, ScoredPassage, Sentence
from ui import texts
from ui.formulas import rendered

Span = tuple[int, int]

MAX_NOT_USED = 20


NO_SOURCES = '<div class="pc-no-sources" hidden></div>'


def abstract(text: str, spans: Iterable[Span]) -> str:
    """The text with each span marked; overlapping spans are cut at each other's ends.

    A mark says which part it holds (`data-from`, `data-to`), so that every span can be found again as
    the marks that lie within it.
    """
    inside = sorted({(max(0, start), min(len(text), end)) for start, end in spans})
    inside = [(start, end) for start, end in inside if start < end]
    cuts = sorted({0, len(text), *(cut for span in inside for cut in span)})
    parts = []
    for start, end in pairwise(cuts):
        piece = rendered(text[start:end])
        if any(first <= start and end <= last for first, last in inside):
            piece = f'<mark tabindex="-1" data-from="{start}" data-to="{end}">{piece}</mark>'
        parts.append(piece)
    return "".join(parts)


def support_span(sentence: Sentence, passage: NumberedPassage) -> Span | None:
    """Where in this abstract the sentence found its support, if it did so here."""
    support = sentence.support
    if not support.evidence or support.paper_id != passage.paper.id:
        return None
    for evidence in passage.evidence:
        if evidence.text == support.evidence:
            return evidence.start, evidence.end
    start = passage.paper.abstract.find(support.evidence)
    return (start, start + len(support.evidence)) if start >= 0 else None


def sources(
    question: str,
    context: Context,
    retrieved: Sequence[ScoredPassage],
    sentences: Sequence[Sentence],
    turn: int,
    *,
    final: bool,
) -> str:
    """Hidden in the conversation; `data-version` tells the page's script that it changed."""
    cited = {number for sentence in sentences for number in sentence.citations}
    cards = "".join(
        _card(passage, passage.number in cited, final, _spans(passage, sentences)) for passage in context.passages
    )
    if not cards:
        cards = f'<p class="pc-panel-empty">{escape(texts.SOURCES_NONE)}</p>'
    # Another conversation has turns of the same numbers.
    version = f"{zlib.crc32(question.encode()):x}-{len(sentences)}{'-final' if final else ''}"
    return (
        f'<div class="pc-sources" data-turn="{turn}" data-version="{version}" hidden>'
        f'<p class="pc-for">{escape(texts.SOURCES_FOR)} <q>{escape(question)}</q></p>'
        f"{cards}{_not_used(context, retrieved)}</div>"
    )


def _spans(passage: NumberedPassage, sentences: Sequence[Sentence]) -> list[Span]:
    spans = [(evidence.start, evidence.end) for evidence in passage.evidence]
    found = (support_span(sentence, passage) for sentence in sentences)
    return spans + [span for span in found if span is not None]


def _card(passage: NumberedPassage, cited: bool, final: bool, spans: list[Span]) -> str:
    paper = passage.paper
    digest = paper.kind == "digest"
    badges = ""
    if digest:
        why = escape(texts.DIGEST_TITLE)
        badges += f'<span class="pc-badge pc-digest" title="{why}">{escape(texts.DIGEST)}</span>'
    if cited or final:
        word, kind = (texts.CITED, "pc-is-cited") if cited else (texts.NOT_CITED, "pc-not-cited")
        badges += f'<span class="pc-badge {kind}">{escape(word)}</span>'
    heading = texts.DIGEST_HEADING if digest else texts.ABSTRACT
    # The first one from the beginning, the others when they are asked for: what is there does not move.
    text = abstract(paper.abstract, spans) if paper.abstract.strip() else escape(texts.NO_ABSTRACT)
    return (
        f'<article class="pc-card{" pc-card-cited" if cited else ""}" data-n="{passage.number}" '
        f'tabindex="-1" aria-label="{escape(texts.cite_label(passage.number, paper.title))}">'
        f'<div class="pc-card-head"><span class="pc-number" aria-hidden="true">{passage.number}</span>'
        f"<h3>{title(paper)}</h3></div>{byline(paper)}"
        f'<p class="pc-facts">{badges}{_ranks(passage.passage)}</p>'
        f"<details{' open' if passage.number == 1 else ''}><summary>{escape(heading)}</summary>"
        f'<p class="pc-abstract">{text}</p></details></article>'
    )


def title(paper: Paper) -> str:
    """The title, as a link where the paper has a web address."""
    name = rendered(paper.title) or escape(paper.id)
    url = safe_url(paper)
    if url is None:
        return name
    return (
        f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer" '
        f'title="{escape(texts.OPEN_PAPER)}">{name}</a>'
    )


def safe_url(paper: Paper) -> str | None:
    """The paper's own address, only where a click on it cannot run anything."""
    for url in (paper.url, f"https://doi.org/{paper.doi}" if paper.doi else None):
        try:
            parts = urlsplit(url or "")
        except ValueError:
            continue
        if url and parts.scheme in ("http", "https") and parts.netloc:
            return url
    return f"https://arxiv.org/abs/{paper.arxiv_id}" if paper.arxiv_id else None


def who(paper: Paper) -> str:
    """The first authors; else the organisation, or how many wrote it."""
    if paper.authors:
        return ", ".join(paper.authors[:4]) + (" et al." if len(paper.authors) > 4 else "")
    return paper.organization or (texts.count(paper.author_count, "author") if paper.author_count else "")


def byline(paper: Paper) -> str:
    """Who, when and where."""
    parts = [part for part in (who(paper), paper.date, paper.venue) if part]
    return f'<p class="pc-byline">{escape(" · ".join(parts))}</p>' if parts else ""


def when(paper: Paper) -> str:
    """The date, as the source gave it."""
    return f'<span class="pc-when">{escape(paper.date)}</span>' if paper.date else ""


def _ranks(passage: ScoredPassage) -> str:
    ranks = (("meaning", passage.dense_rank), ("words", passage.lexical_rank), ("final", passage.rank))
    each = "".join(
        f'<span class="pc-rank" title="{escape(texts.RANK_TITLES[name])}">{escape(name)} '
        f"{escape(texts.RANK_ABSENT) if rank is None else rank}</span>"
        for name, rank in ranks
    )
    return f'<span class="pc-rank-list">{each}</span>'


def _not_used(context: Context, retrieved: Sequence[ScoredPassage]) -> str:
    used = {passage.paper.id for passage in context.passages}
    rest = [passage for passage in retrieved if passage.paper.id not in used]
    if not rest:
        return ""
    rows = "".join(
        f'<li value="{passage.rank}">{title(passage.paper)} {when(passage.paper)}</li>'
        for passage in rest[:MAX_NOT_USED]
    )
    if len(rest) > MAX_NOT_USED:
        rows += f'<li class="pc-more">{escape(texts.and_more(len(rest) - MAX_NOT_USED))}</li>'
    return (
        f'<details class="pc-not-used"><summary>{escape(texts.not_used(len(rest)))}</summary><ol>{rows}</ol></details>'
    )
