"""The chat page: Gradio components and events. What they show is made by `ui.render`.

Each conversation lives in `gr.State`, so it belongs to one browser tab. The pipeline runs in a thread of
its own for every question, and the event handler is an asynchronous generator: Gradio can close it at any
moment (the reader stopped, left, or lost the connection), and closing it stops the computation.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Gradio reads this when it is imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware

from rag.errors import PaperchatError, UsageError
from rag.pipeline import MAX_QUESTION
from rag.types import Answer
from ui import cards, render, serving, texts
from ui.stream import POLL_SECONDS, AnswerStream

if TYPE_CHECKING:
    from ui.engine import Engine

log = logging.getLogger(__name__)

Auth = tuple[str, str] | list[tuple[str, str]] | Callable[[str, str], bool]
Update = dict[Any, Any]

CHAT_LIMIT = 16
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, what the page shows for it, and the answer if there was one."""

    question: str
    html: str
    sources: str = cards.NO_SOURCES
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One reader's conversation."""

    exchanges: tuple[Exchange, ...] = ()

    def history(self) -> list[tuple[str, str]]:
        """What a follow-up may refer to."""
        return [(e.question, e.answer.text) for e in self.exchanges if e.answer is not None]

    def messages(self) -> list[dict[str, Any]]:
        """The conversation as `gr.Chatbot` takes it."""
        return [message for e in self.exchanges for message in _messages(e.question, e.html, e.sources)]


def build_app(engine: Engine) -> gr.Blocks:
    """The page over this engine, not yet served."""
    return _Page(engine).app


def launch(
    engine: Engine,
    host: str,
    port: int,
    *,
    auth: Auth | None = None,
    open_browser: bool = False,
    block: bool = True,
    announce: Callable[[str], None] | None = None,
) -> gr.Blocks:
    """Starts loading the models and serves the page at once.

    Args:
        engine: Loads models and answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes any free one.
        auth: Names and passwords, or a function that checks them.
        open_browser: Open the page in the reader's browser.
        block: Return only when the server was stopped.
        announce: Called with the page's address once it can be opened.

    Raises:
        UsageError: The address is taken or does not exist.
    """
    port = serving.usable_port(host, port)
    engine.start()
    serving.reach_directly(host)
    app = build_app(engine)
    try:
        app.launch(
            server_name=host,
            server_port=port,
            auth=auth,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            show_error=False,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            favicon_path=str(_asset("favicon.png")),
            theme=_theme(),
            head=_head(),
            app_kwargs={"middleware": [Middleware(serving.SecurityHeaders)]},
        )
    except OSError as error:  # Somebody took the port in the meantime.
        raise UsageError(texts.port_busy(host, port, None)) from error
    if announce is not None:
        announce(str(app.local_url))
    if block:
        serving.serve_until_stopped(app)
    return app


