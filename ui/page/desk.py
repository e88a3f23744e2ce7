"""What the page works with: the engine, and what is kept of its readers. Knows nothing of Gradio."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import IndexMissingError
from rag.types import Answer
from ui import sidebar
from ui.atlas.atlas import Atlas
from ui.atlas.keeper import AtlasKeeper, Drawing
from ui.conversations import Conversations, State
from ui.page.session import Session
from ui.pipelines import Pipelines
from ui.preferences import Preferences, PreferenceStore
from ui.render import Writing
from ui.shelf import Shelf, ShelfKeeper
from ui.userdata import Database, UserDataError

if TYPE_CHECKING:
    from ui.engine import Engine

log = logging.getLogger(__name__)


class Desk:
    """Shared by everyone who has the page open; whose things are meant is asked for everywhere."""

    def __init__(self, engine: Engine, database: Database | None) -> None:
        """Without a database nothing is kept."""
        self.engine = engine
        self.pipelines = Pipelines(engine)
        self._shelf = ShelfKeeper()
        self._atlas = AtlasKeeper()
        self.conversations = Conversations(database) if database else None
        self._preferences = PreferenceStore(database) if database else None

    def preferences(self, owner: str) -> Preferences:
        """What this reader chose."""
        try:
            return self._preferences.get(owner) if self._preferences else Preferences(history=False)
        except UserDataError:
            log.exception("preferences cannot be read")
            return Preferences()

    def choose(self, owner: str, name: str, value: object) -> Preferences:
        """Notes one choice of this reader, and tells all of them.

        Raises:
            UserDataError: It cannot be written.
        """
        return self._preferences.choose(owner, name, value) if self._preferences else Preferences(history=False)

    def sidebar(self, owner: str, session: Session) -> str:
        """The list of this reader's conversations."""
        if self.conversations is None:
            return sidebar.switched_off()
        try:
            found = self.conversations.listed(owner, session.search)
        except UserDataError as error:
            return sidebar.failed(str(error))
        note = "" if self.preferences(owner).history else sidebar.switched_off()
        return note + sidebar.listing(found, session.conversation, time.time(), session.search)

    def examples(self) -> list[dict[str, str]]:
        """Example questions, as `gr.Chatbot` takes them."""
        return [{"text": question} for question in self.engine.suggestions()]

    def shelf(self) -> Shelf:
        """The collection to leaf through; empty where there is no index yet."""
        try:
            return self._shelf.shelf(self.engine.catalog())
        except IndexMissingError:
            return Shelf(())

    def atlas(self) -> Atlas | Drawing:
        """The map of the collection, or how far it has come.

        Raises:
            PaperchatError: It cannot be drawn.
        """
        if not self.engine.ready and not self.engine.failed:
            return Drawing("wait")
        return self._atlas.atlas(self.engine.pipeline().index)

    def abstracts(self, paper_ids: Sequence[str]) -> dict[str, str]:
        """Abstracts by paper id."""
        if not paper_ids:
            return {}
        return {paper_id: paper.abstract for paper_id, (paper, _) in self.engine.catalog().get(paper_ids).items()}

    def delete(self, paper_ids: Sequence[str]) -> int:
        """Removes papers from the collection."""
        return self.engine.delete(paper_ids) if paper_ids else 0

    def keeper(self, owner: str, session: Session, question: str) -> Keeper:
        """Keeps the answer that is about to be written, as the reader wishes."""
        wished = self.preferences(owner).history
        return Keeper(self.conversations if wished else None, owner, session, question)


class Keeper:
    """Keeps one answer while it is written, so that nothing is lost when it is cut off.

    A full disk must not cost the reader the answer: what cannot be kept is logged and the answer goes on.

    Attributes:
        conversation: Under which id it is kept.
        position: Where in it; `None` where nothing is kept.
    """

    def __init__(self, conversations: Conversations | None, owner: str, session: Session, question: str) -> None:
        self.conversation = session.conversation
        self._conversations = conversations
        self._owner = owner
        self._question = question
        self._replacing = session.replaces
        self.position: int | None = None
        self._kept: tuple[int, int, bool] | None = None

    def begin(self) -> str | None:
        """Notes the question. Returns the conversation's id, `None` where it is not kept."""
        if self._conversations is None:
            return self.conversation
        try:
            self.conversation, self.position = self._conversations.begin(
                self._owner, self.conversation, self._question, replacing=self._replacing
            )
        except UserDataError:
            log.exception("the conversation cannot be kept")
            self._conversations = None
        return self.conversation

    def progress(self, state: Writing) -> None:
        """Keeps what has been checked so far, where that is more than before."""
        mark = len(state.sentences), len(state.withheld), state.context is not None
        if mark != self._kept and state.answer is None and state.context is not None:
            self._kept = mark
            self._keep("writing", state.so_far())

    def end(self, state: State, answer: Answer | None, words: str = "") -> None:
        """Keeps what came of it."""
        self._keep(state, answer, words)

    def cut_off(self, state: Writing) -> None:
        """Keeps what there was when the reader left."""
        self._keep("incomplete", state.so_far() if state.context else None)

    def _keep(self, state: State, answer: Answer | None, words: str = "") -> None:
        if self._conversations is None or self.conversation is None or self.position is None:
            return
        try:
            self._conversations.keep(self._owner, self.conversation, self.position, state, answer, words)
        except UserDataError:
            log.exception("the answer cannot be kept")
