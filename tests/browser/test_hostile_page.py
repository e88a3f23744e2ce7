"""Two hundred hostile texts, as papers that are ingested and as questions: they are shown, and that is all."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from ingest import pipeline
from ingest.pipeline import Options
from ingest.records import IngestReport
from rag.filters import Filters
from rag.index import Index
from rag.types import Checked, Context, Draft, Event, Finished, Paper, Refusal, Retrieved, Sentence, Support, Verdict
from tests.answers import answer, numbered, scored
from tests.browser.fake_engine import FakeEngine
from tests.browser.page import DESK, PHONE, Page
from tests.fakes import FakeEmbedder, build_fake_index
from tests.ui.hostile import SCRIPTS, TEXTS
from ui import web
from ui.userdata import Database

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

AT_A_TIME = 29
IN_A_QUESTION = 135  # characters of each text, so that as many fit into one question
ALARM = "window.hacked = () => { window.wasHacked = true; };"
# What our own markup never holds where foreign text stands.
FOREIGN = "script, iframe, object, embed, img, video, audio, link, style, meta, base, form:not([data-do]), [onerror], [onload]"
PLACES = (".pc-answer", "#pc-cards", "#pc-shelf", "#pc-map", "#pc-side-list", ".user-row", "#pc-compare-results")
# Boxes whose content is wider than they are.
BURST = """
return [...document.querySelectorAll('.pc-answer, .pc-card, .user-row .message, #pc-shelf td, .pc-item, .pc-map-card')]
  .filter(box => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1).map(box => box.outerHTML.slice(0, 200));
