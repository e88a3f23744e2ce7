"""The papers page: what is in the collection, and adding to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from rag.errors import PaperchatError
from ui import frame, shelf, shelf_markup, texts, why_not
from ui.page.desk import Desk
from ui.page.parts import SLOW, Update, html, letter, owner_of

log = logging.getLogger(__name__)

# Papers an answer reads where nobody chose.
DEFAULT_K = 8


class Papers:
    """Table, chart, upload."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        with gr.Accordion(texts.ADD_PAPERS, open=False, elem_id="pc-add"):
            self.files = gr.File(
                file_count="multiple",
                label=texts.DROP_LABEL,
                show_label=False,
                elem_id="pc-files",
                height=140,
                type="filepath",
            )
            self.report = html("", "pc-report")
        html(shelf_markup.controls(), "pc-shelf-controls")
        self.table = html("", "pc-shelf")

    def wire(self, bus: gr.HTML, mail: gr.HTML, refreshed: Sequence[gr.components.Component]) -> None:
        """Connects events; `refreshed` are the status line and the conversation with its examples."""
        self.mail = mail
        self.status, self.chat = refreshed
        bus.work(self._work, outputs=[self.table, mail, *refreshed], concurrency_limit=8, **SLOW)
        self.files.upload(
            self._ingest,
            inputs=self.files,
            outputs=[self.report, self.files, self.table, *refreshed],
            show_progress="full",
            show_progress_on=self.report,
            concurrency_limit=1,
            concurrency_id="upload",
            trigger_mode="once",
            api_visibility="private",
        )

    def _work(self, event: gr.EventData, request: gr.Request) -> Update:
        sent: Mapping[str, Any] = event._data or {}
        try:
            match sent.get("do"):
                case "browse":
                    return {self.table: self._browse(sent)}
                case "delete-papers":
                    return self._delete(sent)
                case "explain":
                    question, paper = str(sent.get("question", "")), str(sent.get("paper", ""))
                    k = self.desk.preferences(owner_of(request)).k or DEFAULT_K
                    found = why_not.look_up(self.desk.engine.pipeline(), question, paper, k)
                    return {self.mail: letter("explained", turn=sent.get("turn"), html=found)}
        except PaperchatError as error:
            return {self.mail: letter("note", text=str(error))}
        return {self.mail: letter("nothing")}

    def _browse(self, sent: Mapping[str, Any]) -> str:
        wish = shelf.Wish.read(sent)
        page = self.desk.shelf().page(wish)
        return shelf_markup.table(page, wish, self.desk.abstracts([row.id for row in page.rows]))

    def _delete(self, sent: Mapping[str, Any]) -> Update:
        ids = [str(paper_id) for paper_id in sent.get("ids", ())][: shelf.PAGE]
        deleted = self.desk.delete(ids)
        told = letter("note", text=texts.deleted(deleted))
        return {self.mail: told, self.table: self._browse(sent), **self._refreshed()}

    def _refreshed(self) -> Update:
        examples = gr.update(examples=self.desk.examples())
        return {self.status: frame.status_line(self.desk.engine.status()), self.chat: examples}

    def _ingest(self, files: Sequence[str] | None, progress: gr.Progress = gr.Progress()) -> Update:  # noqa: B008
        def report(done: int, total: int, papers: int) -> None:
            progress(done / total if total else None, desc=texts.INGESTING.format(papers=papers))

        if not files:
            return {self.files: None}
        try:
            found = frame.ingest_report(self.desk.engine.ingest([Path(name) for name in files], report))
        except PaperchatError as error:
            found = frame.ingest_error(str(error))
        except Exception:
            log.exception("an upload failed")
            found = frame.ingest_error(texts.UNEXPECTED_ERROR)
        return {self.report: found, self.files: None, self.table: self._browse({}), **self._refreshed()}
