"""The list of conversations and what the page's script asks for: open, rename, delete, edit, rate, export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from rag.errors import PaperchatError
from ui import frame, sidebar, texts, transcript
from ui.conversations import Conversation
from ui.page.chat import Chat
from ui.page.desk import Desk
from ui.page.live import Run, writing
from ui.page.parts import QUICK, Update, html, letter, owner_of
from ui.page.session import Session, restored


class History:
    """The list beside the conversation."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        html(sidebar.frame(), "pc-side-frame")
        self.list = html("", "pc-side-list")

    def wire(self, bus: gr.HTML, chat: Chat) -> None:
        """Connects the events of the page's script."""
        self.chat = chat
        bus.act(self._act, inputs=[chat.session, chat.running], outputs=chat.outputs, **QUICK)

    def _act(self, session: Session, running: Run | None, event: gr.EventData, request: gr.Request) -> Update:
        sent: Mapping[str, Any] = event._data or {}
        owner = owner_of(request)
        try:
            match str(sent.get("do")):
                case "open":
                    return self._open(session, running, owner, str(sent.get("id")))
                case "new" if not writing(running):
                    return self.chat.showing(Session(search=session.search), owner)
                case "find":
                    session = replace(session, search=str(sent.get("text", ""))[:200])
                    return {self.chat.session: session, self.list: self.desk.sidebar(owner, session)}
                case "rename" | "delete":
                    return self._change(session, running, owner, sent)
                case "edit" | "keep" if not writing(running):
                    return self._edit(session, sent)
                case "rate":
                    return self._rate(session, owner, sent)
                case "export":
                    return self._export(session, owner, str(sent.get("form")))
        except PaperchatError as error:
            return {self.chat.mail: letter("note", text=str(error))}
        return {self.chat.running: running}

    def _open(self, session: Session, running: Run | None, owner: str, conversation: str) -> Update:
        # An answer that is being written ends with its page; what was checked is kept.
        if writing(running):
            running.cancel.set()
            return {self.chat.mail: letter("again", id=conversation)}
        found = self.desk.conversations.get(owner, conversation) if self.desk.conversations else None
        if found is None:
            missing = letter("note", text=texts.GONE, forget=conversation)
            return {self.chat.mail: missing, self.list: self.desk.sidebar(owner, session)}
        return self.chat.showing(restored(found, session.search), owner)

    def _change(self, session: Session, running: Run | None, owner: str, sent: Mapping[str, Any]) -> Update:
        conversation, kept = str(sent.get("id")), self.desk.conversations
        if kept is None:
            return {self.chat.running: running}
        if sent["do"] == "rename":
            kept.rename(owner, conversation, str(sent.get("text", "")))
        else:
            kept.delete(owner, conversation)
            if session.conversation == conversation and not writing(running):
                return self.chat.showing(Session(search=session.search), owner)
        return {self.list: self.desk.sidebar(owner, session)}

    def _edit(self, session: Session, sent: Mapping[str, Any]) -> Update:
        turn = sent.get("turn")
        if sent["do"] == "keep" or not isinstance(turn, int) or not 0 <= turn < len(session.exchanges):
            return {self.chat.session: replace(session, editing=None), self.chat.notice: "", self.chat.box: ""}
        return {
            self.chat.session: replace(session, editing=turn),
            self.chat.notice: frame.editing(),
            self.chat.box: session.exchanges[turn].question,
        }

    def _rate(self, session: Session, owner: str, sent: Mapping[str, Any]) -> Update:
        turn, thumb = sent.get("turn"), sent.get("thumb")
        if self.desk.conversations is None or session.conversation is None or not isinstance(turn, int):
            return {self.chat.mail: letter("note", text=texts.NOT_KEPT)}
        position = session.exchanges[turn].position if 0 <= turn < len(session.exchanges) else None
        if position is None:
            return {self.chat.mail: letter("note", text=texts.NOT_KEPT)}
        value = thumb if isinstance(thumb, int) else 0
        self.desk.conversations.rate(owner, session.conversation, position, value, str(sent.get("comment", "")))
        return {self.chat.mail: letter("rated", turn=turn)}

    def _export(self, session: Session, owner: str, form: str) -> Update:
        if form == "feedback":
            text = transcript.evaluation_set(self.desk.conversations.rated(owner)) if self.desk.conversations else ""
            name = "paperchat-feedback.jsonl"
        else:
            form = form if form in transcript.FORMS else "markdown"
            text = transcript.conversation(self._shown(session, owner), form) if session.exchanges else ""
            name = f"paperchat.{transcript.ENDINGS[form]}"
        if not text.strip():
            return {self.chat.mail: letter("note", text=texts.NOTHING_TO_EXPORT)}
        return {self.chat.mail: letter("file", name=name, text=text)}

    def _shown(self, session: Session, owner: str) -> Conversation:
        """The conversation on the page, with what is kept of it beside the turns."""
        kept = self.desk.conversations
        known = kept.get(owner, session.conversation) if kept and session.conversation else None
        return session.as_conversation(known)
