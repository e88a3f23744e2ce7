"""Whatever papers, models and readers write: it is shown as text, and nothing else happens."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from rag.types import Context, Evidence, Paper, Refusal, Sentence, Support, Verdict
from tests.answers import answer, numbered, scored
from tests.ui.hostile import TEXTS
from ui import frame, render, shelf_markup, sidebar, texts, tools, transcript, why
from ui.atlas import markup as atlas_markup
from ui.atlas.atlas import Atlas
from ui.conversations import Conversation, StoredTurn, Summary
from ui.page.session import restored
from ui.shelf import Row, Shelf, Wish

TAGS = frozenset(
    "div p span button details summary ul ol li s q h3 article mark form label input table caption thead tbody tr th "
    "td dl dt dd a h4 textarea select option svg path g rect text title br b em code math mrow mi mo mn msup msub msubsup mfrac msqrt mroot mtext "
    "munder mover munderover mspace".split()
)
ATTRIBUTES = re.compile(
    r"class|accept|hidden|open|role|title|tabindex|type|value|name|maxlength|autocomplete|placeholder|disabled|scope|id"
    r"|mathvariant|linethickness|accent|display|preserveaspectratio"
    r"|href|target|rel|aria-[a-z]+|data-[a-z]+|viewbox|d|style|x|y|width|height|rx|text-anchor|colspan"
)
VOID = ("br", "input")


class Strict(HTMLParser):
    """Fails on anything that our own markup does not consist of."""

    def __init__(self, html: str, links: frozenset[str]) -> None:
        super().__init__()
        self.links = links
        self.open: list[str] = []
        self.text = ""
        self.chips = 0
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert ATTRIBUTES.fullmatch(name), (tag, name)
            assert name != "style" or re.fullmatch(
                r"max-width:[\d.]+rem|width:\d+%|left:[\d.]+%;top:[\d.]+%", value or ""
            )
            assert name != "href" or value in self.links
        self.chips += ("class", "pc-cite") in attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def shown(text: str) -> str:
    """As a browser shows it: a null character is dropped, white space folded."""
    return " ".join(text.replace("\0", "").split())


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_it_is_text(number: int) -> None:
    text = TEXTS[number]
    paper = Paper(f"h{number}", text, text, (text,), organization=text, date=text, venue=text, url=text, doi=text)
    source = replace(numbered(paper, 1, text), evidence=(Evidence(0, len(text), text, 1.0),))
    support = Support(Verdict.WEAK, 0.5, text, paper.id, text)
    sentences = (Sentence(text, (1,), support), Sentence(text, (1, 7), support, quoted=True, lead=text))
    value = answer(
        question=text,
        standalone_question=f"{text}?",
        sentences=sentences,
        withheld=sentences,
        context=Context(text, (source,)),
        retrieved=(source.passage, scored(replace(paper, id="other"), 2)),
        model=text,
    )
    refused = replace(value, mode="refused", sentences=(), refusal=Refusal("off_topic", text, (paper,)))
    turns = (StoredTurn(text, "incomplete", value, thumb=1, comment=text), StoredTurn(text, "failed", None, text))
    session = restored(Conversation(text, text, 0.0, 0.0, turns))
    state = render.Writing(text, standalone_question=f"{text}?", context=value.context, sentences=sentences, draft=text)
    row = Row(text, text, text, text, text)
    atlas = Atlas(9, *((text,) * 3,) * 4, (1, 2, 3), (1, 2, 3), (0, 0, 0), ((text, text),))
    pieces = (
        render.answer(value, 0),
        render.answer_sources(value, 0),
        render.answer(refused, 0),
        render.writing(state, 0),
        render.writing_sources(state, 0),
        render.user_message(text),
        render.error_message(text, 0),
        frame.ingest_error(text),
        tools.next_questions(value),
        why.panel(value, 0),
        sidebar.listing([Summary(text, text, 0.0, 1)], text, 1.0, text),
        shelf_markup.table(Shelf([row]).page(Wish()), Wish(search=text, year=text), {text: text}),
        atlas_markup.view(atlas),
        atlas_markup.listing(atlas, range(3), text),
        atlas_markup.card(paper, text),
        *(piece for exchange in session.exchanges for piece in (exchange.html, exchange.sources)),
    )
    links = frozenset(link for link in (text, f"https://doi.org/{text}") if urlsplit(link).scheme in ("http", "https"))
    for html in pieces:
        Strict(html, links)
    first = Strict(pieces[0], links)
    # What stands between single backticks is code, and shown without them.
    assert shown(text).replace("`", "") in shown(first.text).replace("`", "")
    assert first.chips == 2  # one for each sentence, none of its own
    own = transcript.answer_markdown(value)
    assert not re.search(r"(?<!\\)(<(?!/?sub>)|!\[|\]\()", re.sub(r"\]\(https?://[^\s()<>]+\)", "", own))


def test_there_are_two_hundred_of_them() -> None:
    assert len(set(TEXTS)) >= 200
    assert texts.TITLE not in TEXTS
