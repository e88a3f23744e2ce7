"""Asking: the conversation, the question box, and the events that stream an answer.

Each conversation lives in `gr.State`, so it belongs to one browser tab. The pipeline runs in a thread of
its own for every question, and the event handler is an asynchronous generator: Gradio can close it at any
moment (the reader stopped, left, or lost the connection), and closing it stops the computation.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import gradio as gr

from rag.errors import PaperchatError
from rag.filters import Filters
from rag.pipeline import MAX_QUESTION
from rag.types import Answer
from ui import cards, frame, render, texts
from ui.conversations import State
from ui.page.desk import Desk
from ui.page.live import Run, writing
from ui.page.parts import QUICK, SLOW, Update, growing, html, letter, owner_of
from ui.page.session import Exchange, Session, messages
from ui.stream import POLL_SECONDS, AnswerStream

log = logging.getLogger(__name__)

CHAT_LIMIT = 16


class Chat:
    """Components and handlers; holds nothing that belongs to a reader."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = gr.State(Session())
        self.running = gr.State(None)
        self.chat = gr.Chatbot(
            elem_id="pc-chat",
            label=texts.CHAT_LABEL,
            show_label=False,
            height="100%",
            placeholder=frame.start(),
            layout="panel",
            buttons=[],
            feedback_options=None,
            group_consecutive_messages=False,
            # Text messages are HTML made by `ui.render`: escaped there, and sanitised once more by Gradio.
            # Markdown and LaTeX would give a meaning to characters that somebody else wrote.
            render_markdown=False,
            sanitize_html=True,
            latex_delimiters=[],
            allow_tags=False,
            # It would move what is being read; `assets/reading.js` says where the conversation stands.
            autoscroll=False,
        )
        self.live = growing()
        self.notice = html("", "pc-notice")
        with gr.Row(elem_id="pc-ask"):
            self.box = gr.Textbox(
                elem_id="pc-box",
                label=texts.BOX_LABEL,
                placeholder=texts.PLACEHOLDER,
                lines=1,
                max_lines=6,
                max_length=MAX_QUESTION,
                container=False,
                autofocus=True,
                scale=1,
                html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
            )
            self.send = gr.Button(texts.SEND, variant="primary", elem_id="pc-send", scale=0, min_width=80)
            self.stop = gr.Button(texts.STOP, variant="stop", elem_id="pc-stop", scale=0, min_width=80, visible=False)
        with gr.Row(elem_id="pc-after"):
            small: dict[str, Any] = {"size": "sm", "visible": False, "scale": 0, "min_width": 90}
            self.retry = gr.Button(texts.RETRY, elem_id="pc-retry", **small)
            self.clear = gr.Button(texts.CLEAR, elem_id="pc-clear", **small)

    def wire(self, bus: gr.HTML, mail: gr.HTML, sidebar: gr.HTML) -> None:
        """Connects events; the parts that other concerns own are handed in."""
        self.mail, self.sidebar = mail, sidebar
        buttons = [self.send, self.stop, self.retry, self.clear]
        self.outputs = [self.chat, self.session, self.running, self.box, self.notice, sidebar, mail, *buttons]
        asking: dict[str, Any] = {
            "outputs": self.outputs,
            "show_progress": "hidden",
            "trigger_mode": "once",
            "concurrency_limit": CHAT_LIMIT,
            "concurrency_id": "chat",
            "api_visibility": "private",
        }
        state = [self.session, self.running]
        gr.on([self.box.submit, self.send.click], self._ask, inputs=[self.box, *state], **asking)
        self.chat.example_select(self._ask_example, inputs=state, **asking)
        self.retry.click(self._ask_again, inputs=state, **asking)
        bus.ask(self._ask_sent, inputs=state, **asking)
        # Beside the event that answers: Gradio makes every output of an event anew whenever it sends something.
        self.running.change(
            self._follow, inputs=self.running, outputs=self.live, concurrency_limit=None, concurrency_id="live", **SLOW
        )
        self.stop.click(self._stop, inputs=self.running, outputs=buttons, **QUICK)
        self.clear.click(self._clear, inputs=state, outputs=self.outputs, **QUICK)

    # --- asking -------------------------------------------------------------------------------------

    async def _ask(
        self, question: str, session: Session, running: Run | None, request: gr.Request
    ) -> AsyncIterator[Update]:
        # The box is emptied when the question is taken, not later: the next one may be in it by then.
        at_once = {self.box: ""}
        async for update in self.answer(question, session, running, owner_of(request), at_once=at_once):
            yield update

    async def _ask_example(
        self, session: Session, running: Run | None, event: gr.SelectData, request: gr.Request
    ) -> AsyncIterator[Update]:
        async for update in self.answer(event.value["text"], session, running, owner_of(request)):
            yield update

    async def _ask_again(self, session: Session, running: Run | None, request: gr.Request) -> AsyncIterator[Update]:
        last = session.exchanges[-1] if session.exchanges else Exchange("", "")
        before = session.before(max(len(session.exchanges) - 1, 0))
        async for update in self.answer(last.question, before, running, owner_of(request), filters=last.filters):
            yield update

    async def _ask_sent(
        self, session: Session, running: Run | None, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[Update]:
        """A follow-up suggestion, a paper to ask about, or a question without one of its filters."""
        sent = event._data or {}
        question, filters, turn = str(sent.get("text", "")), None, sent.get("turn")
        session = replace(session, editing=None)
        if isinstance(turn, int) and 0 <= turn < len(session.exchanges):
            asked, is_last = session.exchanges[turn], turn == len(session.exchanges) - 1
            question, filters = asked.without(sent.get("without"))
            if is_last:
                session = session.before(turn)
            elif asked.answer is not None:  # nothing that came after it is lost; it is asked again at the end
                question = asked.answer.standalone_question
        async for update in self.answer(question, session, running, owner_of(request), filters=filters):
            yield update

    async def answer(
        self,
        question: str,
        session: Session,
        running: Run | None,
        owner: str,
        *,
        at_once: Update | None = None,
        filters: Filters | None = None,
    ) -> AsyncIterator[Update]:
        """Streams one answer into the conversation; one at a time in each session."""
        question = (question or "").strip()
        if writing(running) or not question:
            yield {self.running: running}
            return
        session = session.before(session.editing)
        keeper = self.desk.keeper(owner, session, question)
        kept_as = await asyncio.to_thread(keeper.begin)
        session = session.kept_as(kept_as)
        turn, before = len(session.exchanges), session.messages()
        run = Run(question, turn)
        state = run.state
        asked, words = time.time(), ""
        outcome: State | None = None
        looked = time.monotonic()
        try:
            yield {
                self.chat: before + messages(question, render.writing(state, turn), cards.NO_SOURCES),
                self.session: session,
                self.running: run,
                self.notice: "",
                self.mail: letter("conversation", id=session.conversation),
                self.sidebar: await asyncio.to_thread(self.desk.sidebar, owner, session),
                **self.buttons(writing=True),
                **(at_once or {}),
            }
            preferences = self.desk.preferences(owner)
            stream = AnswerStream(self.desk.pipelines, question, session.history(), run.cancel, preferences, filters)
            while state.answer is None and not stream.abandoned:
                for event in await stream.next_events():
                    state = state.after(event)
                if not stream.started:
                    state = replace(state, stage=self.desk.engine.status().stage)
                run.tell(state)
                await asyncio.to_thread(keeper.progress, state)
                if time.monotonic() - looked >= POLL_SECONDS:
                    # Gradio notices at a yield that the reader has left.
                    yield {self.running: run}
                    looked = time.monotonic()
            outcome = "done" if state.answer else "incomplete"
            words = "" if state.answer else texts.STOPPED_EARLY
        except PaperchatError as error:
            outcome, words = "failed", str(error)
        except Exception:
            log.exception("an answer failed")
            outcome, words = "failed", texts.UNEXPECTED_ERROR
        finally:
            run.end()
            if outcome is None:
                keeper.cut_off(state)
        await asyncio.to_thread(keeper.end, outcome, state.answer, words)
        shown = _shown(state.answer, outcome, words, turn)
        sources = render.writing_sources(state, turn)
        answered = question, shown, sources, state.answer, outcome, words, asked
        exchange = Exchange(*answered, filters=filters, position=keeper.position)
        session = session.followed_by(exchange)
        yield {
            self.chat: session.messages(),
            self.session: session,
            self.running: None,
            self.sidebar: await asyncio.to_thread(self.desk.sidebar, owner, session),
            **self.buttons(writing=False),
        }
        yield {self.running: None}  # What comes last, Gradio sends twice.

    # --- around it ----------------------------------------------------------------------------------

    def buttons(self, *, writing: bool, empty: bool = False) -> Update:
        """Which buttons can be pressed now."""
        return {
            self.send: gr.update(visible=not writing),
            self.stop: gr.update(visible=writing, value=texts.STOP, interactive=True),
            self.retry: gr.update(visible=not empty, interactive=not writing),
            self.clear: gr.update(visible=not empty, interactive=not writing),
        }

    def showing(self, session: Session, owner: str) -> Update:
        """The page with this conversation in it."""
        return {
            self.chat: session.messages(),
            self.session: session,
            self.notice: "",
            self.mail: letter("conversation", id=session.conversation),
            self.sidebar: self.desk.sidebar(owner, session),
            **self.buttons(writing=False, empty=not session.exchanges),
        }

    async def _follow(self, running: Run | None) -> AsyncIterator[str]:
        """What is being written, while it is."""
        if running is not None:
            async for letters in running.letters():
                yield letters

    def _stop(self, running: Run | None) -> Update:
        if running is None:
            return {self.stop: gr.skip()}
        running.cancel.set()
        if running.ended:  # its connection was lost, and the page was not told
            return self.buttons(writing=False)
        return {self.stop: gr.update(value=texts.STOPPING, interactive=False)}

    def _clear(self, session: Session, running: Run | None, request: gr.Request) -> Update:
        if writing(running):
            return {self.running: running}
        return self.showing(Session(search=session.search), owner_of(request))


def _shown(answer: Answer | None, state: State, words: str, turn: int) -> str:
    if answer is not None and state == "done":
        return render.answer(answer, turn)
    return render.error_message(words, turn) if state == "failed" else render.nothing_written(turn, words)
