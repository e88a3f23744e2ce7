"""An answer as the text of a message: checked sentences with their markers, then the sources.

Clients render it as Markdown and show nothing else, so it must not hold a link or an image that an abstract
smuggled in: a picture's address would be fetched with whatever the abstract put into it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from rag.injection import visible
from rag.types import Answer, Paper, Sentence, marked

SOURCES = "Sources:"
NEAREST = "Nearest papers:"
_LISTS = re.compile(rf"\n\n(?:{SOURCES}|{NEAREST})\n.*\Z", re.DOTALL)
# What makes Markdown of "[text](address)", "[text][name]" and "[name]: address".
_LINK = re.compile(r"\](?=[(\[:])")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


class MessageText:
    """Puts a message together piece by piece, so that streamed and whole messages are the same text."""

    def __init__(self) -> None:
        self._apart: bool | None = None

    def sentence(self, sentence: Sentence) -> str:
        """The text that a shown sentence adds."""
        first, before = self._apart is None, bool(self._apart)
        # Quotations and rows of a list stand by themselves.
        self._apart = sentence.quoted or sentence.recorded
        return ("" if first else "\n\n" if self._apart or before else " ") + inert(marked(sentence))

    def end(self, answer: Answer) -> str:
        """What follows the sentences: the refusal, and the papers."""
        if answer.refusal is not None:
            near = [f"- {_described(paper)}" for paper in answer.refusal.nearest]
            return inert(answer.refusal.message) + _list(NEAREST, near)
        return _list(SOURCES, [f"- [{p.number}] {_described(p.paper)}" for p in answer.cited])


def message_text(answer: Answer) -> str:
    """The whole message."""
    text = MessageText()
    return "".join(text.sentence(sentence) for sentence in answer.sentences) + text.end(answer)


def without_sources(text: str) -> str:
    """An earlier answer without the list at its end, as the next question's history needs it."""
    return _LISTS.sub("", text)


def inert(text: str) -> str:
    """Text in which no link, image or tag of an abstract's own works, and nothing is hidden; it reads the same."""
    return _TAG.sub("< ", _LINK.sub("] ", visible(text)))


def address(paper: Paper) -> str | None:
    """The paper's web address, encoded so that it ends where it should."""
    for url in (paper.url, f"https://doi.org/{paper.doi}" if paper.doi else None):
        try:
            parts = urlsplit(url or "")
        except ValueError:
            continue
        if url and parts.scheme in ("http", "https") and parts.netloc:
            return quote(url, safe=":/?#@!$&'*+,;=%~._-")
    return f"https://arxiv.org/abs/{quote(paper.arxiv_id)}" if paper.arxiv_id else None


def _described(paper: Paper) -> str:
    title = inert(" ".join(paper.title.split()) or paper.id)
    digest = "digest, not the abstract" if paper.kind == "digest" else None
    details = [part for part in (paper.date, digest, address(paper)) if part]
    return title + (f" ({', '.join(details)})" if details else "")


def _list(heading: str, rows: list[str]) -> str:
    return f"\n\n{heading}\n\n" + "\n".join(rows) if rows else ""