"""


class HostileEngine(FakeEngine):
    """Reads papers as paperchat does, and answers with what stands in them and in `TEXTS`."""

    @property
    def index(self) -> Index:
        self._index = self._index or build_fake_index((), self.folder)
        return self._index

    def ingest(  # type: ignore[override]
        self, paths: Sequence[Path], progress: Callable[[int, int, int], None], options: Options
    ) -> IngestReport:
        report = pipeline.ingest(paths, self.index, FakeEmbedder, options=options, progress=progress)
        self.papers = len(self.catalog().rows)
        return report

    def suggestions(self) -> tuple[str, ...]:
        return TEXTS[:3]

    def stream(
        self,
        question: str,
        history: Sequence[tuple[str, str]] = (),
        cancel: threading.Event | None = None,
        filters: Filters | None = None,
    ) -> Iterator[Event]:
        batch = len(self.histories) % (len(TEXTS) // AT_A_TIME)
        self.histories.append(list(history))
        first = batch * AT_A_TIME
        said = TEXTS[first : first + AT_A_TIME]
        papers = list(islice(cycle(self.catalog().papers()), first, first + AT_A_TIME))
        found = tuple(scored(paper, n) for n, paper in enumerate(papers, 1))
        read = tuple(numbered(paper, n, paper.abstract) for n, paper in enumerate(papers, 1))
        sentences = tuple(_sentence(text, n, papers) for n, text in enumerate(said, 1))
        # The first batch is refused in words of the same kind, with the papers as the nearest ones.
        refusal = Refusal("off_topic", said[1], tuple(papers)) if batch == 0 else None
        yield Retrieved(said[0], found, Context(question, read))
        for sentence in sentences:
            yield Draft(sentence.text)
            yield Checked(sentence, shown=True)
        yield Finished(
            answer(
                question=question,
                standalone_question=said[0],
                mode="refused" if refusal else "generated",
                sentences=() if refusal else sentences,
                withheld=sentences[:3],
                context=Context(question, read),
                retrieved=found,
                refusal=refusal,
                model=said[2],
            )
        )


def _sentence(text: str, number: int, papers: Sequence[Paper]) -> Sentence:
    paper = papers[(number - 1) % len(papers)]
    verdict = Verdict.WEAK if number % 2 else Verdict.SUPPORTED
    return Sentence(text, (number,), Support(verdict, 0.7, paper.abstract, paper.id, text), quoted=number % 5 == 0)


@pytest.fixture
def hostile(browser: Page, tmp_path: Path) -> Iterator[Page]:
    engine = HostileEngine(word_seconds=0, folder=tmp_path)
    database = Database(tmp_path / "conversations.sqlite")
    app = web.launch(engine, "127.0.0.1", 0, database=database, block=False)  # type: ignore[arg-type]
    alarm = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": ALARM})
    browser.open(re.sub(r"/$", "", str(app.local_url)))
    yield browser
    browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", alarm)
    errors = browser.console_errors()
    browser.driver.get("about:blank")  # before its server goes: the page would rightly complain
    browser.driver.get_log("browser")
    app.close(verbose=False)
    assert not errors, errors


def harmless(page: Page, where: str) -> None:
    """Nothing ran, nothing foreign stands there, and everything has its place, wide and narrow."""
    assert page.js("return typeof window.hacked") == "function"
    page.js("document.querySelectorAll('details').forEach(each => each.open = true)")
    for size in (DESK, PHONE):
        page.resize(*size)
        assert page.js("return window.wasHacked") is None, where
        assert not page.all(", ".join(f"{place} :is({FOREIGN})" for place in PLACES)), where
        assert page.overflow() <= 0, where
        assert page.js(BURST) == [], where
    page.resize(*DESK)


def test_nothing_runs_nothing_leaves_and_nothing_breaks(hostile: Page, tmp_path: Path) -> None:
    page = hostile
    page.show("papers")
    page.one("#pc-add button").click()
    page.until(lambda: page.all("#pc-files input[type=file]"))
    page.one("#pc-files input[type=file]").send_keys(str(written(tmp_path)))
    page.until(lambda: page.text("#pc-report .pc-counts"), "the report", 60)
    read = int(page.all("#pc-report .pc-counts b")[1].text)
    assert read >= 200
    page.js("document.querySelector('#pc-add button').click()")
    the_table(page)
    the_map(page)
    asked(page)
    page.settle()
    page.reload()
    page.until(lambda: page.all("#pc-chat .pc-answer"))
    harmless(page, "restored")


def written(folder: Path) -> Path:
    rows = [
        # A title of its own keeps each of them a paper of its own.
        {"id": f"h{n}", "title": f"{n} {text}", "abstract": text, "authors": [text, text], "date": "2024", "venue": text,
         "url": f"http://evil.test/{text}"} for n, text in enumerate(TEXTS)
    ]  # fmt: skip
    path = folder / "hostile.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def the_table(page: Page) -> None:
    page.until(lambda: page.all(".pc-papers-table tbody tr"))
    for number in range(5):
        harmless(page, f"page {number} of the table")
        if number < 4:
            wish = page.js("return document.querySelector('.pc-shelf').dataset.wish")
            page.js("document.querySelectorAll('.pc-pager .pc-tool')[1].click()")
            page.until(lambda wish=wish: page.js("return document.querySelector('.pc-shelf').dataset.wish") != wish)
    page.one("#pc-shelf-find").send_keys("<script>")
    page.until(lambda: "<script>" in page.js("return document.querySelector('.pc-shelf').dataset.wish"))


def the_map(page: Page) -> None:
    page.one('[data-view="map"]').click()
    page.until(lambda: page.all("#pc-map .pc-map-plane"), "the map", 60)
    page.until(lambda: page.all(".pc-map-list button"))
    harmless(page, "the map")
    page.all(".pc-map-list button")[0].click()
    page.until(lambda: page.text(".pc-map-card h3"))
    harmless(page, "a paper of the map")


def asked(page: Page) -> None:
    page.show("ask")
    for first in range(0, len(TEXTS), AT_A_TIME):
        question = "\n".join(text[:IN_A_QUESTION] for text in TEXTS[first : first + AT_A_TIME])
        page.until(lambda: not page.all("#pc-chat .pc-answer"))
        page.paste(page.one("#pc-box textarea"), question)
        page.one("#pc-box textarea").send_keys(Keys.ENTER)
        page.until(lambda: page.all("#pc-chat .pc-answer"))
        page.wait_for_answer()
        assert len(page.text("#pc-chat .user-row")) > 1000
        page.until(lambda: len(page.all("#pc-cards .pc-card")) >= AT_A_TIME)
        harmless(page, f"the answer about texts {first} and following")
        if first + AT_A_TIME < len(TEXTS):
            page.one(".pc-new").click()
    assert len(page.conversations()) == len(TEXTS) // AT_A_TIME
    page.js("document.querySelector('.pc-item:has([aria-current]) [data-do=rename]').click()")
    page.one("input.pc-rename").send_keys(Keys.CONTROL, "a")
    page.one("input.pc-rename").send_keys(SCRIPTS[3], Keys.ENTER)
    page.until(lambda: SCRIPTS[3] in page.conversations())
