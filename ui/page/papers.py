"""The papers page: what is in the collection, and adding to it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ingest.pipeline import Options
from ingest.sources import PASTED, form_of
from rag.errors import PaperchatError
from ui import frame, shelf, shelf_markup, texts, why_not
from ui.page.atlas import Map
from ui.page.desk import Desk
from ui.page.parts import SLOW, Update, html, letter, owner_of

log = logging.getLogger(__name__)

# Characters; about five hundred papers.
MAX_PASTED = 1_000_000


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
            self.pasted = gr.Textbox(
                label=texts.PASTE_LABEL,
                placeholder=texts.PASTE_HINT,
                lines=3,
                max_lines=10,
                max_length=MAX_PASTED,
                elem_id="pc-paste",
            )
            self.add = gr.Button(texts.PASTE_ADD, elem_id="pc-paste-add", size="sm")
            self.report = html("", "pc-report")
        html(shelf_markup.controls(), "pc-shelf-controls")
        self.table = html("", "pc-shelf")
        self.map = Map(desk)

    def wire(self, bus: gr.HTML, mail: gr.HTML, refreshed: Sequence[gr.components.Component]) -> None:
        """Connects events; `refreshed` are the status line and the conversation with its examples."""
        self.mail = mail
        self.status, self.chat = refreshed
        bus.work(self._work, outputs=[self.table, self.map.plane, mail, *refreshed], concurrency_limit=8, **SLOW)
        adding: dict[str, Any] = {
            "outputs": [self.report, self.files, self.pasted, self.table, mail, *refreshed],
            "show_progress": "full",
            "show_progress_on": self.report,
            "concurrency_limit": 1,
            "concurrency_id": "upload",
            "trigger_mode": "once",
            "api_visibility": "private",
        }
        self.files.upload(self._upload, inputs=self.files, **adding)
        self.add.click(self._paste, inputs=self.pasted, **adding)

    def _work(self, event: gr.EventData, request: gr.Request) -> Update:
        sent: Mapping[str, Any] = event._data or {}
        try:
            match sent.get("do"):
                case "browse":
                    return {self.table: self._browse(sent)}
                case "delete-papers":
                    return self._delete(sent)
                case str(asked) if asked in Map.ASKS:
                    return self.map.work(sent, self.mail)
                case "explain":
                    question, paper = str(sent.get("question", "")), str(sent.get("paper", ""))
                    preferences = self.desk.preferences(owner_of(request))
                    k = preferences.k or self.desk.engine.parts().config.k
                    found = why_not.look_up(self.desk.pipelines.get(preferences), question, paper, k)
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

    def _upload(self, files: Sequence[str] | None, progress: gr.Progress = gr.Progress()) -> Update:  # noqa: B008
        if not files:
            return {self.files: None}
        report, _ = self._ingest([Path(name) for name in files], Options(), progress)
        return {self.files: None, **report}

    def _paste(self, text: str, progress: gr.Progress = gr.Progress()) -> Update:  # noqa: B008
        if not (text or "").strip():
            return {self.report: frame.ingest_error(texts.PASTE_NOTHING)}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / PASTED  # the name that the report shows
            path.write_text(text, encoding="utf-8", errors="replace")
            report, worked = self._ingest([path], Options(form=form_of(text)), progress)
        # What could not be used stays in its box, to be mended.
        return {**({self.pasted: ""} if worked else {}), **report}

    def _ingest(self, paths: Sequence[Path], options: Options, progress: gr.Progress) -> tuple[Update, bool]:
        """What the page shows after adding these files, and whether it could be done."""

        def report(done: int, total: int, papers: int) -> None:
            progress(done / total if total else None, desc=texts.INGESTING.format(papers=papers))

        worked = False
        try:
            found = frame.ingest_report(self.desk.engine.ingest(paths, report, options))
            worked = True
        except PaperchatError as error:
            found = frame.ingest_error(str(error))
        except Exception:
            log.exception("adding papers failed")
            found = frame.ingest_error(texts.UNEXPECTED_ERROR)
        # The list and the map show the collection as it is now.
        changed = {self.table: self._browse({}), self.mail: letter("map", again=1)}
        return {self.report: found, **changed, **self._refreshed()}, worked