class _Page:
    """Components and handlers; holds nothing that belongs to a reader."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with gr.Blocks(title=texts.TITLE, analytics_enabled=False, fill_width=True, delete_cache=(DAY, DAY)) as app:
            self.app = app
            self.session = gr.State(Session())
            self.running = gr.State(None)
            with gr.Row(elem_id="pc-top"):
                _html(render.header(), "pc-header")
                self.status = _html(render.status_line(engine.status()), "pc-status")
            with gr.Row(elem_id="pc-main"):
                with gr.Column(elem_id="pc-left", scale=3):
                    self._conversation()
                with gr.Column(elem_id="pc-right", scale=2):
                    _html(render.panel(), "pc-panel-box")
                    self._upload()
            self.timer = gr.Timer(POLL_SECONDS)
            self._wire()

    def _conversation(self) -> None:
        self.chat = gr.Chatbot(
            elem_id="pc-chat",
            label=texts.CHAT_LABEL,
            show_label=False,
            height="100%",
            placeholder=render.start(),
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
        )
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

    def _upload(self) -> None:
        with gr.Accordion(texts.ADD_PAPERS, open=False, elem_id="pc-add"):
            self.files = gr.File(
                file_count="multiple",
                label=texts.DROP_LABEL,
                show_label=False,
                elem_id="pc-files",
                height=140,
                type="filepath",
            )
            self.report = _html("", "pc-report")

    def _wire(self) -> None:
        buttons = [self.send, self.stop, self.retry, self.clear]
        outputs = [self.chat, self.session, self.running, self.box, *buttons]
        asking: dict[str, Any] = {
            "outputs": outputs,
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
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        self.stop.click(self._stop, inputs=self.running, outputs=self.stop, **quick)
        self.clear.click(self._clear, inputs=self.running, outputs=outputs, **quick)
        refreshed = [self.status, self.timer, self.chat]
        self.timer.tick(self._refresh, outputs=refreshed, **quick)
        self.app.load(self._refresh, outputs=refreshed, **quick)
        self.files.upload(
            self._ingest,
            inputs=self.files,
            outputs=[self.report, self.files, self.status, self.chat],
            show_progress="full",
            show_progress_on=self.report,
            concurrency_limit=1,
            concurrency_id="upload",
            trigger_mode="once",
            api_visibility="private",
        )

    # --- asking -------------------------------------------------------------------------------------

    async def _ask(self, question: str, session: Session, running: threading.Event | None) -> AsyncIterator[Update]:
        # The box is emptied when the question is taken, not later: the next one may be in it by then.
        async for update in self._answer(question, session, running, at_once={self.box: ""}):
            yield update

    async def _ask_example(
        self, session: Session, running: threading.Event | None, event: gr.SelectData
    ) -> AsyncIterator[Update]:
        async for update in self._answer(event.value["text"], session, running):
            yield update

    async def _ask_again(self, session: Session, running: threading.Event | None) -> AsyncIterator[Update]:
        last = session.exchanges[-1].question if session.exchanges else ""
        async for update in self._answer(last, Session(session.exchanges[:-1]), running):
            yield update

    async def _answer(
        self, question: str, session: Session, running: threading.Event | None, at_once: Update | None = None
    ) -> AsyncIterator[Update]:
        """Streams one answer into the conversation; one at a time in each session."""
        question = (question or "").strip()
        if running is not None or not question:
            yield {self.running: running}
            return
        turn, before, cancel = len(session.exchanges), session.messages(), threading.Event()
        state = render.Writing(question)
        yield {
            self.chat: before + _messages(question, render.writing(state, turn), cards.NO_SOURCES),
            self.session: session,
            self.running: cancel,
            **self._buttons(writing=True),
            **(at_once or {}),
        }
        try:
            stream = AnswerStream(self.engine, question, session.history(), cancel)
            while state.answer is None and not stream.abandoned:
                for event in await stream.next_events():
                    state = state.after(event)
                if not stream.started:
                    state = replace(state, stage=self.engine.status().stage)
                # Also when nothing came: Gradio notices at a yield that the reader has left.
                html, sources = render.writing(state, turn), render.writing_sources(state, turn)
                yield {self.chat: before + _messages(question, html, sources)}
            if state.answer is None:
                html = render.stopped_early(turn)
        except PaperchatError as error:
            html = render.error_message(str(error))
        except Exception:
            log.exception("an answer failed")
            html = render.error_message(texts.UNEXPECTED_ERROR)
        finally:
            cancel.set()
        sources = render.writing_sources(state, turn)
        session = Session((*session.exchanges, Exchange(question, html, sources, state.answer)))
        yield {
            self.chat: session.messages(),
            self.session: session,
            self.running: None,
            **self._buttons(writing=False),
        }

    def _buttons(self, *, writing: bool, empty: bool = False) -> Update:
        return {
            self.send: gr.update(visible=not writing),
            self.stop: gr.update(visible=writing, value=texts.STOP, interactive=True),
            self.retry: gr.update(visible=not empty, interactive=not writing),
            self.clear: gr.update(visible=not empty, interactive=not writing),
        }

    def _stop(self, running: threading.Event | None) -> Any:
        if running is None:
            return gr.skip()
        running.set()
        return gr.update(value=texts.STOPPING, interactive=False)

    def _clear(self, running: threading.Event | None) -> Update:
        if running is not None:
            return {self.running: running}
        return {self.chat: [], self.session: Session(), **self._buttons(writing=False, empty=True)}

    # --- the collection -----------------------------------------------------------------------------

    def _refresh(self) -> Update:
        """The status line and the example questions; the timer rests once nothing will change by itself."""
        status = self.engine.status()
        waiting = not status.ready and status.error is None
        update: Update = {self.status: render.status_line(status), self.timer: gr.Timer(active=waiting)}
        if status.ready:
            examples = [{"text": question} for question in self.engine.suggestions()]
            update[self.chat] = gr.update(examples=examples)
        return update

    def _ingest(self, files: Sequence[str] | None, progress: gr.Progress = gr.Progress()) -> Update:  # noqa: B008
        def report(done: int, total: int, papers: int) -> None:
            progress(done / total if total else None, desc=texts.INGESTING.format(papers=papers))

        if not files:
            return {self.files: None}
        try:
            html = render.ingest_report(self.engine.ingest([Path(name) for name in files], report))
        except PaperchatError as error:
            html = render.ingest_error(str(error))
        except Exception:
            log.exception("an upload failed")
            html = render.ingest_error(texts.UNEXPECTED_ERROR)
        refreshed = self._refresh()
        del refreshed[self.timer]
        return {self.report: html, self.files: None, **refreshed}


def _messages(question: str, html: str, sources: str) -> list[dict[str, Any]]:
    # HTML components are updated in place while text streams in, so that focus and selection in the
    # sentences above stay; a text message would be drawn anew for every word. The sources are a component
    # of their own, so that they are not sent again for every word.
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


def _html(value: str, elem_id: str) -> gr.HTML:
    return gr.HTML(value, js_on_load=None, apply_default_css=False, elem_id=elem_id)


def _asset(name: str) -> Path:
    return Path(__file__).parent / "assets" / name


def _head() -> str:
    style, script = (_asset(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    about = f'<meta name="description" content="{texts.TAGLINE}">'
    return f"{about}<style>{style}</style><script>{script}</script>"


def _theme() -> gr.themes.Base:
    # This font comes with Gradio and is served from this machine; its other weights there lack most letters.
    return gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
