"""The whole page: which parts stand where, and what keeps them up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from ui import frame, texts
from ui.page.chat import Chat
from ui.page.desk import Desk
from ui.page.evaluation import Evaluation
from ui.page.history import History
from ui.page.papers import Papers
from ui.page.parts import QUICK, Update, bus, html, letter, mailbox, owner_of
from ui.page.session import Session
from ui.page.settings import Settings
from ui.stream import POLL_SECONDS

if TYPE_CHECKING:
    from ui.engine import Engine
    from ui.userdata import Database

DAY = 86_400
_ALL_VISIBLE = "() => Array(3).fill({ __type__: 'update', visible: true })"


class Page:
    """Holds nothing that belongs to a reader."""

    def __init__(self, engine: Engine, database: Database | None = None, reports: Path | None = None) -> None:
        self.desk = Desk(engine, database)
        with gr.Blocks(title=texts.TITLE, analytics_enabled=False, fill_width=True, delete_cache=(DAY, DAY)) as app:
            self.app = app
            self.bus, self.mail = bus(), mailbox()
            with gr.Row(elem_id="pc-top"):
                html(frame.header(), "pc-header")
                self.status = html(frame.status_line(engine.status()), "pc-status")
            with gr.Row(elem_id="pc-main"):
                with gr.Column(elem_id="pc-side", scale=1, min_width=0):
                    self.history = History(self.desk)
                with gr.Column(elem_id="pc-left", scale=3):
                    html(frame.chat_bar(), "pc-chat-bar")
                    self.chat = Chat(self.desk)
                with gr.Column(elem_id="pc-right", scale=2):
                    html(frame.panel(), "pc-panel-box")
            # Not in the document before somebody goes there, which also spares their scripts.
            with gr.Column(elem_id="pc-papers", visible=False) as papers:
                self.papers = Papers(self.desk)
            with gr.Column(elem_id="pc-evaluation", visible=False) as evaluation:
                self.evaluation = Evaluation(self.desk, reports)
            with gr.Column(elem_id="pc-settings", visible=False) as settings:
                self.settings = Settings(self.desk)
            self.bus.visit(None, outputs=[papers, evaluation, settings], js=_ALL_VISIBLE, **QUICK)
            self.timer = gr.Timer(POLL_SECONDS)
            self._wire()

    def _wire(self) -> None:
        self.chat.wire(self.bus, self.mail, self.history.list)
        self.history.wire(self.bus, self.chat)
        self.papers.wire(self.bus, self.mail, self.refreshed())
        self.evaluation.wire(self.bus, self.mail)
        self.settings.wire(self.app)
        outputs = [self.status, self.timer, self.chat.chat]
        self.timer.tick(self._refresh, outputs=outputs, **QUICK)
        self.app.load(self._load, inputs=self.chat.session, outputs=[*outputs, self.history.list, self.mail], **QUICK)

        # With each message of an event Gradio copies every component whose loading state it may have to show, the
        # conversation among them. We show none of these.
        for event in self.app.fns.values():
            if event.show_progress == "hidden":
                event.show_progress_on = [self.mail]

    def refreshed(self) -> list[gr.components.Component]:
        """What changes with the collection."""
        return [self.status, self.chat.chat]

    def _load(self, session: Session, request: gr.Request) -> Update:
        sidebar = self.desk.sidebar(owner_of(request), session)
        return {**self._refresh(), self.history.list: sidebar, self.mail: letter("loaded")}

    def _refresh(self) -> Update:
        """The status line and the example questions; the timer rests once nothing will change by itself."""
        status = self.desk.engine.status()
        waiting = not status.ready and status.error is None
        return {
            self.status: frame.status_line(status),
            self.timer: gr.Timer(active=waiting),
            **({self.chat.chat: gr.update(examples=self.desk.examples())} if status.ready else {}),
        }
