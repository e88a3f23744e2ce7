"""axe-core finds nothing on any state of the page, in light, in dark, and on a phone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.fake_engine import FakeEngine
from tests.browser.page import DESK, PHONE, Page
from tests.ui.test_reports import ANSWERS
from ui import texts

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket]

QUESTION = "What does MInference speed up?"


def in_every_look(page: Page, state: str) -> None:
    page.settle()
    assert page.violations() == [], state
    page.theme("dark")
    page.settle()
    assert page.violations(contrast_only=True) == [], f"{state}, dark"
    page.theme("light")
    page.resize(*PHONE)
    page.settle()
    assert page.violations() == [], f"{state}, on a phone"
    page.resize(*DESK)


def test_asking(page: Page, engine: FakeEngine) -> None:
    page.prefer("light", calm=True)
    engine.word_seconds = 0.003
    page.until(lambda: page.shown("#pc-chat .example"))
    in_every_look(page, "start")
    page.ask(QUESTION)
    assert page.all('#pc-chat [aria-live="polite"]')
    in_every_look(page, "answer")
    page.open_chip(page.all(".pc-cite")[1])
    in_every_look(page, "open source")
    page.one(".pc-why summary").click()
    page.one(".pc-withheld summary").click()
    page.one('.pc-thumb[data-thumb="1"]').click()
    in_every_look(page, "why")
    page.ask("What is fast since 2024 at NeurIPS?")
    page.ask("Quote something")
    page.ask("What is the capital of France?")
    in_every_look(page, "refusal")
    page.ask("Fail, please")
    in_every_look(page, "error")
    engine.word_seconds = 0.3
    page.ask("Tell me everything", wait=False)
    page.until(lambda: page.text("#pc-chat .pc-draft"))
    assert page.violations() == [], "while it is written"
    page.one("#pc-stop").click()
    page.wait_for_answer()
    page.resize(*PHONE)
    page.one(".pc-side-toggle").click()
    page.settle()
    assert page.violations() == [], "conversations on a phone"


def test_the_other_pages(page: Page, tmp_path: Path) -> None:
    page.prefer("light", calm=True)
    page.show("papers")
    page.one("#pc-add button").click()
    page.until(lambda: page.all("#pc-files input[type=file]"))
    papers = tmp_path / "papers.txt"
    papers.write_text("a paper")
    page.one("#pc-files input[type=file]").send_keys(str(papers))
    page.until(lambda: page.text("#pc-report .pc-rejected"))
    page.one(".pc-papers-table summary").click()
    in_every_look(page, "papers")
    page.one(".pc-pick").click()
    page.one('[data-do="delete-papers"]').click()
    page.until(lambda: page.shown("#pc-dialog"))
    assert page.violations() == [], "a question before something is deleted"
    page.one('#pc-dialog button[value="no"]').click()

    page.one('[data-view="map"]').click()
    page.until(lambda: page.all("#pc-map .pc-map-plane"))
    page.all('.pc-legend-list[data-by="topic"] button')[0].click()
    page.until(lambda: page.all(".pc-map-list button"))
    page.all(".pc-map-list button")[0].click()
    page.until(lambda: page.text(".pc-map-card h3"))
    in_every_look(page, "map")

    page.show("evaluation")
    page.one("#pc-compare-questions").send_keys("What is fast?")
    page.one(".pc-compare .pc-primary").click()
    page.until(lambda: texts.COMPARE_DONE in page.text("#pc-compare-progress"))
    report = tmp_path / "report.json"
    report.write_text(json.dumps(ANSWERS))
    page.until(lambda: page.all("#pc-report-file"))
    page.one("#pc-report-file").send_keys(str(report))
    page.until(lambda: page.all(".pc-report-view .pc-figures"))
    in_every_look(page, "evaluation")

    page.show("settings")
    in_every_look(page, "settings")
