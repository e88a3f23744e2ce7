"""The evaluation page: two settings over the same questions, and the figures of reports."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from rag.errors import PaperchatError
from ui import compare, compare_markup, frame, reports, reports_markup, texts
from ui.compare import Compared, Comparison, Outcome
from ui.page.desk import Desk
from ui.page.parts import QUICK, SLOW, Update, html, letter, owner_of
from ui.preferences import Preferences
from ui.render import Writing
from ui.stream import AnswerStream

log = logging.getLogger(__name__)

# Comparisons at a time, of all readers; each answer takes its turn in the model's own queue besides.
COMPARISONS = 2


class Evaluation:
    """Components and handlers; holds nothing that belongs to a reader."""

    def __init__(self, desk: Desk, folder: Path | None) -> None:
        self.desk = desk
        self._folder = folder
        self.comparison = gr.State(None)
        self.comparing = gr.State(None)
        html(frame.page_head(texts.EVALUATION, texts.EVALUATION_NOTE), "pc-evaluation-head")
        html(compare_markup.form(), "pc-compare-form")
        self.progress = html("", "pc-compare-progress")
        self.results = html("", "pc-compare-results")
        html(frame.page_head(texts.REPORTS, texts.REPORTS_NOTE), "pc-reports-head")
        self.files = html("", "pc-reports")
        self.report = html("", "pc-report-shown")

    def wire(self, bus: gr.HTML, mail: gr.HTML) -> None:
        """Connects the events of the page's script."""
        self.mail = mail
        self.outputs = [self.progress, self.results, self.comparison, self.comparing]
        bus.compare(
            self._compare,
            inputs=self.comparing,
            outputs=self.outputs,
            show_progress="hidden",
            trigger_mode="once",
            concurrency_limit=COMPARISONS,
            concurrency_id="compare",
            api_visibility="private",
        )
        bus.halt(self._halt, inputs=self.comparing, outputs=self.comparing, **QUICK)
        bus.report(self._report, inputs=self.comparison, outputs=[self.files, self.report, mail], **SLOW)

    # --- comparing --------------------------------------------------------------------------------

    async def _compare(
        self, running: threading.Event | None, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[Update]:
        sent: Mapping[str, Any] = event._data or {}
        if running is not None:
            yield {self.comparing: running}
            return
        own = self.desk.preferences(owner_of(request))
        try:
            asked = compare.questions(str(sent.get("questions", "")))
        except PaperchatError as error:
            yield {self.progress: frame.ingest_error(str(error))}
            return
        sides = [side if isinstance(side, dict) else {} for side in (sent.get("first"), sent.get("second"))]
        first, second = (compare.setting(side, own) for side in sides)
        value = Comparison((first, second), tuple(Compared(question) for question in asked[: compare.MOST]))
        notes = [texts.too_many(compare.MOST, len(asked))] if len(asked) > compare.MOST else []
        if first == second:
            notes.append(texts.COMPARE_SAME)
        async for update in self._answered(value, " ".join(notes)):
            yield update

    async def _answered(self, value: Comparison, note: str) -> AsyncIterator[Update]:
        """Every question under both settings, one answer at a time, so that nobody else waits for all of them."""
        cancel = threading.Event()
        total = 2 * len(value.rows)
        work = [(place, side) for place in range(len(value.rows)) for side in (0, 1)]
        yield {self.comparing: cancel, self.results: "", self.comparison: None, **self._at(value, 0, "", note)}
        try:
            for done, (place, side) in enumerate(work):
                outcome: Outcome | None = None
                async for step in self._outcome(value.rows[place].question, value.settings[side], cancel):
                    if isinstance(step, Outcome):
                        outcome = step
                    else:
                        yield self._at(value, done, step, note)
                if outcome is not None:
                    value = value.with_outcome(place, side, outcome)
                    yield {self.results: compare_markup.results(value), self.comparison: value}
                if cancel.is_set():
                    break
            words = texts.COMPARE_STOPPED if cancel.is_set() else texts.COMPARE_DONE
        finally:
            cancel.set()
        closing = compare_markup.finished(f"{words} {note}".strip())
        yield {self.progress: closing if total else "", self.comparing: None}

    def _at(self, value: Comparison, done: int, stage: str, note: str) -> Update:
        words = texts.comparing(done // 2 + 1, len(value.rows), texts.COMPARE_SIDES[done % 2], stage)
        return {self.progress: compare_markup.progress(done, 2 * len(value.rows), f"{words} {note}".strip())}

    async def _outcome(
        self, question: str, setting: Preferences, cancel: threading.Event
    ) -> AsyncIterator[str | Outcome]:
        """What is done just now, in words, and at last the outcome; none where it was stopped before an answer."""
        state = Writing(question)
        try:
            stream = AnswerStream(self.desk.pipelines, question, (), cancel, setting)
            while state.answer is None and not stream.abandoned:
                for event in await stream.next_events():
                    state = state.after(event)
                # Also when nothing came: Gradio notices at a yield that the reader has left.
                yield state.stage if stream.started else self.desk.engine.status().stage
        except PaperchatError as error:
            yield Outcome(error=str(error))
        except Exception:
            log.exception("an answer of a comparison failed")
            yield Outcome(error=texts.UNEXPECTED_ERROR)
        if state.answer is not None:
            yield Outcome(state.answer)

    @staticmethod
    def _halt(running: threading.Event | None) -> Any:
        if running is not None:
            running.set()
        return gr.skip()

    # --- reports ------------------------------------------------------------------------------------

    async def _report(self, value: Comparison | None, event: gr.EventData) -> Update:
        sent: Mapping[str, Any] = event._data or {}
        return await asyncio.to_thread(self._answer, value, sent)

    def _answer(self, value: Comparison | None, sent: Mapping[str, Any]) -> Update:
        try:
            match sent.get("do"):
                case "list":
                    found = reports.listed(self._folder)
                    return {self.files: reports_markup.listing(found, str(self._folder or ""))}
                case "open":
                    shown = reports.open_report(self._folder, str(sent.get("name")))
                    return {self.report: reports_markup.report(shown)}
                case "file":
                    return {self.report: reports_markup.report(reports.read(str(sent.get("text", ""))))}
                case "export" if value is not None:
                    text = json.dumps(value.as_dict(), ensure_ascii=False, indent=1)
                    return {self.mail: letter("file", name="paperchat-comparison.json", text=text)}
        except PaperchatError as error:
            return {self.report: frame.ingest_error(str(error))}
        return {self.mail: letter("nothing")}
