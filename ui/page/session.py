"""One reader's conversation as the page holds it, and as `gr.Chatbot` takes it. Knows nothing of Gradio."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rag.filters import Filters
from rag.types import Answer
from ui import cards, render, texts
from ui.conversations import Conversation, State, StoredTurn, titled


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, what the page shows for it, and the answer if there was one.

    `filters` are those the reader chose, `None` those that the question names; `position` is where it is kept in its
    conversation, `None` where it is not.
    """

    question: str
    html: str
    sources: str = cards.NO_SOURCES
    answer: Answer | None = None
    state: State = "done"
    words: str = ""
    asked: float = 0.0
    filters: Filters | None = None
    position: int | None = None

    def without(self, part: Any) -> tuple[str, Filters | None]:
        """The question, and the conditions that are left when `part` of them, as plain values, is taken away."""
        if self.answer is None or not isinstance(part, dict):
            return self.question, None
        return self.question, self.answer.filters.without(Filters.from_dict(part))


@dataclass(frozen=True, slots=True)
class Session:
    """One reader's conversation.

    Attributes:
        exchanges: Oldest first.
        conversation: Under which id it is kept; `None` before the first question and where nothing is kept.
        editing: Turn that the next question replaces, with everything after it.
        search: What the list of conversations is searched for.
        replaces: Position of the first kept turn that the next question takes the place of.
    """

    exchanges: tuple[Exchange, ...] = ()
    conversation: str | None = None
    editing: int | None = None
    search: str = ""
    replaces: int | None = None

    def history(self) -> list[tuple[str, str]]:
        """What a follow-up may refer to."""
        return [(e.question, e.answer.text) for e in self.exchanges if e.answer is not None]

    def messages(self) -> list[dict[str, Any]]:
        """The conversation as `gr.Chatbot` takes it."""
        return [message for e in self.exchanges for message in messages(e.question, e.html, e.sources)]

    def before(self, turn: int | None) -> Session:
        """The conversation as it was before that turn; all of it for `None`."""
        if turn is None:
            return replace(self, editing=None)
        gone = (exchange.position for exchange in self.exchanges[turn:])
        replaces = next((position for position in gone if position is not None), self.replaces)
        return replace(self, exchanges=self.exchanges[:turn], editing=None, replaces=replaces)

    def kept_as(self, conversation: str | None) -> Session:
        """The conversation under this id; what was kept under another stays there."""
        exchanges = self.exchanges
        if conversation != self.conversation:
            exchanges = tuple(replace(exchange, position=None) for exchange in exchanges)
        return replace(self, exchanges=exchanges, conversation=conversation, replaces=None)

    def as_conversation(self, kept: Conversation | None = None) -> Conversation:
        """What is shown, also where nothing is kept; title and ratings as they are kept."""
        ratings = {turn.position: (turn.thumb, turn.comment) for turn in kept.turns} if kept else {}
        turns = tuple(
            StoredTurn(
                e.question,
                e.state,
                e.answer,
                "" if e.answer else e.words,
                e.asked,
                *ratings.get(e.position, (0, "")),
                e.position,
            )
            for e in self.exchanges
        )
        first = self.exchanges[0].asked if self.exchanges else 0.0
        title = kept.title if kept else titled(self.exchanges[0].question) if self.exchanges else ""
        return Conversation(self.conversation or "", title, first, first, turns)

    def followed_by(self, exchange: Exchange) -> Session:
        """The conversation with one exchange more."""
        return replace(self, exchanges=(*self.exchanges, exchange))


def restored(conversation: Conversation, search: str = "") -> Session:
    """A kept conversation, shown as it was."""
    exchanges = tuple(_exchange(turn, place) for place, turn in enumerate(conversation.turns))
    return Session(exchanges, conversation.id, search=search)


def _exchange(turn: StoredTurn, place: int) -> Exchange:
    what: dict[str, Any] = {
        "state": turn.state,
        "words": turn.words,
        "asked": turn.asked,
        "position": turn.position,
    }
    if turn.answer is not None and (turn.answer.sentences or turn.answer.refusal or turn.state == "done"):
        cut = turn.state in ("incomplete", "writing")
        html = render.answer(turn.answer, place, incomplete=cut, thumb=turn.thumb, comment=turn.comment)
        return Exchange(turn.question, html, render.answer_sources(turn.answer, place), turn.answer, **what)
    if turn.state == "failed":
        return Exchange(turn.question, render.error_message(turn.words, place), **what)
    message = texts.STILL_WRITING if turn.state == "writing" else turn.words or texts.INCOMPLETE_EMPTY
    return Exchange(turn.question, render.nothing_written(place, message), **what)


def messages(question: str, html: str, sources: str) -> list[dict[str, Any]]:
    """A question and its answer.

    HTML components are updated in place while text streams in, so that focus and selection in the
    sentences above stay; a text message would be drawn anew for every word. The sources are a component
    of their own, so that they are not sent again for every word.
    """
    return [
        {"role": "user", "content": render.user_message(question)},
        {"role": "assistant", "content": [_component(html), _component(sources)]},
    ]


def _component(html: str) -> dict[str, Any]:
    return {
        "type": "component",
        "component": "html",
        "value": html,
        "constructor_args": {},
        "props": {"apply_default_css": False, "js_on_load": None},
    }
